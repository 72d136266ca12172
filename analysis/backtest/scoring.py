"""Figures of merit for rankings: average precision, hits, reciprocal ranks, bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...graph.chain import Codes, Floats
from .panel import Mask

#: Resamples of the bootstrap, and the share that lies outside its interval.
RESAMPLES, OUTSIDE = 500, 0.05


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
    """Share of positives among the best k (or all, where there are fewer)."""
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


def interval(
    clusters: Codes, figure: Callable[[Codes], float], rng: np.random.Generator
) -> tuple[float, float]:
    """Percentile interval of a figure under resampling of whole clusters (cities).

    Args:
        clusters: Cluster of each observation, shape (n,).
        figure: From positions of the resampled observations to the figure.
        rng: Source of randomness.
    """
    order = np.argsort(clusters, kind="stable")
    names, starts = np.unique(clusters[order], return_index=True)
    members = np.split(order, starts[1:])
    values = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(len(names), size=len(names))
        values.append(figure(np.concatenate([members[i] for i in drawn])))
    low, high = np.quantile(values, [OUTSIDE / 2, 1 - OUTSIDE / 2])
    return float(low), float(high)
