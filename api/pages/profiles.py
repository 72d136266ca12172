"""Profiles: ``/enterprise/ID``, ``/product/ID`` and so on, one for each kind of node."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from ...analysis.web import Web
from ...graph import regions as geo
from ...graph.errors import NotFoundError
from ...graph.schema import NODES
from ..http.access import EVERYWHERE, Role, access, caller_of
from ..http.problems import Problem
from ..http.routes_facts import service_of
from ..http.routes_graphview import the_web
from ..profiles import Section, clusters_of, empty_profile, gap_rows, profile_of
from .patience import patient
from .shell import NAVIGATION, render

router = APIRouter()

Here = Annotated[str, Query(description="算作本地的地区", max_length=6)]


def _page(request: Request, kind: str, number: str, region: str) -> HTMLResponse:
    service = service_of(request)
    version = service.version()
    web = the_web(request, version)
    caller, key = caller_of(request), f"{kind}:{number}"
    if region and not geo.exists(region):
        raise NotFoundError(f"没有这个地区：{region}。")
    view = service.view(version)

    def stated(table: str) -> pd.DataFrame:
        return service.answer("stated", version, table, make=lambda: view.stated(table))

    here = region or (caller.region if caller.region != EVERYWHERE else "")
    if kind == "Region" and web.numbers([key])[0] < 0:
        profile = empty_profile(number)
    else:
        profile = profile_of(web, web.number(key), view, stated, here)
    return render(
        request,
        "profile.html",
        None,
        profile=profile,
        kind=NODES[kind].zh,
        gaps=_gaps(request, web, number, here) if kind == "Product" else None,
        pages={at for at, _, _ in NAVIGATION},
        version=version,
        clusters=clusters_of(web.graph, number) if kind == "Product" else [],
    )


def _gaps(request: Request, web: Web, product: str, here: str) -> Section | None:
    """What the product is where its clusters stand, in the province above, and here."""
    service, caller, graph = service_of(request), caller_of(request), web.graph
    found = []
    for cluster in clusters_of(graph, product):
        at = graph.position("clusters", [cluster])[0]
        home = str(graph.text("clusters", "region")[at])
        for code in dict.fromkeys(c for c in (home, geo.province(home), here) if c):
            if caller.may_see(code):
                found.append(service.gaps(code, cluster))
    # The map of targets leads to what can be done; it is linked where the program has it.
    page = next((at for at, _, _ in NAVIGATION if at == "/attraction"), "")
    return gap_rows(found, product, page) if found else None


@router.get("/enterprise/{number:path}")
@access(Role.viewer, "region", anywhere=True)
@patient
def enterprise(request: Request, number: str, region: Here = "") -> HTMLResponse:
    """企业档案。"""
    return _page(request, "Enterprise", number, region)


@router.get("/product/{number:path}")
@access(Role.viewer, "region", anywhere=True)
@patient
def product(request: Request, number: str, region: Here = "") -> HTMLResponse:
    """产品档案。"""
    return _page(request, "Product", number, region)


@router.get("/institute/{number:path}")
@access(Role.viewer, "region", anywhere=True)
@patient
def institute(request: Request, number: str, region: Here = "") -> HTMLResponse:
    """高校院所与平台档案。"""
    return _page(request, "Institute", number, region)


@router.get("/project/{number:path}")
@access(Role.viewer, "region", anywhere=True)
@patient
def project(request: Request, number: str, region: Here = "") -> HTMLResponse:
    """项目档案。"""
    return _page(request, "Project", number, region)


@router.get("/link/{number:path}")
@access(Role.viewer, "region", anywhere=True)
@patient
def link(request: Request, number: str, region: Here = "") -> HTMLResponse:
    """环节档案。"""
    return _page(request, "Link", number, region)


@router.get("/cluster/{number:path}")
@access(Role.viewer, "region", anywhere=True)
@patient
def cluster(request: Request, number: str, region: Here = "") -> HTMLResponse:
    """产业集群档案。"""
    return _page(request, "Cluster", number, region)


@router.get("/region/{code}")
@access(Role.viewer, "code")
@patient
def region(request: Request, code: str) -> HTMLResponse:
    """地区档案。"""
    if not geo.exists(code):
        raise Problem("not-found", f"没有这个地区：{code}。")
    return _page(request, "Region", code, "")
