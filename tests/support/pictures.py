"""Take the pictures of every page for the documentation anew.

    python tests/support/pictures.py [FOLDER] [NAME...]

Without FOLDER they go to ``docs/images``; with names only those pages are taken. Each page is shown
by headless Chromium at two sizes of screen, in Chinese, and saved in 255 colours at most.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, Response, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))
from furnished import OUTSIDE, WAITING, Furnished, furnished, held
from serving import serving
from watching import FLAGS

FOLDER = Path(__file__).parents[2] / "docs" / "images"
#: Sizes of screens: the plain PC of a bureau, and a large one.
SIZES = ((1366, 768), (1920, 1080))
#: Numbers of colours, the next where a picture still has more bytes than this.
COLOURS, MOST = (255, 128, 64, 48), 150_000
#: What stands on a page once its scripts have drawn, where that takes a moment.
READY = {
    "graph": "html[data-ready=true]",
    "docs": ".opblock-tag",
    "redoc": "text=API docs by Redocly",
}
#: Names of pictures of pages that are not in :attr:`Furnished.pages`.
WAIT, EMPTY = "waiting", "empty"
#: A part of another page, which there is no picture of.
PART = "changes"


def names(pages: dict[str, str]) -> list[str]:
    """Every page there is a picture of."""
    return [name for name in (*pages, *OUTSIDE, WAIT, EMPTY) if name != PART]


def file_name(name: str, wide: int) -> str:
    """The file of a page at a size."""
    return f"page-{name}-{wide}.png"


def small(picture: bytes) -> bytes:
    """A picture in its most frequent colours: areas keep theirs, edges of letters take a near one."""
    shown = Image.open(BytesIO(picture)).convert("RGB")
    counted: list[tuple[int, tuple[int, ...]]] = shown.getcolors(1 << 24) or []  # type: ignore[assignment]
    frequent = sorted(counted, reverse=True)
    for count in COLOURS:
        page, palette = BytesIO(), Image.new("P", (1, 1))
        palette.putpalette([part for _, colour in frequent[:count] for part in colour])
        few = shown.quantize(palette=palette, dither=Image.Dither.NONE)
        few.save(page, "png", optimize=True)
        if page.tell() < MOST:
            break
    return page.getvalue()


def shown(page: Page, address: str, name: str) -> Response | None:
    """Open a page, and wait until it is all there."""
    answer = page.goto(address)
    if name == WAIT:  # it goes on asking
        page.wait_for_timeout(800)
        return answer
    ready = READY.get(name, READY["graph"] if name.startswith("graph") else "main, #swagger-ui")
    page.wait_for_selector(ready, state="attached", timeout=60_000)
    # Parts that come later have come.
    page.wait_for_selector("body:not(:has([aria-busy=true]))", state="attached")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(600 if name.startswith("graph") else 100)
    return answer


def taken(
    browser: Browser, desk: Furnished, pages: Mapping[str, str], server: str
) -> Iterator[tuple[str, bytes]]:
    """Pictures of pages by file name."""
    for wide, high in SIZES:
        for inside in (True, False):
            context = browser.new_context(viewport={"width": wide, "height": high}, locale="zh-CN")
            if inside:
                name, value = desk.session
                context.add_cookies([{"name": name, "value": value, "url": server}])
            page = context.new_page()
            for name, address in pages.items():
                if (name not in OUTSIDE) == inside:
                    shown(page, server + address, name)
                    yield file_name(name, wide), page.screenshot()
            context.close()


def main(arguments: list[str]) -> None:
    """Take them."""
    out, only = Path(arguments[0]) if arguments else FOLDER, set(arguments[1:])
    with tempfile.TemporaryDirectory() as place, sync_playwright() as play:
        desk = furnished(Path(place))
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        chinese: dict[str, str | float | bool] = {
            **os.environ,
            "LANGUAGE": "zh_CN",
            "LANG": "zh_CN.UTF-8",
        }
        flags = [*FLAGS, "--lang=zh-CN"]
        browser = play.chromium.launch(executable_path=chromium, args=flags, env=chinese)

        def keep(pages: Mapping[str, str], server: str) -> None:
            wanted = {n: a for n, a in pages.items() if not only or n in only}
            for name, picture in taken(browser, desk, wanted, server):
                (out / name).write_bytes(small(picture))
                print(name, (out / name).stat().st_size // 1000, "kB")

        with serving(desk.app) as server:
            whole = {n: a for n, a in desk.pages.items() if n != PART}
            keep({**whole, **OUTSIDE}, server)
            with held(desk):
                keep({WAIT: WAITING}, server)
        with serving(desk.empty(Path(place))) as server:
            keep({EMPTY: "/"}, server)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
