"""``copy``: a whole graph from one store to another, and whether it arrived."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from ..graph.errors import StoreError
from ..graph.facts import STORED, History
from ..graph.store import Store, open_store
from ..graph.work import work_path
from .answers import Answer
from .output import Format, write
from .shell import Form, Out, app, leave_row

Force = Annotated[bool, typer.Option("--force", help="覆盖目标里已有的数据。")]


@app.command("copy")
def copy_command(
    source: Annotated[str, typer.Option("--from", help="来源：数据库文件或 neo4j:// 地址。")],
    target: Annotated[str, typer.Option("--to", help="目标：数据库文件或 neo4j:// 地址。")],
    force: Force = False,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """把整个数据库（全部版本和隔离区）复制到另一处，并逐条核对。"""
    history = copy(open_store(source), open_store(target, create=True), replace=force)
    leave_row(target, "store.copy", public(source))
    if work_path(source) != work_path(target):
        leave_row(source, "store.export", public(target))
    write(copy_answer(history, source, target), form, out)


def copy(source: Store, target: Store, *, replace: bool = False) -> History:
    """Make a store a copy of another one, and read it back to compare.

    Raises:
        StoreError: The target holds something already, or what is read back differs.
    """
    history = source.history()
    target.adopt(history, replace=replace)
    if not history.same(target.history()):
        raise StoreError("核对未通过：复制后的数据与来源不一致。")
    return history


def restore_to_server(backup: Path, address: str, *, replace: bool) -> None:
    """Put a backup in the place of a store on a server.

    Raises:
        NotFoundError: There is no such backup.
        StoreError: It is none, or the server's store may not be replaced.
    """
    copy(open_store(str(backup)), open_store(address, create=True), replace=replace)


def copy_answer(history: History, source: str, target: str) -> Answer:
    """``copy``: what was copied, table by table."""
    counts = {name: len(frame) for name, frame in history.tables.items() if len(frame)}
    newest = history.versions[-1].number if history.versions else 0
    document = {
        "version": newest,
        "from": public(source),
        "to": public(target),
        "versions": len(history.versions),
        "tables": counts,
    }
    table = pd.DataFrame({"表": [STORED[n].zh for n in counts], "记录数": list(counts.values())})
    title = f"已复制并核对：{len(history.versions)} 个版本"
    return Answer("copy", document, table, title)


def public(address: str) -> str:
    """An address without user and password."""
    return re.sub(r"//[^/]*@", "//", address)
