"""What speaks for a target: one small function for each feature, all candidates at once.

Every function takes :class:`Candidates` and returns values in 0..1, one for each candidate. 0 means
that nothing is on record, not that there is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from ...graph import regions as geo
from ...graph.chain import Codes, Floats, spans
from ...graph.rules import TARGET_WEIGHTS
from ..economy import Economy, Mask, sums
from ..landing import UNKNOWN_STRENGTH
from ..relatedness import CitySpace
from ..scope import Scope
from .candidates import Candidates
from .texts import naming, spoken_names
from .wanted import chinese

#: Worth of labels.
STANDING: Mapping[str, float] = MappingProxyType(
    {
        "leading": 1.0,
        "champion": 1.0,
        "little_giant": 0.8,
        "listed": 0.6,
        "specialised": 0.5,
        "high_tech": 0.3,
    }
)
#: Cities beyond the first, and yearly growth, from which readiness to expand is full.
CITIES, GROWTH = 3.0, 0.2
#: What naming a product counts where it stands in the scope of business alone.
IN_SCOPE = 0.8
#: Texts name one business by up to so many words.
NAMED = 3.0
#: Projects are recent where their fact is at most so many years older than the newest one's.
RECENT_YEARS = 4


def fit(c: Candidates) -> Floats:
    """Share of the product in the candidate's business, times closeness for a neighbour's maker.

    Output of it outside the region over all its output. A share that no source states is split
    evenly over the products on record; they may be few of many, so it is at most 3 / (products that
    its main products name). From produces.csv (share) and enterprises.csv (main_products).
    """
    economy = c.economy
    whole = sums(economy.enterprise, economy.output, len(economy.size))
    share = np.clip(c.output / whole[c.enterprise], 0.0, 1.0)
    named = np.asarray([max(1, len(said.items)) for said in c.main_products], dtype=np.float64)
    return c.closeness * np.where(share_stated(c), share, np.minimum(share, NAMED / named))


def share_stated(c: Candidates) -> Mask:
    """Whether a source states the share of the product in the candidate's business."""
    return ~np.isnan(c.economy.graph.number("produces", "share")[c.row])


def text(c: Candidates) -> Floats:
    """Whether its own words name the gap's product: see :func:`texts.naming`.

    Its main products count in full, its scope of business at 0.8 (scopes name more than is made).
    From enterprises.csv (main_products, scope) and products.csv (name, aliases).
    """
    graph = c.economy.graph
    names, aliases = graph.text("products", "name"), graph.text("products", "aliases")
    known = {
        slot: spoken_names(str(names[at]), str(aliases[at]).split(";"))
        for slot in np.unique(c.slot).tolist()
        for at in [c.gaps.scope.products[slot]]
    }
    return np.asarray(
        [
            max(naming(known[slot], main), IN_SCOPE * naming(known[slot], wide))
            for slot, main, wide in zip(c.slot.tolist(), c.main_products, c.scope, strict=True)
        ],
        dtype=np.float64,
    )


def scale(c: Candidates) -> Floats:
    """Output of the product against the gap's median candidate: y / (y + median), 0.5 for it.

    Times closeness for a neighbour's maker.
    """
    return scaled(c.output, c)


def scaled(output: Floats, c: Candidates) -> Floats:
    """:func:`scale` for other outputs (CNY), shape (..., n)."""
    return np.asarray(c.closeness * output / (output + c.median))


def standing(c: Candidates) -> Floats:
    """Its best label: leading or champion 1, little giant 0.8, listed 0.6, specialised 0.5."""
    return np.asarray(best_label(c.economy)[c.enterprise])


def best_label(economy: Economy) -> Floats:
    """Worth of the best label of every enterprise, 0 without any, (enterprises,)."""
    rows, labels = economy.graph.listed("enterprises", "labels")
    best = np.zeros(len(economy.size))
    np.maximum.at(best, rows, np.asarray([STANDING[x] for x in labels.tolist()], dtype=np.float64))
    return best


def tie(c: Candidates) -> Floats:
    """Strength of its closest chain to the region: see :mod:`.ties`.

    From supplies.csv, holdings.csv, partners.csv and the plants of produces.csv.
    """
    return np.asarray(c.bonds.strength[c.enterprise])


