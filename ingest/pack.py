"""The pack: a folder of CSV files, or a workbook with one sheet per table.

:func:`open_pack` reads every file and fails as a whole where one cannot be read; :mod:`.check` cleans
values, checks keys and references, and quarantines what is wrong.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..graph.chain import records
from ..graph.errors import ReadError
from ..graph.rules import GROUPS, in_group
from ..graph.schema import PACK_TABLES, TABLES, Table
from . import cleaners
from .readers import RawTable, read_csv, read_xlsx
from .text import decode

#: Called with a table's Chinese name, tables done and tables in all.
Progress = Callable[[str, int, int], None]
#: The source whose tables are those of the schema.
PACK_SOURCE = "pack"


@dataclass(frozen=True)
class Expectation:
    """What a source promises of a table; less than that means another file, or a broken one.

    Attributes:
        rows: Rows that must be loaded at least.
        fill: Share of the loaded rows in which a column must be known, by column.
    """

    rows: int = 0
    fill: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RawPack:
    """A statement as it stands in its files, in the tables of the schema.

    Attributes:
        name: Whose statement it is; the same name replaces what it said before.
        title: What a bureau reads.
        licence: On what terms it may be used.
        defaults: ``source`` and ``as_of`` of rows that state none.
        tables: Tables by name, their columns those of the schema.
        notices: What the user should know.
        source: Name of the source it was read by, see :mod:`.sources`.
        helpers: Files whose rows only complete rows of the tables.
        expected: What must hold of a table's loaded rows.
    """

    name: str
    title: str
    licence: str
    defaults: Mapping[str, str]
    tables: Mapping[str, RawTable]
    notices: tuple[str, ...]
    source: str = PACK_SOURCE
    helpers: tuple[RawTable, ...] = ()
    expected: Mapping[str, Expectation] = field(default_factory=dict)


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
    source: str = PACK_SOURCE
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
    except RecursionError as error:
        raise ReadError(f"{path.name}：嵌套过深。") from error
    except OSError as error:
        raise ReadError(f"{path.name}：无法打开（{error.strerror}）。") from error


def _flatten_rules(document: Mapping[str, Any], text: str) -> RawTable:
    """``rules.toml`` as rows (cluster, name, value), typed and checked like any table."""
    rows: list[tuple[str, str, str]] = []
    lines: list[int] = []
    found = _rule_lines(text)

    def walk(scope: str, values: Mapping[str, Any], group: str = "") -> None:
        for name, value in values.items():
            if isinstance(value, Mapping) and not group and name in GROUPS:
                walk(scope, value, name)
            elif isinstance(value, Mapping) and not scope and not group and name == "cluster":
                for cluster, own in value.items():
                    walk(cluster, own if isinstance(own, Mapping) else {"?": own})
            else:
                full = in_group(group, name) if group else name
                rows.append((scope, full, repr(value)))
                lines.append(found.get((scope, full), 1))

    walk("", document)
    frame = pd.DataFrame(rows, columns=["cluster", "name", "value"], dtype="str")
    return RawTable("rules.toml", frame, np.asarray(lines, dtype=np.int64), (), "utf-8", ())


def _rule_lines(text: str) -> dict[tuple[str, str], int]:
    """Line of each (cluster, name) of a ``rules.toml`` written the usual way, one rule a line."""
    found = {}
    scope, group = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[\s*(.+?)\s*\]", line):
            parts = [p.strip("\"'") for p in re.findall(r"\"[^\"]*\"|'[^']*'|[^.\s]+", head[1])]
            group = parts[-1] if parts[-1] in GROUPS else ""
            scope = parts[1] if parts[0] == "cluster" and len(parts) > 1 else ""
        elif rule := re.match(r"\s*[\"']?([^\"'=\s]+)[\"']?\s*=", line):
            found[scope, in_group(group, rule[1]) if group else rule[1]] = number
    return found


def _check_header(table: Table, raw: RawTable) -> None:
    missing = [c.name for c in table.own if c.mandatory and c.name not in raw.frame.columns]
    if missing:
        raise ReadError(f"{raw.file}：缺少必需的列 {'、'.join(missing)}。")
