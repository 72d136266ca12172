"""Systemic risk of a cluster's chain in a region: who and what must not fail.

The network is that of every product upstream and downstream of the cluster's products
(:mod:`.supply_network`); what a failure costs is ESRI (:mod:`.esri`), counted twice: over all
domestic output of the chain (``esri``), and over the region's output of the cluster (``local``).
Where links are reconstructed, every figure is the mean over an ensemble, with its standard
deviation beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..graph import regions as geo
from ..graph.chain import Codes, Direction, Floats
from ..graph.schema import EPSILON
from .economy import Mask, sums
from .esri import Engine, Network, esri
from .gaps import classify
from .measures import measure
from .scope import Scope
from .sourcing import Sourcing
from .supply_network import SUPPLIERS_PER_NEED, Links, Reconstruction, SupplyNetwork, supply_network

Choice = Literal["auto", "observed", "reconstructed"]
#: What a network may be made from, by what is asked for.
CHOICES: Mapping[str, str] = MappingProxyType(
    {
        "auto": "有记录用记录，没有记录的投入重构",
        "observed": "只用已知供应关系",
        "reconstructed": "全部重构",
    }
)
#: What a network turned out to be.
BASES: Mapping[str, str] = MappingProxyType(
    {
        "observed": "已知供应关系",
        "reconstructed": "重构网络（按产品的密度修正引力模型）",
        "mixed": "已知供应关系，其余重构",
        "none": "没有任何供应关系",
    }
)
#: Members of an ensemble.
MEMBERS = 10
#: Share of the region's output of the cluster from which what falls with a supplier, beyond its own
#: plants, makes it a critical one.
CRITICAL_LOSS = 0.05
ENTERPRISE_COLUMNS = (
    "enterprise",
    "name",
    "place",
    "products",
    "esri",
    "esri_sd",
    "local",
    "local_sd",
    "knock_on",
    "knock_on_sd",
    "critical",
    "rank",
)
PRODUCT_COLUMNS = (
    "product",
    "name",
    "reason",
    "criticality",
    "makers",
    "effective_makers",
    "largest",
    "largest_name",
    "largest_share",
    "esri",
    "esri_sd",
    "local",
    "local_sd",
    "diversified",
    "diversified_sd",
    "gain",
    "outage",
    "outage_sd",
)
#: Why a product is a single point of failure.
POINT_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "single_source": "本地有效供应商和全国主要企业过少",
        "few_makers": "有记录的全部生产企业过于集中",
    }
)


@dataclass(frozen=True)
class Risk:
    """The answer.

    Attributes:
        region: Region code.
        cluster: Cluster id.
        version: The store's facts.
        basis: One of :data:`BASES`.
        members: Networks drawn; 1 where nothing is drawn.
        seed: What the draws start from.
        suppliers: Suppliers per need that the reconstruction assumes.
        coverage: Share of all needs whose supplier is recorded, None where nothing is needed.
        lines: Lines (enterprise and product) in the network.
        links: Links, the mean over the members.
        unused: SUPPLIES rows of the chain that say too little.
        reason: Why figures are missing, "" where none is.
        enterprises: :data:`ENTERPRISE_COLUMNS`, by knock-on, then local, then esri: every
            enterprise that makes something the region's part of the cluster needs, at any remove,
            or is part of it. ``knock_on`` is ``local`` beyond its own plants.
        products: :data:`PRODUCT_COLUMNS`, by local: single points of failure. ``esri`` and
            ``local`` are for the line of the largest maker, ``diversified`` is ``local`` where it
            was two makers of half the size, ``gain`` the difference, ``outage`` is ``local``
            where nobody can make the product.
    """

    region: str
    cluster: str
    version: int
    basis: str
    members: int
    seed: int
    suppliers: float
    coverage: float | None
    lines: int
    links: float
    unused: int
    reason: str
    enterprises: pd.DataFrame
    products: pd.DataFrame


def find_risk(
    scope: Scope,
    choice: Choice = "auto",
    members: int = MEMBERS,
    seed: int = 0,
    suppliers: float = SUPPLIERS_PER_NEED,
    engine: Engine = "auto",
) -> Risk:
    """Critical suppliers and single points of failure of a cluster in a region.

    A product is a single point of failure where 固链 fires for it as single source, or where it is
    essential to something made in the region (criticality from ``critical_min``) and its recorded
    makers, at home and abroad, number effectively less than ``local_suppliers_min``.

    Args:
        scope: Region and cluster.
        choice: What the network is made from, one of :data:`CHOICES`.
        members: Networks to draw where links are reconstructed.
        seed: Start of the draws; the same seed gives the same answer.
        suppliers: Suppliers per need that the reconstruction assumes.
        engine: As for :func:`.esri.esri`.

    Raises:
        ValueError: Fewer than one member, or fewer suppliers than one.
    """
    if members < 1 or not suppliers >= 1:
        raise ValueError("members and suppliers must be at least 1")
    economy = scope.economy
    chain = _chain(scope)
    whole = supply_network(economy, scope.rules, chain)
    if choice == "reconstructed":
        whole = _forgotten(whole)
    drawing = Reconstruction(whole, suppliers)
    drawn = choice != "observed" and len(drawing) > 0
    recorded = len(whole.recorded.source) > 0
    local = _local(scope, whole)
    weights = np.stack([whole.lines.domestic, local])
    upstream = _upstream(scope, local > 0, whole)
    rows = _Shocks.of(scope, whole, upstream)
    found: list[_Losses] = []
    links = 0
    networks = _ensemble(whole, drawing if drawn else None, members, seed)
    for network in networks:
        links += len(network.source)
        found.append(rows.run(network, weights, engine))
    reason = ""
    if local.sum() <= 0:
        reason = "本地没有该集群的产出，无法计算本地损失"
    elif links == 0:
        reason = "没有任何供应关系可用，停产只影响自身"
    return Risk(
        region=scope.region,
        cluster=scope.cluster,
        version=scope.graph.version,
        basis=("mixed" if recorded else "reconstructed")
        if drawn
        else ("observed" if recorded else "none"),
        members=len(found),
        seed=seed,
        suppliers=suppliers,
        coverage=whole.coverage,
        lines=len(whole.lines.output),
        links=links / len(found),
        unused=whole.unused,
        reason=reason,
        enterprises=rows.enterprise_table(found, local),
        products=rows.product_table(found),
    )


def _ensemble(
    whole: SupplyNetwork, drawing: Reconstruction | None, members: int, seed: int
) -> Iterator[Network]:
    if drawing is None:
        yield whole.network(None)
        return
    for member in range(members):
        yield whole.network(drawing.draw(np.random.default_rng([seed, member])))


def _forgotten(whole: SupplyNetwork) -> SupplyNetwork:
    nothing = np.zeros(0, dtype=np.int64)
    none = Links(nothing, nothing, np.zeros(0), np.zeros(0, dtype=bool))
    return SupplyNetwork(whole.lines, none, np.ones_like(whole.open), 0)


def _chain(scope: Scope) -> Mask:
    """Every product upstream or downstream of the cluster's, and those themselves, (products,)."""
    graph = scope.graph
    start = scope.chain["product"].tolist()
    found = np.zeros(scope.economy.products, dtype=bool)
    directions: tuple[Direction, ...] = ("upstream", "downstream")
    for direction in directions:
        reached = graph.closure("INPUT_TO", start, direction)
        found[graph.position("products", reached["id"])] = True
    return found


