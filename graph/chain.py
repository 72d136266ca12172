"""ChainGraph: the whole graph of one version, immutable and in memory.

A table per kind (pandas) plus sparse adjacency (SciPy), built from whatever a store reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal

import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from . import regions
from .rules import Rules, rules_for
from .schema import EDGES, NODES, TABLES, EdgeKind, Table

Codes = npt.NDArray[np.int64]
Texts = npt.NDArray[np.str_]
Floats = npt.NDArray[np.float64]
Direction = Literal["upstream", "downstream"]

#: Columns that say who stated a fact, and in which version: in every table besides its own.
PACK = "pack"
SINCE = "since"


def empty_table(table: Table) -> pd.DataFrame:
    """A table without rows, with the columns and types of its declaration."""
    return typed(pd.DataFrame({name: [] for name in table.names}), table)


def typed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The declared columns of a frame in declared order: doubles for numbers, else text."""
    data = {
        c.name: (
            pd.to_numeric(frame[c.name]).astype("float64")
            if c.numeric
            else frame[c.name].astype("str")
        )
        if c.name in frame
        else pd.Series(np.nan, index=frame.index, dtype="float64" if c.numeric else "str")
        for c in table.columns
    }
    return pd.DataFrame(data, index=frame.index)


def texts(series: pd.Series) -> Texts:
    """A text column as a NumPy array, "" where empty."""
    return series.fillna("").to_numpy(dtype=object).astype(np.str_)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries of plain Python values by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def split_list(cell: str) -> list[str]:
    """The values of a list cell."""
    return [part for part in cell.split(";") if part]


def among(values: pd.Series, ids: pd.Index) -> npt.NDArray[np.bool_]:
    """Which values are among distinct ids: as ``isin``, many times faster for text."""
    return np.asarray(ids.get_indexer(pd.Index(values)) >= 0, dtype=np.bool_)


@dataclass(frozen=True)
class EdgeList:
    """Edges of one kind from one table.

    Attributes:
        kind: The declaration.
        source: Positions of the sources in their node table, shape (n,).
        target: Positions of the targets in their node table, shape (n,).
        rows: Positions of the facts in the table the edges stand in, shape (n,).
    """

    kind: EdgeKind
    source: Codes
    target: Codes
    rows: Codes


