"""Uploads for a caller: received, tried, committed; what routes and pages do alike."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from ...graph.errors import NotFoundError, ReadError
from ...ingest.sources.describe import shipped
from .access import caller_of
from .audit import record
from .jobs import Job
from .jobs_desk import (
    check_everywhere,
    jobs_of,
    spool_of,
    submit,
    version_of,
    visible,
)
from .problems import Problem
from .routes_facts import service_of
from .uploads_open import FILES, inspect
from .uploads_refusal import RefusedError
from .uploads_spool import QUARANTINE, Upload, plain_label

#: Bytes that the spool may hold in all.
SPOOL = 4 * 2**30
_FORM = "multipart/form-data"


@dataclass(frozen=True)
class Standing:
    """An upload and what has become of it.

    Attributes:
        upload: The upload.
        trial: Its newest dry run.
        load: Its newest load.
        moved: Whether the facts, or the files, are no longer those of the dry run.
    """

    upload: Upload
    trial: Job | None
    load: Job | None
    moved: bool

    @property
    def open(self) -> bool:
        """Whether it can still change: nobody has loaded it, or is about to."""
        return self.load is None or self.load.state in ("failed", "cancelled")

    @property
    def ready(self) -> bool:
        """Whether it can be committed."""
        trial = self.trial
        return self.open and trial is not None and trial.state == "done" and not self.moved


def upload_of(request: Request, number: str) -> Upload:
    """An upload that the caller may see.

    Raises:
        NotFoundError: There is none; somebody else's is none.
    """
    upload = spool_of(request).get(number)
    if not visible(caller_of(request), upload.owner):
        raise NotFoundError("没有这次上传，或已过期。")
    return upload


def standing_of(request: Request, number: str) -> Standing:
    """An upload and what has become of it; see :func:`upload_of`."""
    upload, jobs = upload_of(request, number), jobs_of(request)
    trials, loads = jobs.about(["dry_run"], upload.id), jobs.about(["ingest"], upload.id)
    trial = trials[0] if trials else None
    moved = False
    if trial is not None and trial.result is not None:
        labels = [file.label for file in upload.files]
        moved = (
            trial.result["base"] != version_of(request, now=True)
            or trial.result["labels"] != labels
        )
    return Standing(upload, trial, loads[0] if loads else None, moved)


async def receive(request: Request, number: str | None = None) -> tuple[Upload, Job]:
    """Take files in, and queue their dry run.

    Args:
        request: A form with ``files`` and, for a new upload, ``source`` and ``name``.
        number: An upload that they are added to.

    Returns:
        The upload and the job of its dry run.

    Raises:
        Problem: A file is refused; none of them is kept then.
    """
    check_everywhere(caller_of(request))
    if not request.headers.get("content-type", "").startswith(_FORM):
        raise Problem("unsupported-media-type", f"应为 {_FORM}。")
    form = await request.form(max_files=FILES, max_fields=10)
    try:
        return await run_in_threadpool(_take_in, request, form, number)
    finally:
        await form.close()


def _take_in(request: Request, form: FormData, number: str | None) -> tuple[Upload, Job]:
    caller, spool = caller_of(request), spool_of(request)
    files = [part for part in form.getlist("files") if isinstance(part, UploadFile)]
    files = [part for part in files if part.filename]
    if number is None:
        source, name = _text(form, "source"), _text(form, "name")
        if source and source not in shipped():
            raise _invalid("source", f"应为 {'、'.join(shipped())}", source)
        earlier: Sequence[Any] = ()
    else:
        standing = standing_of(request, number)
        if not standing.open:
            raise Problem("conflict", "已经导入，或正在导入；请另外上传。")
        earlier = standing.upload.files
    if not files:
        raise _invalid("files", "没有选择文件", None)
    if len(files) + len(earlier) > FILES:
        raise Problem("too-large", f"一次最多上传 {FILES} 个文件。")
    if spool.size() > SPOOL:
        raise Problem("unavailable", "暂存空间已满，请管理员清理或稍后再试。")
    if number is None:
        upload = spool.begin(caller.actor, caller.region, source, plain_label(name) if name else "")
    else:
        upload = standing.upload
    before = upload
    try:
        for part in files:
            upload = _keep(request, upload, part)
        job = submit(request, "dry_run", {"upload": upload.id})
    except BaseException:
        with contextlib.suppress(NotFoundError):
            if number is None:
                spool.drop(upload.id)
            else:
                spool.shrink(before)
        raise
    return upload, job


def _keep(request: Request, upload: Upload, part: UploadFile) -> Upload:
    spool, most = spool_of(request), service_of(request).settings.max_body
    try:
        upload, path = spool.add(upload, part.filename or "", part.file, most)
        inspect(path, upload.files[-1].label)
    except RefusedError as error:
        label = upload.files[-1].label
        fault = {"field": "files", "message": str(error), "value": label}
        raise Problem(error.code, str(error), [fault]) from error
    except ReadError as error:
        raise Problem("too-large", str(error)) from error
    return upload


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    if not isinstance(value, str) or len(value) > 200:
        raise _invalid(name, "应为不超过 200 字的文字", None)
    return value.strip()


def _invalid(field: str, message: str, value: str | None) -> Problem:
    return Problem("invalid", message, [_fault(field, message, value)])


def _fault(field: str, message: str, value: str | None) -> dict[str, str | None]:
    shown = None if value is None else value[:100]
    return {"field": field, "message": message, "value": shown}


def try_again(request: Request, number: str) -> Job:
    """Queue another dry run.

    Raises:
        Problem: It is loaded already, or a dry run is under way.
    """
    standing = standing_of(request, number)
    _check_open(standing)
    return submit(request, "dry_run", {"upload": standing.upload.id})


def _check_open(standing: Standing) -> None:
    if not standing.open:
        raise Problem("conflict", "已经导入，或正在导入。")
    if standing.trial is not None and not standing.trial.ended:
        raise Problem("conflict", "试运行还没有完成。")


def commit(request: Request, number: str) -> Job:
    """Queue the load of an upload whose dry run is done.

    Raises:
        Problem: There is no dry run that is done and still true; why it failed is said. Where only the facts have moved
            on, a new dry run is queued, and the problem names its job.
    """
    standing = standing_of(request, number)
    _check_open(standing)
    trial = standing.trial
    if trial is None or trial.state != "done" or trial.result is None:
        told = "试运行没有成功，不能导入；请更正文件后重新上传。"
        why = [] if trial is None or trial.error is None else [_fault("files", trial.error, None)]
        raise Problem("conflict", told, why)
    if standing.moved:
        again = submit(request, "dry_run", {"upload": standing.upload.id})
        told = "试运行之后数据已变，没有导入；已重新试运行，请看过结果后再提交。"
        fault = {"field": "dry_run", "message": "新的试运行", "value": again.id}
        raise Problem("conflict", told, [fault])
    return submit(request, "ingest", {"upload": standing.upload.id, "base": trial.result["base"]})


def discard(request: Request, number: str) -> None:
    """Delete an upload that is not being loaded.

    Raises:
        Problem: It is.
    """
    standing = standing_of(request, number)
    for job in (standing.trial, standing.load):
        if job is not None and not job.ended:
            raise Problem("conflict", "有作业正在使用它，请先取消作业。")
    record(request, "upload.discard", standing.upload.id)
    spool_of(request).drop(standing.upload.id)


def sheet_of(standing: Standing) -> tuple[Job, str]:
    """The job and file of the sheet of what the dry run refused.

    Raises:
        NotFoundError: There is none yet.
    """
    trial = standing.trial
    if trial is None or trial.state != "done":
        raise NotFoundError("试运行还没有完成，没有隔离表。")
    return trial, QUARANTINE
