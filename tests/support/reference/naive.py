"""The measures and rules of design.md sections 3 to 5, as plain loops over the CSV files of a pack.

Nothing here is shared with the product: only the standard library, one small function for each
measure, each quoting the sentence of the design that it implements. The pack must be valid (no row
of it would be quarantined). Clear and slow is right.
"""

import csv
import math
import statistics
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

EPSILON = 1e-12

THRESHOLDS = {
    "token_max": 0.1,
    "reachable_min": 0.5,
    "fulfilment_min": 1.0,
    "lq_min": 1.0,
    "leader_share": 0.5,
    "critical_min": 0.7,
    "local_suppliers_min": 2.0,
    "national_makers_min": 4.0,
    "vital_min": 0.9,
    "domestic_min": 0.2,
}

SIZES = {
    "leading": 5e9,
    "champion": 2e9,
    "little_giant": 4e8,
    "specialised": 1e8,
    "high_tech": 5e7,
    "listed": 1e9,
    "other": 2e7,
}


# --- Facts as they stand in the files ------------------------------------------------------------


@dataclass(frozen=True)
class Enterprise:
    """One row of enterprises.csv; revenue None is unknown, region "" is unknown."""

    id: str
    country: str
    region: str
    labels: tuple[str, ...]
    revenue: float | None


@dataclass(frozen=True)
class Plant:
    """One row of produces.csv; region is the plant's, or else the enterprise's, or else ""."""

    enterprise: str
    product: str
    region: str
    role: str
    share: float | None


@dataclass(frozen=True)
class Input:
    """One row of inputs.csv."""

    product: str
    input: str
    cost_share: float | None
    criticality: float


@dataclass(frozen=True)
class Facts:
    """The tables that the measures read, and the thresholds and sizes of one cluster."""

    links: list[dict[str, str]]
    products: list[dict[str, str]]
    enterprises: dict[str, Enterprise]
    plants: list[Plant]
    inputs: list[Input]
    supplies: list[dict[str, str]]
    research: list[dict[str, str]]
    surveys: list[dict[str, str]]
    rules: dict[str, float]
    sizes: dict[str, float]


@dataclass(frozen=True)
class Row:
    """A PRODUCES row of a maker with its output in CNY."""

    enterprise: str
    product: str
    region: str
    domestic: bool
    known: bool
    output: float


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """Read one table: "Empty = unknown; a missing optional column = empty"; files are optional."""
    path = folder / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [
            {column: (value or "").strip() for column, value in row.items()}
            for row in csv.DictReader(stream)
        ]


def number(text: str) -> float | None:
    """Read a number; "Empty = unknown"."""
    return float(text) if text else None


def values(text: str) -> tuple[str, ...]:
    """Split a list cell: "`;` separates values in a list cell"."""
    return tuple(part.strip() for part in text.split(";") if part.strip())


def rules_and_sizes(folder: Path, cluster: str) -> tuple[dict[str, float], dict[str, float]]:
    """Find the thresholds and sizes that hold for a cluster.

    "thresholds of section 5 and `[sizes]` at the top level, `[cluster.ID]` overrides them".
    """
    rules, sizes = dict(THRESHOLDS), dict(SIZES)
    path = folder / "rules.toml"
    if path.exists():
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
        for level in (stated, stated.get("cluster", {}).get(cluster, {})):
            rules.update({key: float(level[key]) for key in THRESHOLDS if key in level})
            sizes.update({key: float(size) for key, size in level.get("sizes", {}).items()})
    return rules, sizes


def read(folder: Path, cluster: str) -> Facts:
    """Read a pack; "country (... default CN)", "empty = the enterprise's", "default 0.5"."""
    enterprises = {
        row["id"]: Enterprise(
            id=row["id"],
            country=row.get("country", "") or "CN",
            region=row.get("region", ""),
            labels=values(row.get("labels", "")),
            revenue=number(row.get("revenue", "")),
        )
        for row in table(folder, "enterprises")
    }
    plants = [
        Plant(
            enterprise=row["enterprise"],
            product=row["product"],
            region=row.get("region", "") or enterprises[row["enterprise"]].region,
            role=row.get("role", "") or "maker",
            share=number(row.get("share", "")),
        )
        for row in table(folder, "produces")
    ]
    inputs = []
    for row in table(folder, "inputs"):
        criticality = number(row.get("criticality", ""))
        inputs.append(
            Input(
                product=row["product"],
                input=row["input"],
                cost_share=number(row.get("cost_share", "")),
                criticality=0.5 if criticality is None else criticality,
            )
        )
    rules, sizes = rules_and_sizes(folder, cluster)
    return Facts(
        links=table(folder, "links"),
        products=table(folder, "products"),
        enterprises=enterprises,
        plants=plants,
        inputs=inputs,
        supplies=table(folder, "supplies"),
        research=table(folder, "research"),
        surveys=table(folder, "surveys"),
        rules=rules,
        sizes=sizes,
    )


