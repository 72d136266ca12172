"""Files into tables of text: CSV in the encodings offices use, and XLSX.

Every table keeps the line (CSV) or row (XLSX) each record begins on. What cannot be read right is
refused with a reason; nothing is ever decoded by guesswork that could garble names.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import re
import zipfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
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

#: Unpacked bytes an .xlsx may hold; more is a zip bomb or no spreadsheet for this program.
XLSX_LIMIT = 256 * 2**20
#: Cells of the rectangle around a sheet's content; a million rows of fifty columns fit.
CELL_LIMIT = 60_000_000
#: Numbers from here on have lost digits when a spreadsheet turned a code into a number.
EXACT_INTEGERS = 2**53

CellValue = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


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
    """

    file: str
    frame: pd.DataFrame
    lines: npt.NDArray[np.int64]
    ragged: tuple[tuple[int, str], ...]
    encoding: str
    people_columns: tuple[str, ...]
    unnamed: int = 0


def decode(data: bytes, file: str) -> tuple[str, str]:
    """Text of a file and the encoding it is in.

    UTF-8 (with or without BOM), UTF-16 with BOM, and GB18030 (with GBK and GB 2312 in it) are read.
    Because almost any bytes pass as GB18030, such text must consist of everyday characters.

    Raises:
        ReadError: The encoding is another one, or the text is no text.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8-sig", "gb18030"]
    for encoding in candidates:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            raise ReadError(
                f"{file}：含有空字节，可能是无 BOM 的 UTF-16 或二进制文件，请另存为 UTF-8。"
            )
        if encoding == "gb18030" and not _everyday(text):
            continue
        if encoding == "utf-8-sig" and _could_be_gbk(data, text):
            raise ReadError(
                f"{file}：无法确定编码（UTF-8 与 GBK 都读得通），请另存为带 BOM 的 UTF-8 后再导入。"
            )
        return text, encoding.removesuffix("-sig")
    raise ReadError(f"{file}：无法确定编码，请另存为 UTF-8（Excel：CSV UTF-8）后再导入。")


def _could_be_gbk(data: bytes, text: str) -> bool:
    """Whether valid UTF-8 without Chinese is everyday Chinese when read as GBK.

    Two bytes of GBK such as those of 石英 also form rare letters of UTF-8.
    """
    if data.startswith(codecs.BOM_UTF8) or text.isascii() or any(ord(c) >= 0x800 for c in text):
        return False
    try:
        return _everyday(data.decode("gb18030"))
    except UnicodeDecodeError:
        return False


def _everyday(text: str) -> bool:
    """Whether nearly all non-ASCII characters are of GB 2312, as in real Chinese office files.

    Big5, Shift-JIS and Latin-1 bytes that happen to decode give rare characters instead.
    """
    foreign = [c for c in text if ord(c) > 127]
    common = 0
    for c in foreign:
        try:
            common += len(c.encode("gb2312")) == 2
        except UnicodeEncodeError:
            continue
    return common >= 0.95 * len(foreign)


def read_csv(path: Path, file: str) -> RawTable:
    """A CSV file as a table of text.

    Raises:
        ReadError: Empty file, unknown encoding, no header, repeated header, open quote.
    """
    try:
        text, encoding = decode(path.read_bytes(), file)
    except OSError as error:
        raise ReadError(f"{file}：无法打开（{error.strerror}）。") from error
    text = text.lstrip("\ufeff")
    if not text.strip():
        raise ReadError(f"{file}：文件是空的，至少要有表头。")
    _check_quotes(text, file)
    data = text.encode("utf-8")
    bad: list[tuple[int, str]] = []

    def keep_bad(row: pa.csv.InvalidRow) -> str:
        bad.append((row.number, row.text))
        return "skip"

    try:
        arrow = pa.csv.read_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(
                use_threads=False,
                block_size=max(len(data) + 1, 2**20),
                autogenerate_column_names=True,
            ),
            parse_options=pa.csv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=keep_bad
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types={f"f{i}": pa.large_string() for i in range(_width(text))},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise ReadError(f"{file}：不是有效的 CSV 文件。") from error
    frame = arrow.to_pandas()
    breaks = np.zeros(len(frame), dtype=np.int64)
    for column in frame:
        breaks += frame[column].str.count("\n").to_numpy(dtype=np.int64)
    number = np.setdiff1d(
        np.arange(1, len(frame) + len(bad) + 1), np.asarray([n for n, _ in bad], dtype=np.int64)
    )
    extra = np.zeros(len(frame) + len(bad) + 1, dtype=np.int64)
    extra[number] = breaks
    for row, cells in bad:
        extra[row] = cells.count("\n")
    begins = np.arange(len(extra)) + np.concatenate([[0], np.cumsum(extra)[:-1]])
    return _finish(
        file,
        frame,
        begins[number],
        [(int(begins[n]), cells) for n, cells in bad if cells.strip(", \t\r\n")],
        encoding,
    )


def _check_quotes(text: str, file: str) -> None:
    """Refuse quotes that would swallow separators and lines (RFC 4180).

    Raises:
        ReadError: A quoted cell is not closed, or goes on after its closing quote.
    """
    if '"' not in text:
        return
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        deque(reader, maxlen=0)
    except csv.Error as error:
        raise ReadError(
            f"{file} 第 {reader.line_num} 行：引号不成对或位置不对，无法分列。"
        ) from error


def _width(text: str) -> int:
    """At least the number of columns: separators of the header line."""
    return text.split("\n", 1)[0].count(",") + 1 if '"' not in text[:10000] else 512


def read_xlsx(path: Path, file: str) -> Iterator[tuple[str, RawTable]]:
    """The sheets of a workbook as tables of text, by sheet name; sheets without cells are left out.

    Raises:
        ReadError: No workbook, damaged, encrypted, or larger unpacked than :data:`XLSX_LIMIT`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > XLSX_LIMIT:
            raise ReadError(
                f"{file}：解压后有 {size / 2**20:.0f} MB，超过上限 {XLSX_LIMIT // 2**20} MB，拒绝打开。"
            )
        _check_extent(path, file)
        book = CalamineWorkbook.from_path(str(path))
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            if rows:
                yield name.strip(), _from_rows(f"{file}[{name}]", rows)
    except (OSError, zipfile.BadZipFile, CalamineError) as error:
        raise ReadError(f"{file}：不是有效的 .xlsx 文件，或已损坏、加密。") from error


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


