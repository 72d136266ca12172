"""What every page shares: templates, navigation, assets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from ... import __version__
from ...viz import page, words
from ..http.access import Role, caller_of


def _static(name: str) -> Path:
    return Path(str(files("chainatlas").joinpath("api", "pages", "static", name)))


#: Every asset of the pages, and where it comes from; one more is one more line.
ASSETS: Mapping[str, Callable[[], Path]] = MappingProxyType(
    {
        **page.SOURCES,
        "desk.css": lambda: _static("desk.css"),
    }
)

#: The navigation: address, title, the least role that sees it.
NAVIGATION: tuple[tuple[str, str, Role], ...] = (("/", "总览", Role.viewer),)


@cache
def asset_address(name: str) -> str:
    """The address of an asset, with a mark of its content, so that browsers may keep it for good."""
    mark = hashlib.sha256(ASSETS[name]().read_bytes()).hexdigest()[:12]
    return f"/assets/{mark}/{name}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("chainatlas", "api/pages/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = asset_address
    environment.filters.update(money=words.money, percent=words.percent, place=words.place_name)
    return environment


def render(
    request: Request, template: str, data: object = None, status: int = 200, **context: Any
) -> HTMLResponse:
    """A page.

    Args:
        request: The request.
        template: Name of the template.
        data: What the page's scripts read, as JSON in ``<script type="application/json">``.
        status: HTTP status.
        context: What the template shows; text is escaped.
    """
    caller = caller_of(request)
    seen = [(at, title) for at, title, role in NAVIGATION if caller.role >= role]
    html = (
        _environment()
        .get_template(template)
        .render(
            **context,
            caller=caller,
            navigation=seen,
            here=request.url.path,
            data=page.embed(data),
            program=__version__,
        )
    )
    return HTMLResponse(html, status)
