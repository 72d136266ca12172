"""Scores of targets the plain way: gap by gap, enterprise by enterprise, chains over NetworkX.

It shares outputs (:class:`Economy`), gaps and relatedness with the program and nothing of how
targets are gathered, tied and scored.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

import networkx as nx

from chainatlas.analysis.economy import Economy
from chainatlas.analysis.gaps import Gaps
from chainatlas.analysis.relatedness import relatedness
from chainatlas.analysis.targets.texts import Said, naming, spoken_names
from chainatlas.graph import regions as geo
from chainatlas.graph.chain import ChainGraph, records

Row = dict[str, Any]
STEP = {
    ("SUPPLIES", True): 0.9,
    ("SUPPLIES", False): 0.7,
    ("HOLDS", True): 0.9,
    ("HOLDS", False): 0.8,
    ("PARTNERS", True): 0.5,
    ("PARTNERS", False): 0.5,
}
LABELS = {
    "leading": 1.0,
    "champion": 1.0,
    "little_giant": 0.8,
    "listed": 0.6,
    "specialised": 0.5,
    "high_tech": 0.3,
}


def text_of(value: object) -> str:
    """A cell as text, "" where empty."""
    return value if isinstance(value, str) else ""


def chains(graph: ChainGraph) -> nx.MultiDiGraph[Any]:
    """Steps both ways over every recorded edge."""
    result: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    for table, kind, one, other in (
        ("supplies", "SUPPLIES", "supplier", "buyer"),
        ("holdings", "HOLDS", "parent", "child"),
        ("partners", "PARTNERS", "institute", "enterprise"),
    ):
        for row in records(graph[table]):
            start = ("i" if kind == "PARTNERS" else "e", row[one])
            end = ("e", row[other])
            result.add_edge(start, end, kind=kind, forward=True)
            result.add_edge(end, start, kind=kind, forward=False)
    return result


def strongest(
    steps: nx.MultiDiGraph[Any], start: tuple[str, str], local: set[tuple[str, str]]
) -> float:
    """Strength of the best chain of at most three steps to a local node."""

    def walk(node: tuple[str, str], last: tuple[str, bool] | None, left: int) -> Iterator[float]:
        if node not in steps:
            return
        for _, to, data in steps.out_edges(node, data=True):
            kind = (data["kind"], data["forward"])
            if last and last[0] == kind[0] == "SUPPLIES" and last[1] != kind[1]:
                continue
            if to in local:
                yield STEP[kind]
            if left > 1:
                for rest in walk(to, kind, left - 1):
                    yield STEP[kind] * 0.8 * rest

    return max(walk(start, None, 3), default=0.0)


def scores(gaps: Gaps) -> dict[tuple[str, str], dict[str, float]]:
    """Features before weighting of every maker that is a candidate, by (product, enterprise)."""
    scope, economy, graph = gaps.scope, gaps.scope.economy, gaps.scope.graph
    region = scope.region
    enterprises = records(graph["enterprises"])
    makes = plants(economy)
    whole: dict[int, float] = {}
    places: dict[int, set[str]] = {}
    for row in makes:
        whole[row["e"]] = whole.get(row["e"], 0.0) + row["y"]
        if row["region"]:
            city = geo.ancestors(row["region"])
            places.setdefault(row["e"], set()).add(
                next((c for c in city if geo.level(c) == "city"), row["region"])
            )
    inside = {row["e"] for row in makes if row["region"] and geo.contains(region, row["region"])}
    seats = {
        e
        for e, r in enumerate(enterprises)
        if text_of(r["region"]) and geo.contains(region, r["region"])
    }
    local = {("e", enterprises[e]["id"]) for e in inside | seats} | {
        ("i", r["id"])
        for r in records(graph["institutes"])
        if text_of(r["region"]) and geo.contains(region, r["region"])
    }
    steps, near = chains(graph), related(gaps)
    products = records(graph["products"])
    growth, projects = growing(graph), building(graph)
    found: dict[tuple[str, str], dict[str, float]] = {}
    for gap in records(gaps.acting()):
        p = int(graph.position("products", [gap["product"]])[0])
        rows = [row for row in makes if row["p"] == p]
        here = {r["e"] for r in rows if r["region"] and geo.contains(region, r["region"])}
        own: dict[int, list[Row]] = {}
        for row in rows:
            if row["e"] not in here | seats:
                own.setdefault(row["e"], []).append(row)
        names = spoken_names(products[p]["name"], text_of(products[p]["aliases"]).split(";"))
        middle = median(sum(r["y"] for r in mine) for mine in own.values()) if own else 1.0
        unmet = gap["demand"] * (1 - gap["fulfilment"])
        for e, mine in own.items():
            firm, y = enterprises[e], sum(r["y"] for r in mine)
            share = min(1.0, y / whole[e])
            said = Said.of(text_of(firm["main_products"]))
            largest: Row = max(mine, key=lambda r: float(r["y"]))
            if largest["share"] is None:
                share = min(share, 3.0 / max(1, len(said.items)))
            home = text_of(firm["region"])
            province = geo.level(region) in ("city", "county") and bool(home)
            same = province and geo.province(home) == geo.province(region)
            labels = text_of(firm["labels"]).split(";")
            found[gap["product"], firm["id"]] = {
                "fit": share,
                "text": max(
                    naming(names, said), 0.8 * naming(names, Said.of(text_of(firm["scope"])))
                ),
                "scale": y / (y + middle),
                "standing": max((LABELS.get(x, 0.0) for x in labels), default=0.0),
                "tie": 1.0 if e in inside else strongest(steps, ("e", firm["id"]), local),
                "pull": min(1.0, unmet / (y / len(mine))),
                "relatedness": near.get(gap["product"], 0.0),
                "research": researched(graph, gap["product"], region),
                "inputs": 0.0 if gap["reachable"] != gap["reachable"] else gap["reachable"],
                "nearness": 1.0 if same else 0.5 if home or firm["country"] == "CN" else 0.0,
                "footprint": min(1.0, max(0, len(places.get(e, ())) - 1) / 3),
                "growth": min(1.0, max(0.0, growth.get(firm["id"], 0.0) / 0.2)),
                "projects": projects.get(firm["id"], 0.0),
            }
    return found


def plants(economy: Economy) -> list[Row]:
    """PRODUCES rows with output: enterprise, product, region, output, share as stated."""
    share = economy.graph["produces"]["share"].tolist()
    return [
        {"e": e, "p": p, "region": region, "y": y, "share": s if s == s else None}
        for e, p, region, y, s in zip(
            economy.enterprise.tolist(),
            economy.product.tolist(),
            economy.region.tolist(),
            economy.output.tolist(),
            share,
            strict=True,
        )
        if y > 0
    ]


def related(gaps: Gaps) -> dict[str, float]:
    """Surplus of density over what is expected, 0..1, by product."""
    return {
        row["product"]: min(1.0, max(0.0, row["surplus"] / row["expected"]))
        for row in records(relatedness(gaps.scope).table)
        if row["surplus"] == row["surplus"] and row["expected"] > 0
    }


def researched(graph: ChainGraph, product: str, region: str) -> float:
    """The best institute's strength, by where it is."""
    homes = {r["id"]: text_of(r["region"]) for r in records(graph["institutes"])}
    best = 0.0
    for row in records(graph["research"]):
        home = homes[row["institute"]]
        if row["product"] == product and home and geo.province(home) == geo.province(region):
            strength = row["strength"] if row["strength"] == row["strength"] else 0.5
            best = max(best, strength * (1.0 if geo.contains(region, home) else 0.5))
    return best


