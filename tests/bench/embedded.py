"""Load, open and walk a large graph: the embedded store against NetworkX with pickle.

    python tests/bench/embedded.py [NODES] [EDGES]

Both get the same seeded rows, keep them on disk, open them in a new process and walk the same
3-step upstream closures, which must agree. The last line is a JSON list, one object a stage.
"""

from __future__ import annotations

import json
import pickle
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from chainatlas.graph import TABLES, Facts, open_store
from chainatlas.graph.chain import empty_table, typed
from chainatlas.graph.schema import REJECTS

SEED = 20240506
WALKS = 300
DEPTH = 3
PACK = "bench"

Pairs = list[tuple[str, str]]


def synthetic(nodes: int, edges: int) -> tuple[list[str], list[str], Pairs, Pairs]:
    """Ids of products and enterprises, and distinct pairs (input, product), (enterprise, product).

    Half the nodes are products, half the edges are inputs. An input comes from a product of lower
    number, as in a chain, and few products are used by many.
    """
    rng = np.random.default_rng(SEED)
    count = nodes // 2
    products = [f"p{i:07d}" for i in range(count)]
    enterprises = [f"e{i:07d}" for i in range(nodes - count)]
    inputs = edges // 2

    def distinct(wanted: int, skewed: bool) -> list[tuple[int, int]]:
        pairs: dict[tuple[int, int], None] = {}
        while len(pairs) < wanted:
            target = rng.integers(1, count, wanted)
            share = rng.random(wanted)
            if skewed:
                source = (share**2 * target).astype(np.int64)
            else:
                source = (share * len(enterprises)).astype(np.int64)
            pairs.update(dict.fromkeys(zip(source.tolist(), target.tolist(), strict=True)))
        return list(pairs)[:wanted]

    return (
        products,
        enterprises,
        [(products[s], products[t]) for s, t in distinct(inputs, True)],
        [(enterprises[s], products[t]) for s, t in distinct(edges - inputs, False)],
    )


def starts(products: list[str]) -> list[str]:
    return random.Random(SEED).sample(products, min(WALKS, len(products)))


def load_ours(place: Path, nodes: int, edges: int) -> float:
    """Load into a new store, durably, and write the snapshot that readers open."""
    products, enterprises, inputs, produces = synthetic(nodes, edges)
    frames = {
        "products": pd.DataFrame({"id": products, "name": products}),
        "enterprises": pd.DataFrame({"id": enterprises, "name": enterprises, "country": "CN"}),
        "inputs": pd.DataFrame(inputs, columns=["input", "product"]).assign(criticality=0.5),
        "produces": pd.DataFrame(produces, columns=["enterprise", "product"]).assign(role="maker"),
    }
    facts = Facts(
        PACK,
        {name: typed(frame, TABLES[name]) for name, frame in frames.items()},
        empty_table(REJECTS)[[c.name for c in REJECTS.own]],
    )
    began = time.perf_counter()
    store = open_store(str(place / "store.db"), create=True)
    with store.writer() as writer:
        writer.replace(facts)
    store.view().graph()
    return time.perf_counter() - began


def load_peer(place: Path, nodes: int, edges: int) -> float:
    """Build a graph of the same facts and write it to disk."""
    products, enterprises, inputs, produces = synthetic(nodes, edges)
    began = time.perf_counter()
    graph: Any = nx.MultiDiGraph()
    graph.add_nodes_from((i, {"kind": "Product", "name": i}) for i in products)
    graph.add_nodes_from(
        (i, {"kind": "Enterprise", "name": i, "country": "CN"}) for i in enterprises
    )
    graph.add_edges_from((s, t, "INPUT_TO", {"criticality": 0.5}) for s, t in inputs)
    graph.add_edges_from((s, t, "PRODUCES", {"role": "maker"}) for s, t in produces)
    with (place / "graph.pickle").open("wb") as stream:
        pickle.dump(graph, stream, protocol=pickle.HIGHEST_PROTOCOL)
    return time.perf_counter() - began


def read_ours(place: Path, ids: list[str]) -> tuple[float, float, int]:
    """Open the snapshot, then walk; seconds of each, and nodes reached in all."""
    began = time.perf_counter()
    graph = open_store(str(place / "store.db")).view().graph()
    graph.adjacency("INPUT_TO", "upstream")
    opened = time.perf_counter()
    reached = sum(len(graph.closure("INPUT_TO", [i], "upstream", DEPTH)) for i in ids)
    return opened - began, time.perf_counter() - opened, reached


def read_peer(place: Path, ids: list[str]) -> tuple[float, float, int]:
    """The same with NetworkX, over the view of INPUT_TO edges turned round."""
    began = time.perf_counter()
    with (place / "graph.pickle").open("rb") as stream:
        graph: Any = pickle.load(stream)
    inputs: nx.DiGraph[str] = nx.DiGraph()
    inputs.add_nodes_from(i for i, kind in graph.nodes(data="kind") if kind == "Product")
    inputs.add_edges_from((t, s) for s, t, key in graph.edges(keys=True) if key == "INPUT_TO")
    opened = time.perf_counter()
    reached = sum(len(nx.single_source_shortest_path_length(inputs, i, DEPTH)) for i in ids)
    return opened - began, time.perf_counter() - opened, reached


def stage(name: str, place: Path, nodes: int, edges: int) -> None:
    """One stage in this process; prints its figures as JSON."""
    seconds: list[float] = []
    reached = 0
    if name.startswith("load"):
        seconds = [{"load_ours": load_ours, "load_peer": load_peer}[name](place, nodes, edges)]
    else:
        ids = starts([f"p{i:07d}" for i in range(nodes // 2)])
        read = {"read_ours": read_ours, "read_peer": read_peer}[name]
        *seconds, reached = read(place, ids)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "reached": reached, "mb": peak}))


def in_new_process(name: str, place: str, nodes: int, edges: int) -> dict[str, list[float]]:
    command = [sys.executable, __file__, "--stage", name, place, str(nodes), str(edges)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(nodes: int, edges: int) -> None:
    """All stages, each in a process of its own; ours and the peer's in turn."""
    peer = f"NetworkX {nx.__version__}"
    results = []
    with tempfile.TemporaryDirectory() as place:
        found = {}
        for name in ("load_ours", "load_peer", "read_ours", "read_peer"):
            found[name] = in_new_process(name, place, nodes, edges)
            print(name, found[name], file=sys.stderr)
    if found["read_ours"]["reached"] != found["read_peer"]["reached"]:
        raise SystemExit("the closures differ")
    stages = (
        ("load", f"{peer}, build and pickle", f"{nodes} nodes, {edges} edges", 0),
        ("read", f"{peer}, unpickle in a new process", f"{nodes} nodes, {edges} edges", 0),
        ("read", f"{peer}, {DEPTH}-step closures", f"{WALKS} walks, {edges} edges", 1),
    )
    for name, label, size, part in stages:
        ours, theirs = found[f"{name}_ours"], found[f"{name}_peer"]
        results.append(
            {
                "peer": label,
                "ratio": float(f"{theirs['seconds'][part] / ours['seconds'][part]:.3g}"),
                "ours_s": round(ours["seconds"][part], 4),
                "peer_s": round(theirs["seconds"][part], 4),
                "ours_mb": round(float(ours["mb"]), 1),  # type: ignore[arg-type]
                "size": size,
            }
        )
    print(json.dumps(results, ensure_ascii=False))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stage"]:
        stage(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        given = [int(a) for a in sys.argv[1:3]]
        main(*given, *[100_000, 500_000][len(given) :])
