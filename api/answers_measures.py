"""Requirements, relatedness and value chain as answers; see :mod:`.answers`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pandas as pd

from ..analysis.relatedness import UNDEFINED, Relatedness
from ..analysis.requirements import InputPath, Requirements
from ..analysis.value import ValueChain
from ..graph.chain import ChainGraph, records
from ..graph.schema import STAGES
from ..viz.words import money, number, percent, place_name, yes_no
from .answers import Answer, Json


def requirements_answer(
    found: Requirements, graph: ChainGraph, asked: str | None, paths: list[InputPath]
) -> Answer:
    """``requirements``: what a cluster's output needs, and why one product is needed.

    Args:
        found: The requirements.
        graph: Where names come from.
        asked: The product of ``--why``, None where not asked.
        paths: The strongest paths to it.
    """
    names = dict(zip(graph["products"]["id"], graph["products"]["name"], strict=True))
    document = {**_head(found), "products": records(found.table)}
    title = f"{place_name(found.region)} 完全需求"
    if asked is not None:
        total = dict(zip(found.table["product"], found.table["total"], strict=True)).get(asked, 0.0)
        document["why"] = {
            "product": asked,
            "name": names[asked],
            "total": total,
            "paths": [_path(path, total, names) for path in paths],
        }
        table = pd.DataFrame(
            [
                {
                    "需求（元/年）": path.value,
                    "占完全需求": path.value / total,
                    "缘由": because(path, names),
                }
                for path in paths
            ],
            columns=["需求（元/年）", "占完全需求", "缘由"],
        )
        return Answer("requirements", document, table, f"{title}：为什么需要{names[asked]}")
    table = pd.DataFrame(
        {
            "产品": found.table["name"],
            "链段": found.table["stage"].map(STAGES),
            "属于本集群": [yes_no(x) for x in found.table["in_cluster"]],
            "本地产出": found.table["output"],
            "直接需求": found.table["direct"],
            "完全需求": found.table["total"],
            "步数": found.table["steps"],
            "后向关联": found.table["backward"],
            "前向关联": found.table["forward"],
            "产品编码": found.table["product"],
        }
    )
    units = dict.fromkeys(("本地产出", "直接需求", "完全需求"), "元/年")
    brief = ("产品", "本地产出", "直接需求", "完全需求", "步数")
    return Answer("requirements", document, table, title, units, brief)


def because(path: InputPath, names: dict[str, str]) -> str:
    """Why a product is needed, in one Chinese sentence."""
    first, last = names[path.products[0]], names[path.products[-1]]
    steps = [
        f"每元{names[maker]}需 {number(share)} 元{names[used]}" + ("" if known else "（假定）")
        for maker, used, share, known in zip(
            path.products, path.products[1:], path.coefficients, path.given, strict=False
        )
    ]
    return f"因为本地生产{first}，{'，'.join(steps)}；由此每年需要{last}约 {money(path.value)}。"


def _path(path: InputPath, total: float, names: dict[str, str]) -> Json:
    return {
        "value": path.value,
        "share": path.value / total if total > 0 else None,
        "text": because(path, names),
        "products": [{"product": p, "name": names[p]} for p in path.products],
        "coefficients": list(path.coefficients),
        "given": list(path.given),
    }


def relatedness_answer(found: Relatedness) -> Answer:
    """``relatedness``: how near a region is to each product of a cluster."""
    table = pd.DataFrame(
        {
            "产品": found.table["name"],
            "链段": found.table["stage"].map(STAGES),
            "已具优势": [yes_no(x) for x in found.table["advantage"]],
            "区位商": found.table["lq"],
            "关联密度": found.table["density"],
            "预期密度": found.table["expected"],
            "超出预期": found.table["surplus"],
            "具优势城市数": found.table["ubiquity"],
            "复杂度": found.table["pci"],
            "复杂度分位": found.table["pci_rank"],
            "前景增益": found.table["outlook_gain"],
            "最邻近的本地优势产品": [
                "、".join(near["name"] for near in nearest) for nearest in found.table["nearest"]
            ],
            "产品编码": found.table["product"],
        }
    )
    known = [
        f"具优势产品 {found.diversity} 种",
        *_named("经济复杂度", found.eci),
        *_named("复杂度前景", found.coi),
        f"比较城市 {found.cities} 个",
        *([] if found.reason is None else [UNDEFINED[found.reason]]),
    ]
    title = f"{place_name(found.region)} 产业关联与复杂度（{'，'.join(known)}）"
    brief = ("产品", "已具优势", "关联密度", "超出预期", "复杂度分位", "最邻近的本地优势产品")
    document = {**_head(found), "products": records(found.table)}
    return Answer("relatedness", document, table, title, brief=brief)


def _named(label: str, value: float | None) -> list[str]:
    return [] if value is None else [f"{label} {value:.2f}"]


def value_answer(found: ValueChain) -> Answer:
    """``value``: what an employee earns where each product of a cluster is made."""
    table = pd.DataFrame(
        {
            "产品": found.table["name"],
            "链段": found.table["stage"].map(STAGES),
            "本地生产": [yes_no(x) for x in found.table["made"]],
            "人均营收": found.table["value"],
            "相对本地": found.table["relative"],
            "产出覆盖率": found.table["coverage"],
            "企业数": found.table["makers"],
            "已知企业数": found.table["makers_known"],
            "复杂度": found.table["pci"],
            "产品编码": found.table["product"],
        }
    )
    local = f"本地人均营收 {money(found.local)}，覆盖本地产出 {percent(found.local_coverage)}"
    national = f"全国 {money(found.national)}，覆盖 {percent(found.national_coverage)}"
    title = f"{place_name(found.region)} 价值链（{local}；{national}）"
    document = {**_head(found), "products": records(found.table)}
    return Answer("value", document, table, title, {"人均营收": "元/人·年"})


def _head(found: Requirements | Relatedness | ValueChain) -> dict[str, Any]:
    """Every figure of a result but its table."""
    return {f.name: getattr(found, f.name) for f in fields(found) if f.name != "table"}
