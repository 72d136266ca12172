"""Where inside a region a target should land: its best city or county, with reasons.

A place is scored by visible sides, each 0..1 against the best place of the region; the weights are
the bureau's own (``[landing]`` of rules.toml, or given with the question). What ties a candidate to
the region pulls it to where the tie ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..graph import regions as geo
from ..graph.chain import Codes, Floats
from ..graph.rules import LANDING_WEIGHTS
from .gaps import Gaps
from .measures import measure
from .relatedness import CitySpace
from .scope import Scope

WEIGHTS = LANDING_WEIGHTS
#: What a person reads of each side where a place is the best, or among the best, by it.
SIDES_ZH: Mapping[str, str] = {
    "demand": "本地需求最集中",
    "inputs": "所需投入较齐",
    "neighbours": "同环节企业较多",
    "relatedness": "产业关联度较高",
    "research": "有相关科研机构",
    "tie": "与当地已有联系",
}
#: Runner-up places named beside the best one.
OTHERS = 2
#: What counts as research of unknown strength.
UNKNOWN_STRENGTH = 0.5


@dataclass(frozen=True)
class Landing:
    """A landing place.

    Attributes:
        region: Region code: the region itself or one below it.
        score: 0..1; 0 where nothing speaks for any place.
        reason: One Chinese sentence.
        parts: Contributions of the sides; they sum to the score.
        others: The next best places (code, score), best first, those with a score above 0.
    """

    region: str
    score: float
    reason: str
    parts: Mapping[str, float]
    others: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Sites:
    """The places below a region, scored for every product of a cluster.

    Attributes:
        region: The region.
        places: Codes of the places, (L,); none where the region has nothing below it.
        weights: Weight of each side; they sum to 1.
        parts: Weighted sides besides ``tie``, each (L, C).
    """

    region: str
    places: tuple[str, ...]
    weights: Mapping[str, float]
    parts: Mapping[str, Floats]

    @classmethod
    def of(cls, gaps: Gaps, weights: Mapping[str, float] | None = None) -> Sites:
        """Score every place.

        Args:
            gaps: The region and cluster.
            weights: Own weights by side, in any unit; those of the rules for sides not named.
        """
        scope = gaps.scope
        chosen = share_out({**scope.rules.landing, **(weights or {})}, WEIGHTS)
        places = geo.divisions(scope.region)
        if not places:
            return cls(scope.region, (), chosen, {})
        parts = {
            name: chosen[name] * _against_best(values)
            for name, values in _sides(scope, places, chosen).items()
        }
        return cls(scope.region, places, chosen, parts)

    def best(self, slot: Codes, where: Sequence[str], strength: Floats) -> list[Landing]:
        """The best place for some candidates.

        Args:
            slot: Which product of the cluster each is for, (n,).
            where: Region code of the place its tie ends at, "" where it has none, (n,).
            strength: Strength of that tie, 0..1, (n,).
        """
        if not self.places:
            whole = f"{geo.full_name(self.region)}内（没有下一级地区）"
            return [Landing(self.region, 0.0, whole, {})] * len(slot)
        codes, inverse = np.unique(np.asarray(where, dtype="<U6"), return_inverse=True)
        inside = np.zeros((len(codes), len(self.places)))
        for at, place in enumerate(self.places):
            inside[:, at] = geo.within(codes, place)
        pulled = self.weights["tie"] * inside[inverse] * strength[:, None]
        parts = {name: values.T[slot] for name, values in self.parts.items()} | {"tie": pulled}
        total = np.sum(list(parts.values()), axis=0)
        order = np.argsort(-total, axis=1, kind="stable")  # of equals the lowest code
        return [self._landing(at, order[at], total[at], parts) for at in range(len(slot))]

    def _landing(
        self, row: int, order: Codes, total: Floats, parts: Mapping[str, Floats]
    ) -> Landing:
        first = int(order[0])
        if total[first] <= 0:
            return Landing(self.region, 0.0, "现有数据不足以区分落地区县", {})
        own = {name: float(values[row, first]) for name, values in parts.items()}
        tops = {name: float(values[row].max()) for name, values in parts.items()}
        why = [
            SIDES_ZH[k]
            for k, v in sorted(own.items(), key=lambda side: -side[1])
            if v > 0 and (v >= 0.5 * self.weights[k] if k == "tie" else v >= 0.99 * tops[k])
        ]
        reason = f"{geo.name(self.places[first])}：" + ("、".join(why) or "综合条件最好")
        others = tuple(
            (self.places[i], float(total[i]))
            for i in order[1 : OTHERS + 1].tolist()
            if total[i] > 0
        )
        return Landing(self.places[first], sum(own.values()), reason, own, others)


def landings(gaps: Gaps, weights: Mapping[str, float] | None = None) -> dict[str, Landing]:
    """The best landing place for each product of the cluster, whoever comes, by product id."""
    count = len(gaps.scope.products)
    found = Sites.of(gaps, weights).best(np.arange(count), [""] * count, np.zeros(count))
    return dict(zip(gaps.scope.chain["product"].tolist(), found, strict=True))


def share_out(weights: Mapping[str, float], defaults: Mapping[str, float]) -> dict[str, float]:
    """Weights as parts of their sum; the defaults where all are 0.

    >>> share_out({"a": 1.0, "b": 3.0}, {"a": 0.5, "b": 0.5})
    {'a': 0.25, 'b': 0.75}
    """
    whole = sum(weights.values())
    chosen = weights if whole > 0 else defaults
    whole = sum(chosen.values())
    return {name: chosen[name] / whole for name in defaults}


def _against_best(values: Floats) -> Floats:
    best = values.max(axis=0)
    return np.where(best > 0, values / np.where(best > 0, best, 1.0), 0.0)


def _sides(
    scope: Scope, places: tuple[str, ...], weights: Mapping[str, float]
) -> dict[str, Floats]:
    """Every side besides ties, not yet compared between places, each (L, C).

    demand: local demand (CNY). inputs: share of the product's inputs made there. neighbours: other
    products of its links made there. relatedness: see :meth:`CitySpace.related`. research:
    strengths of institutes there that research it.
    """
    economy = scope.economy
    figures = measure(economy, places, scope.products)
    made = (figures.output > 0).astype(np.float64)
    product, link = scope.links
    in_link = np.zeros((len(places), len(scope.graph["links"])))
    np.add.at(in_link.T, link, made.T[product])
    neighbours = np.zeros(made.shape)
    np.add.at(neighbours.T, product, (in_link[:, link] - made[:, product]).T)
    related = np.zeros(made.shape)
    if weights["relatedness"] > 0:  # it costs more than all the others
        known = CitySpace.of(economy).related(economy, (scope.region, *places))
        related = known[1:, scope.products]
    return {
        "demand": figures.demand,
        "inputs": np.nan_to_num(figures.reachable),
        "neighbours": neighbours,
        "relatedness": related,
        "research": _research(scope, places),
    }


def _research(scope: Scope, places: tuple[str, ...]) -> Floats:
    graph = scope.graph
    slot = scope.slots[graph.located("research", "product")]
    rows = np.flatnonzero(slot >= 0)
    where = graph.text("institutes", "region")[graph.located("research", "institute")[rows]]
    strength = np.nan_to_num(graph.number("research", "strength")[rows], nan=UNKNOWN_STRENGTH)
    result = np.zeros((len(places), len(scope.products)))
    for at, place in enumerate(places):
        mine = geo.within(where, place)
        np.add.at(result[at], slot[rows[mine]], strength[mine])
    return result
