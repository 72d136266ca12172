"""What every page needs: its assets, and the choice of its language."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from ..http.access import Role, access
from ..http.problems import Problem
from ..http.routes_facts import service_of
from .language import CHOICES, COOKIE, KEPT_S
from .shell import ASSETS, asset_address, own_address

router = APIRouter()


@router.get("/assets/{mark}/{name}")
@access(Role.public)
def asset(mark: str, name: str) -> FileResponse:
    """A script, style or font of the pages."""
    if name not in ASSETS or asset_address(name) != f"/assets/{mark}/{name}":
        raise Problem("not-found")
    kept = {"cache-control": "public, max-age=31536000, immutable"}
    return FileResponse(ASSETS[name](), headers=kept)


@router.get("/language")
@access(Role.public)
def choose_language(request: Request, to: str = "zh", back: str = "/") -> Response:
    """Keep the language that was chosen, and go back to the page it was chosen on."""
    if to not in CHOICES:
        raise Problem("not-found")
    answer = RedirectResponse(own_address(back), 303)
    secure = service_of(request).settings.https
    answer.set_cookie(COOKIE, to, KEPT_S, httponly=True, samesite="lax", secure=secure)
    return answer
