"""Whom to bring in: candidates for each gap, scored by visible parts, with a landing place.

A candidate makes the product outside the region, in China or abroad, and neither sits in the region
nor makes the product there already. The score is a sum of weighted features, each a small function;
the weights are judgement, and are shown with every target. How well such a ranking works is for a
backtest to say; until there is one the ranking claims no more than its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from ..graph import regions as geo
from ..graph.chain import Codes, Floats
from ..graph.schema import LABELS
from .economy import Mask, sums
from .gaps import Gaps
from .landing import Landing, landings
from .priority import unmet_cny

#: Candidates named for each gap unless the caller asks for another number.
PER_GAP = 10


@dataclass(frozen=True)
class Tie:
    """How a candidate is tied to the region.

    Attributes:
        strength: 0..1.
        text: The tie in one Chinese sentence.
        path: Steps {from, edge, to} with names, from the candidate to the region.
    """

    strength: float
    text: str
    path: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Candidates:
    """Candidates for one gap, arrays of shape (n,) over enterprises.

    Attributes:
        gaps: The answer the gap stands in.
        product: Id of the product.
        enterprise: Positions of the candidates.
        output: Their output of the product outside the region (CNY).
        unmet: Unmet local demand for it (CNY), one number.
        ties: Ties to the region by enterprise position.
    """

    gaps: Gaps
    product: str
    enterprise: Codes
    output: Floats
    unmet: float
    ties: Mapping[int, Tie] = field(default_factory=dict)


def fit(c: Candidates) -> Floats:
    """Share of the product in the candidate's output."""
    economy = c.gaps.scope.economy
    whole = sums(economy.enterprise, economy.output, len(economy.size))
    return np.clip(c.output / whole[c.enterprise], 0.0, 1.0)


def scale(c: Candidates) -> Floats:
    """Output of the product against the median candidate: y / (y + median)."""
    return c.output / (c.output + np.median(c.output))


def standing(c: Candidates) -> Floats:
    """Best label: leading or champion 1, little giant 0.8, listed 0.6, specialised 0.5, other."""
    worth = {
        "leading": 1.0,
        "champion": 1.0,
        "little_giant": 0.8,
        "listed": 0.6,
        "specialised": 0.5,
        "high_tech": 0.3,
    }
    graph = c.gaps.scope.graph
    best = np.zeros(len(graph["enterprises"]))
    rows, labels = graph.listed("enterprises", "labels")
    np.maximum.at(best, rows, np.asarray([worth[x] for x in labels.tolist()], dtype=np.float64))
    return best[c.enterprise]


def ties(c: Candidates) -> Floats:
    """Strength of the closest tie to the region, 0 where there is none on record."""
    return np.asarray([c.ties[e].strength if e in c.ties else 0.0 for e in c.enterprise.tolist()])


def pull(c: Candidates) -> Floats:
    """Unmet local demand against the candidate's own output of the product: min(1, unmet / y)."""
    return np.minimum(1.0, c.unmet / c.output)


def nearness(c: Candidates) -> Floats:
    """Same province 1 (全域协同), elsewhere in China 0.5, abroad 0."""
    economy = c.gaps.scope.economy
    home = economy.graph.text("enterprises", "region")[c.enterprise]
    same = geo.within(home, geo.province(c.gaps.scope.region))
    if geo.level(c.gaps.scope.region) in ("country", "province"):
        same = np.zeros(len(home), dtype=bool)
    chinese = (home != "") | (economy.graph.text("enterprises", "country")[c.enterprise] == "CN")
    return np.where(same, 1.0, np.where(chinese, 0.5, 0.0))


def footprint(c: Candidates) -> Floats:
    """Readiness to expand: cities it has plants in beyond the first, three or more counting 1."""
    economy = c.gaps.scope.economy
    active = (economy.output > 0) & (economy.region != "")
    city = geo.at_level(economy.region[active], "city")
    pairs = pd.DataFrame({"e": economy.enterprise[active], "city": city}).drop_duplicates()
    cities = np.bincount(pairs["e"], minlength=len(economy.size))
    return np.clip((cities[c.enterprise] - 1) / 3.0, 0.0, 1.0)


