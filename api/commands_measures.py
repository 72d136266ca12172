"""Commands on what a chain needs, what a region is near to, and where value lies."""

from __future__ import annotations

from typing import Annotated

import typer

from ..analysis.relatedness import relatedness
from ..analysis.requirements import requirements, why
from ..analysis.scope import Scope
from ..analysis.value import value_chain
from ..graph import regions as geo
from ..graph.chain import ChainGraph
from ..graph.errors import NotFoundError
from . import answers_measures as answers
from .output import Format, write
from .shell import Cluster, Db, Form, Out, Region, VersionNo, app, view_of


@app.command("requirements")
def requirements_command(
    region: Region,
    cluster: Cluster,
    product: Annotated[
        str | None, typer.Option("--why", help="为什么需要这个产品（编码或名称）：最强的投入路径。")
    ] = None,
    db: Db = "",
    version: VersionNo = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """完全需求：本地产出沿产业链直接和间接需要什么，为什么。"""
    scope = _scope(db, version, region, cluster)
    asked = None if product is None else _product(scope.graph, product)
    paths = [] if asked is None else why(scope, asked)
    write(answers.requirements_answer(requirements(scope), scope.graph, asked, paths), form, out)


@app.command("relatedness")
def relatedness_command(
    region: Region,
    cluster: Cluster,
    db: Db = "",
    version: VersionNo = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """产业关联与复杂度：本地离每个产品有多近，产品有多复杂。"""
    found = relatedness(_scope(db, version, region, cluster))
    write(answers.relatedness_answer(found), form, out)


@app.command("value")
def value_command(
    region: Region,
    cluster: Cluster,
    db: Db = "",
    version: VersionNo = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """价值链：各产品生产企业的人均营收与产品复杂度，注明覆盖率。"""
    write(answers.value_answer(value_chain(_scope(db, version, region, cluster))), form, out)


def _scope(db: str, version: int | None, region: str, cluster: str) -> Scope:
    return Scope.of(view_of(db, version).graph(), geo.resolve(region), cluster)


def _product(graph: ChainGraph, text: str) -> str:
    """The id for an id or an unambiguous name.

    Raises:
        NotFoundError: No such product, or several of that name.
    """
    if text in graph.index("products"):
        return text
    products = graph["products"]
    hits = products.loc[products["name"] == text, "id"].tolist()
    if len(hits) == 1:
        return str(hits[0])
    if hits:
        raise NotFoundError(f"产品名称“{text}”有多个：{'、'.join(hits)}，请用编码。")
    raise NotFoundError(f"没有这个产品：{text}。")
