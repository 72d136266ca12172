"""``chainatlas users``: people who may log in.

A password is read from a prompt or from standard input, never from the command line, where every
user of the machine could read it.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..graph.errors import ChainAtlasError
from ..graph.store import open_store
from ..graph.work import WorkFile, work_path
from .answers_security import users_answer
from .output import Format, write
from .security.ledger import CLI
from .security.roles import EVERYWHERE, TITLES, role_named
from .security.users import User, Users
from .shell import Db, Form, Out, app, note, one_of

users = typer.Typer(help="用户：谁可以登录，能做什么。", no_args_is_help=True)
app.add_typer(users, name="users")

ROLES = " | ".join(role.name for role in TITLES)
Name = Annotated[str, typer.Argument(metavar="NAME", help="用户名。")]
RoleCode = Annotated[
    str, typer.Option("--role", callback=one_of(r.name for r in TITLES), help=ROLES)
]
ScopeCode = Annotated[
    str, typer.Option("--region", help="只能看这个地区及其下级：六位代码或全名；默认全国。")
]


@users.command("add")
def add_command(
    name: Name,
    role: RoleCode = "viewer",
    region: ScopeCode = EVERYWHERE,
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """定义一个用户；密码在提示后输入，或从标准输入读一行。"""
    user = users_of(db).add(name, read_password(), role_named(role), region, by=CLI)
    note(f"已定义用户 {user.name}。")
    _write(user, db, form, out)


@users.command("list")
def list_command(db: Db = "", form: Form = Format.table, out: Out = None) -> None:
    """列出全部用户。"""
    write(users_answer(users_of(db).all(), facts_version(db)), form, out)


@users.command("disable")
def disable_command(name: Name, db: Db = "", form: Form = Format.table, out: Out = None) -> None:
    """停用一个用户：立即退出，不能再登录。"""
    _write(users_of(db).disable(name, by=CLI), db, form, out)


@users.command("enable")
def enable_command(name: Name, db: Db = "", form: Form = Format.table, out: Out = None) -> None:
    """重新启用一个用户。"""
    _write(users_of(db).enable(name, by=CLI), db, form, out)


@users.command("passwd")
def passwd_command(name: Name, db: Db = "", form: Form = Format.table, out: Out = None) -> None:
    """更换一个用户的密码，并使其在各处退出。"""
    found = users_of(db)
    found.find(name)  # before anything is typed
    user = found.set_password(name, read_password(), by=CLI)
    note(f"已更换 {user.name} 的密码。")
    _write(user, db, form, out)


@users.command("role")
def role_command(
    name: Name,
    role: Annotated[
        str,
        typer.Argument(metavar="ROLE", callback=one_of(r.name for r in TITLES), help=ROLES),
    ],
    region: Annotated[str | None, typer.Option("--region", help="新的地区范围；默认不变。")] = None,
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """改变一个用户的角色和地区范围，立即生效。"""
    user = users_of(db).set_role(name, role_named(role), region, by=CLI)
    _write(user, db, form, out)


def users_of(db: str) -> Users:
    """The users of the store at an address."""
    return Users(WorkFile(work_path(db)))


def facts_version(db: str) -> int:
    """Number of the newest version of the facts; 0 where there is no store yet, or it is away."""
    try:
        return open_store(db).view().version
    except ChainAtlasError:  # users are managed before and without a store
        return 0


def read_password() -> str:
    """A password from a prompt, typed twice, or one line of standard input.

    Raises:
        ChainAtlasError: There is none.
    """
    if sys.stdin.isatty():
        typed = typer.prompt("密码", hide_input=True, confirmation_prompt="再输一次", err=True)
        return str(typed)
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise ChainAtlasError("没有输入密码：请在标准输入中给出一行。")
    return line


def _write(user: User, db: str, form: Form, out: Out) -> None:
    write(users_answer([user], facts_version(db)), form, out)
