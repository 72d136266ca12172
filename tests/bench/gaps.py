"""Gaps of every city in every shipped cluster on a national graph: one survey against one by one.

    python tests/bench/gaps.py [ENTERPRISES]

The graph is the shipped pack, the A-share companies of the real data folder at their own cities with
their own revenue (beside the checkout or at CHAINATLAS_SHARED; made up where absent), and made-up
enterprises up to ENTERPRISES, all with seeded products. The peer is the same question asked city by
city and cluster by cluster with ``find_gaps``, on a sample of cities that is scaled up; its answers
must be the same. The last line is JSON.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from chainatlas.analysis.gaps import find_gaps, survey_gaps
from chainatlas.analysis.scope import Scope
from chainatlas.graph import TABLES, ChainGraph, open_store
from chainatlas.graph import regions as geo
from chainatlas.graph.chain import typed
from chainatlas.ingest import load, open_pack

SEED = 20240517
ROOT = Path(__file__).parents[2]
LISTED = "real/ashare_2020/cn_corp202012.csv"
SAMPLE = 4


def cities() -> list[str]:
    """Every city of the table of regions, and the counties that stand directly below a province."""
    return [code for code in geo.names() if geo.level(code) == "city"]


def listed() -> list[tuple[str, float, float]]:
    """City, revenue and employees of the listed companies; empty where the data are absent."""
    path = Path(os.environ.get("CHAINATLAS_SHARED", ROOT.parent / "shared")) / LISTED
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    place = {city: geo.resolve(city) for city in {row["city"] for row in rows}}
    return [(place[row["city"]], amount(row["revenue20"]), amount(row["employee"])) for row in rows]


def amount(text: str) -> float:
    """A number, NaN where unknown or not positive."""
    value = float(text) if text not in ("", "--") else float("nan")
    return value if value > 0 else float("nan")


def national(enterprises: int) -> ChainGraph:
    """The shipped pack enlarged to a national graph."""
    with tempfile.TemporaryDirectory() as place:
        store = open_store(str(Path(place) / "store.db"), create=True)
        load(store, [open_pack(ROOT / "data" / "hubei")])
        shipped = store.view().graph()
    rng = np.random.default_rng(SEED)
    real = listed()
    missing = max(0, enterprises - len(shipped["enterprises"]) - len(real))
    places = cities()
    weight = 1.0 / np.arange(1, len(places) + 1)
    made_up = zip(
        rng.permutation(places)[rng.choice(len(places), missing, p=weight / weight.sum())].tolist(),
        rng.lognormal(19, 1.5, missing).tolist(),
        rng.lognormal(6, 1, missing).tolist(),
        strict=True,
    )
    rows = [*real, *made_up]
    ids = [f"bench{at:07d}" for at in range(len(rows))]
    firms = pd.DataFrame(rows, columns=["region", "revenue", "employees"]).assign(
        id=ids, name=ids, country="CN"
    )
    products = shipped["products"]["id"].to_numpy(dtype=object)
    each = rng.integers(1, 4, len(ids))
    chosen = (rng.random(int(each.sum())) ** 2 * len(products)).astype(int)
    produces = pd.DataFrame(
        {"enterprise": np.repeat(np.asarray(ids, dtype=object), each), "product": products[chosen]}
    ).drop_duplicates()
    produces = produces.assign(role="maker", maturity="mass")
    more = {"enterprises": firms, "produces": produces}
    tables = dict(shipped.tables)
    for name, frame in more.items():
        whole = pd.concat([tables[name], typed(frame, TABLES[name])], ignore_index=True)
        tables[name] = whole[list(TABLES[name].names)]
    return ChainGraph({name: frame[list(TABLES[name].names)] for name, frame in tables.items()})


def main(enterprises: int) -> None:
    graph, places = national(enterprises), cities()
    clusters = graph["clusters"]["id"].tolist()
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
    print(
        json.dumps(
            {
                "peer": f"find_gaps one by one, {len(sample)} cities scaled up",
                "ratio": float(f"{peer / ours:.3g}"),
                "ours_s": round(ours, 3),
                "peer_s": round(peer, 2),
                "ours_mb": round(megabytes, 1),
                "size": f"{len(places)} cities x {len(clusters)} clusters = {answers} answers, "
                f"{len(graph['enterprises'])} enterprises, {len(graph['produces'])} outputs",
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
