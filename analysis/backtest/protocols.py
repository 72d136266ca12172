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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ...graph.chain import Codes, Floats
from . import scoring
from .features import Describer, State
from .invariance import features_of_outcome
from .models import Gaps, Models
from .panel import Mask, Panel
from .scoring import Resamples
from .weights import learned_weights

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
#: A further one of the last protocol: likeness of the firm's text and the city's firms.
TEXT = "text"
#: The strictest null, to which the gains named at the top of a protocol refer.
STRICTEST = "logistic"
TOP_CITIES = 6
HIT, BEST = 10, 500
#: Weight of the choice of a city beside the choice of a firm, where a firm is sought for a gap.
_PLACEMENT_SHARE = 0.5
#: Best-ranked pairs that are listed with what became of them.
SHOWN = 25


@dataclass(frozen=True)
class Curve:
    """How one ranking does at growing depth.

    Attributes:
        protocol: Which protocol.
        name: ``model`` or a baseline.
        depth: Candidates looked at, best first.
        precision: Share that came true; share of groups with a hit where they are ranked inside.
        recall: Share of all that came true which is found.
    """

    protocol: str
    name: str
    depth: tuple[int, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]


@dataclass(frozen=True)
class Backtest:
    """What the JSON states.

    Attributes:
        protocols: Figures of every protocol.
        curves: Precision, recall and hits at growing depth.
        best: The best-ranked pairs of the entry protocol: city, industry and firms that came.
        relocation: How well moves of firms that were there already are predicted: not at all.
        weights: What placements say about weights of targets and landing, see :mod:`.weights`.
        leakage: Every check of the panel and of the features.
        counts: What was used and what was left out.
    """

    protocols: dict[str, Any]
    curves: tuple[Curve, ...]
    best: tuple[Mapping[str, object], ...]
    relocation: Mapping[str, Any]
    weights: Mapping[str, Any]
    leakage: tuple[Mapping[str, object], ...]
    counts: Mapping[str, int]


def run(panel: Panel, seed: int) -> Backtest:
    """Run every protocol on a panel.

    Args:
        panel: See :func:`panel.build`.
        seed: Of ties and bootstraps; the same seed gives the same figures.
    """
    # On one thread sums are added in one order: the same figures to the last digit.
    with threadpool_limits(1):
        return _run(panel, seed)


def _run(panel: Panel, seed: int) -> Backtest:
    state = Describer(panel).at(panel.start)
    fitted = Models(state)
    hidden = panel.new(panel.start, panel.end)
    entry = _Entry(fitted, hidden, seed)
    placement = _Placement(fitted, hidden, seed)
    to_firm, firm_curves = _gap_to_firm(fitted, hidden, placement.scores["model"], seed)
    return Backtest(
        {
            "entry": entry.figures(),
            "entry_within_city": entry.within_city(),
            "placement": placement.figures(),
            "gap_to_firm": to_firm,
        },
        (*entry.curves(), *placement.curves(), *firm_curves),
        entry.best(),
        _relocation(fitted, seed),
        learned_weights(fitted),
        (*panel.leakage, features_of_outcome(panel, state)),
        {**panel.counts, **_unseen(state, hidden)},
    )


def _unseen(state: State, hidden: Codes) -> Mapping[str, int]:
    """Hidden firms in cities and industries without any firm at T0, which nothing could foresee."""
    panel = state.describer.panel
    return {
        "new_firms_in_unseen_cities": int((state.count.sum(axis=1)[panel.city[hidden]] == 0).sum()),
        "new_firms_in_unseen_industries": int(
            (state.count.sum(axis=0)[panel.industry[hidden]] == 0).sum()
        ),
    }


# --- Entry ----------------------------------------------------------------------------------------


