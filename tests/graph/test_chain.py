"""The graph in memory: walks, adjacency, NetworkX, lists, rules, and what packs say together."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainatlas.graph import EDGES, NODES, TABLES, ChainGraph, Rules
from chainatlas.graph.chain import Direction, merge_packs
from making import Row, cells, named, table


def graph_of(**tables: list[Row]) -> ChainGraph:
    """A graph from rows by table."""
    return ChainGraph({name: table(name, rows) for name, rows in tables.items()})


def chain_of(*pairs: tuple[str, str], alone: str = "") -> ChainGraph:
    """A graph of products, from pairs (input, product) of one-letter ids."""
    ids = sorted({i for pair in pairs for i in pair} | set(alone))
    return graph_of(products=named(*ids), inputs=[{"input": i, "product": p} for i, p in pairs])


def walk(
    graph: ChainGraph, start: str, direction: Direction, depth: int | None = None
) -> dict[str, int]:
    """A closure over INPUT_TO as steps by id, its order checked."""
    frame = graph.closure("INPUT_TO", list(start), direction, depth)
    assert frame.columns.tolist() == ["id", "steps"]
    rows = list(zip(frame["steps"].tolist(), frame["id"].tolist(), strict=True))
    assert rows == sorted(rows)
    return dict(zip(frame["id"].tolist(), frame["steps"].tolist(), strict=True))


#: a -> b -> c -> a is a cycle; d feeds it, e comes out of it, x stands alone.
CYCLE = chain_of(("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("c", "e"), alone="x")


# --- Walks ---------------------------------------------------------------------------------------


def test_a_walk_round_a_cycle_ends() -> None:
    """Each node once, at its fewest steps."""
    assert walk(CYCLE, "a", "downstream") == {"a": 0, "b": 1, "c": 2, "e": 3}
    assert walk(CYCLE, "a", "upstream") == {"a": 0, "c": 1, "d": 1, "b": 2}
    assert walk(CYCLE, "e", "upstream") == {"e": 0, "c": 1, "b": 2, "a": 3, "d": 4}


def test_a_walk_of_so_many_steps() -> None:
    """None beyond the depth; depth 0 is the start alone."""
    assert walk(CYCLE, "e", "upstream", 0) == {"e": 0}
    assert walk(CYCLE, "e", "upstream", 2) == {"e": 0, "c": 1, "b": 2}
    assert walk(CYCLE, "e", "upstream", 99) == walk(CYCLE, "e", "upstream")


def test_where_a_walk_starts() -> None:
    """Several starts are each step 0; unknown and repeated ids do not matter."""
    assert walk(CYCLE, "be", "downstream") == {"b": 0, "e": 0, "c": 1, "a": 2}
    assert walk(CYCLE, "xx", "downstream") == {"x": 0}
    assert walk(CYCLE, "?x", "upstream") == {"x": 0}
    assert walk(CYCLE, "", "upstream") == walk(CYCLE, "?!", "upstream") == {}


def test_a_walk_over_other_edges() -> None:
    """Holdings and supplies go between enterprises."""
    graph = graph_of(
        enterprises=named("p", "q", "r"),
        holdings=[{"parent": "p", "child": "q"}, {"parent": "q", "child": "r"}],
        supplies=[{"supplier": "r", "buyer": "p"}],
    )
    found = graph.closure("HOLDS", ["r"], "upstream")
    assert list(zip(found["id"], found["steps"], strict=True)) == [("r", 0), ("q", 1), ("p", 2)]
    assert graph.closure("SUPPLIES", ["r"], "downstream")["id"].tolist() == ["r", "p"]


ids = st.sampled_from("abcdefgh")
pairs = st.lists(st.tuples(ids, ids), max_size=24, unique=True)


@settings(max_examples=50)
@given(pairs, ids, st.none() | st.integers(0, 4))
def test_walks_agree_with_networkx(
    edges: list[tuple[str, str]], start: str, depth: int | None
) -> None:
    """Descendants downstream, ancestors upstream, and the number of steps."""
    graph = chain_of(*edges, alone="abcdefgh")
    peer: nx.DiGraph[str] = nx.DiGraph(edges)
    peer.add_nodes_from("abcdefgh")
    assert set(walk(graph, start, "downstream")) == nx.descendants(peer, start) | {start}
    assert set(walk(graph, start, "upstream")) == nx.ancestors(peer, start) | {start}
    steps = nx.single_source_shortest_path_length(peer, start, cutoff=depth)
    assert walk(graph, start, "downstream", depth) == dict(steps)
    back = nx.single_source_shortest_path_length(peer.reverse(), start, cutoff=depth)
    assert walk(graph, start, "upstream", depth) == dict(back)


# --- Edges and adjacency -------------------------------------------------------------------------


def test_adjacency_by_direction() -> None:
    """Rows are sources downstream and targets upstream."""
    down = CYCLE.adjacency("INPUT_TO").toarray()
    at = {i: n for n, i in enumerate(CYCLE["products"]["id"])}
    expected = np.zeros((6, 6), dtype=int)
    for source, target in ("ab", "bc", "ca", "da", "ce"):
        expected[at[source], at[target]] = 1
    np.testing.assert_array_equal(down, expected)
    np.testing.assert_array_equal(CYCLE.adjacency("INPUT_TO", "upstream").toarray(), expected.T)


@pytest.mark.parametrize("products", [2, 127, 128, 256, 300])
def test_adjacency_is_0_or_1(products: int) -> None:
    """However many facts there are about one pair."""
    ids = [f"p{i}" for i in range(products)]
    graph = graph_of(
        products=named(*ids),
        enterprises=named("a", "b"),
        supplies=[{"supplier": "a", "buyer": "b", "product": i} for i in ids],
    )
    for direction, expected in (("downstream", [[0, 1], [0, 0]]), ("upstream", [[0, 0], [1, 0]])):
        matrix = graph.adjacency("SUPPLIES", direction)  # type: ignore[arg-type]
        assert matrix.toarray().tolist() == expected
    assert len(graph.edges("SUPPLIES")[0].rows) == products


def test_edges_stand_in_their_tables() -> None:
    """Positions of the ends and of the fact, by declaration; unknown ends are left out."""
    graph = graph_of(
        clusters=[{"id": "c", "name": "c", "region": "420100"}],
        links=[{"id": i, "cluster": "c", "name": i, "stage": "upstream"} for i in ("l1", "l2")],
        products=[
            {"id": "p", "name": "p", "links": "l2;gone;l1"},
            {"id": "q", "name": "q"},
            {"id": "r", "name": "r", "links": "l2"},
        ],
        enterprises=named("E"),
        projects=[{"id": "j", "name": "j", "owner": "E", "product": "r"}, *named("k")],
    )
    links, products = graph.edges("PART_OF")
    assert (links.kind.table, products.kind.table) == ("links", "products")
    assert links.source.tolist() == links.rows.tolist() == [0, 1]
    assert links.target.tolist() == [0, 0]
    assert products.source.tolist() == products.rows.tolist() == [0, 0, 2]
    assert products.target.tolist() == [1, 0, 1]
    (builds,) = graph.edges("BUILDS")
    assert (builds.source.tolist(), builds.target.tolist()) == ([0], [2])
    (owns,) = graph.edges("OWNS")
    assert (owns.source.tolist(), owns.target.tolist()) == ([0], [0])
    assert graph.edges("LOCATED_IN") == []


def test_positions_and_columns() -> None:
    """Ids to rows and back; empty cells as "" and NaN."""
    graph = graph_of(
        products=[{"id": "b", "name": "b", "domestic_rate": 0.5}, {"id": "a", "name": "a"}]
    )
    assert graph.index("products").tolist() == ["a", "b"]
    assert graph.position("products", ["b", "?", "", "a", "b"]).tolist() == [1, -1, -1, 0, 1]
    assert graph.position("products", pd.Series(["b", None], dtype="str")).tolist() == [1, -1]
    assert graph.position("products", []).tolist() == []
    assert graph.text("products", "gb_code").tolist() == ["", ""]
    numbers = graph.number("products", "domestic_rate")
    assert np.isnan(numbers[0])
    assert numbers[1] == 0.5


def test_lists_taken_apart() -> None:
    """Rows and values in order; empty cells and empty parts give none."""
    lists = {"a": "x;y", "b": None, "c": "", "d": "z", "e": "x;;w;", "f": ";"}
    graph = graph_of(products=[{"id": i, "name": i, "aliases": lists[i]} for i in lists])
    rows, values = graph.listed("products", "aliases")
    assert list(zip(rows.tolist(), values.tolist(), strict=True)) == [
        (0, "x"),
        (0, "y"),
        (3, "z"),
        (4, "x"),
        (4, "w"),
    ]
    rows, values = graph.listed("enterprises", "labels")
    assert (rows.tolist(), values.tolist()) == ([], [])


# --- Rules ---------------------------------------------------------------------------------------


def test_rules_of_a_cluster() -> None:
    """Defaults, overridden by the top level, overridden by the cluster's own."""
    graph = graph_of(
        clusters=[{"id": i, "name": i, "region": "420100"} for i in ("nev", "chip")],
        rules=[
            {"name": "lq_min", "value": 2},
            {"name": "token_max", "value": 0},
            {"name": "sizes.leading", "value": 7},
            {"cluster": "nev", "name": "lq_min", "value": 3},
            {"cluster": "nev", "name": "sizes.other", "value": 1},
            {"cluster": "chip", "name": "vital_min", "value": 0.8},
        ],
    )
    default = Rules()
    top, nev, chip = graph.rules(), graph.rules("nev"), graph.rules("chip")
    assert [r.lq_min for r in (default, top, nev, chip)] == [1, 2, 3, 2]
    assert [r.token_max for r in (default, top, nev, chip)] == [0.1, 0, 0, 0]
    assert [r.vital_min for r in (default, top, nev, chip)] == [0.9, 0.9, 0.9, 0.8]
    assert [r.sizes["leading"] for r in (default, top, nev, chip)] == [5e9, 7, 7, 7]
    assert [r.sizes["other"] for r in (default, top, nev, chip)] == [2e7, 2e7, 1, 2e7]
    assert graph.rules("unknown") == top
    assert ChainGraph({}).rules("nev") == default


