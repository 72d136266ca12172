"""The graph around a node, and the ways between two."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ...analysis import neighbourhood as near
from ...analysis.web import GROUPS, KINDS, RELATIONS, Web
from ...graph.chain import Codes, records
from .access import Role, access
from .formats import Json
from .kept import Keeping
from .parameters import Choice
from .routes_facts import VersionNumber, document, document_responses
from .service import service_of

router = APIRouter(tags=["graph"], route_class=Keeping)

Key = Annotated[
    str,
    Field(
        pattern=rf"^({'|'.join(KINDS)}):.+$",
        max_length=300,
        description="节点：类别:编码，如 Product:dram、Region:420100。",
    ),
]
_Edge = Annotated[str, Choice(dict.fromkeys(r.edge.name for r in RELATIONS))]
_Relations = Annotated[list[_Edge], Query(max_length=20, description="只沿这些关系；默认全部。")]

_NODE: Json = {
    "type": "object",
    "properties": {
        "key": {"type": "string"},
        "kind": {"enum": list(KINDS)},
        "id": {"type": "string"},
        "name": {"type": "string"},
        "region": {"type": "string", "description": "GB/T 2260 代码，未知为空。"},
        "size": {
            "type": ["number", "null"],
            "unit": "CNY",
            "description": "企业规模、产品产出（每年）或项目投资额。",
        },
        "imputed": {"type": "boolean", "description": "规模为典型值。"},
        "degree": {"type": "integer", "unit": "count", "description": "全图中的关系数。"},
        "as_of": {"type": ["string", "null"]},
        "confidence": {"type": ["number", "null"], "unit": "ratio"},
    },
}
_LINE: Json = {
    "type": "object",
    "properties": {
        "source": {"type": "string", "description": "起点的键。"},
        "target": {"type": "string", "description": "终点的键。"},
        "edge": {"type": "string"},
        "title": {"type": "string"},
        "measure": {"type": "string", "description": "weight 是什么；空为没有。"},
        "unit": {"type": "string", "description": "weight 的单位。"},
        "weight": {"type": ["number", "null"]},
        "facts": {"type": "integer", "unit": "count", "description": "合并了几条事实。"},
        "as_of": {"type": ["string", "null"]},
        "confidence": {"type": ["number", "null"], "unit": "ratio"},
        "sources": {"type": "array", "items": {"type": "string"}},
    },
}
_GROUP: Json = {
    "type": "object",
    "properties": {
        "group": {"type": "string"},
        "title": {"type": "string"},
        "kind": {"enum": list(KINDS)},
        "measure": {"type": "string", "description": "按什么排序。"},
        "count": {"type": "integer", "unit": "count"},
    },
}
for _each in (_NODE, _LINE, _GROUP):
    _each["required"] = list(_each["properties"])


def _schema(name: str, members: Json) -> Json:
    own: Json = {
        "schema": {"const": f"chainatlas.{name}/1"},
        "version": {"type": "integer", "description": "数据版本。"},
        **members,
    }
    return {
        "title": f"chainatlas {name}",
        "type": "object",
        "properties": own,
        "required": list(own),
    }


def _array(items: Json) -> Json:
    return {"type": "array", "items": items}


_COUNTS = _schema("counts", {"node": _NODE, "groups": _array(_GROUP)})
_NEAR = _schema(
    "neighbours",
    {"node": _NODE, "group": _GROUP, "nodes": _array(_NODE), "lines": _array(_LINE)},
)
_AROUND = _schema(
    "neighbourhood",
    {
        "nodes": _array(_NODE),
        "lines": _array(_LINE),
        "cut": {"type": "boolean", "description": "是否因 limit 或 most 而不完整。"},
    },
)
_STEP: Json = {
    "type": "object",
    "properties": {
        "node": {"type": "string", "description": "节点的键。"},
        "line": {"oneOf": [_LINE, {"type": "null"}], "description": "到达它的关系。"},
        "forward": {"type": "boolean", "description": "关系是否顺着路径的方向。"},
    },
    "required": ["node", "line", "forward"],
}
_PATHS = _schema(
    "paths",
    {
        "from": {"type": "string"},
        "to": {"type": "string"},
        "way": {"enum": ["any", "supply"]},
        "paths": _array(_array(_STEP)),
        "nodes": _array(_NODE),
    },
)


def _web(request: Request, version: int | None) -> Web:
    return service_of(request).web(version)


def _nodes(web: Web, numbers: Codes) -> list[Json]:
    rows = records(near.node_table(web, numbers))
    return [
        {
            "key": f"{row['kind']}:{row['id']}",
            **{name: _plain(row[name]) for name in _NODE["properties"] if name != "key"},
        }
        for row in rows
    ]


def _lines(web: Web, numbers: Codes) -> list[Json]:
    rows = records(near.line_table(web, numbers))
    relations = [RELATIONS[number] for number in web.relation[numbers].tolist()]
    return [
        {
            "source": web.key(row["source"]),
            "target": web.key(row["target"]),
            "edge": row["edge"],
            "title": row["title"],
            "measure": relation.measure,
            "unit": relation.unit or ("ratio" if relation.measure else ""),
            "weight": _plain(row["weight"]),
            "facts": int(row["facts"]),
            "as_of": _plain(row["as_of"]),
            "confidence": _plain(row["confidence"]),
            "sources": list(row["stated"]),
        }
        for row, relation in zip(rows, relations, strict=True)
    ]


def _plain(value: Any) -> Any:
    """A cell for JSON: null where nothing is known."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


