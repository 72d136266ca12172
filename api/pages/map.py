"""资源分布图: where a cluster's enterprises, institutes and projects are, down to counties."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ...graph import regions as geo
from ...graph.errors import NotFoundError
from ...graph.schema import LABELS
from ...viz.chain_layout import ordered_links
from ...viz.language import say, spoken
from ...viz.page import picture
from ...viz.resource_map import LAYERS, LAYERS_ZH, Screen, map_screen
from ...viz.resources import KINDS
from ...viz.tables import grid
from ...viz.words import place_name
from ..http.access import Role, access
from .export import links as export_links
from .patience import patient
from .scope import Chosen, answer_key, chosen
from .shell import render

router = APIRouter()

#: What of the address belongs to the view; ``at`` is the region whose parts are shown.
STATE = ("at", "link", "product", "label", "kind", "hide", "approval")
_FILTERS = ("link", "product", "label", "kind")
#: Layers of the page and whether they are shown at first.
_LAYERS = {**LAYERS, "bubble": True}
_LAYERS_ZH = {**LAYERS_ZH, "bubble": "气泡：产出"}
#: Rows of a list that the page shows; the workbook has all.
_ROWS = 200


@router.get("/map")
@access(Role.viewer, "region", "at")
@patient
def resource_map(request: Request) -> HTMLResponse:
    """资源分布图：按市州着色，可下钻到区县，可按环节、产品、资质、类别筛选。"""
    one = chosen(request, *STATE)
    if not one.cluster:
        return render(request, "nothing.html", title="资源分布图")
    at = one.state.get("at", "") or _widest(one)
    if not geo.exists(at):
        raise NotFoundError(say("没有这个地区：%(region)s。", region=at))
    wanted = {k: one.state[k] for k in _FILTERS}
    outlines = one.service.boundaries
    key = answer_key(one, "map", at, spoken().code, *sorted(wanted.items()))
    screen = one.service.answer(*key, make=lambda: map_screen(one.gaps, at, outlines, wanted))
    hidden = _hidden(one, request)
    table = one.gaps.table
    return render(
        request,
        "map.html",
        one=one,
        at=at,
        trail=[a for a in reversed(geo.ancestors(at)) if one.caller.may_see(a)],
        picture=picture(screen.drawing, "figure", one.title, links=_links(one, screen)),
        layers=_LAYERS,
        layers_zh=_LAYERS_ZH,
        hidden=hidden,
        sections=[
            (t.name, t.title, grid(t.table.head(_ROWS)), len(t.table)) for t in screen.tables
        ],
        most=_ROWS,
        chain_links=[(link["id"], link["name"]) for link in ordered_links(one.gaps)],
        products=sorted(zip(table["name"], table["product"], strict=True)),
        labels=LABELS,
        kinds=KINDS,
        filters=wanted,
        boundaries=outlines,
        approval=one.state.get("approval", "")[:40] or outlines.approval,
        exports=export_links("resources", one, approval=one.state.get("approval", "")[:40]),
    )


def _widest(one: Chosen) -> str:
    """The province of the region, or as much of it as the caller may see."""
    province = geo.province(one.region)
    return province if one.caller.may_see(province) else one.region


def _hidden(one: Chosen, request: Request) -> list[str]:
    """Layers that are not shown: those unticked, else those off at first."""
    if "layer" in request.query_params or "layers" in request.query_params:
        shown = set(request.query_params.getlist("layer"))
        return [name for name in _LAYERS if name not in shown]
    if one.state["hide"]:
        return [name for name in one.state["hide"].split(",") if name in _LAYERS]
    return [name for name, shown in _LAYERS.items() if not shown]


def _links(one: Chosen, screen: Screen) -> dict[str, tuple[str, str]]:
    """Where a region of the map leads: to the regions below it."""
    return {
        code: (one.link(at=code), place_name(code))
        for code in screen.view.places
        if geo.divisions(code) and one.caller.may_see(code)
    }
