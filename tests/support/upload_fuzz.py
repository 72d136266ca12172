"""Hostile uploads against the application: run as a program, prints its peak memory in MB.

Every upload is refused with 4xx, or its dry run ends, done or failed with a reason that names no
place; the facts stay as they were until a commit, and a commit accounts for every row.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from uploads import Desk, File, workbook, zipped

EXAMPLES = int(sys.argv[1]) if len(sys.argv) > 1 else 60
FOLDER = Path(tempfile.mkdtemp())

ENCODINGS = (*("utf-8",) * 20, "utf-8-sig", "gb18030", *("utf-16", "utf-16-le", "big5", "utf-32"))
CELLS = st.one_of(
    st.sampled_from(
        [
            *("p", "q", "产品", "甲公司", "420100", "0.5", "-1", "1e999", "nan", "", " ", "武汉市"),
            *("=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+1", "\x00", "a\x00b", '"', '""', "'"),
            *("2024-02-30", "9" * 400, "x" * 40000, "\u202e", "\ufeff", "<script>", "a;b;;c"),
            *("91110000600037341L", "911100006000373417", "\ud7ff", "𠮷", "a,b", "a\nb", "a\rb"),
        ]
    ),
    st.text(max_size=12),
)
PLAIN = st.sampled_from(
    ["p", "q", "甲公司", "产品", "420100", "湖北省武汉市", "0.5", "=1+1", "", "x;y"]
)
HEADERS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *("id", "name", "aliases", "links", "domestic_rate", "企业名称", "注册资本"),
                *("#数据包", "#文件", "#标识", "法定代表人", "", "product", "input", "cost_share"),
            ]
        ),
        st.text(max_size=6),
    ),
    min_size=1,
    max_size=6,
)


@st.composite
def tables(draw: Any) -> bytes:
    """A table of text in some encoding, with some line ends, perhaps damaged."""
    usual = st.sampled_from([["id", "name"], ["id", "name"], ["企业名称", "所属地区", "注册资本"]])
    header = draw(st.one_of(usual, usual, usual, HEADERS))
    least = draw(st.sampled_from([0, len(header)]))
    most = len(header) + (least == 0)
    cells = draw(st.sampled_from([PLAIN, PLAIN, PLAIN, CELLS]))
    rows = draw(st.lists(st.lists(cells, min_size=least, max_size=most), max_size=6))
    quote = draw(st.booleans())
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r\n", "\r", "\n\r", "\u2028", "\x0b"]))
    wide = draw(st.sampled_from([0] * 12 + [1500, 100_000]))

    def written(cells: list[str]) -> str:
        if quote:
            return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
        return ",".join(cells)

    lines = [written([*header, *(f"c{i}" for i in range(wide))]), *map(written, rows)]
    text = end.join(lines) + draw(st.sampled_from(["", end]))
    data = text.encode(draw(st.sampled_from(ENCODINGS)), "replace")
    return damaged(draw, data)


def damaged(draw: Any, data: bytes) -> bytes:
    """Data as it is, cut off, or with some bytes changed; places are shares of its length."""

    def place() -> int:
        return min(len(data) * int(draw(st.integers(0, 1000))) // 1000, max(0, len(data) - 1))

    how = draw(st.sampled_from([*["whole"] * 6, "cut", "flip", "tail", "nul"]))
    if how == "cut":
        return data[: place()]
    if how == "flip" and data:
        changed = bytearray(data)
        for _ in range(draw(st.integers(1, 8))):
            changed[place()] = draw(st.integers(0, 255))
        return bytes(changed)
    if how == "tail":
        return data + bytes(draw(st.binary(max_size=40)))
    if how == "nul":
        at = place()
        return data[:at] + b"\0" + data[at:]
    return data


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
FLAT = st.dictionaries(st.sampled_from(["code", "name", "fullname", "rel"]), SCALARS, max_size=4)
JSON_VALUES = st.one_of(
    *[FLAT] * 3, SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.text(max_size=4), FLAT)
)
DEEP = st.sampled_from(["[" * 100_000, '{"a":' * 50_000, "1" * 10_000, '{"a":1' + "0" * 5000 + "}"])


@st.composite
def documents(draw: Any) -> bytes:
    """JSON, one value a line, some of it nested out of all measure."""
    lines = draw(st.lists(st.one_of(JSON_VALUES.map(json.dumps), DEEP), max_size=5))
    if draw(st.booleans()):
        lines.append(json.dumps({f"k{i}": i for i in range(5000)}))
    return damaged(draw, "\n".join(lines).encode())


@st.composite
def workbooks(draw: Any) -> bytes:
    """A workbook, perhaps damaged, or with a part that is not what it should be."""
    sheet = draw(st.sampled_from(["products", "enterprises", "名单", "pack", "rules"]))
    cells = draw(st.sampled_from([PLAIN, CELLS]))
    rows = draw(st.lists(st.lists(cells, max_size=4), max_size=5))
    header = draw(st.sampled_from([["id", "name"], ["企业名称", "所属地区"], ["id", "id"]]))
    book = workbook({sheet: [header, *([cell[:32000] for cell in row] for row in rows)]})
    how = draw(st.sampled_from(["whole", "damaged", "sheet", "cut"]))
    if how == "whole":
        return book
    if how == "damaged":
        return damaged(draw, book)
    parts = {}
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if how == "cut":
        del parts[draw(st.sampled_from(sorted(parts)))]
    else:
        parts["xl/worksheets/sheet1.xml"] = draw(st.sampled_from(SHEETS))
    return zipped(parts)


_HEAD = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
SHEETS = [
    _HEAD + b"<sheetData>" + inside + b"</sheetData></worksheet>"
    for inside in (
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        b'<row r="999999999"><c r="A999999999"><v>1</v></c></row>',
        b"<row r=\"1\"><c r = 'ZZZ1'><v>1</v></c></row>",
        b'<x:row r="1048576"><x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row>',
        b'<row r="1"><c r="A1" t="s"><v>999999</v></c></row>',
        b'<row r="-1"><c r="1A"><v>x</v></c></row>',
        b"<row><c><f>SUM(A1)</f><v>1</v></c>",
        b'<row r="1">' + b'<c t="inlineStr"><is><t>a</t></is></c>' * 3000 + b"</row>",
    )
]
SHEETS += [
    b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + _HEAD + b"</worksheet>",
    b"",
    b"\0" * 1000,
]

NAMES = st.one_of(
    st.sampled_from(
        [
            *("products.csv", "../../products.csv", "/etc/passwd", "a/../../b.csv", "C:\\x.csv"),
            *(
                "..\\..\\x.csv",
                "hubei/products.csv",
                "x.zip",
                "x.xlsx",
                "a.exe",
                "a",
                "",
                "con.csv",
            ),
            *("pack.toml", "rules.toml", "a\x00.csv", "企业.csv", "company.json", ".htaccess.csv"),
            *("x/" * 150 + "a.csv", "products.CSV", "Products.csv", "../", "readme.md"),
        ]
    ),
    st.text(max_size=10).map(lambda name: name + ".csv"),
)


@st.composite
def archives(draw: Any) -> bytes:
    """An archive with members of hostile names and contents."""
    page = io.BytesIO()
    with zipfile.ZipFile(page, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in draw(st.lists(NAMES, max_size=4, unique=True)):
            content = draw(st.one_of(tables(), st.binary(max_size=50), st.just(TOML)))
            info = zipfile.ZipInfo(name or "x")
            info.external_attr = draw(st.sampled_from([0, 0, 0o120777 << 16, 0o100644 << 16]))
            archive.writestr(info, content)
    return damaged(draw, page.getvalue())


TOML = b"a=" + b"[" * 20_000


def bomb(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    """An archive whose files repeat a piece, made without ever holding them whole."""
    page = io.BytesIO()
    with zipfile.ZipFile(page, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, (piece, times) in files.items():
            with archive.open(name, "w") as stream:
                stream.write(b"id,name\n")
                for _ in range(times):
                    stream.write(piece)
    return page.getvalue()


_MB = 2**20
BREAKS = b"\n" * _MB
BOMBS = [
    bomb({"products.csv": (b"a" * _MB, 400)}),
    bomb({"a.csv": (b" " * _MB, 190)}),
    bomb({f"{i}.csv": (BREAKS, 1) for i in range(180)}),
    bomb({f"{i}.csv": (BREAKS, 4) for i in range(30)}),
    bomb({"products.csv": (b"p,x\n" * 2**18, 12)}),
    bomb({"products.csv": (b"," * _MB, 100)}),
    zipped({"x.zip": zipped({"y.zip": zipped({"z.csv": b"0" * 10**7})})}),
]


def lying(data: bytes) -> bytes:
    """An archive whose directory says that its members are small."""
    made = bytearray(data)
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        found = made.find(signature)
        while found >= 0:
            made[found + at : found + at + 4] = (1000).to_bytes(4, "little")
            found = made.find(signature, found + 4)
    return bytes(made)


CHAINKG = [
    *("company.json", "product.json", "company_product.json", "product_product.json"),
    *("company_industry.json", "industry.json", "industry_industry.json"),
]
TEXTS = st.sampled_from(
    [*["products.csv"] * 3, *["企业名单2024.csv"] * 3, "a.csv", "enterprises.csv", "inputs.csv"]
)
FILES = st.one_of(
    *[st.tuples(TEXTS, tables())] * 4,
    st.tuples(st.just("a.xlsx"), workbooks()),
    st.tuples(st.just("a.zip"), archives()),
    st.tuples(st.sampled_from(CHAINKG), documents()),
    st.tuples(st.sampled_from(["pack.toml", "rules.toml"]), st.one_of(tables(), st.just(TOML))),
    st.tuples(NAMES, st.one_of(tables(), workbooks(), archives(), st.binary(max_size=60))),
)


class Fuzz:
    """The application on one store with one pack."""

    def __init__(self) -> None:
        self.desk = Desk.at(FOLDER / "atlas.db")
        made = self.desk.tried(("base.zip", zipped({"products.csv": "id,name\np,产品\n"})))
        assert self.desk.commit(made["id"]).state == "done"
        self.reasons: Counter[str] = Counter()
        self.seen = {"refused": 0, "failed": 0, "tried": 0, "loaded": 0}

    def send(self, *files: File) -> None:
        """Upload, try and, where that is possible, load."""
        names = {name for name, _ in files}
        if names & set(CHAINKG):  # the folder is recognised by all of its files
            files = (*files, *((name, b'{"a": 1}') for name in CHAINKG if name not in names))
        desk, before = self.desk, self.desk.version()
        answer = desk.send(*[(name or "x", data) for name, data in files])
        assert str(FOLDER) not in answer.text
        if answer.status_code != 202:
            assert 400 <= answer.status_code < 500, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert desk.work() is None
            self.seen["refused"] += 1
            return
        job = desk.work()
        assert job is not None
        assert desk.version() == before
        upload = desk.client.get(f"/api/v1/uploads/{answer.json()['id']}").json()
        assert desk.client.get(f"/data/uploads/{upload['id']}").status_code == 200
        if job.state == "failed":
            assert job.error
            assert "内部错误" not in job.error, (job.error, files)
            assert not re.search(r"/tmp|spool|Traceback|[0-9a-f]{32}", job.error), job.error
            self.seen["failed"] += 1
            self.reasons[job.error.split("：")[1][:16]] += 1
            return
        assert job.state == "done"
        assert job.result is not None
        for pack in job.result["packs"]:
            for file in pack["files"]:
                assert file["rows"] == file["loaded"] + file["quarantined"], file
        self.seen["tried"] += 1
        if job.result["changed"]:
            loaded = desk.commit(upload["id"])
            assert loaded.state == "done", loaded.error
            assert desk.version() == before + 1
            self.seen["loaded"] += 1
        desk.client.delete(f"/api/v1/uploads/{upload['id']}")


def main() -> None:
    """Send what is known to be hostile, then what is made up."""
    fuzz = Fuzz()
    for bomb in BOMBS:
        fuzz.send(("bomb.zip", bomb))
        fuzz.send(("bomb.zip", lying(bomb)))
    for sheet in SHEETS:
        parts = {}
        with zipfile.ZipFile(io.BytesIO(workbook({"products": [["id", "name"]]}))) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        fuzz.send(("book.xlsx", zipped({**parts, "xl/worksheets/sheet1.xml": sheet})))

    @seed(20260)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(st.one_of(*[st.lists(FILES, min_size=1, max_size=1)] * 3, st.lists(FILES, max_size=3)))
    def hostile(files: list[File]) -> None:
        fuzz.send(*files)

    hostile()
    peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])  # type: ignore[index]
    print(fuzz.reasons, file=sys.stderr)
    print(json.dumps({"peak_mb": peak // 1024, **fuzz.seen}))


if __name__ == "__main__":
    main()
