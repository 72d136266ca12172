"""ChainGraph: the whole graph of one version, immutable and in memory.

A table per kind (pandas) plus sparse adjacency (SciPy), built from whatever a store reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
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


def spans(starts: Codes, lengths: Codes) -> Codes:
    """Consecutive integers from each start, one run after the other.

    >>> spans(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(lengths) - lengths
    found: Codes = np.arange(int(lengths.sum()), dtype=np.int64)
    found += np.repeat(starts - before, lengths)
    return found


def walk_all(
    matrix: sparse.csr_array, walks: Codes, nodes: Codes, depth: int | None = None
) -> tuple[Codes, Codes, Codes]:
    """Breadth-first walks from many starts at once.

    A walk (high bits) and a node (low bits) make one number, so that a step of all walks is one
    gathering and one sort.

    Args:
        matrix: Row leads to column, shape (n, n).
        walks: Number of the walk of each start, shape (s,).
        nodes: The start, shape (s,).
        depth: Most steps to take; None for all.

    Returns:
        Walk, node and fewest steps of everything reached, starts too, by steps, walk and node.
    """
    bits = max(matrix.shape[0] - 1, 1).bit_length()
    # Half as wide numbers sort in half the time.
    narrow = (int(walks.max(initial=0)) + 1) << bits < 2**31
    keys = (walks << bits) | nodes
    frontier = _distinct(keys.astype(np.int32) if narrow else keys)
    seen, found, taken = frontier, [frontier], 0
    while len(frontier) and (depth is None or taken < depth):
        taken += 1
        node = frontier & ((1 << bits) - 1)
        first = matrix.indptr[node].astype(np.int64)
        count = matrix.indptr[node + 1] - first
        reached = np.repeat(frontier - node, count)
        reached |= matrix.indices[spans(first, count)].astype(reached.dtype)
        frontier = _without(_distinct(reached), seen)
        if depth is None or taken < depth:
            seen = np.sort(np.concatenate([seen, frontier]), kind="stable")
        found.append(frontier)
    whole = np.concatenate(found).astype(np.int64)
    steps = np.repeat(np.arange(len(found)), [len(f) for f in found])
    return whole >> bits, whole & ((1 << bits) - 1), steps


Keys = npt.NDArray[np.int32] | npt.NDArray[np.int64]


def _distinct(values: Keys) -> Keys:
    """Sorted distinct values; they come in runs by walk, which a stable sort makes use of."""
    ordered = np.sort(values, kind="stable")
    found: Keys = ordered[np.diff(ordered, prepend=-1) != 0]
    return found


def _without(values: Keys, known: Keys) -> Keys:
    """Those of some values, all 0 or above, that are not among sorted known ones."""
    at = np.searchsorted(known, values)
    found: Keys = values[np.append(known, known.dtype.type(-1))[at] != values]
    return found


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
        merged: dict[str, pd.DataFrame] = {}
        for name, table in TABLES.items():
            frame = tables.get(name)
            if frame is not None and name == "produces" and "enterprises" in tables:
                frame = _at_home(frame, tables["enterprises"], merged["enterprises"])
            found = empty_table(table) if frame is None else merge_packs(frame, table)
            merged[name] = _with_defaults(found, table)
        self.version = version
        self._tables = MappingProxyType(_without_dangling(merged))
        #: Revenues of enterprises of which several years are stated: enterprise, as_of, revenue.
        self.revenues = revenues_by_year(tables.get("enterprises"))
        self._index: dict[str, pd.Index] = {}
        self._arrays: dict[tuple[str, str], npt.NDArray[np.str_]] = {}
        self._lists: dict[tuple[str, str], tuple[Codes, Texts]] = {}
        self._located: dict[tuple[str, str], Codes] = {}
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

    def changed(self, tables: Mapping[str, pd.DataFrame]) -> ChainGraph:
        """A graph with some tables of edges in the place of its own; all else is shared.

        Args:
            tables: Tables by name, with the columns of those they stand for. No node may come or
                go: what refers to nodes is not looked at again.
        """
        result = copy(self)
        result._tables = MappingProxyType({**self._tables, **tables})
        result._arrays = {k: v for k, v in self._arrays.items() if k[0] not in tables}
        result._lists = {k: v for k, v in self._lists.items() if k[0] not in tables}
        result._located = {k: v for k, v in self._located.items() if k[0] not in tables}
        result._edges, result._adjacency = {}, {}
        return result

    def index(self, table: str) -> pd.Index:
        """Ids of a node table, in row order."""
        if table not in self._index:
            self._index[table] = pd.Index(self[table]["id"])
        return self._index[table]

    def position(self, table: str, ids: pd.Series | Iterable[str]) -> Codes:
        """Row positions of ids in a node table; -1 where empty or unknown."""
        wanted = ids if isinstance(ids, pd.Series) else pd.Series(list(ids), dtype="str")
        return np.asarray(self.index(table).get_indexer(pd.Index(wanted)), dtype=np.int64)

    def located(self, table: str, column: str) -> Codes:
        """Row positions, in the table it refers to, of each value of a reference column."""
        if (table, column) not in self._located:
            to = TABLES[table].column(column).ref
            assert to is not None
            self._located[table, column] = self.position(to, self[table][column])
        return self._located[table, column]

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
        if (table, column) not in self._lists:
            cells = self[table][column].reset_index(drop=True).dropna().str.split(";").explode()
            cells = cells[cells != ""]
            self._lists[table, column] = cells.index.to_numpy(dtype=np.int64), texts(cells)
        return self._lists[table, column]

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
        found = self.closures(kind, [list(start)], direction, depth)
        ids = pd.DataFrame({"id": found["id"], "steps": found["steps"]})
        return ids.sort_values(["steps", "id"], ignore_index=True)

    def closures(
        self,
        kind: str,
        starts: Iterable[Iterable[str]],
        direction: Direction,
        depth: int | None = None,
    ) -> pd.DataFrame:
        """Nodes reached from many starts, each walked for itself, all at once.

        Args:
            kind: Edge kind, such as ``INPUT_TO``.
            starts: Ids to start from, one collection for each walk; unknown ids are ignored.
            direction: ``upstream`` walks from targets to sources.
            depth: Most steps to take; None for all.

        Returns:
            Columns walk (its place in ``starts``), id and steps (0 for the start), by steps.
        """
        _, table = self._within_one_table(kind)
        lists = [list(ids) for ids in starts]
        walks = np.repeat(np.arange(len(lists), dtype=np.int64), [len(ids) for ids in lists])
        nodes = self.position(table, [i for ids in lists for i in ids])
        known = nodes >= 0
        walk, node, steps = walk_all(
            self.adjacency(kind, direction), walks[known], nodes[known], depth
        )
        return pd.DataFrame({"walk": walk, "id": self.index(table)[node], "steps": steps})

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
    has one (``as_of``, then the later load, then the first pack by name); lists are joined, newest
    first. An empty cell overrules nothing.

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
        newest = newest_first(frame[repeated], key)
        groups = newest.groupby(key, dropna=False, sort=False)
        joined = groups.first().reset_index()
        for column in table.columns:
            if column.many:
                differ = (groups[column.name].nunique() > 1).to_numpy()
                cells = newest[differ[groups.ngroup()]].groupby(key, dropna=False, sort=False)
                lists = cells[column.name].agg(_join_lists).to_numpy(dtype=object)
                joined.loc[differ, column.name] = lists
        # Who says it must stay one fact's word: source, date and the like are never mixed.
        stated = [c for c in ("source", "as_of", "confidence", "method") if c in columns]
        heads = newest.drop_duplicates(key).reset_index(drop=True)
        joined[stated] = heads[stated]
        frame = pd.concat([frame.loc[~repeated, columns], joined[columns]])
    return frame[columns].sort_values(key, ignore_index=True, kind="stable")


def revenues_by_year(stated: pd.DataFrame | None) -> pd.DataFrame:
    """Revenues of enterprises that different packs state for different years.

    A merged graph keeps one revenue for each enterprise; what it was before tells how it grows.

    Args:
        stated: What every pack says of enterprises, not merged.

    Returns:
        Columns enterprise (id), as_of and revenue (CNY), by enterprise and date; one row a year.
    """
    columns = ["id", "as_of", "revenue"]
    if stated is None or not len(stated):
        return pd.DataFrame({"enterprise": [], "as_of": [], "revenue": []})
    again = stated.loc[stated["id"].duplicated(keep=False), columns].dropna()
    year = again["as_of"].str[:4]
    found = again.sort_values(columns).drop_duplicates().assign(year=year)
    found = found.drop_duplicates(["id", "year"], keep="last")
    found = found[found["id"].duplicated(keep=False)].drop(columns="year")
    return found.rename(columns={"id": "enterprise"}).reset_index(drop=True)


def newest_first(frame: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Facts by key, those that overrule others first: the newest, then the later load."""
    newer = ["as_of", *([SINCE] if SINCE in frame else [])]
    order = [*key, *newer, *([PACK] if PACK in frame else [])]
    ascending = [c not in newer for c in order]
    return frame.sort_values(order, ascending=ascending, kind="stable")


def _at_home(
    produces: pd.DataFrame, stated: pd.DataFrame, enterprises: pd.DataFrame
) -> pd.DataFrame:
    """Production with one region for an enterprise's own place, whatever each pack calls it.

    An empty plant region, and one equal to what the same pack says of the enterprise, is the
    enterprise's own. Without this two packs that place an enterprise differently, or one of them
    not at all, would give it two plants.

    Args:
        produces: Facts of all packs.
        stated: What all packs say of enterprises.
        enterprises: The same, merged.
    """
    if PACK not in produces or PACK not in stated or len(stated) == len(enterprises):
        return produces
    several = stated.loc[stated["id"].duplicated(keep=False), ["id", PACK, "region"]]
    own = produces[["enterprise", PACK]].merge(
        several, how="left", left_on=["enterprise", PACK], right_on=["id", PACK]
    )
    place = produces["region"]
    said = own["region"].set_axis(place.index)
    known = produces["enterprise"].isin(several["id"])
    home = known & (place.isna() | (place == said).fillna(False))
    merged = produces["enterprise"].map(enterprises.set_index("id")["region"])
    return produces.assign(region=place.mask(home, merged.where(home)).astype("str"))


def _with_defaults(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """A table with the declared defaults where no pack states a value."""
    defaults: dict[str, str | float] = {
        c.name: float(c.default) if c.numeric else c.default
        for c in table.columns
        if c.default is not None
    }
    return frame.fillna(defaults) if defaults else frame


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
