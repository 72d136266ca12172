"""Answers of ``simulate``, ``trends`` and ``risk``: JSON for programs, one table for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from ..analysis.risk import BASES, POINT_REASONS, Risk
from ..analysis.simulate import Simulation
from ..analysis.situation import CHANGES, FIGURES, Difference, Situation, moved
from ..analysis.trends import Trend
from ..graph.chain import records
from ..viz.changes import (
    assumptions,
    causes,
    change_text,
    explained,
    figure_text,
    simulation_sentences,
    state_text,
)
from ..viz.words import percent, place_name
from .answers import Answer, Json


def simulate_answer(simulation: Simulation) -> Answer:
    """``simulate``: the same answers before and after, and the difference explained."""
    difference = simulation.difference
    after = difference.after
    document = {
        "region": after.region,
        "cluster": after.cluster,
        "version": after.version,
        "size": simulation.size,
        "effects": [asdict(effect) for effect in simulation.effects],
        **_difference(difference),
        "before": _state(difference.before),
        "after": _state(after),
        "explanation": simulation_sentences(simulation),
    }
    # Figures that moved stand in rows of their own.
    sentences = [*assumptions(simulation), *causes(difference)]
    columns = {"之前": difference.before, "之后": after}
    table = _table(sentences, {k: s.figures for k, s in columns.items()}, difference)
    title = f"{place_name(after.region)} 产业链模拟"
    return Answer("simulate", document, table, title, brief=("项目", "之前", "之后"))


def regions_answer(difference: Difference) -> Answer:
    """``regions``: a cluster in two regions, side by side."""
    here, there = difference.before, difference.after
    figures = [
        {
            "name": row["name"],
            "zh": FIGURES[row["name"]]["zh"],
            "unit": FIGURES[row["name"]]["unit"],
            "region": row["before"],
            "other": row["after"],
            "reason": row["reason"],
        }
        for row in difference.figures()
    ]
    products = [
        {
            "product": row["product"],
            "name": row["name"],
            "region": row["before"],
            "other": row["after"],
        }
        for row in records(difference.products)
    ]
    document = {
        "region": here.region,
        "other": there.region,
        "cluster": here.cluster,
        "version": here.version,
        "figures": figures,
        "products": products,
    }
    names = [place_name(here.region), place_name(there.region)]
    columns = dict(zip(names, (here.figures, there.figures), strict=True))
    table = _table([], columns, None)
    return Answer("regions", document, table, f"{names[0]}与{names[1]}对比")


def _difference(difference: Difference) -> Json:
    return {
        "figures": difference.figures(),
        "opened": [{"product": p, "action": a} for p, a in difference.opened],
        "closed": [{"product": p, "action": a} for p, a in difference.closed],
        "products": records(difference.products),
    }


def _state(state: Situation) -> Json:
    worst = (
        None if state.worst is None else dict(zip(("enterprise", "name"), state.worst, strict=True))
    )
    return {
        "supply_rate": asdict(state.rate),
        "figures": dict(state.figures),
        "worst": worst,
        "gaps": records(state.gaps.table),
    }


def _table(
    sentences: list[str],
    columns: Mapping[str, Mapping[str, float | None]],
    difference: Difference | None,
) -> pd.DataFrame:
    """Sentences, then figures by column, then products that changed, in one table."""
    names = list(columns)
    rows = [{"类别": "说明", "项目": text} for text in sentences]
    changes = {} if difference is None else {c["name"]: c for c in difference.figures()}
    for name, words in FIGURES.items():
        cells = {k: figure_text(name, figures[name]) for k, figures in columns.items()}
        change = changes.get(name)
        by = change_text(change) if change is not None and moved(change) else ""
        rows.append({"类别": "指标", "项目": words["zh"], **cells, "变化": by})
    if difference is not None:
        for product in records(difference.products):
            rows.append(
                {
                    "类别": "产品",
                    "项目": f"{product['name']}（{product['product']}）",
                    names[0]: state_text(product["before"]),
                    names[-1]: state_text(product["after"]),
                    "变化": CHANGES[product["change"]],
                }
            )
    return pd.DataFrame(rows, columns=["类别", "项目", *names, "变化"]).fillna("")


def trends_answer(trend: Trend, region: str, cluster: str) -> Answer:
    """``trends``: the course of every figure, and what changed from the first to the last."""
    difference = trend.difference
    sentences = (
        explained(difference)
        if difference is not None
        else [f"版本 {p.version}：{p.reason}" for p in trend.points if p.reason]
    )
    empty: Json = {"figures": [], "opened": [], "closed": [], "products": []}
    document = {
        "region": region,
        "cluster": cluster,
        "version": trend.points[-1].version,
        "from": trend.points[0].version,
        "points": [
            {
                "version": point.version,
                "at": None if point.at is None else point.at.isoformat(),
                "figures": point.figures,
                "reason": point.reason or None,
            }
            for point in trend.points
        ],
        **(empty if difference is None else _difference(difference)),
        "explanation": sentences,
    }
    columns = {
        f"版本 {p.version}" + ("" if p.at is None else p.at.strftime("（%Y-%m-%d）")): p.figures
        for p in trend.points
    }
    shown = sentences if difference is None else causes(difference)
    table = _table(shown, columns, difference)
    names = list(columns)
    brief = ("项目", *dict.fromkeys((names[0], names[-1])))
    return Answer("trends", document, table, f"{place_name(region)} 产业链变化", brief=brief)


def risk_answer(risk: Risk, top: int | None) -> Answer:
    """``risk``: critical suppliers and single points of failure."""
    enterprises = risk.enterprises.head(len(risk.enterprises) if top is None else top)
    facts = {k: v for k, v in vars(risk).items() if k not in ("enterprises", "products")}
    document = {
        **facts,
        "reason": risk.reason or None,
        "enterprises": records(enterprises),
        "products": records(risk.products),
    }
    rows = [_enterprise_row(row) for row in records(enterprises)]
    rows += [_product_row(row) for row in records(risk.products)]
    columns = ["类别", "名称", "所在地", "本地损失", "全链损失", "说明", "编码"]
    basis = f"{BASES[risk.basis]}，{risk.members} 次" if risk.members > 1 else BASES[risk.basis]
    title = (
        f"{place_name(risk.region)} 系统性风险（{basis}；记录覆盖需求 {percent(risk.coverage)}）"
    )
    if risk.reason:
        title += f"（{risk.reason}）"
    table = pd.DataFrame(rows, columns=columns)
    return Answer("risk", document, table, title, brief=("类别", "名称", "本地损失", "说明"))


def _enterprise_row(row: Mapping[str, Any]) -> dict[str, str]:
    text = f"自有工厂之外连带损失 {percent(row['knock_on'])}"
    return {
        "类别": "关键供应商" if row["critical"] else "企业",
        "名称": row["name"],
        "所在地": place_name(row["place"]),
        "本地损失": _with_spread(row["local"], row["local_sd"]),
        "全链损失": _with_spread(row["esri"], row["esri_sd"]),
        "说明": text,
        "编码": row["enterprise"],
    }


def _product_row(row: Mapping[str, Any]) -> dict[str, str]:
    text = (
        f"{POINT_REASONS[row['reason']]}：{row['makers']} 家，最大为{row['largest_name']}"
        f"（{percent(row['largest_share'])}）；若由两家各半供应，本地损失降至 "
        f"{percent(row['diversified'])}；若全部断供为 {percent(row['outage'])}"
    )
    return {
        "类别": "单点产品",
        "名称": row["name"],
        "所在地": "",
        "本地损失": _with_spread(row["local"], row["local_sd"]),
        "全链损失": _with_spread(row["esri"], row["esri_sd"]),
        "说明": text,
        "编码": row["product"],
    }


def _with_spread(value: float, spread: float) -> str:
    return percent(value) if spread != spread else f"{percent(value)} ± {percent(spread)}"
