"""Random valid packs: every row of them can be used, so none may end in quarantine.

Values come mostly from small grids, so that thresholds are hit exactly and states such as token,
chokepoint or single source come up often, and otherwise from rounded random floats, so that no
quantity misses a threshold by float noise alone.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

Record = dict[str, str]
Tables = dict[str, list[Record]]

PLANT_REGIONS = (
    "420100",
    "420111",
    "420115",
    "420600",
    "420000",
    "429004",
    "429005",
    "310115",
    "440300",
    "440304",
    "500112",
)
"""Where enterprises, plants, institutes and projects may stand."""

ASKED_REGIONS = ("420111", "420100", "420000", "429004", "100000", "530100")
"""Regions to ask about: county, city, province, direct county-level unit, country, no facts."""

COUNTS = (6, 1, 8, 4, 2, 7, 5, 3, 7, 8)
"""How many products or enterprises. Hypothesis likes the ends of a list: they are no dull packs."""

COLUMNS = {
    "clusters": "id name tier field region recognised_on",
    "links": "id cluster name stage position",
    "products": "id name aliases links gb_code sei domestic_rate",
    "inputs": "product input cost_share criticality",
    "enterprises": "id name aliases country region address labels revenue employees main_products",
    "produces": "enterprise product region role share maturity",
    "supplies": "supplier buyer product amount",
    "institutes": "id name kind level region",
    "research": "institute product strength",
    "partners": "institute enterprise topic",
    "holdings": "parent child stake",
    "projects": "id name kind owner product region investment stage",
    "surveys": "region product status",
}

OPTIONAL_COLUMNS = (
    ("produces", "region"),
    ("produces", "share"),
    ("produces", "role"),
    ("produces", "maturity"),
    ("enterprises", "region"),
    ("enterprises", "country"),
    ("enterprises", "labels"),
    ("enterprises", "revenue"),
    ("inputs", "cost_share"),
    ("inputs", "criticality"),
    ("links", "position"),
    ("products", "domestic_rate"),
    ("products", "aliases"),
    ("products", "links"),
    ("supplies", "amount"),
    ("research", "strength"),
)

NEEDS = {
    "links": (),
    "inputs": (),
    "enterprises": (),
    "institutes": (),
    "surveys": (),
    "produces": ("enterprises",),
    "supplies": ("enterprises",),
    "research": ("institutes",),
    "partners": ("institutes", "enterprises"),
    "holdings": ("enterprises",),
    "projects": (),
}
"""Optional tables, each with the tables without which it cannot stand."""

REVENUES = (
    *("", "", "0", "", "1000000000", "20000000", "3000000000000", "40000000", "5000000"),
    *("400000000", "100000000"),
)
SHARES = ("", "", "1", "0", "0.5", "0.25", "0.2", "0.1", "0.01", "0.001", "0.00001", "0.8")
CRITICALITIES = ("", "0.9", "1", "0.7", "0", "0.5", "0.2", "0.95")
LABELS = ("leading", "champion", "little_giant", "specialised", "high_tech", "listed")


@dataclass(frozen=True, repr=False)
class Pack:
    """A pack in memory: its tables, its rules.toml if any, and what may be asked of it."""

    tables: Tables
    rules: str | None
    clusters: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write the pack's files into an existing folder."""
        (folder / "pack.toml").write_text(
            'name = "random"\ntitle = "Random pack"\nlicence = "CC0-1.0"\n'
            'source = "made up"\nas_of = 2024-12-31\n',
            encoding="utf-8",
        )
        if self.rules is not None:
            (folder / "rules.toml").write_text(self.rules, encoding="utf-8")
        for name, rows in self.tables.items():
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, columns_of(name, rows), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)

    def __repr__(self) -> str:
        """Show the files as they are written, to read a failing example by."""
        parts = []
        for name, rows in self.tables.items():
            parts.append(f"--- {name}.csv")
            columns = columns_of(name, rows)
            parts.extend([",".join(columns), *(",".join(r[c] for c in columns) for r in rows)])
        if self.rules is not None:
            parts.extend(["--- rules.toml", self.rules])
        return "\n".join(["Pack:", *parts])

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        """Have hypothesis print a failing example so."""
        printer.text(repr(self))


