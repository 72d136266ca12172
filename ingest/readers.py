"""Files into tables of text: CSV in the encodings offices use, and XLSX.

Every table keeps the line (CSV) or row (XLSX) each record begins on. :mod:`.text` decodes.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from python_calamine import CalamineError, CalamineWorkbook

from ..graph.errors import ReadError
from .people import is_person
from .text import check_quotes, decode

#: Unpacked bytes an .xlsx may hold; more is a zip bomb or no spreadsheet for this program.
XLSX_LIMIT = 256 * 2**20
#: Cells of the rectangle around a sheet's content; a million rows of fifty columns fit.
CELL_LIMIT = 60_000_000
#: Columns of a table; more is no table for this program.
COLUMN_LIMIT = 2000
#: Numbers from here on have lost digits when a spreadsheet turned a code into a number.
EXACT_INTEGERS = 2**53

#: Records among which the header is looked for, and bytes of a CSV file that hold them.
TOP_RECORDS = 30
_TOP_BYTES = 2**20

_BLANKS = " \t\r\n\u3000\ufeff"

CellValue = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


def no_faults() -> pd.DataFrame:
    """An empty list of faults, see :class:`RawTable`."""
    text = dict.fromkeys(("column", "level", "reason", "value"), pd.Series([], dtype="str"))
    return pd.DataFrame({"at": pd.Series([], dtype="int64"), **text})


@dataclass(frozen=True)
class RawTable:
    """A table as it stands in a file.

    Attributes:
        file: Name shown to the user, such as ``products.csv`` or ``pack.xlsx[products]``.
        frame: Cells as text, stripped, "" where empty; index 0..n-1.
        lines: Line or row each record begins on, shape (n,).
        ragged: Records with a wrong number of cells: (line, text).
        encoding: How it was decoded.
        people_columns: Headers of columns with persons that were dropped.
        unnamed: Columns with content but without a header, which are left out.
        original: The cells as they stand in the file, where ``frame`` is made of them.
        headers: Header of the file by column of ``frame``, where they differ.
        faults: What is wrong already: at (position), column, level, reason and value.
        lenient: A bad value that may be empty is left out, and its row kept.
    """

    file: str
    frame: pd.DataFrame
    lines: npt.NDArray[np.int64]
    ragged: tuple[tuple[int, str], ...]
    encoding: str
    people_columns: tuple[str, ...]
    unnamed: int = 0
    original: pd.DataFrame | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    faults: pd.DataFrame = field(default_factory=lambda: no_faults())
    lenient: bool = False


@dataclass(frozen=True)
class Header:
    """Where the header stands among the first records of a table.

    Attributes:
        last: Index of its last record; the table's own records follow.
        labels: One label per column, "" where there is none.
    """

    last: int
    labels: Sequence[str]


#: (first row, last row, first column, last column) of a merged cell, from 0, all of them included.
Merged = tuple[int, int, int, int]
FindHeader = Callable[[list[list[str]], Sequence[Merged]], Header]


def first_row(records: list[list[str]], merged: Sequence[Merged]) -> Header:
    """The header of a plain table: its first record."""
    return Header(0, records[0])


def read_csv(path: Path, file: str, find_header: FindHeader = first_row) -> RawTable:
    """A CSV file as a table of text.

    Args:
        path: The file.
        file: Its name as shown to the user.
        find_header: Says where the header stands among the first records.

    Raises:
        ReadError: Empty file, unknown encoding, no header, repeated header, open quote.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReadError(f"{file}：无法打开（{error.strerror}）。") from error
    text, encoding = decode(content, file)
    if not text.strip("\ufeff \t\r\n"):
        raise ReadError(f"{file}：文件是空的，至少要有表头。")
    if encoding != "utf-8":
        content = text.encode("utf-8")
    del text
    marks = len(content) - len(content.removeprefix(codecs.BOM_UTF8))
    data = memoryview(content)[marks:]
    broken = check_quotes(data, file)
    top, ends = _top_records(data)
    header = find_header(top, [])
    after = ends[header.last]
    above = bytes(data[:after])
    lines_before = above.count(b"\n") or above.count(b"\r")  # of the old Macintosh
    frame, bad = _parse_cells(data[after:], file, len(header.labels))
    return _finish(file, header, frame, *_begins(frame, bad, lines_before + 1, broken), encoding)


def _top_records(data: memoryview) -> tuple[list[list[str]], list[int]]:
    """The first records of a CSV file as cells, and the byte each ends before."""
    ends = []
    records = []
    lines: list[int] = []
    at = 0
    # A cut through a character or a quoted cell only spoils records far below any header.
    head = bytes(data[:_TOP_BYTES]).decode("utf-8", "ignore")
    csv.field_size_limit(max(csv.field_size_limit(), _TOP_BYTES))
    reader = csv.reader(io.StringIO(head, newline=""))
    for cells in islice(reader, TOP_RECORDS):
        records.append(cells)
        lines.append(reader.line_num)
    for count, line in enumerate(io.StringIO(head, newline="")):
        at += len(line.encode("utf-8"))
        if count + 1 in lines:
            ends.append(at)
        if not lines or count + 1 >= lines[-1]:
            break
    return records, ends


