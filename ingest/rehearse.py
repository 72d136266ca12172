"""A load that is taken back before it is committed: what it would change, and what it would refuse."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..graph.chain import PACK
from ..graph.errors import NotFoundError
from ..graph.schema import REJECTS
from ..graph.store import Facts, Store, open_store
from ..graph.work import Decision
from .files import Told, read_inputs
from .load import LoadReport, Stage, load
from .pack import Progress


@dataclass(frozen=True)
class Rehearsal:
    """What a load would do.

    Attributes:
        base: Version of the facts that it was held against; 0 where there is no store yet.
        report: What the load would report.
        rejects: What the quarantine of the packs would hold: ``pack`` and the columns of
            :data:`..graph.schema.REJECTS`.
    """

    base: int
    report: LoadReport
    rejects: pd.DataFrame


class _EnoughError(Exception):
    """Carries the report out of a load, and so takes the load back."""

    def __init__(self, report: LoadReport) -> None:
        super().__init__()
        self.report = report


def rehearse(
    address: str,
    paths: Sequence[Path],
    source: str | None = None,
    progress: Progress | None = None,
    decisions: Iterable[Decision] = (),
    stages: Sequence[Stage] = (),
    told: Told | None = None,
) -> Rehearsal:
    """Do everything that :func:`.files.load_files` would do, but the commit.

    It holds the place of the one writer meanwhile, so that the answer is of one state of the facts;
    readers are not disturbed. Where there is no store none is made.

    Args:
        address: Of the store.
        paths: Files and folders of any source, or corrections.
        source: Source to read them as; None finds out.
        progress: Told of each table of each pack, and of what follows.
        decisions: What people decided about which enterprises are one.
        stages: What is done to the facts of sources that are no packs.
        told: Told how each path is read.

    Raises:
        ReadError: A file cannot be read, or no source is like it.
        StoreError: What stands at the address is no store.
        StoreBusyError: Another process is writing.
    """
    packs = read_inputs(paths, source, told)
    stated: list[Facts] = []

    def enough(report: LoadReport) -> tuple[str, str]:
        raise _EnoughError(report)

    with _store(address) as store:
        try:
            load(store, packs, progress, decisions, stages, enough, stated.append)
        except _EnoughError as end:
            report = end.report
    rejects = [facts.rejects.assign(**{PACK: facts.pack}) for facts in stated]
    columns = [PACK, *(column.name for column in REJECTS.own)]
    whole = pd.concat(rejects, ignore_index=True)[columns]
    return Rehearsal(report.version - int(report.changed), report, whole)


@contextmanager
def _store(address: str) -> Iterator[Store]:
    """The store of an address, or an empty one that is thrown away."""
    try:
        with closing(open_store(address)) as store:
            yield store
    except NotFoundError:
        with (
            tempfile.TemporaryDirectory() as folder,
            closing(open_store(str(Path(folder) / "empty.db"), create=True)) as store,
        ):
            yield store
