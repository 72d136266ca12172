"""The command line as scripts use it: statuses, formats, stores, round trips and the answers."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import typer
from python_calamine import CalamineWorkbook

from chainatlas.analysis.gaps import ACTIONS
from chainatlas.api.shell import app
from chainatlas.graph import regions
from cli_tools import Cli, write_pack

CMD = "=cmd|' /C calc'!A0"

# Wuhan makes chips and packages them. Of what chips need, wafers come from outside, resist from
# abroad alone, gas from elsewhere in the province; nobody makes modules, which packages allow.
PACK = {
    "pack.toml": 'name = "sample"\ntitle = "样例"\nsource = "年报"\nas_of = "2024-12-31"\n',
    "clusters.csv": "id,name,region,tier\nic,集成电路产业集群,420100,national\nempty,空集群,420000,\n",
    "links.csv": (
        "id,cluster,name,stage,position\nup,ic,材料,upstream,1\nmid,ic,制造,midstream,2\n"
        "down,ic,封测与模组,downstream,3\n"
    ),
    "products.csv": (
        "id,name,links,domestic_rate\nchip,芯片,mid,0.5\nwafer,硅片,up,0.4\nresist,光刻胶,up,0.05\n"
        "gas,电子特气,up,\npack,封装,down,\nmodule,模组,down,\nodd,+无关产品,up,\nfree,别的,,\n"
    ),
    "inputs.csv": (
        "product,input,cost_share,criticality\nchip,wafer,0.2,0.8\nchip,resist,0.1,0.95\n"
        "chip,gas,,0.6\npack,chip,0.5,0.7\nmodule,pack,0.3,0.5\n"
    ),
    "enterprises.csv": (
        "id,name,region,country,labels,revenue\n"
        "e1,武汉芯片公司,420111,,leading,1000000000\n"
        "e2,武汉封装公司,420115,,specialised,\n"
        "e3,上海硅片公司,310115,,champion,800000000\n"
        "e4,襄阳气体公司,420600,,little_giant,200000000\n"
        "e5,Resist KK,,JP,,3000000000\n"
        f"e6,{CMD},440304,,,100000000\n"
        "e7,+1 公司,320500,,,50000000\n"
        "e8,@x 公司,320500,,high_tech,\n"
        "e9,-2+3 公司,500112,,listed,70000000\n"
        "e10,两地硅片公司,310115,,,600000000\n"
        "e11,上海芯片公司,310115,,leading,9000000000\n"
    ),
    "produces.csv": (
        "enterprise,product,region,share\ne1,chip,,1\ne2,pack,,1\ne3,wafer,,1\ne4,gas,,\ne5,resist,,1\n"
        "e6,wafer,,1\ne7,wafer,,\ne8,wafer,,\ne9,wafer,,\ne10,wafer,310115,0.9\n"
        "e10,gas,420115,0.1\ne11,chip,,0.8\ne11,pack,,0.2\n"
    ),
    "supplies.csv": "supplier,buyer,product,amount\ne3,e1,wafer,60000000\ne1,e2,chip,40000000\n",
    "institutes.csv": "id,name,kind,region\nu1,武汉大学,university,420111\n",
    "research.csv": "institute,product,strength\nu1,resist,0.9\n",
    "partners.csv": "institute,enterprise,topic\nu1,e6,材料\n",
    "holdings.csv": "parent,child,stake\ne11,e1,0.6\n",
    "surveys.csv": "region,product,status\n420000,wafer,complete\n",
    "rules.toml": "lq_min = 1.1\n[cluster.ic]\ntoken_max = 0.2\n",
}
OTHER = {
    "pack.toml": 'name = "other"\n',
    "products.csv": "id,name\nextra,增补产品\nbad,\n",
}
IC = ("--region", "420100", "--cluster", "ic")

RESULTS: Mapping[str, tuple[str, ...]] = {
    "rejects": ("rejects",),
    "clusters": ("clusters",),
    "gaps": ("gaps", *IC),
    "targets": ("targets", *IC),
    "supply-rate": ("supply-rate", *IC),
    "versions": ("versions",),
    "compare": ("compare", "0", "1"),
}
COMMANDS = tuple(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs")
    write_pack(folder / "sample", PACK)
    write_pack(folder / "other", OTHER)
    changed = {"products.csv": PACK["products.csv"].replace("光刻胶", "电子束胶")}
    write_pack(folder / "changed", {**PACK, **changed})
    return folder


@pytest.fixture(scope="module")
def loaded(packs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with both packs in one version; read only, or copied."""
    from chainatlas.graph.store import open_store
    from chainatlas.ingest import load, open_pack

    path = tmp_path_factory.mktemp("store") / "store.db"
    load(open_store(str(path), create=True), [open_pack(packs / n) for n in ("sample", "other")])
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test in an empty folder, with no store named by the environment."""
    monkeypatch.delenv("CHAINATLAS_DB", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], loaded: Path) -> Cli:
    """On the loaded store, which must stay as it is."""
    return Cli(capsys, loaded)


@pytest.fixture
def own(capsys: pytest.CaptureFixture[str], loaded: Path, tmp_path: Path) -> Cli:
    """On a copy of the loaded store."""
    shutil.copy(loaded, tmp_path / "own.db")
    return Cli(capsys, tmp_path / "own.db")


# Help, malformed command lines, and what does not exist.


def test_help_names_every_command(cli: Cli) -> None:
    result = cli.bare("--help")
    assert result.status == 0
    for command in COMMANDS:
        assert command in result.out
    wanted = {"run", "ingest", "rejects", "clusters", "gaps", "targets", "supply-rate", "map"}
    assert wanted | {"versions", "compare", "undo", "export", "backup", "restore"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(cli: Cli, command: str) -> None:
    result = cli.bare(command, "--help")
    assert (result.status, result.err) == (0, "")
    groups = ("audit", "keys", "profile", "review", "users")
    alone = ("backtest", "copy", "policy", "serve", "snapshots")
    assert "--db" in result.out or command in (*alone, *groups)
    assert "Usage" in result.out
    assert cli.bare(command, "-h").out == result.out


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_option(cli: Cli, command: str) -> None:
    result = cli.bare(command, "--nonsense")
    assert (result.status, result.out) == (2, "")
    assert "--nonsense" in result.err


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["--nonsense"],
        ["gaps"],
        ["gaps", "--region", "420100"],
        ["gaps", "--cluster", "ic"],
        ["gaps", *IC, "--action", "nonsense"],
        ["gaps", *IC, "--action", "sound"],
        ["gaps", *IC, "--format", "yaml"],
        ["gaps", *IC, "--version", "last"],
        ["gaps", *IC, "--version"],
        ["gaps", *IC, "surplus"],
        ["targets", *IC, "--top", "-1"],
        ["targets", *IC, "--top", "many"],
        ["supply-rate", "--region", "420100"],
        ["compare", "1"],
        ["compare", "one", "two"],
        ["map", "nonsense", *IC, "--out", "x.html"],
        ["map", "chain", *IC],
        ["export"],
        ["backup"],
        ["restore"],
        ["ingest"],
    ],
    ids=" ".join,
)
def test_malformed(cli: Cli, argv: Sequence[str], tmp_path: Path) -> None:
    result = cli.bare(*argv)
    assert result.status == 2
    assert result.err + result.out
    assert list(tmp_path.iterdir()) == []


UNKNOWN = {
    "region code": (("gaps", "--region", "999999", "--cluster", "ic"), "没有这个地区：999999"),
    "region name": (("gaps", "--region", "大武汉", "--cluster", "ic"), "没有这个地区：大武汉"),
    "region name of several": (("gaps", "--region", "鼓楼区", "--cluster", "ic"), "有多个"),
    "region empty": (("gaps", "--region", "", "--cluster", "ic"), "没有这个地区"),
    "cluster": (("gaps", "--region", "420100", "--cluster", "none"), "none"),
    "cluster of targets": (("targets", "--region", "420100", "--cluster", "none"), "none"),
    "cluster of supply-rate": (("supply-rate", "--region", "420100", "--cluster", "none"), "none"),
    "region of supply-rate": (("supply-rate", "--region", "1", "--cluster", "ic"), "没有这个地区"),
    "product": (("targets", *IC, "--product", "none"), "没有这个产品：none"),
    "product of no link": (("targets", *IC, "--product", "free"), "没有这个产品：free"),
    "version": (("gaps", *IC, "--version", "9"), "没有版本9"),
    "negative version": (("gaps", *IC, "--version", "-1"), "没有版本-1"),
    "version of rejects": (("rejects", "--version", "2"), "没有版本2"),
    "version of clusters": (("clusters", "--version", "2"), "没有版本2"),
    "version of compare": (("compare", "1", "7"), "没有版本7"),
    "cluster before it came": (("gaps", *IC, "--version", "0"), "ic"),
    "map of a cluster": (
        ("map", "chain", "--region", "420100", "--cluster", "none", "--out", "x.html"),
        "none",
    ),
    "map of no picture": (("map", "chain", *IC, "--out", "x.exe"), ".exe"),
    "xlsx on the screen": (("gaps", *IC, "--format", "xlsx"), "--out"),
    "no folder for csv": (("gaps", *IC, "--format", "csv", "--out", "no/x.csv"), "无法写入"),
    "no folder for json": (("gaps", *IC, "--format", "json", "--out", "no/x.json"), "无法写入"),
    "no folder for xlsx": (("gaps", *IC, "--format", "xlsx", "--out", "no/x.xlsx"), "无法写入"),
    "no folder for a table": (("gaps", *IC, "--out", "no/x.txt"), "无法写入"),
    "no folder for a backup": (("backup", "--out", "no/x.db"), "无法写入"),
    "source": (("ingest", "nothing"), "不存在"),
}


@pytest.mark.parametrize(("argv", "word"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_does_not_exist(cli: Cli, argv: Sequence[str], word: str, tmp_path: Path) -> None:
    before = cli.dump()
    result = cli(*argv)
    assert (result.status, result.out) == (1, "")
    assert result.message.startswith("错误：")
    assert word in result.message
    assert list(tmp_path.iterdir()) == []
    assert cli.dump() == before


@pytest.mark.parametrize(
    "argv",
    [
        *(v for k, v in RESULTS.items()),
        ("undo",),
        ("export", "--out", "x"),
        ("backup", "--out", "x"),
    ],
    ids=lambda argv: argv[0],
)
def test_no_store(cli: Cli, argv: Sequence[str], tmp_path: Path) -> None:
    for db, word in ((tmp_path / "none.db", "数据库不存在"), ("ftp://x", "不支持的数据库地址")):
        result = cli.bare(*argv, "--db", db)
        assert (result.status, result.out) == (1, "")
        assert word in result.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"not a store at all" * 100, b"SQLite format 3\x00" + bytes(200)]
)
def test_a_file_that_is_no_store(cli: Cli, packs: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    for argv in (("clusters",), ("ingest", packs / "sample"), ("undo",)):
        result = cli.bare(*argv, "--db", path)
        assert (result.status, result.out) == (1, "")
        assert "不是ChainAtlas数据库" in result.message
        assert path.read_bytes() == content


def test_messages_are_not_broken_into_lines(cli: Cli) -> None:
    """One message is one line, however long: scripts and logs read it by line."""
    result = cli.bare("clusters", "--db", "/" + "long-folder-name/" * 12 + "store.db")
    assert result.status == 1
    assert len(result.err.rstrip("\n").splitlines()) == 1


# Formats.


@pytest.mark.parametrize(("name", "argv"), RESULTS.items(), ids=RESULTS.keys())
def test_json_alone_on_standard_output(cli: Cli, name: str, argv: Sequence[str]) -> None:
    result = cli(*argv, "--format", "json")
    assert (result.status, result.err) == (0, "")
    found = result.document()
    assert found["schema"] == f"chainatlas.{name}/1"
    assert type(found["version"]) is int
    assert found["version"] == 1
    assert "NaN" not in result.out
    assert "Infinity" not in result.out


@pytest.mark.parametrize(("name", "argv"), RESULTS.items(), ids=RESULTS.keys())
def test_json_into_a_file(cli: Cli, name: str, argv: Sequence[str], tmp_path: Path) -> None:
    printed = cli(*argv, "--format", "json").out
    result = cli(*argv, "--format", "json", "--out", tmp_path / "x.json")
    assert (result.status, result.out) == (0, "")
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == printed


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def plain(value: object) -> str:
    """A cell for comparison: numbers of CSV and XLSX are the same number."""
    text = str(value).removeprefix("'")
    try:
        return f"{float(text):.12g}"  # XLSX keeps 16 digits
    except ValueError:
        return text


@pytest.mark.parametrize(("name", "argv"), RESULTS.items(), ids=RESULTS.keys())
def test_table_csv_and_xlsx_say_the_same(
    cli: Cli, name: str, argv: Sequence[str], tmp_path: Path
) -> None:
    shown = cells(cli(*argv, "--format", "csv").out)
    assert cli(*argv, "--format", "csv", "--out", tmp_path / "x.csv").status == 0
    stored = (tmp_path / "x.csv").read_bytes()
    assert stored.startswith(b"\xef\xbb\xbf")
    assert cells(stored.decode("utf-8-sig")) == shown
    assert cli(*argv, "--format", "xlsx", "--out", tmp_path / "x.xlsx").status == 0
    (sheet,) = CalamineWorkbook.from_path(str(tmp_path / "x.xlsx")).sheet_names
    rows = CalamineWorkbook.from_path(str(tmp_path / "x.xlsx")).get_sheet_by_name(sheet).to_python()
    assert "数据版本 1" in str(rows[1][0])
    assert [str(c).split("（元")[0] for c in rows[2]] == shown[0]
    assert [[plain(c) for c in row] for row in rows[3:]] == [
        [plain(c) for c in row] for row in shown[1:]
    ]
    assert cli(*argv, "--out", tmp_path / "x.txt").status == 0
    # The quarantine as CSV and XLSX is a sheet to correct; its columns begin with #.
    first = shown[0][0].removeprefix("#")
    assert first in (tmp_path / "x.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "argv"), RESULTS.items(), ids=RESULTS.keys())
def test_a_table_on_a_narrow_terminal_shows_something(
    cli: Cli, name: str, argv: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On 80 columns the first header, and at least the first character of every row, is there."""
    monkeypatch.setenv("COLUMNS", "80")
    shown = cells(cli(*argv, "--format", "csv").out)
    table = cli(*argv).out
    for text in [shown[0][0], *(row[0] for row in shown[1:])]:
        assert text.lstrip("'#")[0] in table  # CSV guards formulas with a quotation mark


