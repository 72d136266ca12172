"""What changed between two situations, in Chinese sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..analysis.gaps import STATES
from ..analysis.simulate import SIZES, Simulation
from ..analysis.situation import FIGURES, Difference, moved
from ..graph import regions as geo
from ..graph.chain import records
from .words import money, number, percent, place_name

#: Products named in one sentence; the others are counted.
NAMED = 8


def figure_text(name: str, value: float | None) -> str:
    """A figure of a situation as people read it."""
    if value is None:
        return "—"
    unit = FIGURES[name]["unit"]
    if unit == "CNY":
        return money(value)
    return percent(value) if unit == "ratio" else number(value)


def explained(difference: Difference) -> list[str]:
    """The difference in sentences: gaps first, then demand, then every figure that moved."""
    figures = [_moved(change) for change in difference.figures() if moved(change)]
    return [*causes(difference), *figures] or ["各项结论和指标都没有变化。"]


def causes(difference: Difference) -> list[str]:
    """Gaps that came and went, demand that came and went, and whose failure now costs most."""
    products = difference.products
    names = dict(zip(products["product"], products["name"], strict=True))
    result = []
    for pairs, words in ((difference.closed, "消除"), (difference.opened, "新增")):
        if pairs:
            listed = [f"{names[p]}（{STATES[a]}）" for p, a in pairs]
            result.append(f"{words}缺口 {len(pairs)} 项：{_listed(listed)}。")
    new, gone = [], []
    for row in records(products):
        was, now = _demand(row["before"]), _demand(row["after"])
        if was == 0 and now > 0:
            new.append(f"{row['name']}（{money(now)}）")
        if was > 0 and now == 0:
            gone.append(f"{row['name']}（{money(was)}）")
    if new:
        result.append(f"{len(new)} 种产品新出现本地需求：{_listed(new)}；完整度的分母随之增大。")
    if gone:
        result.append(f"{len(gone)} 种产品不再有本地需求：{_listed(gone)}。")
    before, after = difference.before.worst, difference.after.worst
    if before != after and after is not None:
        result.append(f"停产影响最大的企业变为{after[1]}。")
    return result


def _listed(texts: Sequence[str]) -> str:
    more = f"等 {len(texts)} 项" if len(texts) > NAMED else ""
    return "、".join(texts[:NAMED]) + more


def _demand(side: Mapping[str, Any] | None) -> float:
    return 0.0 if side is None else float(side["demand"])


def _moved(change: Mapping[str, Any]) -> str:
    name, old, new = change["name"], change["before"], change["after"]
    zh, unit = FIGURES[name]["zh"], FIGURES[name]["unit"]
    if old is None:
        return f"{zh}此前无法计算，现为 {figure_text(name, new)}。"
    if new is None:
        return f"{zh}由 {figure_text(name, old)} 变为无法计算（{change['reason']}）。"
    way = "升至" if new > old else "降至"
    # Shares may move by less than the decimals of a table show.
    was, now = (
        f"{100 * value:.2f}%" if unit == "ratio" else figure_text(name, value)
        for value in (old, new)
    )
    return f"{zh}由 {was} {way} {now}（{change_text(change)}）。"


def simulation_sentences(simulation: Simulation) -> list[str]:
    """What was assumed, and what follows."""
    return [*assumptions(simulation), *explained(simulation.difference)]


def assumptions(simulation: Simulation) -> list[str]:
    """What each move did to the enterprise's output in China."""
    result = []
    for effect in simulation.effects:
        listed = [
            f"{p['name']} {money(p['before'])} → {money(p['after'])}" for p in effect.products
        ]
        output = f"其国内年产出变化：{_listed(listed)}" if listed else "其国内产出没有变化"
        outside = effect.kind == "land" and not geo.contains(
            simulation.difference.after.region, effect.region
        )
        what = {
            "land": f"{effect.name}落地{place_name(effect.region)}"
            f"（新工厂规模{SIZES[simulation.size]}）",
            "lose": f"失去{effect.name}",
            "grow": f"{effect.name}的产出变为原来的 {number(effect.factor or 0.0)} 倍",
        }[effect.kind]
        result.append(f"假定{what}：{output}。")
        if outside:
            result.append(f"{place_name(effect.region)}不在所分析的地区之内，只影响全国份额。")
    return result


def change_text(change: Mapping[str, Any]) -> str:
    """By how much a figure moved, with its sign; "" where it cannot be told."""
    name, by = change["name"], change["change"]
    if by is None:
        return ""
    sign = "+" if by > 0 else "−"
    if FIGURES[name]["unit"] == "ratio":
        return f"{sign}{100 * abs(by):.2g} 个百分点"
    return sign + figure_text(name, abs(by))


def state_text(side: Mapping[str, Any] | None) -> str:
    """How a product stands: its actions or state, and what is made of what is needed."""
    if side is None:
        return "—"
    actions = "、".join(STATES[a] for a in side["actions"]) or STATES[side["primary"]]
    return f"{actions}；产出 {money(side['output'])}，需求 {money(side['demand'])}"
