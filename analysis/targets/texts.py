"""Whether an enterprise's own words name a product."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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


@dataclass(frozen=True)
class Said:
    """A text of an enterprise about what it makes.

    Attributes:
        whole: The text as :func:`plain` gives it.
        items: The products that it lists, alike, without what stands in brackets.
    """

    whole: str
    items: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Said:
        """Read a text."""
        parts = (plain(_NOTE.sub("", part)) for part in _ITEMS.split(text))
        return cls(plain(text), tuple(dict.fromkeys(part for part in parts if part)))


#: How clearly a text names a product by a wider word (the head of a Chinese compound stands last),
#: and at most by pairs of characters.
WIDER, PAIRS = 0.6, 0.5


def naming(names: Sequence[str], said: Said) -> float:
    """How clearly a text names a product, 0..1.

    1 where a name stands in it word for word; 0.6 where it lists a wider word that ends a name; else
    half the largest share of a name's pairs of neighbouring characters that stand in it.

    Args:
        names: Names as :func:`spoken_names` gives them.
        said: The text.

    >>> naming(("光刻胶",), Said.of("半导体光刻胶")), naming(("光刻胶",), Said.of(""))
    (1.0, 0.0)
    >>> naming(("arf光刻胶",), Said.of("光刻胶、试剂")), naming(("乘用车",), Said.of("汽车"))
    (0.6, 0.0)
    >>> naming(("显示用光刻胶",), Said.of("光刻胶配套试剂"))  # 光刻 and 刻胶 of 5 pairs
    0.2
    """
    whole = said.whole
    if not whole:
        return 0.0
    best = 0.0
    for name in names:
        if name in whole:
            return 1.0
        pairs, endings = _taken_apart(name)
        if not endings.isdisjoint(said.items):
            best = max(best, WIDER)
        shared = sum([pair in whole for pair in pairs]) / max(1, len(pairs))
        best = max(best, PAIRS * shared)
    return best


@lru_cache(maxsize=20_000)
def _taken_apart(name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Pairs of neighbouring characters of a name, and its endings of two characters or more."""
    pairs = tuple(name[i : i + 2] for i in range(len(name) - 1))
    return pairs, frozenset(name[i:] for i in range(len(name) - 1))
