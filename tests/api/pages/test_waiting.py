"""Pages that take long: visitors see how far they are, and the page is worked out once."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect

from chainatlas.api.http.app import create_app
from chainatlas.api.http.service import Preparing, Service
from chainatlas.api.http.settings import Settings
from chainatlas.api.pages.patience import KEPT_S
from chainatlas.api.pages.warm import Warmer
from chainatlas.graph.chain import ChainGraph
from chainatlas.graph.errors import NotFoundError
from serving import serving
from watching import Watch

from .conftest import Desk

PAGE = "/?region=420100"


@dataclass
class Slow:
    """A desk whose facts come only once they are let go, and how often they were asked for."""

    desk: Desk
    let_go: threading.Event = field(default_factory=threading.Event)
    asked: int = 0
    fault: Exception | None = None

    @property
    def service(self) -> Service:
        service = self.desk.app.state.service
        assert isinstance(service, Service)
        return service

    def client(self, language: str = "zh") -> TestClient:
        return self.desk.client(language)


@pytest.fixture
def slow(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    app = create_app(Settings(str(desk.db), patience=0.05))
    found = Slow(Desk(desk.db, app))
    real = found.service.graph

    def graph(version: int | None = None) -> ChainGraph:
        if threading.current_thread().name.startswith("pages"):
            found.asked += 1
            assert found.let_go.wait(30)
            if found.fault:
                raise found.fault
        return real(version)

    monkeypatch.setattr(found.service, "graph", graph)
    yield found
    found.let_go.set()


def told(html: str) -> dict[str, Any]:
    """What the page left for its script."""
    found = re.search(r'id="data">(.*?)</script>', html)
    assert found
    data = json.loads(found[1])
    assert isinstance(data, dict)
    return data


def ready(client: TestClient, token: str) -> None:
    end = time.monotonic() + 30
    while not client.get(f"/waiting/{token}").json()["ready"]:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_who_waits_sees_how_far_it_is_and_then_the_page_made_once(slow: Slow) -> None:
    client = slow.client()
    slow.service.preparing = Preparing("正在排布全图", 3, 9)
    first = client.get(PAGE)
    assert first.status_code == 202
    assert first.headers["cache-control"] == "no-store"
    assert "正在准备这个页面" in first.text
    assert '<noscript><meta http-equiv="refresh"' in first.text
    assert re.search(r'<progress[^>]* value="3" max="9">', first.text)
    token = told(first.text)["token"]
    answer = client.get(f"/waiting/{token}").json()
    assert answer == {**answer, "ready": False, "what": "正在排布全图", "done": 3, "steps": 9}
    assert told(client.get(PAGE).text)["token"] == token  # the same page, not another one
    slow.service.preparing = None
    asked = slow.asked
    slow.let_go.set()
    ready(client, token)
    whole = client.get(PAGE)
    assert (whole.status_code, asked) == (200, 1)
    assert "武汉市集成电路产业集群" in whole.text
    assert client.get(f"/waiting/{token}").json() == {"ready": True}


def test_the_page_that_waits_speaks_the_language_of_its_visitor(slow: Slow) -> None:
    slow.service.preparing = Preparing("正在读取数据")
    page = slow.client("en").get(PAGE).text
    assert "Preparing this page" in page
    assert "Reading the data" in page
    # Another language is another page.
    assert told(page)["token"] != told(slow.client().get(PAGE).text)["token"]


def test_a_fault_of_a_page_that_took_long_is_told_as_any_other(slow: Slow) -> None:
    client = slow.client()
    token = told(client.get(PAGE).text)["token"]
    slow.fault = NotFoundError("没有这个集群：x。")
    slow.let_go.set()
    ready(client, token)
    assert client.get(PAGE).status_code == 404


def test_a_page_nobody_came_back_for_is_not_shown_later(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = slow.client()
    token = told(client.get(PAGE).text)["token"]
    slow.let_go.set()
    ready(client, token)
    later = time.monotonic() + KEPT_S + 1
    monkeypatch.setattr("chainatlas.api.pages.patience.time.monotonic", lambda: later)
    asked = slow.asked
    client.get(PAGE)
    assert slow.asked > asked


def test_preparation_tells_its_steps_and_lets_visitors_go_first(hostile_desk: Desk) -> None:
    service = Service(Settings(str(hostile_desk.db)))
    seen: list[Preparing] = []

    def busy() -> bool:
        assert service.preparing is not None
        seen.append(service.preparing)
        return len(seen) % 2 == 1  # every other look somebody waits

    assert Warmer(service, busy).prepare()
    assert service.preparing is None
    steps = seen[-1].steps
    assert [p.done for p in seen] == [at for at in range(steps) for _ in range(2)]
    words = {p.what for p in seen}
    assert "正在排布全图" in words
    # What the first visitor of the whole graph would wait for is there.
    number = service.version()
    for key in (("web", number), ("overview", number), ("names", number)):
        assert key in service._scopes
    service.close()


def test_preparation_of_a_version_ends_when_another_one_is_served(
    hostile_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(Settings(str(hostile_desk.db)))
    number = service.version()
    looks: list[int] = []

    def version() -> int:
        looks.append(number if len(looks) < 3 else number + 1)
        return looks[-1]

    monkeypatch.setattr(service, "version", version)
    assert not Warmer(service).prepare()
    assert looks[-1] == number + 1
    assert len(looks) == 4, "no step is begun for a version that is served no more"
    assert service.preparing is None
    service.close()


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_a_browser_gets_from_waiting_to_the_page_by_itself(
    browser: Browser, slow: Slow, scripts: bool
) -> None:
    with serving(slow.desk.app) as served:
        watch = Watch(inside=served)
        context = browser.new_context(java_script_enabled=scripts)
        page = watch.over(context.new_page())
        page.goto(served + PAGE)
        expect(page.locator("h1")).to_have_text("正在准备这个页面")
        expect(page.get_by_role("progressbar")).to_be_visible()
        slow.let_go.set()
        expect(page.locator("h1")).to_contain_text("武汉市")
        context.close()
    assert watch.trouble == []
