"""``chainatlas audit``: who changed and exported what, and whether the record is whole."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from ..graph.errors import ChainAtlasError
from ..graph.work import WorkFile, work_path
from .answers_security import audit_answer, verdict_answer
from .commands_users import facts_version
from .output import Format, write
from .security.ledger import Ledger
from .shell import Db, Form, Out, app

audit = typer.Typer(help="审计：谁改了什么、导出了什么。", no_args_is_help=True)
app.add_typer(audit, name="audit")


def _noted(text: str | None) -> tuple[int, str] | None:
    """A row that was noted outside the file, as ``NUMBER:HASH``."""
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,17}):([0-9a-f]{64})", text)
    if match is None:
        raise typer.BadParameter(f"{text!r}：应为 序号:散列值")
    return int(match[1]), match[2]


@audit.command("list")
def list_command(
    limit: Annotated[int, typer.Option("--limit", min=1, help="最多列出多少条。")] = 100,
    actor: Annotated[str, typer.Option("--actor", help="只列出包含这些字的“谁”。")] = "",
    action: Annotated[str, typer.Option("--action", help="只列出包含这些字的动作。")] = "",
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """列出审计记录，新的在前。"""
    entries = _ledger_of(db).newest(limit, actor=actor, action=action)
    write(audit_answer(entries, facts_version(db)), form, out)


@audit.command("verify")
def verify_command(
    noted: Annotated[
        str | None,
        typer.Option(
            "--head", metavar="NUMBER:HASH", help="另行记下的一条（见服务日志）；核对它仍在链中。"
        ),
    ] = None,
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """核对审计记录：被改动、删去、插入或调换的第一条。"""
    verdict = _ledger_of(db).verify(_noted(noted))
    write(verdict_answer(verdict, facts_version(db)), form, out)
    if verdict.fault is not None:
        raise ChainAtlasError(
            f"审计记录不完整：第 {verdict.fault.number} 条，{verdict.fault.reason}。"
        )


def _ledger_of(db: str) -> Ledger:
    return Ledger(WorkFile(work_path(db)))
