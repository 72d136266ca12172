"""How much hangs on one maker, in closed form: the first step of the ESRI equations on pools.

Every buyer of a product is taken to buy from all its recorded makers, at home and abroad, in
proportion to their output: the average network under a gravity model. Where a maker with share s
of the market stops, its buyers lose at once ``s sigma`` of the input, with sigma = min(1, s /
(1 - s)), how hard it is to replace (:mod:`.esri`); later steps are left to :mod:`.risk`.

Example, worked by hand: makers of 60, 20 and 20. The first has s = 0.6 and sigma = min(1, 0.6 /
0.4) = 1: its buyers lose 0.6. Two makers of 30 in its place: s = 0.3, sigma = 0.3 / 0.7, and one of
them stopping costs 0.3 x 0.3 / 0.7 = 0.129. That is what a second source buys.

>>> at_once(np.array([0.6, 0.3, 1.0])).round(3).tolist()
[0.6, 0.129, 1.0]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import regions as geo
from ..graph.chain import Codes, Floats
from ..graph.rules import Rules
from ..graph.schema import EPSILON
from .economy import Economy, Mask, sums


@dataclass(frozen=True)
class Sourcing:
    """The makers of every product, at home and abroad, and what hangs on the largest.

    Attributes:
        maker: Enterprise of each (enterprise, product) pair with output, (n,).
        product: Its product, (n,).
        share: Its share of the recorded output of the product, foreign too, (n,).
        largest: Position of the largest maker of each product, -1 where nobody makes it,
            (products,).
        top_share: Its share, NaN where nobody makes it, (products,).
        effective: Effective makers 1 / HHI, NaN where nobody makes it, (products,).
    """

    maker: Codes
    product: Codes
    share: Floats
    largest: Codes
    top_share: Floats
    effective: Floats

    @classmethod
    def of(cls, economy: Economy) -> Sourcing:
        """The makers of an economy; of equal ones the first by id is the largest."""
        rows = np.flatnonzero(economy.output > 0)
        count = np.int64(max(economy.products, 1))
        pair, inverse = np.unique(
            economy.enterprise[rows] * count + economy.product[rows], return_inverse=True
        )
        maker, product = pair // count, pair % count
        output = sums(inverse, economy.output[rows], len(pair))
        share = output / economy.world[product]
        largest = np.full(economy.products, -1, dtype=np.int64)
        top = np.full(economy.products, np.nan)
        order = np.lexsort((-maker, share))  # the last of each product wins
        largest[product[order]] = maker[order]
        top[product[order]] = share[order]
        hhi = np.bincount(product, share**2, minlength=economy.products)
        with np.errstate(divide="ignore"):
            effective = np.where(hhi > 0, 1.0 / hhi, np.nan)
        return cls(maker, product, share, largest, top, effective)


def at_once(share: Floats) -> Floats:
    """What buyers lose of an input where a maker of a share of the market stops."""
    with np.errstate(divide="ignore"):
        return np.asarray(share * np.minimum(1.0, share / np.maximum(1.0 - share, 0.0)))


@dataclass(frozen=True)
class Worst:
    """The enterprise whose failure costs a region's part of a cluster most at once.

    Attributes:
        enterprise: Its position, None where no failure costs anything.
        loss: Share of the local output of the cluster that stops, None where there is no output.
    """

    enterprise: int | None
    loss: float | None


@dataclass(frozen=True)
class Needs:
    """Inputs with a cost of some products.

    Attributes:
        used: The input, (n,).
        made: The product, (n,).
        cost: Its input coefficient, above 0, (n,).
        part: Its part of the cost of all inputs of the product, (n,).
        essential: Whether its criticality reaches ``critical_min``, (n,).
    """

    used: Codes
    made: Codes
    cost: Floats
    part: Floats
    essential: Mask

    @classmethod
    def of(cls, economy: Economy, rules: Rules, products: Mask) -> Needs:
        """The inputs of the products of a mask, (products,)."""
        graph = economy.graph
        made = graph.located("inputs", "product")
        rows = np.flatnonzero(products[made])
        made, used = made[rows], graph.located("inputs", "input")[rows]
        cost = np.zeros(len(used))
        if len(used):  # SciPy answers an empty question with a matrix
            cost[:] = economy.coefficients[used, made]
        criticality = graph.number("inputs", "criticality")[rows]
        essential = criticality >= rules.critical_min - EPSILON
        whole = np.bincount(made, cost, minlength=economy.products)
        counted = cost > 0
        used, made = used[counted], made[counted]
        cost = cost[counted]
        return cls(used, made, cost, cost / whole[made], essential[counted])


def local_output(economy: Economy, region: str, products: Codes) -> tuple[Mask, Floats]:
    """Rows that make some products in a region, (rows,), and their output by product."""
    codes, place = economy.places
    wanted = np.zeros(economy.products, dtype=bool)
    wanted[products] = True
    here = geo.within(codes, region)[place] & wanted[economy.product] & (economy.output > 0)
    return here, economy.total(here)


def worst_failure(economy: Economy, sources: Sourcing, here: Mask, needs: Needs) -> Worst:
    """The single failure that costs a region most of its output of some products, at once.

    Its own plants there stop, and every other local plant by the input it loses: the worst of its
    essential ones, or its non-essential ones together by their part in all its inputs.

    Args:
        economy: The economy.
        sources: Its makers.
        here: Rows of the region that make the products, (rows,).
        needs: The inputs of those products.
    """
    local = economy.total(here)
    whole = float(local.sum())
    if whole <= 0:
        return Worst(None, None)
    # One entry for every need and maker of what is needed.
    count = np.bincount(sources.product, minlength=economy.products)
    by_product = np.argsort(sources.product, kind="stable")
    first = np.concatenate([[0], np.cumsum(count)])[:-1]
    times = count[needs.used]
    need = np.repeat(np.arange(len(times)), times)
    place = np.arange(len(need)) - np.repeat(np.cumsum(times) - times, times)
    maker = by_product[first[needs.used][need] + place]
    lost = at_once(sources.share[maker])
    # One for every pair of an enterprise and a local product that it hurts or makes itself.
    rows = np.flatnonzero(here)
    size = np.int64(max(economy.products, 1))
    own_key = economy.enterprise[rows] * size + economy.product[rows]
    key = sources.maker[maker] * size + needs.made[need]
    pairs, group = np.unique(np.concatenate([key, own_key]), return_inverse=True)
    hit, mine = group[: len(key)], group[len(key) :]
    vital, soft = needs.essential[need], ~needs.essential[need]
    worst = np.zeros(len(pairs))
    np.maximum.at(worst, hit[vital], lost[vital])
    together = sums(hit[soft], (needs.part[need] * lost)[soft], len(pairs))
    own = sums(mine, economy.output[rows], len(pairs))
    stops = own + (local[pairs % size] - own) * np.maximum(worst, together)
    total = sums(pairs // size, stops, len(economy.size))
    enterprise = int(total.argmax())
    return Worst(enterprise, min(1.0, float(total[enterprise]) / whole))
