"""Heads that items of a list share: 刚性、挠性电路板 names 刚性电路板, 三元正极材料及前驱体 三元前驱体.

An item that is no term is completed by the head of a later item, by the words before the head of
the item it follows, or by the head of what its bracket explains (轮胎（全钢、半钢）). Only what is a
term of the dictionary when joined counts, so that lists of unlike things join to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from . import words
from .buffer import BREAK, Buffer, Flags, Integers, among
from .grammar import Marks, joining
from .names import Names, triples

#: Longest words that are completed, in characters.
_LONGEST = 8
#: Fewest characters of what is completed that the term must take up.
_LEAST = 2
#: Items in a row that may share the head of the last.
_CHAIN = 5
#: Longest head of an item and the mark behind it, in characters.
_SOON = max(words.HEADS) + 1
#: List marks come before, joining words (和 …) from here on.
_WORDS = 0x4E00
#: Bits of a code point: a head is compared as one number.
_BITS = 16


@lru_cache(maxsize=1)
def _heads() -> dict[int, npt.NDArray[np.uint64]]:
    """The heads that may be shared, as numbers, by length."""
    given = words.shared_heads()
    return {
        length: np.sort(
            np.asarray([_number(head) for head in given if len(head) == length], dtype=np.uint64)
        )
        for length in words.HEADS
    }


def _number(head: str) -> int:
    number = 0
    for char in head:
        number = number << _BITS | ord(char)
    return number


@lru_cache(maxsize=1)
def _lasts() -> Flags:
    """Which characters a shared head ends with."""
    return among("".join(sorted({head[-1] for head in words.shared_heads()})))


def _head_lengths(codes: npt.NDArray[np.uint32], end: Integers) -> Integers:
    """Length of the longest shared head that ends before each position, else 0."""
    found = np.zeros(len(end), dtype=np.int64)
    which = np.flatnonzero(_lasts()[np.minimum(codes[np.maximum(end - 1, 0)], 0xFFFF)])
    stop = end[which]
    number = codes[np.maximum(stop - 1, 0)].astype(np.uint64)
    for length in words.HEADS:
        char = codes[np.maximum(stop - length, 0)].astype(np.uint64)
        number |= char << np.uint64(_BITS * (length - 1))
        heads = _heads()[length]
        at = np.minimum(np.searchsorted(heads, number), len(heads) - 1)
        found[which[heads[at] == number]] = length
    return found


def promising(names: Names, buffer: Buffer) -> Integers:
    """Texts, by number, in which an item may become a term when it is completed.

    They hold the words before a shared head, and a mark of a list or bracket soon behind them.
    """
    _, end, _ = triples(names.openings.find_overlapping_no_suffix, buffer.text)
    marks = np.concatenate([[0], np.cumsum(joining(buffer.codes)), [0] * _SOON])
    marks[len(buffer.codes) + 1 :] = marks[len(buffer.codes)]
    return buffer.row[end[marks[end + _SOON] > marks[end]] - 1]


def completed(
    names: Names, buffer: Buffer, marks: Marks, end: Integers, listed: Flags
) -> tuple[Integers, Integers, Integers]:
    """Terms that items of lists and brackets are when completed: start, end, term.

    Args:
        names: The dictionary.
        buffer: The texts.
        marks: Their grammar.
        end: Where terms end that stand in the texts as they are.
        listed: Whether each text is a list of products: its marks join things of their own.
    """
    size = len(buffer.codes)
    codes = buffer.codes
    named = np.zeros(size + 1, dtype=np.bool_)
    named[end] = True
    stops = np.append(np.flatnonzero(marks.ends), size)
    starts = np.append(-1, np.flatnonzero(marks.begins))
    mark = marks.lists
    mark = mark[(mark > 0) & (mark < size - 1)]
    items = _Items(
        codes,
        mark,
        stops[np.minimum(np.searchsorted(stops, mark + 2), len(stops) - 1)],
        ~marks.excluded[mark - 1] & ~marks.excluded[mark + 1],
        named,
        starts,
    )
    joins = ~listed[marks.text[mark]] | (codes[mark] >= _WORDS)
    head = _head_lengths(codes, items.behind)
    spans = [
        _backward(items, head),
        _forward(items, head, joins),
        _explained(codes, marks, mark, starts),
    ]
    return _matched(names, buffer, spans)


@dataclass(frozen=True)
class _Items:
    """Items of lists, one behind each mark.

    Attributes:
        codes: Code points of the texts.
        mark: Where the marks stand.
        behind: Where the item behind each ends.
        ready: Whether neither it nor the item before is excluded.
        named: Whether a term ends before each position of the texts.
        starts: Where phrases may start in the texts, in order.
    """

    codes: npt.NDArray[np.uint32]
    mark: Integers
    behind: Integers
    ready: Flags
    named: Flags
    starts: Integers

    def begin(self, which: Integers) -> Integers:
        """Where the items before some of the marks begin."""
        return self.starts[np.searchsorted(self.starts, self.mark[which]) - 1]


#: First and last character of what is completed, and of what completes it.
_Spans = tuple[Integers, Integers, Integers, Integers]


def _backward(items: _Items, head: Integers) -> _Spans:
    """Items that take the head of a later one: its end and length are those of the next with one."""
    mark, stop, length = items.mark, items.behind.copy(), head.copy()
    # 光传感器组件 lends 传感器组件, not 组件; what is all head has no word that sets it apart.
    lends = np.flatnonzero(head)
    length[lends] += _head_lengths(items.codes, items.behind[lends] - head[lends])
    length[length >= items.behind - mark - 1] = 0
    last = (items.behind[:-1] != mark[1:]).nonzero()[0]
    for _ in range(_CHAIN):
        follows = length[:-1] == 0
        follows[last] = False
        at = np.flatnonzero(follows)
        stop[at], length[at] = stop[at + 1], length[at + 1]
    which = np.flatnonzero((length > 0) & items.ready & ~items.named[mark])
    which = which[_head_lengths(items.codes, mark[which]) == 0]
    begin, cut = items.begin(which), mark[which]
    kept = begin < cut
    which, begin, cut = which[kept], begin[kept], cut[kept]
    return np.maximum(begin, cut - _LONGEST), cut, stop[which] - length[which], stop[which]


def _forward(items: _Items, head: Integers, joins: Flags) -> _Spans:
    """Bare heads that take the words before the head of the item they follow."""
    mark, behind = items.mark, items.behind
    bare = (head > 0) & (behind - mark - 1 == head) & joins & items.ready
    which = np.flatnonzero(bare)
    which = which[~items.named[behind[which]]]
    own = _head_lengths(items.codes, mark[which])
    begin, cut = items.begin(which), mark[which] - own
    kept = (own > 0) & (cut - begin >= _LEAST)
    which, begin, cut = which[kept], begin[kept], cut[kept]
    return np.maximum(begin, cut - _LONGEST), cut, mark[which] + 1, behind[which]


def _explained(
    codes: npt.NDArray[np.uint32], marks: Marks, mark: Integers, starts: Integers
) -> _Spans:
    """Items of a bracket that take the head of what it explains."""
    opened, closed = marks.notes
    length = _head_lengths(codes, opened)
    opened, closed, length = opened[length > 0], closed[length > 0], length[length > 0]
    stop = np.sort(np.concatenate([mark[marks.noted[mark]], closed - 1]))
    note = np.searchsorted(opened, stop) - 1
    inside = (note >= 0) & (stop < np.append(closed, 0)[note])
    stop, note = stop[inside], note[inside]
    first = np.maximum(starts[np.searchsorted(starts, stop) - 1], stop - _LONGEST)
    which = (_head_lengths(codes, stop) == 0) & ~marks.excluded[stop - 1] & (first < stop)
    head, length = opened[note[which]], length[note[which]]
    return first[which], stop[which], head - length, head


def _matched(
    names: Names, buffer: Buffer, spans: list[_Spans]
) -> tuple[Integers, Integers, Integers]:
    """The terms that the joined words end with and that need both of them."""
    first, cut, begin, stop = (np.concatenate(column) for column in zip(*spans, strict=True))
    text = buffer.text
    joined = [
        text[a:b] + text[c:d]
        for a, b, c, d in zip(
            first.tolist(), cut.tolist(), begin.tolist(), stop.tolist(), strict=True
        )
    ]
    if not joined:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    sizes = (cut - first) + (stop - begin)
    bounds = np.cumsum(sizes + 1) - 1
    start, end, term = names.matches(BREAK.join(joined))
    at = np.searchsorted(bounds, start, side="right")
    from_start = start - (bounds[at] - sizes[at])
    kept = (end == bounds[at]) & ((cut - first)[at] - from_start >= _LEAST)
    at = at[kept]
    return first[at] + from_start[kept], np.maximum(stop[at], cut[at]), term[kept]