def pull(c: Candidates) -> Floats:
    """Whether local unmet demand could feed one more plant of its usual size.

    min(1, unmet demand / (output / plants)).
    """
    return pulled(c.output, c)


def pulled(output: Floats, c: Candidates) -> Floats:
    """:func:`pull` for other outputs (CNY), shape (..., n)."""
    return np.asarray(np.minimum(1.0, c.unmet * np.maximum(c.plants, 1) / output))


def relatedness(c: Candidates) -> Floats:
    """How far the region is nearer to the product than its diversity explains.

    See :meth:`CitySpace.related`; the same for all candidates of a gap.
    """
    scope = c.gaps.scope
    places = (scope.region, *geo.divisions(scope.region))
    known = CitySpace.of(c.economy).related(c.economy, places)[0]
    return np.asarray(known[scope.products[c.slot]])


def research(c: Candidates) -> Floats:
    """The strongest institute that researches the product.

    In the region in full, elsewhere in the province half. The same for all candidates of a gap.
    From research.csv and institutes.csv.
    """
    scope = c.gaps.scope
    best = np.zeros(len(scope.products))
    value = research_values(scope)
    for slot, row in research_rows(scope).items():
        best[slot] = value[row]
    return best[c.slot]


def research_values(scope: Scope) -> Floats:
    """Strength of every RESEARCHES row by where its institute is, see :func:`research`, (rows,)."""
    graph = scope.graph
    home = graph.text("institutes", "region")[graph.located("research", "institute")]
    value = np.nan_to_num(graph.number("research", "strength"), nan=UNKNOWN_STRENGTH)
    inside, near = geo.within(home, scope.region), geo.within(home, geo.province(scope.region))
    return np.asarray(value * np.where(inside, 1.0, np.where(near, 0.5, 0.0)))


def research_rows(scope: Scope) -> dict[int, int]:
    """The best RESEARCHES row of every product of the cluster that has one, by its place."""
    slot = scope.slots[scope.graph.located("research", "product")]
    order = np.lexsort((-np.arange(len(slot)), research_values(scope)))
    order = order[slot[order] >= 0]
    return dict(zip(slot[order].tolist(), order.tolist(), strict=True))


def inputs(c: Candidates) -> Floats:
    """Share of the gap's product's inputs, by coefficient, that the region makes.

    The same for all candidates of a gap. From inputs.csv and produces.csv.
    """
    return np.asarray(np.nan_to_num(c.gaps.measures.reachable[0])[c.slot])


def nearness(c: Candidates) -> Floats:
    """Same province 1 (全域协同), elsewhere in China 0.5, abroad 0."""
    return np.where(in_province(c), 1.0, np.where(chinese(c.economy)[c.enterprise], 0.5, 0.0))


def in_province(c: Candidates) -> Mask:
    """Whether its seat lies in the region's province; nobody where the region is one or more."""
    region = c.gaps.scope.region
    home = c.economy.graph.text("enterprises", "region")[c.enterprise]
    if geo.level(region) in ("country", "province"):
        return np.zeros(len(home), dtype=bool)
    return geo.within(home, geo.province(region))


def footprint(c: Candidates) -> Floats:
    """Readiness to expand: cities it makes anything in beyond the first, three or more counting 1."""
    return np.asarray(np.clip((cities(c)[c.enterprise] - 1) / CITIES, 0.0, 1.0))


