"""The small country over HTTP."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from microcosm import Atlas

#: Seconds a server may take to answer on a busy machine.
START_S = 60.0


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
    place = tmp_path_factory.mktemp("served")
    known = Atlas(place)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = [sys.executable, "-c", "from chainatlas.api.cli import entry; entry()"]
    command = [*program, "serve", "--db", str(known.path), "--port", str(port)]
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        end = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert server.poll() is None, (place / "log").read_text("utf-8")
                assert time.monotonic() < end
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", known
    finally:
        server.terminate()
        server.wait(30)
