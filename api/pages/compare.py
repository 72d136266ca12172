"""对比与模拟: two regions, two versions, or what an enterprise's coming, going or growing changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ...analysis.gaps import ACTIONS, STATES
from ...analysis.scope import Scope
from ...analysis.simulate import SIZES, Grow, Land, Lose, Move, Simulation, simulate
from ...analysis.situation import (
    CHANGES,
    FIGURES,
    Difference,
    Situation,
    difference,
    moved,
    situation,
)
from ...graph import regions as geo
from ...graph.chain import records
from ...graph.errors import ChainAtlasError, NotFoundError
from ...viz.changes import assumptions, causes, change_text, explained, figure_text, state_text
from ...viz.language import say
from ...viz.words import place_name
from ..http.access import Role, access
from ..http.problems import Problem
from .find import find_enterprises
from .patience import patient
from .scope import Chosen, answer_key, chosen
from .shell import render

router = APIRouter()

#: What of the address belongs to the view; ``move`` may stand several times.
STATE = ("with", "other", "from", "to", "size", "q")
MODES = {"region": "两个地区", "version": "两个版本", "move": "企业进退"}
MOVES = {"land": "落地", "lose": "失去", "grow": "增长"}
#: Moves of one simulation.
_MOST = 8


@dataclass(frozen=True)
class Outcome:
    """A comparison ready to show.

    Attributes:
        heads: What stands above the two columns of figures.
        sentences: The difference in sentences.
        difference: The difference itself.
    """

    heads: tuple[str, str]
    sentences: list[str]
    difference: Difference
    products: list[dict[str, Any]] = field(default_factory=list)

    @property
    def figures(self) -> list[tuple[str, str, str, str]]:
        """Name, both values and the change of every figure; the change is "" where none."""
        return [
            (
                FIGURES[c["name"]]["zh"],
                figure_text(c["name"], c["before"]),
                figure_text(c["name"], c["after"]),
                change_text(c) if moved(c) else "",
            )
            for c in self.difference.figures()
        ]


@router.get("/compare")
@access(Role.viewer, "region", "other")
@patient
def compare(request: Request) -> HTMLResponse:
    """对比与模拟：两地区、两版本，或企业落地、失去、增长的前后。"""
    one = chosen(request, *STATE)
    if not one.cluster:
        return render(request, "nothing.html", title="对比与模拟")
    mode = one.state["with"] or "region"
    moves = _asked(request)
    if mode not in MODES:
        raise Problem("not-found")
    if mode == "move" and one.caller.role < Role.analyst:
        raise Problem("forbidden", say("模拟需要分析员角色。"))
    versions = one.service.store.versions()
    numbers = [v.number for v in versions]
    outcome = {"region": _regions, "version": _versions, "move": _moves}[mode](one, numbers, moves)
    text = one.state.get("q", "")
    return render(
        request,
        "compare.html",
        data={"find": one.link("/compare/find", q="")},
        one=one,
        mode=mode,
        modes=MODES,
        kinds=MOVES,
        sizes=SIZES,
        size=one.state["size"] or "median",
        versions=versions,
        old=_version(one.state.get("from"), numbers, -2),
        new=_version(one.state.get("to"), numbers, -1),
        moves=[_told(one, moves, at) for at in range(len(moves))],
        hits=find_enterprises(one.graph, text) if mode == "move" and text.strip() else [],
        wanted=text,
        add=_adder(one, moves),
        outcome=outcome,
        changes=CHANGES,
        state_text=state_text,
        actions=ACTIONS,
    )


@router.get("/compare/find")
@access(Role.analyst, "region")
def find(request: Request) -> HTMLResponse:
    """对比与模拟的一部分：按名称查找企业。"""
    one = chosen(request, *STATE)
    moves = _asked(request)
    return render(
        request,
        "compare_hits.html",
        hits=find_enterprises(one.graph, one.state.get("q", "")),
        wanted=one.state.get("q", ""),
        kinds=MOVES,
        add=_adder(one, moves),
    )


def _asked(request: Request) -> list[str]:
    """The moves of an address; fields beside them change where one lands or by how much it grows."""
    found = []
    for text in request.query_params.getlist("move")[:_MOST]:
        kind, amount, enterprise = _parts(text)
        field = {"land": "place", "grow": "factor"}.get(kind)
        if field is not None:
            amount = request.query_params.get(f"{field}:{enterprise}", amount)
        found.append(_text(kind, amount, enterprise))
    return found


def _text(kind: str, amount: str, enterprise: str) -> str:
    return ":".join((kind, enterprise) if kind == "lose" else (kind, amount, enterprise))


def _adder(one: Chosen, moves: list[str]) -> Any:
    """Makes the address that adds a move of an enterprise."""

    def add(kind: str, enterprise: str) -> str:
        amount = {"land": one.region, "lose": "", "grow": "2"}[kind]
        return _with_moves(one, [*moves, _text(kind, amount, enterprise)])

    return add


def _with_moves(one: Chosen, moves: list[str]) -> str:
    base = one.link("/compare", **{"with": "move", "size": one.state["size"]})
    return base + "".join("&" + urlencode({"move": move}) for move in moves)


def _told(one: Chosen, moves: list[str], at: int) -> dict[str, str]:
    """A move in words, and the address without it."""
    kind, amount, enterprise = _parts(moves[at])
    (row,) = one.graph.position("enterprises", [enterprise])
    name = str(one.graph.text("enterprises", "name")[row]) if row >= 0 else enterprise
    told = {
        "land": say("%(name)s 落地 %(place)s", name=name, place=place_name(amount)),
        "lose": say("失去 %(name)s", name=name),
        "grow": say("%(name)s 产出变为 %(factor)s 倍", name=name, factor=amount),
    }[kind]
    return {
        "text": told,
        "kind": kind,
        "name": name,
        "amount": amount,
        "enterprise": enterprise,
        "raw": moves[at],
        "without": _with_moves(one, moves[:at] + moves[at + 1 :]),
    }


def _parts(move: str) -> tuple[str, str, str]:
    """Kind, region or factor, and enterprise of a move as it stands in an address.

    >>> _parts("land:420100:e1"), _parts("lose:e:1"), _parts("grow:1.5:e1")
    (('land', '420100', 'e1'), ('lose', '', 'e:1'), ('grow', '1.5', 'e1'))
    """
    kind, _, rest = move.partition(":")
    if kind not in MOVES:
        raise ChainAtlasError(say("不认识的变化：%(move)s。", move=move))
    if kind == "lose":
        return kind, "", rest
    amount, _, enterprise = rest.partition(":")
    return kind, amount, enterprise


def _move(one: Chosen, text: str) -> Move:
    kind, rest, enterprise = _parts(text)
    if kind == "lose":
        return Lose(enterprise)
    if kind == "land":
        if geo.exists(rest) and not one.caller.may_see(rest):
            raise Problem("forbidden", say("超出地区范围 %(region)s。", region=one.caller.region))
        return Land(enterprise, rest)
    try:
        return Grow(enterprise, float(rest))
    except ValueError:
        raise ChainAtlasError(say("增长倍数应为数：%(factor)s。", factor=rest)) from None


def _moves(one: Chosen, _: list[int], moves: list[str]) -> Outcome | None:
    if not moves:
        return None
    size = one.state["size"] or "median"
    if size not in SIZES:
        raise Problem("not-found")

    def make() -> Simulation:
        return simulate(one.gaps.scope, [_move(one, text) for text in moves], size)  # type: ignore[arg-type]

    found = one.service.answer(*answer_key(one, "simulate", size, *moves), make=make)
    heads = (say("之前"), say("之后"))
    return _outcome(heads, [*assumptions(found), *_causes(found.difference)], found.difference)


def _outcome(heads: tuple[str, str], sentences: list[str], found: Difference) -> Outcome:
    return Outcome(heads, sentences, found, records(found.products))


def _causes(found: Difference) -> list[str]:
    """What came and went; figures that moved stand in a table of their own."""
    said = causes(found)
    return said or (
        [say("缺口没有变化，只有指标变化。")] if len(found.products) else explained(found)
    )


def _situation(one: Chosen, region: str, version: int | None = None) -> Situation:
    graph = one.service.graph(version)
    key = ("situation", graph.version, region, one.cluster)
    return one.service.answer(*key, make=lambda: situation(Scope.of(graph, region, one.cluster)))


def _version(text: str | None, numbers: list[int], default: int) -> int:
    if text and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    return numbers[default] if len(numbers) >= -default else numbers[-1] if numbers else 0


def _versions(one: Chosen, numbers: list[int], _: list[str]) -> Outcome | None:
    old = _version(one.state.get("from"), numbers, -2)
    new = _version(one.state.get("to"), numbers, -1)
    if old == new:
        return None
    if not {old, new} <= set(numbers):
        raise NotFoundError(say("没有这个版本。"))
    found = difference(_situation(one, one.region, old), _situation(one, one.region, new))
    heads = (say("版本 %(number)s", number=old), say("版本 %(number)s", number=new))
    return _outcome(heads, _causes(found), found)


def _regions(one: Chosen, _: list[int], __: list[str]) -> Outcome | None:
    other = one.state.get("other", "")
    if not other or other == one.region:
        return None
    if not geo.exists(other):
        raise NotFoundError(say("没有这个地区：%(region)s。", region=other))
    found = difference(_situation(one, one.region), _situation(one, other))
    heads = (place_name(one.region), place_name(other))
    return _outcome(heads, _beside(found, heads), found)


def _beside(found: Difference, heads: tuple[str, str]) -> list[str]:
    """How two regions differ, in sentences: gaps that only one of them has."""
    names = dict(zip(found.products["product"], found.products["name"], strict=True))
    lines = []
    for pairs, mine, theirs in (
        (found.closed, heads[0], heads[1]),
        (found.opened, heads[1], heads[0]),
    ):
        if pairs:
            listed = [f"{names[p]}（{say(STATES[a])}）" for p, a in pairs]
            shown = say("、").join(listed[:12]) + ("…" if len(listed) > 12 else "")
            lines.append(
                say(
                    "只有%(mine)s有、%(theirs)s没有的缺口 %(count)d 项：%(listed)s。",
                    mine=mine, theirs=theirs, count=len(pairs), listed=shown,
                )
            )  # fmt: skip
    return lines or [say("两地的缺口相同。")]
