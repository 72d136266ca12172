"""Who may come for which gap: every maker outside, all gaps of a cluster at once.

Arrays run over (gap, enterprise) pairs. A candidate neither sits in the region nor makes the gap's
product there (local makers of a neighbour are for :mod:`analysis.routes`). Where fewer than :data:`FEW` enterprises make it outside, makers of a close neighbour
of it count too, marked as such.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np

from ...graph import regions as geo
from ...graph.chain import Codes, Floats, spans
from ..economy import Economy, Mask, sums
from ..gaps import Gaps
from ..relatedness import CitySpace
from ..scope import Scope
from .texts import Said
from .ties import Bonds

#: A gap with fewer makers outside takes makers of neighbours too, of at most so many products.
FEW, NEIGHBOURS = 3, 2
#: A neighbour is never as good as the product itself: closeness counts in this part.
NEAR_ENOUGH = 0.6
#: What makes two products of one link close: shared inputs, or proximity over enough cities.
SHARED_MIN, PROXIMITY_MIN, CITIES_MIN = 0.5, 0.5, 3


@dataclass(frozen=True)
class Candidates:
    """Candidates for some gaps; by gap as given, then enterprise id.

    Attributes:
        gaps: The answer the gaps stand in.
        gap: Place of each candidate's gap among those asked for, (n,).
        slot: Which product of the cluster the gap is, (n,).
        product: What it makes: the gap's product, or a neighbour of it; position, (n,).
        closeness: 1, or 0.6 x how close that neighbour is, (n,).
        enterprise: Position of the enterprise, (n,).
        output: Its output of that product outside the region (CNY a year), (n,).
        plants: Its plants of that product outside the region, (n,).
        row: The PRODUCES row of the largest of these, (n,).
        unmet: Local demand for the gap's product not met (CNY a year), (n,).
        median: Median output (CNY a year) of the gap's makers, of all its candidates where
            nobody makes it, (n,).
        bonds: Ties of enterprises to the region.
    """

    gaps: Gaps
    gap: Codes
    slot: Codes
    product: Codes
    closeness: Floats
    enterprise: Codes
    output: Floats
    plants: Codes
    row: Codes
    unmet: Floats
    median: Floats
    bonds: Bonds = field(repr=False)

    def __len__(self) -> int:
        return len(self.gap)

    @property
    def economy(self) -> Economy:
        """The economy."""
        return self.gaps.scope.economy

    @cached_property
    def imputed(self) -> Mask:
        """Whether the enterprise's size is a typical one, (n,)."""
        return self.economy.imputed[self.enterprise]

    @cached_property
    def main_products(self) -> list[Said]:
        """What each candidate says that it makes."""
        return self._said("main_products")

    @cached_property
    def scope(self) -> list[Said]:
        """Each candidate's scope of business."""
        return self._said("scope")

    def _said(self, column: str) -> list[Said]:
        texts = self.economy.graph.text("enterprises", column)
        read = {e: Said.of(str(texts[e])) for e in np.unique(self.enterprise).tolist()}
        return [read[e] for e in self.enterprise.tolist()]

    def only(self, wanted: Mask) -> Candidates:
        """Those whose enterprise is wanted; what they are compared with stays as it is.

        Args:
            wanted: By enterprise of the graph.
        """
        keep = wanted[self.enterprise]
        chosen = {
            f.name: getattr(self, f.name)[keep]
            for f in fields(self)
            if f.name not in ("gaps", "bonds")
        }
        return replace(self, **chosen)


def _typical(gap: Codes, output: Floats, makers: Mask) -> Floats:
    """See :attr:`Candidates.median`."""
    count = int(gap.max(initial=-1)) + 1
    own = _medians(gap[makers], output[makers], count)
    return np.where(np.isnan(own), _medians(gap, output, count), own)[gap]