# --- Regions and comparisons ---------------------------------------------------------------------


def lies_in(code: str, region: str) -> bool:
    """Tell whether a code is a region or lies below it; the unknown region "" lies nowhere.

    "A region *r* includes all regions below it"; "parents follow from the digits, 429xxx stands
    directly below 420000, 100000 = the whole country".
    """
    if not code:
        return False
    if region in ("100000", code):
        return True
    if region.endswith("0000"):
        return code[:2] == region[:2]
    if region.endswith("00"):
        return code[2:4] != "90" and code[:4] == region[:4]
    return False


def below(value: float, threshold: float) -> bool:
    """Compare: "comparisons with a threshold allow 1e-12"; a value that near is not below."""
    return value < threshold - EPSILON


# --- Section 4: measures -------------------------------------------------------------------------


def size(facts: Facts, enterprise: Enterprise, factor: float = 1.0) -> float:
    """Size of an enterprise, imputed ones multiplied by a factor (for `robust`).

    "revenue; if unknown, the largest typical size among its labels (... and `other` 2e7 where it
    has none of these)".
    """
    if enterprise.revenue is not None:
        return enterprise.revenue
    typical = [
        facts.sizes[label]
        for label in enterprise.labels
        if label in facts.sizes and label != "other"
    ]
    return factor * (max(typical) if typical else facts.sizes["other"])


def shares(own: list[Plant]) -> list[float]:
    """Shares of revenue of all rows (sellers too) of one enterprise.

    "Known shares of an enterprise that sum above 1 are scaled to 1 (over all its rows, sellers
    too). The rest of its revenue (1 - known, remainders below 1e-12 are 0) is split evenly among
    its rows without a share."
    """
    known = math.fsum(plant.share for plant in own if plant.share is not None)
    unknown = sum(1 for plant in own if plant.share is None)
    rest = 1.0 - known
    if rest < EPSILON:
        rest = 0.0
    scale = 1.0 / known if known > 1.0 else 1.0
    return [rest / unknown if plant.share is None else plant.share * scale for plant in own]


def is_domestic(plant: Plant, enterprise: Enterprise) -> bool:
    """Tell a domestic row from a foreign one.

    "domestic where its plant (or else its enterprise) has a region, or its enterprise's country is
    CN; all other rows are foreign".
    """
    return plant.region != "" or enterprise.country == "CN"


def outputs(facts: Facts, factor: float = 1.0) -> list[Row]:
    """Output of every PRODUCES row: "share x size; only rows with role maker"."""
    rows = []
    for enterprise in facts.enterprises.values():
        own = [plant for plant in facts.plants if plant.enterprise == enterprise.id]
        for plant, share in zip(own, shares(own), strict=True):
            if plant.role == "maker":
                rows.append(
                    Row(
                        enterprise=enterprise.id,
                        product=plant.product,
                        region=plant.region,
                        domestic=is_domestic(plant, enterprise),
                        known=enterprise.revenue is not None,
                        output=share * size(facts, enterprise, factor),
                    )
                )
    return rows


def regional_output(rows: list[Row], region: str, product: str) -> float:
    """X[r,p]: "sum of y over rows whose plant lies in r"."""
    return math.fsum(
        row.output for row in rows if row.product == product and lies_in(row.region, region)
    )


def regional_total(rows: list[Row], region: str) -> float:
    """Sum of X[r,.]: "Quantities range over every product and fact in the graph"."""
    return math.fsum(row.output for row in rows if lies_in(row.region, region))


def national_output(rows: list[Row], product: str) -> float:
    """X[.,p]: "sum of y over all domestic rows"."""
    return math.fsum(row.output for row in rows if row.product == product and row.domestic)