def growing(graph: ChainGraph) -> dict[str, float]:
    """Yearly growth between the first and last year known."""
    from datetime import date

    known: dict[str, list[tuple[date, float]]] = {}
    for row in records(graph.revenues):
        known.setdefault(row["enterprise"], []).append(
            (date.fromisoformat(row["as_of"]), row["revenue"])
        )
    result = {}
    for firm, values in known.items():
        (start, low), (end, high) = min(values), max(values)
        if low > 0:
            result[firm] = (high / low) ** (365.25 / (end - start).days) - 1
    return result


def building(graph: ChainGraph) -> dict[str, float]:
    """Recent projects of an enterprise or its direct subsidiaries: 1 away, 0.5 at home."""

    def city(code: str) -> str:
        return (
            next((c for c in geo.ancestors(code) if geo.level(c) == "city"), code) if code else ""
        )

    homes = {r["id"]: city(text_of(r["region"])) for r in records(graph["enterprises"])}
    parents: dict[str, list[str]] = {}
    for row in records(graph["holdings"]):
        parents.setdefault(row["child"], []).append(row["parent"])
    rows = records(graph["projects"])
    newest = max((int(text_of(r["as_of"])[:4] or 0) for r in rows), default=0)
    result: dict[str, float] = {}
    for row in rows:
        owner, place = text_of(row["owner"]), city(text_of(row["region"]))
        if owner not in homes or int(text_of(row["as_of"])[:4] or 0) < newest - 4:
            continue
        for firm in [owner, *parents.get(owner, [])]:
            worth = 1.0 if place and place != homes[firm] else 0.5
            result[firm] = max(result.get(firm, 0.0), worth)
    return result
