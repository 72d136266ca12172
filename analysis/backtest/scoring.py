"""Figures of merit for rankings: average precision, hits, reciprocal ranks, bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...graph.chain import Codes, Floats
from .panel import Mask

#: Resamples of the bootstrap, and the share that lies outside its interval.
RESAMPLES, OUTSIDE = 500, 0.05
#: An interval: its lower and upper end.
Interval = tuple[float, float]


def untied(scores: Floats, rng: np.random.Generator) -> Floats:
    """Scores as ranks with ties broken at random: the larger, the better."""
    order = np.lexsort((rng.random(len(scores)), scores))
    result = np.empty(len(scores))
    result[order] = np.arange(len(scores))
    return result


def average_precision(truth: Mask, scores: Floats) -> float:
    """Mean of the precision at each positive, best first; scores without ties.

    >>> average_precision(np.array([True, False, True]), np.array([3.0, 2.0, 1.0]))
    0.8333333333333333
    """
    hit = truth[np.argsort(-scores, kind="stable")]
    at = np.flatnonzero(hit)
    return float(np.mean(np.arange(1, len(at) + 1) / (at + 1))) if len(at) else 0.0


def precision_at(truth: Mask, scores: Floats, k: int) -> float:
    """Share of positives among the best k (or all, where there are fewer).

    >>> precision_at(np.array([True, False, True]), np.array([3.0, 2.0, 1.0]), 2)
    0.5
    """
    best = np.argsort(-scores, kind="stable")[:k]
    return float(truth[best].mean()) if len(best) else 0.0


def auc(truth: Mask, scores: Floats) -> float:
    """Probability that a positive outranks a negative (Mann-Whitney); scores without ties.

    >>> auc(np.array([True, False, True]), np.array([3.0, 2.0, 1.0]))
    0.5
    """
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return 0.5
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    excess = ranks[truth].sum() - positives * (positives + 1) / 2
    return float(excess / (positives * negatives))


def first_hits(groups: Codes, truth: Mask, scores: Floats) -> tuple[Codes, Codes]:
    """Rank of the best-ranked positive of each group that has one.

    Args:
        groups: Group of each candidate, shape (n,).
        truth: Whether it came true, (n,).
        scores: Without ties, (n,).

    Returns:
        Groups with a positive, and the rank (1 = best) of its first one.
    """
    order = np.lexsort((-scores, groups))
    sorted_groups = groups[order]
    starts = np.r_[0, np.flatnonzero(np.diff(sorted_groups)) + 1]
    rank = np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)])) + 1
    hit = truth[order]
    found, first = np.unique(sorted_groups[hit], return_index=True)
    return found, rank[hit][first]


def rank_of(scores: Floats, truth: Codes, rng: np.random.Generator) -> Codes:
    """Rank (1 = best) of the true column of each row, ties broken at random, shape (n,)."""
    noise = rng.random(scores.shape)
    at = np.arange(len(truth))
    best, own = scores[at, truth][:, None], noise[at, truth][:, None]
    ahead = (scores > best) | ((scores == best) & (noise > own))
    result: Codes = 1 + ahead.sum(axis=1)
    return result


@dataclass(frozen=True)
class Resamples:
    """Resamples of whole clusters (cities), the same for every figure: so differences are paired.

    Attributes:
        clusters: Cluster of each observation, shape (n,).
        seed: Of the resamples.
    """

    clusters: Codes
    seed: int

    @cached_property
    def _position(self) -> Codes:
        result: Codes = np.unique(self.clusters, return_inverse=True)[1]
        return result

    @cached_property
    def _drawn(self) -> Floats:
        """How often each resample holds each cluster, shape (resamples, clusters)."""
        n = int(self._position.max()) + 1 if len(self._position) else 0
        if not n:
            return np.zeros((RESAMPLES, 0))
        rng = np.random.default_rng(self.seed)
        return rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(float)

    def mean(self, values: Floats) -> Floats:
        """Mean of the values (n,) in each resample, shape (resamples,)."""
        clusters = self._drawn.shape[1]
        total = self._drawn @ np.bincount(self._position, weights=values, minlength=clusters)
        size = self._drawn @ np.bincount(self._position, minlength=clusters)
        result: Floats = total / np.maximum(size, 1e-9)
        return result

    def ranked(self, truth: Mask, scores: Floats, k: int) -> tuple[Floats, Floats]:
        """Average precision and precision at k in each resample, each of shape (resamples,)."""
        order = np.argsort(-scores, kind="stable")
        hit, position = truth[order].astype(float), self._position[order]
        ap, best = np.zeros(len(self._drawn)), np.zeros(len(self._drawn))
        if not len(order):
            return ap, best
        for at, drawn in enumerate(self._drawn):
            often = drawn[position]
            seen, found = np.cumsum(often), np.cumsum(often * hit)
            if found[-1] > 0:
                ap[at] = ((often * hit) @ (found / np.maximum(seen, 1.0))) / found[-1]
            last = min(int(np.searchsorted(seen, k)), len(seen) - 1)
            best[at] = found[last] / max(float(seen[last]), 1.0)
        return ap, best


def interval(samples: Floats) -> Interval:
    """Percentile interval of a figure's resamples."""
    low, high = np.quantile(samples, [OUTSIDE / 2, 1 - OUTSIDE / 2])
    return float(low), float(high)
