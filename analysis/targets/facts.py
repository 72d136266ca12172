"""What each part of a target's score rests on: one Chinese sentence, its source and its date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from ...graph import regions as geo
from ...graph.chain import Codes, Floats
from ...graph.schema import LABELS
from ..economy import Mask, sums
from ..landing import Landing
from . import features
from .candidates import Candidates
from .ties import Tie

#: What stands as the source of a figure that follows from many facts.
DERIVED = "由图谱推算"


@dataclass(frozen=True)
class Fact:
    """One sentence with its source and date."""

    text: str
    source: str
    as_of: str


@dataclass(frozen=True)
class Teller:
    """Tells the facts of candidates; what several of them need is found once."""

    found: Candidates

    def facts(self, at: int, values: Mapping[str, float], landing: Landing) -> list[dict[str, Any]]:
        """Facts of one candidate: {part, text, source, as_of}, then that of the landing place.

        Args:
            at: Its position.
            values: Its parts by name; those of 0 have no fact.
            landing: Its landing place.
        """
        told = [
            {"part": name, "text": fact.text, "source": fact.source, "as_of": fact.as_of}
            for name, value in values.items()
            if value > 0
            for fact in [_TELLERS[name](self, at)]
        ]
        place = {"part": "landing", "text": landing.reason, "source": DERIVED, "as_of": ""}
        return [*told, place]

    def tie(self, at: int) -> Tie | None:
        """The chain of one candidate to the region."""
        return self.found.bonds.tell(int(self.found.enterprise[at]))

    def _row(self, table: str, row: int, text: str) -> Fact:
        graph = self.found.economy.graph
        return Fact(
            text, str(graph.text(table, "source")[row]), str(graph.text(table, "as_of")[row])
        )

    def _enterprise(self, at: int, text: str) -> Fact:
        return self._row("enterprises", int(self.found.enterprise[at]), text)

    def _name(self, at: int) -> str:
        """Name of what it makes: the gap's product or a neighbour of it."""
        return str(self.found.economy.graph.text("products", "name")[self.found.product[at]])

    def fit(self, at: int) -> Fact:
        """What share of its business the product is, and of which product."""
        share = self.found.output[at] / self._whole[self.found.enterprise[at]]
        stated = "" if self._stated[at] else "，占比未披露，按图谱内产品均分"
        name = self._name(at)
        near = "" if self.found.closeness[at] == 1.0 else f"不产本品，生产相近的{name}；"
        text = f"{near}{name}占其图谱内业务约 {share * 100:.0f}%{stated}"
        return self._row("produces", int(self.found.row[at]), text)

    def text(self, at: int) -> Fact:
        """What it says of itself."""
        graph, e = self.found.economy.graph, self.found.enterprise[at]
        said = str(graph.text("enterprises", "main_products")[e])
        said = said or str(graph.text("enterprises", "scope")[e])
        short = said if len(said) <= 40 else said[:40] + "…"
        return self._enterprise(at, f"主营：{short}")

    def scale(self, at: int) -> Fact:
        """How much of the product it makes."""
        basis = "按典型规模估算" if self.found.imputed[at] else "按已知营业收入"
        what = "该产品" if self.found.closeness[at] == 1.0 else self._name(at)
        amount = self.found.output[at] / 1e8
        return self._enterprise(at, f"{what}年产出约 {amount:.2f} 亿元（{basis}）")

    def standing(self, at: int) -> Fact:
        """Its labels."""
        labels = str(
            self.found.economy.graph.text("enterprises", "labels")[self.found.enterprise[at]]
        )
        return self._enterprise(at, "、".join(LABELS[x] for x in labels.split(";") if x))

    def tied(self, at: int) -> Fact:
        """Its chain to the region."""
        tie = self.tie(at)
        assert tie is not None
        return Fact(tie.text, tie.source, tie.as_of)

    def pull(self, at: int) -> Fact:
        """Unmet demand against a plant of its usual size."""
        plant = self.found.output[at] / max(int(self.found.plants[at]), 1)
        return Fact(
            f"本地未满足需求约 {self.found.unmet[at] / 1e8:.2f} 亿元，"
            f"其单个工厂年产出约 {plant / 1e8:.2f} 亿元",
            DERIVED,
            "",
        )

    def relatedness(self, at: int) -> Fact:
        """How much nearer the region is than expected."""
        share = self._related[self.found.slot[at]]
        return Fact(f"本地与该产品的关联密度比预期高 {share * 100:.0f}%", DERIVED, "")

    def research(self, at: int) -> Fact:
        """The institute behind the product."""
        row = self._best_research[int(self.found.slot[at])]
        graph = self.found.economy.graph
        name = graph.text("institutes", "name")[graph.located("research", "institute")[row]]
        return self._row("research", row, f"{name}研究该产品")

    def inputs(self, at: int) -> Fact:
        """Inputs at hand."""
        share = float(self.found.gaps.measures.reachable[0][self.found.slot[at]])
        return Fact(f"所需投入约 {share * 100:.0f}% 本地有产", DERIVED, "")

    def nearness(self, at: int) -> Fact:
        """Where it sits."""
        home = str(
            self.found.economy.graph.text("enterprises", "region")[self.found.enterprise[at]]
        )
        if self._near[at]:
            return self._enterprise(at, f"省内企业（{geo.full_name(home)}），宜先全域协同")
        place = geo.full_name(home) if home else "中国"
        return self._enterprise(at, f"国内企业（{place}）")

    def footprint(self, at: int) -> Fact:
        """Cities it is in."""
        count = int(self._cities[self.found.enterprise[at]])
        return Fact(f"已在 {count} 个城市布局", DERIVED, "")

    def growth(self, at: int) -> Fact:
        """Growth between two known years."""
        first, last = self._years[int(self.found.enterprise[at])]
        rate = float(self._growth[self.found.enterprise[at]])
        text = f"{first}～{last} 年营业收入年均增长 {rate * 100:.0f}%"
        return self._enterprise(at, text)

    def projects(self, at: int) -> Fact:
        """The recent project."""
        row = int(self._building[self.found.enterprise[at]])
        graph = self.found.economy.graph
        place = str(graph.text("projects", "region")[row])
        name = str(graph.text("projects", "name")[row])
        return self._row(
            "projects", row, f"近期项目：{name}（{geo.full_name(place) or '地点未知'}）"
        )

    @cached_property
    def _whole(self) -> Floats:
        economy = self.found.economy
        return sums(economy.enterprise, economy.output, len(economy.size))

    @cached_property
    def _stated(self) -> Mask:
        return features.share_stated(self.found)

    @cached_property
    def _related(self) -> dict[int, float]:
        return dict(
            zip(self.found.slot.tolist(), features.relatedness(self.found).tolist(), strict=True)
        )

    @cached_property
    def _near(self) -> Mask:
        return features.in_province(self.found)

    @cached_property
    def _cities(self) -> Codes:
        return features.cities(self.found)

    @cached_property
    def _growth(self) -> Floats:
        return features.yearly_growth(self.found)

    @cached_property
    def _years(self) -> dict[int, tuple[str, str]]:
        """First and last year of known revenue by enterprise."""
        graph = self.found.economy.graph
        known = graph.revenues
        at = graph.position("enterprises", known["enterprise"]).tolist()
        years = [str(d)[:4] for d in known["as_of"]]
        first = dict(zip(reversed(at), reversed(years), strict=True))
        return {e: (first[e], last) for e, last in zip(at, years, strict=True)}

    @cached_property
    def _building(self) -> Codes:
        return features.building(self.found)[1]

    @cached_property
    def _best_research(self) -> dict[int, int]:
        return features.research_rows(self.found.gaps.scope)


_TELLERS: Mapping[str, Callable[[Teller, int], Fact]] = MappingProxyType(
    {
        "fit": Teller.fit,
        "text": Teller.text,
        "scale": Teller.scale,
        "standing": Teller.standing,
        "tie": Teller.tied,
        "pull": Teller.pull,
        "relatedness": Teller.relatedness,
        "research": Teller.research,
        "inputs": Teller.inputs,
        "nearness": Teller.nearness,
        "footprint": Teller.footprint,
        "growth": Teller.growth,
        "projects": Teller.projects,
    }
)
