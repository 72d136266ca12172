"""The application, put together: error answers, headers, access, and groups of routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute

from ... import __version__
from ...graph.errors import ChainAtlasError
from ..pages import routes as pages
from . import problems, routes_facts, routes_feed
from .access import authorise, rule_of
from .headers import Headers
from .identity import identifier
from .kept import new_store
from .parameters import known_only
from .service import Service
from .settings import Settings

PREFIX = "/api/v1"
#: Groups of JSON routes under :data:`PREFIX`.
ROUTERS = (routes_facts.router, routes_feed.router)
#: Groups of pages, from the root.
PAGES = (pages.router,)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application.

    Args:
        settings: How it is served; None for those that ``chainatlas serve`` handed over.
    """
    service = Service(settings or Settings.received())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
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
        app.include_router(router, prefix=PREFIX, dependencies=[Depends(known_only)])
    for router in PAGES:
        app.include_router(router, include_in_schema=False)
    problems.install(app)
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
