"""One 128-bit mark per fact, by which a store sees what a load changes without reading the facts.

A mark is BLAKE2b over the row's cells, so it is the same on every machine and in every release of
the libraries, and a clash among a billion rows is less likely than a disk error.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

#: Rows joined at a time: enough for whole-column speed, little beside the facts themselves.
_CHUNK = 100_000
# Control characters stand in no cleaned cell.
_SEPARATOR, _MISSING = "\x1f", "\x1d"


def marks(frame: pd.DataFrame) -> pd.Series:
    """The mark of each row: 16 bytes, equal exactly where all cells are equal.

    A row that repeats an earlier one has a mark of its own, so that the marks are distinct.

    Args:
        frame: Doubles (NaN where empty) and text (missing where empty).

    Returns:
        Bytes objects, index 0..n-1.
    """
    separator = pa.scalar(_SEPARATOR, pa.large_string())
    found: list[bytes] = []
    for start in range(0, len(frame), _CHUNK):
        part = frame.iloc[start : start + _CHUNK]
        cells = [_as_text(part[name]) for name in frame.columns]
        rows = pc.binary_join_element_wise(
            *cells, separator, null_handling="replace", null_replacement=_MISSING
        )
        found += [
            blake2b(row, digest_size=16).digest() for row in rows.cast("large_binary").to_pylist()
        ]
    seen: dict[bytes, int] = {}
    for at, mark in enumerate(found):
        if nth := seen.get(mark, 0):
            found[at] = _nth(mark, nth)
        seen[mark] = nth + 1
    return pd.Series(found, dtype=object)


def history_marks(frame: pd.DataFrame, own: list[str], pack: str) -> pd.Series:
    """The marks that facts of all versions had when they were stated.

    Args:
        frame: Own columns, the pack, ``since`` and ``until`` (NaN while a fact holds).
        own: The columns that packs state.
        pack: Name of the pack's column.

    Returns:
        Bytes objects, index as in ``frame``.
    """
    distinct = frame.drop_duplicates(own)
    group = frame.groupby(own, dropna=False, sort=False).ngroup().to_numpy()
    first = frame.index.get_indexer(distinct.index)
    by_group = dict(zip(group[first].tolist(), marks(distinct[own]), strict=True))
    found = [by_group[g] for g in group.tolist()]
    # Only what holds at the same time in one pack is told apart, as in a statement.
    since = frame["since"].to_numpy(dtype=np.float64)
    until = frame["until"].fillna(np.inf).to_numpy(dtype=np.float64)
    again = np.flatnonzero(frame.duplicated([*own, pack], keep=False))
    packs = frame[pack].to_numpy(dtype=object)
    earlier: dict[tuple[int, str], list[int]] = {}
    for at in again[np.argsort(since[again], kind="stable")].tolist():
        same = earlier.setdefault((int(group[at]), str(packs[at])), [])
        together = sum(until[one] > since[at] for one in same)
        if together:
            found[at] = _nth(found[at], together)
        same.append(at)
    return pd.Series(found, index=frame.index, dtype=object)


def _nth(mark: bytes, nth: int) -> bytes:
    """The mark of a row that repeats an earlier one."""
    return blake2b(mark + nth.to_bytes(8), digest_size=16).digest()


def _as_text(cells: pd.Series) -> pa.Array:
    """Cells as Arrow text; doubles by their 64 bits, which no library prints differently."""
    if cells.dtype == "float64":
        values = cells.to_numpy(dtype=np.float64)
        # 0.0 makes of -0.0 the zero it equals.
        bits = pa.array((values + 0.0).view(np.int64), mask=np.isnan(values))
        return bits.cast("large_string")
    return pa.array(cells, type=pa.large_string(), from_pandas=True)