def test_ingest_and_undo_answer_in_json(own: Cli, packs: Path) -> None:
    report = own.ask("ingest", packs / "changed")
    assert (report["schema"], report["version"], report["changed"]) == (
        "chainatlas.ingest/1",
        2,
        True,
    )
    assert [(c["table"], c["added"], c["changed"], c["withdrawn"]) for c in report["changes"]] == [
        ("products", 0, 1, 0)
    ]
    back = own.ask("undo")
    assert back["schema"].startswith("chainatlas.")
    assert back["version"] == 3


def test_status_3_only_where_rows_were_quarantined(own: Cli, packs: Path) -> None:
    assert own("ingest", packs / "sample").status == 0
    result = own("ingest", packs / "other", "--format", "json")
    assert result.status == 3
    assert result.document()["packs"][0]["reasons"] == {"missing_value": 1}
    assert "chainatlasrejects" in result.message


# Formula-like names.


def test_formulas_are_harmless(cli: Cli, tmp_path: Path) -> None:
    names = {CMD, "+1 公司", "@x 公司", "-2+3 公司", "+无关产品"}
    seen = set()
    for argv in (("targets", *IC), ("gaps", *IC)):
        for row in cells(cli(*argv, "--format", "csv").out)[1:]:
            for cell in row:
                if cell.removeprefix("'") in names:
                    seen.add(cell)
                # Numbers may begin with a minus sign; text that a spreadsheet computes may not.
                if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and cell[:1]:
                    float(cell)
    assert seen == {"'" + name for name in names}
    assert cli("targets", *IC, "--format", "xlsx", "--out", tmp_path / "t.xlsx").status == 0
    shutil.unpack_archive(tmp_path / "t.xlsx", tmp_path / "unpacked", "zip")
    sheet = (tmp_path / "unpacked" / "xl" / "worksheets" / "sheet1.xml").read_text("utf-8")
    strings = (tmp_path / "unpacked" / "xl" / "sharedStrings.xml").read_text("utf-8")
    assert "<f>" not in sheet
    assert "=cmd|" in strings


