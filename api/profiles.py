"""Profiles of single nodes: every fact with its source, and what follows from them.

The page of a profile and ``chainatlas profile`` share what is here. A section is one group of
neighbours (see :mod:`..analysis.web`), so that every kind of node has the sections that its
relations give it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from ..analysis.economy import Economy
from ..analysis.gaps import EVIDENCE, STATES, Gaps
from ..analysis.neighbourhood import counts, neighbours
from ..analysis.provenance import facts_about, who_says
from ..analysis.web import GROUPS, KINDS, RELATIONS, Group, Web, fact_rows
from ..graph import regions as geo
from ..graph.chain import PACK, ChainGraph, records
from ..graph.schema import GENERAL_KNOWLEDGE, NODES, PROVENANCE, TABLES, Column
from ..graph.store import View
from ..viz.language import say, text
from ..viz.words import listed, money, number, percent, place_name, yes_no

#: Where the profile of each kind of node stands.
ADDRESSES: Mapping[str, str] = MappingProxyType({kind: f"/{kind.lower()}/" for kind in NODES})
#: Most facts of a section.
ROWS = 60
_ABOUT = frozenset(c.name for c in PROVENANCE)


def address_of(key: str) -> str:
    """The page of a node by its key."""
    kind, _, number_of = key.partition(":")
    return ADDRESSES[kind] + quote(number_of, safe="")


# --- Who says what -------------------------------------------------------------------------------


def said_of(
    view: View, table: str, number_of: str, stated: Callable[[str], pd.DataFrame] | None = None
) -> tuple[pd.DataFrame, list[tuple[str, pd.DataFrame]]]:
    """What each pack says of a node, and the facts of other tables that name it.

    Args:
        view: The facts.
        table: The node's table.
        number_of: Its id.
        stated: Reads what all packs say in a table; the view itself where None.
    """
    read = stated or view.stated
    said = who_says(read(table), number_of, table)
    return said, facts_about({name: read(name) for name in TABLES}, number_of, table)


def said_lines(
    table: str, said: pd.DataFrame, related: list[tuple[str, pd.DataFrame]]
) -> pd.DataFrame:
    """The same as one table in Chinese."""
    declared = TABLES[table]
    lines = pd.DataFrame(
        {
            "字段": [text(declared.column(f).zh) for f in said["field"]],
            "取值": [_shown(v) for v in said["value"]],
            "采用": [yes_no(used) for used in said["used"]],
            "数据日期": said["as_of"],
            "数据包": said[PACK],
            "来源": said["source"],
        }
    )
    more = [_relation_lines(name, facts) for name, facts in related]
    return pd.concat([lines, *more], ignore_index=True)


def _relation_lines(name: str, facts: pd.DataFrame) -> pd.DataFrame:
    table = TABLES[name]
    own = [c for c in table.own if c.name in facts]
    values = [
        text("；").join(
            f"{text(c.zh)} {_shown(fact[c.name])}"
            for c in own
            if c.name not in _ABOUT and fact[c.name] == fact[c.name]
        )
        for fact in records(facts)
    ]
    return pd.DataFrame(
        {
            "字段": text(table.zh),
            "取值": values,
            "采用": "",
            "数据日期": facts["as_of"],
            "数据包": facts[PACK],
            "来源": facts["source"],
        }
    )


def _shown(value: object) -> str:
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def shown_value(column: Column, value: Any) -> str:
    """A value of a column as people read it, "" where empty."""
    if value is None or value != value:
        return ""
    if column.choices:
        parts = str(value).split(";") if column.many else [str(value)]
        return listed(text(column.choices.get(part, part)) for part in parts)
    if column.type in ("adcode", "country"):
        return place_name(str(value))
    if column.many:
        return str(value).replace(";", "、")
    if column.numeric:
        if column.unit == "CNY":
            return money(value)
        if column.high == 1:
            return (
                number(value)
                if column.name in ("confidence", "strength", "criticality")
                else percent(value)
            )
        return f"{number(value)}{f' {column.unit}' if column.unit else ''}"
    if column.name == "source" and value == GENERAL_KNOWLEDGE:
        return text("一般性知识，未经核实")
    return str(value)


# --- Profiles ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A cell of a section: its text, and where it leads ("" for nowhere)."""

    text: str
    to: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Section:
    """One group of neighbours, a row for each fact.

    Attributes:
        title: What the neighbours are.
        count: How many there are; ``rows`` may show fewer.
        columns: Headings.
        rows: Cells of each fact.
        ranked: What the rows are ordered by.
    """

    title: str
    count: int
    columns: list[str]
    rows: list[list[Cell]]
    ranked: str = ""


@dataclass(frozen=True)
class Profile:
    """Everything known of a node.

    Attributes:
        key: Of the node.
        name: Its name.
        kind: Its kind.
        about: What it is: heading, value and a note.
        said: Field by field, what each pack says.
        related: All facts that name it, as each pack states them.
        sections: Its neighbours by group.
        extra: Further tables, such as demand by region.
    """

    key: str
    name: str
    kind: str
    about: list[tuple[str, str, str]]
    said: list[dict[str, Any]]
    related: list[dict[str, Any]]
    sections: list[Section]
    extra: list[Section] = field(default_factory=list)