def _local(scope: Scope, whole: SupplyNetwork) -> Floats:
    """The region's output of the cluster by line (CNY a year), (n,)."""
    economy, lines = scope.economy, whole.lines
    here = geo.within(economy.region, scope.region) & np.isin(economy.product, scope.products)
    here &= economy.output > 0
    size = np.int64(economy.products + 1)
    key = lines.enterprise * size + lines.product
    order = np.argsort(key)
    at = np.searchsorted(key[order], economy.enterprise[here] * size + economy.product[here])
    return sums(order[at], economy.output[here], len(key)) if here.any() else np.zeros(len(key))


def _upstream(scope: Scope, local: Mask, whole: SupplyNetwork) -> Mask:
    """What the region's part of the cluster needs, at any remove, and makes itself, (products,)."""
    graph = scope.graph
    made = np.unique(whole.lines.product[local])
    reached = graph.closure("INPUT_TO", graph.text("products", "id")[made].tolist(), "upstream")
    found = np.zeros(scope.economy.products, dtype=bool)
    found[graph.position("products", reached["id"])] = True
    return found


@dataclass(frozen=True)
class _Losses:
    """Losses of one network: (2, shocks) of esri and local."""

    enterprises: Floats
    largest: Floats
    outage: Floats
    diversified: Floats


