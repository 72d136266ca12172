"""Every page opened in headless Chromium with all traffic blocked: drawn, silent, and harmless.

The browser reports to a :class:`Watch`; that the watch sees what it looks for is tested first.
"""

from __future__ import annotations

import functools
import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from hostile import EVERYTHING, PAYLOADS
from watching import Watch

from .conftest import Atlas

pytestmark = pytest.mark.browser

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'"
)
LABELS = {"chain": "链图", "resources": "资源分布图", "attraction": "招商攻坚图"}
#: Seconds a page may take until its picture is drawn; below 1 on the machine this was written on.
SLOWEST = 20.0

#: Keeps the vis.Network that a page makes, so that tests can ask where its nodes are.
SPY = """(() => {
  let real;
  Object.defineProperty(window, "vis", { configurable: true, get() { return real; }, set(given) {
    real = new Proxy(given, { get(target, key) {
      if (key !== "Network" || typeof target[key] !== "function") { return target[key]; }
      return class extends target.Network {
        constructor(...rest) { super(...rest); window.seenNetwork = this; }
      };
    } });
  } });
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
})();"""


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def page(browser: Browser, watch: Watch) -> Iterator[Page]:
    """A watched page of a laptop's size."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.add_init_script(SPY)
    yield watch.over(context.new_page())
    context.close()


def open_page(page: Page, url: str, kind: str) -> float:
    """Open a page, wait until its picture stands, and say how many seconds that took."""
    begin = time.perf_counter()
    page.goto(url)
    wait_for_picture(page, kind)
    return time.perf_counter() - begin


def wait_for_picture(page: Page, kind: str) -> None:
    """Wait until the page says it is ready and its picture stands."""
    page.wait_for_selector("html[data-ready=true]", state="attached")
    first = {
        "chain": "#network canvas",
        "resources": "#figure svg path.region",
        "attraction": "#figure text",
    }
    page.wait_for_selector(first[kind], state="attached")


def calm(page: Page) -> None:
    """Wait until the browser has drawn two more frames."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def colours(page: Page) -> dict[str, int]:
    """Opaque pixels of the chain's canvas by colour."""
    calm(page)
    found: dict[str, int] = page.evaluate("""() => {
      const canvas = document.querySelector("#network canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const count = {};
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3] < 255) { continue; }
        const name = "#" + [data[i], data[i + 1], data[i + 2]]
          .map((v) => v.toString(16).padStart(2, "0")).join("").toUpperCase();
        count[name] = (count[name] || 0) + 1;
      }
      return count;
    }""")
    return found


def embedded(path: Path) -> dict[str, Any]:
    """The data a page holds."""
    text = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def products(path: Path) -> dict[str, dict[str, Any]]:
    """The products a chain page draws, by id, each with its ``name``."""
    data = embedded(path)
    names = {key: detail["name"] for key, detail in data["details"].items()}
    return {n["id"]: {**n, "name": names[n["id"]]} for n in data["nodes"]}


def place_of(page: Page, product: str) -> tuple[float, float]:
    """Where on the screen a product of the chain stands."""
    x, y = page.evaluate(
        """(id) => {
          const at = seenNetwork.canvasToDOM(seenNetwork.getPositions([id])[id]);
          const box = document.getElementById("network").getBoundingClientRect();
          return [box.x + at.x, box.y + at.y];
        }""",
        product,
    )
    return x, y


def click(page: Page, product: str) -> None:
    """Click on a product of the chain. vis waits a moment for a double click."""
    page.mouse.click(*place_of(page, product))
    page.wait_for_timeout(300)


def settle(page: Page) -> None:
    """Wait until the view of the chain moves no longer."""
    page.wait_for_timeout(100)
    page.wait_for_function("""() => {
      const now = JSON.stringify([seenNetwork.getScale(), seenNetwork.getViewPosition()]);
      const still = window.lastView === now;
      window.lastView = now;
      return still;
    }""", polling=150)  # fmt: skip


# --- The watch itself ----------------------------------------------------------------------------

BAD = {
    "<img src='https://example.org/x.png'>": "request https://example.org/x.png",
    "<link rel=stylesheet href='missing.css'>": "failed file:",
    "<script>console.error('hoppla')</script>": "console error hoppla",
    "<script>nothing()</script>": "error",
    "<img src=x onerror=alert(1)>": "dialog 1",
    "<script>fetch('http://127.0.0.1:9/')</script>": "request http://127.0.0.1:9/",
}


