"""What a store is: versions of facts, one writer, many readers.

The embedded store keeps one file, the Neo4j store a database on a server, behind the same three
protocols.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from .chain import ChainGraph

if TYPE_CHECKING:
    from .facts import History


@dataclass(frozen=True)
class Facts:
    """The whole statement of one pack, validated.

    Attributes:
        pack: Name of the pack; the same name replaces what it said before.
        tables: Facts by table name, typed as declared.
        rejects: What could not be used, with the columns of :data:`schema.REJECTS`.
    """

    pack: str
    tables: Mapping[str, pd.DataFrame]
    rejects: pd.DataFrame


@dataclass(frozen=True)
class Change:
    """Facts of one table that a pack added, changed or withdrew."""

    pack: str
    table: str
    added: int
    changed: int
    withdrawn: int


@dataclass(frozen=True)
class Version:
    """One committed state of the facts.

    Attributes:
        number: 1, 2, ...; 0 is the empty store.
        at: When it was committed (UTC).
        action: ``load`` or ``undo``.
        packs: Names of the packs that the load stated.
        undoes: Number of the load that an undo took back.
        changes: What changed, table by table.
    """

    number: int
    at: datetime
    action: str
    packs: tuple[str, ...]
    undoes: int | None
    changes: tuple[Change, ...]


class View(Protocol):
    """Facts of one version, for reading."""

    @property
    def version(self) -> int:
        """Number of the version."""
        ...

    def graph(self) -> ChainGraph:
        """The whole graph."""
        ...

    def facts(self, but: Collection[str] = ()) -> list[Facts]:
        """What each pack states, by name: enough to load it again, here or elsewhere.

        Args:
            but: Names of packs that are left out, and not read where that can be avoided.
        """
        ...

    def stated(self, table: str, but: Collection[str] = ()) -> pd.DataFrame:
        """What every pack says in one table, not merged: its columns, PACK and SINCE.

        Args:
            table: Name of the table.
            but: As for :meth:`facts`.
        """
        ...

    def rejects(self) -> pd.DataFrame:
        """What was quarantined of the packs in force: ``pack`` and the columns of REJECTS."""
        ...


class Writer(Protocol):
    """One load under way. Leaving its context commits; an exception leaves no trace."""

    def replace(self, facts: Facts) -> tuple[Change, ...]:
        """Make a pack say exactly these facts, withdrawing what it no longer says."""
        ...

    def keep(self, key: str, receipt: str) -> None:
        """Keep a receipt for the version after the commit; see :mod:`.receipts`."""
        ...

    @property
    def version(self) -> int:
        """Version after the commit; unchanged where nothing changed."""
        ...


class Store(Protocol):
    """Versioned facts at one address."""

    def writer(self) -> AbstractContextManager[Writer]:
        """Begin a load; only one at a time.

        Raises:
            StoreBusyError: Another process is writing and does not finish.
        """
        ...

    def view(self, version: int | None = None) -> View:
        """Facts of a version; the newest where none is given.

        Raises:
            NotFoundError: No such version.
        """
        ...

    def receipt(self, key: str) -> str | None:
        """The receipt of a key for the newest version, None where it has none."""
        ...

    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        ...

    def undo(self) -> Version:
        """Take back the last load that is not undone yet, as a new version.

        Raises:
            NotFoundError: There is no load to take back.
        """
        ...

    def compare(self, old: int, new: int) -> pd.DataFrame:
        """Facts that differ between two versions: change, table, pack, key."""
        ...

    def history(self) -> History:
        """Everything the store holds, of all versions."""
        ...

    def adopt(self, history: History, *, replace: bool = False) -> None:
        """Become a copy of another store: all of its versions and facts, in one step.

        Raises:
            StoreError: There are versions here already, and ``replace`` is false.
        """
        ...

    def backup(self, path: Path) -> None:
        """Write the whole store, with all its versions, to a new file.

        Raises:
            StoreError: The file exists or cannot be written.
        """
        ...

    def close(self) -> None:
        """Release what the store holds."""
        ...


def open_store(address: str, *, create: bool = False) -> Store:
    """The store at an address.

    Args:
        address: Path of an embedded store, or ``neo4j://`` and the like; see :mod:`.neo4j_link`.
        create: Make a new, empty store where there is none.

    Raises:
        NotFoundError: There is none, and ``create`` is false.
        StoreError: What stands there is no store, or the kind of address is unknown.
    """
    from .embedded import EmbeddedStore
    from .neo4j_link import is_address
    from .neo4j_store import Neo4jStore

    if is_address(address):
        return Neo4jStore(address, create=create)
    return EmbeddedStore(Path(address), create=create)
