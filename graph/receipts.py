"""Receipts: what a store remembers of the loads that led to its newest version.

A receipt says: the facts of this version are what loading this input over the facts of the other
packs gives. It holds for that version alone, as any other load may change what the input meets. So
a store keeps the receipts of its newest version, and forgets them when there is a newer one.
"""

from __future__ import annotations

import json

#: Receipts a version keeps at most; the oldest are forgotten, and their files read again.
KEPT = 50


def find(held: str | None, version: int, key: str) -> str | None:
    """The receipt of a key, where one is held for the version.

    >>> find(added(None, 3, "a", "loaded"), 3, "a")
    'loaded'
    >>> find(added(None, 3, "a", "loaded"), 4, "a") is None
    True
    """
    found = _of_version(held, version).get(key)
    return None if found is None else str(found)


def added(held: str | None, version: int, key: str, text: str) -> str:
    """What a store holds after one more receipt for a version."""
    receipts = _of_version(held, version)
    receipts.pop(key, None)
    receipts[key] = text
    newest = dict(list(receipts.items())[-KEPT:])
    return json.dumps({"version": version, "receipts": newest}, ensure_ascii=False)


def _of_version(held: str | None, version: int) -> dict[str, str]:
    document = json.loads(held) if held else {}
    if document.get("version") != version:
        return {}
    return dict(document["receipts"])
