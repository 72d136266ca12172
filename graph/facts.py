"""Frames of facts as every store keeps them: what differs, what a pack changed, the whole history.

A store keeps each fact with the interval of versions it holds in: ``since`` (first), ``until``
(first version without it) and ``stated`` (the version whose load said it, which an undo leaves as
it was).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from .chain import PACK, SINCE, ChainGraph, typed
from .schema import REJECTS, TABLES, Table
from .store import Change, Facts, Version

#: Every table a store keeps: the facts and the quarantine.
STORED: Mapping[str, Table] = {**TABLES, REJECTS.name: REJECTS}
#: Columns of a history besides a table's own.
SPAN = ("stated", "since", "until")

Tables = Mapping[str, pd.DataFrame]


def own_columns(table: Table) -> tuple[str, ...]:
    """Columns that packs state; rejects carry no provenance."""
    return tuple(c.name for c in (table.own if table is REJECTS else table.columns))


@dataclass(frozen=True)
class History:
    """Everything a store holds, of all versions.

    Attributes:
        versions: Oldest first.
        tables: By name; own columns, PACK and SPAN (until is NaN while the fact holds), in any
            order.
    """

    versions: tuple[Version, ...]
    tables: Tables

    def at(self, version: int) -> dict[str, pd.DataFrame]:
        """The tables of one version with PACK and SINCE."""
        found = {}
        for name, frame in self.tables.items():
            holds = (frame["since"] <= version) & ~(frame["until"] <= version)
            found[name] = frame[holds].drop(columns=["since", "until"])
            found[name] = found[name].rename(columns={"stated": SINCE}).reset_index(drop=True)
        return found

    def same(self, other: History) -> bool:
        """Whether both hold the same versions and facts."""
        return self.versions == other.versions and all(
            np.array_equal(np.sort(fingerprints(frame)), np.sort(fingerprints(other.tables[name])))
            for name, frame in self.tables.items()
        )


class Versioned(Protocol):
    """What a view needs of its store."""

    def tables(self, version: int, but: Collection[str] = ()) -> Tables:
        """Every stored table of a version with PACK and SINCE, without what some packs say."""
        ...


class TableView:
    """Facts of one version, from the tables that a store keeps."""

    def __init__(self, store: Versioned, version: int) -> None:
        self._store = store
        self.version = version
        #: Packs left out, and the tables without them: those asked for last.
        self._partly: tuple[frozenset[str], Tables] | None = None

    @cached_property
    def _tables(self) -> Tables:
        return self._store.tables(self.version)

    def _tables_but(self, but: Collection[str]) -> Tables:
        left_out = frozenset(but)
        if not left_out:
            return self._tables
        if self._partly is None or self._partly[0] != left_out:
            self._partly = (left_out, self._store.tables(self.version, left_out))
        return self._partly[1]

    def graph(self) -> ChainGraph:
        """The whole graph."""
        return graph_of(self._tables, self.version)

    def facts(self, but: Collection[str] = ()) -> list[Facts]:
        """What each pack states, by name; see :class:`graph.store.View`."""
        tables = self._tables_but(but)
        names = sorted({p for frame in tables.values() for p in frame[PACK].unique()})
        return [
            Facts(
                name,
                {
                    t.name: _own(tables, t.name, name).sort_values(list(t.key), ignore_index=True)
                    for t in TABLES.values()
                },
                _own(tables, REJECTS.name, name),
            )
            for name in names
        ]

    def stated(self, table: str, but: Collection[str] = ()) -> pd.DataFrame:
        """What every pack says in one table, not merged; see :class:`graph.store.View`."""
        return self._tables_but(but)[table]

    def rejects(self) -> pd.DataFrame:
        """What was quarantined of the packs in force, by pack, file and line."""
        columns = [PACK, *own_columns(REJECTS)]
        return self._tables[REJECTS.name][columns].sort_values(
            [PACK, "file", "line", "column"], ignore_index=True
        )


def _own(tables: Tables, table: str, pack: str) -> pd.DataFrame:
    frame = tables[table]
    return frame.loc[frame[PACK] == pack, list(own_columns(STORED[table]))]


def without(tables: Tables, packs: Collection[str]) -> dict[str, pd.DataFrame]:
    """Tables without what some packs say."""
    return {
        name: frame[~frame[PACK].isin(packs)].reset_index(drop=True)
        for name, frame in tables.items()
    }


def graph_of(tables: Tables, version: int) -> ChainGraph:
    """The graph of the facts alone, without the quarantine."""
    return ChainGraph({n: f for n, f in tables.items() if n in TABLES}, version)


def fingerprints(frame: pd.DataFrame) -> npt.NDArray[np.void]:
    """One 128-bit mark per row: equal facts have equal marks, and a repetition has its own.

    Two independent 64-bit hashes make a clash among a million rows less likely than a disk error.
    """
    if not len(frame):
        return np.zeros(0, dtype="V16")
    repeats = frame.groupby(list(frame.columns), dropna=False).cumcount()
    frame = frame.assign(nth=repeats)
    halves = [
        pd.util.hash_pandas_object(frame, index=False, hash_key=key).to_numpy()
        for key in ("chainatlas-one--", "chainatlas-two--")
    ]
    return np.ascontiguousarray(np.stack(halves, axis=1)).view("V16").ravel()


def missing_from(frame: pd.DataFrame, other: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows of a frame the other one, of the same columns, does not hold."""
    if not len(frame) or not len(other):
        return np.full(len(frame), True)
    if frame.equals(other):
        return np.full(len(frame), False)
    return ~np.isin(fingerprints(frame), fingerprints(other))


