"""The grammar of 经营范围 and of main-business sentences, on a whole buffer at once.

A text is a row of clauses (；。), a clause a row of pieces (，), a piece a list of items (、和及).
Verbs stand before their items (生产、销售：A、B) or behind them (A、B的研发和销售); verbs that
are only joined by marks form one group. Brackets are notes: what stands in them takes the role of
what they explain, and their verbs govern nothing outside. 不含…, …除外 exclude; 应用于…, 等行业,
为…提供 name users, not products.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from . import words
from .buffer import BREAK, Buffer, Flags, Integers, among
from .names import triples

_HARD, _SOFT, _LIST, _JOIN, _OPEN, _CLOSE, _COLON, _QUOTE, _DASH = range(1, 10)
_MARKS = {
    _HARD: f";。!?|{BREAK}",
    _SOFT: ",",
    _LIST: "、/\\+&·•",
    _JOIN: "和及与或暨以并等兼至",
    _OPEN: "(",
    _CLOSE: ")",
    _COLON: ":",
    _QUOTE: "\"'“”‘’",
    _DASH: "-–—~",
}
#: Characters that may stand between the verbs of a group.
_BETWEEN = "、,/和及与以并或&+"
#: Words of one character that join the items of a list.
_JOINING = "和及与或"
_BRACKETS = re.compile(r"\((?:[^()\n]|\([^()\n]*\))*\)")
#: Between characters from here on a dash sets items apart; in N-甲基 it does not.
_CHINESE = 0x2E80
#: Words behind a product that are skipped before the phrase must end.
_SKIPS = 3
#: Characters between 的 and the verb: 的数控精密加工.
_ADVERB = 4
#: Verbs in a row (研发、设计、制造、安装、销售 …) that a phrase's end is looked for behind.
_CHAIN = 6


@lru_cache(maxsize=1)
def _classes() -> npt.NDArray[np.uint8]:
    table = np.zeros(0x10000, dtype=np.uint8)
    for kind, chars in _MARKS.items():
        for char in chars:
            table[ord(char)] = kind
    return table


def joining(codes: npt.NDArray[np.uint32]) -> Flags:
    """Which characters join the items of a list, or close a bracket."""
    plain = np.minimum(codes, 0xFFFF).astype(np.intp)
    kind = _classes()[plain]
    return np.asarray((kind == _LIST) | (kind == _CLOSE) | (kind == _DASH) | among(_JOINING)[plain])


@dataclass(frozen=True)
class Verbs:
    """Groups of verbs in the order of the text, g of them, all arrays of shape (g,).

    Attributes:
        start: First character.
        end: Behind the last character.
        bits: What they do (:mod:`.words`).
        ahead: Whether they stand before their items.
        own: Whether they follow an item directly, without 的 (A、B批发).
        heads: Whether a colon follows them (生产：): they go on through clauses without verbs.
    """

    start: Integers
    end: Integers
    bits: Integers
    ahead: Flags
    own: Flags
    heads: Flags

    def only(self, kept: Flags) -> Verbs:
        """Some of the groups."""
        return Verbs(
            self.start[kept],
            self.end[kept],
            self.bits[kept],
            self.ahead[kept],
            self.own[kept],
            self.heads[kept],
        )


@dataclass(frozen=True)
class Marks:
    """What the grammar says of each position of a buffer of n characters.

    Attributes:
        ends: Whether a phrase may end before the position, shape (n + 1,).
        begins: Whether a phrase may begin there, shape (n + 1,).
        excluded: Whether the character is in an exclusion or names a user, shape (n,).
        clause: Number of the clause, shape (n,).
        piece: Number of the piece, shape (n,).
        items: Number of list marks and joining words so far, shape (n + 1,).
        text: Number of the text, shape (n,).
        lists: Where marks or words stand that join the items of a list, in order.
        notes: Where closed brackets start and end, in order.
        noted: Whether the character stands in one, shape (n,).
        closed: Whether a phrase that ends before the position is closed by 业务, 板块 …, shape (n + 1,).
        verbs: The groups of verbs.
    """

    ends: Flags
    begins: Flags
    excluded: Flags
    clause: Integers
    piece: Integers
    items: Integers
    text: Integers
    lists: Integers
    notes: tuple[Integers, Integers]
    noted: Flags
    closed: Flags
    verbs: Verbs

    def governing(self, start: Integers, end: Integers, scope: Flags, listed: Flags) -> Integers:
        """What the verbs that govern each phrase do, as bits; 0 where there are none.

        Verbs right behind a phrase count before verbs ahead of it in the same piece, these before
        verbs behind it in the clause, and those before verbs ahead of it in an earlier piece.
        Verbs of service that follow an item directly govern it alone, and outside a business scope
        so do verbs of selling.

        Args:
            start: Where the phrases start.
            end: Where they end.
            scope: Whether each stands in a business scope.
            listed: Whether each is an item of a list of products, where verbs govern their own item.
        """
        verbs = self.verbs
        if not len(verbs.start):
            return np.zeros(len(start), dtype=np.int64)
        last = len(verbs.start) - 1
        clause, piece = self.clause[start], self.piece[start]
        found = np.searchsorted(verbs.start, end)
        after = np.minimum(found, last)
        behind = (found <= last) & ~verbs.ahead[after] & (self.clause[verbs.start[after]] == clause)
        found = np.searchsorted(verbs.end, start, side="right") - 1
        before = np.maximum(found, 0)
        last_said = verbs.start[before]
        ahead = (found >= 0) & verbs.ahead[before]
        heading = ahead & verbs.heads[before] & (self.text[last_said] == self.text[start])
        ahead &= self.clause[last_said] == clause
        here = self.piece[verbs.start[before]] == piece
        next_to = behind & (self.items[verbs.start[after]] == self.items[end])
        near = behind & (self.piece[verbs.start[after]] == piece)
        far = behind & ~self.closed[end] & ~listed
        weak = verbs.own & ((verbs.bits & (words.MAKE | words.RESEARCH)) == 0)
        served = verbs.own & ((verbs.bits & ~words.SERVE) == 0)
        far &= ~np.where(scope, served[after], weak[after])
        near &= far
        ahead &= ~listed | (self.items[verbs.end[before]] == self.items[start])
        chosen = np.select(
            [next_to, ahead & here, near, ahead, far, heading],
            [
                verbs.bits[after],
                verbs.bits[before],
                verbs.bits[after],
                verbs.bits[before],
                verbs.bits[after],
                verbs.bits[before],
            ],
            default=0,
        )
        return np.asarray(chosen, dtype=np.int64)


def mark(buffer: Buffer, start: Integers, end: Integers) -> Marks:
    """Read a buffer.

    Args:
        buffer: The texts.
        start: Where known terms start: words inside them say nothing about roles.
        end: Where they end.
    """
    codes, size = buffer.codes, len(buffer.codes)
    plain = np.minimum(codes, 0xFFFF).astype(np.intp)
    kind = _classes()[plain]
    dash = np.flatnonzero(kind == _DASH)
    around = codes[np.maximum(dash - 1, 0)], codes[np.minimum(dash + 1, size - 1)]
    kind[dash] = np.where((around[0] >= _CHINESE) & (around[1] >= _CHINESE), _LIST, 0)
    notes = _notes(buffer.text)
    inside = _sum(*notes, size)
    broken = codes == ord(BREAK)
    hard = ((kind == _HARD) & ~inside) | broken
    soft = (kind == _SOFT) & ~inside
    covered = _sum(start + 1, end, size + 1)

    cues = words.cues()
    cue_start, cue_end, cue = triples(cues.matcher.find, buffer.text)
    free = ~(covered[cue_start] | covered[cue_end])
    cue_start, cue_end, cue = cue_start[free], cue_end[free], cue[free]
    bits = cues.bits[cue]
    again = np.zeros(len(cue), dtype=np.bool_)
    for number, chars in enumerate(cues.sets):
        which = np.flatnonzero(cues.again[cue] == number)
        again[which] = np.isin(codes[np.maximum(cue_start[which] - 1, 0)], chars)

    def of(bit: int) -> Flags:
        return np.asarray((bits & bit) != 0, dtype=np.bool_)

    edge = np.ones(size + 1, dtype=np.bool_)
    edge[:size] = (kind > 0) | buffer.gap
    edge[1:] |= (codes == ord("的")) & _starts(cue_end[of(words.AFTER)], size)[1:]
    begins = np.ones(size + 1, dtype=np.bool_)
    begins[1:size] = (kind[: size - 1] > 0) | buffer.gap[1:]
    begins[cue_end[of(words.LEAD)]] = True
    begins_verb = begins.copy()
    begins[cue_end[of(words.VERB)]] = True
    begins[1:][codes == ord("的")] = True

    settle = _lengths(cue_start, cue_end, of(words.AFTER) | again, size)
    verb = of(words.VERB)
    verbs, closed = _verbs(
        buffer, cue_start[verb], cue_end[verb], bits[verb], edge, settle, begins_verb, kind, plain
    )
    ends = edge.copy()
    ends[cue_start[verb][closed]] = True
    possessive = np.flatnonzero(codes == ord("的"))
    ends[possessive] |= _soon(possessive, cue_start[verb][closed], edge, size)
    keep = ~inside[verbs.start]
    skipped = np.flatnonzero(settle)
    ends[skipped] = ends[_skip(skipped, settle)]
    listing = (kind == _LIST) | (kind == _JOIN)
    joins = np.flatnonzero(listing)
    excluded = _excluded(buffer, cue_start, cue_end, bits, kind, inside, broken, begins_verb, edge)
    # In 3C(触控模组)装备 the note says more of what 装备 is for.
    amid = ~ends[notes[1]]
    excluded |= _sum(notes[0][amid], notes[1][amid], size)
    return Marks(
        ends,
        begins,
        excluded,
        np.cumsum(hard),
        np.cumsum(hard | soft),
        np.concatenate([[0], np.cumsum(listing | soft)]),
        buffer.row,
        joins[(kind[joins] == _LIST) | among(_JOINING)[plain[joins]]],
        notes,
        inside,
        _starts(cue_start[of(words.CLOSES)], size),
        verbs.only(keep),
    )


def _notes(text: str) -> tuple[Integers, Integers]:
    """Where brackets stand that are closed in the same text: their starts and ends."""
    spans = [match.span() for match in _BRACKETS.finditer(text)]
    start, end = np.asarray(spans, dtype=np.int64).reshape(-1, 2).T
    return start, end


def _sum(start: Integers, end: Integers, size: int) -> Flags:
    """Which of the positions 0..size-1 lie in one of the spans."""
    change = np.bincount(start, minlength=size + 1)[: size + 1]
    change = change - np.bincount(np.maximum(end, start), minlength=size + 1)[: size + 1]
    return np.asarray(np.cumsum(change)[:size] > 0, dtype=np.bool_)


def _soon(place: Integers, verbs: Integers, edge: Flags, size: int) -> Flags:
    """Behind which of the places a verb of the same phrase stands next or soon: 的(自主)研发."""
    coming = np.append(verbs, size)[np.searchsorted(verbs, place + 1)]
    marks = np.concatenate([[0], np.cumsum(edge[:size])])
    near = (coming - place <= _ADVERB + 1) & (coming < size)
    return np.asarray(near & (marks[np.minimum(coming, size - 1)] == marks[place + 1]), np.bool_)


def _starts(at: Integers, size: int) -> Flags:
    flags = np.zeros(size + 1, dtype=np.bool_)
    flags[at] = True
    return flags


def _lengths(start: Integers, end: Integers, which: Flags, size: int) -> Integers:
    """Length of the word of a kind that starts at each position, else 0; shape (size + 1,)."""
    lengths = np.zeros(size + 1, dtype=np.int64)
    lengths[start[which]] = (end - start)[which]
    return lengths


def _skip(at: Integers, lengths: Integers) -> Integers:
    """Positions behind the words that start at positions."""
    for _ in range(_SKIPS):
        at = at + lengths[np.minimum(at, len(lengths) - 1)]
    return np.minimum(at, len(lengths) - 1)


def _verbs(
    buffer: Buffer,
    start: Integers,
    end: Integers,
    bits: Integers,
    edge: Flags,
    settle: Integers,
    begins: Flags,
    kind: npt.NDArray[np.uint8],
    plain: npt.NDArray[np.intp],
) -> tuple[Verbs, Flags]:
    """Groups of verbs, and which single verbs have a phrase's end behind them."""
    size = len(buffer.codes)
    if not len(start):
        none = np.zeros(0, dtype=np.int64)
        no = none.astype(np.bool_)
        return Verbs(none, none, none, no, no, no), no
    number = np.full(size + 1, -1, dtype=np.int64)
    number[start] = np.arange(len(start))
    behind = _skip(end, settle)
    closed = edge[behind]
    following = number[behind]
    for _ in range(_CHAIN):
        closed = closed | ((following >= 0) & closed[following])
    other = np.concatenate([[0], np.cumsum(~among(_BETWEEN)[plain])])
    comma = np.concatenate([[0], np.cumsum(kind == _SOFT)])
    joined = other[start[1:]] == other[end[:-1]]
    # A的生产，销售B: the comma joins only where the second verb is no opening of its own.
    apart = comma[start[1:]] > comma[end[:-1]]
    joined &= ~apart | closed[1:] | begins[start[:-1]]
    first = np.flatnonzero(np.concatenate([[True], ~joined]))
    last = np.concatenate([first[1:] - 1, [len(start) - 1]])
    group_start, group_end = start[first], end[last]
    does = np.bitwise_or.reduceat(bits, first) & words.VERB
    movable = (np.bitwise_and.reduceat(bits, first) & words.BEFORE) != 0
    opens = begins[group_start]
    colon = kind[np.minimum(group_end, size - 1)] == _COLON
    ahead = opens & (colon | (movable & ~closed[last]))
    own = ~opens & (buffer.codes[np.maximum(group_start - 1, 0)] != ord("的"))
    kept = ahead | closed[last]
    return (
        Verbs(group_start, group_end, does, ahead, own, ahead & colon).only(kept),
        closed,
    )


