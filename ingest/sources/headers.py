"""Headers of enterprise lists: which field a column holds, in which unit, and where the header is.

The words stand in ``data/sources/headers.csv``; a header with an empty field is known and left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from ..people import is_person
from ..readers import Header, Merged
from .values import read_data

_UNIT = re.compile(
    r"[(\[/_,:]?(?:单位:?)?(?:人民币)?(?P<unit>(?:亿|千万|百万|万|千)?(?:美元|元))(?:人民币)?[)\]]?$"
)
_YEAR = re.compile(r"(20\d{2})年?度?")
#: Fields that say where; together they are the region.
PLACES = ("province", "city", "county", "place")
#: Records that may stand above the header: titles, dates, remarks.
_ABOVE = 20


@dataclass(frozen=True)
class Found:
    """What a header says: the field ("" if it is known but not used), its unit and its year."""

    field: str
    unit: str = ""
    year: int = 0
    rank: int = 0


@cache
def _words() -> Mapping[str, tuple[str, int]]:
    """Field and rank (order in the table) by header."""
    rows = enumerate(read_data("headers.csv"))
    return {_plain(row["header"]): (row["field"], rank) for rank, row in rows}


def headers_of(field: str) -> list[str]:
    """Headers that name a field, the usual ones first."""
    return [row["header"] for row in read_data("headers.csv") if row["field"] == field]


def _plain(label: str) -> str:
    return re.sub(r"[\s*\"“”]", "", unicodedata.normalize("NFKC", label))


@cache
def recognise(label: str) -> Found | None:
    """What a header says, or None where it is not known.

    >>> found = recognise("注册资本（万元）")
    >>> found.field, found.unit
    ('registered_capital', '万元')
    """
    plain = _plain(label)
    year = int(match[1]) if (match := _YEAR.search(plain)) else 0
    without_year = _YEAR.sub("", plain)
    for text in (plain, without_year, plain.rsplit("/", 1)[-1], without_year.rsplit("/", 1)[-1]):
        unit = match["unit"] if (match := _UNIT.search(text)) else ""
        base = text[: match.start()] if match else text
        for candidate in (text, base, re.sub(r"\(.*?\)", "", base)):
            if candidate in _words():
                field, rank = _words()[candidate]
                return Found(field, unit, year, rank)
    return None


def columns_of(labels: Sequence[str]) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """The column and unit of each field, and recognised columns that another one makes superfluous.

    Of several columns for one field the newest year counts, then the order of the table of words.
    """
    found = [(label, hit) for label in labels if (hit := recognise(label)) and hit.field]
    found.sort(key=lambda pair: (-pair[1].year, pair[1].rank))
    chosen: dict[str, tuple[str, str]] = {}
    spare = []
    for label, hit in found:
        if hit.field in chosen:
            spare.append(label)
        else:
            chosen[hit.field] = (label, hit.unit)
    return chosen, spare


def find_header(records: list[list[str]], merged: Sequence[Merged]) -> Header:
    """Where the header of an enterprise list stands: one record or two, below any titles.

    Args:
        records: The first records.
        merged: Merged cells among them.

    Returns:
        The header; the first record where none is recognised.
    """
    best = Header(0, records[0])
    most = 1
    for row in range(min(len(records), _ABOVE)):
        single = records[row]
        double = _joined(records, row, merged) if row + 1 < len(records) else single
        for last, labels in ((row, single), (row + 1, double)):
            fields = {hit.field for label in labels if (hit := recognise(label)) and hit.field}
            if "name" in fields and len(fields) > most:
                best, most = Header(last, labels), len(fields)
    return best


def _joined(records: list[list[str]], row: int, merged: Sequence[Merged]) -> list[str]:
    """Labels of a header of two records, the upper one reaching over several columns."""
    width = max(len(records[row]), len(records[row + 1]))
    upper = [*records[row], *[""] * (width - len(records[row]))]
    lower = [*records[row + 1], *[""] * (width - len(records[row + 1]))]
    for top, bottom, left, right in merged:
        if top == row and bottom == row:
            upper[left : right + 1] = [upper[left]] * (min(right, width - 1) - left + 1)
    if not merged:
        for at in range(1, width):
            upper[at] = upper[at] or (upper[at - 1] if lower[at] else "")
    # A label that says all by itself needs nothing of what stands above it.
    labels = [
        low
        if low and (not up or recognise(low) or is_person(low))
        else f"{up}/{low}"
        if low
        else up
        for up, low in zip(upper, lower, strict=True)
    ]
    return [
        f"{up}/{low}" if low and up and labels.count(label) > 1 else label
        for up, low, label in zip(upper, lower, labels, strict=True)
    ]
