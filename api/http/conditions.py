"""Conditional requests (RFC 9110, section 13) with strong entity tags."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from ... import __version__

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


def etag(*parts: object) -> str:
    """A strong tag: equal parts of equal programs give equal bytes.

    Args:
        parts: Version of the facts, question, format and coding.
    """
    text = "\x1f".join(map(str, (__version__, *parts)))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def failed(headers: Mapping[str, str], tag: str) -> int | None:
    """The status that a condition asks for in place of the answer: 304, 412, or None.

    Args:
        headers: Of the request.
        tag: Strong tag of the answer.
    """
    match = headers.get("if-match")
    if match is not None and match.strip() != "*" and tag not in _TAG.findall(match):
        return 412
    unless = headers.get("if-none-match")
    if unless is not None:
        # If-None-Match compares weakly: a proxy may have marked our tag so.
        known = [each.removeprefix("W/") for each in _TAG.findall(unless)]
        if unless.strip() == "*" or tag in known:
            return 304
    return None
