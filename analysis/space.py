"""The product space: relatedness and complexity of a matrix of places x products.

Presence is revealed comparative advantage of at least 1. Proximity, density and distance follow
Hidalgo, Klinger, Barabási & Hausmann (2007), *Science* 317:482; ECI, PCI, outlook index (COI) and
outlook gain (COG) follow Hausmann et al., *The Atlas of Economic Complexity* (2014), in the
normalisation of PyPI ``ecomplexity``. Everything is dense in places x products and never in
products x products: see :class:`Proximity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.csgraph import connected_components
from threadpoolctl import ThreadpoolController

from ..graph.chain import Codes, Floats
from ..graph.schema import EPSILON
from .economy import Mask


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


#: Why complexity is undefined everywhere, and what a person reads.
NO_PRESENCE, TOO_FEW, NOT_UNIQUE = "no_presence", "too_few_places", "not_unique"
#: Share of pairs present below which a sparse matrix is faster than a full one.
SPARSE = 0.05
#: Eigenvalues (of a matrix whose largest is 1) closer than this cannot be told apart.
_CLOSE = 1e-9


def advantage(
    output: Floats, totals: Floats | None = None, everything: float | None = None
) -> Floats:
    """Revealed comparative advantage (Balassa): share of a product here over its share of all.

    Args:
        output: Output by place and product (any one unit), shape (R, P).
        totals: Output of each product everywhere, shape (P,); the sum over the places where None.
        everything: Output of all products everywhere; the sum of the totals where None.

    Returns:
        Shape (R, P), NaN where a place makes nothing or nobody makes the product.

    >>> advantage(np.array([[3.0, 1.0], [0.0, 4.0]])).round(3).tolist()
    [[2.0, 0.4], [0.0, 1.6]]
    """
    output = np.ascontiguousarray(output)  # sums must not depend on how it lies in memory
    whole = output.sum(axis=0) if totals is None else totals
    with np.errstate(invalid="ignore", divide="ignore"):
        share_here = output / output.sum(axis=1)[:, None]
        share_all = whole / (whole.sum() if everything is None else everything)
        return np.where(np.isfinite(share_here) & (share_all > 0), share_here / share_all, np.nan)


def present(rca: Floats) -> Mask:
    """Where advantage is at least 1 (within 1e-12), of the shape given."""
    return np.nan_to_num(rca) >= 1.0 - EPSILON


class Proximity:
    """Proximity between products, as an operator that never stands in memory whole.

    phi[p, q] = min(P(p|q), P(q|p)) = C[p, q] / max(u[p], u[q]), with C the number of places where
    both are present and u the number where each is; 0 where one is present nowhere. With products
    sorted by u the larger of two is the later one, so for products q of one ubiquity k

        (W phi)[:, q] = (G / k + H) M[:, q],   G = W[:, u <= k] M[:, u <= k]',
                                               H = (W / u)[:, u > k] M[:, u > k]'.

    G and H are matrices over places; their cost is places^2 x products instead of
    places x products^2, in double precision.

    Args:
        presence: Shape (R, P).
    """

    def __init__(self, presence: Mask) -> None:
        self.presence = presence
        self.ubiquity: Codes = presence.sum(axis=0, dtype=np.int64)
        self._order = np.argsort(self.ubiquity, kind="stable")
        self._order = self._order[self.ubiquity[self._order] > 0]
        # Products in rows: those of one ubiquity lie together in memory. Where most are absent
        # almost everywhere, only what is present is multiplied.
        known = presence.T[self._order]
        thin = bool(known.size) and known.mean() < SPARSE
        self._sorted: Floats | sparse.csr_array = (
            sparse.csr_array(known).astype(np.float64) if thin else known.astype(np.float64)
        )
        self._levels = self.ubiquity[self._order].astype(np.float64)

    def weigh(self, weights: Floats) -> Floats:
        """The product ``weights @ phi``.

        Args:
            weights: Shape (n, P).

        Returns:
            Shape (n, P), 0 for products present nowhere.

        >>> near = Proximity(np.array([[True, True, False], [True, False, False]]))
        >>> near.weigh(np.eye(3)).tolist()
        [[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0]]
        """
        chosen = np.ascontiguousarray(weights.T[self._order])
        # Many small products: several threads would spend their time waiting for one another.
        with _blas().limit(limits=1, user_api="blas"):
            found = self._level_by_level(chosen)
        result = np.zeros(weights.shape[::-1])
        result[self._order] = found
        return np.ascontiguousarray(result.T)

    def _level_by_level(self, chosen: Floats) -> Floats:
        """(W phi)' for products by ubiquity, from W' alike, both of shape (M, n)."""
        known, levels = self._sorted, self._levels
        found = np.empty_like(chosen)
        below = np.zeros((chosen.shape[1], known.shape[1]))
        above = (chosen / levels[:, None]).T @ known
        mixed = np.empty_like(below)
        starts = np.flatnonzero(np.diff(levels, prepend=0.0))
        for start, end in pairwise([*starts, len(levels)]):
            level, here = levels[start], known[start:end]
            added = chosen[start:end].T @ here
            below += added
            added /= level
            above -= added
            np.divide(below, level, out=mixed)
            mixed += above
            found[start:end] = here @ mixed.T
        return found

    def of(self, columns: Codes) -> Floats:
        """Proximity of every product to some, shape (P, len(columns))."""
        both = self.presence.T.astype(np.float64) @ self.presence[:, columns].astype(np.float64)
        largest = np.maximum(self.ubiquity[:, None], self.ubiquity[columns])
        return both / np.maximum(largest, 1)

    @cached_property
    def total(self) -> Floats:
        """Sum of each product's proximities to all, its own too, shape (P,)."""
        found: Floats = self.weigh(np.ones((1, self.presence.shape[1])))[0]
        return found


