"""Cells the way lists write them, by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from chainatlas.ingest.cleaners import valid_credit_codes
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


def test_foreign_money_at_the_rate_of_its_time() -> None:
    assert clean("money", "100万美元", as_of="2019-12-31") == ("6898500.0", "")
    assert clean("money", "100", "万美元", as_of="2020-06-30") == ("6898500.0", "")
    assert clean("money", "100万港元") == ("", "unknown_currency")


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
