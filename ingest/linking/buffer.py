"""Texts as one normalised buffer whose characters remember where they came from.

Width, case and brackets are made equal character by character and white space is left out, so that
one call of the matcher sees all texts and every match can be traced to the original characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Stands between two texts; no term contains it.
BREAK = "\n"
_DROPPED = 0
_ALIKE = {"(": "（〔［【｛[{<〈《", ")": "）〕］】｝]}>〉》", ";": "\n\r\x0b\x0c\x85\u2028\u2029"}


@lru_cache(maxsize=1)
def _table() -> npt.NDArray[np.uint32]:
    """Normalised code point of every code point of the basic plane; 0 where it is left out."""
    table = np.arange(0x10000, dtype=np.uint32)
    for code in range(0x10000):
        char = chr(code)
        if char.isspace() or unicodedata.category(char) in ("Cc", "Cf"):
            table[code] = _DROPPED
            continue
        plain = unicodedata.normalize("NFKC", char)
        lower = plain.lower()
        if len(lower) == 1 and not lower.isspace():
            table[code] = ord(lower)
    for plain, others in _ALIKE.items():
        for char in others:
            table[ord(char)] = ord(plain)
    return table


@lru_cache(maxsize=8)
def among(chars: str) -> Flags:
    """Which code points of the basic plane are among some characters."""
    table = np.zeros(0x10000, dtype=np.bool_)
    table[[ord(char) for char in chars]] = True
    return table


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def _normal(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    table = _table()
    if codes.size and int(codes.max()) >= len(table):
        return np.where(codes < len(table), table[np.minimum(codes, 0xFFFF)], codes)
    return table[codes]


def normalise(text: str) -> str:
    """A term as the buffer would hold it: half width, lower case, round brackets, no white space.

    >>> normalise("Ｍｉｃｒｏ LED【面板】")
    'microled(面板)'
    """
    codes = _normal(_codes(text))
    return str(codes[codes != _DROPPED].tobytes(), "utf-32-le")


@dataclass(frozen=True)
class Buffer:
    """Texts joined and normalised.

    Attributes:
        text: All texts, normalised, each followed by :data:`BREAK`; n characters.
        codes: Code points of ``text``, shape (n,).
        row: Number of the text each character belongs to, shape (n,).
        gap: Whether white space stood before the character, shape (n,).
        source: Code points of the texts as they were given, each followed by a break.
        place: Position of each character in ``source``, shape (n,).
        first: Position of each text in ``source``.
    """

    text: str
    codes: npt.NDArray[np.uint32]
    row: Integers
    gap: Flags
    source: npt.NDArray[np.uint32]
    place: Integers
    first: Integers

    @classmethod
    def of(cls, texts: Sequence[str]) -> Buffer:
        """Join and normalise texts."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
        ends = np.cumsum(lengths)
        source = _codes(BREAK.join([*texts, ""]))
        codes = _normal(source)
        codes[ends - 1] = ord(BREAK)
        place = np.flatnonzero(codes != _DROPPED)
        row = np.repeat(np.arange(len(texts)), lengths)[place]
        codes = codes[place]
        gap = np.zeros(len(place), dtype=np.bool_)
        gap[1:] = np.diff(place) > 1
        text = codes.tobytes().decode("utf-32-le")
        return cls(text, codes, row, gap, source, place, ends - lengths)

    def only(self, rows: Flags) -> tuple[Buffer, Integers]:
        """The buffer of some of its texts.

        Args:
            rows: Which texts to keep, by number.

        Returns:
            The smaller buffer, with the texts' old numbers, and for each old position the new one
            (meaningless for characters left out).
        """
        kept = rows[self.row]
        codes = self.codes[kept]
        smaller = replace(
            self,
            text=codes.tobytes().decode("utf-32-le"),
            codes=codes,
            row=self.row[kept],
            gap=self.gap[kept],
            place=self.place[kept],
        )
        return smaller, np.concatenate([[0], np.cumsum(kept)])

    def given(self, start: Integers, end: Integers) -> tuple[Integers, Integers, pd.Series]:
        """Spans of the buffer in the texts as they were given: start, end, and what stands there."""
        begin, stop = self.place[start], self.place[end - 1] + 1
        origin = self.first[self.row[start]]
        return begin - origin, stop - origin, _cut(self.source, begin, stop)


def _cut(codes: npt.NDArray[np.uint32], begin: Integers, stop: Integers) -> pd.Series:
    """Pieces of a text as a column, built in one go from its code points."""
    lengths = stop - begin
    ends = np.cumsum(lengths)
    pieces = codes[np.arange(int(lengths.sum())) + np.repeat(begin - (ends - lengths), lengths)]
    width = 1 + (pieces >= 0x80) + (pieces >= 0x800) + (pieces >= 0x10000)
    offsets = np.concatenate([[0], np.cumsum(width)])[np.concatenate([[0], ends])]
    data = pieces.tobytes().decode("utf-32-le").encode("utf-8")
    array = pa.LargeStringArray.from_buffers(
        len(begin), pa.py_buffer(offsets.astype(np.int64)), pa.py_buffer(data)
    )
    return pd.Series(pd.array(array, dtype="str"))
