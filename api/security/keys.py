"""API keys: what programs show instead of a password.

A key is ``ca_PREFIX_SECRET``. The prefix names it in lists and in the audit; of the whole only a
SHA-256 digest is kept: the secret is 256 random bits, which no dictionary holds, so a slow hash
would protect nothing and cost each request.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from ...graph.errors import ChainAtlasError, NotFoundError
from ...graph.work import WorkFile
from . import clock
from .ledger import Author, changing
from .roles import EVERYWHERE, Role, check_scope, role_named

#: Days after which a key expires where nothing else is said, and the most that can be said.
DAYS, MOST_DAYS = 365, 3650
_COLUMNS = "id, name, prefix, role, region, created_by, created_at, expires_at, revoked_at, used_at"
_TOKEN = re.compile(r"ca_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Key:
    """A key, without its secret.

    Attributes:
        id: Number, never used again.
        name: What it is for.
        prefix: Names it; part of the key itself.
        role: What it may do.
        region: Code of the region that its answers are limited to.
        created_by: Who made it, as in the audit.
        created_at: When (UTC, ISO 8601).
        expires_at: Until when it works; None: until it is revoked.
        revoked_at: When it was revoked, None where it was not.
        used_at: When it was last used, to the minute; None: never.
    """

    id: int
    name: str
    prefix: str
    role: Role
    region: str
    created_by: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    used_at: str | None

    @property
    def works(self) -> bool:
        """Whether it is neither revoked nor expired."""
        if self.revoked_at is not None:
            return False
        return self.expires_at is None or clock.now() < clock.read(self.expires_at)


class Keys:
    """The keys of a work file.

    Args:
        work: The file they are in.
    """

    def __init__(self, work: WorkFile) -> None:
        self._work = work

    def all(self) -> tuple[Key, ...]:
        """Every key, newest first; revoked ones too, as the audit names them."""
        with self._work.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM keys ORDER BY id DESC").fetchall()
        return tuple(_key(row) for row in rows)

    def add(
        self,
        name: str,
        role: Role,
        region: str = EVERYWHERE,
        days: int | None = DAYS,
        *,
        by: Author,
    ) -> tuple[Key, str]:
        """Make a key.

        Args:
            name: What it is for; at most 64 characters.
            role: What it may do.
            region: Its scope, by code or name.
            days: Days until it expires; None: never.
            by: Who makes it.

        Returns:
            The key and its whole text, which is not kept and cannot be shown again.

        Raises:
            NotFoundError: No such region.
            ChainAtlasError: A bad name or number of days, or an administrator's key with a scope.
        """
        name = name.strip()
        if not 0 < len(name) <= 64 or not name.isprintable():
            raise ChainAtlasError("密钥的名称应为 1 到 64 个字符。")
        if days is not None and not 0 < days <= MOST_DAYS:
            raise ChainAtlasError(f"有效天数应在 1 到 {MOST_DAYS} 之间。")
        region = check_scope(role, region)
        prefix = secrets.token_hex(4)
        token = f"ca_{prefix}_{secrets.token_urlsafe(32)}"
        now = clock.now()
        until = None if days is None else clock.stamp(now + timedelta(days=days))
        with changing(self._work, by) as change:
            change.connection.execute(
                "INSERT INTO keys (name, prefix, digest, role, region, created_by, created_at,"
                " expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (name, prefix, digest(token), role.name, region, by.actor, clock.stamp(now), until),
            )
            detail = {"name": name, "role": role.name, "region": region, "expires_at": until}
            change.note("key.add", prefix, detail)
        return self.find(prefix), token

    def find(self, prefix: str) -> Key:
        """The key of a prefix.

        Raises:
            NotFoundError: There is none.
        """
        with self._work.reading() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM keys WHERE prefix = ?", (prefix,)
            ).fetchone()
        if row is None:
            raise NotFoundError(f"没有这个密钥：{prefix}。")
        return _key(row)

    def revoke(self, prefix: str, *, by: Author) -> Key:
        """Take a key's access away, at once and for good.

        Raises:
            NotFoundError: There is none.
        """
        key = self.find(prefix)
        with changing(self._work, by) as change:
            change.connection.execute(
                "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE prefix = ?",
                (clock.stamp(clock.now()), prefix),
            )
            change.note("key.revoke", prefix, {"name": key.name})
        return self.find(prefix)

    def of_token(self, token: str) -> Key | None:
        """The key of a whole text, whether it still works or not; None where there is none."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        with self._work.reading() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS}, digest FROM keys WHERE prefix = ?", (match[1],)
            ).fetchone()
        if row is None or not secrets.compare_digest(row[-1], digest(token)):
            return None
        return _key(row[:-1])

    def touch(self, key: Key) -> None:
        """Note that a key was used just now."""
        with self._work.writing() as connection:
            connection.execute(
                "UPDATE keys SET used_at = ? WHERE id = ?", (clock.stamp(clock.now()), key.id)
            )


def digest(token: str) -> str:
    """What is kept of a key or of a session's cookie."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: tuple[object, ...]) -> Key:
    values = dict(zip((name.strip() for name in _COLUMNS.split(",")), row, strict=True))
    return Key(**{**values, "role": role_named(str(values["role"]))})  # type: ignore[arg-type]
