"""The figures of design section 4 for many regions and products at once.

Arrays have shape (regions, products asked for). Undefined figures are NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..graph import regions as geo
from ..graph.chain import ChainGraph, Codes, Floats, spans
from ..graph.rules import Rules
from ..graph.schema import EPSILON
from .economy import Economy, Mask


@dataclass(frozen=True)
class Measures:
    """Figures for regions x products.

    Attributes:
        regions: Region codes, (R,).
        columns: Positions of the products, (C,).
        made: Whether X > 0 for every product of the graph, (R, products).
        output: Regional output X (CNY), (R, C).
        known_output: The part of X from enterprises of known revenue, (R, C).
        regional_total: Sum of X over all products, (R,).
        demand: Direct demand D (CNY), (R, C).
        coverage: X / D, NaN where D = 0.
        fulfilment: min(1, X / D), 1 where D = 0.
        lq: Location quotient on output.
        criticality: Local criticality, NaN where it is no input of anything made here.
        effective_suppliers: 1 / HHI, NaN where nothing is made.
        reachable: Weighted share of the product's inputs made here, NaN where it has none.
        leader_ratio: Largest local output of a maker of known revenue over the national median
            of makers, NaN where there is none.
        labelled_leader: Whether a local maker is labelled leading or champion.
    """

    regions: tuple[str, ...]
    columns: Codes
    made: sparse.csr_array
    output: Floats
    known_output: Floats
    regional_total: Floats
    demand: Floats
    coverage: Floats
    fulfilment: Floats
    lq: Floats
    criticality: Floats
    effective_suppliers: Floats
    reachable: Floats
    leader_ratio: Floats
    labelled_leader: Mask

    def is_made(self) -> Mask:
        """Whether each product asked for is made, (R, C)."""
        return self.output > 0

    def is_needed(self) -> Mask:
        """Whether D > 0, (R, C)."""
        return self.demand > 0

    def is_token(self, rules: Rules) -> Mask:
        """Made and needed, but covering less than ``token_max`` of demand, (R, C)."""
        with np.errstate(invalid="ignore"):
            little = self.coverage < rules.token_max - EPSILON
        return self.is_made() & self.is_needed() & little

    def is_present(self, rules: Rules) -> Mask:
        """Made and not token, (R, C)."""
        return self.is_made() & ~self.is_token(rules)


def measure(economy: Economy, regions: Sequence[str], columns: Codes) -> Measures:
    """Every figure of section 4 for some regions and products.

    Args:
        economy: Sizes, outputs and coefficients.
        regions: Region codes, any level.
        columns: Positions of the products asked for, shape (C,).
    """
    rows, where = membership(economy, regions)
    shape = (len(regions), economy.products)
    supply = _matrix(economy.output[rows], where, economy.product[rows], shape)
    known = economy.known[rows]
    known_supply = _matrix(
        economy.output[rows][known], where[known], economy.product[rows][known], shape
    )
    output = _dense(supply, columns)
    demand = np.asarray((supply @ economy.coefficients[columns].T).todense())
    total = np.asarray(supply.sum(axis=1), dtype=np.float64).ravel()
    made = sparse.csr_array((supply > 0).astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        coverage = np.where(demand > 0, output / demand, np.nan)
        fulfilment = np.where(demand > 0, np.minimum(1.0, coverage), 1.0)
        national = economy.national[columns]
        share_here = output / total[:, None]
        share_all = national / economy.national.sum()
        lq = np.where((total[:, None] > 0) & (national > 0), share_here / share_all, np.nan)
    suppliers, ratio, labelled = _makers(economy, rows, where, columns, shape)
    return Measures(
        regions=tuple(regions),
        columns=columns,
        made=made,
        output=output,
        known_output=_dense(known_supply, columns),
        regional_total=total,
        demand=demand,
        coverage=coverage,
        fulfilment=fulfilment,
        lq=lq,
        criticality=_criticality(economy, made, columns),
        effective_suppliers=suppliers,
        reachable=_reachable(economy, made, columns),
        leader_ratio=ratio,
        labelled_leader=labelled,
    )


def membership(economy: Economy, regions: Sequence[str]) -> tuple[Codes, Codes]:
    """Which PRODUCES rows with output lie in which regions.

    Returns:
        Row positions and positions in ``regions``, both of shape (n,); a row stands once for every
        region that contains it.
    """
    active, codes, inverse = economy.plants
    place = {region: i for i, region in enumerate(regions)}
    pairs = [
        (at, place[above])
        for at, code in enumerate(codes)
        if code
        for above in geo.ancestors(code)
        if above in place
    ]
    if not pairs:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    code_at, region_at = np.asarray(pairs, dtype=np.int64).T
    inside = sparse.csr_array(
        (np.ones(len(code_at), dtype=np.int8), (code_at, region_at)),
        shape=(len(codes), len(regions)),
    )[inverse].tocoo()
    row, column = inside.coords
    return active[row], column.astype(np.int64)


def _matrix(
    values: Floats, rows: Codes, columns: Codes, shape: tuple[int, int]
) -> sparse.csr_array:
    return sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()


def _dense(matrix: sparse.csr_array, columns: Codes) -> Floats:
    return np.asarray(matrix[:, columns].todense(), dtype=np.float64)


def _reachable(economy: Economy, made: sparse.csr_array, columns: Codes) -> Floats:
    wanted = economy.coefficients[:, columns]
    total = np.asarray(wanted.sum(axis=0)).ravel()
    here = np.asarray((made @ wanted).todense())
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, here / total, np.nan)


def _criticality(economy: Economy, made: sparse.csr_array, columns: Codes) -> Floats:
    graph = economy.graph
    slot = np.full(economy.products, -1, dtype=np.int64)
    slot[columns] = np.arange(len(columns))
    product = graph.located("inputs", "product")
    target = slot[graph.located("inputs", "input")]
    value = graph.number("inputs", "criticality")
    asked = np.flatnonzero(target >= 0)
    asked = asked[np.argsort(product[asked], kind="stable")]
    product, target, value = product[asked], target[asked], value[asked]
    # For every product made in a region, the inputs of it that are asked for.
    count = np.bincount(product, minlength=economy.products)
    first = np.cumsum(count) - count
    region, used = made.tocoo().coords
    edge = spans(first[used], count[used])
    cell = np.repeat(region, count[used]) * np.int64(len(columns)) + target[edge]
    result = np.full(made.shape[0] * len(columns), -np.inf)
    np.maximum.at(result, cell, value[edge])
    result[np.isneginf(result)] = np.nan
    return result.reshape(made.shape[0], len(columns))


def _makers(
    economy: Economy, rows: Codes, where: Codes, columns: Codes, shape: tuple[int, int]
) -> tuple[Floats, Floats, Mask]:
    """Effective suppliers, leader ratio and labelled leaders, from output by local maker."""
    slot = np.full(economy.products, -1, dtype=np.int64)
    slot[columns] = np.arange(len(columns))
    target = slot[economy.product[rows]]
    asked = target >= 0
    cell = where[asked] * np.int64(max(len(columns), 1)) + target[asked]
    count = np.int64(max(len(economy.size), 1))
    maker, inverse = np.unique(cell * count + economy.enterprise[rows[asked]], return_inverse=True)
    output = np.bincount(inverse, economy.output[rows[asked]], minlength=len(maker))
    cell, enterprise = maker // count, maker % count
    cells = shape[0] * len(columns)
    total = np.bincount(cell, output, minlength=cells)
    # Shares before squares: squares of outputs could overflow where their shares cannot.
    hhi = np.bincount(cell, (output / total[cell]) ** 2, minlength=cells)
    with np.errstate(divide="ignore"):
        suppliers = np.where(hhi > 0, 1.0 / hhi, np.nan)
    leads = _labelled(economy.graph, ("leading", "champion"))[enterprise]
    labelled = np.bincount(cell[leads], minlength=cells) > 0
    known = ~economy.imputed[enterprise]
    ratio = np.full(cells, -np.inf)
    median = economy.median_maker[columns][cell[known] % max(len(columns), 1)]
    np.maximum.at(ratio, cell[known], output[known] / median)
    ratio[np.isneginf(ratio)] = np.nan
    form = (shape[0], len(columns))
    return suppliers.reshape(form), ratio.reshape(form), labelled.reshape(form)


def _labelled(graph: ChainGraph, wanted: Sequence[str]) -> Mask:
    """Which enterprises carry one of the labels."""
    rows, labels = graph.listed("enterprises", "labels")
    result = np.zeros(len(graph["enterprises"]), dtype=bool)
    result[rows[np.isin(labels, list(wanted))]] = True
    return result
