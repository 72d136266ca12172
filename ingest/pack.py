"""The pack: a folder of CSV files, or a workbook with one sheet per table.

Reading has two steps. :func:`open_pack` reads every file and fails as a whole where one cannot be
read; :func:`check_pack` cleans values, checks keys and references, and quarantines what is wrong.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..graph.chain import records, typed
from ..graph.errors import ReadError
from ..graph.rules import RULE_NAMES, SIZE_PREFIX
from ..graph.schema import EPSILON, PACK_TABLES, TABLES, Table
from ..graph.store import Facts
from . import cleaners
from .quarantine import VALUE, Quarantine, raw_rows
from .readers import RawTable, read_csv, read_xlsx
from .text import decode

#: Called with a table's Chinese name, tables done and tables in all.
Progress = Callable[[str, int, int], None]
Known = Mapping[str, Set[str]]


@dataclass(frozen=True)
class RawPack:
    """A pack as it stands in its files."""

    name: str
    title: str
    licence: str
    defaults: Mapping[str, str]
    tables: Mapping[str, RawTable]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class FileReport:
    """What became of one file: ``rows = loaded + quarantined``."""

    file: str
    table: str
    rows: int
    loaded: int
    quarantined: int
    values_quarantined: int


@dataclass(frozen=True)
class PackReport:
    """What became of one pack."""

    name: str
    title: str
    files: tuple[FileReport, ...]
    people_columns: int
    notices: tuple[str, ...]
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """Rows and values in quarantine."""
        return sum(f.quarantined + f.values_quarantined for f in self.files)


def open_pack(path: Path) -> RawPack:
    """Read every file of a pack.

    Raises:
        ReadError: The pack, or one of its files, cannot be read at all.
    """
    if path.is_dir():
        meta, tables, notices = _open_folder(path)
    elif path.suffix.lower() == ".xlsx" and path.is_file():
        sheets = dict(read_xlsx(path, path.name))
        meta, tables, notices = _sort_sheets(sheets)
    elif path.exists():
        raise ReadError(f"{path}：不是数据包（应为文件夹或 .xlsx 文件）。")
    else:
        raise ReadError(f"{path}：文件夹或文件不存在。")
    missing = [name for name in PACK_TABLES if TABLES[name].required and name not in tables]
    if missing:
        raise ReadError(f"{path}：缺少 {'、'.join(f'{m}.csv' for m in missing)}。")
    for name, table in tables.items():
        if name in TABLES:
            _check_header(TABLES[name], table)
            extra = [c for c in table.frame.columns if c not in TABLES[name].names]
            if extra:
                notices.append(f"{table.file}：忽略了不认识的列 {'、'.join(extra)}。")
        if table.unnamed:
            notices.append(f"{table.file}：有 {table.unnamed} 列没有表头，已忽略。")
        if table.encoding not in ("utf-8", "xlsx"):
            notices.append(f"{table.file}：按 {table.encoding.upper()} 编码读取。")
    defaults = {name: str(meta[name]) for name in ("source", "as_of") if meta.get(name)}
    for name, value in defaults.items():
        column = TABLES["packs"].column(name)
        reason = cleaners.clean(pd.Series([value], dtype="str"), column).reasons.iloc[0]
        if reason:
            raise ReadError(f"pack.toml：{name} 的值无效：{value}。")
    return RawPack(
        name=str(meta.get("name") or path.resolve().stem),
        title=str(meta.get("title") or ""),
        licence=str(meta.get("licence") or ""),
        defaults=defaults,
        tables=tables,
        notices=tuple(notices),
    )


def _open_folder(folder: Path) -> tuple[dict[str, Any], dict[str, RawTable], list[str]]:
    sheets: dict[str, RawTable] = {}
    notices = []
    for path in sorted(folder.iterdir()):
        suffix = path.suffix.lower()
        found: dict[str, RawTable] = {}
        if path.name.startswith((".", "~")) or path.is_dir():
            continue
        if suffix == ".csv" and path.stem in PACK_TABLES:
            found = {path.stem: read_csv(path, path.name)}
        elif suffix == ".xlsx":
            found = dict(read_xlsx(path, path.name))
        elif path.name not in ("pack.toml", "rules.toml") and suffix not in (".md", ".txt"):
            notices.append(f"忽略了不认识的文件 {path.name}。")
        for name, table in found.items():
            if name in sheets:
                raise ReadError(f"{table.file}：{name} 表出现了两次（另见 {sheets[name].file}）。")
            sheets[name] = table
    meta, tables, more = _sort_sheets(sheets)
    if (folder / "pack.toml").exists():
        meta = _toml(folder / "pack.toml")
    if (folder / "rules.toml").exists():
        path = folder / "rules.toml"
        tables["rules"] = _flatten_rules(_toml(path), decode(path.read_bytes(), path.name)[0])
    return meta, tables, notices + more


def _sort_sheets(
    sheets: Mapping[str, RawTable],
) -> tuple[dict[str, Any], dict[str, RawTable], list[str]]:
    """Pack metadata, tables and notices from sheets by name; the sheet ``pack`` has one row."""
    meta: dict[str, Any] = {}
    tables = {}
    notices = []
    for name, table in sheets.items():
        if name == "pack":
            meta = records(table.frame)[0] if len(table.frame) else {}
        elif name in PACK_TABLES or name == "rules":
            tables[name] = table
        else:
            notices.append(f"忽略了不认识的工作表 {table.file}。")
    return meta, tables, notices


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(decode(path.read_bytes(), path.name)[0])
    except tomllib.TOMLDecodeError as error:
        raise ReadError(f"{path.name}：不是有效的 TOML（{error}）。") from error
    except OSError as error:
        raise ReadError(f"{path.name}：无法打开（{error.strerror}）。") from error


def _flatten_rules(document: Mapping[str, Any], text: str) -> RawTable:
    """``rules.toml`` as rows (cluster, name, value), typed and checked like any table."""
    rows: list[tuple[str, str, str]] = []
    lines: list[int] = []
    found = _rule_lines(text)

    def walk(scope: str, values: Mapping[str, Any], prefix: str = "") -> None:
        for name, value in values.items():
            if isinstance(value, Mapping) and prefix + name == "sizes":
                walk(scope, value, SIZE_PREFIX)
            elif isinstance(value, Mapping) and not scope and not prefix and name == "cluster":
                for cluster, own in value.items():
                    walk(cluster, own if isinstance(own, Mapping) else {"?": own})
            else:
                rows.append((scope, prefix + name, repr(value)))
                lines.append(found.get((scope, prefix + name), 1))

    walk("", document)
    frame = pd.DataFrame(rows, columns=["cluster", "name", "value"], dtype="str")
    return RawTable("rules.toml", frame, np.asarray(lines, dtype=np.int64), (), "utf-8", ())


def _rule_lines(text: str) -> dict[tuple[str, str], int]:
    """Line of each (cluster, name) of a ``rules.toml`` written the usual way, one rule a line."""
    found = {}
    scope, prefix = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[\s*(.+?)\s*\]", line):
            parts = [p.strip("\"'") for p in re.findall(r"\"[^\"]*\"|'[^']*'|[^.\s]+", head[1])]
            prefix = SIZE_PREFIX if parts[-1] == "sizes" else ""
            scope = parts[1] if parts[0] == "cluster" and len(parts) > 1 else ""
        elif rule := re.match(r"\s*[\"']?([^\"'=\s]+)[\"']?\s*=", line):
            found[scope, prefix + rule[1]] = number
    return found


def _check_header(table: Table, raw: RawTable) -> None:
    missing = [c.name for c in table.own if c.mandatory and c.name not in raw.frame.columns]
    if missing:
        raise ReadError(f"{raw.file}：缺少必需的列 {'、'.join(missing)}。")


def check_pack(
    raw: RawPack, known: Known | None = None, progress: Progress | None = None
) -> tuple[Facts, PackReport]:
    """Clean and check a pack.

    Args:
        raw: The pack as read.
        known: Ids of other packs' nodes by table, which this pack may refer to.
        progress: Told before each table.

    Returns:
        The facts to load, and what became of each file.
    """
    quarantine = Quarantine()
    ids = {name: set(values) for name, values in (known or {}).items()}
    head = pd.DataFrame({"id": [raw.name], "title": [raw.title], "licence": [raw.licence]})
    head = head.assign(**raw.defaults).replace("", np.nan)
    frames = {"packs": typed(head, TABLES["packs"])}
    reports = []
    for done, (name, table) in enumerate(TABLES.items()):
        if progress is not None:
            progress(table.zh, done, len(TABLES))
        if name not in raw.tables:
            continue
        before = len(quarantine)
        frame = _check_table(table, raw.tables[name], raw.defaults, ids, frames, quarantine)
        frames[name] = frame
        if "id" in frame:
            ids.setdefault(name, set()).update(frame["id"])
        rows = len(raw.tables[name].frame) + len(raw.tables[name].ragged)
        added = len(quarantine) - before
        reports.append(
            FileReport(
                raw.tables[name].file,
                name,
                rows,
                len(frame),
                rows - len(frame),
                added - (rows - len(frame)),
            )
        )
    rejects = quarantine.table()
    people = sum(len(t.people_columns) for t in raw.tables.values())
    report = PackReport(
        raw.name,
        raw.title,
        tuple(reports),
        people,
        raw.notices,
        dict(Counter(rejects["reason"].tolist())),
    )
    return Facts(raw.name, frames, rejects), report


def _check_table(
    table: Table,
    raw: RawTable,
    defaults: Mapping[str, str],
    ids: Mapping[str, Set[str]],
    frames: Mapping[str, pd.DataFrame],
    quarantine: Quarantine,
) -> pd.DataFrame:
    """The usable rows of one table; the rest goes to quarantine."""
    cells = raw.frame
    blank = pd.Series("", index=cells.index, dtype="str")
    fault = pd.Series("", index=cells.index, dtype=object)
    where = fault.copy()
    data: dict[str, pd.Series] = {}
    dropped: list[tuple[int, str, str, str]] = []

    def blame(mask: pd.Series, column: str, reason: str | pd.Series) -> None:
        fresh = mask & (fault == "")
        fault[fresh] = reason if isinstance(reason, str) else reason[fresh]
        where[fresh] = column

    for column in table.columns:
        given = cells.get(column.name, blank)
        if column.name in defaults:
            given = given.where(given != "", defaults[column.name])
        cleaned = cleaners.clean(given, column)
        blame(cleaned.reasons != "", column.name, cleaned.reasons)
        dropped += [(at, column.name, value, why) for at, value, why in cleaned.dropped]
        data[column.name] = cleaned.values
    frame = pd.DataFrame(data, index=cells.index)
    for column in table.columns:
        if column.ref is None:
            continue
        target = ids.get(column.ref, frozenset())
        if column.many:
            frame[column.name], unknown = _known_items(frame[column.name], target)
            dropped += [(at, column.name, value, "unknown_reference") for at, value in unknown]
        else:
            values = frame[column.name]
            blame(values.notna() & ~values.isin(target), column.name, "unknown_reference")
    if table.distinct is not None:
        one, other = table.distinct
        blame(frame[one].notna() & (frame[one] == frame[other]), other, "self_reference")
    if table.name == "rules":
        blame(~frame["name"].isin(RULE_NAMES), "name", "unknown_rule")
    if table.name == "produces" and "enterprises" in frames:
        home = frames["enterprises"].set_index("id")["region"]
        frame["region"] = frame["region"].fillna(frame["enterprise"].map(home)).astype("str")
    good = fault == ""
    blame(
        good & frame[good].duplicated(list(table.key)).reindex(frame.index, fill_value=False),
        table.key[0],
        "duplicate_key",
    )
    if table.name == "inputs":
        given_share = (fault == "") & frame["cost_share"].notna()
        total = frame["cost_share"].where(given_share).groupby(frame["product"]).transform("sum")
        blame(given_share & (total > 1 + EPSILON), "cost_share", "cost_shares_over_1")
    _report(table, raw, fault, where, dropped, quarantine)
    return typed(frame[(fault == "").to_numpy()].reset_index(drop=True), table)


def _known_items(cells: pd.Series, target: Set[str]) -> tuple[pd.Series, list[tuple[int, str]]]:
    """List cells without unknown ids, and those ids with their row positions."""
    items = cells.reset_index(drop=True).dropna().str.split(";").explode()
    bad = items[~items.isin(target)]
    if not len(bad):
        return cells, []
    kept = items[items.isin(target)].groupby(level=0).agg(";".join)
    clean = kept.reindex(range(len(cells))).set_axis(cells.index).astype("str")
    return clean, list(zip(bad.index.tolist(), bad.tolist(), strict=True))


def _report(
    table: Table,
    raw: RawTable,
    fault: pd.Series,
    where: pd.Series,
    dropped: list[tuple[int, str, str, str]],
    quarantine: Quarantine,
) -> None:
    bad = np.flatnonzero((fault != "").to_numpy())
    rows = raw.frame.iloc[bad]
    columns = where.iloc[bad].tolist()
    values = [row.get(column, "") for row, column in zip(records(rows), columns, strict=True)]
    quarantine.add(
        raw.file, raw.lines[bad], columns, fault.iloc[bad].tolist(), raw_rows(rows), values=values
    )
    kept = [d for d in dropped if fault.iloc[d[0]] == ""]
    at = np.asarray([d[0] for d in kept], dtype=np.int64)
    quarantine.add(
        raw.file,
        raw.lines[at],
        [d[1] for d in kept],
        [d[3] for d in kept],
        raw_rows(raw.frame.iloc[at]),
        level=VALUE,
        values=[d[2] for d in kept],
    )
    quarantine.add(
        raw.file,
        np.asarray([line for line, _ in raw.ragged], dtype=np.int64),
        [""] * len(raw.ragged),
        ["wrong_columns"] * len(raw.ragged),
        [text for _, text in raw.ragged],
    )