def test_json_keeps_names_as_they_are(cli: Cli) -> None:
    assert CMD in {t["name"] for t in cli.ask("targets", *IC)["targets"]}


# Which store.


def test_db_before_and_after_the_command(cli: Cli, packs: Path, tmp_path: Path) -> None:
    assert cli.bare("--db", "a.db", "ingest", packs / "sample").status == 0
    assert cli.bare("ingest", packs / "sample", "--db", "b.db").status == 0
    assert (tmp_path / "a.db").read_bytes()[:6] == b"SQLite"
    for argv in (("--db", "a.db", "clusters"), ("clusters", "--db", "b.db")):
        assert "ic" in cli.bare(*argv, "--format", "csv").out
    # The one nearer to the command counts.
    assert cli.bare("--db", "none.db", "clusters", "--db", "a.db").status == 0
    assert cli.bare("--db", "a.db", "clusters", "--db", "none.db").status == 1
    assert not (tmp_path / "chainatlas.db").exists()


def test_db_by_environment(
    cli: Cli, packs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINATLAS_DB", str(tmp_path / "env.db"))
    assert cli.bare("ingest", packs / "sample").status == 0
    assert (tmp_path / "env.db").is_file()
    assert cli.bare("clusters").status == 0
    for argv in (("--db", "none.db", "clusters"), ("clusters", "--db", "none.db")):
        assert cli.bare(*argv).status == 1


def test_db_by_default(cli: Cli, packs: Path, tmp_path: Path) -> None:
    assert cli.bare("clusters").status == 1
    assert cli.bare("ingest", packs / "sample").status == 0
    assert (tmp_path / "chainatlas.db").is_file()
    assert "ic" in cli.bare("clusters", "--format", "csv").out


# Versions and round trips.


def test_versions_compare_and_undo(own: Cli, packs: Path) -> None:
    assert own("undo").status == 0  # both packs gone again
    assert own.ids("products") == []
    assert own("undo").status == 1
    assert own("ingest", packs / "sample").status == 0
    assert own("ingest", packs / "sample").status == 0  # no change, no version
    assert own("ingest", packs / "changed").status == 0
    told = own.ask("versions")
    assert [(v["number"], v["action"], v["undoes"]) for v in told["versions"]] == [
        (1, "load", None),
        (2, "undo", 1),
        (3, "load", None),
        (4, "load", None),
    ]
    found = own.ask("compare", 3, 4)
    assert (found["from"], found["version"]) == (3, 4)
    assert found["differences"] == [
        {"change": "changed", "table": "products", "pack": "sample", "key": "resist"}
    ]
    back = own.ask("compare", 4, 2)["differences"]
    assert {d["change"] for d in back} == {"withdrawn"}
    assert {d["table"] for d in back} >= {"clusters", "products", "rules", "surveys", "packs"}
    assert own("undo").status == 0
    assert own.ask("compare", 3, 5)["differences"] == []
    assert "光刻胶" in own.ids("products", "name")
    assert own.ask("gaps", *IC, "--version", 4)["version"] == 4
    names = {g["product"]: g["name"] for g in own.ask("gaps", *IC, "--version", 4)["gaps"]}
    assert names["resist"] == "电子束胶"


def test_undo_without_a_load(own: Cli) -> None:
    own("undo")
    before = own.dump()
    result = own("undo")
    assert (result.status, result.out) == (1, "")
    assert "没有可撤销的导入" in result.message
    assert own.dump() == before


def test_export_loads_to_the_same_facts(cli: Cli, own: Cli, tmp_path: Path) -> None:
    result = cli("export", "--out", tmp_path / "out")
    assert (result.status, result.out) == (0, "")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["other", "sample"]
    again = own.ask("ingest", tmp_path / "out" / "sample")
    assert (again["version"], again["changed"]) == (1, False)
    new = Cli(own._capsys, tmp_path / "new.db")
    assert new("ingest", tmp_path / "out" / "sample", tmp_path / "out" / "other").status == 0
    for argv in (("gaps", *IC), ("targets", *IC), ("supply-rate", *IC), ("clusters",)):
        assert new.ask(*argv) == cli.ask(*argv)


def test_export_overwrites_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "out" / "sample").mkdir(parents=True)
    result = cli("export", "--out", tmp_path / "out")
    assert result.status == 1
    assert "已存在" in result.message
    assert list((tmp_path / "out" / "sample").iterdir()) == []
    assert not [p for p in (tmp_path / "out").iterdir() if p.name.startswith(".")]


