"""产业链图谱: the chain by stages, a product's panel, what leads to what, and the table twin."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ...analysis.gaps import ACTIONS, EVIDENCE, REASONS, ROUTES, STATES, Gaps
from ...analysis.neighbours import Neighbour, chain_path, neighbours
from ...graph import regions as geo
from ...graph.chain import records
from ...graph.errors import NotFoundError
from ...graph.schema import LABELS, STAGES
from ...viz.chain import inputs_within
from ...viz.chain_layout import ordered_links
from ...viz.language import say
from ...viz.sentences import panel_facts, reason_sentence
from ...viz.tables import grid
from .. import answers
from ..http.access import Role, access
from .export import links as export_links
from .patience import patient
from .scope import Chosen, answer_key, chosen
from .shell import render

router = APIRouter()

#: What of the address belongs to the view.
STATE = ("action", "evidence", "stage", "label", "q", "product", "up", "down", "from", "to")
#: Pixels of the smallest and the largest circle.
_SMALL, _LARGE = 20, 40
#: Most steps of an expansion, and most products outside the cluster that it names.
_DEEPEST, _OUTSIDE = 4, 40
#: Inputs and users named in a panel.
_NEIGHBOURS = 10


@dataclass(frozen=True)
class Chip:
    """One product as the page shows it."""

    row: dict[str, Any]
    size: int
    shown: bool
    href: str


@dataclass(frozen=True)
class Block:
    """One link of the chain and its products."""

    name: str
    chips: list[Chip]

    @property
    def count(self) -> int:
        """Number of its products."""
        return len(self.chips)


@dataclass(frozen=True)
class Related:
    """What is lit besides what filters let through.

    Attributes:
        ids: Products of the expansion or of the path; None where there is neither.
        path: The way between two products, ends included.
        asked: Whether a path was asked for.
        outside: (Id, name) of products of the expansion that are not in the cluster.
        more: Number of those not named.
    """

    ids: frozenset[str] | None = None
    path: list[dict[str, str]] = field(default_factory=list)
    asked: bool = False
    outside: list[tuple[str, str]] = field(default_factory=list)
    more: int = 0


@router.get("/chain")
@access(Role.viewer, "region")
@patient
def chain(request: Request) -> HTMLResponse:
    """产业链图谱：按上中下游排列，按动作着色，按产出定大小。"""
    one = chosen(request, *STATE)
    if not one.cluster:
        return render(request, "nothing.html", title="产业链图谱")
    gaps, related = one.gaps, _related(one)
    shown = _shown(one, gaps, related)
    picked = one.state.get("product", "")
    rows = gaps.table[gaps.table["product"].isin(shown)]
    ids = gaps.table["product"].tolist()
    edges = [[a, b, int(critical)] for a, b, critical in inputs_within(gaps)]
    return render(
        request,
        "chain.html",
        data={"edges": edges, "panel": one.link("/chain/product", product="")},
        one=one,
        stages=_stages(one, gaps, shown),
        counts=gaps.table["primary"].value_counts().to_dict(),
        products=sorted(zip(gaps.table["name"], ids, strict=True)),
        shown=len(shown),
        whole=len(ids),
        related=related,
        twin=grid(
            answers.gaps_table(gaps, rows).drop(columns=["产品编码"]), nowrap=("产品", "环节")
        ),
        panel=_panel(one, picked) if picked in set(ids) else None,
        exports=export_links("chain", one),
        words=_WORDS,
    )


_WORDS = {
    "actions": ACTIONS, "states": STATES, "evidence": EVIDENCE, "stages": STAGES,
    "labels": LABELS, "routes": ROUTES, "reasons": REASONS,
}  # fmt: skip


@router.get("/chain/product")
@access(Role.viewer, "region")
def product_panel(request: Request, product: str, part: str = "") -> HTMLResponse:
    """产业链图谱的一个产品：企业、投入与用户、需求、风险、证据、路径。"""
    one = chosen(request, *STATE)
    if not one.cluster or product not in set(one.gaps.table["product"]):
        raise NotFoundError(say("集群里没有这个产品：%(product)s。", product=product))
    return render(
        request, "product.html", one=one, panel=_panel(one, product), part=part, words=_WORDS
    )


def _panel(one: Chosen, product: str) -> dict[str, Any]:
    gaps = one.gaps
    row = next(r for r in records(gaps.table) if r["product"] == product)
    detail = one.details[product]
    near = one.service.answer(
        *answer_key(one, "near", product), make=lambda: neighbours(gaps, product)
    )
    links = dict(zip(gaps.scope.chain["product"], gaps.scope.chain["link_name"], strict=True))
    hidden = {
        "首要动作",
        "全部动作",
        "原因",
        "证据",
        "稳健",
        "本地产出",
        "本地需求",
        "路径",
        "优先级",
    }
    return {
        "row": row,
        "detail": detail,
        "link": links[product],
        "sentence": reason_sentence(row, detail),
        "facts": [(term, text) for term, text in panel_facts(row, detail) if term not in hidden],
        "inputs": _near(one, near[0]),
        "users": _near(one, near[1]),
        "most": _NEIGHBOURS,
    }


def _near(one: Chosen, found: list[Neighbour]) -> list[tuple[Neighbour, str, str]]:
    """Each neighbour with its state in the present cluster and where it is shown."""
    primary = dict(zip(one.gaps.table["product"], one.gaps.table["primary"], strict=True))
    return [
        (
            n,
            primary.get(n.product, ""),
            one.link(product=n.product)
            if n.product in primary
            else one.link("/chain", cluster=n.cluster, product=n.product)
            if n.cluster
            else "",
        )
        for n in found
    ]


def _shown(one: Chosen, gaps: Gaps, related: Related) -> set[str]:
    """Ids of products that the filters let through."""
    state, table = one.state, gaps.table
    keep = np.ones(len(table), dtype=bool)
    if action := state.get("action"):
        listed = np.asarray([action in x for x in table["actions"]], dtype=bool)
        keep &= listed | (table["primary"] == action).to_numpy()
    for name in ("evidence", "stage"):
        if state.get(name):
            keep &= table[name] == state[name]
    if text := state.get("q", "").strip().lower():
        keep &= [text in str(n).lower() or text == p for n, p in table[["name", "product"]].values]
    if label := state.get("label"):
        keep &= table["product"].isin(_with_label(gaps, label))
    if related.ids is not None:
        keep &= table["product"].isin(related.ids)
    return set(table["product"][keep])


def _with_label(gaps: Gaps, label: str) -> set[str]:
    """Products that a local enterprise with a label makes."""
    economy, graph = gaps.scope.economy, gaps.scope.graph
    marked = np.zeros(len(graph["enterprises"]), dtype=bool)
    rows, values = graph.listed("enterprises", "labels")
    marked[rows[values == label]] = True
    here = geo.within(economy.region, gaps.scope.region) & (economy.output > 0)
    return set(graph.text("products", "id")[economy.product[here & marked[economy.enterprise]]])


def _related(one: Chosen) -> Related:
    state = one.state
    if state.get("from") and state.get("to"):
        way = chain_path(one.graph, state["from"], state["to"])
        return Related(frozenset(way) or None, [_named(one, p) for p in way], asked=True)
    depths = {d: _depth(state.get(d, "")) for d in ("up", "down")}
    product = state.get("product", "")
    if not product or not any(depths.values()):
        return Related()
    found = {product}
    for direction, name in (("upstream", "up"), ("downstream", "down")):
        if depths[name]:
            reached = one.graph.closure("INPUT_TO", [product], direction, depths[name])  # type: ignore[arg-type]
            found |= set(reached["id"])
    inside = set(one.gaps.table["product"])
    beyond = sorted(found - inside)
    named = [_named(one, p) for p in beyond[:_OUTSIDE]]
    outside = [(n["id"], n["name"]) for n in named]
    return Related(frozenset(found), outside=outside, more=max(0, len(beyond) - _OUTSIDE))


def _depth(text: str) -> int:
    return min(int(text), _DEEPEST) if text.isascii() and text.isdigit() else 0


def _named(one: Chosen, product: str) -> dict[str, str]:
    (at,) = one.graph.position("products", [product])
    inside = product in set(one.gaps.table["product"])
    return {
        "id": product,
        "name": str(one.graph.text("products", "name")[at]),
        "href": one.link(product=product) if inside else "",
    }


def _stages(one: Chosen, gaps: Gaps, shown: Iterable[str]) -> list[tuple[str, str, list[Block]]]:
    """Stages with their links and products; code, name, blocks."""
    rows = records(gaps.table)
    lit = set(shown)
    largest = max((r["output"] for r in rows), default=0.0)
    stages: dict[str, list[Block]] = {}
    for link in ordered_links(gaps):
        chips = [
            Chip(r, _pixels(r["output"], largest), r["product"] in lit, one.link(product=r["product"]))
            for r in rows
            if r["link"] == link["id"]
        ]  # fmt: skip
        stages.setdefault(link["stage"], []).append(Block(link["name"], chips))
    return [(code, STAGES[code], blocks) for code, blocks in stages.items()]


def _pixels(output: float, largest: float) -> int:
    """Diameter of a circle whose area above the smallest grows with output."""
    share = output / largest if largest > 0 else 0.0
    return round(math.sqrt(_SMALL**2 + (_LARGE**2 - _SMALL**2) * share))
