"""Ties between enterprises and a region: chains of at most three steps that end there.

A chain goes over recorded dealings (SUPPLIES), holdings (HOLDS) and partnerships (PARTNERS) to an
enterprise with a seat or a plant in the region, or to an institute there. Its strength is the product
of its steps' strengths, times 0.8 for every step beyond the first; the strongest chain counts.

A plant in the region is a tie of strength 1, in one step. Two enterprises with a supplier or a
customer in common are not tied by that.
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
_WAYS = tuple(STRENGTH)
#: Which kind of step may follow which, (ways, ways): dealings go on in one direction only.
_ALLOWED = np.asarray(
    [[not (a == b == "SUPPLIES" and f != g) for b, g in _WAYS] for a, f in _WAYS], dtype=bool
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
    _chains: _Chains

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
        chains = _Chains.of(edges, local)
        home = geo.within(graph.text("enterprises", "region"), region)
        plant = local[:count] & ~home
        strength = np.where(plant, 1.0, np.where(home, 0.0, chains.strength[:count]))
        where = np.concatenate(
            [_plants(economy, region), graph.text("institutes", "region")]
        ).astype("<U6")
        end = np.full(count, "", dtype="<U6")
        for e in np.flatnonzero(strength > 0).tolist():
            end[e] = where[e if plant[e] else chains.end(e)]
        return cls(graph, region, strength, end, plant, chains)

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
        edges = self._chains.edges
        steps, words, sources = [], [], []
        last = name
        for edge in self._chains.walk(enterprise):
            kind, forward = _WAYS[edges.way[edge]]
            to = self._name(int(edges.target[edge]))
            ends = (last, to) if forward else (to, last)
            steps.append({"from": ends[0], "edge": kind, "to": ends[1]})
            words.append(STRENGTH[kind, forward][1].format(to=to))
            sources.append(_provenance(graph, _TABLES[kind], int(edges.row[edge])))
            last = to
        text = words[0] if len(words) == 1 else f"经{len(words)}步相连：" + "，其".join(words)
        return Tie(f"{text}（{last}在本地）", tuple(steps), *sources[0])

    def _name(self, node: int) -> str:
        enterprises = self.graph.text("enterprises", "name")
        if node < len(enterprises):
            return str(enterprises[node])
        return str(self.graph.text("institutes", "name")[node - len(enterprises)])

    def _plant_fact(self, enterprise: int) -> tuple[str, str]:
        graph = self.graph
        mine = np.flatnonzero(graph.located("produces", "enterprise") == enterprise)
        here = mine[geo.within(graph.text("produces", "region")[mine], self.region)]
        return _provenance(graph, "produces", int(here[0])) if len(here) else ("", "")


@dataclass(frozen=True)
class _Edges:
    """Steps that can be taken, both ways over every recorded edge, each of shape (edges,).

    ``way`` is the place in :data:`_WAYS`, ``row`` the fact's row in its table.
    """

    source: Codes
    target: Codes
    weight: Floats
    way: Codes
    row: Codes

    @classmethod
    def of(cls, graph: ChainGraph) -> _Edges:
        offset = len(graph["enterprises"])
        source, target, rows, ways = [], [], [], []
        for way, (kind, forward) in enumerate(_WAYS):
            (edges,) = graph.edges(kind)
            ends = (edges.source + (offset if kind == "PARTNERS" else 0), edges.target)
            source.append(ends[0] if forward else ends[1])
            target.append(ends[1] if forward else ends[0])
            rows.append(edges.rows)
            ways.append(np.full(len(edges.rows), way, dtype=np.int64))
        way_of = np.concatenate(ways)
        weights = np.asarray([STRENGTH[way][0] for way in _WAYS])
        return cls(
            np.concatenate(source),
            np.concatenate(target),
            weights[way_of],
            way_of,
            np.concatenate(rows),
        )


@dataclass(frozen=True)
class _Chains:
    """The best chain from every node to a local one.

    Attributes:
        strength: Its strength, 0 where there is none, (nodes,).
        first: Its first step, (nodes,).
        steps: How many steps it has, (nodes,).
        onward: What follows a step in a chain of s + 1 steps, (STEPS, edges).
    """

    edges: _Edges
    strength: Floats
    first: Codes
    steps: Codes
    onward: Codes

    @classmethod
    def of(cls, edges: _Edges, local: Mask) -> _Chains:
        nodes, count = len(local), len(edges.source)
        strength = np.zeros(nodes)
        first, steps = np.full(nodes, -1, dtype=np.int64), np.zeros(nodes, dtype=np.int64)
        onward = np.full((STEPS, count), -1, dtype=np.int64)
        value = np.where(local[edges.target], edges.weight, 0.0)
        for step in range(STEPS):
            if step:
                rest, onward[step] = _follow(edges, value, nodes)
                value = edges.weight * FADING * rest
            order = np.lexsort((-np.arange(count), value))  # of equals the first stands last
            best = np.full(nodes, -1, dtype=np.int64)
            best[edges.source[order]] = order
            top = np.where(best >= 0, value[best], 0.0) if count else np.zeros(nodes)
            better = top > strength
            strength[better], first[better], steps[better] = top[better], best[better], step + 1
        return cls(edges, strength, first, steps, onward)

    def walk(self, node: int) -> list[int]:
        """Steps of the best chain of a node."""
        found = [int(self.first[node])]
        for left in range(int(self.steps[node]) - 1, 0, -1):
            found.append(int(self.onward[left, found[-1]]))
        return found

    def end(self, node: int) -> int:
        """The local node in which it ends."""
        return int(self.edges.target[self.walk(node)[-1]])


def _follow(edges: _Edges, value: Floats, nodes: int) -> tuple[Floats, Codes]:
    """For every step the best one that may follow it: its chain's strength, and which, (edges,)."""
    kinds = len(_WAYS)
    table = np.full(nodes * kinds, -1, dtype=np.int64)
    order = np.lexsort((-np.arange(len(value)), value))
    table[(edges.source * kinds + edges.way)[order]] = order
    open_steps = table.reshape(nodes, kinds)[edges.target]
    worth = np.where((open_steps >= 0) & _ALLOWED[edges.way], value[open_steps], 0.0)
    best = worth.argmax(axis=1)
    at = np.arange(len(value))
    return worth[at, best], open_steps[at, best]


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
