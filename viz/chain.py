"""链图: the chain by stages from left to right, coloured by action.

pyvis holds the network and ships vis-network; positions are computed here, physics is off.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from pyvis.network import Network

from ..analysis.evidence import Detail, details
from ..analysis.gaps import STATES, Gaps
from ..graph.chain import records
from ..graph.schema import STAGES
from .page import write_page
from .sentences import panel_facts, reason_sentence
from .style import FONT, LOOKS
from .tables import grid
from .words import money

#: Begins the node ids of headings; no product id can hold it, as readers strip it.
_HEADING = "\x1f"
_COLUMN, _ROW, _TOP = 240, 118, -120
#: Radius of the smallest and the largest circle.
_RADIUS = (12, 38)


def draw_chain(gaps: Gaps, title: str, stamp: str, table: Any, out: Path) -> None:
    """Write the chain view of a region and cluster.

    Args:
        gaps: What to draw.
        title: Heading.
        stamp: Region, version and date, shown below the heading.
        table: The table twin, a DataFrame with Chinese headers.
        out: The HTML file.
    """
    beside = details(gaps)
    rows = records(gaps.table)
    network = _network(gaps, rows, beside)
    data = {
        "nodes": network.nodes,
        "edges": network.edges,
        "font": FONT,
        "details": {
            row["product"]: {
                "name": row["name"],
                "sentence": reason_sentence(row, beside[row["product"]]),
                "facts": panel_facts(row, beside[row["product"]]),
            }
            for row in rows
        },
    }
    context = {
        "title": title,
        "stamp": stamp,
        "looks": LOOKS,
        "states": STATES,
        "table": grid(table, nowrap=("产品", "环节", "首要动作")),
    }
    write_page(
        out, "chain.html", context, data, ["vis-network.css", "vis-network.min.js", "chain.js"]
    )


def _network(gaps: Gaps, rows: list[dict[str, Any]], beside: dict[str, Detail]) -> Network:
    network = Network(directed=True)
    largest = max((row["output"] for row in rows), default=0.0)
    heads = _columns(gaps)
    filled: dict[str, int] = {}
    for link, (at, label) in heads.items():
        network.add_node(
            _HEADING + link, label=label, shape="text", x=at * _COLUMN,
            y=_TOP - 14 * label.count("\n"), physics=False,
            font={"size": 24, "color": "#1f4e79", "multi": False},
        )  # fmt: skip
    for row in rows:
        link, product = row["link"], row["product"]
        depth = filled.setdefault(link, 0)
        filled[link] += 1
        look = LOOKS[row["primary"]]
        suspected, shaky = row["evidence"] == "suspected", not row["robust"]
        edge = "#000000" if shaky else "#444444"
        fill = {"background": look.colour, "border": edge}
        network.add_node(
            product,
            label=wrapped(f"{look.sign}·{row['name']}"),
            title=_hover(row, beside[product]),
            shape="dot",
            size=_radius(row["output"], largest),
            x=heads[link][0] * _COLUMN,
            y=depth * _ROW,
            physics=False,
            color={**fill, "highlight": fill, "hover": fill},
            borderWidth=4 if shaky else 1.5,
            shapeProperties={"borderDashes": [5, 4] if suspected else False},
            primary=row["primary"],
            search=f"{row['name']} {product}".lower(),
        )
    ours = {row["product"] for row in rows}
    inputs = gaps.scope.graph["inputs"]
    pairs = inputs[inputs["input"].isin(ours) & inputs["product"].isin(ours)]
    for source, target in zip(pairs["input"], pairs["product"], strict=True):
        network.add_edge(source, target)
    return network


def _columns(gaps: Gaps) -> dict[str, tuple[int, str]]:
    """Column and heading of each link that has products, by stage, position and id."""
    links = gaps.scope.graph["links"]
    ours = links[links["id"].isin(gaps.table["link"])]
    stages = {stage: i for i, stage in enumerate(STAGES)}
    order = ours.assign(
        stage_at=ours["stage"].map(stages), at=np.nan_to_num(ours["position"], nan=np.inf)
    ).sort_values(["stage_at", "at", "id"])
    return {
        row["id"]: (i, f"{STAGES[row['stage']]}\n{wrapped(row['name'])}")
        for i, row in enumerate(records(order))
    }


def wrapped(text: str, width: float = 9.5) -> str:
    """Text in lines of about equal length, of at most so many Chinese characters each.

    Latin characters count half.

    >>> wrapped("半导体设备精密金属零部件").splitlines()
    ['半导体设备精', '密金属零部件']
    """
    wide = [1.0 if ord(c) > 255 else 0.5 for c in text]
    count = max(1, math.ceil(sum(wide) / width))
    target = sum(wide) / count
    lines, used = [""], 0.0
    for character, size in zip(text, wide, strict=True):
        if lines[-1] and used + size / 2 > target * len(lines):
            lines.append("")
        lines[-1] += character
        used += size
    return "\n".join(lines)


def _radius(output: float, largest: float) -> float:
    low, high = _RADIUS
    # Area, not radius, is proportional to output.
    return low + (high - low) * math.sqrt(output / largest) if largest > 0 else low


def _hover(row: dict[str, Any], detail: Detail) -> str:
    lines = [
        f"{row['name']}｜{STATES[row['primary']]}",
        f"本地产出 {money(row['output'])}，本地需求 {money(row['demand'])}",
        reason_sentence(row, detail),
        "本地企业：" + ("、".join(m.name for m in detail.local[:3]) or "—"),
        "省内其他：" + ("、".join(m.name for m in detail.province[:3]) or "—"),
        "国内外主要："
        + ("、".join(m.name for m in (*detail.national[:2], *detail.foreign[:2])) or "—"),
    ]
    return "\n".join(wrapped(line, 32) for line in lines)
