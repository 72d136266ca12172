"""Which enterprises are one: names made comparable, keys, clashes, near matches, decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainatlas.graph.work import Decision, Verdict
from chainatlas.ingest.identity import Resolution, resolve, review
from chainatlas.ingest.identity.names import name_parts
from making import Row, table

CODE, OTHER_CODE = "91110000600037341L", "9142010061640780XF"


def rows(*given: Row) -> pd.DataFrame:
    return table("enterprises", list(given))


def one(incoming: Row, *known: Row) -> tuple[str, str]:
    """Final id and what decided for a single incoming enterprise."""
    found = resolve(rows(incoming), rows(*known))
    return str(found.ids.iloc[0]), str(found.how.iloc[0])


def decided(keep: str, other: str, verdict: str = "accept") -> Decision:
    return Decision(1, keep, other, cast("Verdict", verdict), "", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("武汉光电有限公司", "武汉市光电有限责任公司"),
        ("武汉光电有限公司", "湖北省武汉市光电有限公司"),
        ("武汉光电有限公司", "武漢光電有限公司"),
        ("康龙化成(北京)新药股份有限公司", "康龙化成（北京）新药股份有限公司"),
        ("ＴＣＬ科技集团股份有限公司", "TCL 科技集团股份有限公司"),
        ("内蒙古伊利有限公司", "内蒙古自治区伊利有限公司"),
        ("监利福星厂", "监利县福星厂"),
        ("Ansys, Inc.", "ANSYS Incorporated"),
        ("*ST全新", "全新"),
        ("万 科Ａ", "万科"),
    ],
)
def test_ways_to_write_one_name(left: str, right: str) -> None:
    keys = name_parts(pd.Series([left, right]))["key"]
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("武汉光电有限公司", "武汉光电股份有限公司"),
        ("武汉光电有限公司", "襄阳光电有限公司"),
        ("武汉光电有限公司", "光电有限公司"),
        ("吉林市长城有限公司", "吉林省长城有限公司"),
        ("STMicroelectronics", "Microelectronics"),
    ],
)
def test_names_that_stay_apart(left: str, right: str) -> None:
    keys = name_parts(pd.Series([left, right]))["key"]
    assert keys[0] != keys[1]


def test_a_place_that_is_part_of_a_word_is_none() -> None:
    parts = name_parts(pd.Series(["武汉市政工程有限公司", "三一(重庆)智能装备有限公司"]))
    assert parts["core"].tolist() == ["市政工程", "三一智能装备"]
    assert parts["place"].tolist() == ["武汉", "重庆"]


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_text_is_a_name_of_its_own_row(names: list[str]) -> None:
    series = pd.Series(names, dtype="str", index=range(5, 5 + len(names)))
    parts = name_parts(series)
    assert parts.index.tolist() == series.index.tolist()
    for position in range(len(names)):
        alone = name_parts(series.iloc[[position]])
        assert alone.iloc[0].tolist() == parts.iloc[position].tolist()


@pytest.mark.parametrize(
    ("incoming", "known", "how"),
    [
        ({"name": "甲厂"}, {"id": "x", "name": "乙厂"}, "id"),
        ({"id": CODE, "name": "甲厂"}, {"name": "乙厂", "aliases": CODE}, "credit_code"),
        ({"stock_code": "600585"}, {"stock_code": "600585.SH"}, "stock_code"),
        ({"stock_code": "SH600585"}, {"stock_code": "600585.SH;00914.HK"}, "stock_code"),
        ({"stock_code": "700.HK"}, {"stock_code": "00700.HK"}, "stock_code"),
        ({"name": "武汉光电有限责任公司"}, {"name": "武汉市光电有限公司"}, "name"),
        ({"name": "新名有限公司", "aliases": "旧名有限公司"}, {"name": "旧名有限公司"}, "alias"),
        (
            {"name": "天迈科技"},
            {"name": "郑州天迈科技股份有限公司", "aliases": "天迈科技"},
            "alias",
        ),
    ],
)
def test_each_key_makes_two_one(incoming: Row, known: Row, how: str) -> None:
    left = {"id": "x", "name": "甲有限公司", **incoming}
    right = {"id": "k", "name": "乙有限公司", **known}
    assert one(left, right) == (right["id"], how)


@pytest.mark.parametrize(
    ("incoming", "known"),
    [
        ({"id": CODE}, {"id": OTHER_CODE}),
        ({"stock_code": "600585.SH"}, {"stock_code": "600586.SH"}),
        ({"country": "CN"}, {"country": "JP"}),
        ({"stock_code": "ANSS.O"}, {"stock_code": "TSM.O"}),
    ],
)
def test_a_clash_keeps_equal_names_apart(incoming: Row, known: Row) -> None:
    left = {"id": "x", "name": "武汉光电有限公司", **incoming}
    found = resolve(rows(left), rows({"id": "k", "name": "武汉光电有限公司", **known}))
    assert found.ids.tolist() == [left["id"]]
    assert found.review["reason"].tolist() == ["clash"]


@pytest.mark.parametrize(
    ("code", "other"),
    [("600585.SH", "900585.SH"), ("830779.BJ", "920779.BJ"), ("600585", "00914.HK")],
)
def test_codes_of_two_boards_are_no_clash(code: str, other: str) -> None:
    name = "安徽海螺股份有限公司"
    incoming = {"id": "x", "name": name, "stock_code": code}
    assert one(incoming, {"id": "k", "name": name, "stock_code": other}) == ("k", "name")


def test_the_strongest_key_decides_and_the_rest_is_for_review() -> None:
    found = resolve(
        rows({"id": "x", "name": "武汉光电有限公司", "stock_code": "600585"}),
        rows(
            {"id": "k", "name": "武汉光电有限公司"},
            {"id": "s", "name": "别名有限公司", "stock_code": "600585"},
        ),
    )
    assert found.ids.tolist() == ["s"]
    assert found.review[["keep", "other", "reason"]].values.tolist() == [["k", "s", "ambiguous"]]


def test_a_name_of_two_known_enterprises_decides_nothing() -> None:
    same = "武汉光电有限公司"
    found = resolve(
        rows({"id": "x", "name": same}), rows({"id": "a", "name": same}, {"id": "b", "name": same})
    )
    assert found.how.tolist() == [""]
    assert set(found.review["keep"]) == {"a", "b"}


def test_two_rows_of_a_pack_never_become_one() -> None:
    same = "武汉光电有限公司"
    found = resolve(
        rows({"id": "x", "name": same}, {"id": "y", "name": same}), rows({"id": "k", "name": same})
    )
    assert found.ids.tolist() == ["x", "y"]


def test_two_enterprises_with_one_id_and_two_codes_get_two() -> None:
    found = resolve(
        rows({"id": "1", "name": "甲有限公司", "stock_code": "600001"}),
        rows({"id": "1", "name": "乙有限公司", "stock_code": "600002"}),
    )
    assert found.ids.tolist() == ["1~2"]
    assert found.how.tolist() == [""]


def test_groups_share_short_names_and_stay_apart() -> None:
    found = resolve(
        rows({"id": "x", "name": "东方电气集团有限公司", "aliases": "东方电气"}),
        rows({"id": "k", "name": "东方电气股份有限公司", "aliases": "东方电气"}),
    )
    assert found.how.tolist() == [""]
    assert len(found.review) == 1


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ("武汉长飞光纤光缆有限公司", "武汉长飞光纤光缆股份有限公司", "other_form"),
        ("武汉长飞光纤光缆有限公司", "上海长飞光纤光缆有限公司", "other_place"),
        ("武汉长飞光纤光缆有限公司", "武汉长飞光纤光缆技术有限公司", "similar_name"),
    ],
)
def test_near_matches_are_listed_and_never_merged(left: str, right: str, reason: str) -> None:
    found = resolve(rows({"id": "x", "name": left}), rows({"id": "k", "name": right}))
    assert found.ids.tolist() == ["x"]
    assert found.review["reason"].tolist() == [reason]
    assert 0 < found.review["score"].iloc[0] <= 1
    assert not len(resolve(rows({"id": "x", "name": left}), rows({"id": "k", "name": "乙"})).review)


def test_accepted_and_rejected_pairs() -> None:
    incoming = rows({"id": "x", "name": "甲有限公司"})
    known = rows({"id": "k", "name": "乙有限公司"})
    found = resolve(incoming, known, [decided("k", "x")])
    assert (found.ids["x"], found.how["x"]) == ("k", "decision")
    assert resolve(incoming, known.iloc[:0], [decided("k", "x")]).ids["x"] == "k"
    same = rows({"id": "k", "name": "甲有限公司"})
    for pair in (("k", "x"), ("x", "k")):
        found = resolve(incoming, same, [decided(*pair, "reject")])
        assert found.ids.tolist() == ["x"]
        assert not len(found.review)


def test_no_decision_merges_what_clashes() -> None:
    found = resolve(
        rows({"id": "x", "name": "甲有限公司", "stock_code": "600001"}),
        rows({"id": "k", "name": "乙有限公司", "stock_code": "600002"}),
        [decided("k", "x")],
    )
    assert found.ids.tolist() == ["x"]


def test_review_of_a_store_leaves_pairs_of_one_pack_out() -> None:
    def said(pack: str, since: int, *given: Row) -> pd.DataFrame:
        return rows(*given).assign(pack=pack, since=since)

    stated = pd.concat(
        [
            said("b", 2, {"id": "y", "name": "上海长飞光纤光缆有限公司"}),
            said(
                "a",
                1,
                {"id": "x", "name": "武汉长飞光纤光缆有限公司"},
                {"id": "z", "name": "武汉长飞光纤光缆股份有限公司"},
            ),
        ],
        ignore_index=True,
    )
    pairs = review(stated)
    assert {(k, o) for k, o in zip(pairs["keep"], pairs["other"], strict=True)} == {
        ("x", "y"),
        ("z", "y"),
    }
    assert len(review(stated, [decided("y", "x", "reject")])) == 1


IDS, NAMES = st.sampled_from("abcde"), st.sampled_from(["武汉甲厂", "武汉市甲厂", "乙厂", "丙"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": IDS,
            "name": NAMES,
            "stock_code": st.sampled_from(["600001", "600002", ""]),
            "aliases": st.sampled_from(["", "乙厂", "丙"]),
        }
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda row: str(row["id"]),
)


@given(ROWS, ROWS)
def test_final_ids_are_distinct_and_stable(
    incoming: list[dict[str, str]], known: list[dict[str, str]]
) -> None:
    """Resolved again under their final ids, enterprises stay where they are."""

    def blank(given: list[dict[str, str]]) -> pd.DataFrame:
        return rows(*({k: v or None for k, v in row.items()} for row in given))

    left, right = blank(incoming), blank(known)
    found: Resolution = resolve(left, right)
    assert found.ids.is_unique
    assert set(found.ids[found.how != ""]) <= set(right["id"])
    assert not set(found.ids[found.how == ""]) & set(right["id"])
    turned = resolve(left.iloc[::-1].reset_index(drop=True), right.iloc[::-1])
    merged = found.how != ""
    assert turned.ids[found.ids.index][merged].equals(found.ids[merged])


@pytest.mark.shared
def test_real_names_against_stock_codes(shared: Path) -> None:
    """Every match by name is right by stock code; what is missed was renamed in between."""
    folder = shared / "real"
    new = pd.read_csv(next((folder / "ashare_2020").glob("*.csv")), dtype=str)
    old = pd.read_excel(next((folder / "ashare_2018").glob("*.xlsx")), engine="calamine", dtype=str)
    left = rows(*({"id": c, "name": n} for c, n in zip(new["stockid"], new["name"], strict=True)))
    right = rows(
        *({"id": f"o{c}", "name": n} for c, n in zip(old["公司代码"], old["公司全称"], strict=True))
    )
    found = resolve(left, right)
    merged = found.ids[found.how != ""]
    assert (merged.str[1:] == merged.index.to_series()).all()
    common = set(new["stockid"]) & set(old["公司代码"])
    assert len(merged) / len(common) > 0.87
