"""What the script of the graph page asks for: neighbours, paths, layouts, exports, saved views.

Numbers of nodes hold for the version that a request names; saved views keep keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ...analysis.neighbourhood import (
    Way,
    between,
    counts,
    facts_of,
    group_of,
    joining,
    node_table,
    shortest_paths,
)
from ...analysis.web import GROUPS, KINDS, RELATIONS, Web
from ...graph.chain import ChainGraph, Codes, records
from ...graph.errors import NotFoundError
from ...graph.schema import NODES, TABLES
from ...graph.views import SavedView, SavedViews
from ...viz import overview as whole
from ...viz.graph_view import (
    MOST,
    Caption,
    Scene,
    document,
    drawing_of,
    gexf,
    network_of,
)
from ...viz.language import text
from ...viz.render import png, svg
from ...viz.words import place_name
from ..profiles import address_of, named_value
from ..scenes import STEP, Address, Shown, added, arranged, nodes_of, stamp, unseen
from ..security.ledger import changing
from .access import Role, access, caller_of
from .audit import author, record
from .problems import Problem
from .routes_facts import service_of
from .service import Service

router = APIRouter(prefix="/graph", tags=["graph"])
#: Name of the page that the saved views of the graph belong to.
PAGE = "graph"

#: Number of a node or a line in the web of a version.
Number = Annotated[int, Field(ge=0, lt=2**31)]
#: Pixels; farther away nothing can be drawn.
Coordinate = Annotated[float, Field(ge=-1e7, le=1e7)]
Placed = tuple[Number, Coordinate, Coordinate]
Version = Annotated[int | None, Query(description="版本；不给则为最新")]


class Body(BaseModel):
    """What every request says: the version, and what the browser shows."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    version: int | None = None
    shown: list[Placed] = Field(default=[], max_length=MOST)


class Expand(Body):
    """A group of a node to expand."""

    node: Number
    group: str = Field(max_length=60)
    limit: int = Field(default=STEP, ge=1, le=MOST)


class Add(Body):
    """Nodes to add, by key."""

    keys: list[str] = Field(max_length=MOST)


class PathBody(Body):
    """Two nodes between which a way is sought."""

    source: str
    target: str
    way: Way = "any"
    limit: int = Field(default=3, ge=1, le=10)


class LayoutBody(Body):
    """A layout for what is shown."""

    layout: str
    root: Number | None = None


class ExportBody(Body):
    """A view to export as it is shown."""

    form: Literal["svg", "png", "gexf", "json"]
    caption: Caption = "name"
    title: str = Field(default="图谱视图", max_length=80)
    hidden: list[Number] = Field(default=[], max_length=20_000)
    layout: str = "force"


class ViewState(BaseModel):
    """A view as it is kept: keys with positions, and how it is shown."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    nodes: list[tuple[str, Coordinate, Coordinate, int]] = Field(max_length=MOST)
    looks: list[str] = Field(default=[], max_length=50)
    starts: list[str] = Field(default=[], max_length=MOST)
    opened: list[tuple[str, list[str]]] = Field(default=[], max_length=2000)
    layout: str = "force"
    caption: Caption = "name"
    filters: dict[str, str | float | list[str]] = Field(default={}, max_length=20)


class ViewBody(BaseModel):
    """A view to save."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=200)
    state: ViewState


def the_web(request: Request, version: int | None = None) -> Web:
    """The web of a version, made once."""
    return service_of(request).web(version)


def asked(
    look: Annotated[list[str], Query(max_length=50)] = [],  # noqa: B006 - FastAPI copies it
    start: Annotated[list[str], Query(max_length=MOST)] = [],  # noqa: B006
    open: Annotated[list[str], Query(max_length=MOST)] = [],  # noqa: B006
    drop: Annotated[list[str], Query(max_length=MOST)] = [],  # noqa: B006
    layout: str = "force",
) -> Address:
    """A view as an address names it."""
    return Address(tuple(look), tuple(start), tuple(open), tuple(drop), layout)


