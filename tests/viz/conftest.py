"""What the tests of pictures share: the main job run once, and a pack full of hostile text."""

from __future__ import annotations

import contextlib
import functools
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chainatlas.api.cli import main
from hostile import hostile_pack


@dataclass(frozen=True)
class Atlas:
    """A loaded store and the folder of its pictures."""

    db: Path
    out: Path

    def call(self, *words: str) -> str:
        """Standard output of a command that must succeed."""
        screen = io.StringIO()
        with contextlib.redirect_stdout(screen):
            status = main([*words, "--db", str(self.db)])
        assert status == 0, (words, status, screen.getvalue())
        return screen.getvalue()

    def ask(self, *words: str) -> dict[str, Any]:
        """The JSON answer of a command."""
        return _answer(self, words)

    def draw(self, kind: str, region: str, cluster: str, name: str = "") -> Path:
        """Draw one picture into the folder and return its file."""
        path = self.out / (name or f"{kind}-{region}-{cluster}.html")
        self.call("map", kind, "--region", region, "--cluster", cluster, "--out", str(path))
        return path


@functools.cache
def _answer(atlas: Atlas, words: tuple[str, ...]) -> dict[str, Any]:
    """Facts do not change while tests run, so every question is asked once."""
    answer: dict[str, Any] = json.loads(atlas.call(*words, "--format", "json"))
    return answer


@pytest.fixture(scope="session")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The main job on the shipped pack."""
    folder = tmp_path_factory.mktemp("atlas")
    made = Atlas(folder / "facts.db", folder / "out")
    made.call("run", "--out", str(made.out))
    return made


@pytest.fixture(scope="session")
def corners(tmp_path_factory: pytest.TempPathFactory, atlas: Atlas) -> Atlas:
    """The store of the main job, for pictures of other regions in a folder of their own."""
    return Atlas(atlas.db, tmp_path_factory.mktemp("corners"))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """A store whose every free text is a payload; nothing of it may end in quarantine."""
    folder = tmp_path_factory.mktemp("hostile")
    pack = hostile_pack(folder)
    made = Atlas(folder / "facts.db", folder / "out")
    made.call("ingest", str(pack))
    for kind in ("chain", "resources", "attraction"):
        made.draw(kind, "420100", "c", f"{kind}.html")
    return made
