"""``chainatlas profile``: one enterprise, and who says what about it."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
import typer

from ..analysis.provenance import facts_about, who_says
from ..graph.chain import PACK, ChainGraph, records
from ..graph.errors import NotFoundError
from ..graph.schema import PROVENANCE, TABLES
from ..graph.store import View
from ..viz.words import yes_no
from .answers import Answer
from .output import Format, write
from .shell import Db, Form, Out, VersionNo, app, view_of

profile = typer.Typer(help="企业档案：每个字段谁说了什么。", no_args_is_help=True)
app.add_typer(profile, name="profile")


@profile.command("enterprise")
def enterprise_command(
    enterprise: Annotated[str, typer.Argument(help="企业编码、全称或别名。")],
    db: Db = "",
    version: VersionNo = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """一家企业的全部事实：每个来源的说法、日期，以及采用了哪一个。"""
    write(profile_answer(view_of(db, version), enterprise), form, out)


def find_enterprise(graph: ChainGraph, wanted: str) -> str:
    """The id of an enterprise by id, name or alias.

    Raises:
        NotFoundError: There is none, or several have the name.
    """
    if wanted in graph.index("enterprises"):
        return wanted
    names = graph.text("enterprises", "name") == wanted
    rows, values = graph.listed("enterprises", "aliases")
    names[rows[values == wanted]] = True
    found = graph["enterprises"].loc[names, ["id", "name"]]
    if len(found) == 1:
        return str(found["id"].iloc[0])
    if len(found):
        listed = "、".join(f"{r['id']} {r['name']}" for r in records(found.head(5)))
        raise NotFoundError(f"“{wanted}”有多家企业：{listed}，请用编码。")
    raise NotFoundError(f"没有这家企业：{wanted}。")


def profile_answer(view: View, wanted: str) -> Answer:
    """``profile enterprise``: fields by source, and the relations that name the enterprise."""
    graph = view.graph()
    enterprise = find_enterprise(graph, wanted)
    said = who_says(view.stated("enterprises"), enterprise)
    related = facts_about({name: view.stated(name) for name in TABLES}, enterprise)
    row = graph["enterprises"].iloc[int(graph.position("enterprises", [enterprise])[0])]
    document = {
        "version": view.version,
        "enterprise": enterprise,
        "name": str(row["name"]),
        "fields": records(said),
        "facts": [{"table": name, **fact} for name, facts in related for fact in records(facts)],
    }
    table = TABLES["enterprises"]
    lines = pd.DataFrame(
        {
            "字段": [table.column(f).zh for f in said["field"]],
            "取值": [_shown(v) for v in said["value"]],
            "采用": [yes_no(used) for used in said["used"]],
            "数据日期": said["as_of"],
            "数据包": said[PACK],
            "来源": said["source"],
        }
    )
    more = [_relation_lines(name, facts) for name, facts in related]
    title = f"{row['name']}（{enterprise}）"
    return Answer("profile", document, pd.concat([lines, *more], ignore_index=True), title)


def _relation_lines(name: str, facts: pd.DataFrame) -> pd.DataFrame:
    table = TABLES[name]
    own = [c for c in table.own if c.name in facts]
    about = {c.name for c in PROVENANCE}
    values = [
        "；".join(
            f"{c.zh} {_shown(fact[c.name])}"
            for c in own
            if c.name not in about and fact[c.name] == fact[c.name]
        )
        for fact in records(facts)
    ]
    return pd.DataFrame(
        {
            "字段": table.zh,
            "取值": values,
            "采用": "",
            "数据日期": facts["as_of"],
            "数据包": facts[PACK],
            "来源": facts["source"],
        }
    )


def _shown(value: object) -> str:
    return f"{value:,.10g}" if isinstance(value, float) else str(value)
