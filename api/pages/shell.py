"""What every page shares: templates, navigation, assets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from ... import __version__
from ...viz import page, words
from ...viz.language import retell, spoken, text
from ...viz.style import LOOKS
from ..http.access import EVERYWHERE, NOBODY, Role
from ..http.problems import KINDS, Problem
from .clock import moment
from .language import CHOICES


def _reference(name: str) -> Path:
    return Path(str(files("fastapi_offline").joinpath("static", name)))


def _static(name: str) -> Path:
    return Path(str(files("chainatlas").joinpath("api", "pages", "static", name)))


#: Every asset of the pages, and where it comes from; one more is one more line.
ASSETS: Mapping[str, Callable[[], Path]] = MappingProxyType(
    {
        **page.SOURCES,
        "desk.css": lambda: _static("desk.css"),
        **{name: partial(_static, name) for name in ("chain_page.js", "map_page.js", "compare.js")},
        "desk.js": lambda: _static("desk.js"),
        "data.js": lambda: _static("data.js"),
        "waiting.js": lambda: _static("waiting.js"),
        "reference.js": lambda: _static("reference.js"),
        "swagger-ui-bundle.js": lambda: _reference("swagger-ui-bundle.js"),
        "swagger-ui.css": lambda: _reference("swagger-ui.css"),
        "redoc.standalone.js": lambda: _reference("redoc.standalone.js"),
        "graph.css": lambda: _static("graph.css"),
        "graph.js": lambda: _static("graph.js"),
        "graph-state.js": lambda: _static("graph-state.js"),
        "cloud.js": lambda: _static("cloud.js"),
        "overview.js": lambda: _static("overview.js"),
    }
)

#: The navigation: address, title, the least role that sees it.
NAVIGATION: tuple[tuple[str, str, Role], ...] = (
    ("/", "总览", Role.viewer),
    ("/chain", "产业链", Role.viewer),
    ("/map", "资源分布图", Role.viewer),
    ("/attraction", "招商攻坚图", Role.viewer),
    ("/compare", "对比与模拟", Role.viewer),
    ("/graph", "图谱浏览", Role.viewer),
    ("/data", "数据", Role.viewer),
    ("/admin", "管理", Role.admin),
)


@cache
def _mark() -> str:
    """A mark of the content of all assets: one for all, so that scripts may import one another."""
    digest = hashlib.sha256()
    for name in sorted(ASSETS):
        digest.update(ASSETS[name]().read_bytes())
    return digest.hexdigest()[:12]


def asset_address(name: str) -> str:
    """The address of an asset, with a mark of its content, so that browsers may keep it for good."""
    if name not in ASSETS:
        raise KeyError(name)
    return f"/assets/{_mark()}/{name}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("chainatlas", "api/pages/templates"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_callables(text, _plural, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        asset=asset_address,
        looks=LOOKS,
        languages=CHOICES,
        address_of=address_of,
        translated=_translated,
        swapped=_swapped,
    )
    environment.filters.update(
        money=words.money,
        percent=words.percent,
        place=words.place_name,
        moment=moment,
        short=words.short_name,
        told=retell,
    )
    return environment


def address_of(kind: str, key: str, region: str, cluster: str = "") -> str:
    """Where a page shows something.

    Args:
        kind: ``regions``, ``products``, ``enterprises`` or ``institutes``.
        key: Its id.
        region: The region of the present page.
        cluster: A cluster of the product, "" where it is in none.
    """
    if kind == "regions":
        return f"/?{urlencode({'region': key})}"
    if kind == "products" and cluster:
        return "/chain?" + urlencode({"region": region, "cluster": cluster, "product": key})
    return f"/{kind.removesuffix('s')}/{quote(key, safe='')}?{urlencode({'region': region})}"


def _translated(options: Mapping[str, str]) -> list[tuple[str, str]]:
    """Options of a select: codes with their names in the language spoken."""
    return [(code, text(name)) for code, name in options.items()]


def _swapped(options: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Options of a select from (name, id) pairs."""
    return [(key, name) for name, key in options]


def _plural(one: str, many: str, count: int) -> str:
    """Chinese has one form; English texts are worded so that one will do."""
    return text(one if count == 1 else many)


#: What of an address goes along to other pages.
_CARRIED = ("region", "cluster")


def own_address(back: str) -> str:
    """A path of this server to go back to, ``/`` where what was asked for is anything else.

    >>> own_address("/map?region=420100"), own_address("//else.where"), own_address("http:x")
    ('/map?region=420100', '/', '/')
    """
    # No scheme, no host, however it is written.
    local = re.fullmatch(r"/(?![/\\])[^\\\s]*", back)
    return quote(back if local else "/", safe="/?&=%:,;+~.-_")


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
    caller = getattr(request.state, "caller", None) or NOBODY
    carried = {k: v for k, v in request.query_params.items() if k in _CARRIED and v}
    if caller.region != EVERYWHERE:
        carried.setdefault("region", caller.region)
    query = f"?{urlencode(carried)}" if carried else ""
    seen = [(at, title) for at, title, role in NAVIGATION if caller.role >= role]
    html = (
        _environment()
        .get_template(template)
        .render(
            **context,
            caller=caller,
            navigation=seen,
            carried=query,
            here=request.url.path,
            address=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            lang=spoken().code,
            data=page.embed(data),
            program=__version__,
        )
    )
    return HTMLResponse(html, status)


def problem_page(request: Request, problem: Problem) -> HTMLResponse:
    """A problem as a page, for people.

    Args:
        request: What was asked.
        problem: What is wrong with it.
    """
    kind = KINDS[problem.code]
    number = getattr(request.state, "request_id", "")
    return render(
        request, "problem.html", None, kind.status, kind=kind, problem=problem, number=number
    )
