"""招商攻坚图: gaps by priority, whom to bring in for each, and where to land them.

One drawing serves the page, the A3 sheet and the PNG; :func:`battle` holds what both the drawing and
its table twin show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..analysis.evidence import Detail, details
from ..analysis.gaps import EVIDENCE, ROUTES, STATES, Gaps
from ..graph.chain import records
from . import fonts
from .drawing import INK, LINE, NAVY, SOFT, Box, Circle, Drawing, Rect
from .drawing import Path as Line
from .language import retell, say
from .page import picture, write_page
from .sentences import reason_sentence, who_checks
from .sheet import BODY, badge, sheet, table_pages
from .style import LOOKS
from .tables import grid
from .words import listed, place_name, short_name, target_note, tie_word, yes_no

#: Gaps in the picture, and targets of each; the table beneath holds all gaps.
PICTURED, PER_GAP = 10, 3
#: Width of the columns of the picture in mm: gaps, lines, targets, lines, landing places.
_COLUMNS = (176.0, 14.0, 118.0, 24.0, 68.0)
_TOP, _TALLEST = 17.0, 24.0
#: Width of each column of the table in print, in parts.
_SHARES = (1.2, 5.5, 3.2, 2.4, 12.5, 6.0, 15.5, 5.5, 2.6, 2.0)


@dataclass(frozen=True)
class Battle:
    """One gap with whom to bring in and where.

    Attributes:
        row: Row of the table of gaps.
        reason: Why it is a gap, one sentence.
        targets: The best targets, best first, as rows of the table of targets.
        landing: Region code, "" where there is no target.
        why: Reasons for the landing place.
        checks: Who could tell whether a suspected gap is one.
    """

    row: dict[str, Any]
    reason: str
    targets: tuple[dict[str, Any], ...]
    landing: str
    why: str
    checks: str


def battle(
    gaps: Gaps,
    targets: pd.DataFrame,
    products: Collection[str] | None = None,
    beside: Mapping[str, Detail] | None = None,
) -> list[Battle]:
    """Every gap with an action, highest priority first.

    Args:
        gaps: The gaps.
        targets: Ranked targets, see :func:`analysis.targets.find_targets`.
        products: Ids of products, to which the gaps are confined; None for all.
        beside: What stands beside each gap; worked out here where None.
    """
    acting = gaps.acting()
    if products is not None:
        acting = acting[acting["product"].isin(list(products))]
    if beside is None:
        beside = details(gaps, acting["product"])
    best = {
        str(product): tuple(records(group))
        for product, group in targets[targets["rank"] <= PER_GAP].groupby("product", sort=False)
    }
    result = []
    for row in records(acting):
        own = best.get(row["product"], ())
        why = [f["text"] for f in own[0]["facts"] if f["part"] == "landing"] if own else []
        result.append(
            Battle(
                row,
                reason_sentence(row, beside[row["product"]]),
                own,
                own[0]["landing"] if own else "",
                why[0].partition("：")[2] or why[0] if why else "",
                who_checks(row, beside[row["product"]]),
            )
        )
    return result


def battle_table(battles: list[Battle]) -> pd.DataFrame:
    """Every gap with its best targets, landing place, route, evidence and reason."""
    return pd.DataFrame(
        [
            {
                "序": order,
                "缺口产品": b.row["name"],
                "动作": _actions(b.row),
                "优先级": b.row["priority"],
                "原因": b.reason,
                "路径": _routes(b.row),
                "目标企业": "；".join(map(_target, b.targets)) or "—",
                "落地建议": place_name(b.landing) if b.landing else "—",
                "证据": EVIDENCE[b.row["evidence"]],
                "稳健": yes_no(b.row["robust"]),
            }
            for order, b in enumerate(battles, 1)
        ],
        columns=[
            "序", "缺口产品", "动作", "优先级", "原因", "路径", "目标企业", "落地建议", "证据", "稳健",
        ],
    )  # fmt: skip


def _actions(row: dict[str, Any]) -> str:
    return listed(retell(STATES[a]) for a in row["actions"])


def _routes(row: dict[str, Any]) -> str:
    return listed(retell(ROUTES[r]) for r in row["routes"]) or "—"


def _target(target: dict[str, Any]) -> str:
    place = place_name(target["from_region"])
    marks = [retell(w) for w in (tie_word(target), target_note(target)) if w]
    return say(
        "%(rank)s. %(name)s（%(place)s，%(score).2f%(marks)s）",
        rank=target["rank"],
        name=target["name"],
        place=place,
        score=target["score"],
        marks="".join(retell("，") + w for w in marks),
    )


def draw_attraction(
    battles: list[Battle], title: str, stamp: str, out: Path, *, single: bool = False
) -> None:
    """Write the investment attraction page of a region and cluster.

    Args:
        battles: See :func:`battle`.
        title: Heading.
        stamp: Region, version and date.
        out: The HTML file.
        single: Whether the page holds its scripts and styles itself.
    """
    shown = battles[:PICTURED]
    drawing = Drawing(BODY.w, _height(len(shown), BODY.h))
    _draw(drawing, shown, len(battles), Box(0, 0, drawing.width, drawing.height))
    context = {
        "title": title,
        "stamp": stamp,
        "picture": picture(drawing, "figure", title),
        "looks": {a: LOOKS[a] for a in STATES if any(a == b.row["primary"] for b in battles)},
        "states": STATES,
        "pictured": len(shown),
        "per_gap": PER_GAP,
        "table": grid(battle_table(battles), nowrap=("缺口产品", "证据")),
    }
    data = {
        "rows": [{"key": b.row["product"], "primary": b.row["primary"]} for b in battles],
    }
    write_page(out, "battle.html", context, data, ["battle.js"], single=single)


def attraction_sheets(battles: list[Battle], title: str, stamp: str, source: str) -> list[Drawing]:
    """The A3 作战图: the picture on one page, then all gaps as a table.

    Args:
        battles: See :func:`battle`.
        title: Heading.
        stamp: Region, version and date.
        source: Where the facts come from.
    """
    page = sheet(title, stamp, source)
    _draw(page, battles[:PICTURED], len(battles), BODY)
    twin = table_pages(
        lambda more: sheet(f"{title}：清单{more}", stamp, source),
        battle_table(battles),
        _SHARES,
    )
    return [page, *twin]


def _height(count: int, most: float) -> float:
    return min(most, _TOP + _TALLEST * max(1, count))


def _draw(page: Drawing, battles: list[Battle], whole: int, area: Box) -> None:
    """The picture: gaps on the left, targets in the middle, landing places on the right."""
    lefts = [area.x]
    for wide in _COLUMNS[:-1]:
        lefts.append(lefts[-1] + wide)
    gap_x, _, target_x, _, landing_x = lefts
    _legend(page, battles, whole, area)
    y = area.y + 9.5
    for x, wide, text in (
        (gap_x, _COLUMNS[0], "缺口（按优先级）与原因"),
        (target_x, _COLUMNS[2], "目标企业（按得分）"),
        (landing_x, _COLUMNS[4], "落地建议"),
    ):
        page.add(Rect(box=Box(x, y, wide, 6.5), fill="#DCE6F0"))
        page.text(x + wide / 2, y + 4.7, text, 3.9, NAVY, "middle", bold=True)
    top = area.y + _TOP
    high = min(_TALLEST, (area.bottom - top) / max(1, len(battles)))
    if not battles:
        page.text(area.x + area.w / 2, top + 8, "没有需要行动的缺口。", 4.0, SOFT, "middle")
        return
    boxes = _landing_boxes(battles, top, high, landing_x)
    for at, one in enumerate(battles):
        box = Box(gap_x, top + at * high, _COLUMNS[0], high - 1.4)
        middle = box.y + box.h / 2
        colour = LOOKS[one.row["primary"]].colour
        if one.targets:
            _link(page, box.right, middle, target_x, middle, colour)
            landing, slots = boxes[one.landing]
            _link(
                page, target_x + _COLUMNS[2], middle, landing.x, slots[one.row["product"]], colour
            )
        _gap(page, box, at + 1, one)
        _targets(page, Box(target_x, box.y, _COLUMNS[2], box.h), one)
    for code, (box, slots) in boxes.items():
        _landing(page, box, code, [b for b in battles if b.row["product"] in slots])


def _link(page: Drawing, x1: float, y1: float, x2: float, y2: float, colour: str) -> None:
    bend = (x2 - x1) / 2
    steps = (("M", x1, y1), ("C", x1 + bend, y1, x2 - bend, y2, x2, y2))
    page.add(Line(steps=steps, stroke=colour, width=0.9, opacity=0.6))


def _gap(page: Drawing, box: Box, order: int, one: Battle) -> None:
    """A gap: sign, name, priority, actions; the reason; route, evidence and robustness."""
    row, key = one.row, one.row["product"]
    look = LOOKS[row["primary"]]
    page.add(Rect(box=box, fill="#FFFFFF", stroke="#B8C2CC", width=0.25, radius=1.0, key=key))
    page.add(Rect(box=Box(box.x, box.y, 2.0, box.h), fill=look.colour, key=key))
    badge(page, box.x + 8.0, box.y + 6.0, 3.6, row["primary"], key=key)
    page.text(box.x + 8.0, box.y + box.h - 2.6, str(order), 4.0, SOFT, "middle", bold=True, key=key)
    x, size = box.x + 14.0, 4.4
    page.text(x, box.y + 5.4, row["name"], size, room=78, bold=True, key=key)
    page.text(x + 80, box.y + 5.3, _actions(row), 3.3, SOFT, room=30, key=key)
    bar = Box(box.right - 44, box.y + 2.8, 30.0, 2.6)
    page.add(Rect(box=bar, fill="#EDF0F3", key=key))
    page.add(Rect(box=Box(bar.x, bar.y, bar.w * row["priority"], bar.h), fill=NAVY, key=key))
    page.text(bar.x - 1.5, bar.bottom, "优先级", 3.0, SOFT, "end", key=key)
    page.text(box.right - 2, bar.bottom + 0.3, f"{row['priority']:.2f}", 3.4, INK, "end", key=key)
    room = box.right - x - 2
    y = page.lines(x, box.y + 10.8, one.reason, 3.3, room, 2 if box.h > 20 else 1, key=key)
    if row["evidence"] == "suspected" and y < box.bottom - 6.5:
        page.text(
            x, y + 0.3, say("可请核实：%(who)s", who=one.checks), 3.1, SOFT, room=room, key=key
        )
    base = box.bottom - 2.0
    end = box.right - 2
    for text, strong, dashed in (
        ("稳健" if row["robust"] else "不稳健", not row["robust"], False),
        (EVIDENCE[row["evidence"]], False, row["evidence"] == "suspected"),
    ):
        wide = fonts.width(retell(text), 3.2) + 2.4
        _chip(page, Box(end - wide, base - 3.2, wide, 4.4), text, strong, dashed, key)
        end -= wide + 1.5
    page.text(
        x, base, say("路径：%(routes)s", routes=_routes(row)), 3.2, NAVY, room=end - x - 2, key=key
    )


def _chip(page: Drawing, box: Box, text: str, strong: bool, dashed: bool, key: str) -> None:
    """A small label; dashed where something is open, with a thick edge where it warns."""
    page.add(
        Rect(
            box=box,
            fill="#FFFFFF" if strong or dashed else "#E3EFE3",
            stroke="#222222",
            width=0.6 if strong else 0.25,
            dash=(1.0, 0.8) if dashed else (),
            radius=0.8,
            key=key,
        )
    )
    page.text(box.x + box.w / 2, box.bottom - 1.1, text, 3.2, INK, "middle", key=key)


def _targets(page: Drawing, box: Box, one: Battle) -> None:
    """Up to three targets: rank, name, home, score as bar and figure."""
    page.add(Rect(box=box, fill="#FFFFFF", stroke="#B8C2CC", width=0.25, radius=1.0))
    if not one.targets:
        page.text(box.x + 3, box.y + box.h / 2 + 1.2, "暂无候选企业：先寻源或培育。", 3.4, SOFT)
        return
    step = box.h / PER_GAP
    for at, target in enumerate(one.targets):
        base = box.y + (at + 0.5) * step + 1.25
        tip = _tip(target)
        page.text(box.x + 2, base, str(target["rank"]), 3.4, NAVY, bold=True)
        # Names stop before the marks: 并列 with the one above, 省内协同, 相近产品.
        mark = "·".join(retell(w) for w in (tie_word(target), target_note(target)) if w)
        wide = fonts.width(mark, 2.8) + 1.5 if mark else 0.0
        page.text(box.x + 6, base, target["name"], 3.5, room=60 - wide, tip=tip)
        if mark:
            page.text(box.x + 66, base, mark, 2.8, NAVY, "end")
        page.text(box.x + 68, base, place_name(target["from_region"]), 3.0, SOFT, room=27)
        bar = Box(box.right - 21, base - 2.4, 10.0, 2.2)
        page.add(Rect(box=bar, fill="#EDF0F3"))
        page.add(
            Rect(box=Box(bar.x, bar.y, bar.w * min(1.0, target["score"]), bar.h), fill="#5B7FA6")
        )
        page.text(box.right - 2, base, f"{target['score']:.2f}", 3.3, INK, "end", tip=tip)


def _tip(target: dict[str, Any]) -> str:
    facts = "\n".join(retell(f["text"]) for f in target["facts"])
    span = say("名次区间 %(low)d～%(high)d", low=target["rank_low"], high=target["rank_high"])
    return f"{_target(target)}\n{span}\n{facts}"


def _landing_boxes(
    battles: list[Battle], top: float, high: float, x: float
) -> dict[str, tuple[Box, dict[str, float]]]:
    """A box for each landing place near its gaps, and where the line of each gap ends."""
    rows: dict[str, list[int]] = {}
    for at, one in enumerate(battles):
        if one.landing:
            rows.setdefault(one.landing, []).append(at)
    order = sorted(rows, key=lambda code: (sum(rows[code]) / len(rows[code]), code))
    whole = high * len(battles)
    # Each place gets room for its text, and more the more gaps lead to it.
    least = min(24.0, whole / max(1, len(order)) - 1.4)
    spare = max(0.0, whole - (least + 1.4) * len(order))
    total = sum(map(len, rows.values()))
    y = top
    result = {}
    for code in order:
        box = Box(x, y, _COLUMNS[4], least + spare * len(rows[code]) / total)
        step = box.h / len(rows[code])
        result[code] = (
            box,
            {
                battles[at].row["product"]: box.y + (i + 0.5) * step
                for i, at in enumerate(rows[code])
            },
        )
        y = box.bottom + 1.4
    return result


def _landing(page: Drawing, box: Box, code: str, battles: list[Battle]) -> None:
    page.add(Rect(box=box, fill="#F3F8F3", stroke="#2E7D32", width=0.4, radius=1.0))
    words = Counter(word for b in battles for word in b.why.split("、") if word)
    texts = [
        (short_name(code), 4.2, INK, True),
        (
            say(
                "承接 %(count)d 个缺口：%(names)s",
                count=len(battles),
                names=listed(b.row["name"] for b in battles),
            ),
            3.1,
            INK,
            False,
        ),
        (
            retell("；").join(f"{retell(word)} ({n})" for word, n in words.most_common()),
            3.1,
            SOFT,
            False,
        ),
    ]
    room = box.w - 5
    y = box.y + 5.6
    page.text(box.x + 2.5, y, *texts[0][:3], room=room, bold=True)
    y += 5.0
    left = int((box.bottom - 1.0 - y) / 4.1) + 1
    for text, size, colour, _ in texts[1:]:
        most = min(left - (1 if text is texts[1][0] else 0), 6)
        if most > 0 and text:
            used = len(fonts.wrap(fonts.printable(text), room, size, most))
            y = page.lines(box.x + 2.5, y, text, size, room, most, colour, leading=4.1 / size)
            left -= used


def _legend(page: Drawing, battles: list[Battle], whole: int, area: Box) -> None:
    """What signs, chips and bars mean, in one line."""
    x, y, size = area.x + 2.5, area.y + 4.0, 3.4

    def word(text: str, gap: float = 5.0) -> None:
        nonlocal x
        text = retell(text)
        page.text(x, y + 0.38 * size, text, size)
        x += fonts.width(fonts.printable(text), size) + gap

    word(
        f"图中为优先级最高的 {len(battles)} 个缺口（共 {whole} 个，其余见表），每个列得分最高的 {PER_GAP} 家。"
    )
    for state in dict.fromkeys(b.row["primary"] for b in battles):
        badge(page, x + 2.4, y, 2.4, state)
        x += 6.0
        word(STATES[state])
    for text, strong, dashed in (
        ("已确认", False, False), ("待核实", False, True), ("不稳健", True, False),
    ):  # fmt: skip
        wide = fonts.width(retell(text), 3.2) + 2.4
        _chip(page, Box(x, y - 2.2, wide, 4.4), text, strong, dashed, "")
        x += wide + 2.0
    x += 3.0
    page.add(Circle(x=x, y=y, r=0.6, fill=LINE))
    x += 2.0
    word("线色＝首要动作")
