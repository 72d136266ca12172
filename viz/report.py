"""The report of a cluster: six questions a director asks, answered in five minutes.

:func:`compose` decides what is said, once; :func:`write_html` here and :func:`office.write_docx` show
the same sections, so that both hold the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..analysis.evidence import Detail, details
from ..analysis.gaps import ACTIONS, EVIDENCE, ROUTES, STATES, Gaps
from ..analysis.inventory import chain_links, local_institutes, local_makers
from ..analysis.provenance import QUALITIES
from ..analysis.routes import routes_of
from ..analysis.supply import SupplyRate
from ..graph.chain import records
from ..graph.schema import LABELS, STAGES
from .drawing import Drawing
from .page import picture, write_page
from .sentences import makers_text, reason_sentence
from .tables import grid
from .words import money, percent, place_name, yes_no

#: Rows of each table: enough to act on, few enough to read.
_MAKERS, _GAPS, _FRAGILE, _TARGETS, _FIRST = 10, 10, 8, 10, 5
#: Local enterprises named for each way to grow into a gap.
_GROWN = 2
#: Targets of each gap in the table of targets.
_EACH = 2


@dataclass(frozen=True)
class Section:
    """One question and its answer.

    Attributes:
        title: The question.
        lines: Sentences, one paragraph each.
        table: Rows with Chinese headers, or None.
        numbered: Whether the sentences are steps in order.
        picture: Shows the chain's picture, where there is one.
    """

    title: str
    lines: tuple[str, ...]
    table: pd.DataFrame | None = None
    numbered: bool = False
    picture: bool = False


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        title: Heading.
        stamp: Region, version and date.
        verdict: What to take away, in a few sentences.
        sections: The questions in order.
    """

    title: str
    stamp: str
    verdict: tuple[str, ...]
    sections: tuple[Section, ...]


def compose(
    gaps: Gaps,
    targets: pd.DataFrame,
    rate: SupplyRate,
    quality: pd.DataFrame,
    title: str,
    stamp: str,
) -> Report:
    """What the report of a region and cluster says.

    Args:
        gaps: The gaps.
        targets: Ranked targets of the gaps, see :func:`analysis.targets.find_targets`.
        rate: Local supply rates.
        quality: Facts by quality of source, see :func:`analysis.provenance.source_quality`.
        title: Heading.
        stamp: Region, version and date.
    """
    beside = details(gaps, gaps.acting()["product"])
    rows = records(gaps.acting())
    links = chain_links(gaps)
    return Report(
        title,
        stamp,
        _verdict(gaps, rows, rate),
        (
            _have(gaps, links, rate),
            _missing(rows, beside),
            _fragile(rows, beside),
            _whom(gaps, targets),
            _first(gaps, rows, beside, targets),
            _sure(gaps, rate, quality),
        ),
    )


def _verdict(gaps: Gaps, rows: list[dict[str, Any]], rate: SupplyRate) -> tuple[str, ...]:
    table = gaps.table
    place = place_name(gaps.scope.region)
    counts = "、".join(f"{STATES[a]} {sum(a in r['actions'] for r in rows)} 个" for a in ACTIONS)
    lines = [
        f"{place}在本集群 {len(table)} 个产品中已能生产 {int(table['made'].sum())} 个；"
        f"需要采取行动的有 {len(rows)} 个（{counts}，一个产品可有多项）。"
    ]
    if rate.value is not None:
        lines.append(
            f"按价值计的本地化配套率为 {percent(rate.value)}，"
            f"只计营业收入已知的企业时为 {percent(rate.value_low)}。"
        )
    if rows:
        named = "、".join(f"{r['name']}（{STATES[r['primary']]}）" for r in rows[:3])
        lines.append(f"最紧迫的是：{named}。")
    unsure = sum(r["evidence"] != "confirmed" for r in rows)
    if unsure:
        lines.append(f"其中 {unsure} 个尚待核实：名单可能不全，“未知”不等于“没有”。")
    return tuple(lines)


def _have(gaps: Gaps, links: pd.DataFrame, rate: SupplyRate) -> Section:
    makers = local_makers(gaps)
    institutes = local_institutes(gaps)
    strongest = links.sort_values("output", ascending=False)
    strongest = strongest[strongest["output"] > 0].head(3)
    leading = int(makers["labels"].str.contains("leading").sum())
    lines = [
        f"生产本集群产品的企业 {len(makers)} 家（龙头 {leading} 家），年产出约 "
        f"{money(float(makers['output'].sum()))}，其中 {percent(rate.known_output_share)} 出自营业收入已知的企业。"
    ]
    if len(strongest):
        named = "、".join(f"{r['name']}（{money(r['output'])}）" for r in records(strongest))
        lines.append(f"产出最大的环节：{named}。")
    if len(institutes):
        named = "、".join(institutes["name"].head(5))
        lines.append(f"研究本集群产品的本地高校院所与平台 {len(institutes)} 家：{named}等。")
    lines.append(
        f"本地化配套率：按价值 {percent(rate.value)}，按种类 {percent(rate.count)}，"
        f"按已知采购 {percent(rate.observed)}。"
    )
    table = pd.DataFrame(
        {
            "企业": makers["name"],
            "所在地": [place_name(p) for p in makers["place"]],
            "资质": ["、".join(LABELS[x] for x in s.split(";") if x) or "—" for s in makers["labels"]],
            "主要产品": ["、".join(p[:3]) for p in makers["products"]],
            "本集群年产出": [
                f"{money(o)}{'' if known else '（估算）'}"
                for o, known in zip(makers["output"], makers["size_known"], strict=True)
            ],
        }
    ).head(_MAKERS)  # fmt: skip
    return Section("一、我们有什么", tuple(lines), table, picture=True)


