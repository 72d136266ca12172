"""Quarantined rows as a sheet that can be corrected, and corrected sheets back into the facts.

The sheet has one line for each row of a file with something in quarantine: columns that begin with
``#`` say which row it is and what is wrong, the others hold the row's cells as the file had them.
Lines whose cells are changed are read again the way their file was; the others say nothing. A row is
known by its content, so a sheet may be given again after its file was loaded again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import pandas as pd

from ..graph.chain import records, typed
from ..graph.errors import ReadError
from ..graph.schema import PACK_TABLES, REJECTS, TABLES
from ..graph.store import Facts
from .check import Known, check_pack
from .cleaners import clean
from .identity.identifier import Identifier
from .identity.restate import renamed
from .pack import PACK_SOURCE, FileReport, PackReport, RawPack
from .quarantine import ROW
from .readers import RawTable, no_faults, read_csv, read_top, read_xlsx
from .sources.describe import Source, by_name
from .sources.detect import apply_function, open_source
from .sources.tabular import shape

PACK, FILE, LINE, COLUMN, REASON, MESSAGE, MARK, TEXT = (
    "#数据包",
    "#文件",
    "#行",
    "#字段",
    "#原因代码",
    "#说明",
    "#标识",
    "#原文",
)
_ID = next(column for column in TABLES["enterprises"].columns if column.name == "id")
_ABOUT = (PACK, FILE, LINE, COLUMN, REASON, MESSAGE, MARK, TEXT)


@dataclass(frozen=True)
class Corrections:
    """A corrected sheet as read."""

    table: RawTable


def sheet(rejects: pd.DataFrame) -> pd.DataFrame:
    """What is in quarantine as a sheet to correct, one line for each row of a file.

    Args:
        rejects: ``pack`` and the columns of :data:`..graph.schema.REJECTS`.

    Returns:
        Text; the columns about the row, then one for each column of the files.
    """
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in records(rejects):
        mark = _mark(row["pack"], row["file"], _text(row["raw"]))
        cells = _cells(_text(row["raw"]))
        about = rows.setdefault(
            (row["pack"], row["file"], mark + str(row["line"])),
            {
                PACK: row["pack"],
                FILE: row["file"],
                LINE: str(int(row["line"])),
                COLUMN: "",
                REASON: "",
                MESSAGE: "",
                MARK: mark,
                TEXT: _text(row["raw"]) if cells is None else "",
                **(cells or {}),
            },
        )
        for name, key in ((COLUMN, "column"), (REASON, "reason"), (MESSAGE, "message")):
            about[name] = "；".join(filter(None, (about[name], _text(row[key]))))
    if not rows:
        return pd.DataFrame({name: pd.Series([], dtype="str") for name in _ABOUT})
    return pd.DataFrame(list(rows.values()), dtype="str").fillna("")


def is_corrections(labels: Iterable[str]) -> bool:
    """Whether a header is that of a sheet of corrections."""
    return {PACK, FILE, MARK} <= set(labels)


def open_corrections(path: Path) -> Corrections:
    """Read a corrected sheet.

    Raises:
        ReadError: It cannot be read, or lacks the columns that say which row a line is.
    """
    if path.suffix.lower() == ".xlsx":
        tables = [table for _, table in read_xlsx(path, path.name)]
    else:
        tables = [read_csv(path, path.name)]
    for table in tables:
        if is_corrections(table.frame.columns):
            # A quote keeps spreadsheets from taking the cell for a formula.
            plain = table.frame.apply(
                lambda cells: cells.str.replace(r"^'(?=[=+\-@])", "", regex=True)
            )
            return Corrections(replace(table, frame=plain))
    raise ReadError(f"{path.name}：缺少列 {PACK}、{FILE}、{MARK}，不是隔离区的更正表。")


def open_input(path: Path, name: str | None = None) -> RawPack | Corrections:
    """Whatever can be loaded: a source's statement, or a corrected sheet of the quarantine.

    Raises:
        ReadError: It cannot be read; see :func:`.sources.open_source`.
    """
    return open_corrections(path) if holds_corrections(path) else open_source(path, name)


def holds_corrections(path: Path) -> bool:
    """Whether a path is a corrected sheet, by its header.

    Raises:
        ReadError: It cannot be read.
    """
    if not path.is_file() or path.suffix.lower() not in (".csv", ".xlsx"):
        return False
    tops = dict(read_top(path, path.name)).values()
    return any(is_corrections(records[0]) for records in tops if records)


#: Who knows which enterprises the corrected rows of a pack are: from what the pack states now, and
#: its own ids of those rows that it states in an earlier form.
Identify = Callable[[Facts, Set[str]], Identifier]


def correct(
    corrections: Corrections,
    facts_of: Callable[[str], Facts | None],
    known: Known,
    identify: Identify,
) -> Iterator[tuple[Facts, PackReport, Identifier]]:
    """The statements of packs with corrected rows put in.

    Args:
        corrections: The sheet.
        facts_of: What a pack states now, None where there is no such pack.
        known: Ids of all nodes in the store.
        identify: Gives enterprises the ids they go by, as if their whole file were loaded again.

    Returns:
        For each pack the new statement, what became of the changed rows, and who they are.
    """
    frame = corrections.table.frame
    for name in frame[PACK].unique().tolist():
        facts = facts_of(name)
        if facts is None:
            raise ReadError(f"{corrections.table.file}：数据库里没有数据包 {name}。")
        yield _correct_pack(corrections, frame[frame[PACK] == name], facts, known, identify)


def _correct_pack(
    corrections: Corrections,
    frame: pd.DataFrame,
    facts: Facts,
    known: Known,
    identify: Identify,
) -> tuple[Facts, PackReport, Identifier]:
    marks = [_mark(facts.pack, r["file"], _text(r["raw"])) for r in records(facts.rejects)]
    stood = dict(zip(marks, facts.rejects["raw"].fillna("").tolist(), strict=True))
    rows = frame.index.to_numpy()
    cells = {
        at: {k: v for k, v in row.items() if v and k not in _ABOUT}
        for at, row in zip(rows.tolist(), records(frame), strict=True)
    }
    changed = [
        at
        for at, mark in zip(rows.tolist(), frame[MARK].tolist(), strict=True)
        if mark in stood and cells[at] and cells[at] != (_cells(stood[mark]) or {})
    ]
    notices = []
    if left := len(frame) - len(changed):
        notices.append(f"{corrections.table.file}：{left} 行没有改动，或已不在隔离区，未处理。")
    given = frame.loc[changed]
    pack = _raw_pack(corrections.table, given, cells, facts)
    identifier = identify(facts, _standing(corrections.table, given, stood, facts))
    checked, report = check_pack(pack, known, None, identifier, facts.tables)
    refused = checked.rejects.loc[checked.rejects["level"] == ROW, "line"].tolist()
    lines = {corrections.table.lines[at]: at for at in changed}
    bad = {lines[line] for line in refused if line in lines}
    fixed = {frame.loc[at, MARK] for at in changed if at not in bad}
    followed = facts
    for old, new in identifier.moved.items():
        followed = renamed(followed, old, new, merged=False)
    merged = _merged(followed, checked)
    kept = facts.rejects[[mark not in fixed for mark in marks]]
    kept = pd.concat([kept, followed.rejects.iloc[len(facts.rejects) :]], ignore_index=True)
    single = checked.rejects[checked.rejects["level"] != ROW]
    left_out = single["line"].tolist()
    single = single.assign(line=[float(frame.loc[lines[line], LINE]) for line in single["line"]])
    rejects = typed(pd.concat([kept, single], ignore_index=True), REJECTS)[
        [c.name for c in REJECTS.own]
    ]
    files = tuple(
        FileReport(
            f"{corrections.table.file}：{file}",
            "",
            len(own),
            len(own) - sum(at in bad for at in own.index),
            sum(at in bad for at in own.index),
            sum(lines[line] in own.index for line in left_out),
        )
        for file, own in given.groupby(FILE)
    )
    reasons = dict(Counter(checked.rejects["reason"].tolist()))
    if refused_rows := sorted(int(corrections.table.lines[at]) for at in bad):
        shown = "、".join(map(str, refused_rows[:10]))
        notices.append(f"{corrections.table.file}：第 {shown} 行更正后仍不能使用，留在隔离区。")
    report = PackReport(facts.pack, report.title, files, 0, tuple(notices), pack.source, reasons)
    return Facts(facts.pack, merged, rejects), report, identifier


def _standing(
    table: RawTable, given: pd.DataFrame, stood: Mapping[str, str], facts: Facts
) -> set[str]:
    """The pack's own ids of enterprises that were loaded but for single values, as they stood."""
    levels = facts.rejects
    whole = {
        _mark(facts.pack, r["file"], _text(r["raw"]))
        for r in records(levels[levels["level"] == ROW])
    }
    loaded = given[[mark not in whole for mark in given[MARK].tolist()]]
    if not len(loaded):
        return set()
    marks = zip(loaded.index.tolist(), loaded[MARK].tolist(), strict=True)
    cells = {at: _cells(stood[mark]) or {} for at, mark in marks}
    before = _raw_pack(table, loaded, cells, facts).tables.get("enterprises")
    if before is None or "id" not in before.frame:
        return set()
    return set(clean(before.frame["id"], _ID).values.dropna())


