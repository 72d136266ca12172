"""How the graph stands in Neo4j: two layers, both derived from the schema's declaration.

The *record* keeps every fact of every version as a node labelled ``Fact_TABLE`` with its interval
of versions. The *graph* is what people read: ``(:Enterprise)-[:PRODUCES]->(:Product)``, the facts
of the newest version, merged from all packs as the analyses see them. Statements are built here
once from declared names; values are only ever parameters, one list per column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

from . import regions
from .chain import PACK, ChainGraph, among, split_list
from .errors import StoreError
from .facts import STORED, missing_from, own_columns
from .schema import EDGES, NODES, TABLES, EdgeKind, Table

#: Rows one statement carries.
BATCH = 10_000
#: A record's own number, so that it can be closed later.
FACT = "fact"
#: Longest id an index of Neo4j takes, in bytes of UTF-8, with room for its own marks.
LONGEST_ID = 8000

Cells = dict[str, list[Any]]
Statement = tuple[str, dict[str, Any]]


def _name(text: str) -> str:
    """A declared name as an identifier."""
    assert text.isidentifier(), text
    return f"`{text}`"


def label(table: Table) -> str:
    """Label of a table's records."""
    return f"Fact_{table.name}"


#: Constraints and indexes by name, with what makes them.
INDEXES: Mapping[str, str] = {
    "chainatlas_store": "CREATE CONSTRAINT chainatlas_store IF NOT EXISTS"
    " FOR (n:ChainAtlas) REQUIRE n.application IS UNIQUE",
    "chainatlas_version": "CREATE CONSTRAINT chainatlas_version IF NOT EXISTS"
    " FOR (n:Version) REQUIRE n.number IS UNIQUE",
    **{
        f"chainatlas_{kind.name.lower()}": f"CREATE CONSTRAINT chainatlas_{kind.name.lower()}"
        f" IF NOT EXISTS FOR (n:{_name(kind.name)}) REQUIRE n.id IS UNIQUE"
        for kind in NODES.values()
    },
    # Analysts search names by parts of words; filled in the background, so loads do not wait.
    "names": "CREATE FULLTEXT INDEX names IF NOT EXISTS"
    f" FOR (n:{'|'.join(_name(kind) for kind in NODES)}) ON EACH [n.name, n.aliases] OPTIONS"
    " {indexConfig: {`fulltext.analyzer`: 'cjk', `fulltext.eventually_consistent`: true}}",
}


def _cells(column: pd.Series) -> list[Any]:
    """Values for the driver, None where empty."""
    if column.dtype == "int64":
        return column.tolist()
    return column.astype(object).where(column.notna(), None).tolist()


def _batches(frame: pd.DataFrame, lists: frozenset[str] = frozenset()) -> Iterator[Cells]:
    """A frame by columns, some rows at a time; ``lists`` names columns of list cells."""
    for start in range(0, len(frame), BATCH):
        part = frame.iloc[start : start + BATCH]
        cells = {str(name): _cells(part[name]) for name in part.columns}
        for name in lists & cells.keys():
            cells[name] = [None if v is None else split_list(v) for v in cells[name]]
        yield cells


def _set(names: list[str]) -> str:
    """A map of properties from the columns of a batch, row ``i``."""
    return ", ".join(f"{_name(n)}: $cells.{_name(n)}[i]" for n in names)


_EACH = "UNWIND range(0, $count - 1) AS i"


