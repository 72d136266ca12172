"""The shared store: the same versions and packs in a Neo4j database.

A load is one transaction of the server: it checks that nobody else finished a load meanwhile, adds
and closes records, brings the graph that people read up to date, and adds the version. A crash at
any moment leaves the old or the new version whole. Reading goes through the same local snapshots
as the embedded store's, by store and version. See docs/neo4j.md for the model.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from . import receipts, snapshot
from .chain import PACK, SINCE
from .errors import NotFoundError, StoreBusyError, StoreError
from .facts import (
    STORED,
    History,
    Tables,
    TableView,
    change_of,
    changes_between,
    differences,
    graph_of,
    missing_from,
    own_columns,
    statement,
    without,
)
from .neo4j_link import Address, Link
from .neo4j_model import FACT, INDEXES, add_records, close_records, publish, read_records, wipe
from .schema import TABLES, Table
from .store import Change, Facts, Version

if TYPE_CHECKING:
    import neo4j

#: Raised when the layout changes; a store of another format is refused.
FORMAT = 1
#: Number of a record that the server does not have yet.
_NEW = -1


class Neo4jStore:
    """Versioned facts in one database of a Neo4j server.

    Args:
        address: See :mod:`.neo4j_link`.
        create: Make a new, empty store where the database is empty.

    Raises:
        NotFoundError: There is no such database or no store in it, and ``create`` is false.
        StoreError: The server cannot be used, or the database holds something else.
    """

    def __init__(self, address: str, *, create: bool = False) -> None:
        self._link = Link(Address.parse(address))
        try:
            if create and self._about() is None:
                self._create()
            self._id = self._identify()
        except BaseException:
            self._link.close()
            raise

    def __str__(self) -> str:
        return str(self._link.address)

    def _about(self) -> dict[str, Any] | None:
        query = (
            "MATCH (c:ChainAtlas {application: 'chainatlas'}) RETURN c.format AS format, c.id AS id"
        )
        rows = self._link.read(lambda tx: tx.run(query).data())
        return rows[0] if rows else None

    def _create(self) -> None:
        if self._link.read(lambda tx: _number(tx, "MATCH (n) RETURN count(n)")):
            raise StoreError(f"{self} 里有别的数据，不会写入：请换一个空的数据库。")
        have = self._link.read(
            lambda tx: {
                row[0]
                for query in ("SHOW CONSTRAINTS YIELD name", "SHOW INDEXES YIELD name")
                for row in tx.run(query).values()
            }
        )
        missing = [make for name, make in INDEXES.items() if name not in have]
        self._link.write(lambda tx: [tx.run(make).consume() for make in missing])
        # Whoever is first makes it; the constraint keeps it the only one.
        self._link.write(
            lambda tx: tx.run(
                "MERGE (c:ChainAtlas {application: 'chainatlas'})"
                " ON CREATE SET c.name = 'ChainAtlas', c.format = $format, c.id = $id, c.next = 0",
                format=FORMAT,
                id=uuid.uuid4().hex,
            ).consume()
        )

    def _identify(self) -> str:
        about = self._about()
        if about is None:
            raise NotFoundError(f"{self} 里还没有数据（先运行 chainatlas run 或 ingest）。")
        if about["format"] != FORMAT:
            raise StoreError(f"数据库格式为 {about['format']}，本程序只支持格式 {FORMAT}。")
        return str(about["id"])

    @contextmanager
    def writer(self) -> Iterator[Neo4jWriter]:
        """Begin a load; see :class:`graph.store.Store`.

        Nothing is locked while the caller works. Who finishes second is refused.
        """
        base = self._newest()
        writer = Neo4jWriter(base, self.tables(base))
        yield writer
        if writer.changes:
            head = _Head(writer.version, "load", tuple(writer.packs), None, tuple(writer.changes))
            self._commit(head, writer.before, writer.after)
        if writer.receipts:
            self._link.write(lambda tx: _keep(tx, writer.version, writer.receipts))

    def _newest(self) -> int:
        return self._link.read(_last)

    def view(self, version: int | None = None) -> TableView:
        """Facts of a version; see :class:`graph.store.Store`."""
        newest = self._newest()
        if version is None:
            version = newest
        if not 0 <= version <= newest:
            raise NotFoundError(f"没有版本 {version}：现有 0 至 {newest}。")
        return TableView(self, version)

    def receipt(self, key: str) -> str | None:
        """What was kept for the newest version; see :class:`graph.store.Store`."""
        return self._link.read(lambda tx: receipts.find(_receipts(tx), _last(tx), key))

    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        return self._link.read(_versions)

    def undo(self) -> Version:
        """Take back the last load that still counts; see :class:`graph.store.Store`."""
        versions = self.versions()
        undone = {v.undoes for v in versions}
        loads = [v for v in versions if v.action == "load" and v.number not in undone]
        if not loads:
            raise NotFoundError("没有可撤销的导入。")
        load, newest = loads[-1], versions[-1].number
        now, then = self.tables(newest), self.tables(load.number - 1)
        after: dict[str, pd.DataFrame] = {}
        changes: list[Change] = []
        for name, table in STORED.items():
            columns = [*own_columns(table), PACK, SINCE]
            left, right = now[name][columns], then[name][columns]
            # A fact stated again by the load comes back with its former statement.
            come = then[name][missing_from(right, left)].assign(**{FACT: _NEW})
            after[name] = _joined(now[name][~missing_from(left, right)], come)
            changes += changes_between(table, left, right)
        head = _Head(newest + 1, "undo", load.packs, load.number, tuple(changes))
        self._commit(head, now, after)
        return self.versions()[-1]

    def compare(self, old: int, new: int) -> pd.DataFrame:
        """Facts that differ between two versions; see :class:`graph.store.Store`."""
        for number in (old, new):
            self.view(number)
        left, right = self.tables(old), self.tables(new)
        pairs = {}
        for name, table in TABLES.items():
            said = [*own_columns(table), PACK]
            one, other = left[name][said], right[name][said]
            pairs[name] = (one[missing_from(one, other)], other[missing_from(other, one)])
        return differences(pairs)

    def history(self) -> History:
        """Everything, of all versions."""

        def work(tx: neo4j.ManagedTransaction) -> History:
            tables = {t.name: _records(tx, t).drop(columns=FACT) for t in STORED.values()}
            return History(tuple(_versions(tx)), tables)

        return self._link.read(work)

    def adopt(self, history: History, *, replace: bool = False) -> None:
        """Become a copy of another store; see :class:`graph.store.Store`."""
        uid = uuid.uuid4().hex
        newest = history.versions[-1].number if history.versions else 0

        def work(tx: neo4j.ManagedTransaction) -> None:
            if _reserve(tx, 0) == 0 and _uid(tx, newest) == uid:
                return
            if not replace and _number(tx, "MATCH (v:Version) RETURN count(v)"):
                raise StoreError(f"{self} 里已有数据；确认要覆盖请加 --force。")
            for query, values in wipe():
                tx.run(query, values).consume()
            # Snapshots of what it was must not be taken for what it is now.
            self._id = uuid.uuid4().hex
            tx.run("MATCH (c:ChainAtlas) SET c.id = $id REMOVE c.receipts", id=self._id).consume()
            for name, frame in history.tables.items():
                first = _reserve(tx, len(frame))
                numbered = frame.assign(**{FACT: np.arange(first, first + len(frame))})
                _run(tx, add_records(STORED[name], numbered))
            _run(tx, publish(graph_of({}, 0), graph_of(history.at(newest), newest)))
            for version in history.versions:
                _add_version(tx, _Head.of(version), uid)

        self._link.write(work)

    def backup(self, path: Path) -> None:
        """Write the whole store, with all its versions, to an embedded store's file."""
        from .embedded import write_backup

        write_backup(self.history(), path)

    def close(self) -> None:
        """Close all connections."""
        self._link.close()

    def tables(self, version: int, but: Collection[str] = ()) -> dict[str, pd.DataFrame]:
        """Every stored table of a version with PACK, SINCE and FACT, from a local snapshot if any.

        Without some packs the others' facts alone.
        """
        uid = self._link.read(lambda tx: _uid(tx, version)) if version else ""
        folder = cache() / self._id / f"v{version:08d}-{uid}"
        found = snapshot.read(folder, list(STORED))
        if found is None:
            found = self._link.read(
                lambda tx: {t.name: _records(tx, t, version) for t in STORED.values()}
            )
            snapshot.write(folder, found)
        return without(found, but) if but else found

    def _commit(self, head: _Head, before: Tables, after: Tables) -> None:
        """Make a version of what differs between two states, all of it or nothing."""
        uid = uuid.uuid4().hex
        # Built before the transaction, which then lasts no longer than the server takes.
        old, new = graph_of(before, head.number - 1), graph_of(after, head.number)
        changes = list(publish(old, new))
        coming = {name: frame[frame[FACT] == _NEW] for name, frame in after.items()}

        def work(tx: neo4j.ManagedTransaction) -> None:
            first = _reserve(tx, sum(map(len, coming.values())))
            newest = _last(tx)
            if newest == head.number and _uid(tx, newest) == uid:
                return  # an earlier try was committed, only its answer was lost
            if newest != head.number - 1:
                raise StoreBusyError(
                    f"另一个程序刚刚写入了版本 {newest}；本次没有写入任何内容，请重新运行。"
                )
            for name, table in STORED.items():
                frame = coming[name].rename(columns={SINCE: "stated"})
                numbers = np.arange(first, first + len(frame))
                first += len(frame)
                _run(
                    tx,
                    add_records(table, _with(frame, {FACT: numbers, "since": head.number})),
                )
                held = before[name][FACT]
                closed = held[~held.isin(after[name][FACT])].tolist()
                _run(tx, close_records(table, closed, head.number))
            _run(tx, changes)
            _add_version(tx, head, uid)

        self._link.write(work)


