"""The spool: uploaded files and what comes out of jobs, in one private folder beside the work file.

Files stand under random names; what their sender called them is kept as a label, plain enough to be
the name of a file. Nothing here is in backups: what matters of it is in the facts.
"""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from ...graph.errors import NotFoundError, ReadError
from .jobs import now
from .settings import Settings

#: Days that uploads and files that came out of jobs are kept.
KEPT_DAYS = 7
#: Characters of a label.
LABEL_LENGTH = 60
#: Name of the sheet with what a dry run refused, among what comes out of its job.
QUARANTINE = "quarantine.csv"
_ID = re.compile(r"[0-9a-f]{32}")
_META = "upload.json"
_PIECE = 2**20


@dataclass(frozen=True)
class Stored:
    """One uploaded file.

    Attributes:
        label: What its sender called it, made harmless.
        file: Its random name in the spool.
        size: Bytes.
    """

    label: str
    file: str
    size: int

    @property
    def suffix(self) -> str:
        """The ending of its label, in small letters."""
        return Path(self.label).suffix


@dataclass(frozen=True)
class Upload:
    """Files that are loaded together.

    Attributes:
        id: Random.
        owner: Name of who sent it.
        region: Scope of its owner.
        created_at: When (UTC, ISO 8601).
        source: Source to read it as; "" finds out.
        name: Name of the pack that loose files of a pack make together.
        files: Its files, in the order they came.
    """

    id: str
    owner: str
    region: str
    created_at: str
    source: str
    name: str
    files: tuple[Stored, ...]


def plain_label(name: str) -> str:
    r"""What somebody called a file, as a name that is harmless as a file name and on a page.

    >>> plain_label("../../etc/pass wd.CSV"), plain_label("C:\\x\\企业 名单(2).xlsx")
    ('pass wd.csv', '企业 名单(2).xlsx')
    >>> plain_label(".."), plain_label("\x00a\u202eb.csv"), plain_label(".csv")
    ('file', '_a_b.csv', 'csv')
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    clean = re.sub(r"[^\w .()（）【】《》、，·+-]+", "_", last).strip(" .")
    stem, dot, ending = clean.rpartition(".")
    if not dot or not re.fullmatch(r"[A-Za-z0-9]{1,5}", ending):
        return clean[:LABEL_LENGTH].strip(" .") or "file"
    return (stem[:LABEL_LENGTH].strip(" .") or "file") + "." + ending.lower()


class Spool:
    """The folder.

    Args:
        root: Where it is; made when something is first put there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def of(cls, settings: Settings) -> Spool:
        """The spool of an application: ``<work file>.spool``."""
        return cls(Path(f"{settings.work}.spool").absolute())

    def _made(self, *parts: str) -> Path:
        folder = self.root
        folder.mkdir(mode=0o700, exist_ok=True)
        for part in parts:
            folder = folder / part
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def folder(self, upload: str) -> Path:
        """Where the files of an upload are.

        Raises:
            NotFoundError: There is no such upload, or it has expired.
        """
        place = self.root / "uploads" / upload
        if not _ID.fullmatch(upload) or not (place / _META).is_file():
            raise NotFoundError("没有这次上传，或已过期。")
        return place

    def begin(self, owner: str, region: str, source: str = "", name: str = "") -> Upload:
        """A new upload without files."""
        upload = Upload(uuid.uuid4().hex, owner, region, now(), source, name, ())
        place = self._made("uploads", upload.id)
        try:
            self._write(upload)
        except OSError:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return upload

    def add(self, upload: Upload, name: str, stream: IO[bytes], most: int) -> tuple[Upload, Path]:
        """Put a file into an upload.

        Args:
            upload: The upload.
            name: What its sender calls it.
            stream: Its content.
            most: Bytes it may have.

        Returns:
            The upload with the file, and where that is.

        Raises:
            ReadError: It is larger.
        """
        label = _distinct(plain_label(name), [file.label for file in upload.files])
        path = self.folder(upload.id) / uuid.uuid4().hex
        size = 0
        with path.open("xb") as target:
            path.chmod(0o600)
            while piece := stream.read(_PIECE):
                size += len(piece)
                if size > most:
                    raise ReadError(f"{label}：超过 {most // 2**20} MB。")
                target.write(piece)
        upload = replace(upload, files=(*upload.files, Stored(label, path.name, size)))
        self._write(upload)
        return upload, path

    def get(self, upload: str) -> Upload:
        """An upload.

        Raises:
            NotFoundError: There is no such upload, or it has expired.
        """
        said = json.loads((self.folder(upload) / _META).read_text("utf-8"))
        return Upload(**{**said, "files": tuple(Stored(**file) for file in said["files"])})

    def shrink(self, upload: Upload) -> None:
        """Let an upload be what it was before files were added to it."""
        kept = {file.file for file in upload.files}
        for path in self.folder(upload.id).iterdir():
            if _ID.fullmatch(path.name) and path.name not in kept:
                path.unlink(missing_ok=True)
        self._write(upload)

    def size(self) -> int:
        """Bytes of everything in it."""
        return sum(path.lstat().st_size for path in self.root.rglob("*") if path.is_file())

    def drop(self, upload: str) -> None:
        """Delete an upload."""
        shutil.rmtree(self.folder(upload), ignore_errors=True)

    def _write(self, upload: Upload) -> None:
        place = self.root / "uploads" / upload.id / _META
        aside = place.with_name(uuid.uuid4().hex + ".part")
        try:
            aside.write_text(json.dumps(asdict(upload), ensure_ascii=False), "utf-8")
            aside.replace(place)
        except OSError:
            aside.unlink(missing_ok=True)
            raise

    def result_folder(self, job: str) -> Path:
        """Where files that come out of a job go."""
        return self._made("results", job)

    def result(self, job: str, file: str) -> Path:
        """A file that came out of a job.

        Raises:
            NotFoundError: There is none, or it has expired.
        """
        path = self.root / "results" / job / Path(file).name
        if not _ID.fullmatch(job) or not path.is_file():
            raise NotFoundError("没有这个文件，或已过期。")
        return path

    def clean(self, days: float = KEPT_DAYS) -> None:
        """Delete what is older than so many days."""
        oldest = (datetime.now(UTC) - timedelta(days=days)).timestamp()
        for kind in ("uploads", "results"):
            for place in _entries(self.root / kind):
                if place.stat().st_mtime < oldest:
                    shutil.rmtree(place, ignore_errors=True)

    def without_paths(self, text: str) -> str:
        """A message without the places of files, which are nobody's business."""
        text = re.sub(
            re.escape(str(self.root)) + r"(/(?!named/)[^/\s：]+)*(/named/\d+)?/?", "", text
        )
        return re.sub(r"(?<![\w.])/(?:[\w.-]+/)+", "", text)


def _entries(folder: Path) -> Sequence[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _distinct(label: str, taken: Sequence[str]) -> str:
    """A label that no other file has.

    >>> _distinct("a.csv", ["A.csv", "a (2).csv"])
    'a (3).csv'
    """
    low = {other.lower() for other in taken}
    number, path = 1, Path(label)
    while label.lower() in low:
        number += 1
        label = f"{path.stem} ({number}){path.suffix}"
    return label
