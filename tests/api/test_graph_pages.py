"""The graph, the overview and the profiles in real Chromium: what analysts do, and what must not be."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page

from chainatlas.api.cli import main
from chainatlas.api.http import app as application
from chainatlas.api.http.access import Caller, Role
from chainatlas.api.http.settings import Settings

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
ANALYST = Caller("analyst", Role.analyst, kind="session", csrf="token")
#: Anything a page might parse: as HTML, as an address, as the end of a script, as a template.
PAYLOADS = (
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(1)</script>",
    "<svg onload=alert(1)>",
    "javascript:alert(1)",
    '<a href="javascript:alert(1)">x</a>',
    "{{7*7}}",
)


class Site:
    """A server on a free loopback port, for one store."""

    def __init__(self, db: Path) -> None:
        self.app = application.create_app(Settings(str(db)))
        self.app.state.identify = lambda _: ANALYST
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_level="error"))
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), daemon=True
        )
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    db = tmp_path_factory.mktemp("graph") / "atlas.db"
    assert main(["ingest", str(ROOT / "data" / "hubei"), "--db", str(db)]) == 0
    found = Site(db)
    yield found
    found.stop()


@pytest.fixture
def trouble() -> list[str]:
    """What a page did that it should not have done; empty at the end of every test."""
    return []


@pytest.fixture
def page(browser: Browser, trouble: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, accept_downloads=True)
    context.add_init_script("""
      window.violations = [];
      document.addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective));
    """)
    found = context.new_page()

    def guard(route: Any) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            route.continue_()
        else:
            trouble.append(f"request {route.request.url}")
            route.abort()

    def dialog(shown: Any) -> None:
        trouble.append(f"dialog {shown.message}")
        shown.dismiss()

    def heard(message: Any) -> None:
        # Software rendering says that reading pixels is slow.
        if message.type in ("error", "warning") and "GPU stall" not in message.text:
            trouble.append(f"console {message.text}")

    found.route("**/*", guard)
    found.on("dialog", dialog)
    found.on("pageerror", lambda error: trouble.append(f"error {error}"))
    found.on("console", heard)
    yield found
    assert found.evaluate("window.violations") == []
    context.close()
    assert trouble == []


def go(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("html[data-ready=true]", state="attached")


def counts(page: Page) -> list[int]:
    """Numbers of nodes and lines that the page says it shows."""
    text = page.inner_text("#counts")
    return [int("".join(c for c in part if c.isdigit())) for part in text.split("，")]


def wait_for(page: Page, nodes: int) -> None:
    page.wait_for_function(
        "n => document.getElementById('counts').textContent.startsWith(n + ' ')", arg=nodes
    )


def test_search_expand_collapse_hide_undo_redo(site: Site, page: Page) -> None:
    go(page, site.address + "/graph")
    assert counts(page) == [0, 0]
    page.fill("#q", "长江存储科技有限")
    page.click("#hits button:has-text('长江存储科技有限责任公司')")
    wait_for(page, 1)
    offers = page.locator("#panel .groups button").all_inner_texts()
    assert "产出产品 3 个" in offers
    assert "供应商 10 个" in offers
    page.click("#panel .groups button:has-text('供应商')")
    wait_for(page, 11)
    assert counts(page)[1] >= 10
    page.click("#panel .groups button:has-text('产出产品')")
    wait_for(page, 14)
    page.click("#undo")
    wait_for(page, 11)
    page.click("#redo")
    wait_for(page, 14)
    page.click("#panel .tools button:has-text('收起')")
    wait_for(page, 1)
    page.keyboard.press("Control+z")
    wait_for(page, 14)
    page.click("#panel .tools button:has-text('隐藏')")
    wait_for(page, 13)
    page.click("#hint button")
    wait_for(page, 14)
    assert "事实与来源" in page.inner_text("#panel")
    assert page.locator("#panel dl.facts dt:has-text('来源')").count() >= 1


def test_a_hub_is_expanded_in_steps(site: Site, page: Page) -> None:
    go(page, site.address + "/graph?start=Product:wafer-foundry")
    offer = page.locator("#panel .groups button:has-text('产出企业')")
    page.wait_for_selector("#panel .groups button")
    total = int("".join(c for c in offer.inner_text().split("个")[0] if c.isdigit()))
    if total > 30:
        assert "显示前 30（按产值）" in offer.inner_text()
    offer.click()
    wait_for(page, 1 + min(30, total))


def test_filters_and_the_table_twin(site: Site, page: Page) -> None:
    go(page, site.address + "/graph?look=Enterprise:ymtc")
    nodes, lines = counts(page)
    page.uncheck("#lines input[value=SUPPLIES]")
    assert counts(page)[0] == nodes
    assert counts(page)[1] < lines
    page.uncheck("#kinds input[value=Product]")
    assert counts(page)[0] == nodes - 3
    page.check("#kinds input[value=Product]")
    page.check("#lines input[value=SUPPLIES]")
    page.select_option("#sure", "0.9")
    assert counts(page)[1] < lines
    page.select_option("#sure", "0")
    page.click("#twin summary")
    assert page.locator("#nodetable tbody tr").count() == nodes
    assert page.locator("#edgetable tbody tr").count() == lines
    row = page.locator("#nodetable tbody tr:has-text('华中科技大学')")
    row.locator("button:has-text('研究产品')").click()
    page.wait_for_function(
        "n => document.querySelectorAll('#nodetable tbody tr').length > n", arg=nodes
    )


def test_layouts_and_captions(site: Site, page: Page) -> None:
    go(page, site.address + "/graph?look=Enterprise:ymtc")
    for layout in ("staged", "radial", "force"):
        with page.expect_response("**/graph/layout") as found:
            page.select_option("#layout", layout)
        assert len(found.value.json()["shown"]) == counts(page)[0]
    for caption in ("place", "size", "none", "name"):
        page.select_option("#caption", caption)


def test_a_path_between_two_nodes(site: Site, page: Page) -> None:
    go(page, site.address + "/graph")
    page.click("#pathbox summary")
    page.fill("#source", "拓荆科技")
    page.fill("#target", "长江存储科技有限责任公司")
    page.select_option("#way", "supply")
    page.click("#path button")
    page.wait_for_selector("#paths li")
    assert "—供应→ 长江存储科技有限责任公司" in page.inner_text("#paths")
    wait_for(page, 2)


def test_a_view_is_saved_and_opened_again(site: Site, page: Page) -> None:
    go(page, site.address + "/graph?look=Enterprise:ymtc")
    before = counts(page)
    page.uncheck("#lines input[value=LOCATED_IN]")
    page.click("#viewbox summary")
    page.fill("#viewname", "存储链")
    page.click("#save button")
    page.wait_for_selector("#views a:has-text('存储链')")
    less = counts(page)
    assert less[1] < before[1]
    places = page.evaluate("location.href")
    go(page, site.address + "/graph")
    page.click("#viewbox summary")
    page.click("#views a:has-text('存储链')")
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert page.url == places
    assert counts(page) == less
    assert not page.is_checked("#lines input[value=LOCATED_IN]")


def test_the_link_gives_the_same_view(site: Site, page: Page) -> None:
    go(page, site.address + "/graph?start=Enterprise:ymtc")
    page.click("#panel .groups button:has-text('产出产品')")
    wait_for(page, 4)
    page.uncheck("#kinds input[value=Region]")
    page.click("#share")
    page.wait_for_function("() => location.search.includes('open=')")
    link = page.url
    seen = counts(page)
    go(page, link)
    assert counts(page) == seen
    assert not page.is_checked("#kinds input[value=Region]")
    page.click("#panel .tools button:has-text('收起')")
    wait_for(page, 1)


def test_exports_can_be_read_again(site: Site, page: Page) -> None:
    go(page, site.address + "/graph?look=Enterprise:ymtc")
    seen = counts(page)
    for form in ("gexf", "json", "svg", "png"):
        with page.expect_download() as waiting:
            page.select_option("#export", form)
        content = Path(waiting.value.path()).read_bytes()
        if form == "gexf":
            graph = nx.read_gexf(io.BytesIO(content))
            assert [graph.number_of_nodes(), graph.number_of_edges()] == seen
        elif form == "json":
            made = json.loads(content)
            assert [len(made["nodes"]), len(made["edges"])] == seen
        else:
            assert content.startswith({"svg": b"<?xml", "png": b"\x89PNG"}[form])


def picture(page: Page) -> set[str]:
    """Colours of the whole graph's picture."""
    from PIL import Image

    image = Image.open(io.BytesIO(page.locator("#cloud").screenshot())).convert("RGB")
    most = image.getcolors(1 << 24)
    assert most
    return {"#{:02X}{:02X}{:02X}".format(*rgb) for _, rgb in most if isinstance(rgb, tuple)}


