"""The work file: what people do with the facts, in one SQLite file beside the store.

Facts are versioned; this is not. It is in every backup, because :func:`attach` puts it into the
backup of a store and :func:`detach` takes it out again. To add a kind of work, append its tables to
:data:`LAYOUT` and give it a class with queries like :class:`Decisions`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from .errors import NotFoundError, StoreBusyError, StoreError

#: Chooses the work file; needed where the store's address is no file.
ENVIRONMENT = "CHAINATLAS_WORK"
#: Work file in the current folder where the store is a server and nothing else is chosen.
DEFAULT = "chainatlas.work"
#: Seconds a second writer waits for the first.
PATIENCE_S = 30.0
#: Marks the file as ours ("CAtl"), so that no other database is taken for it.
_APPLICATION = 0x4341746C
_BLOB = "work_file"

#: Statements of each version of the layout; a file of an older version gets the missing ones.
#: Append, never change.
LAYOUT: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE decisions (number INTEGER PRIMARY KEY AUTOINCREMENT, keep TEXT NOT NULL,"
        " other TEXT NOT NULL, verdict TEXT NOT NULL CHECK (verdict IN ('accept', 'reject')),"
        " note TEXT NOT NULL, at TEXT NOT NULL, CHECK (keep <> other))",
        "CREATE UNIQUE INDEX decisions_pair ON decisions (min(keep, other), max(keep, other))",
    ),
    (
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
        " password TEXT NOT NULL, role TEXT NOT NULL, region TEXT NOT NULL, created_at TEXT NOT NULL,"
        " disabled_at TEXT, failures INTEGER NOT NULL DEFAULT 0, locked_until TEXT)",
        "CREATE TABLE keys (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,"
        " prefix TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, role TEXT NOT NULL,"
        " region TEXT NOT NULL, created_by TEXT NOT NULL, created_at TEXT NOT NULL,"
        " expires_at TEXT, revoked_at TEXT, used_at TEXT)",
        "CREATE TABLE sessions (digest TEXT PRIMARY KEY, user INTEGER NOT NULL REFERENCES users (id)"
        " ON DELETE CASCADE, csrf TEXT NOT NULL, created_at TEXT NOT NULL, seen_at TEXT NOT NULL,"
        " expires_at TEXT NOT NULL)",
        "CREATE TABLE audit (number INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL,"
        " action TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL, request TEXT NOT NULL,"
        " previous TEXT NOT NULL, hash TEXT NOT NULL)",
        "CREATE TABLE jobs (id TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL,"
        " region TEXT NOT NULL, state TEXT NOT NULL, label TEXT NOT NULL DEFAULT '',"
        " done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,"
        " parameters TEXT NOT NULL, result TEXT, error TEXT, cancel INTEGER NOT NULL DEFAULT 0,"
        " created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT, beat_at TEXT)",
        "CREATE TABLE follow_ups (number INTEGER PRIMARY KEY AUTOINCREMENT, region TEXT NOT NULL,"
        " cluster TEXT NOT NULL, product TEXT NOT NULL, enterprise TEXT NOT NULL,"
        " stage TEXT NOT NULL, owner TEXT NOT NULL, note TEXT NOT NULL, actor TEXT NOT NULL,"
        " at TEXT NOT NULL)",
        "CREATE INDEX follow_ups_gap ON follow_ups (region, cluster, product, enterprise)",
        "CREATE TABLE views (id TEXT PRIMARY KEY, page TEXT NOT NULL, name TEXT NOT NULL,"
        " owner TEXT NOT NULL, state TEXT NOT NULL, created_at TEXT NOT NULL,"
        " updated_at TEXT NOT NULL, UNIQUE (page, owner, name))",
    ),
    (
        # The head stands apart from the rows, so that rows missing at the end are noticed.
        "CREATE TABLE audit_head (one INTEGER PRIMARY KEY CHECK (one = 1),"
        " number INTEGER NOT NULL, hash TEXT NOT NULL)",
        f"INSERT INTO audit_head VALUES (1, 0, '{'0' * 64}')",
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
        " BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
        " BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
        # Failed logins are counted by name and by address, for names that nobody has too.
        "CREATE TABLE attempts (subject TEXT PRIMARY KEY, failures INTEGER NOT NULL,"
        " last_at TEXT NOT NULL, locked_until TEXT NOT NULL)",
        "ALTER TABLE users DROP COLUMN failures",
        "ALTER TABLE users DROP COLUMN locked_until",
    ),
)

Verdict = Literal["accept", "reject"]


def work_path(address: str) -> Path:
    """Where the work file of a store at an address is.

    The environment variable CHAINATLAS_WORK decides; else it is ``<path>.work`` beside a store that
    is a file, and ``chainatlas.work`` in the current folder for a server.
    """
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen)
    return Path(DEFAULT) if "://" in address else Path(f"{address}.work")


class WorkFile:
    """One work file. It is made when something is first written; before that it is empty.

    Args:
        path: The file.

    Raises:
        StoreError: What stands there is no work file, or one of a newer program.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists():
            with self.reading():
                pass

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the file."""
        if not self.path.exists():
            with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
                _upgrade(empty, self.path)
                yield empty
            return
        with self._errors(), closing(self._connect()) as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is kept, or, after an exception, nothing."""
        with self._errors(), closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=PATIENCE_S, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            _upgrade(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise StoreBusyError("另一个程序正在写入工作文件，请稍后再试。") from error
            raise StoreError(
                f"无法读写工作文件 {self.path}（{error.sqlite_errorname}）。"
            ) from error
        except sqlite3.DatabaseError as error:
            raise StoreError(f"不是 ChainAtlas 工作文件，或已损坏：{self.path}") from error


#: The mark of a file that is not there.
ABSENT = (0, 0)


class Watch:
    """Tells at little cost whether a work file changed, so that what was read of it can be kept.

    Safe in threads.

    Args:
        work: The file; it need not be there yet.
    """

    def __init__(self, work: WorkFile) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._file: tuple[int, int] | None = None
        self._opened = 0
        self._connection: sqlite3.Connection | None = None

    def mark(self) -> tuple[int, int]:
        """Two equal marks: nothing was written between them, by whatever process.

        What is read after a mark was taken is of this mark or newer.

        Raises:
            StoreBusyError: A writer is at the end of its work; nobody is waited for.
            StoreError: The file cannot be read.
        """
        with self._lock, self._work._errors():
            try:
                status = self._work.path.stat()
            except FileNotFoundError:
                self._close()
                return ABSENT
            # A restored backup is another file under the same name.
            if self._connection is None or self._file != (status.st_dev, status.st_ino):
                self._close()
                self._connection = sqlite3.connect(
                    self._work.path,
                    timeout=0,
                    isolation_level=None,
                    check_same_thread=False,
                )
                weakref.finalize(self, self._connection.close)
                self._file, self._opened = (status.st_dev, status.st_ino), self._opened + 1
            # All rows are fetched: a statement that is not at its end keeps the file locked.
            ((version,),) = self._connection.execute("PRAGMA data_version").fetchall()
            return (self._opened, int(version))

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = self._file = None


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Bring a file to the newest layout; refuse one that is not ours or newer than the program."""
    if _version(connection, path) == len(LAYOUT):
        return
    connection.execute("BEGIN IMMEDIATE")
    for statements in LAYOUT[_version(connection, path) :]:  # another process may have been first
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {len(LAYOUT)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if mark != _APPLICATION and (tables or version):
        raise StoreError(f"不是 ChainAtlas 工作文件：{path}")
    if version > len(LAYOUT):
        raise StoreError(f"工作文件的版本为 {version}，本程序只支持到 {len(LAYOUT)}：{path}")
    return version


@dataclass(frozen=True)
class Decision:
    """What a person decided about two enterprise ids.

    Attributes:
        number: Number of the decision, never used again.
        keep: Id that stays, where they are one.
        other: The other id.
        verdict: ``accept``: they are one enterprise; ``reject``: they are two.
        note: Why, in the person's words.
        at: When (UTC).
    """

    number: int
    keep: str
    other: str
    verdict: Verdict
    note: str
    at: datetime


class Decisions:
    """Decisions of the review of identities, as data that can be taken back.

    Args:
        work: The file they are in.
    """

    def __init__(self, work: WorkFile) -> None:
        self._work = work

    def all(self) -> tuple[Decision, ...]:
        """Every decision, oldest first."""
        with self._work.reading() as connection:
            rows = connection.execute(
                "SELECT number, keep, other, verdict, note, at FROM decisions ORDER BY number"
            ).fetchall()
        return tuple(
            Decision(number, keep, other, verdict, note, datetime.fromisoformat(at))
            for number, keep, other, verdict, note, at in rows
        )

    def add(self, keep: str, other: str, verdict: Verdict, note: str = "") -> Decision:
        """Decide about a pair; a former decision about it is replaced.

        Raises:
            StoreError: It is one id.
        """
        if keep == other:
            raise StoreError(f"两个编码相同：{keep}")
        at = datetime.now(UTC).replace(microsecond=0)
        with self._work.writing() as connection:
            _remove(connection, keep, other)
            number = connection.execute(
                "INSERT INTO decisions (keep, other, verdict, note, at) VALUES (?, ?, ?, ?, ?)",
                (keep, other, verdict, note, at.isoformat()),
            ).lastrowid
        assert number is not None
        return Decision(number, keep, other, verdict, note, at)

    def remove(self, keep: str, other: str) -> None:
        """Take a decision back.

        Raises:
            NotFoundError: Nothing was decided about this pair.
        """
        missing = NotFoundError(f"没有关于 {keep} 与 {other} 的决定。")
        if not self._work.path.exists():
            raise missing
        with self._work.writing() as connection:
            if not _remove(connection, keep, other):
                raise missing


def _remove(connection: sqlite3.Connection, keep: str, other: str) -> int:
    return connection.execute(
        "DELETE FROM decisions WHERE min(keep, other) = min(?1, ?2)"
        " AND max(keep, other) = max(?1, ?2)",
        (keep, other),
    ).rowcount


def attach(backup: Path, work: Path) -> None:
    """Put a work file into a backup that is a SQLite file; nothing where there is none.

    Raises:
        StoreError: The work file cannot be read.
    """
    if not work.exists():
        return
    with WorkFile(work).reading() as connection:
        content = connection.serialize()
    with closing(sqlite3.connect(backup, isolation_level=None)) as target:
        target.execute(f"CREATE TABLE {_BLOB} (content BLOB NOT NULL)")
        target.execute(f"INSERT INTO {_BLOB} VALUES (?)", (content,))


def detach(backup: Path) -> bytes | None:
    """Take the work file out of a copy of a backup; None where it has none."""
    with closing(sqlite3.connect(backup, isolation_level=None)) as source:
        held = source.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (_BLOB,)).fetchone()
        if held is None:
            return None
        content = source.execute(f"SELECT content FROM {_BLOB}").fetchone()
        source.execute(f"DROP TABLE {_BLOB}")
        source.execute("VACUUM")
    return None if content is None else bytes(content[0])


def replace(path: Path, content: bytes | None) -> None:
    """Make a work file hold what a backup held, whole or not at all; None removes it."""
    # Opening it settles what a crash left in its journal, which must not reach the new file.
    with suppress(StoreError), WorkFile(path).reading():
        pass
    path.with_name(path.name + "-journal").unlink(missing_ok=True)
    if content is None:
        path.unlink(missing_ok=True)
        return
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        aside.write_bytes(content)
        WorkFile(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
