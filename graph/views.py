"""Saved views: a page's state under a name, for its owner and for whoever has the link."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .errors import ChainAtlasError, NotFoundError
from .work import WorkFile

#: Most characters of a name, and of a state as JSON.
NAME_MOST, STATE_MOST = 80, 200_000
_COLUMNS = "id, page, name, owner, state, created_at, updated_at"


@dataclass(frozen=True)
class SavedView:
    """A saved view.

    Attributes:
        id: Stands in its link; nobody guesses it.
        page: Page it belongs to, such as ``graph``.
        name: What its owner calls it; one owner has a name once on a page.
        owner: Name of the user.
        state: What the page needs to show it again; JSON.
        created_at: When it was first saved (UTC).
        updated_at: When it was last saved (UTC).
    """

    id: str
    page: str
    name: str
    owner: str
    state: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


class SavedViews:
    """The saved views of one page.

    Args:
        work: The file they are in.
        page: The page.
    """

    def __init__(self, work: WorkFile, page: str) -> None:
        self._work = work
        self._page = page

    def all(self) -> tuple[SavedView, ...]:
        """Every view of the page, the last saved first."""
        with self._work.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM views WHERE page = ? ORDER BY updated_at DESC, name, id",
                (self._page,),
            ).fetchall()
        return tuple(map(_view, rows))

    def get(self, number: str) -> SavedView:
        """The view of an id.

        Raises:
            NotFoundError: There is none on this page.
        """
        with self._work.reading() as connection:
            return _view(self._row(connection, number))

    def save(
        self, connection: sqlite3.Connection, name: str, owner: str, state: Mapping[str, Any]
    ) -> SavedView:
        """Keep a state under a name; what the owner kept under it before is replaced.

        Args:
            connection: A transaction of the work file.
            name: What its owner calls it.
            owner: Name of the user.
            state: What the page needs to show it again; JSON.

        Raises:
            ChainAtlasError: The name is empty or too long, or the state too large.
        """
        name = " ".join(name.split())
        text = json.dumps(state, ensure_ascii=False, allow_nan=False)
        if not 0 < len(name) <= NAME_MOST:
            raise ChainAtlasError(f"视图名称须为 1 至 {NAME_MOST} 个字。")
        if len(text) > STATE_MOST:
            raise ChainAtlasError("视图过大，请先收起或隐藏一部分节点。")
        at = datetime.now(UTC).replace(microsecond=0).isoformat()
        row = connection.execute(
            "INSERT INTO views (id, page, name, owner, state, created_at, updated_at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (page, owner, name)"
            f" DO UPDATE SET state = ?5, updated_at = ?6 RETURNING {_COLUMNS}",
            (uuid.uuid4().hex, self._page, name, owner, text, at),
        ).fetchone()
        return _view(row)

    def remove(self, connection: sqlite3.Connection, number: str) -> None:
        """Forget a view, in a transaction of the work file.

        Raises:
            NotFoundError: There is none on this page.
        """
        self._row(connection, number)
        connection.execute("DELETE FROM views WHERE id = ?", (number,))

    def _row(self, connection: sqlite3.Connection, number: str) -> tuple[str, ...]:
        row: tuple[str, ...] | None = connection.execute(
            f"SELECT {_COLUMNS} FROM views WHERE page = ? AND id = ?", (self._page, number)
        ).fetchone()
        if row is None:
            raise NotFoundError(f"没有这个视图：{number}。")
        return row


def _view(row: tuple[str, ...]) -> SavedView:
    number, page, name, owner, state, created, updated = row
    times = map(datetime.fromisoformat, (created, updated))
    return SavedView(number, page, name, owner, json.loads(state), *times)