@dataclass(frozen=True)
class _Shocks:
    """What is made to fail."""

    scope: Scope
    whole: SupplyNetwork
    sources: Sourcing
    enterprises: Codes
    points: pd.DataFrame
    lines_of: Sequence[Codes]
    largest: Sequence[Codes]
    makers: Sequence[Codes]

    @classmethod
    def of(cls, scope: Scope, whole: SupplyNetwork, upstream: Mask) -> _Shocks:
        economy, lines = scope.economy, whole.lines
        known = lines.product < economy.products
        ours = np.zeros(len(known), dtype=bool)
        ours[known] = upstream[lines.product[known]]
        enterprises = np.unique(lines.enterprise[ours])
        sources = Sourcing.of(economy)
        points = _points(scope, sources, upstream)
        at = points["at"].to_numpy(np.int64)
        return cls(
            scope,
            whole,
            sources,
            enterprises,
            points,
            _grouped(lines.enterprise, enterprises),
            [
                np.flatnonzero((lines.product == p) & (lines.enterprise == sources.largest[p]))
                for p in at
            ],
            [np.flatnonzero(lines.product == p) for p in at],
        )

    def run(self, network: Network, weights: Floats, engine: Engine) -> _Losses:
        """Every shock on one network."""
        every = esri(network, [*self.lines_of, *self.largest, *self.makers], weights, engine=engine)
        first, second = len(self.lines_of), len(self.lines_of) + len(self.largest)
        split = [self._split(network, int(line[0]), weights, engine) for line in self.largest]
        return _Losses(
            every[:, :first],
            every[:, first:second],
            every[:, second:],
            np.array(split).T.reshape(2, len(split)),
        )

    def _split(self, network: Network, line: int, weights: Floats, engine: Engine) -> Floats:
        halved, both = diversified(network, line), weights[:, [*range(len(network)), line]].copy()
        both[:, [line, -1]] /= 2.0
        return esri(halved, [np.array([line])], both, engine=engine)[:, 0]

    def enterprise_table(self, found: Sequence[_Losses], local: Floats) -> pd.DataFrame:
        """Enterprises by what falls with them."""
        graph, lines = self.scope.graph, self.whole.lines
        ids, names = graph.text("enterprises", "id"), graph.text("enterprises", "name")
        home, country = graph.text("enterprises", "region"), graph.text("enterprises", "country")
        product_ids = np.append(graph.text("products", "id"), "")
        whole = local.sum()
        own = np.array([local[at].sum() for at in self.lines_of])
        own = own / whole if whole > 0 else np.full(len(own), np.nan)
        losses = np.array([f.enterprises for f in found]).reshape(len(found), 2, len(own))
        mean, spread = losses.mean(axis=0), _spread(losses)
        knock_on = np.maximum(mean[1] - own, 0.0)
        rows = [
            {
                "enterprise": str(ids[e]),
                "name": str(names[e]),
                "place": str(home[e] or country[e]),
                "products": [x for x in product_ids[lines.product[at]].tolist() if x],
                "esri": mean[0, i],
                "esri_sd": spread[0, i],
                "local": mean[1, i],
                "local_sd": spread[1, i],
                "knock_on": knock_on[i],
                "knock_on_sd": spread[1, i],
                "critical": bool(knock_on[i] >= CRITICAL_LOSS - EPSILON),
            }
            for i, (e, at) in enumerate(zip(self.enterprises.tolist(), self.lines_of, strict=True))
        ]
        order = ["knock_on", "local", "esri", "enterprise"]
        table = pd.DataFrame(rows, columns=list(ENTERPRISE_COLUMNS[:-1]))
        table = table.sort_values(order, ascending=[False] * 3 + [True], ignore_index=True)
        return table.assign(rank=np.arange(1, len(table) + 1))

    def product_table(self, found: Sequence[_Losses]) -> pd.DataFrame:
        """Single points of failure, and what a second source would buy."""
        graph, n = self.scope.graph, len(self.points)
        ids, names = graph.text("enterprises", "id"), graph.text("enterprises", "name")
        columns: dict[str, Any] = {}
        for name, kind, losses in (
            ("esri", 0, [f.largest for f in found]),
            ("local", 1, [f.largest for f in found]),
            ("diversified", 1, [f.diversified for f in found]),
            ("outage", 1, [f.outage for f in found]),
        ):
            values = np.array(losses).reshape(len(found), 2, n)[:, kind]
            columns[name], columns[f"{name}_sd"] = values.mean(axis=0), _spread(values)
        largest = self.sources.largest[self.points["at"].to_numpy(np.int64)]
        table = self.points.assign(largest=ids[largest], largest_name=names[largest], **columns)
        table["gain"] = table["local"] - table["diversified"]
        table = table.sort_values(["local", "product"], ascending=[False, True], ignore_index=True)
        return table[list(PRODUCT_COLUMNS)]


