"""Cells the way lists write them into cells the way packs do: one cleaner per kind of value.

A cleaner takes text and gives text, with the reason code of each cell it cannot use; what it gives is
checked again by :mod:`...ingest.cleaners` like any pack.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files

import pandas as pd

from ...graph.schema import LABELS
from ..cleaners import valid_credit_codes

#: How lists write that they know nothing.
_NOTHING = frozenset(
    [
        "-",
        "--",
        "---",
        "—",
        "——",
        "/",
        "\\",
        "无",
        "暂无",
        "不详",
        "未知",
        "未公开",
        "未公示",
        "None",
        "none",
        "NULL",
        "null",
        "N/A",
        "n/a",
        "NA",
        "nan",
        "NaN",
        "#N/A",
    ]
)
_MONEY = re.compile(
    r"(?P<before>\D*?)(?P<number>[+-]?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"(?P<scale>万亿|千亿|百亿|亿|千万|百万|十万|万|千|百)?(?P<after>\D*)"
)
_SCALES = {"万亿": 1e12, "千亿": 1e11, "百亿": 1e10, "亿": 1e8, "千万": 1e7, "百万": 1e6}
_SCALES |= {"十万": 1e5, "万": 1e4, "千": 1e3, "百": 1e2}
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:T?\d{1,2}:.*)?")
#: Excel counts days from here; the serials of 1927 to 2099 are no years and no codes.
_EXCEL_ZERO = dt.date(1899, 12, 30)
_SERIALS = range(10_000, 73_051)
_STOCK = re.compile(r"(?:(?:SH|SZ|BJ)[.:]?)?(\d{1,6})(?:\.0)?(?:[.:](SH|SZ|BJ|SS))?", re.I)
_AS_NUMBER = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+|\d{15}000(?:\.0)?")


@dataclass(frozen=True)
class Context:
    """What a cleaner may need besides the cells: the unit of bare figures and the facts' date."""

    unit: str = ""
    as_of: str = ""


@dataclass(frozen=True)
class Outcome:
    """Clean cells, "" where empty or bad, and reason codes, "" where good; index as given."""

    cells: pd.Series
    reasons: pd.Series


#: A cell that is not empty into its clean form and a reason code, one of them "".
_ByValue = Callable[[str, Context], tuple[str, str]]
Cleaner = Callable[[pd.Series, Context], Outcome]


def _each(convert: _ByValue) -> Cleaner:
    """A cleaner that looks at each distinct cell once."""

    def clean(cells: pd.Series, context: Context) -> Outcome:
        distinct = [cell for cell in cells.unique().tolist() if cell not in _NOTHING and cell]
        found = {cell: convert(cell, context) for cell in distinct}
        pairs = [found.get(cell, ("", "")) for cell in cells.tolist()]
        return Outcome(
            pd.Series([good for good, _ in pairs], index=cells.index, dtype="str"),
            pd.Series([bad for _, bad in pairs], index=cells.index, dtype="str"),
        )

    return clean


def _good(cells: pd.Series) -> Outcome:
    return Outcome(cells, pd.Series("", index=cells.index, dtype="str"))


def _text(cells: pd.Series, context: Context) -> Outcome:
    return _good(cells.where(~cells.isin(_NOTHING), ""))


def _name(cells: pd.Series, context: Context) -> Outcome:
    """Names without the blanks that fill up columns (万 科Ａ), those between Latin words kept."""
    plain = cells.str.normalize("NFKC").str.replace("(", "（").str.replace(")", "）")
    return _text(plain.str.replace(r"(?<![A-Za-z.,])\s+|\s+(?![A-Za-z])", "", regex=True), context)


def _names(cells: pd.Series, context: Context) -> Outcome:
    """A list of names, separated by any of the usual signs."""
    parted = cells.str.replace(r"\s*[;；、\n]\s*|/", ";", regex=True)
    names = _name(parted, context).cells.str.replace(r"(?<=;)[-—]*(?=;|$)", "", regex=True)
    return _good(names.str.strip(";"))


def _credit_code(cells: pd.Series, context: Context) -> Outcome:
    """Credit codes. One that Excel made a number of has lost digits: refused, never guessed."""
    plain = _text(cells, context).cells.str.normalize("NFKC")
    plain = plain.str.replace(r"[\s\-'`]", "", regex=True).str.upper()
    reasons = pd.Series("", index=cells.index, dtype="str")
    filled = plain != ""
    shaped = plain.str.fullmatch(r"[0-9A-Z]{18}").to_numpy(dtype=bool)
    good = shaped.copy()
    good[shaped] = valid_credit_codes(plain[shaped].tolist())
    reasons[filled & ~good] = "bad_uscc"
    numbers = plain.str.fullmatch(_AS_NUMBER.pattern).to_numpy(dtype=bool)
    reasons[filled & ~good & numbers] = "code_as_number"
    return Outcome(plain.where(reasons == "", ""), reasons)


