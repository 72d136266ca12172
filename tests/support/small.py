"""Graphs of a few facts without a store, for tests of analyses."""

from __future__ import annotations

from collections.abc import Sequence

from chainatlas.graph import TABLES, ChainGraph
from making import Row, table

#: What ingest fills in where a pack leaves it out.
DEFAULTS = {
    "enterprises": {"country": "CN"},
    "produces": {"role": "maker", "maturity": "mass"},
    "inputs": {"criticality": 0.5},
}


def graph_of(version: int = 1, **tables: Sequence[Row]) -> ChainGraph:
    """A graph from rows by table; names are ids where not given."""
    frames = {}
    for name, rows in tables.items():
        named = "name" in TABLES[name].names
        filled = [
            {**DEFAULTS.get(name, {}), **({"name": row["id"]} if named else {}), **row}
            for row in rows
        ]
        frames[name] = table(name, filled)
    return ChainGraph(frames, version)
