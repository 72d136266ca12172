"""Sign-in, administration and the description of the API in a real browser, under the policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from atlas import PASSWORD, Atlas
from chainatlas.api.security.ledger import CLI
from chainatlas.api.security.roles import Role
from chainatlas.api.security.users import Users

pytestmark = pytest.mark.browser
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass
class Desk:
    """A page, and what went wrong on it.

    Attributes:
        page: The page.
        base: Address of the server.
        wrong: Errors, messages of the console, and requests to anywhere else.
    """

    page: Page
    base: str
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def check(self) -> None:
        """No serious fault of accessibility on the page as it stands."""
        found = Axe().run(self.page).response["violations"]
        serious = [v["id"] for v in found if v["impact"] in ("serious", "critical")]
        assert not serious, (self.page.url, serious)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server in a thread, with one administrator."""
    atlas = Atlas.made(tmp_path_factory.mktemp("desk"))
    Users(atlas.work).add("boss", PASSWORD, Role.admin, by=CLI)
    server = uvicorn.Server(uvicorn.Config(atlas.app, port=0, log_level="critical"))
    with closing(server.config.bind_socket()) as socket:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def desk(browser: Browser, base: str) -> Iterator[Desk]:
    with closing(browser.new_context(viewport={"width": 1366, "height": 768})) as context:
        page = context.new_page()
        found = Desk(page, base)
        page.on("pageerror", lambda error: found.wrong.append(str(error)))
        page.on(
            "console",
            lambda line: (
                found.wrong.append(line.text) if line.type in ("error", "warning") else None
            ),
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((base, "data:", "blob:"))
                else found.wrong.append(request.url)
            ),
        )
        found.go("/admin")
        page.fill("#name", "boss")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{base}/admin")
        yield found
        assert not found.wrong


def test_swagger_ui_renders_and_asks_with_the_session(desk: Desk) -> None:
    desk.go("/docs")
    page = desk.page
    page.get_by_text("/api/v1/clusters", exact=True).first.click()
    page.get_by_role("button", name="Try it out").first.click()
    with page.expect_response("**/api/v1/clusters*") as answer:
        page.get_by_role("button", name="Execute").first.click()
    assert answer.value.status == 200
    assert len(answer.value.request.headers["x-csrf-token"]) > 40


def test_redoc_renders_and_asks_nobody_else(desk: Desk) -> None:
    desk.go("/redoc")
    desk.page.wait_for_selector("text=API docs by Redocly")
    assert desk.page.get_by_text("/api/v1/clusters").count()


def test_an_administrator_defines_a_user_a_key_and_reads_the_audit(desk: Desk) -> None:
    page = desk.page
    page.fill("#new-name", "张")
    page.fill("#new-password", PASSWORD)
    page.fill("#new-region", "武汉市")
    page.get_by_role("button", name="定义", exact=True).click()
    page.get_by_label("更改 张").click()
    page.get_by_role("button", name="停用", exact=True).click()
    page.wait_for_selector("#users >> text=已停用")
    page.get_by_role("link", name="密钥").click()
    page.fill("#new-name", "供需平台")
    page.get_by_role("button", name="生成", exact=True).click()
    assert page.input_value("#token").startswith("ca_")
    desk.check()  # shown this once, and so on no page of the list
    page.get_by_role("link", name="审计").click()
    page.get_by_role("button", name="核对全部记录").click()
    page.wait_for_selector("text=审计记录完整")
    assert page.locator("#audit tbody tr").count() >= 5


def test_the_account_and_signing_out(desk: Desk) -> None:
    page = desk.page
    page.get_by_role("link", name="boss").click()
    page.get_by_role("button", name="退出").click()
    page.wait_for_url("**/login")
