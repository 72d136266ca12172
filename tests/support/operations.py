"""The operations of the application with their rules, for tests that ask every one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from chainatlas.api.http import app as application

SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Operation:
    """A method of a route and its stated rule."""

    method: str
    path: str
    rule: dict[str, Any]

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return self.method not in SAFE and "reads" not in self.rule

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def described(app: FastAPI) -> Iterator[Operation]:
    """The operations of the OpenAPI document."""
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield Operation(method.upper(), path, operation["x-access"])


def routes() -> Iterator[tuple[str, APIRoute]]:
    """Every route, and what stands before its path."""
    for prefix, routers in ((application.PREFIX, application.ROUTERS), ("", application.PAGES)):
        for route in (route for router in routers for route in router.routes):
            assert isinstance(route, APIRoute)
            yield prefix, route


def others() -> Iterator[Operation]:
    """Pages, and routes that are not in the document."""
    for prefix, route in routes():
        assert route.openapi_extra is not None
        if not prefix or not route.include_in_schema:
            for method in route.methods or ():
                yield Operation(method, prefix + route.path, route.openapi_extra["x-access"])


def every(app: FastAPI) -> list[Operation]:
    """All of them."""
    found = [*described(app), *others()]
    assert {"/api/v1/clusters", "/admin", "/login", "/metrics"} <= {o.path for o in found}
    return found
