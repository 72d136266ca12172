"""JSON Schemas of the answers, for the OpenAPI document.

What commands print has its schema in ``docs/schemas``; over HTTP the same objects may carry further
members (see docs/api-stability.md). Nodes are described from the declaration of their table.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field, create_model

from ...graph.schema import TABLES, Column, Table
from .formats import MEDIA, Form

Json = dict[str, Any]

#: Units of figures that the schemas of the commands leave to the documentation.
UNITS: Mapping[str, str] = {
    "output": "CNY/a",
    "demand": "CNY/a",
    "coverage": "ratio",
    "fulfilment": "ratio",
    "lq": "ratio",
    "criticality": "ratio",
    "effective_suppliers": "count",
    "national_makers": "count",
    "domestic_rate": "ratio",
    "reachable": "ratio",
    "priority": "ratio",
    "score": "ratio",
    "rank": "count",
    "value": "ratio",
    "value_low": "ratio",
    "count": "ratio",
    "observed": "ratio",
    "known_output_share": "ratio",
}


@cache
def _file(name: str) -> Json:
    path = files("chainatlas").joinpath("docs", "schemas", f"{name}.schema.json")
    found: Json = json.loads(path.read_text("utf-8"))
    return found


def contract(name: str) -> Json:
    """The schema of what a command prints, open to further members."""
    found = copy.deepcopy(_file(name))
    found.pop("$schema")
    found["title"] = found["title"].removesuffix(" --format json")
    found.pop("additionalProperties", None)
    _with_units(found)
    return found


def _with_units(schema: Json) -> None:
    for name, member in schema.get("properties", {}).items():
        types = member.get("type", ())
        numeric = {types} if isinstance(types, str) else set(types)
        if numeric & {"number", "integer"} and name in UNITS:
            member["unit"] = UNITS[name]
        _with_units(member)
        _with_units(member.get("items", {}))


def row_of(document: Json, field: str) -> Json:
    """The schema of the rows of a document."""
    found: Json = document["properties"][field]["items"]
    return found


def extended(row: Json, first: Mapping[str, Json], last: Mapping[str, Json]) -> Json:
    """A schema of rows with members of ours before and after its own."""
    members = {**first, **row["properties"], **last}
    return {
        "type": "object",
        "properties": members,
        "required": [*first, *row["required"], *last],
    }


def listing(name: str, field: str, row: Json, members: Mapping[str, Json] | None = None) -> Json:
    """The schema of a page of rows."""
    own: Json = {
        "schema": {"const": f"chainatlas.{name}/1"},
        "version": {"type": "integer", "description": "数据版本。"},
        **(members or {}),
        "total": {"type": "integer", "description": "符合条件的行数（各页合计）。"},
        "next": {"type": ["string", "null"], "description": "下一页的地址，最后一页为 null。"},
    }
    return {
        "title": f"chainatlas {name}",
        "type": "object",
        "properties": {**own, field: {"type": "array", "items": row}},
        "required": [*own, field],
    }


def content(document: Json, *, tables: bool = False) -> Json:
    """The description of a successful answer."""
    media: Json = {MEDIA[Form.json]: {"schema": document}}
    if tables:
        text = {"schema": {"type": "string"}}
        binary = {"schema": {"type": "string", "format": "binary"}}
        media[MEDIA[Form.ndjson]] = text
        media[MEDIA[Form.csv]] = text
        media[MEDIA[Form.xlsx]] = binary
        media[MEDIA[Form.parquet]] = binary
    return {"description": "成功", "content": media, "headers": HEADERS}


_TEXT: Json = {"schema": {"type": "string"}}
HEADERS: Json = {
    "ETag": {"description": "由数据版本、问题和格式决定的强标签。", **_TEXT},
    "Link": {"description": '下一页：<…>; rel="next"。', **_TEXT},
    "Data-Version": {"description": "答案所依据的数据版本。", "schema": {"type": "integer"}},
}


def _type(column: Column) -> Any:
    if column.numeric:
        base: Any = int if column.whole else float
    elif column.choices:
        base = Literal[tuple(column.choices)]
    else:
        base = str
    if column.many:
        return list[base]
    return base if column.mandatory else base | None


@cache
def node_model(table: str) -> Any:
    """A pydantic model of the rows of a table, made from its declaration."""
    declared: Table = TABLES[table]
    members: dict[str, Any] = {}
    for column in declared.columns:
        extra = {"unit": column.unit or "ratio"} if column.numeric and not column.whole else {}
        about = Field(description=column.zh, json_schema_extra={**extra})
        members[column.name] = (_type(column), about)
    members["pack"] = (str | None, Field(description="陈述者：数据包"))
    return create_model(table.capitalize(), **members)


@cache
def node(table: str) -> Json:
    """The JSON Schema of the rows of a table."""
    found: Json = node_model(table).model_json_schema()
    for member in found["properties"].values():
        member.pop("title", None)
    return found
