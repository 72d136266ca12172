"""Draws one map: filled regions, symbols with counts, flows, and labels that never meet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from . import fonts
from .drawing import INK, SOFT, Box, Circle, Drawing, Path, Rect, Step
from .style import SCALE, SYMBOLS

#: Upper bounds of the classes of output in 1e8 CNY a year; the last has none.
CLASSES = (0.0, 1.0, 10.0, 50.0, 200.0)
_NAME, _COUNT, _MARK = 3.7, 3.3, 1.35
#: Radius of the largest bubble in mm.
_BUBBLE = 13.0
_FLOW, _GUESS = "#B2182B", "#555555"


@dataclass(frozen=True)
class Flow:
    """Relations from one region to another; ``number`` decides the width of the line."""

    source: str
    target: str
    number: int
    tip: str = ""


@dataclass(frozen=True)
class Region:
    """What a map says about one region.

    Attributes:
        code: Region code.
        name: Name.
        output: Output in 1e8 CNY a year.
        counts: Number by kind, see :data:`.style.SYMBOLS`.
        tip: Text beside the pointer.
        tips: The same for the symbol of each kind.
    """

    code: str
    name: str
    output: float
    counts: Mapping[str, int]
    tip: str = ""
    tips: Mapping[str, str] = field(default_factory=dict)


def shade(output: float) -> int:
    """Class of an output (1e8 CNY a year): 0 for none, else by :data:`CLASSES`."""
    return int(np.searchsorted(CLASSES, output, side="left"))


def class_words() -> list[str]:
    """What each class means."""
    words = ["无"]
    for low, high in pairwise(CLASSES):
        words.append(f"{low:g}～{high:g}" if low else f"{high:g} 以下")
    return [*words, f"{CLASSES[-1]:g} 以上"]


class Projection:
    """Degrees to millimetres: equirectangular, true to scale at the middle latitude."""

    def __init__(self, shapes: Iterable[BaseGeometry], area: Box) -> None:
        west, south, east, north = shapely.total_bounds(list(shapes))
        self._squeeze = math.cos(math.radians((south + north) / 2))
        wide, high = max((east - west) * self._squeeze, 1e-6), max(north - south, 1e-6)
        self.scale = min(area.w / wide, area.h / high)
        self._west, self._north = west, north
        self._x = area.x + (area.w - wide * self.scale) / 2
        self._y = area.y + (area.h - high * self.scale) / 2

    def __call__(self, points: Any) -> Any:
        """Points of shape (n, 2) in degrees as millimetres."""
        x = self._x + (points[:, 0] - self._west) * self._squeeze * self.scale
        y = self._y + (self._north - points[:, 1]) * self.scale
        return np.column_stack([x, y])


def draw_map(
    page: Drawing,
    area: Box,
    outlines: Mapping[str, BaseGeometry],
    regions: Sequence[Region],
    flows: Mapping[str, Sequence[Flow]],
    *,
    bubbles: bool = False,
) -> None:
    """Draw a map into an area.

    Args:
        page: Where to.
        area: Room; labels stay inside it.
        outlines: In degrees by region code; regions without one are not drawn.
        regions: What to say about each.
        flows: Lines by layer (``flow`` recorded, ``guess`` inferred).
        bubbles: Whether a circle in each region has the area of its output.
    """
    shown = [r for r in regions if r.code in outlines]
    if not shown:
        page.text(area.x + area.w / 2, area.y + area.h / 2, "没有可用的边界。", 5.0, SOFT, "middle")
        return
    inner = Box(area.x + 8, area.y + 4, area.w - 16, area.h - 14)
    projection = Projection([outlines[r.code] for r in shown], inner)
    flat = {r.code: shapely.transform(outlines[r.code], projection) for r in shown}
    for region in shown:
        page.add(
            Path(
                steps=_steps(flat[region.code]),
                fill=SCALE[shade(region.output)],
                stroke="#6B7785",
                width=0.25,
                key=region.code,
                tip=region.tip,
                layer="region",
            )
        )
    # The lowest strip belongs to the scale bar.
    spots = _spots(shown, flat, Box(area.x, area.y, area.w, area.h - 7))
    anchors = {code: (at.x + at.w / 2, at.y + at.h / 2) for code, at in spots.items()}
    if bubbles:
        _bubbles(page, shown, flat)
    for layer, lines in flows.items():
        _flows(page, lines, anchors, layer)
    for region in shown:
        _label(page, region, spots[region.code], flat[region.code])
    _scale_bar(page, area, projection)


def _bubbles(page: Drawing, regions: Sequence[Region], flat: Mapping[str, BaseGeometry]) -> None:
    """A circle in the middle of each region, the largest first so that none hides another."""
    most = max((r.output for r in regions), default=0.0)
    for region in sorted(regions, key=lambda r: (-r.output, r.code)):
        if region.output > 0:
            main = max(
                getattr(flat[region.code], "geoms", [flat[region.code]]), key=lambda part: part.area
            )
            x, y = _middle(main)
            r = _BUBBLE * math.sqrt(region.output / most)
            page.add(_bubble(x, y, r, key=region.code, tip=region.tip))


def _bubble(x: float, y: float, r: float, key: str = "", tip: str = "") -> Circle:
    return Circle(
        x=x, y=y, r=r, fill="", stroke="#E66100", width=0.9, opacity=0.95, layer="layer-bubble",
        key=key, tip=tip,
    )  # fmt: skip


def bubble_sample(page: Drawing, x: float, y: float) -> None:
    """A small bubble, for the legend."""
    page.add(_bubble(x, y, 1.9))


def _steps(outline: BaseGeometry) -> tuple[Step, ...]:
    steps: list[Step] = []
    for polygon in getattr(outline, "geoms", [outline]):
        # An islet of less than 0.1 square millimetres is not seen.
        if polygon.area < 0.1 and len(steps):
            continue
        for ring in (polygon.exterior, *polygon.interiors):
            points = shapely.get_coordinates(ring.simplify(0.05))[:-1]
            steps += [
                ("M" if i == 0 else "L", round(float(x), 2), round(float(y), 2))
                for i, (x, y) in enumerate(points)
            ]
            steps.append(("Z",))
    return tuple(steps)


def _marks(region: Region) -> list[tuple[str, str, float]]:
    """Kind, count and width of each symbol with its count."""
    return [
        (kind, str(n), 2 * _MARK + 0.7 + fonts.width(str(n), _COUNT) + 1.5)
        for kind, n in region.counts.items()
        if n
    ]


def _size(region: Region) -> tuple[float, float]:
    wide = max(fonts.width(region.name, _NAME), sum(w for *_, w in _marks(region)))
    return wide + 0.8, _NAME + 0.6 + (_COUNT + 0.8 if _marks(region) else 0.0)


def _spots(
    regions: Sequence[Region], flat: Mapping[str, BaseGeometry], area: Box
) -> dict[str, Box]:
    """A box for the label of each region: inside it where there is room, else beside it.

    The smallest regions choose first, as they have the least room; a box never meets another.
    """
    taken: list[Box] = []
    spots: dict[str, Box] = {}
    for region in sorted(regions, key=lambda r: (flat[r.code].area, r.code)):
        outline = flat[region.code]
        main = max(getattr(outline, "geoms", [outline]), key=lambda part: part.area)
        x, y = _middle(main)
        w, h = _size(region)
        best: tuple[float, Box] | None = None
        for dx, dy in _OFFSETS:
            box = Box(x + dx - w / 2, y + dy - h / 2, w, h)
            if (
                box.x < area.x
                or box.right > area.right
                or box.y < area.y
                or box.bottom > area.bottom
            ):
                continue
            if any(box.overlaps(other, -0.4) for other in taken):
                continue
            away = math.hypot(dx, dy)
            if best is not None and away > best[0]:
                break  # offsets come nearest first; being outside only adds to the cost
            covered = shapely.box(box.x, box.y, box.right, box.bottom)
            outside = 1.0 - covered.intersection(outline).area / covered.area
            cost = away + 14.0 * outside
            if best is None or cost < best[0]:
                best = (cost, box)
        # Where the area is full, the label is left out rather than put over another.
        if best is not None:
            spots[region.code] = best[1]
            taken.append(best[1])
    return spots


def _middle(outline: BaseGeometry) -> tuple[float, float]:
    """The point farthest from the border."""
    circle: Any = shapely.maximum_inscribed_circle(np.asarray(outline)[()])
    x, y = shapely.get_coordinates(circle)[0]
    return float(x), float(y)


#: Where a label may stand around the middle of its region, nearest first.
_OFFSETS = tuple(
    sorted(
        ((dx * 2.0, dy * 2.0) for dx in range(-30, 31) for dy in range(-30, 31)),
        key=lambda at: (math.hypot(*at), at),
    )
)


def _label(page: Drawing, region: Region, box: Box, outline: BaseGeometry) -> None:
    """Name and symbols on a pale ground, with a line to the region where it stands beside it."""
    middle = (box.x + box.w / 2, box.y + box.h / 2)
    if not outline.intersects(shapely.box(box.x, box.y, box.right, box.bottom)):
        x, y = _middle(outline)
        page.add(Path(steps=(("M", *middle), ("L", x, y)), stroke=INK, width=0.25))
        page.add(Circle(x=x, y=y, r=0.6, fill=INK))
    page.add(Rect(box=box, fill="#FFFFFF", radius=0.8, opacity=0.82, key=region.code))
    page.text(
        middle[0], box.y + 0.3 + 0.88 * _NAME, region.name, _NAME, INK, "middle", bold=True,
        key=region.code, tip=region.tip,
    )  # fmt: skip
    marks = _marks(region)
    x = middle[0] - sum(w for *_, w in marks) / 2 + 0.5
    y = box.bottom - 0.5 - _COUNT / 2
    for kind, count, wide in marks:
        tip = region.tips.get(kind, "")
        mark(page, x + _MARK, y, kind, tip)
        page.text(
            x + 2 * _MARK + 0.7, y + 0.37 * _COUNT, count, _COUNT, layer=f"layer-{kind}", tip=tip
        )
        x += wide


def mark(page: Drawing, x: float, y: float, kind: str, tip: str = "") -> None:
    """The symbol of a kind: shape and colour, so that grey print stays readable."""
    look, r = SYMBOLS[kind], _MARK
    layer = f"layer-{kind}"
    if look.sign == "circle":
        page.add(Circle(x=x, y=y, r=r, fill=look.colour, layer=layer, tip=tip))
        return
    corners = {
        "triangle": ((0, -1.1), (1.1, 0.9), (-1.1, 0.9)),
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "diamond": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    }[look.sign]
    steps: list[Step] = [
        ("M" if i == 0 else "L", x + r * dx, y + r * dy) for i, (dx, dy) in enumerate(corners)
    ]
    page.add(Path(steps=(*steps, ("Z",)), fill=look.colour, layer=layer, tip=tip))


def flow_width(number: int, most: int) -> float:
    """Width of a line in mm: grows with the root of the number of relations."""
    return 0.4 + 1.6 * math.sqrt(number / most)


def _flows(
    page: Drawing, flows: Sequence[Flow], at: Mapping[str, tuple[float, float]], layer: str
) -> None:
    """Curved lines with a head towards the buyer; figures stand in the tip and the table."""
    colour = _FLOW if layer == "flow" else _GUESS
    drawn = [f for f in flows if f.source in at and f.target in at and f.source != f.target]
    most = max((f.number for f in drawn), default=1)
    look: dict[str, Any] = {"layer": f"layer-{layer}"}
    for flow in drawn:
        (x1, y1), (x2, y2) = at[flow.source], at[flow.target]
        # To the right of its direction, so that there and back are two lines.
        cx, cy = (x1 + x2) / 2 - 0.18 * (y2 - y1), (y1 + y2) / 2 + 0.18 * (x2 - x1)
        page.add(
            Path(
                steps=(("M", x1, y1), ("C", cx, cy, cx, cy, x2, y2)),
                stroke=colour,
                width=flow_width(flow.number, most),
                dash=() if layer == "flow" else (2.0, 1.2),
                opacity=0.75,
                tip=flow.tip,
                **look,
            )
        )
        head = _head(x1, y1, cx, cy, x2, y2)
        page.add(Path(steps=head, fill=colour, opacity=0.9, tip=flow.tip, **look))


def flow_sample(page: Drawing, x: float, y: float, layer: str) -> None:
    """A short line of a layer, for the legend."""
    colour = _FLOW if layer == "flow" else _GUESS
    dash = () if layer == "flow" else (2.0, 1.2)
    page.add(Path(steps=(("M", x, y), ("L", x + 9, y)), stroke=colour, width=0.9, dash=dash))


def _head(x1: float, y1: float, cx: float, cy: float, x2: float, y2: float) -> tuple[Step, ...]:
    """An arrow head at six tenths of a curve, clear of the labels at its ends."""
    t = 0.62
    x = (1 - t) ** 3 * x1 + 3 * t * (1 - t) * cx + t**3 * x2
    y = (1 - t) ** 3 * y1 + 3 * t * (1 - t) * cy + t**3 * y2
    dx = -((1 - t) ** 2) * x1 + (1 - 2 * t) * cx + t**2 * x2
    dy = -((1 - t) ** 2) * y1 + (1 - 2 * t) * cy + t**2 * y2
    long = math.hypot(dx, dy) or 1.0
    dx, dy = 2.2 * dx / long, 2.2 * dy / long
    return (
        ("M", x + dx, y + dy),
        ("L", x - dx - 0.6 * dy, y - dy + 0.6 * dx),
        ("L", x - dx + 0.6 * dy, y - dy - 0.6 * dx),
        ("Z",),
    )


def _scale_bar(page: Drawing, area: Box, projection: Projection) -> None:
    """How long a round number of kilometres is; a degree of latitude has about 111.2."""
    kilometre = projection.scale / 111.2
    long = next(
        k
        for k in (5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1)
        if k * kilometre < 60 or k == 1
    )
    x, y = area.x + 2, area.bottom - 2
    right = x + long * kilometre
    page.add(
        Path(
            steps=(("M", x, y - 1.4), ("L", x, y), ("L", right, y), ("L", right, y - 1.4)),
            stroke=INK,
            width=0.35,
        )
    )
    page.text(right + 1.5, y, f"{long} 千米（示意）", 3.0)
