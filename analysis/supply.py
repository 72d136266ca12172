"""Local supply rate 本地化配套率: three variants that are never mixed, and their low bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import regions as geo
from .measures import measure
from .scope import Scope


@dataclass(frozen=True)
class SupplyRate:
    """Local supply rates of a cluster in a region; None where the denominator is 0.

    Attributes:
        region: Region code.
        cluster: Cluster id.
        version: The store's facts.
        value: By value: share of direct input demand of the cluster's products that local output
            can meet.
        value_low: The same with local output of makers of known revenue only.
        count: Share of (product made here, input) pairs whose input is present here.
        observed: By recorded purchases: share bought from suppliers of the region.
        known_output_share: Share of the cluster's local output that comes from known revenue.
    """

    region: str
    cluster: str
    version: int
    value: float | None
    value_low: float | None
    count: float | None
    observed: float | None
    known_output_share: float | None


def supply_rate(scope: Scope) -> SupplyRate:
    """Local supply rates after design section 4 (supply-demand pool rule).

    Example, worked by hand: a region makes 100 of p; p takes 0.4 of q and 0.2 of s; it makes 20 of
    q and no s. Demand is 40 + 20, local output meets 20 + 0: value = 20 / 60 = 1/3; of the two
    pairs one input is made and not token: count = 1/2.
    """
    graph, economy = scope.graph, scope.economy
    ours = scope.slots >= 0
    product, used = graph.located("inputs", "product"), graph.located("inputs", "input")
    # Of the products of the whole graph only the cluster's and their inputs count.
    asked = np.union1d(scope.products, used[ours[product]])
    figures = measure(economy, [scope.region], asked)
    demand = figures.demand[0]
    output = np.zeros(economy.products)
    output[scope.products] = figures.output[0][ours[asked]]
    # a[q, p] X[p] over the cluster's products p, summed by input q.
    wanted = (economy.coefficients @ output)[asked]
    met = float(wanted @ figures.fulfilment[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.where(demand > 0, np.minimum(1.0, figures.known_output[0] / demand), 1.0)
    present = np.zeros(economy.products, dtype=bool)
    present[asked] = figures.is_present(scope.rules)[0]
    pairs = used[(output > 0)[product]]
    return SupplyRate(
        region=scope.region,
        cluster=scope.cluster,
        version=graph.version,
        value=_ratio(met, float(wanted.sum())),
        value_low=_ratio(float(wanted @ low), float(wanted.sum())),
        count=_ratio(float(present[pairs].sum()), float(len(pairs))),
        observed=_observed(scope),
        known_output_share=_ratio(
            float(figures.known_output[0][ours[asked]].sum()), float(output[ours].sum())
        ),
    )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _observed(scope: Scope) -> float | None:
    graph, economy = scope.graph, scope.economy
    here = geo.within(economy.region, scope.region) & (economy.output > 0)
    makers = economy.enterprise[here & np.isin(economy.product, scope.products)]
    amount = graph.number("supplies", "amount")
    buyer = graph.located("supplies", "buyer")
    supplier = graph.located("supplies", "supplier")
    counted = ~np.isnan(amount) & np.isin(buyer, makers)
    local = geo.within(graph.text("enterprises", "region"), scope.region)[supplier]
    return _ratio(float(amount[counted & local].sum()), float(amount[counted].sum()))
