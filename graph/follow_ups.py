"""Follow-ups: who is talking to which enterprise about which gap, and how far that is.

Rows are only added: the newest one of a target says how it stands, the others are its history.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

from .errors import ChainAtlasError
from .work import WorkFile

#: Stages of a follow-up in the order they are gone through, with their Chinese names.
FOLLOW_UP_STAGES: Mapping[str, str] = MappingProxyType(
    {
        "lead": "线索",
        "contact": "对接",
        "talks": "在谈",
        "signed": "签约",
        "landed": "落地",
        "shelved": "搁置",
    }
)
#: Longest owner and note, in characters.
OWNER_MOST, NOTE_MOST = 60, 500


@dataclass(frozen=True, kw_only=True)
class Step:
    """What was done about a target.

    Attributes:
        region: Region code of the gap.
        cluster: Cluster id of the gap.
        product: Product id of the gap.
        enterprise: Id of the target; "" for the gap as a whole.
        stage: One of :data:`FOLLOW_UP_STAGES`.
        owner: The unit or desk in charge.
        note: What was done, in their words.
    """

    region: str
    cluster: str
    product: str
    enterprise: str = ""
    stage: str
    owner: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class FollowUp(Step):
    """A step of a follow-up as it was written down.

    Attributes:
        number: Its number in the work file, never used again.
        actor: Who wrote it down, as in the audit.
        at: When (UTC).
    """

    number: int
    actor: str
    at: datetime

    @property
    def target(self) -> tuple[str, str]:
        """Product and enterprise that it is about."""
        return self.product, self.enterprise


_COLUMNS = "number, region, cluster, product, enterprise, stage, owner, note, actor, at"


class FollowUps:
    """The follow-ups of a work file.

    Args:
        work: The file they are in.
    """

    def __init__(self, work: WorkFile) -> None:
        self._work = work

    def history(self, region: str, cluster: str) -> tuple[FollowUp, ...]:
        """Every step in a region and cluster, newest first."""
        with self._work.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM follow_ups WHERE region = ? AND cluster = ?"
                " ORDER BY number DESC",
                (region, cluster),
            ).fetchall()
        names = _COLUMNS.split(", ")
        found = (dict(zip(names, row, strict=True)) for row in rows)
        return tuple(FollowUp(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in found)

    def current(self, region: str, cluster: str) -> dict[tuple[str, str], FollowUp]:
        """How each target stands, by product and enterprise, the latest first."""
        found: dict[tuple[str, str], FollowUp] = {}
        for step in self.history(region, cluster):
            found.setdefault(step.target, step)
        return found

    def add(self, step: Step, actor: str) -> FollowUp:
        """Write down a step; see :func:`add_within`."""
        with self._work.writing() as connection:
            return add_within(connection, step, actor)


def add_within(connection: sqlite3.Connection, step: Step, actor: str) -> FollowUp:
    """Write down a step within a transaction of the work file.

    Args:
        connection: The transaction.
        step: What was done.
        actor: Who writes it down, as in the audit.

    Raises:
        ChainAtlasError: No such stage, or owner or note is too long.
    """
    if step.stage not in FOLLOW_UP_STAGES:
        raise ChainAtlasError(f"没有这个阶段：{step.stage}；应为 {'、'.join(FOLLOW_UP_STAGES)}。")
    kept = replace(step, owner=step.owner.strip(), note=step.note.strip())
    if len(kept.owner) > OWNER_MOST or len(kept.note) > NOTE_MOST:
        raise ChainAtlasError(f"责任单位最多 {OWNER_MOST} 字，说明最多 {NOTE_MOST} 字。")
    at = datetime.now(UTC).replace(microsecond=0)
    own = asdict(kept)
    number = connection.execute(
        "INSERT INTO follow_ups (region, cluster, product, enterprise, stage, owner, note, actor,"
        " at) VALUES (:region, :cluster, :product, :enterprise, :stage, :owner, :note, :actor, :at)",
        {**own, "actor": actor, "at": at.isoformat()},
    ).lastrowid
    assert number is not None
    return FollowUp(**own, number=number, actor=actor, at=at)
