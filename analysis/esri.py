"""Economic systemic risk index ESRI of a supply network, by the equations of its paper.

Diem, Borsos, Reisch, Kertész and Thurner, "Quantifying firm-level economic systemic risk from
nation-wide supply networks", Scientific Reports 12, 7719 (2022). Where a firm stops, its buyers
lose an input (downstream) and its suppliers lose an order (upstream), and so on through the
network; ESRI is the share of all output that is lost in the end.

Notation: W[j,i] is what i buys from j, p(j) the product of j, x(j) its output, h in 0..1 what is
left of its production, psi(j) the level that the shock leaves at most. Both processes start from
h = psi and run on their own; a step takes all h(t) to h(t + 1) at once.

Downstream, the generalised Leontief function: an essential input k limits production to what is
left of it, the non-essential inputs (ne) together by their part in all inputs::

    lost(i,k)  = sum over j with p(j) = k of  sigma(j) (1 - h(j)) W[j,i] / W[k,i]
    lost(i,ne) = sum over non-essential j of  sigma(j) (1 - h(j)) W[j,i] / W[.,i]
    h(i)       = min(psi(i), 1 - max over essential k of lost(i,k), 1 - lost(i,ne))
    sigma(j)   = min(1, x(j) / sum over l with p(l) = p(j) of x(l) h(l))

sigma is how hard j is to replace: its share of what its market still makes. Upstream, orders fall
with the buyers' production, and what goes to nobody in the network (final demand) stays::

    h(j) = min(psi(j), 1 - sum over i of W[j,i] (1 - h(i)) / x(j))

The steps end after the first in which no h falls by more than ``tolerance`` (0.01 in the paper).
The loss of a firm is the larger of its two, and ESRI = sum x(j) loss(j) / sum x(j). In the paper
x(j) is all that j sells in the network; here x may be larger, the rest being final demand, so that
makers of final goods count too. With x left out both agree.

Example, worked by hand: a sells 10 to b, b sells 10 to c, c sells nothing in the network but makes
20; all inputs are essential, every product has one maker. If a stops, b and c stop downstream
(sigma = 1) and nobody upstream is hurt: everything is lost, ESRI(a) = 1. If c stops, b loses its
only order, and then a: ESRI(c) = 1 too. With a second maker d of a's product, of output 10 and
without buyers, sigma(a) is 1 once a has stopped (10 of the 10 that are left), so b still stops;
with d at 30 sigma(a) is 1/3: b and then c keep 2/3 of their production, sigma(b) being 1.

>>> chain = Network.of([0, 1, 2], [0, 1], [1, 2], [10.0, 10.0], output=[10.0, 10.0, 20.0])
>>> esri(chain).tolist()
[1.0, 1.0, 1.0]
>>> wide = Network.of([0, 1, 2, 0], [0, 1], [1, 2], [10.0, 10.0], output=[10.0, 10.0, 20.0, 30.0])
>>> round(float(esri(wide)[0]) * 70, 9) == round(10 + 10 / 3 + 20 / 3, 9)
True
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ..graph.chain import Codes, Floats
from ..graph.schema import EPSILON
from . import esri_queue
from .esri_queue import NEARLY_ALL

Engine = Literal["auto", "numba", "scipy"]
#: Largest fall in one step after which the cascade counts as over: that of the paper.
TOLERANCE = 0.01
#: Firms x links above which compiling the queue costs less than it saves.
WORTH_COMPILING = 2_000_000
#: Cells (firms x shocks) that the SciPy engine works on at once.
_BATCH_CELLS = 1_000_000


@dataclass(frozen=True)
class Network:
    """Who supplies whom with what.

    Attributes:
        product: Product of each firm, codes 0.., shape (n,).
        source: Supplier of each link, shape (m,).
        target: Buyer of each link, (m,).
        weight: What is bought (any one unit of money), above 0, (m,).
        essential: Whether the buyer cannot go without the supplier's product, (m,).
        output: Output of each firm in the same unit, at least what it sells in the network, (n,).
    """

    product: Codes
    source: Codes
    target: Codes
    weight: Floats
    essential: npt.NDArray[np.bool_]
    output: Floats

    @classmethod
    def of(
        cls,
        product: npt.ArrayLike,
        source: npt.ArrayLike,
        target: npt.ArrayLike,
        weight: npt.ArrayLike,
        essential: npt.ArrayLike | None = None,
        output: npt.ArrayLike | None = None,
    ) -> Network:
        """A checked network.

        Links of weight 0 are left out. Essentiality belongs to a buyer and a product: where a
        buyer's links for one product disagree, the product is essential to it.

        Args:
            product: Product of each firm, codes 0... .
            source: Suppliers.
            target: Buyers.
            weight: Amounts.
            essential: Which links carry an essential input; all where None.
            output: Output of each firm; what it sells where None, and raised to that where less.

        Raises:
            ValueError: A number is negative or not finite, or a position is not a firm.
        """
        made = np.asarray(product, dtype=np.int64)
        ends = np.asarray(source, dtype=np.int64), np.asarray(target, dtype=np.int64)
        amount = np.asarray(weight, dtype=np.float64)
        vital = np.ones(len(amount), bool) if essential is None else np.asarray(essential, bool)
        if any(len(end) and (end.min() < 0 or end.max() >= len(made)) for end in ends):
            raise ValueError("a link leads to no firm")
        if not (np.isfinite(amount).all() and (amount >= 0).all()):
            raise ValueError("amounts must be finite and not negative")
        sold = np.bincount(ends[0], amount, minlength=len(made)).astype(np.float64)
        level = sold if output is None else np.asarray(output, dtype=np.float64)
        if not (np.isfinite(level).all() and (level >= 0).all()):
            raise ValueError("outputs must be finite and not negative")
        used = amount > 0
        return cls(
            made,
            ends[0][used],
            ends[1][used],
            amount[used],
            vital[used],
            np.maximum(level, sold),
        )

    def __len__(self) -> int:
        return len(self.product)

    @cached_property
    def plan(self) -> Plan:
        """The network prepared for cascades."""
        return Plan.of(self)


@dataclass(frozen=True)
class Plan:
    """What a cascade reads, with shares in the place of amounts.

    A *need* is an essential input of a buyer, or all its non-essential inputs together; needs are
    ordered by buyer.

    Attributes:
        product: Product of each firm, (n,).
        output: Output of each firm, (n,).
        market: Output by product, (products,).
        buyer: Buyer of each need, (needs,).
        inputs: Share of a need that a firm supplies, (needs, n), and the same by firm.
        by_supplier: ``inputs`` transposed, row by row.
        orders: Share of a firm's output that another buys, (n, n): row = supplier.
        by_buyer: ``orders`` transposed, row by row.
    """

    product: Codes
    output: Floats
    market: Floats
    buyer: Codes
    inputs: sparse.csr_array
    by_supplier: sparse.csr_array
    orders: sparse.csr_array
    by_buyer: sparse.csr_array

    @classmethod
    def of(cls, network: Network) -> Plan:
        """Prepare a network."""
        n = len(network)
        kinds = int(network.product.max(initial=0)) + 1
        bought = np.bincount(network.target, network.weight, minlength=n)
        pair = network.target * np.int64(kinds) + network.product[network.source]
        vital = np.unique(pair[network.essential])
        essential = np.isin(pair, vital)
        # Non-essential inputs of a buyer share one need, placed behind its essential ones.
        wide = network.target * np.int64(kinds + 1)
        key = wide + np.where(essential, network.product[network.source], kinds)
        needs, need = np.unique(key, return_inverse=True)
        whole = np.bincount(need, network.weight, minlength=len(needs))
        base = np.where(essential, whole[need], bought[network.target])
        inputs = sparse.csr_array(
            (network.weight / base, (need, network.source)), shape=(len(needs), n)
        )
        orders = sparse.csr_array(
            (
                network.weight / network.output[network.source],
                (network.source, network.target),
            ),
            shape=(n, n),
        )
        return cls(
            network.product,
            network.output,
            np.bincount(network.product, network.output, minlength=kinds).astype(np.float64),
            needs // (kinds + 1),
            inputs,
            inputs.T.tocsr(),
            orders,
            orders.T.tocsr(),
        )


def esri(
    network: Network,
    shocks: Sequence[npt.ArrayLike] | None = None,
    weights: npt.ArrayLike | None = None,
    tolerance: float = TOLERANCE,
    engine: Engine = "auto",
) -> Floats:
    """ESRI of shocks: the share of output that is lost where some firms stop altogether.

    Args:
        network: Who supplies whom.
        shocks: Positions of the firms that stop together, one array a shock; every firm on its own
            where None.
        weights: What counts as output, shape (n,), or (kinds, n) for several at once; the firms'
            output where None.
        tolerance: The cascade ends after a step in which nothing falls by more than this.
        engine: ``numba`` (a queue of the firms that a shock reaches; needs the extra ``risk``),
            ``scipy`` (whole vectors, many shocks at once), or the one that is faster here. Both
            give the same numbers to rounding.

    Returns:
        Losses in 0..1 of shape (shocks,), or (kinds, shocks); NaN where the weights sum to 0.

    Raises:
        ValueError: The tolerance is below 1e-12, or numba is asked for and missing.
    """
    if not tolerance >= EPSILON:
        raise ValueError("the tolerance must be at least 1e-12")
    sets = [np.array([i]) for i in range(len(network))] if shocks is None else shocks
    hit = [np.unique(np.asarray(s, dtype=np.int64)) for s in sets]
    counted = np.asarray(network.output if weights is None else weights, dtype=np.float64)
    kinds = np.atleast_2d(counted)
    total = kinds.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, kinds / total, np.nan)
    # Undefined kinds are marked at the end: a cascade is a sum over the firms it reaches alone.
    part = np.ascontiguousarray(np.nan_to_num(share))
    work = len(hit) * max(len(network.source), 1)
    installed = find_spec("numba") is not None
    if engine == "numba" and not installed:
        raise ValueError("numba is not installed: pip install chainatlas[risk]")
    fast = engine == "numba" or (engine == "auto" and installed and work > WORTH_COMPILING)
    lost = (
        _queued(network, hit, part, tolerance) if fast else _batched(network, hit, part, tolerance)
    )
    lost[(total <= 0).ravel()] = np.nan
    return lost if counted.ndim > 1 else lost[0]


def _queued(network: Network, hit: list[Codes], part: Floats, tolerance: float) -> Floats:
    """Shocks shared out over the processors, each walking the firms it reaches alone."""
    plan = network.plan
    cascade = esri_queue.compiled()
    result = np.zeros((len(hit), len(part)))
    threads = max(1, min(os.cpu_count() or 1, len(hit)))
    members = np.argsort(plan.product, kind="stable")
    first = np.searchsorted(plan.product[members], np.arange(len(plan.market) + 1))
    tables = (
        plan.product,
        plan.output,
        plan.market,
        members,
        first,
        plan.buyer.astype(np.int32),
    )
    links = tuple(
        part
        for m in (plan.by_supplier, plan.by_buyer)
        for part in (m.indptr.astype(np.int32), m.indices.astype(np.int32), m.data)
    )

    def run(chunk: Codes) -> None:
        lengths = [len(hit[i]) for i in chunk]
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        nodes = np.concatenate([hit[i] for i in chunk])
        # A chunk writes to rows of its own.
        found = np.zeros((len(chunk), len(part)))
        cascade(*tables, *links, nodes, start, part, tolerance, found)
        result[chunk] = found

    # Neighbours in the list often cost alike, so that every thread gets some of each.
    chunks = [np.arange(i, len(hit), 8 * threads) for i in range(min(8 * threads, len(hit)))]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, chunks))
    return result.T.copy()


def _batched(network: Network, hit: list[Codes], part: Floats, tolerance: float) -> Floats:
    """Shocks in batches, each a column of dense matrices over all firms."""
    n = len(network)
    result = np.zeros((len(part), len(hit)))
    size = max(1, _BATCH_CELLS // max(n, 1))
    for start in range(0, len(hit), size):
        chunk = hit[start : start + size]
        shock = np.zeros((n, len(chunk)))
        for at, nodes in enumerate(chunk):
            shock[nodes, at] = 1.0
        result[:, start : start + len(chunk)] = part @ _losses(network.plan, shock, tolerance)
    return result


def _losses(plan: Plan, shock: Floats, tolerance: float) -> Floats:
    """What is lost of each firm's production, 1 - h, shape (n, shocks), from 1 - psi."""
    result = np.empty_like(shock)
    columns = np.arange(shock.shape[1])
    down, up = shock.copy(), shock.copy()
    buyers, first = np.unique(plan.buyer, return_index=True)
    n, kinds = len(plan.product), len(plan.market)
    market = sparse.coo_array((plan.output, (plan.product, np.arange(n))), shape=(kinds, n)).tocsr()
    while len(columns):
        left = np.asarray(market @ (1.0 - down))[plan.product]
        with np.errstate(invalid="ignore", divide="ignore"):
            sigma = np.where(left > 0, np.minimum(1.0, plan.output[:, None] / left), 1.0)
        lost = plan.inputs @ (sigma * down)
        next_down = shock.copy()
        if len(buyers):
            worst = np.maximum.reduceat(lost, first, axis=0)
            next_down[buyers] = np.maximum(next_down[buyers], worst)
        next_down[next_down > NEARLY_ALL] = 1.0
        next_up = np.maximum(shock, plan.orders @ up)
        next_up[next_up > NEARLY_ALL] = 1.0
        fall = np.maximum(next_down - down, next_up - up).max(axis=0, initial=0.0)
        down, up = next_down, next_up
        over = fall <= tolerance
        if over.any():
            result[:, columns[over]] = np.maximum(down[:, over], up[:, over])
            keep = ~over
            columns, shock = columns[keep], shock[:, keep]
            down, up = down[:, keep], up[:, keep]
    return result
