"""Uploaded files as paths that can be read: checked against what strangers send, and named again.

:func:`inspect` looks at a file when it arrives, and is quick; :func:`open_upload` looks inside, in the
process of a job. Both know an upload's files by their labels alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from ...graph.schema import PACK_TABLES
from ...ingest.corrections import holds_corrections
from ...ingest.readers import read_top
from ...ingest.sources.describe import shipped
from .uploads_archive import Member, members, unpack
from .uploads_refusal import RefusedError
from .uploads_sheets import check_workbook
from .uploads_spool import Stored, Upload, plain_label

#: Endings of files that can be sent.
SUFFIXES = (".zip", ".csv", ".xlsx", ".json", ".jsonl", ".toml")
#: Endings of files that an archive may hold; the last two are for people.
INSIDE = (".csv", ".json", ".jsonl", ".toml", ".md", ".txt")
#: Files of one upload.
FILES = 40
#: Columns and lines of a text file, and cells of both together.
COLUMNS, LINES, CELLS = 1000, 2_000_000, 12_000_000
#: Bytes of a line, about, and of a ``.toml``.
LINE, TOML = 2**21, 2**20
_OLE = b"\xd0\xcf\x11\xe0"
#: How files begin that are no text.
_BINARY = (
    *(b"PK\x03\x04", b"PK\x05\x06", _OLE, b"%PDF", b"\x89PNG", b"GIF8", b"\xff\xd8\xff"),
    *(b"\x1f\x8b", b"BZh", b"Rar!", b"7z\xbc\xaf", b"\xfd7zXZ", b"\x7fELF", b"MZ", b"SQLite"),
)
#: Name of a pack that loose files make together, where nobody gave one.
LOOSE = "上传"


def inspect(path: Path, label: str) -> None:
    """Refuse a file that is not what its ending says, as far as a glance can tell.

    Raises:
        RefusedError: It is refused.
    """
    suffix = Path(label).suffix
    if suffix not in SUFFIXES:
        known = "、".join(SUFFIXES)
        raise RefusedError("unsupported-media-type", f"{label}：不支持的文件类型，应为 {known}。")
    with path.open("rb") as stream:
        head = stream.read(8)
    if not head:
        raise RefusedError("invalid", f"{label}：文件是空的。")
    if suffix in (".zip", ".xlsx"):
        if head.startswith(_OLE) and suffix == ".xlsx":
            raise RefusedError(
                "unsupported-media-type",
                f"{label}：已加密，或是旧版 .xls；请去掉密码，另存为 .xlsx 后再上传。",
            )
        if not head.startswith(b"PK"):
            raise RefusedError(
                "unsupported-media-type", f"{label}：内容不是 {suffix}，文件可能改过扩展名。"
            )
        found = members(path, label)
        names = {str(member.name) for member in found}
        if suffix == ".xlsx" and not {"[Content_Types].xml", "xl/workbook.xml"} <= names:
            raise RefusedError("unsupported-media-type", f"{label}：不是 Excel 工作簿。")
        if suffix == ".zip":
            _check_inside(found, label)
    elif head.startswith(_BINARY):
        raise RefusedError("unsupported-media-type", f"{label}：内容不是文本，文件可能改过扩展名。")


def _check_inside(found: list[Member], label: str) -> None:
    files = [member for member in found if not _left_out(member)]
    if not files:
        raise RefusedError("invalid", f"{label}：里面没有文件。")
    for member in files:
        if member.name.suffix.lower() in (".zip", ".xlsx", ".gz", ".7z", ".rar", ".tar"):
            raise RefusedError(
                "invalid", f"{label}：里面还有压缩文件或工作簿 {member.name.name}，请直接上传它。"
            )
        if member.name.suffix.lower() not in INSIDE:
            raise RefusedError(
                "invalid", f"{label}：里面有不支持的文件 {plain_label(member.name.name)}。"
            )
    if len({member.name.parent for member in files}) > 1:
        raise RefusedError("invalid", f"{label}：里面的文件不在同一个文件夹。")


def _left_out(member: Member) -> bool:
    """Whether a file is only what systems leave behind."""
    return member.name.parts[0] == "__MACOSX" or member.name.name.startswith((".", "~"))


#: Told of each file that is looked into: its label, bytes done and bytes in all.
Tell = Callable[[str, int, int], None]


def open_upload(folder: Path, upload: Upload, tell: Tell) -> list[Path]:
    """Paths that ingest reads, in the order in which they are to be loaded; corrections come last.

    Args:
        folder: Where the upload's files are.
        upload: The upload.
        tell: Told how far it is.

    Raises:
        RefusedError: A file is damaged, or is made to do harm.
        ReadError: A file cannot be read.
    """
    named = folder / "named"
    shutil.rmtree(named, ignore_errors=True)
    named.mkdir(mode=0o700)
    total, done = sum(file.size for file in upload.files), 0
    loose = _loose(upload)
    found: list[Path] = []
    for number, file in enumerate(upload.files):
        tell(file.label, done, total)
        inspect(folder / file.file, file.label)
        group = loose.get(file.label)
        if file.suffix == ".zip":
            found += _unpacked(folder / file.file, file, named / str(number))
        else:
            place = named / ("loose" if group else str(number)) / (group or "")
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            # A second name of the same file: what ingest calls it is its label.
            os.link(folder / file.file, place / file.label)
            path = place if group else place / file.label
            found += [path] if path not in found else []
        done += file.size
    for path in found:
        for each in _files(path):
            check(each)
    tell("", total, total)
    return sorted(found, key=holds_corrections)


def _loose(upload: Upload) -> dict[str, str]:
    """Labels of files that make one pack or folder together, and its name."""
    labels = [file.label for file in upload.files]
    found = {}
    if {"products.csv", "pack.toml"} & set(labels):
        for label in labels:
            path = Path(label)
            if path.suffix == ".toml" or (path.suffix == ".csv" and path.stem in PACK_TABLES):
                found[label] = upload.name or LOOSE
    for label in labels:
        if label in _folder_files():
            found[label] = upload.name or LOOSE
    return found


def _folder_files() -> set[str]:
    """Names of the files of sources that are folders."""
    return {spec.file for s in shipped().values() if s.folder for spec in s.files}


def _unpacked(archive: Path, file: Stored, place: Path) -> list[Path]:
    """An archive as a folder, where it holds a pack or a source that is one; else its files."""
    inside = [m for m in members(archive, file.label) if not _left_out(m)]
    top = inside[0].name.parent.name
    folder = place / (plain_label(top) if top else Path(file.label).stem)
    folder.mkdir(mode=0o700, parents=True)
    wanted = {str(member.name) for member in inside}

    def target(member: Member) -> Path | None:
        return folder / plain_label(member.name.name) if str(member.name) in wanted else None

    unpack(archive, file.label, target)
    names = {path.name for path in folder.iterdir()}
    tables = {f"{name}.csv" for name in PACK_TABLES} | {"pack.toml"}
    if names & tables or names & _folder_files():
        return [folder]
    found = sorted(p for p in folder.iterdir() if p.suffix not in (".md", ".txt", ".toml"))
    if len(found) > FILES:
        raise RefusedError(
            "too-large",
            f"{file.label}：里面有 {len(found)} 个文件，又不是数据包；最多 {FILES} 个。",
        )
    return found


def _files(path: Path) -> Iterator[Path]:
    yield from sorted(path.iterdir()) if path.is_dir() else [path]


def check(path: Path) -> None:
    """Refuse a file that is too much to read, before it is read.

    Raises:
        RefusedError: It is.
    """
    label, size = path.name, path.stat().st_size
    if path.suffix == ".xlsx":
        check_workbook(path, label)
    elif path.suffix == ".toml":
        if size > TOML:
            raise RefusedError("too-large", f"{label}：超过 {TOML // 2**20} MB。")
    elif path.suffix in (".csv", ".json", ".jsonl"):
        _check_text(path, label)


def _check_text(path: Path, label: str) -> None:
    lines, begun = 1, 0
    with path.open("rb") as stream:
        while piece := stream.read(2**20):
            ends = max(piece.count(b"\n"), piece.count(b"\r"))
            begun = 0 if ends else begun + len(piece)
            if begun > LINE:
                raise RefusedError(
                    "too-large", f"{label} 第 {lines} 行：一行超过 {LINE // 2**20} MB。"
                )
            lines += ends
    if lines > LINES:
        raise RefusedError(
            "too-large", f"{label}：有 {lines:,} 行，最多 {LINES:,} 行，请分批上传。"
        )
    if path.suffix != ".csv":
        return
    width = max(
        (len(cells) for _, records in read_top(path, label) for cells in records), default=0
    )
    if width > COLUMNS:
        raise RefusedError("too-large", f"{label}：有 {width:,} 列，最多 {COLUMNS:,} 列。")
    if width * lines > CELLS:
        raise RefusedError(
            "too-large",
            f"{label}：约有 {width * lines:,} 个单元格，最多 {CELLS:,} 个，请分批上传。",
        )
