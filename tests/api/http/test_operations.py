"""Health, figures, logs, and the server as it really runs: several workers, told to stop."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import uvicorn
from fastapi.testclient import TestClient

from atlas import PASSWORD, Atlas
from chainatlas.api.cli import main
from chainatlas.api.commands_serve import PATIENCE_S
from chainatlas.api.http.app import create_app
from chainatlas.api.http.logs import JsonLines
from chainatlas.api.http.settings import Settings
from chainatlas.api.security.keys import Keys
from chainatlas.api.security.ledger import CLI
from chainatlas.api.security.roles import Role
from chainatlas.api.security.users import Users


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return Atlas.made(tmp_path)


def figure(text: str, name: str, **labels: str) -> float:
    """The value of a metric; labels may stand in any order."""
    for line in text.splitlines():
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if match and match[1] == name:
            found = dict(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))
            if found == labels:
                return float(match[3])
    return 0.0


def test_alive_without_a_store_and_ready_with_one(atlas: Atlas, tmp_path: Path) -> None:
    assert atlas.client().get("/readyz").json() == {"status": "ready"}
    away = TestClient(create_app(Settings(str(tmp_path / "none.db"))))
    assert away.get("/healthz").json() == {"status": "alive"}
    answer = away.get("/readyz")
    assert (answer.status_code, bool(answer.headers["retry-after"])) == (503, True)
    assert str(tmp_path) not in answer.text


def test_a_damaged_work_file_is_not_ready_and_lets_nobody_in(atlas: Atlas) -> None:
    path = atlas.settings.work
    path.write_bytes(b"no database at all, but long enough to be looked at" * 50)
    client = atlas.client()
    assert client.get("/healthz").status_code == 200
    for address in ("/readyz", "/api/v1/clusters", "/"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert str(path) not in answer.text


def test_a_store_that_goes_away_is_waited_for_and_not_made_anew(
    atlas: Atlas, tmp_path: Path
) -> None:
    client, service = atlas.client(), atlas.app.state.service
    assert client.get("/api/v1/clusters").status_code == 200
    store = Path(atlas.settings.db)
    store.rename(tmp_path / "aside")
    service.refresh()
    for address in ("/readyz", "/api/v1/versions", "/api/v1/gaps?region=420100"):
        answer = client.get(address)
        assert (answer.status_code, bool(answer.headers["retry-after"])) == (503, True)
    assert not store.exists()
    (tmp_path / "aside").rename(store)
    assert client.get("/api/v1/clusters").status_code == 200


def test_a_work_file_that_goes_away_opens_nothing(atlas: Atlas, tmp_path: Path) -> None:
    key, client = atlas.key(Role.viewer), atlas.client()
    assert client.get("/api/v1/clusters", headers=key).status_code == 200
    atlas.settings.work.rename(tmp_path / "aside")
    for headers in (key, {}, {"Cookie": "chainatlas=x"}):
        answer = client.get("/api/v1/clusters", headers=headers)
        assert (answer.status_code, bool(answer.headers["retry-after"])) == (503, True)
    assert client.get("/readyz").status_code == 503
    with atlas.work.writing():
        pass  # somebody makes an empty one
    assert client.get("/api/v1/clusters").status_code == 401
    (tmp_path / "aside").replace(atlas.settings.work)
    assert client.get("/api/v1/clusters", headers=key).status_code == 200


def test_figures_by_route_and_never_by_address(atlas: Atlas) -> None:
    client = atlas.client()
    for address in ("clusters", "clusters?x=1", "links"):
        client.get(f"/api/v1/{address}")
    for address in ("/assets/a/b", "/wp-login.php"):
        client.get(address)
    client.request("BREW", "/")
    with atlas.work.writing() as connection:
        connection.execute(
            "INSERT INTO jobs (id, kind, owner, region, state, parameters, created_at)"
            " VALUES ('1', 'ingest', 'x', '100000', 'running', '{}', '')"
        )
    text = client.get("/metrics").text

    def requests(route: str, status: str, method: str = "GET") -> float:
        return figure(text, "chainatlas_requests_total", route=route, method=method, status=status)

    assert requests("/api/v1/clusters", "200") == 1
    assert requests("/api/v1/clusters", "422") == 1
    assert requests("/assets/{mark}/{name}", "404") == 1
    assert requests("unmatched", "404") == 1
    assert "BREW" not in text
    assert "wp-login" not in text
    count = "chainatlas_request_seconds_count"
    assert figure(text, count, route="/api/v1/clusters", method="GET") == 2
    assert figure(text, "chainatlas_cache_total", cache="graphs", outcome="miss") == 1
    assert figure(text, "chainatlas_cache_total", cache="graphs", outcome="hit") >= 1
    assert figure(text, "chainatlas_jobs", kind="ingest", state="running") == 1


def test_figures_are_for_known_callers_elsewhere(tmp_path: Path) -> None:
    atlas = Atlas.made(tmp_path, host="0.0.0.0")
    key = atlas.key(Role.viewer, "420100")
    assert atlas.client().get("/metrics").status_code == 401
    assert atlas.client().get("/metrics", headers=key).status_code == 200


def test_the_log_tells_who_did_what_and_no_secret(
    atlas: Atlas, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = atlas.key(Role.viewer)
    person = atlas.person(Role.analyst, name="王")
    person.client.post("/login", data={"name": PASSWORD, "password": "hunter2 hunter2"})
    csrf = person.token
    person.client.post("/account/password", data={"csrf": csrf, "old": "secret-old", "new": "x"})
    atlas.client().get("/api/v1/clusters?q=secret-query", headers=key)
    atlas.client().get("/secret-path", headers={"X-Request-Id": 'forged"\nline'})
    lines = [JsonLines().format(record) for record in caplog.records if "httpx" not in record.name]
    found = [json.loads(line) for line in lines]
    text = "\n".join(lines)
    token = key["Authorization"].removeprefix("Bearer ")
    cookie = person.client.cookies["chainatlas"]
    for secret in (PASSWORD, "hunter2", "secret-", token, token[12:], cookie, csrf, "forged"):
        assert secret not in text
    access = [line for line in found if line["logger"] == "chainatlas.access"]
    asked = next(line for line in access if line["route"] == "/api/v1/clusters")
    assert asked["status"] == 200
    assert asked["method"] == "GET"
    assert asked["duration_ms"] > 0
    assert len(asked["request_id"]) == 32
    assert asked["caller"] == f"key:viewer 100000/{token[3:11]}"
    assert {line["caller"] for line in access} >= {"nobody", "user:王"}
    audit = [line for line in found if line["logger"] == "chainatlas.audit"]
    assert [line["audit"] for line in audit] == list(range(1, len(audit) + 1))
    assert all(re.fullmatch("[0-9a-f]{64}", line["hash"]) for line in audit)


def test_errors_are_logged_with_their_trace_as_one_line(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("chainatlas.x").exception("failed")
    line = JsonLines().format(caplog.records[-1])
    assert "\n" not in line
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


# ``serve``.


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What the server would be started with."""
    found: list[dict[str, object]] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: found.append(options))
    monkeypatch.setenv("CHAINATLAS_SERVE", "")
    return found


