"""Where everything of a 链图 stands: one layout in millimetres for the screen and for print.

Stages run from left to right. The links of a stage are blocks, stacked in columns from top to
bottom; a new column begins where a block does not fit, and a block longer than a column is split.
The font is the largest with which everything fits, so labels never meet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..analysis.gaps import Gaps
from ..graph.chain import Floats, records
from ..graph.schema import STAGES
from . import fonts
from .drawing import Box

#: Room of the layout in mm: what A3 leaves.
WIDTH, HEIGHT = 400.0, 244.0
#: Height of a stage's heading, and the gap between stages.
STAGE, _GAP = 7.0, 3.0
_LARGEST, _SMALLEST, _STEP = 4.6, 1.0, 0.1
#: Least width of a label in parts of the font size, so that words are seldom broken.
_NARROWEST = 5.2
_MOST_COLUMNS = 40
#: Least products in the second part of a split link.
_LEFT_OVER = 3
#: Radius of the smallest and the largest circle, height of a line, space between rows, gap
#: between label and next column, all in parts of the font size.
_RADIUS = (0.78, 1.3)
LEADING = 1.2
_BETWEEN, _AFTER = 0.55, 0.7
_HEADING_LINES = 3
_GOES_ON = "（续）"


@dataclass(frozen=True)
class Spot:
    """A product: its row of the table of gaps, its circle and its label.

    ``x``, ``y`` are the centre of the circle, ``left`` is where the label's lines begin.
    """

    row: dict[str, Any]
    x: float
    y: float
    radius: float
    left: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Heading:
    """The name of a link above its products; ``y`` is the first baseline."""

    x: float
    y: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Band:
    """A stage and the room of its columns."""

    name: str
    box: Box


@dataclass(frozen=True)
class Layout:
    """The whole layout.

    Attributes:
        font: Size of labels in mm.
        bands: Stages that have products, from left to right.
        headings: Of every link, again where it goes on in another column.
        spots: Products.
        largest: Largest local output (CNY a year), that of the largest circle.
    """

    font: float
    bands: tuple[Band, ...]
    headings: tuple[Heading, ...]
    spots: tuple[Spot, ...]
    largest: float


@dataclass(frozen=True)
class _Block:
    stage: str
    name: str
    rows: tuple[dict[str, Any], ...]


#: One column: stage, and blocks with the number of the first row of each.
_Column = tuple[str, list[tuple[_Block, int, int]]]


def lay_out(gaps: Gaps) -> Layout:
    """The layout of a chain."""
    blocks = list(_blocks(gaps))
    largest = max((r["output"] for b in blocks for r in b.rows), default=0.0)
    names = {id(b): [fonts.printable(r["name"]) for r in b.rows] for b in blocks}
    ems = {key: np.asarray([fonts.width(n, 1.0) for n in own]) for key, own in names.items()}
    stages = len({b.stage for b in blocks})
    font = _LARGEST
    while True:
        # A chain too large for any readable size is drawn all the same, its labels clipped.
        last = font <= _SMALLEST
        for count in range(max(1, stages), _MOST_COLUMNS * (10 if last else 1)):
            room = max(_width(count, stages) - _taken(font), font)
            if room < _NARROWEST * font and not last:
                break
            # The least number of lines tells in a moment where nothing fits.
            rows = {
                key: np.ones(len(e)) if last else np.ceil(e * font / room) for key, e in ems.items()
            }
            least = {key: _heights(own, font) for key, own in rows.items()}
            if len(_columns(blocks, least, font, count)) > count:
                continue
            lines = {
                key: [fonts.wrap(n, room, font, 1 if last else 99, even=True) for n in own]
                for key, own in names.items()
            }
            heights = {
                key: _heights(np.asarray(list(map(len, own))), font) for key, own in lines.items()
            }
            columns = _columns(blocks, heights, font, count)
            if len(columns) <= count:
                return _place(columns, heights, lines, font, largest)
        font = round(font - _STEP, 3)


def _heights(lines: Floats, font: float) -> Floats:
    return LEADING * font * np.maximum(lines, 2.0) + _BETWEEN * font


def radius(output: float, largest: float, font: float) -> float:
    """Radius of a circle: its area above that of the smallest is proportional to output."""
    low, high = (part * font for part in _RADIUS)
    return low + (high - low) * math.sqrt(output / largest) if largest > 0 else low


def ordered_links(gaps: Gaps) -> list[dict[str, Any]]:
    """Rows of the links that have products, by stage, position and id."""
    links = gaps.scope.graph["links"]
    ours = links[links["id"].isin(gaps.table["link"])]
    stages = {stage: i for i, stage in enumerate(STAGES)}
    order = ours.assign(
        stage_at=ours["stage"].map(stages), at=np.nan_to_num(ours["position"], nan=np.inf)
    ).sort_values(["stage_at", "at", "id"])
    return records(order)


def _blocks(gaps: Gaps) -> Iterator[_Block]:
    """Links in their order, with their products by priority."""
    rows = records(gaps.table)
    for link in ordered_links(gaps):
        yield _Block(link["stage"], link["name"], tuple(r for r in rows if r["link"] == link["id"]))


def _taken(font: float) -> float:
    """Width of a column that its label does not get: circle, gaps."""
    return (2 * _RADIUS[1] + 0.4 + _AFTER) * font


def _width(columns: int, stages: int) -> float:
    return (WIDTH - _GAP * max(0, stages - 1)) / max(1, columns)


def _heading(lines: int, font: float) -> float:
    return (lines * LEADING + 0.5) * font


def _headed(blocks: Iterable[_Block], room: float, font: float) -> int:
    """Lines that the longest heading takes."""
    names = {b.name + _GOES_ON for b in blocks}
    return max((len(_heading_lines(n, room, font)) for n in names), default=1)


def _heading_lines(name: str, room: float, font: float) -> list[str]:
    return fonts.wrap(fonts.printable(name), room - 0.8 * font, font, _HEADING_LINES, even=True)


def _columns(
    blocks: list[_Block], heights: dict[int, Floats], font: float, count: int
) -> list[_Column]:
    """Blocks in columns, in order; each stage begins a new one. ``count`` columns are hoped for."""
    whole = HEIGHT - STAGE
    wide = _width(count, len({b.stage for b in blocks}))
    head = _heading(_headed(blocks, wide, font), font)
    columns: list[_Column] = []
    used = 0.0
    for block in blocks:
        high = heights[id(block)]
        need = head + float(high.sum())
        if not columns or columns[-1][0] != block.stage or used + need > whole:
            columns.append((block.stage, []))
            used = 0.0
        begin = 0
        while need > whole and len(high) - begin > 1:
            ends = head + np.cumsum(high[begin:])
            fits = max(1, int(np.searchsorted(ends, whole, side="right")))
            if begin + fits >= len(high):
                break
            # No single product is left alone at the head of the next column.
            fits = max(1, min(fits, len(high) - begin - _LEFT_OVER))
            columns[-1][1].append((block, begin, begin + fits))
            columns.append((block.stage, []))
            begin += fits
            need = head + float(high[begin:].sum())
        columns[-1][1].append((block, begin, len(block.rows)))
        used += need
    return columns


def _place(
    columns: list[_Column],
    heights: dict[int, Floats],
    labels: dict[int, list[list[str]]],
    font: float,
    largest: float,
) -> Layout:
    stages = list(dict.fromkeys(stage for stage, _ in columns))
    wide = _width(len(columns), len(stages))
    most = _headed([b for _, pieces in columns for b, *_ in pieces], wide, font)
    head = _heading(most, font)
    bands: list[Band] = []
    headings: list[Heading] = []
    spots: list[Spot] = []
    for at, (stage, pieces) in enumerate(columns):
        left = at * wide + _GAP * stages.index(stage)
        if at == 0 or columns[at - 1][0] != stage:
            span = sum(other == stage for other, _ in columns)
            bands.append(Band(STAGES[stage], Box(left, 0.0, span * wide, HEIGHT)))
        count = sum(end - begin for _, begin, end in pieces)
        used = sum(head + float(heights[id(b)][begin:end].sum()) for b, begin, end in pieces)
        # What a column leaves is given to its rows, so that pictures are not top-heavy.
        extra = min((HEIGHT - STAGE - used) / max(1, count), 1.6 * font)
        y = STAGE
        for block, begin, end in pieces:
            lines = _heading_lines(block.name + (_GOES_ON if begin else ""), wide, font)
            shift = LEADING * font * (most - len(lines))
            headings.append(Heading(left + 0.3 * font, y + shift + 1.15 * font, tuple(lines)))
            y += head
            for at_row in range(begin, end):
                row, high = block.rows[at_row], float(heights[id(block)][at_row])
                middle = y + high / 2
                x = left + _RADIUS[1] * font + 0.2 * font
                spots.append(
                    Spot(
                        row,
                        round(x, 3),
                        round(middle, 3),
                        radius(row["output"], largest, font),
                        x + (_RADIUS[1] + 0.3) * font,
                        tuple(labels[id(block)][at_row]),
                    )
                )
                y += high + extra
    return Layout(font, tuple(bands), tuple(headings), tuple(spots), largest)