class ChainGraph:
    """An immutable graph of one version of the facts.

    Args:
        tables: Facts by table name, as a store keeps them; facts about the same key from several
            packs are merged (see :func:`merge_packs`). Tables not given are empty.
        version: The store's version number of these facts.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], version: int = 0) -> None:
        merged = {
            name: merge_packs(tables[name], table) if name in tables else empty_table(table)
            for name, table in TABLES.items()
        }
        self.version = version
        self._tables = MappingProxyType(_without_dangling(merged))
        self._index: dict[str, pd.Index] = {}
        self._arrays: dict[tuple[str, str], npt.NDArray[np.str_]] = {}
        self._edges: dict[str, list[EdgeList]] = {}
        self._adjacency: dict[tuple[str, Direction], sparse.csr_array] = {}

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Every table by name. Treat them as read-only."""
        return self._tables

    def __getitem__(self, table: str) -> pd.DataFrame:
        return self._tables[table]

    def __len__(self) -> int:
        return sum(len(self[kind.table]) for kind in NODES.values() if kind.table)

    def index(self, table: str) -> pd.Index:
        """Ids of a node table, in row order."""
        if table not in self._index:
            self._index[table] = pd.Index(self[table]["id"])
        return self._index[table]

    def position(self, table: str, ids: pd.Series | Iterable[str]) -> Codes:
        """Row positions of ids in a node table; -1 where empty or unknown."""
        wanted = ids if isinstance(ids, pd.Series) else pd.Series(list(ids), dtype="str")
        return np.asarray(self.index(table).get_indexer(pd.Index(wanted)), dtype=np.int64)

    def text(self, table: str, column: str) -> Texts:
        """A text column as a NumPy array, "" where empty."""
        if (table, column) not in self._arrays:
            self._arrays[table, column] = texts(self[table][column])
        return self._arrays[table, column]

    def number(self, table: str, column: str) -> Floats:
        """A number column as doubles, NaN where empty."""
        return self[table][column].to_numpy(dtype=np.float64)

    def listed(self, table: str, column: str) -> tuple[Codes, Texts]:
        """A list column taken apart: row positions and single values, both of shape (n,)."""
        cells = self[table][column].reset_index(drop=True).dropna().str.split(";").explode()
        cells = cells[cells != ""]
        return cells.index.to_numpy(dtype=np.int64), texts(cells)

    def rules(self, cluster: str | None = None) -> Rules:
        """The rules in force for a cluster, or the top level."""
        rows = self["rules"]
        names = zip(
            self.text("rules", "cluster").tolist(),
            self.text("rules", "name").tolist(),
            rows["value"].tolist(),
            strict=True,
        )
        return rules_for(names, cluster)

    def edges(self, kind: str) -> list[EdgeList]:
        """Edges of a kind between nodes that stand in tables, one list per declaration."""
        if kind not in self._edges:
            self._edges[kind] = [self._edge_list(e) for e in EDGES if e.name == kind and e.inner]
        return self._edges[kind]

    def _edge_list(self, edge: EdgeKind) -> EdgeList:
        from_table, to_table = NODES[edge.source_node].table, NODES[edge.target_node].table
        assert from_table is not None
        assert to_table is not None
        if TABLES[edge.table].column(edge.target).many:
            rows, values = self.listed(edge.table, edge.target)
            target = self.position(to_table, pd.Series(values, dtype="str"))
            source = self.position(from_table, self[edge.table][edge.source])[rows]
        else:
            rows = np.arange(len(self[edge.table]), dtype=np.int64)
            source = self.position(from_table, self[edge.table][edge.source])
            target = self.position(to_table, self[edge.table][edge.target])
        known = (source >= 0) & (target >= 0)
        return EdgeList(edge, source[known], target[known], rows[known])

    def _within_one_table(self, kind: str) -> tuple[EdgeList, str]:
        """The edges of a kind that joins nodes of one table, and that table.

        Raises:
            ValueError: The kind joins other nodes.
        """
        declared = [e for e in EDGES if e.name == kind]
        if len(declared) != 1 or declared[0].source_node != declared[0].target_node:
            raise ValueError(f"{kind} does not join nodes of one kind")
        table = NODES[declared[0].source_node].table
        assert table is not None
        return self.edges(kind)[0], table

    def adjacency(self, kind: str, direction: Direction = "downstream") -> sparse.csr_array:
        """Edges of a kind within one node table as a sparse 0/1 matrix.

        Args:
            kind: Edge kind that joins nodes of one table, such as ``INPUT_TO``.
            direction: ``downstream``: row = source; ``upstream``: row = target.

        Returns:
            Matrix of shape (nodes, nodes).

        Raises:
            ValueError: The kind joins nodes of different tables.
        """
        if (kind, direction) not in self._adjacency:
            edges, table = self._within_one_table(kind)
            size = len(self[table])
            ends = (edges.source, edges.target)
            rows, columns = ends if direction == "downstream" else ends[::-1]
            ones = np.ones(len(rows), dtype=np.bool_)
            matrix = sparse.csr_array((ones, (rows, columns)), shape=(size, size))
            self._adjacency[kind, direction] = matrix.astype(np.int8)
        return self._adjacency[kind, direction]

    def closure(
        self, kind: str, start: Iterable[str], direction: Direction, depth: int | None = None
    ) -> pd.DataFrame:
        """Nodes reached over edges of one kind, breadth first.

        Args:
            kind: Edge kind, such as ``INPUT_TO``.
            start: Ids to start from; unknown ids are ignored.
            direction: ``upstream`` walks from targets to sources.
            depth: Most steps to take; None for all.

        Returns:
            Columns id and steps (0 for the start), by steps then id.
        """
        _, table = self._within_one_table(kind)
        matrix = self.adjacency(kind, direction)
        steps = np.full(len(self[table]), -1, dtype=np.int64)
        frontier = self.position(table, start)
        frontier = np.unique(frontier[frontier >= 0])
        steps[frontier] = 0
        taken = 0
        while len(frontier) and (depth is None or taken < depth):
            taken += 1
            spans = [matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]] for i in frontier]
            reached = np.unique(np.concatenate(spans)).astype(np.int64)
            frontier = reached[steps[reached] < 0]
            steps[frontier] = taken
        seen = np.flatnonzero(steps >= 0)
        found = pd.DataFrame({"id": self.index(table)[seen], "steps": steps[seen]})
        return found.sort_values(["steps", "id"], ignore_index=True)

    def to_networkx(self) -> nx.MultiDiGraph[Any]:
        """The graph for NetworkX: nodes ``(kind, id)``, edges keyed by kind, facts as attributes.

        The kinds stand in the attributes ``node_kind`` and ``edge_kind``. Regions that a fact
        names, and those above them, are nodes too.
        """
        result: nx.MultiDiGraph[Any] = nx.MultiDiGraph(version=self.version)
        for kind in NODES.values():
            if kind.table:
                for row in records(self[kind.table]):
                    result.add_node((kind.name, row["id"]), node_kind=kind.name, **_present(row))
        for edge in EDGES:
            table = TABLES[edge.table]
            many = table.column(edge.target).many
            # Where the ends are not the whole key, the rest of it tells parallel edges apart.
            rest = [c for c in table.key if c not in (edge.source, edge.target)]
            for row in records(self[edge.table]):
                targets = row[edge.target]
                if not isinstance(row[edge.source], str) or not isinstance(targets, str):
                    continue
                own = {} if "id" in row else _present(row)
                apart = [own[c] for c in rest if c in own]
                key = (edge.name, *apart) if apart else edge.name
                for target in split_list(targets) if many else [targets]:
                    ends = ((edge.source_node, row[edge.source]), (edge.target_node, target))
                    if edge.target_node == "Region":
                        _add_region(result, target)
                    if ends[0] in result and ends[1] in result:
                        result.add_edge(*ends, key=key, edge_kind=edge.name, **own)
        return result