class Neo4jWriter:
    """One load: what the facts will be, kept here until it is committed."""

    def __init__(self, base: int, tables: Tables) -> None:
        self._base = base
        self.before: Tables = tables
        self.after: dict[str, pd.DataFrame] = dict(tables)
        self.changes: list[Change] = []
        self.packs: list[str] = []
        self.receipts: dict[str, str] = {}

    @property
    def version(self) -> int:
        """Version after the commit; unchanged where nothing changed."""
        return self._base + 1 if self.changes else self._base

    def keep(self, key: str, receipt: str) -> None:
        """Keep a receipt; see :class:`graph.store.Writer`."""
        self.receipts[key] = receipt

    def replace(self, facts: Facts) -> tuple[Change, ...]:
        """Make a pack say exactly these facts; see :class:`graph.store.Writer`."""
        stated = {**facts.tables, "rejects": facts.rejects}
        changes = []
        for name, table in STORED.items():
            all_ = self.after[name]
            own = all_[PACK] == facts.pack
            if stated.get(name) is None and not own.any():
                continue
            new = statement(stated.get(name), table)
            old = all_.loc[own, list(new.columns)]
            gone, come = missing_from(old, new), missing_from(new, old)
            if not gone.any() and not come.any():
                continue
            coming = _with(new[come], {PACK: facts.pack, SINCE: self._base + 1, FACT: _NEW})
            self.after[name] = _joined(all_.drop(index=old.index[gone]), coming)
            changes.append(change_of(facts.pack, table, old[gone], new[come]))
        self.changes += changes
        self.packs.append(facts.pack)
        return tuple(changes)


