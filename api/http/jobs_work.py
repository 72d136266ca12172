"""What each kind of job does, in a process of its own."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from ...analysis.backtest.panel import Snapshot, build
from ...analysis.backtest.protocols import run as run_backtest
from ...analysis.gaps import Gaps, find_gaps
from ...analysis.scope import Scope
from ...graph.chain import PACK, records
from ...graph.errors import ChainAtlasError
from ...graph.schema import TABLES
from ...graph.store import Facts, open_store
from ...graph.work import Decision, Decisions
from ...ingest.corrections import sheet
from ...ingest.files import Told, load_files
from ...ingest.linking.stage import text_products
from ...ingest.load import COMMITTING, STAGING, WRITING, LoadReport, Stage
from ...ingest.pack import Progress
from ...ingest.products import same_products
from ...ingest.quarantine import REASONS
from ...ingest.rehearse import rehearse
from ...ingest.snapshots import read_snapshots
from ...viz.backtest_page import write_backtest
from .. import main_job
from ..output import harmless
from ..pictures import Album, Making, titled
from .jobs_task import Task
from .uploads_open import check, inspect, open_upload
from .uploads_spool import QUARANTINE, Upload

#: What is done to the facts of sources that are no packs, as ``chainatlas ingest`` does it.
STAGES = (same_products, text_products)
#: Reasons, and rows of each, that a result shows; the file has all of them.
SHOWN_REASONS, SHOWN_ROWS = 30, 3
MOVED = "试运行之后数据已变，没有导入；请重新试运行。"


class _Steps:
    """Progress of a load in steps that only go forward: files looked into, read, checked, written."""

    def __init__(self, task: Task, upload: Upload) -> None:
        self._task = task
        self._paths = max(1, len(upload.files))
        #: Each path that was read, and the source it was read as.
        self.sources: list[dict[str, str]] = []
        self._read = self._packs = self._done = self._last = 0

    @property
    def _total(self) -> int:
        # A file: looked into, read, its tables, products found, written; and the commit.
        return self._paths * (len(TABLES) + 4) + 1

    def _say(self, label: str, done: int) -> None:
        self._done = max(self._done, min(done, self._total))
        self._task.step(label, self._done, self._total)

    def opening(self, label: str, done: int, total: int) -> None:
        """Files are looked into; by bytes."""
        self._say(f"检查文件 {label}".strip(), round(self._paths * done / max(1, total)))

    def opened(self, paths: int) -> None:
        """So many paths are to be read."""
        self._paths = max(self._paths, paths)

    def told(self, path: Path, source: str) -> None:
        """A path is read."""
        self.sources.append({"file": path.name, "source": source})
        self._read += 1
        self._say(f"读取 {path.name}", self._paths + self._read)

    def progress(self, label: str, done: int, total: int) -> None:
        """What :func:`..ingest.load.load` says."""
        if label == COMMITTING:
            self._say(label, self._total - 1)
            self._task.seal()
        elif label == WRITING:
            self._say(label, self._total - 1 - self._paths + round(self._paths * done / total))
        elif label == STAGING:
            self._say(label, self._done + 1)
        else:
            self._packs += done < self._last or not self._packs
            self._last = done
            checked = (self._packs - 1) * (len(TABLES) + 1) + done
            self._say(f"检查{label}表", 2 * self._paths + checked)


#: What :func:`..ingest.files.load_files` and :func:`..ingest.rehearse.rehearse` are told alike.
_Arguments = tuple[
    str, list[Path], str | None, Progress, tuple[Decision, ...], Sequence[Stage], Told
]


def dry_run(task: Task) -> dict[str, Any]:
    """What loading an upload would change and refuse; nothing is changed."""
    upload, steps, arguments = _opened(task)
    found = rehearse(*arguments)
    _write_sheet(found.rejects, task.folder / QUARANTINE)
    return {
        "base": found.base,
        "labels": [file.label for file in upload.files],
        "sources": steps.sources,
        **_loaded(found.report),
        "quarantine": _reasons(found.rejects),
    }


def ingest(task: Task) -> dict[str, Any]:
    """Load an upload, if nobody changed the facts since its dry run."""
    _, steps, arguments = _opened(task)
    base = int(task.job.parameters["base"])
    stated: list[Facts] = []

    def watch(facts: Facts) -> None:
        # Nobody else can write now, so what is true here is true at the commit.
        if not stated and _version(task.settings.db) != base:
            raise ChainAtlasError(MOVED)
        stated.append(facts)

    report = load_files(*arguments, watch)
    return {"sources": steps.sources, **_loaded(report)}


def _opened(task: Task) -> tuple[Upload, _Steps, _Arguments]:
    """The upload of a job, its files looked into, and how they are to be loaded."""
    upload = task.spool.get(str(task.job.parameters["upload"]))
    steps = _Steps(task, upload)
    paths = open_upload(task.spool.folder(upload.id), upload, steps.opening)
    steps.opened(len(paths))
    decided = Decisions(task.work).all()
    source = upload.source or None
    return (
        upload,
        steps,
        (task.settings.db, paths, source, steps.progress, decided, STAGES, steps.told),
    )


def _version(address: str) -> int:
    with closing(open_store(address, create=True)) as store:
        return store.view().version


def _loaded(report: LoadReport) -> dict[str, Any]:
    """A load as JSON values."""
    return {
        "version": report.version,
        "changed": report.changed,
        "changes": [asdict(change) for change in report.changes],
        "packs": [asdict(pack) for pack in report.packs],
        "merged": {pack: dict(counts) for pack, counts in report.merged.items()},
        "to_review": report.to_review,
        "quarantined": report.quarantined,
    }


def _reasons(rejects: pd.DataFrame) -> dict[str, Any]:
    """Quarantine by file and reason, the most frequent first, each with its first rows."""
    counts = Counter(zip(rejects["file"], rejects["reason"], strict=True))
    groups = []
    for (file, reason), count in counts.most_common(SHOWN_REASONS):
        own = rejects[(rejects["file"] == file) & (rejects["reason"] == reason)]
        groups.append(
            {
                "file": file,
                "reason": reason,
                "title": REASONS.get(reason, reason),
                "rows": count,
                "whole_rows": int((own["level"] == "row").sum()),
                "first": [_example(row) for row in records(own.head(SHOWN_ROWS))],
            }
        )
    return {"rows": len(rejects), "reasons": groups, "further_reasons": len(counts) - len(groups)}


def _example(row: Mapping[str, Any]) -> dict[str, Any]:
    text = {
        key: (row[key] if isinstance(row[key], str) else "")[:300]
        for key in ("column", "message", "raw")
    }
    return {PACK: row[PACK], "line": int(row["line"]), **text}


def _write_sheet(rejects: pd.DataFrame, path: Path) -> None:
    harmless(sheet(rejects)).to_csv(path, index=False, lineterminator="\r\n", encoding="utf-8-sig")


def undo(task: Task) -> dict[str, Any]:
    """Take back the last load."""
    task.step("撤销", 0, 1)
    with closing(open_store(task.settings.db)) as store:
        if store.view().version != task.job.parameters["version"]:
            raise ChainAtlasError("数据已有更新的版本，没有撤销；请刷新页面后再试。")
        task.seal()
        made = store.undo()
    return {
        "version": made.number,
        "undoes": made.undoes,
        "changes": [asdict(change) for change in made.changes],
    }


def _gaps(task: Task) -> tuple[Gaps, str]:
    """The gaps of the region and cluster asked for, and what names of files begin with."""
    wanted = task.job.parameters
    task.step("分析", 0, 2)
    with closing(open_store(task.settings.db)) as store:
        graph = store.view(wanted.get("version")).graph()
    scope = Scope.of(graph, wanted["region"], wanted["cluster"])
    cluster = graph["clusters"].set_index("id").loc[scope.cluster].to_dict()
    title = titled(scope.region, str(cluster["name"]), str(cluster["region"]))
    return find_gaps(scope), main_job.file_stem(title, scope.cluster, set())


def report(task: Task) -> dict[str, Any]:
    """The report of a region and cluster."""
    found, stem = _gaps(task)
    task.step("写报告", 1, 2)
    name = f"{stem}-报告.{task.job.parameters['form']}"
    Album(found, Making(single=True)).report(task.folder / name)
    return {"version": found.version, "file": name}


def pictures(task: Task) -> dict[str, Any]:
    """Every picture, list and report of a region and cluster, in one archive."""
    found, stem = _gaps(task)
    own = task.settings.boundaries
    making = Making(boundaries=Path(own) if own else None)
    main_job.write_cluster(found, task.folder, stem, making, task.step)
    return {"version": found.version, "file": _zipped(task, f"{stem}-图件")}


def backtest(task: Task) -> dict[str, Any]:
    """How good the rankings are on past events, from the dated lists of an upload."""
    upload, seed = task.spool.get(task.job.parameters["upload"]), task.job.parameters["seed"]
    task.step("检查文件", 0, 3)
    with TemporaryDirectory() as place:
        for file in upload.files:
            path = task.spool.folder(upload.id) / file.file
            inspect(path, file.label)
            copied = Path(shutil.copyfile(path, Path(place) / file.label))
            check(copied)
        dated = read_snapshots(Path(place))
    task.step("回测", 1, 3)
    result = run_backtest(build([Snapshot(on, table) for on, table in dated]), seed)
    task.step("写报告", 2, 3)
    name = "历史回测.html"
    write_backtest(task.folder / name, result, [on.isoformat() for on, _ in dated], seed)
    return {"file": name}


def _zipped(task: Task, stem: str) -> str:
    """Everything in the folder as one archive, and its name."""
    files = sorted(path for path in task.folder.rglob("*") if path.is_file())
    name = f"{stem}.zip"
    with zipfile.ZipFile(task.folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(task.folder))
    return name
