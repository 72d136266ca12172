"""Every kind of problem, what it says, and what it must not say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from chainatlas.api.http import problems
from chainatlas.api.http.app import create_app
from chainatlas.api.http.service import Service
from chainatlas.api.http.settings import Settings
from chainatlas.graph.errors import StoreError
from microcosm import API, Atlas

DOCS = Path(__file__).parent.parent.parent.parent / "docs"


@pytest.mark.parametrize(
    ("address", "status", "code", "field"),
    [
        ("/gaps?region=420100&colour=red", 422, "invalid", "colour"),
        ("/versions?region=420100", 422, "invalid", "region"),
        ("/gaps", 422, "invalid", "region"),
        ("/gaps?region=武汉", 422, "invalid", "region"),
        ("/gaps?region=420100&limit=501", 422, "invalid", "limit"),
        ("/gaps?region=420100&action=destroy", 422, "invalid", "action.0"),
        ("/gaps?region=420100&cursor=AAAA", 422, "invalid", "cursor"),
        ("/gaps?region=429999", 404, "not-found", None),
        ("/gaps?region=420100&cluster=none", 404, "not-found", None),
        ("/gaps?region=420100&version=12", 404, "not-found", None),
        ("/gaps?region=420100&since=12", 410, "gone", None),
        ("/nothing", 404, "not-found", None),
        ("/targets.doc?region=420100", 404, "not-found", None),
        ("/graph/counts?node=Product:none", 404, "not-found", None),
        ("/graph/counts?node=none", 422, "invalid", "node"),
        ("/search?q=" + "x" * 101, 422, "invalid", "q"),
        ("/trends?region=420100&cluster=ic&from=tomorrow", 400, "bad-request", None),
    ],
)
def test_what_is_wrong_is_named(
    atlas: Atlas, address: str, status: int, code: str, field: str | None
) -> None:
    answer = atlas.client.get(API + address)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"/docs/problems#{code}"
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert [e["field"] for e in body.get("errors", [])] == ([field] if field else [])


def test_a_fault_gives_back_the_value(atlas: Atlas) -> None:
    (fault,) = atlas.client.get(f"{API}/gaps?region=420100&limit=zehn").json()["errors"]
    assert fault["value"] == "zehn"
    assert fault["in"] == "query"


def test_methods(atlas: Atlas) -> None:
    answer = atlas.client.delete(f"{API}/gaps?region=420100")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"


def test_a_store_that_is_away(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Settings(str(tmp_path / "secret-place.db")))
    away = TestClient(app, base_url="http://127.0.0.1")
    answer = away.get(f"{API}/gaps?region=420100")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "secret" not in answer.text

    def broken(*_: object) -> None:
        raise StoreError("neo4j://user:password@host is away")

    monkeypatch.setattr(Service, "graph", broken)
    answer = atlas.client.get(f"{API}/enterprises/ymtc")
    assert answer.status_code == 503
    assert "password" not in answer.text


def test_an_error_of_ours_tells_nothing(atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("SELECT secret FROM /etc/passwd")

    monkeypatch.setattr(Service, "graph", broken)
    answer = atlas.client.get(f"{API}/enterprises/ymtc")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["request_id"]


def test_every_kind_is_explained(atlas: Atlas) -> None:
    page = atlas.client.get("/docs/problems", headers={"accept": "text/html"})
    assert page.status_code == 200
    text = (DOCS / "http.md").read_text("utf-8")
    for code, kind in problems.KINDS.items():
        assert f'id="{code}"' in page.text
        assert kind.title in page.text
        assert re.search(rf"\| {kind.status} \| `{code}` \|", text), code


def test_every_kind_can_be_answered(atlas: Atlas) -> None:
    for code, kind in problems.KINDS.items():
        problem = problems.as_problem(problems.Problem(code))
        assert problems.KINDS[problem.code] is kind
        assert kind.remedy