Feature = Callable[[Candidates], Floats]

FEATURES: tuple[tuple[str, str, Feature, float], ...] = (
    ("fit", "业务契合", fit, 0.2),
    ("scale", "规模", scale, 0.2),
    ("tie", "与本地的联系", ties, 0.2),
    ("pull", "本地需求拉力", pull, 0.15),
    ("standing", "资质", standing, 0.1),
    ("nearness", "区位", nearness, 0.1),
    ("footprint", "扩张意愿（异地布局）", footprint, 0.05),
)
WEIGHTS: Mapping[str, float] = MappingProxyType({name: w for name, _, _, w in FEATURES})
PARTS_ZH: Mapping[str, str] = MappingProxyType({name: zh for name, zh, _, _ in FEATURES})

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
)


def find_targets(
    gaps: Gaps, products: Sequence[str] | None = None, per_gap: int | None = PER_GAP
) -> pd.DataFrame:
    """Ranked candidates for the gaps of a region and cluster.

    Args:
        gaps: The gaps; those with an action are served, in their order.
        products: Ids of products to serve instead, whatever their state.
        per_gap: Most candidates for each gap; None for all.

    Returns:
        One row per (gap, candidate) with :data:`COLUMNS`, in the order of the gaps, then rank.
    """
    scope, economy = gaps.scope, gaps.scope.economy
    table = gaps.table
    chosen = gaps.acting() if products is None else table[table["product"].isin(list(products))]
    bonds = local_ties(gaps)
    places = landings(gaps)
    at = dict(zip(scope.chain["product"], scope.products.tolist(), strict=True))
    making = np.flatnonzero(economy.output > 0)
    by_product = making[np.argsort(economy.product[making], kind="stable")]
    bounds = np.searchsorted(economy.product[by_product], np.arange(economy.products + 1))
    local = geo.within(economy.graph.text("enterprises", "region"), scope.region)
    result: list[dict[str, Any]] = []
    for product, unmet in zip(chosen["product"], unmet_cny(chosen), strict=True):
        p = at[product]
        rows = by_product[bounds[p] : bounds[p + 1]]
        found = _candidates(gaps, product, rows, local, float(unmet), bonds)
        if len(found.enterprise):
            result += _ranked(found, places[product], per_gap)
    return pd.DataFrame(result, columns=list(COLUMNS))


def _candidates(
    gaps: Gaps,
    product: str,
    rows: Codes,
    local: Mask,
    unmet: float,
    bonds: Mapping[int, Tie],
) -> Candidates:
    economy = gaps.scope.economy
    inside = geo.within(economy.region[rows], gaps.scope.region)
    here = np.unique(economy.enterprise[rows[inside]])
    outside = rows[~inside]
    makers, inverse = np.unique(economy.enterprise[outside], return_inverse=True)
    output = sums(inverse, economy.output[outside], len(makers))
    keep = ~local[makers] & ~np.isin(makers, here)
    return Candidates(gaps, product, makers[keep], output[keep], unmet, bonds)


def _ranked(found: Candidates, landing: Landing, per_gap: int | None) -> list[dict[str, Any]]:
    graph = found.gaps.scope.graph
    parts = {name: weight * feature(found) for name, _, feature, weight in FEATURES}
    score = np.sum(list(parts.values()), axis=0)
    ids = graph.text("enterprises", "id")[found.enterprise]
    order = np.lexsort((ids, -score))[:per_gap]
    names = graph.text("enterprises", "name")
    home = graph.text("enterprises", "region")
    country = graph.text("enterprises", "country")
    result = []
    for rank, i in enumerate(order.tolist(), 1):
        e = int(found.enterprise[i])
        own = {name: float(values[i]) for name, values in parts.items()}
        bond = found.ties.get(e)
        result.append(
            {
                "product": found.product,
                "enterprise": str(ids[i]),
                "name": str(names[e]),
                "from_region": str(home[e] or country[e]),
                "landing": landing.region,
                "score": sum(own.values()),
                "parts": own,
                "weights": dict(WEIGHTS),
                "facts": _facts(found, e, float(found.output[i]), landing),
                "path": [dict(step) for step in bond.path] if bond else [],
                "rank": rank,
            }
        )
    return result


