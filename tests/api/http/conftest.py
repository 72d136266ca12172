"""The small country over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas import Atlas


@pytest.fixture(scope="session")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """One that tests only read."""
    return Atlas(tmp_path_factory.mktemp("atlas"))


@pytest.fixture
def fresh(tmp_path: Path) -> Atlas:
    """One of a test's own, which it may change."""
    return Atlas(tmp_path)
