"""The protocols, frozen: what is ranked, what counts as true, and what a sceptic would have said.

entry             which absent (city, industry) pairs gain a firm between T0 and the outcome
entry_within_city the same ranking, read inside each city that gained any
placement         given a hidden firm without its name: which city
gap_to_firm       given a pair that did gain: which of the hidden firms of that industry

All absent pairs are candidates; nothing is sampled. Models see firms listed until T0 and learn from
listings before it. Ties are broken at random with the seed, for nulls and models alike. Intervals
resample whole cities. Paired gains compare two rankings in the same resample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph.chain import Codes, Floats
from . import scoring
from .choice import Choice, fit
from .features import CHOICE_NULLS, NULLS, Describer, State
from .panel import Mask, Panel

#: Names of the baselines, always shown, in this order.
BASELINES: Mapping[str, str] = {
    "random": "随机",
    "size": "规模",
    "ubiquity_diversity": "普遍度 × 多样性",
    "momentum": "近期势头",
    "same_industry": "同行业企业数",
    "density": "相关性密度",
    "logistic": "基线特征的逻辑回归",
}
#: Years of listings that the choice of a city learns from, in steps of half a year.
_LEARN_YEARS, _STEP = 8, np.timedelta64(183, "D")
#: Weights of listings a year over 1, 3 and 6 years, and of all firms, in an industry's pace.
_PACE = ((1, 0.3), (3, 0.4), (6, 0.3))
_PACE_ALL, _PACE_ANY = 0.01, 0.05
#: Training windows of the logistic regression, moved back by so many years each.
_WINDOWS = (0, 1, 2)
TOP_CITIES = 6
HIT, BEST = 10, 500


@dataclass(frozen=True)
class Curve:
    """Precision at growing depth of one ranking of the entry protocol."""

    name: str
    depth: tuple[int, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]


@dataclass(frozen=True)
class Backtest:
    """Figures of every protocol, as the JSON states them, and curves of the entry protocol."""

    protocols: dict[str, Any]
    curves: tuple[Curve, ...]


def run(panel: Panel, seed: int) -> Backtest:
    """Run every protocol on a panel.

    Args:
        panel: See :func:`panel.build`.
        seed: Of ties and bootstraps; the same seed gives the same figures.
    """
    describer = Describer(panel)
    state = describer.at(panel.start)
    hidden = panel.new(panel.start, panel.end)
    entry, within, curves = _entry(describer, state, hidden, seed)
    placement, to_firm = _placement(describer, state, hidden, seed)
    return Backtest(
        {
            "entry": entry,
            "entry_within_city": within,
            "placement": placement,
            "gap_to_firm": to_firm,
        },
        curves,
    )


# --- Models ---------------------------------------------------------------------------------------


def _learn(
    describer: Describer, features: Callable[[State, Codes], Floats], until: np.datetime64
) -> Choice | None:
    """The choice of a city, from firms listed in the years before a day; None where there are none."""
    panel = describer.panel
    described, chosen = [], []
    for back in range(round(_LEARN_YEARS * 365 / 183)):
        end = until - back * _STEP
        firms = panel.new(end - _STEP, end)
        firms = firms[panel.here(panel.start)[firms]]
        state = describer.at(end - _STEP)
        if len(firms) and len(state.firms) > 1:
            described.append(features(state, firms))
            chosen.append(panel.city[firms])
    return fit(described, chosen) if described else None


def _of_pairs(state: State, firms: Codes) -> Floats:
    return state.table()[state.describer.panel.industry[firms]]


def _of_null_pairs(state: State, firms: Codes) -> Floats:
    return state.table(CHOICE_NULLS)[state.describer.panel.industry[firms]]


def pace(state: State) -> Floats:
    """Listings a year to expect of each industry, shape (I,)."""
    result: Floats = _PACE_ALL * state.count.sum(axis=0) + _PACE_ANY
    for years, weight in _PACE:
        result += weight * state.recent(years).sum(axis=0) / years
    return result


def entry_scores(describer: Describer, state: State) -> Floats:
    """Log of the firms a year to expect in each pair, shape (C, I): pace x choice of the city."""
    model = _learn(describer, _of_pairs, state.on)
    every = np.arange(len(describer.panel.industries))
    if model is None:
        nothing: Floats = state.pairs["ubiquity_diversity"]
        return nothing
    choice = model.log_probability(state.table()[every]).T
    scores: Floats = choice + np.log(pace(state))
    return scores


def _logistic(describer: Describer, state: State) -> Floats:
    """Logistic regression of first entries on the null features, shape (C, I)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    panel = describer.panel
    horizon = panel.end - panel.start
    x, y = [], []
    for back in _WINDOWS:
        end = state.on - np.timedelta64(365 * back, "D")
        then = describer.at(end - horizon)
        if len(then.firms) < 2:
            continue
        firms = panel.new(end - horizon, end)
        gained = panel.counted(firms[panel.here(panel.start)[firms]]) > 0
        x.append(np.stack([then.pairs[n][then.absent] for n in NULLS], axis=1))
        y.append(gained[then.absent])
    now = np.stack([state.pairs[n] for n in NULLS], axis=2)
    truth = np.concatenate(y) if y else np.zeros(0, dtype=bool)
    if truth.sum() in (0, len(truth)):
        return state.pairs["ubiquity_diversity"]
    scaler = StandardScaler().fit(np.concatenate(x))
    model = LogisticRegression(C=0.3, max_iter=5000).fit(scaler.transform(np.concatenate(x)), truth)
    flat = scaler.transform(now.reshape(-1, len(NULLS)))
    result: Floats = model.decision_function(flat).reshape(now.shape[:2])
    return result


