"""What holds for every page, in real Chromium: reachable by all, quiet, small, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, BrowserContext, Page, Response
from starlette.routing import Match

from chainatlas.api.http.app import PAGES
from furnished import OUTSIDE, Furnished
from leftover import Data, read
from pictures import FOLDER as IMAGES
from pictures import MOST, SIZES, file_name, names, shown
from serving import serving
from watching import Watch

#: Addresses that are no page of their own, and why.
NO_PAGES = {
    "/assets/{mark}/{name}": "styles and scripts",
    "/language": "leads back",
    "/export/{kind}.{ending}": "files",
    "/compare/find": "a part of the simulation, asked for while typing",
    "/waiting/{token}": "JSON for a page that waits",
    "/healthz": "JSON",
    "/readyz": "JSON",
    "/metrics": "figures for Prometheus",
}
#: Languages, each at a size of screen.
LOOKS = (("zh", 1366, 768), ("en", 1920, 1080))
#: What Swagger UI and Redoc draw: not ours, and its texts are the description of the API (Chinese).
FOREIGN = "#reference"
#: What the page itself tells: faults of policy and of focus, and how much too wide it is.
VIOLATIONS = """window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});"""
#: Controls of each sort that show nothing when the keyboard reaches them.
UNMARKED = """() => {
  const seen = new Set(), unmarked = [];
  const style = (e) => { const s = getComputedStyle(e); return [s.outlineStyle, s.outlineWidth, s.boxShadow, s.stroke, s.borderColor].join(); };
  for (const e of document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")) {
    const sort = [e.tagName, e.type, e.className.baseVal ?? e.className, e.parentElement.className.baseVal ?? e.parentElement.className].join();
    if (seen.has(sort) || e.closest("#reference") || e.disabled || e === document.activeElement || !e.checkVisibility({ visibilityProperty: true })) continue;
    seen.add(sort);
    const parts = [e, ...e.querySelectorAll("path, rect, circle")].slice(0, 4);
    const before = parts.map(style).join();
    e.focus();  // shown as by the keyboard, as what had the focus before was reached by it
    if (document.activeElement === e && parts.map(style).join() === before) unmarked.push(e.outerHTML.slice(0, 160));
  }
  return unmarked;
}"""


def address_of(desk: Furnished) -> dict[str, str]:
    """Every page by name."""
    return {**desk.pages, **OUTSIDE}


def test_every_page_is_in_the_list(furnished_desk: Furnished) -> None:
    routes = [
        r
        for router in PAGES
        for r in router.routes
        if isinstance(r, APIRoute) and "GET" in (r.methods or ())
    ]
    covered = set()
    for address in address_of(furnished_desk).values():
        scope = {"type": "http", "method": "GET", "path": address.partition("?")[0], "headers": []}
        covered.add(next(r.path for r in routes if r.matches(scope)[0] is Match.FULL))
    paths = {route.path for route in routes}
    assert paths - covered - set(NO_PAGES) == set()
    assert set(NO_PAGES) <= paths
    assert not covered & set(NO_PAGES)


def test_every_page_has_its_pictures_and_no_other_is_kept(furnished_desk: Furnished) -> None:
    wanted = {file_name(name, wide) for name in names(furnished_desk.pages) for wide, _ in SIZES}
    assert {path.name for path in IMAGES.glob("page-*.png")} == wanted
    listed = (IMAGES / "README.md").read_text("utf-8")
    assert [name for name in names(furnished_desk.pages) if f"`{name}`" not in listed] == []
    assert max(path.stat().st_size for path in IMAGES.glob("page-*.png")) < MOST


@dataclass
class Findings:
    """What is wrong with pages, by the name of the page."""

    faults: list[tuple[str, object]] = field(default_factory=list)

    def add(self, name: str, *found: object) -> None:
        self.faults += [(name, fault) for fault in found]

    def answered(self, name: str, answer: Response | None) -> None:
        assert answer is not None
        policy = answer.headers.get("content-security-policy", "")
        if "default-src 'none'" not in policy and "default-src 'self'" not in policy:
            self.add(name, f"policy {policy!r}")
        if len(answer.body()) >= 200_000:
            self.add(name, f"{len(answer.body())} bytes")

    def looked(self, name: str, page: Page, lang: str) -> None:
        page.evaluate(
            "document.querySelectorAll('main details').forEach((d) => { d.open = true; })"
        )
        found = Axe().run(page, context={"exclude": [[FOREIGN]]}).response["violations"]
        self.add(
            name,
            *(
                (v["id"], v["nodes"][0]["html"][:200])
                for v in found
                if v["impact"] in ("serious", "critical")
            ),
        )
        facts: dict[str, Any] = page.evaluate(
            """() => ({
              lang: document.documentElement.lang.slice(0, 2),
              main: document.querySelectorAll("main#main").length,
              skip: document.querySelectorAll("a.skip[href='#main']").length,
              heads: document.querySelectorAll("main h1:not(#reference *)").length,
              wide: document.documentElement.scrollWidth - innerWidth,
              violations: window.violations,
            })"""
        )
        wide = facts.pop("wide")
        wanted = {"lang": lang, "main": 1, "skip": 1, "heads": 1, "violations": []}
        if wide > 0 or facts != wanted:
            self.add(name, {"wide": wide, **facts})
        page.keyboard.press("Tab")
        self.add(name, *page.evaluate(UNMARKED))


@pytest.fixture(scope="module")
def served(furnished_desk: Furnished) -> Iterator[str]:
    with serving(furnished_desk.app) as address:
        yield address


def opened(
    browser: Browser, desk: Furnished, served: str, look: tuple[str, int, int], inside: bool
) -> BrowserContext:
    lang, wide, high = look
    context = browser.new_context(viewport={"width": wide, "height": high}, locale="zh-CN")
    context.add_init_script(VIOLATIONS)
    cookies = {"language": lang} | (dict([desk.session]) if inside else {})
    context.add_cookies([{"name": n, "value": v, "url": served} for n, v in cookies.items()])
    return context


@pytest.mark.browser
@pytest.mark.parametrize("look", LOOKS, ids=[f"{lang}-{wide}" for lang, wide, _ in LOOKS])
def test_every_page(
    browser: Browser,
    furnished_desk: Furnished,
    desk_data: Data,
    served: str,
    look: tuple[str, int, int],
) -> None:
    findings, watch, lang = Findings(), Watch(inside=served), look[0]
    for inside in (True, False):
        context = opened(browser, furnished_desk, served, look, inside)
        page = watch.over(context.new_page())
        for name, address in address_of(furnished_desk).items():
            if (name in OUTSIDE) != inside:
                findings.answered(name, shown(page, served + address, name))
                findings.looked(name, page, lang)
                if lang == "en":  # what scripts have put there, too
                    page.evaluate("document.querySelector('#reference')?.replaceChildren()")
                    left = [run for text in read(page.content()) for run in desk_data.left(text)]
                    findings.add(name, *dict.fromkeys(left))
        context.close()
    assert findings.faults == []
    # The browser itself reports the status of the page of a problem.
    assert [t for t in watch.trouble if "404" not in t] == []
