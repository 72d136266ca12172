"""Logistic regression by Newton's method: the null that all other features must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ...graph.chain import Floats
from .choice import Scale
from .panel import Mask

#: Inverse of the penalty on squared coefficients, as scikit-learn counts it.
STRENGTH = 0.3
_STEPS, _CLOSE = 50, 1e-10


@dataclass(frozen=True)
class Logistic:
    """A fitted model: coefficients of standardised features, and the constant."""

    scale: Scale
    weights: Floats
    constant: float

    def score(self, features: Floats) -> Floats:
        """Log odds, shape (...) for features of shape (..., k)."""
        result: Floats = self.scale.apply(features) @ self.weights + self.constant
        return result


def fit(features: Floats, truth: Mask, strength: float = STRENGTH) -> Logistic:
    """Fit by penalised maximum likelihood; the constant is not penalised.

    Args:
        features: Shape (n, k).
        truth: Shape (n,), neither all true nor all false.
        strength: The larger, the less the coefficients are held back.
    """
    scale = Scale.of(features)
    x = np.column_stack([scale.apply(features), np.ones(len(features))])
    y = truth.astype(float)
    penalty = np.full(x.shape[1], 1 / strength)
    penalty[-1] = 0.0
    weights = np.zeros(x.shape[1])
    share = y.mean()
    weights[-1] = np.log(share / (1 - share))

    def loss(at: Floats) -> float:
        z = x @ at
        return float(np.logaddexp(0, z).sum() - y @ z + (penalty * at) @ at / 2)

    value = loss(weights)
    for _ in range(_STEPS):
        p = expit(x @ weights)
        gradient = x.T @ (p - y) + penalty * weights
        curvature = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while (new := loss(weights - size * step)) > value and size > 1e-6:
            size /= 2
        weights = weights - size * step
        if value - new < _CLOSE * max(1.0, abs(value)):
            break
        value = new
    return Logistic(scale, weights[:-1], float(weights[-1]))