# --- Entry ----------------------------------------------------------------------------------------


def _entry(
    describer: Describer, state: State, hidden: Codes, seed: int
) -> tuple[dict[str, Any], dict[str, Any], tuple[Curve, ...]]:
    panel = describer.panel
    rng = np.random.default_rng(seed)
    absent = state.absent
    city = np.nonzero(absent)[0]
    truth = panel.counted(hidden)[absent] > 0
    pairs = state.pairs
    raw = {
        "random": np.zeros(len(truth)),
        "size": (pairs["city_size"] + pairs["industry_size"])[absent],
        "ubiquity_diversity": pairs["ubiquity_diversity"][absent],
        "momentum": (pairs["city_recent"] + pairs["industry_recent"])[absent],
        # The pair itself is empty by definition; the rest of the province is not.
        "same_industry": pairs["province"][absent],
        "density": pairs["density"][absent],
        "logistic": _logistic(describer, state)[absent],
    }
    scores = {name: scoring.untied(values, rng) for name, values in raw.items()}
    model = scoring.untied(entry_scores(describer, state)[absent], rng)

    def ap(values: Floats) -> Callable[[Codes], float]:
        return lambda at: scoring.average_precision(truth[at], values[at])

    def figures(values: Floats) -> dict[str, Any]:
        return {
            "ap": scoring.average_precision(truth, values),
            "ap_interval": scoring.interval(city, ap(values), np.random.default_rng(seed)),
            "p500": scoring.precision_at(truth, values, BEST),
            "auc": scoring.auc(truth, values),
        }

    def gain(values: Floats) -> dict[str, Any]:
        ours, theirs = ap(model), ap(values)
        paired = scoring.interval(
            city, lambda at: ours(at) - theirs(at), np.random.default_rng(seed)
        )
        every = np.arange(len(truth))
        return {"paired_gain": ours(every) - theirs(every), "paired_gain_interval": paired}

    nulls = {name: {**figures(values), **gain(values)} for name, values in scores.items()}
    entry = {
        **figures(model),
        "base_rate": float(truth.mean()),
        "candidates": len(truth),
        "positives": int(truth.sum()),
        "nulls": nulls,
        "paired_gain": nulls["logistic"]["paired_gain"],
        "paired_gain_interval": nulls["logistic"]["paired_gain_interval"],
    }
    within = _ranks(
        {
            name: scoring.first_hits(city, truth, values)
            for name, values in {"model": model, **scores}.items()
        },
        seed,
    )
    curves = tuple(
        _curve(name, truth, values) for name, values in {"model": model, **scores}.items()
    )
    return entry, within, curves


def _curve(name: str, truth: Mask, scores: Floats) -> Curve:
    hit = np.cumsum(truth[np.argsort(-scores, kind="stable")])
    last = len(truth)
    depth = sorted({min(last, d) for d in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, last)})
    return Curve(
        name,
        tuple(depth),
        tuple(float(hit[d - 1] / d) for d in depth),
        tuple(float(hit[d - 1] / max(int(hit[-1]), 1)) for d in depth),
    )


def _ranks(found: Mapping[str, tuple[Codes, Codes]], seed: int) -> dict[str, Any]:
    """Hits among the best ten and reciprocal ranks, by group, with paired gains."""

    def hit(rank: Codes) -> Floats:
        return (rank <= HIT).astype(float)

    def reciprocal(rank: Codes) -> Floats:
        return 1.0 / rank

    def figures(groups: Codes, rank: Codes) -> dict[str, Any]:
        return {
            "hit10": float(hit(rank).mean()),
            "hit10_interval": _mean_interval(groups, hit(rank), seed),
            "mrr": float(reciprocal(rank).mean()),
            "mrr_interval": _mean_interval(groups, reciprocal(rank), seed),
        }

    ours = found["model"]
    nulls = {}
    for name, (groups, rank) in found.items():
        if name == "model":
            continue
        difference = reciprocal(ours[1]) - reciprocal(rank)
        nulls[name] = {
            **figures(groups, rank),
            "paired_gain": float(difference.mean()),
            "paired_gain_interval": _mean_interval(groups, difference, seed),
        }
    return {
        **figures(*ours),
        "groups": len(ours[0]),
        "nulls": nulls,
        "paired_gain": nulls["logistic"]["paired_gain"],
        "paired_gain_interval": nulls["logistic"]["paired_gain_interval"],
    }