def _missing(rows: list[dict[str, Any]], beside: dict[str, Detail]) -> Section:
    lacking = [r for r in rows if {"supplement", "strengthen", "extend"} & set(r["actions"])]
    if not lacking:
        return Section("二、缺什么", ("按现有数据，没有需要补链、强链或延链的产品。",))
    unmet = sum(r["demand"] * (1 - r["fulfilment"]) for r in lacking)
    empty = sum("supplement" in r["actions"] for r in lacking)
    lines = (
        f"{empty} 个产品本地有需求而没有像样的生产，连同产能不足的产品，"
        f"本地每年约 {money(unmet)}的需求要靠外地供应。",
        f"按优先级排列的前 {min(_GAPS, len(lacking))} 个：",
    )
    return Section("二、缺什么", lines, _gap_table(lacking[:_GAPS], beside))


def _fragile(rows: list[dict[str, Any]], beside: dict[str, Detail]) -> Section:
    weak = [r for r in rows if "fortify" in r["actions"]]
    if not weak:
        return Section("三、哪里脆弱", ("按现有数据，没有来源单一或依赖进口的关键产品。",))
    imported = sum(any(x["code"] == "import_dependent" for x in r["reasons"]) for r in weak)
    table = pd.DataFrame(
        {
            "产品": [r["name"] for r in weak],
            "国产化率": [percent(r["domestic_rate"]) for r in weak],
            "国内主要企业": [makers_text(beside[r["product"]].national, 2) for r in weak],
            "国外主要企业": [makers_text(beside[r["product"]].foreign, 2) for r in weak],
            "为什么脆弱": [reason_sentence(r, beside[r["product"]]) for r in weak],
        }
    ).head(_FRAGILE)
    lines = (
        f"需要固链的产品 {len(weak)} 个：{imported} 个是依赖进口的命脉投入品，"
        f"{len(weak) - imported} 个在本地来源单一。",
    )
    return Section("三、哪里脆弱", lines, table)


def _gap_table(rows: Sequence[dict[str, Any]], beside: dict[str, Detail]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "产品": [r["name"] for r in rows],
            "动作": ["、".join(STATES[a] for a in r["actions"]) for r in rows],
            "年需求": [money(r["demand"]) for r in rows],
            "本地年产出": [_made(r) for r in rows],
            "原因": [reason_sentence(r, beside[r["product"]]) for r in rows],
            "优先级": [r["priority"] for r in rows],
        }
    )


def _made(row: dict[str, Any]) -> str:
    """Local output; where there is none, whether that is known or only not listed."""
    if row["made"]:
        return money(row["output"])
    return "无" if row["evidence"] == "confirmed" else "名单中没有"


def _whom(gaps: Gaps, targets: pd.DataFrame) -> Section:
    """The best enterprises for the most urgent gaps, each named once."""
    if not len(targets):
        return Section("四、引进谁", ("现有数据中没有候选企业。",))
    names = dict(zip(gaps.table["product"], gaps.table["name"], strict=True))
    # The best of every gap first, so that one urgent gap does not fill the list.
    best = targets[targets["rank"] <= _EACH].drop_duplicates("enterprise").head(_TARGETS)
    fits = {
        e: [names[p] for p in group["product"]]
        for e, group in targets.groupby("enterprise", sort=False)
    }
    table = pd.DataFrame(
        {
            "企业": best["name"],
            "所在地": [place_name(p) for p in best["from_region"]],
            "可补的产品": ["、".join(fits[e][:3]) for e in best["enterprise"]],
            "落地建议": [place_name(p) for p in best["landing"]],
            "联系与依据": [_tie(facts) for facts in best["facts"]],
            "得分": best["score"],
            "名次区间": [f"{t['rank_low']}～{t['rank_high']}" for t in records(best)],
        }
    )
    lines = (
        f"共有候选企业 {targets['enterprise'].nunique()} 家。下表按缺口的优先级，每个缺口取得分最高的 "
        f"{_EACH} 家，共 {len(table)} 家；全部名单见清单工作簿。",
        "得分是各项依据的加权和，用于排定先后，不是成功概率；名次区间是权重和未知规模变动时名次的范围，"
        "区间重叠的企业应视为相当。",
    )
    return Section("四、引进谁", lines, table)