def _parse_cells(
    data: memoryview, file: str, width: int
) -> tuple[pd.DataFrame, list[tuple[int, str]]]:
    """Records below the header as columns f0, f1, ... and those of another width by number from 1."""
    names = [f"f{i}" for i in range(width)]
    bad: list[tuple[int, str]] = []

    def keep_bad(row: pa.csv.InvalidRow) -> str:
        bad.append((row.number, row.text))
        return "skip"

    if not len(data):
        return pd.DataFrame({name: pd.Series([], dtype="str") for name in names}), bad
    try:
        arrow = pa.csv.read_csv(
            pa.BufferReader(pa.py_buffer(data)),
            # One block: only so are rows of another width numbered.
            read_options=pa.csv.ReadOptions(
                use_threads=False, block_size=max(len(data) + 1, 2**20), column_names=names
            ),
            parse_options=pa.csv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=keep_bad
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise ReadError(f"{file}：不是有效的 CSV 文件。") from error
    return arrow.to_pandas(), bad


def _begins(
    frame: pd.DataFrame, bad: list[tuple[int, str]], first: int, broken: bool
) -> tuple[npt.NDArray[np.int64], list[tuple[int, str]]]:
    """The line each record begins on, and the records of another width with theirs."""
    breaks = np.zeros(len(frame), dtype=np.int64)
    if broken:
        for column in frame:
            breaks += frame[column].str.count("\n").to_numpy(dtype=np.int64)
    total = len(frame) + len(bad)
    good = np.ones(total + 1, dtype=bool)
    good[[0, *(n for n, _ in bad)]] = False
    extra = np.zeros(total + 1, dtype=np.int64)
    extra[good] = breaks
    for row, cells in bad:
        extra[row] = cells.count("\n")
    begins = first - 1 + np.arange(total + 1) + np.concatenate([[0], np.cumsum(extra)[:-1]])
    return begins[good], [(int(begins[n]), c) for n, c in bad if c.strip(", \t\r\n")]


def read_xlsx(
    path: Path, file: str, find_header: FindHeader = first_row
) -> Iterator[tuple[str, RawTable]]:
    """The sheets of a workbook as tables of text, by sheet name; sheets without cells are left out.

    Raises:
        ReadError: No workbook, damaged, encrypted, or larger unpacked than :data:`XLSX_LIMIT`.
    """
    try:
        _check_size(path, file)
        book = CalamineWorkbook.from_path(str(path))
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            rows = sheet.to_python(skip_empty_area=False)
            if rows:
                merged = [
                    (top, bottom, left, right)
                    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
                ]
                yield name.strip(), _from_rows(f"{file}[{name}]", rows, merged, find_header)
    except (OSError, zipfile.BadZipFile, CalamineError) as error:
        raise ReadError(f"{file}：不是有效的 .xlsx 文件，或已损坏、加密。") from error


def _check_size(path: Path, file: str) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(info.file_size for info in archive.infolist())
    if size > XLSX_LIMIT:
        raise ReadError(
            f"{file}：解压后有 {size / 2**20:.0f} MB，超过上限 {XLSX_LIMIT // 2**20} MB，拒绝打开。"
        )
    _check_extent(path, file)


def _check_extent(path: Path, file: str) -> None:
    """Refuse sheets whose far-off cells would make the reader allocate the empty ones between.

    Raises:
        ReadError: The rectangle around a sheet's cells holds more than :data:`CELL_LIMIT` cells.
    """
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.filename.startswith("xl/worksheets/"):
                continue
            with archive.open(info) as stream:
                # Piece by piece: the directory may lie about the size.
                pieces = iter(lambda: stream.read(2**20), b"")
                content = b"".join(islice(pieces, XLSX_LIMIT // 2**20))
            height = max(
                map(int, re.findall(rb"<row\b[^>]*?\br=\"(\d{1,7})\"", content)), default=1
            )
            if height * _widest_column(content) > CELL_LIMIT:
                raise ReadError(f"{file}：表格范围过大（有单元格远离数据区），拒绝打开。")


def _widest_column(content: bytes) -> int:
    """At least the number of columns of a sheet, to the next 26."""
    if re.search(rb"<c\b[^>]*?\br=\"[A-Z]{3}", content):
        return 16384
    for letter in range(26, 0, -1):
        if re.search(rb"<c\b[^>]*?\br=\"%c[A-Z]\d" % (64 + letter), content):
            return 26 * (letter + 1)
    return 26


def _from_rows(
    file: str, rows: list[list[CellValue]], merged: Sequence[Merged], find_header: FindHeader
) -> RawTable:
    width = max(len(row) for row in rows)
    cells = [[_cell_text(c) for c in row] + [""] * (width - len(row)) for row in rows]
    header = find_header(cells[:TOP_RECORDS], merged)
    names = [f"f{i}" for i in range(width)]
    frame = pd.DataFrame(cells[header.last + 1 :], columns=names, dtype="str")
    lines = np.arange(header.last + 2, len(cells) + 1)
    return _finish(file, header, frame, lines, [], "xlsx")


def _cell_text(value: CellValue) -> str:
    """A spreadsheet cell as the text a CSV file would hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_INTEGERS:
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, int | float) and abs(value) >= EXACT_INTEGERS:
        # It has lost digits: written with its exponent, cleaners refuse it as a code.
        return f"{value:.16e}"
    return str(value)


def read_top(path: Path, file: str) -> Iterator[tuple[str, list[list[str]]]]:
    """The first records of a CSV file or of each sheet of a workbook, to see what it is.

    Raises:
        ReadError: It cannot be read; see :func:`read_csv` and :func:`read_xlsx`.
    """
    try:
        if path.suffix.lower() == ".csv":
            with path.open("rb") as stream:
                head = stream.read(_TOP_BYTES)
            # Cut within a character, the head may look like another encoding than the file.
            whole = head[: head.rfind(b"\n") + 1] or head
            text, _ = decode(whole, file)
            records, _ = _top_records(memoryview(text.lstrip("\ufeff").encode("utf-8")))
            yield "", records
            return
        _check_size(path, file)
        book = CalamineWorkbook.from_path(str(path))
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=TOP_RECORDS)
            if rows:
                yield name.strip(), [[_cell_text(c) for c in row] for row in rows]
    except (OSError, zipfile.BadZipFile, CalamineError) as error:
        raise ReadError(f"{file}：不是有效的文件，或已损坏、加密。") from error


def read_jsonl(path: Path, file: str) -> RawTable:
    """A file of JSON objects, one a line, as a table of text; other lines are ragged.

    Raises:
        ReadError: The file cannot be opened, its encoding is unknown, or it holds no object.
    """
    try:
        text, encoding = decode(path.read_bytes(), file)
    except OSError as error:
        raise ReadError(f"{file}：无法打开（{error.strerror}）。") from error
    rows, lines, ragged = [], [], []
    names: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # nested too deep
            row = None
        # A value that has values of its own is no cell.
        if isinstance(row, dict) and not any(isinstance(v, dict | list) for v in row.values()):
            names.update(row)
            if len(names) > COLUMN_LIMIT:
                raise ReadError(f"{file} 第 {number} 行：列数超过 {COLUMN_LIMIT}。")
            rows.append({str(k): "" if v is None else str(v) for k, v in row.items()})
            lines.append(number)
        else:
            ragged.append((number, line))
    if not rows:
        raise ReadError(f"{file}：不是 JSON Lines 文件（每行一个 JSON 对象）。")
    cells = pd.DataFrame(rows, dtype="str").fillna("")
    header = Header(0, [str(name) for name in cells.columns])
    return _finish(file, header, cells, np.asarray(lines, dtype=np.int64), ragged, encoding)


def _finish(
    file: str,
    found: Header,
    frame: pd.DataFrame,
    lines: npt.NDArray[np.int64],
    ragged: list[tuple[int, str]],
    encoding: str,
) -> RawTable:
    """Cells stripped and named by the header; people and blank records dropped."""
    header = [str(cell).strip(_BLANKS) for cell in found.labels]
    named = [i for i, cell in enumerate(header) if cell]
    if len(named) > COLUMN_LIMIT:
        raise ReadError(f"{file}：有 {len(named)} 列，超过 {COLUMN_LIMIT} 列。")
    if not named:
        raise ReadError(f"{file}：第一行没有表头。")
    repeated = sorted({h for h in header if h and header.count(h) > 1})
    if repeated:
        raise ReadError(f"{file}：表头重复：{'、'.join(repeated)}。")
    frame = frame.apply(lambda cells: cells.str.strip(_BLANKS))
    people = tuple(header[i] for i in named if is_person(header[i]))
    bare = [i for i in range(len(header)) if i not in named]
    unnamed = int((frame.iloc[:, bare] != "").any(axis=0).sum())
    body = frame.iloc[:, [i for i in named if not is_person(header[i])]]
    body.columns = pd.Index([header[i] for i in named if not is_person(header[i])])
    filled = np.zeros(len(body), dtype=bool)
    for column in body:
        filled |= (body[column] != "").to_numpy(dtype=bool)
    if not filled.all():
        body, lines = body[filled].reset_index(drop=True), lines[filled]
    # Text of ragged records may hold persons too, in cells nobody can tell apart.
    if people:
        ragged = [(line, "") for line, _ in ragged]
    return RawTable(file, body, lines, tuple(ragged), encoding, people, unnamed)
