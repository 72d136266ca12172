"""Headers of every answer: what a browser may do with it, and the id of the request."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Scripts and styles come from this server alone; inline styles are needed by vis-network.
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
FIXED = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
#: A year of TLS alone.
STRICT = {"strict-transport-security": "max-age=31536000"}
REQUEST_ID = "x-request-id"
#: A caller's own id is taken over where it is plain; anything else could forge lines of a log.
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Headers:
    """Middleware that sets :data:`FIXED` and the request id.

    Args:
        app: What answers.
        https: Whether people reach it over TLS, which browsers are then told to insist on.
    """

    def __init__(self, app: ASGIApp, https: bool = False) -> None:
        self.app = app
        self.fixed = {**FIXED, **(STRICT if https else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; see the ASGI specification."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(REQUEST_ID.encode(), b"").decode("latin-1")
        request_id = given if _PLAIN.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.fixed.items():
                    headers.setdefault(name, value)
                headers[REQUEST_ID] = request_id
                # What depends on who asks must not be kept by anything shared.
                headers.setdefault("cache-control", "private, no-cache")
            await send(message)

        await self.app(scope, receive, with_headers)
