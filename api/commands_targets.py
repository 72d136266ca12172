"""Commands on how to close gaps: whom to bring in, and the ways besides."""

from __future__ import annotations

from typing import Annotated

import typer

from ..analysis.gaps import Gaps
from ..analysis.landing import SIDES_ZH
from ..analysis.routes import PER_WAY, WAYS, routes_of
from ..analysis.targets import PER_GAP, WANTED_ZH, Wanted, find_targets
from ..graph.chain import ChainGraph
from ..graph.errors import NotFoundError
from ..graph.schema import LABELS
from . import answers
from .answers_routes import routes_answer
from .output import Format, write
from .shell import Cluster, Db, Form, Out, Region, VersionNo, app, gaps_of, one_of
from .wanted import contradiction, place_code

Product = Annotated[str | None, typer.Option("--product", help="只看一个产品编码。")]


def _weights(text: str | None) -> dict[str, float] | None:
    """Weights as ``side=value,...``; anything else is a malformed command."""
    if text is None:
        return None
    found = {}
    for part in text.split(","):
        name, equals, value = (x.strip() for x in part.partition("="))
        try:
            weight = float(value)
        except ValueError:
            weight = -1.0
        if name not in SIDES_ZH or not equals or not 0 <= weight < float("inf"):
            raise typer.BadParameter(f"{part!r}：应为 {'|'.join(SIDES_ZH)}=不小于 0 的数，逗号分隔")
        found[name] = weight
    return found


def _labels(values: list[str] | None) -> list[str] | None:
    for value in values or []:
        one_of(LABELS)(value)
    return values


@app.command()
def targets(
    region: Region,
    cluster: Cluster,
    product: Product = None,
    top: Annotated[
        int, typer.Option("--top", min=0, help="每个缺口的企业数，0 为全部。")
    ] = PER_GAP,
    min_size: Annotated[
        float | None, typer.Option("--min-size", min=0, help=WANTED_ZH["min_size"])
    ] = None,
    max_size: Annotated[
        float | None, typer.Option("--max-size", min=0, help=WANTED_ZH["max_size"])
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label", callback=_labels, help=f"{WANTED_ZH['label']}可重复：{'、'.join(LABELS)}。"
        ),
    ] = None,
    listed: Annotated[
        bool | None, typer.Option("--listed/--unlisted", help=WANTED_ZH["listed"])
    ] = None,
    from_region: Annotated[
        list[str] | None,
        typer.Option(
            "--from-region", "--from", help=f"{WANTED_ZH['from_region']}代码或名称，可重复。"
        ),
    ] = None,
    new: Annotated[
        bool, typer.Option("--new-to-province", help=WANTED_ZH["new_to_province"])
    ] = False,
    domestic: Annotated[
        bool | None, typer.Option("--domestic/--foreign", help=WANTED_ZH["domestic"])
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", help=f"{WANTED_ZH['exclude']}编码或名称，可重复。"),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            "--landing-weights",
            help=f"落地选址权重，如 demand=0.5,research=0.5；可用：{'、'.join(SIDES_ZH)}。",
        ),
    ] = None,
    db: Db = "",
    version: VersionNo = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """招商目标：每个缺口引进谁、落在哪里、为什么。"""
    landing = _weights(weights)
    found = gaps_of(db, version, region, cluster)
    wanted = Wanted(
        min_size=min_size,
        max_size=max_size,
        label=tuple(label or ()),
        listed=listed,
        from_region=tuple(place_code(text) for text in from_region or ()),
        new_to_province=new,
        domestic=domestic,
        exclude=tuple(_enterprise(found.scope.graph, text) for text in exclude or ()),
    )
    if wrong := contradiction(wanted):
        raise typer.BadParameter(wrong)
    ranked = find_targets(found, _asked(found, product), top or None, wanted, landing)
    write(answers.targets_answer(found, ranked), form, out)


@app.command()
def routes(
    region: Region,
    cluster: Cluster,
    product: Product = None,
    route: Annotated[
        str | None, typer.Option("--route", callback=one_of(WAYS), help="只看一种路径。")
    ] = None,
    top: Annotated[
        int, typer.Option("--top", min=0, help="每个缺口每种路径的条数，0 为全部。")
    ] = PER_WAY,
    db: Db = "",
    version: VersionNo = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """引进以外的路径：培育谁、谁来扩能、省内谁能配套、谁来攻关，为什么。"""
    found = gaps_of(db, version, region, cluster)
    named = routes_of(found, _asked(found, product), top or None)
    if route is not None:
        named = named[named["route"] == route].reset_index(drop=True)
    write(routes_answer(found, named), form, out)


def _asked(found: Gaps, product: str | None) -> list[str] | None:
    """The product asked for.

    Raises:
        NotFoundError: The cluster has no such product.
    """
    if product is None:
        return None
    if product not in set(found.table["product"]):
        raise NotFoundError(f"集群 {found.scope.cluster} 没有这个产品：{product}。")
    return [product]


def _enterprise(graph: ChainGraph, text: str) -> str:
    """The id of an enterprise, by id or name.

    Raises:
        NotFoundError: There is no such enterprise.
    """
    if text in graph.index("enterprises"):
        return text
    enterprises = graph["enterprises"]
    hits = enterprises.loc[enterprises["name"] == text, "id"].tolist()
    if not hits:
        raise NotFoundError(f"没有这家企业：{text}。")
    return str(hits[0])
