"""The audit: rows that are only ever added, each carrying the hash of the one before.

A row's hash covers every column of it and the hash of the row before it, so a changed, removed,
inserted or moved row breaks the chain where it stands. Rows missing at the end leave a whole chain;
they are found by the head, which stands apart from the rows, and, against somebody who rewrites
both, by a head noted elsewhere (each one is in the server's log).
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...graph.errors import StoreError
from ...graph.work import WorkFile
from . import clock

#: What the first row carries for the hash of the one before.
ORIGIN = "0" * 64
_COLUMNS = "number, at, actor, action, target, detail, request, previous, hash"


@dataclass(frozen=True)
class Entry:
    """A row of the audit.

    Attributes:
        number: 1, 2, 3 … without gaps.
        at: When (UTC, ISO 8601 with microseconds).
        actor: ``user:NAME``, ``key:NAME/PREFIX``, ``cli`` or ``open``.
        action: What was done, as ``thing.verb``.
        target: What it was done to.
        detail: Further facts, as canonical JSON.
        request: Id of the request, which is also in the log; empty on the command line.
        previous: Hash of the row before.
        hash: Hash of this row.
    """

    number: int
    at: str
    actor: str
    action: str
    target: str
    detail: str
    request: str
    previous: str
    hash: str


@dataclass(frozen=True)
class Fault:
    """The first row at which the chain is broken, and how (Chinese)."""

    number: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What checking the chain found.

    Attributes:
        rows: Rows that were checked.
        hash: Hash of the last of them, :data:`ORIGIN` where there are none.
        fault: The first fault, None where the chain is whole.
    """

    rows: int
    hash: str
    fault: Fault | None


@dataclass(frozen=True)
class Author:
    """Who changes something.

    Attributes:
        actor: As in :class:`Entry`.
        request: Id of the request; empty on the command line.
    """

    actor: str
    request: str = ""


#: Whoever may write the file runs the command line.
CLI = Author("cli")

_log = logging.getLogger("chainatlas.audit")


