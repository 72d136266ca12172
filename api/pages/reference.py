"""The interface for people who write programs: two browsers of its description, and its errors.

Swagger UI and ReDoc come from an installed package; a script of ours starts them, so that no page
holds an inline one.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ..http.access import Role, access, greeted
from ..http.problems import KINDS
from .shell import render

router = APIRouter()

#: Where the description of the API is.
DOCUMENT = "/api/v1/openapi.json"


@router.get("/docs")
@access(Role.viewer)
def swagger(request: Request) -> Response:
    """Swagger UI."""
    return render(request, "swagger.html", {"document": DOCUMENT})


@router.get("/redoc")
@access(Role.viewer)
def redoc(request: Request) -> Response:
    """ReDoc."""
    return render(request, "redoc.html", {"document": DOCUMENT})


@router.get("/docs/problems")
@access(Role.public)
async def kinds(request: Request) -> Response:
    """Every kind of error; the ``type`` of a problem leads here."""
    request.state.caller = await greeted(request)
    return render(request, "problems.html", kinds=KINDS)
