"""数据: files come in, are tried and loaded; jobs, versions, and the way back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from ...graph.schema import TABLES
from ...graph.store import Version
from ...ingest.identity.keys import MATCHES
from ...ingest.sources.describe import shipped
from ..http import jobs_desk, quarantine_desk, uploads_desk
from ..http.access import EVERYWHERE, Caller, Role, access, caller_of
from ..http.jobs import STATES, Job
from ..http.jobs_kinds import KINDS
from ..http.problems import KINDS as PROBLEMS
from ..http.problems import Problem
from ..http.routes_facts import service_of
from ..http.uploads_open import FILES, SUFFIXES
from .shell import render

router = APIRouter(prefix="/data")
#: Jobs and versions that the page lists.
JOBS, VERSIONS = 20, 12
SEE_OTHER = 303


def may_load(caller: Caller) -> bool:
    """Whether a caller may upload and load."""
    return caller.role >= Role.editor and caller.kind != "open" and caller.region == EVERYWHERE


def _words() -> dict[str, Any]:
    """What every template of these pages looks up."""
    tables = {name: table.zh for name, table in TABLES.items()}
    return {
        "states": STATES,
        "kinds": {name: kind.title for name, kind in KINDS.items()},
        "tables": {**tables, "rejects": "隔离区"},
        "sources": {name: source.title for name, source in shipped().items()},
        "matches": MATCHES,
    }


@router.get("")
@access(Role.viewer)
def desk(request: Request) -> HTMLResponse:
    """数据：上传、作业、版本、隔离区和复核。"""
    return _desk(request)


def _desk(request: Request, problem: Problem | None = None) -> HTMLResponse:
    caller = caller_of(request)
    versions = _versions(request)
    everywhere = caller.region == EVERYWHERE
    return render(
        request,
        "data.html",
        None,
        200 if problem is None else PROBLEMS[problem.code].status,
        **_words(),
        problem=problem,
        may=may_load(caller),
        newest=versions[-1].number if versions else 0,
        jobs=jobs_desk.jobs_seen(request, None, JOBS),
        versions=versions[: -VERSIONS - 1 : -1],
        last=last_load(versions),
        everywhere=everywhere,
        rejects=len(quarantine_desk.rejects_of(request)[0]) if everywhere else 0,
        suffixes=SUFFIXES,
        most_files=FILES,
        most_mb=service_of(request).settings.max_body // 2**20,
    )


def _versions(request: Request) -> list[Version]:
    """Versions of the facts, oldest first; none where there is no store yet."""
    newest = jobs_desk.version_of(request, now=True)
    return service_of(request).store.versions() if newest else []


def last_load(versions: list[Version]) -> Version | None:
    """The load that an undo would take back."""
    undone = {version.undoes for version in versions}
    loads = [v for v in versions if v.action == "load" and v.number not in undone]
    return loads[-1] if loads else None


def _to(path: str) -> Response:
    return RedirectResponse(f"/data/{path}", SEE_OTHER)


@router.post("/uploads")
@access(Role.editor)
async def upload(request: Request) -> Response:
    """接收上传的文件，并开始试运行。"""
    try:
        received, _ = await uploads_desk.receive(request)
    except Problem as problem:
        return await run_in_threadpool(_desk, request, problem)
    return _to(f"uploads/{received.id}")


@router.get("/uploads/{number}")
@access(Role.editor)
def trial(request: Request, number: str) -> HTMLResponse:
    """试运行的结果。"""
    return _trial(request, number)


def _trial(request: Request, number: str, problem: Problem | None = None) -> HTMLResponse:
    standing = uploads_desk.standing_of(request, number)
    going = [job for job in (standing.load, standing.trial) if job is not None and not job.ended]
    return render(
        request,
        "data_upload.html",
        None,
        200 if problem is None else PROBLEMS[problem.code].status,
        **_words(),
        problem=problem,
        may=may_load(caller_of(request)),
        standing=standing,
        upload=standing.upload,
        trial=standing.trial,
        load=standing.load,
        going=going[0] if going else None,
        result=standing.trial.result if standing.trial else None,
        suffixes=SUFFIXES,
    )


@router.post("/uploads/{number}/files")
@access(Role.editor)
async def add_files(request: Request, number: str) -> Response:
    """给一次上传添加文件，并重新试运行。"""
    try:
        await uploads_desk.receive(request, number)
    except Problem as problem:
        return await run_in_threadpool(_trial, request, number, problem)
    return _to(f"uploads/{number}")


@router.post("/uploads/{number}/dry-run")
@access(Role.editor)
def try_again(request: Request, number: str) -> Response:
    """重新试运行。"""
    uploads_desk.try_again(request, number)
    return _to(f"uploads/{number}")


@router.post("/uploads/{number}/commit")
@access(Role.editor)
def commit(request: Request, number: str) -> Response:
    """导入。"""
    try:
        job = uploads_desk.commit(request, number)
    except Problem as problem:
        return _trial(request, number, problem)
    return _to(f"jobs/{job.id}")


@router.post("/uploads/{number}/discard")
@access(Role.editor)
def discard(request: Request, number: str) -> Response:
    """丢弃一次上传。"""
    uploads_desk.discard(request, number)
    return RedirectResponse("/data", SEE_OTHER)


@router.get("/jobs/{number}")
@access(Role.viewer)
def job_page(request: Request, number: str) -> HTMLResponse:
    """一个作业的进度和结果。"""
    job = jobs_desk.job_of(request, number)
    return render(
        request,
        "data_job.html",
        **_words(),
        job=job,
        may=may_load(caller_of(request)),
        file=_file_of(job),
    )


def _file_of(job: Job) -> str | None:
    return str(job.result["file"]) if job.result and "file" in job.result else None


@router.post("/jobs/{number}/cancel")
@access(Role.viewer, anywhere=True)
def cancel(request: Request, number: str) -> Response:
    """取消作业。"""
    jobs_desk.cancel(request, number)
    return _to(f"jobs/{number}")


@router.post("/jobs/{number}/repeat")
@access(Role.analyst, anywhere=True)
def repeat(request: Request, number: str) -> Response:
    """重新运行。"""
    return _to(f"jobs/{jobs_desk.repeat(request, number).id}")


@router.get("/undo")
@access(Role.editor)
def ask_undo(request: Request) -> HTMLResponse:
    """撤销之前的确认：会退回什么。"""
    versions = _versions(request)
    last = last_load(versions)
    return render(
        request,
        "data_undo.html",
        **_words(),
        last=last,
        newest=versions[-1].number if versions else 0,
        may=may_load(caller_of(request)),
    )


@router.post("/undo")
@access(Role.editor)
def undo(request: Request, version: Annotated[int, Form()]) -> Response:
    """撤销最近一次导入。"""
    return _to(f"jobs/{jobs_desk.submit(request, 'undo', {'version': version}).id}")
