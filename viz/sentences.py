"""Why a gap is one, in a single sentence, and its facts for a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..analysis.evidence import Dependence, Detail, Maker, Prospect
from ..analysis.gaps import EVIDENCE, REASONS, ROUTES, STATES
from .language import say, text
from .words import listed, money, percent, place_name, yes_no


def reason_sentence(row: dict[str, Any], detail: Detail) -> str:
    """The reason of a gap in one sentence, from its reason codes and figures.

    Args:
        row: One row of the table of gaps.
        detail: What stands beside it.
    """
    codes = [reason["code"] for reason in row["reasons"]]
    clauses = []
    if "not_made" in codes:
        clauses.append(
            say(
                "本地年需求约 %(demand)s，%(nobody)s",
                demand=money(row["demand"]),
                nobody=_nobody(row),
            )
        )
    if "token" in codes:
        clauses.append(
            say("本地产出仅能满足需求的 %(share)s，属象征性产能", share=percent(row["coverage"]))
        )
    if "demand_unmet" in codes:
        clauses.append(say("本地产出只满足需求的 %(share)s", share=percent(row["fulfilment"])))
    if "below_national_share" in codes:
        clauses.append(say("区位商 %(lq).2f，低于全国平均", lq=row["lq"]))
    if "no_leader" in codes:
        clauses.append(say("没有领军企业"))
    if "single_source" in codes:
        clauses.append(
            say(
                "关键投入品，本地有效供应商仅 %(local).1f 家、全国主要企业 %(national)d 家",
                local=row["effective_suppliers"],
                national=row["national_makers"],
            )
        )
    if "import_dependent" in codes:
        clauses.append(say("命脉投入品，国产化率 %(rate)s", rate=percent(row["domestic_rate"])))
    if "chokepoint" in codes:
        clauses.append(say("国内尚无企业生产（按现有数据）"))
    if "reachable" in codes:
        clauses.append(
            say("所需投入 %(share)s 本地可得，可向此延伸", share=percent(row["reachable"]))
        )
        if detail.prospect.surplus is not None:
            clauses.append(
                say("产业关联密度%(surplus)s", surplus=_surplus(detail.prospect.surplus))
            )
    if not clauses:
        return say("%(state)s。", state=text(STATES[row["primary"]]))
    return say(
        "%(clauses)s（%(evidence)s，%(robust)s）。",
        clauses=text("；").join(clauses),
        evidence=text(EVIDENCE[row["evidence"]]),
        robust=_robust(row),
    )


def _nobody(row: dict[str, Any]) -> str:
    return say("本地无人生产" if row["evidence"] == "confirmed" else "现有名单中本地无人生产")


def _robust(row: dict[str, Any]) -> str:
    return say("稳健" if row["robust"] else "不稳健")


def makers_text(makers: Sequence[Maker], most: int = 4) -> str:
    """Makers by name with place and output; known sizes and typical ones are told apart."""
    shown = [
        say(
            "%(name)s（%(place)s，%(output)s）",
            name=m.name,
            place=place_name(m.place),
            output=money(m.output) + ("" if m.size_known else "*"),
        )
        for m in makers[:most]
    ]
    if not shown:
        return "—"
    more = say(" 等 %(count)d 家", count=len(makers)) if len(makers) > most else ""
    return listed(shown) + more


def panel_facts(row: dict[str, Any], detail: Detail) -> list[tuple[str, str]]:
    """What an official needs beside a gap, as (term, text)."""
    buyers = listed(
        say(
            "%(name)s（%(product)s，%(demand)s，成本占比%(share)s）",
            name=b.name,
            product=b.product_name,
            demand=_span(b.low, b.high),
            share=text("已知" if b.share_given else "假定"),
        )
        for b in detail.buyers[:4]
    )
    rate = percent(row["domestic_rate"])
    if detail.rate_given:
        rate = say(
            "%(rate)s（%(source)s，%(as_of)s）", rate=rate, source=detail.source, as_of=detail.as_of
        )
    elif row["domestic_rate"] == row["domestic_rate"]:
        rate = say("%(rate)s（按图谱内企业推算）", rate=rate)
    feeds = text("未知") if detail.feeds_plant is None else yes_no(detail.feeds_plant)
    return [
        ("首要动作", text(STATES[row["primary"]])),
        ("全部动作", listed(text(STATES[a]) for a in row["actions"]) or "—"),
        ("原因", text("；").join(_reason(r) for r in row["reasons"]) or "—"),
        ("证据", text(EVIDENCE[row["evidence"]])),
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
        ("科研机构", listed(detail.researchers) or "—"),
        (
            "养活一家中等工厂",
            say("%(feeds)s（中位产出 %(plant)s）", feeds=feeds, plant=money(detail.plant)),
        ),
        ("路径", listed(text(ROUTES[r]) for r in row["routes"]) or "—"),
        ("优先级", f"{row['priority']:.2f}"),
        *_prospects(detail.prospect),
        ("可请谁核实", who_checks(row, detail)),
    ]


def dependence_text(found: Dependence | None) -> str:
    """What hangs on the largest maker, and what a second source would buy (固链)."""
    if found is None:
        return "—"
    return say(
        "%(name)s（%(place)s）占有记录产出的 %(share)s，若停产，用户当期失去该产品的 %(loss)s；"
        "若由两家各半供应，任一家停产只失去 %(diversified)s",
        name=found.name,
        place=place_name(found.place),
        share=percent(found.share),
        loss=percent(found.loss),
        diversified=percent(found.diversified),
    )


def who_checks(row: dict[str, Any], detail: Detail) -> str:
    """Who could tell whether a suspected gap is one: those who buy the product here, then makers."""
    if row["evidence"] == "confirmed":
        return say("已摸排，无需再核")
    asked = dict.fromkeys([*(b.name for b in detail.buyers), *(m.name for m in detail.local[:1])])
    return listed([say("所在区县主管部门"), *list(asked)[:2]])


def hover_text(row: dict[str, Any], detail: Detail, width: int = 30) -> str:
    """The facts of :func:`panel_facts` in short lines, for a box beside the pointer."""
    shown = (
        "证据", "稳健", "本地产出", "本地需求", "国产化率", "本地企业", "本地用户", "省内其他",
        "国内主要", "国外主要", "养活一家中等工厂", "路径", "可请谁核实",
    )  # fmt: skip
    facts = dict(panel_facts(row, detail))
    lines = [f"{row['name']}｜{text(STATES[row['primary']])}", reason_sentence(row, detail)]
    lines += [text(term) + text("：") + _short(facts[term], 2 * width) for term in shown]
    return "\n".join(lines)


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def _prospects(found: Prospect) -> list[tuple[str, str]]:
    """Relatedness, complexity and value density as facts, where they are defined."""
    facts = []
    if found.surplus is not None and found.density is not None:
        words = say(
            "%(density).2f，%(surplus)s", density=found.density, surplus=_surplus(found.surplus)
        )
        facts.append(("产业关联密度", words))
    if found.pci_rank is not None:
        facts.append(("产品复杂度", say("不低于 %(share)s 的产品", share=percent(found.pci_rank))))
    if found.value is not None:
        words = say(
            "人均年营收 %(value)s（据占全国产出 %(share)s 的企业）",
            value=money(found.value),
            share=percent(found.value_coverage),
        )
        facts.append(("价值密度", words))
    return facts


def _surplus(value: float) -> str:
    if value >= 0:
        return say("比产业多样性相当的城市高 %(by).2f", by=value)
    return say("比产业多样性相当的城市低 %(by).2f", by=-value)


def _span(low: float, high: float) -> str:
    return money(low) if low == high else money(low) + text("～") + money(high)


def _reason(reason: dict[str, Any]) -> str:
    value = reason["value"]
    return say(
        "%(reason)s（%(value)s，阈值 %(threshold)s）",
        reason=text(REASONS[reason["code"]]),
        value=text("未知") if value is None else f"{value:,.3g}",
        threshold=f"{reason['threshold']:g}",
    )