def empty_profile(code: str) -> Profile:
    """The profile of a region that no fact names."""
    about = [("行政区划代码", code, "GB/T 2260")]
    return Profile(f"Region:{code}", place_name(code), "Region", about, [], [], [])


def profile_of(
    web: Web, node: int, view: View, stated: Callable[[str], pd.DataFrame], region: str = ""
) -> Profile:
    """The profile of a node.

    Args:
        web: The graph.
        node: Number of the node.
        view: The facts of the same version.
        stated: Reads what all packs say in a table.
        region: Code of the region that counts as here, "" for none.
    """
    kind = KINDS[web.kind[node]]
    table = NODES[kind].table
    said: list[dict[str, Any]] = []
    related: list[dict[str, Any]] = []
    if table:
        fields, facts = said_of(view, table, str(web.id[node]), stated)
        said = [_field(web.graph, table, row) for row in records(fields)]
        related = records(said_lines(table, fields.iloc[:0], facts).fillna(""))
    sections = [_section(web, node, row, region) for row in records(counts(web, node))]
    extra = []
    if kind == "Product":
        extra = [demand_by_region(web.economy, node - int(web.first[KINDS.index(kind)]))]
    return Profile(
        web.key(node),
        _name(web, node),
        kind,
        list(_about(web, node, kind)),
        said,
        related,
        sections,
        [section for section in extra if section.rows],
    )


def named_value(graph: ChainGraph, column: Column, value: Any) -> str:
    """A value as people read it: names of what it refers to, where they are known."""
    if not column.ref or value is None or value != value:
        return shown_value(column, value)
    ids = str(value).split(";")
    at = graph.position(column.ref, ids)
    names = graph.text(column.ref, "name")
    return "、".join(str(names[n]) if n >= 0 else i for n, i in zip(at, ids, strict=True))


