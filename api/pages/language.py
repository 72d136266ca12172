"""The languages of the pages: Chinese first, English by one catalogue, chosen by a cookie."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from ...viz.language import CHINESE, Language, speak

COOKIE = "language"
#: Seconds for which the choice is kept.
KEPT_S = 365 * 24 * 3600
#: What can be chosen: the code in the cookie, and what the link says in that language.
CHOICES: Mapping[str, str] = MappingProxyType({"zh": "中文", "en": "English"})


@cache
def language(code: str) -> Language:
    """The language of a code of :data:`CHOICES`; Chinese for any other."""
    if code not in CHOICES or code == "zh":
        return CHINESE
    path = files("chainatlas").joinpath("api", "pages", "locale", f"{code}.po")
    with path.open("rb") as stream:
        catalogue = read_po(stream)
    # The catalogue's own header has an empty id.
    texts = {str(m.id): str(m.string) for m in catalogue if m.id and m.string}
    return Language(code, MappingProxyType(texts))


class Languages:
    """Middleware that speaks the language of a request's cookie while it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; see the ASGI specification."""
        if scope["type"] == "http":
            # Not taken back: the answer to an error of the program is written after this returns.
            speak(language(HTTPConnection(scope).cookies.get(COOKIE, "")))
        await self.app(scope, receive, send)