@pytest.mark.parametrize("html", list(BAD))
def test_the_watch_sees(page: Page, watch: Watch, tmp_path: Path, html: str) -> None:
    """A check that cannot fail is none."""
    path = tmp_path / "bad.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{html}", encoding="utf-8")
    page.goto(path.as_uri())
    page.wait_for_timeout(150)
    assert [line for line in watch.trouble if line.startswith(BAD[html])], watch.trouble


# --- Every page of the main job ------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(LABELS))
def test_every_page_is_drawn_offline(browser: Browser, atlas: Atlas, kind: str) -> None:
    paths = sorted(atlas.out.glob(f"*-{LABELS[kind]}.html"))
    assert len(paths) == 7
    opened = []
    for path in paths:
        watch = Watch(inside=atlas.out.as_uri())
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        page = watch.over(context.new_page())
        opened.append((path, watch, context, page))
        if path == paths[0]:
            seconds = open_page(page, path.as_uri(), kind)
            print(f"first picture after {seconds:.2f} s: {path.name}")
            assert seconds < SLOWEST
        else:
            # The others load side by side.
            page.goto(path.as_uri(), wait_until="commit")
    for path, watch, context, page in opened:
        wait_for_picture(page, kind)
        check_drawn(page, path, kind)
        assert page.title() == page.inner_text("h1") == path.stem.replace("-", "")
        assert len(watch.asked) >= 5
        assert watch.trouble == [], path.name
        context.close()


def check_drawn(page: Page, path: Path, kind: str) -> None:
    """The picture holds everything the page's data holds."""
    data = embedded(path)
    if kind == "chain":
        seen = colours(page)
        states = {(n["primary"], n["color"]) for n in products(path).values()}
        assert len(states) >= 4
        for state, colour in states:
            # The smallest circle with a thick border leaves little of its colour.
            assert seen.get(colour, 0) >= 3, (path.name, state)
        return
    figure = page.locator("#figure").bounding_box()
    assert figure
    whole = figure["width"] * figure["height"]
    if kind == "resources":
        areas = boxes(page, "#figure svg:not([hidden]) path.region")
        assert len(areas) == 17
        for width, height, long in areas:
            assert long > 40
            assert 20 < width * height < 0.35 * whole
        assert len({area[:2] for area in areas}) == 17
        assert sum(width * height for width, height, _ in areas) > 0.1 * whole
        fills = page.eval_on_selector_all(
            "#figure svg:not([hidden]) path.region",
            "all => new Set(all.map(p => getComputedStyle(p).fill)).size",
        )
        assert fills >= 3
        assert set(data["views"]) == {
            name.removeprefix("map-")
            for name in page.eval_on_selector_all("#figure svg", "all => all.map(e => e.id)")
        }
        return
    names = page.eval_on_selector_all("#figure text", "all => all.map(e => e.textContent)")
    assert len(names) > 100
    assert {row["key"] for row in data["rows"][:10]} == set(
        page.eval_on_selector_all("#figure text[data-key]", "all => all.map(e => e.dataset.key)")
    )
    assert all(height > 3 for _, height, _ in boxes(page, "#figure text"))


def boxes(page: Page, selector: str) -> list[tuple[float, float, int]]:
    """Width, height and length of path of every element."""
    found: list[list[Any]] = page.eval_on_selector_all(
        selector,
        """all => all.map(e => {
          const box = e.getBoundingClientRect();
          return [box.width, box.height, (e.getAttribute("d") || "").length];
        })""",
    )
    return [(w, h, n) for w, h, n in found]


@pytest.mark.parametrize("region", ["530100", "100000"])
def test_other_regions_are_drawn_offline(
    page: Page, watch: Watch, corners: Atlas, region: str
) -> None:
    """A region without facts, and the whole country."""
    for kind in LABELS:
        path = corners.draw(kind, region, "ic")
        open_page(page, path.as_uri(), kind)
        if kind == "resources":
            count = {"530100": 16, "100000": 34}[region]
            assert page.locator("#figure svg:not([hidden]) path.region").count() == count
    assert watch.trouble == []


# --- The chain view ------------------------------------------------------------------------------


@pytest.fixture
def chain(page: Page, atlas: Atlas) -> Path:
    """The chain of integrated circuits, opened."""
    path = atlas.out / "武汉市集成电路产业集群-链图.html"
    open_page(page, path.as_uri(), "chain")
    settle(page)
    return path


