"""``chainatlas policy``: what a policy notice sets out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from ..graph.chain import records
from ..ingest.policy import KINDS, Policy, read_policy
from ..ingest.policy.money import TOOLS
from .answers import Answer
from .output import Format, write
from .shell import Form, Out, app, one_of


@app.command()
def policy(
    file: Annotated[Path, typer.Argument(help="政策文件（.txt、.docx、.pdf）。")],
    kind: Annotated[
        str | None,
        typer.Option("--kind", callback=one_of(KINDS), help="只看一类内容。"),
    ] = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """读政策文件：目标、梯次、集群、支持金额、政策工具、基金、计划、人才、项目类型，各附原句。"""
    write(policy_answer(read_policy(file), kind), form, out)


def policy_answer(found: Policy, kind: str | None = None) -> Answer:
    """``policy``: findings of a notice, or those of a kind."""
    table = found.table()
    if kind is not None:
        table = table[table["kind"] == kind].reset_index(drop=True)
    document = {
        # A notice is no fact of a store.
        "version": 0,
        "title": found.title,
        "number": found.number,
        "findings": [
            {**row, "year": None if row["year"] != row["year"] else int(row["year"])}
            for row in records(table.astype({"year": "float64"}))
        ],
    }
    notes = [
        "；".join(x for x in (TOOLS.get(row["code"], ""), row["mode"], row["whom"]) if x)
        for row in records(table)
    ]
    shown = pd.DataFrame(
        {
            "类别": table["kind"].map(KINDS),
            "内容": table["name"],
            "数值": table["stated"],
            "年份": ["" if y is None or y != y else str(int(y)) for y in table["year"]],
            "说明": notes,
            "章节": table["section"],
            "原句": table["sentence"],
        }
    )
    title = f"{found.title or '政策文件'}{f'（{found.number}）' if found.number else ''}"
    return Answer("policy", document, shown, title, brief=("类别", "内容", "数值", "年份", "说明"))