# --- NetworkX ------------------------------------------------------------------------------------


WHOLE: dict[str, list[Row]] = {
    "clusters": [{"id": "c", "name": "汽车", "region": "420100"}],
    "links": [{"id": "l", "cluster": "c", "name": "零部件", "stage": "upstream"}],
    "products": [{"id": "p", "name": "p", "links": "l", "domestic_rate": 0.25}, *named("q")],
    "inputs": [{"product": "p", "input": "q", "criticality": 0.5}],
    "enterprises": [{"id": "p", "name": "同号企业", "region": "420111"}, *named("F")],
    "produces": [{"enterprise": "p", "product": "p", "share": 0.5}],
    "supplies": [{"supplier": "F", "buyer": "p", "amount": 9.0}],
    "institutes": [{"id": "i", "name": "i", "kind": "university", "region": "429004"}],
    "research": [{"institute": "i", "product": "q"}],
    "partners": [{"institute": "i", "enterprise": "F", "topic": "t"}],
    "holdings": [{"parent": "p", "child": "F", "stake": 1.0}],
    "projects": [
        {"id": "j", "name": "j", "owner": "F", "product": "q", "region": "100000"},
    ],
}


def test_networkx_has_every_kind() -> None:
    """Nodes by (kind, id), edges keyed by kind, facts as attributes, empty cells left out."""
    result: Any = graph_of(**WHOLE).to_networkx()
    kinds = {kind for _, kind in result.nodes(data="node_kind")}
    assert kinds == set(NODES)
    assert all(node[0] == kind for node, kind in result.nodes(data="node_kind"))
    edges = {(kind, u, v) for u, v, kind in result.edges(data="edge_kind")}
    assert {kind for kind, _, _ in edges} == {e.name for e in EDGES}
    ends = {(e.name, e.source_node, e.target_node) for e in EDGES} | {
        ("PART_OF", "Region", "Region")
    }
    assert {(key, u[0], v[0]) for key, u, v in edges} == ends
    assert ("INPUT_TO", ("Product", "q"), ("Product", "p")) in edges
    assert result.nodes["Product", "p"]["domestic_rate"] == 0.25
    assert "domestic_rate" not in result.nodes["Product", "q"]
    assert "aliases" not in result.nodes["Product", "p"]
    assert result.nodes["Enterprise", "p"]["name"] == "同号企业"
    assert result.edges[("Enterprise", "F"), ("Enterprise", "p"), "SUPPLIES"]["amount"] == 9.0
    assert result.edges[("Enterprise", "p"), ("Enterprise", "F"), "HOLDS"]["stake"] == 1.0


