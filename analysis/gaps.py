"""The four actions: 补链 supplement, 强链 strengthen, 固链 fortify, 延链 extend.

:func:`find_gaps` answers for one region and cluster, :func:`survey_gaps` for many regions at once
by the same code: everything is an array over regions x products. Which rule fires is decided by
:func:`classify`, from the figures alone, so that it serves the three scenarios that decide whether
an answer is robust.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..graph import regions as geo
from ..graph.chain import Codes, Floats
from ..graph.errors import NotFoundError
from ..graph.rules import THRESHOLDS, Rules
from ..graph.schema import EPSILON
from .economy import Economy, Mask
from .measures import Measures, measure, membership
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
    """Which rules fire, each a mask over regions and the products of a cluster, (R, C)."""

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

    def actions(self) -> Codes:
        """Every action that applies, as a sum of powers of 2 in the table's order, (R, C)."""
        return _bits([getattr(self, name) for name in TABLE_ORDER])

    def primary(self) -> np.ndarray[Any, np.dtype[np.object_]]:
        """The one action or state that decides the colour, shape (R, C)."""
        masks = [self.import_dependent, *(getattr(self, name) for name in ACTIONS), self.present]
        names = ["fortify", *ACTIONS, "sound"]
        return np.select(masks, [np.asarray(n, dtype=object) for n in names], "absent")


#: Order of ``actions``: that of the rules in design section 5.
TABLE_ORDER = ("supplement", "extend", "strengthen", "fortify")


def _bits(masks: Sequence[Mask]) -> Codes:
    """Masks as the bits of one number, the first the lowest."""
    found: Codes = sum(mask.astype(np.int64) << at for at, mask in enumerate(masks))  # type: ignore[assignment]
    return found


def _subsets(names: Sequence[str]) -> list[list[str]]:
    """The names that each number stands for, see :func:`_bits`."""
    return [[n for at, n in enumerate(names) if code >> at & 1] for code in range(1 << len(names))]


