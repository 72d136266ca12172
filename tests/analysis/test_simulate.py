"""What if: worked by hand, and against the same facts loaded anew."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainatlas.analysis.focus import focus, grown, with_plants, without
from chainatlas.analysis.gaps import find_gaps
from chainatlas.analysis.scope import Scope
from chainatlas.analysis.simulate import Grow, Land, Lose, Move, Simulation, simulate
from chainatlas.analysis.situation import FIGURES, Situation, difference, situation
from chainatlas.graph import ChainAtlasError, NotFoundError
from chainatlas.graph.chain import records
from chainatlas.viz.changes import explained, simulation_sentences
from making import Row
from national import national
from small import graph_of

# Wuhan makes panels, 1e10, of which each takes 0.3 of glass and 0.1 of film. It makes film, 5e8.
# Glass is made by three firms in China (1e9, 2e9, 3e9) and one abroad (2e10); a glass works takes
# 0.5 of sand, which nobody makes.
TABLES: dict[str, list[Row]] = {
    "clusters": [{"id": "c", "region": "420100"}],
    "links": [
        {"id": "up", "cluster": "c", "stage": "upstream", "position": 1.0},
        {"id": "down", "cluster": "c", "stage": "downstream", "position": 2.0},
    ],
    "products": [
        {"id": "panel", "name": "面板", "links": "down"},
        {"id": "glass", "name": "玻璃", "links": "up", "domestic_rate": 0.1},
        {"id": "film", "name": "薄膜", "links": "up"},
        {"id": "sand", "name": "石英砂", "links": "up"},
        {"id": "other", "name": "别的"},
    ],
    "inputs": [
        {"product": "panel", "input": "glass", "cost_share": 0.3, "criticality": 0.95},
        {"product": "panel", "input": "film", "cost_share": 0.1, "criticality": 0.6},
        {"product": "glass", "input": "sand", "cost_share": 0.5, "criticality": 0.8},
    ],
    "enterprises": [
        {"id": "maker", "name": "面板厂", "region": "420111", "revenue": 1e10, "labels": "leading"},
        {"id": "filmwh", "name": "薄膜厂", "region": "420115", "revenue": 5e8},
        {"id": "g1", "region": "310115", "revenue": 1e9},
        {"id": "g2", "region": "440304", "revenue": 2e9},
        {"id": "g3", "region": "320500", "revenue": 3e9},
        {"id": "abroad", "name": "海外玻璃", "country": "JP", "revenue": 2e10},
        {"id": "else", "region": "110105"},
    ],
    "produces": [
        {"enterprise": "maker", "product": "panel", "share": 1.0},
        {"enterprise": "filmwh", "product": "film", "share": 1.0},
        {"enterprise": "g1", "product": "glass", "share": 1.0},
        {"enterprise": "g2", "product": "glass", "share": 1.0},
        {"enterprise": "g3", "product": "glass", "share": 1.0},
        {"enterprise": "abroad", "product": "glass", "share": 1.0},
        {"enterprise": "else", "product": "other", "share": 1.0},
    ],
    "supplies": [
        {"supplier": "g1", "buyer": "maker", "product": "glass", "amount": 3e8},
        {"supplier": "filmwh", "buyer": "maker", "product": "film", "amount": 1e8},
    ],
}


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope.of(graph_of(TABLES), "420100", "c")


def product(found: Simulation, name: str, side: str = "after") -> dict[str, Any]:
    rows = getattr(found.difference, side).gaps.table
    return next(r for r in records(rows) if r["product"] == name)


def figures(found: Simulation) -> dict[str, tuple[Any, Any]]:
    return {r["name"]: (r["before"], r["after"]) for r in found.difference.figures()}


def test_landing_at_median_size(scope: Scope) -> None:
    found = simulate(scope, [Land("abroad", "420115")])
    (effect,) = found.effects
    assert effect.products == ({"product": "glass", "name": "玻璃", "before": 0.0, "after": 2e9},)
    assert product(found, "glass", "before")["actions"] == ["supplement", "fortify"]
    glass = product(found, "glass")
    assert (glass["output"], glass["demand"]) == (2e9, 3e9)
    assert glass["fulfilment"] == pytest.approx(2 / 3)
    assert "supplement" not in glass["actions"]
    assert ("glass", "supplement") in found.difference.closed
    # Glass works need sand, which nobody makes.
    assert product(found, "sand")["demand"] == 1e9
    assert ("sand", "supplement") in found.difference.opened
    # Needed were glass and film, present film (5e8 of 1e9); sand is needed now too.
    assert figures(found)["completeness"] == (1 / 2, 2 / 3)
    assert figures(found)["completeness_weighted"] == (1 / 4, 4 / 5)
    # Met of 3e9 + 1e9: film 5e8; then glass 2e9 more, and sand is bought too, 1e9.
    assert figures(found)["value"] == (pytest.approx(0.5 / 4), pytest.approx(2.5 / 5))
    assert figures(found)["count"] == (1 / 2, 2 / 3)
    assert figures(found)["observed"] == (0.25, 0.25)
    assert figures(found)["unmet"] == (3.5e9, 2.5e9)
    text = "".join(simulation_sentences(found))
    assert "海外玻璃落地湖北省武汉市江夏区" in text
    assert "玻璃 0 元 → 20.00 亿元" in text
    assert "石英砂（10.00 亿元）" in text
    assert "链条完整度由 50.00% 升至 66.67%" in text


def test_landing_at_its_own_size(scope: Scope) -> None:
    found = simulate(scope, [Land("abroad", "420100")], size="own")
    assert product(found, "glass")["output"] == 2e10
    assert product(found, "glass")["fulfilment"] == 1.0


def test_a_small_firm_builds_no_larger_plant_than_its_own(scope: Scope) -> None:
    assert product(simulate(scope, [Land("g1", "420100")]), "glass")["output"] == 1e9


def test_landing_elsewhere_changes_nothing_here_but_shares(scope: Scope) -> None:
    found = simulate(scope, [Land("abroad", "310000")])
    assert product(found, "glass")["output"] == 0.0
    assert found.difference.opened == ()
    assert found.difference.closed == ()
    assert "不在所分析的地区之内" in "".join(simulation_sentences(found))


def test_losing_the_only_user(scope: Scope) -> None:
    found = simulate(scope, [Lose("maker")])
    assert product(found, "glass")["needed"] is False
    after = figures(found)
    for name in ("value", "count", "completeness", "observed"):
        assert after[name][0] is not None
        assert after[name][1] is None
    reasons = {r["name"]: r["reason"] for r in found.difference.figures()}
    assert reasons["completeness"] == "本地不需要该集群的任何产品"
    assert "变为无法计算" in "".join(explained(found.difference))


def test_losing_a_supplier_elsewhere(scope: Scope) -> None:
    found = simulate(scope, [Lose("g1")])
    assert figures(found)["observed"] == (0.25, 1.0)
    assert figures(found)["output"][0] == figures(found)["output"][1]


def test_several_at_once_in_order(scope: Scope) -> None:
    moves: list[Move] = [
        Grow("filmwh", 4.0),
        Lose("g3"),
        Land("g2", "420100"),
        Land("abroad", "420100"),
    ]
    found = simulate(scope, moves)
    assert product(found, "film")["output"] == 2e9
    # Median of 1e9 and 2e9, then of 1e9 and 3.5e9 (two plants of one enterprise count once).
    assert [e.products[0]["after"] - e.products[0]["before"] for e in found.effects[2:]] == [
        1.5e9,
        2.25e9,
    ]
    assert [e.kind for e in found.effects] == ["grow", "lose", "land", "land"]


def test_nothing_that_matters_here(scope: Scope) -> None:
    found = simulate(scope, [Grow("filmwh", 1.0)])
    assert explained(found.difference) == ["各项结论和指标都没有变化。"]
    assert found.difference.products.empty
    # Beijing's other goods count towards national output alone.
    assert figures(simulate(scope, [Lose("else")]))["output"][1] == 1.05e10


@pytest.mark.parametrize(
    ("move", "error", "word"),
    [
        (Lose("nobody"), NotFoundError, "没有这家企业：nobody"),
        (Land("abroad", "999999"), NotFoundError, "没有这个地区"),
        (Land("else", "420100"), ChainAtlasError, "没有生产集群"),
        (Grow("maker", -1.0), ChainAtlasError, "不小于 0"),
        (Grow("maker", math.inf), ChainAtlasError, "不小于 0"),
        (Grow("maker", math.nan), ChainAtlasError, "不小于 0"),
    ],
)
def test_refused(scope: Scope, move: Land | Lose | Grow, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        simulate(scope, [move])


def test_nothing_to_do_is_refused(scope: Scope) -> None:
    with pytest.raises(ChainAtlasError, match="没有给出任何变化"):
        simulate(scope, [])


def test_the_graph_stays_as_it_was(scope: Scope) -> None:
    before = {name: frame.copy() for name, frame in scope.graph.tables.items()}
    output = scope.economy.output.copy()
    simulate(scope, [Lose("maker"), Land("abroad", "420100"), Grow("g2", 3.0)])
    for name, frame in scope.graph.tables.items():
        pd.testing.assert_frame_equal(frame, before[name])
    assert (scope.economy.output == output).all()


def test_rows_and_arrays_of_a_changed_economy_belong_together(scope: Scope) -> None:
    economy = scope.economy
    output = np.zeros(economy.products)
    output[scope.graph.position("products", ["glass", "panel"])] = 7e8
    (maker, g1) = scope.graph.position("enterprises", ["maker", "g1"]).tolist()
    changed = grown(without(economy, np.array([g1])), maker, 2.0)
    changed = with_plants(changed, maker, "420111", output)
    assert len(changed.graph["produces"]) == len(changed.output)
    assert (changed.graph.located("produces", "enterprise") == changed.enterprise).all()
    assert (changed.graph.located("produces", "product") == changed.product).all()
    codes, place = changed.places
    assert (codes[place] == changed.region).all()
    rows = changed.enterprise == maker
    # The panels of the new plant join those of the old one, in the same district.
    assert sorted(changed.output[rows].tolist()) == [7e8, 2.07e10]


# Against the whole.


def same(one: Situation, other: Situation) -> None:
    for name in FIGURES:
        a, b = one.figures[name], other.figures[name]
        assert (a is None) == (b is None), name
        assert a is None or a == pytest.approx(b, rel=1e-9, abs=1e-12), name
    left, right = (
        s.gaps.table.sort_values("product", ignore_index=True).drop(columns=["reasons", "parts"])
        for s in (one, other)
    )
    pd.testing.assert_frame_equal(left, right, rtol=1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), rows=st.integers(0, 120), data=st.data())
def test_a_focused_question_has_the_same_answer(seed: int, rows: int, data: st.DataObject) -> None:
    graph = national(rows, 25, seed, cities=12, clusters=4)
    region = data.draw(st.sampled_from(["110100", "110105", "110000", "100000", "420100"]))
    scope = Scope.of(graph, region, "c1")
    small = focus(scope, np.zeros(0, dtype=np.int64))
    assert len(small.economy.output) <= len(scope.economy.output)
    same(situation(scope), situation(small))
    ids = graph.text("enterprises", "id").tolist()
    gone = data.draw(st.sampled_from(ids))
    found = simulate(scope, [Lose(gone)])
    # The whole country without its rows, none put together.
    whole = replace(scope, economy=without(scope.economy, graph.position("enterprises", [gone])))
    same(found.difference.after, situation(whole))
    assert all(v is None or math.isfinite(v) for v in found.difference.after.figures.values())


def test_losing_is_as_if_it_had_never_been_stated() -> None:
    kept: dict[str, list[Row]] = {
        **TABLES,
        "produces": [r for r in TABLES["produces"] if r["enterprise"] != "g3"],
        "enterprises": [r for r in TABLES["enterprises"] if r["id"] != "g3"],
    }
    found = simulate(Scope.of(graph_of(TABLES), "420100", "c"), [Lose("g3")])
    same(found.difference.after, situation(Scope.of(graph_of(kept), "420100", "c")))


def test_growing_is_as_if_revenue_were_that_much() -> None:
    revenue = [{**r, "revenue": 6e9} if r["id"] == "g3" else r for r in TABLES["enterprises"]]
    found = simulate(Scope.of(graph_of(TABLES), "420100", "c"), [Grow("g3", 2.0)])
    changed = graph_of({**TABLES, "enterprises": revenue})
    same(found.difference.after, situation(Scope.of(changed, "420100", "c")))


# Degenerate facts.

EMPTY = {k: TABLES[k] for k in ("clusters", "links")}
ONE: dict[str, list[Row]] = {
    **EMPTY,
    "products": [{"id": "panel", "links": "down"}],
    "enterprises": [{"id": "maker", "region": "420111"}],
    "produces": [{"enterprise": "maker", "product": "panel"}],
}


@pytest.mark.parametrize(
    "tables",
    [
        EMPTY,
        ONE,
        {**ONE, "enterprises": [{"id": "maker", "region": "420111", "revenue": 0.0}]},
        {**ONE, "enterprises": [{"id": "maker", "region": "420111", "revenue": 1e15}]},
        {**ONE, "enterprises": [{"id": "maker"}]},
        {**ONE, "produces": []},
        {
            **TABLES,
            "enterprises": [{**r, "revenue": 1e15} for r in TABLES["enterprises"]],
        },
        {**TABLES, "enterprises": [{**r, "revenue": 0.0} for r in TABLES["enterprises"]]},
    ],
)
@pytest.mark.parametrize("region", ["420100", "100000", "530100"])
def test_degenerate_facts_give_numbers_or_none(tables: dict[str, list[Row]], region: str) -> None:
    scope = Scope.of(graph_of(tables), region, "c")
    state = situation(scope)
    assert all(v is None or math.isfinite(v) for v in state.figures.values())
    for name, value in state.figures.items():
        assert value is not None or FIGURES[name]["undefined"]
    if tables.get("enterprises"):
        found = simulate(scope, [Grow("maker", 1e6), Lose("maker")])
        rows = found.difference.figures()
        assert all(r["change"] is None or math.isfinite(r["change"]) for r in rows)
        assert explained(found.difference)


def test_two_situations_of_different_products(scope: Scope) -> None:
    more = {**TABLES, "products": [*TABLES["products"], {"id": "new", "links": "up"}]}
    after = situation(Scope.of(graph_of(more), "420100", "c"))
    found = difference(situation(scope), after)
    (row,) = [r for r in records(found.products) if r["product"] == "new"]
    assert row["before"] is None
    assert row["after"]["actions"] == []
    assert find_gaps(scope).table["product"].tolist() != []