def cities(c: Candidates) -> Codes:
    """Cities in which each enterprise has plants, (enterprises,)."""
    economy = c.economy
    rows, codes, at = economy.plants
    city = geo.at_level(np.asarray(codes, dtype="<U6"), "city")
    _, number = np.unique(city, return_inverse=True)
    width = np.int64(number.max(initial=0) + 1)
    pairs = np.unique(economy.enterprise[rows] * width + number[at])
    return np.bincount(pairs // width, minlength=len(economy.size)).astype(np.int64)


def growth(c: Candidates) -> Floats:
    """Readiness to expand: yearly growth of revenue, 20 % or more counting 1, none or less 0.

    Between the first and the last of the years that packs state for it; 0 where only one is known.
    """
    return np.clip(np.nan_to_num(yearly_growth(c)[c.enterprise]) / GROWTH, 0.0, 1.0)


def yearly_growth(c: Candidates) -> Floats:
    """Growth of revenue a year (0.1 = 10 %) of each enterprise, NaN where unknown."""
    known = c.economy.graph.revenues
    found = np.full(len(c.economy.size), np.nan)
    at = c.economy.graph.position("enterprises", known["enterprise"])
    rows = np.flatnonzero(at >= 0)
    if not len(rows):
        return found
    # By enterprise and date: where one ends another begins.
    starts = rows[np.append(True, np.diff(at[rows]) != 0)]
    ends = rows[np.append(np.diff(at[rows]) != 0, True)]
    date = known["as_of"].to_numpy(dtype="datetime64[D]")
    revenue = known["revenue"].to_numpy(dtype=np.float64)
    years = (date[ends] - date[starts]).astype(np.float64) / 365.25
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (revenue[ends] / revenue[starts]) ** (1.0 / years) - 1.0
    found[at[starts]] = np.where((revenue[starts] > 0) & (years > 0), rate, np.nan)
    return found


def projects(c: Candidates) -> Floats:
    """Readiness to expand: a recent project of its own or of a direct subsidiary.

    1 outside its home city, 0.5 in it, 0 where none is on record. From projects.csv.
    """
    return building(c)[0][c.enterprise]


def building(c: Candidates) -> tuple[Floats, Codes]:
    """:func:`projects` of every enterprise, and the project's row, -1 where none, (enterprises,)."""
    graph = c.economy.graph
    owner = graph.position("enterprises", graph["projects"]["owner"])
    dates = graph.text("projects", "as_of")
    newest = max((d[:4] for d in dates.tolist() if d), default="0")
    year = np.asarray([int(d[:4] or 0) for d in dates.tolist()], dtype=np.int64)
    rows = np.flatnonzero((owner >= 0) & (year >= int(newest) - RECENT_YEARS))
    (holds,) = graph.edges("HOLDS")
    # Every project of a subsidiary is one of its parents too.
    by_child = np.argsort(holds.target, kind="stable")
    first = np.searchsorted(holds.target[by_child], owner[rows])
    count = np.searchsorted(holds.target[by_child], owner[rows], side="right") - first
    who = np.concatenate([owner[rows], holds.source[by_child][spans(first, count)]])
    what = np.concatenate([rows, np.repeat(rows, count)])
    home = geo.at_level(graph.text("enterprises", "region").astype("<U6"), "city")[who]
    place = geo.at_level(graph.text("projects", "region").astype("<U6"), "city")[what]
    worth = np.where((place != "") & (place != home), 1.0, 0.5)
    value, found = np.zeros(len(c.economy.size)), np.full(len(c.economy.size), -1, dtype=np.int64)
    order = np.lexsort((-what, worth))
    value[who[order]], found[who[order]] = worth[order], what[order]
    return value, found


Feature = Callable[[Candidates], Floats]

#: Every feature with what a person reads; its default weight stands in ``graph.rules``.
FEATURES: Mapping[str, tuple[str, Feature]] = MappingProxyType(
    {
        "fit": ("业务契合", fit),
        "text": ("主营文本佐证", text),
        "scale": ("规模", scale),
        "standing": ("资质", standing),
        "tie": ("与本地的联系", tie),
        "pull": ("本地需求拉力", pull),
        "relatedness": ("产业关联", relatedness),
        "research": ("本地科研支撑", research),
        "inputs": ("所需投入本地可得", inputs),
        "nearness": ("区位（省内优先）", nearness),
        "footprint": ("扩张意愿：异地布局", footprint),
        "growth": ("扩张意愿：营收增长", growth),
        "projects": ("扩张意愿：近期项目", projects),
    }
)
WEIGHTS: Mapping[str, float] = MappingProxyType({name: TARGET_WEIGHTS[name] for name in FEATURES})
PARTS_ZH: Mapping[str, str] = MappingProxyType({name: zh for name, (zh, _) in FEATURES.items()})
