"""Whether a request can only come from this machine.

Three things could make a server that listens on loopback answer others: a proxy in front of it, a
page of another site whose name was made to point at 127.0.0.1 (DNS rebinding), and an address that
is not loopback after all. Each shows in the request.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

from .settings import Settings, is_loopback

#: Headers that proxies add; a browser on this machine sends none of them.
_PROXIED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def is_local(request: Request) -> bool:
    """Whether a request was made on this machine, to this machine by its own name."""
    settings: Settings = request.app.state.service.settings
    if not settings.loopback or any(name in request.headers for name in _PROXIED):
        return False
    if request.client is not None and _address(request.client.host) is False:
        return False
    return is_loopback(host_of(request.headers.get("host", "")))


def host_of(netloc: str) -> str:
    """The host of ``host:port``, empty where it is not one.

    >>> host_of("[::1]:8000"), host_of("127.0.0.1"), host_of("a:b:c"), host_of("x/../y")
    ('::1', '127.0.0.1', '', '')
    """
    try:
        parts = urlsplit(f"//{netloc}")
        _ = parts.port
    except ValueError:
        return ""
    plain = parts.netloc == netloc and "@" not in netloc
    return (parts.hostname or "") if plain else ""


def _address(client: str) -> bool | None:
    """Whether a client's address is loopback; None where it is no address (a socket file)."""
    return is_loopback(client) if client[:1].isdigit() or ":" in client else None
