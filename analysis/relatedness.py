"""How near a region is to each product, and how complex both are (design section 4, Relatedness).

The product space is spanned by all cities with output; the region asked may be of any level. The
mathematics stands in :mod:`.space`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from ..graph import regions as geo
from ..graph.chain import Codes, Floats
from .economy import Economy
from .measures import membership
from .scope import Scope
from .space import NO_PRESENCE, NOT_UNIQUE, TOO_FEW, Space, advantage, present

#: Products of the region's advantage to name as the nearest.
NEAREST = 3
NO_OUTPUT, NO_ADVANTAGE, OUTSIDE = "no_output", "no_advantage", "outside_main_group"
#: Why a figure of the region is undefined.
UNDEFINED: Mapping[str, str] = MappingProxyType(
    {
        NO_OUTPUT: "本地没有已知产出",
        NO_ADVANTAGE: "本地没有具比较优势的产品",
        NO_PRESENCE: "没有城市有具比较优势的产品",
        TOO_FEW: "有产出的城市太少，无法比较",
        NOT_UNIQUE: "各城市的产品结构无法区分复杂度高低",
        OUTSIDE: "与主要城市群没有共同产品，无法比较",
    }
)


@dataclass(frozen=True)
class Relatedness:
    """Relatedness of a region to the products of a cluster, and its complexity.

    Attributes:
        region: Region code.
        cluster: Cluster id.
        version: The store's facts.
        cities: Number of cities that span the product space.
        coverage: Share of national output whose city is known, None where there is no output.
        explained: Share of density's variance, over cities and the products they lack, that
            diversity and ubiquity explain (R^2), None where density does not vary.
        diversity: Number of products in which the region has an advantage.
        eci: Economic complexity index of the region, None with a reason.
        coi: Outlook index, None with a reason.
        reason: Why figures are None, a code of :data:`UNDEFINED`, or None.
        table: One row per product of the cluster, those without local advantage first, largest
            surplus first, undefined last: product, name, link, stage, lq, advantage, ubiquity, density, distance, expected,
            surplus, pci, pci_rank (share of products that are not more complex), outlook_gain,
            nearest ([{product, name, proximity}]). NaN where undefined.
    """

    region: str
    cluster: str
    version: int
    cities: int
    coverage: float | None
    explained: float | None
    diversity: int
    eci: float | None
    coi: float | None
    reason: str | None
    table: pd.DataFrame


def city_output(economy: Economy) -> tuple[tuple[str, ...], Floats]:
    """Output of every city that makes anything.

    Returns:
        Codes of the cities, in order, and their output by product (CNY a year), (cities, products).
        Plants whose city is unknown count only nationally.
    """
    places = geo.at_level(economy.region[economy.domestic & (economy.output > 0)], "city")
    cities = tuple(c for c in np.unique(places).tolist() if c and geo.level(c) == "city")
    return cities, regional_output(economy, cities)


def regional_output(economy: Economy, regions: Sequence[str]) -> Floats:
    """Output by region and product (CNY a year), shape (regions, products)."""
    rows, where = membership(economy, regions)
    cell = where * economy.products + economy.product[rows]
    size = len(regions) * economy.products
    flat = np.bincount(cell, economy.output[rows], minlength=size).astype(np.float64)
    return flat.reshape(len(regions), economy.products)


def space_of(economy: Economy) -> tuple[tuple[str, ...], Floats, Space]:
    """The product space of an economy: cities, their output, the space."""
    cities, output = city_output(economy)
    return cities, output, Space(present(advantage(output, economy.national)))


def relatedness(scope: Scope) -> Relatedness:
    """Relatedness of a region to a cluster's products."""
    economy, at = scope.economy, scope.products
    cities, output, space = space_of(economy)
    here = regional_output(economy, [scope.region])
    rca = advantage(here, economy.national)
    figures = space.figures(present(rca))
    local = figures.presence[0]
    defined = bool(local.any())
    pci, made = space.pci, economy.national.sum()
    columns: dict[str, Floats] = {
        "density": figures.density[0],
        "distance": figures.distance[0],
        "expected": figures.expected[0],
        "surplus": figures.surplus[0],
        "outlook_gain": figures.cog[0],
    }
    table = scope.chain[["product", "name", "link", "stage"]].assign(
        lq=rca[0, at],
        advantage=local[at],
        ubiquity=space.ubiquity[at],
        **{name: values[at] if defined else np.nan for name, values in columns.items()},
        pci=pci[at],
        pci_rank=_rank(pci)[at],
        nearest=pd.Series(_nearest(economy, space, local, at), dtype=object),
    )
    table = table.sort_values(["advantage", "surplus", "product"], ascending=[True, False, True], ignore_index=True)
    return Relatedness(
        region=scope.region,
        cluster=scope.cluster,
        version=scope.graph.version,
        cities=len(cities),
        coverage=float(output.sum() / made) if made > 0 else None,
        explained=_number(space.explained),
        diversity=int(figures.diversity[0]),
        eci=_number(figures.eci[0]),
        coi=_number(figures.coi[0]),
        reason=_reason(here, defined, space.reason, float(figures.eci[0])),
        table=table,
    )


def _reason(here: Floats, defined: bool, whole: str, eci: float) -> str | None:
    if not here.any():
        return NO_OUTPUT
    if not defined:
        return NO_ADVANTAGE
    return whole or (OUTSIDE if np.isnan(eci) else None)


def _rank(values: Floats) -> Floats:
    """Share of the defined values that are not larger, NaN where undefined."""
    known = np.sort(values[~np.isnan(values)])
    share = np.searchsorted(known, values, side="right") / max(len(known), 1)
    return np.where(np.isnan(values), np.nan, share)


def _nearest(
    economy: Economy, space: Space, local: np.ndarray[Any, Any], at: Codes
) -> list[list[dict[str, Any]]]:
    """The products of local advantage with the largest proximity to each product, above 0."""
    own = np.flatnonzero(local)
    ids, names = economy.graph.text("products", "id"), economy.graph.text("products", "name")
    near = space.proximity.of(at)[own]
    best = np.argsort(-near, axis=0, kind="stable")
    result = []
    for column, product in enumerate(at):
        order = [i for i in best[: NEAREST + 1, column] if own[i] != product and near[i, column] > 0]
        result.append(
            [
                {
                    "product": str(ids[own[i]]),
                    "name": str(names[own[i]]),
                    "proximity": float(near[i, column]),
                }
                for i in order[:NEAREST]
            ]
        )
    return result


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
