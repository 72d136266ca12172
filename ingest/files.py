"""Files into a store; files that the store has taken in already are not read again.

What a load gives follows from the files, the way they are read, the decisions, the program and what
the *other* packs of the store say. A store keeps a receipt of a load for the version it led to
(:mod:`..graph.receipts`). Where the newest version has a receipt of the same files, decisions and
program, the other packs say what they said then, and loading would change nothing.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import cache
from hashlib import blake2b, file_digest
from importlib import metadata
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ..graph.errors import NotFoundError
from ..graph.store import open_store
from ..graph.work import Decision
from .corrections import Corrections, open_input
from .load import LoadReport, Stage, Watch, load
from .pack import FileReport, PackReport, Progress, RawPack

#: Endings of files that are read; of other files in a folder only the names count.
_READ = (".csv", ".xlsx", ".toml", ".json", ".jsonl")
#: Folders of the package on which the outcome of a load depends.
_PROGRAM = ("graph", "ingest", "data")
#: Told of each path how it is read: the name of a source, or "" for corrections.
Told = Callable[[Path, str], None]


def load_files(
    address: str,
    paths: Sequence[Path],
    source: str | None = None,
    progress: Progress | None = None,
    decisions: Iterable[Decision] = (),
    stages: Sequence[Stage] = (),
    told: Told | None = None,
    watch: Watch | None = None,
) -> LoadReport:
    """Load files and folders, atomically; see :func:`.load.load`.

    Args:
        address: Of the store, which is made where there is none; see :func:`..graph.open_store`.
        paths: Files and folders of any source, or corrections.
        source: Source to read them as; None finds out.
        progress: Told of each table of each pack.
        decisions: What people decided about which enterprises are one.
        stages: What is done to the facts of sources that are no packs.
        told: Told how each path is read.
        watch: Told of each statement before it is written.

    Returns:
        The report; of files loaded already that of the load that took them in, unchanged.

    Raises:
        ReadError: A file cannot be read, or no source is like it.
        StoreError: What stands at the address is no store.
        StoreBusyError: Another process is writing.
    """
    decided = tuple(decisions)
    before = _stamps(paths)
    key = _key(paths, source, decided, stages)
    if known := _receipt(address, key):
        report = _report(known)
        for path, pack in zip(paths, report.packs, strict=True):
            _tell(told, path, pack.source)
        return report
    packs = read_inputs(paths, source, told)
    # Corrections depend on what their own pack says; a file that changed while it was read is not
    # the one the key tells of.
    whole = all(isinstance(pack, RawPack) for pack in packs) and _stamps(paths) == before
    receipt = (lambda report: (key, json.dumps(asdict(report)))) if whole else None
    # Made only now, so that what cannot be read leaves no empty store behind.
    with closing(open_store(address, create=True)) as store:
        return load(store, _handed_over(packs), progress, decided, stages, receipt, watch)


def read_inputs(
    paths: Sequence[Path], source: str | None = None, told: Told | None = None
) -> list[RawPack | Corrections]:
    """What files and folders say; see :func:`load_files`.

    Raises:
        ReadError: A file cannot be read, or no source is like it.
    """
    packs = []
    for path in paths:
        packs.append(open_input(path, source))
        last = packs[-1]
        _tell(told, path, last.source if isinstance(last, RawPack) else "")
    return packs


def _handed_over(packs: list[RawPack | Corrections]) -> Iterator[RawPack | Corrections]:
    """The members of a list, which is empty afterwards."""
    while packs:
        yield packs.pop(0)


def _receipt(address: str, key: str) -> str | None:
    try:
        with closing(open_store(address)) as store:
            return store.receipt(key)
    except NotFoundError:
        return None


def _tell(told: Told | None, path: Path, source: str) -> None:
    if told is not None:
        told(path, source)


def _report(text: str) -> LoadReport:
    """The report of a load that would change nothing, from that of the load that did."""
    said = json.loads(text)
    packs = [
        PackReport(
            **{
                **pack,
                "files": tuple(FileReport(**file) for file in pack["files"]),
                "notices": tuple(pack["notices"]),
            }
        )
        for pack in said["packs"]
    ]
    return LoadReport(said["version"], False, tuple(packs), (), said["merged"], said["to_review"])


def _read_files(path: Path) -> Iterator[Path]:
    """Whatever a path is read from."""
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in _READ)


def _stamps(paths: Sequence[Path]) -> list[tuple[str, int, int, int]]:
    """Signs that change when somebody writes to one of the files."""
    found = []
    for path in paths:
        for file in _read_files(path):
            stat = file.stat()
            found.append((str(file), stat.st_size, stat.st_mtime_ns, stat.st_ino))
    return found


def _key(
    paths: Sequence[Path],
    source: str | None,
    decisions: Sequence[Decision],
    stages: Sequence[Stage],
) -> str:
    """What the outcome of a load depends on, besides the other packs, in short."""
    parts: list[object] = [_program(), source]
    parts += [(d.keep, d.other, d.verdict) for d in decisions]
    parts += [_name(stage) for stage in stages]
    for path in paths:
        parts += [path.name, path.resolve().name, path.is_dir()]
        if path.is_dir():
            parts.append(sorted((p.name, p.is_dir()) for p in path.iterdir()))
        for file in _read_files(path):
            parts += [file.name, _content(file)]
    return _digest(repr(parts).encode()).hexdigest()


def _content(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return file_digest(stream, _digest).hexdigest()
    except OSError:  # reading it for good will say why
        return uuid.uuid4().hex


def _name(stage: Stage) -> str:
    """What a stage does is known by the name of a function of a module; others are all different."""
    module, name = getattr(stage, "__module__", ""), getattr(stage, "__name__", "")
    if getattr(sys.modules.get(module), name, None) is stage:
        return f"{module}.{name}"
    return uuid.uuid4().hex


def _digest(content: bytes = b"") -> blake2b:
    return blake2b(content, digest_size=32)


@cache
def _program() -> str:
    """The program that loads: its own files, its dictionaries, and the packages it uses."""
    digest = _digest(sys.version.encode())
    for dist in sorted(f"{d.name} {d.version}" for d in metadata.distributions()):
        digest.update(dist.encode() + b"\0")
    for folder in _PROGRAM:
        for name, content in _contents(files("chainatlas").joinpath(folder), folder):
            digest.update(name.encode() + b"\0" + _digest(content).digest())
    return digest.hexdigest()


def _contents(folder: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
        below = f"{name}/{each.name}"
        if each.is_dir() and each.name != "__pycache__":
            yield from _contents(each, below)
        elif each.is_file():
            yield below, each.read_bytes()
