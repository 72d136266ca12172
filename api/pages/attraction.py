"""招商攻坚图: gaps by priority, whom to bring in, where to land them, and how far that is."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from ...analysis.gaps import ACTIONS, EVIDENCE, ROUTES, STATES
from ...analysis.routes import WAYS, routes_of
from ...analysis.targets import PARTS_ZH, find_targets
from ...graph.chain import records
from ...graph.follow_ups import FOLLOW_UP_STAGES, NOTE_MOST, OWNER_MOST, FollowUp, FollowUps, Step
from ...viz.attraction import Battle, battle
from ...viz.language import spoken
from ...viz.words import target_note, tie_word
from ..http.access import Role, access
from ..http.routes_follow_ups import keep_step
from .export import links as export_links
from .export import may_write
from .patience import patient
from .scope import Chosen, answer_key, chosen
from .shell import render

router = APIRouter()

#: What of the address belongs to the view.
STATE = ("action", "evidence", "stage", "q", "product", "page")
#: Gaps of one page, and targets of each in the list.
PER_PAGE, PER_GAP = 15, 3


@router.get("/attraction")
@access(Role.viewer, "region")
@patient
def attraction(request: Request) -> HTMLResponse:
    """招商攻坚图：缺口按优先级排列，每个列目标、路径、落地、证据和跟进。"""
    one = chosen(request, *STATE)
    if not one.cluster:
        return render(request, "nothing.html", title="招商攻坚图")
    kept = FollowUps(one.service.work)
    steps = kept.history(one.region, one.cluster)
    current: dict[tuple[str, str], FollowUp] = {}
    for step in steps:
        current.setdefault(step.target, step)
    acting = one.gaps.acting()
    order = {p: at for at, p in enumerate(acting["product"], 1)}
    matching = _matching(one, acting, current)
    pages = max(1, -(-len(matching) // PER_PAGE))
    page = min(max(_number(one.state.get("page", "")), 1), pages)
    single = one.state.get("product", "") in order
    wanted = (
        [one.state["product"]]
        if single
        else matching["product"].iloc[(page - 1) * PER_PAGE : page * PER_PAGE].tolist()
    )
    battles = _battles(one, wanted)
    return render(
        request,
        "attraction.html",
        one=one,
        battles=battles,
        targets={b.row["product"]: _targets(one, b, single) for b in battles},
        order=order,
        single=single,
        current=current,
        others=_others(one, wanted[0]) if single else [],
        steps={p: [s for s in steps if s.product == p] for p in wanted},
        enterprises=_enterprise_names(one, steps),
        whole=len(acting),
        matching=len(matching),
        confirmed=int((acting["evidence"] == "confirmed").sum()),
        counts={a: sum(a in x for x in acting["actions"]) for a in ACTIONS},
        page=page,
        pages=pages,
        writes=may_write(request),
        action=one.link("/attraction/follow-up"),
        stages=FOLLOW_UP_STAGES,
        parts=PARTS_ZH,
        actions=ACTIONS,
        states=STATES,
        evidence=EVIDENCE,
        routes=ROUTES,
        most=(OWNER_MOST, NOTE_MOST),
        exports=export_links("attraction", one),
    )


@router.post("/attraction/follow-up")
@access(Role.analyst, "region")
def follow_up(
    request: Request,
    region: str,
    cluster: str,
    product: Annotated[str, Form(max_length=200)],
    stage: Annotated[str, Form(max_length=20)],
    enterprise: Annotated[str, Form(max_length=200)] = "",
    owner: Annotated[str, Form(max_length=OWNER_MOST)] = "",
    note: Annotated[str, Form(max_length=NOTE_MOST)] = "",
) -> RedirectResponse:
    """招商攻坚图：记下一步跟进，回到该缺口。"""
    about = {"region": region, "cluster": cluster, "product": product, "enterprise": enterprise}
    keep_step(request, Step(**about, stage=stage, owner=owner, note=note))
    one = chosen(request)
    return RedirectResponse(one.link("/attraction", product=product) + "#follow", 303)


def _matching(
    one: Chosen, acting: pd.DataFrame, current: dict[tuple[str, str], FollowUp]
) -> pd.DataFrame:
    """The gaps that the filters let through."""
    state, table = one.state, acting
    if action := state.get("action"):
        table = table[[action in x for x in table["actions"]]]
    if evidence := state.get("evidence"):
        table = table[table["evidence"] == evidence]
    if text := state.get("q", "").strip().lower():
        table = table[[text in str(n).lower() for n in table["name"]]]
    if stage := state.get("stage"):
        having = {p for (p, _), step in current.items() if step.stage == stage}
        followed = {p for p, _ in current}
        chosen_ids = set(table["product"]) - followed if stage == "none" else having
        table = table[table["product"].isin(chosen_ids)]
    return table


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _battles(one: Chosen, products: list[str]) -> list[Battle]:
    """Some gaps with their targets; only these are worked out, so that a page is quick."""

    def make() -> list[Battle]:
        return battle(one.gaps, _found(one, products), products, one.details)

    key = answer_key(one, "battles", spoken().code, *products)
    return one.service.answer(*key, make=make)


def _found(one: Chosen, products: list[str]) -> pd.DataFrame:
    key = answer_key(one, "some targets", *products)
    return one.service.answer(*key, make=lambda: find_targets(one.gaps, products))


def _others(one: Chosen, product: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """Who could close a gap besides those to bring in: each way with the best of it."""
    key = answer_key(one, "ways", product)
    found = one.service.answer(*key, make=lambda: records(routes_of(one.gaps, [product], PER_GAP)))
    return [
        (name, rows)
        for way, name in WAYS.items()
        if (rows := [row for row in found if row["route"] == way])
    ]


def _targets(one: Chosen, gap: Battle, single: bool) -> list[dict[str, Any]]:
    """Targets to list: the best ones, or all that are ranked where one gap is looked at."""
    table = _found(one, [gap.row["product"]])
    rows = records(table) if single else gap.targets[:PER_GAP]
    marks = ((row, (tie_word(row), *target_note(row).split("、"))) for row in rows)
    return [{**row, "marks": [mark for mark in given if mark]} for row, given in marks]


def _enterprise_names(one: Chosen, steps: tuple[FollowUp, ...]) -> dict[str, str]:
    ids = sorted({s.enterprise for s in steps if s.enterprise})
    names = one.graph.text("enterprises", "name")
    at = one.graph.position("enterprises", ids).tolist()
    return {key: str(names[i]) if i >= 0 else key for key, i in zip(ids, at, strict=True)}
