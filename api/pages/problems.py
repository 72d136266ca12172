"""Every kind of problem that the HTTP API answers with: where the ``type`` of a problem leads."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ..http.access import Role, access
from ..http.problems import ABOUT, KINDS
from .shell import render

router = APIRouter()


@router.get(ABOUT)
@access(Role.public)
def kinds(request: Request) -> HTMLResponse:
    """接口的错误：种类、状态码、如何处理。"""
    return render(request, "problems.html", kinds=KINDS)
