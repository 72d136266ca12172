"""``chainatlas trends``: how a cluster moved over the versions of the facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from ..analysis.trends import between, pick, trend
from ..graph import regions as geo
from ..graph.chain import ChainGraph
from ..graph.store import Version, open_store
from .answers_whatif import trends_answer
from .output import Format, write
from .shell import Cluster, Db, Form, Out, Region, app

#: Versions of a series unless the caller asks for another number.
STEPS = 12


@app.command()
def trends(
    region: Region,
    cluster: Cluster,
    old: Annotated[
        str | None, typer.Option("--from", help="版本号或日期（YYYY-MM-DD），默认最早的版本。")
    ] = None,
    new: Annotated[
        str | None, typer.Option("--to", help="版本号或日期（YYYY-MM-DD），默认最新的版本。")
    ] = None,
    steps: Annotated[
        int, typer.Option("--steps", min=0, help="最多列出几个版本，0 为全部。")
    ] = STEPS,
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """两个版本或日期之间的变化：缺口增减、配套率、集中度，以及其间各版本的走势。"""
    store = open_store(db)
    versions = store.versions()
    first = pick(versions, old) if old is not None else (versions[0].number if versions else 0)
    last = pick(versions, new) if new is not None else (versions[-1].number if versions else 0)
    numbers = between(versions, first, last, steps or None)
    if first > last:
        numbers.reverse()
    by_number = {v.number: v for v in versions}

    def graphs() -> Iterator[tuple[Version | None, ChainGraph]]:
        for number in numbers:
            yield by_number.get(number), store.view(number).graph()

    code = geo.resolve(region)
    write(trends_answer(trend(graphs(), code, cluster), code, cluster), form, out)