def test_backup_and_restore(own: Cli, packs: Path, tmp_path: Path) -> None:
    gaps = own.ask("gaps", *IC)
    saved = tmp_path / "saved.bak"
    assert own("backup", "--out", saved).status == 0
    assert own("backup", "--out", saved).status == 1
    assert own("ingest", packs / "changed").status == 0
    own.ask("gaps", *IC)
    before = own.dump()
    refused = own("restore", saved)
    assert refused.status == 1
    assert "--force" in refused.message
    assert own.dump() == before
    new = Cli(own._capsys, tmp_path / "new.db")
    assert new("restore", saved).status == 0
    assert new.ask("gaps", *IC) == gaps
    assert own("restore", saved, "--force").status == 0
    assert own.ask("gaps", *IC) == gaps
    assert own.ask("versions")["version"] == 1


def test_what_was_read_before_a_restore_is_forgotten(own: Cli, packs: Path, tmp_path: Path) -> None:
    """After a restore, new facts get the numbers of versions that existed before it."""
    assert own("backup", "--out", tmp_path / "saved.bak").status == 0
    assert own("ingest", packs / "changed").status == 0
    own.ask("gaps", *IC)  # version 2 as it was before the restore
    assert own("restore", tmp_path / "saved.bak", "--force").status == 0
    third = {"products.csv": PACK["products.csv"].replace("光刻胶", "第三种胶")}
    assert own("ingest", write_pack(tmp_path / "third", {**PACK, **third})).status == 0
    found = own.ask("gaps", *IC)
    assert found["version"] == 2
    assert {g["product"]: g["name"] for g in found["gaps"]}["resist"] == "第三种胶"


