"""Bad files and bad rows, through the command line: status, message, and the store afterwards."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import xlsxwriter

from chainatlas.graph.schema import TABLES
from chainatlas.graph.store import open_store
from chainatlas.ingest import load, open_pack
from chainatlas.ingest.quarantine import REASONS
from cli_tools import Cli, Reject, write_pack

if TYPE_CHECKING:
    from making import MakePack

Files = Mapping[str, str | bytes]
Cell = str | float | bool | dt.date

CLUSTERS = "id,name,region\nic,集成电路产业集群,420100\n"
PRODUCTS = "id,name\np,芯片\nq,硅片\nr,光刻胶\n"


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.delenv("CHAINATLAS_DB", raising=False)
    return Cli(capsys, tmp_path / "store.db")


def squeezed(text: str) -> str:
    return "".join(text.split())


def encoded(text: str, encoding: str) -> bytes:
    return text.encode(encoding)


# Files that cannot be read at all: status 1, a message, the store as it was.

REFUSED: dict[str, tuple[Files, tuple[str, ...]]] = {
    "empty file": ({"products.csv": b""}, ("products.csv", "文件是空的")),
    "only white space": ({"products.csv": " \n\n"}, ("products.csv", "文件是空的")),
    "only a byte order mark": ({"products.csv": b"\xef\xbb\xbf"}, ("products.csv", "文件是空的")),
    "missing required column": ({"products.csv": "id\np\n"}, ("products.csv", "缺少必需的列name")),
    "missing key column": (
        {"inputs.csv": "product,cost_share\np,0.1\n"},
        ("inputs.csv", "缺少必需的列input"),
    ),
    "wrong separator": ({"products.csv": "id;name\np;x\n"}, ("products.csv", "缺少必需的列")),
    "no header": ({"products.csv": "\nid,name\np,x\n"}, ("products.csv", "没有表头")),
    "duplicated header": ({"products.csv": "id,name,name\np,a,b\n"}, ("products.csv", "表头重复")),
    "utf-16-le without mark": (
        {"products.csv": encoded(PRODUCTS, "utf-16-le")},
        ("products.csv", "UTF-16", "UTF-8"),
    ),
    "utf-16-be without mark": (
        {"products.csv": encoded(PRODUCTS, "utf-16-be")},
        ("products.csv", "请另存为UTF-8"),
    ),
    "NUL byte": ({"products.csv": b"id,name\np,a\x00b\n"}, ("products.csv", "空字节")),
    "broken utf-8": (
        {"products.csv": "id,name\np,芯片".encode() + b"\xff\n"},
        ("products.csv", "无法确定编码"),
    ),
    "cut gbk": ({"products.csv": encoded(PRODUCTS, "gbk")[:-2]}, ("products.csv", "无法确定编码")),
    "latin-1": (
        {"products.csv": encoded("id,name\np,café\n", "latin-1")},
        ("products.csv", "无法确定编码"),
    ),
    "binary": ({"products.csv": bytes(range(256))}, ("products.csv", "无法确定编码")),
    "unclosed quote": ({"products.csv": 'id,name\np,"芯片\n'}, ("products.csv", "引号不成对")),
    "unclosed quote swallows": (
        {"products.csv": 'id,name\np,"芯片\nq,硅片\nr,光刻胶\n'},
        ("products.csv", "引号不成对"),
    ),
    "rules broken": ({"rules.toml": "token_max = \n"}, ("rules.toml", "不是有效的TOML")),
    "rules given twice": ({"rules.toml": "lq_min = 1\nlq_min = 2\n"}, ("rules.toml", "TOML")),
    "rules in big5": ({"rules.toml": encoded("# 積體電路封裝\n", "big5")}, ("rules.toml",)),
    "pack.toml broken": ({"pack.toml": "name = \n"}, ("pack.toml", "不是有效的TOML")),
    "bad default as_of": (
        {"pack.toml": 'as_of = "2024-02-30"\n'},
        ("pack.toml", "as_of", "2024-02-30"),
    ),
    "default as_of a number": ({"pack.toml": "as_of = 2024\n"}, ("pack.toml", "as_of", "2024")),
    "xlsx that is no zip": ({"links.xlsx": b"id,name\n"}, ("links.xlsx", "不是有效的.xlsx")),
    "old xls renamed": (
        {"links.xlsx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)},
        ("links.xlsx", "不是有效的.xlsx"),
    ),
    "zip that is no workbook": (
        {"links.xlsx": b"PK\x05\x06" + bytes(18)},
        ("links.xlsx", "不是有效的.xlsx"),
    ),
}


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one load in it, to be copied."""
    folder = tmp_path_factory.mktemp("standing")
    store = open_store(str(folder / "store.db"), create=True)
    load(store, [open_pack(write_pack(folder / "sample", {"products.csv": PRODUCTS}))])
    return folder / "store.db"