def _tie(facts: Sequence[dict[str, Any]]) -> str:
    texts = {f["part"]: f["text"] for f in facts}
    return "；".join(texts[part] for part in ("tie", "scale") if part in texts)


def _first(
    gaps: Gaps,
    rows: list[dict[str, Any]],
    beside: dict[str, Detail],
    targets: pd.DataFrame,
) -> Section:
    first = rows[:_FIRST]
    grown = routes_of(gaps, [r["product"] for r in first], _GROWN)
    able = grown[grown["route"].isin(("expand", "cultivate"))]
    steps = tuple(_step(gaps, r, beside[r["product"]], targets, able) for r in first)
    return Section(
        "五、先做什么", steps or ("按现有数据，没有需要采取的行动。",), numbered=bool(steps)
    )


def _step(
    gaps: Gaps, row: dict[str, Any], detail: Detail, targets: pd.DataFrame, able: pd.DataFrame
) -> str:
    """What to do about one gap, by its first open route, and what to check before."""
    own = records(targets[targets["product"] == row["product"]].head(2))
    local = able[able["product"] == row["product"]].groupby("route")["name"].agg("、".join)
    what = f"{STATES[row['primary']]}“{row['name']}”"
    ways = []
    for route in row["routes"]:
        if route == "research" and detail.researchers:
            named = "、".join(detail.researchers[:2])
            ways.append(f"组织{named}揭榜攻关")
        elif route == "coordinate" and detail.province:
            ways.append(f"先与省内{makers_text(detail.province, 2)}对接配套")
        elif route == "attract" and own:
            called = "、".join(f"{t['name']}（{place_name(t['from_region'])}）" for t in own)
            ways.append(f"对接{called}，建议落地{place_name(own[0]['landing'])}")
        elif route == "cultivate":
            named = f"（如{local['cultivate']}）" if "cultivate" in local else ""
            ways.append(f"培育本地同环节企业转产{named}")
    if "expand" in local:
        ways.append(f"支持本地{local['expand']}扩产")
    done = "；".join(ways[:4]) or "尚无可行路径，先摸清用户与供应商"
    check = "" if row["evidence"] == "confirmed" else "动手前先核实本地是否已有企业生产。"
    return f"{what}：{done}。{check}"


def _sure(gaps: Gaps, rate: SupplyRate, quality: pd.DataFrame) -> Section:
    acting = gaps.acting()
    confirmed = int((acting["evidence"] == "confirmed").sum())
    steady = int(acting["robust"].sum())
    whole = records(quality)[-1] if len(quality) else None
    lines = [
        f"{len(acting)} 个缺口中 {confirmed} 个{EVIDENCE['confirmed']}，"
        f"{len(acting) - confirmed} 个{EVIDENCE['suspected']}；{steady} 个结论稳健"
        "（把估算的企业规模放大或缩小三倍，结论不变）。",
        f"本地产出中 {percent(rate.known_output_share)} 出自营业收入已知的企业，其余按资质的典型规模估算。",
    ]
    if whole is not None and whole["facts"]:
        lines.append(
            "全部数据的事实中："
            + "、".join(f"{zh} {percent(whole[q] / whole['facts'])}" for q, zh in QUALITIES.items())
            + "。"
        )
    doubtful = [r for r in records(acting) if r["evidence"] != "confirmed" or not r["robust"]]
    table = pd.DataFrame(
        {
            "先核实的产品": [r["name"] for r in doubtful],
            "证据": [EVIDENCE[r["evidence"]] for r in doubtful],
            "稳健": [yes_no(r["robust"]) for r in doubtful],
            "路径": ["、".join(ROUTES[x] for x in r["routes"]) or "—" for r in doubtful],
        }
    ).head(_FIRST)
    return Section("六、有多大把握", tuple(lines), table if len(table) else None)


def links_table(gaps: Gaps) -> pd.DataFrame:
    """The cluster's links with what the region makes and lacks, for people."""
    links = chain_links(gaps)
    return pd.DataFrame(
        {
            "链段": links["stage"].map(STAGES),
            "环节": links["name"],
            "产品数": links["products"],
            "本地能产": links["made"].astype(int),
            "需行动": links["acting"].astype(int),
            "本地企业数": links["makers"],
            "年产出（亿元）": links["output"] / 1e8,
            "未满足需求（亿元）": links["unmet"] / 1e8,
        }
    )


def write_html(report: Report, out: Path, chain: Drawing, *, single: bool = False) -> None:
    """Write a report as a page.

    Args:
        report: What it says.
        out: The HTML file; styles and scripts go into ``assets`` beside it.
        chain: The chain's picture, shown in the first section.
        single: Whether the page holds its styles and scripts itself.
    """
    context = {
        "title": report.title,
        "stamp": report.stamp,
        "verdict": report.verdict,
        "sections": [
            {"section": s, "grid": None if s.table is None else grid(s.table)}
            for s in report.sections
        ],
        "chain": picture(chain, "chain", "链图"),
    }
    write_page(out, "report.html", context, {}, [], single=single)
