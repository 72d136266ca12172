"""``chainatlas keys``: keys for programs that use the HTTP API."""

from __future__ import annotations

from typing import Annotated

import typer

from ..graph.work import WorkFile, work_path
from .answers_security import key_answer, keys_answer
from .commands_users import RoleCode, ScopeCode, facts_version
from .output import Format, write
from .security.keys import DAYS, MOST_DAYS, Keys
from .security.ledger import CLI
from .security.roles import EVERYWHERE, role_named
from .shell import Db, Form, Out, app, note

keys = typer.Typer(help="密钥：供其他系统调用 HTTP 接口。", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command("add")
def add_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="用途，如对方系统的名称。")],
    role: RoleCode = "viewer",
    region: ScopeCode = EVERYWHERE,
    days: Annotated[
        int, typer.Option("--days", min=0, max=MOST_DAYS, help="有效天数；0 表示不过期。")
    ] = DAYS,
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """发一个密钥；只显示这一次。"""
    key, token = _keys_of(db).add(name, role_named(role), region, days or None, by=CLI)
    note("密钥只显示这一次，请立即妥善保存。")
    write(key_answer(key, token, facts_version(db)), form, out)


@keys.command("list")
def list_command(db: Db = "", form: Form = Format.table, out: Out = None) -> None:
    """列出全部密钥（不含密钥本身），新的在前。"""
    write(keys_answer(_keys_of(db).all(), facts_version(db)), form, out)


@keys.command("revoke")
def revoke_command(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="密钥的前缀，见 keys list。")],
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """撤销一个密钥，立即生效，不能恢复。"""
    write(keys_answer([_keys_of(db).revoke(prefix, by=CLI)], facts_version(db)), form, out)


def _keys_of(db: str) -> Keys:
    return Keys(WorkFile(work_path(db)))
