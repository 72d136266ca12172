"""What is noted of every request: one line of the log and its figures. Never query or body."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import NOBODY, Caller
from .metrics import Metrics

#: What stands for the address of a request that no route answers.
UNMATCHED = "unmatched"
#: The status noted where the client went away before there was one (nginx's).
GONE = 499
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

_log = logging.getLogger("chainatlas.access")


class Observed:
    """Middleware that notes each request, and answers what went wrong unforeseen.

    The answer to an unforeseen error is made here, inside the headers, because the framework makes
    its own outside of all middleware, without them.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; see the ASGI specification."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), GONE

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            if status != GONE:  # half an answer is out; the connection is cut
                raise
            handle = scope["app"].exception_handlers[Exception]
            answer = await handle(Request(scope), error)
            await answer(scope, receive, noted)
        finally:
            _note(scope, status, time.perf_counter() - begun)


def _note(scope: Scope, status: int, seconds: float) -> None:
    state = scope["app"].state
    template = state.templates.get(id(scope.get("route")), UNMATCHED)
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    metrics: Metrics = state.metrics
    metrics.answered(template, method, status, seconds)
    caller: Caller = scope["state"].get("caller", NOBODY)
    fields = {
        "request_id": scope["state"]["request_id"],
        "method": method,
        "route": template,
        "status": status,
        "duration_ms": round(seconds * 1000, 2),
        "caller": caller.actor,
    }
    severe = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    _log.log(logging.WARNING if severe else logging.INFO, "request", extra={"fields": fields})
