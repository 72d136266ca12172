"""Nodes of each kind as lists and one by one, derived from the schema's declaration."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, create_model

from ...analysis.economy import Mask
from ...graph import regions as geo
from ...graph.chain import ChainGraph, records, split_list
from ...graph.errors import NotFoundError
from ...graph.schema import NODES, TABLES, Column, Table
from .. import answers
from . import documents
from .formats import Json, dumps, kinds
from .listing import Listing, Page
from .parameters import Code, Word

#: Node kinds that stand in tables, by table.
KINDS: Mapping[str, str] = {kind.table: kind.name for kind in NODES.values() if kind.table}
#: Facts of one table that a node's own answer shows; all of them are in the graph's routes.
SHOWN = 100


def filters(table: Table) -> dict[str, Column]:
    """Columns that a list can be narrowed by: codes with names, places and references."""
    return {
        c.name: c
        for c in table.own
        if c.choices or c.type in ("adcode", "country") or (c.ref and not c.key)
    }


def page_model(table: Table) -> type[Page]:
    """The parameters of a table's list."""
    members: dict[str, Any] = {}
    for name, column in filters(table).items():
        if column.choices:
            kind: Any = Literal[tuple(column.choices)]
        else:
            kind = Code if column.type == "adcode" else Word
        below = "（含下级）" if column.type == "adcode" else ""
        members[name] = (Annotated[kind | None, Field(description=column.zh + below)], None)
    about = Field(description="名称、别名、代码的一部分，或拼音首字母。", max_length=100)
    members["q"] = (Annotated[Word | None, about], None)
    made: type[Page] = create_model(f"{table.name.capitalize()}Page", __base__=Page, **members)
    return made


def document_schema(table: Table) -> Json:
    """The JSON Schema of a page of a table's list."""
    return documents.listing(table.name, table.name, row_schema(table.name))


def row_schema(table: str) -> Json:
    """The JSON Schema of a row of a table's list."""
    row = documents.node(table)
    return documents.extended(row, {}, _COUNTS) if table == "clusters" else row


_COUNTS: Json = {
    name: {"type": "integer", "description": zh, "unit": "count"}
    for name, zh in (("links", "环节数"), ("products", "产品数"))
}


def nodes(graph: ChainGraph, table: str, page: Page, found: Iterable[str] | None) -> Listing:
    """The nodes of a table that a page asks for, by id.

    Args:
        graph: The facts.
        table: Of which.
        page: Made by :func:`page_model`.
        found: Ids that a search found, None where nothing was searched for.

    Raises:
        NotFoundError: A filter names no region.
    """
    keep = np.ones(len(graph[table]), dtype=bool)
    for name, column in filters(TABLES[table]).items():
        wanted = getattr(page, name)
        if wanted is not None:
            keep &= _matches(graph, table, column, wanted)
    if found is not None:
        asked = np.zeros(len(keep), dtype=bool)
        at = graph.position(table, list(found))
        asked[at[at >= 0]] = True
        keep &= asked
    rows = np.flatnonzero(keep)
    ids = graph.text(table, "id")[rows].tolist()
    extra = _cluster_counts(graph) if table == "clusters" else {}

    def encode(chosen: Sequence[int]) -> list[bytes]:
        frame = graph[table].iloc[[int(rows[i]) for i in chosen]]
        return [dumps({**row, **extra.get(row["id"], {})}) for row in plain(frame, TABLES[table])]

    head = {"version": graph.version}
    return Listing(table, head, table, ids, encode, kinds(row_schema(table)))


def _cluster_counts(graph: ChainGraph) -> dict[str, Json]:
    rows = answers.clusters_answer(graph).document["clusters"]
    return {row["id"]: {name: int(row[name]) for name in _COUNTS} for row in rows}


def _matches(graph: ChainGraph, table: str, column: Column, wanted: str) -> Mask:
    if column.many:
        rows, values = graph.listed(table, column.name)
        keep = np.zeros(len(graph[table]), dtype=bool)
        keep[rows[values == wanted]] = True
        return keep
    values = graph.text(table, column.name)
    if column.type == "adcode":
        if not geo.exists(wanted):
            raise NotFoundError(f"没有这个地区：{wanted}。")
        return geo.within(values, wanted)
    return np.asarray(values == wanted)