@pytest.mark.parametrize(("files", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(
    cli: Cli, make_pack: MakePack, standing: Path, files: Files, words: Sequence[str]
) -> None:
    shutil.copy(standing, cli.db)
    before = cli.dump()
    result = cli("ingest", make_pack(files))
    assert result.status == 1
    assert result.out == ""
    assert result.message.startswith("错误：")
    for word in words:
        assert word in result.message
    assert cli.dump() == before
    assert any("光刻胶" in line for line in before)


def test_refused_without_a_store(cli: Cli, make_pack: MakePack) -> None:
    assert cli("ingest", make_pack({"products.csv": b""})).status == 1
    assert not cli.db.exists()


def test_good_pack_beside_a_bad_one_is_not_loaded(cli: Cli, tmp_path: Path) -> None:
    good = write_pack(tmp_path / "good", {"products.csv": PRODUCTS})
    bad = write_pack(tmp_path / "bad", {"products.csv": b""})
    assert cli("ingest", write_pack(tmp_path / "old", {"products.csv": PRODUCTS})).status == 0
    before = cli.dump()
    assert cli("ingest", good, bad).status == 1
    assert cli.dump() == before


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("nothing", "不存在"),
        ("no.xlsx", "不存在"),
        ("a.doc", "不是数据包"),
        ("empty", "products.csv"),
    ],
)
def test_no_pack(cli: Cli, tmp_path: Path, name: str, word: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.doc").write_text("x", encoding="utf-8")
    result = cli("ingest", tmp_path / name)
    assert (result.status, result.out) == (1, "")
    assert word in result.message
    assert name in result.message
    assert not cli.db.exists()


def test_products_missing(cli: Cli, tmp_path: Path) -> None:
    result = cli("ingest", write_pack(tmp_path / "p", {"clusters.csv": CLUSTERS}))
    assert (result.status, result.out) == (1, "")
    assert "缺少products.csv" in result.message


def test_two_packs_of_the_same_name(cli: Cli, make_pack: MakePack) -> None:
    first = make_pack({"products.csv": PRODUCTS})
    assert cli("ingest", first).status == 0
    before = cli.dump()
    second = make_pack({"products.csv": "id,name\nz,另一个\n"})
    result = cli("ingest", first, second)
    assert (result.status, result.out) == (1, "")
    assert "重名" in result.message
    assert "sample" in result.message
    assert cli.dump() == before
    renamed = make_pack({"products.csv": "id,name\nz,另一个\n", "pack.toml": 'name = "other"\n'})
    assert cli("ingest", first, renamed).status == 0
    assert sorted(cli.ids("products")) == ["p", "q", "r", "z"]


def test_table_given_twice(cli: Cli, make_pack: MakePack) -> None:
    folder = make_pack({"products.csv": PRODUCTS})
    workbook(folder / "more.xlsx", {"products": [["id", "name"], ["z", "x"]]})
    result = cli("ingest", folder)
    assert result.status == 1
    assert "products表出现了两次" in result.message


@pytest.mark.parametrize(
    "argv",
    [
        ["ingest"],
        ["ingest", "x", "--format", "yaml"],
        ["ingest", "x", "--nonsense"],
        ["ingest", "x", "--out"],
        ["digest", "x"],
        ["rejects", "--version", "newest"],
    ],
    ids=" ".join,
)
def test_malformed_command_line(cli: Cli, argv: Sequence[str]) -> None:
    result = cli.bare(*argv)
    assert (result.status, result.out) == (2, "")
    assert result.err
    assert not cli.db.exists()


# Encodings: names are read right, or the file is refused; never anything else.

LONG = "id,name\np,高纯电子级多晶硅与单晶硅棒\nq,光刻胶及其配套试剂材料\nr,集成电路制造用掩模版\n"
NAMES = ["高纯电子级多晶硅与单晶硅棒", "光刻胶及其配套试剂材料", "集成电路制造用掩模版"]


@pytest.mark.parametrize(
    ("encoding", "text", "names"),
    [
        ("utf-8", LONG, NAMES),
        ("utf-8-sig", LONG, NAMES),
        ("gb2312", LONG, NAMES),
        ("gbk", LONG, NAMES),
        ("gb18030", LONG, NAMES),
        ("utf-16", LONG, NAMES),
        ("gb18030", LONG.replace("掩模", "𬭊"), [*NAMES[:2], "集成电路制造用𬭊版"]),
        ("gbk", LONG.replace("掩模", "鍀"), [*NAMES[:2], "集成电路制造用鍀版"]),
        ("utf-8", "id,name\np,積體電路リチウム\n", ["積體電路リチウム"]),
        ("utf-8", "id,name\np,Ünïcödé 𬭊\n", ["Ünïcödé 𬭊"]),
        ("gbk", "id,name\np,plain\n", ["plain"]),
        ("utf-16", "id,name\np,積體電路\n", ["積體電路"]),
    ],
)
def test_encoding_read_right(
    cli: Cli, make_pack: MakePack, encoding: str, text: str, names: list[str]
) -> None:
    assert cli("ingest", make_pack({"products.csv": text.encode(encoding)})).status == 0
    assert cli.ids("products", "name") == names


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_of_both_byte_orders(cli: Cli, make_pack: MakePack, codec: str) -> None:
    assert cli("ingest", make_pack({"products.csv": ("\ufeff" + LONG).encode(codec)})).status == 0
    assert cli.ids("products", "name") == NAMES


FOREIGN = {
    "big5 list": ("big5", "id,name\np,積體電路封裝測試\nq,動力電池正極材料\nr,半導體光阻劑\n"),
    "big5 word": ("big5", "id,name\np,電池\n"),
    "shift-jis list": ("shift-jis", "id,name\np,リチウムイオン電池\nq,半導体製造装置\nr,感光材\n"),
    "shift-jis word": ("shift-jis", "id,name\np,東京\n"),
    "gbk, one word that is UTF-8 too": ("gbk", "id,name\np,石英\n"),
    "gbk, one character that is UTF-8 too": ("gbk", "id,name\np,水\n"),
}


@pytest.mark.parametrize(("encoding", "text"), FOREIGN.values(), ids=FOREIGN.keys())
def test_encoding_never_garbled(cli: Cli, make_pack: MakePack, encoding: str, text: str) -> None:
    result = cli("ingest", make_pack({"products.csv": text.encode(encoding)}))
    if result.status == 1:
        assert "无法确定编码" in result.message
        assert not cli.db.exists()
    else:
        assert result.status == 0
        right = [line.split(",")[1] for line in text.splitlines()[1:]]
        assert cli.ids("products", "name") == right


# Rows that cannot be used: status 3, their place and reason, and the other rows loaded.


@dataclass(frozen=True)
class Bad:
    """One case: files, what must be in quarantine, and what must be loaded all the same."""

    files: Files
    rejects: list[Reject]
    table: str = "products"
    loaded: list[str] = field(default_factory=list)
    column: str = "id"


def enterprise(column: str, value: str, reason: str, line: int = 3) -> Bad:
    """An enterprise with one bad cell between two good ones."""
    text = f'id,name,{column}\na,甲,\nbad,乙,"{value}"\nc,丙,\n'
    return Bad(
        {"enterprises.csv": text},
        [("enterprises.csv", line, column, "row", reason)],
        "enterprises",
        ["a", "c"],
    )


def own_id(value: str, reason: str) -> Bad:
    return Bad(
        {"enterprises.csv": f"id,name\na,甲\n{value},乙\n"},
        [("enterprises.csv", 3, "id", "row", reason)],
        "enterprises",
        ["a"],
    )


def inputs(rows: str, *rejects: tuple[int, str, str], kept: Sequence[str]) -> Bad:
    """Rows of inputs.csv; ``kept`` are the inputs of those loaded."""
    return Bad(
        {
            "products.csv": PRODUCTS + "s,气体\n",
            "inputs.csv": "product,input,cost_share,criticality\n" + rows,
        },
        [("inputs.csv", line, column, "row", reason) for line, column, reason in rejects],
        "inputs",
        list(kept),
        "input",
    )


def rules(text: str, *rejects: tuple[int, str, str], kept: Sequence[str] = ()) -> Bad:
    return Bad(
        {"rules.toml": text, "clusters.csv": CLUSTERS},
        [("rules.toml", line, column, "row", reason) for line, column, reason in rejects],
        "rules",
        list(kept),
        "name",
    )


QUARANTINED: dict[str, Bad] = {
    "duplicate key": Bad(
        {"products.csv": "id,name\np,甲\nq,乙\np,丙\n"},
        [("products.csv", 4, "id", "row", "duplicate_key")],
        loaded=["甲", "乙"],
        column="name",
    ),
    "duplicate after cleaning": Bad(
        {"products.csv": "id,name\np,甲\n p\u3000,丙\n"},
        [("products.csv", 3, "id", "row", "duplicate_key")],
        loaded=["甲"],
        column="name",
    ),
    "same plant, once by the enterprise's own region": Bad(
        {
            "enterprises.csv": "id,name,region\ne,甲,420111\n",
            "produces.csv": "enterprise,product,region\ne,p,\ne,p,420111\ne,p,420115\n",
        },
        [("produces.csv", 3, "enterprise", "row", "duplicate_key")],
        "produces",
        ["420111", "420115"],
        "region",
    ),
    "unknown reference": inputs(
        "p,q,,\np,nothing,,\nnothing,q,,\n",
        (3, "input", "unknown_reference"),
        (4, "product", "unknown_reference"),
        kept=["q"],
    ),
    "reference to a quarantined row": Bad(
        {
            "enterprises.csv": "id,name,revenue\na,甲,-1\nb,乙,\n",
            "produces.csv": "enterprise,product\na,p\nb,p\n",
        },
        [
            ("enterprises.csv", 2, "revenue", "row", "out_of_range"),
            ("produces.csv", 2, "enterprise", "row", "unknown_reference"),
        ],
        "produces",
        ["b"],
        "enterprise",
    ),
    "adcode 999999": enterprise("region", "999999", "bad_adcode"),
    "adcode 421023, no more in force": enterprise("region", "421023", "bad_adcode"),
    "adcode with letters": enterprise("region", "武汉市", "bad_adcode"),
    "adcode of full width": enterprise("region", "４２０１００", "bad_adcode"),
    "country": enterprise("country", "XX", "bad_country"),
    "negative revenue": enterprise("revenue", "-1", "out_of_range"),
    "revenue no number": enterprise("revenue", "约三亿", "bad_number"),
    "revenue with separators": enterprise("revenue", "1,000", "bad_number"),
    "revenue infinite": enterprise("revenue", "inf", "bad_number"),
    "revenue too large": enterprise("revenue", "1e999", "bad_number"),
    "revenue nan": enterprise("revenue", "nan", "bad_number"),
    "revenue hexadecimal": enterprise("revenue", "0x10", "bad_number"),
    "half an employee": enterprise("employees", "10.5", "not_whole"),
    "date 2024-02-30": enterprise("founded_on", "2024-02-30", "bad_date"),
    "date with slashes": enterprise("founded_on", "2024/2/3", "bad_date"),
    "as_of": enterprise("as_of", "2024-13-01", "bad_date"),
    "confidence": enterprise("confidence", "1.5", "out_of_range"),
    "unknown label": enterprise("labels", "leading;huge", "bad_choice"),
    "million characters": enterprise("scope", "很" * 1_000_000, "cell_too_long"),
    "credit code, wrong check digit": own_id("91110000600037341X", "bad_uscc"),
    "credit code, digits exchanged": own_id("91110000600037314L", "bad_uscc"),
    "credit code as a number": own_id("9.11100E+17", "code_as_number"),
    "empty name": Bad(
        {"products.csv": "id,name\np,\nq,乙\n"},
        [("products.csv", 2, "name", "row", "missing_value")],
        loaded=["q"],
    ),
    "empty id": Bad(
        {"products.csv": "id,name\n,甲\nq,乙\n"},
        [("products.csv", 2, "id", "row", "missing_value")],
        loaded=["q"],
    ),
    "id of invisible characters": Bad(
        {"products.csv": "id,name\n\u200b,甲\nq,乙\n"},
        [("products.csv", 2, "id", "row", "missing_value")],
        loaded=["q"],
    ),
    "name of invisible characters": Bad(
        {"products.csv": "id,name\np,\u200b\x01\nq,乙\n"},
        [("products.csv", 2, "name", "row", "missing_value")],
        loaded=["q"],
    ),
    "classification code": Bad(
        {"products.csv": "id,name,gb_code\np,甲,C39731\nq,乙,C3973\n"},
        [("products.csv", 2, "gb_code", "row", "bad_gb_code")],
        loaded=["q"],
    ),
    "domestic rate over 1": Bad(
        {"products.csv": "id,name,domestic_rate\np,甲,1.01\nq,乙,1\n"},
        [("products.csv", 2, "domestic_rate", "row", "out_of_range")],
        loaded=["q"],
    ),
    "unknown link of a product": Bad(
        {
            "clusters.csv": CLUSTERS,
            "links.csv": "id,cluster,name,stage\nl,ic,材料,upstream\n",
            "products.csv": "id,name,links\np,甲,l;none\nq,乙,l\n",
        },
        [("products.csv", 2, "links", "value", "unknown_reference")],
        loaded=["l", "l"],
        column="links",
    ),
    "all links of a product unknown": Bad(
        {"products.csv": "id,name,links\np,甲,x；y\nq,乙,\n"},
        [
            ("products.csv", 2, "links", "value", "unknown_reference"),
            ("products.csv", 2, "links", "value", "unknown_reference"),
        ],
        loaded=["p", "q"],
    ),
    "link of an unknown stage": Bad(
        {
            "clusters.csv": CLUSTERS,
            "links.csv": "id,cluster,name,stage,position\nl,ic,甲,sideways,1\nm,ic,乙,upstream,2\n",
        },
        [("links.csv", 2, "stage", "row", "bad_choice")],
        "links",
        ["m"],
    ),
    "share over 1": Bad(
        {
            "products.csv": PRODUCTS,
            "enterprises.csv": "id,name\ne,甲\n",
            "produces.csv": "enterprise,product,share\ne,p,1.2\ne,q,1\n",
        },
        [("produces.csv", 2, "share", "row", "out_of_range")],
        "produces",
        ["q"],
        "product",
    ),
    "criticality over 1": inputs(
        "p,q,,1.0001\np,r,,1\n", (2, "criticality", "out_of_range"), kept=["r"]
    ),
    "self input": inputs("p,p,0.1,\np,q,0.1,\n", (2, "input", "self_reference"), kept=["q"]),
    "cost shares over 1": inputs(
        "p,q,0.6,\np,r,0.5,\np,s,,\nq,r,1,\n",
        (2, "cost_share", "cost_shares_over_1"),
        (3, "cost_share", "cost_shares_over_1"),
        kept=["s", "r"],
    ),
    "cost share over 1": inputs(
        "p,q,1.2,\np,r,0.5,\n", (2, "cost_share", "out_of_range"), kept=["r"]
    ),
    "cost shares over 1 with a repeated row": inputs(
        "p,q,0.6,\np,q,0.6,\np,r,0.4,\n", (3, "product", "duplicate_key"), kept=["q", "r"]
    ),
    "owner of its own": Bad(
        {
            "enterprises.csv": "id,name\na,甲\nb,乙\n",
            "holdings.csv": "parent,child,stake\na,a,0.5\na,b,0.5\n",
        },
        [("holdings.csv", 2, "child", "row", "self_reference")],
        "holdings",
        ["b"],
        "child",
    ),
    "ragged rows": Bad(
        {"products.csv": "id,name\np,甲\nq\nr,乙,1\ns,丙\n"},
        [
            ("products.csv", 3, "", "row", "wrong_columns"),
            ("products.csv", 4, "", "row", "wrong_columns"),
        ],
        loaded=["p", "s"],
    ),
    "blank lines count": Bad(
        {"products.csv": "id,name\n\np,甲\n\n,\n  , \nq,\n\n"},
        [("products.csv", 7, "name", "row", "missing_value")],
        loaded=["p"],
    ),
    "quotes with newlines": Bad(
        {
            "products.csv": 'id,name\np,"甲\n乙\n丙"\nq,\n"r\n1",x,y\ns,"a ""b"", c"\nt,\nu\n',
        },
        [
            ("products.csv", 5, "name", "row", "missing_value"),
            ("products.csv", 6, "", "row", "wrong_columns"),
            ("products.csv", 9, "name", "row", "missing_value"),
            ("products.csv", 10, "", "row", "wrong_columns"),
        ],
        loaded=["甲\n乙\n丙", 'a "b", c'],
        column="name",
    ),
    "windows line ends": Bad(
        {"products.csv": 'id,name\r\np,"甲\r\n乙"\r\n\r\nq,\r\nr\r\ns,丁\r\n'},
        [
            ("products.csv", 5, "name", "row", "missing_value"),
            ("products.csv", 6, "", "row", "wrong_columns"),
        ],
        loaded=["p", "s"],
    ),
    "newline in the header": Bad(
        {"products.csv": '"id",name,"note\nof mine"\np,,\nq,乙,\n'},
        [("products.csv", 3, "name", "row", "missing_value")],
        loaded=["q"],
    ),
    "unknown rule": rules(
        "lq_min = 1.5\ntoken_maximum = 0.2\n", (2, "name", "unknown_rule"), kept=["lq_min"]
    ),
    "unknown size": rules(
        "[sizes]\nleading = 1e9\nhuge = 3\n",
        (3, "name", "unknown_rule"),
        kept=["sizes.leading"],
    ),
    "unknown cluster": rules(
        "[cluster.zz]\nlq_min = 1\n[cluster.ic]\nlq_min = 2\n",
        (2, "cluster", "unknown_reference"),
        kept=["lq_min"],
    ),
    "rules no numbers": rules(
        'lq_min = "one"\ntoken_max = true\nvital_min = nan\ncritical_min = [1]\ndomestic_min = 0.3\n',
        (1, "value", "bad_number"),
        (2, "value", "bad_number"),
        (3, "value", "bad_number"),
        (4, "value", "bad_number"),
        kept=["domestic_min"],
    ),
    "negative rule": rules("lq_min = -1\n", (1, "value", "out_of_range")),
}


@pytest.mark.parametrize("case", QUARANTINED.values(), ids=QUARANTINED.keys())
def test_quarantined(cli: Cli, make_pack: MakePack, case: Bad) -> None:
    result = cli("ingest", make_pack(case.files))
    assert cli.rejects() == sorted(case.rejects, key=lambda r: r[:2])
    assert sorted(cli.ids(case.table, case.column)) == sorted(case.loaded)
    assert result.status == 3
    assert "隔离" in result.message
    for reason in {r[4] for r in case.rejects}:
        assert reason in result.message


def test_quarantine_tells_the_value_and_keeps_the_row(cli: Cli, make_pack: MakePack) -> None:
    files = {"enterprises.csv": "id,name,revenue,note\ne,甲公司,三亿,备注\n"}
    report = cli.ask("ingest", make_pack(files), status=3)
    assert report["packs"][0]["reasons"] == {"bad_number": 1}
    assert {f["file"]: (f["rows"], f["loaded"], f["quarantined"]) for f in report["packs"][0]["files"]} == {
        "products.csv": (1, 1, 0),
        "enterprises.csv": (1, 0, 1),
    }  # fmt: skip
    (entry,) = cli.ask("rejects")["rejects"]
    assert entry["message"] == "不是数字：三亿"
    assert json.loads(entry["raw"]) == {
        "id": "e",
        "name": "甲公司",
        "revenue": "三亿",
        "note": "备注",
    }


def test_message_of_a_long_cell_is_short(cli: Cli, make_pack: MakePack) -> None:
    cli("ingest", make_pack({"products.csv": f"id,name\np,{'长' * 1_000_000}\n"}))
    (entry,) = cli.ask("rejects")["rejects"]
    assert entry["reason"] == "cell_too_long"
    assert len(entry["message"]) < 200


#: Reasons that no pack is refused for; their cases stand with the tests of the sources.
FOUND_BY_SOURCES = {
    "bad_money",
    "unknown_currency",
    "bad_stock",
    "generic_name",
    "not_a_name",
    "not_an_input",
    "same_product",
    "share_unresolved",
}


def test_every_reason_has_its_case() -> None:
    reasons = {reason for case in QUARANTINED.values() for *_, reason in case.rejects}
    assert reasons == set(REASONS) - FOUND_BY_SOURCES


# Odd input that is fine: status 0 and nothing in quarantine.

ACCEPTED: dict[str, tuple[Files, str, str, list[str]]] = {
    "right credit code": (
        {"enterprises.csv": "id,name\n91110000600037341L,甲\n"},
        "enterprises",
        "id",
        ["91110000600037341L"],
    ),
    "id of another kind": ({"enterprises.csv": "id,name\nJP-1,甲\n"}, "enterprises", "id", ["JP-1"]),
    "markup in a name": (
        {"products.csv": "id,name\np,<script>alert(1)</script>\n"},
        "products",
        "name",
        ["<script>alert(1)</script>"],
    ),
    "names that look like nothing": (
        {"products.csv": "id,name\na,NaN\nb,NULL\nc,None\nd,n/a\n"},
        "products",
        "name",
        ["NaN", "NULL", "None", "n/a"],
    ),
    "numbers as ids": ({"products.csv": "id,name\n007,x\n1e5,x\n"}, "products", "id", ["007", "1e5"]),
    "inch signs": (
        {"products.csv": 'id,name\np,5"管\nq,6"管\n'},
        "products",
        "name",
        ['5"管', '6"管'],
    ),
    "cost shares of exactly 1": (
        {
            "products.csv": PRODUCTS + "s,气体\n",
            "inputs.csv": "product,input,cost_share\np,q,0.1\np,r,0.2\np,s,0.7\n",
        },
        "inputs",
        "input",
        ["q", "r", "s"],
    ),
    "no rows": ({"products.csv": "id,name\n"}, "products", "id", []),
    "no last line end": ({"products.csv": "id,name\np,甲"}, "products", "id", ["p"]),
    "columns in another order": ({"products.csv": "name,id\n甲,p\n"}, "products", "id", ["p"]),
    "spaces around": ({"products.csv": " id , name \n p ,\u3000甲 \n"}, "products", "name", ["甲"]),
    "spaces behind invisible characters": (
        {"products.csv": "id,name\np,\u200b 甲\u200b\n"},
        "products",
        "name",
        ["甲"],
    ),
    "unknown column": ({"products.csv": "id,name,colour\np,甲,red\n"}, "products", "id", ["p"]),
    "leap day": (
        {"enterprises.csv": "id,name,founded_on\ne,甲,2024-02-29\n"},
        "enterprises",
        "founded_on",
        ["2024-02-29"],
    ),
    "list separators of both kinds": (
        {"enterprises.csv": "id,name,labels\ne,甲,leading； listed;;leading\n"},
        "enterprises",
        "labels",
        ["leading;listed"],
    ),
    "default date as a TOML date": (
        {"pack.toml": "as_of = 2024-02-29\n"},
        "products",
        "as_of",
        ["2024-02-29"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("files", "table", "column", "values"), ACCEPTED.values(), ids=ACCEPTED.keys()
)
def test_accepted(
    cli: Cli, make_pack: MakePack, files: Files, table: str, column: str, values: list[str]
) -> None:
    result = cli("ingest", make_pack(files))
    assert cli.rejects() == []
    assert result.status == 0
    assert "隔离：" not in result.message
    assert sorted(cli.ids(table, column)) == sorted(values)


def test_rows_between_two_open_quotes_are_not_lost(cli: Cli, make_pack: MakePack) -> None:
    """An even number of stray quotes: the rows between them may not vanish into a name."""
    text = 'id,name\np,"芯片\nq,硅片\nr,"光刻胶\ns,气体\n'
    result = cli("ingest", make_pack({"products.csv": text}))
    if result.status == 1:
        assert "引号" in result.message
        assert not cli.db.exists()
    else:
        loaded, rejected = cli.ids("products"), [line for _, line, *_ in cli.rejects()]
        assert len(loaded) + len(rejected) == 4


def test_unknown_columns_and_files_are_told(cli: Cli, make_pack: MakePack) -> None:
    folder = make_pack({"products.csv": "id,name,colour\np,甲,red\n", "extra.dat": "x"})
    result = cli("ingest", folder)
    assert result.status == 0
    assert "忽略了不认识的列colour" in result.message
    assert "忽略了不认识的文件extra.dat" in result.message


def test_quarantine_follows_the_pack(cli: Cli, make_pack: MakePack) -> None:
    """A corrected pack leaves no entry behind, and another pack's entries stay."""
    bad = make_pack({"products.csv": "id,name\np,\n"})
    other = make_pack({"products.csv": "id,name\nz,\n", "pack.toml": 'name = "other"\n'})
    assert cli("ingest", bad, other).status == 3
    assert len(cli.rejects()) == 2
    assert cli("ingest", make_pack({"products.csv": "id,name\np,甲\n"})).status == 0
    (left,) = cli.ask("rejects")["rejects"]
    assert left["pack"] == "other"


# People.

PEOPLE = (
    "法定代表人",
    "联系人",
    "联系电话",
    "手机号码",
    "email",
    "E-mail",
    "电子邮箱",
    "负责人姓名",
)


@pytest.mark.parametrize("header", PEOPLE)
def test_people_are_dropped_and_counted(cli: Cli, make_pack: MakePack, header: str) -> None:
    text = f"id,name,{header},revenue\na,甲,王小明,1\nb,乙,王小明,-1\na,丙,王小明,1\nc,丁,王小明,1,王小明\n"
    folder = make_pack({"enterprises.csv": text})
    result = cli("ingest", folder, "--format", "json")
    assert result.status == 3
    assert result.document()["packs"][0]["people_columns"] == 1
    assert "1列个人信息" in result.message
    answer = cli("rejects", "--format", "json")
    reasons = [entry["reason"] for entry in answer.document()["rejects"]]
    assert reasons == ["out_of_range", "duplicate_key", "wrong_columns"]
    assert "王小明" not in result.out + result.err + answer.out
    assert "王小明" not in "\n".join(cli.dump())


def test_people_are_dropped_from_workbooks(cli: Cli, tmp_path: Path) -> None:
    book = workbook(
        tmp_path / "p.xlsx",
        {
            "products": [["id", "name"], ["p", "甲"]],
            "enterprises": [["id", "法人代表", "name"], ["a", "王小明", ""], ["b", "王小明", "乙"]],
        },
    )
    assert cli.ask("ingest", book, status=3)["packs"][0]["people_columns"] == 1
    assert "王小明" not in "\n".join(cli.dump())


# Workbooks.


def workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> Path:
    """Write rows to an .xlsx: numbers as numbers, dates as real dates."""
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, dt.date):
                        moment = dt.datetime(cell.year, cell.month, cell.day)
                        sheet.write_datetime(row, column, moment, day)
                    else:
                        sheet.write(row, column, cell)
    return path


SHEETS: Mapping[str, Sequence[Sequence[Cell]]] = {
    "pack": [
        ["name", "title", "source", "as_of"],
        ["sample", "样例", "年报", dt.date(2024, 12, 31)],
    ],
    "clusters": [["id", "name", "region"], ["ic", "集成电路产业集群", 420100]],
    "links": [["id", "cluster", "name", "stage", "position"], ["l", "ic", "材料", "upstream", 1]],
    "products": [
        ["id", "name", "links", "gb_code", "domestic_rate"],
        ["p", "芯片", "l", 3973, 0.25],
        [12, "=1+1", "l", "", ""],
    ],
    "inputs": [["product", "input", "cost_share"], ["p", 12, 0.3]],
    "enterprises": [
        ["id", "name", "region", "revenue", "employees", "founded_on"],
        ["91110000600037341L", "甲", 420111, 1_500_000_000, 1200, dt.date(2024, 2, 29)],
        ["e2", "乙", "420115", 0.5, "", ""],
    ],
    "produces": [["enterprise", "product", "share"], ["e2", "p", 1], ["91110000600037341L", 12, ""]],
    "surveys": [["region", "product", "status"], [420000, "p", "complete"]],
    "rules": [["cluster", "name", "value"], ["", "lq_min", 1.5], ["ic", "lq_min", 2]],
}  # fmt: skip


def as_csv(rows: Sequence[Sequence[Cell]]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def test_workbook_loads_to_the_same_facts(cli: Cli, make_pack: MakePack, tmp_path: Path) -> None:
    book = workbook(tmp_path / "book.xlsx", SHEETS)
    assert cli("ingest", book).status == 0
    folder = make_pack(
        {
            **{f"{n}.csv": as_csv(r) for n, r in SHEETS.items() if n not in ("pack", "rules")},
            "pack.toml": 'name="sample"\ntitle="样例"\nsource="年报"\nas_of="2024-12-31"\n',
            "rules.toml": "lq_min = 1.5\n[cluster.ic]\nlq_min = 2\n",
        }
    )
    again = cli.ask("ingest", folder)
    assert (again["version"], again["changed"]) == (1, False), again["changes"]
    graph = open_store(str(cli.db)).view().graph()
    for name, rows in SHEETS.items():
        if name in TABLES:
            assert len(graph[name]) == len(rows) - 1
    assert graph["enterprises"]["founded_on"].tolist()[0] == "2024-02-29"
    assert graph["enterprises"]["as_of"].tolist() == ["2024-12-31", "2024-12-31"]
    assert "12" in graph["products"]["id"].tolist()


@pytest.mark.parametrize("code", [911100006000373417, 12345678901234567, 9_100_000_000_000_000])
def test_code_turned_into_a_number_is_refused(cli: Cli, tmp_path: Path, code: int) -> None:
    book = workbook(
        tmp_path / "book.xlsx",
        {
            "products": [["id", "name"], ["p", "甲"]],
            "enterprises": [["id", "name"], ["a", "甲"], [code, "乙"], [420100, "丙"]],
        },
    )
    assert cli("ingest", book).status == 3
    assert cli.rejects() == [("book.xlsx[enterprises]", 3, "id", "row", "code_as_number")]
    assert sorted(cli.ids("enterprises")) == ["420100", "a"]


def test_rows_of_a_workbook_are_counted_from_the_top(cli: Cli, tmp_path: Path) -> None:
    rows = [["id", "name"], ["p", "甲"], ["", ""], ["q", ""], ["r", "丙"], ["r", "丁"]]
    assert cli("ingest", workbook(tmp_path / "book.xlsx", {"products": rows})).status == 3
    assert cli.rejects() == [
        ("book.xlsx[products]", 4, "name", "row", "missing_value"),
        ("book.xlsx[products]", 6, "id", "row", "duplicate_key"),
    ]


def test_workbook_without_products(cli: Cli, tmp_path: Path) -> None:
    result = cli("ingest", workbook(tmp_path / "book.xlsx", {"notes": [["x"]]}))
    assert (result.status, result.out) == (1, "")
    assert "缺少products" in result.message


MEASURED = """
import re, sys, time
from pathlib import Path
from chainatlas.api.cli import main
began = time.monotonic()
status = main(["ingest", sys.argv[1], "--db", sys.argv[2]])
# Unlike ru_maxrss this does not begin with the peak of the process that started this one.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(status, time.monotonic() - began, peak // 1024)
"""


def measured(source: Path, db: Path) -> tuple[int, float, int, str]:
    """Ingest in a process of its own: status, seconds, peak memory (MB) and standard error."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(source), str(db)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:500]
    status, seconds, peak = done.stdout.split()
    return int(status), float(seconds), int(peak), squeezed(done.stderr)


@pytest.fixture(scope="module")
def blanks(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A workbook with 600 MB of blanks in its sheet, packed into less than one."""
    folder = tmp_path_factory.mktemp("bomb")
    made = workbook(folder / "plain.xlsx", {"products": [["id", "name"], ["p", "甲"]]})
    with (
        zipfile.ZipFile(made) as old,
        zipfile.ZipFile(folder / "b.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            head, mark, tail = old.read(name).partition(b"<sheetData>")
            with new.open(name, "w") as stream:
                stream.write(head)
                for _ in range(600 if mark else 0):
                    stream.write(b" " * 2**20)
                stream.write(mark + tail)
    return (folder / "b.xlsx").read_bytes()


def huge(path: Path, blanks: bytes) -> None:
    """600 MB of blanks."""
    path.write_bytes(blanks)


def lying(path: Path, blanks: bytes) -> None:
    """The same, with a directory that says the sheet is small."""
    data = bytearray(blanks)
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        found = data.find(signature)
        while found >= 0:
            if int.from_bytes(data[found + at : found + at + 4], "little") > 2**28:
                data[found + at : found + at + 4] = (1000).to_bytes(4, "little")
            found = data.find(signature, found + 4)
    assert data != blanks
    path.write_bytes(data)


def sparse(path: Path, blanks: bytes) -> None:
    """Three cells, one of them in the last corner of the sheet."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("products")
        sheet.write_row(0, 0, ["id", "name"])
        sheet.write_row(1, 0, ["p", "x"])
        sheet.write(1048575, 16383, "far away")


@pytest.mark.parametrize("make", [huge, lying, sparse], ids=lambda make: make.__name__)
def test_bomb(make: Callable[[Path, bytes], None], blanks: bytes, tmp_path: Path) -> None:
    """A small file that unpacks to far too much is refused quickly and in little memory."""
    bomb = tmp_path / "bomb.xlsx"
    make(bomb, blanks)
    assert bomb.stat().st_size < 5_000_000
    status, seconds, peak, message = measured(bomb, tmp_path / "store.db")
    assert status == 1
    assert "bomb.xlsx" in message
    assert seconds < 10
    assert peak < 500
    assert not (tmp_path / "store.db").exists()
