"""Browsing the graph: counts, neighbours and paths are those of NetworkX on the same facts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainatlas.analysis.neighbourhood import (
    COMMON,
    around,
    between,
    counts,
    facts_of,
    group_of,
    joining,
    line_table,
    neighbours,
    node_table,
    shortest_paths,
)
from chainatlas.analysis.web import GROUPS, KINDS, RELATIONS, Web
from chainatlas.graph import EDGES, ChainGraph, NotFoundError
from chainatlas.graph.chain import records
from making import Row
from small import graph_of

ENTERPRISES, PRODUCTS = 4, 5
firm, good = st.integers(0, ENTERPRISES - 1), st.integers(0, PRODUCTS - 1)
#: A graph takes longer to build than all that is asked of it.
few = settings(max_examples=settings().max_examples // 5)
PLACES = ("420100", "420111", "")


@st.composite
def graphs(draw: st.DrawFn) -> ChainGraph:
    """Small graphs with every kind of edge that browsing treats in a way of its own."""

    def pairs(a: st.SearchStrategy[int], b: st.SearchStrategy[int]) -> list[tuple[int, int]]:
        return sorted(draw(st.sets(st.tuples(a, b), max_size=9)))

    tables: dict[str, list[Row]] = {
        "clusters": [{"id": "c", "region": "420100"}],
        "links": [{"id": "l", "cluster": "c", "stage": "upstream"}],
        "products": [
            {"id": f"p{i}", "links": "l" if draw(st.booleans()) else None} for i in range(PRODUCTS)
        ],
        "enterprises": [
            {"id": f"e{i}", "region": draw(st.sampled_from(PLACES)) or None, "revenue": 10.0 * i}
            for i in range(ENTERPRISES)
        ],
        "produces": [
            {"enterprise": f"e{a}", "product": f"p{b}", "region": place}
            for a, b in pairs(firm, good)
            for place in draw(st.sampled_from([["420100"], ["420100", "110101"]]))
        ],
        "inputs": [{"input": f"p{a}", "product": f"p{b}"} for a, b in pairs(good, good) if a != b],
        "supplies": [
            {"supplier": f"e{a}", "buyer": f"e{b}", "amount": 5.0}
            for a, b in pairs(firm, firm)
            if a != b
        ],
        "holdings": [{"parent": f"e{a}", "child": f"e{b}"} for a, b in pairs(firm, firm) if a != b],
    }
    return graph_of(tables)


def key_of(node: tuple[str, str]) -> str:
    return ":".join(node)


@few
@given(graph=graphs())
def test_lines_and_counts_are_those_of_networkx(graph: ChainGraph) -> None:
    web = Web.of(graph)
    whole: nx.MultiDiGraph[Any] = graph.to_networkx()
    assert sorted(web.key(n) for n in range(len(web))) == sorted(map(key_of, whole.nodes))
    assert web.numbers([web.key(n) for n in range(len(web))]).tolist() == list(range(len(web)))
    facts: dict[tuple[str, str, str], int] = {}
    for a, b, data in whole.edges(data=True):
        kind = data["edge_kind"]
        at = (kind, key_of(a), key_of(b))
        facts[at] = facts.get(at, 0) + 1
    table = line_table(web, np.arange(len(web.source)))
    mine = {
        (row["edge"], web.key(row["source"]), web.key(row["target"])): row["facts"]
        for row in records(table)
    }
    assert mine == facts
    for number in range(len(web)):
        me = web.key(number)
        for row in records(counts(web, number)):
            group = group_of(web, number, row["group"])
            edge = RELATIONS[group.relation].edge
            ends = {
                (b if group.outward else a)
                for name, a, b in facts
                if name == edge.name and me == (a if group.outward else b)
                if (b if group.outward else a).startswith(group.kind + ":")
            }
            found = neighbours(web, number, row["group"], None)
            assert {web.key(int(n)) for n in found["node"].to_numpy()} == ends
            assert row["count"] == len(found) == len(ends)
            weights = found["weight"].fillna(-1.0).tolist()
            assert weights == sorted(weights, reverse=True)


def reference(graph: ChainGraph, way: str) -> nx.DiGraph[Any]:
    """What paths may follow: states of supply by hand, or every line either way."""
    whole: nx.MultiDiGraph[Any] = graph.to_networkx()
    steps: nx.DiGraph[Any] = nx.DiGraph()
    steps.add_nodes_from(whole.nodes)
    for a, b, data in whole.edges(data=True):
        kind = data["edge_kind"]
        if way == "any":
            steps.add_edges_from([(a, b), (b, a)])
        elif kind == "SUPPLIES":
            steps.add_edge(a, b)
        elif kind == "PRODUCES" and graph.number("enterprises", "revenue")[int(a[1][1:])] > 0:
            steps.add_edge(a, b)
            steps.add_edge(("needed", b[1]), a)
        elif kind == "INPUT_TO":
            steps.add_edge(a, ("needed", b[1]))
            steps.add_edge(("needed", a[1]), ("needed", b[1]))
    return steps


@few
@given(graph=graphs(), way=st.sampled_from(["any", "supply"]), data=st.data())
def test_paths_are_the_shortest(graph: ChainGraph, way: Any, data: st.DataObject) -> None:
    web, steps = Web.of(graph), reference(graph, way)
    ends = [("Enterprise", f"e{i}") for i in range(ENTERPRISES)]
    ends += [("Product", f"p{i}") for i in range(PRODUCTS)]
    a, b = (data.draw(st.sampled_from(ends)) for _ in range(2))
    if way == "any":
        steps.remove_nodes_from([n for n in steps if n[0] in COMMON])
    goals = [b, *([("needed", b[1])] if way == "supply" and b[0] == "Product" else [])]
    lengths = nx.single_source_shortest_path_length(steps, a)
    best = min((lengths[g] for g in goals if g in lengths), default=None)
    found = shortest_paths(web, web.number(key_of(a)), web.number(key_of(b)), way, limit=1000)
    if best is None:
        assert found.empty
        return
    nearest = [g for g in goals if lengths.get(g) == best]
    expected = set()
    for goal in nearest:
        for path in nx.all_shortest_paths(steps, a, goal):
            names = [f"Product:{n[1]}" if n[0] == "needed" else key_of(n) for n in path]
            if len(set(names)) == len(names):
                expected.add(tuple(names))
    mine = [tuple(web.key(n) for n in path["node"]) for _, path in found.groupby("path")]
    assert len(set(mine)) == len(mine)
    assert set(mine) == expected
    for before, row in pairwise(records(found)):
        if row["step"]:
            ends_of = (int(web.source[row["line"]]), int(web.target[row["line"]]))
            pair = (before["node"], row["node"])
            assert ends_of == (pair if row["forward"] else pair[::-1])


@few
@given(graph=graphs(), depth=st.integers(0, 3), limit=st.integers(1, 4), most=st.integers(1, 12))
def test_a_neighbourhood_is_near_and_within_bounds(
    graph: ChainGraph, depth: int, limit: int, most: int
) -> None:
    web = Web.of(graph)
    start = web.number("Enterprise:e1")
    found = around(web, [start], depth, limit, most)
    assert found[0] == start
    assert len(set(found.tolist())) == len(found) <= most
    whole = graph.to_networkx().to_undirected()
    steps = nx.single_source_shortest_path_length(whole, ("Enterprise", "e1"), depth)
    assert {web.key(n) for n in found} <= {key_of(n) for n in steps}
    if limit > 3 and most == 12 and depth == 1:
        assert len(found) == min(12, len(steps))


@few
@given(graph=graphs(), data=st.data())
def test_lines_between_nodes(graph: ChainGraph, data: st.DataObject) -> None:
    web = Web.of(graph)
    ours = np.asarray(sorted(data.draw(st.sets(st.integers(0, len(web) - 1), min_size=1))))
    both = np.isin(web.source, ours) & np.isin(web.target, ours)
    assert between(web, ours).tolist() == np.flatnonzero(both).tolist()
    half = len(ours) // 2
    new, known = ours[half:], ours[:half]
    touched = both & (np.isin(web.source, new) | np.isin(web.target, new))
    assert joining(web, new, known).tolist() == np.flatnonzero(touched).tolist()


HAND: dict[str, list[Row]] = {
    "products": [{"id": "wafer"}, {"id": "chip"}, {"id": "phone"}],
    "enterprises": [
        {"id": "w", "revenue": 100.0, "region": "420111", "source": "年报", "as_of": "2024-05-01"},
        {"id": "c", "revenue": 300.0},
        {"id": "d"},
        {"id": "rival", "revenue": 50.0},
    ],
    "produces": [
        {"enterprise": "w", "product": "wafer", "region": "420111", "share": 0.4, "as_of": "2023-01-01",
         "source": "一", "confidence": 0.5},
        {"enterprise": "w", "product": "wafer", "region": "110101", "share": 0.2, "as_of": "2024-01-01",
         "source": "二"},
        {"enterprise": "rival", "product": "wafer"},
        {"enterprise": "c", "product": "chip"},
    ],
    "inputs": [{"input": "wafer", "product": "chip"}, {"input": "chip", "product": "phone"}],
}  # fmt: skip


def test_plants_are_one_line_by_hand() -> None:
    web = Web.of(graph_of(HAND))
    w, wafer = web.number("Enterprise:w"), web.number("Product:wafer")
    found = neighbours(web, wafer, "PRODUCES-in-Enterprise")
    assert [web.key(n) for n in found["node"]] == ["Enterprise:w", "Enterprise:rival"]
    assert found["weight"].tolist() == pytest.approx([60.0, 50.0])
    row = line_table(web, np.asarray([found["line"].iloc[0]])).iloc[0]
    assert (row["facts"], row["as_of"], row["confidence"]) == (2, "2024-01-01", 0.5)
    assert set(row["stated"]) == {"一", "二"}
    assert facts_of(web, int(row["line"]))["share"].tolist() == [0.2, 0.4]
    node = node_table(web, np.asarray([w, web.number("Enterprise:d"), wafer]))
    assert node["size"].tolist() == pytest.approx([100.0, 2e7, 110.0])
    assert node["imputed"].tolist() == [False, True, False]
    assert node["as_of"].tolist() == ["2024-05-01", "", ""]
    regions = neighbours(web, web.number("Region:420100"), "PART_OF-in-Region")
    assert [web.key(n) for n in regions["node"]] == ["Region:420111"]


def test_a_rival_is_no_supplier() -> None:
    web = Web.of(graph_of(HAND))
    w, rival, c = (web.number(f"Enterprise:{i}") for i in ("w", "rival", "c"))
    assert shortest_paths(web, w, rival, "supply").empty
    assert shortest_paths(web, c, w, "supply").empty
    found = shortest_paths(web, w, c, "supply")
    assert [web.key(n) for n in found["node"]] == [
        "Enterprise:w", "Product:wafer", "Product:chip", "Enterprise:c"
    ]  # fmt: skip
    assert shortest_paths(web, w, c, "supply", relations=["INPUT_TO"]).empty
    assert shortest_paths(web, w, rival, "any")["node"].map(web.key).tolist() == [
        "Enterprise:w", "Product:wafer", "Enterprise:rival"
    ]  # fmt: skip


def test_what_does_not_exist_is_refused() -> None:
    web = Web.of(graph_of(HAND))
    assert web.numbers(["Enterprise:x", "Nothing:w", "w", "Region:999999"]).tolist() == [-1] * 4
    with pytest.raises(NotFoundError, match="没有这个节点"):
        web.number("Enterprise:x")
    with pytest.raises(NotFoundError, match="没有这种关系"):
        neighbours(web, web.number("Enterprise:w"), "PRODUCES-in-Enterprise")


def test_every_declared_edge_has_its_groups() -> None:
    assert [r.edge for r in RELATIONS][: len(EDGES)] == list(EDGES)
    for kind in KINDS:
        codes = [g.code for g in GROUPS if g.at == kind]
        assert len(set(codes)) == len(codes) > 0


def test_an_empty_graph_has_an_empty_web() -> None:
    web = Web.of(ChainGraph({}))
    assert len(web) == 0
    assert around(web, []).tolist() == []
    assert node_table(web, around(web, [])).empty
