"""The A3 page that a bureau prints: heading, stamp, room for the picture, notes; and table pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pandas as pd

from . import fonts
from .drawing import INK, LINE, NAVY, SOFT, Box, Circle, Drawing, Rect
from .style import LOOKS
from .tables import grid

#: A3, landscape.
WIDTH, HEIGHT = 420.0, 297.0
_MARGIN = 10.0
#: Room for the picture.
BODY = Box(_MARGIN, 25.0, WIDTH - 2 * _MARGIN, 258.0)
#: What every page says about how sure it is.
CAUTION = (
    "已确认＝对该产品的本地摸排完整；待核实＝名单可能不全，“未知”不等于“没有”。"
    "不稳健＝规模未知的企业按典型规模估算，放大或缩小三倍时结论会变。"
)


def sheet(title: str, stamp: str, source: str) -> Drawing:
    """An A3 page with heading and notes; the picture goes into :data:`BODY`.

    Args:
        title: Heading.
        stamp: Region, version and date.
        source: Where the facts come from.
    """
    page = Drawing(WIDTH, HEIGHT)
    page.text(WIDTH - _MARGIN, 18.0, stamp, 3.6, SOFT, "end", room=160)
    room = BODY.w - min(160.0, fonts.width(fonts.printable(stamp), 3.6)) - 8.0
    page.text(_MARGIN, 18.0, title, 8.0, NAVY, room=room, bold=True)
    page.rule(_MARGIN, 21.5, WIDTH - _MARGIN, NAVY, 0.7)
    page.rule(_MARGIN, 285.5, WIDTH - _MARGIN)
    page.text(_MARGIN, 289.5, CAUTION, 2.8, SOFT, room=300)
    page.text(WIDTH - _MARGIN, 289.5, source, 2.8, SOFT, "end", room=98)
    return page


def badge(
    page: Drawing, x: float, y: float, r: float, state: str, *, key: str = "", tip: str = ""
) -> None:
    """The sign of an action or state in a circle of its colour."""
    look = LOOKS[state]
    page.add(Circle(x=x, y=y, r=r, fill=look.colour, key=key, tip=tip))
    size = 1.35 * r
    page.text(x, y + 0.38 * size, look.sign, size, look.ink, "middle", bold=True, key=key, tip=tip)


def table_pages(
    begin: Callable[[str], Drawing],
    table: pd.DataFrame,
    shares: Sequence[float],
    size: float = 3.0,
    most: int = 4,
) -> list[Drawing]:
    """A table on as many pages as it takes, its head repeated.

    Args:
        begin: Makes an empty page; is told what to add to its heading.
        table: Rows with Chinese headers.
        shares: Width of each column in parts of the whole.
        size: Font size in mm.
        most: Most lines of a cell.
    """
    lead, pad = 1.35 * size, 1.2
    edges = [BODY.x]
    for share in shares:
        edges.append(edges[-1] + BODY.w * share / sum(shares))
    shown = grid(table)
    rooms = [right - left - 2 * pad for left, right in pairwise(edges)]

    def head(page: Drawing) -> float:
        cells = [
            fonts.wrap(fonts.printable(c), room, size, 2)
            for c, room in zip(shown.columns, rooms, strict=True)
        ]
        high = lead * max(map(len, cells)) + 2 * pad
        page.add(Rect(box=Box(BODY.x, BODY.y, BODY.w, high), fill=NAVY))
        for left, lines in zip(edges, cells, strict=False):
            for i, line in enumerate(lines):
                page.text(left + pad, BODY.y + pad + size + i * lead, line, size, "#FFFFFF")
        return BODY.y + high

    pages = [begin("")]
    y = head(pages[0])
    for number, row in enumerate(shown.rows):
        cells = [
            fonts.wrap(fonts.printable(cell.text), room, size, most)
            for cell, room in zip(row, rooms, strict=True)
        ]
        high = lead * max(map(len, cells)) + 2 * pad
        if y + high > BODY.bottom:
            pages.append(begin("（续）"))
            y = head(pages[-1])
        page = pages[-1]
        if number % 2:
            page.add(Rect(box=Box(BODY.x, y, BODY.w, high), fill="#F3F6FA"))
        for left, right, cell, lines in zip(edges, edges[1:], row, cells, strict=False):
            for i, line in enumerate(lines):
                base = y + pad + size * 0.95 + i * lead
                if cell.kind == "number":
                    page.text(right - pad, base, line, size, INK, "end")
                else:
                    page.text(left + pad, base, line, size)
        y += high
        page.rule(BODY.x, y, BODY.right, LINE, 0.15)
    return pages


def numbered(pages: Sequence[Drawing]) -> list[Drawing]:
    """Pages with their numbers, where there are several."""
    for number, page in enumerate(pages, 1):
        if len(pages) > 1:
            page.text(WIDTH / 2, 293.8, f"{number} / {len(pages)}", 2.8, SOFT, "middle")
    return list(pages)
