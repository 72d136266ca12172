"""Identity through ingest and review: references follow, decisions act at once and last."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chainatlas.graph.store import open_store
from cli_tools import Cli
from making import MakePack, held

CODE = "91110000600037341L"
A = {
    "enterprises.csv": "id,name,stock_code,region,revenue,as_of\n"
    "A1,武汉市长飞光纤有限公司,,420100,5,2020-01-01\nA2,襄阳轴承股份有限公司,000678,420600,,2020-01-01\n",
    "produces.csv": "enterprise,product\nA1,p\n",
}
B = {
    "products.csv": "id,name\nq,乙产品\n",
    "enterprises.csv": "id,name,stock_code,revenue,as_of\nb1,武汉长飞光纤有限责任公司,,9,2024-01-01\n"
    "b2,新襄轴控股有限公司,000678.SZ,,2024-01-01\nb3,上海长飞光纤有限公司,,,2024-01-01\n",
    "produces.csv": "enterprise,product\nb1,q\n",
    "supplies.csv": "supplier,buyer,product,amount\nb1,b2,q,3\nb3,b1,q,4\n",
    "holdings.csv": "parent,child,stake\nb1,b2,0.6\n",
}


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    return Cli(capsys, tmp_path / "facts.db")


@pytest.fixture
def packs(make_pack: MakePack) -> list[Path]:
    found = []
    for name, files in (("a", A), ("b", B)):
        found.append(make_pack({"pack.toml": f'name = "{name}"\n', **files}))
    return found


def supplies(cli: Cli) -> list[tuple[str, str]]:
    return list(zip(cli.ids("supplies", "supplier"), cli.ids("supplies", "buyer"), strict=True))


def test_references_follow_and_the_first_pack_keeps_its_ids(cli: Cli, packs: list[Path]) -> None:
    cli.ask("ingest", packs[0])
    answer = cli.ask("ingest", packs[1])
    assert answer["merged"] == {"b": {"stock_code": 1, "name": 1}}
    assert answer["to_review"] == 0
    assert cli.ids("enterprises") == ["A1", "A2", "b3"]
    assert supplies(cli) == [("A1", "A2"), ("b3", "A1")]
    assert cli.ids("holdings", "parent") == ["A1"]
    assert cli.ids("produces", "enterprise") == ["A1", "A1"]
    assert cli.ask("ingest", packs[1])["changed"] is False
    assert cli.ask("ingest", packs[0])["changed"] is False


def test_packs_of_one_ingest_meet_too(cli: Cli, packs: list[Path]) -> None:
    cli.ask("ingest", *packs)
    assert cli.ids("enterprises") == ["A1", "A2", "b3"]
    cli.ask("ingest", *packs)
    assert len(cli.ask("versions")["versions"]) == 1


def test_a_third_pack_may_refer_to_ids_that_were_merged(
    cli: Cli, packs: list[Path], make_pack: MakePack
) -> None:
    cli.ask("ingest", *packs)
    files = {"pack.toml": 'name = "c"\n', "supplies.csv": "supplier,buyer,product\nb2,b3,p\n"}
    cli.ask("ingest", make_pack(files))
    assert ("A2", "b3") in supplies(cli)


#: A pack beside A with something wrong in it, what is put in its place on the sheet, and how its
#: enterprises are called then.
WRONG: dict[str, tuple[dict[str, str], list[tuple[str, str]], list[str]]] = {
    "a refused enterprise that is known": (
        {"enterprises.csv": "id,name,revenue\nb1,武汉长飞光纤有限责任公司,many\nb3,丙有限公司,\n"},
        [("many", "9")],
        ["A1", "b3"],
    ),
    "a refused enterprise that is new, under an id that another pack has": (
        {
            "enterprises.csv": "id,name,stock_code,revenue\nA2,黄石泵业有限公司,600519,many\nb3,丙有限公司,,\n"
        },
        [("many", "9")],
        ["A2~2", "b3"],
    ),
    "a refused enterprise beside one that is the known one": (
        {
            "enterprises.csv": "id,name,stock_code,revenue\nb2,新襄轴控股有限公司,000678,\n"
            "b4,襄阳轴承股份有限公司,,many\n",
        },
        [("many", "9")],
        ["A2", "b4"],
    ),
    "a row about an enterprise that goes by another id": (
        {
            "enterprises.csv": "id,name,region\nb1,武汉长飞光纤有限责任公司,420111\nb3,丙有限公司,\n",
            "produces.csv": "enterprise,product,share\nb1,q,half\nb3,q,\n",
        },
        [("half", "0.5")],
        ["A1", "b3"],
    ),
    "a row about an enterprise that was put apart": (
        {
            "enterprises.csv": "id,name,stock_code\nA2,黄石泵业有限公司,600519\n",
            "produces.csv": "enterprise,product,share\nA2,q,half\n",
        },
        [("half", "0.5")],
        ["A2~2"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_corrected_row_is_known_as_its_whole_file_would_be(
    cli: Cli, capsys: pytest.CaptureFixture[str], make_pack: MakePack, tmp_path: Path, case: str
) -> None:
    files, corrections, ids = WRONG[case]
    whole = {"pack.toml": 'name = "b"\n', "products.csv": "id,name\nq,乙产品\n", **files}
    a = make_pack({"pack.toml": 'name = "a"\n', **A})
    assert cli("ingest", a, make_pack(whole)).status == 3
    sheet = tmp_path / "fixed.csv"
    assert cli("rejects", "--format", "csv", "--out", sheet).status == 0
    text = sheet.read_text("utf-8-sig")
    for wrong, right in corrections:
        assert wrong in text
        # The raw text and the message stay as they are.
        text = re.sub(rf"(?<=[,\n]){re.escape(wrong)}(?=[,\r\n])", right, text)
        whole = {name: cells.replace(wrong, right) for name, cells in whole.items()}
    sheet.write_text(text, "utf-8")
    report = cli.ask("ingest", sheet)
    assert cli.rejects() == []
    if case == "a refused enterprise that is known":
        assert report["merged"] == {"b": {"name": 1}}
    corrected = held(open_store(str(cli.db)).view())
    assert sorted(str(row[0]) for row in corrected["b"]["enterprises"]) == ids

    afresh = Cli(capsys, tmp_path / "afresh.db")
    afresh.ask("ingest", a, make_pack(whole))
    assert corrected == held(open_store(str(afresh.db)).view())


@pytest.mark.parametrize(
    ("name", "right", "before", "after"),
    [
        ("武汉长飞光纤有限责任公司", "武汉长飞光纤有限责任公司", "A1", "A1"),
        ("武汉长飞光缆有限责任公司", "武汉长飞光纤有限责任公司", CODE, "A1"),
        ("武汉长飞光纤有限责任公司", "荆州长江光缆有限责任公司", "A1", CODE),
    ],
)
def test_an_enterprise_that_was_loaded_but_for_a_value_moves_with_its_facts(
    cli: Cli,
    capsys: pytest.CaptureFixture[str],
    make_pack: MakePack,
    tmp_path: Path,
    name: str,
    right: str,
    before: str,
    after: str,
) -> None:
    a = make_pack({"pack.toml": 'name = "a"\n', "products.csv": "id,name\np,光纤预制棒\n", **A})
    path, sheet = tmp_path / "名单.csv", tmp_path / "fixed.csv"
    head = "企业名称,统一社会信用代码,参保人数,主营产品\n"
    path.write_text(f"{head}{name},{CODE},许多,光纤预制棒\n", "utf-8")
    assert cli("ingest", a, path).status == 3
    assert before in cli.ids("enterprises")
    assert cli("rejects", "--format", "csv", "--out", sheet).status == 0
    text = sheet.read_text("utf-8-sig").replace(f",{name},", f",{right},").replace(",许多,", ",7,")
    sheet.write_text(text, "utf-8")
    assert cli("ingest", sheet).status == 0, cli("rejects").out
    path.write_text(f"{head}{right},{CODE},7,光纤预制棒\n", "utf-8")
    afresh = Cli(capsys, tmp_path / "afresh.db")
    assert afresh("ingest", a, path).status == 0
    corrected = held(open_store(str(cli.db)).view())
    assert corrected == held(open_store(str(afresh.db)).view())
    assert after in cli.ids("enterprises")


def test_two_names_of_one_edge_meet_in_quarantine(cli: Cli, make_pack: MakePack) -> None:
    cli.ask("ingest", make_pack({"pack.toml": 'name = "a"\n', **A}))
    pack = make_pack(
        {
            "pack.toml": 'name = "b"\n',
            **B,
            "produces.csv": "enterprise,product\nb1,q\nA1,q\n",
            "holdings.csv": "parent,child\nb1,A1\n",
        }
    )
    assert cli("ingest", pack).status == 3
    assert {(r[0], r[1], r[4]) for r in cli.rejects()} == {
        ("produces.csv", 3, "duplicate_key"),
        ("holdings.csv", 2, "self_reference"),
    }


def test_decisions_last_and_are_undone(cli: Cli, make_pack: MakePack) -> None:
    a = make_pack({"pack.toml": 'name = "a"\n', **A})
    files = {
        "pack.toml": 'name = "b"\n',
        "enterprises.csv": "id,name\nb3,上海长飞光纤有限公司\nb4,丁有限公司\n",
        "supplies.csv": "supplier,buyer,product\nb3,b4,p\n",
    }
    b = make_pack(files)
    cli.ask("ingest", a)
    assert cli.ask("ingest", b)["to_review"] == 1
    listed = cli.ask("review", "list")["pairs"]
    assert [(p["keep"], p["other"], p["reason"]) for p in listed] == [("A1", "b3", "other_place")]

    cli.ask("review", "accept", "A1", "b3")
    assert cli.ids("enterprises") == ["A1", "A2", "b4"]
    assert supplies(cli) == [("A1", "b4")]
    assert cli.ask("review", "list")["pairs"] == []
    assert cli.ask("ingest", b)["changed"] is False
    assert cli.ask("ingest", a)["changed"] is False

    cli.ask("review", "undo", "b3", "A1")
    assert cli.ids("enterprises") == ["A1", "A2", "b3", "b4"]
    assert supplies(cli) == [("b3", "b4")]
    assert cli.ask("ingest", b)["changed"] is False
    assert cli("review", "undo", "b3", "A1").status == 1


def test_reject_parts_what_keys_had_joined(cli: Cli, packs: list[Path]) -> None:
    cli.ask("ingest", *packs)
    answer = cli.ask("review", "reject", "A1", "b1")
    assert [(d["keep"], d["other"], d["verdict"]) for d in answer["decisions"]] == [
        ("A1", "b1", "reject")
    ]
    assert cli.ids("enterprises") == ["A1", "A2", "b1", "b3"]
    assert supplies(cli) == [("b1", "A2"), ("b3", "b1")]
    assert cli.ask("ingest", *packs)["changed"] is False
    cli.ask("review", "undo", "A1", "b1")
    assert cli.ids("enterprises") == ["A1", "A2", "b3"]
    assert cli.ask("ingest", *packs)["changed"] is False


def test_what_cannot_be_decided(cli: Cli, packs: list[Path], make_pack: MakePack) -> None:
    cli.ask("ingest", *packs)
    cases = {
        ("A1", "nobody"): "没有这家企业：nobody",
        ("A1", "b1"): "已经是同一家企业",
        ("A2", "A1"): "在同一个数据包里是两家企业",
    }
    for pair, message in cases.items():
        found = cli("review", "accept", *pair)
        assert found.status == 1
        assert message in found.message
    rows = "id,name,stock_code\nc1,丙有限公司,600001\n"
    cli.ask("ingest", make_pack({"pack.toml": 'name = "c"\n', "enterprises.csv": rows}))
    assert "互相矛盾" in cli("review", "accept", "A2", "c1").message
    assert cli.ask("review", "list", "--decided")["decisions"] == []


def test_profile_says_who_says_what(cli: Cli, packs: list[Path]) -> None:
    cli.ask("ingest", *packs)
    answer = cli.ask("profile", "enterprise", "A1")
    said = [
        (f["field"], f["value"], f["pack"], f["as_of"], f["used"])
        for f in answer["fields"]
        if f["field"] in ("revenue", "region", "aliases")
    ]
    assert said == [
        ("aliases", "b1", "b", "2024-01-01", True),
        ("region", "420100", "a", "2020-01-01", True),
        ("revenue", 9.0, "b", "2024-01-01", True),
        ("revenue", 5.0, "a", "2020-01-01", False),
    ]
    assert {f["table"] for f in answer["facts"]} == {"produces", "supplies", "holdings"}
    for name in ("b1", "武汉长飞光纤有限责任公司"):
        assert cli.ask("profile", "enterprise", name)["enterprise"] == "A1"
    assert "没有这家企业" in cli("profile", "enterprise", "无名").message
