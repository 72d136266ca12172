"""资源分布图: where a cluster's enterprises, institutes and projects are, place by place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ..analysis.gaps import Gaps
from ..graph import regions as geo
from ..graph.chain import texts
from .boundaries import centre, outlines
from .page import write_page
from .style import FONT, SCALE
from .tables import grid

#: Most names in a hover text.
_NAMES = 12


def draw_resources(gaps: Gaps, title: str, stamp: str, out: Path) -> None:
    """Write the resource distribution map of a cluster over the province of its region.

    Args:
        gaps: The question; its region's province is drawn, the whole country for the country.
        title: Heading.
        stamp: Region, version and date.
        out: The HTML file.
    """
    whole = geo.province(gaps.scope.region)
    places = geo.divisions(whole)
    facts = resources(gaps, places)
    summary = facts.groupby("place")
    table = pd.DataFrame({"place": places})
    table["地区"] = [geo.name(p) for p in places]
    for kind, zh in KINDS.items():
        counted = facts[facts["kind"] == kind].groupby("place")["id"].nunique()
        table[f"{zh}数"] = table["place"].map(counted).fillna(0).astype(int)
    table["产出（亿元/年）"] = table["place"].map(summary["output"].sum()).fillna(0.0) / 1e8
    figure = _figure(whole, places, table, facts)
    matrix = region_link_matrix(gaps, places)
    sections = [
        {"id": "places", "title": "各地资源", "table": grid(table.drop(columns="place"))},
        {"id": "matrix", "title": "地区 × 环节（亿元/年）", "table": grid(matrix)},
        {"id": "list", "title": "企业、机构与项目清单", "table": grid(_listed(facts))},
    ]
    lead = [
        "颜色＝本集群产品的年产出；圆点＝企业、机构与项目的数量（按所在市州汇总，位置为示意）。"
    ]
    context = {"title": title, "stamp": stamp, "lead": lead, "sections": sections, "is_map": True}
    write_page(out, "figure.html", context, {"figure": figure}, ["plotly.min.js", "figure.js"])


KINDS = {
    "leading": "龙头与上市企业",
    "sme": "中小配套企业",
    "institute": "高校院所与平台",
    "project": "项目",
}
_COLOURS = {"leading": "#D73027", "sme": "#F2A900", "institute": "#1B7837", "project": "#762A83"}


def resources(gaps: Gaps, places: tuple[str, ...]) -> pd.DataFrame:
    """Everything of a cluster that has a place.

    Returns:
        Columns kind (of :data:`KINDS`), id, name, region, place (the one of ``places`` it lies in),
        output (CNY a year; 0 for institutes and projects), note.
    """
    economy, graph = gaps.scope.economy, gaps.scope.graph
    ours = np.zeros(economy.products, dtype=bool)
    ours[gaps.scope.products] = True
    rows = np.flatnonzero(ours[economy.product] & (economy.output > 0))
    enterprise = economy.enterprise[rows]
    labels = graph.text("enterprises", "labels")[enterprise]
    big = np.asarray([bool({"leading", "listed"} & set(x.split(";"))) for x in labels.tolist()])
    made = pd.DataFrame(
        {
            "kind": np.where(big, "leading", "sme") if len(rows) else np.zeros(0, dtype=str),
            "id": graph.text("enterprises", "id")[enterprise],
            "name": graph.text("enterprises", "name")[enterprise],
            "region": economy.region[rows],
            "output": economy.output[rows],
            "note": graph.text("products", "name")[economy.product[rows]],
        }
    )
    products = set(gaps.table["product"])
    research = graph["research"]
    studying = research[research["product"].isin(products)].merge(
        graph["institutes"][["id", "name", "region", "level"]], left_on="institute", right_on="id"
    )
    projects = graph["projects"]
    building = projects[projects["product"].isin(products)]
    parts = [made]
    for kind, frame, note in (
        ("institute", studying, "level"),
        ("project", building, "stage"),
    ):
        parts.append(
            pd.DataFrame(
                {
                    "kind": kind,
                    "id": frame["id"],
                    "name": frame["name"],
                    "region": texts(frame["region"]),
                    "output": 0.0,
                    "note": texts(frame[note]),
                }
            ).drop_duplicates()
        )
    facts = pd.concat(parts, ignore_index=True)
    place = pd.Series("", index=facts.index, dtype="str")
    codes = texts(facts["region"])
    for code in places:
        place[geo.within(codes, code)] = code
    return facts.assign(place=place)[place != ""].reset_index(drop=True)


def region_link_matrix(gaps: Gaps, places: tuple[str, ...]) -> pd.DataFrame:
    """Output (100 million CNY a year) of each link's products by place; places without are left out."""
    economy, scope = gaps.scope.economy, gaps.scope
    links = dict(zip(scope.chain["product"], scope.chain["link_name"], strict=True))
    ids = economy.graph.text("products", "id")
    rows = np.flatnonzero(np.isin(economy.product, scope.products) & (economy.output > 0))
    frame = pd.DataFrame(
        {
            "link": [links[p] for p in ids[economy.product[rows]].tolist()],
            "output": economy.output[rows] / 1e8,
        }
    )
    region = economy.region[rows]
    order = list(dict.fromkeys(scope.chain.sort_values("link")["link_name"]))
    result = []
    for place in places:
        inside = frame[geo.within(region, place)]
        if len(inside):
            sums = inside.groupby("link")["output"].sum()
            result.append({"地区": geo.name(place), **{k: sums.get(k, 0.0) for k in order}})
    return pd.DataFrame(result, columns=["地区", *order])


