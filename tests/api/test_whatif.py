"""``simulate``, ``trends`` and ``risk`` as scripts use them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chainatlas.graph import open_store
from chainatlas.ingest import load, open_pack
from cli_tools import Cli, write_pack

ROOT = Path(__file__).parent.parent.parent
PACK = {
    "pack.toml": 'name = "sample"\nsource = "年报"\nas_of = "2024-12-31"\n',
    "clusters.csv": "id,name,region\nc,显示,420100\n",
    "links.csv": "id,cluster,name,stage,position\nup,c,材料,upstream,1\ndown,c,面板,downstream,2\n",
    "products.csv": "id,name,links\npanel,面板,down\nglass,玻璃,up\nfilm,薄膜,up\n",
    "inputs.csv": (
        "product,input,cost_share,criticality\npanel,glass,0.3,0.95\npanel,film,0.1,0.6\n"
    ),
    "enterprises.csv": (
        "id,name,country,region,revenue\nmaker,面板厂,,420111,1e10\neast,华东玻璃,,310115,2e9\n"
        "a:b,海外玻璃,JP,,8e9\ntwin1,同名,,310115,1e8\ntwin2,同名,,320500,1e8\n"
    ),
    "produces.csv": (
        "enterprise,product,share\nmaker,panel,1\neast,glass,1\na:b,glass,1\n"
        "twin1,film,1\ntwin2,film,1\n"
    ),
}
LATER = {**PACK, "produces.csv": PACK["produces.csv"].replace("twin2,film,1\n", "")}
ASKED = ("--region", "武汉", "--cluster", "c")
RESULTS: dict[str, tuple[str, ...]] = {
    "simulate": ("simulate", *ASKED, "--land", "a:b:420100", "--lose", "maker"),
    "trends": ("trends", *ASKED),
    "risk": ("risk", *ASKED, "--members", "2"),
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whatif")
    store = open_store(str(folder / "store.db"), create=True)
    for name, files in (("first", PACK), ("second", LATER)):
        report = load(store, [open_pack(write_pack(folder / name, files))])
        assert report.quarantined == 0
    return folder / "store.db"


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], loaded: Path) -> Cli:
    return Cli(capsys, loaded)


def valid(document: dict[str, Any], name: str) -> None:
    path = ROOT / "docs" / "schemas" / f"{name}.schema.json"
    jsonschema.validate(document, json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("name", RESULTS)
def test_json_follows_its_schema(cli: Cli, name: str) -> None:
    document = cli.ask(*RESULTS[name])
    valid(document, name)
    assert (document["region"], document["cluster"], document["version"]) == ("420100", "c", 2)


@pytest.mark.parametrize("name", RESULTS)
def test_other_formats(cli: Cli, name: str, tmp_path: Path) -> None:
    assert cli(*RESULTS[name]).status == 0
    shown = cli(*RESULTS[name], "--format", "csv")
    assert shown.status == 0
    assert "nan" not in shown.out.lower()
    assert cli(*RESULTS[name], "--format", "xlsx", "--out", tmp_path / "x.xlsx").status == 0
    assert (tmp_path / "x.xlsx").stat().st_size > 0


def test_simulate_before_and_after(cli: Cli) -> None:
    found = cli.ask("simulate", *ASKED, "--land", "海外玻璃:湖北省武汉市江夏区")
    gaps = cli.ask("gaps", *ASKED)["gaps"]
    assert sorted(g["product"] for g in found["before"]["gaps"]) == ["film", "glass", "panel"]
    by_product = {g["product"]: g for g in found["before"]["gaps"]}
    for gap in gaps:
        assert by_product[gap["product"]]["actions"] == gap["actions"]
        assert by_product[gap["product"]]["priority"] == pytest.approx(gap["priority"])
    rate = cli.ask("supply-rate", *ASKED)
    assert found["before"]["supply_rate"]["value"] == pytest.approx(rate["value"])
    (effect,) = found["effects"]
    assert (effect["enterprise"], effect["region"]) == ("a:b", "420115")
    assert effect["products"][0]["after"] == 2e9
    assert {"product": "glass", "action": "supplement"} in found["closed"]
    own = cli.ask("simulate", *ASKED, "--land", "a:b:420115", "--as-size", "own")
    assert own["effects"][0]["products"][0]["after"] == 8e9
    assert own["size"] == "own"


def test_simulate_on_an_earlier_version(cli: Cli) -> None:
    first = cli.ask("simulate", *ASKED, "--lose", "twin2", "--version", "1")
    assert first["version"] == 1
    assert first["effects"][0]["products"] == [
        {"product": "film", "name": "薄膜", "before": 1e8, "after": 0.0}
    ]


def test_trends_between_versions_and_dates(cli: Cli) -> None:
    found = cli.ask("trends", *ASKED, "--from", "0", "--to", "2999-01-01")
    assert [p["version"] for p in found["points"]] == [0, 1, 2]
    assert found["points"][0]["reason"].startswith("没有这个集群")
    valid(found, "trends")
    back = cli.ask("trends", *ASKED, "--from", "2", "--to", "1")
    assert (back["from"], back["version"]) == (2, 1)
    assert [p["version"] for p in back["points"]] == [2, 1]
    assert back["explanation"]


def test_risk_says_what_it_rests_on(cli: Cli) -> None:
    found = cli.ask("risk", *ASKED, "--network", "reconstructed", "--members", "3", "--top", "1")
    assert (found["basis"], found["members"], len(found["enterprises"])) == ("reconstructed", 3, 1)
    assert found["enterprises"][0]["enterprise"] == "a:b"
    assert "重构网络" in cli(*RESULTS["risk"]).out
    alone = cli.ask("risk", *ASKED, "--network", "observed")
    assert (alone["basis"], alone["reason"]) == ("none", "没有任何供应关系可用，停产只影响自身")
    assert alone["enterprises"][0]["esri_sd"] is None


MALFORMED = [
    ("simulate", *ASKED, "--land", "maker"),
    ("simulate", *ASKED, "--land", "maker:"),
    ("simulate", *ASKED, "--grow", "maker:many"),
    ("simulate", *ASKED, "--lose", "maker", "--as-size", "huge"),
    ("risk", *ASKED, "--network", "guessed"),
    ("risk", *ASKED, "--members", "0"),
    ("risk", *ASKED, "--suppliers", "0.5"),
    ("trends", *ASKED, "--steps", "-1"),
]


@pytest.mark.parametrize("argv", MALFORMED, ids=" ".join)
def test_malformed(cli: Cli, argv: Sequence[str]) -> None:
    result = cli(*argv)
    assert (result.status, result.out) == (2, "")


UNKNOWN = {
    "enterprise": (("simulate", *ASKED, "--lose", "nobody"), "没有这家企业：nobody"),
    "enterprise of two": (("simulate", *ASKED, "--lose", "同名"), "twin1、twin2"),
    "landing place": (("simulate", *ASKED, "--land", "maker:大武汉"), "没有这个地区"),
    "nothing to do": (("simulate", *ASKED), "没有给出任何变化"),
    "factor": (("simulate", *ASKED, "--grow", "maker:-1"), "不小于0"),
    "factor nan": (("simulate", *ASKED, "--grow", "maker:nan"), "不小于0"),
    "cluster of trends": (("trends", "--region", "420100", "--cluster", "x"), "没有这个集群"),
    "version of trends": (("trends", *ASKED, "--from", "7"), "没有版本7"),
    "date of trends": (("trends", *ASKED, "--to", "1999-01-01"), "没有数据版本"),
    "region of risk": (("risk", "--region", "1", "--cluster", "c"), "没有这个地区"),
}


@pytest.mark.parametrize(("argv", "word"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_does_not_exist(cli: Cli, argv: Sequence[str], word: str) -> None:
    result = cli(*argv)
    assert (result.status, result.out) == (1, "")
    assert word in result.message
