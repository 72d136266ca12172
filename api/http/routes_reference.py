"""The description of the API, for programs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from .access import Role, access

router = APIRouter()


@router.get("/openapi.json", include_in_schema=False)
@access(Role.viewer)
def openapi(request: Request) -> dict[str, Any]:
    """The OpenAPI document; ``x-access`` states who may call each operation."""
    document: dict[str, Any] = request.app.openapi()
    return document
