"""Versions and dates, and what changed between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from chainatlas.analysis.trends import between, pick, trend
from chainatlas.graph import ChainAtlasError, ChainGraph, NotFoundError, Version
from making import Row
from small import graph_of


def versions(*days: int) -> list[Version]:
    """Versions 1, 2, ... committed at noon of days of May 2024."""
    return [
        Version(i, datetime(2024, 5, day, 12, tzinfo=UTC), "load", ("p",), None, ())
        for i, day in enumerate(days, 1)
    ]


THREE = versions(2, 2, 9)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("3", 3), ("0", 0), ("2024-05-02", 2), ("2024-05-08", 2), ("2030-01-01", 3)],
)
def test_a_number_or_a_date_means_a_version(text: str, number: int) -> None:
    assert pick(THREE, text) == number


@pytest.mark.parametrize(
    ("text", "error", "word"),
    [
        ("4", NotFoundError, "没有版本 4；现有：1 到 3"),
        ("2024-05-01", NotFoundError, "及以前没有数据版本"),
        ("yesterday", ChainAtlasError, "版本号或日期"),
        ("2024-13-01", ChainAtlasError, "版本号或日期"),
        ("", ChainAtlasError, "版本号或日期"),
        ("³", ChainAtlasError, "版本号或日期"),
    ],
)
def test_what_means_none(text: str, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        pick(THREE, text)


@pytest.mark.parametrize(
    ("old", "new", "most", "numbers"),
    [
        (1, 9, None, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (1, 9, 5, [1, 3, 5, 7, 9]),
        (9, 1, 3, [1, 5, 9]),
        (0, 9, 2, [0, 9]),
        (4, 4, 5, [4]),
        (0, 2, 1, [0, 2]),
    ],
)
def test_between(old: int, new: int, most: int | None, numbers: Sequence[int]) -> None:
    assert between(versions(*range(1, 10)), old, new, most) == numbers


BASE: dict[str, list[Row]] = {
    "clusters": [{"id": "c", "region": "420100"}],
    "links": [{"id": "l", "cluster": "c", "stage": "upstream", "position": 1.0}],
    "products": [{"id": "panel", "links": "l"}, {"id": "glass", "links": "l"}],
    "inputs": [{"product": "panel", "input": "glass", "cost_share": 0.3, "criticality": 0.9}],
    "enterprises": [{"id": "a", "region": "420111", "revenue": 1e9}],
    "produces": [{"enterprise": "a", "product": "panel", "share": 1.0}],
}
MORE: dict[str, list[Row]] = {
    **BASE,
    "enterprises": [*BASE["enterprises"], {"id": "b", "region": "420115", "revenue": 3e8}],
    "produces": [*BASE["produces"], {"enterprise": "b", "product": "glass", "share": 1.0}],
}


def course(*tables: dict[str, list[Row]]) -> list[tuple[Version | None, ChainGraph]]:
    graphs = [graph_of(each, i) for i, each in enumerate(tables)]
    return list(zip([None, *THREE], graphs, strict=False))


def test_a_course_with_a_gap_closed() -> None:
    found = trend(course({}, BASE, MORE), "420100", "c")
    assert [p.version for p in found.points] == [0, 1, 2]
    assert [p.figures["value"] for p in found.points] == [None, 0.0, 1.0]
    assert found.points[0].reason.startswith("没有这个集群")
    assert found.points[0].at is None
    assert found.points[1].at == THREE[0].at
    # The first has no cluster to compare with.
    assert found.difference is None
    later = trend(course({}, BASE, MORE)[1:], "420100", "c").difference
    assert later is not None
    # Made now, by one enterprise alone: that it is a single source remains.
    assert later.closed == (("glass", "supplement"),)
    assert dict(later.before.figures)["completeness"] == 0.0
    assert dict(later.after.figures)["completeness"] == 1.0


def test_one_version_with_itself() -> None:
    found = trend(course({}, BASE)[1:], "420100", "c")
    assert found.difference is not None
    assert found.difference.products.empty


def test_a_cluster_that_never_was() -> None:
    with pytest.raises(NotFoundError, match="none"):
        trend(course({}, BASE), "420100", "none")
