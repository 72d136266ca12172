"""总览: every cluster of a region at a glance, what to do first, and search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ...analysis.gaps import ACTIONS, EVIDENCE, ROUTES, STATES, Gaps
from ...analysis.scope import Scope
from ...analysis.situation import Difference, difference, situation
from ...analysis.supply import SupplyRate
from ...analysis.targets import find_targets
from ...graph import regions as geo
from ...graph.chain import records
from ...graph.errors import NotFoundError
from ...graph.schema import TIERS
from ...viz.changes import explained
from ...viz.language import spoken
from ..http.access import EVERYWHERE, Role, access, caller_of
from ..http.problems import Problem
from ..http.routes_facts import service_of
from ..http.service import Service
from .find import finds
from .patience import patient
from .scope import default_region, region_groups
from .shell import render

router = APIRouter()

#: Gaps named under "what to do first".
FIRST = 8


@dataclass(frozen=True)
class Standing:
    """How one cluster stands in the region."""

    row: dict[str, Any]
    gaps: Gaps
    rate: SupplyRate
    counts: dict[str, int]
    confirmed: int

    @property
    def acting(self) -> int:
        """Products that need something done."""
        return len(self.gaps.acting())

    @property
    def output(self) -> float:
        """Local output of the cluster's products (CNY a year)."""
        return float(self.gaps.table["output"].sum())

    @property
    def made(self) -> int:
        """Products made here."""
        return int(self.gaps.table["made"].sum())


@router.get("/")
@access(Role.viewer, "region", anywhere=True)
@patient
def overview(request: Request) -> Response:
    """总览：各集群的梯次、规模、配套率、四类动作和先做什么。"""
    service, caller = service_of(request), caller_of(request)
    region = request.query_params.get("region", "")
    if not region and caller.region != EVERYWHERE:
        return RedirectResponse(f"/?{urlencode({'region': caller.region})}", 303)
    graph = service.graph()
    homes = graph["clusters"]["region"]
    region = region or default_region(caller, geo.province(homes.iloc[0]) if len(homes) else "")
    if not geo.exists(region):
        raise NotFoundError(f"没有这个地区：{region}。")
    if not caller.may_see(region):
        raise Problem("forbidden", f"超出地区范围 {caller.region}。")
    wanted = request.query_params.get("q", "").strip()
    stand = [_standing(service, region, row) for row in records(graph["clusters"])]
    return render(
        request,
        "overview.html",
        region=region,
        groups=list(region_groups(region, caller)),
        version=graph.version,
        standings=stand,
        first=first_steps(service, region, stand),
        found=finds(graph, wanted, region, caller) if wanted else None,
        wanted=wanted,
        tiers=TIERS,
        actions=ACTIONS,
        states=STATES,
        routes=ROUTES,
        evidence=EVIDENCE,
    )


def _standing(service: Service, region: str, row: dict[str, Any]) -> Standing:
    gaps = service.gaps(region, row["id"])
    table = gaps.table
    counts = {a: sum(a in x for x in table["actions"]) for a in ACTIONS}
    sure = int((gaps.acting()["evidence"] == "confirmed").sum())
    return Standing(row, gaps, service.supply(region, row["id"]), counts, sure)


def first_steps(service: Service, region: str, standings: list[Standing]) -> list[dict[str, Any]]:
    """The most urgent gaps of all clusters, each with its best target."""
    rows = [
        {**row, "cluster": s.row["id"], "cluster_name": s.row["name"]}
        for s in standings
        for row in records(s.gaps.acting().head(FIRST))
    ]
    rows.sort(key=lambda row: (-row["priority"], row["product"], row["cluster"]))
    # A product of several clusters is one thing to do.
    once: dict[str, dict[str, Any]] = {}
    for row in rows:
        once.setdefault(row["product"], row)
    rows = list(once.values())[:FIRST]
    for standing in standings:
        own = [row for row in rows if row["cluster"] == standing.row["id"]]
        best = _best(service, standing.gaps, tuple(row["product"] for row in own)) if own else {}
        for row in own:
            row["target"] = best.get(row["product"])
    return rows


def _best(service: Service, gaps: Gaps, products: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The best target of each of some gaps; asking for several takes no longer than for one."""
    key = ("first", gaps.version, gaps.scope.region, gaps.scope.cluster, products)
    found = service.answer(*key, make=lambda: records(find_targets(gaps, products, 1)))
    return {row["product"]: row for row in found}


@router.get("/overview/changes")
@access(Role.viewer, "region")
def changes(request: Request, region: str) -> HTMLResponse:
    """总览的一部分：每个集群与上一版本相比的变化。"""
    service = service_of(request)
    versions = service.store.versions()
    found = []
    if len(versions) > 1:
        old, new = versions[-2].number, service.version()
        for row in records(service.graph()["clusters"]):
            found.append((row, _between(service, region, row["id"], old, new)))
    said = [(row, None if one is None else explained(one)) for row, one in found]
    return render(
        request,
        "overview_changes.html",
        said=said,
        region=region,
        versions=versions[-2:],
        whole=spoken(),
        part=request.query_params.get("part"),
    )


def _between(service: Service, region: str, cluster: str, old: int, new: int) -> Difference | None:
    """What changed between two versions; None where the older has no such cluster."""

    def make() -> Difference | None:
        try:
            before = situation(Scope.of(service.graph(old), region, cluster))
        except NotFoundError:
            return None
        return difference(before, situation(Scope.of(service.graph(new), region, cluster)))

    return service.answer("changes", old, new, region, cluster, make=make)