def _field(graph: ChainGraph, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    column = TABLES[table].column(row["field"])
    value = named_value(graph, column, row["value"])
    about = {c.name: shown_value(c, row[c.name]) for c in PROVENANCE}
    return {
        "field": column.zh,
        "value": value,
        "pack": row[PACK],
        "used": bool(row["used"]),
        **about,
    }


def _about(web: Web, node: int, kind: str) -> Iterator[tuple[str, str, str]]:
    """What follows from the facts and stands in none of them."""
    economy, at = web.economy, node - int(web.first[web.kind[node]])
    if kind == "Enterprise":
        known = text("典型规模，营业收入未知") if economy.imputed[at] else text("营业收入")
        yield "规模", money(float(economy.size[at])), known
        makes = economy.enterprise == at
        yield "产品产值合计", money(float(economy.output[makes].sum())), text("份额 × 规模")
    elif kind == "Product":
        yield "全国产值", money(float(economy.national[at])), text("国内各企业产值之和")
        rate = float(economy.domestic_rate[at])
        given = web.graph.number("products", "domestic_rate")[at] == rate
        source = web.graph.text("products", "source")[at]
        dated = web.graph.text("products", "as_of")[at]
        note = (
            "；".join(p for p in (source, dated) if p) if given else text("国内产值占图中全部产值")
        )
        yield "国产化率", percent(rate), note
        makers = np.unique(economy.enterprise[(economy.product == at) & (economy.output > 0)])
        yield "生产企业", say("%(count)d 家", count=len(makers)), text("图中已知，未必齐全")
    elif kind == "Region":
        yield "行政区划代码", str(web.id[node]), "GB/T 2260"
    if kind != "Region" and web.region[node]:
        yield "地区", place_name(str(web.region[node])), ""


def _section(web: Web, node: int, row: Mapping[str, Any], region: str) -> Section:
    """Facts of one group, the weightiest neighbours first."""
    group = next(g for g in GROUPS if g.code == row["group"] and g.at == KINDS[web.kind[node]])
    relation = RELATIONS[group.relation]
    found = neighbours(web, node, group.code, ROWS)
    lines = found["line"].to_numpy(dtype=np.int64)
    at, rows = fact_rows(web, lines)
    own = _own_columns(group)
    headings = [NODES[group.kind].zh, *(["所在地"] if _has_place(group.kind) else [])]
    headings += [c.zh for c in own]
    headings += ["产值"] if relation.edge.name == "PRODUCES" else []
    headings += [c.zh for c in PROVENANCE] + (["本地"] if region else [])
    table = relation.edge.table
    facts: list[dict[str, Any]] = records(web.graph[table].iloc[rows]) if table else [{}] * len(at)
    cells = []
    for place, position, fact in zip(at.tolist(), rows.tolist(), facts, strict=True):
        other = int(found["node"].iloc[place])
        cells.append(
            [
                Cell(_name(web, other), address_of(web.key(other))),
                *([Cell(_place(web, other))] if _has_place(group.kind) else []),
                *(Cell(named_value(web.graph, c, fact[c.name]), kind=_kind(c)) for c in own),
                *(
                    [Cell(money(float(web.economy.output[position])), kind="number")]
                    if relation.edge.name == "PRODUCES"
                    else []
                ),
                *(Cell(shown_value(c, fact.get(c.name)), kind=_kind(c)) for c in PROVENANCE),
                *(
                    [Cell(_here(web, relation.edge.name, position, other, region))]
                    if region
                    else []
                ),
            ]
        )
    return Section(group.title, int(row["count"]), headings, cells, str(row["measure"]))


def _own_columns(group: Group) -> list[Column]:
    """Columns of a relation's table that say more than its two ends."""
    edge = RELATIONS[group.relation].edge
    if not edge.table or "id" in (edge.source, edge.target):
        return []  # a column of a node's own table: its profile says the rest
    return [c for c in TABLES[edge.table].own if c.name not in (edge.source, edge.target)]


def _has_place(kind: str) -> bool:
    table = NODES[kind].table
    return table is not None and "region" in TABLES[table].names


def _place(web: Web, node: int) -> str:
    code = str(web.region[node])
    return place_name(code) if code else ""


def _kind(column: Column) -> str:
    return "number" if column.numeric else ""


def _here(web: Web, edge: str, row: int, node: int, region: str) -> str:
    code = str(web.economy.region[row]) if edge == "PRODUCES" else str(web.region[node])
    return yes_no(geo.contains(region, code)) if code else text("不详")


def _name(web: Web, node: int) -> str:
    """Its name; regions are spelt in the language spoken."""
    return (
        place_name(str(web.id[node])) if KINDS[web.kind[node]] == "Region" else str(web.name[node])
    )


def demand_by_region(economy: Economy, product: int) -> Section:
    """Where a product is made and needed, by city: output, direct demand, coverage."""
    uses = np.asarray(economy.coefficients[[product], :].todense(), dtype=np.float64).ravel()
    rows = np.flatnonzero(economy.domestic & (economy.output > 0) & (economy.region != ""))
    code = geo.at_level(economy.region[rows], "city")
    table = pd.DataFrame(
        {
            "region": code,
            "demand": economy.output[rows] * uses[economy.product[rows]],
            "output": np.where(economy.product[rows] == product, economy.output[rows], 0.0),
            "makers": (economy.product[rows] == product).astype(np.int64),
        }
    )
    whole = table.groupby("region", as_index=False).sum()
    whole = whole[(whole["demand"] > 0) | (whole["output"] > 0)]
    order = whole.sort_values(["demand", "output", "region"], ascending=[False, False, True])
    cells = [
        [
            Cell(place_name(r["region"]), address_of(f"Region:{r['region']}")),
            Cell(money(r["demand"]), kind="number"),
            Cell(money(r["output"]), kind="number"),
            Cell(
                percent(r["output"] / r["demand"]) if r["demand"] > 0 else text("无需求"),
                kind="number",
            ),
            Cell(str(r["makers"]), kind="number"),
        ]
        for r in records(order.head(ROWS))
    ]
    columns = ["地区", "直接需求", "产值", "覆盖率", "生产记录"]
    return Section("各市需求与产值", len(order), columns, cells, "直接需求")


def clusters_of(graph: ChainGraph, product: str) -> list[str]:
    """Ids of the clusters that a product's links belong to."""
    rows, links = graph.listed("products", "links")
    mine = links[rows == graph.position("products", [product])[0]]
    at = graph.position("links", pd.Series(mine, dtype="str"))
    return sorted(set(graph.text("links", "cluster")[at[at >= 0]].tolist()))


def gap_rows(found: list[Gaps], product: str, page: str) -> Section:
    """What a product is in regions and clusters: one row for each.

    Args:
        found: The gaps of each region and cluster.
        product: Id of the product.
        page: Page of a region and cluster to lead to; "" for the profile of the cluster.
    """
    cells = []
    for gaps in found:
        row = next(r for r in records(gaps.table) if r["product"] == product)
        cluster = quote(gaps.scope.cluster, safe="")
        where = f"?region={gaps.scope.region}&cluster={cluster}"
        to = f"{page}{where}" if page else f"{ADDRESSES['Cluster']}{cluster}{where}"
        at = gaps.scope.graph.position("clusters", [gaps.scope.cluster])[0]
        cells.append(
            [
                Cell(place_name(gaps.scope.region), address_of(f"Region:{gaps.scope.region}")),
                Cell(str(gaps.scope.graph.text("clusters", "name")[at]), to),
                Cell(
                    listed(text(STATES[a]) for a in row["actions"]) or text(STATES[row["primary"]]),
                    kind=row["primary"],
                ),
                Cell(text(EVIDENCE[row["evidence"]])),
                Cell(money(row["demand"]), kind="number"),
                Cell(money(row["output"]), kind="number"),
                Cell(percent(row["fulfilment"]), kind="number"),
                Cell(f"{row['priority']:.2f}", kind="number"),
            ]
        )
    columns = ["地区", "产业集群", "动作", "证据", "本地需求", "本地产值", "满足率", "优先级"]
    return Section("在各地的短板", len(cells), columns, cells)
