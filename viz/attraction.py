"""招商攻坚图: gaps by priority, whom to bring in for each, and where to land them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ..analysis.evidence import details
from ..analysis.gaps import EVIDENCE, ROUTES, STATES, Gaps
from ..graph.chain import records
from .page import write_page
from .sentences import reason_sentence
from .style import FONT, LOOKS
from .tables import grid
from .words import place_name, yes_no

#: Gaps in the picture, and targets of each; the table beneath holds all gaps.
PICTURED, PER_GAP = 12, 3


def draw_attraction(gaps: Gaps, targets: pd.DataFrame, title: str, stamp: str, out: Path) -> None:
    """Write the investment attraction map of a region and cluster.

    Args:
        gaps: The gaps.
        targets: Ranked targets, see :func:`analysis.targets.find_targets`.
        title: Heading.
        stamp: Region, version and date.
        out: The HTML file.
    """
    table = battle_table(gaps, targets)
    lead = [
        f"上图为优先级最高的 {PICTURED} 个缺口及各自得分最高的 {PER_GAP} 家目标企业，线的粗细＝得分；下表为全部缺口。",
    ]
    sections = [{"id": "battle", "title": "缺口与目标", "table": grid(table, nowrap=("缺口产品",))}]
    context = {"title": title, "stamp": stamp, "lead": lead, "sections": sections, "is_map": False}
    data = {"figure": _figure(gaps, targets)}
    write_page(out, "figure.html", context, data, ["plotly.min.js", "figure.js"])


def battle_table(gaps: Gaps, targets: pd.DataFrame) -> pd.DataFrame:
    """Every gap with its best targets, landing place, route, evidence and reason."""
    acting = gaps.acting()
    beside = details(gaps, acting["product"])
    best = targets[targets["rank"] <= PER_GAP].groupby("product", sort=False)
    named = {
        product: "；".join(
            f"{r['rank']}. {r['name']}（{place_name(r['from_region'])}，{r['score']:.2f}）"
            for r in records(group)
        )
        for product, group in best
    }
    landing = targets.drop_duplicates("product").set_index("product")["landing"].to_dict()
    return pd.DataFrame(
        [
            {
                "序": order,
                "缺口产品": row["name"],
                "动作": "、".join(STATES[a] for a in row["actions"]),
                "优先级": row["priority"],
                "原因": reason_sentence(row, beside[row["product"]]),
                "路径": "、".join(ROUTES[r] for r in row["routes"]) or "—",
                "目标企业": named.get(row["product"], "—"),
                "落地建议": place_name(landing[row["product"]]) if row["product"] in landing else "—",
                "证据": EVIDENCE[row["evidence"]],
                "稳健": yes_no(row["robust"]),
            }
            for order, row in enumerate(records(acting), 1)
        ],
        columns=[
            "序", "缺口产品", "动作", "优先级", "原因", "路径", "目标企业", "落地建议", "证据", "稳健",
        ],
    )  # fmt: skip


def _figure(gaps: Gaps, targets: pd.DataFrame) -> dict[str, Any]:
    """Gap -> target -> landing place as a Sankey diagram."""
    top = targets[targets["rank"] <= PER_GAP]
    products = list(dict.fromkeys(top["product"]))[:PICTURED]
    top = top[top["product"].isin(products)]
    rows = gaps.table.set_index("product")
    labels: list[str] = []
    colours: list[str] = []
    at: dict[tuple[str, str], int] = {}

    def node(kind: str, key: str, label: str, colour: str) -> int:
        if (kind, key) not in at:
            at[kind, key] = len(labels)
            # Plotly would read angle brackets as markup.
            labels.append(label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
            colours.append(colour)
        return at[kind, key]

    flows: dict[str, list[Any]] = {"source": [], "target": [], "value": [], "color": []}

    def flow(source: int, target: int, value: float, colour: str) -> None:
        for name, item in zip(flows, (source, target, value, colour), strict=True):
            flows[name].append(item)

    for row in records(top):
        gap = rows.loc[row["product"]]
        look = LOOKS[str(gap["primary"])]
        mark = "" if gap["evidence"] == "confirmed" else "（待核实）"
        left = node("gap", row["product"], f"{look.sign} {gap['name']}{mark}", look.colour)
        origin = place_name(row["from_region"])
        middle = node("target", row["enterprise"], f"{row['name']}｜{origin}", "#5B7FA6")
        right = node("landing", row["landing"], place_name(row["landing"]), "#2E7D32")
        shade = look.colour + "59"  # the gap's colour at 35 % opacity
        flow(left, middle, row["score"], shade)
        flow(middle, right, row["score"], shade)
    figure = go.Figure(
        go.Sankey(
            node={"label": labels, "color": colours, "pad": 12, "thickness": 14,
                  "line": {"color": "#444444", "width": 0.5}, "hovertemplate": "%{label}<extra></extra>"},
            link={**flows, "hovertemplate": "%{source.label} → %{target.label}<br>得分 %{value:.2f}<extra></extra>"},
        )
    )  # fmt: skip
    figure.update_layout(
        height=max(560, 34 * len(top) + 80),
        margin={"l": 8, "r": 8, "t": 16, "b": 8},
        font={"family": FONT, "size": 13, "color": "#222222"},
        template="none",
    )
    result: dict[str, Any] = json.loads(figure.to_json())
    return result
