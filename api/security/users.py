"""Users: people who log in with a name and a password."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ...graph.errors import ChainAtlasError, NotFoundError
from ...graph.work import WorkFile
from . import clock, passwords
from .ledger import Author, Change, changing
from .roles import EVERYWHERE, Role, check_scope, role_named

_COLUMNS = "id, name, role, region, created_at, disabled_at"
_NAME = re.compile(r"\w[\w.-]{0,63}")


@dataclass(frozen=True)
class User:
    """A person.

    Attributes:
        id: Number, never used again.
        name: What they log in with.
        role: What they may do.
        region: Code of the region that their answers are limited to.
        created_at: When (UTC, ISO 8601).
        disabled_at: Since when they may not log in; None where they may.
    """

    id: int
    name: str
    role: Role
    region: str
    created_at: str
    disabled_at: str | None


class Users:
    """The users of a work file.

    Args:
        work: The file they are in.
    """

    def __init__(self, work: WorkFile) -> None:
        self._work = work

    def all(self) -> tuple[User, ...]:
        """Everybody, by name."""
        with self._work.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM users ORDER BY name").fetchall()
        return tuple(_user(row) for row in rows)

    def find(self, name: str) -> User:
        """The user of a name.

        Raises:
            NotFoundError: Nobody has it.
        """
        with self._work.reading() as connection:
            return find_within(connection, name)

    def password_of(self, name: str) -> tuple[User | None, str | None]:
        """A user and what is kept of their password; None for both where nobody has the name."""
        with self._work.reading() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS}, password FROM users WHERE name = ?", (normal(name),)
            ).fetchone()
        return (None, None) if row is None else (_user(row[:-1]), row[-1])

    def add(
        self, name: str, password: str, role: Role, region: str = EVERYWHERE, *, by: Author
    ) -> User:
        """Define a user.

        Args:
            name: Letters of any script, digits, ``_``, ``.`` and ``-``; at most 64.
            password: In the clear; see :func:`passwords.check`.
            role: What they may do.
            region: Their scope, by code or name.
            by: Who defines them.

        Raises:
            ChainAtlasError: The name is taken or not allowed, or the password is too weak.
            NotFoundError: No such region.
        """
        name = normal(name)
        if not _NAME.fullmatch(name):
            raise ChainAtlasError("用户名只能用文字、数字、_、. 和 -，最多 64 个字符。")
        region = check_scope(role, region)
        passwords.check(name, password)
        stored = passwords.hashed(password)
        with changing(self._work, by) as change:
            taken = change.connection.execute("SELECT 1 FROM users WHERE name = ?", (name,))
            if taken.fetchone():
                raise ChainAtlasError(f"用户已存在：{name}。")
            change.connection.execute(
                "INSERT INTO users (name, password, role, region, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (name, stored, role.name, region, clock.stamp(clock.now())),
            )
            change.note("user.add", name, {"role": role.name, "region": region})
            return find_within(change.connection, name)

    def set_role(self, name: str, role: Role, region: str | None = None, *, by: Author) -> User:
        """Give a user another role and, where one is given, another scope.

        Raises:
            NotFoundError: No such user or region.
            ChainAtlasError: An administrator with a scope.
        """
        with self._changing(name, by) as (change, user):
            scope = check_scope(role, user.region if region is None else region)
            change.connection.execute(
                "UPDATE users SET role = ?, region = ? WHERE id = ?", (role.name, scope, user.id)
            )
            change.note("user.role", user.name, {"role": role.name, "region": scope})
            return find_within(change.connection, name)

    def set_password(self, name: str, password: str, *, by: Author) -> User:
        """Replace a password; whoever is logged in under the name is logged out.

        Raises:
            NotFoundError: No such user.
            ChainAtlasError: The password is too weak.
        """
        user = self.find(name)
        passwords.check(user.name, password)
        stored = passwords.hashed(password)
        with self._changing(name, by) as (change, user):
            change.connection.execute(
                "UPDATE users SET password = ? WHERE id = ?", (stored, user.id)
            )
            _log_out(change, user)
            change.note("user.password", user.name)
        return user

    @contextmanager
    def _changing(self, name: str, by: Author) -> Iterator[tuple[Change, User]]:
        """A change of the user of a name; where nobody has it, nothing is written."""
        self.find(name)
        with changing(self._work, by) as change:
            yield change, find_within(change.connection, name)

    def disable(self, name: str, *, by: Author) -> User:
        """Take a user's access away, at once; what they did stays under their name.

        Raises:
            NotFoundError: No such user.
        """
        with self._changing(name, by) as (change, user):
            change.connection.execute(
                "UPDATE users SET disabled_at = coalesce(disabled_at, ?) WHERE id = ?",
                (clock.stamp(clock.now()), user.id),
            )
            _log_out(change, user)
            change.note("user.disable", user.name)
            return find_within(change.connection, name)

    def enable(self, name: str, *, by: Author) -> User:
        """Give a disabled user access again; they log in anew.

        Raises:
            NotFoundError: No such user.
        """
        with self._changing(name, by) as (change, user):
            change.connection.execute(
                "UPDATE users SET disabled_at = NULL WHERE id = ?", (user.id,)
            )
            change.note("user.enable", user.name)
            return find_within(change.connection, name)


def find_within(connection: sqlite3.Connection, name: str) -> User:
    """The user of a name, inside a transaction.

    Raises:
        NotFoundError: Nobody has it.
    """
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM users WHERE name = ?", (normal(name),)
    ).fetchone()
    if row is None:
        raise NotFoundError(f"没有这个用户：{name}。")
    return _user(row)


def normal(name: str) -> str:
    """One spelling of a name (Unicode NFKC), so that no two users look alike by width of letters.

    >>> normal("ｚｈａｎｇ")
    'zhang'
    """
    return unicodedata.normalize("NFKC", name.strip())


def _log_out(change: Change, user: User) -> None:
    change.connection.execute("DELETE FROM sessions WHERE user = ?", (user.id,))


def _user(row: tuple[int, str, str, str, str, str | None]) -> User:
    number, name, role, region, created_at, disabled_at = row
    return User(number, name, role_named(role), region, created_at, disabled_at)
