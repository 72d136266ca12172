"""``chainatlas simulate``: the same answers before and after enterprises land, are lost or grow."""

from __future__ import annotations

from typing import Annotated

import typer

from ..analysis.scope import Scope
from ..analysis.simulate import SIZES, Grow, Land, Lose, Move, Size, simulate
from ..graph import regions as geo
from ..graph.chain import ChainGraph
from ..graph.errors import ChainAtlasError, NotFoundError
from .answers_whatif import simulate_answer
from .output import Format, write
from .shell import Cluster, Db, Form, Out, Region, VersionNo, app, one_of, view_of


@app.command("simulate")
def simulate_command(
    region: Region,
    cluster: Cluster,
    land: Annotated[
        list[str] | None, typer.Option("--land", help="企业:地区，企业在该地区设厂；可重复。")
    ] = None,
    lose: Annotated[list[str] | None, typer.Option("--lose", help="失去的企业；可重复。")] = None,
    grow: Annotated[
        list[str] | None, typer.Option("--grow", help="企业:倍数，产出变为几倍；可重复。")
    ] = None,
    as_size: Annotated[
        str,
        typer.Option(
            "--as-size",
            callback=one_of(SIZES),
            help="新工厂规模：median 不超过国内中位，own 与该企业最大工厂相同。",
        ),
    ] = "median",
    db: Db = "",
    version: VersionNo = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """模拟企业落地、流失、增长：缺口、配套率、风险和链条完整度的前后对比与说明。"""
    graph = view_of(db, version).graph()
    moves: list[Move] = [Lose(enterprise_id(graph, text)) for text in lose or []]
    for text in grow or []:
        who, factor = _pair(text, "--grow", "企业:倍数")
        moves.append(Grow(enterprise_id(graph, who), _number(factor)))
    for text in land or []:
        who, where = _pair(text, "--land", "企业:地区")
        moves.append(Land(enterprise_id(graph, who), geo.resolve(where)))
    scope = Scope.of(graph, geo.resolve(region), cluster)
    size: Size = "own" if as_size == "own" else "median"
    write(simulate_answer(simulate(scope, moves, size)), form, out)


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    # An id may hold a colon itself; regions and factors do not.
    who, colon, what = text.rpartition(":")
    if not colon or not who or not what:
        raise typer.BadParameter(f"{text!r}：应为 {form}", param_hint=option)
    return who, what


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}：应为数字", param_hint="--grow") from None


def enterprise_id(graph: ChainGraph, text: str) -> str:
    """The id that an id or an unambiguous name means.

    Raises:
        NotFoundError: No enterprise of that id or name.
        ChainAtlasError: Several of that name.
    """
    if text in graph.index("enterprises"):
        return text
    ids = graph.text("enterprises", "id")[graph.text("enterprises", "name") == text].tolist()
    if not ids:
        raise NotFoundError(f"没有这家企业：{text}。")
    if len(ids) > 1:
        raise ChainAtlasError(f"名为“{text}”的企业有多家：{'、'.join(ids[:5])}，请用编码。")
    return str(ids[0])
