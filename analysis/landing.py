"""Where inside a region a target should land: the best district for a product, with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy import sparse

from ..graph import regions as geo
from ..graph.chain import Floats
from .gaps import Gaps
from .measures import measure

#: What counts for a landing place, and how much: demand, inputs at hand, makers of the same
#: links, research. Each is 0..1 against the best place of the region.
WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"demand": 0.4, "inputs": 0.25, "neighbours": 0.25, "research": 0.1}
)
_TEXT: Mapping[str, str] = MappingProxyType(
    {
        "demand": "本地需求最集中",
        "inputs": "所需投入较齐",
        "neighbours": "同环节企业较多",
        "research": "有相关科研机构",
    }
)


@dataclass(frozen=True)
class Landing:
    """A landing place.

    Attributes:
        region: Region code: the region itself or one directly below it.
        score: 0..1; 0 where nothing speaks for any place.
        reason: One Chinese sentence.
    """

    region: str
    score: float
    reason: str


def landings(gaps: Gaps) -> dict[str, Landing]:
    """The best landing place for each product of the cluster, by product id.

    Places are the regions directly below; the region itself where it has none, or where no fact
    speaks for any of them.
    """
    scope = gaps.scope
    economy, graph = scope.economy, scope.graph
    places = geo.children(scope.region)
    chain = scope.chain["product"].tolist()
    if not places:
        whole = geo.full_name(scope.region)
        return {p: Landing(scope.region, 0.0, f"{whole}内（没有下一级地区）") for p in chain}
    figures = measure(economy, places, scope.products)
    output = (figures.output > 0).astype(np.float64)
    product, link = scope.links
    # (product, link) pairs as a matrix: products made by link, then others of each product's links.
    member = sparse.csr_array(
        (np.ones(len(link)), (product, link)), shape=(len(chain), len(graph["links"]))
    )
    links_of: Floats = np.asarray(member.sum(axis=1), dtype=np.float64).ravel()
    neighbours = np.asarray((output @ member) @ member.T) - output * links_of
    research = np.zeros(output.shape)
    institute = graph.referred("research", "institute")
    studied = graph.referred("research", "product")
    where = graph.text("institutes", "region")[institute]
    slot = np.full(economy.products, -1, dtype=np.int64)
    slot[scope.products] = np.arange(len(chain))
    for i, place in enumerate(places):
        mine = geo.within(where, place) & (slot[studied] >= 0)
        np.add.at(research[i], slot[studied[mine]], 1.0)
    sides = {
        "demand": figures.demand,
        "inputs": np.nan_to_num(figures.reachable),
        "neighbours": neighbours,
        "research": research,
    }
    parts = {}
    for name, values in sides.items():
        best = values.max(axis=0)
        parts[name] = WEIGHTS[name] * np.where(
            best > 0, values / np.where(best > 0, best, 1.0), 0.0
        )
    total = np.sum(list(parts.values()), axis=0)
    winner = total.argmax(axis=0)  # the first, so the lowest code, of equals
    result = {}
    for at, name in enumerate(chain):
        place, score = places[winner[at]], float(total[winner[at], at])
        if score == 0.0:
            reason = "现有数据不足以区分落地区县"
            result[name] = Landing(scope.region, 0.0, reason)
            continue
        why = [_TEXT[k] for k, v in parts.items() if v[winner[at], at] >= 0.99 * WEIGHTS[k]]
        reason = f"{geo.name(place)}：" + ("、".join(why) or "综合条件最好")
        result[name] = Landing(place, score, reason)
    return result
