"""Fixtures every test may use, and the rule that nothing is skipped in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings

from making import MakePack
from neo4j_server import NoServerError, Server
from watching import FLAGS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("deep", settings.get_profile("default"), max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):  # type: ignore[no-untyped-def]
    """With CHAINATLAS_NO_SKIP set, as in CI, a skipped test is a failure."""
    report = yield
    if report.skipped and os.environ.get("CHAINATLAS_NO_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def local_client() -> Iterator[None]:
    """Test clients call the server by a name of this machine, as open mode demands of everybody."""
    begin = TestClient.__init__

    def as_local(client: TestClient, /, *args: Any, **kwargs: Any) -> None:
        begin(client, *args, **{"base_url": "http://localhost", **kwargs})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestClient, "__init__", as_local)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data beside the checkout; skips where it is absent."""
    folder = Path(os.environ.get("CHAINATLAS_SHARED", ROOT.parent / "shared"))
    if not (folder / "real").is_dir():
        pytest.skip("real data folder not found (set CHAINATLAS_SHARED)")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; skips where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on the PATH (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A Chromium that can resolve no name."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=chromium, args=[*FLAGS])
        yield running
        running.close()


@pytest.fixture
def make_pack(tmp_path: Path) -> MakePack:
    """Writes files (name -> content) into a new pack folder and returns it.

    A minimal ``products.csv`` is added where none is given.
    """
    count = 0

    def make(files: Mapping[str, str | bytes]) -> Path:
        nonlocal count
        count += 1
        folder = tmp_path / f"pack{count}" / "sample"
        folder.mkdir(parents=True)
        for name, content in {"products.csv": "id,name\np,产品\n", **files}.items():
            data = content.encode("utf-8") if isinstance(content, str) else content
            (folder / name).write_bytes(data)
        return folder

    return make


def _server(home: Path, **options: Any) -> Iterator[Server]:
    """A running Neo4j server; skips where there is no Java or the server cannot be fetched."""
    try:
        server = Server(home, **options)
    except NoServerError as reason:
        pytest.skip(str(reason))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAINATLAS_CACHE", str(home / "cache"))
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Neo4j server for the whole session, which no test may stop; its database is shared."""
    yield from _server(tmp_path_factory.mktemp("neo4j"))


@pytest.fixture(scope="session")
def neo4j_spare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another one, which tests may stop and kill; it notices a broken line after seconds."""
    yield from _server(tmp_path_factory.mktemp("neo4j-spare"), keep_alive_s=2)


@pytest.fixture
def neo4j_large(tmp_path: Path) -> Iterator[Server]:
    """A new, empty one with memory for a load of a hundred thousand nodes."""
    yield from _server(tmp_path / "neo4j", heap_mb=4096, tuned=True)


@pytest.fixture(scope="module")
def neo4j_encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that takes encrypted connections alone."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with (Debian: apt-get install openssl)")
    yield from _server(tmp_path_factory.mktemp("neo4j-tls"), heap_mb=512, tls=True)
