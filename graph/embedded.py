"""The embedded store: one SQLite file as the record of truth, Arrow snapshots for reading.

Every fact is a row with the interval of versions it holds in: ``since`` (first) and ``until``
(first version without it; NULL while it holds). ``stated`` is the version whose load said it, which
an undo leaves as it was. A load is one transaction, so a crash at any
moment leaves the old or the new version whole. WAL lets readers go on while one process writes.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import snapshot
from .chain import PACK, SINCE
from .errors import NotFoundError, StoreBusyError, StoreError
from .facts import (
    SPAN,
    STORED,
    History,
    TableView,
    change_of,
    changes_between,
    differences,
    missing_from,
    own_columns,
    statement,
)
from .schema import REJECTS, TABLES, Table
from .store import Change, Facts, Version

#: Raised when the layout changes; a store of another format is refused.
FORMAT = "1"
#: Seconds a second writer waits for the first.
PATIENCE_S = 30.0


def _quoted(names: tuple[str, ...] | list[str]) -> str:
    # Only names declared in the schema ever come here; values are always parameters.
    return ", ".join(f'"{name}"' for name in names)


class EmbeddedStore:
    """Versioned facts in one SQLite file.

    Args:
        path: The file. Snapshots stand beside it in ``<path>.snapshots``.
        create: Make a new, empty store where there is none.

    Raises:
        NotFoundError: There is no such file, and ``create`` is false.
        StoreError: The file is no ChainAtlas store, or of another format.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        if not path.exists() and not create:
            raise NotFoundError(f"数据库不存在：{path}（先运行 chainatlas run 或 ingest）。")
        if path.is_dir() or not path.parent.is_dir():
            raise StoreError(f"无法使用数据库路径：{path}")
        with _clear_errors(path), closing(self._open()) as connection:
            # Nothing is written before it is known to be ours.
            if create and not _tables_of(connection):
                _create(connection)
            self._id = _identify(connection, path)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=PATIENCE_S, isolation_level=None)

    def _connect(self) -> sqlite3.Connection:
        connection = self._open()
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with _clear_errors(self.path), closing(self._connect()) as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with _clear_errors(self.path), closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            # Closing without a commit takes everything back.
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def writer(self) -> Iterator[EmbeddedWriter]:
        """Begin a load; see :class:`graph.store.Store`."""
        with self._write() as connection:
            writer = EmbeddedWriter(connection)
            yield writer
            writer.finish()

    def view(self, version: int | None = None) -> TableView:
        """Facts of a version; see :class:`graph.store.Store`."""
        with self._read() as connection:
            newest = _newest(connection)
        if version is None:
            version = newest
        if not 0 <= version <= newest:
            raise NotFoundError(f"没有版本 {version}：现有 0 至 {newest}。")
        return TableView(self, version)

    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        with self._read() as connection:
            heads = connection.execute(
                "SELECT number, at, action, undoes, packs FROM versions ORDER BY number"
            ).fetchall()
            details = connection.execute(
                "SELECT version, pack, tab, added, changed, withdrawn FROM changes ORDER BY rowid"
            ).fetchall()
        changes: dict[int, list[Change]] = {}
        for number, *rest in details:
            changes.setdefault(number, []).append(Change(*rest))
        return [
            Version(
                number,
                datetime.fromisoformat(at),
                action,
                tuple(json.loads(packs)),
                undoes,
                tuple(changes.get(number, [])),
            )
            for number, at, action, undoes, packs in heads
        ]

    def undo(self) -> Version:
        """Take back the last load that still counts; see :class:`graph.store.Store`."""
        with self._write() as connection:
            row = connection.execute(
                "SELECT max(number) FROM versions WHERE action = 'load' AND number NOT IN"
                " (SELECT undoes FROM versions WHERE undoes IS NOT NULL)"
            ).fetchone()
            if row[0] is None:
                raise NotFoundError("没有可撤销的导入。")
            load = int(row[0])
            number = _newest(connection) + 1
            packs = connection.execute("SELECT packs FROM versions WHERE number = ?", (load,))
            _add_version(connection, number, "undo", load, json.loads(packs.fetchone()[0]))
            changes = [
                change
                for table in STORED.values()
                for change in _restore(connection, table, load, number)
            ]
            _add_changes(connection, number, changes)
        return self.versions()[-1]

    def compare(self, old: int, new: int) -> pd.DataFrame:
        """Facts that differ between two versions.

        Returns:
            Columns change (added, changed, withdrawn), table, pack and key, in that order of
            importance; key is the table's key columns joined by " | ".
        """
        for number in (old, new):
            self.view(number)
        with self._read() as connection:
            return differences(
                {
                    name: (
                        _fetch(connection, table, old, missing_in=new),
                        _fetch(connection, table, new, missing_in=old),
                    )
                    for name, table in TABLES.items()
                }
            )

    def history(self) -> History:
        """Everything, of all versions."""
        versions = tuple(self.versions())
        with self._read() as connection:
            tables = {}
            for table in STORED.values():
                columns = [*own_columns(table), PACK, *SPAN]
                query = f'SELECT {_quoted(columns)} FROM "{table.name}" WHERE since <= ?'
                newest = versions[-1].number if versions else 0
                rows = connection.execute(query, (newest,)).fetchall()
                found = _frame(rows, columns, table)
                # A version that came to be since then is not in it.
                found.loc[found["until"] > newest, "until"] = np.nan
                tables[table.name] = found
        return History(versions, tables)

    def adopt(self, history: History, *, replace: bool = False) -> None:
        """Become a copy of another store; see :class:`graph.store.Store`."""
        with self._write() as connection:
            if _newest(connection) and not replace:
                raise StoreError(f"{self.path} 里已有数据；确认要覆盖请加 --force。")
            for name in ("versions", "changes", *STORED):
                connection.execute(f'DELETE FROM "{name}"')
            # Snapshots of what it was must not be taken for what it is now.
            fresh = uuid.uuid4().hex
            connection.execute("UPDATE meta SET value = ? WHERE name = 'id'", (fresh,))
            for name, table in STORED.items():
                columns = [*own_columns(table), PACK, *SPAN]
                _insert_columns(connection, table, columns, history.tables[name])
            for each in history.versions:
                _add_version(
                    connection, each.number, each.action, each.undoes, list(each.packs), each.at
                )
                _add_changes(connection, each.number, list(each.changes))
        self._id = fresh

    def backup(self, path: Path) -> None:
        """Write the whole store to a new file; see :class:`graph.store.Store`."""
        if path.exists():
            raise StoreError(f"备份文件已存在：{path}")
        aside = path.with_name(path.name + ".part")
        try:
            aside.unlink(missing_ok=True)
            with closing(self._connect()) as connection:
                connection.execute("VACUUM INTO ?", (str(aside),))
            aside.rename(path)
        except (OSError, sqlite3.OperationalError) as error:
            aside.unlink(missing_ok=True)
            raise StoreError(f"无法写入备份文件：{path}") from error

    def close(self) -> None:
        """Nothing is held open between calls."""

    def tables(self, version: int) -> dict[str, pd.DataFrame]:
        """Every stored table of a version with PACK and SINCE, from its snapshot if there is one."""
        folder = Path(f"{self.path}.snapshots") / self._id / f"v{version:08d}"
        found = snapshot.read(folder, list(STORED))
        if found is None:
            with self._read() as connection:
                found = {t.name: _fetch(connection, t, version) for t in STORED.values()}
            snapshot.write(folder, found)
        return found