def _spread(values: Floats) -> Floats:
    """Standard deviation over the members; NaN where there is only one."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    return np.asarray(values.std(axis=0), dtype=np.float64)


def _grouped(of: Codes, wanted: Codes) -> list[Codes]:
    """Positions at which each of some values stands."""
    order = np.argsort(of, kind="stable")
    low = np.searchsorted(of[order], wanted)
    high = np.searchsorted(of[order], wanted, side="right")
    return [order[a:b] for a, b in zip(low, high, strict=True)]


def _points(scope: Scope, sources: Sourcing, upstream: Mask) -> pd.DataFrame:
    """Single points of failure among some products, with what is known of their makers."""
    economy, rules, graph = scope.economy, scope.rules, scope.graph
    asked = np.flatnonzero(upstream & (sources.largest >= 0))
    figures = measure(economy, [scope.region], asked)
    single = classify(economy, figures, rules).single_source[0]
    with np.errstate(invalid="ignore"):
        few = (figures.criticality[0] >= rules.critical_min - EPSILON) & (
            sources.effective[asked] < rules.local_suppliers_min - EPSILON
        )
    at = asked[single | few]
    return pd.DataFrame(
        {
            "at": at,
            "product": graph.text("products", "id")[at],
            "name": graph.text("products", "name")[at],
            "reason": np.where(single, "single_source", "few_makers")[single | few],
            "criticality": figures.criticality[0][single | few],
            "makers": np.bincount(sources.product, minlength=economy.products)[at],
            "effective_makers": sources.effective[at],
            "largest_share": sources.top_share[at],
        }
    )


def diversified(network: Network, firm: int) -> Network:
    """The network with a firm's business split evenly between it and a twin, the last firm.

    Both sell to the same buyers and buy from the same suppliers, each half of it.
    """
    twin = len(network)
    sells, buys = network.source == firm, network.target == firm
    weight = np.where(sells | buys, network.weight / 2.0, network.weight)
    extra = np.concatenate([np.flatnonzero(sells), np.flatnonzero(buys)])
    output = np.append(network.output, network.output[firm] / 2.0)
    output[firm] /= 2.0
    return Network.of(
        np.append(network.product, network.product[firm]),
        np.concatenate([network.source, np.where(sells[extra], twin, network.source[extra])]),
        np.concatenate([network.target, np.where(buys[extra], twin, network.target[extra])]),
        np.concatenate([weight, weight[extra]]),
        np.concatenate([network.essential, network.essential[extra]]),
        output,
    )