@pytest.mark.parametrize("plain", [False, True])
def test_the_whole_graph_search_and_zoom(site: Site, page: Page, plain: bool) -> None:
    """With WebGL, and on a plain canvas where a browser has none."""
    if plain:
        page.add_init_script("""
          const real = HTMLCanvasElement.prototype.getContext;
          HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
            return kind === "webgl2" ? null : real.call(this, kind, ...rest);
          };
        """)
    go(page, site.address + "/graph/all")
    page.wait_for_timeout(200)
    assert len(picture(page)) > 20
    page.fill("#q", "长江存储科技有限责任公司")
    page.click("#find button:has-text('查找')")
    page.wait_for_selector("#picked a")
    assert "长江存储科技有限责任公司" in page.inner_text("#picked")
    box = page.locator("#cloud").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, 300)
    page.click("#fit")
    page.check("#lines")
    page.wait_for_timeout(300)
    page.uncheck("#kinds input[value='3']")
    page.click("#areas button >> nth=0")
    page.click("#picked a")
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert counts(page)[0] > 5


def test_without_scripts_everything_is_a_link(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.address + "/graph")
    page.fill("#q", "长江存储科技有限责任公司")
    page.click("#find button")
    page.click("#hits button >> nth=0")
    page.click("#twin summary")
    rows = page.locator("#nodetable tbody tr")
    before = rows.count()
    assert before > 10
    page.locator("#nodetable tr:has-text('华中科技大学') button:has-text('研究产品')").click()
    page.click("#twin summary")
    assert page.locator("#nodetable tbody tr").count() > before
    context.close()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A store whose every name is a payload."""
    folder = tmp_path_factory.mktemp("hostile")
    pack = folder / "bad"
    pack.mkdir()

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    names = [quoted(p) for p in PAYLOADS]
    files = {
        "clusters.csv": "id,name,region\nc," + names[0] + ",420100",
        "links.csv": "id,cluster,name,stage\nl,c," + names[1] + ",upstream",
        "products.csv": "id,name,links,source\n"
        + "\n".join(f"p{i},{name},l,{name}" for i, name in enumerate(names)),
        "enterprises.csv": "id,name,region,address,source\n"
        + "\n".join(f"e{i},{name},420100,{name},{name}" for i, name in enumerate(names)),
        "produces.csv": "enterprise,product\n" + "\n".join(f"e{i},p0" for i in range(len(names))),
        "inputs.csv": "product,input\np1,p0",
        "supplies.csv": "supplier,buyer,source\ne0,e1," + names[2],
        "institutes.csv": "id,name,kind\ni," + names[3] + ",university",
        "research.csv": "institute,product\ni,p0",
        "projects.csv": "id,name,owner,product\nj," + names[4] + ",e0,p0",
    }
    for name, content in files.items():
        (pack / name).write_text(content + "\n", encoding="utf-8")
    assert main(["ingest", str(pack), "--db", str(folder / "bad.db")]) == 0
    found = Site(folder / "bad.db")
    yield found
    found.stop()


def harmless(page: Page) -> None:
    bad = page.evaluate("""() => [...document.querySelectorAll("*")].filter((e) =>
      e.tagName === "IMG" || e.tagName === "IFRAME" || (e.tagName === "SCRIPT" && !e.src && e.type !== "application/json")
      || [...e.attributes].some((a) => /^on/i.test(a.name) || (["href", "src", "action"].includes(a.name) && /^javascript:/i.test(a.value))))
      .map((e) => e.outerHTML.slice(0, 200))""")
    assert bad == []
    assert "49" not in page.inner_text("#main").replace("0.49", "")


def test_hostile_names_do_nothing(hostile: Site, page: Page) -> None:
    go(page, hostile.address + "/graph?look=Product:p0")
    harmless(page)
    assert PAYLOADS[0] in page.inner_text("#panel")
    page.click("#twin summary")
    for payload in PAYLOADS:
        assert payload in page.inner_text("#twin")
        page.fill("#q", payload)
        page.wait_for_timeout(250)
    harmless(page)
    page.click("#panel .groups button >> nth=0", force=True)
    for form in ("svg", "gexf"):
        with page.expect_download() as waiting:
            page.select_option("#export", form)
        assert b"<script" not in Path(waiting.value.path()).read_bytes().lower()
    page.click("#viewbox summary")
    page.fill("#viewname", PAYLOADS[1])
    page.click("#save button")
    page.wait_for_selector("#views a")
    go(page, page.url)
    harmless(page)
    go(page, hostile.address + "/graph/all")
    page.fill("#q", PAYLOADS[0])
    page.click("#find button >> nth=0")
    page.wait_for_selector("#picked a")
    harmless(page)
    for address in (
        "/enterprise/e0",
        "/product/p0",
        "/institute/i",
        "/project/j",
        "/link/l",
        "/cluster/c",
    ):
        page.goto(hostile.address + address)
        harmless(page)


def test_our_scripts_agree_with_their_types(tmp_path: Path) -> None:
    """TypeScript reads the JSDoc of our scripts; skipped where it cannot be had."""
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("no npx on the PATH (Debian: apt-get install npm)")
    tsc = [npx, "--yes", "--package", "typescript@5.9.3", "tsc"]
    run = {"capture_output": True, "text": True, "timeout": 120, "check": False, "cwd": tmp_path}
    if subprocess.run([*tsc, "--version"], **run).returncode:  # type: ignore[call-overload]
        pytest.skip("TypeScript cannot be had from npm")
    scripts = ROOT / "api" / "pages" / "static"
    names = ["graph.js", "graph-state.js", "overview.js", "cloud.js"]
    options = ["--checkJs", "--allowJs", "--noEmit", "--strict", "--target", "es2022"]
    options += ["--module", "es2022", "--lib", "es2022,dom,dom.iterable"]
    checked = subprocess.run([*tsc, *options, *(str(scripts / n) for n in names)], **run)  # type: ignore[call-overload]
    assert checked.returncode == 0, checked.stdout
