"""Search: parts of names of any length, aliases, codes, initials, traditional characters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainatlas.graph.search import Hit, SearchIndex, normal
from microcosm import API, Atlas
from small import graph_of

#: Few characters, so that parts of names occur; traditional, full-width and Latin ones too.
CHARACTERS = "光刻刻机機武漢汉ＡAb1长重慶庆 "
names = st.text(CHARACTERS, min_size=1, max_size=8).filter(str.strip)


def found(atlas: Atlas, text: str, **parameters: Any) -> list[dict[str, Any]]:
    answer = atlas.client.get(f"{API}/search", params={"q": text, **parameters})
    assert answer.status_code == 200, answer.text
    hits: list[dict[str, Any]] = answer.json()["hits"]
    return hits


@pytest.mark.parametrize(
    ("text", "kind", "one", "match", "field"),
    [
        ("光刻", "Product", "litho", "prefix", "name"),  # two characters
        ("光刻机", "Product", "litho", "exact", "name"),
        ("光刻機", "Product", "litho", "exact", "name"),  # traditional
        ("光刻设备", "Product", "litho", "exact", "alias"),
        ("刻", "Product", "litho", "contains", "name"),  # one character
        ("长江存储", "Enterprise", "ymtc", "exact", "alias"),
        ("長江存儲", "Enterprise", "ymtc", "exact", "alias"),
        ("艾司摩尔", "Enterprise", "asml", "exact", "alias"),  # the name is traditional
        ("ｙｍｔｃ", "Enterprise", "ymtc", "exact", "alias"),  # full width
        ("cjcc", "Enterprise", "ymtc", "exact", "pinyin"),
        ("whs", "Region", "420100", "exact", "pinyin"),
        ("cqcjbl", "Enterprise", "91420100MA4KTEAT0T", "prefix", "pinyin"),  # 重 reads chong here
        ("600999", "Enterprise", "91420100MA4KTEAT0T", "prefix", "code"),
        ("91420100MA4KTEAT0T", "Enterprise", "91420100MA4KTEAT0T", "exact", "code"),
        ("asml hold", "Enterprise", "asml", "prefix", "name"),
        ("holding asml", "Enterprise", "asml", "contains", "name"),  # words in any order
        ("420115", "Region", "420115", "exact", "code"),
        ("华中科技", "Institute", "hust", "prefix", "name"),
        ("存储器基地", "Project", "p1", "exact", "name"),
        ("集成电路", "Cluster", "ic", "contains", "name"),
    ],
)
def test_what_is_looked_for_is_found(
    atlas: Atlas, text: str, kind: str, one: str, match: str, field: str
) -> None:
    hit = next(h for h in found(atlas, text) if h["kind"] == kind and h["id"] == one)
    assert (hit["match"], hit["field"]) == (match, field)


def test_better_matches_come_first(atlas: Atlas) -> None:
    grades = [("exact", "prefix", "contains").index(h["match"]) for h in found(atlas, "光刻")]
    assert grades == sorted(grades)
    assert [h["name"] for h in found(atlas, "光刻胶", kind="Enterprise")] == [
        "上海光刻胶厂",
        "武汉光刻胶厂",
    ]
    assert found(atlas, "光刻") == found(atlas, "光刻")


def test_nothing_is_found_for_nothing(atlas: Atlas) -> None:
    assert found(atlas, "没有这样的名字") == []
    assert found(atlas, "%") == []
    assert found(atlas, "\n") == []
    assert atlas.client.get(f"{API}/search?q=").status_code == 422


def test_lists_are_narrowed_by_search(atlas: Atlas) -> None:
    answer = atlas.client.get(f"{API}/enterprises?q=光刻胶&region=420000").json()
    assert [row["id"] for row in answer["enterprises"]] == ["resist-wh"]


def by_hand(texts: dict[str, str], word: str) -> set[str]:
    return {one for one, text in texts.items() if word in normal(" ".join(text.split()))}


@settings(max_examples=settings().max_examples // 5)
@given(st.lists(names, min_size=1, max_size=6), names)
def test_every_part_of_every_name_is_found(texts: list[str], word: str) -> None:
    """Against a look at each name: nothing is missed and nothing made up."""
    rows = {f"-{i}": text for i, text in enumerate(texts)}
    graph = graph_of({"products": [{"id": i, "name": text} for i, text in rows.items()]})
    hits = SearchIndex(graph).search(word, ("Product",), None)
    words = normal(word).split()
    whole = " ".join(words)
    expected = by_hand(rows, whole)
    for part in [words] if len(words) > 1 else []:
        expected |= set.intersection(*(by_hand(rows, w) for w in part))
    plain = {h.id for h in hits if h.field not in ("pinyin", "code")}
    assert plain <= expected
    assert expected <= {h.id for h in hits}


def test_parts_of_each_name_are_found(atlas: Atlas) -> None:
    index = SearchIndex(atlas.store.view().graph())
    for row in atlas.tables["enterprises"]:
        name = str(row["name"])
        for start in range(len(name)):
            for end in range(start + 1, len(name) + 1):
                part = name[start:end]
                if part.strip():
                    ids = {h.id for h in index.search(part, ("Enterprise",), None)}
                    assert row["id"] in ids, part


def test_hits_say_what_matched() -> None:
    graph = graph_of({"enterprises": [{"id": "e", "name": "甲乙", "aliases": "丙丁;戊己"}]})
    index = SearchIndex(graph)
    assert index.search("戊", ("Enterprise",)) == [
        Hit("Enterprise", "e", "甲乙", "prefix", "alias", "戊己")
    ]
    assert index.search("bd", ("Enterprise",)) == [
        Hit("Enterprise", "e", "甲乙", "exact", "pinyin", "丙丁")
    ]