def test_networkx_has_the_regions_above() -> None:
    """By name, each part of the next, up to the country."""
    result: Any = graph_of(**WHOLE).to_networkx()
    regions = {node[1]: data["name"] for node, data in result.nodes(data=True) if
               node[0] == "Region"}  # fmt: skip
    assert regions == {
        "100000": "全国",
        "420000": "湖北省",
        "420100": "武汉市",
        "420111": "洪山区",
        "429004": "仙桃市",
    }
    above = {
        (u[1], v[1])
        for u, v, key in result.edges(keys=True)
        if key == "PART_OF" and u[0] == v[0] == "Region"
    }
    assert above == {
        ("420111", "420100"),
        ("420100", "420000"),
        ("429004", "420000"),
        ("420000", "100000"),
    }


def test_networkx_keeps_every_fact() -> None:
    """Two plants, two goods or two topics between the same nodes are two edges."""
    graph = graph_of(
        products=named("p", "q"),
        enterprises=named("a", "b"),
        institutes=named("i"),
        produces=[
            {"enterprise": "a", "product": "p", "region": r, "share": s}
            for r, s in (("420111", 0.1), ("420600", 0.2))
        ],
        supplies=[
            {"supplier": "a", "buyer": "b", "product": p, "amount": a}
            for p, a in (("p", 1.0), ("q", 2.0), (None, 4.0))
        ],
        partners=[{"institute": "i", "enterprise": "a", "topic": t} for t in ("x", "y")],
    )
    result: Any = graph.to_networkx()
    kinds = [kind for _, _, kind in result.edges(data="edge_kind")]
    assert sorted(k for k in kinds if k in ("PRODUCES", "SUPPLIES", "PARTNERS")) == [
        *["PARTNERS"] * 2,
        *["PRODUCES"] * 2,
        *["SUPPLIES"] * 3,
    ]
    assert sum(a for _, _, a in result.edges(data="amount") if a) == 7.0