def statement(stated: pd.DataFrame | None, table: Table) -> pd.DataFrame:
    """What a pack states of a table, typed; nothing where it does not mention it."""
    columns = list(own_columns(table))
    return typed(pd.DataFrame() if stated is None else stated, table)[columns]


def change_of(pack: str, table: Table, gone: pd.DataFrame, come: pd.DataFrame) -> Change:
    """Counts of one pack's facts: a key on both sides is a change."""
    if not len(gone) or not len(come):
        return Change(pack, table.name, len(come), 0, len(gone))
    key = list(table.key)
    counts = [f.groupby(key, dropna=False).size() for f in (gone, come)]
    both = pd.concat(counts, axis=1, keys=["gone", "come"]).fillna(0)
    again = int(both.min(axis=1).sum()) if len(both) else 0
    return Change(pack, table.name, len(come) - again, again, len(gone) - again)


def changes_between(table: Table, now: pd.DataFrame, then: pd.DataFrame) -> Iterator[Change]:
    """What changes, pack by pack, when a table goes from ``now`` to ``then``.

    A fact that is only stated by another version is no change.
    """
    said = [*own_columns(table), PACK]
    gone = now[missing_from(now[said], then[said])]
    come = then[missing_from(then[said], now[said])]
    for pack in sorted({*gone[PACK], *come[PACK]}):
        yield change_of(pack, table, gone[gone[PACK] == pack], come[come[PACK] == pack])


def differences(pairs: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """What differs between two versions.

    Args:
        pairs: By table, the facts that only the old and only the new version holds.

    Returns:
        Columns change (added, changed, withdrawn), table, pack and key, in that order of
        importance; key is the table's key columns joined by " | ".
    """
    found = []
    for name, (old, new) in pairs.items():
        rows = []
        for frame, sign in ((old, -1), (new, 1)):
            keys = frame[list(TABLES[name].key)].fillna("").astype("str")
            joined = keys.iloc[:, 0]
            for column in keys.columns[1:]:
                joined = joined + " | " + keys[column]
            rows.append(pd.DataFrame({PACK: frame[PACK], "key": joined, "sign": sign}))
        both = pd.concat(rows).groupby([PACK, "key"])["sign"].agg(["sum", "size"])
        if len(both):
            kind = np.where(
                both["size"] > 1, "changed", np.where(both["sum"] > 0, "added", "withdrawn")
            )
            found.append(both.reset_index().assign(change=kind, table=name))
    columns = ["change", "table", PACK, "key"]
    if not found:
        return pd.DataFrame({c: pd.Series(dtype="str") for c in columns})
    return pd.concat(found, ignore_index=True)[columns].sort_values(columns, ignore_index=True)
