"""Whether an enterprise's own words name a product."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: What separates the products of a text.
_ITEMS = re.compile(r"[、，,;；/。\n]+|和(?=.{2})|及|与")
_NOTE = re.compile(r"[（(【\[].*?[)）】\]]")
_MARKS = re.compile(r"[\s·•“”\"'、，,;；/。:：+\-]+")


def plain(text: str) -> str:
    """A text without spaces and marks, in lower case."""
    return _MARKS.sub("", text).lower()


def spoken_names(name: str, aliases: Sequence[str] = ()) -> tuple[str, ...]:
    """Under which names a text may know a product: each with and without what stands in brackets.

    >>> spoken_names("改性塑料(车用为主)", ["改性料"])
    ('改性塑料车用为主', '改性塑料', '改性料')
    """
    found: dict[str, None] = {}
    for each in (name, *aliases):
        for form in (re.sub(r"[（()）【】\[\]]", "", each), _NOTE.sub("", each)):
            if len(plain(form)) >= 2:
                found[plain(form)] = None
    return tuple(found)


def naming(names: Sequence[str], text: str) -> float:
    """How clearly a text names a product, 0..1.

    1 where a name stands in it word for word; else the largest share of a name's pairs of
    neighbouring characters that stand in it, squared, so that scattered characters count little.

    Args:
        names: Names as :func:`spoken_names` gives them.
        text: A text as :func:`plain` gives it.

    >>> naming(("光刻胶",), "半导体光刻胶"), naming(("光刻胶",), "")
    (1.0, 0.0)
    >>> naming(("显示用光刻胶",), "光刻胶配套试剂")  # 光刻 and 刻胶 of 5 pairs
    0.16
    """
    best = 0.0
    for name in names:
        if name in text:
            return 1.0
        pairs = [name[i : i + 2] for i in range(len(name) - 1)]
        best = max(best, sum(pair in text for pair in pairs) / max(1, len(pairs)))
    return round(best**2, 12)


def items(text: str) -> int:
    """How many products a text lists, at least 1.

    >>> items("输液、静脉麻醉药；肠外营养"), items("")
    (3, 1)
    """
    return max(1, sum(bool(part.strip()) for part in _ITEMS.split(text)))
