"""Why a gap is one, in a single Chinese sentence, and its facts for a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..analysis.evidence import Dependence, Detail, Maker, Prospect
from ..analysis.gaps import EVIDENCE, REASONS, ROUTES, STATES
from .words import money, percent, place_name, yes_no


def reason_sentence(row: dict[str, Any], detail: Detail) -> str:
    """The reason of a gap in one sentence, from its reason codes and figures.

    Args:
        row: One row of the table of gaps.
        detail: What stands beside it.
    """
    codes = [reason["code"] for reason in row["reasons"]]
    clauses = []
    if "not_made" in codes:
        clauses.append(f"本地年需求约 {money(row['demand'])}，{_nobody(row)}")
    if "token" in codes:
        clauses.append(f"本地产出仅能满足需求的 {percent(row['coverage'])}，属象征性产能")
    if "demand_unmet" in codes:
        clauses.append(f"本地产出只满足需求的 {percent(row['fulfilment'])}")
    if "below_national_share" in codes:
        clauses.append(f"区位商 {row['lq']:.2f}，低于全国平均")
    if "no_leader" in codes:
        clauses.append("没有领军企业")
    if "single_source" in codes:
        clauses.append(
            f"关键投入品，本地有效供应商仅 {row['effective_suppliers']:.1f} 家、"
            f"全国主要企业 {row['national_makers']} 家"
        )
    if "import_dependent" in codes:
        clauses.append(f"命脉投入品，国产化率 {percent(row['domestic_rate'])}")
    if "chokepoint" in codes:
        clauses.append("国内尚无企业生产（按现有数据）")
    if "reachable" in codes:
        clauses.append(f"所需投入 {percent(row['reachable'])} 本地可得，可向此延伸")
        if detail.prospect.surplus is not None:
            clauses.append(f"产业关联密度{_surplus(detail.prospect.surplus)}")
    if not clauses:
        return f"{STATES[row['primary']]}。"
    return "；".join(clauses) + f"（{EVIDENCE[row['evidence']]}，{_robust(row)}）。"


def _nobody(row: dict[str, Any]) -> str:
    return "本地无人生产" if row["evidence"] == "confirmed" else "现有名单中本地无人生产"


def _robust(row: dict[str, Any]) -> str:
    return "稳健" if row["robust"] else "不稳健"


def makers_text(makers: Sequence[Maker], most: int = 4) -> str:
    """Makers by name with place and output; known sizes and typical ones are told apart."""
    shown = [
        f"{m.name}（{place_name(m.place)}，{money(m.output)}{'' if m.size_known else '*'}）"
        for m in makers[:most]
    ]
    more = f" 等 {len(makers)} 家" if len(makers) > most else ""
    return "、".join(shown) + more if shown else "—"


def panel_facts(row: dict[str, Any], detail: Detail) -> list[tuple[str, str]]:
    """What an official needs beside a gap, as (term, text)."""
    buyers = "、".join(
        f"{b.name}（{b.product_name}，{_span(b.low, b.high)}，成本占比{'已知' if b.share_given else '假定'}）"
        for b in detail.buyers[:4]
    )
    rate = percent(row["domestic_rate"])
    if detail.rate_given:
        rate += f"（{detail.source}，{detail.as_of}）"
    elif row["domestic_rate"] == row["domestic_rate"]:
        rate += "（按图谱内企业推算）"
    feeds = "未知" if detail.feeds_plant is None else yes_no(detail.feeds_plant)
    return [
        ("首要动作", STATES[row["primary"]]),
        ("全部动作", "、".join(STATES[a] for a in row["actions"]) or "—"),
        ("原因", "；".join(_reason(r) for r in row["reasons"]) or "—"),
        ("证据", EVIDENCE[row["evidence"]]),
        ("稳健", yes_no(row["robust"])),
        ("本地产出", money(row["output"])),
        ("本地需求", money(row["demand"])),
        ("国产化率", rate),
        ("本地企业", makers_text(detail.local)),
        ("本地用户", buyers or "—"),
        ("省内其他", makers_text(detail.province)),
        ("国内主要", makers_text(detail.national)),
        ("国外主要", makers_text(detail.foreign)),
        ("最大供方", dependence_text(detail.dependence)),
        ("科研机构", "、".join(detail.researchers) or "—"),
        ("养活一家中等工厂", f"{feeds}（中位产出 {money(detail.plant)}）"),
        ("路径", "、".join(ROUTES[r] for r in row["routes"]) or "—"),
        ("优先级", f"{row['priority']:.2f}"),
        *_prospects(detail.prospect),
        ("可请谁核实", who_checks(row, detail)),
    ]


def dependence_text(found: Dependence | None) -> str:
    """What hangs on the largest maker, and what a second source would buy (固链)."""
    if found is None:
        return "—"
    return (
        f"{found.name}（{place_name(found.place)}）占有记录产出的 {percent(found.share)}，"
        f"若停产，用户当期失去该产品的 {percent(found.loss)}；若由两家各半供应，"
        f"任一家停产只失去 {percent(found.diversified)}"
    )


def who_checks(row: dict[str, Any], detail: Detail) -> str:
    """Who could tell whether a suspected gap is one: those who buy the product here, then makers."""
    if row["evidence"] == "confirmed":
        return "已摸排，无需再核"
    asked = dict.fromkeys([*(b.name for b in detail.buyers), *(m.name for m in detail.local[:1])])
    return "、".join(["所在区县主管部门", *list(asked)[:2]])


def hover_text(row: dict[str, Any], detail: Detail, width: int = 30) -> str:
    """The facts of :func:`panel_facts` in short lines, for a box beside the pointer."""
    shown = (
        "证据", "稳健", "本地产出", "本地需求", "国产化率", "本地企业", "本地用户", "省内其他",
        "国内主要", "国外主要", "养活一家中等工厂", "路径", "可请谁核实",
    )  # fmt: skip
    facts = dict(panel_facts(row, detail))
    lines = [f"{row['name']}｜{STATES[row['primary']]}", reason_sentence(row, detail)]
    lines += [f"{term}：{_short(facts[term], 2 * width)}" for term in shown]
    return "\n".join(lines)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _prospects(found: Prospect) -> list[tuple[str, str]]:
    """Relatedness, complexity and value density as facts, where they are defined."""
    facts = []
    if found.surplus is not None and found.density is not None:
        facts.append(("产业关联密度", f"{found.density:.2f}，{_surplus(found.surplus)}"))
    if found.pci_rank is not None:
        facts.append(("产品复杂度", f"不低于 {percent(found.pci_rank)} 的产品"))
    if found.value is not None:
        basis = f"据占全国产出 {percent(found.value_coverage)} 的企业"
        facts.append(("价值密度", f"人均年营收 {money(found.value)}（{basis}）"))
    return facts


def _surplus(value: float) -> str:
    side = "高" if value >= 0 else "低"
    return f"比产业多样性相当的城市{side} {abs(value):.2f}"


def _span(low: float, high: float) -> str:
    return money(low) if low == high else f"{money(low)}～{money(high)}"


def _reason(reason: dict[str, Any]) -> str:
    value = reason["value"]
    shown = "未知" if value is None else f"{value:,.3g}"
    return f"{REASONS[reason['code']]}（{shown}，阈值 {reason['threshold']:g}）"