def _present(row: Mapping[str, object]) -> dict[str, object]:
    return {k: v for k, v in row.items() if isinstance(v, str) or v == v}


def _add_region(result: nx.MultiDiGraph[Any], code: str) -> None:
    chain = regions.ancestors(code)
    for region in chain:
        name = regions.name(region)
        result.add_node(("Region", region), node_kind="Region", id=region, name=name)
    for below, above in pairwise(chain):
        result.add_edge(("Region", below), ("Region", above), key="PART_OF", edge_kind="PART_OF")


def merge_packs(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """One row per key, sorted by key, from the facts of all packs.

    Where several packs state the same key, each column takes its value from the newest fact that
    has one (``as_of``, then the later load); lists are joined, newest first.

    Args:
        frame: Facts with the table's columns and, where they come from a store, PACK and SINCE.
        table: The declaration.

    Returns:
        The table's columns and PACK (of the newest fact), index 0..n-1.
    """
    key = list(table.key)
    columns = [*table.names, *([PACK] if PACK in frame else [])]
    repeated = frame.duplicated(key, keep=False)
    if repeated.any():
        order = [*key, "as_of", *([SINCE] if SINCE in frame else [])]
        ascending = [True] * len(key) + [False] * (len(order) - len(key))
        newest = frame[repeated].sort_values(order, ascending=ascending, kind="stable")
        groups = newest.groupby(key, dropna=False, sort=False)
        joined = groups.first().reset_index()
        for column in table.columns:
            if column.many:
                lists = groups[column.name].agg(_join_lists).reset_index(drop=True)
                joined[column.name] = lists.astype("str")
        # Who says it must stay one fact's word: source, date and the like are never mixed.
        stated = [c for c in ("source", "as_of", "confidence", "method") if c in columns]
        heads = newest.drop_duplicates(key).reset_index(drop=True)
        joined[stated] = heads[stated]
        frame = pd.concat([frame.loc[~repeated, columns], joined[columns]])
    return frame[columns].sort_values(key, ignore_index=True, kind="stable")


def _join_lists(cells: pd.Series) -> object:
    values = [v for cell in cells.dropna() for v in split_list(cell)]
    return ";".join(dict.fromkeys(values)) or None


def _without_dangling(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables without facts about nodes that their own pack has withdrawn since."""
    ids = {name: pd.Index(frame["id"]) for name, frame in tables.items() if "id" in frame}
    for name, frame in tables.items():
        keep = pd.Series(True, index=frame.index)
        for column in TABLES[name].columns:
            if column.ref and not column.many:
                values = frame[column.name]
                keep &= values.isna() | among(values, ids[column.ref])
        if not keep.all():
            tables[name] = frame[keep].reset_index(drop=True)
    return tables