@dataclass(frozen=True)
class Complexity:
    """Second eigenvector of the matrix of shared products, on the largest connected group.

    Attributes:
        places: Average complexity of what each place makes, not standardised, NaN where undefined.
        products: Complexity of each product in the same unit, NaN where undefined.
        reason: Why it is undefined everywhere: ``no_presence``, ``too_few_places`` or
            ``not_unique`` (the eigenvector is not determined); "" where it is defined.
    """

    places: Floats
    products: Floats
    reason: str = ""


def complexity(presence: Mask) -> Complexity:
    """Complexity of places and products, up to scale.

    The places' values k solve k = c D^-1 M U^-1 M' k, with D and U the diversities and ubiquities
    (Hausmann et al. 2014, technical box 2.1); their sign makes them grow with diversity. The
    symmetric form D^-1/2 M U^-1 M' D^-1/2 has the same eigenvalues and keeps them real. Where
    places fall into groups that share no product only the largest group can be compared.

    Example, worked by hand: places {a, b}, {b}. The matrix over places is [[3/4, 1/4], [1/2, 1/2]]
    with eigenvalues 1 and 1/4 and second eigenvector (1, -2); products are means over their
    places divided by 1/4: a = 4, b = -2; and the mean of a and b is 1 again.

    >>> found = complexity(np.array([[True, True], [False, True]]))
    >>> (found.places / found.places[0]).round(9).tolist()
    [1.0, -2.0]
    >>> (found.products / found.places[0]).round(9).tolist()
    [4.0, -2.0]
    """
    nowhere = np.full(presence.shape[0], np.nan), np.full(presence.shape[1], np.nan)
    rows, columns = _largest_group(presence)
    if not len(rows):
        return Complexity(*nowhere, reason=NO_PRESENCE)
    if len(rows) < 2:
        return Complexity(*nowhere, reason=TOO_FEW)
    inside = presence[np.ix_(rows, columns)].astype(np.float64)
    diversity, ubiquity = inside.sum(axis=1), inside.sum(axis=0)
    half = inside * (1.0 / np.sqrt(ubiquity))
    root = np.sqrt(diversity)
    last = [max(len(rows) - 3, 0), len(rows) - 1]
    with _blas().limit(limits=1, user_api="blas"):
        shared = (half @ half.T) / (root[:, None] * root)
        values, vectors = eigh(shared, subset_by_index=last)
    second, third = values[-2], values[-3] if len(values) > 2 else 0.0
    if second < _CLOSE or second - third < _CLOSE:
        return Complexity(*nowhere, reason=NOT_UNIQUE)
    places = vectors[:, -2] / root
    products = (places @ inside) / ubiquity / second
    sign = _sign(places, diversity, products, ubiquity)
    for whole, part, at in zip(nowhere, (places, products), (rows, columns), strict=True):
        whole[at] = sign * part
    return Complexity(*nowhere)


