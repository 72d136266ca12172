"""A view of the graph: what the browser draws, the same as a drawing, and as GEXF and JSON."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal
from unicodedata import category

import networkx as nx
import numpy as np
import pandas as pd
from pyvis.network import Network

from ..analysis.neighbourhood import line_table, node_table
from ..analysis.web import GROUPS, KINDS, Web
from ..graph import regions as geo
from ..graph.chain import Codes, Floats, records, spans
from ..graph.schema import EDGES, NODES
from . import fonts
from .drawing import INK, NAVY, SOFT, Box, Circle, Drawing, Rect, Shape, Step
from .drawing import Path as Outline
from .graph_layout import Band
from .language import retell, say, text
from .style import EDGE_LOOKS, NODE_LOOKS
from .words import money, number, percent

Caption = Literal["name", "place", "size", "none"]
#: What may stand at a node, by code.
CAPTIONS: Mapping[str, str] = MappingProxyType(
    {"name": "名称", "place": "名称和地区", "size": "名称和规模", "none": "不显示"}
)
#: Most nodes of a view.
MOST = 500
#: Millimetres of a drawing for a pixel of the view.
_MM = 0.2645
_LABEL = 11.0


@dataclass(frozen=True)
class Scene:
    """A view: which nodes and lines of a web are shown, and where.

    Attributes:
        web: The graph.
        nodes: Numbers of the nodes, shape (n,).
        position: Pixels at scale 1, shape (n, 2).
        lines: Numbers of the lines, (m,).
        bands: Stages of the staged layout.
    """

    web: Web
    nodes: Codes
    position: Floats
    lines: Codes
    bands: tuple[Band, ...] = ()

    def edges(self) -> pd.DataFrame:
        """The table of the lines, with the places of their ends among the nodes (``a``, ``b``)."""
        place = np.full(len(self.web), -1, dtype=np.int64)
        place[self.nodes] = np.arange(len(self.nodes))
        ends = {"a": place[self.web.source[self.lines]], "b": place[self.web.target[self.lines]]}
        return line_table(self.web, self.lines).assign(**ends)


def network_of(scene: Scene) -> Network:
    """The view as a pyvis network; its nodes and edges are what vis-network draws.

    Nodes carry ``key``, ``kind``, ``name``, ``region`` and the like for panel, filter and table, and
    ``groups``: number of neighbours by group, before anything is expanded.
    """
    network = Network(directed=True)
    table = records(node_table(scene.web, scene.nodes))
    groups = group_counts(scene.web, scene.nodes)
    for row, (x, y), counts in zip(table, scene.position.tolist(), groups, strict=True):
        look = NODE_LOOKS[row["kind"]]
        network.add_node(
            int(row["node"]),
            label="\n".join(fonts.wrap(fonts.printable(row["name"]), 8.5, 1.0, 2)),
            shape=look.sign,
            color=look.colour,
            size=radius(row["kind"], row["size"]),
            x=round(x, 1),
            y=round(y, 1),
            physics=False,
            key=f"{row['kind']}:{row['id']}",
            kind=row["kind"],
            name=row["name"],
            region=row["region"],
            place=retell(geo.name(row["region"])) if row["region"] else "",
            amount=_amount(row),
            degree=int(row["degree"]),
            as_of=row["as_of"],
            confidence=_known(row["confidence"]),
            groups=counts,
        )
    for row in records(scene.edges()):
        look = EDGE_LOOKS[row["edge"]]
        network.add_edge(
            int(row["source"]),
            int(row["target"]),
            id=int(row["line"]),
            color=look.colour,
            dashes=look.sign == "broken",
            edge=row["edge"],
            name=_said(row),
            as_of=row["as_of"],
            confidence=_known(row["confidence"]),
            stated=list(row["stated"]),
        )
    return network


def group_counts(web: Web, nodes: Codes) -> list[list[tuple[int, int]]]:
    """Number of each group with the number of neighbours in it, node by node."""
    at = np.repeat(np.arange(len(nodes)), web.degree[nodes])
    group = web.group[spans(web.start[nodes], web.degree[nodes])]
    pairs, count = np.unique(at * len(GROUPS) + group, return_counts=True)
    found: list[list[tuple[int, int]]] = [[] for _ in range(len(nodes))]
    for pair, n in zip(pairs.tolist(), count.tolist(), strict=True):
        found[pair // len(GROUPS)].append((pair % len(GROUPS), n))
    return found


def radius(kind: str, size: float) -> float:
    """Radius of a node in pixels: larger with the order of magnitude of its size."""
    if kind in ("Cluster", "Region", "Link"):
        return 13.0
    big = np.clip((np.log10(size) - 7.0) / 4.5, 0.0, 1.0) if size > 0 else 0.0
    return round(8.0 + 9.0 * float(big), 1)


def _known(value: float) -> float | None:
    return None if value != value else float(value)


def _amount(row: Mapping[str, Any]) -> str:
    """Size of a node as people read it, "" where it has none."""
    if row["size"] != row["size"] or not row["size"]:
        return ""
    word = {"Enterprise": "营收", "Product": "产值", "Project": "投资"}.get(row["kind"], "")
    size = f"{text(word)} {money(row['size'])}"
    return size + (text("（估）") if row["imputed"] else "")


def _said(row: Mapping[str, Any]) -> str:
    """A line in words: what it is, its measure and how many facts it joins."""
    weight, facts = row["weight"], row["facts"]
    measure = ""
    if weight == weight and weight > 0:
        as_money = row["edge"] in ("PRODUCES", "SUPPLIES")
        share = row["edge"] in ("INPUT_TO", "HOLDS")
        measure = f" {money(weight) if as_money else percent(weight) if share else number(weight)}"
    return f"{text(row['title'])}{measure}" + (
        say("（%(count)d 条）", count=facts) if facts > 1 else ""
    )


def legend(scene_kinds: Sequence[str] = KINDS) -> dict[str, list[dict[str, str]]]:
    """Kinds of nodes and edges with their Chinese name, colour and sign, as declared."""
    edges = dict.fromkeys(edge.name for edge in EDGES)
    zh = {edge.name: edge.zh for edge in EDGES}
    return {
        "nodes": [
            {"code": k, "name": text(NODES[k].zh), "colour": NODE_LOOKS[k].colour, "sign": NODE_LOOKS[k].sign}
            for k in scene_kinds
        ],
        "edges": [
            {"code": k, "name": text(zh[k]), "colour": EDGE_LOOKS[k].colour, "sign": EDGE_LOOKS[k].sign}
            for k in edges
        ],
    }  # fmt: skip


def drawing_of(scene: Scene, title: str, stamp: str, caption: Caption = "name") -> Drawing:
    """The view as a drawing with heading and legend, as large as it needs.

    Args:
        scene: The view.
        title: Heading.
        stamp: Version, date and counts, below the heading.
        caption: What stands at the nodes.
    """
    at = scene.position * _MM
    low = at.min(axis=0) if len(at) else np.zeros(2)
    high = at.max(axis=0) if len(at) else np.zeros(2)
    left, top, head = 22.0, 12.0, 26.0
    wide = max(float(high[0] - low[0]) + 2 * left, 190.0)
    page = Drawing(wide, max(float(high[1] - low[1]) + 2 * top, 60.0) + head)
    page.add(Rect(box=Box(0, 0, page.width, page.height), fill="#FFFFFF"))
    at = at - low + ((wide - float(high[0] - low[0])) / 2, head + top)
    shift = at[0, 0] - scene.position[0, 0] * _MM if len(at) else 0.0
    for band in scene.bands:
        box = Box(band.x * _MM + shift, head - 6.0, band.w * _MM, page.height - head + 4.0)
        page.add(Rect(box=box, fill="#F4F7FA"))
        page.text(box.x + box.w / 2, head - 2.0, band.name, 3.4, NAVY, "middle", bold=True)
    table = records(node_table(scene.web, scene.nodes))
    sizes = [radius(row["kind"], row["size"]) * _MM for row in table]
    for row in records(scene.edges()):
        _line(page, at[row["a"]], at[row["b"]], sizes[row["b"]], row["edge"])
    for row, (x, y), r in zip(table, at.tolist(), sizes, strict=True):
        page.add(symbol(row["kind"], x, y, r))
    for row, (x, y), r in zip(table, at.tolist(), sizes, strict=True):
        for i, words in enumerate(_captions(row, caption)):
            page.text(x, y + r + 2.9 + 3.2 * i, words, 2.7, INK, "middle")
    page.text(6, 8, title, 5.0, NAVY, bold=True, room=page.width - 12)
    page.text(6, 13, stamp, 3.0, SOFT, room=page.width - 12)
    x = 8.0
    for kind in dict.fromkeys(row["kind"] for row in table):
        page.add(symbol(kind, x, 17.2, 1.5))
        page.text(x + 2.5, 18.3, NODES[kind].zh, 3.0)
        x += 6.5 + fonts.width(NODES[kind].zh, 3.0)
    return page


def _captions(row: Mapping[str, Any], caption: Caption) -> list[str]:
    if caption == "none":
        return []
    lines = fonts.wrap(fonts.printable(row["name"]), 8.5 * 2.7, 2.7, 2)
    if caption == "place" and row["region"]:
        lines.append(geo.name(row["region"]))
    if caption == "size" and _amount(row):
        lines.append(_amount(row))
    return lines


def _line(page: Drawing, a: Floats, b: Floats, gap: float, edge: str) -> None:
    """A line with a small arrow head at the rim of its target."""
    way = b - a
    length = float(np.hypot(*way))
    if length <= gap + 1.5:
        return
    look, unit = EDGE_LOOKS[edge], way / length
    tip = b - unit * (gap + 0.4)
    side = np.asarray([-unit[1], unit[0]]) * 0.55
    back = tip - unit * 1.5
    dash = (1.2, 0.8) if look.sign == "broken" else ()
    page.add(
        Outline(steps=(("M", *a.tolist()), ("L", *back.tolist())), stroke=look.colour, width=0.25,
                dash=dash)
    )  # fmt: skip
    corners = (("M", *tip.tolist()), ("L", *(back + side).tolist()), ("L", *(back - side).tolist()))
    page.add(Outline(steps=(*corners, ("Z",)), fill=look.colour))


def symbol(kind: str, x: float, y: float, r: float) -> Shape:
    """The shape of a node kind around a point, as vis-network draws it."""
    look = NODE_LOOKS[kind]
    paint = {"fill": look.colour, "stroke": "#FFFFFF", "width": 0.2}
    if look.sign == "dot":
        return Circle(x=x, y=y, r=r, **paint)  # type: ignore[arg-type]
    if look.sign == "square":
        return Rect(box=Box(x - r, y - r, 2 * r, 2 * r), **paint)  # type: ignore[arg-type]
    corners = {"triangle": 3, "triangleDown": 3, "diamond": 4, "hexagon": 6, "star": 10}[look.sign]
    turn = np.arange(corners) * 2 * np.pi / corners - np.pi / 2
    if look.sign == "triangleDown":
        turn = turn + np.pi
    if look.sign == "hexagon":
        turn = turn + np.pi / 6
    reach = np.full(corners, 1.2 * r)
    if look.sign == "star":
        reach[1::2] = 0.55 * r
    points = np.stack([x + reach * np.cos(turn), y + reach * np.sin(turn)], axis=1).tolist()
    steps: list[Step] = [("M" if i == 0 else "L", *point) for i, point in enumerate(points)]
    return Outline(steps=(*steps, ("Z",)), **paint)  # type: ignore[arg-type]


def gexf(scene: Scene) -> bytes:
    """The view for Gephi and other programs: nodes by key, with position, colour and size."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    keys = []
    table = records(node_table(scene.web, scene.nodes))
    for row, (x, y) in zip(table, scene.position.tolist(), strict=True):
        key = _plain(f"{row['kind']}:{row['id']}")
        keys.append(key)
        red, green, blue = bytes.fromhex(NODE_LOOKS[row["kind"]].colour[1:])
        given = {
            "kind": row["kind"],
            "name": row["name"],
            "region": row["region"],
            "size": _known(row["size"]),
            "as_of": row["as_of"],
            "confidence": _known(row["confidence"]),
        }
        graph.add_node(
            key,
            label=_plain(row["name"]),
            viz={
                "position": {"x": x, "y": -y, "z": 0.0},
                "color": {"r": red, "g": green, "b": blue, "a": 1.0},
                "size": radius(row["kind"], row["size"]),
            },
            **_stated(given),
        )
    for row in records(scene.edges()):
        given = {
            "kind": row["edge"],
            "measure": _known(row["weight"]),
            "facts": int(row["facts"]),
            "as_of": row["as_of"],
            "confidence": _known(row["confidence"]),
            "source_text": "；".join(row["stated"]),
        }
        graph.add_edge(keys[row["a"]], keys[row["b"]], row["edge"], **_stated(given))
    stream = io.BytesIO()
    nx.write_gexf(graph, stream, version="1.2draft")
    return stream.getvalue()


