"""Numbers with units as notices write them: 5万亿元, 20%, 2-3个, 一倍, 百项."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DIGITS = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_POWERS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {
    "万": 1e4,
    "亿": 1e8,
    "万亿": 1e12,
    "千万": 1e7,
    "百万": 1e6,
    "千亿": 1e11,
    "百亿": 1e10,
}
#: Units of money with what one is in its currency.
_MONEY = {"元": "CNY", "美元": "USD"}
_COUNTED = (
    "个百分点|平方公里|平方米|公里|万亩|亩|万吨|吨|千瓦时|千瓦|万千瓦|兆瓦|辆|套|台|件|项|户|名|人|人次|家"
    "|所|座|条|支|只|个|倍|番|场|款|处"
)
_LATIN = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_HAN = "[一二两三四五六七八九十百千]+"
_RANGE = r"\s*(?:[-—–－~～至]|到)+\s*"
_MAGNITUDE = "万亿|百亿|千亿|千万|百万|亿|万"

FIGURE = re.compile(
    rf"(?P<low>{_LATIN}|{_HAN})(?:(?P<mid>(?:{_MAGNITUDE})?元?|%){_RANGE}(?P<high>{_LATIN}|{_HAN}))?"
    rf"(?P<magnitude>{_MAGNITUDE})?余?(?P<unit>%|美元|元(?!件|器|素|宇)|{_COUNTED})"
)
_YEAR = re.compile(r"(?<!\d)(20\d{2})年")


@dataclass(frozen=True)
class Figure:
    """A number with its unit, and where it stands in a text.

    Attributes:
        stated: As written.
        low: The number, money in single units of its currency.
        high: The upper end of a range; else ``low``.
        unit: CNY, USD, %, or the word counted with.
        start: Position of its first letter.
        end: Position behind its last letter.
    """

    stated: str
    low: float
    high: float
    unit: str
    start: int
    end: int


def number(text: str) -> float:
    """A number in digits or Chinese numerals below ten thousand.

    >>> number("1,200.5"), number("二十三"), number("百"), number("十"), number("一千零五")
    (1200.5, 23.0, 100.0, 10.0, 1005.0)
    """
    if re.fullmatch(_LATIN, text):
        return float(text.replace(",", ""))
    total = last = 0
    for letter in text:
        if letter in _POWERS:
            total += (last or 1) * _POWERS[letter]
            last = 0
        else:
            last = _DIGITS[letter]
    return float(total + last)


def figures(text: str) -> list[Figure]:
    """Every figure of a text, in order.

    >>> [(f.stated, f.low, f.high, f.unit) for f in figures("产值达到5万亿元，培育2-3个、百项")]
    [('5万亿元', 5000000000000.0, 5000000000000.0, 'CNY'), ('2-3个', 2.0, 3.0, '个'), ('百项', 100.0, 100.0, '项')]
    """
    found = []
    for match in FIGURE.finditer(text):
        if text[max(0, match.start() - 1) : match.start()] in tuple("第.“") or (
            match["low"][0].isdigit() and text[: match.start()][-1:].isdigit()
        ):
            continue
        factor = _MYRIADS.get(match["magnitude"] or "", 1.0)
        inner = _MYRIADS.get((match["mid"] or "").rstrip("元"))
        low = number(match["low"])
        if match["high"] is None:
            low = high = low * factor
        else:
            low, high = low * (inner or factor), number(match["high"]) * factor
        unit = _MONEY.get(match["unit"], match["unit"])
        found.append(Figure(match[0], low, high, unit, match.start(), match.end()))
    return found


def years(text: str) -> list[tuple[int, int]]:
    """Years of a text as (position, year)."""
    return [(m.start(), int(m[1])) for m in _YEAR.finditer(text)]