@dataclass(frozen=True)
class Gaps:
    """The answer for one region and cluster.

    Attributes:
        scope: The question.
        version: The store's facts.
        table: One row per product of the cluster with the columns of the ``gaps`` JSON, highest
            priority first; figures are doubles with NaN where undefined; lists hold plain objects
            and are shared between rows: treat them as read-only.
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
    table, figures = _answer(scope, [scope.region])
    return Gaps(scope, scope.graph.version, table.drop(columns="region"), WEIGHTS, figures)


def survey_gaps(scope: Scope, regions: Sequence[str]) -> pd.DataFrame:
    """The gaps of a cluster in many regions at once.

    Args:
        scope: The cluster; its region is not looked at.
        regions: Codes of regions of any level; of repeated ones the first counts.

    Returns:
        Column region, then the columns of :class:`Gaps`: for each region, as given, the rows that
        :func:`find_gaps` finds there.

    Raises:
        NotFoundError: No such region.
    """
    if unknown := geo.check(regions):
        raise NotFoundError(f"没有这个地区：{'、'.join(sorted(unknown))}。")
    return _answer(scope, list(dict.fromkeys(regions)))[0]


def _answer(scope: Scope, regions: Sequence[str]) -> tuple[pd.DataFrame, Measures]:
    economy, rules = scope.economy, scope.rules
    figures = measure(economy, regions, scope.products)
    fired = classify(economy, figures, rules)
    actions = fired.actions()
    robust = np.ones(actions.shape, dtype=bool)
    for factor in SCENARIOS:
        other = economy.scaled(factor)
        again = classify(other, measure(other, regions, scope.products), rules).actions()
        robust &= actions == again
    routes, ordered = find_routes(scope, regions, figures, fired)
    primary = fired.primary()

    def everywhere(by_product: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.broadcast_to(by_product, actions.shape)

    columns = {
        "actions": _listed(TABLE_ORDER, actions),
        "primary": primary,
        "made": fired.made,
        "needed": fired.needed,
        "present": fired.present,
        "output": figures.output,
        "demand": figures.demand,
        "coverage": figures.coverage,
        "fulfilment": figures.fulfilment,
        "lq": figures.lq,
        "criticality": figures.criticality,
        "effective_suppliers": figures.effective_suppliers,
        "national_makers": everywhere(economy.national_makers[scope.products]),
        "domestic_rate": everywhere(economy.domestic_rate[scope.products]),
        "reachable": figures.reachable,
        "evidence": evidence(scope, regions),
        "robust": robust,
        "reasons": _reasons(economy, figures, fired, rules),
        "routes": ordered,
    }
    sides = {
        **columns,
        "plant": everywhere(economy.median_maker[scope.products]),
        "open_routes": routes,
        "acting": actions > 0,
        "fortify": fired.fortify,
        "extend": primary == "extend",
    }
    priority, parts = priorities(sides)
    columns["priority"] = priority
    columns["parts"] = _parts(parts, actions > 0)
    chain = scope.chain[["product", "name", "link", "stage"]]
    place = np.repeat(np.arange(len(regions)), len(chain))
    by_product = np.tile(
        np.argsort(np.argsort(chain["product"].to_numpy(dtype=object))), len(regions)
    )
    order = np.lexsort((by_product, -priority.ravel(), place))
    table = chain.iloc[order % max(len(chain), 1)].reset_index(drop=True)
    table.insert(0, "region", np.asarray(regions, dtype=object)[place])
    data = {name: pd.Series(np.ravel(column)[order]) for name, column in columns.items()}
    return pd.concat([table, pd.DataFrame(data)], axis=1), figures


def _listed(names: Sequence[str], codes: Codes) -> np.ndarray[Any, np.dtype[np.object_]]:
    """A list of names for each number, see :func:`_bits`, shape (n,)."""
    return _objects(_subsets(names))[codes.ravel()]


def _parts(parts: Mapping[str, Floats], acting: Mask) -> np.ndarray[Any, np.dtype[np.object_]]:
    """A {feature: contribution} for each gap, shape (n,); most products have none."""
    result = np.empty(acting.size, dtype=object)
    result[:] = _objects([dict.fromkeys(parts, 0.0)])
    at = np.flatnonzero(acting)
    values = np.stack([part.ravel()[at] for part in parts.values()], axis=1)
    result[at] = _objects([dict(zip(parts, row, strict=True)) for row in values.tolist()])
    return result


def _objects(values: Sequence[object]) -> np.ndarray[Any, np.dtype[np.object_]]:
    """An array of Python objects, shape (n,), whatever they hold."""
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def classify(economy: Economy, figures: Measures, rules: Rules) -> Fired:
    """Which rules fire by the figures."""
    at = figures.columns
    with np.errstate(invalid="ignore"):
        made, needed = figures.is_made(), figures.is_needed()
        token, present = figures.is_token(rules), figures.is_present(rules)
        critical = figures.criticality
        domestic = economy.domestic_rate[at]
        leader = figures.labelled_leader | (figures.leader_ratio >= rules.leader_share - EPSILON)
        return Fired(
            made=made,
            needed=needed,
            token=token,
            present=present,
            supplement=needed & ~present,
            demand_unmet=present & (figures.fulfilment < rules.fulfilment_min - EPSILON),
            below_share=present & (figures.lq < rules.lq_min - EPSILON),
            no_leader=present & ~leader,
            single_source=present
            & (critical >= rules.critical_min - EPSILON)
            & (figures.effective_suppliers < rules.local_suppliers_min - EPSILON)
            & (economy.national_makers[at] < rules.national_makers_min - EPSILON),
            import_dependent=~present
            & (critical >= rules.vital_min - EPSILON)
            & ((domestic < rules.domestic_min - EPSILON) | np.isnan(domestic)),
            extend=~made & ~needed & (figures.reachable >= rules.reachable_min - EPSILON),
            chokepoint=needed & (economy.national[at] == 0),
        )


def _reasons(
    economy: Economy, figures: Measures, fired: Fired, rules: Rules
) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Lists of reason objects {code, value, threshold, unit}, in the order of :data:`REASONS`.

    Shape (R * C,).
    """
    nothing = np.zeros(fired.made.shape)
    cny, ratio = "CNY", "ratio"
    domestic = np.broadcast_to(economy.domestic_rate[figures.columns], nothing.shape)

    def rule(name: str) -> tuple[float, str]:
        return getattr(rules, name), THRESHOLDS[name]["unit"]

    sources: list[tuple[str, Mask, Floats, tuple[float, str]]] = [
        ("not_made", fired.supplement & ~fired.made, figures.output, (0.0, cny)),
        ("token", fired.supplement & fired.token, figures.coverage, rule("token_max")),
        ("demand_unmet", fired.demand_unmet, figures.fulfilment, rule("fulfilment_min")),
        ("below_national_share", fired.below_share, figures.lq, rule("lq_min")),
        ("no_leader", fired.no_leader, figures.leader_ratio, rule("leader_share")),
        (
            "single_source",
            fired.single_source,
            figures.effective_suppliers,
            rule("local_suppliers_min"),
        ),
        ("import_dependent", fired.import_dependent, domestic, (rules.domestic_min, ratio)),
        ("chokepoint", fired.chokepoint, nothing, (0.0, cny)),
        ("reachable", fired.extend, figures.reachable, rule("reachable_min")),
    ]
    fires = np.flatnonzero(np.logical_or.reduce([mask for _, mask, _, _ in sources]))
    found: dict[int, list[dict[str, Any]]] = {cell: [] for cell in fires.tolist()}
    for code, mask, values, (threshold, unit) in sources:
        at = np.flatnonzero(mask)
        for cell, value in zip(at.tolist(), values.ravel()[at].tolist(), strict=True):
            known = None if value != value else value
            found[cell].append({"code": code, "value": known, "threshold": threshold, "unit": unit})
    result = np.empty(nothing.size, dtype=object)
    result[:] = _objects([[]])
    result[fires] = _objects(list(found.values()))
    return result


