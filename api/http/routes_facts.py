"""What the store holds, as it stands."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from .. import answers
from .access import Role, access
from .service import Service

router = APIRouter(tags=["facts"])


def service_of(request: Request) -> Service:
    """The service of the application that a request came to."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


@router.get("/clusters")
@access(Role.viewer)
def clusters(request: Request) -> dict[str, Any]:
    """产业集群。"""
    return answers.clusters_answer(service_of(request).graph()).json()
