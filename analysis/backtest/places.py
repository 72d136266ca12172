"""Cities as lists name them, and which lie near one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from ...graph import regions
from ...graph.chain import Floats
from .texts import bare

#: Mean diameter of the earth in km.
_EARTH = 12742.0


def distances(cities: Sequence[str], provinces: Sequence[str]) -> Floats:
    """Kilometres between cities (great circle), shape (C, C); infinite where a place is unknown.

    Args:
        cities: Names, with or without rank.
        provinces: Name of each one's province, to tell apart those of one name.
    """
    known = _points()
    nowhere = (float("nan"), float("nan"))
    points = [
        known.get((bare(p)[:2], bare(c))) or known.get(("", bare(c))) or nowhere
        for c, p in zip(cities, provinces, strict=True)
    ]
    east, north = np.radians(np.asarray(points, dtype=float).reshape(-1, 2)).T
    haversine = (
        np.sin((north[:, None] - north) / 2) ** 2
        + np.cos(north[:, None]) * np.cos(north) * np.sin((east[:, None] - east) / 2) ** 2
    )
    result: Floats = _EARTH * np.arcsin(np.sqrt(np.clip(haversine, 0, 1)))
    result[np.isnan(result)] = np.inf
    return result


@cache
def _points() -> dict[tuple[str, str], tuple[float, float]]:
    """Longitude and latitude by the start of the province's name and the bare name of the city."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    # Cities before counties: a county of a city's name is not meant.
    order = {"city": 0, "province": 1, "county": 2, "country": 3}
    for code in sorted(regions.points(), key=lambda code: (order[regions.level(code)], code)):
        name = bare(regions.name(code))
        province = bare(regions.name(regions.province(code)))[:2]
        found.setdefault((province, name), regions.points()[code])
        found.setdefault(("", name), regions.points()[code])
    return found


#: Provinces that are cities of their own.
_CITIES_OF_THEIR_OWN = ("北京", "上海", "天津", "重庆", "香港", "澳门")


@cache
def canonical(city: str, province: str) -> tuple[str, str]:
    """City and province by their official names; ("", ...) where the city is not known.

    Lists repeat the province in the city's column, leave out ranks, or name a county-level city;
    what the table of regions does not know stays as it is written.

    >>> canonical("武汉", "湖北"), canonical("湖北省", "湖北"), canonical("江阴市", "江苏省")
    (('武汉市', '湖北省'), ('', '湖北省'), ('无锡市', '江苏省'))
    >>> canonical("浦东新区", "上海"), canonical("吉林市", "吉林省"), canonical("吉林", "吉林")
    (('上海市', '上海市'), ('吉林市', '吉林省'), ('', '吉林省'))
    """
    known, above = _city_names(), _province_names()
    province = above.get(bare(province), province)
    own = next((c for c in _CITIES_OF_THEIR_OWN if (province or city).startswith(c)), None)
    if own is not None:
        whole = above.get(own, province or city)
        return whole, whole
    if not city or city == province or (province and city == bare(province)):
        return "", province
    if not province and city in (*above, *above.values()):
        return "", above.get(bare(city), city)
    start = bare(province)
    short = city[:-1] if city.endswith("州") and len(city) > 2 else city
    tried = (known.get((start, name)) for name in (city, bare(city), short))
    return next((hit for hit in tried if hit), (city, province))


def inside(cities: Iterable[str]) -> list[str]:
    """Names of the counties of cities, for texts to be freed of them."""
    wanted = {bare(city) for city in cities}
    found = []
    for code in regions.names():
        if regions.level(code) == "county":
            above = regions.name(regions.ancestors(code)[1])
            if bare(above) in wanted or bare(regions.name(regions.province(code))) in wanted:
                found.append(regions.name(code))
    return [name for name in found if name not in ("市辖区", "县", "城区", "郊区", "矿区")]


@cache
def _province_names() -> dict[str, str]:
    return {
        bare(name): name
        for code, name in regions.names().items()
        if regions.level(code) == "province"
    }


@cache
def _city_names() -> dict[tuple[str, str], tuple[str, str]]:
    """City and province by (bare province or "", name of the city or of a county in it).

    Without a province only names that are unique in the country count.
    """
    found: dict[tuple[str, str], tuple[str, str]] = {}
    several: set[tuple[str, str]] = set()
    for wanted in ("city", "county"):
        level: dict[tuple[str, str], tuple[str, str]] = {}
        for code, name in regions.names().items():
            if regions.level(code) != wanted:
                continue
            above = regions.name(regions.province(code))
            city = name if wanted == "city" else regions.name(regions.ancestors(code)[1])
            for start in (bare(above), ""):
                for key in {(start, name), (start, bare(name))}:
                    if level.setdefault(key, (city, above)) != (city, above):
                        several.add(key)
        found = {**{k: v for k, v in level.items() if k not in several}, **found}
    return found