class _Entry:
    """The entry protocol: absent pairs, what came true, and every ranking of them."""

    def __init__(self, fitted: Models, hidden: Codes, seed: int) -> None:
        state = fitted.state
        panel = state.describer.panel
        self.panel, self.absent, self.seed = panel, state.absent, seed
        self.came = panel.counted(hidden)
        self.city = np.nonzero(self.absent)[0]
        self.truth: Mask = self.came[self.absent] > 0
        pairs = state.pairs
        raw = {
            "model": fitted.entry_scores(),
            "random": np.zeros(self.absent.shape),
            "size": pairs["city_size"] + pairs["industry_size"],
            "ubiquity_diversity": pairs["ubiquity_diversity"],
            "momentum": pairs["city_recent"] + pairs["industry_recent"],
            # The pair itself is empty by definition; the rest of the province is not.
            "same_industry": pairs["province"],
            "density": pairs["density"],
            "logistic": fitted.logistic(),
        }
        rng = np.random.default_rng(seed)
        self.scores = {
            name: scoring.untied(values[self.absent], rng) for name, values in raw.items()
        }

    def figures(self) -> dict[str, Any]:
        """Average precision and precision at 500 of the model and of every null."""
        resamples = Resamples(self.city, self.seed)
        found: dict[str, dict[str, Any]] = {}
        samples: dict[str, tuple[Floats, Floats]] = {}
        for name, values in self.scores.items():
            samples[name] = resamples.ranked(self.truth, values, BEST)
            ap, best = samples[name]
            found[name] = {
                "ap": scoring.average_precision(self.truth, values),
                "ap_interval": scoring.interval(ap),
                "p500": scoring.precision_at(self.truth, values, BEST),
                "p500_interval": scoring.interval(best),
                "auc": scoring.auc(self.truth, values),
            }
        ours = found.pop("model")
        for name, null in found.items():
            null["paired_gain"] = ours["ap"] - null["ap"]
            null["paired_gain_interval"] = scoring.interval(samples["model"][0] - samples[name][0])
            null["paired_gain_p500"] = ours["p500"] - null["p500"]
            null["paired_gain_p500_interval"] = scoring.interval(
                samples["model"][1] - samples[name][1]
            )
        return {
            **ours,
            "base_rate": float(self.truth.mean()) if len(self.truth) else 0.0,
            "candidates": len(self.truth),
            "positives": int(self.truth.sum()),
            "nulls": found,
            **_strictest(found),
        }

    def within_city(self) -> dict[str, Any]:
        """Rank of the first pair that came true inside each city that gained any."""
        ranks = {
            name: scoring.first_hits(self.city, self.truth, values)
            for name, values in self.scores.items()
        }
        result = _ranks(ranks, self.seed)
        cities = result.pop("groups")
        rate = [float(self.truth[self.city == c].mean()) for c in ranks["model"][0].tolist()]
        return {**result, "cities": cities, "base_rate": float(np.mean(rate)) if rate else 0.0}

    def curves(self) -> list[Curve]:
        """Precision and recall at growing depth, and hits inside cities."""
        found = []
        for name, values in self.scores.items():
            hit = np.cumsum(self.truth[np.argsort(-values, kind="stable")])
            depth = _depths(len(hit))
            found.append(
                Curve(
                    "entry",
                    name,
                    depth,
                    tuple(float(hit[d - 1] / d) for d in depth),
                    tuple(float(hit[d - 1] / max(int(hit[-1]), 1)) for d in depth),
                )
            )
            _, rank = scoring.first_hits(self.city, self.truth, values)
            found.append(_hits("entry_within_city", name, rank))
        return found

    def best(self) -> tuple[Mapping[str, object], ...]:
        """The best-ranked pairs, and how many firms came."""
        pairs = np.argwhere(self.absent)[np.argsort(-self.scores["model"], kind="stable")[:SHOWN]]
        return tuple(
            {
                "rank": at,
                "city": self.panel.cities[city],
                "industry": self.panel.industries[industry],
                "came": int(self.came[city, industry]),
            }
            for at, (city, industry) in enumerate(pairs.tolist(), 1)
        )


def _depths(most: int) -> tuple[int, ...]:
    wanted = (10, 20, 50, 100, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 10000, most)
    return tuple(sorted({min(most, d) for d in wanted if most}))


def _hits(protocol: str, name: str, rank: Codes) -> Curve:
    """Share of groups with a hit among the best 1, 2, ... 20."""
    depth = tuple(range(1, 21))
    share = tuple(float((rank <= d).mean()) if len(rank) else 0.0 for d in depth)
    return Curve(protocol, name, depth, share, share)


