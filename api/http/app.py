"""The application, put together: error answers, headers, access, and groups of routes."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from ... import __version__
from ...graph.errors import ChainAtlasError
from ..pages import (
    admin,
    attraction,
    chain,
    compare,
    data,
    data_review,
    export,
    overview,
    patience,
    people,
    reference,
)
from ..pages import graph as graph_page
from ..pages import map as map_page
from ..pages import profiles as profile_pages
from ..pages import routes as pages
from ..pages.language import Languages
from ..pages.patience import Patience
from ..pages.warm import Warmer
from . import (
    problems,
    routes_exports,
    routes_facts,
    routes_feed,
    routes_follow_ups,
    routes_graph,
    routes_graphview,
    routes_jobs,
    routes_maps,
    routes_measures,
    routes_operations,
    routes_quarantine,
    routes_reference,
    routes_review,
    routes_uploads,
    routes_whatif,
)
from .access import Role, authorise, rule_of
from .bodies import Bodies
from .describe import describe
from .headers import Headers
from .identity import Identifier
from .jobs_runner import Runner
from .kept import new_store
from .limits import Limiter
from .metrics import Metrics
from .observe import Observed
from .parameters import known_only, region_names
from .service import Service
from .settings import Settings

PREFIX = "/api/v1"
#: Seconds after which a busy thread lets others go on.
SWITCH_S = 0.0005
#: Groups of JSON routes under :data:`PREFIX`.
ROUTERS = (
    routes_feed.router,  # first, because routes are looked for in this order, and it is asked most
    routes_facts.router,
    routes_follow_ups.router,
    routes_whatif.router,
    routes_measures.router,
    routes_graph.router,
    routes_maps.router,
    routes_exports.router,
    routes_graphview.router,
    routes_jobs.router,
    routes_quarantine.router,
    routes_reference.router,
    routes_review.router,
    routes_uploads.router,
)
#: Groups of pages, from the root.
PAGES = (
    pages.router,
    overview.router,
    chain.router,
    map_page.router,
    attraction.router,
    compare.router,
    export.router,
    graph_page.router,
    profile_pages.router,
    data.router,
    data_review.router,
    people.router,
    admin.router,
    reference.router,
    patience.router,
    routes_operations.router,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application.

    Args:
        settings: How it is served; None for those that ``chainatlas serve`` handed over.
    """
    settings = settings or Settings.received()
    metrics = Metrics()
    service = Service(settings, metrics.asked)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # What is worked out in a thread must not keep what is ready from being sent: the usual
        # 5 ms of a thread would be added to every write to a socket.
        before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        warmer = Warmer(service, app.state.patience.busy)
        warmer.start()
        app.state.jobs.start()
        yield
        app.state.jobs.stop()
        await run_in_threadpool(warmer.stop)
        app.state.patience.close()
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
    app.state.kept = new_store(partial(metrics.asked, "finished"))
    app.state.metrics = metrics
    app.state.identify = identify = Identifier(service)
    app.state.directory = identify.directory
    app.state.limiter = Limiter(settings.rate)
    app.state.jobs = Runner(settings)
    app.state.patience = Patience(settings.patience)
    app.state.templates = {}
    for router, prefix in (*((r, PREFIX) for r in ROUTERS), *((r, "") for r in PAGES)):
        for route in router.routes:
            _state_rule(route)
            app.state.templates[id(route)] = prefix + getattr(route, "path", "")
    for router in ROUTERS:
        app.include_router(
            router,
            prefix=PREFIX,
            dependencies=[Depends(known_only)],
            responses=problems.described(*problems.ALWAYS),
        )
    for router in PAGES:
        app.include_router(router, include_in_schema=False)
    problems.install(app, people.show_problem)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    app.add_middleware(Bodies, largest=settings.max_body)
    app.add_middleware(Languages)
    app.add_middleware(Observed)
    app.add_middleware(Headers, https=settings.https)
    return app


def _state_rule(route: BaseRoute) -> None:
    """Put a route's rule into its description.

    Raises:
        ChainAtlasError: It has none, or takes a region that its rule does not name: such a route
            would answer a caller with a scope about any region.
    """
    rule = rule_of(route.endpoint) if isinstance(route, APIRoute) else None
    if not isinstance(route, APIRoute) or rule is None:
        raise ChainAtlasError(f"路由没有访问规则：{getattr(route, 'path', route)}")
    # Whoever has a scope never gets as far as what is for all regions at once.
    closed = rule.role is Role.admin and not rule.regions and not rule.anywhere
    if rule.role is not Role.public and not closed:
        for name in set(region_names(route.dependant)) - {*rule.regions, *rule.unscoped}:
            raise ChainAtlasError(f"路由的访问规则没有说明地区参数 {name}：{route.path}")
    extra: dict[str, Any] = route.openapi_extra or {}
    route.openapi_extra = {**extra, "x-access": rule.stated()}
