"""The audit of requests: every change and every export leaves one row."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fastapi import Request

from ..security.ledger import Entry, Ledger
from .access import caller_of
from .routes_facts import service_of

_log = logging.getLogger("chainatlas.audit")


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
    ledger = Ledger(service_of(request).work)
    entry = ledger.append(
        caller_of(request).actor, action, target, detail, request.state.request_id
    )
    log_head(entry)
    return entry


def log_head(entry: Entry) -> None:
    """Leave a row's number and hash in the log, outside the file that the row is in."""
    _log.info("audit", extra={"audit": entry.number, "hash": entry.hash, "action": entry.action})
