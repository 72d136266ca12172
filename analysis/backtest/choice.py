"""Where a new firm settles: a conditional logit over cities (McFadden 1974).

    P(city c | firm f) = exp(w . x[f, c]) / sum over cities c' of exp(w . x[f, c'])

It learns from every placement, also in pairs that already had a maker, and so from several times
more events than a classifier of first entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from ...graph.chain import Floats
from .panel import Mask

#: Weight of the squared coefficients (of standardised features) in the loss.
RIDGE = 1e-2
#: Standard deviations beyond which a feature says no more.
LIMIT = 10.0
#: Added to the utility of what cannot be chosen.
_NEVER = -1e9


@dataclass(frozen=True)
class Scale:
    """What standardises features: their mean and spread, (k,)."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, features: Floats) -> Scale:
        """The scale of features of any shape (..., k); one that never varies is left as it is."""
        flat = features.reshape(-1, features.shape[-1])
        spread = flat.std(axis=0)
        return cls(flat.mean(axis=0), np.where(spread < 1e-6, 1.0, spread))

    def apply(self, features: Floats) -> Floats:
        """Features in standard deviations, none beyond :data:`LIMIT`."""
        result: Floats = np.clip((features - self.mean) / self.spread, -LIMIT, LIMIT)
        return result


@dataclass(frozen=True)
class Choice:
    """A fitted model: coefficients of standardised features, (k,)."""

    scale: Scale
    weights: Floats

    def log_probability(self, features: Floats) -> Floats:
        """Log probability of each city.

        Args:
            features: Shape (n, C, k).

        Returns:
            Shape (n, C).
        """
        result: Floats = log_softmax(self.scale.apply(features) @ self.weights, axis=1)
        return result


def fit(
    features: Sequence[Floats],
    chosen: Sequence[Floats],
    ridge: float = RIDGE,
    allowed: Sequence[Mask] | None = None,
) -> Choice:
    """Fit to observed choices by penalised maximum likelihood.

    Args:
        features: One array of shape (n, C, k) per period; n may differ.
        chosen: How often each city was chosen in each row, (n, C).
        ridge: Weight of the squared coefficients.
        allowed: What could be chosen in each row, (n, C); everything by default.
    """
    kept = [c.sum(axis=1) > 0 for c in chosen]
    x = np.concatenate([f[k] for f, k in zip(features, kept, strict=True)])
    n = np.concatenate([c[k] for c, k in zip(chosen, kept, strict=True)])
    barred = np.zeros(n.shape)
    if allowed is None:
        scale = Scale.of(x)
    else:
        open_ = np.concatenate([a[k] for a, k in zip(allowed, kept, strict=True)])
        barred[~open_] = _NEVER
        scale = Scale.of(x[open_])
    x = scale.apply(x)
    total, often = float(n.sum()), n.sum(axis=1, keepdims=True)
    observed = np.tensordot(n, x, axes=([0, 1], [0, 1])) / total

    def loss(weights: Floats) -> tuple[float, Floats]:
        log_p = log_softmax(x @ weights + barred, axis=1)
        expected = np.tensordot(np.exp(log_p) * often, x, axes=([0, 1], [0, 1])) / total
        value = -float((log_p * n)[n > 0].sum()) / total + ridge * float(weights @ weights)
        return value, expected - observed + 2 * ridge * weights

    start = np.zeros(x.shape[2])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return Choice(scale, np.asarray(found.x, dtype=np.float64))