def _filled(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame without the columns that are empty all the way."""
    return frame.loc[:, frame.notna().any(axis=0)]


# --- The record ----------------------------------------------------------------------------------


def add_records(table: Table, frame: pd.DataFrame) -> Iterator[Statement]:
    """Statements that add records; the frame has FACT, own columns, PACK and SPAN."""
    frame = _filled(frame)
    query = f"{_EACH} CREATE (:{_name(label(table))} {{{_set(list(frame.columns))}}})"
    for cells in _batches(frame):
        yield query, {"cells": cells, "count": len(cells[FACT])}


def close_records(table: Table, facts: list[int], version: int) -> Iterator[Statement]:
    """Statements that end records with a version."""
    # A walk over the table's records; an index of their numbers would double the time of every load.
    query = f"MATCH (n:{_name(label(table))}) WHERE n.{FACT} IN $facts SET n.until = $version"
    for start in range(0, len(facts), 10 * BATCH):
        yield query, {"facts": facts[start : start + 10 * BATCH], "version": version}


def read_records(table: Table, *, every: bool) -> tuple[str, list[str]]:
    """A query for records, with the names of its columns.

    Args:
        table: Which.
        every: Of all versions; otherwise those that hold in ``$version``.
    """
    names = [FACT, *own_columns(table), PACK, "stated"]
    names += ["since", "until"] if every else []
    held = "" if every else " WHERE n.since <= $version AND coalesce(n.until > $version, true)"
    cells = ", ".join(f"[n IN part | n.{_name(n)}] AS {_name(n)}" for n in names)
    # Column by column, some rows at a time: a row of its own for each record costs more to send.
    query = (
        f"MATCH (n:{_name(label(table))}){held} WITH collect(n) AS found"
        f" UNWIND range(0, size(found) - 1, {BATCH}) AS first"
        f" WITH found[first..first + {BATCH}] AS part RETURN {cells}"
    )
    return query, names


def wipe() -> Iterator[Statement]:
    """Statements that delete all that a store keeps, but not the store itself."""
    for name in [*map(label, STORED.values()), *NODES, "Change", "Version"]:
        yield f"MATCH (n:{_name(name)}) DETACH DELETE n", {}


# --- The graph people read -----------------------------------------------------------------------


def nodes_of(graph: ChainGraph, places: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Nodes by kind, with their properties; ``places`` are those of the regions."""
    found = {
        kind.name: graph[kind.table][list(TABLES[kind.table].names)]
        for kind in NODES.values()
        if kind.table
    }
    found["Region"] = places
    return found


def region_nodes(graph: ChainGraph) -> pd.DataFrame:
    """The regions that something is located in, and those above them."""
    named: set[str] = set()
    for edge in EDGES:
        if edge.target_node == "Region":
            named.update(graph[edge.table][edge.target].dropna())
    codes = sorted({c for code in named for c in _chain(code)})
    return pd.DataFrame(
        {
            "id": pd.Series(codes, dtype="str"),
            "name": pd.Series([regions.name(c) for c in codes], dtype="str"),
            "level": pd.Series([regions.level(c) for c in codes], dtype="str"),
        }
    )


def _chain(code: str) -> tuple[str, ...]:
    return regions.ancestors(code) if regions.exists(code) else (code,)


#: Regions stand in no table; their edges follow from the codes.
_ABOVE = EdgeKind("PART_OF", "属于", "", "id", "above", "Region", "Region")


def edges_of(graph: ChainGraph, places: pd.DataFrame) -> list[tuple[EdgeKind, pd.DataFrame]]:
    """Edges by declaration: columns ``from``, ``to`` and their properties."""
    ids = {name: graph.index(kind.table) for name, kind in NODES.items() if kind.table}
    found = [(edge, _edges(graph, edge, ids)) for edge in EDGES]
    pairs = {pair for code in places["id"] for pair in pairwise(_chain(code))}
    above = pd.DataFrame(sorted(pairs), columns=["from", "to"], dtype="str")
    return [*found, (_ABOVE, above)]


def _edges(graph: ChainGraph, edge: EdgeKind, ids: Mapping[str, pd.Index]) -> pd.DataFrame:
    table, frame = TABLES[edge.table], graph[edge.table]
    own = edge_properties(edge)
    if not len(frame):
        return pd.DataFrame({n: pd.Series(dtype="str") for n in ("from", "to", *own)})
    if table.column(edge.target).many:
        rows, values = graph.listed(edge.table, edge.target)
        frame = frame.iloc[rows].assign(**{edge.target: values.astype(object)})
    found = frame[[edge.source, edge.target, *own]]
    found = found.set_axis(["from", "to", *own], axis=1).dropna(subset=["from", "to"])
    for column, kind in (("from", edge.source_node), ("to", edge.target_node)):
        if kind in ids:
            found = found[among(found[column], ids[kind])]
    return found.astype({"from": "str", "to": "str"}).drop_duplicates(ignore_index=True)


def edge_properties(edge: EdgeKind) -> list[str]:
    """Columns that become properties of an edge: none where it follows from a node's own table."""
    names = TABLES[edge.table].names if edge.table else ()
    return [] if "id" in names else [n for n in names if n not in (edge.source, edge.target)]


def _apart(edge: EdgeKind) -> list[str]:
    """Properties that tell parallel edges of one kind apart."""
    key = TABLES[edge.table].key if edge.table else ()
    return [n for n in edge_properties(edge) if n in key]


def publish(old: ChainGraph, new: ChainGraph) -> Iterator[Statement]:
    """Statements that turn the graph people read from one state into another."""
    regions_old, regions_new = region_nodes(old), region_nodes(new)
    before, after = nodes_of(old, regions_old), nodes_of(new, regions_new)
    edges = list(zip(edges_of(old, regions_old), edges_of(new, regions_new), strict=True))
    for (edge, gone), (_, come) in edges:
        yield from _drop_edges(edge, gone[missing_from(gone, come)])
    for kind, frame in after.items():
        yield from _change_nodes(kind, before[kind], frame)
    for (edge, gone), (_, come) in edges:
        yield from _add_edges(edge, come[missing_from(come, gone)])


def _change_nodes(kind: str, old: pd.DataFrame, new: pd.DataFrame) -> Iterator[Statement]:
    table = NODES[kind].table
    lists = frozenset(c.name for c in TABLES[table].columns if c.many) if table else frozenset()
    node = f"(n:{_name(kind)} {{id: $cells.id[i]}})"
    gone = old.loc[~among(old["id"], pd.Index(new["id"])), ["id"]]
    come = new[missing_from(new, old)]
    known = among(come["id"], pd.Index(old["id"]))
    for cells in _batches(gone):
        yield f"{_EACH} MATCH {node} DETACH DELETE n", {"cells": cells, "count": len(cells["id"])}
    for part, verb in ((come[~known], "CREATE"), (come[known], "MATCH")):
        kept = _filled(part) if verb == "CREATE" else part
        names = _set(list(kept.columns))
        for cells in _batches(kept, lists):
            too_long = [v for v in cells["id"] if len(v.encode()) > LONGEST_ID]
            if too_long:
                raise StoreError(f"编码过长，Neo4j 无法索引：{too_long[0][:40]}……")
            query = (
                f"{_EACH} CREATE (:{_name(kind)} {{{names}}})"
                if verb == "CREATE"
                else f"{_EACH} MATCH {node} SET n = {{{names}}}"
            )
            yield query, {"cells": cells, "count": len(cells["id"])}


def _ends(edge: EdgeKind) -> str:
    # Without statistics the planner would compare every pair; the hints say how to look up.
    return (
        f"MATCH (a:{_name(edge.source_node)} {{id: $cells.from[i]}})"
        f" USING INDEX SEEK a:{_name(edge.source_node)}(id)"
        f" MATCH (b:{_name(edge.target_node)} {{id: $cells.to[i]}})"
        f" USING INDEX SEEK b:{_name(edge.target_node)}(id)"
    )


def _add_edges(edge: EdgeKind, frame: pd.DataFrame) -> Iterator[Statement]:
    frame = _filled(frame)
    own = [str(n) for n in frame.columns if n not in ("from", "to")]
    made = f"CREATE (a)-[:{_name(edge.name)} {{{', '.join(['name: $name', _set(own)][: 1 + bool(own)])}}}]->(b)"
    for cells in _batches(frame):
        yield (
            f"{_EACH} {_ends(edge)} {made}",
            {"cells": cells, "count": len(cells["from"]), "name": edge.zh},
        )


def _drop_edges(edge: EdgeKind, frame: pd.DataFrame) -> Iterator[Statement]:
    apart = _apart(edge)
    same = " AND ".join(
        f"coalesce(r.{_name(n)}, '') = coalesce($cells.{_name(n)}[i], '')" for n in apart
    )
    query = (
        f"{_EACH} {_ends(edge)} MATCH (a)-[r:{_name(edge.name)}]->(b)"
        f"{' WHERE ' + same if same else ''} DELETE r"
    )
    for cells in _batches(frame[["from", "to", *apart]]):
        yield query, {"cells": cells, "count": len(cells["from"])}