def _raw_pack(
    table: RawTable, given: pd.DataFrame, cells: Mapping[int, Mapping[str, str]], facts: Facts
) -> RawPack:
    """The changed rows as a statement, read by the source that read their files."""
    head = facts.tables["packs"].iloc[0]
    source = by_name(_text(head["kind"]) or PACK_SOURCE)
    tables: dict[str, RawTable] = {}
    for file, own in given.groupby(FILE):
        frame = pd.DataFrame([cells[at] for at in own.index], dtype="str").fillna("")
        raw = RawTable(
            str(file), frame, table.lines[own.index.to_numpy()], (), "utf-8", (), faults=no_faults()
        )
        name, raw = _as_table(raw, source, _text(head["as_of"]))
        if name in tables:
            raise ReadError(f"{table.file}：{TABLES[name].zh}的更正来自多个文件，请分开导入。")
        tables[name] = raw
    defaults = {key: _text(head[key]) for key in ("source", "as_of") if _text(head[key])}
    pack = RawPack(
        facts.pack, _text(head["title"]), _text(head["licence"]), defaults, tables, (), source.name
    )
    return apply_function(pack, source)


def _as_table(raw: RawTable, source: Source, as_of: str) -> tuple[str, RawTable]:
    """The table of the schema that a file's rows belong to, and the rows in its form."""
    file = raw.file
    if source.name == PACK_SOURCE:
        name = file.rsplit("[", 1)[-1].rstrip("]").removesuffix(".csv").removesuffix(".toml")
        if name not in (*PACK_TABLES, "rules"):
            raise ReadError(f"{file}：不是数据包的表。")
        return name, raw
    spec = next((s for s in source.files if s.table and s.file in ("", file)), None)
    if spec is None:
        raise ReadError(f"{file}：这个文件的行不能单独更正。")
    wanted = {c for how in spec.columns.values() for c in (*how.columns, how.address) if c}
    blank = dict.fromkeys(sorted(wanted - set(raw.frame.columns)), "")
    return spec.table, shape(replace(raw, frame=raw.frame.assign(**blank)), spec, as_of).table


def _merged(facts: Facts, checked: Facts) -> dict[str, pd.DataFrame]:
    """A pack's tables with corrected rows in the place of those with the same key."""
    tables = dict(facts.tables)
    for name, new in checked.tables.items():
        if name == "packs" or not len(new):
            continue
        key = list(TABLES[name].key)
        old = tables.get(name)
        both = new if old is None else pd.concat([old, new], ignore_index=True)
        tables[name] = typed(
            both.drop_duplicates(key, keep="last", ignore_index=True), TABLES[name]
        )
    return tables


def _mark(pack: str, file: str, raw: str) -> str:
    return blake2b("\x1f".join((pack, file, raw)).encode(), digest_size=6).hexdigest()


def _cells(raw: str) -> dict[str, str] | None:
    """The cells of a row in quarantine; None where it could not be parted into cells."""
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