class Change:
    """A write transaction that notes in the audit what it does.

    Attributes:
        connection: Executes the change.
    """

    def __init__(self, connection: sqlite3.Connection, author: Author) -> None:
        self.connection = connection
        self._author = author
        self.entries: list[Entry] = []

    def note(
        self, action: str, target: str, detail: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """Add the row of the audit; kept or lost with the change."""
        author = self._author
        self.entries.append(
            append_within(self.connection, author.actor, action, target, detail, author.request)
        )


@contextmanager
def changing(work: WorkFile, author: Author) -> Iterator[Change]:
    """A change of the work file by somebody, and its rows of the audit, as one."""
    with work.writing() as connection:
        change = Change(connection, author)
        yield change
    for entry in change.entries:
        log_head(entry)


def log_head(entry: Entry) -> None:
    """Leave a row's number and hash in the log, outside the file that the row is in."""
    found = {"audit": entry.number, "hash": entry.hash, "action": entry.action}
    _log.info("audit", extra={"fields": found})


def canonical(value: object) -> str:
    """JSON with one spelling for one value: sorted keys, no spaces, characters as they are."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def digest(entry: Entry) -> str:
    """The hash a row must carry: SHA-256 of the canonical JSON array of its other columns."""
    row = [
        entry.number,
        entry.at,
        entry.actor,
        entry.action,
        entry.target,
        entry.detail,
        entry.request,
        entry.previous,
    ]
    return hashlib.sha256(canonical(row).encode("utf-8", "surrogatepass")).hexdigest()


class Ledger:
    """The audit of one work file.

    Args:
        work: The file it is in.
    """

    def __init__(self, work: WorkFile) -> None:
        self._work = work

    def append(
        self,
        actor: str,
        action: str,
        target: str,
        detail: Mapping[str, Any] = MappingProxyType({}),
        request: str = "",
    ) -> Entry:
        """Add a row. Several processes may: a write transaction lets one at a time read the head.

        Raises:
            StoreError: The work file cannot be written.
        """
        with changing(self._work, Author(actor, request)) as change:
            change.note(action, target, detail)
        return change.entries[0]

    def newest(
        self, limit: int, before: int | None = None, actor: str = "", action: str = ""
    ) -> tuple[Entry, ...]:
        """Rows from the newest down.

        Args:
            limit: How many at most.
            before: Only rows of a lower number.
            actor: Only rows whose actor contains this.
            action: Only rows whose action contains this.
        """
        with self._work.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM audit WHERE (?1 IS NULL OR number < ?1)"
                " AND instr(actor, ?2) AND instr(action, ?3) ORDER BY number DESC LIMIT ?4",
                (before, actor, action, limit),
            ).fetchall()
        return tuple(Entry(*row) for row in rows)

    def verify(self, noted: tuple[int, str] | None = None) -> Verdict:
        """Check every row.

        Args:
            noted: Number and hash of a row, noted earlier outside this file.
        """
        with self._work.reading() as connection:
            head = connection.execute("SELECT number, hash FROM audit_head").fetchone()
            with closing(
                connection.execute(f"SELECT {_COLUMNS} FROM audit ORDER BY number")
            ) as rows:
                return _check((Entry(*row) for row in rows), head, noted)


def append_within(
    connection: sqlite3.Connection,
    actor: str,
    action: str,
    target: str,
    detail: Mapping[str, Any] = MappingProxyType({}),
    request: str = "",
) -> Entry:
    """Add a row inside a write transaction, so that a change and its row are kept or lost as one.

    Args:
        connection: What :meth:`WorkFile.writing` gave.
        actor: Who; see :class:`Entry`.
        action: What was done.
        target: To what.
        detail: Further facts; JSON values alone.
        request: Id of the request.

    Raises:
        StoreError: The head is gone; nobody should write until it is known why.
    """
    head = connection.execute("SELECT number, hash FROM audit_head").fetchone()
    if head is None:
        raise StoreError("审计记录的链头缺失，请先运行 chainatlas audit verify。")
    number, previous = head
    at = clock.now().isoformat(timespec="microseconds")
    bare = Entry(
        number + 1,
        at,
        _storable(actor),
        _storable(action),
        _storable(target),
        _storable(canonical(dict(detail))),
        _storable(request),
        previous,
        "",
    )
    entry = Entry(**{**vars(bare), "hash": digest(bare)})
    connection.execute(
        f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        tuple(vars(entry).values()),
    )
    connection.execute("UPDATE audit_head SET number = ?, hash = ?", (entry.number, entry.hash))
    return entry


def _storable(text: str) -> str:
    """Text without lone surrogates, which no file can hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _check(
    entries: Iterator[Entry], head: tuple[int, str] | None, noted: tuple[int, str] | None
) -> Verdict:
    rows, last = 0, ORIGIN
    for entry in entries:
        if fault := _fault(entry, rows + 1, last, head):
            return Verdict(rows, last, fault)
        rows, last = entry.number, entry.hash
        if noted is not None and noted[0] == rows and noted[1] != last:
            return Verdict(rows, last, Fault(rows, "与另行记下的散列值不符：此前的记录被改写"))
    if head is None or head[0] > rows:
        return Verdict(rows, last, Fault(rows + 1, "末尾的记录被删去"))
    if head != (rows, last):
        return Verdict(rows, last, Fault(max(head[0], 1), "末尾的记录与链头不符"))
    if noted is not None and noted[0] > rows:
        return Verdict(rows, last, Fault(rows + 1, "另行记下的记录不在表中：末尾的记录被删去"))
    return Verdict(rows, last, None)


def _fault(entry: Entry, number: int, previous: str, head: tuple[int, str] | None) -> Fault | None:
    """What is wrong with a row that should have a number and carry a hash."""
    if entry.number > number and (head is None or number <= head[0]):
        return Fault(number, "缺少记录")
    if entry.number != number:
        return Fault(entry.number, "多出记录")
    if entry.previous != previous:
        return Fault(number, "与前一条记录不衔接")
    try:
        right = digest(entry)
    except (TypeError, ValueError):  # a column holds what no row of ours does
        right = None
    return None if right == entry.hash else Fault(number, "内容被改动")
