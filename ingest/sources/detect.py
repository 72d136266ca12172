"""Which source a path is, and the statement it makes."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from ...graph.errors import ReadError
from ...graph.schema import PACK_TABLES
from ..pack import PACK_SOURCE, RawPack, open_pack
from ..readers import FindHeader, RawTable, first_row, read_csv, read_jsonl, read_top, read_xlsx
from .describe import FileSpec, Source, by_name, shipped
from .headers import find_header, recognise
from .tabular import shape

_DATED = re.compile(r"(20\d{2})[-_.年]?(0[1-9]|1[0-2])[-_.月]?(0[1-9]|[12]\d|3[01])(?!\d)")


def open_source(path: Path, name: str | None = None) -> RawPack:
    """The statement of a file or folder.

    Args:
        path: File or folder.
        name: Source to read it as; None finds out.

    Raises:
        ReadError: It cannot be read at all, or no source is like it.
    """
    if not path.exists():
        raise ReadError(f"{path}：文件夹或文件不存在。")
    source = detect(path) if name is None else by_name(name)
    return open_pack(path) if source.name == PACK_SOURCE else _open(path, source)


def detect(path: Path) -> Source:
    """The source a path looks like: by its files, else by its header.

    Raises:
        ReadError: No source is like it.
    """
    if path.is_dir():
        there = {p.name for p in path.iterdir()}
        for source in shipped().values():
            if source.folder and {spec.file for spec in source.files} <= there:
                return source
        return by_name(PACK_SOURCE)
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise ReadError(
            f"{path}：不是数据包（应为文件夹或 .xlsx 文件），也不是能识别的名单（.xlsx、.csv）。"
        )
    sheets = dict(read_top(path, path.name))
    if path.suffix.lower() == ".xlsx" and {*PACK_TABLES, "pack", "rules"} & set(sheets):
        return by_name(PACK_SOURCE)
    for labels in sheets.values():
        for source in shipped().values():
            fits = path.suffix.lower() in source.suffixes and not source.folder
            if fits and source.headers and set(source.headers) <= set(labels[0]):
                return source
    for records in sheets.values():
        header = find_header(records, [])
        fields = {hit.field for label in header.labels if (hit := recognise(label)) and hit.field}
        if "name" in fields and len(fields) > 1:
            return next(source for source in shipped().values() if source.synonyms)
    if path.suffix.lower() == ".xlsx":
        return by_name(PACK_SOURCE)
    raise ReadError(f"{path}：不是数据包，表头也不像任何已知的数据源（{'、'.join(shipped())}）。")


def _open(path: Path, source: Source) -> RawPack:
    as_of = source.as_of or _date_in(path.name)
    tables: dict[str, RawTable] = {}
    helpers = []
    notices: list[str] = []
    for spec in source.files:
        for raw in _read(path, source, spec):
            notices += _reading_notices(raw)
            if not spec.table:
                helpers.append(raw)
                continue
            if spec.table in tables:
                notices.append(f"只读取第一个工作表，忽略了 {raw.file}。")
                continue
            shaped = shape(raw, spec, as_of)
            tables[spec.table] = shaped.table
            notices += shaped.notices
    defaults = {"source": source.source or path.name, "as_of": as_of}
    pack = RawPack(
        name=source.pack or path.resolve().stem,
        title=source.title,
        licence=source.licence,
        defaults={k: v for k, v in defaults.items() if v},
        tables=tables,
        notices=tuple(notices),
        source=source.name,
        helpers=tuple(helpers),
        expected={spec.table: spec.expect for spec in source.files if spec.table},
    )
    return apply_function(pack, source)


def apply_function(pack: RawPack, source: Source) -> RawPack:
    """What the source's own function, if it has one, makes of its tables."""
    if not source.function:
        return pack
    module, function = source.function.split(":")
    resolve = getattr(importlib.import_module(f".{module}", __package__), function)
    changed: RawPack = resolve(pack)
    return changed


def _read(path: Path, source: Source, spec: FileSpec) -> Iterator[RawTable]:
    file = path / spec.file if spec.file else path
    if not file.is_file():
        raise ReadError(f"{file}：文件不存在，“{source.title}”需要它。")
    header: FindHeader = find_header if spec.synonyms else first_row
    suffix = file.suffix.lower()
    if suffix == ".csv":
        yield read_csv(file, file.name, header)
    elif suffix == ".xlsx":
        for _, table in read_xlsx(file, file.name, header):
            if len(table.frame):
                yield table
    elif suffix in (".json", ".jsonl"):
        yield read_jsonl(file, file.name)
    else:
        raise ReadError(f"{file}：不能作为“{source.title}”读取（应为 .csv、.xlsx 或 .json）。")


def _reading_notices(raw: RawTable) -> Iterator[str]:
    if raw.unnamed:
        yield f"{raw.file}：有 {raw.unnamed} 列没有表头，已忽略。"
    if raw.encoding not in ("utf-8", "xlsx"):
        yield f"{raw.file}：按 {raw.encoding.upper()} 编码读取。"


def _date_in(name: str) -> str:
    """A date in a file's name, "" if there is none."""
    match = _DATED.search(name)
    return "-".join(match.groups()) if match else ""
