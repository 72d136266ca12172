"""Targets of every cluster of Hubei on the real national graph, against the plain way.

    python tests/bench/targets.py DATABASE

DATABASE is a store with the shipped pack and the national sources (``chainatlas ingest`` of
data/hubei, ashare_2020 and the ChainKnowledgeGraph). The peer (tests/support/reference/targets.py)
scores the same candidates gap by gap in plain Python, with chains over NetworkX and neither rank
intervals, facts nor landing places; its scores must be the same. The last line is JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from chainatlas.analysis.gaps import find_gaps
from chainatlas.analysis.scope import Scope
from chainatlas.analysis.targets import find_targets
from chainatlas.graph import open_store
from chainatlas.graph.chain import records
from reference import targets as plain

HUBEI = "420000"


def main() -> None:
    """Time both ways and print how they compare."""
    graph = open_store(sys.argv[1]).view().graph()
    answers = [find_gaps(Scope.of(graph, HUBEI, cluster)) for cluster in graph["clusters"]["id"]]
    start, busy = time.perf_counter(), time.process_time()
    tables = [find_targets(gaps) for gaps in answers]
    ours, cpu = time.perf_counter() - start, time.process_time() - busy
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    found = [plain.scores(gaps) for gaps in answers]
    peer = time.perf_counter() - start
    for table, scores in zip(tables, found, strict=True):
        for row in records(table):
            if row["neighbour_of"] is None:
                values = scores[row["product"], row["enterprise"]]
                score = sum(row["weights"][name] * value for name, value in values.items())
                assert abs(score - row["score"]) < 1e-9, (row["product"], row["name"])
    print(f"{sum(map(len, tables))} targets shown; {cpu:.2f} s of processor time")
    result = {
        "peer": "gap by gap in plain Python, chains over networkx, scores alone",
        "ratio": round(peer / ours, 2),
        "ours_s": round(ours, 3),
        "peer_s": round(peer, 3),
        "ours_mb": round(memory, 1),
        "size": {
            "enterprises": len(graph["enterprises"]),
            "produces": len(graph["produces"]),
            "gaps": sum(len(gaps.acting()) for gaps in answers),
            "candidates": sum(map(len, found)),
        },
    }
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
