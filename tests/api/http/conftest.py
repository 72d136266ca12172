"""The small country over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from microcosm import Atlas
from serving import serving_process


@pytest.fixture(scope="session")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """One that tests only read."""
    return Atlas(tmp_path_factory.mktemp("atlas"))


@pytest.fixture
def fresh(tmp_path: Path) -> Atlas:
    """One of a test's own, which it may change."""
    return Atlas(tmp_path)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Atlas]]:
    """``chainatlas serve`` in a process of its own: its address, and what it serves."""
    known = Atlas(tmp_path_factory.mktemp("served"))
    with serving_process(known.path) as address:
        yield address, known
