"""Memory-mapped columnar copies of single versions, beside the store they come from.

A snapshot is a cache: it can be deleted at any time and is built again from the record of truth.
It is written aside and renamed into place, so a reader sees a whole one or none, and it carries
checksums, because a damaged Arrow file can answer wrongly or crash the reader.
"""

from __future__ import annotations

import json
import mmap
import shutil
import tempfile
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

#: How many versions keep a snapshot; older ones are built again when asked for.
KEPT = 3
#: Age after which a half-written snapshot was left by a process that died.
_ABANDONED_S = 3600.0
_SUMS = "checksums.json"


def read(folder: Path, names: list[str]) -> dict[str, pd.DataFrame] | None:
    """The tables of a snapshot, or None where it is missing or damaged."""
    tables = {}
    try:
        sums = json.loads((folder / _SUMS).read_text("utf-8"))
        for name in names:
            path = folder / f"{name}.arrow"
            if _checksum(path) != sums[name]:
                return None
            with pa.memory_map(str(path)) as source:
                tables[name] = pa.ipc.open_file(source).read_all().to_pandas()
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None
    return tables


def _checksum(path: Path) -> int:
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return zlib.crc32(content)


def write(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write a snapshot and drop the oldest beside it. A folder that cannot be written is left."""
    aside = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix="new-"))
        sums = {}
        for name, frame in tables.items():
            path = aside / f"{name}.arrow"
            table = pa.Table.from_pandas(frame, preserve_index=False)
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
            sums[name] = _checksum(path)
        (aside / _SUMS).write_text(json.dumps(sums), "utf-8")
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        aside.replace(folder)
        _tidy(folder.parent)
    except OSError:  # no room, no permission, or another reader was first
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


def _tidy(home: Path) -> None:
    for old in sorted(home.glob("v*"))[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    for half in home.glob("new-*"):
        if time.time() - half.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(half, ignore_errors=True)
