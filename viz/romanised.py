"""Names of regions in Latin letters: pinyin, the smaller unit first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from ..graph import regions as geo

#: What follows the proper name of a region.
_SUFFIX = re.compile(
    r"((?:(?:[\u4e00-\u9fff]{1,3}族)+|维吾尔|壮族)?自治[区州县旗]|特别行政区|地区|新区|[省市区县旗盟])$"
)
#: Regions that are not spelt as their characters read.
_SPELT = {
    "内蒙古": "Inner Mongolia", "陕西": "Shaanxi", "西藏": "Tibet", "香港": "Hong Kong",
    "澳门": "Macao", "台湾": "Taiwan", "哈尔滨": "Harbin", "新疆": "Xinjiang",
}  # fmt: skip


def _word(name: str) -> str:
    from pypinyin import lazy_pinyin

    plain = _SUFFIX.sub("", name) or name
    return _SPELT.get(plain) or "".join(lazy_pinyin(plain)).capitalize()


@cache
def romanised(code: str) -> str:
    """A region without 省, 市, 区, 县 and names of peoples, and those above it.

    >>> romanised("420100"), romanised("610000"), romanised("100000")
    ('Wuhan, Hubei', 'Shaanxi', 'China')
    """
    if code == geo.COUNTRY:
        return "China"
    above = (_word(geo.name(region)) for region in geo.ancestors(code)[:-1])
    return ", ".join(dict.fromkeys(above))


@cache
def _names() -> Mapping[str, str]:
    """By Chinese name: of regions alone, then of regions with those above them."""
    alone = {name: code for code, name in geo.names().items()}
    whole = {geo.full_name(code): romanised(code) for code in geo.names()}
    return {**{name: romanised(code).split(",")[0] for name, code in alone.items()}, **whole}


def romanised_name(name: str) -> str | None:
    """A region by its Chinese name, short or whole; None for what is no region.

    >>> romanised_name("洪山区"), romanised_name("湖北省武汉市洪山区"), romanised_name("光刻机")
    ('Hongshan', 'Hongshan, Wuhan, Hubei', None)
    """
    return _names().get(name)