def _excluded(
    buffer: Buffer,
    start: Integers,
    end: Integers,
    bits: Integers,
    kind: npt.NDArray[np.uint8],
    inside: Flags,
    broken: Flags,
    begins: Flags,
    edge: Flags,
) -> Flags:
    """Which characters are excluded from the business, or name its users."""
    size = len(buffer.codes)
    codes = buffer.codes
    outer = (kind == _HARD) | (kind == _SOFT) | (kind == _CLOSE)
    out = (codes == ord("外")) & edge[1:]
    spans: list[tuple[Integers, Integers]] = []

    def next_of(flags: Flags, at: Integers) -> Integers:
        places = np.append(np.flatnonzero(flags), size)
        return np.asarray(places[np.searchsorted(places, at)], dtype=np.int64)

    def last_of(flags: Flags, at: Integers) -> Integers:
        """Behind the last flagged character before a position."""
        places = np.append(-1, np.flatnonzero(flags))
        return np.asarray(places[np.searchsorted(places, at) - 1] + 1, dtype=np.int64)

    which = (bits & words.EXCEPT_AFTER) != 0
    which &= (end - start > 1) | begins[start]
    if which.any():
        at = end[which]
        noted = inside[start[which]]
        spans.append(
            (
                at,
                np.where(
                    noted, next_of((kind == _CLOSE) | broken | out, at), next_of(outer | out, at)
                ),
            )
        )
    which = (bits & words.EXCEPT_BEFORE) != 0
    if which.any():
        at = start[which]
        noted = inside[at]
        opened = (kind == _OPEN) | broken
        spans.append((np.where(noted, last_of(opened, at), last_of(outer | opened, at)), at))
    which = (bits & words.USERS_AFTER) != 0
    if which.any():
        at = end[which]
        spans.append((at, next_of(outer | (codes == ord("的")) | (kind == _OPEN), at)))
    which = (bits & words.USERS_BEFORE) != 0
    if which.any():
        opened = outer | (kind == _OPEN)
        opened[end[(bits & (words.LEAD | words.VERB)) != 0] - 1] = True
        at = start[which]
        spans.append((last_of(opened, at), at))
    given = _giving(buffer, begins)
    if given is not None:
        spans.append(given)
    if not spans:
        return np.zeros(size, dtype=np.bool_)
    return _sum(np.concatenate([s for s, _ in spans]), np.concatenate([e for _, e in spans]), size)


_GIVING = re.compile(r"[为向][^;。!?,\n]{1,60}?提供")
_TOWARDS = tuple(map(ord, "为向"))


def _giving(buffer: Buffer, begins: Flags) -> tuple[Integers, Integers] | None:
    """为…提供 names users where 为 opens a phrase (作为…提供 does not)."""
    codes = buffer.codes
    opens = np.flatnonzero(((codes == _TOWARDS[0]) | (codes == _TOWARDS[1])) & begins[:-1])
    found = (_GIVING.match(buffer.text, at) for at in opens.tolist())
    spans = [match.span() for match in found if match]
    if not spans:
        return None
    start, end = np.asarray(spans, dtype=np.int64).T
    return start, end