@pytest.mark.parametrize("content", [None, b"", b"nothing like a store" * 300])
def test_restore_from_what_is_no_backup(own: Cli, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "saved.bak").write_bytes(content)
    before = own.dump()
    result = own("restore", tmp_path / "saved.bak", "--force")
    assert (result.status, result.out) == (1, "")
    assert result.message.startswith("错误：")
    assert own.dump() == before
    assert not list(tmp_path.glob("*.part*"))


# The answers.

ORDER = ["supplement", "extend", "strengthen", "fortify"]


def test_gaps_answer(cli: Cli) -> None:
    found = cli.ask("gaps", *IC)
    assert (found["region"], found["cluster"]) == ("420100", "ic")
    rows = found["gaps"]
    assert sorted(r["product"] for r in rows) == sorted(
        ["chip", "wafer", "resist", "gas", "pack", "module", "odd"]
    )
    # Chips: a leader, LQ 1.26 above the pack's own 1.1, but one maker here and two in the country.
    assert {r["product"]: r["primary"] for r in rows} == {
        "chip": "fortify",
        "wafer": "supplement",
        "resist": "fortify",
        "gas": "strengthen",
        "pack": "strengthen",
        "module": "extend",
        "odd": "absent",
    }
    for row in rows:
        assert row["actions"] == [a for a in ORDER if a in row["actions"]]
        assert (row["actions"] == []) == (row["primary"] in ("sound", "absent"))
        assert math.isclose(sum(row["parts"].values()), row["priority"], abs_tol=1e-9)
        assert 0 <= row["priority"] <= 1
        assert set(row["parts"]) == set(found["weights"])
        assert all(0 <= v <= found["weights"][k] + 1e-12 for k, v in row["parts"].items())
        assert (row["priority"] == 0) == (row["actions"] == [])
        assert all(set(r) == {"code", "value", "threshold", "unit"} for r in row["reasons"])
    assert [r["product"] for r in rows] == [
        r["product"] for r in sorted(rows, key=lambda r: (-r["priority"], r["product"]))
    ]
    by = {r["product"]: r for r in rows}
    # 1e9 of chips made, and half of 1e8 of packages (a specialised maker's typical size) needed.
    assert by["chip"]["output"] == 1e9
    assert by["chip"]["demand"] == 5e7
    assert by["wafer"]["demand"] == 2e8
    assert (by["wafer"]["made"], by["wafer"]["coverage"], by["wafer"]["lq"]) == (False, 0.0, 0.0)
    assert by["resist"]["domestic_rate"] == 0.05
    assert by["module"]["reachable"] == 1.0
    assert by["odd"]["reachable"] is None
    assert (by["wafer"]["evidence"], by["gas"]["evidence"]) == ("confirmed", "suspected")
    assert by["resist"]["routes"][0] == "research"
    assert (by["wafer"]["link"], by["wafer"]["stage"]) == ("up", "upstream")


