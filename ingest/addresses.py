"""Addresses and names of places into region codes, down to the county where they say it.

Chinese addresses begin with the largest unit, so a text is read from its left: province, city,
county. Where the county does not follow, the rest is searched for a county, development zone,
free-trade area or former name *of that city*, which keeps the 鼓楼区 of Nanjing apart from that of
Fuzhou. Zones and former names stand in ``data/regions/zones.csv`` (``within`` is the region whose
addresses use the name), the ways to write 高新区 and 经开区 in ``zone_words.csv``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from ..graph import regions

#: Peoples in the names of autonomous units, which everyday writing leaves out (延边朝鲜族自治州 = 延边州).
_PEOPLES = re.compile(
    r"(?<=..)(?:(?:布依|朝鲜|傣|侗|哈尼|回|景颇|柯尔克孜|拉祜|黎|傈僳|满|蒙古|苗|纳西|怒|羌|土家|佤|维吾尔|瑶|"
    r"彝|藏|壮|白|土|撒拉|裕固|哈萨克|锡伯|塔吉克|达斡尔|仫佬|毛南|畲|各|仡佬|保安|东乡|独龙|普米|布朗|水)族?)+"
    r"(?=自治[州县旗])"
)
_SUFFIX = re.compile(
    r"(?:特别行政区|(?:[壮回]族|维吾尔)?自治区|自治[州县旗]|地区|林区|[省市州盟县区旗])$"
)
#: A road that bears the name of another city (文昌路) says nothing.
_ROAD = re.compile(r"[东南西北中]?[一二三四五六七八九十]*(?:路|街|大道|大街|道|巷|弄)")
#: What makes the bare name of a county before it a place (昆山开发区, 江阴临港街道, 龙湖珠津工业区).
_OF_COUNTY = re.compile(
    r"(?:国家级?|东南|西部|北部|滨江|沿海|外向型)?"
    r"(?:经济|高新|高科|工业|开发|保税|科技|生物|化工|技术|制造|产业|综合|临港|新区|园区|循环|现代|食品)"
    r"|[^路街道\d]{1,4}(?:工业|开发|产业)[区园]"
)
_NOISE = re.compile(r"[\s()（）［］【】〔〕,，、:：;；·]|^中国|^中华人民共和国")


@dataclass(frozen=True)
class _Place:
    """Names below a region.

    Attributes:
        names: Names that may follow the region's, and their codes.
        bare: Names of counties without their kind, which need more than themselves.
        lengths: Lengths of the names that begin with two characters, longest first.
        search: Finds one of ``found`` anywhere in a text.
        found: Names that say where a text is, wherever they stand in it.
    """

    names: Mapping[str, str]
    bare: Mapping[str, str]
    lengths: Mapping[str, tuple[int, ...]]
    search: re.Pattern[str] | None
    found: Mapping[str, str]


def locate(texts: pd.Series) -> pd.Series:
    """Region codes of addresses or names of places.

    Args:
        texts: Addresses as written, "" where unknown.

    Returns:
        The code of the smallest unit the text names, "" where it names none; index as given.
    """
    codes = {text: _locate(text) for text in texts.unique().tolist()}
    return pd.Series([codes[text] for text in texts.tolist()], index=texts.index, dtype="str")


def combine(columns: pd.Series, address: pd.Series) -> tuple[pd.Series, pd.Series]:
    """One code from what place columns say and what the address says.

    The address decides where both name a city and disagree: lists often repeat the province in the
    city's column, or hold the place of a branch. Else the smaller unit decides.

    Args:
        columns: Province, city and county written together, "" where unknown.
        address: The address, "" where unknown.

    Returns:
        Codes, "" where unknown, and a mask of rows whose columns and address name different cities.
    """
    said = locate(columns)
    places, texts = columns.tolist(), address.tolist()
    # Most addresses begin with what the columns say, down to the county: nothing to read there.
    codes = said.tolist()
    sure = {code for code in set(codes) if code and _is_last(code)}
    apart = np.zeros(len(codes), dtype=bool)
    for at, (place, text) in enumerate(zip(places, texts, strict=True)):
        if text and not (codes[at] in sure and text.startswith(place)):
            codes[at], apart[at] = _combine(codes[at], text)
    return (
        pd.Series(codes, index=columns.index, dtype="str"),
        pd.Series(apart, index=columns.index, dtype=bool),
    )


def _combine(said: str, text: str) -> tuple[str, bool]:
    read = _locate(text)
    if not said or not read or said == read:
        return said or read, False
    if regions.contains(said, read):
        return read, False
    if regions.contains(read, said):
        # The address begins below the columns: a county, a zone or a road of their city.
        deeper = _within(said, _NOISE.sub("", text))
        return deeper or said, False
    return read, regions.level(said) in ("city", "county")


def _locate(text: str) -> str:
    text = _NOISE.sub("", text)
    code, at = regions.COUNTRY, 0
    while True:
        found, length = _step(code, text, at)
        if not length:
            break
        code, at = found, at + length
        if _is_last(code):
            return code
    found = _search(code, text[at:]) or code
    if found == regions.COUNTRY:
        return ""
    # A municipality is its own city.
    return _city_of_municipality().get(found, found)


@cache
def _is_last(code: str) -> bool:
    """Whether no region lies below."""
    return not regions.children(code)


@cache
def _city_of_municipality() -> Mapping[str, str]:
    return {
        code: same[0]
        for code in regions.names()
        if (same := [b for b in regions.children(code) if regions.name(b) == regions.name(code)])
    }


def _within(code: str, text: str) -> str:
    """The unit below a region that a text names, though it begins below or above that region."""
    full = regions.full_name(code)
    for head in (full, regions.name(code)):
        text = text.removeprefix(head)
    found, length = _step(code, text, 0)
    return found if length else _search(code, text)


def _step(code: str, text: str, at: int) -> tuple[str, int]:
    """The unit below a region that stands at a position, and its length; (region, 0) if none."""
    place = _place(code)
    for length in place.lengths.get(text[at : at + 2], ()):
        name, end = text[at : at + length], at + length
        found = place.names.get(name)
        if found is not None and (length > 3 or not _ROAD.match(text, end)):
            return found, length
        found = place.bare.get(name)
        if found is not None and (end == len(text) or _OF_COUNTY.match(text, end)):
            return found, length
    return code, 0


def _search(code: str, text: str) -> str:
    """The first unit or zone of a region named anywhere in a text, "" if none."""
    place = _place(code)
    hit = place.search.search(text) if place.search is not None and text else None
    return place.found[hit[0]] if hit else ""


@cache
def _place(code: str) -> _Place:
    names: dict[str, str] = {}
    bare: dict[str, str] = {}
    found: dict[str, str] = {}
    repeated: set[str] = set()
    twins: set[str] = set()
    for unit in _inside(code):
        whole = regions.name(unit)
        short = _SUFFIX.sub("", _PEOPLES.sub("", whole))
        plain = _PEOPLES.sub("", whole).replace("自治", "")
        for name in {whole, plain} if len(plain) > 2 else {whole}:
            if not regions.contains(names.setdefault(name, unit), unit):
                repeated.add(name)
            found.setdefault(name, unit)
        if len(short) < 2:
            continue
        if regions.level(unit) == "county":
            if bare.setdefault(short, unit) != unit:
                twins.add(short)
        else:
            names.setdefault(short, unit)
            found.setdefault(f"{short}片区", unit)
    for name in repeated:
        del names[name], found[name]
    for name in twins:
        del bare[name]
    for name, unit in _zones().get(code, {}).items():
        if name not in repeated:
            names.setdefault(name, unit)
            found.setdefault(name, unit)
    return _Place(names, bare, _lengths([*names, *bare]), _finder(list(found)), found)


def _lengths(names: list[str]) -> Mapping[str, tuple[int, ...]]:
    found: dict[str, set[int]] = {}
    for name in names:
        found.setdefault(name[:2], set()).add(len(name))
    return {head: tuple(sorted(lengths, reverse=True)) for head, lengths in found.items()}


def _finder(names: list[str]) -> re.Pattern[str] | None:
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None


def _inside(code: str) -> list[str]:
    """Regions below a region, larger ones first."""
    digits = code.rstrip("0") if code != regions.COUNTRY else ""
    digits += "0" * (len(digits) % 2)
    below = [
        c
        for c in regions.names()
        if c not in (code, regions.COUNTRY) and c.startswith(digits) and regions.contains(code, c)
    ]
    rank = {"province": 0, "city": 1, "county": 2}
    return sorted(below, key=lambda c: (rank[regions.level(c)], c))


@cache
def _zones() -> Mapping[str, Mapping[str, str]]:
    """Zones and former names by the region within which addresses use them.

    A former name is used without its city too, and so counts in the whole country.
    """
    written: dict[str, list[str]] = {}
    for row in _read("zone_words.csv"):
        written.setdefault(row["word"], []).append(row["written"])
    found: dict[str, dict[str, str]] = {}
    for row in _read("zones.csv"):
        word = next((w for w in written if w in row["name"]), None)
        names = [row["name"].replace(word, w) for w in written[word]] if word else [row["name"]]
        former = row["kind"] == "historic" and row["name"][-1:] in ("县", "市")
        above = [regions.province(row["within"]), regions.COUNTRY] if former else []
        for place in (row["within"], *above):
            for name in names:
                found.setdefault(place, {}).setdefault(name, row["code"])
    return found


def _read(name: str) -> Iterable[dict[str, str]]:
    text = files("chainatlas").joinpath(f"data/regions/{name}").read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())
