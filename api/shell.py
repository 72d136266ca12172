"""What every command of the command line shares: the application, its options, notes and progress.

A module of commands imports :data:`app` and the options from here; :mod:`.cli` imports the modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from .. import __version__
from ..analysis.gaps import Gaps, find_gaps
from ..analysis.scope import Scope
from ..graph import regions as geo
from ..graph.store import View, open_store
from ..graph.work import Decision, Decisions, WorkFile, work_path
from ..ingest.pack import Progress as Report
from .output import Format
from .security.ledger import CLI, Ledger

DONE, FAILED, QUARANTINED = 0, 1, 3
DEFAULT_DB = "chainatlas.db"

app = typer.Typer(
    name="chainatlas",
    help="产业链知识图谱与强补延固链诊断。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
notes = Console(stderr=True, highlight=False, markup=False)


def _choose_db(context: typer.Context, own: str) -> str:
    """``--db`` after the command, else before it, else the environment's, else the default."""
    above = context.parent.obj if context.parent is not None else None
    return own or above or DEFAULT_DB


def one_of(allowed: Iterable[str]) -> Callable[[str | None], str | None]:
    """A check that a value is one of the declared codes; another one is a malformed command."""
    codes = list(allowed)

    def check(value: str | None) -> str | None:
        if value is not None and value not in codes:
            raise typer.BadParameter(f"{value!r}：应为 {' | '.join(codes)}")
        return value

    return check


Db = Annotated[
    str,
    typer.Option(
        "--db",
        callback=_choose_db,
        help=f"数据库文件或 neo4j:// 地址，默认环境变量 CHAINATLAS_DB，再默认 {DEFAULT_DB}。",
        show_default=False,
    ),
]
Region = Annotated[str, typer.Option("--region", help="GB/T 2260 六位代码或地区全名。")]
Cluster = Annotated[str, typer.Option("--cluster", help="集群编码，见 chainatlas clusters。")]
BoundaryFile = Annotated[
    Path | None,
    typer.Option("--boundaries", help="自备边界：GeoJSON 文件或文件夹，默认随附的边界。"),
]
VersionNo = Annotated[int | None, typer.Option("--version", help="数据版本，默认最新。")]
Form = Annotated[Format, typer.Option("--format", help="输出格式。")]
Out = Annotated[Path | None, typer.Option("--out", help="写入文件而不是屏幕。")]


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    db: Annotated[
        str | None,
        typer.Option("--db", envvar="CHAINATLAS_DB", help="数据库文件或 neo4j:// 地址。"),
    ] = None,
    program_version: Annotated[bool, typer.Option("--version", help="程序版本。")] = False,
) -> None:
    context.obj = db
    if program_version:
        typer.echo(f"chainatlas {__version__}")
        raise typer.Exit


def view_of(db: str, version: int | None) -> View:
    """Facts of a version of the store at an address."""
    return open_store(db).view(version)


def gaps_of(db: str, version: int | None, region: str, cluster: str) -> Gaps:
    """Gaps of a region, by code or name, and a cluster."""
    return find_gaps(Scope.of(view_of(db, version).graph(), geo.resolve(region), cluster))


def decisions_of(db: str) -> tuple[Decision, ...]:
    """What people decided about enterprises of the store at an address."""
    return Decisions(WorkFile(work_path(db))).all()


def leave_row(db: str, action: str, target: str, **detail: object) -> None:
    """Leave a row in the audit of what a command changed or exported.

    Where nobody ever defined a user, decided or followed up anything, there is no work file, and
    none is made for this: one person's store beside their tables has no audit.
    """
    if work_path(db).exists():
        write_row(db, action, target, **detail)


def write_row(db: str, action: str, target: str, **detail: object) -> None:
    """Leave a row in the audit of a change of the work file itself, which is made where need be.

    Raises:
        StoreError: It cannot be written: the change must not be made then.
    """
    Ledger(WorkFile(work_path(db))).append(CLI.actor, action, target, detail)


def note(text: str) -> None:
    """A line on standard error, never broken in the middle."""
    notes.print(text, soft_wrap=True)


@contextmanager
def progress_bar() -> Iterator[Report]:
    """A progress bar on standard error, shown where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as bar:
        task = bar.add_task("读取", total=None)

        def report(label: str, done: int, total: int) -> None:
            bar.update(task, description=label, completed=done, total=total)

        yield report
