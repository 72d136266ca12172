"""The whole graph as numbered nodes and ranked lines: what browsing it needs.

A :class:`Web` numbers every node of a graph, regions too, and joins facts that say the same of the
same two nodes (plants in several cities, supplies of several products) into one *line*. Lines of a
node stand in groups (:class:`Group`: one relation in one direction), the weightiest first, so that
counts and the first few of a hub are slices. Numbers hold for one version; keys
(``Enterprise:9142…``) for all. Build it once for a version and keep it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from ..graph import regions as geo
from ..graph.chain import ChainGraph, Codes, Floats, Texts, spans
from ..graph.errors import NotFoundError
from ..graph.schema import EDGES, NODES, TABLES, EdgeKind
from .economy import Economy

KINDS: tuple[str, ...] = tuple(NODES)
#: Regions come from the GB/T 2260 table: no fact states that one lies in another.
_WITHIN = EdgeKind("PART_OF", "属于", "", "", "", "Region", "Region")


@dataclass(frozen=True)
class Relation:
    """An edge kind between two node kinds, as somebody who stands at one end reads it.

    Attributes:
        edge: The declaration.
        out: What the targets are to the source.
        into: What the sources are to the target.
        measure: What lines are ranked by; "" ranks by the size of the neighbour.
        column: Column that holds the measure, or "" where it is worked out.
        unit: Unit of the measure.
    """

    edge: EdgeKind
    out: str
    into: str
    measure: str = ""
    column: str = ""
    unit: str = ""


_WORDS: Mapping[tuple[str, str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("Link", "PART_OF", "Cluster"): ("所属集群", "下属环节"),
        ("Product", "PART_OF", "Link"): ("所属环节", "环节产品"),
        ("Region", "PART_OF", "Region"): ("上级地区", "下级地区"),
        ("Product", "INPUT_TO", "Product"): ("用于产品", "所需投入", "投入系数"),
        ("Enterprise", "PRODUCES", "Product"): ("产出产品", "产出企业", "产值", "", "CNY"),
        ("Enterprise", "SUPPLIES", "Enterprise"): ("客户", "供应商", "年金额", "amount", "CNY"),
        ("Cluster", "LOCATED_IN", "Region"): ("承载地", "当地集群"),
        ("Enterprise", "LOCATED_IN", "Region"): ("所在地", "当地企业"),
        ("Institute", "LOCATED_IN", "Region"): ("所在地", "当地机构"),
        ("Project", "LOCATED_IN", "Region"): ("所在地", "当地项目"),
        ("Institute", "RESEARCHES", "Product"): ("研究产品", "研究机构", "强度", "strength"),
        ("Institute", "PARTNERS", "Enterprise"): ("合作企业", "合作机构"),
        ("Enterprise", "HOLDS", "Enterprise"): ("子公司", "股东", "持股比例", "stake"),
        ("Project", "BUILDS", "Product"): ("建设产品", "建设项目"),
        ("Enterprise", "OWNS", "Project"): ("拥有项目", "业主"),
    }
)
#: Every relation; lines name theirs by its place here.
RELATIONS: tuple[Relation, ...] = tuple(
    Relation(edge, *_WORDS[edge.source_node, edge.name, edge.target_node])
    for edge in (*EDGES, _WITHIN)
)


@dataclass(frozen=True)
class Group:
    """A relation in one direction: what a node is expanded by.

    Attributes:
        number: Place in :data:`GROUPS`.
        code: Name in addresses, such as ``PRODUCES-out-Product``; one node kind has it once.
        relation: Place in :data:`RELATIONS`.
        outward: Whether the node is the source of its lines.
        kind: Kind of the neighbours.
        title: What the neighbours are to the node.
    """

    number: int
    code: str
    relation: int
    outward: bool
    kind: str
    title: str

    @property
    def at(self) -> str:
        """Kind of the nodes that have it."""
        edge = RELATIONS[self.relation].edge
        return edge.source_node if self.outward else edge.target_node


def _groups() -> Iterable[Group]:
    for number, relation in enumerate(RELATIONS):
        edge = relation.edge
        for outward in (True, False):
            kind = edge.target_node if outward else edge.source_node
            code = f"{edge.name}-{'out' if outward else 'in'}-{kind}"
            title = relation.out if outward else relation.into
            yield Group(2 * number + (not outward), code, number, outward, kind, title)


GROUPS: tuple[Group, ...] = tuple(_groups())


@dataclass(frozen=True)
class Web:
    """The numbered graph of one version.

    Attributes:
        economy: Sizes and outputs it is ranked by.
        places: Codes of the regions that are nodes, sorted.
        first: Number of the first node of each kind of :data:`KINDS`, and the number of nodes.
        size: CNY a year: size of enterprises, output of products, investment of projects; else
            NaN. Shape (n,).
        source: Number of each line's source, shape (m,).
        target: Number of its target, (m,).
        relation: Place of its relation in :data:`RELATIONS`, (m,).
        weight: Its measure, summed over its facts; NaN where none is known, (m,).
        facts: Number of its facts, (m,).
        rows: Positions of the facts in the relation's table, line after line; those of line i begin
            at ``begins[i]``.
        begins: See ``rows``, (m,).
        start: Half-lines of node v stand from ``start[v]`` to ``start[v + 1]``, by group, the
            weightiest first, (n + 1,).
        group: Group of each half-line, (2m,).
        other: The neighbour, (2m,).
        line: The line, (2m,).
    """

    economy: Economy
    places: Texts
    first: Codes
    size: Floats
    source: Codes
    target: Codes
    relation: Codes
    weight: Floats
    facts: Codes
    rows: Codes
    begins: Codes
    start: Codes
    group: Codes
    other: Codes
    line: Codes

    @classmethod
    def of(cls, graph: ChainGraph, economy: Economy | None = None) -> Web:
        """Number a graph.

        Args:
            graph: The facts.
            economy: Sizes and outputs to rank by; those of the top level's rules where None.
        """
        economy = economy or Economy.of(graph, graph.rules().sizes)
        places = _places(graph)
        counts = [len(places) if k.table is None else len(graph[k.table]) for k in NODES.values()]
        first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        size = _sizes(economy, first)
        parts = [_facts(economy, places, first, number) for number in range(len(RELATIONS))]
        source, target, relation, weight, rows = (
            np.concatenate([part[at] for part in parts]) for at in range(5)
        )
        lines = _joined(source, target, relation, weight)
        order, begins, facts, summed = lines
        head = order[begins]
        ends = source[head], target[head], relation[head]
        return cls(
            economy, places, first, size, *ends, summed, facts, rows[order], begins,
            *_halves(*ends, summed, size),
        )  # fmt: skip

    def __len__(self) -> int:
        return int(self.first[-1])

    @property
    def graph(self) -> ChainGraph:
        """The facts."""
        return self.economy.graph

    @cached_property
    def kind(self) -> Codes:
        """Place of each node's kind in :data:`KINDS`, shape (n,)."""
        return np.repeat(np.arange(len(KINDS)), np.diff(self.first))

    @cached_property
    def id(self) -> npt.NDArray[np.object_]:
        """Id of each node, code of a region, shape (n,)."""
        return np.concatenate([self._column(k, "id") for k in KINDS])

    @cached_property
    def name(self) -> npt.NDArray[np.object_]:
        """Name of each node, shape (n,)."""
        return np.concatenate([self._column(k, "name") for k in KINDS])

    @cached_property
    def region(self) -> npt.NDArray[np.object_]:
        """Where each node is: the code of its region, a region's own, "" for none; shape (n,)."""
        return np.concatenate([self._column(k, "region") for k in KINDS])

    @cached_property
    def rank(self) -> Codes:
        """Place of each half-line within its node's group, from 0, shape (2m,)."""
        node = np.repeat(np.arange(len(self)), self.degree)
        new = np.r_[True, (np.diff(node) != 0) | (np.diff(self.group) != 0)][: len(node)]
        at = np.arange(len(node))
        found: Codes = at - np.maximum.accumulate(np.where(new, at, 0))
        return found

    @cached_property
    def degree(self) -> Codes:
        """Lines of each node, shape (n,)."""
        return np.diff(self.start)

    def _column(self, kind: str, column: str) -> npt.NDArray[np.object_]:
        table = NODES[kind].table
        if table is None:
            values = self.places.tolist()
            return np.asarray(
                [geo.full_name(c) for c in values] if column == "name" else values, dtype=object
            )
        if column not in TABLES[table].names:
            return np.full(len(self.graph[table]), "", dtype=object)
        return self.graph.text(table, column).astype(object)

    def key(self, node: int) -> str:
        """The key of a node, which holds for every version: ``Enterprise:9142…``."""
        return f"{KINDS[self.kind[node]]}:{self.id[node]}"

    def number(self, key: str) -> int:
        """The number of a node by its key.

        Raises:
            NotFoundError: There is none.
        """
        found = int(self.numbers([key])[0])
        if found < 0:
            raise NotFoundError(f"没有这个节点：{key}。")
        return found

    def numbers(self, keys: Sequence[str]) -> Codes:
        """Numbers of nodes by their keys, -1 where there is none."""
        found = np.full(len(keys), -1, dtype=np.int64)
        parts = [key.partition(":") for key in keys]
        for at, (name, kind) in enumerate(NODES.items()):
            ours = [i for i, part in enumerate(parts) if part[0] == name]
            ids = [parts[i][2] for i in ours]
            if not ours:
                continue
            if kind.table is None:
                place = pd.Index(self.places.tolist()).get_indexer(pd.Index(ids))
            else:
                place = self.graph.position(kind.table, ids)
            found[ours] = np.where(place >= 0, place + self.first[at], -1)
        return found

    def matrix(self, lines: Codes | None = None) -> sparse.csr_array:
        """Who is joined to whom, either way, as a symmetric 0/1 matrix of shape (n, n).

        Args:
            lines: Those to follow; all where None.
        """
        chosen: Codes | slice = slice(None) if lines is None else lines
        ends = self.source[chosen], self.target[chosen]
        pairs = np.concatenate(ends), np.concatenate(ends[::-1])
        matrix = sparse.csr_array((np.ones(len(pairs[0])), pairs), shape=(len(self), len(self)))
        matrix.data[:] = 1.0
        return matrix


