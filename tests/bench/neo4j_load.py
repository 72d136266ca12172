"""Load ChainKnowledgeGraph into Neo4j: ours against its own loader, and against MERGE by row.

    python tests/bench/neo4j_load.py [SAMPLE]

Reads the companies, products and relations of ``../shared/real/chainkg`` (or CHAINATLAS_SHARED) and
gives the same nodes and edges to all. The peers write one row a statement, each a transaction:

- *its own loader*: ``CREATE`` with the values in the text, relations by ``MATCH`` on the name, without
  an index, as the project's ``build_graph.py`` does (which uses no MERGE);
- *MERGE by row*: the same with parameters, MERGE, and unique indexes on the names, which is kinder.

Rows of the peers are a seeded SAMPLE of each kind (2000; 40 of those that scan), timed on a graph with all nodes in it,
and scaled up to all rows: whole, its own loader takes hours. Then the time to open the newest
version for analysis: first, later from the local snapshot, and with the embedded store.
The last line is a JSON list.
"""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import neo4j
import pandas as pd

from chainatlas.graph import TABLES, Facts, Store, open_store
from chainatlas.graph.chain import empty_table, typed
from chainatlas.graph.schema import REJECTS

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))

from neo4j_server import PASSWORD, USER, Server

SEED = 20240506
ROOT = Path(__file__).parent.parent.parent
Rows = list[dict[str, str]]


def read(name: str) -> pd.DataFrame:
    """One file of JSON lines."""
    folder = Path(os.environ.get("CHAINATLAS_SHARED", ROOT.parent / "shared")) / "real" / "chainkg"
    lines = (folder / f"{name}.json").read_text("utf-8").splitlines()
    return pd.DataFrame([json.loads(line) for line in lines if line.strip()])


def tables() -> dict[str, pd.DataFrame]:
    """Nodes by name and distinct edges between them, as tables of a pack."""
    products = read("product")["name"].drop_duplicates()
    companies = read("company").drop_duplicates("name")
    made = read("company_product").rename(
        columns={"company_name": "enterprise", "product_name": "product"}
    )
    pairs = read("product_product")
    pairs = pairs[(pairs["rel"] == "上游材料") & (pairs["from_entity"] != pairs["to_entity"])]
    inputs = pairs.rename(columns={"from_entity": "product", "to_entity": "input"})
    made = made[made["enterprise"].isin(companies["name"]) & made["product"].isin(products)]
    inputs = inputs[inputs["product"].isin(products) & inputs["input"].isin(products)]
    return {
        "products": pd.DataFrame({"id": products, "name": products}),
        "enterprises": pd.DataFrame(
            {"id": companies["name"], "name": companies["fullname"], "country": "CN"}
        ),
        "inputs": inputs[["product", "input"]].drop_duplicates().assign(criticality=0.5),
        "produces": made[["enterprise", "product"]].drop_duplicates().assign(role="maker"),
    }


def statement(frames: dict[str, pd.DataFrame]) -> Facts:
    """The tables as the statement of a pack."""
    nothing = empty_table(REJECTS)[[c.name for c in REJECTS.own]]
    return Facts("chainkg", {n: typed(f, TABLES[n]) for n, f in frames.items()}, nothing)


def load(store: Store, facts: Facts) -> float:
    """Seconds to load a pack."""
    began = time.perf_counter()
    with store.writer() as writer:
        writer.replace(facts)
    return time.perf_counter() - began


def opening(address: str, times: int) -> tuple[list[float], int]:
    """Seconds to open a store and build its graph, each time anew; edges walked as a check."""
    taken, reached = [], 0
    for _ in range(times):
        began = time.perf_counter()
        store = open_store(address)
        graph = store.view().graph()
        taken.append(time.perf_counter() - began)
        store.close()
        start = graph["products"]["id"].iloc[::5000]
        reached = len(graph.closure("INPUT_TO", start, "upstream", 3))
    return taken, reached


# --- The peers -----------------------------------------------------------------------------------


def own_node(session: neo4j.Session, kind: str, row: dict[str, str]) -> None:
    text = ", ".join(f"{k}:'{v}'" for k, v in row.items())
    session.run(f"CREATE (:{kind}{{{text}}})").consume()


def own_edge(session: neo4j.Session, ends: tuple[str, str], row: dict[str, str]) -> None:
    p, q = row.values()
    session.run(
        f"match(p:{ends[0]}),(q:{ends[1]}) where p.name='{p}'and q.name='{q}' create (p)-[rel:rel]->(q)"
    ).consume()


def merge_node(session: neo4j.Session, kind: str, row: dict[str, str]) -> None:
    session.run(
        f"MERGE (n:{kind} {{name: $name}}) SET n += $row", name=row["name"], row=row
    ).consume()


