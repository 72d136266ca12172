"""图谱浏览: ``/graph`` for what an analyst expands, ``/graph/all`` for the whole graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from ...analysis.neighbourhood import Way, between, line_table, node_table, shortest_paths
from ...analysis.web import GROUPS, KINDS, RELATIONS, Web
from ...graph.chain import Codes, records
from ...graph.schema import NODES
from ...viz.graph_layout import LAYOUTS
from ...viz.graph_view import CAPTIONS, group_counts, legend
from ...viz.language import retell, text
from ...viz.overview import Area
from ...viz.words import money, place_name
from ..http.access import Role, access, caller_of
from ..http.routes_facts import service_of
from ..http.routes_graphview import (
    Asked,
    choices,
    listed,
    overview_of,
    path_text,
    saved,
    the_web,
)
from ..profiles import address_of
from ..scenes import STEP, Address, nodes_of
from .patience import patient
from .shell import render

router = APIRouter()
#: Rows of the table that stands in the page itself; the script fills in the others.
ROWS = 60
#: What the scripts say; English comes from the catalogue.
WORDS = (
    "个节点", "条关系", "显示前", "按", "已显示", "再显示", "收起", "全部展开", "打开档案", "隐藏", "固定", "取消固定",
    "移除", "没有找到", "没有路径", "已达上限，请先收起或隐藏一部分", "以此为路径起点", "以此为路径终点",
    "事实与来源", "请求失败", "已保存", "链接已复制", "无来源", "选中一个节点查看详情", "起点", "终点",
    "点击一个点查看，再点“展开邻域”", "展开邻域", "条关系，位于", "已隐藏", "恢复", "只显示前", "个", "来源", "未知",
)  # fmt: skip


def say() -> dict[str, str]:
    """What the scripts say, in the language of the request."""
    return {word: text(word) for word in WORDS}


@router.get("/graph")
@access(Role.viewer)
@patient
def graph(
    request: Request,
    address: Asked,
    q: Annotated[str, Query(max_length=100)] = "",
    source: Annotated[str, Query(max_length=200)] = "",
    target: Annotated[str, Query(max_length=200)] = "",
    way: Way = "any",
    view: Annotated[str, Query(max_length=64)] = "",
) -> HTMLResponse:
    """图谱浏览。"""
    web = the_web(request, service_of(request).version())
    ends = [_meant(request, web, wanted) for wanted in (source, target) if wanted]
    paths: list[str] = []
    if len(ends) == 2:
        found = shortest_paths(web, ends[0], ends[1], way)
        paths = [path_text(web, records(steps)) for _, steps in found.groupby("path")]
        keys = [web.key(int(n)) for n in dict.fromkeys(found["node"].tolist() or ends)]
        starts = tuple(dict.fromkeys([*address.starts, *keys]))
        address = Address(address.looks, starts, address.opened, address.dropped, address.layout)
    kept = saved(request).get(view) if view else None
    if kept is not None:
        keys = [node[0] for node in kept.state["nodes"]]
        address = Address((), tuple(keys), (), (), str(kept.state["layout"]))
    shown, missing = nodes_of(web, address)
    lines = between(web, shown)
    caller = caller_of(request)
    number = web.graph.version
    scene = f"views/{kept.id}" if kept is not None else f"scene?{address.query}&version={number}"
    return render(
        request,
        "graph.html",
        {
            **choices(),
            "version": number,
            "view": view,
            "legend": legend(),
            "titles": {k: text(n.zh) for k, n in NODES.items()},
            "words": say(),
            "mayExport": caller.role >= Role.analyst,
        },
        scene=scene,
        q=q,
        hits=_hits(request, web, q) if q else None,
        nodes=list(_node_rows(web, shown[:ROWS])),
        edges=_edge_rows(web, lines[:ROWS]),
        totals=(len(shown), len(lines)),
        asked=address,
        legend=legend(),
        layouts=LAYOUTS,
        captions=CAPTIONS,
        missing=missing,
        paths=paths,
        asked_path=(source, target, way),
        views=[listed(v) for v in saved(request).all()],
        view=kept,
        version=web.graph.version,
        ideas=_ideas(web) if not len(shown) else [],
        keeps=caller.role >= Role.analyst and caller.kind == "session",
        exports=caller.role >= Role.analyst,
        regions=_regions(web),
    )


def _meant(request: Request, web: Web, wanted: str) -> int:
    """The node that a key or a name means."""
    number = int(web.numbers([wanted])[0])
    found = service_of(request).find(wanted, 1, web.graph.version)
    return number if number >= 0 or not len(found) else int(found[0])


def _hits(request: Request, web: Web, wanted: str) -> list[dict[str, Any]]:
    found = service_of(request).find(wanted, 20, web.graph.version)
    rows = records(node_table(web, found))
    return [
        {
            "name": row["name"],
            "kind": NODES[row["kind"]].zh,
            "place": place_name(row["region"]) if row["region"] else "",
            "degree": int(row["degree"]),
            "key": f"{row['kind']}:{row['id']}",
        }
        for row in rows
    ]


def _node_rows(web: Web, nodes: Codes) -> Iterator[dict[str, Any]]:
    """Rows of the table of nodes, with what expands them."""
    groups = group_counts(web, nodes)
    for row, offers in zip(records(node_table(web, nodes)), groups, strict=True):
        key = f"{row['kind']}:{row['id']}"
        yield {
            "key": key,
            "name": row["name"],
            "kind": NODES[row["kind"]].zh,
            "code": row["kind"],
            "place": place_name(row["region"]) if row["region"] else "",
            "size": money(row["size"]) if row["size"] == row["size"] else "",
            "imputed": bool(row["imputed"]),
            "page": address_of(key),
            "groups": [
                {
                    "title": GROUPS[number].title,
                    "count": count,
                    "first": min(STEP, count),
                    "measure": RELATIONS[GROUPS[number].relation].measure or "规模",
                    "open": f"{GROUPS[number].code}@{key}",
                }
                for number, count in offers
            ],
        }


def _edge_rows(web: Web, lines: Codes) -> list[dict[str, Any]]:
    return [
        {
            "source": web.name[row["source"]],
            "target": web.name[row["target"]],
            "title": row["title"],
            "facts": int(row["facts"]),
            "as_of": row["as_of"],
            "confidence": "" if row["confidence"] != row["confidence"] else row["confidence"],
            "stated": "；".join(row["stated"]),
        }
        for row in records(line_table(web, lines))
    ]


def _ideas(web: Web) -> list[dict[str, str]]:
    """Where to begin: clusters, and the nodes of each kind with most lines."""
    chosen: list[int] = []
    for kind in ("Cluster", "Enterprise", "Product", "Institute"):
        at = KINDS.index(kind)
        begin, end = int(web.first[at]), int(web.first[at + 1])
        order = np.argsort(-web.degree[begin:end], kind="stable")[:7]
        chosen += (begin + order).tolist()
    return [
        {"kind": KINDS[web.kind[n]], "title": NODES[KINDS[web.kind[n]]].zh, "name": str(web.name[n]),
         "degree": str(int(web.degree[n])), "to": "/graph?" + urlencode({"look": web.key(n)})}
        for n in chosen
    ]  # fmt: skip


def _regions(web: Web) -> list[tuple[str, str]]:
    """Provinces and cities that nodes lie in, for the filter."""
    return [
        (code, place_name(code)) for code in web.places.tolist()
        if code != "100000" and (code.endswith("0000") or (code[:2] == "42" and code.endswith("00")))
    ]  # fmt: skip


def _middle(areas: Sequence[Area]) -> tuple[float, float, float]:
    """Middle and half width of what the discs cover."""
    if not areas:
        return 0.0, 0.0, 1.0
    low_x, low_y = (min(a.x - a.r for a in areas), min(a.y - a.r for a in areas))
    high_x, high_y = (max(a.x + a.r for a in areas), max(a.y + a.r for a in areas))
    half = max((high_x - low_x) / 3.2, (high_y - low_y) / 2)
    return (low_x + high_x) / 2, (low_y + high_y) / 2, half * 1.08


@router.get("/graph/all")
@access(Role.viewer)
@patient
def everything(request: Request) -> HTMLResponse:
    """全图概览。"""
    web = the_web(request, service_of(request).version())
    found = overview_of(service_of(request), web)
    numbers = np.bincount(web.kind, minlength=len(KINDS)).tolist()
    return render(
        request,
        "graph_all.html",
        {
            "version": web.graph.version,
            "nodes": len(web),
            "middle": _middle(found.areas),
            "areas": [[retell(a.name), a.x, a.y, a.r, a.nodes] for a in found.areas],
            "legend": legend()["nodes"],
            "words": say(),
        },
        areas=found.areas,
        kinds=[
            {**entry, "count": count}
            for entry, count in zip(legend()["nodes"], numbers, strict=True)
        ],
        nodes=len(web),
        lines=len(web.source),
        version=web.graph.version,
    )
