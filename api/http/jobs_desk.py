"""Jobs and uploads for a caller: what routes and pages do alike, with who may do it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ValidationError

from ...graph import regions as geo
from ...graph.errors import NoStoreError, NotFoundError
from .access import EVERYWHERE, Caller, Role, caller_of
from .audit import record
from .jobs import FullError, Job, Jobs
from .jobs_kinds import KINDS, Kind
from .jobs_runner import Runner
from .problems import KINDS as KINDS_OF_PROBLEMS
from .problems import MEDIA_TYPE, Problem
from .routes_facts import service_of
from .uploads_spool import Spool

#: Seconds after which a full queue may have a place again.
RETRY_S = 10


def jobs_of(request: Request) -> Jobs:
    """The jobs of the application that a request came to."""
    return Jobs(service_of(request).work)


def spool_of(request: Request) -> Spool:
    """The spool of the application that a request came to."""
    return Spool.of(service_of(request).settings)


def version_of(request: Request, *, now: bool = False) -> int:
    """Newest version of the facts, 0 where there is no store yet.

    Args:
        request: A request.
        now: Look, instead of taking what was so a moment ago.

    Raises:
        StoreError: The store is away.
    """
    service = service_of(request)
    if now:
        service.refresh()
    try:
        return service.version()
    except NoStoreError:
        return 0


def check_everywhere(caller: Caller) -> None:
    """Refuse callers bound to a region what concerns the facts of all regions.

    Raises:
        Problem: They are bound to one.
    """
    if caller.region != EVERYWHERE:
        raise Problem("forbidden", "这涉及全部地区的数据，须由不限地区的人员办理。")


def visible(caller: Caller, owner: str) -> bool:
    """Whether a caller may see what somebody owns: their own, and admins everything."""
    return caller.role >= Role.admin or owner == caller.actor


def job_of(request: Request, number: str) -> Job:
    """A job that the caller may see.

    Raises:
        NotFoundError: There is none; somebody else's is none, nor is one of their own about what
            lies outside the scope that they were given since.
    """
    job, caller = jobs_of(request).get(number), caller_of(request)
    if not (visible(caller, job.owner) and caller.may_see(job.region)):
        raise NotFoundError("没有这个作业。")
    return job


def jobs_seen(request: Request, state: str | None = None, limit: int = 50) -> list[Job]:
    """Jobs that the caller may see, newest first; see :func:`job_of`."""
    caller = caller_of(request)
    owner = None if caller.role >= Role.admin else caller.actor
    return [
        job for job in jobs_of(request).newest(owner, state, limit) if caller.may_see(job.region)
    ]


def submit(request: Request, name: str, parameters: Mapping[str, Any]) -> Job:
    """Put a job into the queue for the caller.

    Raises:
        Problem: No such kind, a parameter is wrong, the caller may not, or too many wait already.
        NotFoundError: There is no such upload; somebody else's is none.
    """
    caller, kind = caller_of(request), KINDS.get(name)
    if kind is None:
        raise Problem("invalid", errors=[_fault("kind", "没有这种作业", name)])
    if caller.role < kind.role:
        raise Problem("forbidden", f"需要角色 {kind.role.name}。")
    if kind.everywhere:
        check_everywhere(caller)
    asked = _checked(kind.parameters, parameters)
    if "upload" in asked and not visible(caller, spool_of(request).get(asked["upload"]).owner):
        raise NotFoundError("没有这次上传，或已过期。")
    region = str(asked.get("region", caller.region))
    if "region" in asked:
        _check_place(request, caller, kind, asked)
    try:
        job = jobs_of(request).add(name, caller.actor, region, asked)
    except FullError as error:
        headers = {"Retry-After": str(RETRY_S)}
        raise Problem("too-many-requests", str(error), headers=headers) from error
    try:
        record(request, f"job.{name}", job.id, asked)
    except BaseException:  # nothing is done that the audit does not tell of
        jobs_of(request).cancel(job.id)
        raise
    runner: Runner = request.app.state.jobs
    runner.wake()
    return job


def _checked(model: type[BaseModel], parameters: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return model.model_validate(parameters).model_dump()
    except ValidationError as error:
        faults = [
            _fault(".".join(["parameters", *map(str, fault["loc"])]), fault["msg"], fault["input"])
            for fault in error.errors()
        ]
        raise Problem("invalid", errors=faults) from error


def _fault(field: str, message: str, value: object) -> dict[str, Any]:
    plain = value if isinstance(value, int | float | bool | None) else str(value)[:100]
    return {"field": field, "message": message, "value": plain}


def _check_place(request: Request, caller: Caller, kind: Kind, asked: Mapping[str, Any]) -> None:
    region, cluster = str(asked["region"]), str(asked["cluster"])
    if not geo.exists(region):
        raise Problem("not-found", f"没有这个地区：{region}。")
    if not caller.may_see(region):
        raise Problem("forbidden", f"超出地区范围 {caller.region}。")
    if kind.province and not caller.may_see(geo.province(region)):
        told = f"{kind.title}中的分布图按全省绘制，超出地区范围 {caller.region}。"
        raise Problem("forbidden", told)
    graph = service_of(request).graph(asked.get("version"))
    if cluster not in set(graph["clusters"]["id"]):
        raise Problem("not-found", "没有这个集群。")


def cancel(request: Request, number: str) -> Job:
    """Ask a job of the caller's to stop.

    Raises:
        Problem: It has ended.
    """
    job = job_of(request, number)
    if job.ended:
        raise Problem("conflict", "作业已经结束。")
    record(request, "job.cancel", job.id)
    return jobs_of(request).cancel(job.id)


def repeat(request: Request, number: str) -> Job:
    """Ask once more for what a failed or cancelled job should have done.

    Raises:
        Problem: It has not ended so.
    """
    job = job_of(request, number)
    if job.state not in ("failed", "cancelled"):
        raise Problem("conflict", "只有失败或取消的作业可以重新运行。")
    if "upload" in job.parameters:
        spool_of(request).get(str(job.parameters["upload"]))  # it may have expired
    return submit(request, job.kind, job.parameters)


def file_of(request: Request, job: Job, name: str) -> FileResponse:
    """A file that came out of a job, as a download; leaves a row in the audit."""
    path = spool_of(request).result(job.id, name)
    record(request, "job.download", job.id, {"file": name})
    return download(FileResponse(path, media_type="application/octet-stream"), name)


def refusals(*codes: str) -> dict[int | str, dict[str, Any]]:
    """What a route refuses besides what every route does, for the OpenAPI document."""
    kinds = [KINDS_OF_PROBLEMS[code] for code in codes]
    return {
        kind.status: {
            "description": kind.title,
            "content": {MEDIA_TYPE: {"schema": {"type": "object"}}},
        }
        for kind in kinds
    }


def download(answer: FileResponse, name: str) -> FileResponse:
    """An answer that browsers save under a name and never show."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name)
    answer.headers["content-disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    )
    return answer
