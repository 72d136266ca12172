"""Load on the HTTP API with the real national graph, while packs are loaded into its store.

    python tests/bench/api_load.py [--seconds S] [--full] [--no-neo4j]

Four processes: the server (``chainatlas serve``, one worker), the clients (this file with
``--client``: keep-alive connections over asyncio, each asking again as soon as it has its answer),
an ingest that states the Hubei pack anew with one figure changed, again and again, and this one,
which looks at the server's memory once a second.

Phases, each on all connections without pauses:

- *cached*: pages of gaps and targets that have been asked before, by 16 connections;
- *uncached*: pages that nobody has asked (a filter with a bound of its own each time), by 32, first
  without and then while the ingest runs; *cached* is measured again while it runs;
- *steady*: uncached pages while the ingest goes on, 10 minutes with ``--full``, for the memory.

The peer is a Neo4j server with the same graph, asked in plain Cypher for the same question: the
output of and the demand for each product of a cluster in a region. Its answer must say of the same
products that they are made and needed. CHAINATLAS_NATIONAL names a store with the national graph;
without it one is built from the shipped pack and ``../shared``. The last line is a JSON list.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import http.client
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))

ROOT = Path(__file__).parent.parent.parent
LISTED = "ashare_2020/cn_corp202012.csv"
CLUSTERS = ("biomed", "display", "equipment", "ic", "nev")
REGIONS = ("420100", "420200", "420500", "420600", "420000")
PROGRAM = (sys.executable, "-c", "from chainatlas.api.cli import entry; entry()")
#: Seconds a server may take to answer the first time.
START_S = 120.0

Figures = dict[str, Any]


# The clients.


def pages(base: str, unique: bool, seed: int) -> Iterator[str]:
    """Addresses to ask, without end: the same few, or one never asked before each time."""
    known = [
        f"{base}/{kind}?region={region}&cluster={cluster}"
        for region in REGIONS
        for cluster in CLUSTERS
        for kind in ("gaps", "targets")
    ]
    for number, address in enumerate(itertools.cycle(known)):
        yield (
            f"{address}&min_priority={(number * 7919 + seed) % 10**9 / 1e12}" if unique else address
        )


async def ask(
    port: int, addresses: Iterator[str], end: float, seen: list[float], bad: list[str]
) -> None:
    """One connection that asks until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < end:
        address = next(addresses)
        began = time.perf_counter()
        writer.write(
            f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
            "Accept-Encoding: gzip\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        length = next(
            int(x.split(b":")[1]) for x in lines if x.lower().startswith(b"content-length")
        )
        await reader.readexactly(length)
        seen.append(time.perf_counter() - began)
        if b" 200 " not in lines[0]:
            bad.append(f"{address}: {lines[0].decode()}")
    writer.close()


async def client(port: int, connections: int, seconds: float, unique: bool) -> Figures:
    """Ask by several connections; requests a second and latencies in milliseconds."""
    addresses = pages("/api/v1", unique, int(time.time() * 1000))
    seen: list[float] = []
    bad: list[str] = []
    began = time.perf_counter()
    end = began + seconds
    await asyncio.gather(*(ask(port, addresses, end, seen, bad) for _ in range(connections)))
    taken = time.perf_counter() - began
    ordered = sorted(seen)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * q))] * 1e3 for q in (0.5, 0.99)]
    return {
        "rps": round(len(seen) / taken, 1),
        "p50_ms": round(at[0], 1),
        "p99_ms": round(at[1], 1),
        "max_ms": round(ordered[-1] * 1e3, 1),
        "requests": len(seen),
        "bad": bad[:3],
    }


def load(port: int, connections: int, seconds: float, unique: bool) -> Figures:
    """:func:`client` in a process of its own."""
    command = [
        sys.executable, __file__, "--client", str(port), str(connections), str(seconds),
        str(int(unique)),
    ]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    if found["bad"]:
        raise SystemExit(f"unexpected answers: {found['bad']}")
    return found


# The store, the server and the ingest.


def national(place: Path) -> Path:
    """A store of our own with the national graph."""
    store = place / "national.db"
    given = os.environ.get("CHAINATLAS_NATIONAL")
    if given:
        shutil.copyfile(given, store)
        return store
    shared = Path(os.environ.get("CHAINATLAS_SHARED", ROOT.parent / "shared")) / "real"
    sources = [str(ROOT / "data" / "hubei"), str(shared / LISTED), str(shared / "chainkg")]
    run("ingest", *sources, "--db", str(store))
    return store