def test_serve_says_who_can_do_what(
    atlas: Atlas, told: list[dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    def serve(*options: str) -> tuple[int, str]:
        status = main(["serve", "--db", atlas.settings.db, *options])
        return status, capsys.readouterr().err

    status, said = serve()
    assert status == 0
    assert "没有定义用户和密钥" in said
    for host in ("0.0.0.0", "::", "192.168.1.4", "example.org"):
        status, said = serve("--host", host)
        assert (status, "只能监听本机地址" in said) == (1, True)
    assert len(told) == 1
    atlas.key(Role.viewer)
    assert serve() == (0, "")
    status, said = serve("--host", "0.0.0.0")
    assert (status, "明文" in said) == (0, True)
    assert serve("--host", "0.0.0.0", "--https") == (0, "")
    assert told[-1]["access_log"] is False
    assert Settings.received() == Settings(
        atlas.settings.db, "0.0.0.0", https=True, rate=200, patience=PATIENCE_S
    )


@dataclass
class Server:
    """A server in processes of its own."""

    process: subprocess.Popen[str]
    port: int

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        asked = Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urlopen(asked, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def server(atlas: Atlas) -> Iterator[Server]:
    """Two workers on one store."""
    command = [sys.executable, "-c", "from chainatlas.api.cli import entry; entry()", "serve"]
    options = ["--db", atlas.settings.db, "--port", "0", "--workers", "2", "--rate", "0"]
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        ready, port = 0, 0
        while ready < 2:
            line = process.stderr.readline()
            assert line
            if match := re.search(r"running on http://127.0.0.1:(\d+)", line):
                port = int(match[1])
            ready += "startup complete" in line
        yield Server(process, port)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
        process.communicate()


def test_two_workers_know_the_same_people_and_finish_what_they_began(
    atlas: Atlas, server: Server
) -> None:
    Users(atlas.work).add("王", PASSWORD, Role.viewer, by=CLI)
    key, token = Keys(atlas.work).add("x", Role.viewer, by=CLI)
    auth = {"Authorization": f"Bearer {token}"}
    for _ in range(12):
        assert server.get("/api/v1/clusters", **auth)[0] == 200
    text = server.get("/metrics")[1]
    assert (
        figure(
            text, "chainatlas_requests_total", route="/api/v1/clusters", method="GET", status="200"
        )
        == 12
    )
    Keys(atlas.work).revoke(key.prefix, by=CLI)
    assert {server.get("/api/v1/clusters", **auth)[0] for _ in range(12)} == {401}
    # A login whose second half comes after the server was told to stop.
    body = urlencode({"name": "王", "password": PASSWORD}).encode()
    head = (
        f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as line:
        line.sendall(head + body[:10])
        # Another request, answered, shows that the worker of this one had time to begin.
        for _ in range(12):
            server.get("/healthz")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stderr is not None
        for text in server.process.stderr:
            if "Shutting down" in text:
                break
        line.sendall(body[10:])
        answer = line.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 303")
    assert "set-cookie: chainatlas=" in answer
    server.process.stderr.read()
    assert server.process.wait() in (0, -signal.SIGTERM)
