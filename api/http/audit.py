"""The audit of requests: every change and every export leaves one row."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fastapi import Request

from ..security.ledger import Author, Entry, Ledger
from .access import caller_of
from .routes_facts import service_of


def record(
    request: Request,
    action: str,
    target: str,
    detail: Mapping[str, Any] = MappingProxyType({}),
) -> Entry:
    """Write one row of the audit by the request's caller.

    Args:
        request: The request that changes or exports something.
        action: What it does, as ``thing.verb`` (``upload.load``, ``targets.export``).
        target: To what.
        detail: Further facts; JSON values alone, no secrets.

    Raises:
        StoreError: The work file cannot be written: the change must not be made then.
    """
    who = author(request)
    ledger = Ledger(service_of(request).work)
    return ledger.append(who.actor, action, target, detail, who.request)


def author(request: Request) -> Author:
    """Who a change is noted for."""
    return Author(caller_of(request).actor, request.state.request_id)
