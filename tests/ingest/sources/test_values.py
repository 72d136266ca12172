"""Cells the way lists write them, by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from chainatlas.ingest.cleaners import valid_credit_codes
from chainatlas.ingest.sources import values
from chainatlas.ingest.sources.headers import columns_of, find_header
from chainatlas.ingest.sources.values import CLEANERS, Context, product_id


def clean(kind: str, cell: str, unit: str = "", as_of: str = "") -> tuple[str, str]:
    outcome = CLEANERS[kind](pd.Series([cell], dtype="str"), Context(unit, as_of))
    return str(outcome.cells.iloc[0]), str(outcome.reasons.iloc[0])


@pytest.mark.parametrize(
    ("cell", "unit", "yuan"),
    [
        ("5000", "万元", 5e7),
        ("5,000.5", "万元", 50_005_000),
        ("5000", "元", 5000),
        ("5000万人民币", "元", 5e7),
        ("５０００万元人民币", "", 5e7),
        ("人民币1.2亿元", "", 1.2e8),
        ("0.1亿", "", 1e7),
        ("300元", "万元", 300),
        ("1e3", "元", 1000),
        ("3", "亿元", 3e8),
    ],
)
def test_money(cell: str, unit: str, yuan: float) -> None:
    cell, reason = clean("money", cell, unit)
    assert (float(cell), reason) == (yuan, "")


@pytest.mark.parametrize(
    "cell", ["100万美元", "US$5", "HK$5万", "100万港元", "€5", "3百万英镑", "JP¥5"]
)
def test_foreign_money_without_a_stated_rate_is_not_converted(cell: str) -> None:
    assert clean("money", cell) == ("", "unknown_currency")


def test_foreign_money_at_the_stated_rate_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest not after the facts' date."""
    rows = [
        {"currency": "USD", "written": "美元", "cny": rate, "as_of": date, "source": "某公报"}
        for rate, date in (("5", "2001-12-31"), ("4", "2002-12-31"))
    ]
    monkeypatch.setattr(values, "read_data", lambda name: iter(rows))
    values._rate.cache_clear()
    try:
        for date, yuan in (("2002-12-30", 5e6), ("2002-12-31", 4e6), ("2009-01-01", 4e6)):
            assert clean("money", "100万美元", as_of=date) == (str(yuan), "")
            assert clean("money", "100", "万美元", as_of=date) == (str(yuan), "")
    finally:
        values._rate.cache_clear()


def test_currencies_are_those_of_cldr() -> None:
    """Codes, first names and signs; the other words are how lists write them."""
    locale = Locale.parse("zh_Hans_CN")
    rows = list(values.read_data("currencies.csv"))
    assert len({row["currency"] for row in rows}) >= 6
    for row in rows:
        written = row["written"].split(";")
        assert {locale.currencies[row["currency"]], row["currency"]} <= set(written)
        assert row["currency"] == "CNY" or written[0] == locale.currencies[row["currency"]]
        assert locale.currency_symbols[row["currency"]] in written
        # A rate says where it is from and of when; one yuan is one by definition.
        stated = bool(row["cny"])
        assert stated == bool(row["source"])
        assert row["currency"] == "CNY" or stated == bool(row["as_of"])


def test_a_word_means_one_currency() -> None:
    rows = list(values.read_data("currencies.csv"))
    pairs = {(word, row["currency"]) for row in rows for word in row["written"].split(";")}
    assert len({word for word, _ in pairs}) == len(pairs)


@pytest.mark.parametrize("cell", ["三亿", "约5000万", "5000万-1亿", "12箱", "1.2.3"])
def test_what_is_no_money(cell: str) -> None:
    assert clean("money", cell, "万元") == ("", "bad_money")


@pytest.mark.parametrize("kind", ["money", "date", "count", "stock_code", "credit_code", "text"])
@pytest.mark.parametrize("cell", ["", "-", "无", "暂无", "N/A"])
def test_nothing_is_nothing(kind: str, cell: str) -> None:
    assert clean(kind, cell) == ("", "")


