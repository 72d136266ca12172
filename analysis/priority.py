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

#: What the features are made from: figures of the gaps, each of shape (..., products of the
#: cluster), NaN where undefined. Besides the columns of the ``gaps`` JSON: ``plant``, the median
#: domestic output of a maker (CNY); ``open_routes``, how many routes; ``acting``, ``fortify``
#: and ``extend``, 1 where any action, 固链, or 延链 as the primary one applies.
Sides = Mapping[str, Any]


def unmet_demand(gaps: Sides) -> Floats:
    """Unmet local demand (CNY) against the largest of the list, on a square-root scale.

    The square root keeps one giant from making all other gaps look alike.
    """
    unmet = unmet_cny(gaps)
    top = unmet.max(axis=-1, initial=0.0, keepdims=True)
    return np.sqrt(unmet / np.where(top > 0, top, 1.0))


def criticality(gaps: Sides) -> Floats:
    """Local criticality; 0 where it is an input of nothing made here."""
    return _figure(gaps, "criticality", 0.0)


def dependence(gaps: Sides) -> Floats:
    """How much the country depends on imports: 1 - domestic rate, 1 where nobody makes it."""
    return 1.0 - _figure(gaps, "domestic_rate", 0.0)


def weakness(gaps: Sides) -> Floats:
    """How far the region is from sound.

    The largest of the unmet share of demand, the missing share of national output (1 - LQ) and, for
    固链, 1 / effective suppliers; for 延链 the share of inputs at hand.
    """
    unmet = 1.0 - _figure(gaps, "fulfilment")
    lack = 1.0 - _figure(gaps, "lq", 0.0)
    single = 1.0 / _figure(gaps, "effective_suppliers", np.inf)
    single = np.where(gaps["fortify"], single, 0.0)
    worst = np.clip(np.maximum.reduce([unmet, lack, single]), 0.0, 1.0)
    ready = _figure(gaps, "reachable", 0.0)
    return np.where(gaps["extend"], ready, worst)


def feasibility(gaps: Sides) -> Floats:
    """How many of the four routes are open, and how many of its inputs are made here, averaged."""
    routes = _figure(gaps, "open_routes") / 4.0
    inputs = _figure(gaps, "reachable", 0.0)
    return (routes + inputs) / 2.0


def viability(gaps: Sides) -> Floats:
    """Whether local unmet demand could feed one plant of median size: min(1, unmet / plant)."""
    plant = _figure(gaps, "plant")
    return np.minimum(1.0, unmet_cny(gaps) / np.where(plant > 0, plant, np.inf))


def unmet_cny(gaps: Sides | pd.DataFrame) -> Floats:
    """Local demand that local output does not meet (CNY a year)."""
    return _figure(gaps, "demand") * (1.0 - _figure(gaps, "fulfilment"))


def _figure(gaps: Sides | pd.DataFrame, column: str, missing: float = np.nan) -> Floats:
    values = np.asarray(gaps[column], dtype=np.float64)
    return np.where(np.isnan(values), missing, values)


Feature = Callable[[Sides], Floats]

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


def priorities(gaps: Sides) -> tuple[Floats, dict[str, Floats]]:
    """Priority of each gap and its parts.

    Args:
        gaps: See :data:`Sides`; a list of gaps runs along the last axis.

    Returns:
        Priority (0..1; 0 for sound and absent) and {feature: contribution}, of the figures' shape.
    """
    parts = {
        name: np.where(gaps["acting"], weight * feature(gaps), 0.0)
        for name, _, feature, weight in FEATURES
    }
    return np.add.reduce(list(parts.values())), parts