def coefficient(facts: Facts, used: str, product: str) -> float:
    """Input coefficient a[q,p], input q per unit of output p.

    "`cost_share` where given; inputs without one share what is left of 0.6 (0.6 - sum of given,
    floor 0) in proportion to criticality (0 each where these sum to 0)". A remainder below 1e-12
    is 0.
    """
    own = [row for row in facts.inputs if row.product == product]
    left = 0.6 - math.fsum(row.cost_share for row in own if row.cost_share is not None)
    if left < EPSILON:
        left = 0.0
    weights = math.fsum(row.criticality for row in own if row.cost_share is None)
    for row in own:
        if row.input == used:
            if row.cost_share is not None:
                return row.cost_share
            return left * row.criticality / weights if weights > 0 else 0.0
    return 0.0


def demand(facts: Facts, rows: list[Row], region: str, used: str) -> float:
    """D[r,q]: "sum over p of a[q,p] X[r,p]"."""
    return math.fsum(
        coefficient(facts, used, row["id"]) * regional_output(rows, region, row["id"])
        for row in facts.products
    )


def coverage(output: float, needed: float) -> float | None:
    """Coverage: "X/D (null where D = 0)"."""
    return output / needed if needed > 0 else None


def fulfilment(output: float, needed: float) -> float:
    """Fulfilment: "f = min(1, X/D), 1 where nothing is demanded"."""
    return min(1.0, output / needed) if needed > 0 else 1.0


def criticality(facts: Facts, rows: list[Row], region: str, product: str) -> float | None:
    """Local criticality of p in r.

    "the largest criticality with which p is an input of a product made in r (null if of none)".
    """
    found = [
        row.criticality
        for row in facts.inputs
        if row.input == product and regional_output(rows, region, row.product) > 0
    ]
    return max(found) if found else None


def location_quotient(rows: list[Row], region: str, product: str) -> float | None:
    """LQ: "(X[r,p] / sum X[r,.]) / (X[.,p] / sum X[.,.])".

    "null where sum X[r,.] = 0 or X[.,p] = 0".
    """
    here, national = regional_total(rows, region), national_output(rows, product)
    if here <= 0 or national <= 0:
        return None
    country = math.fsum(row.output for row in rows if row.domestic)
    return (regional_output(rows, region, product) / here) / (national / country)


def by_enterprise(rows: Iterable[Row]) -> dict[str, float]:
    """Add up the output of each enterprise over rows; makers only.

    "A *maker* is one with output above 0".
    """
    added: dict[str, float] = {}
    for row in rows:
        if row.output > 0:
            added[row.enterprise] = added.get(row.enterprise, 0.0) + row.output
    return added


def local_makers(rows: list[Row], region: str, product: str) -> dict[str, float]:
    """Makers of p in r with their output: "an enterprise's plants in r added up"."""
    return by_enterprise(
        row for row in rows if row.product == product and lies_in(row.region, region)
    )


def domestic_makers(rows: list[Row], product: str) -> dict[str, float]:
    """Makers of p in the country with their domestic output."""
    return by_enterprise(row for row in rows if row.product == product and row.domestic)


def effective_suppliers(rows: list[Row], region: str, product: str) -> float | None:
    """Effective suppliers: "1/HHI, HHI = sum (y[e,p]/X[r,p])^2 ...; null where nothing is made"."""
    made = regional_output(rows, region, product)
    if made <= 0:
        return None
    makers = local_makers(rows, region, product)
    return 1.0 / math.fsum((output / made) ** 2 for output in makers.values())


def national_makers(rows: list[Row], product: str) -> int:
    """National makers.

    "number of enterprises whose domestic output of p over X[.,p] is at least 0.05; 0 where
    X[.,p] = 0".
    """
    national = national_output(rows, product)
    if national <= 0:
        return 0
    makers = domestic_makers(rows, product)
    return sum(1 for output in makers.values() if not below(output / national, 0.05))


def domestic_rate(facts: Facts, rows: list[Row], product: str) -> float | None:
    """Domestic rate.

    "`domestic_rate` where given, else X[.,p] over the output of all rows, foreign too; null where
    nobody makes it".
    """
    for row in facts.products:
        if row["id"] == product:
            given = number(row.get("domestic_rate", ""))
            if given is not None:
                return given
    everywhere = math.fsum(row.output for row in rows if row.product == product)
    return national_output(rows, product) / everywhere if everywhere > 0 else None