def run(*arguments: str) -> None:
    """One command; 3 (rows were quarantined) is done, too."""
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, check=False)
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr.decode("utf-8", "replace"))


class Serving:
    """The server and what it weighs."""

    def __init__(self, store: Path, port: int) -> None:
        command = [
            *PROGRAM, "serve", "--db", str(store), "--port", str(port),
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self._about = Path(f"/proc/{self._process.pid}/statm")
        self.port = port
        self.weights: list[float] = []

    def get(self, address: str) -> tuple[float, Any]:
        """Seconds and JSON of one question."""
        began = time.perf_counter()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_S)
        line.request("GET", address)
        answer = line.getresponse()
        body = json.loads(answer.read())
        line.close()
        if answer.status != 200:
            raise SystemExit(f"{address}: {body}")
        return time.perf_counter() - began, body

    def wait(self) -> None:
        """Until it answers."""
        end = time.monotonic() + START_S
        while True:
            try:
                self.get("/api/v1/versions")
                return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.3)

    def megabytes(self) -> float:
        """Resident memory now."""
        pages = int(self._about.read_text("ascii").split()[1])
        found = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        self.weights.append(found)
        return found

    def stop(self) -> None:
        """End it in order."""
        self._process.terminate()
        self._process.wait(60)


def edits(pack: Path) -> Iterator[None]:
    """Change one enterprise's revenue in a pack, a little more each time."""
    path = pack / "enterprises.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    at = next(i for i, row in enumerate(rows) if row["revenue"])
    base = float(rows[at]["revenue"])
    for step in itertools.count(1):
        rows[at]["revenue"] = str(base + step)
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        yield


def ingest(store: str, pack: str, stop: str) -> None:
    """Load a pack with another change each time, until there is a file that says to stop."""
    for count, _ in enumerate(edits(Path(pack)), 1):
        run("ingest", pack, "--db", store)
        print(count, flush=True)
        if Path(stop).exists():
            return


