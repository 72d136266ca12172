"""What could not be used of the facts in force, and why."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from . import quarantine_desk
from .access import Role, access
from .quarantine_desk import Filter

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
) -> Quarantine:
    """隔离区：哪些行没有载入，为什么。"""
    found, version = quarantine_desk.rejects_of(request)
    wanted = Filter(pack, file, reason).of(found)
    return Quarantine(
        version=version,
        total=len(wanted),
        counts=[QuarantineCount(**count) for count in quarantine_desk.counts_of(request)],
        rejects=quarantine_desk.rows(wanted.iloc[offset : offset + limit]),
    )


@router.get(
    "/quarantine.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "可更正的隔离表"}},
)
@access(Role.analyst)
def quarantine_sheet(
    request: Request, pack: _Pack = "", file: _File = "", reason: _Reason = ""
) -> Response:
    """隔离区的表，可更正后重新上传。"""
    return quarantine_desk.sheet_answer(request, Filter(pack, file, reason))
