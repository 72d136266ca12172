"""The leakage check that runs on the features themselves, every time."""

from __future__ import annotations

import dataclasses

import numpy as np

from .features import Describer, State
from .leaks import Finding, finding
from .panel import Panel


def features_of_outcome(panel: Panel, state: State) -> Finding:
    """Features of T0 that change when the hidden firms are given other cities and texts.

    All hidden firms are put into the first city and industry with another text; every feature of
    every pair must stay as it was.
    """
    hidden = panel.new(panel.start, panel.end)
    city, industry = panel.city.copy(), panel.industry.copy()
    city[hidden], industry[hidden] = 0, 0
    masked = set(hidden.tolist())
    text = tuple("其他" if at in masked else t for at, t in enumerate(panel.text))
    other = dataclasses.replace(panel, city=city, industry=industry, text=text)
    theirs = Describer(other).at(panel.start).pairs
    changed = [
        name for name, ours in state.pairs.items() if not np.allclose(ours, theirs[name], atol=1e-6)
    ]
    return finding("features_of_outcome", changed, "隐去企业的城市、行业或文本改变了起点的特征")
