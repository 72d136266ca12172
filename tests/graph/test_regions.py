"""Regions by GB/T 2260 code: containment by digits, the units of Hubei, names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainatlas.graph import NotFoundError, regions


@pytest.mark.parametrize(
    ("code", "level", "chain"),
    [
        ("100000", "country", ("100000",)),
        ("420000", "province", ("420000", "100000")),
        ("420100", "city", ("420100", "420000", "100000")),
        ("420111", "county", ("420111", "420100", "420000", "100000")),
        ("422801", "county", ("422801", "422800", "420000", "100000")),
        # Directly below the province: 仙桃, 神农架, 济源, 五指山, 石河子.
        ("429004", "city", ("429004", "420000", "100000")),
        ("429021", "city", ("429021", "420000", "100000")),
        ("419001", "city", ("419001", "410000", "100000")),
        ("469001", "city", ("469001", "460000", "100000")),
        ("659001", "city", ("659001", "650000", "100000")),
        # Municipalities: 浦东, and Chongqing's districts and counties.
        ("310115", "county", ("310115", "310100", "310000", "100000")),
        ("500106", "county", ("500106", "500100", "500000", "100000")),
        ("500229", "county", ("500229", "500200", "500000", "100000")),
        # Cities without counties: 儋州, 东莞.
        ("460400", "city", ("460400", "460000", "100000")),
        ("441900", "city", ("441900", "440000", "100000")),
        ("710000", "province", ("710000", "100000")),
    ],
)
def test_levels_and_ancestors(code: str, level: str, chain: tuple[str, ...]) -> None:
    """By the digits, checked by hand."""
    assert regions.exists(code)
    assert regions.level(code) == level
    assert regions.ancestors(code) == chain
    assert regions.province(code) == (chain[-2] if len(chain) > 1 else "100000")
    assert all(regions.contains(above, code) for above in chain)


@pytest.mark.parametrize(
    ("region", "code"),
    [
        ("420100", "420200"),
        ("420111", "420100"),  # the city is not in its district
        ("420000", "100000"),
        ("420000", "410100"),
        ("429004", "429005"),  # same first four digits, yet neither in the other
        ("429021", "429004"),
        ("659001", "659002"),
        ("420100", "421000"),
        ("310000", "320000"),
        ("460400", "460300"),
    ],
)
def test_what_lies_elsewhere(region: str, code: str) -> None:
    """By the digits, checked by hand."""
    assert not regions.contains(region, code)
    assert regions.within(np.asarray([code]), region).tolist() == [False]


known = st.sampled_from(sorted(regions.names()))
anything = st.from_regex(r"[1-9][0-9]{5}", fullmatch=True) | known | st.just("")


@given(known, st.lists(anything | known, max_size=30))
def test_within_is_contains(region: str, codes: list[str]) -> None:
    """One at a time or all at once; an empty code lies nowhere, not in the country either."""
    mask = regions.within(np.asarray(codes, dtype="<U6"), region)
    assert mask.dtype == bool
    expected = [code != "" and regions.contains(region, code) for code in codes]
    assert mask.tolist() == expected


@given(known, st.data())
def test_within_finds_what_is_below(region: str, data: st.DataObject) -> None:
    """A random region and a random one of its ancestors, which random pairs seldom hit."""
    above = data.draw(st.sampled_from(regions.ancestors(region)))
    assert regions.within(np.asarray([region, ""]), above).tolist() == [True, False]
    if above != region:
        assert not regions.within(np.asarray([above]), region)[0]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("country", ["100000", "100000", "100000", "100000", ""]),
        ("province", ["420000", "420000", "420000", "100000", ""]),
        ("city", ["420100", "429004", "420000", "100000", ""]),
        ("county", ["420111", "429004", "420000", "100000", ""]),
    ],
)
def test_codes_at_a_level(level: regions.Level, expected: list[str]) -> None:
    """A code above the level stays as it is, and so does an empty one."""
    codes = np.asarray(["420111", "429004", "420000", "100000", ""])
    assert regions.at_level(codes, level).tolist() == expected
    assert regions.at_level(codes[:0], level).tolist() == []


# --- Hubei and its neighbours --------------------------------------------------------------------

HUBEI = {
    "420100": "武汉市",
    "420200": "黄石市",
    "420300": "十堰市",
    "420500": "宜昌市",
    "420600": "襄阳市",
    "420700": "鄂州市",
    "420800": "荆门市",
    "420900": "孝感市",
    "421000": "荆州市",
    "421100": "黄冈市",
    "421200": "咸宁市",
    "421300": "随州市",
    "422800": "恩施土家族苗族自治州",
    "429004": "仙桃市",
    "429005": "潜江市",
    "429006": "天门市",
    "429021": "神农架林区",
}


def test_hubei_has_17_units() -> None:
    """By code and name."""
    assert regions.children("420000") == tuple(HUBEI)
    assert {code: regions.name(code) for code in HUBEI} == HUBEI


def test_hubei_equals_the_real_divisions(shared: Path) -> None:
    """Cities and counties of the real list, but for 监利, which is 421088 since it is a city."""
    real = json.loads((shared / "real" / "hubei_divisions.json").read_text(encoding="utf-8"))
    cities = dict(real["cities"])
    assert {code: regions.name(code) for code in regions.children("420000")} == cities
    counties = dict(real["districts"])
    assert len(counties) == 103
    counties["421088"] = counties.pop("421023")
    below = {c for city in cities for c in regions.children(city)}
    below |= {c for c in cities if regions.level(c) == "city" and not c.endswith("00")}
    assert {code: regions.name(code) for code in below} == counties
    assert not regions.exists("421023")


def test_every_region_has_one_above_it() -> None:
    """But for the country; so walking down from the country reaches them all."""
    names = regions.names()
    orphans = [c for c in names if c != "100000" and regions.ancestors(c)[1] not in names]
    assert orphans == []


def test_children_elsewhere() -> None:
    """Municipalities have a city level; 石河子 and 儋州 have nothing below them."""
    assert len(regions.children("100000")) == 34
    assert regions.children("310000") == ("310100",)
    assert "310115" in regions.children("310100")
    assert regions.children("500000") == ("500100", "500200")
    assert "659001" in regions.children("650000")
    assert regions.children("659001") == regions.children("460400") == ()


# --- Names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("420111", "420111"),
        (" 420100\n", "420100"),
        ("100000", "100000"),
        ("全国", "100000"),
        ("武汉市", "420100"),
        ("武汉", "420100"),
        ("湖北省", "420000"),
        ("湖北", "420000"),
        ("仙桃", "429004"),
        ("神农架林区", "429021"),
        ("恩施土家族苗族自治州", "422800"),
        ("上海市", "310000"),
        ("上海", "310000"),
        ("重庆", "500000"),
        ("湖北省武汉市洪山区", "420111"),
        ("上海市浦东新区", "310115"),
        ("浦东新区", "310115"),
        ("北京市朝阳区", "110105"),
    ],
)
def test_a_region_by_code_or_name(text: str, code: str) -> None:
    """Whole name, name without its last character, or name with those above it."""
    assert regions.resolve(text) == code


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("朝阳区", ("110105 北京市朝阳区", "220104 吉林省长春市朝阳区")),
        ("鼓楼区", ("320106 江苏省南京市鼓楼区", "350102 福建省福州市鼓楼区")),
        ("海南", ("150303", "460000 海南省")),
    ],
)
def test_a_name_that_several_regions_have(text: str, codes: tuple[str, ...]) -> None:
    """The message lists them with those above them, and asks for the code."""
    with pytest.raises(NotFoundError, match="请用代码") as caught:
        regions.resolve(text)
    assert text in str(caught.value)
    assert all(code in str(caught.value) for code in codes)


@pytest.mark.parametrize(
    "text", ["", " ", "421023", "999999", "4201", "汉", "市", "亚特兰蒂斯", "990000"]
)
def test_what_is_no_region(text: str) -> None:
    """Neither code nor name, and no part of one either."""
    with pytest.raises(NotFoundError, match="没有这个地区：" + text.strip()):
        regions.resolve(text)


@given(known)
def test_full_names_lead_back(code: str) -> None:
    """To the region, or to the one of the same full name above it (上海市)."""
    found = regions.resolve(regions.full_name(code))
    assert found == code or regions.full_name(found) == regions.full_name(code)
    assert regions.contains(found, code)
    assert regions.resolve(code) == code


def test_names_and_checks() -> None:
    """Of regions and of what is none."""
    assert regions.full_name("420111") == "湖北省武汉市洪山区"
    assert regions.full_name("429004") == "湖北省仙桃市"
    assert regions.full_name("310115") == "上海市浦东新区"
    assert regions.full_name("100000") == "全国"
    assert regions.name("000000") == "000000"
    assert regions.check(["420100", "421023", "", "42010", "420100"]) == {"421023", "", "42010"}
    assert list(regions.names()) == sorted(regions.names())
