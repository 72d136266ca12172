"""Gaps of every city in every shipped cluster on a national graph: one survey against one by one.

    python tests/bench/gaps.py [ENTERPRISES] [--table]

The graph is the real national one: the shipped pack with the public data sets of the real data folder
(beside the checkout or at CHAINATLAS_SHARED), and, where ENTERPRISES is given, seeded made-up
enterprises up to that number (``--table``: three sizes a decade apart). The peer is the same question asked city by
city and cluster by cluster with ``find_gaps``, on a sample of cities that is scaled up; its answers
must be the same. The last line is JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from chainatlas.analysis.gaps import find_gaps, survey_gaps
from chainatlas.analysis.scope import Scope
from chainatlas.graph import TABLES, ChainGraph
from chainatlas.graph import regions as geo
from chainatlas.graph.chain import typed

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
from country import country
from growth import report

SEED = 20240517
#: Enterprises of ``--table``; the real graph has some 6,400, so the smallest stays as it is.
SIZES = (6_425, 64_250, 642_500)
SAMPLE = 4


def cities() -> list[str]:
    """Every city of the table of regions, and the counties that stand directly below a province."""
    return [code for code in geo.names() if geo.level(code) == "city"]


def enlarged(graph: ChainGraph, enterprises: int) -> ChainGraph:
    """A graph with made-up enterprises up to a number, each making one to three products."""
    rng = np.random.default_rng(SEED)
    missing = max(0, enterprises - len(graph["enterprises"]))
    places = cities()
    weight = 1.0 / np.arange(1, len(places) + 1)
    ids = np.asarray([f"bench{at:07d}" for at in range(missing)], dtype=object)
    firms = pd.DataFrame(
        {
            "id": ids,
            "name": ids,
            "country": "CN",
            "region": rng.permutation(places)[
                rng.choice(len(places), missing, p=weight / weight.sum())
            ],
            "revenue": rng.lognormal(19, 1.5, missing),
        }
    )
    products = graph["products"]["id"].to_numpy(dtype=object)
    each = rng.integers(1, 4, missing)
    chosen = (rng.random(int(each.sum())) ** 2 * len(products)).astype(int)
    produces = pd.DataFrame({"enterprise": np.repeat(ids, each), "product": products[chosen]})
    produces = produces.drop_duplicates().assign(role="maker", maturity="mass")
    tables = dict(graph.tables)
    for name, frame in {"enterprises": firms, "produces": produces}.items():
        whole = pd.concat([tables[name], typed(frame, TABLES[name])], ignore_index=True)
        tables[name] = whole[list(TABLES[name].names)]
    return ChainGraph({name: frame[list(TABLES[name].names)] for name, frame in tables.items()})


def measure(graph: ChainGraph) -> dict[str, object]:
    """Time the survey and the peer on one graph."""
    places, clusters = cities(), graph["clusters"]["id"].tolist()
    began = time.perf_counter()
    surveys = {c: survey_gaps(Scope.of(graph, geo.COUNTRY, c), places) for c in clusters}
    ours = time.perf_counter() - began
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    step = max(1, len(places) // SAMPLE)
    sample = places[::step]
    began = time.perf_counter()
    single = {(p, c): find_gaps(Scope.of(graph, p, c)) for p in sample for c in clusters}
    peer = (time.perf_counter() - began) * len(places) / len(sample)
    for (place, cluster), gaps in single.items():
        survey = surveys[cluster]
        same = survey[survey["region"] == place].drop(columns="region").reset_index(drop=True)
        pd.testing.assert_frame_equal(gaps.table, same, check_exact=True)
    answers = sum(len(s) for s in surveys.values())
    return {
        "peer": f"find_gaps one by one, {len(sample)} cities scaled up",
        "ratio": float(f"{peer / ours:.3g}"),
        "ours_s": round(ours, 3),
        "peer_s": round(peer, 2),
        "ours_mb": round(megabytes, 1),
        "size": f"{len(places)} cities x {len(clusters)} clusters = {answers} answers, "
        f"{len(graph['enterprises'])} enterprises, {len(graph['produces'])} outputs",
    }


def main(arguments: list[str]) -> None:
    """Measure the real graph, an enlarged one, or three sizes."""
    graph = country()
    if "--table" in arguments:
        results = [measure(enlarged(graph, size)) for size in SIZES]
        report(SIZES, results, "enterprises")
        return
    print(json.dumps(measure(enlarged(graph, int(arguments[0]) if arguments else 0))))


if __name__ == "__main__":
    main(sys.argv[1:])