def merge_edge(session: neo4j.Session, ends: tuple[str, str], row: dict[str, str]) -> None:
    p, q = row.values()
    session.run(
        f"MATCH (p:{ends[0]} {{name: $p}}), (q:{ends[1]} {{name: $q}}) MERGE (p)-[:rel]->(q)",
        p=p,
        q=q,
    ).consume()


def timed(work: Callable[[dict[str, str]], None], rows: Rows, sample: int) -> float:
    """Seconds for all rows, from a sample."""
    chosen = random.Random(SEED).sample(rows, min(sample, len(rows)))
    for row in chosen[:5]:  # the first ones are planned
        work(row)
    chosen = chosen[5:]
    began = time.perf_counter()
    for row in chosen:
        work(row)
    return (time.perf_counter() - began) / len(chosen) * len(rows)


def plain_rows(frame: pd.DataFrame, columns: list[str]) -> Rows:
    """Rows whose values hold no quote, which the loader's own text cannot take."""
    rows = frame[columns].astype(str)
    for column in columns:
        rows = rows[~rows[column].str.contains("['\\\\\\\\]")]
    return [{str(k): str(v) for k, v in row.items()} for row in rows.to_dict("records")]


def peers(server: Server, frames: dict[str, pd.DataFrame], sample: int) -> tuple[float, float]:
    """Seconds of its own loader and of MERGE by row, scaled up from samples."""
    nodes = {
        "product": plain_rows(frames["products"], ["name"]),
        "company": plain_rows(
            frames["enterprises"].assign(name=frames["enterprises"]["id"]), ["name", "country"]
        ),
    }
    edges = {
        ("company", "product"): plain_rows(frames["produces"], ["enterprise", "product"]),
        ("product", "product"): plain_rows(frames["inputs"], ["product", "input"]),
    }
    taken = []
    auth = (USER, PASSWORD)
    with (
        neo4j.GraphDatabase.driver(
            server.bolt, auth=auth, notifications_min_severity="OFF"
        ) as driver,
        driver.session() as session,
    ):
        for node, edge, scans in ((own_node, own_edge, True), (merge_node, merge_edge, False)):
            server.wipe(schema=True)
            if not scans:
                for kind in nodes:
                    server.run(f"CREATE CONSTRAINT FOR (n:{kind}) REQUIRE n.name IS UNIQUE")
            seconds = 0.0
            for kind, rows in nodes.items():
                seconds += timed(partial(node, session, kind), rows, sample)
                # The rest of the nodes, so that edges look for theirs among all of them.
                server.run(f"MATCH (n:{kind}) DETACH DELETE n")
                server.run(f"UNWIND $rows AS row CREATE (n:{kind}) SET n = row", rows=rows)
            for ends, rows in edges.items():
                size = 40 if scans else sample
                seconds += timed(partial(edge, session, ends), rows, size)
            taken.append(seconds)
            print(node.__name__, round(seconds, 1), "s", file=sys.stderr)
    return taken[0], taken[1]


def main(sample: int) -> None:
    """All of it, on one server."""
    frames = tables()
    facts = statement(frames)
    size = ", ".join(f"{len(f)} {n}" for n, f in frames.items())
    print(size, file=sys.stderr)
    with tempfile.TemporaryDirectory() as place:
        os.environ["CHAINATLAS_CACHE"] = f"{place}/cache"
        home = Path(place) / "server"
        home.mkdir()
        server = Server(home, heap_mb=2048, tuned=True)
        try:
            server.start()
            own, merge = peers(server, frames, sample)
            server.wipe(schema=True)
            store = open_store(server.address(), create=True)
            ours = load(store, facts)
            store.close()
            print("ours", round(ours, 1), "s", file=sys.stderr)
            (first,), reached = opening(server.address(), 1)
            later, _ = opening(server.address(), 5)
            embedded = open_store(f"{place}/store.db", create=True)
            load(embedded, facts)
            embedded.view().graph()
            beside, same = opening(f"{place}/store.db", 5)
            if reached != same:
                raise SystemExit("the graphs differ")
        finally:
            server.kill()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    results = [
        ("ChainKnowledgeGraph's own loader, row by row, scaled from a sample", ours, own),
        ("MERGE by row with unique indexes, scaled from a sample", ours, merge),
        (
            "embedded store: opening from a snapshot",
            statistics.median(later),
            statistics.median(beside),
        ),
        (
            "embedded store: opening from a snapshot (ours without one)",
            first,
            statistics.median(beside),
        ),
    ]
    print(
        json.dumps(
            [
                {
                    "peer": peer,
                    "ratio": float(f"{theirs / mine:.3g}"),
                    "ours_s": round(mine, 3),
                    "peer_s": round(theirs, 3),
                    "ours_mb": round(peak, 1),
                    "size": size,
                }
                for peer, mine, theirs in results
            ],
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 2000)