@pytest.mark.parametrize("action", ACTIONS)
def test_gaps_of_one_action(cli: Cli, action: str) -> None:
    whole = cli.ask("gaps", *IC)["gaps"]
    wanted = [g for g in whole if action in g["actions"]]
    assert wanted
    assert cli.ask("gaps", *IC, "--action", action)["gaps"] == wanted
    listed = cells(cli("gaps", *IC, "--action", action, "--format", "csv").out)
    assert [row[-1] for row in listed[1:]] == [g["product"] for g in wanted]


def test_gaps_of_a_cluster_without_products(cli: Cli) -> None:
    assert cli.ask("gaps", "--region", "420100", "--cluster", "empty")["gaps"] == []
    assert cli("gaps", "--region", "420100", "--cluster", "empty").status == 0
    assert cli.ask("targets", "--region", "420100", "--cluster", "empty")["targets"] == []


def test_region_without_facts(cli: Cli) -> None:
    rows = cli.ask("gaps", "--region", "540100", "--cluster", "ic")["gaps"]
    assert {r["primary"] for r in rows} == {"absent"}


@pytest.mark.parametrize("name", ["武汉市", "武汉", "湖北省武汉市", " 420100 "])
def test_region_by_name(cli: Cli, name: str) -> None:
    for command in ("gaps", "targets", "supply-rate"):
        by_name = cli.ask(command, "--region", name, "--cluster", "ic")
        assert by_name == cli.ask(command, *IC)


