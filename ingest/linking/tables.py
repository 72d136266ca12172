"""Tables of companies, as they come, into the texts that :mod:`.linker` reads."""

from __future__ import annotations

import pandas as pd

from ...graph.errors import ReadError
from ...graph.schema import TABLES
from ..readers import RawTable
from ..sources.headers import headers_of, recognise
from .linker import MAIN, PRODUCTS, SCOPE

#: Fields by which a company is known, best first.
_WHO = ("id", "credit_code", "stock_code", "name")
#: Fields that hold texts.
_TEXTS = ("main_products", "scope")


def texts_of(table: RawTable) -> tuple[pd.DataFrame, pd.Series]:
    """The texts of a table with one row for each company, and the companies' names.

    Args:
        table: Its headers are those of an enterprise list (``data/sources/headers.csv``) or of the
            table ``enterprises``; others are left alone.

    Returns:
        A table for :meth:`.Linker.link`, where ``enterprise`` is the row's code or name, and its
        name by that; an enterprise without either is called by its line.

    Raises:
        ReadError: No column holds a name or code, or none a text.
    """
    frame = table.frame
    columns: dict[str, list[str]] = {}
    for header in frame.columns:
        columns.setdefault(_field(str(header)), []).append(str(header))

    def column(field: str) -> pd.Series | None:
        return frame[columns[field][0]] if field in columns else None

    enterprise = next((c for field in _WHO if (c := column(field)) is not None), None)
    texts = [(_kind(header), frame[header]) for of in _TEXTS for header in columns.get(of, [])]
    if enterprise is None:
        raise ReadError(f"{table.file}：没有企业名称或代码一列（{_headers(_WHO)}）。")
    if not texts:
        raise ReadError(f"{table.file}：没有可识别产品的文字列（{_headers(_TEXTS)}）。")
    lines = pd.Series([f"第 {line} 行" for line in table.lines], index=frame.index, dtype="str")
    enterprise = enterprise.where(enterprise != "", lines)
    name, industry = column("name"), column("industry")
    found = pd.concat(
        [
            pd.DataFrame(
                {
                    "enterprise": enterprise,
                    "field": kind,
                    "text": cells,
                    "industry": "" if industry is None else industry,
                }
            )
            for kind, cells in texts
        ]
    ).sort_index(kind="stable")
    names = (enterprise if name is None else name).set_axis(enterprise)
    return found.reset_index(drop=True), names[~names.index.duplicated()]


def _field(header: str) -> str:
    """The column of the table ``enterprises`` that a header names, "" if none."""
    if header in TABLES["enterprises"].names:
        return header
    hit = recognise(header)
    return hit.field if hit else ""


def _kind(header: str) -> str:
    """What kind of text a column holds: a scope, a sentence about the business, or a list."""
    if _field(header) == "scope":
        return SCOPE
    return MAIN if "业务" in header or "business" in header else PRODUCTS


def _headers(fields: tuple[str, ...]) -> str:
    """Some headers of fields, for a message."""
    return "、".join(header for field in fields for header in headers_of(field)[:4])