def _mean_interval(groups: Codes, values: Floats, seed: int) -> tuple[float, float]:
    return scoring.interval(
        groups, lambda at: float(values[at].mean()), np.random.default_rng(seed)
    )


# --- Placement and gap to firm --------------------------------------------------------------------


def _placement(
    describer: Describer, state: State, hidden: Codes, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    panel = describer.panel
    rng = np.random.default_rng(seed)
    truth = panel.city[hidden]
    pairs, industry = state.pairs, panel.industry[hidden]
    cities = len(panel.cities)

    def of_city(name: str) -> Floats:
        return pairs[name][:, industry].T

    own = _learn(describer, State.of_firms, state.on)
    plain = _learn(describer, _of_null_pairs, state.on)
    size = of_city("city_size")
    log_p = size if own is None else own.log_probability(state.of_firms(hidden))
    raw = {
        "model": log_p,
        "random": np.zeros(size.shape),
        "size": size,
        "ubiquity_diversity": of_city("ubiquity_diversity"),
        "momentum": of_city("city_recent"),
        "same_industry": of_city("own") + 1e-6 * size,
        "density": of_city("density"),
        "logistic": size if plain is None else plain.log_probability(_of_null_pairs(state, hidden)),
    }
    ranks = {name: _rank_of(values, truth, rng) for name, values in raw.items()}
    largest = np.argsort(-state.count.sum(axis=1), kind="stable")[:TOP_CITIES]
    outside = ~np.isin(truth, largest)
    result = _ranks({name: (truth, rank) for name, rank in ranks.items()}, seed)
    result["firms"], result["outside_top6"] = len(hidden), int(outside.sum())
    for name, rank in ranks.items():
        target = result if name == "model" else result["nulls"][name]
        near = (rank[outside] <= HIT).astype(float)
        target["hit10_outside_top6"] = float(near.mean()) if len(near) else None
        target["hit10_outside_top6_interval"] = (
            _mean_interval(truth[outside], near, seed) if len(near) else None
        )
    return result, _gap_to_firm(describer, state, hidden, log_p, cities, seed)


def _rank_of(scores: Floats, truth: Codes, rng: np.random.Generator) -> Codes:
    """Rank (1 = best) of the true column of each row, ties broken at random."""
    noise = rng.random(scores.shape)
    at = np.arange(len(truth))
    best, own = scores[at, truth][:, None], noise[at, truth][:, None]
    ahead = (scores > best) | ((scores == best) & (noise > own))
    result: Codes = 1 + ahead.sum(axis=1)
    return result


def _gap_to_firm(
    describer: Describer, state: State, hidden: Codes, log_p: Floats, cities: int, seed: int
) -> dict[str, Any]:
    """For each pair that gained: rank the hidden firms of its industry."""
    panel = describer.panel
    city, industry = panel.city[hidden], panel.industry[hidden]
    first = state.absent[city, industry]
    gained = np.unique(city[first] * np.int64(len(panel.industries)) + industry[first])
    group, firm = [], []
    for at, pair in enumerate(gained.tolist()):
        own = np.flatnonzero(industry == pair % len(panel.industries))
        group.append(np.full(len(own), at))
        firm.append(own)
    groups, firms = np.concatenate(group), np.concatenate(firm)
    where = gained[groups] // len(panel.industries)
    truth = city[firms] == where
    vectors = describer.vectors.astype(np.float64)
    centre = np.zeros((cities, vectors.shape[1]))
    np.add.at(centre, panel.city[state.firms], vectors[state.firms])
    centre /= np.linalg.norm(centre, axis=1, keepdims=True) + 1e-9
    rng = np.random.default_rng(seed)
    age = -panel.listed[hidden].astype("datetime64[D]").astype(np.int64).astype(float)
    constant = np.zeros(len(groups))
    raw = {
        "model": log_p[firms, where],
        "random": constant,
        # What describes a pair is the same for all firms of its industry, so these do not tell them
        # apart: they are random here, and are shown all the same.
        **{name: constant for name in BASELINES if name not in ("random", "momentum")},
        "momentum": age[firms],
        "text": (vectors[hidden[firms]] * centre[where]).sum(axis=1),
    }
    found = {}
    for name, values in raw.items():
        gap, rank = scoring.first_hits(groups, truth, scoring.untied(values, rng))
        found[name] = (gained[gap] // len(panel.industries), rank)
    result = _ranks(found, seed)
    result["gaps"] = result.pop("groups")
    return result
