"""Cleaners by value type, on small hand examples."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from chainatlas.graph.schema import TABLES, Column
from chainatlas.ingest.cleaners import LONGEST, Cleaned, clean


def column(address: str) -> Column:
    """The declaration of ``table.column``."""
    table, name = address.split(".")
    return TABLES[table].column(name)


def cleaned(address: str, *cells: str) -> Cleaned:
    return clean(pd.Series(list(cells), dtype="str"), column(address))


def one(address: str, cell: str) -> tuple[object, str]:
    """Value (None where missing) and reason of a single cell."""
    result = cleaned(address, cell)
    value = result.values.iloc[0]
    return None if pd.isna(value) else value, result.reasons.iloc[0]


@pytest.mark.parametrize(
    ("address", "cell", "value"),
    [
        ("products.name", "芯片", "芯片"),
        ("products.name", "a\u200bb\x07c\ufeff", "abc"),
        ("products.name", "two\nlines\tand tab", "two\nlines\tand tab"),
        ("products.sei", "", None),
        ("products.name", "很" * LONGEST, "很" * LONGEST),
        ("products.gb_code", "3973", "3973"),
        ("products.gb_code", "C3973", "C3973"),
        ("products.gb_code", "C", "C"),
        ("products.gb_code", "39", "39"),
        ("products.id", "p-1", "p-1"),
        ("products.id", "1e5", "1e5"),
        ("enterprises.id", "91110000600037341L", "91110000600037341L"),
        ("enterprises.id", "914201", "914201"),
        ("enterprises.id", "91110000600037341", "91110000600037341"),
        ("enterprises.region", "420100", "420100"),
        ("enterprises.region", "429004", "429004"),
        ("enterprises.region", "100000", "100000"),
        ("enterprises.country", "JP", "JP"),
        ("enterprises.country", "", None),
        ("enterprises.founded_on", "2024-02-29", "2024-02-29"),
        ("enterprises.labels", "leading;listed", "leading;listed"),
        ("enterprises.labels", " leading ； listed ;; leading", "leading;listed"),
        ("enterprises.labels", ";", None),
        ("products.aliases", "甲; 乙", "甲;乙"),
        ("produces.role", "", None),
        ("produces.role", "seller", "seller"),
        ("produces.maturity", "", None),
        ("links.stage", "upstream", "upstream"),
    ],
)
def test_good_text(address: str, cell: str, value: str | None) -> None:
    assert one(address, cell) == (value, "")


@pytest.mark.parametrize(
    ("address", "cell", "value"),
    [
        ("enterprises.revenue", "0", 0.0),
        ("enterprises.revenue", "1500000000", 1.5e9),
        ("enterprises.revenue", "1.5E9", 1.5e9),
        ("enterprises.revenue", "+.5", 0.5),
        ("enterprises.revenue", "5.", 5.0),
        ("enterprises.revenue", "", None),
        ("enterprises.employees", "12.0", 12.0),
        ("links.position", "-3", -3.0),
        ("produces.share", "1", 1.0),
        ("produces.share", "0", 0.0),
        ("produces.share", "1.0000000000001", 1.0),
        ("inputs.criticality", "", None),
        ("inputs.cost_share", "", None),
    ],
)
def test_good_number(address: str, cell: str, value: float | None) -> None:
    assert one(address, cell) == (value, "")


@pytest.mark.parametrize(
    ("address", "cell", "reason"),
    [
        ("products.name", "", "missing_value"),
        ("products.name", "\u200b\x01", "missing_value"),
        ("products.name", "很" * (LONGEST + 1), "cell_too_long"),
        ("products.id", "", "missing_value"),
        ("products.id", "9.1E+17", "code_as_number"),
        ("products.id", "9e+17", "code_as_number"),
        ("products.gb_code", "Z39", "bad_gb_code"),
        ("products.gb_code", "397", ""),
        ("products.gb_code", "39731", "bad_gb_code"),
        ("enterprises.id", "91110000600037341X", "bad_uscc"),
        ("enterprises.id", "81110000600037341L", "bad_uscc"),
        ("enterprises.region", "999999", "bad_adcode"),
        ("enterprises.region", "421023", "bad_adcode"),
        ("enterprises.region", "42010", "bad_adcode"),
        ("enterprises.region", "湖北省", "bad_adcode"),
        ("enterprises.country", "cn", "bad_country"),
        ("enterprises.country", "CHN", "bad_country"),
        ("enterprises.founded_on", "2023-02-29", "bad_date"),
        ("enterprises.founded_on", "20240229", "bad_date"),
        ("enterprises.founded_on", "2024-1-1", "bad_date"),
        ("enterprises.founded_on", "0000-01-01", "bad_date"),
        ("enterprises.founded_on", "２０２４-01-01", "bad_date"),
        ("enterprises.founded_on", "2024-01-01 00:00:00", "bad_date"),
        ("enterprises.labels", "leading;unknown", "bad_choice"),
        ("enterprises.labels", "龙头", "bad_choice"),
        ("produces.role", "Maker", "bad_choice"),
        ("enterprises.revenue", "-0.01", "out_of_range"),
        ("enterprises.revenue", "1,000", "bad_number"),
        ("enterprises.revenue", "1_000", "bad_number"),
        ("enterprises.revenue", "１２", "bad_number"),
        ("enterprises.revenue", "1e", "bad_number"),
        ("enterprises.revenue", ".", "bad_number"),
        ("enterprises.revenue", "inf", "bad_number"),
        ("enterprises.revenue", "NaN", "bad_number"),
        ("enterprises.revenue", "1e400", "bad_number"),
        ("enterprises.employees", "1.5", "not_whole"),
        ("links.position", "1.5", "not_whole"),
        ("produces.share", "1.01", "out_of_range"),
        ("produces.share", "-0.1", "out_of_range"),
        ("produces.share", "50%", "bad_number"),
        ("rules.value", "", "missing_value"),
    ],
)
def test_bad_value(address: str, cell: str, reason: str) -> None:
    value, found = one(address, cell)
    assert found == reason
    if reason:
        assert value is None


def test_bad_items_of_links_are_not_the_cleaners_to_find() -> None:
    """Links refer to other rows: unknown ones are found later, badly shaped ones here."""
    result = cleaned("products.links", "l1;9.1E+17;l2", "l1")
    assert result.values.tolist() == ["l1;l2", "l1"]
    assert result.reasons.tolist() == ["", ""]
    assert result.dropped == ((0, "9.1E+17", "code_as_number"),)


def test_only_badly_shaped_links_leave_an_empty_cell() -> None:
    result = cleaned("products.links", "9.1E+17")
    assert result.values.isna().tolist() == [True]
    assert [(value, reason) for _, value, reason in result.dropped] == [
        ("9.1E+17", "code_as_number")
    ]


def test_a_column_keeps_its_order_and_index() -> None:
    cells = pd.Series(["1", "x", "", "2", "x"], index=[7, 3, 5, 1, 9], dtype="str")
    result = clean(cells, column("enterprises.revenue"))
    assert list(result.values.index) == [7, 3, 5, 1, 9]
    assert result.reasons.tolist() == ["", "bad_number", "", "", "bad_number"]
    assert [v for v in result.values.tolist() if not math.isnan(v)] == [1.0, 2.0]


def test_empty_column() -> None:
    assert len(cleaned("enterprises.revenue").values) == 0
    assert len(cleaned("enterprises.labels").values) == 0
