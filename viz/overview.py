"""The whole graph at a glance: every node a point, every cluster or industry a disc.

A node belongs to the cluster or industry that its own facts name, or else to that of most of its
neighbours, step by step. Discs that are much joined stand near each other; within one, nodes with
many lines stand near the middle, and each is turned towards its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..analysis.web import KINDS, Web
from ..graph.chain import Codes, Floats
from .graph_layout import force

#: Industries with fewer nodes than this share one disc.
_LEAST = 60
_OTHER, _ALONE, _PLACES = "其他行业", "未归类", "地区"
#: Half the width of the picture: positions are whole numbers of 16 bits.
EXTENT = 30_000
_GOLDEN = np.pi * (3 - np.sqrt(5))
_SWEEPS, _STEPS = 3, 600
_CLOSE = 0.5


@dataclass(frozen=True)
class Area:
    """A disc: its name, middle, radius and number of nodes."""

    name: str
    x: float
    y: float
    r: float
    nodes: int


@dataclass(frozen=True)
class Overview:
    """Where every node of a web stands.

    Attributes:
        position: Whole numbers within ±:data:`EXTENT`, shape (n, 2).
        area: Place of each node's disc, shape (n,).
        areas: The discs, by number of nodes.
    """

    position: Codes
    area: Codes
    areas: tuple[Area, ...]


def overview(web: Web) -> Overview:
    """Place every node of a web; the same for the same facts."""
    if not len(web):
        return Overview(np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64), ())
    names, area = _areas(web)
    count = np.bincount(area, minlength=len(names))
    # What belongs nowhere is packed closer, so that it does not fill the picture.
    close = np.asarray([_CLOSE if name == _ALONE else 1.0 for name in names])
    radius = close * np.sqrt(count)
    centre = _centres(web, area, radius)
    within = _ranks(area, web.degree)
    ring = np.floor(np.sqrt(within)).astype(np.int64)
    turn = within * _GOLDEN
    far = close[area] * np.sqrt(within + 0.5)
    offset = far[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    position = centre[area] + offset
    lines = np.flatnonzero(web.kind[web.source] != KINDS.index("Region"))
    near = web.matrix(lines)
    degree = np.asarray(near.sum(axis=1)).ravel()
    for _ in range(_SWEEPS):
        pull = np.asarray(near @ position) / np.maximum(degree, 1.0)[:, None] - centre[area]
        own = np.arctan2(offset[:, 1], offset[:, 0])
        wanted = np.where(degree > 0, np.arctan2(pull[:, 1], pull[:, 0]), own)
        # Within a ring of a disc the nodes take its places in the order they would like.
        by_place = np.lexsort((own, ring, area))
        by_wish = np.lexsort((wanted, ring, area))
        moved = offset.copy()
        moved[by_wish] = offset[by_place]
        offset = moved
        position = centre[area] + offset
    scale = EXTENT / max(float(np.abs(position).max()), 1.0)
    whole = np.round(position * scale).astype(np.int64)
    discs = np.column_stack([centre, radius]) * scale
    areas = tuple(
        Area(name, x, y, r, nodes)
        for name, (x, y, r), nodes in zip(
            names, discs.round(1).tolist(), count.tolist(), strict=True
        )
    )
    return Overview(whole, area, areas)


def _ranks(area: Codes, degree: Codes) -> Codes:
    """Rank of each node within its disc by falling number of lines, from 0."""
    order = np.lexsort((np.arange(len(area)), -degree, area))
    begins = np.concatenate([[0], np.cumsum(np.bincount(area))])[area[order]]
    within = np.empty(len(area), dtype=np.int64)
    within[order] = np.arange(len(area)) - begins
    return within


def _areas(web: Web) -> tuple[list[str], Codes]:
    """Names of discs, the largest first, and the disc of each node."""
    graph, kinds = web.graph, web.kind
    names: dict[str, int] = {}
    label = np.full(len(web), -1, dtype=np.int64)

    def named(name: str) -> int:
        return names.setdefault(name, len(names))

    for place, (_, name) in enumerate(_cluster_names(web)):
        label[web.first[KINDS.index("Cluster")] + place] = named(name)
    chain = _cluster_of_chain(web, {c: names[n] for c, n in _cluster_names(web)})
    label[: len(chain)] = np.where(label[: len(chain)] < 0, chain, label[: len(chain)])
    begin = int(web.first[KINDS.index("Enterprise")])
    for place, industry in enumerate(graph.text("enterprises", "industry").tolist()):
        if industry:
            label[begin + place] = named(industry.split("/")[0])
    region = KINDS.index("Region")
    inner = (kinds[web.source] != region) & (kinds[web.target] != region)
    near = web.matrix(np.flatnonzero(inner))
    label = _spread(label, near, len(names))
    label[kinds == region] = named(_PLACES)
    label[label < 0] = named(_ALONE)
    count = np.bincount(label, minlength=len(names))
    fixed = {names[n] for n in (_PLACES, _ALONE) if n in names}
    fixed |= {names[n] for n in graph.text("clusters", "name").tolist()}
    small = [at for at in range(len(names)) if count[at] < _LEAST and at not in fixed]
    if small:
        label[np.isin(label, small)] = named(_OTHER)
    by_size = np.argsort(-np.bincount(label, minlength=len(names)), kind="stable")
    listed = [name for name, _ in sorted(names.items(), key=lambda item: item[1])]
    used = [int(at) for at in by_size if (label == at).any()]
    place_of = np.full(len(names), -1, dtype=np.int64)
    place_of[used] = np.arange(len(used))
    return [listed[at] for at in used], place_of[label]


def _cluster_names(web: Web) -> list[tuple[str, str]]:
    """Id and name of every cluster, in order."""
    names = web.graph.text("clusters", "name").tolist()
    return list(zip(web.graph.index("clusters"), names, strict=True))


def _cluster_of_chain(web: Web, discs: dict[str, int]) -> Codes:
    """Disc of every link, and of every product that a link names; -1 for other nodes."""
    graph = web.graph
    label = np.full(len(web), -1, dtype=np.int64)
    of_link = np.asarray(
        [discs.get(c, -1) for c in graph.text("links", "cluster").tolist()] or [-1]
    )
    begin = web.first[KINDS.index("Link")]
    label[begin : begin + len(graph["links"])] = of_link[: len(graph["links"])]
    rows, links = graph.listed("products", "links")
    place = graph.position("links", links.tolist())
    known = np.flatnonzero(place >= 0)[::-1]  # the first link named is written last
    label[web.first[KINDS.index("Product")] + rows[known]] = of_link[place[known]]
    return label


def _spread(label: Codes, near: sparse.csr_array, count: int) -> Codes:
    """Labels, those without one taking that of most of their neighbours, step by step."""
    while count and (label < 0).any():
        known = np.flatnonzero(label >= 0)
        ones = sparse.csr_array(
            (np.ones(len(known)), (known, label[known])), shape=(len(label), count)
        )
        missing = np.flatnonzero(label < 0)
        votes = (near[missing] @ ones).tocsr()
        got = np.flatnonzero(np.diff(votes.indptr) > 0)
        if not len(got):
            break
        best = votes[got].toarray().argmax(axis=1)
        label[missing[got]] = best
    return label


def _centres(web: Web, area: Codes, radius: Floats) -> Floats:
    """Middles of discs: joined ones near each other, none over another, shape (areas, 2)."""
    ends = area[web.source], area[web.target]
    count = len(radius)
    apart = ends[0] != ends[1]
    flow = sparse.csr_array(
        (np.ones(int(apart.sum())), (ends[0][apart], ends[1][apart])), shape=(count, count)
    ).toarray()
    flow = (flow + flow.T) / np.maximum(np.sqrt(np.outer(radius, radius)), 1.0)
    # The few strongest ties of each disc decide who stands beside whom.
    strong = np.argsort(-flow, axis=1, kind="stable")[:, :3]
    pairs = [(a, int(b)) for a in range(count) for b in strong[a] if flow[a, b] > 0]
    source, target = (np.asarray([p[at] for p in pairs], dtype=np.int64) for at in (0, 1))
    points = force(count, source, target)
    points *= radius.max() * 2.2 / 95.0 / 2
    for step in range(_STEPS):
        gap = points[:, None, :] - points[None, :, :]
        length = np.sqrt((gap**2).sum(axis=2))
        lap = 1.06 * (radius[:, None] + radius[None, :]) - length
        np.fill_diagonal(lap, 0.0)
        lap = np.maximum(lap, 0.0)
        if lap.max() > 1e-9:
            way = gap / np.maximum(length, 1e-9)[:, :, None]
            share = radius[None, :] / (radius[:, None] + radius[None, :])
            points = points + 0.6 * ((lap * share)[:, :, None] * way).sum(axis=1)
        if step < _STEPS // 2:  # a slight pull keeps the picture together
            points = points * np.asarray([0.985, 0.975])
    middle: Floats = points - points.mean(axis=0)
    return middle