def columns_of(name: str, rows: Sequence[Record]) -> list[str]:
    """Columns that a table is written with: those of its rows, or all where it has none."""
    return list(rows[0]) if rows else COLUMNS[name].split()


def plain(value: float) -> str:
    """Write a number without an exponent."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def grid_or_float(grid: Sequence[str], low: float, high: float) -> st.SearchStrategy[str]:
    """Mostly values of a grid, sometimes a float rounded to four digits."""
    floats = st.floats(low, high).map(lambda value: plain(round(value, 4)))
    return st.one_of(st.sampled_from(grid), st.sampled_from(grid), floats)


def rarely(draw: st.DrawFn, times: int) -> bool:
    """Say yes about once in so many times."""
    return draw(st.integers(0, times)) == times // 2


def listed(items: Sequence[str], most: int) -> st.SearchStrategy[str]:
    """A list cell with some of the items."""
    if not items:
        return st.just("")
    return st.lists(st.sampled_from(items), max_size=most, unique=True).map(";".join)


def sums_above_one(shares: Sequence[str]) -> bool:
    """Tell whether the known shares sum above 1 in any order of summing."""
    known = [float(share) for share in shares if share]
    return any(sum(order) > 1.0 for order in permutations(known))


@st.composite
def cost_shares(draw: st.DrawFn, count: int) -> list[str]:
    """Cost shares of the inputs of one product: none, some, or a sum that hits 0.6 or 1 exactly."""
    kind = draw(st.sampled_from(("none", "0.6", "some", "none", "1.0", "0.6", "0.7", "floats")))
    if kind == "none" or count == 0:
        return [""] * count
    if kind == "some":
        return [draw(st.sampled_from(("", "0.05", "0.1", "0.2", "0"))) for _ in range(count)]
    if kind == "floats":
        one = grid_or_float(("", "0.15"), 0.0, 0.24)
        return [draw(one) for _ in range(count)]
    # The given ones are hundredths that add up to the kind, or miss it by 1e-13, which is as
    # good as nothing; the others stay unknown.
    given = draw(st.sampled_from((max(1, count - 1), count, max(1, count // 2))))
    units = round(float(kind) * 100)
    cuts = sorted(draw(st.integers(0, units)) for _ in range(given - 1))
    ends = [*cuts, units]
    steps = [end - start for start, end in zip([0, *cuts], ends, strict=True)]
    shares = [plain(step / 100) for step in steps] + [""] * (count - given)
    largest = steps.index(max(steps))
    if draw(st.booleans()):
        shares[largest] = f"{steps[largest] / 100 - 1e-13:.13f}"
    while sums_above_one(shares):
        shares[shares.index(next(share for share in shares if share))] = ""
    return draw(st.permutations(shares))


def inputs_table(draw: st.DrawFn, products: Sequence[str]) -> list[Record]:
    """Inputs of products, with cycles but without a product that is its own input."""
    rows = []
    for product in products:
        others = [other for other in products if other != product]
        if not others:
            continue
        count = min(draw(st.sampled_from((2, 0, 1, 4, 3))), len(others))
        used = draw(st.permutations(others))[:count]
        shares = draw(cost_shares(len(used)))
        zero = rarely(draw, 10)
        for other, share in zip(used, shares, strict=True):
            critical = "0" if zero else draw(grid_or_float(CRITICALITIES, 0.0, 1.0))
            rows.append(
                {"product": product, "input": other, "cost_share": share, "criticality": critical}
            )
    return rows


def links_table(draw: st.DrawFn, clusters: Sequence[str]) -> list[Record]:
    """Links of the clusters, positions sometimes missing or tied; ids not in order of position."""
    names = draw(st.permutations(("wafer", "assembly", "材料", "link-9", "link-10")))
    return [
        {
            "id": name,
            "cluster": draw(st.sampled_from(clusters)),
            "name": f"环节 {name}",
            "stage": draw(st.sampled_from(("upstream", "midstream", "downstream"))),
            "position": draw(st.sampled_from(("1", "2", "", "3", "10", "1"))),
        }
        for name in names[: draw(st.sampled_from((3, 1, 2, 5, 4)))]
    ]


def products_table(draw: st.DrawFn, links: Sequence[str]) -> list[Record]:
    """Products, most of them in at least one link."""
    rows = []
    for index in range(draw(st.sampled_from(COUNTS))):
        several = draw(st.sampled_from((1, 1, 2, 3)))
        rate = st.one_of(st.just(""), grid_or_float(("", "0.2", "0", "0.05", "1"), 0.0, 1.0))
        rows.append(
            {
                "id": f"p{index}",
                "name": draw(
                    st.sampled_from((f"产品{index}", f"Product, {index}", f'"{index}"寸'))
                ),
                "aliases": draw(listed((f"别名{index}", f"P-{index}", "shared"), 2)),
                "links": draw(
                    st.one_of(
                        st.lists(
                            st.sampled_from(links), min_size=1, max_size=several, unique=True
                        ).map(";".join),
                        listed(links, several),
                    )
                ),
                "gb_code": "",
                "sei": "",
                "domestic_rate": draw(rate),
            }
        )
    return rows


def region_cell(draw: st.DrawFn) -> str:
    """A region of the pool, around Wuhan more often than elsewhere, or unknown."""
    near = st.sampled_from(("420111", "420100", "420115", "420111", "", "429004"))
    return draw(st.one_of(near, st.sampled_from(PLANT_REGIONS)))


def enterprises_table(draw: st.DrawFn) -> list[Record]:
    """Enterprises with known, zero, huge and unknown revenue, at home and abroad."""
    rows = []
    for index in range(draw(st.sampled_from((6, 0, *COUNTS)))):
        country = draw(st.sampled_from(("", "CN", "", "JP", "US")))
        abroad = country not in ("", "CN")
        rows.append(
            {
                "id": f"e{index}",
                "name": draw(st.sampled_from((f"企业{index}", f"Maker {index}, Ltd.", "同名公司"))),
                "aliases": "",
                "country": country,
                "region": "" if abroad and draw(st.booleans()) else region_cell(draw),
                "address": "",
                "labels": draw(st.one_of(st.just(""), listed(LABELS, 3))),
                "revenue": draw(grid_or_float(REVENUES, 0.0, 1e10)),
                "employees": draw(st.sampled_from(("", "120"))),
                "main_products": "",
            }
        )
    return rows


def revenue_shares(draw: st.DrawFn, count: int) -> list[str]:
    """Shares of one enterprise's rows, known ones also above 1 in sum or 1e-13 short of it."""
    style = draw(st.sampled_from(("grid", "nearly", "grid", "unknown", "tiny", "floats")))
    if style == "nearly":
        nearly = ["0.9999999999999"] if count < 3 else ["0.5", "0.4999999999999"]
        return draw(st.permutations([*nearly, "", "", ""][:count]))
    share = {
        "grid": st.sampled_from(SHARES),
        "unknown": st.just(""),
        "tiny": st.sampled_from(("0.001", "0.00001", "0.01", "0.0001")),
        "floats": grid_or_float(("", "0.3"), 0.0, 1.0),
    }[style]
    return [draw(share) for _ in range(count)]


