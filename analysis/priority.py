"""How urgent a gap is, 0..1, as a visible sum of weighted features.

Each feature is a small function from the table of gaps to values in 0..1. The weights say how much
each counts; parts are weight x value and sum to the priority. 补链 lists are long because every
input that is not made fires the rule, so demand that could feed a plant counts most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from ..graph.chain import Floats


def unmet_demand(table: pd.DataFrame, plant: Floats) -> Floats:
    """Unmet local demand (CNY) against the largest of the list, on a square-root scale.

    The square root keeps one giant from making all other gaps look alike.
    """
    unmet = unmet_cny(table)
    top = unmet.max(initial=0.0)
    return np.sqrt(unmet / top) if top > 0 else unmet


def criticality(table: pd.DataFrame, plant: Floats) -> Floats:
    """Local criticality; 0 where it is an input of nothing made here."""
    return _figure(table, "criticality", 0.0)


def dependence(table: pd.DataFrame, plant: Floats) -> Floats:
    """How much the country depends on imports: 1 - domestic rate, 1 where nobody makes it."""
    return 1.0 - _figure(table, "domestic_rate", 0.0)


def weakness(table: pd.DataFrame, plant: Floats) -> Floats:
    """How far the region is from sound.

    The largest of the unmet share of demand, the missing share of national output (1 - LQ) and, for
    固链, 1 / effective suppliers; for 延链 the share of inputs at hand.
    """
    unmet = 1.0 - _figure(table, "fulfilment")
    lack = 1.0 - _figure(table, "lq", 0.0)
    single = 1.0 / _figure(table, "effective_suppliers", np.inf)
    single = np.where([("fortify" in a) for a in table["actions"]], single, 0.0)
    worst = np.clip(np.maximum.reduce([unmet, lack, single]), 0.0, 1.0)
    ready = _figure(table, "reachable", 0.0)
    return np.where(table["primary"] == "extend", ready, worst)


def feasibility(table: pd.DataFrame, plant: Floats) -> Floats:
    """How many of the four routes are open, and how many of its inputs are made here, averaged."""
    routes = np.asarray([len(r) for r in table["routes"]], dtype=np.float64) / 4.0
    inputs = _figure(table, "reachable", 0.0)
    return (routes + inputs) / 2.0


def viability(table: pd.DataFrame, plant: Floats) -> Floats:
    """Whether local unmet demand could feed one plant of median size: min(1, unmet / plant)."""
    share = unmet_cny(table) / np.where(plant > 0, plant, np.inf)
    return np.minimum(1.0, share)


def unmet_cny(table: pd.DataFrame) -> Floats:
    """Local demand that local output does not meet (CNY a year)."""
    return _figure(table, "demand") * (1.0 - _figure(table, "fulfilment"))


def _figure(table: pd.DataFrame, column: str, missing: float = np.nan) -> Floats:
    values = table[column].to_numpy(dtype=np.float64)
    return np.where(np.isnan(values), missing, values)


Feature = Callable[[pd.DataFrame, Floats], Floats]

FEATURES: tuple[tuple[str, str, Feature, float], ...] = (
    ("demand", "未满足的本地需求", unmet_demand, 0.25),
    ("criticality", "本地关键度", criticality, 0.2),
    ("viability", "能否养活一家中等工厂", viability, 0.2),
    ("dependence", "进口依赖", dependence, 0.15),
    ("weakness", "薄弱程度", weakness, 0.1),
    ("feasibility", "可行性", feasibility, 0.1),
)
WEIGHTS: Mapping[str, float] = MappingProxyType({name: w for name, _, _, w in FEATURES})
PARTS_ZH: Mapping[str, str] = MappingProxyType({name: zh for name, zh, _, _ in FEATURES})


def priorities(table: pd.DataFrame, plant: Floats) -> pd.DataFrame:
    """Priority and its parts for each row of a table of gaps.

    Args:
        table: Columns of the ``gaps`` JSON, in any order of rows.
        plant: Median domestic output of a maker of each product (CNY), NaN where there is none.

    Returns:
        Columns priority (0..1; 0 for sound and absent) and parts ({feature: contribution}).
    """
    acting = np.asarray([bool(a) for a in table["actions"]], dtype=bool)
    parts = {
        name: np.where(acting, weight * feature(table, plant), 0.0)
        for name, _, feature, weight in FEATURES
    }
    columns = np.stack(list(parts.values())) if len(table) else np.zeros((len(parts), 0))
    rows: list[dict[str, Any]] = [
        dict(zip(parts, map(float, column), strict=True)) for column in columns.T
    ]
    total = pd.Series([sum(row.values()) for row in rows], dtype="float64")
    return pd.DataFrame({"priority": total, "parts": pd.Series(rows, dtype=object)})
