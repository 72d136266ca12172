"""Jobs as rows of the work file: queued, taken by one process, running, and ended in one way.

Server workers, and the processes that do the work, meet only here; each step is one transaction, so
a job is never taken twice however many workers look for one. A running job shows its heartbeat; one
that has missed it for :data:`LOST_S` seconds is dead, and says so.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from ...graph.errors import ChainAtlasError, NotFoundError
from ...graph.work import WorkFile

State = Literal["queued", "running", "done", "failed", "cancelled"]
#: What a state is called.
STATES: Mapping[State, str] = {
    "queued": "排队中",
    "running": "运行中",
    "done": "已完成",
    "failed": "失败",
    "cancelled": "已取消",
}
#: States in which nothing more happens.
ENDED = ("done", "failed", "cancelled")
#: Jobs that may wait, in all and of one owner.
WAITING, WAITING_EACH = 20, 8
#: Seconds between two heartbeats, and without one until a job counts as dead.
BEAT_S, LOST_S = 0.5, 60.0
#: Days that ended jobs are kept.
KEPT_DAYS = 180
#: The step of a job whose process starts.
STARTING = "启动"
#: What a job says that died.
DIED = "作业进程意外中止。数据库保持完整，没有写到一半的内容；可以重新运行。"


class FullError(ChainAtlasError):
    """Too many jobs wait already."""


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        id: Random.
        kind: One of :data:`.jobs_kinds.KINDS`.
        owner: Name of who asked for it.
        region: Region it is about, or the scope of its owner.
        state: One of :data:`STATES`.
        label: The step it is at.
        done: Steps done.
        total: Steps in all; 0 while unknown.
        parameters: What was asked for.
        result: What came out, once done.
        error: Why it failed, for its owner to read.
        cancel: Whether somebody asked it to stop.
        created_at: When it was asked for; this and the other times are UTC, in ISO 8601.
        started_at: When a process took it.
        finished_at: When it ended.
        beat_at: Its last heartbeat.
    """

    id: str
    kind: str
    owner: str
    region: str
    state: State
    label: str
    done: int
    total: int
    parameters: Mapping[str, Any]
    result: Mapping[str, Any] | None
    error: str | None
    cancel: bool
    created_at: str
    started_at: str | None
    finished_at: str | None
    beat_at: str | None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ENDED

    def json(self) -> dict[str, Any]:
        """The job as the API shows it."""
        return {**asdict(self), "ended": self.ended}


_COLUMNS = ", ".join(field.name for field in fields(Job))