Asked = Annotated[Address, Depends(asked)]


def scene_of(web: Web, address: Address) -> tuple[Scene, list[str]]:
    """The view of an address, and the keys that nobody knows."""
    nodes, missing = nodes_of(web, address)
    first = web.numbers([*address.looks, *address.starts][:1])
    root = int(first[0]) if len(first) and first[0] >= 0 else None
    return arranged(web, nodes, address.layout, root), missing


_BINARY = {"schema": {"type": "string", "format": "binary"}}
#: Answers of routes that give a file, and of those that give packed numbers.
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "文件",
        "content": {"application/json": {"schema": {"type": "object"}}}
        | dict.fromkeys(("image/svg+xml", "image/png", "application/gexf+xml"), _BINARY),
    }
}
_NUMBERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "紧排的数", "content": {"application/octet-stream": _BINARY}}
}


@router.get("/scene")
@access(Role.viewer)
def scene(request: Request, address: Asked, version: Version = None) -> dict[str, Any]:
    """一个地址所指的视图：节点、关系和位置。"""
    web = the_web(request, version)
    found, missing = scene_of(web, address)
    bands = [{"name": b.name, "x": b.x, "w": b.w} for b in found.bands]
    drawn = _drawn(web, found.nodes, found.position, found.lines)
    return {**drawn, "bands": bands, "missing": missing}


@router.get("/scene.{form}", responses=_FILES, response_class=Response)
@access(Role.analyst)
def scene_file(
    request: Request,
    address: Asked,
    form: Literal["svg", "png", "gexf", "json"],
    caption: Caption = "name",
    version: Version = None,
) -> Response:
    """把一个地址所指的视图导出为文件。"""
    found, _ = scene_of(the_web(request, version), address)
    return exported(request, found, form, text("图谱视图"), caption)


def _drawn(web: Web, nodes: Codes, position: Any, lines: Codes) -> dict[str, Any]:
    """Nodes and lines as vis-network takes them."""
    network = network_of(Scene(web, nodes, position, lines))
    return {"version": web.graph.version, "nodes": network.nodes, "edges": network.edges}


def _joined(web: Web, shown: Shown, nodes: Codes, position: Any) -> dict[str, Any]:
    """New nodes, and their lines among themselves and to what is shown."""
    lines = joining(web, nodes, shown.nodes)
    both = np.concatenate([nodes, shown.nodes])
    network = network_of(Scene(web, both, np.concatenate([position, shown.position]), lines))
    fresh = network.nodes[: len(nodes)]
    return {"version": web.graph.version, "nodes": fresh, "edges": network.edges}


@router.get("/find")
@access(Role.viewer)
def find(
    request: Request,
    q: Annotated[str, Query(max_length=100, description="名称、别名、编码的一部分，或拼音首字母")],
    limit: Annotated[int, Query(ge=1, le=50)] = 12,
    version: Version = None,
) -> dict[str, Any]:
    """按名称、别名、编码或拼音首字母找节点。"""
    web = the_web(request, version)
    rows = records(node_table(web, service_of(request).find(q, limit, web.graph.version)))
    nodes = [
        {
            "node": int(row["node"]),
            "key": f"{row['kind']}:{row['id']}",
            "kind": row["kind"],
            "name": row["name"],
            "place": place_name(row["region"]) if row["region"] else "",
            "degree": int(row["degree"]),
        }
        for row in rows
    ]
    return {"version": web.graph.version, "nodes": nodes}


@router.post("/expand")
@access(Role.viewer, reads=True)
def expand(request: Request, body: Expand) -> dict[str, Any]:
    """展开一个节点的一类邻居，最重要的在前。"""
    web = the_web(request, body.version)
    _known(web, body.node)
    shown = Shown.of(web, body.shown)
    group = group_of(web, body.node, body.group)
    found = unseen(web, body.node, body.group, shown.nodes.tolist(), body.limit)
    nodes, position = added(web, shown, found, body.node)
    total = dict(zip(*counts(web, body.node)[["group", "count"]].T.to_numpy(), strict=True))
    return {
        **_joined(web, shown, nodes, position),
        "of": nodes.tolist(),
        "title": text(group.title),
        "total": int(total.get(group.code, 0)),
        "full": len(shown.nodes) + len(nodes) >= MOST,
    }


