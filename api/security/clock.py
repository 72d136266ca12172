"""The time that expiries, delays and the audit go by: UTC, written so that text sorts by time."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def stamp(at: datetime) -> str:
    """A time as it is stored, to the second.

    >>> stamp(datetime(2024, 5, 1, 8, 30, tzinfo=UTC))
    '2024-05-01T08:30:00+00:00'
    """
    return at.isoformat(timespec="seconds")


def read(text: str) -> datetime:
    """A stored time."""
    return datetime.fromisoformat(text)
