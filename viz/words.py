"""Small wordings that every picture, list and table shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from iso3166 import countries_by_alpha2

from ..graph import regions as geo
from .language import CHINESE, spoken, text
from .romanised import romanised

#: Chinese names of countries and regions; others are shown by their English name.
COUNTRIES: dict[str, str] = {
    "AE": "阿联酋", "AF": "阿富汗", "AL": "阿尔巴尼亚", "AM": "亚美尼亚", "AO": "安哥拉", "AR": "阿根廷",
    "AT": "奥地利", "AU": "澳大利亚", "AZ": "阿塞拜疆", "BA": "波黑", "BD": "孟加拉国", "BE": "比利时",
    "BG": "保加利亚", "BH": "巴林", "BN": "文莱", "BO": "玻利维亚", "BR": "巴西", "BW": "博茨瓦纳",
    "BY": "白俄罗斯", "CA": "加拿大", "CD": "刚果（金）", "CG": "刚果（布）", "CH": "瑞士", "CI": "科特迪瓦",
    "CL": "智利", "CM": "喀麦隆", "CN": "中国", "CO": "哥伦比亚", "CR": "哥斯达黎加", "CU": "古巴",
    "CY": "塞浦路斯", "CZ": "捷克", "DE": "德国", "DK": "丹麦", "DO": "多米尼加", "DZ": "阿尔及利亚",
    "EC": "厄瓜多尔", "EE": "爱沙尼亚", "EG": "埃及", "ES": "西班牙", "ET": "埃塞俄比亚", "FI": "芬兰",
    "FR": "法国", "GA": "加蓬", "GB": "英国", "GE": "格鲁吉亚", "GH": "加纳", "GN": "几内亚", "GR": "希腊",
    "GT": "危地马拉", "HK": "中国香港", "HN": "洪都拉斯", "HR": "克罗地亚", "HU": "匈牙利", "ID": "印度尼西亚",
    "IE": "爱尔兰", "IL": "以色列", "IN": "印度", "IQ": "伊拉克", "IR": "伊朗", "IS": "冰岛", "IT": "意大利",
    "JM": "牙买加", "JO": "约旦", "JP": "日本", "KE": "肯尼亚", "KG": "吉尔吉斯斯坦", "KH": "柬埔寨", "KP": "朝鲜",
    "KR": "韩国", "KW": "科威特", "KY": "开曼群岛", "KZ": "哈萨克斯坦", "LA": "老挝", "LB": "黎巴嫩",
    "LI": "列支敦士登", "LK": "斯里兰卡", "LT": "立陶宛", "LU": "卢森堡", "LV": "拉脱维亚", "LY": "利比亚",
    "MA": "摩洛哥", "MC": "摩纳哥", "MD": "摩尔多瓦", "ME": "黑山", "MG": "马达加斯加", "MK": "北马其顿",
    "MM": "缅甸", "MN": "蒙古", "MO": "中国澳门", "MT": "马耳他", "MU": "毛里求斯", "MX": "墨西哥",
    "MY": "马来西亚", "MZ": "莫桑比克", "NA": "纳米比亚", "NG": "尼日利亚", "NL": "荷兰", "NO": "挪威",
    "NP": "尼泊尔", "NZ": "新西兰", "OM": "阿曼", "PA": "巴拿马", "PE": "秘鲁", "PG": "巴布亚新几内亚",
    "PH": "菲律宾", "PK": "巴基斯坦", "PL": "波兰", "PT": "葡萄牙", "PY": "巴拉圭", "QA": "卡塔尔",
    "RO": "罗马尼亚", "RS": "塞尔维亚", "RU": "俄罗斯", "SA": "沙特阿拉伯", "SE": "瑞典", "SG": "新加坡",
    "SI": "斯洛文尼亚", "SK": "斯洛伐克", "SN": "塞内加尔", "SV": "萨尔瓦多", "SY": "叙利亚", "TH": "泰国",
    "TJ": "塔吉克斯坦", "TM": "土库曼斯坦", "TN": "突尼斯", "TR": "土耳其", "TT": "特立尼达和多巴哥", "TW": "中国台湾",
    "TZ": "坦桑尼亚", "UA": "乌克兰", "UG": "乌干达", "US": "美国", "UY": "乌拉圭", "UZ": "乌兹别克斯坦",
    "VE": "委内瑞拉", "VG": "英属维尔京群岛", "VN": "越南", "YE": "也门", "ZA": "南非", "ZM": "赞比亚",
    "ZW": "津巴布韦",
}  # fmt: skip


def place_name(code: str) -> str:
    """Name of a region or a country, whichever the code is, in the language spoken.

    >>> place_name("420100"), place_name("JP")
    ('湖北省武汉市', '日本')
    """
    chinese = spoken() is CHINESE
    if geo.exists(code):
        return geo.full_name(code) if chinese else romanised(code)
    if chinese and code in COUNTRIES:
        return COUNTRIES[code]
    return countries_by_alpha2[code].name if code in countries_by_alpha2 else code


def short_name(code: str) -> str:
    """Name of a region without those above it, in the language spoken."""
    return geo.name(code) if spoken() is CHINESE else place_name(code).split(",")[0]


def yes_no(value: object) -> str:
    """是 or 否."""
    return text("是" if value else "否")


def listed(words: Iterable[str]) -> str:
    """Words one after another, as a list within a sentence."""
    return text("、").join(words)


def tie_word(target: Mapping[str, Any]) -> str:
    """并列 where a target's place behind the one before it is not certain."""
    return "并列" if target["tie_with_previous"] else ""


def target_note(target: Mapping[str, Any]) -> str:
    """What marks a target: in the province (全域协同), or a maker of a neighbour only."""
    marks = ["省内协同"] if target["within_province"] else []
    if target["neighbour_of"] is not None:
        marks.append("相近产品")
    return "、".join(marks)


def money(value: float | None) -> str:
    """An amount of CNY in the unit an official reads: 亿元, 万元 or 元; 未知 where unknown."""
    if value is None or value != value:
        return text("未知")
    if spoken() is not CHINESE:
        return _short_scale(value)
    for unit, size in (("亿元", 1e8), ("万元", 1e4)):
        if abs(value) >= 0.99995 * size:  # what rounds up to the unit is shown in it
            return f"{value / size:,.2f} {unit}"
    return f"{value:,.0f} 元"


def _short_scale(value: float) -> str:
    """An amount of CNY by thousands: the units of other languages.

    >>> _short_scale(2.5e9), _short_scale(3.2e6), _short_scale(800)
    ('CNY 2.50 bn', 'CNY 3.20 m', 'CNY 800')
    """
    for unit, size in (("bn", 1e9), ("m", 1e6)):
        if abs(value) >= 0.99995 * size:
            return f"CNY {value / size:,.2f} {unit}"
    return f"CNY {value:,.0f}"


def number(value: float) -> str:
    """A plain number as people write it: no exponent, three decimals or significant digits.

    >>> number(999.7), number(0.5), number(12345.6), number(0.00001)
    ('999.7', '0.5', '12,346', '<0.001')
    """
    if value != 0 and abs(value) < 0.001:
        return "<0.001" if value > 0 else ">-0.001"
    if abs(value) < 1:
        return f"{value:.3g}"
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def percent(value: float | None) -> str:
    """A share in percent; 未知 where unknown."""
    return text("未知") if value is None or value != value else f"{value * 100:.1f}%"
