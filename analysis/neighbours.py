"""What a product is made from and goes into, and how one product leads to another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from ..graph.chain import ChainGraph, Codes
from .gaps import Gaps


@dataclass(frozen=True)
class Neighbour:
    """An input or a user of a product.

    Attributes:
        product: Id.
        name: Name.
        coefficient: Input per unit of output (0..1).
        share_given: Whether its cost share is given, or assumed.
        criticality: How critical the input is (0..1).
        cluster: Cluster of its first link, "" where it is in none.
    """

    product: str
    name: str
    coefficient: float
    share_given: bool
    criticality: float
    cluster: str


def neighbours(gaps: Gaps, product: str) -> tuple[list[Neighbour], list[Neighbour]]:
    """Inputs and users of a product, the most critical first, then by share and id."""
    graph = gaps.scope.graph
    (at,) = graph.position("products", [product])
    made, used = graph.located("inputs", "product"), graph.located("inputs", "input")
    return (
        _listed(gaps, np.flatnonzero(made == at), used),
        _listed(gaps, np.flatnonzero(used == at), made),
    )


def _listed(gaps: Gaps, rows: Codes, other: Codes) -> list[Neighbour]:
    economy = gaps.scope.economy
    graph = economy.graph
    ids, names = graph.text("products", "id"), graph.text("products", "name")
    links = graph.text("products", "links")
    cluster = dict(zip(graph["links"]["id"], graph["links"]["cluster"], strict=True))
    critical = np.nan_to_num(graph.number("inputs", "criticality"), nan=0.5)
    made, used = graph.located("inputs", "product"), graph.located("inputs", "input")
    found = [
        Neighbour(
            str(ids[other[row]]),
            str(names[other[row]]),
            float(economy.coefficients[used[row], made[row]]),
            bool(economy.given_share[row]),
            float(critical[row]),
            _cluster(str(links[other[row]]), cluster, gaps.scope.cluster),
        )
        for row in rows.tolist()
    ]
    return sorted(found, key=lambda n: (-n.criticality, -n.coefficient, n.product))


def _cluster(links: str, cluster: dict[str, str], preferred: str) -> str:
    own = [cluster[link] for link in links.split(";") if link in cluster]
    return preferred if preferred in own else own[0] if own else ""


def chain_path(graph: ChainGraph, start: str, end: str) -> list[str]:
    """The shortest way over INPUT_TO from one product to another, ends included.

    With the stream where there is one, else against it; [] where neither leads there. Between ways
    of equal length the order of the products in the graph decides.

    Args:
        graph: The facts.
        start: Id of a product.
        end: Id of a product.
    """
    first, last = graph.position("products", [start, end])
    if first < 0 or last < 0:
        return []
    return _way(graph, first, last) or _way(graph, last, first)[::-1]


def _way(graph: ChainGraph, start: np.int64, end: np.int64) -> list[str]:
    matrix = sparse.csr_matrix(graph.adjacency("INPUT_TO"))
    _, before = csgraph.breadth_first_order(matrix, int(start), return_predecessors=True)
    way = [int(end)]
    while way[-1] != start:
        previous = int(before[way[-1]])
        if previous < 0:
            return []
        way.append(previous)
    ids = graph.text("products", "id")
    return [str(ids[at]) for at in reversed(way)]
