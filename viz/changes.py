"""What changed between two situations, in Chinese sentences and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ..analysis.gaps import STATES
from ..analysis.simulate import SIZES, Simulation
from ..analysis.situation import CHANGES, FIGURES, Difference, moved
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
    products = difference.products
    names = dict(zip(products["product"], products["name"], strict=True))
    result = []
    for pairs, words in ((difference.closed, "消除"), (difference.opened, "新增")):
        if pairs:
            listed = [f"{names[p]}（{STATES[a]}）" for p, a in pairs]
            result.append(f"{words}缺口 {len(pairs)} 项：{_listed(listed)}。")
    new, gone = [], []
    for row in products.itertuples(index=False):
        was, now = _demand(row.before), _demand(row.after)
        if was == 0 and now > 0:
            new.append(f"{row.name}（{money(now)}）")
        if was > 0 and now == 0:
            gone.append(f"{row.name}（{money(was)}）")
    if new:
        result.append(f"{len(new)} 种产品新出现本地需求：{_listed(new)}；完整度的分母随之增大。")
    if gone:
        result.append(f"{len(gone)} 种产品不再有本地需求：{_listed(gone)}。")
    result += [_moved(change) for change in difference.figures() if moved(change)]
    before, after = difference.before.worst, difference.after.worst
    if before != after and after is not None:
        result.append(f"停产影响最大的企业变为{after[1]}。")
    return result or ["各项结论和指标都没有变化。"]


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
        return f"{zh}由 {figure_text(name, old)} 变为无法计算（分母为零）。"
    way, sign = ("升至", "+") if new > old else ("降至", "−")
    # Shares may move by less than the decimals of a table show.
    was, now, by = (
        (f"{100 * old:.2f}%", f"{100 * new:.2f}%", f"{100 * abs(new - old):.2g} 个百分点")
        if unit == "ratio"
        else (figure_text(name, old), figure_text(name, new), figure_text(name, abs(new - old)))
    )
    return f"{zh}由 {was} {way} {now}（{sign}{by}）。"


def simulation_sentences(simulation: Simulation) -> list[str]:
    """What was assumed, and what follows."""
    return [*_effects(simulation), *explained(simulation.difference)]


def _effects(simulation: Simulation) -> list[str]:
    result = []
    for effect in simulation.effects:
        listed = [
            f"{p['name']} {money(p['before'])} → {money(p['after'])}" for p in effect.products
        ]
        output = f"其国内年产出变化：{_listed(listed)}" if listed else "其国内产出没有变化"
        what = {
            "land": f"{effect.name}落地{place_name(effect.region)}"
            f"（新工厂规模{SIZES[simulation.size]}）",
            "lose": f"失去{effect.name}",
            "grow": f"{effect.name}的产出变为原来的 {number(effect.factor or 0.0)} 倍",
        }[effect.kind]
        result.append(f"假定{what}：{output}。")
    return result


def figures_table(difference: Difference) -> pd.DataFrame:
    """Every figure before and after."""
    rows = difference.figures()
    return pd.DataFrame(
        {
            "指标": [FIGURES[row["name"]]["zh"] for row in rows],
            "之前": [figure_text(row["name"], row["before"]) for row in rows],
            "之后": [figure_text(row["name"], row["after"]) for row in rows],
            "有变化": ["是" if moved(row) else "" for row in rows],
        }
    )


def products_table(difference: Difference) -> pd.DataFrame:
    """Products whose actions or figures changed."""
    rows = []
    for row in difference.products.itertuples(index=False):
        cells = {"产品": row.name, "变化": CHANGES[row.change]}
        for when, side in (("之前", row.before), ("之后", row.after)):
            actions = [] if side is None else side["actions"]
            state = "—" if side is None else STATES[side["primary"]]
            cells[f"{when}动作"] = "、".join(STATES[a] for a in actions) or state
        for when, side in (("之前", row.before), ("之后", row.after)):
            cells[f"{when}产出"] = "—" if side is None else money(side["output"])
            cells[f"{when}需求"] = "—" if side is None else money(side["demand"])
        rows.append({**cells, "产品编码": row.product})
    return pd.DataFrame(rows)
