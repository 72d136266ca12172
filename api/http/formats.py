"""Rows as JSON, NDJSON, CSV, XLSX and Parquet, chosen by suffix or ``Accept``.

JSON and NDJSON carry rows as they are. The three tables have one column for each member of a row,
in the order of its description: text, numbers and truth values as such, lists and objects as JSON
text, null as an empty cell. In CSV a text that a spreadsheet would take for a formula gets a leading
apostrophe (OWASP: CSV injection); cells of XLSX are typed as text.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ...viz.xlsx import Sheet, write_workbook
from ..output import harmless
from .problems import Problem

Json = dict[str, Any]
#: Most characters of a cell that Excel opens.
_CELL = 32_767


class Form(StrEnum):
    """A format of rows; its value is the suffix."""

    json = "json"
    ndjson = "ndjson"
    csv = "csv"
    xlsx = "xlsx"
    parquet = "parquet"


MEDIA: Mapping[Form, str] = {
    Form.json: "application/json",
    Form.ndjson: "application/x-ndjson",
    Form.csv: "text/csv",
    Form.xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.parquet: "application/vnd.apache.parquet",
}
#: Other names that clients use.
_ALSO = {"application/ndjson": Form.ndjson, "application/jsonl": Form.ndjson}
#: Formats that gzip makes no smaller.
PACKED = (Form.xlsx, Form.parquet)


def attachment(name: str, version: int) -> dict[str, str]:
    """Headers of a file to save, made of a version; its name is ASCII."""
    return {
        "content-disposition": f'attachment; filename="{name}"',
        "data-version": str(version),
    }


def wanted(accept: str | None, offered: Sequence[Form] = tuple(Form)) -> Form:
    """The format that an ``Accept`` header asks for; the first one offered where it is silent.

    Raises:
        Problem: None of those offered.
    """
    if not accept:
        return offered[0]
    best: tuple[float, int, Form] | None = None
    ranges = [_range(part) for part in accept.lower().split(",") if part.strip()]
    for place, form in enumerate(offered):
        names = {MEDIA[form], *(name for name, f in _ALSO.items() if f is form)}
        # The most specific range that matches decides (RFC 9110, section 12.5.1).
        quality = max(
            ((_breadth(media), q) for media, q in ranges if _matches(media, names)),
            default=(0, 0.0),
        )[1]
        if quality > 0 and (best is None or quality > best[0]):
            best = (quality, place, form)
    if best is None:
        known = "、".join(MEDIA[form] for form in offered)
        raise Problem("not-acceptable", f"可用的格式：{known}。")
    return best[2]


def _range(part: str) -> tuple[str, float]:
    media, *parameters = (each.strip() for each in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return media, max(0.0, min(1.0, float(parameter[2:])))
            except ValueError:
                return media, 0.0
    return media, 1.0


def _breadth(media: str) -> int:
    return 0 if media == "*/*" else 1 if media.endswith("/*") else 2


def _matches(media: str, names: set[str]) -> bool:
    if media == "*/*":
        return True
    if media.endswith("/*"):
        return any(name.startswith(media[:-1]) for name in names)
    return media in names


def kinds(row: Json) -> dict[str, str]:
    """The columns that a JSON Schema of rows makes: text, number, integer, boolean or nested."""
    return {name: _kind(member) for name, member in row["properties"].items()}


def _kind(member: Json) -> str:
    options = member.get("anyOf") or [member]
    types: set[str] = set()
    for option in options:
        stated = option.get("type", "object" if "$ref" in option else "string")
        types |= {stated} if isinstance(stated, str) else set(stated)
    types.discard("null")
    names = {"integer": "integer", "number": "number", "boolean": "boolean", "string": "text"}
    return names.get(types.pop(), "nested") if len(types) == 1 else "nested"


def write(
    form: Form, head: Json, field: str, rows: Sequence[bytes], columns: Mapping[str, str]
) -> bytes:
    """Rows in a format.

    Args:
        form: Which.
        head: What stands beside the rows in JSON; the tables carry it in their own ways or not.
        field: Member of the JSON object that holds the rows.
        rows: Each a JSON object in UTF-8.
        columns: See :func:`kinds`.
    """
    if form is Form.json:
        start = dumps({**head, field: []})[:-2]
        return start + b",".join(rows) + b"]}"
    if form is Form.ndjson:
        return b"".join(row + b"\n" for row in rows)
    values = [json.loads(row) for row in rows]
    cells = {
        name: [_cell(value.get(name), kind) for value in values] for name, kind in columns.items()
    }
    if form is Form.parquet:
        return _parquet(cells, columns, head)
    frame = pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in cells.items()})
    if form is Form.csv:
        text = harmless(frame.map(_spelt)).to_csv(index=False, lineterminator="\r\n")
        return str(text).encode("utf-8-sig")
    return _xlsx(frame.map(_spelt), str(head["schema"]), int(head["version"]))


def dumps(value: object) -> bytes:
    """A value as compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def _cell(value: Any, kind: str) -> Any:
    if value is None:
        return None
    return dumps(value).decode() if kind == "nested" else value


def _spelt(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


_ARROW = {
    "text": pa.string(),
    "nested": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
}


def _parquet(cells: Mapping[str, list[Any]], columns: Mapping[str, str], head: Json) -> bytes:
    about = {"schema": str(head["schema"]), "version": str(head["version"])}
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in columns.items()], metadata=about)
    out = io.BytesIO()
    pq.write_table(pa.table(dict(cells), schema=schema), out)
    return out.getvalue()


def _xlsx(frame: pd.DataFrame, title: str, version: int) -> bytes:
    def fitting(value: object) -> object:
        long = isinstance(value, str) and len(value) > _CELL
        return str(value)[: _CELL - 1] + "…" if long else value

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "rows.xlsx"
        sheet = Sheet(title.rpartition(".")[2].replace("/", "-"), title, frame.map(fitting))
        write_workbook(path, [sheet], f"数据版本 {version}")
        return path.read_bytes()