def test_nodes_stay_where_the_data_puts_them(page: Page, chain: Path, watch: Watch) -> None:
    """Physics is off: nothing has moved after a second, and nothing is drawn elsewhere."""
    wanted = {n["id"]: {"x": n["x"], "y": n["y"]} for n in embedded(chain)["nodes"]}
    picture = "document.querySelector('#network canvas').toDataURL()"
    before = page.evaluate(picture)
    assert page.evaluate("seenNetwork.getPositions()") == wanted
    page.wait_for_timeout(1000)
    assert page.evaluate("seenNetwork.getPositions()") == wanted
    assert page.evaluate(picture) == before
    assert page.evaluate("seenNetwork.physics.physicsEnabled") is False
    box = page.locator("#network").bounding_box()
    assert box
    for product in products(chain):
        x, y = place_of(page, product)
        assert box["x"] < x < box["x"] + box["width"]
        assert box["y"] < y < box["y"] + box["height"]
    assert watch.trouble == []


def test_a_filter_hides_products(page: Page, chain: Path, watch: Watch) -> None:
    nodes = products(chain)
    colour = {n["primary"]: n["color"] for n in nodes.values()}
    for state in ("supplement", "strengthen", "sound"):
        assert colours(page).get(colour[state], 0) > 0
        page.uncheck(f"#filters input[value={state}]")
        assert colours(page).get(colour[state], 0) == 0, state
        hidden = page.evaluate(
            "Object.values(seenNetwork.body.nodes).filter(n => n.options.hidden).map(n => n.id)"
        )
        assert set(hidden) == {n for n, node in nodes.items() if node["primary"] == state}
        assert colours(page).get(colour["fortify"], 0) > 0
        page.check(f"#filters input[value={state}]")
        assert colours(page).get(colour[state], 0) > 0
    assert watch.trouble == []


def test_search_finds_a_product(page: Page, chain: Path, watch: Watch) -> None:
    nodes = products(chain)
    wanted = nodes["eda-software"]
    page.fill("#search", "eda")
    page.wait_for_timeout(100)
    settle(page)
    faint = page.evaluate(
        "Object.values(seenNetwork.body.nodes).filter(n => n.options.opacity < 0.5).map(n => n.id)"
    )
    hits = {n for n, node in nodes.items() if "eda" in node["search"]}
    assert wanted["id"] in hits
    assert set(faint) == set(nodes) - hits
    box = page.locator("#network").bounding_box()
    assert box
    x, y = place_of(page, wanted["id"])
    assert abs(x - box["x"] - box["width"] / 2) < 40
    assert abs(y - box["y"] - box["height"] / 2) < 40
    assert page.evaluate("seenNetwork.getScale()") > 0.6
    page.fill("#search", "")
    assert not page.evaluate(
        "Object.values(seenNetwork.body.nodes).filter(n => n.options.opacity < 0.5).length"
    )
    page.fill("#search", "没有这样的产品")
    assert page.evaluate(
        "Object.values(seenNetwork.body.nodes).filter(n => n.options.opacity < 0.5).length"
    ) == len(nodes)
    assert watch.trouble == []


def test_search_does_not_lead_to_a_hidden_product(page: Page, chain: Path) -> None:
    """With a filter on, the view stays unless a visible product is found."""
    nodes = products(chain)
    only = nodes["eda-software"]
    page.uncheck(f"#filters input[value={only['primary']}]")
    view = "[seenNetwork.getScale(), ...Object.values(seenNetwork.getViewPosition())]"
    before = page.evaluate(view)
    page.fill("#search", "EDA软件")
    settle(page)
    assert page.evaluate(view) == pytest.approx(before)


def test_a_click_fills_the_panel(page: Page, chain: Path, watch: Watch) -> None:
    data = embedded(chain)
    for product in ("soc-chip", "eda-software"):
        click(page, product)
        detail = data["details"][product]
        assert page.inner_text("#panel h3") == detail["name"]
        assert page.inner_text("#panel p") == detail["sentence"]
        terms = page.eval_on_selector_all("#panel dt", "all => all.map(e => e.textContent)")
        texts = page.eval_on_selector_all("#panel dd", "all => all.map(e => e.textContent)")
        assert [list(pair) for pair in zip(terms, texts, strict=True)] == detail["facts"]
        assert len(terms) >= 15
        # A click beside everything, before the next product.
        page.mouse.click(60, 740)
        page.wait_for_timeout(350)
    assert watch.trouble == []