MAKERS = [row.split(",") for row in PACK["produces.csv"].splitlines()[1:]]
HOME = {row.split(",")[0]: row.split(",") for row in PACK["enterprises.csv"].splitlines()[1:]}


@pytest.mark.parametrize("region", ["420100", "420111", "420000", "310000", "420115", "420600"])
def test_targets(cli: Cli, region: str) -> None:
    argv = ("targets", "--region", region, "--cluster", "ic", "--top", "0")
    first = cli(*argv, "--format", "json")
    assert cli(*argv, "--format", "json").out == first.out
    rows = first.document()["targets"]
    gaps = {g["product"]: g for g in cli.ask("gaps", "--region", region, "--cluster", "ic")["gaps"]}
    assert rows
    ranks: dict[str, list[int]] = {}
    scores: dict[str, list[tuple[float, str]]] = {}
    for row in rows:
        product, enterprise = row["product"], row["enterprise"]
        assert gaps[product]["actions"]
        made_at = [r[2] or HOME[r[0]][2] for r in MAKERS if r[:2] == [enterprise, product]]
        assert made_at
        # Never an enterprise of the region, nor one that makes the product there.
        assert not any(
            regions.contains(region, code) for code in [*made_at, HOME[enterprise][2]] if code
        )
        assert row["from_region"] == (HOME[enterprise][2] or HOME[enterprise][3])
        assert regions.contains(region, row["landing"])
        assert row["name"] == HOME[enterprise][1]
        assert math.isclose(sum(row["parts"].values()), row["score"], abs_tol=1e-9)
        assert 0 <= row["score"] <= 1
        assert set(row["parts"]) == set(row["weights"])
        assert math.isclose(sum(row["weights"].values()), 1)
        assert all(0 <= v <= row["weights"][k] + 1e-12 for k, v in row["parts"].items())
        assert all(fact["text"] for fact in row["facts"])
        ranks.setdefault(product, []).append(row["rank"])
        scores.setdefault(product, []).append((-row["score"], enterprise))
    assert all(found == list(range(1, len(found) + 1)) for found in ranks.values())
    assert all(found == sorted(found) for found in scores.values())


