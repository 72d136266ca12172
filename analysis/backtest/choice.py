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

from ...graph.chain import Codes, Floats

#: Weight of the squared coefficients (of standardised features) in the loss.
RIDGE = 1e-3


@dataclass(frozen=True)
class Choice:
    """A fitted model: coefficients of features standardised by ``mean`` and ``spread``, (k,)."""

    mean: Floats
    spread: Floats
    weights: Floats

    def log_probability(self, features: Floats) -> Floats:
        """Log probability of each city.

        Args:
            features: Shape (n, C, k).

        Returns:
            Shape (n, C).
        """
        result: Floats = log_softmax(((features - self.mean) / self.spread) @ self.weights, axis=1)
        return result


def fit(features: Sequence[Floats], chosen: Sequence[Codes]) -> Choice:
    """Fit to observed choices by penalised maximum likelihood.

    Args:
        features: One array of shape (n, C, k) per period.
        chosen: City chosen by each of its firms, (n,).
    """
    x = np.concatenate(features)
    y = np.concatenate(chosen)
    flat = x.reshape(-1, x.shape[2])
    mean, spread = flat.mean(axis=0), flat.std(axis=0) + 1e-9
    x = (x - mean) / spread
    at = np.arange(len(y))
    observed = x[at, y].mean(axis=0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        log_p = log_softmax(x @ weights, axis=1)
        expected = np.einsum("nc,nck->k", np.exp(log_p), x, optimize=True) / len(y)
        value = -float(log_p[at, y].mean()) + RIDGE * float(weights @ weights)
        return value, expected - observed + 2 * RIDGE * weights

    start = np.zeros(x.shape[2])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return Choice(mean, spread, np.asarray(found.x, dtype=np.float64))
