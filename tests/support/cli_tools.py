"""The command line called in-process, for tests: exit status, both outputs, and the store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chainatlas.api.cli import main
from chainatlas.graph.store import open_store

Reject = tuple[str, int, str, str, str]
"""File, line, column, level and reason of one entry of the quarantine."""


@dataclass(frozen=True)
class Outcome:
    """What one command line gave back."""

    status: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """Standard error without white space: how wide the terminal is does not matter."""
        return "".join(self.err.split())

    def document(self) -> dict[str, Any]:
        """Standard output as the one JSON object it must be."""
        assert self.out.endswith("\n")
        assert self.out.count("\n") == 1
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class Cli:
    """Calls ``chainatlas`` on one store."""

    def __init__(self, capsys: pytest.CaptureFixture[str], db: Path) -> None:
        self._capsys = capsys
        self.db = db

    def bare(self, *argv: object) -> Outcome:
        """A command line exactly as given."""
        self._capsys.readouterr()
        status = main([str(part) for part in argv])
        out, err = self._capsys.readouterr()
        return Outcome(status, out, err)

    def __call__(self, *argv: object) -> Outcome:
        """A command on this store."""
        return self.bare(*argv, "--db", self.db)

    def ask(self, *argv: object, status: int = 0) -> dict[str, Any]:
        """The JSON answer of a command on this store."""
        found = self(*argv, "--format", "json")
        assert found.status == status, found.err
        return found.document()

    def ids(self, table: str, column: str = "id") -> list[str]:
        """A column of a table of the newest version, as it stands in the graph."""
        return [str(v) for v in open_store(str(self.db)).view().graph()[table][column].tolist()]

    def rejects(self) -> list[Reject]:
        """The quarantine of the newest version."""
        return [
            (r["file"], r["line"], r["column"], r["level"], r["reason"])
            for r in self.ask("rejects")["rejects"]
        ]

    def dump(self) -> list[str]:
        """The whole store as SQL text; empty where there is none."""
        if not self.db.exists():
            return []
        with closing(sqlite3.connect(self.db)) as connection:
            return list(connection.iterdump())


def write_pack(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files (name -> content) into a new folder."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(
            content.encode("utf-8") if isinstance(content, str) else content
        )
    return folder
