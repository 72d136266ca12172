"""The thresholds of the four actions, typical sizes and weights, one set per cluster (一群一策).

A pack states them in ``rules.toml``; the store keeps them as rows (cluster, name, value), where
cluster is empty for the top level and a value of a group is named ``GROUP.NAME``, such as
``sizes.leading`` or ``targets.fit``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from .schema import TYPICAL_SIZES

#: How much each feature of a target counts, in parts of their sum (:mod:`analysis.targets`). What
#: the backtest has measured of ``text``, ``relatedness`` and ``neighbours`` decides how the
#: three share; docs/measures.md says how. The rest is judgement.
TARGET_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "fit": 0.20,
        "text": 0.12,
        "scale": 0.12,
        "standing": 0.08,
        "tie": 0.20,
        "pull": 0.08,
        "relatedness": 0.00,
        "research": 0.02,
        "inputs": 0.02,
        "nearness": 0.10,
        "footprint": 0.02,
        "growth": 0.02,
        "projects": 0.02,
    }
)
#: How much each side of a landing place counts, in parts of their sum (:mod:`analysis.landing`).
LANDING_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "demand": 0.30,
        "inputs": 0.15,
        "neighbours": 0.30,
        "relatedness": 0.00,
        "research": 0.05,
        "tie": 0.20,
    }
)
#: Tables of ``rules.toml`` with the names that may stand in them and their defaults.
GROUPS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {"sizes": TYPICAL_SIZES, "targets": TARGET_WEIGHTS, "landing": LANDING_WEIGHTS}
)


def in_group(group: str, name: str) -> str:
    """How a value of a group is named in a store."""
    return f"{group}.{name}"


def _rule(default: float, zh: str, unit: str = "") -> Any:
    return field(default=default, metadata={"zh": zh, "unit": unit})


@dataclass(frozen=True)
class Rules:
    """Thresholds in force for one cluster; names are those of ``rules.toml``."""

    token_max: float = _rule(0.1, "象征性产能的自给上限", "ratio")
    reachable_min: float = _rule(0.5, "延链所需投入可得率下限", "ratio")
    fulfilment_min: float = _rule(1.0, "需求满足率下限", "ratio")
    lq_min: float = _rule(1.0, "区位商下限", "ratio")
    leader_share: float = _rule(0.5, "领军企业产出与全国中位数之比下限", "ratio")
    critical_min: float = _rule(0.7, "关键投入品的关键度下限", "0..1")
    local_suppliers_min: float = _rule(2.0, "本地有效供应商数下限", "家")
    national_makers_min: float = _rule(4.0, "全国主要生产企业数下限", "家")
    vital_min: float = _rule(0.9, "命脉投入品的关键度下限", "0..1")
    domestic_min: float = _rule(0.2, "国产化率下限", "ratio")
    sizes: Mapping[str, float] = field(default_factory=lambda: dict(TYPICAL_SIZES))
    targets: Mapping[str, float] = field(default_factory=lambda: dict(TARGET_WEIGHTS))
    landing: Mapping[str, float] = field(default_factory=lambda: dict(LANDING_WEIGHTS))


THRESHOLDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {f.name: MappingProxyType(dict(f.metadata)) for f in fields(Rules) if f.name not in GROUPS}
)
#: Every name a rule row may carry.
RULE_NAMES: frozenset[str] = frozenset(THRESHOLDS) | {
    in_group(group, name) for group, names in GROUPS.items() for name in names
}


def rules_for(rows: Iterable[tuple[str, str, float]], cluster: str | None) -> Rules:
    """The rules in force for a cluster.

    Args:
        rows: (cluster, name, value); cluster "" is the top level.
        cluster: Cluster id, or None for the top level alone.

    Returns:
        Defaults, overridden by the top level, overridden by the cluster's own.
    """
    chosen: dict[str, float] = {}
    own: dict[str, float] = {}
    for scope, name, value in rows:
        if scope == "":
            chosen[name] = value
        elif scope == cluster:
            own[name] = value
    chosen.update(own)
    groups = {group: dict(defaults) for group, defaults in GROUPS.items()}
    thresholds: dict[str, float] = {}
    for name, value in chosen.items():
        group, dot, own_name = name.partition(".")
        if dot:
            groups[group][own_name] = value
        else:
            thresholds[name] = value
    return replace(Rules(**thresholds), **groups)  # type: ignore[arg-type]
