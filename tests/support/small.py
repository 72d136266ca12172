"""Graphs of a few facts without a store, for tests of analyses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainatlas.graph import TABLES, ChainGraph
from making import Row, table

#: What ingest fills in where a pack leaves it out.
DEFAULTS: Mapping[str, Row] = {
    "enterprises": {"country": "CN"},
    "produces": {"role": "maker", "maturity": "mass"},
    "inputs": {"criticality": 0.5},
}


def graph_of(tables: Mapping[str, Sequence[Row]], version: int = 1) -> ChainGraph:
    """A graph from rows by table; names are ids where not given."""
    frames = {}
    for name, rows in tables.items():
        filled: list[Row] = []
        for row in rows:
            named = {"name": row["id"]} if "name" in TABLES[name].names and "id" in row else {}
            filled.append({**DEFAULTS.get(name, {}), **named, **row})
        frames[name] = table(name, filled)
    return ChainGraph(frames, version)