def test_targets_of_one_product_and_number(cli: Cli) -> None:
    whole = cli.ask("targets", *IC, "--top", "0")["targets"]
    wafers = [t for t in whole if t["product"] == "wafer"]
    assert {t["enterprise"] for t in wafers} == {"e3", "e6", "e7", "e8", "e9", "e10"}
    assert cli.ask("targets", *IC, "--product", "wafer", "--top", "0")["targets"] == wafers
    assert cli.ask("targets", *IC, "--product", "wafer", "--top", "2")["targets"] == wafers[:2]
    # A champion that already supplies a local chip maker comes first, and the path says so.
    assert wafers[0]["enterprise"] == "e3"
    assert wafers[0]["path"] == [{"from": "上海硅片公司", "edge": "SUPPLIES", "to": "武汉芯片公司"}]
    assert cli.ask("targets", *IC, "--product", "odd")["targets"] == []
    (resist,) = cli.ask("targets", *IC, "--product", "resist")["targets"]
    assert (resist["enterprise"], resist["from_region"]) == ("e5", "JP")


def test_supply_rate(cli: Cli) -> None:
    found = cli.ask("supply-rate", *IC)
    assert set(found) >= {"schema", "version", "region", "cluster", "value", "value_low", "count"}
    # Purchases of Wuhan's makers: 40 of 100 million come from Wuhan.
    assert math.isclose(found["observed"], 0.4)
    # Made in Wuhan with inputs: chip (wafer, resist, gas) and pack (chip); chip and gas are present.
    assert math.isclose(found["count"], 0.5)
    assert 0 <= found["value_low"] <= found["value"] <= 1


def test_clusters(cli: Cli) -> None:
    found = {c["id"]: c for c in cli.ask("clusters")["clusters"]}
    assert (found["ic"]["links"], found["ic"]["products"], found["ic"]["tier"]) == (
        3,
        7,
        "national",
    )
    assert (found["empty"]["links"], found["empty"]["products"], found["empty"]["tier"]) == (
        0,
        0,
        None,
    )


def test_rejects(cli: Cli) -> None:
    (entry,) = cli.ask("rejects")["rejects"]
    assert (entry["pack"], entry["file"], entry["line"], entry["reason"]) == (
        "other",
        "products.csv",
        3,
        "missing_value",
    )
    assert json.loads(entry["raw"]) == {"id": "bad"}


# The main job and the pictures.


def test_run(cli: Cli, packs: Path, tmp_path: Path) -> None:
    result = cli.bare("run", "--pack", packs / "sample", "--out", "result")
    assert result.status == 0
    assert (tmp_path / "chainatlas.db").is_file()
    written = [p for p in (tmp_path / "result").iterdir() if p.is_file()]
    assert {p.suffix for p in written} >= {".html", ".xlsx", ".txt"}
    assert all(p.stat().st_size for p in written)
    assert str(tmp_path / "result") in "".join(result.out.split())
    assert "集成电路产业集群" in result.out


def test_run_writes_single_files_on_request(cli: Cli, packs: Path, tmp_path: Path) -> None:
    cli.bare("run", "--pack", packs / "sample", "--out", "result", "--single-file")
    pages = list((tmp_path / "result").glob("*.html"))
    assert pages
    assert not (tmp_path / "result" / "assets").exists()
    assert not any('src="' in p.read_text("utf-8") for p in pages)


@pytest.mark.parametrize("kind", ["resources", "attraction", "chain"])
def test_map(cli: Cli, kind: str, tmp_path: Path) -> None:
    result = cli("map", kind, *IC, "--out", tmp_path / "x.html")
    assert (result.status, result.out) == (0, "")
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "集成电路产业集群" in page
    assert "x.html" in result.message
