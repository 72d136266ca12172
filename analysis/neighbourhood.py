"""Browsing the graph: what is next to a node, what lies between nodes, and how to get there.

Pure functions on a :class:`~.web.Web`, which is built once for a version::

    web = Web.of(graph)                      # or Web.of(graph, economy)
    node = web.number("Enterprise:600703.SH")
    counts(web, node)                        # groups with counts, before anything is expanded
    neighbours(web, node, "PRODUCES-out-Product", limit=30)   # the weightiest first
    around(web, [node], depth=2, limit=30, most=500)          # numbers of a neighbourhood
    node_table(web, nodes), line_table(web, between(web, nodes))
    shortest_paths(web, a, b, way="supply")  # or "any"

Numbers of nodes hold for one version; say ``web.key(node)`` to people and other systems.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse

from ..graph.chain import Codes, spans, walk_all
from ..graph.errors import NotFoundError
from ..graph.schema import NODES, TABLES
from .economy import Mask
from .web import GROUPS, KINDS, RELATIONS, Group, Web, fact_rows

#: ``supply`` follows goods; ``any`` every relation either way, but see :data:`COMMON`.
Way = Literal["supply", "any"]
#: Kinds that join nearly everything: paths through them say nothing, unless asked for.
COMMON = frozenset({"Region", "Cluster"})


def group_of(web: Web, node: int, code: str) -> Group:
    """The group of that code at a node.

    Raises:
        NotFoundError: Nodes of this kind have none.
    """
    kind = KINDS[web.kind[node]]
    for group in GROUPS:
        if group.code == code and group.at == kind:
            return group
    raise NotFoundError(f"没有这种关系：{code}。")


def counts(web: Web, node: int) -> pd.DataFrame:
    """Neighbours of a node by group.

    Returns:
        Columns group (code), title, kind (of the neighbours), measure (what ranks them) and count,
        in order of declaration; groups without neighbours are left out.
    """
    mine = web.group[web.start[node] : web.start[node + 1]]
    found, count = np.unique(mine, return_counts=True)
    groups = [GROUPS[g] for g in found.tolist()]
    return pd.DataFrame(
        {
            "group": [g.code for g in groups],
            "title": [g.title for g in groups],
            "kind": [g.kind for g in groups],
            "measure": [RELATIONS[g.relation].measure or "规模" for g in groups],
            "count": count,
        }
    )


def neighbours(
    web: Web, node: int, code: str, limit: int | None = 30, offset: int = 0
) -> pd.DataFrame:
    """Neighbours of a node in one group, the weightiest first, then the largest.

    Args:
        web: The graph.
        node: Number of the node.
        code: Code of the group.
        limit: Most neighbours; None for all.
        offset: How many to pass over.

    Returns:
        Columns node, line and weight (see :attr:`~.web.Web.weight`).

    Raises:
        NotFoundError: Nodes of this kind have no such group.
    """
    group = group_of(web, node, code).number
    low, high = web.start[node], web.start[node + 1]
    begin = low + np.searchsorted(web.group[low:high], group)
    end = low + np.searchsorted(web.group[low:high], group, side="right")
    begin = min(begin + offset, end)
    end = end if limit is None else min(begin + limit, end)
    line = web.line[begin:end]
    return pd.DataFrame({"node": web.other[begin:end], "line": line, "weight": web.weight[line]})


def around(
    web: Web,
    starts: Sequence[int],
    depth: int = 1,
    limit: int = 30,
    most: int = 500,
    relations: Collection[str] | None = None,
) -> Codes:
    """The neighbourhood of some nodes, none of which floods it.

    Args:
        web: The graph.
        starts: Numbers of the nodes.
        depth: Steps to take.
        limit: Most neighbours of one node in one group.
        most: Most nodes in all.
        relations: Names of the edge kinds to follow; None for all.

    Returns:
        Numbers of nodes, the starts first, then by steps; of one step the first of each group.
    """
    follow = _following(relations)
    found = np.asarray(list(dict.fromkeys(starts)), dtype=np.int64)[:most]
    frontier = found
    for _ in range(depth):
        halves = spans(web.start[frontier], web.degree[frontier])
        halves = halves[(web.rank[halves] < limit) & follow[web.group[halves] // 2]]
        halves = halves[np.argsort(web.rank[halves], kind="stable")]
        reached = web.other[halves]
        reached = reached[np.sort(np.unique(reached, return_index=True)[1])]
        frontier = reached[~np.isin(reached, found)][: most - len(found)]
        found = np.concatenate([found, frontier])
    return found


def _following(relations: Collection[str] | None) -> Mask:
    """Which relations are meant, shape (relations,)."""
    names = [relation.edge.name for relation in RELATIONS]
    return np.asarray([relations is None or name in relations for name in names], dtype=np.bool_)


def between(web: Web, nodes: Codes) -> Codes:
    """Lines whose ends are both among some nodes, in order of their numbers."""
    among = np.zeros(len(web), dtype=np.bool_)
    among[nodes] = True
    halves = spans(web.start[nodes], web.degree[nodes])
    halves = halves[among[web.other[halves]]]
    return np.unique(web.line[halves])


def joining(web: Web, new: Codes, known: Codes) -> Codes:
    """Lines among new nodes, and between them and known ones."""
    among = np.zeros(len(web), dtype=np.bool_)
    among[new] = among[known] = True
    halves = spans(web.start[new], web.degree[new])
    return np.unique(web.line[halves[among[web.other[halves]]]])


def node_table(web: Web, nodes: Codes) -> pd.DataFrame:
    """What is known of nodes, in their order.

    Returns:
        Columns node, kind, id, name, region (code, "" for none), size (CNY a year, see
        :attr:`~.web.Web.size`; NaN where unknown), imputed (a typical size), degree (lines), as_of
        ("" for none) and confidence (NaN where not stated).
    """
    as_of = np.full(len(nodes), "", dtype=object)
    confidence = np.full(len(nodes), np.nan)
    imputed = np.zeros(len(nodes), dtype=np.bool_)
    for at, kind in enumerate(NODES.values()):
        ours = np.flatnonzero(web.kind[nodes] == at)
        if kind.table is None or not len(ours):
            continue
        rows = nodes[ours] - web.first[at]
        as_of[ours] = web.graph.text(kind.table, "as_of")[rows]
        confidence[ours] = web.graph.number(kind.table, "confidence")[rows]
        if kind.name == "Enterprise":
            imputed[ours] = web.economy.imputed[rows]
    return pd.DataFrame(
        {
            "node": nodes,
            "kind": np.asarray(KINDS, dtype=object)[web.kind[nodes]],
            "id": web.id[nodes],
            "name": web.name[nodes],
            "region": web.region[nodes],
            "size": web.size[nodes],
            "imputed": imputed,
            "degree": web.degree[nodes],
            "as_of": as_of,
            "confidence": confidence,
        }
    )


def line_table(web: Web, lines: Codes) -> pd.DataFrame:
    """What is known of lines, in their order.

    Returns:
        Columns line, source, target (numbers), edge (kind), title, weight, facts, as_of (of the
        newest fact, "" for none), confidence (the least stated; NaN where none is) and stated
        (distinct sources).
    """
    relation = web.relation[lines]
    at, rows = fact_rows(web, lines)
    as_of = np.full(len(at), "", dtype=object)
    source = np.full(len(at), "", dtype=object)
    confidence = np.full(len(at), np.nan)
    for number in np.unique(relation).tolist():
        table = RELATIONS[number].edge.table
        if table:
            ours = np.flatnonzero(relation[at] == number)
            as_of[ours] = web.graph.text(table, "as_of")[rows[ours]]
            source[ours] = web.graph.text(table, "source")[rows[ours]]
            confidence[ours] = web.graph.number(table, "confidence")[rows[ours]]
    facts = pd.DataFrame({"at": at, "as_of": as_of, "source": source, "confidence": confidence})
    said = facts.groupby("at").agg(
        as_of=("as_of", "max"),
        confidence=("confidence", "min"),
        stated=("source", lambda values: tuple(dict.fromkeys(v for v in values if v))),
    )
    edges = [RELATIONS[number].edge for number in relation.tolist()]
    return pd.DataFrame(
        {
            "line": lines,
            "source": web.source[lines],
            "target": web.target[lines],
            "edge": [edge.name for edge in edges],
            "title": [edge.zh for edge in edges],
            "weight": web.weight[lines],
            "facts": web.facts[lines],
            "as_of": said["as_of"].to_numpy(dtype=object),
            "confidence": said["confidence"].to_numpy(dtype=np.float64),
            "stated": said["stated"].to_numpy(dtype=object),
        }
    )


def facts_of(web: Web, line: int) -> pd.DataFrame:
    """The facts that a line joins: the columns of their table; empty where none states it."""
    table = RELATIONS[web.relation[line]].edge.table
    if not table:
        return pd.DataFrame()
    _, rows = fact_rows(web, np.asarray([line], dtype=np.int64))
    return web.graph[table].iloc[rows].reset_index(drop=True)[list(TABLES[table].names)]


def shortest_paths(
    web: Web,
    source: int,
    target: int,
    way: Way = "any",
    limit: int = 3,
    relations: Collection[str] | None = None,
) -> pd.DataFrame:
    """The shortest paths between two nodes; of several those through larger nodes first.

    ``supply`` follows goods: an enterprise makes a product, which goes into another, which another
    enterprise makes; or one is known to supply the other. That two make the same is no supply.
    ``any`` follows lines either way, except those at nodes of :data:`COMMON` kinds that are not
    ends of the path.

    Args:
        web: The graph.
        source: Number of the node it begins at.
        target: Number of the node it ends at.
        way: What to follow.
        limit: Most paths.
        relations: Names of the edge kinds to follow; None for all.

    Returns:
        Columns path (0, 1, ...), step (0 for the source), node, line (that leads to it, -1 at the
        source) and forward (whether the line points along the path). Empty where there is no path.
    """
    follow = _following(relations)
    if way == "supply":
        matrix = _supply_matrix(web, follow)
    else:
        lines = np.flatnonzero(follow[web.relation] & ~_passing(web, source, target))
        matrix = web.matrix(lines)
    product = KINDS.index("Product")
    copy = target - web.first[product] + len(web)
    goals = [target, copy] if way == "supply" and web.kind[target] == product else [target]
    back = matrix.T.tocsr()
    _, reached, steps = walk_all(back, np.zeros(len(goals), dtype=np.int64), np.asarray(goals))
    left = np.full(matrix.shape[0], -1, dtype=np.int64)
    left[reached] = steps
    states = _walks(matrix, source, left, web, limit)
    rows = [
        {"path": number, "step": step, "node": node, "line": line, "forward": forward}
        for number, path in enumerate(states)
        for step, (node, line, forward) in enumerate(_steps(web, path, follow))
    ]
    return pd.DataFrame(rows, columns=["path", "step", "node", "line", "forward"])


def _passing(web: Web, source: int, target: int) -> Mask:
    """Lines at a node of a common kind that is no end of the path, shape (m,)."""
    common = np.isin(web.kind, [KINDS.index(kind) for kind in COMMON])
    common[[source, target]] = False
    found: Mask = common[web.source] | common[web.target]
    return found


def _supply_matrix(web: Web, follow: Mask) -> sparse.csr_array:
    """Where goods go, as a 0/1 matrix of states.

    States are nodes and a second copy of each product: the first stands for *made by the enterprise
    before*, the second for *needed by what follows*, so that a maker is reached over an input only.
    """
    size = len(web)
    begin, end = web.first[KINDS.index("Product")], web.first[KINDS.index("Product") + 1]
    used = follow[web.relation]
    name = np.asarray([r.edge.name for r in RELATIONS])[web.relation]
    supplies, inputs = used & (name == "SUPPLIES"), used & (name == "INPUT_TO")
    makes = used & (name == "PRODUCES") & (web.weight > 0)
    moved = size - begin
    ends = [
        (web.source[supplies], web.target[supplies]),
        (web.source[makes], web.target[makes]),
        (web.source[inputs], web.target[inputs] + moved),
        (web.source[inputs] + moved, web.target[inputs] + moved),
        (web.target[makes] + moved, web.source[makes]),
    ]
    pairs = tuple(np.concatenate([e[at] for e in ends]) for at in (0, 1))
    whole = size + int(end - begin)
    return sparse.csr_array((np.ones(len(pairs[0])), pairs), shape=(whole, whole))


def _walks(
    matrix: sparse.csr_array, source: int, left: Codes, web: Web, limit: int
) -> Iterator[list[int]]:
    """Shortest walks from a state to where no step is left, depth first, as numbers of nodes."""
    if left[source] < 0:
        return
    begin, size = web.first[KINDS.index("Product")], len(web)
    path, found = [source], 0
    waiting: list[list[int]] = []

    def node(states: Codes) -> Codes:
        return np.where(states < size, states, states - size + begin)

    def onward(state: int) -> list[int]:
        near = matrix.indices[matrix.indptr[state] : matrix.indptr[state + 1]].astype(np.int64)
        near = near[left[near] == left[state] - 1]
        big = np.nan_to_num(-web.size[node(near)], nan=np.inf)
        return near[np.lexsort((near, big))][::-1].tolist()  # type: ignore[no-any-return]

    while path and found < limit:
        if left[path[-1]] == 0:
            nodes = node(np.asarray(path)).tolist()
            if len(set(nodes)) == len(nodes):
                found += 1
                yield nodes
            path.pop()
        elif len(waiting) < len(path):
            waiting.append(onward(path[-1]))
            continue
        while waiting and len(waiting) == len(path) and not waiting[-1]:
            waiting.pop()
            path.pop()
        if waiting:
            path.append(waiting[-1].pop())


def _steps(web: Web, path: Sequence[int], follow: Mask) -> Iterator[tuple[int, int, bool]]:
    """Each node of a path with the line that leads to it and whether it points there."""
    yield path[0], -1, True
    for here, there in pairwise(path):
        halves = np.arange(web.start[here], web.start[here + 1])
        ours = halves[(web.other[halves] == there) & follow[web.group[halves] // 2]]
        half = int(ours[0])
        yield there, int(web.line[half]), GROUPS[web.group[half]].outward
