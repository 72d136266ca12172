"""Lists as XLSX workbooks: filters, frozen headers, units, and the version they come from."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from .language import retell

#: Widest column, in characters.
_WIDEST = 60


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Attributes:
        name: Tab name, at most 31 characters.
        title: First line of the sheet.
        table: Rows with Chinese headers; NaN and None are empty cells.
        units: Unit of a column, shown in its header.
    """

    name: str
    title: str
    table: pd.DataFrame
    units: Mapping[str, str] = field(default_factory=dict)


def write_workbook(path: Path, sheets: Sequence[Sheet], stamp: str) -> None:
    """Write sheets to a workbook.

    Args:
        path: The file.
        sheets: At least one.
        stamp: Version of the facts and the like, shown on every sheet.

    Raises:
        OSError: The file cannot be written.
    """
    try:
        _write(path, sheets, stamp)
    except FileCreateError as error:
        raise OSError(errno.EIO, "无法创建文件") from error


def _write(path: Path, sheets: Sequence[Sheet], stamp: str) -> None:
    # Text is never a formula or a link, whatever it looks like.
    safe = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(str(path), safe) as book:
        bold = book.add_format({"bold": True, "font_size": 13})
        grey = book.add_format({"font_color": "#666666"})
        head = book.add_format(
            {"bold": True, "bg_color": "#1F4E79", "font_color": "#FFFFFF", "border": 1,
             "text_wrap": True, "valign": "vcenter"}
        )  # fmt: skip
        number = book.add_format({"num_format": "#,##0.00##"})
        whole = book.add_format({"num_format": "#,##0"})
        for sheet in sheets:
            page = book.add_worksheet(retell(sheet.name)[:31])
            page.write_string(0, 0, retell(sheet.title), bold)
            page.write_string(1, 0, stamp, grey)
            for at, column in enumerate(sheet.table.columns):
                unit = sheet.units.get(column)
                name = retell(str(column))
                header = f"{name}（{retell(unit)}）" if unit else name
                page.write_string(2, at, header, head)
                values = sheet.table[column]
                texts = ["" if _missing(v) else str(v) for v in values]
                longest = max([_width(header), *(_width(t) for t in texts)], default=8)
                page.set_column(at, at, min(longest + 2, _WIDEST))
                for row, value in enumerate(values.tolist(), 3):
                    if _missing(value):
                        continue
                    if isinstance(value, bool) or not isinstance(value, int | float):
                        page.write_string(row, at, retell(str(value)))
                    elif (unit and abs(value) >= 1000) or float(value).is_integer():
                        page.write_number(row, at, value, whole)
                    else:
                        page.write_number(row, at, value, number)
            page.freeze_panes(3, 1)
            if len(sheet.table):
                page.autofilter(2, 0, 2 + len(sheet.table), len(sheet.table.columns) - 1)
            page.set_landscape()
            page.set_paper(8)
            page.fit_to_pages(1, 0)
            page.repeat_rows(2)


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _width(text: str) -> int:
    return sum(2 if ord(c) > 255 else 1 for c in text)
