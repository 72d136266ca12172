"""The four actions: 补链 supplement, 强链 strengthen, 固链 fortify, 延链 extend.

:func:`find_gaps` answers for one region and cluster. Which rule fires is decided by
:func:`classify`, from the figures alone, so that the same code serves the three scenarios that
decide whether an answer is robust.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from ..graph import regions as geo
from ..graph.chain import Floats
from ..graph.rules import THRESHOLDS, Rules
from ..graph.schema import EPSILON
from .economy import Economy, Mask
from .measures import Measures, measure
from .priority import WEIGHTS, priorities
from .scope import Scope

#: Actions in the table's order, with their Chinese names.
ACTIONS: Mapping[str, str] = MappingProxyType(
    {"supplement": "补链", "strengthen": "强链", "fortify": "固链", "extend": "延链"}
)
#: What ``primary`` may say besides an action.
STATES: Mapping[str, str] = MappingProxyType({**ACTIONS, "sound": "健全", "absent": "未涉及"})
EVIDENCE: Mapping[str, str] = MappingProxyType({"confirmed": "已确认", "suspected": "待核实"})
ROUTES: Mapping[str, str] = MappingProxyType(
    {
        "coordinate": "协同（省内配套）",
        "attract": "引进",
        "cultivate": "培育",
        "research": "攻关（揭榜挂帅）",
    }
)
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "not_made": "有需求，本地无人生产",
        "token": "本地仅有象征性产能",
        "demand_unmet": "本地产出不能满足本地需求",
        "below_national_share": "产出份额低于全国平均",
        "no_leader": "没有领军企业",
        "single_source": "关键投入品来源单一",
        "import_dependent": "命脉投入品依赖进口",
        "chokepoint": "全国无人生产（卡脖子）",
        "reachable": "所需投入本地大多可得",
    }
)
#: Factors on imputed sizes under which a robust answer stays the same.
SCENARIOS = (3.0, 1.0 / 3.0)


@dataclass(frozen=True)
class Fired:
    """Which rules fire, each a mask over the products of a cluster, shape (C,)."""

    made: Mask
    needed: Mask
    token: Mask
    present: Mask
    supplement: Mask
    demand_unmet: Mask
    below_share: Mask
    no_leader: Mask
    single_source: Mask
    import_dependent: Mask
    extend: Mask
    chokepoint: Mask

    @property
    def strengthen(self) -> Mask:
        """强链: present, and one of its three conditions holds."""
        return self.demand_unmet | self.below_share | self.no_leader

    @property
    def fortify(self) -> Mask:
        """固链: single source or import-dependent."""
        return self.single_source | self.import_dependent

    def actions(self) -> list[list[str]]:
        """Every action that applies, in the table's order, product by product."""
        masks = {name: getattr(self, name) for name in TABLE_ORDER}
        return [[name for name in TABLE_ORDER if masks[name][at]] for at in range(len(self.made))]

    def primary(self) -> list[str]:
        """The one action or state that decides the colour, product by product."""
        result = []
        for at, actions in enumerate(self.actions()):
            if self.import_dependent[at]:
                result.append("fortify")
            else:
                first = [name for name in ACTIONS if name in actions]
                state = "sound" if self.present[at] else "absent"
                result.append(first[0] if first else state)
        return result


#: Order of ``actions``: that of the rules in design section 5.
TABLE_ORDER = ("supplement", "extend", "strengthen", "fortify")


@dataclass(frozen=True)
class Gaps:
    """The answer for one region and cluster.

    Attributes:
        scope: The question.
        version: The store's facts.
        table: One row per product of the cluster with the columns of the ``gaps`` JSON, highest
            priority first; figures are doubles with NaN where undefined; lists hold plain objects.
        weights: Weight of each part of the priority.
        measures: The figures, in the order of ``scope.products``.
    """

    scope: Scope
    version: int
    table: pd.DataFrame
    weights: Mapping[str, float]
    measures: Measures

    def only(self, action: str) -> pd.DataFrame:
        """Rows to which an action applies."""
        return self.table[[action in x for x in self.table["actions"]] or self._none()]

    def acting(self) -> pd.DataFrame:
        """Rows to which any action applies."""
        return self.table[[bool(x) for x in self.table["actions"]] or self._none()]

    def _none(self) -> Mask:
        # An empty list would select columns instead of rows.
        return np.zeros(len(self.table), dtype=bool)


def find_gaps(scope: Scope) -> Gaps:
    """Actions, figures, reasons, routes and priority for every product of a cluster in a region.

    Args:
        scope: The region and cluster.

    Returns:
        See :class:`Gaps`.
    """
    economy, rules = scope.economy, scope.rules
    figures = measure(economy, [scope.region], scope.products)
    fired = classify(economy, figures, rules)
    actions = fired.actions()
    robust = np.ones(len(actions), dtype=bool)
    for factor in SCENARIOS:
        other = economy.scaled(factor)
        again = classify(other, measure(other, [scope.region], scope.products), rules).actions()
        robust &= np.asarray([a == b for a, b in zip(actions, again, strict=True)], dtype=bool)
    routes = find_routes(scope, figures, fired)
    table = scope.chain[["product", "name", "link", "stage"]].assign(
        actions=pd.Series(actions, dtype=object),
        primary=fired.primary(),
        made=fired.made,
        needed=fired.needed,
        present=fired.present,
        output=figures.output[0],
        demand=figures.demand[0],
        coverage=figures.coverage[0],
        fulfilment=figures.fulfilment[0],
        lq=figures.lq[0],
        criticality=figures.criticality[0],
        effective_suppliers=figures.effective_suppliers[0],
        national_makers=economy.national_makers[scope.products],
        domestic_rate=economy.domestic_rate[scope.products],
        reachable=figures.reachable[0],
        evidence=evidence(scope),
        robust=robust,
        reasons=pd.Series(_reasons(economy, figures, fired, rules), dtype=object),
        routes=pd.Series(routes, dtype=object),
    )
    ranked = priorities(table, economy.median_maker[scope.products])
    table = table.assign(priority=ranked["priority"], parts=ranked["parts"])
    table = table.sort_values(["priority", "product"], ascending=[False, True], ignore_index=True)
    return Gaps(scope, scope.graph.version, table, WEIGHTS, figures)


