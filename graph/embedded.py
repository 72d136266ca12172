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
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from . import receipts, snapshot, work
from .chain import PACK, SINCE, typed
from .errors import NotFoundError, StoreBusyError, StoreError
from .facts import (
    SPAN,
    STORED,
    History,
    TableView,
    change_of,
    differences,
    own_columns,
    without,
)
from .marks import history_marks, marks
from .schema import REJECTS, TABLES, Table
from .store import Change, Facts, Version

#: Raised when the layout changes; a store of another format is refused.
FORMAT = "2"
#: Seconds a second writer waits for the first.
PATIENCE_S = 30.0
#: Rows that pass between SQLite and columns at a time.
_CHUNK = 50_000

#: Column of the mark of each row, see :mod:`.marks`.
MARK = "mark"
ROWID = "rowid"


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
        with _clear_errors(path), closing(self._open(create)) as connection:
            # Nothing is written before it is known to be ours.
            if create and not _tables_of(connection):
                _create(connection)
            self._id = _identify(connection, path)

    def _open(self, create: bool = False) -> sqlite3.Connection:
        # Without the mode an empty file would be made in the place of one that went away.
        address = f"{self.path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
        return sqlite3.connect(address, timeout=PATIENCE_S, isolation_level=None, uri=True)

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

    def receipt(self, key: str) -> str | None:
        """What was kept for the newest version; see :class:`graph.store.Store`."""
        with self._read() as connection:
            return receipts.find(_receipts(connection), _newest(connection), key)

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
        newest = versions[-1].number if versions else 0
        with self._read() as connection:
            tables = {}
            for table in STORED.values():
                columns = [*own_columns(table), PACK, *SPAN]
                query = f'SELECT {_quoted(columns)} FROM "{table.name}" WHERE since <= ?'
                found = _frame(connection.execute(query, (newest,)), columns, table)
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
            connection.execute("DELETE FROM meta WHERE name = 'receipts'")
            # Snapshots of what it was must not be taken for what it is now.
            fresh = uuid.uuid4().hex
            connection.execute("UPDATE meta SET value = ? WHERE name = 'id'", (fresh,))
            for name, table in STORED.items():
                frame = history.tables[name].reset_index(drop=True)
                frame[MARK] = history_marks(frame, [*own_columns(table)], PACK)
                _insert_columns(connection, table, [*own_columns(table), PACK, *SPAN, MARK], frame)
            for each in history.versions:
                _add_version(
                    connection, each.number, each.action, each.undoes, list(each.packs), each.at
                )
                _add_changes(connection, each.number, list(each.changes))
        self._id = fresh

    def backup(self, path: Path) -> None:
        """Write the whole store and its work file to a new file; see :class:`graph.store.Store`."""
        if path.exists():
            raise StoreError(f"备份文件已存在：{path}")
        aside = path.with_name(path.name + ".part")
        try:
            aside.unlink(missing_ok=True)
            with closing(self._connect()) as connection:
                connection.execute("VACUUM INTO ?", (str(aside),))
            work.attach(aside, work.work_path(str(self.path)))
            aside.rename(path)
        except (OSError, sqlite3.OperationalError) as error:
            aside.unlink(missing_ok=True)
            raise StoreError(f"无法写入备份文件：{path}") from error

    def close(self) -> None:
        """Nothing is held open between calls."""

    def tables(self, version: int, but: Collection[str] = ()) -> dict[str, pd.DataFrame]:
        """Every stored table of a version with PACK and SINCE, from its snapshot if there is one.

        Without some packs only the others' facts are read from the file, and no snapshot is made.
        """
        folder = Path(f"{self.path}.snapshots") / self._id / f"v{version:08d}"
        found = snapshot.read(folder, list(STORED))
        if found is not None:
            return without(found, but) if but else found
        with self._read() as connection:
            found = {t.name: _fetch(connection, t, version, but=but) for t in STORED.values()}
        if not but:
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
    """Put a backup in the place of a store, whole or not at all, and its work file in its place.

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
        decided = work.detach(aside)
        if path.exists():
            _settle(path)
        aside.replace(path)
        work.replace(work.work_path(str(path)), decided)
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
        self._receipts: dict[str, str] = {}

    @property
    def version(self) -> int:
        """Version after the commit; unchanged where nothing changed."""
        return self._base + 1 if self._changes else self._base

    def keep(self, key: str, receipt: str) -> None:
        """Keep a receipt; see :class:`graph.store.Writer`."""
        self._receipts[key] = receipt

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
        held = self._connection.execute(
            f'SELECT mark, rowid FROM "{table.name}" WHERE pack = ? AND until IS NULL', (pack,)
        )
        gone: dict[bytes, int] = dict(held.fetchall())
        new = typed(pd.DataFrame({}) if stated is None else stated, table)
        new = new[list(own_columns(table))].reset_index(drop=True)
        new_marks = marks(new)
        # Not by pandas or NumPy, which take bytes that end in zeros for shorter ones.
        come = pd.Series([gone.pop(mark, None) is None for mark in new_marks], dtype=bool)
        if not gone and not come.any():
            return None
        number = self._base + 1
        rowids = list(gone.values())
        withdrawn = _keys(self._connection, table, rowids)
        _close(self._connection, table, number, rowids)
        at = np.flatnonzero(come)
        for start in range(0, len(at), _CHUNK):
            coming = new.iloc[at[start : start + _CHUNK]].copy()
            coming[PACK], coming[SINCE], coming[MARK] = pack, number, new_marks[coming.index]
            _insert(self._connection, table, number, coming)
        return change_of(pack, table, withdrawn, new.loc[come, list(table.key)])

    def finish(self) -> None:
        """Record the new version, if anything changed, and the receipts."""
        if self._changes:
            _add_version(self._connection, self.version, "load", None, self._packs)
            _add_changes(self._connection, self.version, self._changes)
        for key, receipt in self._receipts.items():
            held = receipts.added(_receipts(self._connection), self.version, key, receipt)
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('receipts', ?)", (held,))


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
            " since INTEGER NOT NULL, until INTEGER, mark BLOB NOT NULL)"
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


def _receipts(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE name = 'receipts'").fetchone()
    return None if row is None else str(row[0])


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


def _frame(cursor: sqlite3.Cursor, columns: list[str], table: Table) -> pd.DataFrame:
    """The rows of a query as columns, a chunk at a time: Python objects take many times the room."""
    kinds: dict[str, pa.DataType] = {c.name: pa.float64() for c in table.columns if c.numeric}
    kinds |= {SINCE: pa.int64(), ROWID: pa.int64(), MARK: pa.binary(), "until": pa.float64()}
    kinds |= {"stated": pa.int64(), "since": pa.int64()}
    schema = pa.schema([(name, kinds.get(name, pa.large_string())) for name in columns])
    chunks = []
    while rows := cursor.fetchmany(_CHUNK):
        cells = zip(*rows, strict=True)
        chunks.append(
            pa.record_batch(
                [pa.array(c, f.type) for c, f in zip(cells, schema, strict=True)], schema
            )
        )
    found: pd.DataFrame = pa.Table.from_batches(chunks, schema).to_pandas()
    return found


def _fetch(
    connection: sqlite3.Connection,
    table: Table,
    version: int,
    missing_in: int | None = None,
    but: Collection[str] = (),
) -> pd.DataFrame:
    """Facts of a version; of all packs ``but`` some, or those only that do not hold in another one."""
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
        )
        return _frame(rows, compared, table)
    if but:
        query += " AND pack NOT IN (SELECT value FROM json_each(?))"
    packs = [json.dumps(sorted(but))] if but else []
    return _frame(connection.execute(query, [*values, *packs]), columns, table)


def _select(
    connection: sqlite3.Connection, table: Table, where: str, values: tuple[object, ...]
) -> pd.DataFrame:
    """Facts that meet a condition, with PACK, SINCE, MARK and ROWID."""
    names = _quoted([*own_columns(table), PACK])
    query = f'SELECT {names}, stated, mark, rowid FROM "{table.name}" WHERE {where}'
    columns = [*own_columns(table), PACK, SINCE, MARK, ROWID]
    return _frame(connection.execute(query, values), columns, table)


def _keys(connection: sqlite3.Connection, table: Table, rowids: list[int]) -> pd.DataFrame:
    """The key columns of rows."""
    key = list(table.key)
    parts = [
        _frame(connection.execute(f'SELECT {_quoted(key)} FROM "{table.name}" WHERE 0'), key, table)
    ]
    for start in range(0, len(rowids), _CHUNK):
        wanted = json.dumps(rowids[start : start + _CHUNK])
        query = (
            f'SELECT {_quoted(key)} FROM "{table.name}"'
            " WHERE rowid IN (SELECT value FROM json_each(?))"
        )
        parts.append(_frame(connection.execute(query, (wanted,)), key, table))
    return pd.concat(parts, ignore_index=True)


def _insert(connection: sqlite3.Connection, table: Table, number: int, frame: pd.DataFrame) -> None:
    """Add facts with PACK, SINCE (the version that stated them) and MARK, holding from a version on."""
    columns = [*own_columns(table), PACK, "stated", MARK, "since"]
    said = frame.rename(columns={SINCE: "stated"}).assign(since=number)
    _insert_columns(connection, table, columns, said)


def _insert_columns(
    connection: sqlite3.Connection, table: Table, columns: list[str], frame: pd.DataFrame
) -> None:
    places = ", ".join("?" * len(columns))
    query = f'INSERT INTO "{table.name}" ({_quoted(columns)}) VALUES ({places})'
    for start in range(0, len(frame), _CHUNK):
        part = frame.iloc[start : start + _CHUNK]
        cells = [part[c].astype(object).where(part[c].notna(), None).tolist() for c in columns]
        connection.executemany(query, zip(*cells, strict=True))


def _close(connection: sqlite3.Connection, table: Table, number: int, rowids: list[int]) -> None:
    connection.executemany(
        f'UPDATE "{table.name}" SET until = ? WHERE rowid = ?',
        [(number, rowid) for rowid in rowids],
    )


def _restore(
    connection: sqlite3.Connection, table: Table, load: int, number: int
) -> Iterator[Change]:
    """Put a table back to the version before a load, as a new version."""
    now = _select(connection, table, "until IS NULL AND since >= ?", (load,))
    then = _select(connection, table, "since < ? AND until >= ?", (load, load))
    # A fact stated again by the load is written back with its former statement, but is no change.
    again = [PACK, MARK, SINCE]
    _close(connection, table, number, now.loc[_missing(now, then, again), ROWID].tolist())
    _insert(connection, table, number, then[_missing(then, now, again)])
    gone = now[_missing(now, then, [PACK, MARK])]
    come = then[_missing(then, now, [PACK, MARK])]
    for pack in sorted({*gone[PACK], *come[PACK]}):
        yield change_of(pack, table, gone[gone[PACK] == pack], come[come[PACK] == pack])


def _missing(frame: pd.DataFrame, other: pd.DataFrame, by: list[str]) -> pd.Series:
    """Which rows of a frame the other one does not have."""
    there = set(zip(*(other[c].tolist() for c in by), strict=True))
    rows = zip(*(frame[c].tolist() for c in by), strict=True)
    return pd.Series([row not in there for row in rows], index=frame.index, dtype=bool)
