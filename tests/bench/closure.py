"""3-hop upstream closures of many products: ours against SQLite's recursive query and LadybugDB.

    python tests/bench/closure.py [NODES] [EDGES]
    python tests/bench/closure.py --table

All three hold the same seeded chain (few products are used by many), answer the same walks from
data at hand (loading is not counted) and must reach the same nodes in the same number of steps. The
answer of ours and of SQLite is ids as texts, as in a store; SQLite is asked once more with integers
in their place, which is its best case, and so is LadybugDB, which answers a part of the walks. ``--table`` measures ours alone at three sizes a decade apart. Needs ``pip install -e ".[bench]"``.
The last line is JSON.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import real_ladybug
from pyarrow import csv as arrow_csv
from pyarrow import table as arrow_table

from chainatlas.graph import TABLES, ChainGraph
from chainatlas.graph.chain import typed

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
from growth import report

SEED = 20240521
SIZES = (10_000, 100_000, 1_000_000)
WALKS, FEWER, DEPTH, REPEATS = 1000, 100, 3, 5
Codes = npt.NDArray[np.int64]
Values = list[int] | list[str]

UPSTREAM = f"""
    WITH RECURSIVE up(id, steps) AS (
        SELECT ?, 0
        UNION
        SELECT source, steps + 1 FROM up JOIN edges ON target = up.id WHERE steps < {DEPTH}
    )
    SELECT id, min(steps) FROM up GROUP BY id
