"""A smaller economy that answers one question alike: what makes a simulation quick.

A question about a region and some products reads the rows of that region, the rows of those
products and of their inputs, and of all other rows only what they add to national output. Those
rows are put together here, so that the cost of asking again does not grow with the country.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ..graph import regions as geo
from ..graph.chain import Codes, Floats, Texts
from .economy import Economy, Mask, sums
from .scope import Scope


def focus(scope: Scope, apart: Codes) -> Scope:
    """The same question over fewer PRODUCES rows, with the same answers.

    Gaps, supply rates and sourcing of the scope's region and products stay the same, to rounding,
    in every scenario of sizes. Figures of other regions and products do not.

    Args:
        scope: The question.
        apart: Positions of enterprises whose rows are all kept, because they will change.
    """
    economy = scope.economy
    read = np.zeros(economy.products, dtype=bool)
    read[scope.products] = True
    read |= np.asarray((economy.coefficients @ read.astype(np.float64)) > 0).ravel()
    codes, place = economy.places
    keep = read[economy.product] | geo.within(codes, scope.region)[place]
    keep |= np.isin(economy.enterprise, apart)
    keep &= economy.output > 0
    rest = np.flatnonzero(~keep & economy.domestic & (economy.output > 0))
    # One row stands for all of known size, one for all of typical size: they scale apart.
    imputed = economy.imputed[economy.enterprise[rest]]
    _, first, group = np.unique(imputed, return_index=True, return_inverse=True)
    stand_in = rest[first]
    rows = np.concatenate([np.flatnonzero(keep), stand_in]).astype(np.int64)
    small = take(economy, rows)
    output, region = small.output.copy(), small.region.copy()
    at = np.arange(len(rows)) >= len(rows) - len(stand_in)
    output[at] = sums(group, economy.output[rest], len(stand_in))
    region[at] = ""
    placed = np.append(codes, ""), np.where(at, len(codes), place[rows])
    return replace(scope, economy=_at(replace(small, output=output, region=region), placed))


def _at(economy: Economy, places: tuple[Texts, Codes]) -> Economy:
    """The economy, told what :attr:`Economy.places` is: finding out costs a sort of all regions."""
    economy.__dict__["places"] = places
    return economy


def take(economy: Economy, rows: Codes) -> Economy:
    """The economy with some of its PRODUCES rows, in the order given."""
    table = economy.graph["produces"].iloc[rows].reset_index(drop=True)
    codes, place = economy.places
    taken = replace(
        economy,
        graph=economy.graph.changed({"produces": table}),
        enterprise=economy.enterprise[rows],
        product=economy.product[rows],
        region=economy.region[rows],
        domestic=economy.domestic[rows],
        output=economy.output[rows],
    )
    return _at(taken, (codes, place[rows]))


def without(economy: Economy, enterprises: Codes) -> Economy:
    """The economy without the PRODUCES and SUPPLIES rows of some enterprises."""
    graph = economy.graph
    kept: Mask = ~np.isin(economy.enterprise, enterprises)
    gone: Mask = np.isin(graph.located("supplies", "supplier"), enterprises)
    gone |= np.isin(graph.located("supplies", "buyer"), enterprises)
    left = take(economy, np.flatnonzero(kept))
    supplies = graph["supplies"][~gone].reset_index(drop=True)
    changed = replace(left, graph=left.graph.changed({"supplies": supplies}))
    return _at(changed, left.places)


def with_plants(economy: Economy, enterprise: int, region: str, output: Floats) -> Economy:
    """The economy with more plants of an enterprise in a region.

    Where it already makes a product there, output is added to that plant.

    Args:
        economy: The economy.
        enterprise: Its position.
        region: Region code.
        output: Output by product (CNY a year), 0 where it builds none, (products,).
    """
    graph = economy.graph
    mine = (economy.enterprise == enterprise) & (economy.region == region) & (economy.output > 0)
    plants = np.flatnonzero(mine)
    there, first = np.unique(economy.product[plants], return_index=True)
    raised = economy.output.copy()
    raised[plants[first]] += output[there]
    new = np.setdiff1d(np.flatnonzero(output > 0), there)
    count = len(new)
    rows = pd.DataFrame(
        {
            "enterprise": graph.text("enterprises", "id")[np.full(count, enterprise)],
            "product": graph.text("products", "id")[new],
            "region": [region] * count,
            "role": ["maker"] * count,
        },
        dtype="str",
    )
    table = pd.concat([graph["produces"], rows], ignore_index=True)
    codes, place = economy.places
    built = replace(
        economy,
        graph=graph.changed({"produces": table}),
        enterprise=np.append(economy.enterprise, np.full(count, enterprise)),
        product=np.append(economy.product, new),
        region=np.append(economy.region, np.full(count, region)),
        domestic=np.append(economy.domestic, np.ones(count, dtype=bool)),
        output=np.append(raised, output[new]),
    )
    return _at(built, (np.append(codes, region), np.append(place, np.full(count, len(codes)))))


def grown(economy: Economy, enterprise: int, factor: float) -> Economy:
    """The economy with all outputs of an enterprise multiplied by a factor."""
    scale = np.where(economy.enterprise == enterprise, factor, 1.0)
    return _at(replace(economy, output=economy.output * scale), economy.places)
