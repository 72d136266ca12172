"""The HTTP application: access, problems, headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from chainatlas.api.http import app as application
from chainatlas.api.http.settings import Settings
from chainatlas.graph.errors import ChainAtlasError
from chainatlas.graph.store import open_store


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    open_store(str(tmp_path / "atlas.db"), create=True)
    return TestClient(application.create_app(Settings(str(tmp_path / "atlas.db"))))


def test_empty_store_answers(client: TestClient) -> None:
    answer = client.get("/api/v1/clusters")
    assert answer.status_code == 200
    assert answer.json()["clusters"] == []
    assert client.get("/").status_code == 200
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_unknown_address_is_a_problem(client: TestClient) -> None:
    answer = client.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("#not-found")


def test_route_without_a_rule_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = APIRouter()

    @router.get("/bare")
    def bare() -> dict[str, str]:
        return {}

    monkeypatch.setattr(application, "ROUTERS", (*application.ROUTERS, router))
    with pytest.raises(ChainAtlasError, match="/bare"):
        application.create_app(Settings(str(tmp_path / "atlas.db")))


def test_missing_store_is_unavailable_and_tells_no_path(tmp_path: Path) -> None:
    client = TestClient(application.create_app(Settings(str(tmp_path / "none.db"))))
    answer = client.get("/api/v1/clusters")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert str(tmp_path) not in answer.text
