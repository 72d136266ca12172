"""Errors as RFC 9457 problem+json, each kind declared once.

An answer never holds a stack trace, a path or a query: what a client may read is the title of its
kind and, for kinds that say so, the message of ours.
"""

from __future__ import annotations

import errno
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from ...graph.errors import (
    ChainAtlasError,
    NoStoreError,
    NotFoundError,
    StoreBusyError,
    StoreError,
)
from ...viz.language import retell

MEDIA_TYPE = "application/problem+json"
#: Where the kinds are described; the fragment is the code.
ABOUT = "/docs/problems"

_log = logging.getLogger("chainatlas.http")


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its status, what it says in Chinese, and what a caller can do."""

    status: int
    title: str
    remedy: str


#: Every kind of problem by its code.
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "bad-request": Kind(400, "请求有误", "按 errors 中的说明更正请求。"),
        "unauthenticated": Kind(401, "需要登录或密钥", "登录，或在 Authorization 中给出密钥。"),
        "forbidden": Kind(403, "没有权限", "请管理员调整角色或地区范围。"),
        "not-found": Kind(404, "不存在", "检查编码；集群和地区见各自的列表。"),
        "method-not-allowed": Kind(405, "不支持此方法", "见接口说明。"),
        "not-acceptable": Kind(406, "不支持所要的格式", "见接口说明中列出的格式。"),
        "conflict": Kind(409, "与现状冲突", "重新读取后再提交。"),
        "gone": Kind(410, "已失效", "从头重新读取。"),
        "precondition-failed": Kind(412, "前提条件不成立", "重新读取最新状态后再提交。"),
        "too-large": Kind(413, "内容过大", "缩小文件或分批提交。"),
        "unsupported-media-type": Kind(415, "不支持的内容类型", "见接口说明中列出的类型。"),
        "invalid": Kind(422, "参数无效", "按 errors 更正相应字段。"),
        "too-many-requests": Kind(429, "请求过于频繁", "等待 Retry-After 秒后再试。"),
        "internal": Kind(500, "内部错误", "把 request_id 交给管理员查日志。"),
        "unavailable": Kind(503, "数据库暂不可用", "等待 Retry-After 秒后再试。"),
    }
)
_BY_STATUS = {kind.status: code for code, kind in KINDS.items()}


class Problem(Exception):  # noqa: N818 - the name RFC 9457 gives it
    """A request that cannot be answered.

    Args:
        code: One of :data:`KINDS`.
        detail: What is wrong, in Chinese; shown to the client.
        errors: Single faults: ``field``, ``message`` and, where there is one, ``value``.
        headers: Further headers of the answer, such as ``Retry-After``.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(detail or KINDS[code].title)
        self.code, self.detail = code, detail
        self.errors, self.headers = list(errors), dict(headers)
        self.status = KINDS[code].status


class NothingYet(Problem):
    """Nothing was ever loaded: how every installation begins, and no fault."""

    def __init__(self) -> None:
        super().__init__(
            "unavailable", "还没有数据：上传一个数据包，或在服务器上运行 chainatlas run。"
        )


def respond(request: Request, problem: Problem) -> JSONResponse:
    """The answer that states a problem."""
    kind = KINDS[problem.code]
    body: dict[str, Any] = {
        "type": f"{ABOUT}#{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": retell(problem.detail or kind.remedy),  # scripts of pages show it
        "request_id": getattr(request.state, "request_id", ""),
    }
    if problem.errors:
        body["errors"] = [{k: _sendable(v) for k, v in fault.items()} for fault in problem.errors]
    headers = problem.headers
    if kind.status in (429, 503):
        headers = {"Retry-After": "5", **headers}
    if kind.status == HTTPStatus.UNAUTHORIZED:
        headers = {"WWW-Authenticate": "Bearer", **headers}
    return JSONResponse(body, kind.status, headers, MEDIA_TYPE)


