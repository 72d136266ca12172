"""链图: the chain by stages from left to right, coloured by action.

pyvis holds the network and ships vis-network; positions are computed by :mod:`.chain_layout`,
physics is off. :func:`chain_sheet` draws the same layout for print.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from pyvis.network import Network

from ..analysis.evidence import details
from ..analysis.gaps import STATES, Gaps
from . import fonts
from .chain_layout import HEIGHT, LEADING, STAGE, WIDTH, Layout, lay_out, radius
from .drawing import INK, NAVY, SOFT, Box, Circle, Drawing, Rect
from .drawing import Path as Line
from .language import retell
from .page import write_page
from .sentences import hover_text, panel_facts, reason_sentence
from .sheet import BODY, badge, sheet
from .style import FONT, LOOKS
from .tables import grid
from .words import money

#: Pixels of the interactive view in a millimetre of the layout.
_PIXELS = 4.0
#: An input at least this critical is drawn darker.
_CRITICAL = 0.7
_PALE, _DARK = "#E4E7EA", "#B4BDC7"


def draw_chain(
    gaps: Gaps, title: str, stamp: str, table: pd.DataFrame, out: Path, *, single: bool = False
) -> None:
    """Write the interactive chain view of a region and cluster.

    Args:
        gaps: What to draw.
        title: Heading.
        stamp: Region, version and date, shown below the heading.
        table: The table twin, with Chinese headers.
        out: The HTML file.
        single: Whether the page holds its scripts and styles itself.
    """
    beside = details(gaps)
    layout = lay_out(gaps)
    network = _network(gaps, layout)
    data = {
        "nodes": network.nodes,
        "edges": network.edges,
        "font": FONT,
        "size": layout.font * _PIXELS,
        "leading": LEADING,
        "extent": [WIDTH * _PIXELS, HEIGHT * _PIXELS],
        "bands": [
            {"name": b.name, "x": b.box.x * _PIXELS, "w": b.box.w * _PIXELS,
             "h": b.box.h * _PIXELS, "head": STAGE * _PIXELS}
            for b in layout.bands
        ],
        "headings": [
            {"x": h.x * _PIXELS, "y": h.y * _PIXELS, "lines": h.lines} for h in layout.headings
        ],
        "details": {
            spot.row["product"]: {
                "name": spot.row["name"],
                "sentence": reason_sentence(spot.row, beside[spot.row["product"]]),
                "facts": panel_facts(spot.row, beside[spot.row["product"]]),
                "hover": hover_text(spot.row, beside[spot.row["product"]]),
            }
            for spot in layout.spots
        },
    }  # fmt: skip
    context = {
        "title": title,
        "stamp": stamp,
        "looks": LOOKS,
        "states": STATES,
        "counts": gaps.table["primary"].value_counts().to_dict(),
        "table": grid(table, nowrap=("产品", "环节", "首要动作")),
    }
    scripts = ["vis-network.css", "vis-network.min.js", "chain.js"]
    write_page(out, "chain.html", context, data, scripts, single=single)


def _network(gaps: Gaps, layout: Layout) -> Network:
    network = Network(directed=True)
    for spot in layout.spots:
        row, look = spot.row, LOOKS[spot.row["primary"]]
        network.add_node(
            row["product"],
            label="\n".join(spot.lines),
            shape="dot",
            size=spot.radius * _PIXELS,
            x=round(spot.x * _PIXELS),  # vis-network keeps whole pixels
            y=round(spot.y * _PIXELS),
            physics=False,
            color=look.colour,
            ink=look.ink,
            sign=look.sign,
            left=(spot.left - spot.x) * _PIXELS,
            suspected=row["evidence"] == "suspected",
            shaky=not row["robust"],
            primary=row["primary"],
            search=f"{row['name']} {row['product']}".lower(),
        )
    for source, target, critical in inputs_within(gaps):
        network.add_edge(source, target, color=_DARK if critical else _PALE)
    return network


def inputs_within(gaps: Gaps) -> list[tuple[str, str, bool]]:
    """Input, product, and whether the input is critical, of pairs within the cluster."""
    ours = gaps.table["product"]
    inputs = gaps.scope.graph["inputs"]
    pairs = inputs[inputs["input"].isin(ours) & inputs["product"].isin(ours)]
    critical = pairs["criticality"].fillna(0.0) >= _CRITICAL
    return list(zip(pairs["input"], pairs["product"], critical.tolist(), strict=True))


def chain_sheet(gaps: Gaps, title: str, stamp: str, source: str) -> list[Drawing]:
    """The chain on an A3 page, with its legend.

    Args:
        gaps: What to draw.
        title: Heading.
        stamp: Region, version and date.
        source: Where the facts come from.
    """
    page = sheet(title, stamp, source)
    layout = lay_out(gaps)
    _legend(page, gaps, layout)
    dx, dy = BODY.x, BODY.bottom - HEIGHT
    for band in layout.bands:
        box = band.box
        page.add(Rect(box=Box(box.x + dx, dy, box.w, HEIGHT), fill="#F7F9FB"))
        page.add(Rect(box=Box(box.x + dx, dy, box.w, STAGE - 1.5), fill="#DCE6F0"))
        page.text(box.x + dx + box.w / 2, dy + 4.2, band.name, 4.0, NAVY, "middle", bold=True)
    at = {spot.row["product"]: spot for spot in layout.spots}
    for source_id, target_id, critical in sorted(inputs_within(gaps), key=lambda edge: edge[2]):
        a, b = at[source_id], at[target_id]
        x1, x2 = a.x + dx, b.x + dx
        bend = max(0.45 * abs(x2 - x1), 5.0)
        page.add(
            Line(
                steps=(
                    ("M", x1, a.y + dy),
                    ("C", x1 + bend, a.y + dy, x2 - bend, b.y + dy, x2, b.y + dy),
                ),
                stroke=_DARK if critical else _PALE,
                width=0.18,
            )
        )
    size = layout.font
    for spot in layout.spots:
        _spot(page, spot.x + dx, spot.y + dy, spot.radius, spot.row)
        top = spot.y + dy - LEADING * size * len(spot.lines) / 2
        for i, line in enumerate(spot.lines):
            base = top + (i + 0.5) * LEADING * size + 0.38 * size
            wide = fonts.width(line, size)
            page.add(
                Rect(
                    box=Box(spot.left + dx - 0.3, base - 0.95 * size, wide + 0.6, 1.15 * size),
                    fill="#F7F9FB",
                    opacity=0.85,
                )
            )
            page.text(spot.left + dx, base, line, size)
    for heading in layout.headings:
        for i, line in enumerate(heading.lines):
            base = heading.y + dy + i * LEADING * size
            page.add(
                Rect(
                    box=Box(
                        heading.x + dx - 0.3,
                        base - 0.95 * size,
                        fonts.width(line, size) + 0.6,
                        1.15 * size,
                    ),
                    fill="#F7F9FB",
                    opacity=0.85,
                )
            )
            page.text(heading.x + dx, base, line, size, NAVY, bold=True)
    return [page]


def _spot(page: Drawing, x: float, y: float, r: float, row: dict[str, Any]) -> None:
    """A product's circle: dashed where suspected, in a ring where not robust."""
    if not row["robust"]:
        page.add(Circle(x=x, y=y, r=r + 0.75, fill="#FFFFFF", stroke="#000000", width=0.55))
    badge(page, x, y, r, row["primary"])
    dash = (0.9, 0.7) if row["evidence"] == "suspected" else ()
    page.add(Circle(x=x, y=y, r=r, stroke="#222222", width=0.3, dash=dash))