def _sign(places: Floats, diversity: Floats, products: Floats, ubiquity: Floats) -> float:
    """Complex places are diverse; where that says nothing, complex products are rare."""
    for values, along in ((places, diversity), (products, -ubiquity)):
        slope = float((values - values.mean()) @ (along - along.mean()))
        if abs(slope) > EPSILON * float(np.abs(values).max() * np.abs(along).max()):
            return float(np.sign(slope))
    return float(np.sign(places[np.abs(places).argmax()]))


def _largest_group(presence: Mask) -> tuple[Codes, Codes]:
    """Places and products of the connected group with the most places, then products."""
    places, products = presence.shape
    used = presence.any(axis=1)
    if not used.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    row, column = np.nonzero(presence)
    size = places + products
    links = sparse.coo_array((np.ones(len(row)), (row, places + column)), shape=(size, size))
    _, group = connected_components(links.tocsr(), directed=False)
    counts = np.bincount(group[:places][used], minlength=group.max() + 1)
    width = np.bincount(group[places:], minlength=group.max() + 1)
    best = int(np.lexsort((-width, -counts))[0])
    return np.flatnonzero(used & (group[:places] == best)), np.flatnonzero(group[places:] == best)


@dataclass(frozen=True)
class Figures:
    """Relatedness of some places to every product, and their complexity; NaN where undefined.

    Attributes:
        presence: Shape (n, P).
        diversity: Products present, shape (n,).
        density: Share of a product's proximity that lies in products present here, (n, P).
        expected: The density that diversity and ubiquity alone explain, (n, P).
        eci: Economic complexity index, (n,): mean 0 and deviation 1 over the space's places.
        coi: Outlook index, (n,), standardised alike: complex products near to what is made.
        cog: Outlook gain, (n, P): what a product would add to the outlook; 0 where present.
    """

    presence: Mask
    diversity: Codes
    density: Floats
    expected: Floats
    eci: Floats
    coi: Floats
    cog: Floats

    @property
    def distance(self) -> Floats:
        """1 - density, (n, P)."""
        return 1.0 - self.density

    @property
    def surplus(self) -> Floats:
        """Density beyond what diversity and ubiquity alone explain, (n, P)."""
        return self.density - self.expected