def reachable(facts: Facts, rows: list[Row], region: str, product: str) -> float | None:
    """Reachable: "sum a[q,p] [X[r,q] > 0] / sum a[q,p]"; "null ... where sum a = 0"."""
    inputs = [row.input for row in facts.inputs if row.product == product]
    whole = math.fsum(coefficient(facts, used, product) for used in inputs)
    if whole <= 0:
        return None
    made = math.fsum(
        coefficient(facts, used, product)
        for used in inputs
        if regional_output(rows, region, used) > 0
    )
    return made / whole


def evidence(facts: Facts, region: str, product: str) -> str:
    """Evidence.

    "`confirmed` where surveys.csv says `complete` for that product and r or any region above it,
    else `suspected`".
    """
    for row in facts.surveys:
        surveyed = row["product"] == product and row["status"] == "complete"
        if surveyed and lies_in(region, row["region"]):
            return "confirmed"
    return "suspected"


# --- Section 5: the four actions -----------------------------------------------------------------


def is_token(facts: Facts, output: float, needed: float) -> bool:
    """Token: "made and needed and coverage < `token_max`"."""
    return output > 0 and needed > 0 and below(output / needed, facts.rules["token_max"])


def is_present(facts: Facts, rows: list[Row], region: str, product: str) -> bool:
    """Present: "made and not token"."""
    output = regional_output(rows, region, product)
    return output > 0 and not is_token(facts, output, demand(facts, rows, region, product))


def has_leader(facts: Facts, rows: list[Row], region: str, product: str) -> bool:
    """Tell whether a local leader makes p.

    No leader is: "no local maker is labelled leading or champion, and none with known revenue has
    an output of p in r that, over the median (over the enterprises that make p domestically) of
    domestic output of p, is at least `leader_share`".
    """
    domestic = domestic_makers(rows, product)
    for maker, output in local_makers(rows, region, product).items():
        enterprise = facts.enterprises[maker]
        if "leading" in enterprise.labels or "champion" in enterprise.labels:
            return True
        if enterprise.revenue is not None:
            ratio = output / statistics.median(domestic.values())
            if not below(ratio, facts.rules["leader_share"]):
                return True
    return False


def fired(facts: Facts, rows: list[Row], region: str, product: str) -> list[str]:
    """Every reason code that fires, in the order in which the design names the codes."""
    rules = facts.rules
    output = regional_output(rows, region, product)
    needed = demand(facts, rows, region, product)
    national = national_output(rows, product)
    token = is_token(facts, output, needed)
    present = is_present(facts, rows, region, product)
    critical = criticality(facts, rows, region, product)
    codes = []
    # supplement: "needed and not present"
    if needed > 0 and not present and output <= 0:
        codes.append("not_made")
    if needed > 0 and not present and token:
        codes.append("token")
    # strengthen: "present, and f < `fulfilment_min`, or LQ < `lq_min`, or no leader"
    if present:
        if below(fulfilment(output, needed), rules["fulfilment_min"]):
            codes.append("demand_unmet")
        quotient = location_quotient(rows, region, product)
        if quotient is not None and below(quotient, rules["lq_min"]):
            codes.append("below_national_share")
        if not has_leader(facts, rows, region, product):
            codes.append("no_leader")
    # fortify (i): "single source: present, local criticality >= `critical_min`, effective
    # suppliers < `local_suppliers_min`, national makers < `national_makers_min`"
    if present and critical is not None and not below(critical, rules["critical_min"]):
        suppliers = effective_suppliers(rows, region, product)
        few_here = suppliers is not None and below(suppliers, rules["local_suppliers_min"])
        few_anywhere = below(national_makers(rows, product), rules["national_makers_min"])
        if few_here and few_anywhere:
            codes.append("single_source")
    # fortify (ii): "import-dependent: not present, local criticality >= `vital_min`, domestic
    # rate < `domestic_min` or null"
    if not present and critical is not None and not below(critical, rules["vital_min"]):
        rate = domestic_rate(facts, rows, product)
        if rate is None or below(rate, rules["domestic_min"]):
            codes.append("import_dependent")
    # "chokepoint (needed, and X[.,p] = 0)"
    if needed > 0 and national <= 0:
        codes.append("chokepoint")
    # extend: "not made, not needed, and `reachable` >= `reachable_min`; reachable is null, and the
    # rule does not fire, where sum a = 0"
    if output <= 0 and needed <= 0:
        within = reachable(facts, rows, region, product)
        if within is not None and not below(within, rules["reachable_min"]):
            codes.append("reachable")
    return codes