def evidence(scope: Scope, regions: Sequence[str]) -> np.ndarray[Any, np.dtype[np.object_]]:
    """``confirmed`` where a survey of the region, or of one above it, is complete, (R, C)."""
    graph = scope.graph
    complete = graph.text("surveys", "status") == "complete"
    place = graph.text("surveys", "region")[complete]
    surveyed = scope.slots[graph.located("surveys", "product")[complete]]
    confirmed = np.zeros((len(regions), len(scope.products) + 1), dtype=bool)
    for row, region in zip(confirmed, regions, strict=True):
        row[surveyed[np.isin(place, geo.ancestors(region))]] = True
    words = np.asarray(["suspected", "confirmed"], dtype=object)
    return words[confirmed[:, :-1].astype(np.int64)]


def find_routes(
    scope: Scope, regions: Sequence[str], figures: Measures, fired: Fired
) -> tuple[Codes, np.ndarray[Any, np.dtype[np.object_]]]:
    """Ways to close each gap, research first where it is a matter of technology.

    Returns:
        How many routes, shape (R, C), and lists of them, (R * C,).
    """
    economy, at = scope.economy, scope.products
    anywhere = np.bincount(economy.product[economy.output > 0], minlength=economy.products)[at]
    here = _rows_made(scope, regions)
    provinces = [geo.province(region) for region in regions]
    below = np.asarray([geo.level(r) in ("city", "county") for r in regions], dtype=bool)
    nearby = _rows_made(scope, provinces) > here
    # Products made here by link: one more than the product itself makes cultivation possible.
    product, link = scope.links
    member = sparse.csr_array(
        (np.ones(len(link)), (product, link)), shape=(len(at), len(scope.graph["links"]))
    )
    made = fired.made.astype(np.float64)
    in_link = np.asarray(made @ member)
    others = in_link[:, link] - made[:, product]
    cultivate = ((others > 0).astype(np.float64) @ _pairs(product, len(at))) > 0
    studied = scope.graph.located("research", "product")
    masks = {
        "coordinate": nearby & below[:, None],
        "attract": anywhere > here,
        "cultivate": cultivate,
        "research": np.broadcast_to(np.isin(at, studied), here.shape),
    }
    first = fired.import_dependent | fired.chokepoint
    codes = _bits([masks[name] for name in ROUTES])
    usual = _subsets(list(ROUTES))
    urgent = [sorted(names, key=lambda r: r != "research") for names in usual]
    lists = _objects([*usual, *urgent])[(codes + len(usual) * first).ravel()]
    return np.bitwise_count(codes).astype(np.int64), lists


def _pairs(product: Codes, size: int) -> sparse.csr_array:
    """Sums over (product, link) pairs by product, shape (pairs, products)."""
    rows = np.arange(len(product))
    return sparse.csr_array((np.ones(len(product)), (rows, product)), shape=(len(product), size))


def _rows_made(scope: Scope, regions: Sequence[str]) -> Codes:
    """Number of PRODUCES rows with output of each product of the cluster in each region, (R, C)."""
    found, index = np.unique(np.asarray(regions), return_inverse=True)
    rows, where = membership(scope.economy, found.tolist())
    target = scope.slots[scope.economy.product[rows]]
    asked = target >= 0
    size = len(scope.products)
    cell = where[asked] * np.int64(size) + target[asked]
    return np.bincount(cell, minlength=len(found) * size).reshape(len(found), size)[index]