def plain(frame: pd.DataFrame, table: Table) -> list[Json]:
    """Rows for JSON: lists as lists, whole numbers as such, null where empty."""
    return [
        {
            **{c.name: _value(row[c.name], c) for c in table.columns},
            "pack": row.get("pack"),
        }
        for row in records(frame)
    ]


def _value(value: Any, column: Column) -> Any:
    missing = value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
    if column.many:
        return [] if missing else split_list(value)
    if missing:
        return None
    return int(value) if column.whole else value


def node_schema(table: str) -> Json:
    """The JSON Schema of one node with its facts."""
    facts = {
        name: {
            "type": "object",
            "description": TABLES[name].zh,
            "properties": {
                "total": {"type": "integer"},
                "rows": {"type": "array", "items": documents.node(name)},
            },
            "required": ["total", "rows"],
        }
        for name in _about(table)
    }
    return {
        "title": f"chainatlas {KINDS[table]}",
        "type": "object",
        "properties": {
            "schema": {"const": "chainatlas.node/1"},
            "version": {"type": "integer", "description": "数据版本。"},
            "kind": {"const": KINDS[table]},
            "node": row_schema(table),
            "facts": {"type": "object", "properties": facts, "required": list(facts)},
        },
        "required": ["schema", "version", "kind", "node", "facts"],
    }


def _about(table: str) -> dict[str, list[Column]]:
    """Tables whose facts name a node of a table, and the columns that do."""
    found: dict[str, list[Column]] = {}
    for name, declared in TABLES.items():
        columns = [c for c in declared.own if c.ref == table]
        if columns and name != "rules":
            found[name] = columns
    return found


def node(graph: ChainGraph, table: str, one: str) -> Json:
    """One node, and the facts that name it with their sources.

    Raises:
        NotFoundError: There is none.
    """
    at = int(graph.position(table, [one])[0])
    if at < 0:
        raise NotFoundError(f"没有这个{TABLES[table].zh}：{one}。")
    (row,) = plain(graph[table].iloc[[at]], TABLES[table])
    if table == "clusters":
        row |= _cluster_counts(graph)[one]
    facts = {}
    for name, columns in _about(table).items():
        keep = np.zeros(len(graph[name]), dtype=bool)
        for column in columns:
            keep |= _matches(graph, name, column, one)
        rows = np.flatnonzero(keep)
        shown = graph[name].iloc[rows[:SHOWN]]
        facts[name] = {"total": len(rows), "rows": plain(shown, TABLES[name])}
    return {
        "schema": "chainatlas.node/1",
        "version": graph.version,
        "kind": KINDS[table],
        "node": row,
        "facts": facts,
    }


REGION: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "GB/T 2260 代码。"},
        "name": {"type": "string"},
        "full_name": {"type": "string"},
        "level": {"enum": ["country", "province", "city", "county"]},
        "parent": {"type": ["string", "null"]},
        **{
            table: {
                "type": "integer",
                "unit": "count",
                "description": f"{TABLES[table].zh}数（含下级）",
            }
            for table in ("clusters", "enterprises", "institutes", "projects")
        },
    },
}
REGION["required"] = list(REGION["properties"])


def region_rows(graph: ChainGraph, codes: Sequence[str]) -> list[Json]:
    """Regions with what stands in them, those below counted in."""
    counts = {}
    for table in ("clusters", "enterprises", "institutes", "projects"):
        places, number = np.unique(graph.text(table, "region"), return_counts=True)
        total: dict[str, int] = {}
        for code, count in zip(places.tolist(), number.tolist(), strict=True):
            for above in geo.ancestors(code) if geo.exists(code) else ():
                total[above] = total.get(above, 0) + count
        counts[table] = total
    return [
        {
            "id": code,
            "name": geo.name(code),
            "full_name": geo.full_name(code),
            "level": geo.level(code),
            "parent": next(iter(geo.ancestors(code)[1:]), None),
            **{table: total.get(code, 0) for table, total in counts.items()},
        }
        for code in codes
    ]
