"""What keeps the server running: is it alive, is it ready, what does it do."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from ...graph.work import WorkFile
from .access import Role, access
from .metrics import Metrics
from .routes_facts import service_of

router = APIRouter()


@router.get("/healthz")
@access(Role.public)
async def alive() -> dict[str, str]:
    """The process answers; says nothing about the store."""
    return {"status": "alive"}


@router.get("/readyz")
@access(Role.public)
def ready(request: Request) -> dict[str, str]:
    """The store and the work file can be read; 503 while they cannot."""
    service = service_of(request)
    service.version()
    WorkFile(service.work.path)
    request.app.state.directory.defined()  # notices a work file that was there and is gone
    return {"status": "ready"}


@router.get("/metrics")
@access(Role.viewer, anywhere=True, local=True)
def metrics(request: Request) -> Response:
    """Figures for Prometheus; public on this machine, for known callers elsewhere."""
    figures: Metrics = request.app.state.metrics
    return Response(figures.text(service_of(request).work), media_type=CONTENT_TYPE_LATEST)