def actions_of(codes: list[str]) -> list[str]:
    """Actions: "lists every one that applies, in the table's order ([] for sound and absent)"."""
    causes = {
        "supplement": {"not_made", "token"},
        "extend": {"reachable"},
        "strengthen": {"demand_unmet", "below_national_share", "no_leader"},
        "fortify": {"single_source", "import_dependent"},
    }
    return [action for action, because in causes.items() if because & set(codes)]


def primary_of(actions: list[str], codes: list[str], present: bool) -> str:
    """Primary action.

    "fortify where (ii) applies, else the first of supplement, strengthen, fortify, extend, else
    sound or absent".
    """
    if "import_dependent" in codes:
        return "fortify"
    for action in ("supplement", "strengthen", "fortify", "extend"):
        if action in actions:
            return action
    return "sound" if present else "absent"


def is_robust(facts: Facts, region: str, product: str) -> bool:
    """Robust.

    "true where `actions` stays the same when all imputed sizes are multiplied by 3 and when they
    are divided by 3".
    """
    usual, larger, smaller = (
        actions_of(fired(facts, outputs(facts, factor), region, product))
        for factor in (1.0, 3.0, 1.0 / 3.0)
    )
    return usual == larger == smaller


# --- Links, products of a cluster, routes --------------------------------------------------------


def links_in(facts: Facts, cluster: str, product: str) -> list[dict[str, str]]:
    """Links of a product in a cluster: "the lowest position, then id"; no position comes last."""
    of_product = next(
        values(row.get("links", "")) for row in facts.products if row["id"] == product
    )

    def order(link: dict[str, str]) -> tuple[float, str]:
        position = number(link.get("position", ""))
        return (math.inf if position is None else position, link["id"])

    return sorted(
        (link for link in facts.links if link["cluster"] == cluster and link["id"] in of_product),
        key=order,
    )


def products_of(facts: Facts, cluster: str) -> list[str]:
    """Products "of a cluster's links", each once."""
    return [row["id"] for row in facts.products if links_in(facts, cluster, row["id"])]


def may_coordinate(rows: list[Row], region: str, product: str) -> bool:
    """Route coordinate.

    "someone in the same province but outside r makes it; only for r below a province".
    """
    if region.endswith("0000"):
        return False
    province = region[:2] + "0000"
    return any(
        row.product == product
        and row.output > 0
        and lies_in(row.region, province)
        and not lies_in(row.region, region)
        for row in rows
    )


def may_attract(rows: list[Row], region: str, product: str) -> bool:
    """Route attract: "someone outside r, of any country, makes it"."""
    return any(
        row.product == product and row.output > 0 and not lies_in(row.region, region)
        for row in rows
    )


def may_cultivate(facts: Facts, rows: list[Row], region: str, cluster: str, product: str) -> bool:
    """Route cultivate: "someone in r makes another product of one of p's links in this cluster"."""
    own = {link["id"] for link in links_in(facts, cluster, product)}
    return any(
        row["id"] != product
        and own & set(values(row.get("links", "")))
        and regional_output(rows, region, row["id"]) > 0
        for row in facts.products
    )


def routes(
    facts: Facts, rows: list[Row], region: str, cluster: str, product: str, codes: list[str]
) -> list[str]:
    """Routes, as a list of codes, for every product.

    "Order: research first where import_dependent or chokepoint, else as listed"; research: "an
    institute anywhere researches it".
    """
    found = []
    if may_coordinate(rows, region, product):
        found.append("coordinate")
    if may_attract(rows, region, product):
        found.append("attract")
    if may_cultivate(facts, rows, region, cluster, product):
        found.append("cultivate")
    if any(row["product"] == product for row in facts.research):
        if "import_dependent" in codes or "chokepoint" in codes:
            found.insert(0, "research")
        else:
            found.append("research")
    return found


# --- Section 7: the two answers ------------------------------------------------------------------


