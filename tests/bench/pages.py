"""The bureau's pages on the real national graph: time to usable, and size of the HTML.

    python tests/bench/pages.py [DB]

Each page is opened in headless Chromium until its main part stands and the page has loaded: first
in a region nobody asked about yet (new), then again (again); the server prepared the version as it
does after every load. The peer is the same page without anything kept: the graph is read and
everything worked out for each request. DB is a store to copy and ask; without it the shipped pack
with the public data sets of the real data folder is loaded first.
"""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

from chainatlas.api.cli import main as chainatlas
from chainatlas.api.http.app import create_app
from chainatlas.api.http.settings import Settings
from chainatlas.api.pages.warm import Warmer

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
from country import sources
from serving import serving
from watching import FLAGS

REPEATS = 3
#: Milliseconds that a page may take, the peer's too.
PATIENCE_MS = 180_000
#: Page, and what stands there once it can be used.
PAGES = {
    "overview": ("/?region={region}", "article.cluster"),
    "chain": ("/chain?region={region}&cluster={cluster}", "a.chip"),
    "chain, product": ("/chain?region={region}&cluster={cluster}&product={product}", "#panel h2"),
    "map": ("/map?region={region}&cluster={cluster}", "#map svg path"),
    "attraction": ("/attraction?region={region}&cluster={cluster}", "article.gap, .empty"),
    "whole graph": ("/graph/all", "html[data-ready]"),
    "compare": ("/compare?region={region}&cluster={cluster}&other=420000", "table.grid"),
}
#: Regions nobody asked about yet; Wuhan is prepared with every version.
NEW = ("420500", "420600", "421000")
#: Cluster, and a product of it.
ASKED = {"cluster": "ic", "product": "dram"}


def usable(browser: Browser, address: str, wanted: str) -> tuple[float, int]:
    """Seconds until a page can be used, and bytes of its HTML."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.set_default_timeout(PATIENCE_MS)
    begin = time.perf_counter()
    answer = page.goto(address, wait_until="load")
    page.wait_for_selector(wanted)
    took = time.perf_counter() - begin
    assert answer is not None
    assert answer.ok, (answer.status, address)
    size = len(answer.body())
    page.close()
    return took, size


def settled(app: FastAPI) -> None:
    """Prepare the newest version, as the server does by itself."""
    Warmer(app.state.service).prepare()


def measured(browser: Browser, settings: Settings) -> dict[str, dict[str, float]]:
    """Seconds of each page, new and again, and its size."""
    app = create_app(settings)
    settled(app)
    found = {}
    with serving(app) as server:
        usable(browser, f"{server}/", "body")  # assets are kept by browsers for good
        for name, (address, wanted) in PAGES.items():
            new = [
                usable(browser, server + address.format(region=r, **ASKED), wanted)[0] for r in NEW
            ]
            home = server + address.format(region="420100", **ASKED)
            again = [usable(browser, home, wanted) for _ in range(REPEATS + 1)][1:]
            found[name] = {
                "new_s": statistics.median(new),
                "again_s": statistics.median(took for took, _ in again),
                "kb": max(size for _, size in again) / 1000,
            }
    return found


def unkept(browser: Browser, settings: Settings, name: str) -> float:
    """Seconds of a page of a server that has nothing in memory."""
    address, wanted = PAGES[name]
    # Without its lifespan nothing is prepared while the page asks.
    with serving(create_app(settings), lifespan="off") as server:
        return usable(browser, server + address.format(region="420100", **ASKED), wanted)[0]


def main(arguments: list[str]) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        db = Path(folder) / "national.db"
        if arguments:
            shutil.copy(arguments[0], db)
        else:
            _load(db)
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = play.chromium.launch(executable_path=chromium, args=[*FLAGS])
        settings = Settings(str(db))
        ours = measured(browser, settings)
        peers = {}
        for name, figures in ours.items():
            peers[name] = unkept(browser, settings, name)
            print(
                f"{name:<16} new {figures['new_s']:.2f} s  again {figures['again_s']:.2f} s  "
                f"{figures['kb']:.0f} kB  unkept {peers[name]:.2f} s",
                flush=True,
            )
        browser.close()
    seconds = statistics.median(f["again_s"] for f in ours.values())
    peer = statistics.median(peers.values())
    print(
        json.dumps(
            {
                "peer": "the same pages with nothing kept",
                "ratio": peer / seconds,
                "ours_s": seconds,
                "peer_s": peer,
                "ours_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "size": max(f["kb"] for f in ours.values()),
                "worst_new_s": max(f["new_s"] for f in ours.values()),
            }
        )
    )


def _load(db: Path) -> None:
    """Load the shipped pack and the public data sets."""
    if chainatlas(["ingest", *map(str, sources()), "--db", str(db)]) not in (0, 3):
        raise SystemExit("the national graph cannot be loaded")


if __name__ == "__main__":
    main(sys.argv[1:])
