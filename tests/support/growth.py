"""How cost grows: measured at three sizes a decade apart, with the exponent of a fitted power law."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence

import numpy as np


def report(sizes: Sequence[float], results: Sequence[Mapping[str, object]], what: str) -> None:
    """Print the results as the last JSON line, and before it the fitted exponents.

    Args:
        sizes: What the cost grows with, smallest first; memory of a process never falls.
        results: One for each size, with ``ours_s`` and ``ours_mb``.
        what: Name of the size.
    """
    for name in ("ours_s", "ours_mb"):
        values = np.log([float(str(result[name])) for result in results])
        exponent = np.polyfit(np.log(sizes), values, 1)[0]
        print(f"{name} grows with {what} to the power {exponent:.2f}", file=sys.stderr)
    print(json.dumps(list(results), ensure_ascii=False))
