"""Long work as jobs: asked for, watched, stopped, and what came out of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from . import jobs_desk
from .access import Role, access
from .jobs import Job
from .jobs_kinds import KINDS
from .problems import Problem

router = APIRouter(tags=["jobs"])
_State = Literal["queued", "running", "done", "failed", "cancelled"]
_DIRECT = tuple(name for name, kind in KINDS.items() if kind.direct)


class NewJob(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, Field(json_schema_extra={"enum": list(_DIRECT)})]
    parameters: dict[str, Any] = {}


class JobState(BaseModel):
    """A job: what was asked for, how far it is, and what came out."""

    id: str
    kind: str
    title: Annotated[str, Field(description="作业种类的名称")]
    owner: str
    region: str
    state: _State
    ended: Annotated[bool, Field(description="是否已结束")]
    label: Annotated[str, Field(description="正在做的一步")]
    done: Annotated[int, Field(description="已完成的步数")]
    total: Annotated[int, Field(description="总步数；未知时为 0")]
    parameters: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    cancel: Annotated[bool, Field(description="是否已请求取消")]
    created_at: str
    started_at: str | None
    finished_at: str | None
    beat_at: Annotated[str | None, Field(description="最近一次心跳（UTC）")]


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobState]


def state_of(job: Job) -> JobState:
    """A job as the API shows it."""
    kind = KINDS.get(job.kind)
    return JobState(title=kind.title if kind else job.kind, **job.json())


def accepted(job: Job) -> JSONResponse:
    """The answer that a job is in the queue."""
    where = {"Location": f"/api/v1/jobs/{job.id}"}
    return JSONResponse(state_of(job).model_dump(), 202, where)


@router.post(
    "/jobs",
    status_code=202,
    response_model=JobState,
    responses=jobs_desk.refusals("too-many-requests"),
)
@access(Role.analyst, anywhere=True)
def create_job(request: Request, body: NewJob) -> Response:
    """提交作业：诊断报告、全套图件、撤销最近一次导入等。"""
    if body.kind not in _DIRECT:
        known = "、".join(_DIRECT)
        fault = {"field": "kind", "message": f"应为 {known}", "value": body.kind[:100]}
        raise Problem("invalid", errors=[fault])
    return accepted(jobs_desk.submit(request, body.kind, body.parameters))


@router.get("/jobs")
@access(Role.viewer)
def list_jobs(
    request: Request,
    state: Annotated[_State | None, Query(description="只列这种状态的")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JobList:
    """自己的作业，新的在前；管理员看到全部。"""
    return JobList(jobs=[state_of(job) for job in jobs_desk.jobs_seen(request, state, limit)])


@router.get("/jobs/{number}")
@access(Role.viewer)
def get_job(request: Request, number: str) -> JobState:
    """一个作业的状态和进度。"""
    return state_of(jobs_desk.job_of(request, number))


@router.post("/jobs/{number}/cancel", status_code=202, responses=jobs_desk.refusals("conflict"))
@access(Role.viewer, anywhere=True)
def cancel_job(request: Request, number: str) -> JobState:
    """取消作业；已开始提交的导入会做完。"""
    return state_of(jobs_desk.cancel(request, number))


@router.post(
    "/jobs/{number}/repeat",
    status_code=202,
    response_model=JobState,
    responses=jobs_desk.refusals("conflict", "too-many-requests"),
)
@access(Role.analyst, anywhere=True)
def repeat_job(request: Request, number: str) -> Response:
    """重新运行失败或取消的作业，成为一个新的作业。"""
    return accepted(jobs_desk.repeat(request, number))


@router.get(
    "/jobs/{number}/result",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "文件"}},
)
@access(Role.viewer)
def job_result(request: Request, number: str) -> FileResponse:
    """作业产出的文件。"""
    job = jobs_desk.job_of(request, number)
    if job.state != "done" or job.result is None or "file" not in job.result:
        raise Problem("not-found", "这个作业没有产出文件，或还没有完成。")
    return jobs_desk.file_of(request, job, str(job.result["file"]))