def _stated(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        k: _plain(v) if isinstance(v, str) else v for k, v in given.items() if v not in (None, "")
    }


def _plain(text: str) -> str:
    """Text as XML may hold it."""
    return "".join(c for c in text if category(c) not in ("Cc", "Cs") and ord(c) < 0xFFFE)


def document(scene: Scene) -> dict[str, Any]:
    """The view as JSON: keys, not numbers, so that it holds for other versions too."""
    nodes = [
        {
            "key": f"{row['kind']}:{row['id']}",
            **{k: row[k] for k in ("kind", "id", "name", "region", "as_of")},
            "size": _known(row["size"]),
            "size_imputed": bool(row["imputed"]),
            "confidence": _known(row["confidence"]),
            "x": x,
            "y": y,
        }
        for row, (x, y) in zip(
            records(node_table(scene.web, scene.nodes)), scene.position.tolist(), strict=True
        )
    ]
    edges = [
        {
            "source": nodes[row["a"]]["key"],
            "target": nodes[row["b"]]["key"],
            "kind": row["edge"],
            "measure": _known(row["weight"]),
            "facts": int(row["facts"]),
            "as_of": row["as_of"],
            "confidence": _known(row["confidence"]),
            "sources": list(row["stated"]),
        }
        for row in records(scene.edges())
    ]
    return {
        "schema": "graph-view/1",
        "version": scene.web.graph.version,
        "nodes": nodes,
        "edges": edges,
    }