def write_backup(history: History, path: Path) -> None:
    """Write a backup of a store of any kind: a file that :func:`restore` takes.

    Raises:
        StoreError: The file exists or cannot be written.
    """
    with tempfile.TemporaryDirectory() as place:
        store = EmbeddedStore(Path(place) / "store.db", create=True)
        store.adopt(history)
        store.backup(path)


def restore(backup: Path, path: Path, *, replace: bool = False) -> None:
    """Put a backup in the place of a store, whole or not at all.

    Args:
        backup: File written by :meth:`EmbeddedStore.backup`.
        path: Where the store shall be.
        replace: Whether a store that is there may be replaced.

    Raises:
        NotFoundError: There is no such backup.
        StoreError: It is no store or is damaged, or the place is taken.
    """
    if path.exists() and not replace:
        raise StoreError(f"{path} 已存在；确认要覆盖请加 --force。")
    if not backup.is_file():
        raise NotFoundError(f"备份文件不存在：{backup}")
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        shutil.copyfile(backup, aside)
        _check_backup(aside, backup)
        if path.exists():
            _settle(path)
        aside.replace(path)
        # What is left of the old store's journal must not be replayed into the new one.
        for suffix in _JOURNALS:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"无法写入 {path}：{error.strerror}。") from error
    finally:
        for suffix in ("", *_JOURNALS):
            aside.with_name(aside.name + suffix).unlink(missing_ok=True)


_JOURNALS = ("-wal", "-shm")


