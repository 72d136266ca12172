"""The 资源分布图 as a page with drill-down and layers, and as an A3 sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..analysis.gaps import Gaps
from ..graph import regions as geo
from ..graph.chain import records, texts
from . import fonts
from .boundaries import Boundaries
from .drawing import INK, LINE, NAVY, SOFT, Box, Drawing, Rect
from .language import retell, say
from .map_drawing import Flow, Region, bubble_sample, class_words, draw_map, flow_sample, mark
from .page import picture, write_page
from .resources import (
    KINDS,
    OUTPUT,
    county_table,
    flow_table,
    inside,
    likely_flows,
    listed,
    narrowed,
    place_table,
    placed,
    region_link_matrix,
    relations,
    resources,
    supply_flows,
)
from .sheet import BODY, HEIGHT, sheet, table_pages
from .style import SCALE
from .tables import grid
from .words import number, place_name, short_name

#: Layers that a page can show and hide, and whether they are shown at first.
LAYERS = {**dict.fromkeys(KINDS, True), "flow": True, "guess": False}
LAYERS_ZH = {**KINDS, "flow": "已知供应", "guess": "可能配套（推定）"}
#: Most names in a tip.
_NAMES = 12
#: Leading enterprises named beside a printed map.
_LEADERS = 15
#: The picture of a page, in mm: room of the map and of the legend.
_MAP, _LEGEND = Box(0, 0, 290, 186), Box(292, 4, 52, 178)


@dataclass(frozen=True)
class MapView:
    """One map: a region and what lies directly below it."""

    region: str
    places: tuple[str, ...]
    facts: pd.DataFrame
    table: pd.DataFrame
    recorded: pd.DataFrame
    likely: pd.DataFrame
    vague: str

    @classmethod
    def of(cls, gaps: Gaps, facts: pd.DataFrame, known: pd.DataFrame, region: str) -> MapView:
        """A view of a region from facts and relations of the cluster, all of them or some."""
        places = geo.divisions(region) or (region,)
        here = inside(facts, places)
        whole = inside(facts, (region,))
        vague = whole[placed(texts(whole["region"]), places) == ""]
        known_only = say(
            "另有 %(count)d 家（产出 %(output)s 亿元/年）只知在%(place)s，未标在图上。",
            count=vague["id"].nunique(),
            output=_tenths(vague["output"].sum() / 1e8),
            place=short_name(region),
        )
        return cls(
            region,
            places,
            here,
            place_table(here, places),
            supply_flows(known, places),
            likely_flows(gaps, places),
            known_only if len(vague) else "",
        )

    def draw(
        self,
        page: Drawing,
        area: Box,
        boundaries: Boundaries,
        *,
        guess: bool,
        bubbles: bool = False,
    ) -> None:
        """The map of the view; bubbles have the area of the output."""
        names: dict[tuple[str, str], list[str]] = {}
        for row in records(self.facts[["place", "kind", "name"]].drop_duplicates()):
            names.setdefault((row["place"], row["kind"]), []).append(row["name"])
        regions = [
            Region(
                row["place"],
                row["地区"],
                row[OUTPUT],
                {kind: row[f"{zh}数"] for kind, zh in KINDS.items()},
                _region_tip(row),
                {k: _names_tip(row["地区"], k, names[p, k]) for p, k in names if p == row["place"]},
            )
            for row in records(self.table)
        ]
        flows = {"flow": [
            Flow(r["source"], r["target"], r["relations"], _flow_tip(r, "relations"))
            for r in records(self.recorded)
        ]}  # fmt: skip
        if guess:
            flows["guess"] = [
                Flow(r["source"], r["target"], r["pairs"], _flow_tip(r, "pairs"))
                for r in records(self.likely)
            ]
        draw_map(page, area, boundaries.outlines(self.places), regions, flows, bubbles=bubbles)


def _region_tip(row: dict[str, Any]) -> str:
    counts = "\n".join(f"{retell(zh)} {row[f'{zh}数']}" for zh in KINDS.values())
    output = say("产出 %(output)s 亿元/年", output=number(row[OUTPUT]))
    return f"{row['地区']}\n{output}\n{counts}"


def _names_tip(place: str, kind: str, names: list[str]) -> str:
    more = "\n" + say("…… 共 %(count)d 家", count=len(names)) if len(names) > _NAMES else ""
    return f"{place}｜{retell(KINDS[kind])}\n" + "\n".join(names[:_NAMES]) + more


def _flow_tip(row: dict[str, Any], count: str) -> str:
    ends = f"{place_name(row['source'])} → {place_name(row['target'])}"
    if count == "pairs":
        words = "可能配套：%(count)d 对投入品与产品（按投入产出关系推定）"
        return f"{ends}\n" + say(words, count=row[count])
    named = "\n".join(row["names"].split("；"))
    return f"{ends}\n" + say("已知供应关系 %(count)d 条", count=row[count]) + f"\n{named}"


def draw_resources(
    gaps: Gaps, title: str, stamp: str, out: Path, boundaries: Boundaries, *, single: bool = False
) -> None:
    """Write the resource distribution page of a cluster over the province of its region.

    Args:
        gaps: The question; its region's province is drawn, the whole country for the country.
        title: Heading.
        stamp: Region, version and date.
        out: The HTML file.
        boundaries: Where outlines come from.
        single: Whether the page holds its scripts and styles itself.
    """
    whole = geo.province(gaps.scope.region)
    facts, known = resources(gaps), relations(gaps)
    top = MapView.of(gaps, facts, known, whole)
    below = {p: MapView.of(gaps, facts, known, p) for p in top.places if geo.divisions(p)}
    views = [top, *(v for v in below.values() if len(boundaries.outlines(v.places)) > 1)]
    pictures = []
    for at, view in enumerate(views):
        page = Drawing(_LEGEND.right, _MAP.h)
        view.draw(page, _MAP, boundaries, guess=True)
        _legend(page, _LEGEND, view, guess=True)
        pictures.append(
            picture(page, f"map-{view.region}", geo.name(view.region) + title, hidden=at > 0)
        )
    sections = [(t.name, t.title, t.table) for t in _tables(gaps, top, below)]
    context = {
        "title": title,
        "stamp": stamp,
        "pictures": pictures,
        "layers": LAYERS,
        "layers_zh": LAYERS_ZH,
        "hidden": " ".join(f"hide-{name}" for name, shown in LAYERS.items() if not shown),
        "sections": [
            {"id": name, "title": head, "table": grid(table)} for name, head, table in sections
        ],
        "boundaries": boundaries,
    }
    data = {"views": {v.region: geo.name(v.region) for v in views}, "first": whole}
    write_page(out, "map.html", context, data, ["map.js"], single=single)


@dataclass(frozen=True)
class Twin:
    """A table behind the map: the name of its section, its title and its rows."""

    name: str
    title: str
    table: pd.DataFrame


def _tables(gaps: Gaps, top: MapView, below: Mapping[str, MapView]) -> list[Twin]:
    """The tables behind a map and the maps below it."""
    counties = county_table(top.facts, {p: view.table for p, view in below.items()})
    return [
        Twin("places", "各地资源", top.table.drop(columns="place")),
        Twin("counties", "下一级地区资源", counties.drop(columns="place")),
        Twin("flows", "供应关系", flow_table(top.recorded, top.likely)),
        Twin("matrix", "地区 × 环节（亿元/年）", region_link_matrix(gaps, top.places)),
        Twin("list", "企业、机构与项目清单", listed(top.facts)),
    ]


def resource_tables(gaps: Gaps) -> list[tuple[str, pd.DataFrame]]:
    """The tables behind the 资源分布图 of the province of a region, each with its title."""
    whole = geo.province(gaps.scope.region)
    facts, known = resources(gaps), relations(gaps)
    top = MapView.of(gaps, facts, known, whole)
    below = {p: MapView.of(gaps, facts, known, p) for p in top.places if geo.divisions(p)}
    return [(twin.title, twin.table) for twin in _tables(gaps, top, below)]


@dataclass(frozen=True)
class Screen:
    """A map for a page, and the tables that say the same.

    Attributes:
        drawing: The map with its legend; regions have their code as key.
        view: What it shows.
        tables: What the map says, as tables.
    """

    drawing: Drawing
    view: MapView
    tables: list[Twin]


def map_screen(
    gaps: Gaps, region: str, boundaries: Boundaries, wanted: Mapping[str, str]
) -> Screen:
    """The map of what lies directly below a region, thinned by filters.

    Args:
        gaps: The question.
        region: Region code: a country, a province or a city.
        boundaries: Where outlines come from.
        wanted: See :func:`.resources.narrowed`.
    """
    facts = narrowed(resources(gaps), gaps, wanted)
    known = relations(gaps)
    products = {k: v for k, v in wanted.items() if k in ("link", "product")}
    view = MapView.of(gaps, facts, narrowed(known, gaps, products), region)
    page = Drawing(_LEGEND.right, _MAP.h)
    view.draw(page, _MAP, boundaries, guess=True, bubbles=True)
    _legend(page, _LEGEND, view, guess=True, bubbles=True)
    tables = [t for t in _tables(gaps, view, {}) if t.name != "counties"]
    return Screen(page, view, tables)


def resources_sheets(
    gaps: Gaps, title: str, stamp: str, source: str, boundaries: Boundaries
) -> list[Drawing]:
    """The map on an A3 page with its table, then the region × link matrix.

    Args:
        gaps: The question.
        title: Heading.
        stamp: Region, version and date.
        source: Where the facts come from.
        boundaries: Where outlines come from.
    """
    whole = geo.province(gaps.scope.region)
    view = MapView.of(gaps, resources(gaps), relations(gaps), whole)
    page = sheet(title, stamp, source)
    view.draw(page, Box(BODY.x, BODY.y, 282, BODY.h), boundaries, guess=False)
    approval = boundaries.approval or "＿＿＿＿＿＿＿＿"
    note = f"底图：{boundaries.source}。审图号：{approval}"
    page.text(BODY.x, HEIGHT - 3.2, note, 2.8, SOFT, room=170)
    right = Box(BODY.x + 286, BODY.y + 2, 114, 74)
    _legend(page, right, view, guess=False)
    leading = view.facts[view.facts["kind"] == "leading"].groupby("name")["output"].sum()
    leaders = leading.sort_values(ascending=False, kind="stable").index[:_LEADERS].tolist()
    rest = Box(right.x, right.bottom, right.w, BODY.bottom - right.bottom)
    _side_table(page, rest, view.table, leaders)
    matrix = region_link_matrix(gaps, view.places)
    twin = table_pages(
        lambda more: sheet(f"{title}：地区×环节（亿元/年）{more}", stamp, source),
        matrix,
        [1.6, *[1.0] * (len(matrix.columns) - 1)],
    )
    return [page, *twin] if len(matrix) else [page]


def _legend(page: Drawing, box: Box, view: MapView, *, guess: bool, bubbles: bool = False) -> None:
    """Classes of output, symbols, lines; in two columns where the box is wide."""
    x, y, size = box.x, box.y + 4.0, 3.5
    second = box.x + 58 if box.w > 100 else None

    def head(text: str) -> None:
        nonlocal y
        page.text(x, y, text, 3.8, NAVY, bold=True)
        y += 6.2

    head("颜色：产出（亿元/年）")
    for colour, word in zip(SCALE, class_words(), strict=True):
        page.add(Rect(box=Box(x, y - 3.3, 8, 4.4), fill=colour, stroke="#6B7785", width=0.2))
        page.text(x + 10, y, word, size)
        y += 5.6
    if bubbles:
        bubble_sample(page, x + 4, y - 0.6)
        page.text(x + 10, y + 0.4, "圆圈面积：产出", size, layer="layer-bubble")
        y += 5.6
    y += 3.0
    if second is not None:
        x, y = second, box.y + 4.0
    head("符号：个数")
    for kind, word in KINDS.items():
        mark(page, x + 3, y - 1.3, kind)
        page.text(x + 8, y, word, size, layer=f"layer-{kind}")
        y += 5.8
    y += 2.0
    head("线：供应关系")
    ends = view.recorded[["source", "target"]].isin(view.places).all(axis=1)
    across = view.recorded[ends & (view.recorded["source"] != view.recorded["target"])]
    words = {"flow": f"已知供应（{int(across['relations'].sum())} 条）"}
    if guess:
        words["guess"] = "可能配套（推定）"
    for layer, word in words.items():
        flow_sample(page, x, y - 1.3, layer)
        page.text(x + 11, y, word, size)
        y += 5.8
    if second is None:
        y += 3
    for text in ("位置为示意，按所在地汇总。", "粗细＝关系数，箭头指向需方。"):
        page.text(x, y, text, 3.0, SOFT, room=box.right - x)
        y += 4.6
    page.lines(x, y + 1, view.vague, 3.0, box.right - x, 4, SOFT)


def _side_table(page: Drawing, box: Box, table: pd.DataFrame, leaders: list[str]) -> None:
    """The numbers of the map beside it, and the largest leading enterprises by name."""
    high = min(7.0, (box.h - 9) / max(1, len(table)))
    size = min(3.3, 0.62 * high)
    columns = (44.0, 22.0, 12.0, 12.0, 12.0, 12.0)
    edges = [box.x]
    for wide in columns:
        edges.append(edges[-1] + wide)
    y = box.y
    page.add(Rect(box=Box(box.x, y, box.w, 8.0), fill="#DCE6F0"))
    page.text(edges[0] + 1, y + 5.4, "地区", 3.3, NAVY, bold=True)
    page.text(edges[2] - 1, y + 5.4, "产出·亿元", 3.3, NAVY, "end", bold=True)
    for at, kind in enumerate(KINDS):
        mark(page, edges[at + 2] + 8.6, y + 4.2, kind)
    y += 8.0
    for row in records(table):
        base = y + high / 2 + 0.37 * size
        page.text(edges[0] + 1, base, row["地区"], size, room=columns[0] - 2)
        page.text(edges[2] - 1, base, _tenths(row[OUTPUT]), size, INK, "end")
        for at, zh in enumerate(KINDS.values()):
            count = row[f"{zh}数"]
            shown = str(count) if count else "–"
            page.text(edges[at + 3] - 2, base, shown, size, INK if count else SOFT, "end")
        y += high
        page.rule(box.x, y, box.right, LINE, 0.15)
    total = f"合计 {_tenths(float(table[OUTPUT].sum()))} 亿元/年"
    if y + 6 < box.bottom and len(table):
        page.text(edges[2] - 1, y + 4.6, fonts.clip(total, 60, 3.3), 3.3, NAVY, "end", bold=True)
    y += 12.0
    most = int((box.bottom - y) / 4.4)
    if leaders and most > 0:
        page.lines(box.x + 1, y, "主要龙头：" + "、".join(leaders), 3.3, box.w - 2, most)


def _tenths(value: float) -> str:
    """An output with one decimal; what is smaller is not shown as nothing."""
    return "<0.1" if 0 < value < 0.05 else f"{value:,.1f}"
