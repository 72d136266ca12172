"""``chainatlas risk``: critical suppliers and single points of failure."""

from __future__ import annotations

from typing import Annotated

import typer

from ..analysis.risk import CHOICES, MEMBERS, Choice, find_risk
from ..analysis.scope import Scope
from ..analysis.supply_network import SUPPLIERS_PER_NEED
from ..graph import regions as geo
from .answers_whatif import risk_answer
from .output import Format, write
from .shell import Cluster, Db, Form, Out, Region, VersionNo, app, one_of, view_of

#: Enterprises listed unless the caller asks for another number.
TOP = 20


@app.command()
def risk(
    region: Region,
    cluster: Cluster,
    network: Annotated[
        str,
        typer.Option(
            "--network",
            callback=one_of(CHOICES),
            help="供应网络：auto 有记录用记录、其余重构，observed 只用记录，reconstructed 全部重构。",
        ),
    ] = "auto",
    members: Annotated[
        int, typer.Option("--members", min=1, help="重构网络的个数，用于给出离散程度。")
    ] = MEMBERS,
    suppliers: Annotated[
        float, typer.Option("--suppliers", min=1, help="重构时每种投入平均有几家供应商。")
    ] = SUPPLIERS_PER_NEED,
    seed: Annotated[int, typer.Option("--seed", min=0, help="随机数种子，相同则结果相同。")] = 0,
    top: Annotated[int, typer.Option("--top", min=0, help="列出几家企业，0 为全部。")] = TOP,
    db: Db = "",
    version: VersionNo = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """系统性风险（ESRI）：关键供应商、单点产品，以及增加供应来源能降低多少风险。"""
    scope = Scope.of(view_of(db, version).graph(), geo.resolve(region), cluster)
    choices: dict[str, Choice] = {
        "auto": "auto",
        "observed": "observed",
        "reconstructed": "reconstructed",
    }
    found = find_risk(scope, choices[network], members, seed, suppliers)
    write(risk_answer(found, top or None), form, out)