@pytest.mark.parametrize(
    ("cell", "date"),
    [
        ("2010-05-06", "2010-05-06"),
        ("2010/5/6", "2010-05-06"),
        ("2010.5.6", "2010-05-06"),
        ("2010年5月6日", "2010-05-06"),
        ("20100506", "2010-05-06"),
        ("40304", "2010-05-06"),
        ("40304.0", "2010-05-06"),
        ("2010-05-06 00:00:00", "2010-05-06"),
    ],
)
def test_dates(cell: str, date: str) -> None:
    assert clean("date", cell) == (date, "")


@pytest.mark.parametrize("cell", ["2010-13-01", "2010年5月", "2010", "去年", "99999"])
def test_what_is_no_date(cell: str) -> None:
    assert clean("date", cell) == ("", "bad_date")


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("4", "000004.SZ"),
        ("600000", "600000.SH"),
        ("688722", "688722.SH"),
        ("SZ300001", "300001.SZ"),
        ("300001.SZ", "300001.SZ"),
        ("830779", "830779.BJ"),
        ("MMM.N", "MMM.N"),
    ],
)
def test_stock_codes(cell: str, code: str) -> None:
    assert clean("stock_code", cell) == (code, "")


def test_what_is_no_stock_code() -> None:
    assert clean("stock_code", "甲公司") == ("", "bad_stock")


def test_credit_codes() -> None:
    assert clean("credit_code", " 91110000600037341l ") == ("91110000600037341L", "")
    assert clean("credit_code", "9.11E+17") == ("", "code_as_number")
    assert clean("credit_code", "911100006000373000") == ("", "code_as_number")
    assert clean("credit_code", "91110000600037341X") == ("", "bad_uscc")


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=18, max_size=18), st.booleans())
def test_check_digits_as_in_a_library(code: str, mend: bool) -> None:
    if mend and code[:8].isdigit() and not set(code) & set("IOSVZ"):
        code = code[:17] + uscc.calc_check_digit(code[:17])
    assert bool(valid_credit_codes([code])[0]) == bool(uscc.is_valid(code))


def test_a_right_check_digit() -> None:
    assert valid_credit_codes(["91110000600037341L", "91110000600037341M"]).tolist() == [
        True,
        False,
    ]


def test_labels() -> None:
    assert clean("labels", "专精特新“小巨人”企业、国家高新技术企业") == (
        "little_giant;high_tech",
        "",
    )
    assert clean("labels", "省级专精特新中小企业；瞪羚企业") == ("specialised", "")
    assert clean("labels", "瞪羚企业") == ("", "")


def test_product_ids_follow_the_name_alone() -> None:
    assert product_id("ＰＣＢ") == product_id("pcb ")
    assert product_id("PCB") != product_id("FPC")


def test_headers_below_a_title_in_two_rows() -> None:
    records = [
        ["某市企业名单", "", "", "", "", ""],
        ["序号", "企业名称", "所在地", "", "规模", ""],
        ["", "", "省份", "城市", "营业收入（万元）", "员工人数"],
        ["1", "甲公司", "湖北", "武汉", "5", "6"],
    ]
    for merged in ([], [(0, 0, 0, 5), (1, 1, 2, 3), (1, 1, 4, 5), (1, 2, 1, 1)]):
        header = find_header(records, merged)
        assert header.last == 2
        chosen, _ = columns_of(header.labels)
        assert chosen["name"][0] == "企业名称"
        assert chosen["revenue"][1] == "万元"
        assert {"province", "city", "employees"} <= set(chosen)


def test_of_two_columns_for_a_field_the_newest_year_counts() -> None:
    chosen, spare = columns_of(["公司名称", "2022年营业收入", "2023年营业收入（亿元）"])
    assert chosen["revenue"] == ("2023年营业收入（亿元）", "亿元")
    assert spare == ["2022年营业收入"]
