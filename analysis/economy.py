"""Who makes how much of what, where: sizes, outputs and input coefficients.

Design section 4, "Size", "Output" and "Input coefficient". Everything is an array over the rows of
a graph's tables; nothing depends on a region or a cluster, so one Economy serves all questions
that share the same typical sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ..graph.chain import ChainGraph, Codes, Floats, Texts
from ..graph.schema import EPSILON, INTERMEDIATE_SHARE, NATIONAL_MAKER_SHARE

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Economy:
    """Outputs of every PRODUCES row, and the coefficients between products.

    Attributes:
        graph: The facts.
        size: Size of each enterprise (CNY a year), shape (enterprises,).
        imputed: Whether that size is a typical one because revenue is unknown, (enterprises,).
        enterprise: Position of each PRODUCES row's enterprise, shape (rows,).
        product: Position of its product, (rows,).
        region: Region code of its plant, or else of its enterprise, "" where unknown, (rows,).
        domestic: Whether it counts as Chinese output, (rows,).
        output: Output y (CNY a year), 0 for sellers, (rows,).
        coefficients: Input coefficient a[q, p] with q in rows and p in columns,
            shape (products, products).
        given_share: Whether the cost share of each INPUT_TO row is given, (inputs,).
    """

    graph: ChainGraph
    size: Floats
    imputed: Mask
    enterprise: Codes
    product: Codes
    region: Texts
    domestic: Mask
    output: Floats
    coefficients: sparse.csr_array
    given_share: Mask

    @classmethod
    def of(cls, graph: ChainGraph, sizes: Mapping[str, float]) -> Economy:
        """The economy of a graph.

        Args:
            graph: The facts.
            sizes: Typical size (CNY) by label, and ``other`` for enterprises without one.
        """
        size, imputed = enterprise_sizes(graph, sizes)
        enterprise = graph.located("produces", "enterprise")
        product = graph.located("produces", "product")
        plant = graph.text("produces", "region")
        home = graph.text("enterprises", "region")[enterprise]
        region = np.where(plant != "", plant, home)
        chinese = graph.text("enterprises", "country")[enterprise] == "CN"
        shares = output_shares(enterprise, graph.number("produces", "share"), len(size))
        maker = graph.text("produces", "role") == "maker"
        coefficients, given = input_coefficients(graph)
        return cls(
            graph=graph,
            size=size,
            imputed=imputed,
            enterprise=enterprise,
            product=product,
            region=region,
            domestic=(region != "") | chinese,
            output=np.where(maker, shares * size[enterprise], 0.0),
            coefficients=coefficients,
            given_share=given,
        )

    @property
    def products(self) -> int:
        """Number of products in the graph."""
        return len(self.graph["products"])

    @property
    def known(self) -> Mask:
        """Whether each PRODUCES row's enterprise has a known revenue, shape (rows,)."""
        return ~self.imputed[self.enterprise]

    def scaled(self, factor: float) -> Economy:
        """The same economy with all imputed sizes multiplied by a factor; made once for each."""
        if factor not in self._scaled:
            self._scaled[factor] = self._rescaled(factor)
        return self._scaled[factor]

    @cached_property
    def _scaled(self) -> dict[float, Economy]:
        return {}

    def _rescaled(self, factor: float) -> Economy:
        scale = np.where(self.imputed, factor, 1.0)
        other = replace(self, size=self.size * scale, output=self.output * scale[self.enterprise])
        # Plants stay where they are, and a size above 0 stays above 0.
        other.__dict__.update(places=self.places, plants=self.plants)
        return other

    @cached_property
    def places(self) -> tuple[Texts, Codes]:
        """Region codes of plants, and the position in them of each PRODUCES row's."""
        codes, inverse = np.unique(self.region, return_inverse=True)
        return codes, inverse.astype(np.int64)

    @cached_property
    def plants(self) -> tuple[Codes, tuple[str, ...], Codes]:
        """Rows whose output counts in a region, and where.

        Returns:
            Positions of the rows (n,), the codes of :attr:`places`, and the place of each row's
            code among them (n,).
        """
        active = np.flatnonzero(self.domestic & (self.output > 0) & (self.region != ""))
        codes, inverse = self.places
        return active, tuple(codes.tolist()), inverse[active]

    def total(self, mask: Mask | None = None) -> Floats:
        """Output by product (CNY), over the rows of a mask or all, shape (products,)."""
        weights = self.output if mask is None else np.where(mask, self.output, 0.0)
        return sums(self.product, weights, self.products)

    @cached_property
    def national(self) -> Floats:
        """National output X[.,p]: domestic rows, with or without a region, shape (products,)."""
        return self.total(self.domestic)

    @cached_property
    def world(self) -> Floats:
        """Output of all rows, foreign too, shape (products,)."""
        return self.total()

    @cached_property
    def maker_outputs(self) -> tuple[Codes, Codes, Floats]:
        """Domestic output by (enterprise, product) pair with output: three arrays of shape (n,)."""
        rows = self.domestic & (self.output > 0)
        pair = self.enterprise[rows] * np.int64(max(self.products, 1)) + self.product[rows]
        found, inverse = np.unique(pair, return_inverse=True)
        summed = sums(inverse, self.output[rows], len(found))
        return found // max(self.products, 1), found % max(self.products, 1), summed

    @cached_property
    def median_maker(self) -> Floats:
        """Median domestic output (CNY) over the enterprises that make a product, NaN where none."""
        _, product, output = self.maker_outputs
        order = np.lexsort((output, product))
        product, output = product[order], output[order]
        count = np.bincount(product, minlength=self.products)
        start = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)
        made = count > 0
        result = np.full(self.products, np.nan)
        low = output[(start + (count - 1) // 2)[made]]
        high = output[(start + count // 2)[made]]
        result[made] = (low + high) / 2
        return result

    @cached_property
    def national_makers(self) -> Codes:
        """Enterprises with at least 5 % of national output of a product, shape (products,)."""
        _, product, output = self.maker_outputs
        big = output / self.national[product] >= NATIONAL_MAKER_SHARE - EPSILON
        return np.bincount(product[big], minlength=self.products).astype(np.int64)

    @cached_property
    def domestic_rate(self) -> Floats:
        """Domestic rate 国产化率: given, else X[.,p] over all output; NaN where nobody makes it."""
        given = self.graph.number("products", "domestic_rate")
        with np.errstate(invalid="ignore", divide="ignore"):
            computed = np.where(self.world > 0, self.national / self.world, np.nan)
        return np.where(np.isnan(given), computed, given)


def sums(groups: Codes, values: Floats, size: int) -> Floats:
    """Sum of values by group 0..size-1, shape (size,)."""
    return np.bincount(groups, values, minlength=size).astype(np.float64)


def enterprise_sizes(graph: ChainGraph, sizes: Mapping[str, float]) -> tuple[Floats, Mask]:
    """Size of each enterprise (CNY a year) and whether it is imputed.

    Revenue; if unknown, the largest typical size among its labels; if none, ``other``.
    """
    revenue = graph.number("enterprises", "revenue")
    imputed = np.isnan(revenue)
    typical = np.full(len(revenue), -np.inf)
    rows, labels = graph.listed("enterprises", "labels")
    if len(rows):
        names, inverse = np.unique(labels, return_inverse=True)
        values = np.asarray([sizes[name] for name in names.tolist()], dtype=np.float64)
        np.maximum.at(typical, rows, values[inverse])
    typical[np.isneginf(typical)] = sizes["other"]
    return np.where(imputed, typical, revenue), imputed


def output_shares(enterprise: Codes, share: Floats, enterprises: int) -> Floats:
    """Share of its enterprise's size that each PRODUCES row stands for.

    Known shares above 1 in sum are scaled to 1; what is left is split evenly among the rows of the
    enterprise without a share (a remainder below 1e-12 is none).

    >>> output_shares(np.array([0, 0, 0]), np.array([0.5, np.nan, np.nan]), 1).tolist()
    [0.5, 0.25, 0.25]
    >>> output_shares(np.array([0, 0]), np.array([0.9, 0.6]), 1).round(2).tolist()
    [0.6, 0.4]
    """
    unknown = np.isnan(share)
    known = np.bincount(enterprise, np.where(unknown, 0.0, share), minlength=enterprises)
    missing = np.bincount(enterprise, unknown, minlength=enterprises)
    rest = 1.0 - known
    rest[rest < EPSILON] = 0.0
    scale = np.maximum(known, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        even = np.where(missing > 0, rest / missing, 0.0)
    return np.where(unknown, even[enterprise], share / scale[enterprise])


def input_coefficients(graph: ChainGraph) -> tuple[sparse.csr_array, Mask]:
    """Input coefficients a[q, p], and which INPUT_TO rows have a given cost share.

    A missing share is its part of what the given ones leave of 0.6, in proportion to criticality.
    """
    size = len(graph["products"])
    product = graph.located("inputs", "product")
    needed = graph.located("inputs", "input")
    share = graph.number("inputs", "cost_share")
    weight = graph.number("inputs", "criticality")
    given = ~np.isnan(share)
    stated = np.bincount(product, np.where(given, share, 0.0), minlength=size)
    left = INTERMEDIATE_SHARE - stated
    left[left < EPSILON] = 0.0
    weights = np.bincount(product, np.where(given, 0.0, weight), minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        per_weight = np.where(weights > 0, left / weights, 0.0)
    value = np.where(given, share, weight * per_weight[product])
    matrix = sparse.csr_array((value, (needed, product)), shape=(size, size))
    matrix.eliminate_zeros()
    return matrix, given