"""
CYPHER = f"MATCH (a:P {{id: $id}})<-[e:INPUT_TO* SHORTEST 1..{DEPTH}]-(b:P) RETURN b.id, length(e)"


def chain(nodes: int, edges: int) -> tuple[Codes, Codes]:
    """Distinct (input, product) pairs; an input has a lower number, low numbers are used by many."""
    rng = np.random.default_rng(SEED)
    pairs = np.zeros(0, dtype=np.int64)
    while len(pairs) < edges:
        target = rng.integers(1, nodes, edges)
        source = (rng.random(edges) ** 2 * target).astype(np.int64)
        pairs = np.unique(np.concatenate([pairs, target * nodes + source]))
    pairs = rng.permutation(pairs)[:edges]
    return pairs % nodes, pairs // nodes


def names(nodes: int) -> npt.NDArray[np.object_]:
    return np.char.add("p", np.char.zfill(np.arange(nodes).astype(np.str_), 7)).astype(object)


def ours(nodes: int, source: Codes, target: Codes, starts: Codes) -> tuple[float, list[int]]:
    ids = names(nodes)
    frames = {
        "products": pd.DataFrame({"id": ids, "name": ids}),
        "inputs": pd.DataFrame({"input": ids[source], "product": ids[target]}),
    }
    graph = ChainGraph({name: typed(frame, TABLES[name]) for name, frame in frames.items()})
    del frames
    graph.adjacency("INPUT_TO", "upstream")
    asked = [[str(ids[start])] for start in starts]
    graph.position("products", asked[0])  # builds the index of ids
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        found = graph.closures("INPUT_TO", asked, "upstream", DEPTH)
        seconds.append(time.perf_counter() - began)
    return min(seconds), digest(found["walk"].to_numpy(), found["steps"].to_numpy())


def digest(walk: Codes, steps: Codes) -> list[int]:
    """Nodes reached by walk and number of steps, flat."""
    counts = np.bincount(walk * (DEPTH + 1) + steps, minlength=WALKS * (DEPTH + 1))
    return [int(count) for count in counts]


def sqlite(source: Values, target: Values, starts: Values) -> tuple[float, list[int]]:
    """SQLite in memory, one index on the edges; ids are texts or numbers as given."""
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE edges (target, source, PRIMARY KEY (target, source)) WITHOUT ROWID")
    base.executemany("INSERT INTO edges VALUES (?, ?)", zip(target, source, strict=True))
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        answers = [base.execute(UPSTREAM, (start,)).fetchall() for start in starts]
        seconds.append(time.perf_counter() - began)
    walk = np.repeat(np.arange(len(answers)), [len(a) for a in answers])
    return min(seconds), digest(walk, np.asarray([s for a in answers for _, s in a]))


def ladybug(nodes: int, source: Codes, target: Codes, starts: Codes) -> tuple[float, list[int]]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        arrow_csv.write_csv(arrow_table({"id": np.arange(nodes)}), folder / "nodes.csv")
        pairs = arrow_table({"from": source, "to": target})
        arrow_csv.write_csv(pairs, folder / "edges.csv")
        link = real_ladybug.Connection(real_ladybug.Database(str(folder / "db")))
        link.execute("CREATE NODE TABLE P(id INT64, PRIMARY KEY (id))")
        link.execute("CREATE REL TABLE INPUT_TO(FROM P TO P)")
        link.execute(f'COPY P FROM "{folder / "nodes.csv"}" (header=true)')
        link.execute(f'COPY INPUT_TO FROM "{folder / "edges.csv"}" (header=true)')
        began = time.perf_counter()
        answers = [rows_of(link, start) for start in starts.tolist()]
        seconds = time.perf_counter() - began
    rows = [(at, 0) for at in range(len(answers))]
    rows += [(at, steps) for at, answer in enumerate(answers) for _, steps in answer]
    walk, steps = np.asarray(rows).T
    return seconds, digest(walk, steps)


def rows_of(link: real_ladybug.Connection, start: int) -> list[list[Any]]:
    found: Any = link.execute(CYPHER, {"id": start})
    rows: list[list[Any]] = found.get_all()
    return rows


def main(nodes: int, edges: int) -> None:
    source, target = chain(nodes, edges)
    starts = np.random.default_rng(SEED + 1).choice(nodes, WALKS, replace=False)
    mine, reached = ours(nodes, source, target, starts)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"ours {mine:.4f} s, {sum(reached)} nodes", file=sys.stderr)
    order = np.lexsort((source, target))
    source, target = source[order], target[order]
    ids = names(nodes)
    by_sqlite = {}
    for kind, known in (("texts", ids), ("integers", np.arange(nodes))):
        asked = (known[at].tolist() for at in (source, target, starts))
        by_sqlite[kind], same = sqlite(*asked)
        print(f"sqlite, {kind} {by_sqlite[kind]:.3f} s", file=sys.stderr)
        if same != reached:
            raise SystemExit("SQLite's closures differ")
    by_ladybug, some = ladybug(nodes, source, target, starts[:FEWER])
    print(f"ladybug {by_ladybug:.3f} s for {FEWER}", file=sys.stderr)
    if some[: FEWER * (DEPTH + 1)] != reached[: FEWER * (DEPTH + 1)]:
        raise SystemExit("LadybugDB's closures differ")
    peers = (
        *(
            (f"SQLite {sqlite3.sqlite_version} recursive query, ids are {kind}", seconds)
            for kind, seconds in by_sqlite.items()
        ),
        (
            f"LadybugDB {real_ladybug.__version__}, {FEWER} walks scaled up",
            by_ladybug * WALKS / FEWER,
        ),
    )
    print(
        json.dumps(
            [
                {
                    "peer": name,
                    "ratio": float(f"{seconds / mine:.3g}"),
                    "ours_s": round(mine, 5),
                    "peer_s": round(seconds, 3),
                    "ours_mb": round(megabytes, 1),
                    "size": f"{WALKS} walks of {DEPTH} hops, {nodes} nodes, {edges} edges",
                }
                for name, seconds in peers
            ]
        )
    )


def table() -> None:
    """Ours at three sizes."""
    results = []
    for nodes in SIZES:
        source, target = chain(nodes, 5 * nodes)
        starts = np.random.default_rng(SEED + 1).choice(nodes, WALKS, replace=False)
        seconds, reached = ours(nodes, source, target, starts)
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        results.append(
            {
                "ours_s": round(seconds, 5),
                "ours_mb": round(megabytes, 1),
                "size": f"{WALKS} walks of {DEPTH} hops to {sum(reached)} nodes, {nodes} nodes",
            }
        )
    report(SIZES, results, "nodes")


if __name__ == "__main__":
    if "--table" in sys.argv:
        table()
        raise SystemExit
    given = [int(a) for a in sys.argv[1:3]]
    main(*given, *[1_000_000, 5_000_000][len(given) :])
