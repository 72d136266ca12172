"""Value density: what an employee earns where a product is made (价值链高端化, for 延链).

Revenue per employee of a product's makers, each maker's employees shared out like its revenue:

    v[p] = sum of y[e, p] / sum of employees[e] * y[e, p] / size[e]

over domestic makers e of known revenue and known employees above 0. Coverage says what share of the
product's national output those makers stand for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..graph import regions as geo
from ..graph.chain import Codes, Floats
from .economy import Economy, Mask, sums
from .relatedness import CitySpace
from .scope import Scope


@dataclass(frozen=True)
class ValueChain:
    """Value density of a cluster's products, seen from a region.

    Attributes:
        region: Region code.
        cluster: Cluster id.
        version: The store's facts.
        local: Revenue per employee (CNY a year) of what the region makes of the cluster's products,
            None where no maker here has both known.
        local_coverage: Share of that output it rests on, None where there is none.
        national: The same for the whole country.
        national_coverage: Its coverage.
        table: One row per product of the cluster, highest value first, undefined last: product,
            name, link, stage, made (in the region), value (CNY per employee and year), relative
            (value over ``local``), coverage, makers (domestic), makers_known, pci. NaN where
            undefined.
    """

    region: str
    cluster: str
    version: int
    local: float | None
    local_coverage: float | None
    national: float | None
    national_coverage: float | None
    table: pd.DataFrame


@dataclass(frozen=True)
class Density:
    """Value density by product, each of shape (products,).

    Attributes:
        value: CNY per employee and year, NaN where no maker has revenue and employees known.
        coverage: Share of output of the makers counted, NaN where there is no output.
        makers: Number of makers.
        known: Number of makers counted.
    """

    value: Floats
    coverage: Floats
    makers: Codes
    known: Codes


def value_density(economy: Economy) -> Density:
    """Value density of every product over its domestic makers.

    Example, worked by hand: one maker sells 60 of p and 40 of q with 10 employees, another 100 of
    p with 4. The first's employees count 6 for p and 4 for q: p has (60 + 100) / (6 + 4) = 16 per
    employee, q 40 / 4 = 10.
    """
    rows = economy.domestic & (economy.output > 0)
    counted = rows & _counted(economy)
    output, employees = _totals(economy, counted)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(employees > 0, output / employees, np.nan)
        coverage = np.where(economy.national > 0, output / economy.national, np.nan)
    return Density(value, coverage, _makers(economy, rows), _makers(economy, counted))


def value_chain(scope: Scope) -> ValueChain:
    """Value density and complexity of a cluster's products, against what the region makes now."""
    economy, at = scope.economy, scope.products
    density = value_density(economy)
    found = CitySpace.of(economy)
    pci = found.spread(found.space.pci, economy.products)
    ours = economy.domestic & (economy.output > 0) & np.isin(economy.product, at)
    here = ours & geo.within(economy.region, scope.region)
    local, local_coverage = _whole(economy, here)
    national, national_coverage = _whole(economy, ours)
    table = scope.chain[["product", "name", "link", "stage"]].assign(
        made=economy.total(here)[at] > 0,
        value=density.value[at],
        relative=density.value[at] / (np.nan if local is None else local),
        coverage=density.coverage[at],
        makers=density.makers[at],
        makers_known=density.known[at],
        pci=pci[at],
    )
    return ValueChain(
        region=scope.region,
        cluster=scope.cluster,
        version=scope.graph.version,
        local=local,
        local_coverage=local_coverage,
        national=national,
        national_coverage=national_coverage,
        table=table.sort_values(["value", "product"], ascending=[False, True], ignore_index=True),
    )


def _counted(economy: Economy) -> Mask:
    """Rows whose maker has known revenue and employees, shape (rows,)."""
    employees = economy.graph.number("enterprises", "employees")[economy.enterprise]
    return economy.known & (np.nan_to_num(employees) > 0)


def _staff(economy: Economy, rows: Mask) -> Floats:
    """Employees by row: an enterprise's, in proportion to the row's part of its revenue."""
    size = economy.size[economy.enterprise[rows]]
    employees = economy.graph.number("enterprises", "employees")[economy.enterprise[rows]]
    return employees * (economy.output[rows] / size)


def _totals(economy: Economy, rows: Mask) -> tuple[Floats, Floats]:
    """Output (CNY) and employees by product over some rows, each of shape (products,)."""
    product = economy.product[rows]
    output = sums(product, economy.output[rows], economy.products)
    return output, sums(product, _staff(economy, rows), economy.products)


def _makers(economy: Economy, rows: Mask) -> Codes:
    pairs = np.unique(np.stack([economy.product[rows], economy.enterprise[rows]]), axis=1)
    return np.bincount(pairs[0], minlength=economy.products).astype(np.int64)


def _whole(economy: Economy, rows: Mask) -> tuple[float | None, float | None]:
    """Value density of some rows taken together, and its coverage."""
    counted = rows & _counted(economy)
    everything = float(economy.output[rows].sum())
    output, staff = float(economy.output[counted].sum()), float(_staff(economy, counted).sum())
    return (
        output / staff if staff > 0 else None,
        output / everything if everything > 0 else None,
    )
