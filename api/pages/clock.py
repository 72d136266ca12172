"""Times as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

#: The clock of those who read the pages.
_BEIJING = timezone(timedelta(hours=8))


def moment(at: datetime) -> str:
    """A time as people here read it, in Beijing time."""
    return at.astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M")
