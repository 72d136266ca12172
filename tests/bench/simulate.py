"""A simulation on a national graph: changed in place, against loading the changed facts anew.

    python tests/bench/simulate.py [ROWS PRODUCTS] [--table]

Measures the real national graph (the shipped pack with the public data sets of the real data folder)
and a made-up one of ROWS and PRODUCTS. Ours answers from the graph in memory: scope, three moves, both states, the difference. The peer does
what one would do without it: builds the graph again from the changed tables (pandas) and asks the
same questions of both graphs. Both must agree. ``--table`` measures three sizes a decade apart.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from chainatlas.analysis.scope import Scope
from chainatlas.analysis.simulate import Grow, Land, Lose, Move, simulate
from chainatlas.analysis.situation import Difference, difference, situation
from chainatlas.graph import ChainGraph

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
from country import country
from growth import report
from national import national

REGION, REPEATS = "420100", 9
#: A cluster of the made-up graph.
MADE_UP = "c3"


def peer(graph: ChainGraph, cluster: str, lost: str, grown: str, factor: float) -> Difference:
    """The changed facts, loaded anew. Landing has no counterpart in revenues: it is left out."""
    tables = dict(graph.tables)
    tables["produces"] = tables["produces"][tables["produces"]["enterprise"] != lost]
    firms = tables["enterprises"]
    scaled = firms["revenue"].where(firms["id"] != grown, firms["revenue"] * factor)
    tables["enterprises"] = firms.assign(revenue=scaled)
    supplies = tables["supplies"]
    gone = (supplies["supplier"] == lost) | (supplies["buyer"] == lost)
    tables["supplies"] = supplies[~gone]
    changed = ChainGraph(tables, graph.version)
    states = [situation(Scope.of(g, REGION, cluster)) for g in (graph, changed)]
    return difference(*states)


def measure(graph: ChainGraph, cluster: str) -> dict[str, object]:
    """Time ours and the peer's on one graph."""
    scope = Scope.of(graph, REGION, cluster)
    ours_rows = (
        np.isin(scope.economy.product, scope.products)
        & ~scope.economy.imputed[scope.economy.enterprise]
    )
    ids = graph.text("enterprises", "id")
    land, lost, grown = ids[pd.unique(scope.economy.enterprise[ours_rows])[:3]].tolist()
    seconds, cpu = [], []
    moves: list[Move] = [Lose(lost), Grow(grown, 2.0), Land(land, REGION)]
    for _ in range(REPEATS):
        began, worked = time.perf_counter(), time.process_time()
        simulate(Scope.of(graph, REGION, cluster), moves)
        seconds.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
    mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    theirs = peer(graph, cluster, lost, grown, 2.0)
    peer_s = time.perf_counter() - began
    ours = simulate(scope, moves[:2]).difference
    for one, other in zip(ours.figures(), theirs.figures(), strict=True):
        a, b = one["after"], other["after"]
        if (a is None) != (b is None) or (a is not None and abs(a - b) > 1e-9 * max(1.0, abs(b))):
            raise SystemExit(f"the two differ in {one['name']}: {a} and {b}")
    ours_s = float(np.median(seconds))
    print(
        f"fastest {min(seconds):.3f} s, median {ours_s:.3f} s, CPU {min(cpu):.3f} s",
        file=sys.stderr,
    )
    return {
        "peer": f"pandas {pd.__version__}, the changed graph built and asked anew",
        "ratio": float(f"{peer_s / ours_s:.3g}"),
        "ours_s": round(ours_s, 4),
        "peer_s": round(peer_s, 4),
        "ours_mb": round(mb, 1),
        "size": f"{len(graph['produces'])} PRODUCES rows, {len(graph['products'])} products",
    }


def main(arguments: list[str]) -> None:
    """Measure one size, or three."""
    if "--table" not in arguments:
        rows, products = [int(a) for a in arguments] or (100_000, 5_000)
        results = [measure(country(), "ic"), measure(national(rows, products), MADE_UP)]
        print(json.dumps(results, ensure_ascii=False))
        return
    sizes = [(10_000, 1_000), (100_000, 5_000), (1_000_000, 20_000)]
    results = [measure(national(*size), MADE_UP) for size in sizes]
    report([size[0] for size in sizes], results, "rows")


if __name__ == "__main__":
    main(sys.argv[1:])
