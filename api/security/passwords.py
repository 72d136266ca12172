"""Passwords: what is accepted, and how they are kept (argon2id, RFC 9106's second setting)."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ...graph.errors import ChainAtlasError

#: Characters: fewer are guessed, more only cost the server time.
SHORTEST, LONGEST = 12, 128
#: Different characters that a password holds at least.
VARIETY = 5
#: Hashing takes 64 MiB each time; so many at once in a process, others wait their turn.
AT_ONCE = 2

_hasher = PasswordHasher()
_turn = threading.BoundedSemaphore(AT_ONCE)
Result = TypeVar("Result")


def check(name: str, password: str) -> None:
    """Refuse a password that is easily guessed.

    Args:
        name: Of the user.
        password: What they want.

    Raises:
        ChainAtlasError: Says which rule it breaks.
    """
    plain = normal(password)
    if len(plain) < SHORTEST:
        raise ChainAtlasError(f"密码至少 {SHORTEST} 个字符。")
    if len(plain) > LONGEST:
        raise ChainAtlasError(f"密码最多 {LONGEST} 个字符。")
    if len(set(plain)) < VARIETY:
        raise ChainAtlasError(f"密码至少要有 {VARIETY} 种不同的字符。")
    if name.casefold() in plain.casefold():
        raise ChainAtlasError("密码不能包含用户名。")


def normal(password: str) -> str:
    """One spelling of characters that keyboards compose differently (Unicode NFC)."""
    return unicodedata.normalize("NFC", password)


def hashed(password: str) -> str:
    """What is kept of a password: salted, slow to compute, of no use for logging in."""
    return _in_turn(lambda: _hasher.hash(_bytes(password)))


def matches(stored: str | None, password: str) -> bool:
    """Whether a password is the one that was kept.

    It takes the same time where there is none (an unknown user), so time tells nobody who exists.
    """

    def verify() -> bool:
        try:
            return _hasher.verify(stored or _nobodys(), _bytes(password)) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

    return _in_turn(verify)


@cache
def _nobodys() -> str:
    return _hasher.hash(b"nobody has this password")


def _bytes(password: str) -> bytes:
    # One that is longer than any we keep need not be hashed whole to be wrong.
    return normal(password)[: LONGEST + 1].encode("utf-8", "surrogatepass")


def _in_turn(work: Callable[[], Result]) -> Result:
    with _turn:
        return work()
