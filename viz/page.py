"""Offline HTML pages: a template, data as JSON, and scripts from one ``assets`` folder.

Scripts and styles of others are copied from installed packages; ours stand in ``viz/assets``. A page
holds no inline script, so it runs under a strict content security policy, and data never meets HTML:
it is read with ``JSON.parse`` and shown as text.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..graph.errors import NotFoundError
from .drawing import Drawing
from .render import inline_svg

ASSETS = "assets"


def _package_file(package: str, inside: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise NotFoundError(f"缺少依赖 {package}，请重新安装。")
    return Path(spec.submodule_search_locations[0]) / inside


def _ours(name: str) -> Path:
    return Path(str(files("chainatlas").joinpath("viz", "assets", name)))


#: Every asset a page may ask for, and where it comes from.
SOURCES: Mapping[str, Callable[[], Path]] = MappingProxyType(
    {
        "vis-network.min.js": lambda: _package_file("pyvis", "lib/vis-9.1.2/vis-network.min.js"),
        "vis-network.css": lambda: _package_file("pyvis", "lib/vis-9.1.2/vis-network.css"),
        "page.css": lambda: _ours("page.css"),
        "page.js": lambda: _ours("page.js"),
        "chain.js": lambda: _ours("chain.js"),
        "map.js": lambda: _ours("map.js"),
        "battle.js": lambda: _ours("battle.js"),
        "tips.js": lambda: _ours("tips.js"),
    }
)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("chainatlas", "viz/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def embed(data: object) -> Markup:
    """Data as JSON that can stand inside a script element, whatever text it holds."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # every character that could end the element is escaped above


def picture(
    drawing: Drawing,
    name: str,
    label: str,
    *,
    hidden: bool = False,
    links: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> Markup:
    """A drawing as part of a page; every text of it is escaped by :func:`.render.inline_svg`."""
    return Markup(inline_svg(drawing, name, label, hidden=hidden, links=links))


def write_page(
    out: Path,
    template: str,
    context: Mapping[str, Any],
    data: object,
    assets: Sequence[str],
    *,
    single: bool = False,
) -> None:
    """Write a page and the assets it needs.

    Args:
        out: The HTML file; assets go into the folder ``assets`` beside it.
        template: Name of the template in ``viz/templates``.
        context: What the template shows; text is escaped.
        data: What the scripts read.
        assets: Names of :data:`SOURCES`, in loading order; ``page.css``, ``tips.js`` and
            ``page.js`` come by themselves.
        single: Whether scripts and styles stand in the page itself, and no folder is needed.
    """
    wanted = ["page.css", "tips.js", *assets, "page.js"]
    if not single:
        _copy(wanted, out.parent / ASSETS)

    def listed(ending: str) -> list[str | Markup]:
        names = [name for name in wanted if name.endswith(ending)]
        return [_inside(name) if single else f"{ASSETS}/{name}" for name in names]

    html = (
        _environment()
        .get_template(template)
        .render(
            **context,
            single=single,
            styles=listed(".css"),
            scripts=listed(".js"),
            data=embed(data),
        )
    )
    out.write_text(html, encoding="utf-8")


def _copy(names: Sequence[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        source, target = SOURCES[name](), folder / name
        if (
            not target.exists()
            or target.stat().st_size != source.stat().st_size
            or "min" not in name
        ):
            shutil.copyfile(source, target)


@cache
def _inside(name: str) -> Markup:
    """An asset as the content of a ``script`` or ``style`` element.

    These are our files and installed packages, never data. What could end the element, or open a
    comment in it, is written with an escape that means the same within strings and patterns.
    """
    text = SOURCES[name]().read_text(encoding="utf-8")
    text = re.sub(r"<(?=/(script|style)|!--|script)", r"\\x3C", text, flags=re.IGNORECASE)
    return Markup(text)
