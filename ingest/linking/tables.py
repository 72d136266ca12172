"""Tables of companies, as they come, into the texts that :mod:`.linker` reads."""

from __future__ import annotations

import pandas as pd

from ...graph.errors import ReadError
from ..readers import RawTable
from . import words
from .linker import MAIN, PRODUCTS, SCOPE


def texts_of(table: RawTable) -> tuple[pd.DataFrame, pd.Series]:
    """The texts of a table with one row for each company, and the companies' names.

    Args:
        table: Its headers are looked up in ``words.toml``; others are left alone.

    Returns:
        A table for :meth:`.Linker.link`, where ``enterprise`` is the row's code or name, and its
        name by that; an enterprise without either is called by its line.

    Raises:
        ReadError: No column holds a name or code, or none a text.
    """
    frame = table.frame
    headers = {str(header).strip().lower(): header for header in frame.columns}

    def column(of: str) -> pd.Series | None:
        for header in words.lists()["columns"][of]:
            if header.lower() in headers:
                return frame[headers[header.lower()]]
        return None

    enterprise = column("enterprise")
    fields = {field: column(field) for field in (PRODUCTS, MAIN, SCOPE)}
    found = {field: cells for field, cells in fields.items() if cells is not None}
    if enterprise is None:
        raise ReadError(f"{table.file}：没有企业名称或代码一列（{_headers('enterprise')}）。")
    if not found:
        wanted = "、".join(_headers(field) for field in fields)
        raise ReadError(f"{table.file}：没有可识别产品的文字列（{wanted}）。")
    lines = pd.Series([f"第 {line} 行" for line in table.lines], index=frame.index, dtype="str")
    enterprise = enterprise.where(enterprise != "", lines)
    name, industry = column("name"), column("industry")
    texts = pd.concat(
        [
            pd.DataFrame(
                {
                    "enterprise": enterprise,
                    "field": field,
                    "text": cells,
                    "industry": "" if industry is None else industry,
                }
            )
            for field, cells in found.items()
        ]
    ).sort_index(kind="stable")
    names = (enterprise if name is None else name).set_axis(enterprise)
    return texts.reset_index(drop=True), names[~names.index.duplicated()]


def _headers(of: str) -> str:
    return "、".join(h for h in words.lists()["columns"][of] if not h.isascii())