def produces_table(
    draw: st.DrawFn, enterprises: Sequence[str], products: Sequence[str]
) -> list[Record]:
    """What enterprises make and sell: plants elsewhere, several plants, all kinds of shares."""
    rows = []
    for enterprise in enterprises:
        count = draw(st.sampled_from((2, 1, 0, 5, 1, 4, 2, 3)))
        for share in revenue_shares(draw, count):
            rows.append(
                {
                    "enterprise": enterprise,
                    "product": draw(st.sampled_from(products)),
                    "region": "" if draw(st.booleans()) else region_cell(draw),
                    "role": draw(st.sampled_from(("", "maker", "", "maker", "", "seller"))),
                    "share": share,
                    "maturity": draw(st.sampled_from(("", "mass", "pilot", "research"))),
                }
            )
    return rows


def pairs(
    draw: st.DrawFn, first: Sequence[str], second: Sequence[str], most: int
) -> list[tuple[str, str]]:
    """Different pairs out of two lists."""
    if not first or not second:
        return []
    both = st.tuples(st.sampled_from(first), st.sampled_from(second))
    least = min(draw(st.integers(0, most)), len(first) * len(second) // 2)
    return draw(st.lists(both, min_size=least, max_size=most, unique=True))


def supplies_table(
    draw: st.DrawFn, enterprises: Sequence[str], products: Sequence[str]
) -> list[Record]:
    """Recorded purchases, some without an amount; nobody buys from itself."""
    amounts = grid_or_float(("1000000", "", "250000", "0"), 1.0, 1e8)
    different = [pair for pair in pairs(draw, enterprises, enterprises, 12) if pair[0] != pair[1]]
    return [
        {
            "supplier": supplier,
            "buyer": buyer,
            "product": draw(st.sampled_from(products)),
            "amount": draw(amounts),
        }
        for supplier, buyer in different
    ]


def rest_of_tables(draw: st.DrawFn, enterprises: Sequence[str], products: Sequence[str]) -> Tables:
    """Institutes, surveys, and tables that no measure of section 4 or 5 may be moved by."""
    institutes = [
        {
            "id": f"i{index}",
            "name": f"研究院{index}",
            "kind": draw(st.sampled_from(("university", "institute", "platform"))),
            "level": "",
            "region": region_cell(draw),
        }
        for index in range(draw(st.integers(0, 2)))
    ]
    ids = [row["id"] for row in institutes]
    strengths = st.sampled_from(("0.9", "", "0.3", "1"))
    statuses = st.sampled_from(("complete", "partial", "complete"))
    surveyed = ("420000", "420100", "420111", "429004", *PLANT_REGIONS)
    holdings = pairs(draw, enterprises[:3], enterprises[3:], 2)
    return {
        "institutes": institutes,
        "research": [
            {"institute": institute, "product": product, "strength": draw(strengths)}
            for institute, product in pairs(draw, ids, products, 4)
        ],
        "partners": [
            {"institute": institute, "enterprise": enterprise, "topic": "联合实验室"}
            for institute, enterprise in pairs(draw, ids, enterprises, 2)
        ],
        "holdings": [
            {"parent": parent, "child": child, "stake": "0.5"} for parent, child in holdings
        ],
        "projects": [
            {
                "id": f"project{index}",
                "name": f"项目{index}",
                "kind": draw(st.sampled_from(("leading", "supporting", "ecosystem"))),
                "owner": "",
                "product": product,
                "region": region,
                "investment": draw(st.sampled_from(("", "500000000"))),
                "stage": "在建",
            }
            for index, (region, product) in enumerate(pairs(draw, PLANT_REGIONS, products, 2))
        ],
        "surveys": [
            {"region": region, "product": product, "status": draw(statuses)}
            for region, product in pairs(draw, surveyed, products, 5)
        ],
    }


THRESHOLD_GRIDS = {
    "token_max": ("0.2", "0.05", "0.5", "0.0"),
    "reachable_min": ("0.25", "1.0", "0.75"),
    "fulfilment_min": ("0.5", "0.9"),
    "lq_min": ("0.5", "2.0", "1.25"),
    "leader_share": ("1.0", "0.1", "2.0"),
    "critical_min": ("0.5", "0.9", "0.2"),
    "local_suppliers_min": ("1.5", "3.0", "3"),
    "national_makers_min": ("2", "6", "3"),
    "vital_min": ("0.7", "0.5", "1.0"),
    "domestic_min": ("0.5", "0.1", "1.0"),
}
SIZE_GRID = ("1e9", "5e6", "300000000", "2e7")


def settings_lines(draw: st.DrawFn, most: int) -> list[str]:
    """Some thresholds with other values than the default."""
    names = draw(st.lists(st.sampled_from(sorted(THRESHOLD_GRIDS)), max_size=most, unique=True))
    return [f"{name} = {draw(st.sampled_from(THRESHOLD_GRIDS[name]))}" for name in names]


def sizes_lines(draw: st.DrawFn) -> list[str]:
    """Some typical sizes with other values than the default."""
    names = draw(st.permutations(("other", *LABELS)))[: draw(st.integers(1, 4))]
    return [f"{name} = {draw(st.sampled_from(SIZE_GRID))}" for name in names]


def rules_text(draw: st.DrawFn, clusters: Sequence[str]) -> str | None:
    """Text of a rules.toml with overrides at every level, or no file."""
    if draw(st.sampled_from((True, False, False))):
        return None
    lines = settings_lines(draw, 4)
    lines.extend(["[sizes]", *sizes_lines(draw)] if draw(st.booleans()) else [])
    for cluster in clusters:
        if draw(st.booleans()):
            lines.extend([f"[cluster.{cluster}]", *settings_lines(draw, 4)])
        if draw(st.booleans()):
            lines.extend([f"[cluster.{cluster}.sizes]", *sizes_lines(draw)])
    return "".join(f"{line}\n" for line in lines)


def without(tables: Tables, missing: set[str]) -> Tables:
    """Leave out optional files, and whatever of the others refers into them."""
    kept = {
        name: rows
        for name, rows in tables.items()
        if name not in missing and not missing.intersection(NEEDS.get(name, ()))
    }
    if "links" not in kept:
        kept["products"] = [{**row, "links": ""} for row in kept["products"]]
    return kept


def unique_plants(tables: Tables) -> None:
    """Keep the first of produces' rows with the same key, an empty region filled with the own."""
    home = {row["id"]: row.get("region", "") for row in tables.get("enterprises", [])}
    found = set()
    kept = []
    for row in tables.get("produces", []):
        region = row.get("region", "") or home[row["enterprise"]]
        key = (row["enterprise"], row["product"], region)
        if key not in found:
            found.add(key)
            kept.append(row)
    if "produces" in tables:
        tables["produces"] = kept


@st.composite
def packs(draw: st.DrawFn) -> Pack:
    """Draw a random valid pack of at most eight products and eight enterprises."""
    clusters = ("ic", "nev", "display-2")[: draw(st.sampled_from((1, 2, 1, 3)))]
    links = links_table(draw, clusters)
    products = products_table(draw, [row["id"] for row in links])
    enterprises = enterprises_table(draw)
    product_ids = [row["id"] for row in products]
    enterprise_ids = [row["id"] for row in enterprises]
    tiers = st.sampled_from(("", "key_cultivated", "provincial", "national", "world"))
    tables: Tables = {
        "clusters": [
            {
                "id": cluster,
                "name": f"集群 {cluster}",
                "tier": draw(tiers),
                "field": "",
                "region": draw(st.sampled_from(("420100", "420000", "440300"))),
                "recognised_on": "",
            }
            for cluster in clusters
        ],
        "links": links,
        "products": products,
        "inputs": inputs_table(draw, product_ids),
        "enterprises": enterprises,
        "produces": produces_table(draw, enterprise_ids, product_ids),
        "supplies": supplies_table(draw, enterprise_ids, product_ids),
        **rest_of_tables(draw, enterprise_ids, product_ids),
    }
    if rarely(draw, 10):
        missing = draw(st.sets(st.sampled_from(sorted(NEEDS)), min_size=1, max_size=3))
        tables = without(tables, missing)
    if rarely(draw, 4):
        for name, column in draw(st.sets(st.sampled_from(OPTIONAL_COLUMNS), max_size=2)):
            for row in tables.get(name, []):
                row.pop(column)
    unique_plants(tables)
    return Pack(tables=tables, rules=rules_text(draw, clusters), clusters=clusters)
