"""Finding nodes by what people type."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analysis.web import Web
from ..graph.chain import Codes


def find_nodes(web: Web, text: str, limit: int = 20) -> Codes:
    """Numbers of the nodes that a text means, the best first.

    The whole name or id comes before a beginning, that before a part; of equals the one with more
    lines comes first.

    Args:
        web: The graph.
        text: Name, alias, id or a part of one.
        limit: Most nodes.
    """
    wanted = text.strip().lower()
    if not wanted or not len(web):
        return np.zeros(0, dtype=np.int64)
    score = np.zeros(len(web), dtype=np.int64)
    for values, worth in ((web.name, 1), (web.id, 0)):
        lower = pd.Series(values, dtype="str").str.lower()
        held = lower.str.contains(wanted, regex=False).to_numpy(dtype=np.bool_)
        near = np.flatnonzero(held)
        begins = lower.iloc[near].str.startswith(wanted).to_numpy(dtype=np.bool_)
        whole = (lower.iloc[near] == wanted).to_numpy(dtype=np.bool_)
        score[near] = np.maximum(score[near], 1 + worth + 2 * begins + 4 * whole)
    found = np.flatnonzero(score)
    order = np.lexsort((found, -web.degree[found], -score[found]))
    chosen: Codes = found[order][:limit]
    return chosen
