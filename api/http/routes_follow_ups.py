"""Follow-ups of targets for other systems: how each stands, its history, and the next step."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from ...graph.errors import NotFoundError
from ...graph.follow_ups import NOTE_MOST, OWNER_MOST, FollowUp, FollowUps, Step, add_within
from ..security.ledger import changing
from .access import Role, access, caller_of
from .audit import author
from .problems import Problem
from .routes_facts import service_of
from .service import Service

router = APIRouter(tags=["follow-ups"])

Stage = Literal["lead", "contact", "talks", "signed", "landed", "shelved"]


class Body(BaseModel):
    """The next step of a follow-up."""

    model_config = ConfigDict(extra="forbid")

    product: Annotated[str, Field(min_length=1, max_length=200, description="缺口产品的编码。")]
    enterprise: Annotated[
        str, Field(max_length=200, description="目标企业的编码；空表示整个缺口。")
    ] = ""
    stage: Annotated[Stage, Field(description="线索、对接、在谈、签约、落地、搁置。")]
    owner: Annotated[str, Field(max_length=OWNER_MOST, description="责任单位，不写个人。")] = ""
    note: Annotated[str, Field(max_length=NOTE_MOST, description="做了什么。")] = ""


@router.get("/follow-ups")
@access(Role.viewer, "region")
def follow_ups(
    request: Request,
    region: Annotated[str, Query(pattern=r"^\d{6}$")],
    cluster: Annotated[str, Query(min_length=1, max_length=200)],
    history: bool = False,
) -> dict[str, Any]:
    """招商跟进：每个目标的现状；history=true 时为全部记录。"""
    service = service_of(request)
    version = service.gaps(region, cluster).version  # an unknown region or cluster is a problem
    kept = FollowUps(service.work)
    steps = kept.history(region, cluster) if history else kept.current(region, cluster).values()
    return {
        "schema": "chainatlas.follow-ups/1",
        "version": version,
        "region": region,
        "cluster": cluster,
        "follow_ups": [as_json(step) for step in steps],
    }


@router.post("/follow-ups", status_code=201)
@access(Role.analyst, "region")
def follow_up(
    request: Request,
    step: Body,
    region: Annotated[str, Query(pattern=r"^\d{6}$")],
    cluster: Annotated[str, Query(min_length=1, max_length=200)],
) -> dict[str, Any]:
    """记下一步招商跟进；以前的记录保留为历史。"""
    made = keep_step(request, Step(region=region, cluster=cluster, **step.model_dump()))
    return {
        "schema": "chainatlas.follow-up/1",
        "version": service_of(request).version(),
        "follow_up": as_json(made),
    }


def as_json(step: FollowUp) -> dict[str, Any]:
    """A step as JSON."""
    return {**asdict(step), "at": step.at.isoformat()}


def keep_step(request: Request, step: Step) -> FollowUp:
    """Write down a step of a follow-up and its row of the audit, both or neither.

    Raises:
        NotFoundError: No such region, cluster, product of the cluster or enterprise.
        Problem: The region lies outside the caller's scope.
    """
    service, caller = service_of(request), caller_of(request)
    if not caller.may_see(step.region):
        raise Problem("forbidden", f"超出地区范围 {caller.region}。")
    _check(service, step)
    what = f"{step.region}/{step.cluster}/{step.product}/{step.enterprise}"
    with changing(service.work, author(request)) as change:
        made = add_within(change.connection, step, caller.actor)
        change.note("follow-up.add", what, {"stage": made.stage, "owner": made.owner})
    return made


def _check(service: Service, step: Step) -> None:
    gaps = service.gaps(step.region, step.cluster)
    if step.product not in set(gaps.table["product"]):
        raise NotFoundError(f"集群 {step.cluster} 里没有这个产品：{step.product}。")
    if step.enterprise and step.enterprise not in gaps.scope.graph.index("enterprises"):
        raise NotFoundError(f"没有这家企业：{step.enterprise}。")
