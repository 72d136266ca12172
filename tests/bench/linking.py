"""Product linking against jieba.cut, on real texts with one dictionary.

    python tests/bench/linking.py [REPEATS [TIMES]]

The texts are the main businesses and product types of the A-share list of 2020, the dictionary the
product names of ChainKnowledgeGraph, both from the shared folder. Each figure is the best of some
runs after a first one. The last line is a JSON list, one object a stage: the bare matcher on one
buffer, the same row by row, and complete linking (roles, negation, context). Peer is jieba.cut on
the same texts with the same names in its dictionary. TIMES repeats the texts, each time for other
companies, to show what larger tables take.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jieba
import pandas as pd

from chainatlas.ingest.linking import Linker
from chainatlas.ingest.linking.buffer import Buffer

ROOT = Path(__file__).parent.parent.parent
SHARED = Path(os.environ.get("CHAINATLAS_SHARED", ROOT.parent / "shared"))


def texts() -> pd.DataFrame:
    path = SHARED / "real" / "ashare_2020" / "cn_corp202012.csv"
    table = pd.read_csv(path, dtype="str", encoding="utf-8-sig").fillna("")
    parts = [
        pd.DataFrame(
            {
                "enterprise": table["stockid"],
                "field": field,
                "text": table[column],
                "industry": table["industry"],
            }
        )
        for field, column in (("products", "producttype"), ("main_business", "mainbusiness"))
    ]
    return pd.concat(parts, ignore_index=True)


def products() -> pd.DataFrame:
    path = SHARED / "real" / "chainkg" / "product.json"
    names = pd.read_json(path, lines=True)["name"].astype(str).str.strip()
    names = names[names != ""].drop_duplicates().reset_index(drop=True)
    return pd.DataFrame({"id": names, "name": names})


def seconds(work: Callable[[], object], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats + 1):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def main(repeats: int, times: int) -> None:
    """Run every stage and print the results."""
    one, names = texts(), products()
    table = pd.concat(
        [one.assign(enterprise=one["enterprise"] + f"-{time}") for time in range(times)],
        ignore_index=True,
    )
    rows = table["text"].tolist()
    size = sum(len(row.encode()) for row in rows)
    began = time.perf_counter()
    linker = Linker(names)
    built = time.perf_counter() - began
    jieba.setLogLevel(logging.WARNING)
    segmenter = jieba.Tokenizer()
    for name in names["name"]:
        segmenter.add_word(name)

    buffer = Buffer.of(rows)
    lines = buffer.text.split("\n")
    find = linker.names.matches
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    measured = {
        "bare matcher, one buffer": seconds(lambda: find(buffer.text), repeats),
        "bare matcher, row by row": seconds(lambda: [find(line) for line in lines], repeats),
        "complete linking": seconds(lambda: linker.link(table), repeats),
    }
    peer = seconds(lambda: [list(segmenter.cut(row)) for row in rows], max(1, repeats // 3))
    links = linker.link(table)
    print(
        f"{len(names)} names ({len(linker.names.terms)} terms, built in {built:.2f} s), "
        f"{len(links)} links; jieba.cut {size / peer / 1e6:.2f} MB/s",
        file=sys.stderr,
    )
    print(
        json.dumps(
            [
                {
                    "peer": f"jieba.cut {jieba.__version__}",
                    "stage": stage,
                    "ratio": float(f"{peer / ours:.3g}"),
                    "ours_s": round(ours, 4),
                    "peer_s": round(peer, 4),
                    "ours_mb": round(memory, 1),
                    "size": f"{len(rows)} texts, {size / 1e6:.2f} MB, {len(names)} names",
                }
                for stage, ours in measured.items()
            ],
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    given = [int(value) for value in sys.argv[1:]]
    main(given[0] if given else 6, given[1] if len(given) > 1 else 1)
