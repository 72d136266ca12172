"""``chainatlas profile``: one enterprise, and who says what about it."""

from __future__ import annotations

from typing import Annotated

import typer

from ..graph.chain import ChainGraph, records
from ..graph.errors import NotFoundError
from ..graph.store import View
from .answers import Answer
from .output import Format, write
from .profiles import said_lines, said_of
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
    said, related = said_of(view, "enterprises", enterprise)
    row = graph["enterprises"].iloc[int(graph.position("enterprises", [enterprise])[0])]
    document = {
        "version": view.version,
        "enterprise": enterprise,
        "name": str(row["name"]),
        "fields": records(said),
        "facts": [{"table": name, **fact} for name, facts in related for fact in records(facts)],
    }
    title = f"{row['name']}（{enterprise}）"
    return Answer("profile", document, said_lines("enterprises", said, related), title)