@router.get("/graph/counts", responses=document_responses(_COUNTS))
@access(Role.viewer)
def counts(
    request: Request, node: Annotated[Key, Query()], version: VersionNumber = None
) -> Response:
    """展开之前：一个节点的每类邻居各有多少。"""
    web = _web(request, version)
    number = web.number(node)
    body = {
        "node": _nodes(web, _codes([number]))[0],
        "groups": records(near.counts(web, number)),
    }
    return document(request, _named("counts", web, body))


@router.get("/graph/neighbours", responses=document_responses(_NEAR))
@access(Role.viewer)
def neighbours(
    request: Request,
    node: Annotated[Key, Query()],
    group: Annotated[
        str,
        Choice(dict.fromkeys(g.code for g in GROUPS)),
        Query(description="关系与方向，见 counts。"),
    ],
    limit: Annotated[int, Query(ge=1, le=500)] = 30,
    offset: Annotated[int, Query(ge=0, le=10**7)] = 0,
    version: VersionNumber = None,
) -> Response:
    """一个节点的一类邻居，分量最大的在前。"""
    web = _web(request, version)
    number = web.number(node)
    found = near.neighbours(web, number, group, limit, offset)
    table = near.counts(web, number)
    ours = near.group_of(web, number, group)
    count = table.loc[table["group"] == group, "count"].sum()
    body = {
        "node": _nodes(web, _codes([number]))[0],
        "group": {
            "group": group,
            "title": ours.title,
            "kind": ours.kind,
            "measure": RELATIONS[ours.relation].measure or "规模",
            "count": int(count),
        },
        "nodes": _nodes(web, _codes(found["node"])),
        "lines": _lines(web, _codes(found["line"])),
    }
    return document(request, _named("neighbours", web, body))


@router.get("/graph/neighbourhood", responses=document_responses(_AROUND))
@access(Role.viewer)
def neighbourhood(
    request: Request,
    node: Annotated[list[Key], Query(min_length=1, max_length=20)],
    depth: Annotated[int, Query(ge=0, le=3, description="步数。")] = 1,
    limit: Annotated[int, Query(ge=1, le=500, description="每个节点每类邻居最多几个。")] = 30,
    most: Annotated[int, Query(ge=1, le=2000, description="总共最多几个节点。")] = 500,
    relation: _Relations = [],  # noqa: B006
    version: VersionNumber = None,
) -> Response:
    """节点周围几步之内：节点与它们之间的全部关系。"""
    web = _web(request, version)
    starts = [web.number(key) for key in dict.fromkeys(node)]
    chosen = relation or None
    found = near.around(web, starts, depth, limit, most, chosen)
    whole = near.around(web, starts, depth, len(web), len(found) + 1, chosen)
    body = {
        "nodes": _nodes(web, found),
        "lines": _lines(web, near.between(web, found)),
        "cut": len(whole) > len(found),
    }
    return document(request, _named("neighbourhood", web, body))


@router.get("/graph/paths", responses=document_responses(_PATHS))
@access(Role.viewer)
def paths(
    request: Request,
    source: Annotated[Key, Query(alias="from")],
    target: Annotated[Key, Query(alias="to")],
    way: Annotated[
        Literal["any", "supply"],
        Query(description="any：任何关系、不论方向；supply：沿供应方向。"),
    ] = "any",
    limit: Annotated[int, Query(ge=1, le=20, description="最多几条，都是最短的。")] = 3,
    relation: _Relations = [],  # noqa: B006
    version: VersionNumber = None,
) -> Response:
    """两个节点之间最短的路径，经过较大节点的在前。"""
    web = _web(request, version)
    ends = web.number(source), web.number(target)
    found = near.shortest_paths(web, *ends, way, limit, relation or None)
    steps = _steps(web, found)
    body = {
        "from": source,
        "to": target,
        "way": way,
        "paths": steps,
        "nodes": _nodes(web, _codes(dict.fromkeys(found["node"].tolist()))),
    }
    return document(request, _named("paths", web, body))


def _steps(web: Web, found: pd.DataFrame) -> list[list[Json]]:
    used = _codes(n for n in dict.fromkeys(found["line"].tolist()) if n >= 0)
    lines = dict(zip(used.tolist(), _lines(web, used), strict=True))
    result: list[list[Json]] = []
    for row in records(found):
        if row["step"] == 0:
            result.append([])
        result[-1].append(
            {
                "node": web.key(int(row["node"])),
                "line": lines.get(int(row["line"])),
                "forward": bool(row["forward"]),
            }
        )
    return result


def _codes(numbers: Any) -> Codes:
    return np.asarray(list(numbers), dtype=np.int64)


def _named(name: str, web: Web, body: Json) -> Json:
    return {"schema": f"chainatlas.{name}/1", "version": web.graph.version, **body}
