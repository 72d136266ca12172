"""How near a region is to each product, and how complex both are (design section 4, Relatedness).

The product space is spanned by all cities with output; the region asked may be of any level. The
mathematics stands in :mod:`.space`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from ..graph import regions as geo
from ..graph.chain import ChainGraph, Codes, Floats
from ..graph.schema import EPSILON
from .economy import Economy, Mask, sums
from .measures import membership
from .scope import Scope
from .space import NO_PRESENCE, NOT_UNIQUE, TOO_FEW, Space, advantage, present

#: Sets of regions whose relatedness a space keeps.
KEPT = 8
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


@dataclass(frozen=True)
class CitySpace:
    """The product space of an economy's cities.

    Attributes:
        cities: Codes of the cities that make anything; plants whose city is unknown count only
            nationally.
        made: Positions of the products that any of them makes, shape (M,).
        output: All their output (CNY a year).
        space: The product space over cities x those products.
    """

    cities: tuple[str, ...]
    made: Codes
    output: float
    space: Space
    _related: dict[tuple[str, ...], Floats] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, economy: Economy) -> CitySpace:
        """The product space of an economy, kept as long as its graph."""
        known = _KNOWN.setdefault(economy.graph, {})
        key = economy.size.tobytes()
        if key not in known:
            known.clear()  # spaces are large: one for each graph, the one asked last
            known[key] = cls._build(economy)
        return known[key]

    @classmethod
    def _build(cls, economy: Economy) -> CitySpace:
        rows, codes, at = economy.plants
        places = geo.at_level(np.asarray(codes, dtype="<U6"), "city")
        cities = tuple(c for c in np.unique(places).tolist() if geo.level(c) == "city")
        inside = np.isin(places, cities)[at]
        made = np.unique(economy.product[rows[inside]])
        presence, output = _presence(economy, cities, made)
        return cls(cities, made, output, Space(presence))

    def related(self, economy: Economy, regions: Sequence[str]) -> Floats:
        """How far regions are nearer to products than their diversity explains, 0..1.

        max(0, surplus) / expected density, at most 1: 0.5 is a density half again as high as
        diversity and ubiquity explain. 0 where it is not defined.

        Args:
            economy: The economy of this space.
            regions: Region codes of any level.

        Returns:
            Shape (regions, products).
        """
        key = tuple(regions)
        if key not in self._related:
            if len(self._related) >= KEPT:
                self._related.clear()
            self._related[key] = self._relate(economy, key)
        return self._related[key]

    def _relate(self, economy: Economy, regions: tuple[str, ...]) -> Floats:
        found = np.zeros((len(regions), economy.products))
        output = regional_output(economy, regions, np.arange(economy.products))
        active = np.flatnonzero(output.any(axis=1))
        if len(active) and len(self.made):
            local = present(advantage(output[active], economy.national))[:, self.made]
            density, expected = self.space.relatedness(local)
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = np.where(expected > 0, (density - expected) / expected, 0.0)
            found[np.ix_(active, self.made)] = np.clip(np.nan_to_num(ratio), 0.0, 1.0)
        return found

    def spread(self, values: Floats, products: int) -> Floats:
        """Values by product of the space, shape (M,), as values by product; NaN for the others."""
        result = np.full(products, np.nan)
        result[self.made] = values
        return result


_KNOWN: WeakKeyDictionary[ChainGraph, dict[bytes, CitySpace]] = WeakKeyDictionary()


def _presence(economy: Economy, cities: Sequence[str], made: Codes) -> tuple[Mask, float]:
    """Where cities have an advantage, (cities, made), and all their output (CNY a year).

    As ``present(advantage(...))``, over the pairs with output alone: there are few of them.
    """
    rows, where = membership(economy, cities)
    slot = np.searchsorted(made, economy.product[rows])
    cell, inverse = np.unique(where * np.int64(max(len(made), 1)) + slot, return_inverse=True)
    output = sums(inverse, economy.output[rows], len(cell))
    place, product = np.divmod(cell, max(len(made), 1))
    whole = sums(place, output, len(cities))
    share_all = economy.national[made][product] / economy.national.sum()
    presence = np.zeros((len(cities), len(made)), dtype=bool)
    presence[place, product] = output / whole[place] / share_all >= 1.0 - EPSILON
    return presence, float(whole.sum())


def regional_output(economy: Economy, regions: Sequence[str], columns: Codes) -> Floats:
    """Output by region and some products (CNY a year), shape (regions, columns)."""
    rows, where = membership(economy, regions)
    slot = np.full(economy.products, -1, dtype=np.int64)
    slot[columns] = np.arange(len(columns))
    target = slot[economy.product[rows]]
    asked = target >= 0
    cell = where[asked] * len(columns) + target[asked]
    size = len(regions) * len(columns)
    flat = np.bincount(cell, economy.output[rows[asked]], minlength=size).astype(np.float64)
    return flat.reshape(len(regions), len(columns))


def relatedness(scope: Scope) -> Relatedness:
    """Relatedness of a region to a cluster's products."""
    economy, at = scope.economy, scope.products
    found = CitySpace.of(economy)
    space = found.space
    everything = np.arange(economy.products)
    here = regional_output(economy, [scope.region], everything)
    rca = advantage(here, economy.national)
    local = present(rca)
    figures = space.figures(local[:, found.made])
    defined = bool(figures.presence.any())

    def column(values: Floats) -> Floats:
        return found.spread(values, economy.products)[at]

    columns = {
        "density": figures.density[0],
        "distance": figures.distance[0],
        "expected": figures.expected[0],
        "surplus": figures.surplus[0],
        "outlook_gain": figures.cog[0],
    }
    ubiquity = np.nan_to_num(column(space.ubiquity.astype(np.float64)))
    table = scope.chain[["product", "name", "link", "stage"]].assign(
        lq=rca[0, at],
        advantage=local[0, at],
        ubiquity=ubiquity.astype(np.int64),
        **{name: column(values) if defined else np.nan for name, values in columns.items()},
        pci=column(space.pci),
        pci_rank=column(_rank(space.pci)),
        nearest=pd.Series(_nearest(economy, found, figures.presence[0], at), dtype=object),
    )
    order = ["advantage", "surplus", "product"]
    whole = float(economy.national.sum())
    return Relatedness(
        region=scope.region,
        cluster=scope.cluster,
        version=scope.graph.version,
        cities=len(found.cities),
        coverage=found.output / whole if whole > 0 else None,
        explained=_number(space.explained),
        diversity=int(local.sum()),
        eci=_number(figures.eci[0]),
        coi=_number(figures.coi[0]),
        reason=_reason(here, defined, space.reason, float(figures.eci[0])),
        table=table.sort_values(order, ascending=[True, False, True], ignore_index=True),
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
    economy: Economy, found: CitySpace, local: Mask, at: Codes
) -> list[list[dict[str, Any]]]:
    """The products of local advantage with the largest proximity to each product, above 0."""
    own = np.flatnonzero(local)
    ids, names = economy.graph.text("products", "id"), economy.graph.text("products", "name")
    result: list[list[dict[str, Any]]] = [[] for _ in at]
    slots = np.searchsorted(found.made, at)
    asked = np.flatnonzero(np.isin(at, found.made))
    near = found.space.proximity.of(slots[asked])[own]
    best = np.argsort(-near, axis=0, kind="stable")[: NEAREST + 1]
    for column, place in enumerate(asked.tolist()):
        order = [i for i in best[:, column] if own[i] != slots[place] and near[i, column] > 0]
        for i in order[:NEAREST]:
            product = found.made[own[i]]
            result[place].append(
                {
                    "product": str(ids[product]),
                    "name": str(names[product]),
                    "proximity": float(near[i, column]),
                }
            )
    return result


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
