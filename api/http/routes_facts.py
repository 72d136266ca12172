"""What the store holds, as it stands."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from .. import answers
from .access import Role, access
from .service import service_of

__all__ = ["router", "service_of"]

router = APIRouter(tags=["facts"])


@router.get("/clusters")
@access(Role.viewer)
def clusters(request: Request) -> dict[str, Any]:
    """产业集群。"""
    return answers.clusters_answer(service_of(request).graph()).json()