def test_a_click_on_a_neighbour_fills_the_panel_anew(page: Page, chain: Path) -> None:
    """A click also marks neighbours; those must stay as good to click as any other product."""
    data = embedded(chain)
    click(page, "soc-chip")
    near = {e["from"] for e in data["edges"] if e["to"] == "soc-chip"}
    near |= {e["to"] for e in data["edges"] if e["from"] == "soc-chip"}
    assert len(near) >= 2
    click(page, min(near))
    assert page.inner_text("#panel h3") == data["details"][min(near)]["name"]


def test_a_click_marks_only_what_goes_in_and_out(page: Page, chain: Path) -> None:
    """点击产品看上下游: lines that do not touch the product stay pale."""
    click(page, "soc-chip")
    ends = page.evaluate(
        "seenNetwork.getSelectedEdges().map(id => seenNetwork.getConnectedNodes(id))"
    )
    assert ends
    strange = [pair for pair in ends if "soc-chip" not in pair]
    assert not strange, (len(strange), "of", len(ends))


def test_a_marked_product_keeps_its_colour(page: Page, chain: Path) -> None:
    """The colour is the action; a click must not take it away."""
    node = products(chain)["soc-chip"]
    page.evaluate("seenNetwork.moveTo({position: seenNetwork.getPositions(['soc-chip'])['soc-chip'],"
                  " scale: 1.5})")  # fmt: skip
    click(page, "soc-chip")
    x, y = place_of(page, "soc-chip")
    x -= 0.82 * 1.5 * node["size"]  # beside the sign in the middle
    shown = page.evaluate(
        """([x, y]) => {
          const canvas = document.querySelector("#network canvas");
          const box = canvas.getBoundingClientRect();
          const scale = canvas.width / box.width;
          const at = [(x - box.x) * scale, (y - box.y) * scale].map(Math.round);
          return "#" + [...canvas.getContext("2d").getImageData(at[0], at[1], 1, 1).data.slice(0, 3)]
            .map((v) => v.toString(16).padStart(2, "0")).join("").toUpperCase();
        }""",
        [x, y],
    )
    assert shown == node["color"]


def test_hovering_shows_the_figures(page: Page, chain: Path, watch: Watch) -> None:
    wanted = embedded(chain)["details"]["soc-chip"]["hover"]
    assert not page.is_visible("#tip")
    x, y = place_of(page, "soc-chip")
    page.mouse.move(x - 60, y + 12)
    page.mouse.move(x, y)
    page.wait_for_selector("#tip", state="visible", timeout=3000)
    shown = page.inner_text("#tip")
    assert shown.split("\n") == wanted.split("\n")
    for fact in ("本地用户", "国产化率", "国内主要", "国外主要", "养活一家", "可请谁核实", "稳健"):
        assert fact in shown
    assert "本地需求" in shown
    page.mouse.move(x - 60, y + 12)
    page.wait_for_selector("#tip", state="hidden", timeout=3000)
    assert watch.trouble == []


# --- Hostile text --------------------------------------------------------------------------------


def check_harmless(page: Page, watch: Watch, scripts: int = 0) -> None:
    """Nothing of a payload is an element, an attribute or a result; scripts only as expected."""
    page.wait_for_timeout(30)
    own = "document.querySelectorAll('script:not([src]):not([type])').length"
    assert page.evaluate(own) == scripts
    found = page.evaluate("""() => {
      const bad = [];
      for (const e of document.querySelectorAll("*")) {
        const tag = e.tagName.toLowerCase();
        if (tag === "img" || tag === "iframe" || (tag === "a" && e.hasAttribute("href"))) { bad.push(e.outerHTML); }
        for (const a of e.attributes) {
          if (/^on/i.test(a.name) || /javascript:/i.test(a.value) && !/aria-label|title|data-tip|data-key/.test(a.name)) {
            bad.push(a.name + "=" + a.value);
          }
        }
      }
      return bad;
    }""")
    assert found == []
    assert not re.search(r"(?<![\d.,])49(?![\d.,%])", page.inner_text("body"))
    assert watch.trouble == []