def _check_backup(copy: Path, backup: Path) -> None:
    """Refuse a copy of a backup that is damaged; give it an id of its own.

    The new id keeps snapshots of the store it replaces from being taken for its own.
    """
    try:
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise StoreError(f"备份文件已损坏：{backup}")
            _identify(connection, backup)
            connection.execute("UPDATE meta SET value = ? WHERE name = 'id'", (uuid.uuid4().hex,))
            connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.DatabaseError as error:
        raise StoreError(f"备份文件已损坏：{backup}") from error


def _settle(path: Path) -> None:
    """Move what stands in a store's journal into its file, so that nothing hangs on the journal.

    A store too damaged for that is about to be replaced anyway.
    """
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path, timeout=PATIENCE_S)) as old:
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class EmbeddedWriter:
    """One load in one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._base = _newest(connection)
        self._changes: list[Change] = []
        self._packs: list[str] = []

    @property
    def version(self) -> int:
        """Version after the commit; unchanged where nothing changed."""
        return self._base + 1 if self._changes else self._base

    def replace(self, facts: Facts) -> tuple[Change, ...]:
        """Make a pack say exactly these facts; see :class:`graph.store.Writer`."""
        changes = []
        stated = {**facts.tables, REJECTS.name: facts.rejects}
        for name, table in STORED.items():
            frame = stated.get(name)
            change = self._replace_table(facts.pack, table, frame)
            if change is not None:
                changes.append(change)
        self._changes += changes
        self._packs.append(facts.pack)
        return tuple(changes)

    def _replace_table(self, pack: str, table: Table, stated: pd.DataFrame | None) -> Change | None:
        held, rowids = _select(self._connection, table, "pack = ? AND until IS NULL", (pack,))
        new = statement(stated, table)
        old = held[new.columns]
        gone, come = missing_from(old, new), missing_from(new, old)
        if not gone.any() and not come.any():
            return None
        number = self._base + 1
        _close(self._connection, table, number, rowids[gone])
        coming = new[come].copy()
        coming[PACK], coming[SINCE] = pack, number
        _insert(self._connection, table, number, coming)
        return change_of(pack, table, old[gone], new[come])

    def finish(self) -> None:
        """Record the new version, if anything changed."""
        if self._changes:
            _add_version(self._connection, self.version, "load", None, self._packs)
            _add_changes(self._connection, self.version, self._changes)


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    """Errors of SQLite as errors that tell a user what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise StoreBusyError("另一个程序正在写入数据库，请稍后再试。") from error
        raise StoreError(f"无法读写数据库 {path}（{error.sqlite_errorname}）。") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"不是 ChainAtlas 数据库，或已损坏：{path}") from error


