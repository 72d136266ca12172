"""Scores, ranks, and how sure the ranks are.

The score is the sum of weight x feature. How much a rank means is told by drawing again what is not
known: the weights from a Dirichlet distribution around those in force, and every typical size
between a third and three times itself. Draws depend on a fixed seed and on the enterprise's id
alone, so that a gap is ranked alike in whatever list it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...graph.chain import Codes, Floats
from ..economy import Mask
from .candidates import Candidates
from .features import FEATURES, pulled, scaled

#: Draws, their seed, and how closely weights keep to those in force: a weight of 0.18 deviates
#: by 0.05 (sqrt(w (1 - w) / (1 + CONCENTRATION))).
DRAWS, SEED, CONCENTRATION = 200, 20240601, 50.0
#: Typical sizes may be wrong by this factor (as in the robustness of gaps).
FACTOR = 3.0
#: The middle share of draws that an interval of ranks covers.
COVERED = 0.9
#: Two neighbours in the list whose order holds in less than this share of draws are tied.
CERTAIN = 2.0 / 3.0


@dataclass(frozen=True)
class Ranking:
    """Scores and ranks of candidates, (n,) each.

    Attributes:
        values: Features before weighting, 0 where the weight is 0, (n, features).
        weights: Weight of each feature, (features,); they sum to 1.
        score: Their sum of products.
        rank: 1 for the best of its gap; of equal scores the first by id.
        low: Best rank of the middle 90 % of draws, never above the rank.
        high: Worst rank of them, never below the rank.
        tied: Whether its place behind the one before it holds in less than two draws of three.
        order: Positions of the candidates by gap, then rank.
    """

    values: Floats
    weights: Floats
    score: Floats
    rank: Codes
    low: Codes
    high: Codes
    tied: Mask
    order: Codes

    @classmethod
    def of(cls, found: Candidates, weights: Mapping[str, float]) -> Ranking:
        """Rank candidates.

        Args:
            found: The candidates, in the order of their gaps.
            weights: Weight of every feature; they sum to 1.
        """
        weight = np.asarray([weights[name] for name in FEATURES], dtype=np.float64)
        # What counts for nothing is not worked out.
        nothing = np.zeros(len(found))
        values = np.stack(
            [
                feature(found) if weights[name] > 0 else nothing
                for name, (_, feature) in FEATURES.items()
            ],
            axis=1,
        )
        score = (values * weight).sum(axis=1)
        order = np.lexsort((np.arange(len(found)), -score, found.gap))
        rank = _places(order, found.gap)
        drawn = _drawn_scores(found, values, weight)
        low, high = _intervals(drawn, found.gap)
        ahead = np.append(-1, order[:-1])
        same = np.append(False, np.diff(found.gap[order]) == 0)[: len(order)]
        holds = (drawn[:, ahead] > drawn[:, order]).mean(axis=0)
        tied = np.zeros(len(found), dtype=bool)
        tied[order] = same & (holds < CERTAIN)
        return cls(
            values,
            weight,
            score,
            rank,
            np.minimum(low, rank),
            np.maximum(high, rank),
            tied,
            order,
        )


def _places(order: Codes, gap: Codes) -> Codes:
    """Rank of each candidate in its gap, by positions in order of gap and rank, (n,)."""
    count = np.bincount(gap)
    start = np.cumsum(count) - count
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - start[gap[order]] + 1
    return rank


def _drawn_scores(found: Candidates, values: Floats, weight: Floats) -> Floats:
    """Scores in every draw, (DRAWS, n)."""
    names = list(FEATURES)
    gamma = np.random.default_rng(SEED).standard_gamma(CONCENTRATION * weight, (DRAWS, len(names)))
    drawn = gamma / gamma.sum(axis=1, keepdims=True)
    scale, pull = names.index("scale"), names.index("pull")
    output = found.output * np.where(found.imputed, _size_factors(found), 1.0)
    fixed = [at for at in range(len(names)) if at not in (scale, pull)]
    return np.asarray(
        drawn[:, fixed] @ values[:, fixed].T
        + drawn[:, [scale]] * scaled(output, found)
        + drawn[:, [pull]] * pulled(output, found)
    )


def _size_factors(found: Candidates) -> Floats:
    """Factors on typical sizes, log-uniform between 1/3 and 3, (DRAWS, n)."""
    ids = found.economy.graph.text("enterprises", "id")
    who, inverse = np.unique(found.enterprise, return_inverse=True)
    seed = pd.util.hash_array(ids[who].astype(object))
    uniform = _uniform(seed + np.arange(DRAWS, dtype=np.uint64)[:, None])
    return np.asarray(FACTOR ** (2.0 * uniform - 1.0))[:, inverse]


def _uniform(seed: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> Floats:
    """A number in 0..1 for each seed, by SplitMix64 (Steele, Lea & Flood 2014, OOPSLA)."""
    z = seed * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Floats = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53
    return found


def _intervals(drawn: Floats, gap: Codes) -> tuple[Codes, Codes]:
    """Best and worst rank of the middle draws, both (n,)."""
    if not len(gap):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    # Scores lie in 0..1: three apart, the gaps stay in their order.
    order = np.argsort(3.0 * gap - drawn, axis=1, kind="stable")
    count = np.bincount(gap)
    start = (np.cumsum(count) - count)[gap]
    places = np.empty(order.shape, dtype=np.int64)
    np.put_along_axis(places, order, np.arange(order.shape[1])[None, :], axis=1)
    ranks = np.sort(places - start + 1, axis=0)
    edge = round((1.0 - COVERED) / 2.0 * DRAWS)
    return ranks[edge], ranks[DRAWS - 1 - edge]
