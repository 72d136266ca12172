"""Curves of the backtest: the model and every baseline at growing depth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .drawing import INK, LINE, SOFT, Circle, Drawing, Path

WIDTH, HEIGHT = 150.0, 96.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 16.0, 44.0, 12.0, 14.0
_TEXT = 3.2


@dataclass(frozen=True)
class Line:
    """How a ranking is drawn; lines differ in dashes too, so that grey print stays readable."""

    colour: str
    dash: tuple[float, ...] = ()
    width: float = 0.45


LINES: Mapping[str, Line] = {
    "model": Line("#B2182B", (), 1.0),
    "logistic": Line("#1F4E79"),
    "ubiquity_diversity": Line("#1B7837", (2.4, 1.0)),
    "size": Line("#5E3C99", (1.0, 0.8)),
    "momentum": Line("#B35806", (3.0, 0.8, 0.8, 0.8)),
    "same_industry": Line("#2E7EBC", (0.6, 0.6)),
    "density": Line("#7F7F7F", (4.0, 1.2)),
    "random": Line("#444444", (0.3, 0.9)),
    "text": Line("#C51B7D", (1.8, 0.8, 0.4, 0.8)),
}


@dataclass(frozen=True)
class Series:
    """One ranking.

    Attributes:
        name: Key of :data:`LINES`.
        title: What the legend says.
        x: Of its points.
        y: Of its points.
    """

    name: str
    title: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
        title: What it measures, with its unit.
        ticks: Where it is labelled; the first and the last bound it.
        label: How a tick reads.
        logarithmic: Whether equal distances are equal ratios.
    """

    title: str
    ticks: tuple[float, ...]
    label: Callable[[float], str]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value lies between the ends, 0..1."""
        low, high = self.ticks[0], self.ticks[-1]
        value = min(max(value, low), high)
        if self.logarithmic:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)


def percent_axis(title: str, most: float) -> Axis:
    """From 0 to a round share that holds the most."""
    steps = {0.1: 5, 0.2: 4, 0.3: 3, 0.4: 4, 0.5: 5, 0.6: 3, 0.8: 4, 1.0: 5}
    top = next((t for t in steps if most <= t), 1.0)
    ticks = tuple(top * i / steps[top] for i in range(steps[top] + 1))
    return Axis(title, ticks, lambda v: f"{100 * v:.0f}%")


def chart(series: Sequence[Series], across: Axis, up: Axis, base: float | None) -> Drawing:
    """A chart of rankings, the model in front, with a legend at the right.

    Args:
        series: The rankings.
        across: Horizontal axis.
        up: Vertical axis.
        base: Rate without any ranking, drawn as a level line.
    """
    drawing = Drawing(WIDTH, HEIGHT)
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + across.place(x) * (right - _LEFT),
            bottom - up.place(y) * (bottom - _TOP),
        )

    for tick in up.ticks:
        y = at(across.ticks[0], tick)[1]
        drawing.rule(_LEFT, y, right, LINE)
        drawing.text(_LEFT - 1.5, y + 1.1, up.label(tick), _TEXT, SOFT, "end")
    for tick in across.ticks:
        x = at(tick, up.ticks[0])[0]
        drawing.add(Path(steps=(("M", x, bottom), ("L", x, bottom + 1.2)), stroke=SOFT))
        drawing.text(x, bottom + 5, across.label(tick), _TEXT, SOFT, "middle")
    drawing.text(_LEFT - 12, _TOP - 5, up.title, _TEXT, INK)
    drawing.text(right, HEIGHT - 2, across.title, _TEXT, INK, "end")
    if base is not None:
        y = at(across.ticks[0], base)[1]
        drawing.add(
            Path(steps=(("M", _LEFT, y), ("L", right, y)), stroke=INK, width=0.25, dash=(1.5, 1.5))
        )
    for one in sorted(series, key=lambda s: s.name == "model"):
        look = LINES[one.name]
        points = [at(x, y) for x, y in zip(one.x, one.y, strict=True)]
        steps = tuple(("L" if i else "M", *p) for i, p in enumerate(points))
        drawing.add(Path(steps=steps, stroke=look.colour, width=look.width, dash=look.dash))
        for x, y in points if one.name == "model" else ():
            drawing.add(Circle(x=x, y=y, r=0.7, fill=look.colour))
    _legend(drawing, series, base, right + 4)
    return drawing


def _legend(drawing: Drawing, series: Sequence[Series], base: float | None, x: float) -> None:
    y = _TOP + 2
    for one in series:
        look = LINES[one.name]
        drawing.add(
            Path(
                steps=(("M", x, y - 1), ("L", x + 7, y - 1)),
                stroke=look.colour,
                width=look.width,
                dash=look.dash,
            )
        )
        drawing.text(x + 8.5, y, one.title, _TEXT, INK, bold=one.name == "model", room=31)
        y += 5.4
    if base is not None:
        drawing.add(
            Path(
                steps=(("M", x, y - 1), ("L", x + 7, y - 1)),
                stroke=INK,
                width=0.25,
                dash=(1.5, 1.5),
            )
        )
        drawing.text(x + 8.5, y, f"基础比例 {100 * base:.1f}%", _TEXT, SOFT)
