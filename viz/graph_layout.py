"""Where the nodes of a small graph stand: by force, by stage or in rings; up to some hundred nodes.

Every layout is a function of the graph alone, so that a view looks the same for everyone. Positions
are pixels of the interactive view at scale 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.sparse.csgraph import breadth_first_order, connected_components, shortest_path
from scipy.spatial import KDTree

from ..graph.chain import Codes, Floats
from ..graph.schema import STAGES

#: Layouts by code, with the name a person reads.
LAYOUTS: Mapping[str, str] = MappingProxyType(
    {"force": "力导向", "staged": "链段", "radial": "环形"}
)
#: Length of a line in a layout by force, and room for a node with its caption.
_LENGTH, _WIDE, _HIGH = 95.0, 122.0, 60.0
#: From row to row of the staged layout: the largest node with a caption of two lines.
_ROW = 82.0
#: Steps of stress majorisation, and of pushing captions apart.
_STEPS, _PUSHES = 40, 60
#: How much longer the lines of hubs are.
_FAN = 0.38
#: Nodes in a ring from which it is folded.
_CROWDED = 50
_GOLDEN = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True)
class Band:
    """A stage of the staged layout: its name, left edge and width."""

    name: str
    x: float
    w: float


def _matrix(count: int, source: Codes, target: Codes) -> sparse.csr_array:
    ends = np.concatenate([source, target]), np.concatenate([target, source])
    matrix = sparse.csr_array((np.ones(len(ends[0])), ends), shape=(count, count))
    matrix.data[:] = 1.0
    return matrix


def _rounded(points: Floats) -> Floats:
    found: Floats = np.asarray(points, dtype=np.float64).round(1)
    return found


def force(count: int, source: Codes, target: Codes) -> Floats:
    """Distances on the page as near as can be to distances in the graph.

    Stress majorisation (Gansner, Koren & North 2005) from the classical scaling of the distances,
    where a line is the longer the fewer neighbours its ends share, so that hubs open like fans.
    Parts that are not joined stand side by side, the largest first.

    Args:
        count: Number of nodes.
        source: Place of each line's source, shape (m,).
        target: Place of its target, (m,).

    Returns:
        Shape (count, 2).
    """
    if not count:
        return np.zeros((0, 2))
    matrix = _matrix(count, source, target)
    _, part = connected_components(matrix, directed=False)
    placed = np.zeros((count, 2))
    x = y = row = 0.0
    sizes = np.bincount(part)
    most = 1.3 * np.sqrt(count) * 1.6 * _LENGTH
    for number in np.argsort(-sizes, kind="stable").tolist():
        ours = np.flatnonzero(part == number)
        points = _apart(_stress(matrix[ours][:, ours]))
        points -= points.min(axis=0)
        wide, high = points.max(axis=0) + np.asarray([1.4 * _WIDE, 1.4 * _HIGH])
        if x and x + wide > most:
            x, y, row = 0.0, y + row, 0.0
        placed[ours] = points + np.asarray([x, y])
        x, row = x + wide, max(row, high)
    return _rounded(placed - placed.mean(axis=0))


def _stress(matrix: sparse.csr_array) -> Floats:
    """One connected part."""
    count = matrix.shape[0]
    if count < 3:
        return np.asarray([[0.0, 0.0], [1.2 * _LENGTH, 0.0]])[:count]
    shared = np.asarray((matrix @ matrix)[matrix.nonzero()]).ravel()
    degree = np.asarray(matrix.sum(axis=1)).ravel()
    rows, columns = matrix.nonzero()
    lengths = np.maximum(degree[rows] + degree[columns] - 2 * shared, 1.0) ** _FAN
    far = shortest_path(sparse.csr_array((lengths, (rows, columns)), shape=matrix.shape))
    far *= _LENGTH / 2.0**_FAN
    centred = -0.5 * far**2
    centred -= centred.mean(axis=0)
    centred -= centred.mean(axis=1)[:, None]
    values, vectors = eigh(centred, subset_by_index=[count - 2, count - 1])
    vectors *= np.where(vectors[np.abs(vectors).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    # The longer way lies across the screen.
    points = (vectors * np.sqrt(np.maximum(values, 0.0)))[:, ::-1]
    # Nodes with the same neighbours begin at one point and must part.
    turn = _GOLDEN * np.arange(count)
    points += 0.15 * _LENGTH * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    weight = far + np.eye(count)
    weight = weight**-2.0
    np.fill_diagonal(weight, 0.0)
    laplacian = np.diag(weight.sum(axis=1)) - weight
    strength = weight * far
    factor = cho_factor(laplacian[1:, 1:])
    for _ in range(_STEPS):
        length = np.hypot(
            points[:, None, 0] - points[None, :, 0], points[:, None, 1] - points[None, :, 1]
        )
        np.fill_diagonal(length, 1.0)
        pull = strength / np.maximum(length, 1e-6)
        right = pull.sum(axis=1)[:, None] * points - pull @ points
        new = np.zeros_like(points)
        new[1:] = cho_solve(factor, right[1:])
        moved = np.abs((new - new.mean(axis=0)) - (points - points.mean(axis=0))).max()
        points = new - new.mean(axis=0)
        if moved < 1.5:
            break
    return points


def _apart(points: Floats) -> Floats:
    """Push nodes whose captions would meet apart, along the way that needs less."""
    points, room = points.copy(), np.asarray([_WIDE, _HIGH])
    for _ in range(_PUSHES):
        near = KDTree(points / room).query_pairs(1.0, p=np.inf, output_type="ndarray")
        if not len(near):
            break
        near = near[np.lexsort((near[:, 1], near[:, 0]))]
        gap = points[near[:, 0]] - points[near[:, 1]]
        lap = room - np.abs(gap)
        way = np.where(gap == 0, 1.0, np.sign(gap))
        # Only the axis that needs less is pushed along.
        other = (lap / room).argmax(axis=1)
        lap[np.arange(len(near)), other] = 0.0
        for axis in (0, 1):
            step = lap[:, axis] * way[:, axis]
            ends = near[:, 0], near[:, 1]
            moved = sum(
                np.bincount(e, w, len(points)) for e, w in zip(ends, (step, -step), strict=True)
            )
            count = sum(np.bincount(e, step != 0, len(points)) for e in ends)
            points[:, axis] += 0.35 * moved / np.maximum(count, 1)
    return points


def radial(count: int, source: Codes, target: Codes, root: int) -> Floats:
    """Rings around a node by steps from it; a ring's nodes stand by those they hang on.

    Args:
        count: Number of nodes.
        source: Place of each line's source.
        target: Place of its target.
        root: Place of the node in the middle.

    Returns:
        Shape (count, 2). What the root does not reach stands in the outermost ring.
    """
    if not count:
        return np.zeros((0, 2))
    order, before = breadth_first_order(_matrix(count, source, target), root, directed=False)
    order = np.concatenate([order, np.setdiff1d(np.arange(count), order)]).astype(np.int64)
    step = np.zeros(count, dtype=np.int64)
    leaves = np.ones(count)
    for node in order[1:].tolist():
        step[node] = step[before[node]] + 1 if before[node] >= 0 else -1
    step[step < 0] = step.max(initial=0) + 1
    inner = set(before[before >= 0].tolist())
    for node in inner:
        leaves[node] = 0.0
    for node in order[::-1].tolist():
        if before[node] >= 0:
            leaves[before[node]] += leaves[node]
    turn, begin = np.zeros(count), np.zeros(count)
    alone = [n for n in order[1:].tolist() if before[n] < 0]
    whole = leaves[root] * (root in inner) + len(alone)
    used = 0.0
    for node in order[1:].tolist():
        parent = int(before[node])
        if parent < 0:
            start, used_here = leaves[root] * (root in inner) + used, leaves[node]
            used += used_here
        else:
            start = begin[parent]
            begin[parent] += leaves[node]
        begin[node] = start
        turn[node] = 2 * np.pi * (start + leaves[node] / 2) / max(whole, 1.0)
    radius = np.zeros(int(step.max()) + 1)
    r = np.zeros(count)
    for ring in range(1, len(radius)):
        ours = np.flatnonzero(step == ring)
        ours = ours[np.argsort(turn[ours], kind="stable")]
        # A crowded ring is folded into several, its nodes taking turns.
        folds = max(1, round(len(ours) / _CROWDED))
        room = len(ours) / folds * 0.8 * _WIDE / (2 * np.pi)
        begins = max(radius[ring - 1] + 1.6 * _LENGTH, room)
        r[ours] = begins + np.arange(len(ours)) % folds * 1.2 * _LENGTH
        radius[ring] = begins + (folds - 1) * 1.2 * _LENGTH
    return _rounded(np.stack([r * np.cos(turn - np.pi / 2), r * np.sin(turn - np.pi / 2)], axis=1))


def staged(
    stage: Codes, column: Codes, source: Codes, target: Codes
) -> tuple[Floats, tuple[Band, ...]]:
    """Stages from left to right; within one a column for each kind, long ones folded.

    Args:
        stage: Place of each node's stage in :data:`STAGES`, -1 where it has none, shape (n,).
        column: Order of its column within the stage, (n,).
        source: Place of each line's source.
        target: Place of its target.

    Returns:
        Positions, shape (n, 2), and the stages that have nodes.
    """
    count = len(stage)
    where = spread(stage, source, target)
    where = np.where(where < 0, len(STAGES), where)
    names = (*STAGES.values(), "未分链段")
    y = np.zeros(count)
    x = np.zeros(count)
    bands: list[Band] = []
    left = 0.0
    tall = max(8, int(np.ceil(1.4 * np.sqrt(count))))
    for at in np.unique(where).tolist():
        begin = left
        for kind in np.unique(column[where == at]).tolist():
            ours = np.flatnonzero((where == at) & (column == kind))
            folds = int(np.ceil(len(ours) / tall))
            fold = np.arange(len(ours)) // int(np.ceil(len(ours) / folds))
            x[ours] = left + 0.75 * _WIDE + 1.15 * _WIDE * fold
            left += 1.15 * _WIDE * folds + 0.5 * _WIDE
        bands.append(Band(names[at], begin, left - begin))
        left += 0.4 * _WIDE
    near = _matrix(count, source, target)
    degree = np.maximum(np.asarray(near.sum(axis=1)).ravel(), 1.0)
    columns = [np.flatnonzero(x == value) for value in np.unique(x)]
    # Neighbours draw a node to their height; three sweeps leave few crossings.
    for sweep in range(4):
        wanted = np.asarray(near @ y).ravel() / degree if sweep else np.arange(count) * 1e-6
        for ours in columns:
            order = ours[np.argsort(wanted[ours], kind="stable")]
            y[order] = (np.arange(len(order)) - (len(order) - 1) / 2) * _ROW
    return _rounded(np.stack([x, y], axis=1)), tuple(bands)


def spread(stage: Codes, source: Codes, target: Codes) -> Codes:
    """Stages of nodes, those without one taking that of most of their neighbours, step by step."""
    near = _matrix(len(stage), source, target)
    stage = stage.copy()
    while (stage < 0).any():
        votes = near @ (stage[:, None] == np.arange(len(STAGES))[None, :]).astype(np.float64)
        best = np.where(votes.max(axis=1) > 0, votes.argmax(axis=1), -1)
        gained = (stage < 0) & (best >= 0)
        if not gained.any():
            break
        stage[gained] = best[gained]
    return stage


def beside(points: Floats, anchor: Floats, count: int) -> Floats:
    """Places for new nodes around one that is expanded, away from what stands there.

    Args:
        points: Positions of the nodes shown, shape (n, 2).
        anchor: Position of the node that is expanded, shape (2,).
        count: Number of new nodes.

    Returns:
        Shape (count, 2): on arcs around the anchor, the free places nearest to it first.
    """
    if not count:
        return np.zeros((0, 2))
    rings = np.arange(1, 30 + count // 6)
    places = np.concatenate(
        [
            anchor + (1.1 * _LENGTH * ring) * np.stack([np.cos(turn), 0.72 * np.sin(turn)], axis=1)
            for ring in rings.tolist()
            for turn in [np.linspace(0, 2 * np.pi, max(5, 5 * ring), endpoint=False)]
        ]
    )
    if len(points):
        dx = np.abs(places[:, None, 0] - points[None, :, 0])
        dy = np.abs(places[:, None, 1] - points[None, :, 1])
        free = ~((dx < 0.9 * _WIDE) & (dy < 0.9 * _HIGH)).any(axis=1)
        places = np.concatenate([places[free], places[~free]])
    return _rounded(places[:count])
