"""Texts as one normalised buffer whose characters remember where they came from.

Width, case and brackets are made equal character by character and white space is left out, so that
one call of the matcher sees all texts and every match can be traced to the original characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

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
        if 0xD800 <= code < 0xE000:
            table[code] = 0xFFFD
            continue
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


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


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
    return codes[codes != _DROPPED].tobytes().decode("utf-32-le")


@dataclass(frozen=True)
class Buffer:
    """Texts joined and normalised.

    Attributes:
        text: All texts, normalised, each followed by :data:`BREAK`; n characters.
        codes: Code points of ``text``, shape (n,).
        origin: Position of each character in its own original text, shape (n,).
        row: Number of the text each character belongs to, shape (n,).
        gap: Whether white space stood before the character, shape (n,).
    """

    text: str
    codes: npt.NDArray[np.uint32]
    origin: Integers
    row: Integers
    gap: Flags

    @classmethod
    def of(cls, texts: Sequence[str]) -> Buffer:
        """Join and normalise texts."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
        starts = np.cumsum(lengths) - lengths
        codes = _normal(_codes(BREAK.join([*texts, ""])))
        codes[starts + lengths - 1] = ord(BREAK)
        kept = np.flatnonzero(codes != _DROPPED)
        row = np.repeat(np.arange(len(texts)), lengths)[kept]
        codes = codes[kept]
        gap = np.empty(len(kept), dtype=np.bool_)
        gap[:1] = False
        gap[1:] = np.diff(kept) > 1
        return cls(codes.tobytes().decode("utf-32-le"), codes, kept - starts[row], row, gap)

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
        smaller = Buffer(
            codes.tobytes().decode("utf-32-le"),
            codes,
            self.origin[kept],
            self.row[kept],
            self.gap[kept],
        )
        moved = np.concatenate([[0], np.cumsum(kept)])
        return smaller, moved
