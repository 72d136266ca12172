"""What changed between two situations, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..analysis.gaps import STATES
from ..analysis.simulate import SIZES, Simulation
from ..analysis.situation import FIGURES, Difference, moved
from ..graph import regions as geo
from ..graph.chain import records
from .language import say, text
from .words import listed, money, number, percent, place_name

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
    return [*causes(difference), *figures] or [say("各项结论和指标都没有变化。")]


def causes(difference: Difference) -> list[str]:
    """Gaps that came and went, demand that came and went, and whose failure now costs most."""
    products = difference.products
    names = dict(zip(products["product"], products["name"], strict=True))
    result = []
    for pairs, words in (
        (difference.closed, "消除缺口 %(count)d 项：%(gaps)s。"),
        (difference.opened, "新增缺口 %(count)d 项：%(gaps)s。"),
    ):
        if pairs:
            gaps = [_of(names[p], text(STATES[a])) for p, a in pairs]
            result.append(say(words, count=len(pairs), gaps=_listed(gaps)))
    new, gone = [], []
    for row in records(products):
        was, now = _demand(row["before"]), _demand(row["after"])
        if was == 0 and now > 0:
            new.append(_of(row["name"], money(now)))
        if was > 0 and now == 0:
            gone.append(_of(row["name"], money(was)))
    if new:
        words = "%(count)d 种产品新出现本地需求：%(products)s；完整度的分母随之增大。"
        result.append(say(words, count=len(new), products=_listed(new)))
    if gone:
        words = "%(count)d 种产品不再有本地需求：%(products)s。"
        result.append(say(words, count=len(gone), products=_listed(gone)))
    before, after = difference.before.worst, difference.after.worst
    if before != after and after is not None:
        result.append(say("停产影响最大的企业变为%(name)s。", name=after[1]))
    return result


def _of(name: str, what: str) -> str:
    return say("%(name)s（%(what)s）", name=name, what=what)


def _listed(texts: Sequence[str]) -> str:
    more = say("等 %(count)d 项", count=len(texts)) if len(texts) > NAMED else ""
    return listed(texts[:NAMED]) + more


def _demand(side: Mapping[str, Any] | None) -> float:
    return 0.0 if side is None else float(side["demand"])


def _moved(change: Mapping[str, Any]) -> str:
    name, old, new = change["name"], change["before"], change["after"]
    figure, unit = text(FIGURES[name]["zh"]), FIGURES[name]["unit"]
    if old is None:
        words = "%(figure)s此前无法计算，现为 %(now)s。"
        return say(words, figure=figure, now=figure_text(name, new))
    if new is None:
        return say(
            "%(figure)s由 %(was)s 变为无法计算（%(reason)s）。",
            figure=figure,
            was=figure_text(name, old),
            reason=text(change["reason"]),
        )
    # Shares may move by less than the decimals of a table show.
    was, now = (
        f"{100 * value:.2f}%" if unit == "ratio" else figure_text(name, value)
        for value in (old, new)
    )
    if was == now:
        return say("%(figure)s基本不变（%(now)s）。", figure=figure, now=now)
    words = (
        "%(figure)s由 %(was)s 升至 %(now)s（%(by)s）。"
        if new > old
        else "%(figure)s由 %(was)s 降至 %(now)s（%(by)s）。"
    )
    return say(words, figure=figure, was=was, now=now, by=change_text(change))


def simulation_sentences(simulation: Simulation) -> list[str]:
    """What was assumed, and what follows."""
    return [*assumptions(simulation), *explained(simulation.difference)]


def assumptions(simulation: Simulation) -> list[str]:
    """What each move did to the enterprise's output in China."""
    result = []
    for effect in simulation.effects:
        made = [f"{p['name']} {money(p['before'])} → {money(p['after'])}" for p in effect.products]
        output = (
            say("其国内年产出变化：%(products)s", products=_listed(made))
            if made
            else say("其国内产出没有变化")
        )
        outside = effect.kind == "land" and not geo.contains(
            simulation.difference.after.region, effect.region
        )
        words = {
            "land": "假定%(name)s落地%(place)s（新工厂规模%(size)s）：%(output)s。",
            "lose": "假定失去%(name)s：%(output)s。",
            "grow": "假定%(name)s的产出变为原来的 %(factor)s 倍：%(output)s。",
        }[effect.kind]
        place = place_name(effect.region) if effect.region else ""
        result.append(
            say(
                words,
                name=effect.name,
                place=place,
                size=text(SIZES[simulation.size]),
                factor=number(effect.factor or 0.0),
                output=output,
            )
        )
        if outside:
            result.append(say("%(place)s不在所分析的地区之内，只影响全国份额。", place=place))
    return result


def change_text(change: Mapping[str, Any]) -> str:
    """By how much a figure moved, with its sign; "" where it cannot be told."""
    name, by = change["name"], change["change"]
    if by is None:
        return ""
    sign = "+" if by > 0 else "−"
    if FIGURES[name]["unit"] == "ratio":
        points = 100 * abs(by)
        # One decimal, as the shares themselves; what is smaller is not shown as nothing.
        return say(
            "%(by)s 个百分点", by=sign + (f"{points:.1f}" if points >= 0.05 else f"{points:.1g}")
        )
    return sign + figure_text(name, abs(by))


def state_text(side: Mapping[str, Any] | None) -> str:
    """How a product stands: its actions or state, and what is made of what is needed."""
    if side is None:
        return "—"
    actions = listed(text(STATES[a]) for a in side["actions"]) or text(STATES[side["primary"]])
    return say(
        "%(actions)s；产出 %(output)s，需求 %(demand)s",
        actions=actions,
        output=money(side["output"]),
        demand=money(side["demand"]),
    )
