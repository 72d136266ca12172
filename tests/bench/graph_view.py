"""The graph pages against stock pyvis, in one headless Chromium.

    python tests/bench/graph_view.py [--db STORE] [--runs N]

Three things are timed from the start of navigation, or of a click, until vis-network (or the whole
graph's canvas) has drawn: a view of 300 nodes, the whole graph of 10,000 nodes, and 30 neighbours
added to the view. pyvis gets the same nodes and lines and draws them as it does by default, with its
physics in the page; it has 60 seconds, and nothing that expands. Contexts are new each time, so that
no script is cached; the server has answered once before. ``--db`` takes another store instead of
the generated one. One JSON line for each, the main one last.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pyvis
import uvicorn
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import TimeoutError as Late
from pyvis.network import Network

from chainatlas.analysis.neighbourhood import around, between
from chainatlas.analysis.web import Web
from chainatlas.api.cli import main as chainatlas
from chainatlas.api.http.app import create_app
from chainatlas.api.http.settings import Settings
from chainatlas.graph.store import open_store

SEED = 20260101
#: Seconds that pyvis is given.
PATIENCE_S = 60
NODES = 10_000
#: Keeps the time of the first frame that a vis.Network has drawn, and of the last.
SPY = """(() => {
  let real;
  Object.defineProperty(window, "vis", { configurable: true, get: () => real, set(given) {
    real = new Proxy(given, { get(target, key) {
      if (key !== "Network") { return target[key]; }
      return class extends target.Network {
        constructor(...rest) {
          super(...rest);
          this.on("afterDrawing", () => {
            window.drawn = performance.now();
            if (this.body.nodeIndices.length) { window.first ??= window.drawn; }
          });
        }
      };
    } });
  } });
})();"""


def generated(folder: Path) -> Path:
    """A store of 10,000 nodes with heavy tails: few products are made or needed by very many."""
    rng = np.random.default_rng(SEED)
    firms, goods = 3_000, 6_960
    pack = folder / "large"
    pack.mkdir()

    def some(count: int, most: int) -> list[int]:
        return np.minimum(rng.zipf(1.4, count) - 1, most - 1).tolist()  # type: ignore[no-any-return]

    made = {
        (int(e), p)
        for e, p in zip(rng.integers(0, firms, 15_000), some(15_000, goods), strict=True)
    }
    used = {
        (int(p), q)
        for p, q in zip(rng.integers(0, goods, 15_000), some(15_000, goods), strict=True)
    }
    places = ["420100", "420500", "420600", "110101", "310115", "440300", "330100", "320500"]
    files = {
        "products.csv": ["id,name", *(f"p{i},产品第{i}号" for i in range(goods))],
        "enterprises.csv": ["id,name,region,revenue,industry"]
        + [
            f"e{i},企业第{i}有限公司,{places[i % 8]},{1e8 * (1 + i % 97)},行业{i % 24}"
            for i in range(firms)
        ],
        "produces.csv": ["enterprise,product", *(f"e{e},p{p}" for e, p in sorted(made))],
        "inputs.csv": ["product,input", *(f"p{p},p{q}" for p, q in sorted(used) if p != q)],
    }
    for name, lines in files.items():
        (pack / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    db = folder / "large.db"
    with redirect_stdout(sys.stderr):
        if chainatlas(["ingest", str(pack), "--db", str(db)]):
            raise SystemExit("the generated pack was not loaded")
    return db


def served(db: Path) -> str:
    """The address of a server for a store; it lives as long as the program."""
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(Settings(str(db))), log_level="error"))
    threading.Thread(target=server.run, args=([free],), daemon=True).start()
    while not server.started:
        time.sleep(0.02)
    return f"http://127.0.0.1:{free.getsockname()[1]}"


def timed(
    browser: Browser, url: str, ready: str, value: str, patience_s: float = PATIENCE_S
) -> float:
    """Seconds from the first navigation until a condition holds, by the browser's own clock.

    A page that waits for another one is part of that.
    """
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.add_init_script(SPY)
    try:
        page = context.new_page()
        begun = float(page.evaluate("performance.timeOrigin + performance.now()"))
        page.goto(url, wait_until="commit")
        page.wait_for_function(f"() => {ready}", timeout=patience_s * 1000, polling=10)
        took = (float(page.evaluate(f"performance.timeOrigin + {value}")) - begun) / 1000
    except Late:
        return float("nan")
    context.close()
    return took


def expanding(browser: Browser, url: str) -> float:
    """Seconds from the click that expands 30 neighbours until they are drawn."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.add_init_script(SPY)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#panel .groups button:has-text('显示前 30')")
    page.wait_for_timeout(500)
    took = page.evaluate("""async () => {
      const wanted = [...document.querySelectorAll("#panel .groups button")].find((b) => b.textContent.includes("显示前 30"));
      const before = document.getElementById("counts").textContent, begin = performance.now();
      wanted.click();
      while (document.getElementById("counts").textContent === before || window.drawn < begin) {
        await new Promise((done) => setTimeout(done, 1));
      }
      return window.drawn - begin;
    }""")
    context.close()
    return float(took) / 1000


