"""The dictionary: products, aliases, narrower terms and what follows from their wording.

Chinese compounds carry their head at the end (液晶显示模组 is a 模组), so the matcher gives, for each
place where terms end, the longest of them.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
import numpy.typing as npt
import pandas as pd
from daachorse import MATCH_KIND_STANDARD, CharwiseDoubleArrayAhoCorasick

from . import words
from .buffer import Flags, Integers, normalise

#: How sure a term is to mean its product, by where the term comes from.
KINDS = {"name": 0.97, "alias": 0.94, "narrower": 0.92, "variant": 0.9, "part": 0.84}
#: What is left of that where several products share the term.
SHARED = 0.9
#: Products whose names end so, from which a derived term is a mere head (结构件, 监测系统).
HEADS = 4
#: Shortest variant or part taken over, in characters.
SHORTEST = 3
#: Most spellings kept of one term.
SPELLINGS = 12

_NOTE = re.compile(r"\(([^()]*)\)")
_JOIN = re.compile(r"、|以及|及其|与|及|和|或|,")
_ASCII = re.compile(r"[\x21-\x7e]+")
_TAIL = re.compile(r"(销售|生产|制造|贸易|批发|零售|业务|收入|系列|类产品|产品|等)+$")
_EXPLAINS = re.compile(r"^(其他|用于|如|含|不含|包括|例如|指|除|主要|其中|适用)|等$|\d{3}")


@dataclass(frozen=True)
class Names:
    """Terms and the products they mean.

    Attributes:
        matcher: Aho-Corasick automaton over the terms.
        terms: The terms, normalised; t of them. Some mean no product: they hide shorter ones.
        first: Where a term's entries begin, shape (t + 1,).
        product: Number of the product of each entry, shape (e,).
        weight: How sure the term is to mean it, 0..1, shape (e,).
        need: Number of the condition on the words around, -1 where there is none, shape (e,).
        needs: The conditions, as regular expressions over normalised text.
        ids: Product ids; p of them.
        division: GB/T 4754 division of each product, 0 where unknown, shape (p,).
        service: Whether the product is a service, shape (p,).
    """

    matcher: CharwiseDoubleArrayAhoCorasick
    terms: list[str]
    first: Integers
    product: Integers
    weight: npt.NDArray[np.float64]
    need: Integers
    needs: list[str]
    ids: npt.NDArray[np.object_]
    division: Integers
    service: Flags

    def matches(self, text: str) -> tuple[Integers, Integers, Integers]:
        """Start, end and term of the longest term ending at each place of a normalised text."""
        return triples(self.matcher.find_overlapping_no_suffix, text)


@contextmanager
def _unwatched() -> Iterator[None]:
    """Without the cycle collector, which would walk the growing list of matches again and again."""
    watched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if watched:
            gc.enable()


def triples(find: words.Find, text: str) -> tuple[Integers, Integers, Integers]:
    """What a matcher finds, as three arrays: start, end, pattern."""
    with _unwatched():
        found = find(text)
        flat = np.fromiter(chain.from_iterable(found), np.int64, 3 * len(found))
    return flat[0::3], flat[1::3], flat[2::3]


def build(products: pd.DataFrame, narrower: pd.DataFrame | None = None) -> Names:
    """The dictionary of a table of products.

    Args:
        products: Columns ``id``, ``name`` and, if known, ``aliases`` (";" between them) and
            ``gb_code`` (GB/T 4754-2017).
        narrower: Columns ``term``, ``product`` (id): names of kinds of a product (产品小类). Those of
            ``data/linking/narrower.csv`` that name a product of the table are always used.
    """
    ids = products["id"].astype(str).to_numpy(dtype=object)
    number = {identity: at for at, identity in enumerate(ids)}
    entries: dict[tuple[str, int], float] = {}
    for term, at, kind in _given(products, narrower, number):
        for spelling, how in _spellings(term, kind):
            key = (spelling, at)
            entries[key] = max(entries.get(key, 0.0), KINDS[how])
    entries = _without_heads(entries)
    best: dict[str, dict[int, float]] = {}
    for (term, at), weight in entries.items():
        best.setdefault(term, {})[at] = weight
    for term in words.table("traps")["term"]:
        best.setdefault(normalise(term), {})
    conditions = {
        (normalise(row.term), number[row.product]): row.needs
        for row in words.table("needs").itertuples(index=False)
        if row.product in number
    }
    needs = list(dict.fromkeys(conditions.values()))
    terms: list[str] = []
    first = [0]
    rows: list[tuple[int, float, int]] = []
    for term, meant in best.items():
        # A product's own name beats another's alias of the same wording.
        top = max(meant.values(), default=0.0)
        for at, weight in meant.items():
            condition = conditions.get((term, at))
            if weight < top and condition is None:
                continue
            if len(meant) > 1 and weight != KINDS["narrower"]:
                weight *= SHARED
            if len(term) <= 2 and term.isascii() and condition is None:
                weight *= 0.6
            rows.append((at, weight, -1 if condition is None else needs.index(condition)))
        terms.append(term)
        first.append(len(rows))
    codes = _column(products, "gb_code")
    return Names(
        CharwiseDoubleArrayAhoCorasick(terms, MATCH_KIND_STANDARD),
        terms,
        np.asarray(first, dtype=np.int64),
        np.asarray([at for at, _, _ in rows], dtype=np.int64),
        np.asarray([weight for _, weight, _ in rows], dtype=np.float64),
        np.asarray([need for _, _, need in rows], dtype=np.int64),
        needs,
        ids,
        pd.to_numeric(codes.str.extract(r"^[A-T]?(\d{2})")[0]).fillna(0).to_numpy(np.int64),
        _services(_column(products, "name"), codes),
    )


def _column(products: pd.DataFrame, name: str) -> pd.Series:
    if name not in products:
        return pd.Series("", index=products.index, dtype="str")
    return products[name].astype("str").fillna("")


def _services(names: pd.Series, codes: pd.Series) -> Flags:
    settings = words.lists()["terms"]
    named = names.str.contains(str(settings["service"]).replace("(", "(?:", 1), regex=True)
    coded = codes.str.match(f"[{settings['service_sections']}]")
    return np.asarray(named | coded, dtype=np.bool_)


def _given(
    products: pd.DataFrame, narrower: pd.DataFrame | None, number: dict[str, int]
) -> Iterator[tuple[str, int, str]]:
    """Terms as they are given: (term, product, kind)."""
    names, aliases = _column(products, "name"), _column(products, "aliases")
    heads = [normalise(head) for head in words.lists()["terms"]["heads"]]
    for at, (name, others) in enumerate(zip(names, aliases, strict=True)):
        name = normalise(name)
        yield name, at, "name"
        ending = [head for head in heads if name.endswith(head)]
        for alias in filter(None, map(normalise, re.split("[;；]", others))):
            yield alias, at, "alias"
            for head in ending:
                if not alias.endswith(head):
                    yield alias + head, at, "variant"
    for table in (words.table("narrower"), narrower):
        if table is not None:
            for term, product in zip(table["term"], table["product"], strict=True):
                if product in number:
                    yield normalise(str(term)), number[product], "narrower"


def _spellings(term: str, kind: str) -> list[tuple[str, str]]:
    """A term and the other wordings by which a text may call the same thing, with their kinds."""
    found: dict[str, str] = {}

    def add(wording: str, how: str, shortest: int) -> None:
        wording = wording.strip("、,;:.·的")
        if len(wording) >= shortest and wording not in words.stop_words():
            found.setdefault(wording, how)

    add(term, kind, 2)
    bare = _NOTE.sub("", term)
    if bare != term:
        add(bare, "variant", SHORTEST)
        for note in _NOTE.findall(term):
            for item in _JOIN.split(note):
                if _ASCII.fullmatch(item) and item.count("-") < 2 and not item[0].isdigit():
                    add(item, "part", SHORTEST)
                elif len(item) > 4 and not _EXPLAINS.search(item):
                    add(item, "part", 5)
    for wording in _parts(bare):
        add(wording, "part", SHORTEST)
    for wording, how in list(found.items()) if kind == "name" else ():
        less = _less(wording)
        add(less, "variant" if how == kind else how, SHORTEST if less != wording else 2)
    for wording, how in list(found.items()):
        for equals in _equal():
            for one, other in equals:
                if one in wording and len(found) < SPELLINGS:
                    add(wording.replace(one, other), "variant" if how == kind else how, SHORTEST)
    return list(found.items())


def _without_heads(entries: dict[tuple[str, int], float]) -> dict[tuple[str, int], float]:
    """Entries without derived terms that many names end with."""
    derived = {term for (term, _), weight in entries.items() if weight <= KINDS["variant"]}
    endings: dict[str, set[int]] = {}
    for term, at in entries:
        for length in range(2, len(term)):
            if term[-length:] in derived:
                endings.setdefault(term[-length:], set()).add(at)
    heads = {term for term, products in endings.items() if len(products) >= HEADS}
    return {
        key: weight
        for key, weight in entries.items()
        if weight > KINDS["variant"] or key[0] not in heads
    }


def _parts(term: str) -> Iterable[str]:
    """Members of a name that joins several: 滚珠丝杠与直线导轨, 信号机及其启动装置, 硫酸等无机酸."""
    before, found, after = term.partition("等")
    if found and after and len(before) >= SHORTEST:
        yield from _JOIN.split(before)
        return
    pieces = [piece for piece in _JOIN.split(term) if piece]
    if len(pieces) < 2:
        return
    if "及其" in term:
        yield pieces[0]
    last = pieces[-1][-1]
    for piece in pieces:
        if not piece.isascii() and (len(piece) > 4 or (piece[-1] == last and piece is not pieces[-1])):
            yield piece


def _less(term: str) -> str:
    """A term without words of rank before it and without 业务, 系列 … behind it."""
    for word in words.lists()["terms"]["rank"]:
        if term.startswith(word) and len(term) >= len(word) + SHORTEST:
            term = term[len(word) :]
    shorter = _TAIL.sub("", term)
    return shorter if len(shorter) >= 2 else term


@lru_cache(maxsize=1)
def _equal() -> list[list[tuple[str, str]]]:
    pairs = words.lists()["terms"]["equal"]
    return [[(one, other), (other, one)] for one, other in pairs]