@router.post("/add")
@access(Role.viewer, reads=True)
def add(request: Request, body: Add) -> dict[str, Any]:
    """把节点加入视图。"""
    web = the_web(request, body.version)
    shown = Shown.of(web, body.shown)
    numbers = web.numbers(body.keys)
    nodes, position = added(web, shown, numbers[numbers >= 0].tolist(), None)
    missing = [key for key, n in zip(body.keys, numbers, strict=True) if n < 0]
    return {**_joined(web, shown, nodes, position), "missing": missing}


@router.post("/path")
@access(Role.viewer, reads=True)
def path(request: Request, body: PathBody) -> dict[str, Any]:
    """两个节点之间最短的路径，并把沿途节点加入视图。"""
    web = the_web(request, body.version)
    shown = Shown.of(web, body.shown)
    source, target = web.number(body.source), web.number(body.target)
    found = shortest_paths(web, source, target, body.way, body.limit)
    ways = [
        {"nodes": [int(n) for n in way["node"]], "lines": [int(n) for n in way["line"][1:]],
         "text": path_text(web, records(way))}
        for _, way in found.groupby("path")
    ]  # fmt: skip
    nodes, position = added(web, shown, found["node"].tolist() or [source, target], source)
    return {**_joined(web, shown, nodes, position), "paths": ways}


def path_text(web: Web, steps: list[dict[str, Any]]) -> str:
    """A path in words: names with what joins them, an arrow the way the line points."""
    words = []
    for step in steps:
        if step["line"] >= 0:
            edge = RELATIONS[web.relation[step["line"]]].edge
            word = text(edge.zh)
            words.append(f"—{word}→" if step["forward"] else f"←{word}—")
        words.append(str(web.name[step["node"]]))
    return " ".join(words)


@router.post("/layout")
@access(Role.viewer, reads=True)
def layout(request: Request, body: LayoutBody) -> dict[str, Any]:
    """重新排列视图中的节点。"""
    web = the_web(request, body.version)
    shown = Shown.of(web, body.shown)
    scene = arranged(web, shown.nodes, body.layout, body.root)
    bands = [{"name": b.name, "x": b.x, "w": b.w} for b in scene.bands]
    placed = [[int(n), *p] for n, p in zip(scene.nodes, scene.position.tolist(), strict=True)]
    return {"version": web.graph.version, "shown": placed, "bands": bands}


@router.get("/detail")
@access(Role.viewer)
def detail(
    request: Request,
    node: Number | None = None,
    line: Number | None = None,
    version: Version = None,
) -> dict[str, Any]:
    """一个节点或一条关系的全部事实，各有来源。"""
    web = the_web(request, version)
    if line is not None:
        if not 0 <= line < len(web.source):
            raise Problem("not-found")
        relation = RELATIONS[web.relation[line]]
        ends = [
            {"key": web.key(n), "name": web.name[n]} for n in (web.source[line], web.target[line])
        ]
        facts = [
            shown_fact(web.graph, relation.edge.table, fact)
            for fact in records(facts_of(web, line))
        ]
        return {"title": text(relation.edge.zh), "ends": ends, "facts": facts}
    if node is None:
        raise Problem("bad-request", "须指明 node 或 line。")
    _known(web, node)
    row = records(node_table(web, np.asarray([node])))[0]
    groups = [
        {
            **group,
            "count": int(group["count"]),
            "number": group_of(web, node, group["group"]).number,
        }
        for group in records(counts(web, node))
    ]
    key = web.key(node)
    facts = []
    if table := NODES[row["kind"]].table:
        at = web.graph.position(table, [row["id"]])[0]
        facts = [shown_fact(web.graph, table, records(web.graph[table].iloc[[at]])[0])]
    return {
        "key": key,
        "name": row["name"],
        "page": address_of(key),
        "groups": groups,
        "facts": facts,
    }


