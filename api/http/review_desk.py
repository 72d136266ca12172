"""The review of near matches for a caller: the list, and decisions that leave a row in the audit."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd
from fastapi import Request

from ...graph.chain import records
from ...graph.work import Decision, Decisions
from ...ingest.identity import review as find_pairs
from ...ingest.identity.near import REASONS
from .. import review
from .access import caller_of
from .audit import record
from .jobs_desk import check_everywhere, version_of
from .routes_facts import service_of
from .service import Service

Verdict = Literal["accept", "reject", "undo"]


def decisions_of(request: Request) -> tuple[Decision, ...]:
    """Decisions in force, newest first."""
    return tuple(reversed(Decisions(service_of(request).work).all()))


def pairs_of(request: Request) -> tuple[list[dict[str, Any]], int]:
    """Pairs to decide about, the most alike first, and the version of the facts.

    Raises:
        Problem: The caller is bound to a region.
    """
    check_everywhere(caller_of(request))
    service, version = service_of(request), version_of(request)
    if not version:
        return [], 0
    found = records(near_pairs(service, version))
    return [{**pair, "title": REASONS[pair["reason"]]} for pair in found], version


def near_pairs(service: Service, version: int) -> pd.DataFrame:
    """Pairs of a version that nobody has decided about, the most alike first."""
    decided = Decisions(service.work).all()
    key = ("review", version, tuple(d.number for d in decided))

    def make() -> pd.DataFrame:
        return find_pairs(service.view(version).stated("enterprises"), decided)

    return service.lasting(*key, make=make)


def decide(request: Request, keep: str, other: str, verdict: Verdict, note: str) -> int:
    """Decide about a pair, or take a decision back; the facts follow at once.

    Returns:
        The version of the facts afterwards.

    Raises:
        ChainAtlasError: It cannot be so; see :func:`..review.check`.
    """
    check_everywhere(caller_of(request))
    service = service_of(request)
    decisions = Decisions(service.work)
    if verdict == "undo":
        review.find(decisions, keep, other)
    else:
        review.check(service.store, keep, other, verdict)
    detail = {"keep": keep, "other": other, "note": note}
    record(request, f"review.{verdict}", f"{keep} {other}", detail)
    if verdict == "undo":
        version = review.take_back(service.store, decisions, keep, other)[1]
    else:
        version = review.decide(service.store, decisions, keep, other, verdict, note)
    service.refresh()
    return version
