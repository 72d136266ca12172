"""Pages that take longer than a moment: whoever waits sees how far they are, with and without scripts.

A page is worked out in a thread. If it is not there after a moment, the visitor gets a page that says
so, with what the server is preparing; it looks again by itself and then shows the page, which has
been worked out once only.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from copy import copy
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, ParamSpec

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ...viz.language import spoken, text
from ..http.access import Role, access, caller_of
from ..http.service import service_of
from .shell import render

router = APIRouter()

#: Pages worked out at once; more wait their turn, and their visitors see that.
THREADS = 8
#: Pages that are kept for those who wait; beyond that a request waits as long as it takes.
MOST = 64
#: Seconds for which a page that is ready is kept for who waits for it.
KEPT_S = 15.0

Given = ParamSpec("Given")


@dataclass
class Work:
    """A page that is being worked out.

    Attributes:
        page: Becomes the page.
        token: Names it to the script that asks how far it is.
        begun: When it was asked for, in seconds of :func:`time.monotonic`.
        ended: When it was ready; 0 before that.
    """

    page: Future[Response]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    begun: float = field(default_factory=time.monotonic)
    ended: float = 0.0


class Patience:
    """The pages under way. One for each process; safe in threads.

    Args:
        seconds: How long a visitor waits without being told; 0: however long it takes.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._works: dict[object, Work] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(THREADS, "pages")

    def busy(self) -> bool:
        """Whether somebody waits for a page."""
        with self._lock:
            return any(not work.page.done() for work in self._works.values())

    def find(self, token: str) -> Work | None:
        """The page of a token, None where it has been shown or was never asked for."""
        with self._lock:
            return next((w for w in self._works.values() if w.token == token), None)

    def show(self, request: Request, make: Callable[[], Response]) -> Response:
        """A page, or how far it is.

        Args:
            request: Asks for it; of the same request of the same caller one page is made.
            make: Makes it.
        """
        caller, url = caller_of(request), request.url
        key = (caller.actor, caller.csrf, caller.region, spoken().code, url.path, url.query)
        work = self._begun(key, make) if self.seconds else None
        if work is None:
            return make()
        if not wait([work.page], self.seconds).done:
            return _still(request, work)
        with self._lock:
            self._works.pop(key, None)
        page = copy(work.page.result())
        # Whatever sends it may add to its headers, and two may wait for one page.
        page.raw_headers = list(page.raw_headers)
        return page

    def _begun(self, key: object, make: Callable[[], Response]) -> Work | None:
        """The page of a key, begun if need be; None where too many are under way."""
        with self._lock:
            old = time.monotonic() - KEPT_S
            for gone in [k for k, w in self._works.items() if w.ended and w.ended < old]:
                del self._works[gone]
            if key not in self._works:
                if len(self._works) >= MOST:
                    return None
                # The language is chosen by the context.
                work = Work(self._threads.submit(partial(copy_context().run, make)))
                work.page.add_done_callback(lambda _: setattr(work, "ended", time.monotonic()))
                self._works[key] = work
            return self._works[key]

    def close(self) -> None:
        """Begin none of the pages that wait their turn."""
        with self._lock:
            for work in self._works.values():
                work.page.cancel()
            self._works.clear()


def patient(page: Callable[Given, Response]) -> Callable[Given, Response]:
    """Make a page's route tell who waits how far it is; stands under :func:`.access`."""

    @wraps(page)
    def shown(*args: Given.args, **kwargs: Given.kwargs) -> Response:
        request = kwargs["request"]
        assert isinstance(request, Request)
        patience: Patience = request.app.state.patience
        return patience.show(request, partial(page, *args, **kwargs))

    return shown


def _told(request: Request, work: Work) -> dict[str, Any]:
    """How far the server is with what it prepares, and for how long the page has been waited for."""
    preparing = service_of(request).preparing
    what, done, steps = (
        (preparing.what, preparing.done, preparing.steps) if preparing else ("", 0, 0)
    )
    return {
        "what": text(what),
        "done": done,
        "steps": steps,
        "seconds": round(time.monotonic() - work.begun),
    }


def _still(request: Request, work: Work) -> Response:
    page = render(
        request,
        "waiting.html",
        {"token": work.token, "seconds": text("已等待 %(n)s 秒")},
        202,
        told=_told(request, work),
    )
    page.headers["cache-control"] = "no-store"
    return page


@router.get("/waiting/{token}")
@access(Role.viewer, anywhere=True)
def waiting(request: Request, token: str) -> dict[str, Any]:
    """How far a page is that somebody waits for."""
    patience: Patience = request.app.state.patience
    work = patience.find(token)
    if work is None or work.page.done():
        return {"ready": True}
    return {"ready": False, **_told(request, work)}
