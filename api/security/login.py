"""Logging in and out, and changing one's own password."""

from __future__ import annotations

import math
from dataclasses import replace

from ...graph.errors import ChainAtlasError
from ...graph.work import WorkFile
from . import attempts, passwords
from .ledger import Author, changing
from .sessions import end_within, start_within
from .users import User, Users, find_within, normal

#: Target in the audit of a login under a name that nobody has: what was typed may be a password.
UNKNOWN = "?"


class RefusedError(ChainAtlasError):
    """A login that failed. The message is the same whatever was wrong with name or password.

    Attributes:
        wait_s: Seconds until the next attempt will be looked at; 0: at once.
    """

    def __init__(self, message: str, wait_s: int = 0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def log_in(
    work: WorkFile, name: str, password: str, *, address: str, by: Author, former: str = ""
) -> tuple[User, str]:
    """Check a name and a password, and begin a session.

    Args:
        work: Where users and sessions are.
        name: As typed.
        password: As typed.
        address: Where the request came from.
        by: The request; its actor is replaced by the user's.
        former: The cookie the browser had.

    Returns:
        The user, and the text of the cookie.

    Raises:
        RefusedError: Wrong name or password, disabled, or too many failures.
    """
    user = _checked(work, name, password, address, by)
    with changing(work, replace(by, actor=f"user:{user.name}")) as change:
        current = find_within(change.connection, user.name)
        if current.disabled_at is not None:  # between the check and now
            raise RefusedError("用户名或密码不正确。")
        token = start_within(change, current, former)
        change.note("session.start", user.name)
    return user, token


def log_out(work: WorkFile, token: str, *, by: Author) -> None:
    """End the session of a cookie."""
    with changing(work, by) as change:
        if end_within(change, token):
            change.note("session.end", by.actor.removeprefix("user:"))


def change_password(
    work: WorkFile, name: str, old: str, new: str, *, address: str, by: Author
) -> str:
    """Replace one's own password; all sessions end and a new one begins.

    Returns:
        The text of the new cookie.

    Raises:
        RefusedError: The old password is wrong, or too many failures.
        ChainAtlasError: The new one is too weak, or the old one again.
    """
    user = _checked(work, name, old, address, by)
    if passwords.normal(old) == passwords.normal(new):
        raise ChainAtlasError("新密码与旧密码相同。")
    Users(work).set_password(user.name, new, by=by)
    with changing(work, by) as change:
        token = start_within(change, user)
        change.note("session.start", user.name)
    return token


def _checked(work: WorkFile, name: str, password: str, address: str, by: Author) -> User:
    """The user of a name and password, or a refusal that is counted."""
    subjects = attempts.by_name(normal(name)), attempts.by_address(address)
    user, stored = Users(work).password_of(name)
    known = UNKNOWN if user is None else user.name
    with changing(work, by) as change:
        wait = attempts.wait_within(change.connection, subjects)
        if not wait:
            delay = attempts.count_within(change.connection, subjects)
    if wait:
        seconds = math.ceil(wait.total_seconds())
        raise RefusedError(f"尝试次数过多，请在 {seconds} 秒后再试。", seconds)
    right = passwords.matches(stored, password)
    with changing(work, by) as change:
        if user is not None and right and user.disabled_at is None:
            attempts.forgive_within(change.connection, *subjects)
            return user
        change.note("session.refuse", known, {"delay_s": int(delay.total_seconds())})
    raise RefusedError("用户名或密码不正确。")