def test_hostile_text_does_nothing_in_the_chain(page: Page, watch: Watch, hostile: Atlas) -> None:
    path = hostile.out / "chain.html"
    open_page(page, path.as_uri(), "chain")
    settle(page)
    nodes = products(path)
    assert {n["name"] for n in nodes.values()} == set(PAYLOADS)
    cells = page.eval_on_selector_all("#table td", "all => all.map(e => e.textContent)")
    assert set(PAYLOADS) <= set(cells)
    assert any(EVERYTHING in cell for cell in cells)
    assert EVERYTHING in page.inner_text("h1")
    check_harmless(page, watch)
    texts = ""
    for product, node in nodes.items():
        page.mouse.move(30, 60)
        page.mouse.move(*place_of(page, product))
        page.wait_for_selector("#tip", state="visible", timeout=3000)
        tip = page.text_content("#tip") or ""
        assert node["name"] in tip
        click(page, product)
        check_harmless(page, watch)
        texts += page.inner_text("#panel")
        page.evaluate("seenNetwork.unselectAll()")
    assert EVERYTHING in texts
    for payload in PAYLOADS:
        page.fill("#search", payload)
        check_harmless(page, watch)
    box = page.locator("#filters input").first
    box.uncheck()
    check_harmless(page, watch)


def test_hostile_text_does_nothing_on_the_map(page: Page, watch: Watch, hostile: Atlas) -> None:
    open_page(page, (hostile.out / "resources.html").as_uri(), "resources")
    cells = page.eval_on_selector_all("#list td", "all => all.map(e => e.textContent)")
    assert EVERYTHING in cells
    check_harmless(page, watch)
    page.check("#layers input[value=guess]")
    seen = hover_all(page, "#figure svg:not([hidden]) [class^=layer-]")
    assert any(EVERYTHING in text for text in seen), seen
    check_harmless(page, watch)
    page.click("#map-420000 text[data-key='420100']")
    assert page.is_visible("#map-420100")
    hover_all(page, "#figure svg:not([hidden]) text")
    check_harmless(page, watch)


def test_hostile_text_does_nothing_in_the_attraction_map(
    page: Page, watch: Watch, hostile: Atlas
) -> None:
    open_page(page, (hostile.out / "attraction.html").as_uri(), "attraction")
    texts = page.eval_on_selector_all("#figure text", "all => all.map(e => e.textContent)")
    for payload in PAYLOADS[1:]:
        assert payload in texts
    check_harmless(page, watch)
    seen = hover_all(page, "#figure [data-tip]")
    assert any(EVERYTHING in text for text in seen), seen
    page.click("#figure text[data-key]")
    assert page.locator("#battle tr.found").count() == 1
    for payload in PAYLOADS:
        page.fill("#search", payload)
    check_harmless(page, watch)


@pytest.mark.parametrize("kind", list(LABELS))
def test_a_single_file_is_as_harmless(
    page: Page, watch: Watch, hostile: Atlas, tmp_path: Path, kind: str
) -> None:
    """A page that holds its scripts asks for no file at all, and hostile text stays text."""
    path = tmp_path / f"{kind}.html"
    where = ("--region", "420100", "--cluster", "c", "--out", str(path), "--single-file")
    hostile.call("map", kind, *where)
    assert list(tmp_path.iterdir()) == [path]
    open_page(page, path.as_uri(), kind)
    page.wait_for_timeout(200)
    count = {"chain": 4, "resources": 3, "attraction": 3}[kind]
    check_harmless(page, watch, count)
    assert [url for url in watch.asked if not url.startswith("data:")] == [path.as_uri()]
    assert EVERYTHING in page.inner_text("h1")


@pytest.mark.parametrize("kind", list(LABELS))
def test_a_single_file_draws_the_same(page: Page, watch: Watch, corners: Atlas, kind: str) -> None:
    path = corners.out / "alone" / f"{kind}.html"
    where = ("--region", "420100", "--cluster", "ic", "--out", str(path), "--single-file")
    corners.call("map", kind, *where)
    open_page(page, path.as_uri(), kind)
    check_drawn(page, path, kind)
    assert not (path.parent / "assets").exists()
    assert watch.trouble == []


@pytest.mark.parametrize("kind", list(LABELS))
def test_a_hostile_svg_does_nothing(page: Page, watch: Watch, hostile: Atlas, kind: str) -> None:
    path = hostile.out / f"{kind}.svg"
    hostile.call("map", kind, "--region", "420100", "--cluster", "c", "--out", str(path))
    page.goto(path.as_uri())
    page.wait_for_timeout(200)
    found = page.evaluate("""() => [...document.querySelectorAll("*")].filter((e) =>
      !["svg", "path", "circle", "rect", "text"].includes(e.tagName) ||
      [...e.attributes].some((a) => /^on|href/i.test(a.name))).map((e) => e.outerHTML)""")
    assert found == []
    assert watch.trouble == []