def _listed(facts: pd.DataFrame) -> pd.DataFrame:
    whole = facts.groupby(["kind", "id", "name", "region"], sort=False).agg(
        output=("output", "sum"),
        note=("note", lambda x: "、".join(dict.fromkeys(v for v in x if v))),
    )
    whole = whole.reset_index().sort_values(
        ["region", "kind", "output"], ascending=[True, True, False]
    )
    return pd.DataFrame(
        {
            "所在地": [geo.full_name(r) for r in whole["region"]],
            "类别": whole["kind"].map(KINDS),
            "名称": whole["name"],
            "产品或说明": whole["note"],
            "产出（亿元/年）": whole["output"] / 1e8,
        }
    )


def _plain(text: str) -> str:
    """Text that Plotly shows as it is: it would take some tags for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _figure(
    whole: str, places: tuple[str, ...], table: pd.DataFrame, facts: pd.DataFrame
) -> dict[str, Any]:
    shapes = outlines(places)
    drawn = [f["id"] for f in shapes["features"]]
    output = dict(zip(table["place"], table["产出（亿元/年）"].tolist(), strict=True))
    figure = go.Figure()
    figure.add_choropleth(
        geojson=shapes,
        locations=drawn,
        z=[output[p] for p in drawn],
        text=[_plain(geo.name(p)) for p in drawn],
        colorscale=[[i / (len(SCALE) - 1), c] for i, c in enumerate(SCALE)],
        marker={"line": {"color": "#555555", "width": 0.8}},
        colorbar={"title": {"text": "产出<br>亿元/年"}, "x": 1.0},
        hovertemplate="%{text}<br>产出 %{z:,.1f} 亿元/年<extra></extra>",
        name="产出",
    )
    most = max(output.values(), default=0.0)
    centres = {p: c for p in drawn if (c := centre(p)) is not None}
    figure.add_scattergeo(
        lon=[c[0] for c in centres.values()],
        lat=[c[1] + 0.17 for c in centres.values()],
        text=[_plain(geo.name(p)) for p in centres],
        mode="text",
        textfont={
            "size": 12,
            "color": ["#FFFFFF" if output[p] > 0.55 * most else "#333333" for p in centres],
        },
        hoverinfo="skip",
        showlegend=False,
    )
    shift = dict(zip(KINDS, (-0.18, -0.06, 0.06, 0.18), strict=True))
    for kind, zh in KINDS.items():
        own = facts[facts["kind"] == kind]
        names = own.groupby("place")["name"].unique()
        here = [p for p in centres if p in names.index]
        figure.add_scattergeo(
            lon=[centres[p][0] + shift[kind] for p in here],
            lat=[centres[p][1] for p in here],
            text=[_hover(geo.name(p), zh, list(names[p])) for p in here],
            marker={
                "size": [7 + 3 * float(np.sqrt(len(names[p]))) for p in here],
                "color": _COLOURS[kind],
                "opacity": 0.9,
                "line": {"color": "#FFFFFF", "width": 1},
            },
            hovertemplate="%{text}<extra></extra>",
            name=zh,
        )
    figure.update_geos(fitbounds="locations", visible=False, projection_type="mercator")
    figure.update_layout(
        height=720,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        font={"family": FONT, "size": 13},
        legend={"orientation": "h", "y": 0.02, "x": 0.02, "bgcolor": "rgba(255,255,255,0.85)"},
        template="none",
    )
    result: dict[str, Any] = json.loads(figure.to_json())
    return result


def _hover(place: str, kind: str, names: list[str]) -> str:
    more = f"<br>…… 共 {len(names)} 家" if len(names) > _NAMES else ""
    return f"{_plain(place)}｜{kind}<br>" + "<br>".join(map(_plain, names[:_NAMES])) + more