def _strictest(nulls: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The gains over the strictest null, as a protocol states them at its top."""
    return {k: v for k, v in nulls[STRICTEST].items() if k.startswith("paired_gain")}


def _ranks(found: Mapping[str, tuple[Codes, Codes]], seed: int) -> dict[str, Any]:
    """Hits among the best ten and reciprocal ranks, by group, with paired gains.

    Args:
        found: City of each group, which is what is resampled, and the rank of its first hit.
        seed: Of the resamples.
    """
    resamples = Resamples(found["model"][0], seed)
    values = {
        name: {"mrr": 1.0 / rank, "hit10": (rank <= HIT).astype(float)}
        for name, (_, rank) in found.items()
    }

    def figures(name: str) -> dict[str, Any]:
        return {
            key: figure
            for what, given in values[name].items()
            for key, figure in _mean(what, given, resamples).items()
        }

    nulls = {}
    for name in values:
        if name != "model":
            gains = {what: values["model"][what] - values[name][what] for what in ("mrr", "hit10")}
            nulls[name] = {
                **figures(name),
                **_mean("paired_gain", gains["mrr"], resamples),
                **_mean("paired_gain_hit10", gains["hit10"], resamples),
            }
    return {
        **figures("model"),
        "groups": len(found["model"][0]),
        "nulls": nulls,
        **_strictest(nulls),
    }


def _mean(name: str, values: Floats, resamples: Resamples) -> dict[str, Any]:
    """A mean and its interval; null where there is nothing to average."""
    if not len(values):
        return {name: None, f"{name}_interval": None}
    return {
        name: float(values.mean()),
        f"{name}_interval": scoring.interval(resamples.mean(values)),
    }


# --- Placement ------------------------------------------------------------------------------------


class _Placement:
    """The placement protocol: a hidden firm's city, from its name-blind text and its industry."""

    def __init__(self, fitted: Models, hidden: Codes, seed: int) -> None:
        state = fitted.state
        panel = state.describer.panel
        self.seed, self.hidden = seed, hidden
        self.truth = panel.city[hidden]
        pairs, industry = state.pairs, panel.industry[hidden]

        def of_city(name: str) -> Floats:
            return pairs[name][:, industry].T

        size = of_city("city_size")
        model = fitted.firm_scores(hidden)
        plain = fitted.plain_scores(hidden)
        self.scores = {
            "model": size if model is None else model,
            "random": np.zeros(size.shape),
            "size": size,
            "ubiquity_diversity": of_city("ubiquity_diversity"),
            "momentum": of_city("city_recent"),
            "same_industry": of_city("own") + 1e-6 * size,
            "density": of_city("density"),
            "logistic": size if plain is None else plain,
        }
        rng = np.random.default_rng(seed)
        self.ranks = {
            name: scoring.rank_of(values, self.truth, rng) for name, values in self.scores.items()
        }
        largest = np.argsort(-state.count.sum(axis=1), kind="stable")[:TOP_CITIES]
        self.outside = ~np.isin(self.truth, largest)
        self.cities = len(panel.cities)

    def figures(self) -> dict[str, Any]:
        """Reciprocal rank of the true city, and hits outside the six largest cities."""
        result = _ranks({name: (self.truth, rank) for name, rank in self.ranks.items()}, self.seed)
        result["firms"] = result.pop("groups")
        result["outside_top6"] = int(self.outside.sum())
        result["base_rate"] = min(1.0, HIT / self.cities)
        resamples = Resamples(self.truth[self.outside], self.seed)
        hits = {
            name: (rank[self.outside] <= HIT).astype(float) for name, rank in self.ranks.items()
        }
        result |= _mean("hit10_outside_top6", hits["model"], resamples)
        for name, null in result["nulls"].items():
            gain = hits["model"] - hits[name]
            null |= _mean("hit10_outside_top6", hits[name], resamples)
            null |= _mean("paired_gain_outside_top6", gain, resamples)
        return {**result, **_strictest(result["nulls"])}

    def curves(self) -> list[Curve]:
        """Share of firms whose city is among the best 1, 2, ... 20."""
        return [_hits("placement", name, rank) for name, rank in self.ranks.items()]


# --- Gap to firm ----------------------------------------------------------------------------------


def _gap_to_firm(
    fitted: Models, hidden: Codes, placed: Floats, seed: int
) -> tuple[dict[str, Any], list[Curve]]:
    """For each pair that did gain: rank the hidden firms of its industry."""
    state = fitted.state
    panel = state.describer.panel
    gaps = Gaps.of(state, hidden)
    constant = np.zeros(len(gaps.firm))
    where = gaps.city[gaps.group]
    # Positions of hidden firms are in order.
    choice = placed[np.searchsorted(hidden, gaps.firm), where]
    learned = fitted.gap_scores(gaps)
    vectors = state.describer.vectors.astype(np.float64)
    centre = np.zeros((len(panel.cities), vectors.shape[1]))
    np.add.at(centre, panel.city[state.firms], vectors[state.firms])
    centre /= np.linalg.norm(centre, axis=1, keepdims=True) + 1e-9
    youth = panel.set_up[gaps.firm]
    raw = {
        "model": learned + _PLACEMENT_SHARE * choice,
        # What describes a pair is the same for all firms of its industry, so these do not tell them
        # apart: they are random here, and are shown all the same.
        **{name: constant for name in BASELINES if name != "momentum"},
        # The youngest firm first, where the day it was set up is known.
        "momentum": np.where(np.isnan(youth), np.nanmean([*youth, 0.0]), youth),
        TEXT: (vectors[gaps.firm] * centre[where]).sum(axis=1),
    }
    rng = np.random.default_rng(seed)
    truth = gaps.truth(state)
    ranks = {}
    for name, values in raw.items():
        gap, rank = scoring.first_hits(gaps.group, truth, scoring.untied(values, rng))
        ranks[name] = (gaps.city[gap], rank)
    result = _ranks(ranks, seed)
    result["gaps"] = result.pop("groups")
    result["candidates"] = len(gaps.firm)
    result["base_rate"] = float(truth.mean()) if len(truth) else 0.0
    return result, [_hits("gap_to_firm", name, rank) for name, (_, rank) in ranks.items()]


# --- Relocation -----------------------------------------------------------------------------------


def _relocation(fitted: Models, seed: int) -> Mapping[str, Any]:
    """Firms of T0 that another snapshot shows elsewhere, ranked by how unusual their city is."""
    state, model = fitted.state, fitted.city
    panel = state.describer.panel
    firms = state.firms[panel.moved[state.firms] >= 0]
    truth = panel.moved[firms] == 1
    usual = state.pairs["own"] if model is None else model.log_probability(state.table()).T
    scores = scoring.untied(
        -usual[panel.city[firms], panel.industry[firms]], np.random.default_rng(seed)
    )
    return {
        "firms": len(firms),
        "relocated": int(truth.sum()),
        "ap": scoring.average_precision(truth, scores),
        "base_rate": float(truth.mean()) if len(truth) else 0.0,
    }
