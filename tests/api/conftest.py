"""What tests of users, keys and requests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from chainatlas.api.security import clock, passwords
from chainatlas.graph.work import WorkFile
from moving import Clock


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords are hashed with the least effort: the effort is argon2's, not ours to test."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(1, 8, 1))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time that expiries, delays and the audit go by."""
    found = Clock()
    monkeypatch.setattr(clock, "now", found)
    return found


@pytest.fixture
def work(tmp_path: Path) -> WorkFile:
    """A work file that is not there yet."""
    return WorkFile(tmp_path / "atlas.db.work")