def shown_fact(graph: ChainGraph, table: str, fact: Mapping[str, Any]) -> list[list[str]]:
    """A fact as pairs of heading and value, empty cells left out."""
    return [
        [text(column.zh), named_value(graph, column, fact[column.name])]
        for column in TABLES[table].columns
        if fact.get(column.name) == fact.get(column.name)
        and fact.get(column.name) not in (None, "")
    ]


@router.post("/export", responses=_FILES, response_class=Response)
@access(Role.analyst, reads=True)
def export(request: Request, body: ExportBody) -> Response:
    """导出视图：SVG、PNG、GEXF 或 JSON。"""
    web = the_web(request, body.version)
    shown = Shown.of(web, body.shown)
    lines = np.setdiff1d(between(web, shown.nodes), np.asarray(body.hidden, dtype=np.int64))
    bands = arranged(web, shown.nodes, "staged").bands if body.layout == "staged" else ()
    scene = Scene(web, shown.nodes, shown.position, lines, bands)
    return exported(request, scene, body.form, text(body.title), body.caption)


def exported(
    request: Request, scene: Scene, form: str, title: str, caption: Caption = "name"
) -> Response:
    """A view as a file, with its row in the audit."""
    if form == "gexf":
        content, kind = gexf(scene), "application/gexf+xml"
    elif form == "json":
        written = json.dumps(document(scene), ensure_ascii=False, allow_nan=False, indent=1)
        content, kind = written.encode(), "application/json"
    else:
        drawing = drawing_of(scene, title, stamp(scene), caption)
        if form == "svg":
            content, kind = svg(drawing).encode(), "image/svg+xml"
        else:
            content, kind = png(drawing, title, stamp(scene)), "image/png"
    record(request, "graph.export", form, {"nodes": len(scene.nodes), "lines": len(scene.lines)})
    headers = {"content-disposition": f'attachment; filename="graph.{form}"'}
    return Response(content, media_type=kind, headers=headers)


@router.get("/overview")
@access(Role.viewer)
def overview(request: Request, version: Version = None) -> dict[str, Any]:
    """全图概览：每个集群或行业一个圆盘。"""
    web = the_web(request, version)
    found = overview_of(service_of(request), web)
    areas = [[a.name, a.x, a.y, a.r, a.nodes] for a in found.areas]
    return {"version": web.graph.version, "nodes": len(web), "areas": areas}


@router.get("/overview/points", responses=_NUMBERS, response_class=Response)
@access(Role.viewer)
def points(request: Request, version: Version = None) -> Response:
    """全图概览的坐标：各点 x、y（16 位整数，小端）与种类（8 位），三段依次存放。"""
    web = the_web(request, version)
    place = overview_of(service_of(request), web).position.astype("<i2")
    content = place[:, 0].tobytes() + place[:, 1].tobytes() + web.kind.astype("u1").tobytes()
    return Response(content, media_type="application/octet-stream")


@router.get("/overview/lines", responses=_NUMBERS, response_class=Response)
@access(Role.viewer)
def all_lines(request: Request, version: Version = None) -> Response:
    """全图概览的关系：每条两端的编号（32 位无符号整数，小端），相邻存放；到地区的不在内。"""
    web = the_web(request, version)
    region = KINDS.index("Region")
    inner = (web.kind[web.source] != region) & (web.kind[web.target] != region)
    pairs = np.stack([web.source[inner], web.target[inner]], axis=1).astype("<u4")
    return Response(pairs.tobytes(), media_type="application/octet-stream")


