"""What an official needs beside a gap: who makes it, who buys it, how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import regions as geo
from ..graph.chain import Codes, records
from .economy import Economy
from .gaps import SCENARIOS, Gaps
from .relatedness import relatedness
from .sourcing import Sourcing, at_once
from .value import value_density


@dataclass(frozen=True)
class Maker:
    """An enterprise that makes the product.

    Attributes:
        enterprise: Id.
        name: Name.
        place: Region code of the plant, or country code.
        output: Output of the product there (CNY a year).
        size_known: Whether the enterprise's revenue is known, or a typical size stands for it.
        maturity: mass, pilot or research.
    """

    enterprise: str
    name: str
    place: str
    output: float
    size_known: bool
    maturity: str


@dataclass(frozen=True)
class Buyer:
    """A local enterprise that needs the product.

    Attributes:
        enterprise: Id.
        name: Name.
        product: Id of what it makes from it.
        product_name: Its name.
        low: Demand (CNY a year) if typical sizes are three times too large; the demand where known.
        high: Demand if they are three times too small.
        share_given: Whether the cost share is given, or assumed.
    """

    enterprise: str
    name: str
    product: str
    product_name: str
    low: float
    high: float
    share_given: bool


@dataclass(frozen=True)
class Dependence:
    """How much hangs on the largest maker of a product, at home or abroad (:mod:`.sourcing`).

    Attributes:
        enterprise: Id of the largest maker.
        name: Its name.
        place: Region code or country code of the enterprise.
        share: Its share of all recorded output.
        makers: Effective makers, 1 / HHI.
        loss: Share of the product that its buyers lose at once where it stops.
        diversified: The same if two makers of half its size stood in its place.
    """

    enterprise: str
    name: str
    place: str
    share: float
    makers: float
    loss: float
    diversified: float


@dataclass(frozen=True)
class Prospect:
    """How near a product is to what a region makes, and how valuable; None where undefined.

    Attributes:
        surplus: Density of related products here beyond what diversity and ubiquity explain; None
            too where the region has an advantage in the product already.
        density: That density itself, None alike.
        pci_rank: Share of products that are not more complex.
        value: Revenue per employee of its makers (CNY a year), None where none is known.
        value_coverage: Share of national output that this rests on.
    """

    surplus: float | None = None
    density: float | None = None
    pci_rank: float | None = None
    value: float | None = None
    value_coverage: float | None = None


@dataclass(frozen=True)
class Detail:
    """Everything that stands beside one gap.

    Attributes:
        product: Id.
        local: Makers in the region, largest first.
        province: Makers elsewhere in the province.
        national: Largest makers elsewhere in China.
        foreign: Largest makers abroad.
        buyers: Local buyers, largest first.
        plant: Median domestic output of a maker (CNY), None where there is none.
        unmet: Local demand not met by local output (CNY).
        feeds_plant: Whether that could feed one plant of median size; None where unknown.
        rate_given: Whether the domestic rate is given, or computed from the graph.
        source: Source of the product's facts.
        as_of: Their date.
        researchers: Names of institutes that research it.
        dependence: What hangs on the largest maker; None where nobody makes it.
        prospect: How near and how valuable it is.
    """

    product: str
    local: tuple[Maker, ...]
    province: tuple[Maker, ...]
    national: tuple[Maker, ...]
    foreign: tuple[Maker, ...]
    buyers: tuple[Buyer, ...]
    plant: float | None
    unmet: float
    feeds_plant: bool | None
    rate_given: bool
    source: str
    as_of: str
    researchers: tuple[str, ...]
    dependence: Dependence | None = None
    prospect: Prospect = Prospect()


def details(gaps: Gaps, products: Iterable[str] | None = None, most: int = 8) -> dict[str, Detail]:
    """Details by product id.

    Args:
        gaps: The answer they stand beside.
        products: Ids of products of the cluster; all of them where None.
        most: Most makers and buyers to name in each list.
    """
    wanted = set(gaps.table["product"] if products is None else products)
    at = {p: int(i) for p, i in zip(gaps.scope.chain["product"], gaps.scope.products, strict=True)}
    sources, found = Sourcing.of(gaps.scope.economy), prospects(gaps)
    return {
        row["product"]: _detail(gaps, at[row["product"]], row, most, sources, found[row["product"]])
        for row in records(gaps.table)
        if row["product"] in wanted
    }


def prospects(gaps: Gaps) -> dict[str, Prospect]:
    """Relatedness, complexity and value density by product id, where they are defined."""
    scope = gaps.scope
    density = value_density(scope.economy)
    related = relatedness(scope).table.set_index("product").loc[scope.chain["product"]]
    new = ~related["advantage"].to_numpy(dtype=bool)
    value = density.value[scope.products]
    columns = {
        "surplus": np.where(new, related["surplus"], np.nan),
        "density": np.where(new, related["density"], np.nan),
        "pci_rank": related["pci_rank"].to_numpy(dtype=np.float64),
        "value": value,
        "value_coverage": np.where(np.isnan(value), np.nan, density.coverage[scope.products]),
    }
    return {
        product: Prospect(
            **{
                name: None if np.isnan(values[i]) else float(values[i])
                for name, values in columns.items()
            }
        )
        for i, product in enumerate(scope.chain["product"])
    }


def _detail(
    gaps: Gaps,
    at: int,
    row: Mapping[str, Any],
    most: int,
    sources: Sourcing,
    prospect: Prospect,
) -> Detail:
    economy, region = gaps.scope.economy, gaps.scope.region
    graph = economy.graph
    making = np.flatnonzero((economy.product == at) & (economy.output > 0))
    making = making[np.argsort(-economy.output[making], kind="stable")]
    here = geo.within(economy.region[making], region)
    nearby = geo.within(economy.region[making], geo.province(region)) & ~here
    home = economy.domestic[making]
    plant = float(economy.median_maker[at])
    unmet = float(row["demand"] * (1.0 - row["fulfilment"]))
    studied = graph["research"].loc[graph["research"]["product"] == row["product"], "institute"]
    institutes = graph.position("institutes", studied)
    return Detail(
        product=row["product"],
        local=_makers(economy, making[here], most),
        province=_makers(economy, making[nearby], most),
        national=_makers(economy, making[home & ~here & ~nearby], most),
        foreign=_makers(economy, making[~home], most),
        buyers=_buyers(economy, at, region, most),
        plant=None if np.isnan(plant) else plant,
        unmet=unmet,
        feeds_plant=None if np.isnan(plant) else bool(unmet >= plant),
        rate_given=not np.isnan(graph.number("products", "domestic_rate")[at]),
        source=str(graph.text("products", "source")[at]),
        as_of=str(graph.text("products", "as_of")[at]),
        researchers=tuple(graph.text("institutes", "name")[institutes].tolist()),
        prospect=prospect,
        dependence=_dependence(economy, at, sources),
    )


def _dependence(economy: Economy, at: int, sources: Sourcing) -> Dependence | None:
    e = int(sources.largest[at])
    if e < 0:
        return None
    graph, share = economy.graph, sources.top_share[[at]]
    home, country = graph.text("enterprises", "region"), graph.text("enterprises", "country")
    return Dependence(
        str(graph.text("enterprises", "id")[e]),
        str(graph.text("enterprises", "name")[e]),
        str(home[e] or country[e]),
        float(share[0]),
        float(sources.effective[at]),
        float(at_once(share)[0]),
        float(at_once(share / 2.0)[0]),
    )


def _makers(economy: Economy, rows: Codes, most: int) -> tuple[Maker, ...]:
    graph = economy.graph
    ids, names = graph.text("enterprises", "id"), graph.text("enterprises", "name")
    countries = graph.text("enterprises", "country")
    maturity = graph.text("produces", "maturity")
    return tuple(
        Maker(
            str(ids[e]),
            str(names[e]),
            str(economy.region[row] or countries[e]),
            float(economy.output[row]),
            not economy.imputed[e],
            str(maturity[row]),
        )
        for row, e in ((r, economy.enterprise[r]) for r in rows[:most])
    )


def _buyers(economy: Economy, at: int, region: str, most: int) -> tuple[Buyer, ...]:
    graph = economy.graph
    needs = economy.coefficients[[at], :].tocoo()
    coefficient = np.zeros(economy.products)
    coefficient[needs.coords[1]] = needs.data
    here = geo.within(economy.region, region) & (economy.output > 0)
    rows = np.flatnonzero(here & (coefficient[economy.product] > 0))
    demand = coefficient[economy.product[rows]] * economy.output[rows]
    rows = rows[np.argsort(-demand, kind="stable")][:most]
    inputs = graph["inputs"]
    name = graph.text("products", "id")[at]
    given = set(inputs.loc[(inputs["input"] == name) & economy.given_share, "product"])
    high, low = SCENARIOS
    ids, names = graph.text("enterprises", "id"), graph.text("enterprises", "name")
    products = graph.text("products", "id")
    product_names = graph.text("products", "name")
    result = []
    for row in rows:
        e, p = economy.enterprise[row], economy.product[row]
        value = float(coefficient[p] * economy.output[row])
        spread = (low, high) if economy.imputed[e] else (1.0, 1.0)
        result.append(
            Buyer(
                str(ids[e]),
                str(names[e]),
                str(products[p]),
                str(product_names[p]),
                value * spread[0],
                value * spread[1],
                str(products[p]) in given,
            )
        )
    return tuple(result)
