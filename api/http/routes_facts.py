"""What the store holds, as it stands: nodes of every kind, lists and one by one; search; versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ...graph import regions as geo
from ...graph.errors import NotFoundError
from ...graph.schema import NODES, TABLES
from .. import answers
from . import documents, nodes
from .access import Role, access
from .formats import Form, Json, dumps, kinds, wanted
from .kept import Keeping, reply
from .listing import Listing, Page, answer, version_of
from .parameters import Choice, Code, Word, suffix_of, table_routes
from .problems import described
from .service import service_of

__all__ = ["router", "service_of"]

router = APIRouter(tags=["facts"], route_class=Keeping)

VersionNumber = Annotated[int | None, Query(ge=0, le=2**31, description="数据版本，默认最新。")]


def document_responses(schema: Json) -> dict[int | str, Json]:
    """Answers of a route that gives one JSON object."""
    return {
        200: documents.content(schema),
        304: {"description": "没有变化（If-None-Match）"},
        **described(406, 412),
    }


def document(request: Request, body: Json) -> Response:
    """One JSON object as the answer; it says its version itself."""
    wanted(request.headers.get("accept"), (Form.json,))
    return reply(request, dumps(body), Form.json, int(body["version"]))


def _serve(table: str) -> None:
    """Add the list of a table and its single nodes."""
    model = nodes.page_model(TABLES[table])

    def many(request: Request, page: Page) -> Response:
        service = service_of(request)
        version = version_of(request, service, page)
        graph = service.graph(version)
        text = getattr(page, "q", None)
        kind = nodes.KINDS[table]
        found = None
        if text is not None:
            found = [hit.id for hit in service.search(text, (kind,), None, version)]
        listing = nodes.nodes(graph, table, page, found)
        return answer(request, page, listing, suffix_of(request))

    many.__annotations__["page"] = Annotated[model, Query()]
    many.__name__, many.__doc__ = table, f"{TABLES[table].zh}：列表，按编码排序。"

    def one(request: Request, id: str, version: VersionNumber = None) -> Response:
        graph = service_of(request).graph(version)
        return document(request, nodes.node(graph, table, id))

    one.__name__ = f"{table}_one"
    one.__doc__ = f"{TABLES[table].zh}：一个，连同涉及它的全部事实及其来源。"
    chosen_by = ("region",) if "region" in model.model_fields else ()
    table_routes(router, f"/{table}", nodes.document_schema(TABLES[table]))(
        access(Role.viewer, unscoped=chosen_by)(many)
    )
    router.get(f"/{table}/{{id:path}}", responses=document_responses(nodes.node_schema(table)))(
        access(Role.viewer)(one)
    )


for _table in nodes.KINDS:
    _serve(_table)


class RegionsPage(Page):
    """Parameters of the list of regions."""

    within: Annotated[Code | None, Field(description="只要这个地区及其下级。")] = None
    level: Annotated[
        Literal["country", "province", "city", "county"] | None, Field(description="级别。")
    ] = None
    q: Annotated[Word | None, Field(description="名称的一部分或拼音首字母。")] = None


@table_routes(router, "/regions", documents.listing("regions", "regions", nodes.REGION))
@access(Role.viewer, unscoped=("within",))
def regions(request: Request, page: Annotated[RegionsPage, Query()]) -> Response:
    """行政区划：列表，按代码排序，附各类主体数。"""
    service = service_of(request)
    version = version_of(request, service, page)
    if page.within is not None:
        _existing(page.within)
    codes = [
        code
        for code in geo.names()
        if (page.within is None or geo.contains(page.within, code))
        and (page.level is None or geo.level(code) == page.level)
    ]
    if page.q is not None:
        hits = {hit.id for hit in service.search(page.q, ("Region",), None, version)}
        codes = [code for code in codes if code in hits]
    graph = service.graph(version)

    def encode(at: Sequence[int]) -> list[bytes]:
        chosen = [codes[i] for i in at]
        return [dumps(row) for row in nodes.region_rows(graph, chosen)]

    listing = Listing(
        "regions", {"version": graph.version}, "regions", codes, encode, kinds(nodes.REGION)
    )
    return answer(request, page, listing, suffix_of(request))


_REGION = {
    "title": "chainatlas Region",
    "type": "object",
    "properties": {
        "schema": {"const": "chainatlas.node/1"},
        "version": {"type": "integer"},
        "kind": {"const": "Region"},
        "node": nodes.REGION,
        "children": {"type": "array", "items": nodes.REGION},
    },
    "required": ["schema", "version", "kind", "node", "children"],
}


@router.get("/regions/{id}", responses=document_responses(_REGION))
@access(Role.viewer, unscoped=("id",))
def region(request: Request, id: Code, version: VersionNumber = None) -> Response:
    """一个地区及其直接下级。"""
    graph = service_of(request).graph(version)
    _existing(id)
    own, *below = nodes.region_rows(graph, (id, *geo.children(id)))
    body = {"version": graph.version, "kind": "Region", "node": own, "children": below}
    return document(request, {"schema": "chainatlas.node/1", **body})


def _existing(code: str) -> None:
    if not geo.exists(code):
        raise NotFoundError(f"没有这个地区：{code}。")


_HIT: Json = {
    "type": "object",
    "properties": {
        "kind": {"enum": list(NODES)},
        "id": {"type": "string"},
        "name": {"type": "string"},
        "match": {"enum": ["exact", "prefix", "contains"]},
        "field": {"enum": ["name", "alias", "code", "pinyin"]},
        "text": {"type": "string", "description": "匹配到的名称、别名或代码。"},
    },
}
_HIT["required"] = list(_HIT["properties"])
_SEARCH = {
    "title": "chainatlas search",
    "type": "object",
    "properties": {
        "schema": {"const": "chainatlas.search/1"},
        "version": {"type": "integer"},
        "query": {"type": "string"},
        "hits": {"type": "array", "items": _HIT},
    },
    "required": ["schema", "version", "query", "hits"],
}
_Kind = Annotated[str, Choice(NODES)]


@router.get("/search", responses=document_responses(_SEARCH))
@access(Role.viewer)
def search(
    request: Request,
    q: Annotated[str, Query(min_length=1, max_length=100, description="要找的词，空格分开。")],
    kind: Annotated[list[_Kind], Query(max_length=7, description="节点类别，默认全部。")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=500)] = 20,
    version: VersionNumber = None,
) -> Response:
    """按名称、别名、代码的任何一部分或拼音首字母查找；完全相同在前，开头相同其次，包含最后。"""
    service = service_of(request)
    number = service.graph(version).version
    hits = service.search(q, tuple(kind) or None, limit, number)
    body = {"version": number, "query": q, "hits": [vars(hit) for hit in hits]}
    return document(request, {"schema": "chainatlas.search/1", **body})


@router.get("/versions", responses=document_responses(documents.contract("versions")))
@access(Role.viewer)
def versions(request: Request) -> Response:
    """全部数据版本及其变化。"""
    found = service_of(request).store.versions()
    return document(request, answers.versions_answer(found).json())
