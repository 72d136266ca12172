"""Failed logins, counted by name and by address, and the delay that grows with them.

Each attempt is counted before its password is looked at and taken back if it was right, so that
many at once get no further than many in a row. Names that nobody has are counted too: whether an
account exists shows neither in the answer nor in the delay. Only digests of names and addresses are
kept: people type passwords into the field of the name.
"""

from __future__ import annotations

import hashlib
import ipaddress
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from . import clock

#: Failures are forgotten so long after the last one.
MEMORY = timedelta(hours=24)
#: The first delay after the free failures; each further failure doubles it, up to the longest.
FIRST, LONGEST = timedelta(seconds=15), timedelta(minutes=15)


@dataclass(frozen=True)
class Subject:
    """Whose failures are counted.

    Attributes:
        id: Digest of the name or address.
        free: Failures without a delay; an office may share one address.
    """

    id: str
    free: int


def by_name(name: str) -> Subject:
    """The failures of a user's name."""
    return Subject(_digest("name", name), 5)


def by_address(address: str) -> Subject:
    """The failures from an address; of IPv6 the network, as a host has a whole one."""
    return Subject(_digest("address", network(address)), 20)


def network(address: str) -> str:
    """What of an address tells callers apart: IPv4 whole, of IPv6 the first 64 bits.

    >>> network("2001:db8::1"), network("10.0.0.7")
    ('2001:db8::/64', '10.0.0.7')
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)


def wait_within(connection: sqlite3.Connection, subjects: tuple[Subject, ...]) -> timedelta:
    """How long a subject must still wait, the longest of several; zero: may try now."""
    now = clock.now()
    found = [
        clock.read(until) - now
        for subject in subjects
        for (until,) in connection.execute(
            "SELECT locked_until FROM attempts WHERE subject = ?", (subject.id,)
        )
    ]
    return max((timedelta(0), *found))


def count_within(connection: sqlite3.Connection, subjects: tuple[Subject, ...]) -> timedelta:
    """Count a failure of each subject; returns the delay that follows."""
    now = clock.now()
    connection.execute("DELETE FROM attempts WHERE last_at <= ?", (clock.stamp(now - MEMORY),))
    delays = []
    for subject in subjects:
        (failures,) = connection.execute(
            "INSERT INTO attempts VALUES (?1, 1, ?2, ?2) ON CONFLICT DO UPDATE"
            " SET failures = failures + 1, last_at = ?2 RETURNING failures",
            (subject.id, clock.stamp(now)),
        ).fetchone()
        delays.append(_delay(failures - subject.free))
        _lock(connection, subject, now + delays[-1])
    return max(delays)


def forgive_within(connection: sqlite3.Connection, name: Subject, address: Subject) -> None:
    """After a right password: forget the name's failures, take back the one of the address."""
    connection.execute("DELETE FROM attempts WHERE subject = ?", (name.id,))
    row = connection.execute(
        "UPDATE attempts SET failures = failures - 1 WHERE subject = ? RETURNING failures",
        (address.id,),
    ).fetchone()
    if row is not None:
        _lock(connection, address, clock.now())


def _delay(excess: int) -> timedelta:
    """The delay after so many failures beyond the free ones."""
    if excess < 0:
        return timedelta(0)
    return min(FIRST * (1 << min(excess, 10)), LONGEST)


def _lock(connection: sqlite3.Connection, subject: Subject, until: datetime) -> None:
    connection.execute(
        "UPDATE attempts SET locked_until = ? WHERE subject = ?",
        (clock.stamp(until), subject.id),
    )


def _digest(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value}".encode("utf-8", "surrogatepass")).hexdigest()
