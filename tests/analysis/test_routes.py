"""Ways besides attraction on a chain worked by hand, and the commands that answer with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chainatlas.analysis.gaps import Gaps, find_gaps
from chainatlas.analysis.routes import PARTS, WAYS, routes_of
from chainatlas.analysis.scope import Scope
from chainatlas.api.cli import main
from chainatlas.graph import open_store
from chainatlas.graph.chain import records
from chainatlas.ingest import load, open_pack

ROOT = Path(__file__).parents[2]
# Wuhan makes panels (1e9): 3e8 of glass is demanded and 1e8 made. Frit takes the same input as
# glass; lenses only stand in the same link. Huangshi makes glass, 2e8.
FILES = {
    "clusters.csv": "id,name,region\nc,显示,420100\n",
    "links.csv": "id,cluster,name,stage,position\nup,c,材料,upstream,1\ndown,c,面板,downstream,2\n",
    "products.csv": "id,name,links\npanel,面板,down\nglass,玻璃,up\nfrit,釉料,up\nlens,镜片,up\nsand,砂,\n",
    "inputs.csv": "product,input,cost_share\npanel,glass,0.3\nglass,sand,0.5\nfrit,sand,0.4\n",
    "enterprises.csv": (
        "id,name,region,labels,revenue,main_products\n"
        "maker,面板厂,420111,leading,1e9,\nlocal,本地玻璃,420115,champion,1e8,\n"
        "frit,釉料厂,420112,little_giant,2e8,釉料、玻璃\nlens,镜片厂,420106,,1e8,\n"
        "near,黄石玻璃,420200,,2e8,\nfar,上海玻璃,310115,,2e8,\n"
    ),
    "produces.csv": (
        "enterprise,product,share,source\n"
        "maker,panel,1,\nlocal,glass,1,\nfrit,frit,1,厂志\nlens,lens,1,\nnear,glass,1,\nfar,glass,1,\n"
    ),
    "institutes.csv": (
        "id,name,kind,region\nu,某大学,university,420111\nv,外校,university,310115\nw,荆州所,institute,421000\n"
    ),
    "research.csv": "institute,product,strength\nu,glass,0.8\nv,glass,\nw,glass,0.4\n",
    "partners.csv": "institute,enterprise,topic\nu,local,\nu,frit,\nu,maker,\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("routes")
    (place / "pack").mkdir()
    for name, text in FILES.items():
        (place / "pack" / name).write_text(text, encoding="utf-8")
    assert load(open_store(str(place / "a.db"), create=True), [open_pack(place / "pack")])
    return place


@pytest.fixture(scope="module")
def gaps(folder: Path) -> Gaps:
    return find_gaps(Scope.of(open_store(str(folder / "a.db")).view().graph(), "420100", "c"))


def named(gaps: Gaps, way: str) -> dict[str, dict[str, Any]]:
    rows = records(routes_of(gaps, ["glass"]))
    found = {row["id"]: row for row in rows if row["route"] == way}
    assert [row["rank"] for row in found.values()] == list(range(1, len(found) + 1))
    scores = [row["score"] for row in found.values()]
    assert scores == sorted(scores, reverse=True)
    return found


def values(row: dict[str, Any]) -> dict[str, float]:
    return {k: v / PARTS[row["route"]][k][1] for k, v in row["parts"].items()}


def test_local_enterprises_near_enough_to_grow_into_it(gaps: Gaps) -> None:
    found = named(gaps, "cultivate")
    assert list(found) == ["frit", "lens"]  # the maker of glass is not to be cultivated
    # Frit takes the same input: as close as can be; its text names glass. Makers of glass in China
    # make 1e8, 2e8 and 2e8.
    assert values(found["frit"]) == pytest.approx(
        {"closeness": 1.0, "text": 1.0, "scale": 2 / (2 + 2), "standing": 0.8}
    )
    assert values(found["lens"]) == pytest.approx(
        {"closeness": 0.3, "text": 0.0, "scale": 0.3 * 1 / (1 + 2), "standing": 0.0}
    )
    assert found["frit"]["reasons"][0] == {
        "text": "本地生产相近的釉料",
        "source": "厂志",
        "as_of": "",
    }
    assert found["lens"]["reasons"][0]["text"] == "本地生产同环节的镜片"
    assert found["frit"]["place"] == "420112"


def test_makers_here_and_elsewhere_in_the_province(gaps: Gaps) -> None:
    (local,) = named(gaps, "expand").values()
    assert local["id"] == "local"
    # 2e8 is not met, twice what it makes; it is the only one.
    assert values(local) == pytest.approx({"room": 1.0, "scale": 0.5, "standing": 1.0})
    (near,) = named(gaps, "coordinate").values()
    assert (near["id"], near["place"]) == ("near", "420200")
    assert "相当于其产出的 1.00 倍" in near["reasons"][1]["text"]


def test_a_province_has_nobody_to_coordinate_with(gaps: Gaps) -> None:
    province = find_gaps(Scope.of(gaps.scope.graph, "420000", "c"))
    assert named(province, "coordinate") == {}
    assert set(named(province, "expand")) == {"local", "near"}


def test_institutes_and_their_teams(gaps: Gaps) -> None:
    found = named(gaps, "research")
    assert list(found) == ["u", "v", "w"] or list(found) == ["u", "w", "v"]
    # The panel works makes nothing near to glass and is no member of a team.
    assert values(found["u"]) == pytest.approx({"strength": 0.8, "place": 1.0, "partners": 2 / 3})
    assert values(found["v"]) == pytest.approx({"strength": 0.5, "place": 0.0, "partners": 0.0})
    assert values(found["w"]) == pytest.approx({"strength": 0.4, "place": 0.5, "partners": 0.0})
    assert found["u"]["reasons"][1]["text"] == "可组队企业：釉料厂、本地玻璃"
    assert "强度未知" in found["v"]["reasons"][0]["text"]


def test_parts_sum_and_everything_has_a_reason(gaps: Gaps) -> None:
    rows = records(routes_of(gaps, per_way=None))
    assert rows
    for row in rows:
        assert sum(row["parts"].values()) == pytest.approx(row["score"], abs=1e-12)
        assert 0 <= row["score"] <= 1
        assert set(row["parts"]) == set(PARTS[row["route"]])
        assert row["reasons"]
    for parts in PARTS.values():
        assert sum(weight for _, weight in parts.values()) == pytest.approx(1)
    assert set(PARTS) == set(WAYS)
    one = records(routes_of(gaps, ["glass"], per_way=1))
    assert [r["route"] for r in one] == list(WAYS)


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    db = str(folder / "a.db")
    where = ("--region", "420100", "--cluster", "c", "--db", db, "--format", "json")
    assert main([argv[0], *where, *argv[1:]]) == 0
    document = json.loads(capsys.readouterr().out)
    schema = ROOT / "docs" / "schemas" / f"{argv[0]}.schema.json"
    jsonschema.validate(document, json.loads(schema.read_text("utf-8")))
    return document


def test_the_command_answers_by_its_schema(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = ask(folder, capsys, "routes")["routes"]
    assert {r["route"] for r in whole} == set(WAYS)
    research = ask(folder, capsys, "routes", "--product", "glass", "--route", "research")["routes"]
    assert next(r["id"] for r in research) == "u"
    assert len(ask(folder, capsys, "routes", "--product", "glass", "--top", "1")["routes"]) == 4
    db = str(folder / "a.db")
    plain = ["routes", "--region", "420100", "--cluster", "c", "--db", db]
    assert main(plain) == 0
    assert "培育" in capsys.readouterr().out
    assert main([*plain, "--product", "none"]) == 1
    assert "没有这个产品：none" in capsys.readouterr().err
    assert main([*plain, "--route", "attract"]) == 2


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ((), ["far", "near"]),
        (("--from-region", "上海市"), ["far"]),
        (("--foreign",), []),
        (("--from", "310000", "--from", "日本"), ["far"]),
        (("--from", "jp"), []),
        (("--exclude", "黄石玻璃", "--exclude", "far"), []),
        (("--label", "champion", "--domestic"), []),
        (("--listed",), []),
        (("--unlisted", "--new-to-province"), ["far"]),
        (("--min-size", "3e8"), []),
        (("--max-size", "3e8", "--landing-weights", "demand=1,tie=0"), ["far", "near"]),
    ],
)
def test_filters_on_the_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], left: list[str]
) -> None:
    found = ask(folder, capsys, "targets", "--product", "glass", *options)["targets"]
    assert sorted(t["enterprise"] for t in found if not t["neighbour_of"]) == left


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--from", "火星"), 1, "没有这个地区"),
        (("--min-size", "2e9", "--max-size", "1e9"), 2, "小于下限"),
        (("--exclude", "没有的厂"), 1, "没有这家企业：没有的厂"),
        (("--label", "big"), 2, "big"),
        (("--min-size", "-1"), 2, "min-size"),
        (("--landing-weights", "demand"), 2, "demand"),
        (("--landing-weights", "speed=1"), 2, "speed"),
        (("--landing-weights", "demand=nan"), 2, "demand"),
    ],
)
def test_malformed_filters_are_refused(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    status: int,
    said: str,
) -> None:
    where = ("--region", "420100", "--cluster", "c", "--db", str(folder / "a.db"))
    assert main(["targets", *where, *options]) == status
    assert said in capsys.readouterr().err
