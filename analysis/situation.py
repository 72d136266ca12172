"""How a cluster stands in a region, in a few figures, and what changed between two states of it.

Simulation and trends are the same comparison: of what is with what would be, or with what was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from ..graph.chain import Floats, records
from ..graph.schema import EPSILON
from .gaps import ACTIONS, Gaps, find_gaps
from .scope import Scope
from .sourcing import Needs, Sourcing, local_output, worst_failure
from .supply import SupplyRate, supply_rate

#: A figure of money that differs by no more than this share of itself is the same.
SAME = 1e-9


_NO_INPUTS = "本地没有该集群产品的投入需求"
_NO_NEED = "本地不需要该集群的任何产品"
_NO_OUTPUT = "本地没有该集群的产出"


def _figure(zh: str, unit: str = "ratio", undefined: str = "") -> dict[str, str]:
    return {"zh": zh, "unit": unit, "undefined": undefined}


#: Every figure of a situation: Chinese name, unit, and why it is undefined where it is.
FIGURES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "value": _figure("本地化配套率（按价值）", undefined=_NO_INPUTS),
        "value_low": _figure("本地化配套率（按价值，仅已知营收）", undefined=_NO_INPUTS),
        "count": _figure("本地化配套率（按种类）", undefined=_NO_INPUTS),
        "observed": _figure("本地化配套率（按已知采购）", undefined="没有记录在案的采购金额"),
        "known_output_share": _figure("已知营收占产出", undefined=_NO_OUTPUT),
        "completeness": _figure("链条完整度", undefined=_NO_NEED),
        "completeness_weighted": _figure("链条完整度（按需求加权）", undefined=_NO_NEED),
        "needed": _figure("有本地需求的产品数", "count"),
        "present": _figure("其中本地具备的产品数", "count"),
        "output": _figure("本地集群产出", "CNY"),
        "unmet": _figure("本地未满足需求", "CNY"),
        "gaps": _figure("缺口数", "count"),
        **{name: _figure(f"{zh}数", "count") for name, zh in ACTIONS.items()},
        "single_points": _figure("来源单一的产品数", "count"),
        "import_dependent": _figure("命脉依赖进口的产品数", "count"),
        "exposed_output": _figure("依赖单一来源投入的产出占比", undefined=_NO_OUTPUT),
        "worst_loss": _figure("单家企业停产的最大当期损失", undefined=_NO_OUTPUT),
        "concentration": _figure("本地产出集中度", undefined=_NO_OUTPUT),
    }
)


@dataclass(frozen=True)
class Situation:
    """How a cluster stands in a region.

    Attributes:
        region: Region code.
        cluster: Cluster id.
        version: The store's facts.
        gaps: The gaps behind it.
        rate: The local supply rates.
        figures: Every figure of :data:`FIGURES`, None where undefined.
        worst: Id and name of the enterprise whose failure costs most, None where there is none.
    """

    region: str
    cluster: str
    version: int
    gaps: Gaps
    rate: SupplyRate
    figures: Mapping[str, float | None]
    worst: tuple[str, str] | None


def situation(scope: Scope) -> Situation:
    """The situation of a scope.

    Over the products of the cluster, in the region:

    - ``completeness`` = present / needed, the share of the products that are needed (D > 0) that
      are present (made and not token); ``completeness_weighted`` = the same by demand, Σ D of the
      present ones / Σ D. None where nothing is needed.
    - ``single_points``, ``import_dependent``: products for which that reason fires (固链).
    - ``exposed_output``: share of the local output made with an essential input (criticality from
      ``critical_min``) whose recorded makers, at home and abroad, number effectively less than
      ``local_suppliers_min`` (1 / HHI).
    - ``worst_loss``: see :func:`.sourcing.worst_failure`.
    - ``concentration``: output-weighted mean of the products' local HHI (1 = a single maker each).

    Example, worked by hand: needed are glass (D = 3e9, not made) and film (D = 3e9, made 1.5e9, not
    token): completeness = 1/2, by demand 3e9 / 6e9 = 1/2; unmet = 3e9 + 1.5e9.
    """
    gaps, rate = find_gaps(scope), supply_rate(scope)
    table = gaps.table
    demand, output = _column(table, "demand"), _column(table, "output")
    needed, present = table["needed"].to_numpy(bool), table["present"].to_numpy(bool)
    both = needed & present
    sources = Sourcing.of(scope.economy)
    here, local = local_output(scope.economy, scope.region, scope.products)
    needs = Needs.of(scope.economy, scope.rules, local > 0)
    worst = worst_failure(scope.economy, sources, here, needs)
    reasons = [{r["code"] for r in row} for row in table["reasons"]]
    with np.errstate(divide="ignore", invalid="ignore"):
        hhi = np.where(output > 0, 1.0 / _column(table, "effective_suppliers"), 0.0)
    figures: dict[str, float | None] = {
        "value": rate.value,
        "value_low": rate.value_low,
        "count": rate.count,
        "observed": rate.observed,
        "known_output_share": rate.known_output_share,
        "completeness": _ratio(both.sum(), needed.sum()),
        "completeness_weighted": _ratio(demand[both].sum(), demand.sum()),
        "needed": float(needed.sum()),
        "present": float(both.sum()),
        "output": float(output.sum()),
        "unmet": float((demand * (1.0 - _column(table, "fulfilment"))).sum()),
        "gaps": float(sum(bool(a) for a in table["actions"])),
        **{name: float(sum(name in a for a in table["actions"])) for name in ACTIONS},
        "single_points": float(sum("single_source" in r for r in reasons)),
        "import_dependent": float(sum("import_dependent" in r for r in reasons)),
        "exposed_output": _exposed(scope, sources, needs, local),
        "worst_loss": worst.loss,
        "concentration": _ratio((hhi * output).sum(), output.sum()),
    }
    assert list(figures) == list(FIGURES)
    graph = scope.graph
    name = None
    if worst.enterprise is not None:
        e = worst.enterprise
        name = str(graph.text("enterprises", "id")[e]), str(graph.text("enterprises", "name")[e])
    return Situation(
        scope.region, scope.cluster, gaps.version, gaps, rate, MappingProxyType(figures), name
    )


def _column(table: pd.DataFrame, name: str) -> Floats:
    return table[name].to_numpy(dtype=np.float64)


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _exposed(scope: Scope, sources: Sourcing, needs: Needs, local: Floats) -> float | None:
    single = sources.effective[needs.used] < scope.rules.local_suppliers_min - EPSILON
    exposed = np.unique(needs.made[needs.essential & single])
    return _ratio(local[exposed].sum(), local.sum())


@dataclass(frozen=True)
class Difference:
    """What changed between two situations.

    Attributes:
        before: The earlier one.
        after: The later one.
        products: One row per product whose actions or figures changed: product, name, change
            (``opened``: gaps are new here; ``closed``: none is left; ``changed``: other actions, or
            other figures), before and after ({actions, primary, output, demand, fulfilment,
            effective_suppliers, evidence}, None where the cluster has no such product).
        opened: (product, action) pairs that are new.
        closed: (product, action) pairs that are gone.
    """

    before: Situation
    after: Situation
    products: pd.DataFrame
    opened: tuple[tuple[str, str], ...]
    closed: tuple[tuple[str, str], ...]

    def figures(self) -> list[dict[str, Any]]:
        """Every figure before and after: {name, before, after, change, reason}.

        Undefined ones are None, and ``reason`` says why.
        """
        rows = []
        for name in FIGURES:
            old, new = self.before.figures[name], self.after.figures[name]
            change = None if old is None or new is None else new - old
            reason = FIGURES[name]["undefined"] if change is None else None
            row = {"name": name, "before": old, "after": new, "change": change}
            rows.append({**row, "reason": reason})
        return rows


#: What a product's row of a comparison says, with names for people.
CHANGES: Mapping[str, str] = MappingProxyType(
    {"opened": "新增缺口", "closed": "缺口消除", "changed": "变化"}
)
#: Figures of a product that count as a change.
_COMPARED = ("output", "demand", "fulfilment", "effective_suppliers")
_SHOWN = ("actions", "primary", *_COMPARED, "evidence")
_COLUMNS = ("product", "name", "change", "before", "after")


def difference(before: Situation, after: Situation) -> Difference:
    """Compare two situations of one region and cluster, product by product."""
    old = {row["product"]: row for row in records(before.gaps.table)}
    new = {row["product"]: row for row in records(after.gaps.table)}
    rows, opened, closed = [], [], []
    for product in [*new, *(p for p in old if p not in new)]:
        was, now = old.get(product), new.get(product)
        had, has = _actions(was), _actions(now)
        opened += [(product, action) for action in has if action not in had]
        closed += [(product, action) for action in had if action not in has]
        if was is not None and now is not None and had == has and _same(was, now):
            continue
        change = "changed"
        if bool(had) != bool(has):
            change = "opened" if has else "closed"
        either = now or was
        assert either is not None
        shown = [None if r is None else {k: r[k] for k in _SHOWN} for r in (was, now)]
        rows.append((product, either["name"], change, *shown))
    table = pd.DataFrame(rows, columns=list(_COLUMNS), dtype=object)
    return Difference(before, after, table, tuple(opened), tuple(closed))


def _actions(row: Mapping[str, Any] | None) -> list[str]:
    return [] if row is None else list(row["actions"])


def _same(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    if was["evidence"] != now["evidence"] or was["primary"] != now["primary"]:
        return False
    pairs = [(was[name], now[name]) for name in _COMPARED]
    return all(math.isclose(a, b, rel_tol=SAME) or (a != a and b != b) for a, b in pairs)


def moved(change: Mapping[str, Any]) -> bool:
    """Whether a figure of :meth:`Difference.figures` is another one after than before."""
    old, new = change["before"], change["after"]
    if old is None or new is None:
        return old is not new
    return not math.isclose(old, new, rel_tol=SAME, abs_tol=EPSILON)
