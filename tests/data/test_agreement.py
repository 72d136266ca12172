"""Computed primary actions against what was expected before anything was computed.

``tests/expected`` holds one file per question, ``CLUSTER-REGION.csv``; see its README for how the
answers were written. A product that the pack no longer has in the cluster counts as a difference.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from chainatlas.analysis.gaps import STATES, find_gaps
from chainatlas.analysis.scope import Scope
from chainatlas.graph import open_store, regions
from chainatlas.graph.chain import ChainGraph
from chainatlas.ingest import load, open_pack

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "tests" / "expected").glob("*-*.csv"))
#: Share of products whose computed primary is the expected or the other accepted answer: what the
#: pack shall reach, and what it has reached and may not fall below.
AIM, REACHED = 0.8, {"display-420100": 0.84, "ic-420100": 0.8}
GONE = "not in cluster"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> ChainGraph:
    store = open_store(str(tmp_path_factory.mktemp("agreement") / "hubei.db"), create=True)
    try:
        load(store, [open_pack(ROOT / "data" / "hubei")])
        return store.view().graph()
    finally:
        store.close()


def expected(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def question(path: Path) -> tuple[str, str]:
    """Cluster and region of a file."""
    cluster, _, region = path.stem.rpartition("-")
    return cluster, region


def crosstab(pairs: Counter[tuple[str, str]]) -> str:
    """Counts by expected (rows) and computed (columns) primary."""
    columns = [s for s in (*STATES, GONE) if any(c == s for _, c in pairs)]
    lines = [" " * 12 + "".join(f"{c:>16}" for c in columns)]
    lines += [
        f"{e:<12}" + "".join(f"{pairs[e, c]:>16}" for c in columns)
        for e in STATES
        if any(r == e for r, _ in pairs)
    ]
    return "\n".join(lines)


def test_there_are_expectations() -> None:
    assert FILES, "no files in tests/expected"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_expectations_are_well_formed(path: Path) -> None:
    cluster, region = question(path)
    assert cluster
    assert regions.exists(region)
    rows = expected(path)
    assert set(rows[0]) == {"product", "primary", "accept", "reason"}
    products = [row["product"] for row in rows]
    assert len(set(products)) == len(products), "a product stands twice"
    wrong = [
        row["product"]
        for row in rows
        if row["primary"] not in STATES
        or (row["accept"] and row["accept"] not in STATES)
        or not row["reason"].strip()
    ]
    assert not wrong, f"unknown answer or no reason: {wrong[:20]}"
    accepted = sum(1 for row in rows if row["accept"])
    assert accepted <= len(rows) / 4, f"a second answer in {accepted} of {len(rows)} rows"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_primary_actions_agree_with_the_expected(path: Path, graph: ChainGraph) -> None:
    cluster, region = question(path)
    table = find_gaps(Scope.of(graph, region, cluster)).table
    computed = dict(zip(table["product"].tolist(), table["primary"].tolist(), strict=True))
    rows = expected(path)
    pairs: Counter[tuple[str, str]] = Counter()
    differ = []
    exact = 0
    for row in rows:
        answer = str(computed.get(row["product"], GONE))
        pairs[row["primary"], answer] += 1
        exact += answer == row["primary"]
        if answer not in (row["primary"], row["accept"]):
            also = f" or {row['accept']}" if row["accept"] else ""
            differ.append(
                f"  {row['product']}: expected {row['primary']}{also}, computed {answer}"
                f" ({row['reason']})"
            )
    share = 1 - len(differ) / len(rows)
    missing = sorted(set(computed) - {row["product"] for row in rows})
    report = "\n".join(
        [
            f"{path.stem}: {share:.1%} agree, {exact / len(rows):.1%} exactly, of {len(rows)};"
            f" {AIM:.0%} is the aim",
            "expected (rows) by computed (columns):",
            crosstab(pairs),
            f"products without expectation: {', '.join(missing) or 'none'}",
            "differences:",
            *differ,
        ]
    )
    print(report)
    wanted = REACHED[path.stem] * len(rows)
    assert len(rows) - len(differ) >= wanted, f"{share:.1%} agree; crosstab and differences below"
