"""Memory-mapped columnar copies of single versions, beside the store they come from.

A snapshot is a cache: it can be deleted at any time and is built again from the record of truth.
It is written aside and renamed into place, so a reader sees a whole one or none.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

#: How many versions keep a snapshot; older ones are built again when asked for.
KEPT = 3


def read(folder: Path, names: list[str]) -> dict[str, pd.DataFrame] | None:
    """The tables of a snapshot, or None where it is missing or damaged."""
    tables = {}
    try:
        for name in names:
            with pa.memory_map(str(folder / f"{name}.arrow")) as source:
                tables[name] = pa.ipc.open_file(source).read_all().to_pandas()
    except (OSError, pa.ArrowInvalid):
        return None
    return tables


def write(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write a snapshot and drop the oldest beside it. A folder that cannot be written is left."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix="new-"))
        for name, frame in tables.items():
            table = pa.Table.from_pandas(frame, preserve_index=False)
            with pa.OSFile(str(aside / f"{name}.arrow"), "wb") as sink:  # noqa: SIM117
                with pa.ipc.new_file(sink, table.schema) as writer:
                    writer.write_table(table)
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        try:
            aside.replace(folder)
        except OSError:  # another reader was first
            shutil.rmtree(aside, ignore_errors=True)
        versions = sorted(folder.parent.glob("v*"))
        for old in versions[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError:
        return
