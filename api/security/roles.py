"""Roles, and the region that a caller's answers are limited to."""

from __future__ import annotations

from enum import IntEnum

from ...graph import regions as geo
from ...graph.errors import ChainAtlasError

#: Code of the whole country: a scope that leaves nothing out.
EVERYWHERE = "100000"


class Role(IntEnum):
    """What a caller may do; each role may do what those before it may."""

    public = 0  #: anybody, without logging in: sign-in, health, assets
    viewer = 1  #: read and print
    analyst = 2  #: also simulate, export, save views, keep follow-ups
    editor = 3  #: also upload and review facts
    admin = 4  #: also users, keys, audit, jobs of others


#: The roles that a user or a key may have, in Chinese.
TITLES = {
    Role.viewer: "查看",
    Role.analyst: "分析",
    Role.editor: "编辑",
    Role.admin: "管理",
}


def role_named(code: str) -> Role:
    """The role of a code such as ``viewer``.

    Raises:
        ChainAtlasError: No such role for a user or a key.
    """
    for role in TITLES:
        if role.name == code:
            return role
    raise ChainAtlasError(f"没有这个角色：{code}（应为 {'、'.join(r.name for r in TITLES)}）。")


def check_scope(role: Role, region: str) -> str:
    """The code of a scope, given as code or name.

    Raises:
        NotFoundError: No such region.
        ChainAtlasError: An administrator with a scope, who could give others more than they have.
    """
    code = geo.resolve(region)
    if role is Role.admin and code != EVERYWHERE:
        raise ChainAtlasError("管理员不分地区：请不要限定地区，或改用其他角色。")
    return code
