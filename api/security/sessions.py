"""Sessions: what a person's cookie stands for. Only a digest of the cookie is kept.

A session ends when it is not used for :data:`IDLE`, at the latest after :data:`LONGEST`, when its
person logs out, changes the password or is disabled. Logging in always makes a new one, so a cookie
that somebody else set is never taken over.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from ...graph.work import WorkFile
from . import clock
from .keys import digest
from .ledger import Change
from .roles import Role, role_named
from .users import User

#: Longest pause between two requests, and longest time since logging in.
IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)


@dataclass(frozen=True)
class Session:
    """A person who is logged in.

    Attributes:
        digest: Names the session; of no use as a cookie.
        name: The user's name.
        role: The user's role.
        region: The user's scope.
        csrf: What the person's forms must send back.
        seen_at: When it was last used, to the minute (UTC, ISO 8601).
        expires_at: When it ends at the latest.
    """

    digest: str
    name: str
    role: Role
    region: str
    csrf: str
    seen_at: str
    expires_at: str

    @property
    def works(self) -> bool:
        """Whether it has not ended by time."""
        now = clock.now()
        return now < clock.read(self.expires_at) and now < clock.read(self.seen_at) + IDLE


class Sessions:
    """The sessions of a work file.

    Args:
        work: The file they are in.
    """

    def __init__(self, work: WorkFile) -> None:
        self._work = work

    def of_token(self, token: str) -> Session | None:
        """The session of a cookie, whether it has ended by time or not; None where there is none.

        A user who was disabled has none.
        """
        with self._work.reading() as connection:
            row = connection.execute(
                "SELECT digest, name, role, region, csrf, seen_at, expires_at FROM sessions"
                " JOIN users ON users.id = sessions.user"
                " WHERE digest = ? AND disabled_at IS NULL",
                (digest(token),),
            ).fetchone()
        if row is None:
            return None
        key, name, role, region, csrf, seen_at, expires_at = row
        return Session(key, name, role_named(role), region, csrf, seen_at, expires_at)

    def touch(self, session: Session) -> None:
        """Note that a session was used just now."""
        with self._work.writing() as connection:
            connection.execute(
                "UPDATE sessions SET seen_at = ? WHERE digest = ?",
                (clock.stamp(clock.now()), session.digest),
            )


def start_within(change: Change, user: User, former: str = "") -> str:
    """Begin a session and return the text of its cookie.

    Args:
        change: The transaction.
        user: Who logged in.
        former: The cookie that the browser had, whose session ends; what has run out goes too.
    """
    token = secrets.token_urlsafe(32)
    now = clock.now()
    change.connection.execute(
        "DELETE FROM sessions WHERE digest = ? OR expires_at <= ? OR seen_at <= ?",
        (digest(former), clock.stamp(now), clock.stamp(now - IDLE)),
    )
    change.connection.execute(
        "INSERT INTO sessions (digest, user, csrf, created_at, seen_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            digest(token),
            user.id,
            secrets.token_urlsafe(32),
            clock.stamp(now),
            clock.stamp(now),
            clock.stamp(now + LONGEST),
        ),
    )
    return token


def end_within(change: Change, token: str) -> bool:
    """End the session of a cookie; whether there was one."""
    gone = change.connection.execute("DELETE FROM sessions WHERE digest = ?", (digest(token),))
    return gone.rowcount > 0
