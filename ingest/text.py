"""Bytes of text files: their encoding, and whether quotes are where RFC 4180 wants them.

What cannot be read right is refused with a reason; nothing is ever decoded by guesswork that could
garble names.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque

import numpy as np
import numpy.typing as npt

from ..graph.errors import ReadError

#: Bytes looked at together, so that a large file needs no second copy of itself.
_CHUNK = 2**26


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
    strange = len(data)  # the first byte that is not of the encoding files should have
    for encoding in candidates:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            strange = min(strange, error.start)
            continue
        if "\x00" in text:
            line = text.count("\n", 0, text.index("\x00")) + 1
            raise ReadError(
                f"{file} 第 {line} 行：含有空字节，可能是无 BOM 的 UTF-16 或二进制文件，"
                "请另存为 UTF-8。"
            )
        if encoding == "gb18030" and not _everyday(text):
            continue
        if encoding == "utf-8-sig" and _could_be_gbk(data, text):
            raise ReadError(
                f"{file}：无法确定编码（UTF-8 与 GBK 都读得通），请另存为带 BOM 的 UTF-8 后再导入。"
            )
        return text, encoding.removesuffix("-sig")
    line = data.count(b"\n", 0, strange) + 1
    raise ReadError(
        f"{file} 第 {line} 行：无法确定编码，请另存为 UTF-8（Excel：CSV UTF-8）后再导入。"
    )


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


def positions(data: memoryview, byte: bytes) -> npt.NDArray[np.int64]:
    """Where a byte stands in the data."""
    whole = np.frombuffer(data, dtype=np.uint8)
    return np.concatenate(
        [np.zeros(0, dtype=np.int64)]
        + [
            np.flatnonzero(whole[at : at + _CHUNK] == ord(byte)) + at
            for at in range(0, len(whole), _CHUNK)
        ]
    )


def check_quotes(data: memoryview, file: str) -> bool:
    """Refuse quotes that would swallow separators and lines (RFC 4180).

    Args:
        data: UTF-8.
        file: Name shown to the user.

    Returns:
        Whether some quoted cell holds a line break.

    Raises:
        ReadError: A quoted cell is not closed, or goes on after its closing quote.
    """
    quotes = positions(data, b'"')
    if not len(quotes):
        return False
    if not _plainly_quoted(data, quotes):
        _parse(data, file)
    breaks = positions(data, b"\n")
    return bool((np.searchsorted(quotes, breaks) % 2).any())


def _plainly_quoted(data: memoryview, quotes: npt.NDArray[np.int64]) -> bool:
    """Whether every quote opens a cell, closes one, or is doubled within one."""
    if len(quotes) % 2:
        return False
    edge = np.zeros(256, dtype=bool)
    edge[list(b',"\r\n')] = True
    whole = np.frombuffer(data, dtype=np.uint8)
    opening, closing = quotes[::2], quotes[1::2]
    before = whole[np.maximum(opening - 1, 0)]
    after = whole[np.minimum(closing + 1, len(whole) - 1)]
    return bool((edge[before] | (opening == 0)).all() and edge[after].all())


def _parse(data: memoryview, file: str) -> None:
    text = str(data, "utf-8")
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        deque(reader, maxlen=0)
    except csv.Error as error:
        raise ReadError(
            f"{file} 第 {reader.line_num} 行：引号不成对或位置不对，无法分列。"
        ) from error