def classify(economy: Economy, figures: Measures, rules: Rules) -> Fired:
    """Which rules fire for the first region of the figures."""
    at = figures.columns
    with np.errstate(invalid="ignore"):
        made, needed = figures.is_made()[0], figures.is_needed()[0]
        token, present = figures.is_token(rules)[0], figures.is_present(rules)[0]
        critical = figures.criticality[0]
        domestic = economy.domestic_rate[at]
        leader = figures.labelled_leader[0] | (
            figures.leader_ratio[0] >= rules.leader_share - EPSILON
        )
        return Fired(
            made=made,
            needed=needed,
            token=token,
            present=present,
            supplement=needed & ~present,
            demand_unmet=present & (figures.fulfilment[0] < rules.fulfilment_min - EPSILON),
            below_share=present & (figures.lq[0] < rules.lq_min - EPSILON),
            no_leader=present & ~leader,
            single_source=present
            & (critical >= rules.critical_min - EPSILON)
            & (figures.effective_suppliers[0] < rules.local_suppliers_min - EPSILON)
            & (economy.national_makers[at] < rules.national_makers_min - EPSILON),
            import_dependent=~present
            & (critical >= rules.vital_min - EPSILON)
            & ((domestic < rules.domestic_min - EPSILON) | np.isnan(domestic)),
            extend=~made & ~needed & (figures.reachable[0] >= rules.reachable_min - EPSILON),
            chokepoint=needed & (economy.national[at] == 0),
        )


def _reasons(
    economy: Economy, figures: Measures, fired: Fired, rules: Rules
) -> list[list[dict[str, Any]]]:
    """Reason objects {code, value, threshold, unit}, in the order of :data:`REASONS`."""
    nothing = np.zeros(len(fired.made))
    cny, ratio = "CNY", "ratio"

    def rule(name: str) -> tuple[float, str]:
        return getattr(rules, name), THRESHOLDS[name]["unit"]

    sources: list[tuple[str, Mask, Floats, tuple[float, str]]] = [
        ("not_made", fired.supplement & ~fired.made, figures.output[0], (0.0, cny)),
        ("token", fired.supplement & fired.token, figures.coverage[0], rule("token_max")),
        ("demand_unmet", fired.demand_unmet, figures.fulfilment[0], rule("fulfilment_min")),
        ("below_national_share", fired.below_share, figures.lq[0], rule("lq_min")),
        ("no_leader", fired.no_leader, figures.leader_ratio[0], rule("leader_share")),
        (
            "single_source",
            fired.single_source,
            figures.effective_suppliers[0],
            rule("local_suppliers_min"),
        ),
        (
            "import_dependent",
            fired.import_dependent,
            economy.domestic_rate[figures.columns],
            (rules.domestic_min, ratio),
        ),
        ("chokepoint", fired.chokepoint, nothing, (0.0, cny)),
        ("reachable", fired.extend, figures.reachable[0], rule("reachable_min")),
    ]
    return [
        [
            {
                "code": code,
                "value": None if np.isnan(value[at]) else float(value[at]),
                "threshold": threshold,
                "unit": unit,
            }
            for code, mask, value, (threshold, unit) in sources
            if mask[at]
        ]
        for at in range(len(fired.made))
    ]


def evidence(scope: Scope) -> list[str]:
    """``confirmed`` where a survey of the region, or of one above it, is complete."""
    graph = scope.graph
    above = geo.ancestors(scope.region)
    complete = (graph.text("surveys", "status") == "complete") & np.isin(
        graph.text("surveys", "region"), above
    )
    known = set(graph.text("surveys", "product")[complete].tolist())
    return ["confirmed" if p in known else "suspected" for p in scope.chain["product"]]


def find_routes(scope: Scope, figures: Measures, fired: Fired) -> list[list[str]]:
    """Ways to close each gap, research first where it is a matter of technology."""
    economy, at = scope.economy, scope.products
    outside = (economy.output > 0) & ~geo.within(economy.region, scope.region)
    attract = economy.total(outside)[at] > 0
    coordinate = np.zeros(len(at), dtype=bool)
    if geo.level(scope.region) in ("city", "county"):
        nearby = outside & geo.within(economy.region, geo.province(scope.region))
        coordinate = economy.total(nearby)[at] > 0
    # Products made here by link: one more than the product itself makes cultivation possible.
    product, link = scope.links
    made_in_link = np.bincount(link, fired.made[product], minlength=len(scope.graph["links"]))
    others = made_in_link[link] - fired.made[product]
    cultivate = np.bincount(product, others > 0, minlength=len(at)) > 0
    studied = scope.graph.located("research", "product")
    research = np.isin(at, studied)
    masks = {
        "coordinate": coordinate,
        "attract": attract,
        "cultivate": cultivate,
        "research": research,
    }
    first = fired.import_dependent | fired.chokepoint
    result = []
    for i in range(len(at)):
        found = [name for name in ROUTES if masks[name][i]]
        result.append(sorted(found, key=lambda r: r != "research") if first[i] else found)
    return result