class Space:
    """The product space that a set of places spans, and the figures of any place in it.

    Args:
        presence: Whether each product is present in each place, shape (R, P).
    """

    def __init__(self, presence: Mask) -> None:
        self.presence = presence
        self.proximity = Proximity(presence)

    @cached_property
    def _complexity(self) -> Complexity:
        """Found when first asked: it costs as much as everything that relatedness needs."""
        return complexity(self.presence)

    @property
    def reason(self) -> str:
        """Why complexity is undefined everywhere, see :class:`Complexity`."""
        return self._complexity.reason

    @cached_property
    def _scale(self) -> tuple[float, float]:
        return _moments(self._complexity.places)

    @cached_property
    def _weight(self) -> Floats:
        """Complexity of products in deviations of the places' complexity, shape (P,).

        Not shifted: that is what outlook weighs by.
        """
        found: Floats = self._complexity.products / self._scale[1]
        return found

    @property
    def ubiquity(self) -> Codes:
        """Number of places where each product is present, shape (P,)."""
        return self.proximity.ubiquity

    @property
    def pci(self) -> Floats:
        """Product complexity index, shape (P,): ECI is its mean over the products present."""
        middle, spread = self._scale
        return self._weight - middle / spread

    @cached_property
    def own(self) -> Figures:
        """Figures of the space's own places."""
        return self.figures(self.presence)

    def figures(self, presence: Mask) -> Figures:
        """Figures of places by what is present in them, whether they belong to the space or not.

        Args:
            presence: Shape (n, P).
        """
        own = presence is self.presence
        density = self._density if own else self._dense(presence)
        diversity = presence.sum(axis=1, dtype=np.int64)
        gain = self._gain(presence)
        outlook = self._own_outlook if own else self._outlook(presence, density)
        middle, spread = _moments(self._own_outlook)
        return Figures(
            presence=presence,
            diversity=diversity,
            density=self._undefined(density),
            expected=self._expected(diversity),
            eci=_mean_over(presence, self.pci),
            coi=(outlook - middle) / spread,
            cog=gain,
        )

    def relatedness(self, presence: Mask) -> tuple[Floats, Floats]:
        """Density of places, and what diversity and ubiquity explain of it, both (n, P).

        As in :meth:`figures`, without what complexity adds.

        Args:
            presence: Shape (n, P).
        """
        diversity = presence.sum(axis=1, dtype=np.int64)
        return self._undefined(self._dense(presence)), self._expected(diversity)

    @cached_property
    def explained(self) -> float:
        """Share of the variance of absent products' density that the null explains (R^2).

        NaN where that density does not vary.
        """
        weight = self._absent
        density, count = self._density, weight.sum()
        if count == 0:
            return float("nan")
        deviation = density - (weight * density).sum() / count
        total = float((weight * deviation**2).sum())
        expected = np.nan_to_num(self._expected(self.presence.sum(axis=1, dtype=np.int64)))
        left = float((weight * (density - expected) ** 2).sum())
        return 1.0 - left / total if total > EPSILON * count else float("nan")

    @cached_property
    def _density(self) -> Floats:
        """Density in the space's own places, 0 for products present nowhere."""
        return self._dense(self.presence)

    def _dense(self, presence: Mask) -> Floats:
        total = self.proximity.total
        found: Floats = self.proximity.weigh(presence.astype(np.float64))
        found /= np.where(total > 0, total, 1.0)
        return found

    def _undefined(self, values: Floats) -> Floats:
        """The values with NaN for products present nowhere."""
        return np.where(self.ubiquity > 0, values, np.nan)

    @cached_property
    def _absent(self) -> Floats:
        """1 where a product that is present somewhere is absent, else 0, shape (R, P)."""
        return (~self.presence & (self.ubiquity > 0)).astype(np.float64)

    @cached_property
    def _null(self) -> Floats:
        """Least squares of density on 1, diversity, ubiquity and their product, (2, 2).

        Over the pairs where the product is absent: a product's own presence counts in its density,
        and density is asked for where a product is not made yet. All sums over pairs factor into
        products of matrices.
        """
        down = _powers(self._scaled(self.presence.sum(axis=1), 0), 3)
        across = _powers(self._scaled(self.ubiquity, 1), 3)
        moments = down.T @ self._absent @ across
        at = np.arange(4)
        first, second = at // 2, at % 2
        normal = moments[first[:, None] + first, second[:, None] + second]
        density = self._absent * self._density
        right = down[:, :2].T @ density @ across[:, :2]
        found: Floats = (np.linalg.pinv(normal, rcond=EPSILON) @ right.ravel()).reshape(2, 2)
        return found

    def _scaled(self, counts: Codes, axis: int) -> Floats:
        """Counts over the largest possible one, so that sums of powers stay comparable."""
        found: Floats = counts / max(self.presence.shape[1 - axis], 1)
        return found

    def _expected(self, diversity: Codes) -> Floats:
        down = _powers(self._scaled(diversity, 0), 2)
        expected: Floats = down @ self._null @ _powers(self._scaled(self.ubiquity, 1), 2).T
        expected[:, self.ubiquity == 0] = np.nan
        return expected

    @cached_property
    def _own_outlook(self) -> Floats:
        return self._outlook(self.presence, self._density)

    def _outlook(self, presence: Mask, density: Floats) -> Floats:
        if self.reason:
            return np.full(len(presence), np.nan)
        value = np.nan_to_num(self._weight)
        outlook: Floats = np.where(presence, 0.0, density) @ value
        outlook[~presence.any(axis=1)] = np.nan
        return outlook

    def _gain(self, presence: Mask) -> Floats:
        if self.reason:
            return np.full(presence.shape, np.nan)
        total = self.proximity.total
        with np.errstate(invalid="ignore", divide="ignore"):
            weight = np.where(total > 0, np.nan_to_num(self._weight) / total, 0.0)
        gain = self.proximity.weigh(np.where(presence, 0.0, weight))
        gain[presence] = 0.0
        gain[:, total == 0] = np.nan
        return gain


def _powers(values: Floats, count: int) -> Floats:
    """Columns 1, x, x^2, ..., shape (n, count)."""
    return np.vander(values, count, increasing=True)


def _moments(values: Floats) -> tuple[float, float]:
    """Mean and deviation of the defined values, NaN where they cannot standardise anything."""
    known = values[~np.isnan(values)]
    if len(known) < 2 or known.std() <= EPSILON * np.abs(known).max():
        return float("nan"), float("nan")
    return float(known.mean()), float(known.std())


def _mean_over(presence: Mask, values: Floats) -> Floats:
    """Mean of the defined values of the products present in each place, NaN where none."""
    known = ~np.isnan(values)
    chosen = presence[:, known].astype(np.float64)
    count = chosen.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, (chosen @ values[known]) / count, np.nan)