def _legend(page: Drawing, gaps: Gaps, layout: Layout) -> None:
    """One line: actions with counts, edges and rings, sizes, lines."""
    counts = gaps.table["primary"].value_counts()
    x, y, size = BODY.x + 2.5, BODY.y + 5.5, 3.6

    def word(text: str, gap: float = 6.0) -> None:
        nonlocal x
        text = retell(text)
        page.text(x, y + 0.38 * size, text, size, INK)
        x += fonts.width(fonts.printable(text), size) + gap

    for state, name in STATES.items():
        badge(page, x, y, 2.4, state)
        x += 3.6
        word(f"{retell(name)} {counts.get(state, 0)}")
    x += 1.0
    sound = {"primary": "absent", "robust": True, "evidence": "suspected"}
    for text, row in (
        ("虚线边＝待核实", sound),
        ("外圈＝不稳健", {**sound, "robust": False, "evidence": "confirmed"}),
    ):
        _spot(page, x, y, 2.2, row)
        x += 4.0
        word(text)
    if layout.largest > 0:
        word("大小＝本地年产出：", 1.0)
        for part in (0.0, 0.25, 1.0):
            r = radius(part * layout.largest, layout.largest, layout.font)
            x += r
            page.add(Circle(x=x, y=y, r=r, stroke=SOFT, width=0.25))
            x += r + 1.0
            word(money(part * layout.largest) if part else "0", 4.0)
    x += 1.0
    for text, colour in (("关键投入", _DARK), ("一般投入", _PALE)):
        page.add(Line(steps=(("M", x, y), ("L", x + 8, y)), stroke=colour, width=0.4))
        x += 9.0
        word(text, 4.0)