def _sendable(value: Any) -> Any:
    r"""A value that was sent to us, as one that JSON in UTF-8 can hold.

    >>> _sendable("a\ud800"), _sendable(float("inf")), _sendable(1)
    ('a\\ud800', 'inf', 1)
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def as_problem(error: Exception) -> Problem:
    """What a client is told of an error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return Problem("invalid", errors=[_fault(fault) for fault in error.errors()])
    if isinstance(error, HTTPException):
        code = _BY_STATUS.get(error.status_code, "bad-request")
        return Problem(code, headers=error.headers or {})
    if isinstance(error, StoreBusyError):
        return Problem("unavailable", "另一个程序正在写入，请稍后再试。")
    if isinstance(error, NoStoreError):
        return NothingYet()
    if isinstance(error, StoreError):  # its message may hold a path or an address
        return Problem("unavailable")
    if isinstance(error, NotFoundError):
        return Problem("not-found", str(error))
    if isinstance(error, ChainAtlasError):
        return Problem("bad-request", str(error))
    if is_full(error):
        return Problem("unavailable", "服务器磁盘空间不足，没有保存；请管理员清理后再试。")
    return Problem("internal")


def is_full(error: BaseException) -> bool:
    """Whether there was no room on a disk."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _fault(fault: Mapping[str, Any]) -> dict[str, Any]:
    place = [str(part) for part in fault["loc"]]
    value = fault.get("input")
    plain = value if isinstance(value, str | int | float | bool | None) else None
    return {
        "field": ".".join(place[1:]) or place[0],
        "in": place[0],
        "message": fault["msg"],
        "value": plain[:100] if isinstance(plain, str) else plain,
    }


#: The JSON Schema of a problem.
SCHEMA: Mapping[str, Any] = MappingProxyType(
    {
        "title": "Problem",
        "type": "object",
        "properties": {
            "type": {"enum": [f"{ABOUT}#{code}" for code in KINDS]},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "request_id": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "field": {"type": "string"},
                        "in": {"type": "string"},
                        "message": {"type": "string"},
                        "value": {},
                    },
                    "required": ["field", "message"],
                },
            },
        },
        "required": ["type", "title", "status", "detail", "request_id"],
    }
)
#: Statuses that any route may answer with.
ALWAYS = (400, 401, 403, 404, 405, 422, 429, 500, 503)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Descriptions of problems by status, for the OpenAPI document."""
    return {
        status: {
            "description": "；".join(k.title for k in KINDS.values() if k.status == status),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            **({"headers": _RETRY} if status in (429, 503) else {}),
        }
        for status in statuses
    }


_RETRY = {"Retry-After": {"description": "秒。", "schema": {"type": "integer"}}}


#: Shows a problem to a person.
Show = Callable[[Request, Problem], Awaitable[Response]]


def install(app: FastAPI, show: Show) -> None:
    """Answer every error of an application as a problem.

    Args:
        app: The application.
        show: Its page about a problem, for browsers that ask for one.
    """

    async def handle(request: Request, error: Exception) -> Response:
        problem = as_problem(error)
        serious = KINDS[problem.code].status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if serious and not isinstance(problem, NothingYet):
            # The log is the operator's; the client gets the request id only.
            _log.error("%s %s", request.method, request.url.path, exc_info=error)
        answer = respond(request, problem)
        if _reads(request):
            page = await show(request, problem)
            kept = {k: v for k, v in answer.headers.items() if not k.startswith("content-")}
            page.headers.update(kept)
            return page
        return answer

    for kind in (Problem, RequestValidationError, HTTPException, ChainAtlasError, Exception):
        app.add_exception_handler(kind, handle)


def _reads(request: Request) -> bool:
    """Whether a person reads the answer: a browser that asks for a page, not for the JSON API."""
    page = not request.url.path.startswith("/api/")
    return page and "text/html" in request.headers.get("accept", "")