class Ingesting:
    """The ingest in a process of its own."""

    def __init__(self, store: Path, place: Path) -> None:
        pack = place / "hubei"
        shutil.copytree(ROOT / "data" / "hubei", pack, dirs_exist_ok=True)
        self._stop = place / "stop"
        self._stop.unlink(missing_ok=True)
        command = [sys.executable, __file__, "--ingest", str(store), str(pack), str(self._stop)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def stop(self) -> int:
        """Wait for the load under way; how many were made."""
        self._stop.touch()
        out, _ = self._process.communicate(timeout=600)
        return len(out.split())


# The peer.

#: Output of and demand for each product of a cluster in a region, as in docs/measures.md.
CYPHER = """
MATCH (e:Enterprise)-[m:PRODUCES]->(:Product)
WHERE m.role = 'maker' AND coalesce(m.region, e.region) STARTS WITH $prefix
WITH DISTINCT e
MATCH (e)-[m:PRODUCES]->(p:Product)
WITH e, collect({m: m, p: p}) AS rows, sum(coalesce(m.share, 0.0)) AS known,
     sum(CASE WHEN m.share IS NULL THEN 1 ELSE 0 END) AS open,
     coalesce(e.revenue, reduce(best = $other, label IN coalesce(e.labels, []) |
       CASE WHEN $sizes[label] > best OR best = $other THEN $sizes[label] ELSE best END)) AS size
UNWIND rows AS row
WITH e, row.m AS m, row.p AS p, known, open, size
WHERE m.role = 'maker' AND coalesce(m.region, e.region) STARTS WITH $prefix
WITH p, sum(size * CASE
  WHEN m.share IS NOT NULL THEN m.share / CASE WHEN known > 1 THEN known ELSE 1.0 END
  WHEN 1 - known > 1e-12 THEN (1 - known) / open ELSE 0.0 END) AS output
WHERE output > 0
WITH collect({p: p, output: output}) AS made
UNWIND made AS row
WITH made, row.p AS p, row.output AS output
MATCH (q:Product)-[i:INPUT_TO]->(p)
WITH made, p, output, collect({q: q, i: i}) AS inputs, sum(coalesce(i.cost_share, 0.0)) AS given,
     sum(CASE WHEN i.cost_share IS NULL THEN i.criticality ELSE 0.0 END) AS weights
UNWIND inputs AS row
WITH made, row.q AS q, output * CASE
  WHEN row.i.cost_share IS NOT NULL THEN row.i.cost_share
  WHEN weights > 0 AND 0.6 - given > 1e-12 THEN (0.6 - given) * row.i.criticality / weights
  ELSE 0.0 END AS part
WITH made, q, sum(part) AS demand
WITH made, collect({q: q, demand: demand}) AS wanted
MATCH (:Cluster {id: $cluster})<-[:PART_OF]-(:Link)<-[:PART_OF]-(p:Product)
WITH DISTINCT made, wanted, p
RETURN p.id AS product,
       reduce(x = 0.0, row IN made | CASE WHEN row.p = p THEN x + row.output ELSE x END) AS output,
       reduce(x = 0.0, row IN wanted | CASE WHEN row.q = p THEN x + row.demand ELSE x END) AS demand
ORDER BY product
"""


#: Nodes and relations as anybody would write them, from columns of our tables.
NODES = {
    "Cluster": ("clusters", ()),
    "Link": ("links", ()),
    "Product": ("products", ()),
    "Enterprise": ("enterprises", ("revenue", "region", "labels")),
}
RELATIONS = (
    ("Link", "PART_OF", "Cluster", "links", "id", "cluster", ()),
    ("Product", "PART_OF", "Link", "products", "id", "links", ()),
    ("Product", "INPUT_TO", "Product", "inputs", "input", "product", ("cost_share", "criticality")),
    ("Enterprise", "PRODUCES", "Product", "produces", "enterprise", "product",
     ("share", "role", "region")),
)  # fmt: skip


def fill(server: Any, store: Path) -> None:
    """The graph of the newest version in Neo4j, with an index on every id."""
    from chainatlas.graph import open_store

    graph = open_store(str(store)).view().graph()

    def rows(table: str, columns: tuple[str, ...]) -> Any:
        frame = graph[table][list(columns)].astype(object)
        found: Any = frame.where(frame.notna(), None).to_dict("records")
        for row in found:
            for name in ("labels", "links"):
                if name in row:
                    row[name] = (row[name] or "").split(";") if row[name] else []
        return found

    def write(query: str, values: list[dict[str, Any]]) -> None:
        for start in range(0, len(values), 10_000):
            server.run("UNWIND $rows AS row " + query, rows=values[start : start + 10_000])

    for label, (table, own) in NODES.items():
        server.run(f"CREATE CONSTRAINT FOR (n:{label}) REQUIRE n.id IS UNIQUE")
        write(f"CREATE (n:{label}) SET n = row", rows(table, ("id", *own)))
    for source, kind, target, table, begin, end, own in RELATIONS:
        values = rows(table, (begin, end, *own))
        if end == "links":
            values = [{**row, end: one} for row in values for one in row[end]]
        sets = f" SET r = row {{{', '.join(f'.{name}' for name in own)}}}" if own else ""
        write(
            f"MATCH (a:{source} {{id: row.{begin}}}) MATCH (b:{target} {{id: row.{end}}})"
            f" CREATE (a)-[r:{kind}]->(b)" + sets,
            values,
        )


def peer(store: Path, place: Path, ours: Serving) -> Figures:
    """The same question asked of Neo4j; the seconds of both."""
    from chainatlas.graph import open_store
    from neo4j_server import RELEASE, Server

    server = Server(place / "neo4j", heap_mb=2048, tuned=True)
    server.start()
    try:
        fill(server, store)
        graph = open_store(str(store)).view().graph()
        theirs, mine = [], []
        for region, cluster in itertools.product(("420100", "420500"), CLUSTERS):
            sizes = dict(graph.rules(cluster).sizes)
            values = {
                "prefix": region[:4], "cluster": cluster, "other": sizes.pop("other"), "sizes": sizes,
            }  # fmt: skip
            for _ in range(3):
                began = time.perf_counter()
                rows = server.run(CYPHER, **values)
                theirs.append(time.perf_counter() - began)
            address = f"/api/v1/gaps?region={region}&cluster={cluster}&limit=500"
            _, answer = ours.get(address)
            _same(rows, answer["gaps"], region, cluster)
            mine += [ours.get(address)[0] for _ in range(10)]
    finally:
        server.stop()
    slow, quick = statistics.median(theirs), statistics.median(mine)
    return {
        "peer": f"Neo4j {RELEASE}, plain Cypher, gaps of a region",
        "ratio": float(f"{slow / quick:.3g}"),
        "ours_s": round(quick, 5),
        "peer_s": round(slow, 5),
        "ours_mb": round(ours.megabytes(), 1),
        "size": f"{len(theirs)} questions",
    }


def _same(rows: list[Any], gaps: list[Any], region: str, cluster: str) -> None:
    """Fail where the peer does not find the same products made and needed."""
    theirs = {r["product"]: (r["output"], r["demand"]) for r in rows}
    ours = {g["product"]: (g["output"], g["demand"]) for g in gaps}
    if set(theirs) != set(ours):
        raise SystemExit(f"{region} {cluster}: other products")
    for product, pair in ours.items():
        for one, other in zip(pair, theirs[product], strict=True):
            if abs(one - other) > 1e-6 * max(abs(one), abs(other), 1.0):
                raise SystemExit(f"{region} {cluster} {product}: {pair} and {theirs[product]}")


def main(seconds: float, steady: float, with_peer: bool) -> None:
    """All phases."""
    from neo4j_server import free_port

    results: list[Figures] = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        store = national(place)
        serving = Serving(store, free_port())
        try:
            serving.wait()
            first = [serving.get(a)[0] for a in itertools.islice(pages("/api/v1", False, 0), 50)]
            cold = sorted(first)
            print(f"first answers: median {statistics.median(cold):.3f} s, most {cold[-1]:.3f} s",
                  file=sys.stderr)  # fmt: skip
            if with_peer:
                results.append(peer(store, place, serving))
                print(results[-1], file=sys.stderr)
            results += phases(serving, store, place, seconds, steady)
        finally:
            serving.stop()
    print(json.dumps(results, ensure_ascii=False))


def phases(
    serving: Serving, store: Path, place: Path, seconds: float, steady: float
) -> list[Figures]:
    """The loads, without and while packs are loaded."""
    found = []
    ingesting: Ingesting | None = None
    plan = (
        ("cached", 16, False, False, seconds),
        ("uncached", 32, True, False, seconds),
        ("cached, ingest", 16, False, True, seconds),
        ("uncached, ingest", 32, True, True, seconds),
        ("steady, ingest", 32, True, True, steady),
    )
    for label, connections, unique, loading, length in plan:
        if loading and ingesting is None:
            ingesting = Ingesting(store, place)
        end = time.monotonic() + length
        parts, weights = [], []
        while time.monotonic() < end:
            part = min(10.0, max(1.0, end - time.monotonic()))
            parts.append(load(serving.port, connections, part, unique))
            weights.append(serving.megabytes())
        worst = max(parts, key=lambda p: float(p["p99_ms"]))
        mean = statistics.fmean(p["rps"] for p in parts)
        found.append(
            {
                "peer": f"HTTP load: {label}",
                "ratio": None,
                "ours_s": round(worst["p99_ms"] / 1e3, 4),
                "peer_s": None,
                "ours_mb": round(weights[-1], 1),
                "size": f"{connections} connections, {length:.0f} s",
                "rps": round(mean, 1),
                "p50_ms": round(statistics.median(p["p50_ms"] for p in parts), 1),
                "p99_ms": round(statistics.median(p["p99_ms"] for p in parts), 1),
                "worst_p99_ms": worst["p99_ms"],
                "mb": [round(weights[0], 1), round(max(weights), 1), round(weights[-1], 1)],
            }
        )
        print(found[-1], file=sys.stderr)
    if ingesting is not None:
        print(f"{ingesting.stop()} loads", file=sys.stderr)
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        given = sys.argv[2:]
        figures = client(int(given[0]), int(given[1]), float(given[2]), given[3] == "1")
        print(json.dumps(asyncio.run(figures)))
    elif sys.argv[1:2] == ["--ingest"]:
        ingest(*sys.argv[2:5])
    else:
        parser = argparse.ArgumentParser()
        parser.add_argument("--seconds", type=float, default=20)
        parser.add_argument("--full", action="store_true")
        parser.add_argument("--no-neo4j", action="store_true")
        asked = parser.parse_args()
        main(asked.seconds, 600.0 if asked.full else asked.seconds, not asked.no_neo4j)