@router.get("/overview/node")
@access(Role.viewer)
def point(request: Request, node: Number, version: Version = None) -> dict[str, Any]:
    """概览中一个点：名称、地区、关系数，以及邻居的编号。"""
    web = the_web(request, version)
    _known(web, node)
    row = records(node_table(web, np.asarray([node])))[0]
    halves = slice(int(web.start[node]), int(web.start[node + 1]))
    return {
        "node": node,
        "key": web.key(node),
        "kind": row["kind"],
        "name": row["name"],
        "place": place_name(row["region"]) if row["region"] else "",
        "degree": int(row["degree"]),
        "near": [int(n) for n in web.other[halves][:500]],
    }


def overview_of(service: Service, web: Web) -> whole.Overview:
    """The overview of a web, made once for a version."""
    return service.lasting("overview", web.graph.version, make=lambda: whole.overview(web))


@router.get("/views")
@access(Role.viewer)
def views(request: Request) -> dict[str, Any]:
    """已保存的视图，最近的在前。"""
    return {"views": [listed(v) for v in saved(request).all()]}


@router.get("/views/{number}")
@access(Role.viewer)
def view(request: Request, number: str) -> dict[str, Any]:
    """一个已保存的视图。"""
    found = saved(request).get(number)
    web = the_web(request)
    state = ViewState.model_validate(found.state)
    numbers = web.numbers([node[0] for node in state.nodes])
    known = [(int(n), *node[1:3]) for n, node in zip(numbers, state.nodes, strict=True) if n >= 0]
    shown = Shown.of(web, known)
    drawn = _drawn(web, shown.nodes, shown.position, between(web, shown.nodes))
    missing = [node[0] for n, node in zip(numbers, state.nodes, strict=True) if n < 0]
    bands = arranged(web, shown.nodes, "staged").bands if state.layout == "staged" else ()
    listed_bands = [{"name": b.name, "x": b.x, "w": b.w} for b in bands]
    return {
        **listed(found), "state": found.state, **drawn, "missing": missing, "bands": listed_bands
    }  # fmt: skip


@router.post("/views", status_code=201)
@access(Role.analyst, anywhere=True)
def save(request: Request, body: ViewBody) -> dict[str, Any]:
    """保存视图；同名的由新的替换。"""
    owner, state = caller_of(request).name, body.state.model_dump()
    with changing(service_of(request).work, author(request)) as change:
        found = saved(request).save(change.connection, body.name, owner, state)
        change.note("view.save", f"{PAGE}/{found.name}")
    return listed(found)


@router.delete("/views/{number}", status_code=204)
@access(Role.analyst, anywhere=True)
def remove(request: Request, number: str) -> Response:
    """删除自己的视图；管理员可删任何视图。"""
    caller, found = caller_of(request), saved(request).get(number)
    if found.owner != caller.name and caller.role < Role.admin:
        raise Problem("forbidden", "只能删除自己的视图。")
    with changing(service_of(request).work, author(request)) as change:
        saved(request).remove(change.connection, number)
        change.note("view.remove", f"{PAGE}/{found.name}", {"owner": found.owner})
    return Response(status_code=204)


def saved(request: Request) -> SavedViews:
    """The saved views of the graph page."""
    return SavedViews(service_of(request).work, PAGE)


def listed(found: SavedView) -> dict[str, Any]:
    """A saved view without its state."""
    at: datetime = found.updated_at
    return {"id": found.id, "name": found.name, "owner": found.owner, "updated_at": at.isoformat()}


def _known(web: Web, node: int) -> None:
    if not 0 <= node < len(web):
        raise NotFoundError(f"没有这个节点：{node}。")


def choices() -> dict[str, Any]:
    """What the page's script needs to know besides the view, in the language of the request."""
    return {
        "groups": [
            {
                "code": g.code,
                "title": text(g.title),
                "kind": g.kind,
                "at": g.at,
                "edge": RELATIONS[g.relation].edge.name,
                "outward": g.outward,
                "measure": text(RELATIONS[g.relation].measure or "规模"),
            }
            for g in GROUPS
        ],
        "step": STEP,
        "most": MOST,
    }
