"""The kinds of jobs, each declared once: one more kind is one more entry of :data:`KINDS`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .access import Role

if TYPE_CHECKING:
    from .jobs_task import Task

#: Does a job: told its task, returns what came out as JSON values.
Work = Callable[["Task"], dict[str, Any]]


class _Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UploadOnly(_Parameters):
    """A job about an upload."""

    upload: str


class Commit(UploadOnly):
    """Load an upload, if the facts are still those that its dry run was held against."""

    base: Annotated[int, Field(ge=0, le=2**53)]


class Undo(_Parameters):
    """Take back the last load, if the newest version is still the one that was seen."""

    version: Annotated[int, Field(ge=1, le=2**53, description="撤销前的最新版本")]


class Place(_Parameters):
    """A region and a cluster."""

    region: Annotated[str, Field(pattern=r"^\d{6}$", description="GB/T 2260 六位代码")]
    cluster: Annotated[str, Field(min_length=1, max_length=200)]
    version: Annotated[int | None, Field(ge=0, le=2**53, description="数据版本，默认最新")] = None


class Report(Place):
    """The report of a region and cluster."""

    form: Annotated[Literal["html", "docx"], Field(description="文件格式")] = "docx"


class Backtest(UploadOnly):
    """Dated lists (``YYYY-MM-DD.csv``) of an upload, and the seed of what is drawn."""

    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    Attributes:
        title: What people call it.
        role: The least role that may ask for it.
        lane: Kinds of one lane share its places, see :data:`LANES`.
        parameters: What is asked for.
        work: ``module:function`` of this package that does it, imported only in its process.
        direct: Whether it is asked for at ``POST /jobs``; other kinds have routes of their own.
        everywhere: Whether it concerns all facts, so that a caller bound to a region may not.
        province: Whether what comes out shows the whole province of its region, as the
            distribution map does, so that a caller bound to a part of it may not.
    """

    title: str
    role: Role
    lane: str
    parameters: type[BaseModel]
    work: str
    direct: bool = True
    everywhere: bool = False
    province: bool = False

    def load(self) -> Work:
        """The function that does it."""
        module, name = self.work.split(":")
        work: Work = getattr(importlib.import_module(f".{module}", __package__), name)
        return work


#: Places of each lane: what writes goes one at a time, what only reads two at a time.
LANES: Mapping[str, int] = MappingProxyType({"write": 1, "read": 2})

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "dry_run": Kind(
            *("试运行", Role.editor, "write", UploadOnly, "jobs_work:dry_run"),
            direct=False,
            everywhere=True,
        ),
        "ingest": Kind(
            *("导入", Role.editor, "write", Commit, "jobs_work:ingest"),
            direct=False,
            everywhere=True,
        ),
        "undo": Kind(
            *("撤销最近一次导入", Role.editor, "write", Undo, "jobs_work:undo"),
            everywhere=True,
        ),
        "report": Kind("诊断报告", Role.analyst, "read", Report, "jobs_work:report"),
        "backtest": Kind("历史回测", Role.editor, "read", Backtest, "jobs_work:backtest"),
        "pictures": Kind(
            "全套图件与清单",
            Role.analyst,
            "read",
            Place,
            "jobs_work:pictures",
            province=True,
        ),
    }
)


def lanes() -> list[tuple[list[str], int]]:
    """The kinds of each lane, and its places."""
    return [
        ([name for name, kind in KINDS.items() if kind.lane == lane], places)
        for lane, places in LANES.items()
    ]
