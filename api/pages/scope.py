"""The region and the cluster a page is about: what was asked for, what can be chosen, links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from ...analysis.evidence import Detail, details
from ...analysis.gaps import Gaps
from ...graph import regions as geo
from ...graph.chain import ChainGraph, records
from ...graph.errors import NotFoundError
from ...viz.language import say
from ...viz.words import place_name
from ..http.access import EVERYWHERE, Caller, caller_of
from ..http.routes_facts import service_of
from ..http.service import Service
from ..pictures import titled

#: (Code, name) pairs under a heading, as an ``optgroup``.
Group = tuple[str, list[tuple[str, str]]]


@dataclass(frozen=True)
class Chosen:
    """What a page is about.

    Attributes:
        service: Where answers come from.
        caller: Who asks.
        graph: The facts.
        region: Region code.
        cluster: Cluster id; "" where there are no clusters.
        state: What else of the address belongs to the view, by parameter; "" where it is not given.
    """

    service: Service
    caller: Caller
    graph: ChainGraph
    region: str
    cluster: str
    state: Mapping[str, str]

    @property
    def gaps(self) -> Gaps:
        """The gaps."""
        return self.service.gaps(self.region, self.cluster)

    @property
    def details(self) -> dict[str, Detail]:
        """What stands beside each product of the cluster; of all at once, as most is shared."""
        return all_details(self.gaps, self.service)

    @property
    def title(self) -> str:
        """Name of the cluster with the region."""
        row = next(c for c in records(self.graph["clusters"]) if c["id"] == self.cluster)
        return titled(self.region, row["name"], row["region"])

    def regions(self) -> list[Group]:
        """Regions to choose from: those near the present one, then the other provinces."""
        return list(region_groups(self.region, self.caller))

    def clusters(self) -> list[tuple[str, str]]:
        """Clusters to choose from."""
        table = self.graph["clusters"]
        return list(zip(table["id"], table["name"], strict=True))

    def link(self, path: str = "", **changes: str | None) -> str:
        """An address with the view's state.

        Args:
            path: Another page, which gets region and cluster alone; "" for this view.
            changes: Parameters to set, or to leave out where None or "".
        """
        state = {"region": self.region, "cluster": self.cluster}
        merged = {**state, **({} if path else self.state), **changes}
        query = urlencode({k: v for k, v in merged.items() if v})
        return f"{path}?{query}"


def chosen(request: Request, *state: str) -> Chosen:
    """What a request is about; what it leaves open is the first cluster, and its own region.

    Args:
        request: The request.
        state: Names of further parameters that belong to the view.

    Raises:
        NotFoundError: No such region or cluster.
    """
    service, caller = service_of(request), caller_of(request)
    graph = service.graph()
    asked = request.query_params
    cluster = asked.get("cluster", "")
    homes = dict(zip(graph["clusters"]["id"], graph["clusters"]["region"], strict=True))
    if cluster and cluster not in homes:
        raise NotFoundError(say("没有这个集群：%(cluster)s。", cluster=cluster))
    cluster = cluster or next(iter(homes), "")
    region = asked.get("region", "") or default_region(caller, homes.get(cluster, ""))
    if not geo.exists(region):
        raise NotFoundError(say("没有这个地区：%(region)s。", region=region))
    kept = {name: asked.get(name, "") for name in state}
    return Chosen(service, caller, graph, region, cluster, kept)


def all_details(gaps: Gaps, service: Service) -> dict[str, Detail]:
    """What stands beside each product of a region and cluster."""
    key = ("details", gaps.version, gaps.scope.region, gaps.scope.cluster)
    return service.answer(*key, make=lambda: details(gaps))


def default_region(caller: Caller, home: str) -> str:
    """Where nothing was asked for: the caller's own region, else a cluster's."""
    return caller.region if caller.region != EVERYWHERE else home or geo.COUNTRY


def region_groups(region: str, caller: Caller) -> Iterator[Group]:
    """Regions around one, in groups, as far as the caller may see them."""

    def seen(*codes: str) -> list[tuple[str, str]]:
        return [(code, place_name(code)) for code in codes if caller.may_see(code)]

    province = geo.province(region)
    city = next((a for a in geo.ancestors(region) if geo.level(a) == "city"), "")
    groups = [
        ("全国和省", (geo.COUNTRY, *(() if province == geo.COUNTRY else (province,)))),
        ("市州", geo.divisions(province) if province != geo.COUNTRY else ()),
        ("区县", geo.divisions(city) if city else ()),
        ("其他省份", tuple(p for p in geo.children(geo.COUNTRY) if p != province)),
    ]
    for title, codes in groups:
        if found := seen(*codes):
            yield title, found


def answer_key(one: Chosen, *rest: Any) -> tuple[Any, ...]:
    """A key of :meth:`.Service.answer` for something worked out of one version and scope."""
    return (*rest, one.graph.version, one.region, one.cluster)
