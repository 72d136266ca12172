"""Answers as finished bytes, kept for the next who asks the same of the same version.

A route of the class :class:`Keeping` first looks for a finished answer: by version, address, query,
``Accept`` and coding. Only who may ask is still checked then; nothing is parsed, computed or written
again. What is kept is bounded by its bytes.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from .access import authorise
from .conditions import etag, failed
from .formats import MEDIA, PACKED, Form
from .problems import Problem
from .service import Once, service_of

#: Bytes of finished answers that a process keeps.
KEPT_BYTES = 96 * 2**20
#: Smaller answers are not worth packing.
_GZIP_FROM = 1024
_LEVEL = 5

Raw = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Finished:
    """An answer, ready to be sent.

    Attributes:
        body: As sent.
        tag: Strong entity tag.
        headers: Those of 200.
        brief: Those of 304.
    """

    body: bytes
    tag: str
    headers: Raw
    brief: Raw

    def weight(self) -> int:
        """Bytes it takes to keep it, about."""
        return len(self.body) + 1024


def new_store(asked: Callable[[bool], None]) -> Once:
    """Where a process keeps finished answers.

    Args:
        asked: Told of each question whether its answer was there.
    """
    return Once(KEPT_BYTES, asked, Finished.weight)


class Sent(Response):
    """A finished answer on its way; its headers are not built again."""

    def __init__(self, finished: Finished, status: int) -> None:
        self.finished, self.status_code = finished, status
        self.background = None
        self.body = finished.body if status == 200 else b""
        self.raw_headers = list(finished.headers if status == 200 else finished.brief)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; see the ASGI specification."""
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


def _packs(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _key(request: Request, version: int) -> tuple[Any, ...]:
    headers = request.headers
    return (
        "finished",
        version,
        request.scope["path"],
        request.scope["query_string"],
        headers.get("accept", ""),
        _packs(request),
    )


def conditional(request: Request, finished: Finished) -> Sent:
    """A finished answer, or what the request's conditions ask for in its place.

    Raises:
        Problem: ``If-Match`` names another state.
    """
    status = failed(request.headers, finished.tag)
    if status == 412:
        raise Problem("precondition-failed", headers={"ETag": finished.tag})
    return Sent(finished, status or 200)


def reply(
    request: Request,
    body: bytes,
    form: Form,
    version: int,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Finish an answer, keep it, and send it.

    Args:
        request: The request.
        body: The answer.
        form: Its format.
        version: The facts it rests on.
        headers: Further ones.
    """
    packed = _packs(request) and form not in PACKED and len(body) >= _GZIP_FROM
    sent = gzip.compress(body, _LEVEL, mtime=0) if packed else body
    coding = "gzip" if packed else "identity"
    tag = etag(version, request.url.path, request.url.query, form.value, coding)
    charset = "; charset=utf-8" if form in (Form.csv, Form.ndjson) else ""
    brief = {
        "etag": tag,
        "vary": "Accept, Accept-Encoding",
        "data-version": str(version),
        **headers,
    }
    full = {
        **brief,
        "content-type": MEDIA[form] + charset,
        "content-length": str(len(sent)),
        **({"content-encoding": "gzip"} if packed else {}),
    }
    finished = Finished(sent, tag, _raw(full), _raw(brief))
    known = service_of(request).known_version()
    if known is not None:
        request.app.state.kept.put(_key(request, known), finished)
    return conditional(request, finished)


def _raw(headers: Mapping[str, str]) -> Raw:
    return [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]


class Keeping(APIRoute):
    """A route whose answers are kept as bytes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See FastAPI: what answers a request."""
        usual = super().get_route_handler()

        async def handle(request: Request) -> Response:
            version = service_of(request).known_version()
            if version is not None and request.method == "GET":
                finished = request.app.state.kept.seek(_key(request, version))
                if finished is not None:
                    await authorise(request)
                    return conditional(request, finished)
            return await usual(request)

        return handle
