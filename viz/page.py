"""Offline HTML pages: a template, data as JSON, and scripts from one ``assets`` folder.

Scripts and styles of others are copied from installed packages; ours stand in ``viz/assets``. A page
holds no inline script, so it runs under a strict content security policy, and data never meets HTML:
it is read with ``JSON.parse`` and shown as text.
"""

from __future__ import annotations

import json
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
        "plotly.min.js": lambda: _package_file("plotly", "package_data/plotly.min.js"),
        "page.css": lambda: _ours("page.css"),
        "page.js": lambda: _ours("page.js"),
        "chain.js": lambda: _ours("chain.js"),
        "figure.js": lambda: _ours("figure.js"),
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


def write_page(
    out: Path, template: str, context: Mapping[str, Any], data: object, assets: Sequence[str]
) -> None:
    """Write a page and the assets it needs.

    Args:
        out: The HTML file; assets go into the folder ``assets`` beside it.
        template: Name of the template in ``viz/templates``.
        context: What the template shows; text is escaped.
        data: What the scripts read.
        assets: Names of :data:`SOURCES`, in loading order; ``page.css`` comes by itself.
    """
    wanted = ["page.css", *assets, "page.js"]
    folder = out.parent / ASSETS
    folder.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        source, target = SOURCES[name](), folder / name
        if (
            not target.exists()
            or target.stat().st_size != source.stat().st_size
            or "min" not in name
        ):
            shutil.copyfile(source, target)
    html = (
        _environment()
        .get_template(template)
        .render(
            **context,
            styles=[f"{ASSETS}/{n}" for n in wanted if n.endswith(".css")],
            scripts=[f"{ASSETS}/{n}" for n in wanted if n.endswith(".js")],
            data=embed(data),
        )
    )
    out.write_text(html, encoding="utf-8")
