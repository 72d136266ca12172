"""Enterprises that may be one, and what people decide about them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from . import review_desk
from .access import Role, access
from .review_desk import Verdict

router = APIRouter(tags=["review"])


class Pair(BaseModel):
    """Two enterprises that may be one."""

    keep: str
    keep_name: str | None
    other: str
    other_name: str | None
    reason: str
    title: str
    score: float


class Decided(BaseModel):
    """A decision in force."""

    number: int
    keep: str
    other: str
    verdict: str
    note: str
    at: str


class Review(BaseModel):
    """Pairs to decide about, and decisions."""

    version: int
    pairs: list[Pair]
    decisions: list[Decided]


class NewDecision(BaseModel):
    """A decision: ``accept`` makes two ids one, ``reject`` keeps them apart, ``undo`` takes back."""

    model_config = ConfigDict(extra="forbid")

    keep: Annotated[str, Field(min_length=1, max_length=200)]
    other: Annotated[str, Field(min_length=1, max_length=200)]
    verdict: Verdict
    note: Annotated[str, Field(max_length=500)] = ""


class AfterDecision(BaseModel):
    """Version of the facts after a decision."""

    version: int


@router.get("/review")
@access(Role.analyst)
def list_review(request: Request) -> Review:
    """可能是同一家的企业，和已作的决定。"""
    pairs, version = review_desk.pairs_of(request)
    decisions = [
        Decided(**{**vars(decision), "at": decision.at.isoformat()})
        for decision in review_desk.decisions_of(request)
    ]
    return Review(version=version, pairs=[Pair(**pair) for pair in pairs], decisions=decisions)


@router.post("/review/decisions")
@access(Role.editor)
def decide(request: Request, body: NewDecision) -> AfterDecision:
    """作出或取消一个决定，立即生效。"""
    version = review_desk.decide(request, body.keep, body.other, body.verdict, body.note)
    return AfterDecision(version=version)