def peer_page(web: Web, nodes: Any, lines: Any, out: Path) -> str:
    """The same nodes and lines as stock pyvis writes them."""
    network = Network(height="600px", directed=True, cdn_resources="in_line")
    for node in nodes.tolist():
        network.add_node(node, label=str(web.name[node]))
    known = set(network.get_nodes())
    network.node_ids = known  # its own look-up walks a list for every line
    for source, target in zip(web.source[lines].tolist(), web.target[lines].tolist(), strict=True):
        network.edges.append({"from": source, "to": target, "arrows": "to"})
    out.write_text(network.generate_html(), encoding="utf-8")
    return out.as_uri()


def alone(url: str, chromium: str) -> float:
    """Seconds until a page of pyvis has drawn; NaN after :data:`PATIENCE_S`.

    A page that is busy with its physics hears nothing, so it gets a process of its own to end.
    """
    command = [sys.executable, __file__, "--chromium", chromium, "--peer", url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        return float(process.communicate(timeout=PATIENCE_S + 5)[0])
    except (subprocess.TimeoutExpired, ValueError):
        return float("nan")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def line(size: str, ours: float, peer: float, peer_name: str) -> str:
    """One JSON line; the peer's time is null where it did not finish."""
    late = peer != peer
    ratio = (PATIENCE_S if late else peer) / ours
    return json.dumps(
        {
            "peer": peer_name,
            "ratio": float(f"{ratio:.3g}"),
            "ours_s": float(f"{ours:.3g}"),
            "peer_s": None if late else float(f"{peer:.3g}"),
            "ours_mb": None,
            "size": size,
        },
        ensure_ascii=False,
    )


def main() -> None:
    """Measure, and print a line for each."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--db", type=Path)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--chromium", default="/usr/bin/chromium")
    options.add_argument("--peer", help=argparse.SUPPRESS)
    given = options.parse_args()
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    ready = first = "window.first"
    if given.peer:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=given.chromium, args=flags)
            print(timed(browser, given.peer, ready, first), flush=True)
        return
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as play:
        folder = Path(temporary)
        db = given.db or generated(folder)
        web = Web.of(open_store(str(db)).view().graph())
        site = served(db)
        browser = play.chromium.launch(executable_path=given.chromium, args=flags)
        hub = int(np.argmax(web.degree))
        nodes = around(web, [hub], 4, 12, 300)
        lines = between(web, nodes)
        view = f"{site}/graph?" + urlencode([("start", web.key(int(n))) for n in nodes])
        cloud = "document.documentElement.dataset.ready", "performance.now()"

        def ours(url: str, until: str, value: str) -> float:
            cold = timed(browser, url, until, value)
            runs = [timed(browser, url, until, value) for _ in range(given.runs)]
            print(f"first {cold:.2f} s, then {[round(r, 2) for r in runs]}", file=sys.stderr)
            return statistics.median(runs)

        def theirs(chosen: Any, joined: Any) -> float:
            return alone(peer_page(web, chosen, joined, folder / "peer.html"), given.chromium)

        whole = ours(f"{site}/graph/all", *cloud)
        peer = theirs(np.arange(len(web)), np.arange(len(web.source)))
        name = f"pyvis {pyvis.__version__}"
        print(
            line(f"whole graph, {len(web)} nodes", whole, peer, f"{name}, {PATIENCE_S} s at most")
        )
        start = f"{site}/graph?" + urlencode({"start": web.key(hub)})
        clicks = [expanding(browser, start) for _ in range(given.runs)]
        print(f"expanding {[round(c, 3) for c in clicks]}", file=sys.stderr)
        print(
            line(
                "30 neighbours added to a view",
                statistics.median(clicks),
                float("nan"),
                f"{name}: cannot",
            )
        )
        opened = ours(view, ready, first)
        peer = theirs(nodes, lines)
        print(line(f"view of {len(nodes)} nodes, {len(lines)} lines", opened, peer, name))
        browser.close()


if __name__ == "__main__":
    main()
