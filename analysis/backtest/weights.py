"""What past listings say about the weights of targets and landing places.

A small conditional logit with few features that officials know by name, in place of the many of
:mod:`.models`: its coefficients can be read, and carry intervals. Only features that dated lists of
companies can inform are here; what a firm earns, who supplies whom, and research are not in them,
so the weights of those stay what people set.

Intervals are cluster-robust over cities (Liang & Zeger 1986, Biometrika 73:13): firms of one city
are not taken for independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from ...graph.chain import Codes, Floats
from . import choice
from .features import OWN_TEXT, State
from .models import Models
from .panel import Mask

#: Features of (firm, city) by the names of ``rules.toml``, and where they come from.
PLACING: Mapping[str, str] = {
    "neighbours": "own",
    "nearby": "near_150",
    "relatedness": "density_surplus",
    "size": "city_size",
    "momentum": "city_six_years",
    "text": "text_centroid",
}
#: The same for (firm, gap): what tells the firms of one industry apart.
CHOOSING: Mapping[str, str] = {
    "text": "text_centroid",
    "text_nearby": "text_province",
}
#: Groups of ``rules.toml`` and those of their weights that the placing of firms informs.
INFORMED: Mapping[str, tuple[str, ...]] = {
    "targets": ("text", "relatedness"),
    "landing": ("neighbours", "relatedness"),
}
_SURE = 1.96


@dataclass(frozen=True)
class Learned:
    """A coefficient: change of the log odds for one standard deviation of the feature.

    Attributes:
        value: Estimate.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def learned_weights(fitted: Models) -> dict[str, Any]:
    """What the backtest's JSON states of weights: coefficients of both protocols by name."""
    placed, chosen = placing(fitted), choosing(fitted)
    return {
        "placement": {name: asdict(found) for name, found in placed.items()},
        "gap_to_firm": {name: asdict(found) for name, found in chosen.items()},
    }


def placing(fitted: Models) -> Mapping[str, Learned]:
    """What draws a firm to a city, learned from the listings of the eight years before T0."""
    rows, chosen = [], []
    panel = fitted.state.describer.panel
    for state, firms in fitted.periods():
        rows.append(_placed(state, firms))
        chosen.append(panel.city[firms])
    if not chosen:
        return {}
    every = np.ones((sum(len(c) for c in chosen), len(panel.cities)), dtype=bool)
    city = np.concatenate(chosen)
    return _fit(list(PLACING), np.concatenate(rows), city, every, city)


def _placed(state: State, firms: Codes) -> Floats:
    text = state.own_text(firms)
    industry = state.describer.panel.industry[firms]
    columns = [
        text[:, :, OWN_TEXT.index(name)] if name in OWN_TEXT else state.pairs[name][:, industry].T
        for name in PLACING.values()
    ]
    return np.stack(columns, axis=2)


def choosing(fitted: Models) -> Mapping[str, Learned]:
    """Which firm of an industry a city gets, learned from windows of two years before T0."""
    at = [OWN_TEXT.index(name) for name in CHOOSING.values()]
    found = list(fitted.windows())
    if not found:
        return {}
    most = max(gaps.most for gaps, _ in found)
    rows, chosen, allowed, cities = [], [], [], []
    for gaps, state in found:
        truth = gaps.padded(gaps.truth(state)[:, None], most)[:, :, 0]
        open_ = gaps.padded(np.ones((len(gaps.firm), 1)), most)[:, :, 0] > 0
        told = open_.sum(axis=1) > 1  # one candidate alone says nothing
        rows.append(gaps.padded(gaps.text(state)[:, at], most)[told])
        chosen.append(truth.argmax(axis=1)[told])
        allowed.append(open_[told])
        cities.append(gaps.city[told])
    return _fit(
        list(CHOOSING),
        np.concatenate(rows),
        np.concatenate(chosen),
        np.concatenate(allowed),
        np.concatenate(cities),
    )


def _fit(
    names: Sequence[str],
    x: Floats,
    chosen: Codes,
    allowed: Mask,
    clusters: Codes,
) -> Mapping[str, Learned]:
    """Coefficients of a conditional logit with cluster-robust intervals."""
    at = np.arange(len(chosen))
    counts = np.zeros(allowed.shape)
    counts[at, chosen] = 1.0
    model = choice.fit([x], [counts], 1e-6, allowed=[allowed])
    scaled = model.scale.apply(x)
    p = softmax(np.where(allowed, scaled @ model.weights, -1e9), axis=1)
    mean = np.einsum("nc,nck->nk", p, scaled)
    spread = np.einsum("nc,nck,ncl->kl", p, scaled, scaled, optimize=True) - mean.T @ mean
    scores = scaled[at, chosen] - mean
    of_city = np.zeros((int(clusters.max()) + 1, len(names)))
    np.add.at(of_city, clusters, scores)
    bread = np.linalg.pinv(spread)
    error = np.sqrt(np.maximum(np.diag(bread @ (of_city.T @ of_city) @ bread), 0.0))
    return {
        name: Learned(float(w), float(w - _SURE * e), float(w + _SURE * e))
        for name, w, e in zip(names, model.weights, error, strict=True)
    }


def rules(
    learned: Mapping[str, Learned], given: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Weights for ``rules.toml``: what a group gives to the informed features, shared anew.

    Their sum stays what it is, since the others are not measured; it is divided in proportion to
    coefficients above 0, and one whose interval reaches 0 gets nothing.

    >>> found = {"text": Learned(0.3, 0.2, 0.4), "relatedness": Learned(0.1, 0.05, 0.15),
    ...          "neighbours": Learned(0.2, -0.1, 0.5)}
    >>> given = {"targets": {"text": 0.1, "relatedness": 0.1, "tie": 0.8},
    ...          "landing": {"neighbours": 0.2, "relatedness": 0.1}}
    >>> shared = rules(found, given)
    >>> shared["targets"], shared["landing"]
    ({'text': 0.15, 'relatedness': 0.05}, {'neighbours': 0.0, 'relatedness': 0.3})
    """
    result = {}
    for group, names in INFORMED.items():
        whole = sum(given[group][name] for name in names)
        earned = {name: learned[name].value if learned[name].low > 0 else 0.0 for name in names}
        total = sum(earned.values())
        shared = {n: whole * e / total if total else given[group][n] for n, e in earned.items()}
        result[group] = {name: round(value, 4) for name, value in shared.items()}
    return result
