"""The word lists of ``data/linking``, loaded once."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import StringIO

import numpy as np
import numpy.typing as npt
from daachorse import MATCH_KIND_LEFTMOST_LONGEST, CharwiseDoubleArrayAhoCorasick

from .buffer import normalise

# What a word does, as bits: the verbs first, so that a mask tells them from the rest.
MAKE, RESEARCH, SELL, TRADE, SERVE = 1, 2, 4, 8, 16
VERB = MAKE | RESEARCH | SELL | TRADE | SERVE
BEFORE, LEAD, AFTER, CLOSES, USERS_BEFORE, USERS_AFTER, EXCEPT_AFTER, EXCEPT_BEFORE = (
    1 << bit for bit in range(5, 13)
)
_BITS: Mapping[tuple[str, str], int] = {
    ("verbs", "make"): MAKE,
    ("verbs", "research"): RESEARCH,
    ("verbs", "sell"): SELL,
    ("verbs", "trade"): TRADE,
    ("verbs", "serve"): SERVE,
    ("verbs", "before"): BEFORE,
    ("text", "lead"): LEAD,
    ("text", "after"): AFTER,
    ("text", "closes"): CLOSES,
    ("text", "users_before"): USERS_BEFORE,
    ("text", "users_after"): USERS_AFTER,
    ("text", "except_after"): EXCEPT_AFTER,
    ("text", "except_before"): EXCEPT_BEFORE,
    ("text", "hidden"): 0,
}


Find = Callable[[str], list[tuple[int, int, int]]]


def _read(name: str) -> str:
    return files("chainatlas").joinpath("data", "linking", name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Cues:
    """The words of the grammar.

    Attributes:
        matcher: Finds them, leftmost and longest.
        bits: What each does.
        again: Which set of characters it may follow to say a term's head again, -1 for none.
        sets: Those sets, as code points.
    """

    matcher: CharwiseDoubleArrayAhoCorasick
    bits: npt.NDArray[np.int64]
    again: npt.NDArray[np.int64]
    sets: list[list[int]]


@lru_cache(maxsize=1)
def lists() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """``words.toml``: section, list, words."""
    return tomllib.loads(_read("words.toml"))


@lru_cache(maxsize=1)
def cues() -> Cues:
    """The words of the sections ``verbs`` and ``text``."""
    bits: dict[str, int] = {}
    for (section, name), bit in _BITS.items():
        for word in lists()[section][name]:
            bits[word] = bits.get(word, 0) | bit
    again = dict.fromkeys(bits, -1)
    sets = []
    for number, pair in enumerate(lists()["text"]["again"]):
        sets.append([ord(char) for char in pair[0]])
        for word in pair[1].split():
            bits.setdefault(word, 0)
            again[word] = number
    return Cues(
        CharwiseDoubleArrayAhoCorasick(list(bits), MATCH_KIND_LEFTMOST_LONGEST),
        np.fromiter(bits.values(), np.int64, len(bits)),
        np.fromiter((again[word] for word in bits), np.int64, len(bits)),
        sets,
    )


@lru_cache(maxsize=1)
def stop_words() -> frozenset[str]:
    """Generic words that are never a product."""
    return frozenset(normalise(word) for word in lists()["terms"]["stop"])


#: Lengths of heads that the items of a list share.
HEADS = (2, 3, 4)


@lru_cache(maxsize=1)
def shared_heads() -> frozenset[str]:
    """Heads that the items of a list share."""
    return frozenset(lists()["terms"]["shared"])


@lru_cache(maxsize=8)
def table(name: str) -> list[dict[str, str]]:
    """Rows of ``traps``, ``needs``, ``narrower``, ``users`` or ``industries`` of ``data/linking``."""
    return list(csv.DictReader(StringIO(_read(f"{name}.csv"))))
