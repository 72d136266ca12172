"""Tables for pages: text cells ready to show, with a kind that decides their alignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from .language import retell
from .words import number


@dataclass(frozen=True)
class Cell:
    """One cell: its text, and ``number``, ``nowrap`` or nothing."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Grid:
    """A table for a template."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def grid(table: pd.DataFrame, nowrap: Sequence[str] = ()) -> Grid:
    """A DataFrame as a grid in the language spoken; numbers right-aligned, NaN and None a dash.

    Args:
        table: Rows with Chinese headers.
        nowrap: Columns whose text stays on one line.
    """
    columns = tuple(retell(str(name)) for name in table.columns)
    rows = tuple(
        tuple(_cell(value, name in nowrap) for name, value in zip(table.columns, row, strict=True))
        for row in table.itertuples(index=False)
    )
    return Grid(columns, rows)


def _cell(value: object, nowrap: bool) -> Cell:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return Cell("—", "number")
    if isinstance(value, bool):
        return Cell(retell("是" if value else "否"))
    if isinstance(value, int):
        return Cell(f"{value:,}", "number")
    if isinstance(value, float):
        return Cell(number(value), "number")
    return Cell(retell(str(value)), "nowrap" if nowrap else "")
