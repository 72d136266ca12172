"""Small facts made by hand, and ways to look at what a store holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from chainatlas.graph import TABLES, Facts, Store, View
from chainatlas.graph.chain import typed
from chainatlas.graph.schema import REJECTS

#: Writes files (name -> content) into a new pack folder and returns it.
MakePack = Callable[[Mapping[str, str | bytes]], Path]
Row = Mapping[str, str | float | None]
#: What packs state: pack -> table -> rows with "" for empty cells, sorted.
Stated = dict[str, dict[str, list[tuple[object, ...]]]]

REJECT_COLUMNS = [c.name for c in REJECTS.own]


def table(name: str, rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as a typed frame of a declared table."""
    return typed(pd.DataFrame(list(rows)), TABLES[name])


def rejects(*rows: Row) -> pd.DataFrame:
    """Rejects; columns not given have some usual value."""
    usual: Row = {
        "file": "enterprises.csv",
        "line": 2.0,
        "column": "revenue",
        "level": "value",
        "reason": "bad_number",
        "message": "不是数字",
        "raw": "{}",
    }
    return typed(pd.DataFrame([{**usual, **row} for row in rows]), REJECTS)[REJECT_COLUMNS]


def facts(pack: str, refused: Sequence[Row] = (), /, **tables: Sequence[Row]) -> Facts:
    """The statement of a pack, from rows by table."""
    return Facts(pack, {n: table(n, rows) for n, rows in tables.items()}, rejects(*refused))


def named(*ids: str, **same: str | float) -> list[Row]:
    """Nodes whose name is their id."""
    return [{"id": i, "name": i, **same} for i in ids]


def load(store: Store, *statements: Facts) -> int:
    """Load statements in one version; the version after it."""
    with store.writer() as writer:
        for statement in statements:
            writer.replace(statement)
    return store.view().version


def cells(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    """Rows of a frame, sorted, with "" for empty cells."""
    filled = frame.astype(object).where(frame.notna(), "")
    return sorted(filled.itertuples(index=False, name=None), key=repr)


def stated(*statements: Facts) -> Stated:
    """Statements as plain values; tables and packs without rows are left out."""
    found: Stated = {}
    for each in statements:
        tables = {name: cells(frame) for name, frame in each.tables.items() if len(frame)}
        if len(each.rejects):
            tables["rejects"] = cells(each.rejects)
        if tables:
            found[each.pack] = tables
    return found


def held(view: View) -> Stated:
    """What a view holds, as plain values."""
    return stated(*view.facts())


def column(view: View, name: str, wanted: str, key: str = "id") -> dict[object, object]:
    """One column of a table of a view's graph, by key."""
    frame = view.graph()[name]
    values = frame[wanted].astype(object).where(frame[wanted].notna(), None)
    return dict(zip(frame[key].tolist(), values.tolist(), strict=True))


def same_graph(one: View, other: View) -> None:
    """Fail where two views' graphs differ in any table."""
    left, right = one.graph(), other.graph()
    for name in TABLES:
        pd.testing.assert_frame_equal(left[name], right[name], obj=name)
