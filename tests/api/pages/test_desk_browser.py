"""The bureau's pages in headless Chromium: each page's main task, quiet, reachable by all, printable."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pypdf import PdfReader

from serving import serving
from watching import Watch

from .conftest import Desk

pytestmark = pytest.mark.browser

IC = "region=420100&cluster=ic"
PAGES = {
    "overview": "/?region=420100",
    "chain": f"/chain?{IC}&product=dram",
    "map": f"/map?{IC}",
    "attraction": f"/attraction?{IC}",
    "gap": f"/attraction?{IC}&product=edge-ai-chip",
    "regions": f"/compare?{IC}&other=420500",
    "versions": f"/compare?{IC}&with=version",
    "moves": f"/compare?{IC}&with=move&move=land:420100:cxmt&q=%E4%B8%AD%E8%8A%AF",
    "problem": "/chain?region=999999",
}
VIOLATIONS = """window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});"""


@pytest.fixture(scope="module")
def served(desk: Desk) -> Iterator[str]:
    with serving(desk.app) as address:
        yield address


def opened(browser: Browser, **options: Any) -> BrowserContext:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, **options)
    if options.get("java_script_enabled", True):
        context.add_init_script(VIOLATIONS)
    return context


@pytest.fixture
def watch(served: str) -> Watch:
    return Watch(inside=served)


@pytest.fixture
def page(browser: Browser, watch: Watch) -> Iterator[Page]:
    """A watched page; after the test it must have been silent."""
    context = opened(browser)
    page = watch.over(context.new_page())
    yield page
    assert page.evaluate("window.violations") == []
    context.close()
    assert watch.trouble == []


def calm(page: Page) -> None:
    page.wait_for_load_state("networkidle")


def test_overview_leads_from_search_to_a_product(page: Page, served: str) -> None:
    page.goto(f"{served}/?region=420000")
    calm(page)
    page.get_by_label("地区", exact=True).select_option("420100")  # sends itself
    page.wait_for_url("**/?region=420100")
    expect(page.locator("h1")).to_contain_text("武汉市")
    expect(page.locator("[data-into]")).to_contain_text("DRAM芯片（补链）")  # came after the page
    page.get_by_role("searchbox").fill("光刻机")
    page.get_by_role("searchbox").press("Enter")
    page.locator("#found").get_by_role("link", name="光刻机", exact=True).click()
    expect(page.locator("#panel h2")).to_have_text("光刻机")


def test_chain_opens_a_panel_keeps_the_view_and_goes_back(page: Page, served: str) -> None:
    page.goto(f"{served}/chain?{IC}&evidence=confirmed")
    asked = len(page.context.pages)
    page.locator("a.chip[data-id=dram]").click()
    expect(page.locator("#panel h2")).to_have_text("DRAM芯片")
    assert "product=dram" in page.url
    assert "evidence=confirmed" in page.url
    expect(page.locator("svg.wires path.into").first).to_be_attached()
    page.locator("a.chip[data-id=lithography-machine]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel h2")).to_have_text("光刻机")
    page.go_back()
    expect(page.locator("#panel h2")).to_have_text("DRAM芯片")
    page.reload()  # the address alone restores the view
    expect(page.locator("#panel h2")).to_have_text("DRAM芯片")
    expect(page.locator("select[name=evidence]")).to_have_value("confirmed")
    assert len(page.context.pages) == asked
    every = page.locator("svg.wires path").count()
    page.get_by_label("显示全部连线").check()
    assert page.locator("svg.wires path").count() > every


def test_map_hides_layers_drills_down_and_tells(page: Page, served: str) -> None:
    page.goto(f"{served}/map?{IC}")
    bubbles = page.locator("#map .layer-bubble").first
    expect(bubbles).to_be_visible()
    page.get_by_label("气泡：产出").uncheck()
    expect(bubbles).to_be_hidden()
    page.locator("#map a[aria-label=湖北省武汉市] path").hover()
    expect(page.locator(".tip")).to_contain_text("武汉市")
    page.locator("#map a[aria-label=湖北省武汉市]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**at=420100**")
    expect(page.locator("#places")).to_contain_text("洪山区")


def test_attraction_filters_and_downloads_the_sheet(page: Page, served: str) -> None:
    page.goto(f"{served}/attraction?{IC}")
    page.get_by_label("证据").select_option("confirmed")
    page.wait_for_url("**evidence=confirmed**")
    for card in page.locator("article.gap").all():
        expect(card.locator(".mark.confirmed")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="PDF").click()
    assert waiting.value.path().read_bytes().startswith(b"%PDF")


def test_simulation_with_names_looked_up_while_typing(page: Page, served: str) -> None:
    page.goto(f"{served}/compare?{IC}&with=move")
    page.get_by_label("企业名称").press_sequentially("中芯")
    page.locator("#hits li").first.get_by_role("link", name="落地").click()
    expect(page.get_by_role("heading", name="差异")).to_be_visible()
    page.get_by_role("link", name="去掉").click()
    expect(page.get_by_role("heading", name="差异")).to_have_count(0)


def test_english_by_a_click_and_back(page: Page, served: str) -> None:
    page.goto(f"{served}/chain?{IC}")
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_label("Action")).to_be_visible()
    page.get_by_role("link", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_everything_works_without_scripts(browser: Browser, served: str) -> None:
    watch = Watch(inside=served)
    context = opened(browser, java_script_enabled=False)
    page = watch.over(context.new_page())
    page.goto(f"{served}/?region=420000")
    page.get_by_label("地区", exact=True).select_option("420100")
    page.get_by_role("button", name="查看", exact=True).click()
    page.get_by_role("link", name="查看变化").click()
    expect(page.locator("main")).to_contain_text("DRAM芯片（补链）")
    page.goto(f"{served}/chain?{IC}")
    page.locator("a.chip[data-id=dram]").click()
    expect(page.locator("#panel h2")).to_have_text("DRAM芯片")
    page.goto(f"{served}/map?{IC}")
    page.get_by_label("气泡：产出").uncheck()
    page.get_by_role("button", name="筛选").click()
    expect(page.locator("#map .layer-bubble").first).to_be_hidden()
    page.goto(f"{served}/compare?{IC}&with=move")
    page.get_by_label("企业名称").fill("中芯")
    page.get_by_role("button", name="查找").click()
    page.locator("#hits li").first.get_by_role("link", name="落地").click()
    expect(page.get_by_role("heading", name="差异")).to_be_visible()
    context.close()
    assert watch.trouble == []


def test_keyboard_reaches_the_content_first(page: Page, served: str) -> None:
    page.goto(f"{served}/chain?{IC}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    inside = page.evaluate("document.getElementById('main').contains(document.activeElement)")
    assert inside
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_pages_print_whole(page: Page, served: str) -> None:
    for name, address in PAGES.items():
        if name == "problem":
            continue
        page.goto(served + address)
        calm(page)
        page.emulate_media(media="print")
        document = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
        text = "".join(sheet.extract_text() for sheet in document.pages)
        assert "武汉市" in text, name
        assert "English" not in text  # what is of no use on paper is left out
        # Nothing sticks out of the paper: 297 mm less two margins of 12 mm, at 96 dots an inch.
        page.set_viewport_size({"width": 1032, "height": 768})
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, (name, over)
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1366, "height": 768})


def test_payloads_fire_nowhere(browser: Browser, hostile_desk: Desk) -> None:
    with serving(hostile_desk.app) as served:
        watch = Watch(inside=served)
        context = opened(browser)
        page = watch.over(context.new_page())
        scope = "region=420100&cluster=c"
        for address in (
            "/?region=420100&q=%3Cimg",
            f"/chain?{scope}&product=p0&up=2&down=2",
            f"/chain?{scope}&from=p1&to=p0",
            f"/chain/product?{scope}&product=p1",
            f"/map?{scope}",
            f"/map?{scope}&at=420100&approval=%22%3E%3Csvg%20onload=alert(1)%3E",
            f"/attraction?{scope}",
            f"/attraction?{scope}&product=p1&q=%3C/script%3E",
            f"/compare?{scope}&other=420500",
            f"/compare?{scope}&with=move&q=%3Cimg&move=land:420100:far",
            "/chain?region=%3Cimg%20src=x%20onerror=alert(1)%3E",
        ):
            answer = page.goto(served + address)
            assert answer is not None
            assert answer.status in (200, 404), address
            calm(page)
            for chip in page.locator("a.chip").all()[:3]:
                chip.click()
            dangerous = page.evaluate(
                """[...document.querySelectorAll('*')].flatMap((e) => [...e.attributes]
                  .filter((a) => /^on/i.test(a.name) || /^\\s*javascript:/i.test(a.value))
                  .map((a) => a.name))"""
            )
            assert dangerous == [], address
            assert page.locator("main img, main iframe, main object").count() == 0
            assert page.evaluate("window.violations") == []
        for kind in ("chain", "resources", "attraction"):
            picture = context.request.get(f"{served}/export/{kind}.svg?{scope}").text()
            page.goto(f"{served}/?region=420100")
            page.set_content(picture)
            assert page.locator("script, a, img, foreignObject").count() == 0
            for ending in ("pdf", "xlsx"):
                assert context.request.get(f"{served}/export/{kind}.{ending}?{scope}").ok
        context.close()
        assert [t for t in watch.trouble if "404" not in t] == []
