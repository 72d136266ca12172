"""What a region's output needs along the whole chain: direct and total (Leontief) requirements.

Leontief, *The Structure of American Economy* (1941); Miller & Blair, *Input-Output Analysis*
(2nd ed.), ch. 2 and 12. The coefficients a[q, p] are those of every other measure (design section
4), so cycles among products are allowed as long as no cycle eats more than it makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.sparse.linalg import SuperLU, splu

from ..graph.chain import ChainGraph, Codes, Floats
from ..graph.errors import ChainAtlasError
from .economy import Economy
from .measures import measure
from .scope import Scope

#: Requirements per unit above this mean that a cycle gives nothing back.
_ENDLESS = 1e9
#: Cycles of more products than this are solved by iteration: factors of their block would fill up.
_LARGE = 3000
#: Iterations after which a series counts as endless, and the relative change that ends it.
_PATIENCE, _STILL = 100_000, 1e-15
#: Products to name in an error.
_NAMED = 12
#: Lengths of paths are sums of -log(a); this little more a step prefers the shorter of equals.
_STEP = 1e-12


class NotProductiveError(ChainAtlasError):
    """Products that need, through one another, at least as much of themselves as they yield.

    Attributes:
        products: Their ids, cycle by cycle.
    """

    def __init__(self, cycles: Sequence[Sequence[tuple[str, str]]]) -> None:
        self.products = tuple(tuple(i for i, _ in cycle) for cycle in cycles)
        listed = "；".join(
            "、".join(f"{name}（{i}）" for i, name in cycle[:_NAMED])
            + (f" 等 {len(cycle)} 个" if len(cycle) > _NAMED else "")
            for cycle in cycles
        )
        super().__init__(
            "无法计算完全需求：下列产品相互投入，循环一周所需投入不低于产出，"
            f"请核对 inputs.csv 中的 cost_share：{listed}。"
        )


class Leontief:
    """The Leontief inverse L = (I - A)^-1 of a matrix of input coefficients, as a solver.

    Products are put in the order of their cycles (strongly connected components), which makes the
    matrix block triangular, so that its factors fill in only within cycles.

    Args:
        coefficients: Input q per unit of product p at [q, p], not negative, shape (P, P).
        graph: Where errors take names from.

    Raises:
        NotProductiveError: There is no non-negative inverse (Hawkins & Simon 1949).

    >>> chain = sparse.csr_array(np.array([[0.0, 0.5], [0.2, 0.0]]))
    >>> Leontief(chain).solve(np.array([9.0, 0.0])).round(9).tolist()  # 9 / (1 - 0.1); 0.2 of it
    [10.0, 2.0]
    """

    def __init__(self, coefficients: sparse.csr_array, graph: ChainGraph | None = None) -> None:
        self.coefficients = coefficients
        _, cycle = connected_components(coefficients, connection="strong")
        self._cycle = cycle.astype(np.int64)
        self._order = np.argsort(self._cycle, kind="stable")
        largest = int(np.bincount(self._cycle, minlength=1).max())
        try:
            self._factors = self._factorise() if 0 < largest <= _LARGE else None
            productive = _feasible(self.row_sums)
        except RuntimeError:  # exactly singular
            productive = False
        # (I - A) x = 1 has a solution x >= 0 just where A is productive.
        if not productive:
            raise NotProductiveError(self._culprits(graph))

    def _factorise(self) -> SuperLU:
        matrix = sparse.eye_array(self.coefficients.shape[0], format="csr") - self.coefficients
        ordered = sparse.csc_array(matrix[self._order][:, self._order])
        return splu(ordered, permc_spec="NATURAL", diag_pivot_thresh=0.0)

    def solve(self, final: Floats, transposed: bool = False) -> Floats:
        """Output that final output needs in all: L y, its own amount included; or L' y.

        Args:
            final: y (CNY or any unit), shape (P,).
            transposed: Solve for the transpose.
        """
        if self._factors is None:
            return self._iterate(final, transposed)
        result = np.empty(len(final))
        mode = "T" if transposed else "N"
        result[self._order] = self._factors.solve(final[self._order], mode)  # type: ignore[call-overload] # the stubs lack it
        return result

    def _iterate(self, final: Floats, transposed: bool) -> Floats:
        """The series y + A y + A^2 y + ..., until it stands still; endless ones are cut short."""
        matrix = self.coefficients.T.tocsr() if transposed else self.coefficients
        result = final
        for _ in range(_PATIENCE):
            before, result = result, final + np.asarray(matrix @ result, dtype=np.float64)
            largest = float(np.abs(result).max(initial=0.0))
            if float(np.abs(result - before).max(initial=0.0)) <= _STILL * largest:
                return result
        return np.full(len(final), np.inf)

    @cached_property
    def row_sums(self) -> Floats:
        """Output of each product that one unit of final output of every product needs, (P,)."""
        return self.solve(np.ones(self.coefficients.shape[0]))

    @cached_property
    def column_sums(self) -> Floats:
        """Output of all products that one unit of final output of each product needs, (P,)."""
        return self.solve(np.ones(self.coefficients.shape[0]), transposed=True)

    @cached_property
    def forward(self) -> Floats:
        """Forward linkage (sensitivity of dispersion, Rasmussen 1956): row sums over their mean."""
        return _over_mean(self.row_sums)

    @cached_property
    def backward(self) -> Floats:
        """Backward linkage (power of dispersion, Rasmussen 1956): column sums over their mean."""
        return _over_mean(self.column_sums)

    def _culprits(self, graph: ChainGraph | None) -> list[list[tuple[str, str]]]:
        """Id and name of the products of every cycle that is not productive by itself."""
        ids = [str(i) for i in range(len(self._cycle))]
        names = ids
        if graph is not None:
            ids = graph.text("products", "id").tolist()
            names = graph.text("products", "name").tolist()
        found = []
        for members in _groups(self._cycle, self._order):
            block = self.coefficients[members][:, members].toarray()
            try:
                inside = np.linalg.solve(np.eye(len(members)) - block, np.ones(len(members)))
            except np.linalg.LinAlgError:
                inside = np.full(len(members), np.inf)
            if not _feasible(inside):
                found.append([(ids[i], names[i]) for i in members.tolist()])
        return found


def _over_mean(values: Floats) -> Floats:
    # Every value is at least 1, so the mean is above 0.
    found: Floats = values * (len(values) / values.sum()) if len(values) else values
    return found


def _feasible(solution: Floats) -> bool:
    return bool(np.all((solution > 0.5) & (solution < _ENDLESS)))


def _groups(labels: Codes, order: Codes) -> list[Codes]:
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    return np.split(order, starts[1:])


@dataclass(frozen=True)
class InputPath:
    """How an amount of a product comes to be needed.

    Attributes:
        value: Amount of the last product that is needed along this path alone (CNY a year).
        products: Ids, from the product made here to the product asked for.
        coefficients: Input coefficient of each step, one fewer than products.
        given: Whether the cost share of each step is given, or assumed.
    """

    value: float
    products: tuple[str, ...]
    coefficients: tuple[float, ...]
    given: tuple[bool, ...]


@dataclass(frozen=True)
class Requirements:
    """What the output of a cluster's products in a region needs.

    Attributes:
        region: Region code.
        cluster: Cluster id.
        version: The store's facts.
        final: Final output in all (CNY a year): output beyond what the cluster takes itself.
        table: One row per product of the cluster, and per other product its output needs; most
            needed first: product, name, link, stage (None outside the cluster), in_cluster,
            output (X in the region), final, direct, total (all CNY a year), steps (fewest input
            steps from a product of the cluster made here; NaN where not needed), backward,
            forward (linkages over all products of the graph, 1 on average).
    """

    region: str
    cluster: str
    version: int
    final: float
    table: pd.DataFrame


def requirements(scope: Scope) -> Requirements:
    """Direct and total requirements of a cluster's output in a region.

    With X the local output of the cluster's products, direct requirements are A X, as in the local
    supply rate. Output that goes into the cluster's own products must not be counted twice, so
    total requirements start from final output y = max(0, X - A X): total = (L - I) y. They are
    never below the direct ones; the difference is what is needed further up the chain and is
    not made here.

    Example, worked by hand: a region makes panels for 100, which take 0.3 of glass, which takes 0.5
    of sand. Direct: 30 of glass. Total: 30 of glass and 15 of sand. If it also makes glass for 20,
    direct sand is 10, but total sand stays 15: those 20 go into the panels.

    Raises:
        NotProductiveError: The coefficients have no Leontief inverse.
    """
    economy = scope.economy
    leontief = Leontief(economy.coefficients, scope.graph)
    local = measure(economy, [scope.region], np.arange(economy.products)).output[0]
    made, final = final_output(scope, local)
    direct = economy.coefficients @ made
    total = np.maximum(leontief.solve(final) - final, 0.0)
    # Rounding must not make a product needed that nothing needs.
    steps = _steps(economy, made)
    total[np.isnan(steps) & (direct == 0)] = 0.0
    rows = np.union1d(scope.products, np.flatnonzero(total > 0))
    graph = scope.graph
    table = pd.DataFrame(
        {
            "product": graph.text("products", "id")[rows],
            "name": graph.text("products", "name")[rows],
            "in_cluster": np.isin(rows, scope.products),
            "output": local[rows],
            "final": final[rows],
            "direct": direct[rows],
            "total": total[rows],
            "steps": steps[rows],
            "backward": leontief.backward[rows],
            "forward": leontief.forward[rows],
        }
    )
    for column in ("link", "stage"):
        known = dict(zip(scope.chain["product"], scope.chain[column], strict=True))
        values = [known.get(p) for p in table["product"]]
        table.insert(2, column, pd.Series(values, dtype=object))
    return Requirements(
        region=scope.region,
        cluster=scope.cluster,
        version=graph.version,
        final=float(final.sum()),
        table=table.sort_values(["total", "product"], ascending=[False, True], ignore_index=True),
    )


def final_output(scope: Scope, local: Floats) -> tuple[Floats, Floats]:
    """Output of a cluster's products, and what of it the cluster's own products do not take.

    Args:
        scope: The question.
        local: Output X of every product in the region (CNY a year), shape (P,).
    """
    made = np.zeros(len(local))
    made[scope.products] = local[scope.products]
    return made, np.maximum(made - scope.economy.coefficients @ made, 0.0)


def _steps(economy: Economy, made: Floats) -> Floats:
    """Fewest input steps from a product made, at least 1; NaN where no path leads there."""
    upstream = economy.coefficients.T.tocsr()
    steps = np.full(len(made), np.nan)
    frontier, taken = made > 0, 0
    while frontier.any():
        taken += 1
        reached = (frontier @ upstream) > 0
        frontier = reached & np.isnan(steps)
        steps[frontier] = taken
    return steps


def why(scope: Scope, product: str, most: int = 3) -> list[InputPath]:
    """Why a cluster needs a product in a region: the strongest input paths, largest amount first.

    For every product of the cluster with final output y here, the strongest path to the product
    asked for is the one with the largest product of coefficients (shortest path by -log a); its
    amount is y times that product. Each amount is part of the total requirement.

    Args:
        scope: The question.
        product: Id of a product of the graph.
        most: Most paths to return.
    """
    economy, graph = scope.economy, scope.graph
    (target,) = graph.position("products", [product]).tolist()
    local = measure(economy, [scope.region], scope.products).output[0]
    whole = np.zeros(economy.products)
    whole[scope.products] = local
    _, final = final_output(scope, whole)
    links = economy.coefficients
    lengths = sparse.csr_array(
        (np.maximum(-np.log(links.data), 0.0) + _STEP, links.indices, links.indptr), links.shape
    )
    far, before = dijkstra(lengths, indices=target, return_predecessors=True)
    amount = final * np.exp(-far)
    amount[target] = 0.0
    best = np.argsort(-amount, kind="stable")[:most]
    return [_path(economy, final, before, int(p), target) for p in best if amount[p] > 0]


def _path(
    economy: Economy, final: Floats, before: npt.NDArray[np.int32], start: int, target: int
) -> InputPath:
    nodes = [start]
    while nodes[-1] != target:
        nodes.append(int(before[nodes[-1]]))
    ids = economy.graph.text("products", "id")
    pairs = [(int(q), int(p)) for p, q in pairwise(nodes)]
    steps = tuple(float(economy.coefficients[pair]) for pair in pairs)
    inputs = economy.graph["inputs"][economy.given_share]
    given = set(zip(inputs["input"], inputs["product"], strict=True))
    return InputPath(
        value=float(final[start] * np.prod(steps)),
        products=tuple(str(ids[i]) for i in nodes),
        coefficients=steps,
        given=tuple((str(ids[q]), str(ids[p])) in given for q, p in pairs),
    )
