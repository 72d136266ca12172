"""Whom to bring in: candidates for each gap, scored by visible parts, with a landing place.

Start here:

- :func:`find_targets` answers; :class:`Wanted` filters (:mod:`.wanted`).
- :mod:`.candidates` gathers who may come for which gap, of all gaps at once.
- :mod:`.features` holds one small function for each part of the score; :mod:`.ties` finds chains to
  the region, :mod:`.texts` reads what enterprises say of themselves.
- :mod:`.ranking` scores, ranks and says how sure the ranks are; :mod:`.facts` explains.

The score is a sum of weighted features; the weights stand in ``graph.rules`` and may be overridden
in rules.toml. What a backtest has measured of them stands in docs/measures.md; the rest is judgement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..gaps import Gaps
from ..landing import Sites, share_out
from ..priority import unmet_cny
from .candidates import Candidates, gather
from .facts import Teller
from .features import FEATURES, PARTS_ZH, WEIGHTS, in_province
from .ranking import Ranking
from .ties import Bonds
from .wanted import WANTED_ZH, Wanted

__all__ = [
    "COLUMNS",
    "FEATURES",
    "PARTS_ZH",
    "PER_GAP",
    "WANTED_ZH",
    "WEIGHTS",
    "Wanted",
    "find_targets",
]

#: Candidates named for each gap unless the caller asks for another number.
PER_GAP = 10

COLUMNS = (
    "product",
    "enterprise",
    "name",
    "from_region",
    "landing",
    "score",
    "parts",
    "weights",
    "facts",
    "path",
    "rank",
    "rank_low",
    "rank_high",
    "tie_with_previous",
    "within_province",
    "neighbour_of",
    "makes",
    "landing_score",
    "landing_parts",
    "landing_others",
)


def find_targets(
    gaps: Gaps,
    products: Sequence[str] | None = None,
    per_gap: int | None = PER_GAP,
    wanted: Wanted | None = None,
    landing: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Ranked candidates for the gaps of a region and cluster.

    Args:
        gaps: The gaps; those with an action are served, in their order.
        products: Ids of products to serve instead, whatever their state.
        per_gap: Most candidates for each gap; None for all.
        wanted: Which enterprises may be candidates.
        landing: The bureau's own weights for landing places, by side (:mod:`analysis.landing`).

    Returns:
        One row per (gap, candidate) with :data:`COLUMNS`, in the order of the gaps, then rank.
        Besides the columns of design section 7: ``rank_low`` and ``rank_high``, the ranks it takes
        in the middle 90 % of draws; ``tie_with_previous``; ``within_province`` (全域协同);
        ``neighbour_of``, the gap's product where the candidate makes only a neighbour of it, else
        None, and ``makes``, the product it makes; ``landing_score``, ``landing_parts`` and
        ``landing_others`` ([{region, score}]).
    """
    scope, economy = gaps.scope, gaps.scope.economy
    table = gaps.table
    chosen = gaps.acting() if products is None else table[table["product"].isin(list(products))]
    at = {name: i for i, name in enumerate(scope.chain["product"])}
    slots = np.asarray([at[p] for p in chosen["product"]], dtype=np.int64)
    bonds = Bonds.of(economy, scope.region)
    found = gather(gaps, slots, unmet_cny(chosen), bonds)
    if wanted is not None:
        found = found.only(wanted.of(economy, scope.region))
    if not len(found):
        return pd.DataFrame([], columns=list(COLUMNS))
    weights = share_out(scope.rules.targets, WEIGHTS)
    ranking = Ranking.of(found, weights)
    shown = ranking.order
    if per_gap is not None:
        shown = shown[ranking.rank[shown] <= per_gap]
    rows = _rows(found, ranking, shown, weights, Sites.of(gaps, landing))
    result = pd.DataFrame(rows, columns=list(COLUMNS))
    # None stays None: no number stands in its place.
    result["neighbour_of"] = pd.Series([row["neighbour_of"] for row in rows], dtype=object)
    return result


def _rows(
    found: Candidates,
    ranking: Ranking,
    shown: np.ndarray[tuple[int], np.dtype[np.int64]],
    weights: Mapping[str, float],
    sites: Sites,
) -> list[dict[str, Any]]:
    graph, bonds = found.economy.graph, found.bonds
    who = found.enterprise[shown]
    products = graph.text("products", "id")
    gap_of = products[found.gaps.scope.products[found.slot]]
    ids, names = graph.text("enterprises", "id"), graph.text("enterprises", "name")
    home, country = graph.text("enterprises", "region"), graph.text("enterprises", "country")
    near = in_province(found)
    places = sites.best(found.slot[shown], bonds.end[who].tolist(), bonds.strength[who])
    teller = Teller(found)
    parts = ranking.values * ranking.weights
    result = []
    for i, e, place in zip(shown.tolist(), who.tolist(), places, strict=True):
        own = dict(zip(FEATURES, parts[i].tolist(), strict=True))
        tie = teller.tie(i)
        result.append(
            {
                "product": str(gap_of[i]),
                "enterprise": str(ids[e]),
                "name": str(names[e]),
                "from_region": str(home[e] or country[e]),
                "landing": place.region,
                "score": float(ranking.score[i]),
                "parts": own,
                "weights": dict(weights),
                "facts": teller.facts(i, own, place),
                "path": [dict(step) for step in tie.path] if tie else [],
                "rank": int(ranking.rank[i]),
                "rank_low": int(ranking.low[i]),
                "rank_high": int(ranking.high[i]),
                "tie_with_previous": bool(ranking.tied[i]),
                "within_province": bool(near[i]),
                "neighbour_of": None if found.closeness[i] == 1.0 else str(gap_of[i]),
                "makes": str(products[found.product[i]]),
                "landing_score": place.score,
                "landing_parts": dict(place.parts),
                "landing_others": [{"region": r, "score": s} for r, s in place.others],
            }
        )
    return result