def _from_rows(file: str, rows: list[list[CellValue]]) -> RawTable:
    width = max(len(row) for row in rows)
    cells = [[_cell_text(c) for c in row] + [""] * (width - len(row)) for row in rows]
    frame = pd.DataFrame(cells, columns=[f"f{i}" for i in range(width)], dtype="str")
    return _finish(file, frame, np.arange(1, len(frame) + 1), [], "xlsx")


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


def _finish(
    file: str,
    frame: pd.DataFrame,
    lines: npt.NDArray[np.int64],
    ragged: list[tuple[int, str]],
    encoding: str,
) -> RawTable:
    """Header from the first record, cells stripped, people and blank records dropped."""
    frame = frame.apply(lambda cells: cells.str.strip(" \t\r\n\u3000\ufeff"))
    if not len(frame):
        raise ReadError(f"{file}：没有表头。")
    header = [str(cell) for cell in frame.iloc[0]]
    named = [i for i, cell in enumerate(header) if cell]
    if not named:
        raise ReadError(f"{file}：第一行没有表头。")
    repeated = sorted({h for h in header if h and header.count(h) > 1})
    if repeated:
        raise ReadError(f"{file}：表头重复：{'、'.join(repeated)}。")
    people = tuple(header[i] for i in named if is_person(header[i]))
    bare = [i for i in range(len(header)) if i not in named]
    unnamed = int((frame.iloc[1:, bare] != "").any(axis=0).sum())
    body = frame.iloc[1:, [i for i in named if not is_person(header[i])]]
    body.columns = pd.Index([header[i] for i in named if not is_person(header[i])])
    filled = (body != "").any(axis=1).to_numpy(dtype=bool)
    # Text of ragged records may hold persons too, in cells nobody can tell apart.
    if people:
        ragged = [(line, "") for line, _ in ragged]
    return RawTable(
        file,
        body[filled].reset_index(drop=True),
        lines[1:][filled],
        tuple(ragged),
        encoding,
        people,
        unnamed,
    )