def gaps(folder: Path, region: str, cluster: str) -> list[dict[str, object]]:
    """Answer `gaps` without priority and parts, ordered by product id, reasons as codes.

    "one entry for every product of the cluster ...; every figure for every product, null where
    undefined".
    """
    facts = read(folder, cluster)
    rows = outputs(facts)
    entries: list[dict[str, object]] = []
    for product in sorted(products_of(facts, cluster)):
        output = regional_output(rows, region, product)
        needed = demand(facts, rows, region, product)
        present = is_present(facts, rows, region, product)
        codes = fired(facts, rows, region, product)
        actions = actions_of(codes)
        link = links_in(facts, cluster, product)[0]
        entries.append(
            {
                "product": product,
                "name": next(row["name"] for row in facts.products if row["id"] == product),
                "link": link["id"],
                "stage": link["stage"],
                "actions": actions,
                "primary": primary_of(actions, codes, present),
                "made": output > 0,
                "needed": needed > 0,
                "present": present,
                "output": output,
                "demand": needed,
                "coverage": coverage(output, needed),
                "fulfilment": fulfilment(output, needed),
                "lq": location_quotient(rows, region, product),
                "criticality": criticality(facts, rows, region, product),
                "effective_suppliers": effective_suppliers(rows, region, product),
                "national_makers": national_makers(rows, product),
                "domestic_rate": domestic_rate(facts, rows, product),
                "reachable": reachable(facts, rows, region, product),
                "evidence": evidence(facts, region, product),
                "robust": is_robust(facts, region, product),
                "reasons": codes,
                "routes": routes(facts, rows, region, cluster, product, codes),
            }
        )
    return entries


def ratio(part: float, whole: float) -> float | None:
    """Divide; "Each is null where its denominator is 0"."""
    return part / whole if whole > 0 else None


def supply_value(facts: Facts, region: str, cluster: str, known_revenue_only: bool) -> float | None:
    """Local supply rate by value, value or value_low.

    "sum over the cluster's products p, sum over inputs q of a[q,p] X[r,p] f[r,q], over the same
    sum without f"; value_low = "the same with f from makers of known revenue only (D unchanged)".
    """
    rows = outputs(facts)
    suppliers = [row for row in rows if row.known] if known_revenue_only else rows
    met = whole = 0.0
    for product in products_of(facts, cluster):
        made = regional_output(rows, region, product)
        for row in facts.inputs:
            if row.product == product:
                bought = coefficient(facts, row.input, product) * made
                whole += bought
                met += bought * fulfilment(
                    regional_output(suppliers, region, row.input),
                    demand(facts, rows, region, row.input),
                )
    return ratio(met, whole)


def supply_count(facts: Facts, region: str, cluster: str) -> float | None:
    """Local supply rate by count.

    "share of (product of the cluster made in r, input) pairs whose input is *present* in r,
    inputs with a = 0 too".
    """
    rows = outputs(facts)
    pairs = present = 0
    for product in products_of(facts, cluster):
        if regional_output(rows, region, product) > 0:
            for row in facts.inputs:
                if row.product == product:
                    pairs += 1
                    present += is_present(facts, rows, region, row.input)
    return ratio(present, pairs)


def supply_observed(facts: Facts, region: str, cluster: str) -> float | None:
    """Local supply rate as observed.

    "by amount, the purchases recorded in SUPPLIES (whatever the product; rows without amount
    ignored) by enterprises that make (output above 0) a product of the cluster in r, that come
    from suppliers with `region` in r".
    """
    products = products_of(facts, cluster)
    buyers = {
        row.enterprise
        for row in outputs(facts)
        if row.output > 0 and row.product in products and lies_in(row.region, region)
    }
    local = whole = 0.0
    for row in facts.supplies:
        amount = number(row.get("amount", ""))
        if amount is not None and row["buyer"] in buyers:
            whole += amount
            if lies_in(facts.enterprises[row["supplier"]].region, region):
                local += amount
    return ratio(local, whole)


def known_output_share(facts: Facts, region: str, cluster: str) -> float | None:
    """Known output share.

    "share of sum X[r,.] over the cluster's products that comes from known revenue".
    """
    products = products_of(facts, cluster)
    here = [
        row for row in outputs(facts) if row.product in products and lies_in(row.region, region)
    ]
    known = math.fsum(row.output for row in here if row.known)
    return ratio(known, math.fsum(row.output for row in here))


def supply_rate(folder: Path, region: str, cluster: str) -> dict[str, float | None]:
    """Answer `supply-rate`: the "variants that are never mixed"."""
    facts = read(folder, cluster)
    return {
        "value": supply_value(facts, region, cluster, known_revenue_only=False),
        "value_low": supply_value(facts, region, cluster, known_revenue_only=True),
        "count": supply_count(facts, region, cluster),
        "observed": supply_observed(facts, region, cluster),
        "known_output_share": known_output_share(facts, region, cluster),
    }