def _medians(group: Codes, values: Floats, count: int) -> Floats:
    """Median by group, NaN where empty, (count,)."""
    ordered = values[np.lexsort((values, group))]
    sizes = np.bincount(group, minlength=count)
    start = np.cumsum(sizes) - sizes
    some = sizes > 0
    result = np.full(count, np.nan)
    low = ordered[(start + (sizes - 1) // 2)[some]]
    result[some] = (low + ordered[(start + sizes // 2)[some]]) / 2.0
    return result


def gather(gaps: Gaps, slots: Codes, unmet: Floats, bonds: Bonds) -> Candidates:
    """Every candidate for some gaps.

    Args:
        gaps: The answer the gaps stand in.
        slots: The gaps as places in the cluster's products, (g,).
        unmet: Unmet demand of each (CNY a year), (g,).
        bonds: Ties of enterprises to the region.
    """
    scope, economy = gaps.scope, gaps.scope.economy
    pool = _Pool.of(economy, scope.region)
    gap, pair = pool.of_products(scope.products[slots])
    counted = np.bincount(gap[~pool.inside[pair]], minlength=len(slots))
    near_gap, near_product, near = _neighbours(scope, slots, counted < FEW)
    more, extra = pool.of_products(near_product)
    extra_gap = near_gap[more]
    # Makers of the product itself are no makers of a neighbour.
    size = np.int64(max(len(economy.size), 1))
    known = np.isin(extra_gap * size + pool.maker[extra], gap * size + pool.maker[pair])
    gaps_at = np.concatenate([gap, extra_gap[~known]])
    pairs = np.concatenate([pair, extra[~known]])
    closeness = np.concatenate([np.ones(len(gap)), NEAR_ENOUGH * near[more][~known]])
    fits = ~pool.local[pool.maker[pairs]] & (pool.output[pairs] > 0)
    fits &= ~pool.inside[pairs]
    gaps_at, pairs, closeness = gaps_at[fits], pairs[fits], closeness[fits]
    order = np.lexsort((-pool.output[pairs], -closeness, pool.maker[pairs], gaps_at))
    gaps_at, pairs, closeness = gaps_at[order], pairs[order], closeness[order]
    first = np.append(True, np.diff(gaps_at * size + pool.maker[pairs]) != 0)[: len(order)]
    gaps_at, pairs, closeness = gaps_at[first], pairs[first], closeness[first]
    return Candidates(
        gaps=gaps,
        gap=gaps_at,
        slot=slots[gaps_at],
        product=pool.product[pairs],
        closeness=closeness,
        enterprise=pool.maker[pairs],
        output=pool.output[pairs],
        plants=pool.plants[pairs],
        row=pool.row[pairs],
        unmet=unmet[gaps_at],
        median=_typical(gaps_at, pool.output[pairs], closeness == 1.0),
        bonds=bonds,
    )


@dataclass(frozen=True)
class _Pool:
    """Every (product, enterprise) pair with output, by product.

    ``output``, ``plants`` and ``row`` are about what lies outside the region; ``inside``: whether
    some lies inside; ``local``: enterprises with a seat inside.
    """

    product: Codes
    maker: Codes
    output: Floats
    plants: Codes
    row: Codes
    inside: Mask
    local: Mask
    bounds: Codes

    @classmethod
    def of(cls, economy: Economy, region: str) -> _Pool:
        codes, place = economy.places
        rows = np.flatnonzero(economy.output > 0)
        size = np.int64(max(len(economy.size), 1))
        key = economy.product[rows] * size + economy.enterprise[rows]
        pairs, group = np.unique(key, return_inverse=True)
        inside = geo.within(codes, region)[place[rows]]
        outside = np.where(inside, 0.0, economy.output[rows])
        largest = np.full(len(pairs), -1, dtype=np.int64)
        order = np.argsort(outside, kind="stable")
        largest[group[order]] = rows[order]
        product = pairs // size
        return cls(
            product=product,
            maker=pairs % size,
            output=sums(group, outside, len(pairs)),
            plants=np.bincount(group[~inside], minlength=len(pairs)).astype(np.int64),
            row=largest,
            inside=np.bincount(group[inside], minlength=len(pairs)) > 0,
            local=geo.within(economy.graph.text("enterprises", "region"), region),
            bounds=np.searchsorted(product, np.arange(economy.products + 1)),
        )

    def of_products(self, products: Codes) -> tuple[Codes, Codes]:
        """Pairs of some products: which of the products, and which pair, both (n,)."""
        start, end = self.bounds[products], self.bounds[products + 1]
        which = np.repeat(np.arange(len(products)), end - start)
        return which, spans(start, end - start)


def _neighbours(scope: Scope, slots: Codes, thin: Mask) -> tuple[Codes, Codes, Floats]:
    """The closest neighbours of thin gaps: which gap, which product, how close; all (m,)."""
    asked = np.flatnonzero(thin)
    if not len(asked):
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, np.zeros(0)
    close = closeness(scope)[slots[asked]]
    order = np.argsort(-close, axis=1, kind="stable")[:, :NEIGHBOURS]
    value = np.take_along_axis(close, order, axis=1)
    row, column = np.nonzero(value > 0)
    return asked[row], scope.products[order[row, column]], value[row, column]


def closeness(scope: Scope) -> Floats:
    """How close products of a cluster are to each other, 0..1, 0 on the diagonal, (C, C).

    Products are close where they stand in one link and are either made from the same inputs (the
    cosine of their input coefficients, at least 0.5) or found in the same cities (proximity of at
    least 0.5, both present in three cities or more); the larger of the two counts.
    """
    count = len(scope.products)
    product, link = scope.links
    member = np.zeros((count, len(scope.graph["links"])))
    member[product, link] = 1.0
    same = member @ member.T > 0
    inputs = scope.economy.coefficients[:, scope.products]
    length = np.sqrt(np.asarray(inputs.multiply(inputs).sum(axis=0)).ravel())
    product_of = np.asarray((inputs.T @ inputs).todense())
    with np.errstate(invalid="ignore", divide="ignore"):
        shared = np.nan_to_num(product_of / np.outer(length, length))
    near = _proximity(scope)
    value = np.where(shared >= SHARED_MIN, shared, 0.0)
    value = np.maximum(value, np.where(near >= PROXIMITY_MIN, near, 0.0))
    value = np.where(same, np.minimum(value, 1.0), 0.0)
    np.fill_diagonal(value, 0.0)
    return value


def _proximity(scope: Scope) -> Floats:
    """Proximity of the cluster's products in the product space, (C, C); 0 where too rare."""
    found = CitySpace.of(scope.economy)
    at = np.searchsorted(found.made, scope.products)
    known = np.isin(scope.products, found.made)
    result = np.zeros((len(at), len(at)))
    columns = at[known]
    presence = found.space.presence[:, columns].astype(np.float64)
    count = presence.sum(axis=0)
    largest = np.maximum(count[:, None], count)
    near = np.where(
        np.minimum(count[:, None], count) >= CITIES_MIN,
        presence.T @ presence / np.maximum(largest, 1.0),
        0.0,
    )
    result[np.ix_(known, known)] = near
    return result