def test_networkx_has_no_bare_nodes() -> None:
    """A link that is gone, but still stands in a product's list, is no node."""
    graph = graph_of(products=[{"id": "p", "name": "p", "links": "gone"}])
    result: Any = graph.to_networkx()
    assert list(result.nodes) == [("Product", "p")]
    assert result.number_of_edges() == 0


def test_networkx_of_an_empty_graph() -> None:
    """No nodes, no edges; the version is kept."""
    result = ChainGraph({}, version=7).to_networkx()
    assert (len(result), result.number_of_edges(), result.graph) == (0, 0, {"version": 7})


# --- The graph itself ----------------------------------------------------------------------------


def test_an_empty_graph_answers() -> None:
    """Every table, matrix and walk, without rows."""
    graph = ChainGraph({})
    assert len(graph) == 0
    assert set(graph.tables) == set(TABLES)
    assert all(len(graph[name]) == 0 for name in TABLES)
    assert graph.adjacency("INPUT_TO").shape == (0, 0)
    assert walk(graph, "a", "upstream") == {}
    for edge in EDGES:
        assert all(len(e.rows) == 0 for e in graph.edges(edge.name))


def test_the_size_of_a_graph_is_its_nodes() -> None:
    """Edges do not count, nor do packs."""
    assert len(graph_of(**WHOLE)) == 1 + 1 + 2 + 2 + 1 + 1
    assert len(graph_of(packs=[{"id": "x", "title": "x"}])) == 0


def test_tables_cannot_be_exchanged() -> None:
    """A graph stays what it was built from."""
    graph = graph_of(products=named("a"))
    tables: Any = graph.tables
    with pytest.raises(TypeError):
        tables["products"] = None
    assert graph["products"]["id"].tolist() == ["a"]


def test_facts_about_missing_nodes_are_left_out() -> None:
    """Also where what is missing is missing itself: a link of a cluster that is gone."""
    graph = graph_of(
        links=[{"id": "l", "cluster": "gone", "name": "l", "stage": "upstream"}],
        products=[{"id": "p", "name": "p", "links": "l"}, *named("q")],
        inputs=[{"product": "p", "input": "q"}, {"product": "p", "input": "gone"}],
        surveys=[{"region": "420000", "product": "gone", "status": "complete"}],
        rules=[{"cluster": "gone", "name": "lq_min", "value": 5}],
    )
    assert [len(graph[t]) for t in ("links", "products", "inputs", "surveys", "rules")] == [
        0,
        2,
        1,
        0,
        0,
    ]
    assert graph["inputs"].index.tolist() == [0]
    assert [len(e.rows) for e in graph.edges("PART_OF")] == [0, 0]
    assert graph.rules("gone").lq_min == 1.0


# --- Several packs -------------------------------------------------------------------------------

dated = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from("pqr"),
            "name": st.sampled_from("nm"),
            "aliases": st.sampled_from([None, "x", "y;x", "z"]),
            "gb_code": st.sampled_from([None, "1", "2"]),
            "domestic_rate": st.sampled_from([None, 0.0, 1.0]),
            "as_of": st.sampled_from([None, "2020-01-01", "2021-12-31"]),
            "source": st.sampled_from([None, "s", "t"]),
            "confidence": st.sampled_from([None, 0.5]),
            "method": st.sampled_from([None, "m"]),
            "pack": st.sampled_from("ABC"),
        }
    ),
    max_size=8,
    unique_by=lambda row: (row["id"], row["pack"]),
)


