"""How much a request may send: counted as it comes, so that a body without a length is bounded too.

A body is read before the route's rule is looked at, because forms and JSON are parsed first. So
that strangers cannot fill memory or disk meanwhile, what is larger than a form is taken from known
callers alone.
"""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import identified
from .problems import Problem, as_problem, respond

#: Bytes that anybody may send: a form, a question.
SMALL = 2**20


class Bodies:
    """Middleware that bounds request bodies.

    Args:
        app: What answers.
        largest: Bytes that a known caller may send.
    """

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self.app, self.largest = app, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; see the ASGI specification."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        stated = request.headers.get("content-length", "")
        try:
            if stated.isdigit():
                await self._check(request, int(stated))
        except Exception as error:
            await respond(request, as_problem(error))(scope, receive, send)
            return
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            before, count = count, count + len(message.get("body", b""))
            if before <= SMALL < count or count > self.largest:
                try:
                    await self._check(request, count)
                except Problem as problem:
                    # The one exception that passes through the reading of forms and JSON as it is.
                    raise HTTPException(problem.status) from problem
            return message

        await self.app(scope, counted, send)

    async def _check(self, request: Request, size: int) -> None:
        if size > self.largest:
            raise Problem("too-large", f"请求最多 {self.largest // 2**20} MB。")
        if size > SMALL and await identified(request) is None:
            raise Problem("unauthenticated")
