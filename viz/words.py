"""Small wordings that every picture, list and table shares."""

from __future__ import annotations

from functools import cache

from iso3166 import countries_by_alpha2

from ..graph import regions as geo

#: Countries and regions that appear in industrial chains; others are shown by their code.
COUNTRIES: dict[str, str] = {
    "AT": "奥地利", "AU": "澳大利亚", "BE": "比利时", "BR": "巴西", "CA": "加拿大", "CH": "瑞士",
    "CL": "智利", "CN": "中国", "CZ": "捷克", "DE": "德国", "DK": "丹麦", "ES": "西班牙",
    "FI": "芬兰", "FR": "法国", "GB": "英国", "HK": "中国香港", "HU": "匈牙利", "ID": "印度尼西亚",
    "IE": "爱尔兰", "IL": "以色列", "IN": "印度", "IS": "冰岛", "IT": "意大利", "JP": "日本",
    "KR": "韩国", "LI": "列支敦士登", "LU": "卢森堡", "MA": "摩洛哥", "MO": "中国澳门",
    "MX": "墨西哥", "MY": "马来西亚", "NL": "荷兰", "NO": "挪威", "NZ": "新西兰", "PL": "波兰",
    "PT": "葡萄牙", "RU": "俄罗斯", "SA": "沙特阿拉伯", "SE": "瑞典", "SG": "新加坡",
    "SI": "斯洛文尼亚", "TH": "泰国", "TW": "中国台湾", "UA": "乌克兰", "US": "美国",
    "VN": "越南", "ZA": "南非",
}  # fmt: skip


@cache
def place_name(code: str) -> str:
    """Chinese name of a region or a country, whichever the code is.

    >>> place_name("420100"), place_name("JP")
    ('湖北省武汉市', '日本')
    """
    if geo.exists(code):
        return geo.full_name(code)
    if code in COUNTRIES:
        return COUNTRIES[code]
    return countries_by_alpha2[code].name if code in countries_by_alpha2 else code


def yes_no(value: object) -> str:
    """是 or 否."""
    return "是" if value else "否"


def money(value: float | None) -> str:
    """An amount of CNY in the unit an official reads: 亿元, 万元 or 元; 未知 where unknown."""
    if value is None or value != value:
        return "未知"
    for unit, size in (("亿元", 1e8), ("万元", 1e4)):
        if abs(value) >= size:
            return f"{value / size:,.2f} {unit}"
    return f"{value:,.0f} 元"


def percent(value: float | None) -> str:
    """A share in percent; 未知 where unknown."""
    return "未知" if value is None or value != value else f"{value * 100:.1f}%"
