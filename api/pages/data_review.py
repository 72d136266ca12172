"""数据: what could not be used, and which enterprises may be one."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ..http import quarantine_desk, review_desk
from ..http.access import Role, access, caller_of
from ..http.problems import Problem
from ..http.quarantine_desk import Filter
from ..http.review_desk import Verdict
from ..review import VERDICTS
from .data import SEE_OTHER, may_load
from .patience import patient
from .shell import render

router = APIRouter(prefix="/data")
#: Rows of a page.
ROWS = 50


@router.get("/quarantine")
@access(Role.analyst)
@patient
def quarantine(
    request: Request,
    pack: Annotated[str, Query(max_length=200)] = "",
    file: Annotated[str, Query(max_length=200)] = "",
    reason: Annotated[str, Query(max_length=50)] = "",
    page: Annotated[int, Query(ge=1, le=10**6)] = 1,
) -> HTMLResponse:
    """隔离区：哪些行没有载入，为什么。"""
    found, version = quarantine_desk.rejects_of(request)
    wanted = Filter(pack, file, reason)
    rows = wanted.of(found)
    counts = quarantine_desk.counts_of(request)
    chosen = {key: value for key, value in vars(wanted).items() if value}
    return render(
        request,
        "data_quarantine.html",
        version=version,
        total=len(found),
        shown=len(rows),
        rows=quarantine_desk.rows(rows.iloc[(page - 1) * ROWS : page * ROWS]),
        counts=counts,
        packs=sorted({count["pack"] for count in counts}),
        files=sorted({count["file"] for count in counts}),
        reasons=sorted({(count["reason"], count["title"]) for count in counts}),
        wanted=wanted,
        query=urlencode(chosen),
        too_many=len(rows) > quarantine_desk.MOST,
        page=page,
        pages=max(1, -(-len(rows) // ROWS)),
        first=(page - 1) * ROWS,
        may=may_load(caller_of(request)),
    )


@router.get("/review")
@access(Role.analyst)
@patient
def review(
    request: Request, page: Annotated[int, Query(ge=1, le=10**6)] = 1, done: str = ""
) -> HTMLResponse:
    """复核：可能是同一家的企业。"""
    pairs, version = review_desk.pairs_of(request)
    return render(
        request,
        "data_review.html",
        version=version,
        pairs=pairs[(page - 1) * ROWS : page * ROWS],
        total=len(pairs),
        page=page,
        pages=max(1, -(-len(pairs) // ROWS)),
        decisions=review_desk.decisions_of(request),
        verdicts=VERDICTS,
        done=done if done in ("accept", "reject", "undo") else "",
        may=may_load(caller_of(request)),
    )


@router.post("/review")
@access(Role.editor)
def decide(
    request: Request,
    keep: Annotated[str, Form(max_length=200)],
    other: Annotated[str, Form(max_length=200)],
    verdict: Annotated[str, Form(max_length=20)],
    note: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """作出或取消一个决定。"""
    known: dict[str, Verdict] = {"accept": "accept", "reject": "reject", "undo": "undo"}
    if verdict not in known:
        fault = {"field": "verdict", "message": "应为 accept、reject 或 undo", "value": verdict}
        raise Problem("invalid", errors=[fault])
    review_desk.decide(request, keep, other, known[verdict], note)
    return RedirectResponse(f"/data/review?done={verdict}", SEE_OTHER)
