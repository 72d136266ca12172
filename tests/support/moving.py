"""A time that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """A time that only moves when told to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        """Let time pass."""
        self.at += timedelta(**by)