def _places(graph: ChainGraph) -> Texts:
    """Regions that a node lies in, and those above them."""
    codes: set[str] = set()
    for edge in EDGES:
        if edge.target_node == "Region":
            codes.update(np.unique(graph.text(edge.table, edge.target)).tolist())
    whole = {above for code in codes if geo.exists(code) for above in geo.ancestors(code)}
    return np.asarray(sorted(whole), dtype=np.str_)


def _sizes(economy: Economy, first: Codes) -> Floats:
    size = np.full(int(first[-1]), np.nan)
    for kind, values in (
        ("Enterprise", economy.size),
        ("Product", economy.world),
        ("Project", economy.graph.number("projects", "investment")),
    ):
        begin = first[KINDS.index(kind)]
        size[begin : begin + len(values)] = values
    return size


def _facts(
    economy: Economy, places: Texts, first: Codes, number: int
) -> tuple[Codes, Codes, Codes, Floats, Codes]:
    """Ends, relation, measure and row of every fact of a relation, each of shape (n,)."""
    relation, graph = RELATIONS[number], economy.graph
    edge = relation.edge
    from_first, to_first = (
        first[KINDS.index(kind)] for kind in (edge.source_node, edge.target_node)
    )
    if edge is _WITHIN:
        pairs = [geo.ancestors(code)[:2] for code in places.tolist() if code != geo.COUNTRY]
        ends = np.asarray(pairs, dtype=np.str_).reshape(-1, 2)
        source, target = np.searchsorted(places, ends[:, 0]), np.searchsorted(places, ends[:, 1])
        rows = np.full(len(source), -1, dtype=np.int64)
    elif edge.inner:
        ours = next(e for e in graph.edges(edge.name) if e.kind is edge)
        source, target, rows = ours.source, ours.target, ours.rows
    else:
        codes = graph.text(edge.table, edge.target)
        rows = np.flatnonzero(np.isin(codes, places))
        source, target = rows, np.searchsorted(places, codes[rows])
    weight = np.full(len(rows), np.nan)
    if relation.column:
        weight = graph.number(edge.table, relation.column)[rows]
    elif edge.name == "PRODUCES":
        weight = economy.output[rows]
    elif edge.name == "INPUT_TO" and len(rows):
        found = sparse.csr_matrix(economy.coefficients)[source, target]
        weight = np.asarray(found, dtype=np.float64).ravel()
    same = np.full(len(rows), number, dtype=np.int64)
    return source + from_first, target + to_first, same, weight, rows


