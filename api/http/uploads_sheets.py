"""Workbooks that strangers send: what a spreadsheet swells to when it is read, estimated beforehand.

A reader of spreadsheets allocates the rectangle around all cells of a sheet, and a string that many
cells share becomes a string of each of them; both can be far more than the file's bytes.
"""

from __future__ import annotations

import re
from pathlib import Path

from .uploads_archive import contents, members
from .uploads_refusal import RefusedError

#: Bytes that the parts of a workbook may have together.
UNPACKED = 96 * 2**20
#: Cells of the rectangles around the content of all sheets.
CELLS = 4_000_000
#: Characters of all cells.
CHARACTERS = 96 * 2**20
_PLACE = re.compile(rb"""\br\s*=\s*["']\s*(?:([A-Za-z]{1,3})(\d{1,9})|(\d{1,9}))\s*["']""")
_ITEM = re.compile(rb"<(?:\w+:)?si[\s>].*?</(?:\w+:)?si\s*>", re.S)
_VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>([^<]*)<")


def check_workbook(path: Path, label: str) -> None:
    """Refuse a workbook that would take too much memory to read.

    Args:
        path: An ``.xlsx``.
        label: What it is called.

    Raises:
        RefusedError: It is damaged, or too large.
    """
    parts = members(path, label)
    total = sum(part.info.file_size for part in parts)
    if total > UNPACKED:
        raise RefusedError(
            "too-large",
            f"{label}：解压后有 {total / 2**20:.0f} MB，超过上限 {UNPACKED // 2**20} MB，拒绝打开。",
        )
    lengths: list[int] = []
    cells = characters = 0
    # Strings first: sheets only number them.
    for part in sorted(parts, key=lambda part: not part.name.name.lower().startswith("sharedstr")):
        content = b"".join(contents(path, label, part))
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise RefusedError("invalid", f"{label}：{part.name} 含有 DTD，拒绝打开。")
        if part.name.name.lower().startswith("sharedstr"):
            lengths = [found.end() - found.start() for found in _ITEM.finditer(content)]
        elif b"sheetData" in content:
            cells += _rectangle(content)
            characters += _shared(content, lengths, CHARACTERS)
    if cells > CELLS:
        raise RefusedError(
            "too-large",
            f"{label}：表格范围约有 {cells:,} 个单元格，最多 {CELLS:,} 个"
            "（可能有单元格远离数据区），请删去空行空列或分批上传。",
        )
    if characters > CHARACTERS:
        raise RefusedError("too-large", f"{label}：单元格文字过多，请分批上传。")


def _rectangle(content: bytes) -> int:
    r"""Cells of the rectangle from the first cell of a sheet to its last row and column.

    >>> _rectangle(b'<row r="3"><c r="A3"/><c r = "C3"/></row>')
    9
    """
    height = width = 1
    for found in _PLACE.finditer(content):
        letters, row, alone = found.groups()
        height = max(height, int(row or alone))
        if letters:
            width = max(width, _column(letters))
    return height * width


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _shared(content: bytes, lengths: list[int], most: int) -> int:
    """Characters of the shared strings that a sheet's cells show, at most.

    A number that is no string's may be counted too; a legitimate sheet stays far below the limit.
    """
    longest = max(lengths, default=0)
    if longest * (content.count(b"v>") + content.count(b"<v")) <= most:
        return 0
    total = 0
    for found in _VALUE.finditer(content):
        text = found[1].strip()
        if text.isdigit() and len(text) < 10:
            total += lengths[int(text)] if int(text) < len(lengths) else 0
        elif b"&" in text:  # a number written in a way that only readers of XML understand
            total += longest
    return total