def now() -> str:
    """The time (UTC)."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _before(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat(timespec="milliseconds")


def _job(row: Sequence[Any]) -> Job:
    values = dict(zip((field.name for field in fields(Job)), row, strict=True))
    values["parameters"] = json.loads(values["parameters"])
    values["result"] = None if values["result"] is None else json.loads(values["result"])
    values["cancel"] = bool(values["cancel"])
    return Job(**values)


class Jobs:
    """The jobs of a work file.

    Args:
        work: The file they are in.
    """

    def __init__(self, work: WorkFile) -> None:
        self._work = work

    def add(self, kind: str, owner: str, region: str, parameters: Mapping[str, Any]) -> Job:
        """Put a job into the queue.

        Raises:
            FullError: Too many wait already.
        """
        number = uuid.uuid4().hex
        with self._work.writing() as connection:
            waiting = connection.execute(
                "SELECT count(*), count(*) FILTER (WHERE owner = ?) FROM jobs WHERE state = 'queued'",
                (owner,),
            ).fetchone()
            if waiting[0] >= WAITING or waiting[1] >= WAITING_EACH:
                raise FullError(f"已有 {waiting[0]} 个作业在排队，请等它们完成后再提交。")
            connection.execute(
                "INSERT INTO jobs (id, kind, owner, region, state, parameters, created_at)"
                " VALUES (?, ?, ?, ?, 'queued', ?, ?)",
                (number, kind, owner, region, json.dumps(parameters, ensure_ascii=False), now()),
            )
        return self.get(number)

    def get(self, number: str) -> Job:
        """A job.

        Raises:
            NotFoundError: There is none of this id.
        """
        with self._work.reading() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (number,)
            ).fetchone()
        if row is None:
            raise NotFoundError("没有这个作业。")
        return _job(row)

    def newest(
        self, owner: str | None = None, state: str | None = None, limit: int = 50
    ) -> list[Job]:
        """Jobs, newest first; those of one owner, or of all where it is None."""
        with self._work.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE (?1 IS NULL OR owner = ?1)"
                " AND (?2 IS NULL OR state = ?2) ORDER BY created_at DESC, rowid DESC LIMIT ?3",
                (owner, state, limit),
            ).fetchall()
        return [_job(row) for row in rows]

    def about(self, kinds: Sequence[str], upload: str) -> list[Job]:
        """Jobs of some kinds that concern an upload, newest first."""
        marks = ", ".join("?" * len(kinds))
        with self._work.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE kind IN ({marks})"
                " AND json_extract(parameters, '$.upload') = ? ORDER BY created_at DESC, rowid DESC",
                (*kinds, upload),
            ).fetchall()
        return [_job(row) for row in rows]

    def take(self, lanes: Sequence[tuple[Sequence[str], int]]) -> Job | None:
        """Take the oldest job that may run now; None where there is none.

        Args:
            lanes: Kinds that share places, and how many of them may run at a time.
        """
        with self._work.reading() as connection:  # most of the time there is nothing to take
            if not _waiting(connection):
                return None
        with self._work.writing() as connection:
            running = [
                kind
                for (kind,) in connection.execute("SELECT kind FROM jobs WHERE state = 'running'")
            ]
            free = {
                kind
                for kinds, places in lanes
                if sum(kind in kinds for kind in running) < places
                for kind in kinds
            }
            for number, kind in _waiting(connection):
                if kind in free:
                    connection.execute(
                        "UPDATE jobs SET state = 'running', started_at = ?1, beat_at = ?1,"
                        " label = ?2 WHERE id = ?3",
                        (now(), STARTING, number),
                    )
                    break
            else:
                return None
        return self.get(number)

    def beat(self, number: str, label: str, done: int, total: int) -> Literal["go", "stop", "lost"]:
        """Show that a job is alive, and how far it is.

        Returns:
            Whether it shall go on: ``stop`` where somebody cancelled it, ``lost`` where it counts
            as ended already and must not do anything more.
        """
        with self._work.writing() as connection:
            row = connection.execute(
                "UPDATE jobs SET beat_at = ?, label = ?, done = ?, total = ?"
                " WHERE id = ? AND state = 'running' RETURNING cancel",
                (now(), label, done, total, number),
            ).fetchone()
        if row is None:
            return "lost"
        return "stop" if row[0] else "go"

    def end(
        self,
        number: str,
        state: State,
        *,
        result: Mapping[str, Any] | None = None,
        error: str | None = None,
    ) -> bool:
        """End a running job; false where it had ended already."""
        text = None if result is None else json.dumps(result, ensure_ascii=False)
        with self._work.writing() as connection:
            return bool(
                connection.execute(
                    "UPDATE jobs SET state = ?, result = ?, error = ?, finished_at = ?,"
                    " done = CASE WHEN ?1 = 'done' THEN total ELSE done END"
                    " WHERE id = ? AND state = 'running'",
                    (state, text, error, now(), number),
                ).rowcount
            )

    def requeue(self, number: str) -> None:
        """Give a running job back, for another process to begin anew."""
        with self._work.writing() as connection:
            connection.execute(
                "UPDATE jobs SET state = CASE WHEN cancel THEN 'cancelled' ELSE 'queued' END,"
                " started_at = NULL, beat_at = NULL, label = '', done = 0, total = 0"
                " WHERE id = ? AND state = 'running'",
                (number,),
            )

    def cancel(self, number: str) -> Job:
        """Ask a job to stop; one that waits is cancelled at once, an ended one stays as it is."""
        with self._work.writing() as connection:
            connection.execute(
                "UPDATE jobs SET cancel = 1,"
                " finished_at = CASE WHEN state = 'queued' THEN ? ELSE finished_at END,"
                " state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END"
                " WHERE id = ? AND state IN ('queued', 'running')",
                (now(), number),
            )
        return self.get(number)

    def bury(self) -> int:
        """Mark jobs failed whose process is dead; how many."""
        with self._work.reading() as connection:
            dead = connection.execute(
                "SELECT count(*) FROM jobs WHERE state = 'running' AND beat_at < ?",
                (_before(seconds=LOST_S),),
            ).fetchone()[0]
        if not dead:
            return 0
        with self._work.writing() as connection:
            return connection.execute(
                "UPDATE jobs SET state = CASE WHEN cancel THEN 'cancelled' ELSE 'failed' END,"
                " error = CASE WHEN cancel THEN NULL ELSE ? END, finished_at = ?"
                " WHERE state = 'running' AND beat_at < ?",
                (DIED, now(), _before(seconds=LOST_S)),
            ).rowcount

    def forget(self) -> None:
        """Delete jobs that ended long ago."""
        if not self._work.path.exists():
            return
        with self._work.writing() as connection:
            connection.execute(
                "DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled')"
                " AND finished_at < ?",
                (_before(days=KEPT_DAYS),),
            )


def _waiting(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT id, kind FROM jobs WHERE state = 'queued' ORDER BY created_at, rowid"
    ).fetchall()