def _joined(
    source: Codes, target: Codes, relation: Codes, weight: Floats
) -> tuple[Codes, Codes, Codes, Floats]:
    """Facts joined into lines.

    Returns:
        Order of the facts, line after line, (f,); where each line begins in it, how many facts it
        has, and its summed measure, each (m,).
    """
    order = np.lexsort((target, source, relation))
    ends = np.stack([relation[order], source[order], target[order]])
    begins = np.flatnonzero(np.r_[True, (ends[:, 1:] != ends[:, :-1]).any(axis=0)][: len(order)])
    facts = np.diff(np.append(begins, len(order)))
    known = ~np.isnan(weight[order])
    at = np.repeat(np.arange(len(begins)), facts)
    values = np.where(known, weight[order], 0.0)
    summed = np.bincount(at, values, minlength=len(begins)).astype(np.float64)
    summed[np.bincount(at, known, minlength=len(begins)) == 0] = np.nan
    return order, begins, facts, summed


def _halves(
    source: Codes, target: Codes, relation: Codes, weight: Floats, size: Floats
) -> tuple[Codes, Codes, Codes, Codes]:
    """Lines seen from both ends: ``start``, ``group``, ``other`` and ``line`` of a :class:`Web`."""
    node = np.concatenate([source, target])
    other = np.concatenate([target, source])
    group = np.concatenate([2 * relation, 2 * relation + 1])
    line = np.tile(np.arange(len(source)), 2)
    weighty = np.nan_to_num(-weight, nan=np.inf)[line]
    big = np.nan_to_num(-size, nan=np.inf)[other]
    order = np.lexsort((other, big, weighty, group, node))
    start = np.concatenate([[0], np.cumsum(np.bincount(node, minlength=len(size)))])
    return start.astype(np.int64), group[order], other[order], line[order]


def fact_rows(web: Web, lines: Codes) -> tuple[Codes, Codes]:
    """Facts of lines: place of the line in ``lines``, and row in its relation's table (-1: none)."""
    count = web.facts[lines]
    return np.repeat(np.arange(len(lines)), count), web.rows[spans(web.begins[lines], count)]
