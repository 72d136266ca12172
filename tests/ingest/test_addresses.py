"""Regions from addresses: by hand, and on real lists where they are there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from chainatlas.graph import regions
from chainatlas.ingest.addresses import combine, locate
from counties import BLIND, EXPECTED, ROAD_ONLY


def one(text: str) -> str:
    return str(locate(pd.Series([text], dtype="str")).iloc[0])


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("湖北省武汉市洪山区珞喻路1号", "420111"),
        ("湖北武汉洪山区", "420111"),
        ("武汉市东湖高新区光谷大道", "420111"),
        ("武汉市东湖新技术开发区高新大道999号", "420111"),
        ("光谷大道77号", "420111"),
        ("武汉经济技术开发区", "420114"),
        ("湖北省武汉市沌口", "420114"),
        ("武汉市临空港经开区", "420112"),
        ("中国（湖北）自由贸易试验区武汉片区", "420111"),
        ("襄阳市高新技术产业开发区", "420606"),
        ("宜昌市国家高新区", "420503"),
        ("湖北省监利县容城镇", "421088"),
        ("监利市", "421088"),
        ("湖北省襄樊市", "420600"),
        ("湖北省仙桃市", "429004"),
        ("湖北省汉川市沉湖镇", "420984"),
        ("中国（上海）自由贸易试验区张杨路", "310115"),
        ("上海市南京西路1号", "310100"),
        ("南京市鼓楼区", "320106"),
        ("福州市鼓楼区", "350102"),
        ("江苏省昆山开发区", "320583"),
        ("江阴临港街道", "320281"),
        ("苏州工业园区星湖街", "320576"),
        ("新疆乌鲁木齐高新技术产业开发区", "650104"),
        ("吉林省吉林市", "220200"),
        ("浙江省上虞市", "330604"),
        ("云南省红河州", "532500"),
        ("人民路1号", ""),
        ("中国文昌路19号", ""),
        ("", ""),
        ("　湖北省　武汉市 ", "420100"),
    ],
)
def test_addresses(address: str, code: str) -> None:
    assert one(address) == code


def test_every_region_is_found_by_its_full_name() -> None:
    """Roads, zones and former names take nothing from the names of the regions themselves."""
    codes = [c for c in regions.names() if c != regions.COUNTRY and not c.startswith("5002")]
    found = locate(pd.Series([regions.full_name(c) for c in codes], dtype="str")).tolist()
    wrong = [
        (regions.full_name(c), f)
        for c, f in zip(codes, found, strict=True)
        if f != c and regions.name(f) != regions.name(c)
    ]
    assert not wrong


def test_columns_and_address_together() -> None:
    place = pd.Series(
        ["湖北省武汉市", "湖北武汉市洪山区", "湖北省", "湖北省武汉市", "", "湖北武汉市"]
    )
    address = pd.Series(["高新区光谷大道", "", "湖北省汉川市", "汉川市沉湖镇", "沌口", "某路一号"])
    codes, apart = combine(place, address)
    assert codes.tolist() == ["420111", "420111", "420984", "420984", "420114", "420100"]
    assert apart.tolist() == [False, False, False, True, False, False]


def city(code: str) -> str:
    above = [c for c in regions.ancestors(code) if regions.level(c) == "city"] if code else []
    # Chongqing's two city levels, for districts and for counties, are one city.
    return "500100" if code.startswith("50") else above[0] if above else code


@pytest.fixture(scope="module")
def old(shared: Path) -> pd.DataFrame:
    """The 2018 list."""
    (book,) = (shared / "real" / "ashare_2018").glob("*.xlsx")
    rows = CalamineWorkbook.from_path(str(book)).get_sheet_by_index(0).to_python()
    return pd.DataFrame(rows[1:], columns=[str(c) for c in rows[0]], dtype="str")


@pytest.fixture(scope="module")
def listed(shared: Path, old: pd.DataFrame) -> pd.DataFrame:
    """The 2018 list with codes by address, by its own columns, and by the 2020 list."""
    (table,) = (shared / "real" / "ashare_2020").glob("*.csv")
    new = pd.read_csv(table, dtype="str", usecols=["stockid", "prov", "city"]).dropna()
    both = old.merge(new, left_on="公司代码", right_on="stockid")
    return pd.DataFrame(
        {
            "stock": both["公司代码"],
            "address": locate(both["注册地址"]),
            "own": locate(both["省 份"] + both["城 市"]).map(city),
            "later": locate(both["prov"] + both["city"]).map(city),
        }
    )


@pytest.mark.shared
def test_cities_of_companies_that_did_not_move(listed: pd.DataFrame) -> None:
    stayed = listed[listed["own"] == listed["later"]]
    assert len(stayed) > 2000
    assert (stayed["address"].map(city) == stayed["later"]).mean() >= 0.99


@pytest.mark.shared
def test_cities_in_hubei(listed: pd.DataFrame) -> None:
    """All but one, without six whose address names another city than the later list (office or move)."""
    elsewhere = {"000926", "002072", "300387", "600006", "600462", "600801"}
    hubei = listed[listed["later"].str.startswith("42") & ~listed["stock"].isin(elsewhere)]
    assert len(hubei) > 80
    assert (hubei["address"].map(city) != hubei["later"]).sum() <= 1


@pytest.mark.shared
def test_counties_read_by_hand(listed: pd.DataFrame) -> None:
    found = listed.set_index("stock")["address"]
    wrong = [s for s, county in EXPECTED.items() if found.get(s) != county]
    assert len(EXPECTED) == 100
    assert len(wrong) <= 2


@pytest.mark.shared
def test_counties_written_down_before(old: pd.DataFrame) -> None:
    """80 of 100 at first; 83 after 昆区, 龙湖珠津工业区 and 华苑产业区海泰, the classes of error found."""
    drawn = old[old["公司代码"].isin(BLIND)]
    found = dict(zip(drawn["公司代码"], locate(drawn["注册地址"]), strict=True))
    wrong = {s for s, county in BLIND.items() if found.get(s) != county}
    assert len(BLIND) == 100
    assert len(wrong) <= 17
    # Where only a road is named no county is made up: the answer is the city.
    assert set(ROAD_ONLY) <= wrong
    assert all(found[s] == "" or found[s].endswith("00") for s in ROAD_ONLY)


def test_short_names_of_counties() -> None:
    texts = {
        "包头市昆区河西工业区": "150203",
        "广东省汕头市龙湖珠津工业区珠津一街": "440507",
        "天津华苑产业区海泰发展六道6号": "120111",
        # A road that bears the name of a county of the city says nothing.
        "广东省汕头市龙湖路1号工业园": "440500",
    }
    assert dict(zip(texts, locate(pd.Series(list(texts))).tolist(), strict=True)) == texts
