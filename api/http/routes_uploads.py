"""Uploads: files come in, a dry run says what they would change, a commit changes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from ...ingest.sources.describe import shipped
from . import jobs_desk, uploads_desk
from .access import Role, access
from .routes_jobs import JobState, accepted, state_of
from .uploads_desk import Standing
from .uploads_open import FILES, SUFFIXES
from .uploads_spool import KEPT_DAYS

router = APIRouter(tags=["uploads"])


class UploadedFile(BaseModel):
    """One file: what its sender called it, and bytes."""

    label: str
    size: int


class UploadState(BaseModel):
    """An upload and what has become of it."""

    id: str
    owner: str
    created_at: str
    expires_at: str
    source: str
    files: list[UploadedFile]
    dry_run: JobState | None
    commit: JobState | None
    moved: bool
    ready: bool


_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "minItems": 1,
                            "maxItems": FILES,
                            "description": "文件：" + "、".join(SUFFIXES),
                        },
                        "source": {
                            "type": "string",
                            "enum": ["", *shipped()],
                            "description": "按哪种数据源读取；空则自动识别",
                        },
                        "name": {
                            "type": "string",
                            "maxLength": 200,
                            "description": "散装数据包（多个 .csv）的名称",
                        },
                    },
                }
            }
        },
    }
}


_REFUSED = jobs_desk.refusals(
    *("too-large", "unsupported-media-type", "invalid", "too-many-requests", "unavailable")
)
_CONFLICT = jobs_desk.refusals("conflict", "too-many-requests")


def answer(standing: Standing) -> UploadState:
    """An upload as the API shows it."""
    upload = standing.upload
    ends = datetime.fromisoformat(upload.created_at) + timedelta(days=KEPT_DAYS)
    return UploadState(
        id=upload.id,
        owner=upload.owner,
        created_at=upload.created_at,
        expires_at=ends.isoformat(timespec="seconds"),
        source=upload.source,
        files=[UploadedFile(label=file.label, size=file.size) for file in upload.files],
        dry_run=state_of(standing.trial) if standing.trial else None,
        commit=state_of(standing.load) if standing.load else None,
        moved=standing.moved,
        ready=standing.ready,
    )


async def _received(request: Request, number: str | None) -> JSONResponse:
    upload, _ = await uploads_desk.receive(request, number)
    standing = await run_in_threadpool(uploads_desk.standing_of, request, upload.id)
    where = {"Location": f"/api/v1/uploads/{upload.id}"}
    return JSONResponse(answer(standing).model_dump(), 202, where)


@router.post(
    "/uploads",
    status_code=202,
    response_model=UploadState,
    openapi_extra=_FORM,
    responses=_REFUSED,
)
@access(Role.editor)
async def create_upload(request: Request) -> Response:
    """上传一组一起导入的文件，并开始试运行；试运行不改变数据。"""
    return await _received(request, None)


@router.post(
    "/uploads/{number}/files",
    status_code=202,
    response_model=UploadState,
    openapi_extra=_FORM,
    responses={**_REFUSED, **_CONFLICT},
)
@access(Role.editor)
async def add_files(request: Request, number: str) -> Response:
    """给一次上传添加文件（例如更正后的隔离表），并重新试运行。"""
    return await _received(request, number)


@router.get("/uploads/{number}")
@access(Role.editor)
def get_upload(request: Request, number: str) -> UploadState:
    """一次上传的文件、试运行和导入。"""
    return answer(uploads_desk.standing_of(request, number))


@router.post(
    "/uploads/{number}/dry-run", status_code=202, response_model=JobState, responses=_CONFLICT
)
@access(Role.editor)
def dry_run_upload(request: Request, number: str) -> Response:
    """重新试运行。"""
    return accepted(uploads_desk.try_again(request, number))


@router.post(
    "/uploads/{number}/commit", status_code=202, response_model=JobState, responses=_CONFLICT
)
@access(Role.editor)
def commit_upload(request: Request, number: str) -> Response:
    """导入。试运行之后数据已变时答复 409，并已开始新的试运行。"""
    return accepted(uploads_desk.commit(request, number))


@router.delete("/uploads/{number}", status_code=204, responses=jobs_desk.refusals("conflict"))
@access(Role.editor)
def delete_upload(request: Request, number: str) -> Response:
    """丢弃一次上传。"""
    uploads_desk.discard(request, number)
    return Response(status_code=204)


@router.get(
    "/uploads/{number}/quarantine.csv",
    response_class=FileResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "可更正的隔离表"}},
)
@access(Role.editor)
def upload_quarantine(request: Request, number: str) -> FileResponse:
    """试运行中不能用的行，可更正后添加到这次上传。"""
    standing = uploads_desk.standing_of(request, number)
    job, name = uploads_desk.sheet_of(standing)
    found = jobs_desk.file_of(request, job, name)
    found.headers["content-type"] = "text/csv; charset=utf-8"
    return found
