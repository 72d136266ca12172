"""The application, put together: error answers, headers, access, and groups of routes."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute

from ... import __version__
from ...graph.errors import ChainAtlasError
from ..pages import problems as about_problems
from ..pages import routes as pages
from ..pages.language import Languages
from ..pages.shell import problem_page
from . import (
    problems,
    routes_exports,
    routes_facts,
    routes_feed,
    routes_graph,
    routes_maps,
    routes_measures,
    routes_whatif,
)
from .access import authorise, rule_of
from .describe import describe
from .headers import Headers
from .identity import identifier
from .kept import new_store
from .parameters import known_only
from .service import Service
from .settings import Settings

PREFIX = "/api/v1"
#: Seconds after which a busy thread lets others go on.
SWITCH_S = 0.0005
#: Groups of JSON routes under :data:`PREFIX`.
ROUTERS = (
    routes_facts.router,
    routes_feed.router,
    routes_whatif.router,
    routes_measures.router,
    routes_graph.router,
    routes_maps.router,
    routes_exports.router,
)
#: Groups of pages, from the root.
PAGES = (pages.router, about_problems.router)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application.

    Args:
        settings: How it is served; None for those that ``chainatlas serve`` handed over.
    """
    service = Service(settings or Settings.received())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # What is worked out in a thread must not keep what is ready from being sent: the usual
        # 5 ms of a thread would be added to every write to a socket.
        before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        yield
        sys.setswitchinterval(before)
        service.close()

    app = FastAPI(
        title="ChainAtlas",
        version=__version__,
        description="产业链知识图谱与强补延固链诊断",
        lifespan=lifespan,
        dependencies=[Depends(authorise)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.service = service
    app.state.kept = new_store()
    app.state.identify = identifier(service)
    for router in (*ROUTERS, *PAGES):
        _state_rules(router)
    for router in ROUTERS:
        app.include_router(
            router,
            prefix=PREFIX,
            dependencies=[Depends(known_only)],
            responses=problems.described(*problems.ALWAYS),
        )
    for router in PAGES:
        app.include_router(router, include_in_schema=False)
    problems.install(app, problem_page)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    app.add_middleware(Languages)
    app.add_middleware(Headers)
    return app


def _state_rules(router: APIRouter) -> None:
    """Put each route's rule into its description; refuse to start with a route without one."""
    for route in router.routes:
        rule = rule_of(route.endpoint) if isinstance(route, APIRoute) else None
        if not isinstance(route, APIRoute) or rule is None:
            raise ChainAtlasError(f"路由没有访问规则：{getattr(route, 'path', route)}")
        extra: dict[str, Any] = route.openapi_extra or {}
        stated = {"role": rule.role.name, "regions": list(rule.regions)}
        route.openapi_extra = {**extra, "x-access": stated}
