"""Answers to standard output or a file, as table, JSON, CSV or XLSX."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..graph.errors import ChainAtlasError
from ..viz.xlsx import Sheet, write_workbook
from .answers import Answer

#: Rows a table on the terminal shows; files and other formats hold all of them.
SHOWN = 60


class Format(StrEnum):
    """How an answer is written."""

    table = "table"
    json = "json"
    csv = "csv"
    xlsx = "xlsx"


def write(answer: Answer, form: Format, out: Path | None) -> None:
    """Write an answer.

    Args:
        answer: What to say.
        form: How.
        out: File, or None for standard output.

    Raises:
        ChainAtlasError: XLSX without a file, or a file that cannot be written.
    """
    if form is Format.xlsx:
        if out is None:
            raise ChainAtlasError("xlsx 格式需要用 --out 指定文件。")
        version = answer.document.get("version", 0)
        _guard(
            lambda path: write_workbook(
                path,
                [Sheet(answer.title, answer.title, answer.table, answer.units)],
                f"数据版本 {version}",
            ),
            out,
        )
        return
    if form is Format.table and out is None:
        _print_table(answer)
        return
    text = _text(answer, form)
    if out is None:
        sys.stdout.write(text)
    else:
        # Excel takes a CSV file for UTF-8 only by its byte order mark.
        encoding = "utf-8-sig" if form is Format.csv else "utf-8"
        _guard(lambda path: path.write_text(text, encoding=encoding, newline=""), out)


def _guard(action: Callable[[Path], object], out: Path) -> None:
    try:
        action(out)
    except OSError as error:
        raise ChainAtlasError(f"无法写入 {out}：{error.strerror}。") from error


def _text(answer: Answer, form: Format) -> str:
    if form is Format.json:
        return json.dumps(answer.json(), ensure_ascii=False, allow_nan=False) + "\n"
    if form is Format.csv:
        return str(harmless(answer.table).to_csv(index=False, lineterminator="\r\n"))
    page = io.StringIO()
    _render(answer, Console(width=200, file=page), len(answer.table))
    return page.getvalue()


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose text no spreadsheet takes for a formula (OWASP: CSV injection)."""

    def guard(value: object) -> object:
        return (
            "'" + value if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
        )

    return table.map(guard)


def _print_table(answer: Answer) -> None:
    _render(answer, Console(), SHOWN)


def _render(answer: Answer, console: Console, most: int) -> None:
    table = answer.table
    if answer.brief and console.width < 30 + 10 * len(table.columns):
        table = table[list(answer.brief)]
    grid = Table(title=Text(answer.title), title_justify="left", header_style="bold")
    for column in table.columns:
        numeric = pd.api.types.is_numeric_dtype(table[column])
        grid.add_column(Text(str(column)), justify="right" if numeric else "left", overflow="fold")
    for row in table.head(most).itertuples(index=False):
        grid.add_row(*(Text(_cell(value)) for value in row))
    console.print(grid)
    if len(table.columns) < len(answer.table.columns):
        console.print("（屏幕较窄，只列主要栏目；--format csv 或 xlsx 有全部。）")
    left = len(answer.table) - most
    if left > 0:
        console.print(f"…… 另有 {left} 行，用 --format csv 或 xlsx 并加 --out 可得全部。")


def _cell(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return "—"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"
    return str(value)