def _tables_of(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {row[0] for row in rows}


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if _tables_of(connection):
        connection.execute("ROLLBACK")  # another process was first
    else:
        _create_tables(connection)
        connection.execute("COMMIT")
    # SQLite does not wait by itself for the moment alone that changing the journal takes.
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def _create_tables(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
    connection.execute(
        "CREATE TABLE versions (number INTEGER PRIMARY KEY, at TEXT NOT NULL,"
        " action TEXT NOT NULL, undoes INTEGER, packs TEXT NOT NULL)"
    )
    connection.execute(
        "CREATE TABLE changes (version INTEGER NOT NULL, pack TEXT NOT NULL, tab TEXT NOT NULL,"
        " added INTEGER NOT NULL, changed INTEGER NOT NULL, withdrawn INTEGER NOT NULL)"
    )
    for table in STORED.values():
        kinds = {c.name: "REAL" if c.numeric else "TEXT" for c in table.columns}
        own = ", ".join(f'"{name}" {kinds[name]}' for name in own_columns(table))
        connection.execute(
            f'CREATE TABLE "{table.name}" ({own}, pack TEXT NOT NULL, stated INTEGER NOT NULL,'
            " since INTEGER NOT NULL, until INTEGER)"
        )
        connection.execute(
            f'CREATE INDEX "{table.name}_current" ON "{table.name}" (pack) WHERE until IS NULL'
        )
        connection.execute(f'CREATE INDEX "{table.name}_span" ON "{table.name}" (since, until)')
    connection.executemany(
        "INSERT INTO meta VALUES (?, ?)",
        [("application", "chainatlas"), ("format", FORMAT), ("id", uuid.uuid4().hex)],
    )


def _identify(connection: sqlite3.Connection, path: Path) -> str:
    """The store's own id; raises where it is none, or of another format."""
    if "meta" not in _tables_of(connection):
        raise StoreError(f"不是 ChainAtlas 数据库：{path}")
    meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    if meta.get("application") != "chainatlas":
        raise StoreError(f"不是 ChainAtlas 数据库：{path}")
    if meta.get("format") != FORMAT:
        raise StoreError(f"数据库格式为 {meta.get('format')}，本程序只支持格式 {FORMAT}。")
    return str(meta["id"])


def _newest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM versions").fetchone()[0])


def _add_version(
    connection: sqlite3.Connection,
    number: int,
    action: str,
    undoes: int | None,
    packs: list[str],
    at: datetime | None = None,
) -> None:
    moment = (at or datetime.now(UTC)).isoformat(timespec="seconds")
    connection.execute(
        "INSERT INTO versions VALUES (?, ?, ?, ?, ?)",
        (number, moment, action, undoes, json.dumps(packs, ensure_ascii=False)),
    )


def _add_changes(connection: sqlite3.Connection, number: int, changes: list[Change]) -> None:
    connection.executemany(
        "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?)",
        [(number, c.pack, c.table, c.added, c.changed, c.withdrawn) for c in changes],
    )


def _frame(rows: list[tuple[object, ...]], columns: list[str], table: Table) -> pd.DataFrame:
    kinds = {c.name: c.numeric for c in table.columns}
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    data = {}
    for name, cells in zip(columns, values, strict=True):
        if name in (SINCE, "stated"):
            data[name] = pd.Series(cells, dtype="int64")
        else:
            numeric = name == "until" or kinds.get(name)
            data[name] = pd.Series(cells, dtype="float64" if numeric else "str")
    return pd.DataFrame(data)


def _fetch(
    connection: sqlite3.Connection, table: Table, version: int, missing_in: int | None = None
) -> pd.DataFrame:
    """Facts of a version; those only that do not hold in another one, where it is given."""
    columns = [*own_columns(table), PACK, SINCE]
    names = f"{_quoted([*own_columns(table), PACK])}, stated"
    holds = "since <= ? AND (until IS NULL OR until > ?)"
    query = f'SELECT {names} FROM "{table.name}" WHERE {holds}'
    values = [version, version]
    if missing_in is not None:
        # The same fact may hold in both versions as two rows, when an undo brought it back.
        compared = [*own_columns(table), PACK]
        rows = connection.execute(
            f'SELECT {_quoted(compared)} FROM "{table.name}" WHERE {holds}'
            f' EXCEPT SELECT {_quoted(compared)} FROM "{table.name}" WHERE {holds}',
            [*values, missing_in, missing_in],
        ).fetchall()
        return _frame(rows, compared, table)
    return _frame(connection.execute(query, values).fetchall(), columns, table)


def _select(
    connection: sqlite3.Connection, table: Table, where: str, values: tuple[object, ...]
) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Facts that meet a condition with PACK and SINCE, and their row ids."""
    columns = [*own_columns(table), PACK, SINCE]
    rows = connection.execute(
        f'SELECT rowid, {_quoted([*own_columns(table), PACK])}, stated FROM "{table.name}"'
        f" WHERE {where}",
        values,
    ).fetchall()
    rowids = np.asarray([row[0] for row in rows], dtype=np.int64)
    return _frame([row[1:] for row in rows], columns, table), rowids


def _insert(connection: sqlite3.Connection, table: Table, number: int, frame: pd.DataFrame) -> None:
    """Add facts with PACK and SINCE (the version that stated them), holding from a version on."""
    columns = [*own_columns(table), PACK, "stated", "since"]
    stated = frame.rename(columns={SINCE: "stated"}).assign(since=number)
    _insert_columns(connection, table, columns, stated)


def _insert_columns(
    connection: sqlite3.Connection, table: Table, columns: list[str], frame: pd.DataFrame
) -> None:
    cells = [frame[c].astype(object).where(frame[c].notna(), None).tolist() for c in columns]
    connection.executemany(
        f'INSERT INTO "{table.name}" ({_quoted(columns)}) VALUES ({", ".join("?" * len(columns))})',
        zip(*cells, strict=True),
    )


def _close(
    connection: sqlite3.Connection, table: Table, number: int, rowids: npt.NDArray[np.int64]
) -> None:
    connection.executemany(
        f'UPDATE "{table.name}" SET until = ? WHERE rowid = ?',
        [(number, rowid) for rowid in rowids.tolist()],
    )


def _restore(
    connection: sqlite3.Connection, table: Table, load: int, number: int
) -> Iterator[Change]:
    """Put a table back to the version before a load, as a new version."""
    now, rowids = _select(connection, table, "until IS NULL AND since >= ?", (load,))
    then, _ = _select(connection, table, "since < ? AND until >= ?", (load, load))
    # A fact stated again by the load is written back with its former statement, but is no change.
    _close(connection, table, number, rowids[missing_from(now, then)])
    _insert(connection, table, number, then[missing_from(then, now)])
    yield from changes_between(table, now, then)
