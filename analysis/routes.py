"""Ways to close a gap besides bringing somebody in, with names and reasons.

- **cultivate** 培育: local enterprises near enough to grow into the product.
- **expand** 扩能: local makers of it that could make more.
- **coordinate** 协同: makers elsewhere in the province (only for regions below a province).
- **research** 攻关: institutes that research it, with the enterprises they work with (a team for a
  challenge, 揭榜挂帅).

Every entry carries a score in 0..1 whose parts are shown, and facts with source and date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from ..graph import regions as geo
from ..graph.chain import Codes, Floats
from ..graph.schema import LABELS
from .economy import Economy, Mask, sums
from .gaps import Gaps
from .landing import UNKNOWN_STRENGTH
from .targets.candidates import closeness
from .targets.facts import DERIVED
from .targets.features import best_label
from .targets.texts import Said, naming, spoken_names

#: Entries named for each gap and way unless the caller asks for another number.
PER_WAY = 5
#: The ways, in the order of the answer.
WAYS: Mapping[str, str] = MappingProxyType(
    {
        "cultivate": "培育（本地企业延伸）",
        "expand": "扩能（本地企业增产）",
        "coordinate": "协同（省内配套）",
        "research": "攻关（揭榜挂帅）",
    }
)
#: What each part of a score is, and its weight, by way.
PARTS: Mapping[str, Mapping[str, tuple[str, float]]] = MappingProxyType(
    {
        "cultivate": {
            "closeness": ("产品相近", 0.4),
            "text": ("主营文本佐证", 0.2),
            "scale": ("规模，按相近程度计", 0.2),
            "standing": ("资质，按相近程度计", 0.2),
        },
        "expand": {"room": ("需求空间", 0.4), "scale": ("规模", 0.4), "standing": ("资质", 0.2)},
        "coordinate": {
            "room": ("可补份额", 0.4),
            "scale": ("规模", 0.4),
            "standing": ("资质", 0.2),
        },
        "research": {
            "strength": ("研究强度", 0.5),
            "place": ("所在地", 0.25),
            "partners": ("合作企业", 0.25),
        },
    }
)
#: Closeness of another product of the same link where nothing else speaks for it.
SAME_LINK = 0.3
#: Partners of a team that are named, and how many count in full.
TEAM = 3

COLUMNS = (
    "product",
    "route",
    "rank",
    "kind",
    "id",
    "name",
    "place",
    "score",
    "parts",
    "reasons",
)


@dataclass(frozen=True)
class _Entry:
    """An enterprise or institute for one gap and way."""

    kind: str
    at: int
    parts: Mapping[str, float]
    reasons: tuple[tuple[str, str, str], ...]
    place: str

    @property
    def score(self) -> float:
        return sum(self.parts.values())


def routes_of(
    gaps: Gaps, products: Sequence[str] | None = None, per_way: int | None = PER_WAY
) -> pd.DataFrame:
    """Who could close the gaps of a region and cluster without coming from outside its province.

    Args:
        gaps: The gaps; those with an action are served, in their order.
        products: Ids of products to serve instead, whatever their state.
        per_way: Most entries for each gap and way; None for all.

    Returns:
        One row per (gap, way, who) with columns product, route (a key of :data:`WAYS`), rank, kind
        (enterprise, institute), id, name, place (region code of the plant, or the institute, ""
        where unknown), score, parts
        (contributions that sum to the score) and reasons ([{text, source, as_of}]).
    """
    table = gaps.table
    chosen = gaps.acting() if products is None else table[table["product"].isin(list(products))]
    at = {name: i for i, name in enumerate(gaps.scope.chain["product"])}
    finder = _Finder(gaps)
    unmet = chosen["demand"] * (1.0 - chosen["fulfilment"])
    rows: list[dict[str, Any]] = []
    for product, missing in zip(chosen["product"], unmet, strict=True):
        for way in WAYS:
            found = sorted(
                finder.find(way, at[product], float(missing)),
                key=lambda entry: (-entry.score, finder.id(entry)),
            )
            for rank, entry in enumerate(found[:per_way], 1):
                rows.append({"product": product, "route": way, "rank": rank, **finder.row(entry)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _weighed(way: str, values: Mapping[str, float]) -> dict[str, float]:
    return {name: weight * values[name] for name, (_, weight) in PARTS[way].items()}


@dataclass(frozen=True)
class _Finder:
    """Finds entries; what several gaps need is found once."""

    gaps: Gaps

    def find(self, way: str, slot: int, unmet: float) -> Iterator[_Entry]:
        """Entries of one way for a product of the cluster, in no order."""
        if way == "cultivate":
            return self._cultivate(slot)
        if way == "expand":
            return self._makers(way, slot, unmet, self._here)
        if way == "research":
            return self._research(slot)
        if geo.level(self.gaps.scope.region) in ("country", "province"):
            return iter(())
        return self._makers(way, slot, unmet, self._province & ~self._here)

    def id(self, entry: _Entry) -> str:
        """Id of what an entry names."""
        return str(self.gaps.scope.graph.text(f"{entry.kind}s", "id")[entry.at])

    def row(self, entry: _Entry) -> dict[str, Any]:
        """An entry as columns of the answer."""
        graph = self.gaps.scope.graph
        table = f"{entry.kind}s"
        return {
            "kind": entry.kind,
            "id": self.id(entry),
            "name": str(graph.text(table, "name")[entry.at]),
            "place": entry.place,
            "score": entry.score,
            "parts": dict(entry.parts),
            "reasons": [
                {"text": text, "source": source, "as_of": as_of}
                for text, source, as_of in entry.reasons
            ],
        }

    def _cultivate(self, slot: int) -> Iterator[_Entry]:
        """Local makers of near products that do not make this one anywhere in the region."""
        scope, economy, graph = self.gaps.scope, self._economy, self.gaps.scope.graph
        near = self._near[slot]
        own = scope.slots[economy.product]
        rows = self._here_rows
        rows = rows[own[rows] >= 0]
        making = np.unique(economy.enterprise[rows[own[rows] == slot]])
        rows = rows[(near[own[rows]] > 0) & ~np.isin(economy.enterprise[rows], making)]
        if not len(rows):
            return
        best: dict[int, int] = {}
        for row in rows[np.lexsort((-rows, economy.output[rows], near[own[rows]]))].tolist():
            best[int(economy.enterprise[row])] = row
        names = spoken_names(
            str(graph.text("products", "name")[scope.products[slot]]),
            str(graph.text("products", "aliases")[scope.products[slot]]).split(";"),
        )
        plant = economy.median_maker[scope.products[slot]]
        # Without any maker in the country, what local candidates make is the measure.
        plant = float(np.median(economy.size[list(best)]) if np.isnan(plant) else plant)
        for e, row in best.items():
            said = str(graph.text("enterprises", "main_products")[e])
            text, likeness = naming(names, Said.of(said)), float(near[own[row]])
            made = str(graph.text("products", "name")[economy.product[row]])
            values = {
                "closeness": likeness,
                "text": text,
                # Size and labels help with what is near; they make nothing nearer.
                "scale": likeness * float(economy.size[e] / (economy.size[e] + plant)),
                "standing": likeness * float(self._standing[e]),
            }
            reasons = [self._told("produces", row, f"本地生产{self._why(slot, own[row])}{made}")]
            if text > 0 and said:
                reasons.append(self._told("enterprises", e, f"主营：{said[:40]}"))
            parts, place = _weighed("cultivate", values), str(economy.region[row])
            yield _Entry("enterprise", e, parts, (*reasons, *self._about(e)), place)

    def _why(self, slot: int, other: int) -> str:
        return "相近的" if self._close[slot, other] > 0 else "同环节的"

    def _makers(self, way: str, slot: int, unmet: float, where: Mask) -> Iterator[_Entry]:
        """Makers of the product itself somewhere, by what they could add."""
        economy, scope = self._economy, self.gaps.scope
        rows = np.flatnonzero(where & (economy.product == scope.products[slot]))
        makers, group = np.unique(economy.enterprise[rows], return_inverse=True)
        output = sums(group, economy.output[rows], len(makers))
        middle = float(np.median(output)) if len(output) else 1.0
        largest = dict(zip(economy.enterprise[rows].tolist(), rows.tolist(), strict=True))
        for e, made in zip(makers.tolist(), output.tolist(), strict=True):
            values = {
                "room": min(1.0, unmet / made),
                "scale": made / (made + middle),
                "standing": float(self._standing[e]),
            }
            basis = "按典型规模估算" if economy.imputed[e] else "按已知营业收入"
            place = str(economy.region[largest[e]])
            said = f"在{geo.full_name(place)}年产出约 {made / 1e8:.2f} 亿元（{basis}）"
            reasons = [self._told("produces", largest[e], said)]
            if unmet > 0:
                text = (
                    f"本地未满足需求约 {unmet / 1e8:.2f} 亿元，相当于其产出的 {unmet / made:.2f} 倍"
                )
                reasons.append((text, DERIVED, ""))
            yield _Entry("enterprise", e, _weighed(way, values), (*reasons, *self._about(e)), place)

    def _research(self, slot: int) -> Iterator[_Entry]:
        """Institutes that research the product, with partners that make it or something near."""
        scope, graph = self.gaps.scope, self.gaps.scope.graph
        rows = np.flatnonzero(scope.slots[graph.located("research", "product")] == slot)
        institutes = graph.located("research", "institute")[rows]
        strength = graph.number("research", "strength")[rows]
        home = graph.text("institutes", "region")
        region = scope.region
        for row, i, value in zip(
            rows.tolist(), institutes.tolist(), strength.tolist(), strict=True
        ):
            known = value == value
            team = [
                (e, fact) for e, fact in self._teams.get(i, []) if slot in self._able.get(e, ())
            ]
            inside = geo.contains(region, str(home[i])) if home[i] else False
            near = bool(home[i]) and geo.province(str(home[i])) == geo.province(region)
            values = {
                "strength": value if known else UNKNOWN_STRENGTH,
                "place": 1.0 if inside else 0.5 if near else 0.0,
                "partners": min(1.0, len(team) / TEAM),
            }
            said = f"研究该产品，强度 {value:.2g}" if known else "研究该产品，强度未知"
            reasons = [self._told("research", row, said)]
            if team:
                names = graph.text("enterprises", "name")
                called = "、".join(str(names[e]) for e, _ in team[:TEAM])
                more = f"等 {len(team)} 家" if len(team) > TEAM else ""
                reasons.append(self._told("partners", team[0][1], f"可组队企业：{called}{more}"))
            parts = _weighed("research", values)
            yield _Entry("institute", i, parts, tuple(reasons), str(home[i]))

    def _about(self, e: int) -> list[tuple[str, str, str]]:
        labels = str(self.gaps.scope.graph.text("enterprises", "labels")[e])
        told = "、".join(LABELS[x] for x in labels.split(";") if x)
        return [self._told("enterprises", e, told)] if told else []

    def _told(self, table: str, row: int, text: str) -> tuple[str, str, str]:
        graph = self.gaps.scope.graph
        return (
            text,
            str(graph.text(table, "source")[row]),
            str(graph.text(table, "as_of")[row]),
        )

    @property
    def _economy(self) -> Economy:
        return self.gaps.scope.economy

    @cached_property
    def _here(self) -> Mask:
        """PRODUCES rows with output in the region."""
        return self._inside(self.gaps.scope.region)

    @cached_property
    def _here_rows(self) -> Codes:
        return np.flatnonzero(self._here)

    @cached_property
    def _province(self) -> Mask:
        return self._inside(geo.province(self.gaps.scope.region))

    def _inside(self, region: str) -> Mask:
        codes, place = self._economy.places
        return np.asarray(geo.within(codes, region)[place] & (self._economy.output > 0))

    @cached_property
    def _close(self) -> Floats:
        return closeness(self.gaps.scope)

    @cached_property
    def _near(self) -> Floats:
        """Closeness of products, at least :data:`SAME_LINK` within a link, (C, C)."""
        scope = self.gaps.scope
        member = np.zeros((len(scope.products), len(scope.graph["links"])))
        member[scope.links] = 1.0
        near = np.maximum(self._close, np.where(member @ member.T > 0, SAME_LINK, 0.0))
        np.fill_diagonal(near, 0.0)
        return near

    @cached_property
    def _standing(self) -> Floats:
        return best_label(self._economy)

    @cached_property
    def _able(self) -> dict[int, set[int]]:
        """Products of the cluster that each enterprise makes, or makes something near to."""
        own = self.gaps.scope.slots[self._economy.product]
        rows = np.flatnonzero((own >= 0) & (self._economy.output > 0))
        near = [set(np.flatnonzero(line > 0).tolist()) for line in self._near]
        found: dict[int, set[int]] = {}
        for e, slot in zip(
            self._economy.enterprise[rows].tolist(), own[rows].tolist(), strict=True
        ):
            found.setdefault(e, set()).update(near[slot], (slot,))
        return found

    @cached_property
    def _teams(self) -> dict[int, list[tuple[int, int]]]:
        """Enterprises that each institute works with, those in the region first, with the fact."""
        graph, region = self.gaps.scope.graph, self.gaps.scope.region
        (partners,) = graph.edges("PARTNERS")
        local = geo.within(graph.text("enterprises", "region"), region)
        order = np.lexsort((partners.target, ~local[partners.target]))
        found: dict[int, dict[int, int]] = {}
        for at in order.tolist():
            team = found.setdefault(int(partners.source[at]), {})
            team.setdefault(int(partners.target[at]), int(partners.rows[at]))
        return {i: list(team.items()) for i, team in found.items()}
