"""Views of the graph as people ask for them: by address, by what is shown, by what is added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from ..analysis.economy import Economy
from ..analysis.neighbourhood import around, between, neighbours
from ..analysis.web import KINDS, Web
from ..graph.chain import ChainGraph, Codes, Floats
from ..graph.errors import ChainAtlasError
from ..graph.schema import STAGES
from ..viz.graph_layout import LAYOUTS, Band, beside, force, radial, staged
from ..viz.graph_view import MOST, Scene
from ..viz.language import say, text

#: Neighbours that one click adds.
STEP = 30
#: Neighbours in each group, and nodes in all, of a first look at a node.
FIRST = (12, 60)


@dataclass(frozen=True)
class Address:
    """A view as it stands in an address.

    Attributes:
        looks: Keys of nodes that are shown with the first of each group of their neighbours.
        starts: Keys of further nodes to begin with; unknown ones are left out.
        opened: ``GROUP@KEY`` for every group that is expanded; once more for the next neighbours.
        dropped: Keys of nodes that are taken away.
        layout: One of :data:`LAYOUTS`.
    """

    looks: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    layout: str = "force"

    def pairs(self) -> list[tuple[str, str]]:
        """The address as query parameters."""
        named = (("look", self.looks), ("start", self.starts), ("open", self.opened))
        pairs = [(name, v) for name, values in (*named, ("drop", self.dropped)) for v in values]
        return [*pairs, ("layout", self.layout)]

    @property
    def query(self) -> str:
        """The same as text."""
        return urlencode(self.pairs())


def nodes_of(web: Web, address: Address) -> tuple[Codes, list[str]]:
    """Numbers of the nodes that an address shows, and the keys that nobody knows."""
    begun = [*address.looks, *address.starts]
    numbers = web.numbers(begun)
    missing = [key for key, n in zip(begun, numbers, strict=True) if n < 0]
    found = dict.fromkeys(numbers[numbers >= 0].tolist())
    for node in numbers[: len(address.looks)].tolist():
        if node >= 0:
            found.update(dict.fromkeys(around(web, [node], 1, *FIRST).tolist()))
    for item in address.opened:
        code, _, key = item.partition("@")
        node = int(web.numbers([key])[0])
        if node not in found:
            missing += [key] if node < 0 else []
            continue
        found.update(dict.fromkeys(unseen(web, node, code, list(found), STEP)))
    for node in web.numbers(list(address.dropped)).tolist():
        found.pop(node, None)
    return np.asarray(list(found)[:MOST], dtype=np.int64), missing


def unseen(web: Web, node: int, code: str, shown: Sequence[int], limit: int) -> list[int]:
    """The weightiest neighbours of a node in a group that are not shown yet."""
    near = neighbours(web, node, code, None)["node"].to_numpy(dtype=np.int64)
    fresh: list[int] = near[~np.isin(near, np.asarray(shown, dtype=np.int64))][:limit].tolist()
    return fresh


def arranged(web: Web, nodes: Codes, layout: str, root: int | None = None) -> Scene:
    """Nodes, with the lines between them, in a layout.

    Args:
        web: The graph.
        nodes: Numbers.
        layout: One of :data:`LAYOUTS`.
        root: The node in the middle of rings; the one with most lines shown where None.

    Raises:
        ChainAtlasError: No such layout.
    """
    if layout not in LAYOUTS:
        raise ChainAtlasError(f"没有这种布局：{layout}；现有：{'、'.join(LAYOUTS)}。")
    lines = between(web, nodes)
    place = np.full(len(web), -1, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    source, target = place[web.source[lines]], place[web.target[lines]]
    bands: tuple[Band, ...] = ()
    if layout == "staged":
        position, bands = staged(stages(web, nodes), _columns(web, nodes), source, target)
    elif layout == "radial":
        middle = place[root] if root is not None and place[root] >= 0 else -1
        if middle < 0 and len(nodes):
            ends = np.concatenate([source, target])
            middle = int(np.bincount(ends, minlength=len(nodes)).argmax())
        position = radial(len(nodes), source, target, int(middle))
    else:
        position = force(len(nodes), source, target)
    return Scene(web, nodes, position, lines, bands)


def stages(web: Web, nodes: Codes) -> Codes:
    """Place in :data:`STAGES` of the links among nodes, and of products by their first link."""
    graph, names = web.graph, list(STAGES)
    of_link = np.asarray([names.index(s) for s in graph.text("links", "stage").tolist()] or [-1])
    rows, links = graph.listed("products", "links")
    place = graph.position("links", pd.Series(links, dtype="str"))
    of_product = np.full(max(len(graph["products"]), 1), -1, dtype=np.int64)
    known = np.flatnonzero(place >= 0)[::-1]  # the first link named is written last
    of_product[rows[known]] = of_link[place[known]]
    found = np.full(len(nodes), -1, dtype=np.int64)
    for kind, values in (("Link", of_link), ("Product", of_product)):
        at = KINDS.index(kind)
        ours = np.flatnonzero(web.kind[nodes] == at)
        found[ours] = values[nodes[ours] - web.first[at]]
    return found


#: Order of kinds within a stage.
_ORDER = ("Region", "Cluster", "Link", "Institute", "Product", "Enterprise", "Project")


def _columns(web: Web, nodes: Codes) -> Codes:
    order = np.asarray([_ORDER.index(kind) for kind in KINDS])
    found: Codes = order[web.kind[nodes]].astype(np.int64)
    return found


@dataclass(frozen=True)
class Shown:
    """What a browser shows: nodes with their positions."""

    nodes: Codes = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    position: Floats = field(default_factory=lambda: np.zeros((0, 2)))

    @classmethod
    def of(cls, web: Web, items: Sequence[tuple[int, float, float]]) -> Shown:
        """From ``(number, x, y)``; numbers that the web has not are left out."""
        rows = np.asarray(items, dtype=np.float64).reshape(-1, 3)
        rows = rows[(rows[:, 0] >= 0) & (rows[:, 0] < len(web))]
        return cls(rows[:, 0].astype(np.int64), rows[:, 1:])

    def place(self, node: int) -> Floats | None:
        """Where a node stands, None where it is not shown."""
        found = np.flatnonzero(self.nodes == node)
        return self.position[found[0]] if len(found) else None


def added(web: Web, shown: Shown, new: Iterable[int], anchor: int | None) -> tuple[Codes, Floats]:
    """New nodes that are not shown yet, and where they go; no more than a view may have.

    Args:
        web: The graph.
        shown: What stands there.
        new: Numbers of the nodes to add.
        anchor: The node beside which they go; None for beside all that is shown.
    """
    have = set(shown.nodes.tolist())
    fresh = [n for n in dict.fromkeys(new) if n not in have and 0 <= n < len(web)]
    nodes = np.asarray(fresh[: max(MOST - len(have), 0)], dtype=np.int64)
    middle = shown.place(anchor) if anchor is not None else None
    if middle is None:
        middle = shown.position.mean(axis=0) if len(shown.position) else np.zeros(2)
    return nodes, beside(shown.position, middle, len(nodes))


def web_of(graph: ChainGraph) -> Web:
    """The web of a graph, its texts read, so that the first question does not wait for them."""
    web = Web.of(graph, Economy.of(graph, graph.rules().sizes))
    _ = web.name, web.id, web.region, web.kind, web.rank
    return web


def stamp(scene: Scene) -> str:
    """What stands below the heading of an exported view."""
    today = datetime.now(UTC).date().isoformat()
    counts = say("节点 %(nodes)d，关系 %(lines)d", nodes=len(scene.nodes), lines=len(scene.lines))
    return text("；").join(
        (
            say("数据版本 %(version)s", version=scene.web.graph.version),
            counts,
            say("导出于 %(day)s", day=today),
        )
    )
