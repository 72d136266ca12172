"""Scopes, CSRF, open mode, limits: what a request meets before its route."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import APIRouter, Form, Request
from fastapi.testclient import TestClient

from atlas import Atlas
from chainatlas.api.http import app as application
from chainatlas.api.http.access import Role, access, caller_of
from chainatlas.api.http.audit import record
from chainatlas.api.http.headers import CSP
from chainatlas.api.http.limits import Limiter
from chainatlas.api.http.local import host_of
from chainatlas.api.security.keys import Keys
from chainatlas.api.security.ledger import CLI, Ledger
from chainatlas.api.security.users import Users
from moving import Clock

router = APIRouter(prefix="/t")


@router.get("/query")
@access(Role.viewer, "region")
def by_query(region: str = "") -> dict[str, str]:
    return {"region": region}


@router.get("/path/{region}")
@access(Role.viewer, "region", "other")
def by_path(region: str, other: str = "") -> dict[str, str]:
    return {"region": region}


@router.get("/optional")
@access(Role.viewer, "region", anywhere=True)
def optional(region: str = "") -> dict[str, str]:
    return {"region": region}


@router.post("/ask")
@access(Role.viewer, reads=True)
def ask() -> dict[str, str]:
    return {}


@router.post("/change")
@access(Role.analyst, anywhere=True)
async def change(request: Request) -> dict[str, object]:
    record(request, "thing.change", "x", {"by": caller_of(request).name})
    return {"size": len(await request.body())}


@router.post("/form")
@access(Role.analyst)
def form(request: Request, what: Annotated[str, Form()] = "") -> dict[str, str]:
    record(request, "thing.change", what)
    return {"what": what}


@router.post("/stream")
@access(Role.analyst, anywhere=True)
async def stream(request: Request) -> dict[str, int]:
    return {"size": sum([len(part) async for part in request.stream()])}


@router.get("/fail")
@access(Role.viewer)
def fail() -> None:
    raise RuntimeError("secret /etc/path")


@pytest.fixture
def atlas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Atlas:
    monkeypatch.setattr(application, "ROUTERS", (*application.ROUTERS, router))
    return Atlas.made(tmp_path)


@pytest.fixture(scope="module")
def unused(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """One that nobody defines a user of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "ROUTERS", (*application.ROUTERS, router))
        return Atlas.made(tmp_path_factory.mktemp("unused"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """One with a key, that no test changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "ROUTERS", (*application.ROUTERS, router))
        found = Atlas.made(tmp_path_factory.mktemp("guarded"))
    found.key(Role.viewer)
    return found


T = "/api/v1/t"


# Scope by region.


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/query?region=420100", 200),
        ("/query?region=420111", 200),
        ("/query?region=420500", 403),
        ("/query?region=420000", 403),
        ("/query?region=100000", 403),
        ("/query?region=420100&region=420500", 403),
        ("/query?region=420500&region=420100", 403),
        ("/query?region=", 403),
        ("/query?region=420100&region=", 403),
        ("/optional", 200),
        ("/optional?region=", 200),
        ("/optional?region=420111", 200),
        ("/optional?region=420500", 403),
        ("/optional?region=420111&region=", 403),
        ("/query", 403),
        ("/query?region=42010", 403),
        ("/query?region=4201000", 403),
        ("/query?REGION=420100", 403),
        ("/path/420111", 200),
        ("/path/420500", 403),
        ("/path/420111?region=420500", 403),
        ("/path/420111?other=420100", 200),
        ("/path/420111?other=420500", 403),
    ],
)
def test_a_scope_holds_its_region_and_those_below(
    guarded: Atlas, address: str, status: int
) -> None:
    headers = guarded.key(Role.viewer, "420100")
    client = guarded.client()
    assert client.get(T + address, headers=headers).status_code == status
    # Without a scope only a parameter is in the way that the route does not have or that comes twice.
    wrong = "REGION=" in address or "/420111?region=" in address or address.count("region=") > 1
    free = client.get(T + address, headers=guarded.key(Role.viewer))
    assert free.status_code == (422 if wrong else 200)


def test_a_scope_changes_nothing_that_names_no_region(atlas: Atlas) -> None:
    headers = atlas.key(Role.analyst, "420100")
    client = atlas.client()
    assert client.post(f"{T}/form", headers=headers).status_code == 403
    assert client.post(f"{T}/change", headers=headers).status_code == 200  # its rule says it may
    assert client.post(f"{T}/ask", headers=headers).status_code == 200


# CSRF.


def test_a_persons_change_needs_the_token_of_their_session(atlas: Atlas) -> None:
    person, other = atlas.person(Role.analyst), atlas.person(Role.analyst, name="other")
    post = person.client.post
    wrong = [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": other.token}]
    for headers in wrong:
        answer = post(f"{T}/change", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "/docs/problems#forbidden")
    assert post(f"{T}/change", headers={"X-CSRF-Token": person.token}).status_code == 200
    for data in ({}, {"csrf": "x"}, {"csrf": other.token}):
        assert post(f"{T}/form", data={"what": "w", **data}).status_code == 403
    good = {"what": "w", "csrf": person.token}
    assert post(f"{T}/form", data=good).json() == {"what": "w"}
    assert post(f"{T}/form", files={k: (None, v) for k, v in good.items()}).status_code == 200
    assert post(f"{T}/change", data={"csrf": person.token}).status_code == 200
    assert post(f"{T}/change?csrf={person.token}").status_code == 403
    assert post(f"{T}/change", json={"csrf": person.token}).status_code == 403
    assert post(f"{T}/ask").status_code == 200
    assert person.client.get(f"{T}/query").status_code == 200


def test_a_refused_change_leaves_no_trace_and_a_made_one_a_row(atlas: Atlas) -> None:
    person = atlas.person(Role.analyst)
    before = Ledger(atlas.work).verify().rows
    person.client.post(f"{T}/change")
    assert Ledger(atlas.work).verify().rows == before
    headers = {"X-CSRF-Token": person.token, "X-Request-Id": "mine-1"}
    person.client.post(f"{T}/change", headers=headers)
    (entry, *_) = Ledger(atlas.work).newest(1)
    assert (entry.number, entry.actor, entry.action, entry.request) == (
        before + 1,
        f"user:{person.name}",
        "thing.change",
        "mine-1",
    )


def test_a_key_needs_no_token_and_outdoes_a_cookie(atlas: Atlas) -> None:
    key = atlas.key(Role.analyst)
    assert atlas.client().post(f"{T}/change", headers=key).status_code == 200
    person = atlas.person(Role.viewer)
    assert person.client.post(f"{T}/change", headers=key).status_code == 200
    dead = {"Authorization": "Bearer ca_00000000_" + "A" * 43}
    assert person.client.get(f"{T}/query", headers=dead).status_code == 401


# Who is nobody.


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic dTpw"},
        {"Cookie": "chainatlas=x"},
        {"Cookie": "chainatlas="},
        {"Cookie": "__Host-chainatlas=x"},
    ],
)
def test_who_is_nobody_is_told_how_to_become_somebody(
    guarded: Atlas, headers: dict[str, str]
) -> None:
    answer = guarded.client().get(f"{T}/query", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_revoked_key_and_a_disabled_person_are_refused_from_the_next_request(
    atlas: Atlas,
) -> None:
    key, person, client = atlas.key(Role.viewer), atlas.person(Role.viewer), atlas.client()
    assert client.get(f"{T}/query", headers=key).status_code == 200
    assert person.client.get(f"{T}/query").status_code == 200
    Keys(atlas.work).revoke(Keys(atlas.work).all()[0].prefix, by=CLI)
    Users(atlas.work).disable(person.name, by=CLI)
    assert client.get(f"{T}/query", headers=key).status_code == 401
    assert person.client.get(f"{T}/query").status_code == 401


def test_time_ends_keys_and_sessions(atlas: Atlas, now: Clock) -> None:
    key, person = atlas.key(Role.viewer), atlas.person(Role.viewer)
    now.move(hours=3)
    assert person.client.get(f"{T}/query").status_code == 401
    assert atlas.client().get(f"{T}/query", headers=key).status_code == 200
    now.move(days=365)
    assert atlas.client().get(f"{T}/query", headers=key).status_code == 401


# Open mode.


def test_with_nobody_defined_this_machine_may_read_and_not_write(atlas: Atlas) -> None:
    client = atlas.client()
    assert client.get(f"{T}/query").status_code == 200
    assert client.post(f"{T}/ask").status_code == 200
    answer = client.post(f"{T}/change")
    assert answer.status_code == 403
    assert "users add" in answer.json()["detail"]
    assert not atlas.work.path.exists()
    page = client.get("/").text
    assert "没有定义用户" in page
    assert '<meta name="csrf" content="">' in page
    atlas.key(Role.viewer)
    assert client.get(f"{T}/query").status_code == 401


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:1"])
def test_open_mode_answers_to_the_names_of_this_machine(unused: Atlas, host: str) -> None:
    assert unused.client().get(f"{T}/query", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost.evil.example:80"},
        {"Host": "192.168.1.4:8000"},
        {"Host": "user@localhost"},
        {"Host": "localhost/../x"},
        {"Host": "localhost:x"},
        {"Host": ""},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
def test_open_mode_answers_nobody_elsewhere(unused: Atlas, headers: dict[str, str]) -> None:
    """A page whose name was pointed at 127.0.0.1, and a proxy in front."""
    answer = unused.client().get(f"{T}/query", headers=headers)
    assert answer.status_code == 403
    assert "users add" in answer.json()["detail"]
    assert unused.client().get("/metrics", headers=headers).status_code == 403


def test_open_mode_answers_no_other_address(unused: Atlas) -> None:
    assert unused.client(client=("192.0.2.9", 1)).get(f"{T}/query").status_code == 403
    assert unused.client(client=("::1", 1)).get(f"{T}/query").status_code == 200


def test_a_server_for_others_is_never_open(tmp_path: Path) -> None:
    client = Atlas.made(tmp_path, host="0.0.0.0").client()
    assert client.get("/api/v1/clusters").status_code == 403
    assert client.get("/metrics").status_code == 403
    assert client.get("/healthz").status_code == 200


def test_host_of_takes_no_tricks() -> None:
    assert host_of("localhost:80") == "localhost"
    for trick in ("a@localhost", "localhost#x", "localhost?x", "localhost\\x", " localhost"):
        assert host_of(trick) != "localhost"


# Bodies.


MB = 2**20


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Atlas:
    monkeypatch.setattr(application, "ROUTERS", (*application.ROUTERS, router))
    return Atlas.made(tmp_path, max_body=3 * MB)


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 65536):
        yield b"x" * 65536
    yield b"x" * (size % 65536)


@pytest.mark.parametrize("path", ["/change", "/stream"])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_beyond_the_limit_is_refused_however_it_comes(
    small: Atlas, path: str, chunked: bool
) -> None:
    client, headers = small.client(), small.key(Role.analyst)

    def send(size: int) -> int:
        content = chunks(size) if chunked else b"x" * size
        return client.post(T + path, content=content, headers=headers).status_code

    assert send(3 * MB) == 200
    assert send(3 * MB + 1) == 413


@pytest.mark.parametrize("chunked", [True, False])
def test_strangers_may_send_a_form_and_no_more(small: Atlas, chunked: bool) -> None:
    small.key(Role.viewer)

    def send(size: int) -> int:
        content = chunks(size) if chunked else b"x" * size
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return small.client().post("/login", content=content, headers=headers).status_code

    assert send(2 * MB) == 401
    assert send(1000) == 422


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"],
)
def test_too_large_is_said_as_a_problem_while_a_form_is_read(small: Atlas, kind: str) -> None:
    headers = {**small.key(Role.analyst), "Content-Type": kind}
    answer = small.client().post(f"{T}/form", content=chunks(4 * MB), headers=headers)
    if kind != "application/json":  # of JSON the form's route reads nothing
        assert answer.status_code == 413
        assert answer.json()["type"] == "/docs/problems#too-large"


# Rates.


def test_a_bucket_fills_at_its_rate_and_holds_a_burst() -> None:
    time = 0.0
    limiter = Limiter(2, lambda: time)
    assert [limiter.take("a") for _ in range(9)] == [0] * 8 + [1]
    assert limiter.take("b") == 0  # each their own
    time = 0.5
    assert [limiter.take("a") for _ in range(2)] == [0, 1]
    time = 1000.0
    assert [limiter.take("a") for _ in range(9)] == [0] * 8 + [1]
    assert Limiter(0).take("a") == 0
    slow = Limiter(0.1, lambda: time)
    assert [slow.take("a") for _ in range(2)] == [0, 10]


def test_who_asks_too_often_is_told_when_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "ROUTERS", (*application.ROUTERS, router))
    atlas = Atlas.made(tmp_path, rate=0.5)
    one, other, client = atlas.key(Role.viewer), atlas.key(Role.viewer), atlas.client()
    statuses = [client.get(f"{T}/query", headers=one).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    answer = client.get(f"{T}/query", headers=one)
    assert int(answer.headers["retry-after"]) in (1, 2)
    assert answer.json()["type"] == "/docs/problems#too-many-requests"
    assert client.get(f"{T}/query", headers=other).status_code == 200
    # Strangers by address: those of one network of IPv6 together.
    for n in range(2):
        there = atlas.client(client=(f"2001:db8::{n}", 1))
        assert there.get(f"{T}/query").status_code == 401
    assert atlas.client(client=("2001:db8::9", 1)).get(f"{T}/query").status_code == 429
    assert atlas.client(client=("2001:db8:1::9", 1)).get(f"{T}/query").status_code == 401


def test_open_mode_has_no_rate(tmp_path: Path) -> None:
    client = Atlas.made(tmp_path, rate=0.5).client()
    assert {client.get("/api/v1/clusters").status_code for _ in range(5)} == {200}


# Headers.


def headers_of(client: TestClient, address: str) -> dict[str, str]:
    return dict(client.get(address).headers)


@pytest.mark.parametrize(
    "address", ["/", "/login", "/api/v1/clusters", "/api/v1/none", f"{T}/fail", "/healthz", "/docs"]
)
def test_every_answer_has_the_security_headers(unused: Atlas, address: str) -> None:
    """Unforeseen errors too, which the framework answers outside of all middleware."""
    found = headers_of(unused.client(), address)
    assert found["content-security-policy"] == CSP
    assert found["x-content-type-options"] == "nosniff"
    assert found["x-frame-options"] == "DENY"
    assert found["referrer-policy"] == "same-origin"
    assert found["cache-control"] == "private, no-cache"
    assert len(found["x-request-id"]) == 32
    assert "strict-transport-security" not in found


def test_policy_is_the_one_that_was_agreed() -> None:
    assert CSP == (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "
        "data: blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


def test_an_unforeseen_error_tells_nothing(unused: Atlas) -> None:
    answer = unused.client().get(f"{T}/fail")
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    for secret in ("secret", "/etc", "Runtime", "Traceback"):
        assert secret not in answer.text


def test_over_tls_browsers_are_told_to_insist_on_it(tmp_path: Path) -> None:
    client = Atlas.made(tmp_path, https=True).client()
    assert headers_of(client, "/healthz")["strict-transport-security"] == "max-age=31536000"
