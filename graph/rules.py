"""The thresholds of the four actions and the typical sizes, with one set per cluster (一群一策).

A pack states them in ``rules.toml``; the store keeps them as rows (cluster, name, value), where
cluster is empty for the top level and a typical size is named ``sizes.LABEL``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from .schema import TYPICAL_SIZES

SIZE_PREFIX = "sizes."


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


THRESHOLDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {f.name: MappingProxyType(dict(f.metadata)) for f in fields(Rules) if f.name != "sizes"}
)
#: Every name a rule row may carry.
RULE_NAMES: frozenset[str] = frozenset(THRESHOLDS) | {SIZE_PREFIX + n for n in TYPICAL_SIZES}


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
    sizes = dict(TYPICAL_SIZES)
    thresholds: dict[str, float] = {}
    for name, value in chosen.items():
        if name.startswith(SIZE_PREFIX):
            sizes[name.removeprefix(SIZE_PREFIX)] = value
        else:
            thresholds[name] = value
    return Rules(**thresholds, sizes=sizes)