def _facts(found: Candidates, e: int, output: float, landing: Landing) -> list[dict[str, Any]]:
    """What each part rests on: {part, text, source, as_of}."""
    scope = found.gaps.scope
    graph, economy = scope.graph, scope.economy
    enterprise = graph["enterprises"].iloc[e]
    source = "" if pd.isna(enterprise["source"]) else str(enterprise["source"])
    as_of = "" if pd.isna(enterprise["as_of"]) else str(enterprise["as_of"])
    facts = []

    def add(part: str, text: str) -> None:
        facts.append({"part": part, "text": text, "source": source, "as_of": as_of})

    basis = "按典型规模估算" if economy.imputed[e] else "按已知营业收入"
    add("scale", f"该产品年产出约 {output / 1e8:.2f} 亿元（{basis}）")
    labels = [LABELS[x] for x in str(graph.text("enterprises", "labels")[e]).split(";") if x]
    if labels:
        add("standing", "、".join(labels))
    if e in found.ties:
        add("tie", found.ties[e].text)
    add("pull", f"本地未满足需求约 {found.unmet / 1e8:.2f} 亿元")
    facts.append({"part": "landing", "text": landing.reason, "source": "", "as_of": ""})
    return facts


def local_ties(gaps: Gaps) -> dict[int, Tie]:
    """The closest tie of each outside enterprise to the region, of at most two steps.

    A plant here, a deal with a local enterprise, a holding here, a partner institute here, or a
    sister company here; the strongest one is kept.
    """
    scope, economy = gaps.scope, gaps.scope.economy
    graph, region = scope.graph, scope.region
    names = graph.text("enterprises", "name")
    home = geo.within(graph.text("enterprises", "region"), region)
    plant_here = np.unique(
        economy.enterprise[geo.within(economy.region, region) & (economy.output > 0)]
    )
    local = home.copy()
    local[plant_here] = True
    found: dict[int, Tie] = {}
    place = geo.name(region)

    def offer(e: int, strength: float, text: str, *steps: tuple[str, str, str]) -> None:
        if not home[e] and (e not in found or found[e].strength < strength):
            path = tuple({"from": a, "edge": edge, "to": b} for a, edge, b in steps)
            found[e] = Tie(strength, text, path)

    for e in plant_here.tolist():
        offer(e, 1.0, f"已在{place}设厂", (str(names[e]), "PRODUCES", place))
    (supplies,) = graph.edges("SUPPLIES")
    for s, b in zip(supplies.source.tolist(), supplies.target.tolist(), strict=True):
        step = (str(names[s]), "SUPPLIES", str(names[b]))
        if local[b]:
            offer(s, 0.9, f"已向本地企业{names[b]}供货", step)
        if local[s]:
            offer(b, 0.7, f"已向本地企业{names[s]}采购", step)
    (holds,) = graph.edges("HOLDS")
    pairs = list(zip(holds.source.tolist(), holds.target.tolist(), strict=True))
    heirs: dict[int, int] = {}
    for parent, child in pairs:
        if local[child]:
            heirs.setdefault(parent, child)
            step = (str(names[parent]), "HOLDS", str(names[child]))
            offer(parent, 0.9, f"子公司{names[child]}在本地", step)
        if local[parent]:
            step = (str(names[parent]), "HOLDS", str(names[child]))
            offer(child, 0.8, f"母公司{names[parent]}在本地", step)
    for parent, child in pairs:
        if parent in heirs and heirs[parent] != child:
            sister = heirs[parent]
            offer(
                child,
                0.6,
                f"同属{names[parent]}的{names[sister]}在本地",
                (str(names[parent]), "HOLDS", str(names[child])),
                (str(names[parent]), "HOLDS", str(names[sister])),
            )
    (partners,) = graph.edges("PARTNERS")
    institutes = graph.text("institutes", "name")
    near = geo.within(graph.text("institutes", "region"), region)
    for i, e in zip(partners.source.tolist(), partners.target.tolist(), strict=True):
        if near[i]:
            step = (str(institutes[i]), "PARTNERS", str(names[e]))
            offer(e, 0.5, f"与本地{institutes[i]}有合作", step)
    return found
