"""Search for nodes by parts of their names, aliases and codes, and by pinyin initials.

All names of a version stand one after the other in one text, each normalised (full-width and
traditional characters become plain and simplified, letters small) and on a line of its own. A part
of a name, one character long or twenty, is found by looking through that text, which is compared
byte by byte by the C library: nothing is cut into words or groups of three characters, so nothing
can be missed, and a hundred thousand names take milliseconds. A second text holds the initials of
the same lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from daachorse import MATCH_KIND_LEFTMOST_LONGEST, CharwiseDoubleArrayAhoCorasick
from opencc import OpenCC
from pypinyin import Style, lazy_pinyin
from pypinyin.phrases_dict import phrases_dict

from . import regions
from .chain import ChainGraph, Codes
from .schema import NODES, TABLES

#: What of a node is searched, those first that count more among equal matches.
FIELDS = ("name", "alias", "code", "pinyin")
#: How a text can match, best first.
MATCHES = ("exact", "prefix", "contains")
#: Node kinds, those first that people look for by name.
_KINDS = ("Cluster", "Link", "Product", "Enterprise", "Institute", "Project", "Region")
_INITIALS = re.compile(r"[a-z0-9]+")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


@dataclass(frozen=True)
class Hit:
    """A node that a text was found in.

    Attributes:
        kind: Node kind.
        id: Its id; the code of a region.
        name: Its name.
        match: One of :data:`MATCHES`, of the worst of the words searched for.
        field: One of :data:`FIELDS`, of the same word.
        text: What of the node matched.
    """

    kind: str
    id: str
    name: str
    match: str
    field: str
    text: str


def normal(text: str) -> str:
    """A text as it is compared: NFKC, simplified, small letters; spaces as they are.

    Each character is taken for itself, whatever stands beside it, so that a part of a text is found
    in the whole: a converter that looks at words would keep 乾 in 乾坤 and make 干 of it alone.

    >>> normal("ＡＳＭＬ光刻機")
    'asml光刻机'
    """
    return unicodedata.normalize("NFC", text).translate(_PLAIN)


class _Plain(dict[int, str]):
    """What each character is compared as, found when first needed."""

    def __missing__(self, code: int) -> str:
        character = unicodedata.normalize("NFKC", chr(code))
        plain = str(_converter().convert(character)).casefold()
        self[code] = plain
        return plain


_PLAIN = _Plain()


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")


class SearchIndex:
    """The names of one version, ready to be searched.

    Args:
        graph: The facts.
    """

    def __init__(self, graph: ChainGraph) -> None:
        self._kind: list[str] = []
        self._id: list[str] = []
        self._name: list[str] = []
        node: list[int] = []
        field: list[int] = []
        shown: list[str] = []

        def add(
            kind: str, one: str, name: str, aliases: Sequence[str], codes: Sequence[str]
        ) -> None:
            at = len(self._id)
            self._kind.append(kind)
            self._id.append(one)
            self._name.append(name)
            for number, texts in enumerate(((name,), aliases, codes)):
                for text in texts:
                    if text:
                        node.append(at)
                        field.append(number)
                        shown.append(" ".join(text.split()))

        for kind in _KINDS:
            table = NODES[kind].table
            if table is None:
                for code, name in regions.names().items():
                    add(kind, code, name, (regions.full_name(code),), (code,))
                continue
            own = TABLES[table].names
            columns = [graph.text(table, name).tolist() for name in ("id", "name")]
            empty = [""] * len(columns[0])
            aliases = graph.text(table, "aliases").tolist() if "aliases" in own else empty
            stock = graph.text(table, "stock_code").tolist() if "stock_code" in own else empty
            for one, name, other, code in zip(*columns, aliases, stock, strict=True):
                add(kind, one, name, other.split(";") if other else (), (one, code))
        self._shown = shown
        lines = normal("\n".join(shown)).split("\n")
        names = [at for at, number in enumerate(field) if number < 2]
        self._plain = _Lines(lines, node, field)
        self._pinyin = _Lines(
            _initials([lines[at] for at in names]),
            [node[at] for at in names],
            [FIELDS.index("pinyin")] * len(names),
        )
        self._shown_pinyin = names
        self._rank = np.asarray([_KINDS.index(kind) for kind in self._kind])
        self._length = np.asarray([len(name) for name in self._name])
        # Products that stand in a chain are meant more often than the rest of a dictionary.
        chained = set(graph.text("products", "id")[graph.listed("products", "links")[0]].tolist())
        self._apart = np.asarray(
            [
                kind == "Product" and one not in chained
                for kind, one in zip(self._kind, self._id, strict=True)
            ]
        )

    def __len__(self) -> int:
        return len(self._shown)

    def search(
        self, text: str, kinds: Sequence[str] | None = None, limit: int | None = 20
    ) -> list[Hit]:
        """Nodes that hold every word of a text, best first.

        Order: exact before prefix before contained; then name, alias, code, pinyin; then products
        that stand in a chain before others; then the shorter name; then the kind and the id. It is the same for the same facts.

        Args:
            text: One or more words, separated by spaces.
            kinds: Node kinds to look among; all where None.
            limit: Most hits; None for all.
        """
        whole = " ".join(normal(text).split())
        # A name of several words is looked for as it is before it is taken apart.
        found = self._word(whole)
        if " " in whole:
            found = _merged(found, self._all(whole.split(" ")))
        node, grade, line = found
        if kinds is not None:
            wanted = np.isin(self._rank[node], [_KINDS.index(k) for k in kinds])
            node, grade, line = node[wanted], grade[wanted], line[wanted]
        keys = (node, self._rank[node], self._length[node], self._apart[node], grade)
        order = np.lexsort(keys)[:limit]
        return [self._hit(int(node[i]), int(grade[i]), int(line[i])) for i in order.tolist()]

    def _hit(self, node: int, grade: int, line: int) -> Hit:
        match, field = divmod(grade, len(FIELDS))
        at = self._shown_pinyin[line] if FIELDS[field] == "pinyin" else line
        return Hit(
            self._kind[node],
            self._id[node],
            self._name[node],
            MATCHES[match],
            FIELDS[field],
            self._shown[at],
        )

    def _word(self, word: str) -> _Found:
        found = self._plain.find(word)
        if len(word) > 1 and _INITIALS.fullmatch(word):
            found = _merged(found, self._pinyin.find(word))
        return found

    def _all(self, words: Sequence[str]) -> _Found:
        """Nodes that hold all words, each with the worst of their grades."""
        node, grade, line = self._word(words[0])
        for word in words[1:]:
            other, grades, lines = self._word(word)
            both, at, there = np.intersect1d(node, other, assume_unique=True, return_indices=True)
            worse = grades[there] > grade[at]
            grade = np.where(worse, grades[there], grade[at])
            line = np.where(worse, lines[there], line[at])
            node = both
        return node, grade, line


#: Nodes (ascending, distinct), the grade of each one's best match, and the line it stands in.
_Found = tuple[Codes, Codes, Codes]


class _Lines:
    """Lines of text, each of a node and a field."""

    def __init__(self, lines: Sequence[str], node: Sequence[int], field: Sequence[int]) -> None:
        self._text = "\n" + "\n".join(lines) + "\n"
        lengths = np.asarray([len(line) for line in lines], dtype=np.int64)
        self._start: Codes = 1 + np.concatenate([[0], np.cumsum(lengths + 1)])[:-1].astype(np.int64)
        self._length = lengths
        self._node = np.asarray(node, dtype=np.int64)
        self._field = np.asarray(field, dtype=np.int64)

    def find(self, word: str) -> _Found:
        """The best match of each node that has the word in a line; see :data:`_Found`."""
        places = _places(self._text, word) if word and "\n" not in word else _NOWHERE
        line = np.searchsorted(self._start, places, side="right") - 1
        begins = places == self._start[line]
        ends = self._length[line] == len(word)
        match = np.where(begins & ends, 0, np.where(begins, 1, 2))
        grade = match * len(FIELDS) + self._field[line]
        return _best(self._node[line], grade, line)


_NOWHERE: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)


def _places(text: str, word: str) -> Codes:
    found, at = [], text.find(word)
    while at >= 0:
        found.append(at)
        at = text.find(word, at + 1)
    return np.asarray(found, dtype=np.int64)


def _best(node: Codes, grade: Codes, line: Codes) -> _Found:
    order = np.lexsort((line, grade, node))
    node, grade, line = node[order], grade[order], line[order]
    first = np.r_[True, node[1:] != node[:-1]][: len(node)]
    return node[first], grade[first], line[first]


def _merged(one: _Found, other: _Found) -> _Found:
    joined = [np.concatenate(pair) for pair in zip(one, other, strict=True)]
    return _best(joined[0], joined[1], joined[2])


def _initials(lines: Sequence[str]) -> list[str]:
    """The pinyin initials of lines; what is no Chinese stays.

    Each character has its usual reading, except in the phrases in which pypinyin gives it another
    (重庆: cq, not zq).
    """
    text = "\n".join(lines)
    table = {ord(c): _usual(c) for c in set(text) if _HAN.match(c)}
    letters = text.translate(table)
    matcher, phrases = _phrases()
    parts, done = [], 0
    for start, end, number in matcher.find(text):
        if phrases[number]:
            parts += [letters[done:start], phrases[number]]
            done = end
    return "".join([*parts, letters[done:]]).split("\n")


def _usual(character: str) -> str:
    """The first letter of a character's usual reading; the character where it has none."""
    return lazy_pinyin(character, style=Style.FIRST_LETTER)[0][:1] or character


@cache
def _phrases() -> tuple[CharwiseDoubleArrayAhoCorasick, list[str]]:
    """Finds the phrases that pypinyin knows; initials of those that read unusually, "" of others."""
    known = [(p, r) for p, r in phrases_dict.items() if len(p) == len(r)]
    usual = {c: _usual(c) for c in {c for phrase, _ in known for c in phrase}}
    initials = []
    for phrase, readings in known:
        read = "".join(unicodedata.normalize("NFD", each[0])[:1] for each in readings)
        initials.append("" if read == "".join(usual[c] for c in phrase) else read)
    matcher = CharwiseDoubleArrayAhoCorasick(
        [phrase for phrase, _ in known], MATCH_KIND_LEFTMOST_LONGEST
    )
    return matcher, initials