def _stock(cell: str, context: Context) -> tuple[str, str]:
    """``000004.SZ`` of 4, 000004, SZ000004 and 000004.SZ: the first digits tell the exchange."""
    match = _STOCK.fullmatch(cell.strip())
    if match is None:
        # Codes of other markets are kept as they are.
        return (cell, "") if re.fullmatch(r"[A-Z0-9]{1,6}\.[A-Z]{1,3}", cell) else ("", "bad_stock")
    digits = match[1].zfill(6)
    if digits == "000000":
        return "", "bad_stock"
    if digits[0] in "48" or digits.startswith("92"):
        return f"{digits}.BJ", ""
    return f"{digits}.{'SH' if digits[0] in '569' else 'SZ'}", ""


def _money(cell: str, context: Context) -> tuple[str, str]:
    """Yuan of a figure with its unit in the cell, in the header, or as usual for the column."""
    match = _MONEY.fullmatch(_plain(cell))
    if match is None:
        return "", "bad_money"
    scale, words = match["scale"] or "", match["before"] + match["after"]
    if not scale and not words:
        words = context.unit
        scale = next((s for s in _SCALES if words.startswith(s)), "")
        words = words.removeprefix(scale)
    currency, rest = _currency(words)
    if rest.strip("()整:,"):
        return "", "bad_money"
    rate = _rate(currency, context.as_of)
    if rate is None:
        return "", "unknown_currency"
    # Rounded to what doubles of this size can tell apart, so that 0.1 亿 is 10000000 exactly.
    yuan = float(match["number"].replace(",", "")) * _SCALES.get(scale, 1.0) * rate
    return repr(float(f"{yuan:.12g}")), ""


def _currency(words: str) -> tuple[str, str]:
    """The currency that words name, and what is left of them."""
    found = "CNY"
    for currency, written in _written():
        if written in words:
            words = words.replace(written, "")
            found = currency if found == "CNY" else found
    return found, words


def _count(cell: str, context: Context) -> tuple[str, str]:
    plain = re.sub(r"[,人名\s]", "", _plain(cell))
    return (plain, "") if re.fullmatch(r"\d+(?:\.0+)?", plain) else ("", "bad_number")


def _date(cell: str, context: Context) -> tuple[str, str]:
    plain = _plain(cell)
    if match := _DATE.fullmatch(plain) or re.fullmatch(r"(\d{4})(\d{2})(\d{2})", plain):
        try:
            return dt.date(int(match[1]), int(match[2]), int(match[3])).isoformat(), ""
        except ValueError:
            return "", "bad_date"
    if re.fullmatch(r"\d{5}(?:\.\d+)?", plain) and int(float(plain)) in _SERIALS:
        return (_EXCEL_ZERO + dt.timedelta(days=int(float(plain)))).isoformat(), ""
    return "", "bad_date"


def _labels(cell: str, context: Context) -> tuple[str, str]:
    """Labels named in a cell. Words that name none of ours are no error: honours are many."""
    rest, found = re.sub(r"[\"'“”‘’]", "", _plain(cell)), set()
    for word, label in _label_words():
        if word in rest:
            rest = rest.replace(word, " ")
            found.add(label)
    found |= {part for part in re.split(r"[;,、\s]+", rest) if part in LABELS}
    return ";".join(label for label in LABELS if label in found), ""


def product_id(name: str) -> str:
    """The id of a product that a source knows by its name alone: the same for every source."""
    plain = unicodedata.normalize("NFKC", name).strip().lower()
    return f"p-{blake2b(plain.encode(), digest_size=6).hexdigest()}"


def _plain(cell: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", cell))


@cache
def _label_words() -> tuple[tuple[str, str], ...]:
    """Longest first, so that 专精特新小巨人 is not 专精特新 too."""
    rows = [(row["word"], row["label"]) for row in read_data("labels.csv")]
    return tuple(sorted(rows, key=lambda row: -len(row[0])))


@cache
def _written() -> tuple[tuple[str, str], ...]:
    """Ways to write currencies; those of foreign ones first, as 美元 holds 元."""
    rows = {
        (row["currency"], w)
        for row in read_data("currencies.csv")
        for w in row["written"].split(";")
    }
    return tuple(sorted(rows, key=lambda row: (row[0] == "CNY", -len(row[1]), row)))


@cache
def _rate(currency: str, as_of: str) -> float | None:
    """Yuan for one unit: the newest rate not after the date, else the oldest; None if unknown."""
    rates = [r for r in read_data("currencies.csv") if r["currency"] == currency and r["cny"]]
    rates.sort(key=lambda row: row["as_of"])
    before = [row for row in rates if not as_of or row["as_of"] <= as_of]
    chosen = before[-1:] or rates[:1]
    return float(chosen[0]["cny"]) if chosen else None


def read_data(name: str) -> Iterator[dict[str, str]]:
    """Rows of a table of ``data/sources``."""
    text = files("chainatlas").joinpath(f"data/sources/{name}").read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


#: Cleaners by the name that descriptions use.
CLEANERS: Mapping[str, Cleaner] = {
    "": lambda cells, context: _good(cells),
    "text": _text,
    "name": _name,
    "names": _names,
    "credit_code": _credit_code,
    "stock_code": _each(_stock),
    "money": _each(_money),
    "count": _each(_count),
    "date": _each(_date),
    "labels": _each(_labels),
    "product_id": _each(lambda cell, context: (product_id(cell), "")),
}
