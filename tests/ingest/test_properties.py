"""Properties of reading: nothing is lost, lines are right, and exports load to the same facts."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from chainatlas.api.cli import main
from chainatlas.graph.errors import ReadError
from chainatlas.graph.schema import PACK_TABLES, TABLES, Column
from chainatlas.graph.store import open_store
from chainatlas.ingest import load, open_pack
from chainatlas.ingest.check import check_pack
from chainatlas.ingest.cleaners import clean
from chainatlas.ingest.quarantine import ROW, VALUE
from chainatlas.ingest.text import decode

# Every record carries a mark of its own in its first column, ``source``, so that each can be
# followed from the line it was written on to the facts or to the quarantine.

#: Making a failing pack smaller takes minutes; the marks say enough.
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)

# A lone carriage return is left out: what a line is would depend on who counts.
ANY_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=8
)
NASTY = st.sampled_from(
    ("\u200b", "\x01", "\n", '"', ",", "a\nb", '"x"', "\u2028", "\x85", " a ", "\ufeffb", "\xa0",
     "=1+1", "'", "\\", ";", "；", "NaN", "null", "-", "\x0b", "\u3000", "\t")
)  # fmt: skip
WILD = st.one_of(NASTY, ANY_TEXT)

COLUMNS = {
    "products": ("source", "id", "name", "aliases", "links", "domestic_rate", "as_of"),
    "inputs": ("source", "product", "input", "cost_share", "criticality", "method"),
    "enterprises": (
        "source",
        "id",
        "name",
        "country",
        "region",
        "labels",
        "revenue",
        "employees",
        "founded_on",
        "scope",
    ),
    "produces": ("source", "enterprise", "product", "region", "role", "share"),
}
VALUES = {
    "id": ("p0", "p1", "e0", "9.1E+17", "91110000600037341L", "91110000600037341X"),
    "product": ("p0", "p1", "none"),
    "input": ("p0", "p1", "none"),
    "enterprise": ("e0", "e1", "none"),
    "region": ("420100", "420111", "999999", "421023", ""),
    "country": ("CN", "JP", "XX", ""),
    "labels": ("leading", "leading;listed", "huge", ""),
    "links": ("none", ""),
    "role": ("maker", "seller", "Maker"),
    "cost_share": ("0.5", "0.6", "1", "", "2", "-0.1"),
    "founded_on": ("2024-02-29", "2024-02-30", "20240101", ""),
    "as_of": ("2024-02-29", "2024-02-30", ""),
    "name": ("x", "芯片", ""),
}
NUMBERS = ("0", "1", "0.25", "1e3", "-1", "1,000", "nan", "", "1e999", "0x1")
#: What is wrong with a row, as (column, value, reason) that must be found.
DEFECTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "products": (
        ("name", "", "missing_value"),
        ("name", "\u200b", "missing_value"),
        ("domestic_rate", "1.5", "out_of_range"),
        ("as_of", "2024-02-30", "bad_date"),
        ("id", "9.1E+17", "code_as_number"),
    ),
    "inputs": (
        ("criticality", "x", "bad_number"),
        ("cost_share", "1.1", "out_of_range"),
        ("input", "none", "unknown_reference"),
    ),
    "enterprises": (
        ("region", "999999", "bad_adcode"),
        ("revenue", "-1", "out_of_range"),
        ("employees", "1.5", "not_whole"),
        ("labels", "leading;huge", "bad_choice"),
        ("founded_on", "2024-02-30", "bad_date"),
        ("id", "91110000600037341X", "bad_uscc"),
        ("country", "XX", "bad_country"),
    ),
    "produces": (
        ("share", "1.1", "out_of_range"),
        ("role", "Maker", "bad_choice"),
        ("enterprise", "none", "unknown_reference"),
    ),
}


@dataclass(frozen=True)
class Written:
    """A file as it was written: its text, and what is known of its records by mark."""

    text: str
    lines: dict[str, int]
    good: frozenset[str]
    bad: dict[str, str]


def sound_row(table: str, at: int) -> dict[str, str]:
    """The ``at``-th row of a table, without a fault and with a key of its own."""
    return {
        "products": {"id": f"p{at}", "name": f"产品{at}"},
        "inputs": {"product": f"p{at % 4}", "input": f"p{at % 4 + 1 + at // 4}"},
        "enterprises": {"id": f"e{at}", "name": f"企业{at}", "region": "420111"},
        "produces": {"enterprise": f"e{at // 5}", "product": f"p{at % 5}"},
    }[table]


@st.composite
def written(draw: st.DrawFn, table: str) -> Written:
    """A file with sound, faulty, wild, ragged and repeated rows between blank ones."""
    columns = COLUMNS[table]
    sound = [sound_row(table, at) for at in range(6 if table in ("products", "enterprises") else 3)]
    rows: list[tuple[dict[str, str], str]] = [(row, "") for row in sound]
    for column, value, reason in draw(st.lists(st.sampled_from(DEFECTS[table]), max_size=3)):
        # A row of its own key, were it not for the fault.
        rows.append(({**sound_row(table, 7 + len(rows)), column: value}, reason))
    if table == "inputs":
        rows = [(r, why) for r, why in rows if why != "" or r in sound]
    for _ in range(draw(st.integers(0, 3))):
        # "w" keeps a wild key from being that of a sound row.
        row = {
            c: draw(st.one_of(st.sampled_from(VALUES.get(c, NUMBERS)), WILD)) for c in columns[1:]
        }
        first = "id" if "id" in row else columns[1]
        rows.append(({**row, first: "w" + row[first]}, "wild"))
    rows = draw(st.permutations(rows))
    rows += [(sound[at], "duplicate_key") for at in draw(st.lists(st.integers(0, 2), max_size=2))]
    end = draw(st.sampled_from(("\n", "\r\n")))
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=end)
    writer.writerow(columns)
    lines, good, bad = {}, set(), {}
    for at, (row, why) in enumerate(rows):
        for blank in draw(
            st.lists(st.sampled_from(("", ",", "," * (len(columns) - 1))), max_size=1)
        ):
            out.write(blank + end)
        mark = f"{table}#{at}"
        cells = [mark, *(row.get(c, "") for c in columns[1:])]
        ragged = why == "wild" and draw(st.booleans())
        if ragged:
            cells = cells[:-1] if draw(st.booleans()) else [*cells, draw(WILD)]
            why = "wrong_columns"
        lines[mark] = out.getvalue().count("\n") + 1
        writer.writerow(cells)
        if why == "":
            good.add(mark)
        elif why != "wild":
            bad[mark] = why
    return Written(out.getvalue(), lines, frozenset(good), bad)


FILES = st.fixed_dictionaries({table: written(table) for table in COLUMNS})


def mark_of(raw: str) -> str:
    """The mark of a rejected record: of a whole row as JSON, or of a ragged one as text."""
    return str(json.loads(raw)["source"]) if raw.startswith("{") else raw.split(",")[0]


@given(FILES)
@settings(max_examples=30, phases=QUICK)
def test_nothing_is_lost_and_lines_are_right(files: dict[str, Written]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for table, file in files.items():
            (folder / f"{table}.csv").write_bytes(file.text.encode("utf-8-sig"))
        facts, report = check_pack(open_pack(folder))
    assert {f.table for f in report.files} == set(files)
    for told in report.files:
        file = files[told.table]
        rejects = facts.rejects[facts.rejects["file"] == told.file]
        whole = rejects[rejects["level"] == ROW]
        values = rejects[rejects["level"] == VALUE]
        loaded = facts.tables[told.table]["source"].tolist()
        refused = {
            mark_of(raw): reason for raw, reason in zip(whole["raw"], whole["reason"], strict=True)
        }
        # Loaded and quarantined are what was read, in numbers and one by one.
        assert told.rows == len(file.lines)
        assert told.loaded + told.quarantined == told.rows
        assert (len(loaded), len(whole), len(values)) == (
            told.loaded,
            told.quarantined,
            told.values_quarantined,
        )
        assert sorted([*loaded, *refused]) == sorted(file.lines)
        # Every entry points at the line its record begins on.
        for raw, line in zip(rejects["raw"], rejects["line"], strict=True):
            assert int(line) == file.lines[mark_of(raw)]
        # What is sound is loaded, what is faulty is refused for its fault.
        assert file.good <= set(loaded)
        assert {mark: refused.get(mark) for mark in file.bad} == file.bad
        # No key is empty or repeated.
        key = list(TABLES[told.table].key)
        assert not facts.tables[told.table].duplicated(key).any()
        mandatory = [c.name for c in TABLES[told.table].own if c.mandatory]
        assert not facts.tables[told.table][mandatory].isna().any(axis=None)


@given(FILES)
@settings(max_examples=5, phases=QUICK)
def test_an_export_loads_to_the_same_facts(files: dict[str, Written]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "my pack"
        folder.mkdir()
        for table, file in files.items():
            (folder / f"{table}.csv").write_bytes(file.text.encode("utf-8-sig"))
        db = str(Path(name) / "store.db")
        store = open_store(db, create=True)
        first = load(store, [open_pack(folder)])
        assert main(["export", "--db", db, "--out", str(Path(name) / "out")]) == 0
        (exported,) = (Path(name) / "out").iterdir()
        again = load(store, [open_pack(exported)])
        # What was quarantined is no fact and not exported; all else must be the same.
        assert again.quarantined == 0
        assert {c.table for c in again.changes} <= {"rejects"}
        assert store.compare(first.version, again.version).empty
        # Now there is nothing left to change at all.
        assert not load(store, [open_pack(exported)]).changed


COLUMN_LIST = [
    pytest.param(column, id=f"{name}.{column.name}")
    for name in (*PACK_TABLES, "rules")
    for column in TABLES[name].own
]


def as_text(values: pd.Series) -> pd.Series:
    """Clean values as the cells of a file."""
    return pd.Series(["" if pd.isna(v) else str(v) for v in values], dtype="str")


@pytest.mark.parametrize("column", COLUMN_LIST)
def test_cleaners_leave_clean_values_alone(column: Column) -> None:
    pool = [v for values in VALUES.values() for v in values]
    cells_of = st.lists(
        st.one_of(
            st.sampled_from([*pool, *NUMBERS]),
            st.sampled_from(sorted(column.choices or ("x",))),
            NASTY,
            ANY_TEXT,
            st.floats(0, 1e12).map(repr),
            st.lists(st.sampled_from(("甲", " 乙", "\u200b", "l1")), max_size=3).map(";".join),
        ),
        max_size=6,
    )

    @given(cells_of)
    @settings(max_examples=6, phases=QUICK)
    def check(cells: list[str]) -> None:
        # Readers hand over cells without white space around them.
        given_cells = pd.Series([c.strip(" \t\r\n\u3000\ufeff") for c in cells], dtype="str")
        once = clean(given_cells, column)
        good = once.reasons == ""
        if column.mandatory:
            assert once.values[good].notna().all()
        text = as_text(once.values[good])
        again = clean(text, column)
        assert (again.reasons == "").all()
        assert as_text(again.values).tolist() == text.tolist()
        assert again.dropped == ()
        # A file would strip what it reads, so nothing may be left to strip.
        assert text.str.strip(" \t\r\n\u3000\ufeff").tolist() == text.tolist()

    check()


HANZI = [
    bytes((row, cell)).decode("gb2312") for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFF)
]
CHINESE = st.text(
    st.sampled_from([*HANZI, *"，。；：（）《》“”、 abcXYZ0123456789,\n"]), max_size=40
)


@given(CHINESE, st.sampled_from(("utf-8", "utf-8-sig", "gb18030", "gbk", "gb2312", "utf-16")))
@settings(max_examples=400)
@example("石英", "gbk")
@example("id,name\np,水\n", "gb18030")
@example("联通", "gbk")
def test_decode_never_garbles(text: str, encoding: str) -> None:
    try:
        found, _ = decode(text.encode(encoding), "x.csv")
    except ReadError:
        # Refusing is only right where the bytes could be something else.
        assert encoding in ("gb18030", "gbk", "gb2312")
        return
    assert found == text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufeff")))
def test_decode_reads_any_unicode_text(text: str) -> None:
    assert decode(text.encode("utf-8-sig"), "x")[0] == text
    assert decode(text.encode("utf-16"), "x")[0] == text
    try:
        found = decode(text.encode("utf-8"), "x")[0]
    except ReadError:
        return  # without a mark, a few short texts could as well be GBK
    assert found == text


@pytest.mark.parametrize("length", [12, 60, 400])
def test_decode_reads_ordinary_gbk_text(length: int) -> None:
    """Ordinary text is read, not refused, however long."""

    @given(st.lists(st.sampled_from(HANZI), min_size=length, max_size=length).map("".join))
    @settings(max_examples=20)
    def check(text: str) -> None:
        # Plain words with trail bytes above BF make it clear that this is no UTF-8.
        assert decode(("产品名称" + text).encode("gb18030"), "x") == ("产品名称" + text, "gb18030")

    check()


@given(st.binary(max_size=60))
@example(b"")
def test_decode_gives_text_or_a_message(data: bytes) -> None:
    text, message = "", ""
    try:
        text, _ = decode(data, "x.csv")
    except ReadError as error:
        message = str(error)
    told = re.match(r"x\.csv( 第 [1-9]\d* 行)?：", message)
    assert told or (message == "" and "\x00" not in text)
