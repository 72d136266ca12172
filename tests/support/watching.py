"""Watches pages in a browser: what they ask for outside, say on the console, or pop up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, Route

#: A Chromium that can resolve no name.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass
class Watch:
    """What a page did that it should not have done."""

    trouble: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    inside: str = "file://"

    def guard(self, route: Route) -> None:
        """Let only requests inside through, and remember the others."""
        url = route.request.url
        self.asked.append(url)
        if url.startswith((self.inside, "data:", "blob:")):
            route.continue_()
        else:
            self.trouble.append(f"request {url}")
            route.abort()

    def over(self, page: Page) -> Page:
        """Watch a page."""

        def dialog(shown: Any) -> None:
            self.trouble.append(f"dialog {shown.message}")
            shown.dismiss()

        page.route("**/*", self.guard)
        page.on("dialog", dialog)
        page.on("pageerror", lambda error: self.trouble.append(f"error {error}"))
        page.on("requestfailed", lambda r: self.trouble.append(f"failed {r.url}"))
        page.on("popup", lambda other: self.trouble.append(f"popup {other.url}"))
        page.on(
            "console",
            lambda m: (
                self.trouble.append(f"console {m.type} {m.text}")
                # Chromium advises those who read pixels often, as these tests and its WebGL do.
                if m.type in ("error", "warning")
                and not any(advice in m.text for advice in ("willReadFrequently", "GPU stall"))
                else None
            ),
        )
        return page
