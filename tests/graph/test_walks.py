"""Closures from many starts at once: the same as each walked alone, and as NetworkX walks."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from chainatlas.graph import TABLES, ChainGraph
from chainatlas.graph.chain import Direction, typed

NODES = 8
node = st.integers(0, NODES - 1)


def graph_of(pairs: set[tuple[int, int]]) -> ChainGraph:
    products = pd.DataFrame({"id": [f"p{i}" for i in range(NODES)]}).assign(name="x")
    inputs = pd.DataFrame(
        [(f"p{a}", f"p{b}") for a, b in sorted(pairs)], columns=["input", "product"]
    )
    tables = {"products": products, "inputs": inputs}
    return ChainGraph({name: typed(frame, TABLES[name]) for name, frame in tables.items()})


@given(
    pairs=st.sets(st.tuples(node, node), max_size=25),
    starts=st.lists(st.lists(node, max_size=3), max_size=5),
    direction=st.sampled_from(["upstream", "downstream"]),
    depth=st.sampled_from([None, 0, 1, 2, 3]),
)
def test_many_walks_at_once(
    pairs: set[tuple[int, int]],
    starts: list[list[int]],
    direction: Direction,
    depth: int | None,
) -> None:
    graph = graph_of(pairs)
    names = [[*(f"p{i}" for i in ids), "unknown"] for ids in starts]
    found = graph.closures("INPUT_TO", names, direction, depth)
    walks: nx.DiGraph[int] = nx.DiGraph()
    walks.add_nodes_from(range(NODES))
    walks.add_edges_from(pairs if direction == "downstream" else [(b, a) for a, b in pairs])
    for at, ids in enumerate(starts):
        lengths: dict[str, int] = {}
        for start in ids:
            reached = nx.single_source_shortest_path_length(walks, start, depth)
            for name, steps in reached.items():
                lengths[f"p{name}"] = min(steps, lengths.get(f"p{name}", steps))
        mine = found[found["walk"] == at]
        assert dict(zip(mine["id"], mine["steps"], strict=True)) == lengths
        assert len(mine) == len(lengths)
        alone = graph.closure("INPUT_TO", names[at], direction, depth)
        assert dict(zip(alone["id"], alone["steps"], strict=True)) == lengths
    assert np.all(np.diff(found["steps"]) >= 0)