@settings(max_examples=50)
@given(dated, st.permutations(range(1, 9)))
def test_merging_agrees_with_a_dictionary(rows: list[dict[str, Any]], since: list[int]) -> None:
    """Column by column the newest fact that has a value, lists joined, provenance of the newest."""
    declared = TABLES["products"]
    frame = table("products", rows) if rows else table("products", [])
    frame["pack"] = pd.Series([r["pack"] for r in rows], dtype="str")
    frame["since"] = pd.Series(since[: len(rows)], dtype="int64")
    expected = {}
    for key in {r["id"] for r in rows}:
        group = [(r["as_of"] or "", n, r) for r, n in zip(rows, since, strict=False)
                 if r["id"] == key]  # fmt: skip
        newest = [r for *_, r in sorted(group, key=lambda g: g[:2], reverse=True)]
        row = {c: next((r[c] for r in newest if r.get(c) is not None), "") for c in declared.names}
        row |= {c: "" if newest[0][c] is None else newest[0][c]
                for c in ("source", "as_of", "confidence", "method", "pack")}  # fmt: skip
        parts = [a for r in newest if r["aliases"] for a in r["aliases"].split(";")]
        row["aliases"] = ";".join(dict.fromkeys(parts))
        expected[key] = tuple(row[c] for c in [*declared.names, "pack"])
    merged = merge_packs(frame, declared)
    assert merged["id"].tolist() == sorted(expected)
    assert cells(merged) == sorted(expected.values(), key=repr)
    assert merged.dtypes[list(declared.names)].equals(table("products", []).dtypes)


def test_silence_overrules_nothing() -> None:
    """A newer pack that says nothing of country and maturity leaves the older one's word."""
    older: Row = {
        "id": "e",
        "name": "旧名",
        "country": "JP",
        "as_of": "2020-01-01",
        "revenue": 5.0,
    }
    newer: Row = {"id": "e", "name": "新名", "employees": 7.0, "as_of": "2024-01-01"}
    said = [table("enterprises", [row]) for row in (newer, older)]
    enterprises = pd.concat(
        [said[0].assign(pack="b", since=1), said[1].assign(pack="a", since=1)], ignore_index=True
    )
    row = ChainGraph({"enterprises": enterprises})["enterprises"].iloc[0]
    assert (row["name"], row["country"], row["revenue"], row["employees"]) == (
        "新名",
        "JP",
        5.0,
        7.0,
    )
    assert (row["pack"], row["as_of"]) == ("b", "2024-01-01")


def test_defaults_stand_in_the_graph_where_no_pack_speaks() -> None:
    graph = ChainGraph(
        {
            "products": table("products", [{"id": "p", "name": "p"}, {"id": "q", "name": "q"}]),
            "inputs": table("inputs", [{"product": "p", "input": "q"}]),
            "enterprises": table("enterprises", [{"id": "e", "name": "e"}]),
            "produces": table("produces", [{"enterprise": "e", "product": "p"}]),
        }
    )
    assert graph["enterprises"]["country"].tolist() == ["CN"]
    assert graph["inputs"]["criticality"].tolist() == [0.5]
    made = graph["produces"].iloc[0]
    assert (made["role"], made["maturity"]) == ("maker", "mass")


def test_two_packs_that_place_an_enterprise_differently_give_it_one_plant() -> None:
    """Empty, or equal to what the pack says of the enterprise, is the enterprise's own place."""

    def said(
        name: str, pack: str, as_of: str, *rows: dict[str, str | float | None]
    ) -> pd.DataFrame:
        return table(name, list(rows)).assign(pack=pack, since=1, as_of=as_of)

    enterprises = pd.concat(
        [
            said("enterprises", "a", "2020-01-01", {"id": "e", "name": "e", "region": "420111"}),
            said("enterprises", "b", "2024-01-01", {"id": "e", "name": "e", "region": "420100"}),
        ],
        ignore_index=True,
    )
    produces = pd.concat(
        [
            said(
                "produces",
                "a",
                "2020-01-01",
                {"enterprise": "e", "product": "p", "region": "420111", "share": 0.5},
                {"enterprise": "e", "product": "p", "region": "310000", "share": 0.1},
            ),
            said("produces", "b", "2024-01-01", {"enterprise": "e", "product": "p"}),
        ],
        ignore_index=True,
    )
    products = said("products", "a", "2020-01-01", {"id": "p", "name": "p"})
    graph = ChainGraph({"products": products, "enterprises": enterprises, "produces": produces})
    made = graph["produces"]
    assert made["region"].tolist() == ["310000", "420100"]
    assert made["share"].tolist() == [0.1, 0.5]
