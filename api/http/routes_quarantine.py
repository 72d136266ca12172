"""What could not be used of the files that were loaded, and why."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from . import quarantine_desk
from .access import Role, access
from .problems import described
from .quarantine_desk import Filter
from .routes_facts import VersionNumber

router = APIRouter(tags=["quarantine"])
_Pack = Annotated[str, Query(max_length=200, description="只列这个数据包的")]
_File = Annotated[str, Query(max_length=200, description="只列这个文件的")]
_Reason = Annotated[str, Query(max_length=50, description="只列这种原因的")]


class QuarantineCount(BaseModel):
    """How many rows of a file are in quarantine for a reason."""

    pack: str
    file: str
    reason: str
    title: str
    rows: int


class Quarantine(BaseModel):
    """Rows in quarantine: how many of each kind, and those asked for."""

    version: int
    total: int
    counts: list[QuarantineCount]
    rejects: list[dict[str, Any]]


@router.get("/quarantine")
@access(Role.analyst)
def quarantine(
    request: Request,
    pack: _Pack = "",
    file: _File = "",
    reason: _Reason = "",
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    version: VersionNumber = None,
) -> Quarantine:
    """隔离区：哪些行没有载入，为什么。"""
    found, number = quarantine_desk.rejects_of(request, version)
    wanted = Filter(pack, file, reason).of(found)
    counts = quarantine_desk.counts_of(request, version)
    return Quarantine(
        version=number,
        total=len(wanted),
        counts=[QuarantineCount(**count) for count in counts],
        rejects=quarantine_desk.rows(wanted.iloc[offset : offset + limit]),
    )


@router.get(
    "/quarantine.csv",
    response_class=Response,
    responses={
        200: {"content": {"text/csv": {}}, "description": "可更正的隔离表"},
        **described(413),
    },
)
@access(Role.analyst)
def quarantine_sheet(
    request: Request,
    pack: _Pack = "",
    file: _File = "",
    reason: _Reason = "",
    version: VersionNumber = None,
) -> Response:
    """隔离区的表：每一行连同文件、行号、原因和原文，可更正后重新上传；留一条审计记录。"""
    return quarantine_desk.sheet_answer(request, Filter(pack, file, reason), version)
