"""The client and the lines of docs/curl.md, against a real server."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from chainatlas.api.client import ApiError, Client, order
from microcosm import Atlas, state

DOCS = Path(__file__).parent.parent.parent.parent / "docs"
Served = tuple[str, Atlas]


def test_lists_go_through_all_pages(served: Served) -> None:
    address, atlas = served
    with Client(address) as client:
        whole = list(client.targets("420100"))
        assert whole == list(client.rows("/targets", region="420100", limit=2))
        assert (
            whole == atlas.client.get("/api/v1/targets?region=420100&limit=500").json()["targets"]
        )
        assert {r["id"] for r in client.rows("/enterprises", labels="leading")} == {"ymtc"}
        some = list(client.targets("420100", label=["champion", "little_giant"], domestic=True))
        assert some
        assert len(some) < len(whole)
        assert len(list(client.gaps("420100", cluster="ic"))) == 5


def test_search_downloads_and_single_answers(served: Served) -> None:
    with Client(served[0]) as client:
        assert client.search("光刻机", kind=["Product"])[0]["id"] == "litho"
        assert client.download("/targets.xlsx", region="420100")[:2] == b"PK"
        assert client.download("/exports/packs.zip")[:2] == b"PK"
        assert client.get("/comparisons", from_=0)["from"] == 0


def test_problems_are_exceptions(served: Served) -> None:
    with Client(served[0]) as client:
        with pytest.raises(ApiError) as caught:
            client.get("/gaps", region="42", colour="red")
        assert caught.value.status == 422
        assert caught.value.code == "invalid"
        assert [e["field"] for e in caught.value.errors] == ["colour"]
        assert caught.value.request_id
        with pytest.raises(ApiError, match="not-found"):
            client.get("/products/none")


def test_a_replica_follows(served: Served) -> None:
    address, atlas = served
    with Client(address) as client:
        copy = client.replica("targets", "420100", cluster="ic")
        first = copy.version
        assert copy.update() == {"withdrawn": 0, "changed": 0, "added": 0}
        firms = [dict(row) for row in atlas.tables["enterprises"]]
        for row in firms:
            row["revenue"] = 3e9 if row["id"] == "smee" else row.get("revenue")
        made = [r for r in atlas.tables["produces"] if r["enterprise"] != "wafer-jp"]
        version = state(atlas.store, {**atlas.tables, "enterprises": firms, "produces": made})
        atlas.service.refresh()
        for _ in range(200):  # the server takes the load over in the background
            counts = copy.update()
            if copy.version == version:
                break
            threading.Event().wait(0.1)
        assert copy.version == version == first + 1
        assert counts["withdrawn"] == 1
        assert counts["changed"] >= 1
        whole = list(client.targets("420100", cluster="ic"))
        assert copy.rows == whole == sorted(whole, key=order)


class Moody(BaseHTTPRequestHandler):
    """Says what the server of the test tells it to, one answer after the other."""

    def do_GET(self) -> None:
        """Answer with the next status."""
        server: Any = self.server
        server.keys.append(self.headers.get("Authorization"))
        status = server.answers.pop(0)
        if status == 0:
            self.close_connection = True
            return
        body = json.dumps({"type": "/docs/problems#unavailable", "detail": "忙"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status in (429, 503):
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def moody() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Moody)
    server.answers, server.keys = [], []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_asks_again_where_that_helps(moody: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    address = f"http://127.0.0.1:{moody.server_address[1]}"
    with Client(address, "geheim", tries=4, patience=5) as client:
        moody.answers[:] = [503, 429, 0, 200]
        assert client.get("/x")["detail"] == "忙"
        assert waited[:2] == [5, 5]  # as the server says, but not for ever
        assert set(moody.keys) == {"Bearer geheim"}
        moody.answers[:] = [503] * 4
        with pytest.raises(ApiError, match="503 unavailable"):
            client.get("/x")
        moody.answers[:] = [404]
        with pytest.raises(ApiError):
            client.get("/x")
        moody.answers[:] = [0] * 4
        with pytest.raises(OSError, match=r".*"):
            client.get("/x")


def test_addresses_that_are_none() -> None:
    for wrong in ("ftp://x", "127.0.0.1:8000", "http://"):
        with pytest.raises(ValueError, match="not an http address"):
            Client(wrong)


def lines() -> list[str]:
    page = (DOCS / "curl.md").read_text("utf-8")
    found = [
        line for block in re.findall(r"```sh\n(.*?)```", page, re.S) for line in block.splitlines()
    ]
    return [line for line in found if line.startswith("curl ")]


def test_every_line_of_the_curl_page_works(served: Served, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl on the PATH")
    assert len(lines()) > 15
    for line in lines():
        words = [word.replace("$ATLAS", served[0]) for word in shlex.split(line)]
        command = [words[0], "--fail-with-body", *words[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, (line, done.stdout.decode())
        if "--etag-compare" in words:
            assert done.stdout == b"304\n"
        elif "-o" not in words:
            assert done.stdout.strip(), line
    page = json.loads((tmp_path / "page.json").read_text("utf-8"))
    assert page["gaps"]


def test_the_page_of_the_client_works(served: Served) -> None:
    page = (DOCS / "client.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    exec(code.replace("http://127.0.0.1:8000", served[0]), {"print": lambda *_: None})