# --- Layers, drill-down, and the gaps' rows ------------------------------------------------------


def test_the_map_drills_down_and_back(page: Page, atlas: Atlas, watch: Watch) -> None:
    path = atlas.out / "武汉市集成电路产业集群-资源分布图.html"
    open_page(page, path.as_uri(), "resources")
    assert page.inner_text("#where") == "湖北省"
    assert page.is_disabled("#back")
    page.click("#map-420000 text[data-key='420100']")
    assert page.inner_text("#where") == "湖北省 › 武汉市"
    assert page.is_visible("#map-420100")
    assert not page.is_visible("#map-420000")
    assert page.locator("#map-420100 path.region").count() == 13
    # A county has nothing below it.
    page.click("#map-420100 text[data-key='420111']")
    assert page.is_visible("#map-420100")
    page.click("#back")
    assert page.is_visible("#map-420000")
    assert not page.is_visible("#map-420100")
    assert watch.trouble == []


def test_layers_of_the_map_can_be_hidden(page: Page, atlas: Atlas, watch: Watch) -> None:
    path = atlas.out / "武汉市新能源和智能网联汽车产业集群-资源分布图.html"
    open_page(page, path.as_uri(), "resources")
    for layer in ("leading", "sme", "institute", "project", "flow", "guess"):
        inside = f"#map-420000 .layer-{layer}"
        shown = f"[...document.querySelectorAll('{inside}')].filter(e => getComputedStyle(e).display !== 'none').length"
        count = page.locator(inside).count()
        assert count > 0, layer
        page.uncheck(f"#layers input[value={layer}]")
        assert page.evaluate(shown) == 0, layer
        page.check(f"#layers input[value={layer}]")
        assert page.evaluate(shown) == count, layer
    assert watch.trouble == []


def test_a_click_on_a_gap_finds_its_row(page: Page, atlas: Atlas, watch: Watch) -> None:
    path = atlas.out / "武汉市集成电路产业集群-招商攻坚图.html"
    open_page(page, path.as_uri(), "attraction")
    third = embedded(path)["rows"][2]["key"]
    page.locator(f"#figure text[data-key='{third}']").nth(2).click()
    assert page.locator("#battle tr.found td").first.inner_text() == "3"
    page.fill("#search", "EDA")
    shown = page.locator("#battle tbody tr:visible").all_inner_texts()
    assert shown
    assert all("EDA" in text for text in shown)
    assert watch.trouble == []


def hover_all(page: Page, selector: str) -> list[str]:
    """Hover over the middle of every element; what was shown."""
    seen = []
    for at in range(page.locator(selector).count()):
        box = page.locator(selector).nth(at).bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] / 2 - 1, box["y"] + box["height"] / 2)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        if page.is_visible("#tip"):
            seen.append(page.inner_text("#tip"))
    return seen


# --- A strict content security policy ------------------------------------------------------------


class Strict(http.server.SimpleHTTPRequestHandler):
    """Serves a folder under the policy, quietly."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve(folder: Path) -> http.server.ThreadingHTTPServer:
    """Serve a folder on a free loopback port."""
    handler = functools.partial(Strict, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_a_violation_of_the_policy_is_seen(page: Page, watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text("<script>document.title = 'x'</script>", encoding="utf-8")
    server = serve(tmp_path)
    watch.inside = f"http://127.0.0.1:{server.server_port}/"
    page.goto(watch.inside + "bad.html")
    page.wait_for_timeout(150)
    server.shutdown()
    server.server_close()
    assert [line for line in watch.trouble if "Content Security Policy" in line]
    assert page.evaluate("violations.length") > 0
    assert page.title() != "x"


@pytest.mark.parametrize("kind", list(LABELS))
def test_pages_obey_a_strict_policy(page: Page, watch: Watch, atlas: Atlas, kind: str) -> None:
    path = atlas.out / f"武汉市集成电路产业集群-{LABELS[kind]}.html"
    server = serve(atlas.out)
    watch.inside = f"http://127.0.0.1:{server.server_port}/"
    open_page(page, watch.inside + path.name, kind)
    check_drawn(page, path, kind)
    if kind == "chain":
        settle(page)
        click(page, "eda-software")
        assert page.locator("#panel dt").count() >= 15
    server.shutdown()
    server.server_close()
    assert page.evaluate("violations") == []
    assert watch.trouble == []