class _Head:
    """What a version node says, but for its time."""

    def __init__(
        self,
        number: int,
        action: str,
        packs: tuple[str, ...],
        undoes: int | None,
        changes: tuple[Change, ...],
        at: datetime | None = None,
    ) -> None:
        self.number, self.action, self.packs = number, action, packs
        self.undoes, self.changes = undoes, changes
        self.at = at or datetime.now(UTC).replace(microsecond=0)

    @classmethod
    def of(cls, version: Version) -> _Head:
        v = version
        return cls(v.number, v.action, v.packs, v.undoes, v.changes, v.at)


def cache() -> Path:
    """Where snapshots of server stores are kept; may be deleted at any time."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("CHAINATLAS_CACHE") or Path(home) / "chainatlas") / "snapshots"


def _with(frame: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    found = frame.copy()
    for name, values in columns.items():
        found[name] = values
    return found


def _joined(kept: pd.DataFrame, coming: pd.DataFrame) -> pd.DataFrame:
    """Rows kept and rows that come, with the columns of the first."""
    if not len(coming):
        return kept.reset_index(drop=True)
    return pd.concat([kept, coming[kept.columns]], ignore_index=True)


def _number(tx: neo4j.ManagedTransaction, query: str) -> int:
    record = tx.run(query).single()
    return int((record and record[0]) or 0)


def _last(tx: neo4j.ManagedTransaction) -> int:
    return _number(tx, "MATCH (v:Version) RETURN max(v.number)")


def _receipts(tx: neo4j.ManagedTransaction) -> str | None:
    record = tx.run("MATCH (c:ChainAtlas) RETURN c.receipts").single()
    return None if record is None or record[0] is None else str(record[0])


def _keep(tx: neo4j.ManagedTransaction, version: int, kept: Mapping[str, str]) -> None:
    """Keep receipts, unless somebody made a newer version, for which they do not hold."""
    _reserve(tx, 0)
    if _last(tx) != version:
        return
    held = _receipts(tx)
    for key, receipt in kept.items():
        held = receipts.added(held, version, key, receipt)
    tx.run("MATCH (c:ChainAtlas) SET c.receipts = $held", held=held).consume()


def _run(tx: neo4j.ManagedTransaction, statements: Any) -> None:
    for query, values in statements:
        tx.run(query, values).consume()


def _reserve(tx: neo4j.ManagedTransaction, count: int) -> int:
    """Numbers for new records; the first of them. Whoever else writes waits here."""
    record = tx.run(
        "MATCH (c:ChainAtlas {application: 'chainatlas'}) SET c.next = c.next + $count"
        " RETURN c.next - $count",
        count=count,
    ).single(strict=True)
    return int(record[0])


def _uid(tx: neo4j.ManagedTransaction, number: int) -> str:
    record = tx.run("MATCH (v:Version {number: $number}) RETURN v.uid", number=number).single()
    return str(record[0]) if record else ""


def _records(
    tx: neo4j.ManagedTransaction, table: Table, version: int | None = None
) -> pd.DataFrame:
    """Records of a version with PACK, SINCE and FACT; those of all versions with SPAN."""
    query, names = read_records(table, every=version is None)
    parts = [record.values() for record in tx.run(query, version=version)]
    numeric = {c.name for c in table.columns if c.numeric} | {"until"}
    found = {}
    for at, name in enumerate(names):
        whole = name in (FACT, "stated", "since")
        kind = "int64" if whole else "float64" if name in numeric else "str"
        cells = [cell for part in parts for cell in part[at]]
        target = SINCE if name == "stated" and version is not None else name
        found[target] = pd.Series(cells, dtype=kind)
    return pd.DataFrame(found)


def _versions(tx: neo4j.ManagedTransaction) -> list[Version]:
    query = (
        "MATCH (v:Version) RETURN v, COLLECT { MATCH (v)-[:MADE]->(c:Change)"
        " RETURN c ORDER BY c.position } AS changes ORDER BY v.number"
    )
    return [
        Version(
            row["v"]["number"],
            datetime.fromisoformat(row["v"]["at"]),
            row["v"]["action"],
            tuple(row["v"]["packs"]),
            row["v"].get("undoes"),
            tuple(
                Change(c["pack"], c["table"], c["added"], c["changed"], c["withdrawn"])
                for c in row["changes"]
            ),
        )
        for row in tx.run(query)
    ]


def _add_version(tx: neo4j.ManagedTransaction, head: _Head, uid: str) -> None:
    tx.run(
        "CREATE (v:Version {name: $name, number: $number, at: $at, action: $action, packs: $packs,"
        " undoes: $undoes, uid: $uid}) WITH v UNWIND range(0, size($changes) - 1) AS i"
        " CREATE (v)-[:MADE]->(c:Change {position: i}) SET c += $changes[i]",
        name=f"版本 {head.number}",
        number=head.number,
        at=head.at.isoformat(timespec="seconds"),
        action=head.action,
        packs=list(head.packs),
        undoes=head.undoes,
        uid=uid,
        changes=[
            {
                "pack": c.pack,
                "table": c.table,
                "added": c.added,
                "changed": c.changed,
                "withdrawn": c.withdrawn,
            }
            for c in head.changes
        ],
    ).consume()
