"""Ties between enterprises and a region: chains of at most three steps that end there.

A chain goes over recorded dealings (SUPPLIES), holdings (HOLDS) and partnerships (PARTNERS) to an
enterprise with a seat or a plant in the region, or to an institute there. Its strength is the product
of its steps' strengths, times 0.8 for every step beyond the first; the strongest chain counts.

A plant in the region is a tie of strength 1, in one step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ...graph import regions as geo
from ...graph.chain import ChainGraph, Codes, Floats, Texts
from ..economy import Economy, Mask
from .wanted import present_in

#: Most steps of a chain, and what each step beyond the first leaves of its strength.
STEPS, FADING = 3, 0.8
#: What a step says, and its strength, by edge kind and whether it is walked along the edge.
STRENGTH: Mapping[tuple[str, bool], tuple[float, str]] = MappingProxyType(
    {
        ("SUPPLIES", True): (0.9, "向{to}供货"),
        ("SUPPLIES", False): (0.7, "向{to}采购"),
        ("HOLDS", True): (0.9, "持股{to}"),
        ("HOLDS", False): (0.8, "由{to}持股"),
        ("PARTNERS", True): (0.5, "与{to}合作"),
        ("PARTNERS", False): (0.5, "与{to}合作"),
    }
)
_TABLES: Mapping[str, str] = MappingProxyType(
    {"SUPPLIES": "supplies", "HOLDS": "holdings", "PARTNERS": "partners"}
)


@dataclass(frozen=True)
class Tie:
    """A chain to the region, told.

    Attributes:
        text: One Chinese sentence.
        path: Steps {from, edge, to} with names, from the candidate on, each along its edge.
        source: Source of the first step.
        as_of: Its date.
    """

    text: str
    path: tuple[Mapping[str, str], ...]
    source: str
    as_of: str


@dataclass(frozen=True)
class Bonds:
    """The strongest chain of every enterprise to a region.

    Nodes are enterprises, then institutes.

    Attributes:
        graph: The facts.
        region: The region.
        strength: 0..1, 0 where there is none or the seat is there itself, (enterprises,).
        end: Region code in which the chain ends, "" where there is none, (enterprises,).
        plant: Enterprises whose tie is a plant of their own there, (enterprises,).
    """

    graph: ChainGraph
    region: str
    strength: Floats
    end: Texts
    plant: Mask
    _edges: _Edges
    _chosen: Codes

    @classmethod
    def of(cls, economy: Economy, region: str) -> Bonds:
        """Ties of all enterprises to a region."""
        graph, count = economy.graph, len(economy.size)
        edges = _Edges.of(graph)
        local = np.concatenate(
            [
                present_in(economy, region),
                geo.within(graph.text("institutes", "region"), region),
            ]
        )
        strength, chosen = _chains(edges, local)
        home = geo.within(graph.text("enterprises", "region"), region)
        plant = local[:count] & ~home
        strength = np.where(plant, 1.0, np.where(home, 0.0, strength[:count]))
        where = np.concatenate(
            [_plants(economy, region), graph.text("institutes", "region")]
        ).astype("<U6")
        end = np.full(count, "", dtype="<U6")
        for e in np.flatnonzero(strength > 0).tolist():
            end[e] = where[e if plant[e] else _end(edges, chosen, e)]
        return cls(graph, region, strength, end, plant, edges, chosen)

    def tell(self, enterprise: int) -> Tie | None:
        """The chain of an enterprise, None where there is none."""
        graph = self.graph
        if self.strength[enterprise] <= 0:
            return None
        name = str(graph.text("enterprises", "name")[enterprise])
        place = geo.name(self.region)
        if self.plant[enterprise]:
            path = ({"from": name, "edge": "PRODUCES", "to": place},)
            fact = self._plant_fact(enterprise)
            return Tie(f"已在{place}设厂", path, *fact)
        names = np.concatenate(
            [graph.text("enterprises", "name"), graph.text("institutes", "name")]
        )
        steps, words, sources = [], [], []
        node = enterprise
        for edge in _walk(self._edges, self._chosen, enterprise):
            kind, forward = self._edges.kind[edge], bool(self._edges.forward[edge])
            to = int(self._edges.target[edge])
            ends = (names[node], names[to]) if forward else (names[to], names[node])
            steps.append({"from": str(ends[0]), "edge": kind, "to": str(ends[1])})
            words.append(STRENGTH[kind, forward][1].format(to=names[to]))
            sources.append(_provenance(graph, _TABLES[kind], int(self._edges.row[edge])))
            node = to
        last = str(names[node])
        text = words[0] if len(words) == 1 else f"经{len(words)}步相连：" + "，其".join(words)
        return Tie(f"{text}（{last}在本地）", tuple(steps), *sources[0])

    def _plant_fact(self, enterprise: int) -> tuple[str, str]:
        graph = self.graph
        mine = np.flatnonzero(graph.located("produces", "enterprise") == enterprise)
        here = mine[geo.within(graph.text("produces", "region")[mine], self.region)]
        return _provenance(graph, "produces", int(here[0])) if len(here) else ("", "")


@dataclass(frozen=True)
class _Edges:
    """Steps that can be taken: from a node to a node, both ways over every recorded edge.

    ``forward``: whether it leads from the edge's source to its target, which decides what it says.
    """

    source: Codes
    target: Codes
    weight: Floats
    kind: tuple[str, ...]
    forward: Mask
    row: Codes

    @classmethod
    def of(cls, graph: ChainGraph) -> _Edges:
        offset = len(graph["enterprises"])
        sides = []
        for kind in _TABLES:
            (edges,) = graph.edges(kind)
            source = edges.source + (offset if kind == "PARTNERS" else 0)
            for forward, ends in ((True, (source, edges.target)), (False, (edges.target, source))):
                sides.append((kind, forward, *ends, edges.rows))
        kinds = [kind for kind, _, s, _, _ in sides for _ in range(len(s))]
        forward = np.concatenate([np.full(len(s), f, dtype=bool) for _, f, s, _, _ in sides])
        weight = np.concatenate([np.full(len(s), STRENGTH[k, f][0]) for k, f, s, _, _ in sides])
        return cls(
            np.concatenate([s for _, _, s, _, _ in sides]),
            np.concatenate([t for _, _, _, t, _ in sides]),
            weight,
            tuple(kinds),
            forward,
            np.concatenate([r for *_, r in sides]),
        )


def _chains(edges: _Edges, local: Mask) -> tuple[Floats, Codes]:
    """Strength of the best chain of every node, and its first edge by steps left, (STEPS, nodes).

    ``chosen[s]`` is the first edge of the best chain of exactly s + 1 steps; the row that gives
    the best of all stands last, so that a walk knows how many steps it has.
    """
    nodes = len(local)
    best = local.astype(np.float64)
    whole, steps = np.zeros(nodes), np.zeros(nodes, dtype=np.int64)
    chosen = np.full((STEPS + 1, nodes), -1, dtype=np.int64)
    for step in range(STEPS):
        value = edges.weight * best[edges.target] * (FADING if step else 1.0)
        order = np.lexsort((-np.arange(len(value)), value))  # of equals the first edge stands last
        best = np.zeros(nodes)
        best[edges.source[order]] = value[order]
        chosen[step, edges.source[order]] = order
        better = best > whole
        whole[better], steps[better] = best[better], step + 1
    chosen[STEPS] = steps
    return whole, chosen


def _walk(edges: _Edges, chosen: Codes, node: int) -> list[int]:
    """Edges of the best chain of a node."""
    found = []
    for left in range(int(chosen[STEPS, node]), 0, -1):
        found.append(int(chosen[left - 1, node]))
        node = int(edges.target[found[-1]])
    return found


def _end(edges: _Edges, chosen: Codes, node: int) -> int:
    return int(edges.target[_walk(edges, chosen, node)[-1]])


def _plants(economy: Economy, region: str) -> Texts:
    """Where in the region each enterprise is: its seat, else its largest plant, (enterprises,)."""
    home = economy.graph.text("enterprises", "region").astype("<U6")
    codes, place = economy.places
    rows = np.flatnonzero(geo.within(codes, region)[place] & (economy.output > 0))
    rows = rows[np.argsort(economy.output[rows], kind="stable")]
    found = np.full(len(home), "", dtype="<U6")
    found[economy.enterprise[rows]] = economy.region[rows]
    seat = geo.within(home, region)
    found[seat] = home[seat]
    return found


def _provenance(graph: ChainGraph, table: str, row: int) -> tuple[str, str]:
    return str(graph.text(table, "source")[row]), str(graph.text(table, "as_of")[row])
