"""Answers about users, keys and the audit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..viz.words import place_name
from .answers import Answer
from .security.keys import Key
from .security.ledger import Entry, Verdict
from .security.roles import TITLES
from .security.users import User

ACTIVE, DISABLED, REVOKED, EXPIRED = "可用", "已停用", "已撤销", "已过期"
_KEY_COLUMNS = [
    "前缀",
    "名称",
    "角色",
    "地区范围",
    "状态",
    "创建者",
    "创建时间（UTC）",
    "到期（UTC）",
    "最近使用（UTC）",
]


def users_answer(users: Sequence[User], version: int) -> Answer:
    """``users``: everybody, or the one who was changed."""
    document = {
        "version": version,
        "users": [
            {
                "name": user.name,
                "role": user.role.name,
                "region": user.region,
                "created_at": user.created_at,
                "disabled_at": user.disabled_at,
            }
            for user in users
        ],
    }
    table = pd.DataFrame(
        [
            {
                "用户名": user.name,
                "角色": TITLES[user.role],
                "地区范围": place_name(user.region),
                "状态": ACTIVE if user.disabled_at is None else DISABLED,
                "创建时间（UTC）": spaced(user.created_at),
            }
            for user in users
        ],
        columns=["用户名", "角色", "地区范围", "状态", "创建时间（UTC）"],
    )
    return Answer("users", document, table, "用户")


def keys_answer(keys: Sequence[Key], version: int) -> Answer:
    """``keys list`` and ``keys revoke``: keys without their secrets."""
    document = {"version": version, "keys": [_key(key) for key in keys]}
    table = pd.DataFrame([_key_row(key) for key in keys], columns=_KEY_COLUMNS)
    return Answer("keys", document, table, "密钥", brief=tuple(_KEY_COLUMNS[:5]))


def key_answer(key: Key, token: str, version: int) -> Answer:
    """``keys add``: the one time that a key is shown."""
    table = pd.DataFrame([{"密钥": token, **_key_row(key)}], columns=["密钥", *_KEY_COLUMNS])
    document = {"version": version, "token": token, **_key(key)}
    return Answer("key", document, table, "新密钥（只显示这一次）", brief=("密钥",))


def audit_answer(entries: Sequence[Entry], version: int) -> Answer:
    """``audit list``: rows of the audit, newest first."""
    document = {
        "version": version,
        "entries": [{**vars(entry), "detail": _detail(entry)} for entry in entries],
    }
    columns = ["序号", "时间（UTC）", "谁", "动作", "对象", "详情", "请求", "散列值"]
    table = pd.DataFrame(
        [
            {
                "序号": entry.number,
                "时间（UTC）": spaced(entry.at),
                "谁": entry.actor,
                "动作": entry.action,
                "对象": entry.target,
                "详情": "" if entry.detail == "{}" else entry.detail,
                "请求": entry.request,
                "散列值": entry.hash,
            }
            for entry in entries
        ],
        columns=columns,
    )
    return Answer("audit", document, table, "审计记录", brief=tuple(columns[:5]))


def verdict_answer(verdict: Verdict, version: int) -> Answer:
    """``audit verify``: whether the chain is whole, and where it breaks."""
    fault = verdict.fault
    document = {
        "version": version,
        "whole": fault is None,
        "rows": verdict.rows,
        "hash": verdict.hash,
        "fault": None if fault is None else {"number": fault.number, "reason": fault.reason},
    }
    found = {
        "结果": "完整" if fault is None else "不完整",
        "已核对": verdict.rows,
        "第一处问题": "" if fault is None else f"第 {fault.number} 条：{fault.reason}",
        "末条散列值": verdict.hash,
    }
    return Answer("audit-verify", document, pd.DataFrame([found]), "审计记录核对")


def state(key: Key) -> str:
    """Whether a key works, in Chinese."""
    if key.works:
        return ACTIVE
    return EXPIRED if key.revoked_at is None else REVOKED


def spaced(at: str | None) -> str:
    """A stored time as people read it, to the second; empty where there is none.

    >>> spaced("2024-05-01T08:30:00+00:00")
    '2024-05-01 08:30:00'
    """
    return "" if at is None else at[:19].replace("T", " ")


def _detail(entry: Entry) -> Any:
    try:
        return json.loads(entry.detail)
    except ValueError:  # somebody wrote into the table; the row is shown all the same
        return {"text": entry.detail}


def _key(key: Key) -> dict[str, Any]:
    found = {name: value for name, value in vars(key).items() if name != "id"}
    return {**found, "role": key.role.name, "works": key.works}


def _key_row(key: Key) -> dict[str, str]:
    return dict(
        zip(
            _KEY_COLUMNS,
            (
                key.prefix,
                key.name,
                TITLES[key.role],
                place_name(key.region),
                state(key),
                key.created_by,
                spaced(key.created_at),
                spaced(key.expires_at),
                spaced(key.used_at),
            ),
            strict=True,
        )
    )
