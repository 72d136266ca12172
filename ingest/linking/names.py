"""The dictionary: products, aliases, narrower terms and what follows from their wording.

Chinese compounds carry their head at the end (液晶显示模组 is a 模组), so the matcher gives, for each
place where terms end, the longest of them.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
import numpy.typing as npt
import pandas as pd
from daachorse import MATCH_KIND_STANDARD, CharwiseDoubleArrayAhoCorasick

from . import words
from .buffer import BREAK, Buffer, Flags, Integers, normalise

#: How sure a term is to mean its product, by where the term comes from.
KINDS = {"name": 0.97, "alias": 0.94, "narrower": 0.92, "variant": 0.9, "part": 0.84}
#: What is left of that where several products share the term.
SHARED = 0.9
#: Products whose names end so, from which a derived term is a mere head (结构件, 监测系统).
HEADS = 4
#: Shortest variant or part taken over, in characters.
SHORTEST = 3
#: Longest name taken apart; longer ones are explanations.
LONGEST = 24
#: Most spellings kept of one term.
SPELLINGS = 12

_NOTE = re.compile(r"\(([^()]*)\)")
_JOIN = re.compile(r"、|以及|及其|与|及|和|或|,")
_ASCII = re.compile(r"[\x21-\x7e]+")
_TAIL = re.compile(r"(销售|生产|制造|贸易|批发|零售|业务|收入|系列|类产品|产品|等)+$")
_WORK = re.compile(
    r"(服务|研发|研究|推广|维修|租赁|设计|技术|利用|制造|处理|监测|检测|设备|装备|装置|设施|系统|仪器|材料|试剂|制品|产品|行业|工程)$"
)
_EXPLAINS = re.compile("^(用于|含|不含|包括|例如|指|除)")


@dataclass(frozen=True)
class Names:
    """Terms and the products they mean.

    Attributes:
        matcher: Aho-Corasick automaton over the terms.
        openings: Automaton over what stands before a head that items of lists share (words.toml).
        terms: The terms, normalised; t of them. Some mean no product: they hide shorter ones.
        first: Where a term's entries begin, shape (t + 1,).
        product: Number of the product of each entry, shape (e,).
        weight: How sure the term is to mean it, 0..1, shape (e,).
        need: Number of the condition on the words around, -1 where there is none, shape (e,).
        needs: The conditions, as regular expressions over normalised text.
        ids: Product ids; p of them.
        division: GB/T 4754 division of each product, 0 where unknown, shape (p,).
        service: Whether the product is a service, shape (p,).
        users: Numbers of the products that an industry names without making them, by industry.
        whole: Whether the product is one of them: a vehicle or device with many suppliers, shape (p,).
    """

    matcher: CharwiseDoubleArrayAhoCorasick
    openings: CharwiseDoubleArrayAhoCorasick
    terms: list[str]
    first: Integers
    product: Integers
    weight: npt.NDArray[np.float64]
    need: Integers
    needs: list[str]
    ids: pd.Series
    division: Integers
    service: Flags
    users: dict[str, list[int]]
    whole: Flags

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
        # Gone before the collector is back, which would look at each of them.
        del found
    start, end, pattern = np.ascontiguousarray(flat.reshape(-1, 3).T)
    return start, end, pattern


def build(products: pd.DataFrame, narrower: pd.DataFrame | None = None) -> Names:
    """The dictionary of a table of products.

    Args:
        products: Columns ``id``, ``name`` and, if known, ``aliases`` (";" between them) and
            ``gb_code`` (GB/T 4754-2017).
        narrower: Columns ``term``, ``product`` (id): names of kinds of a product (产品小类). Those of
            ``data/linking/narrower.csv`` that name a product of the table are always used.
    """
    ids = products["id"].astype("str").reset_index(drop=True)
    number = {identity: at for at, identity in enumerate(ids.tolist())}
    entries: dict[tuple[str, int], float] = {}
    for term, at, kind in _given(products, narrower, number):
        for spelling, how in _spellings(term, kind):
            key = (spelling, at)
            entries[key] = max(entries.get(key, 0.0), KINDS[how])
    entries = _without_heads(entries)
    best: dict[str, dict[int, float]] = {}
    for (term, at), weight in entries.items():
        best.setdefault(term, {})[at] = weight
    for row in words.table("traps"):
        best.setdefault(normalise(row["term"]), {})
    conditions = {
        (normalise(row["term"]), number[row["product"]]): row["needs"]
        for row in words.table("needs")
        if row["product"] in number
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
    users: dict[str, list[int]] = {}
    for row in words.table("users"):
        if row["product"] in number:
            users.setdefault(row["industry"], []).append(number[row["product"]])
    codes = _column(products, "gb_code")
    return Names(
        CharwiseDoubleArrayAhoCorasick(terms, MATCH_KIND_STANDARD),
        CharwiseDoubleArrayAhoCorasick(_openings(terms), MATCH_KIND_STANDARD),
        terms,
        np.asarray(first, dtype=np.int64),
        np.asarray([at for at, _, _ in rows], dtype=np.int64),
        np.asarray([weight for _, weight, _ in rows], dtype=np.float64),
        np.asarray([need for _, _, need in rows], dtype=np.int64),
        needs,
        ids,
        pd.to_numeric(codes.str.extract(r"^[A-T]?(\d{2})")[0]).fillna(0).to_numpy(np.int64),
        _services(_column(products, "name"), codes),
        users,
        np.isin(np.arange(len(ids)), list(chain.from_iterable(users.values()))),
    )


def _openings(terms: list[str]) -> list[str]:
    """What stands before the shared heads of terms, each once; never empty."""
    heads = words.shared_heads()
    ends = tuple(heads)
    found = dict.fromkeys([BREAK])
    for term in terms:
        if term.endswith(ends):
            for length in words.HEADS:
                if length < len(term) - 1 and term[-length:] in heads:
                    found[term[:-length]] = None
    return list(found)


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
    heads = tuple(words.lists()["terms"]["heads"])
    plain = Buffer.of(names.tolist()).text.split(BREAK)
    for at, (name, others) in enumerate(zip(plain[:-1], aliases, strict=True)):
        yield name, at, "name"
        if not others:
            continue
        ending = [head for head in heads if name.endswith(head)]
        for alias in filter(None, map(normalise, re.split("[;；]", others))):
            yield alias, at, "alias"
            for head in ending:
                if not alias.endswith(head):
                    yield alias + head, at, "variant"
    kinds = [(row["term"], row["product"]) for row in words.table("narrower")]
    if narrower is not None:
        given = narrower[["term", "product"]].astype("str")
        kinds += list(zip(given["term"].tolist(), given["product"].tolist(), strict=True))
    for term, product in kinds:
        if product in number:
            yield normalise(term), number[product], "narrower"


def _spellings(term: str, kind: str) -> list[tuple[str, str]]:
    """A term and the other wordings by which a text may call the same thing, with their kinds."""
    found: dict[str, str] = {}

    def add(wording: str, how: str, shortest: int) -> None:
        wording = wording.strip("、,;:.·的")
        stopped = how != "narrower" and wording in words.stop_words()
        if len(wording) >= shortest and not stopped:
            found.setdefault(wording, how)

    add(term, kind, 2)
    bare = _NOTE.sub("", term) if "(" in term else term
    if bare != term:
        add(bare, "variant", SHORTEST)
        for note in _notes(term, bare):
            add(note, "part", SHORTEST)
    if _JOIN.search(bare) or "等" in bare:
        for wording in _parts(bare):
            add(wording, "part", SHORTEST)
    for wording, how in list(found.items()) if kind == "name" else ():
        less = _less(wording)
        add(less, "variant" if how == kind else how, SHORTEST if less != wording else 2)
    pairs, any_of = _equal()
    for wording, how in list(found.items()):
        if any_of.search(wording):
            for one, other in pairs:
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


def _notes(term: str, bare: str) -> Iterator[str]:
    """Names in brackets: an abbreviation behind the whole name, or kinds of what is named."""
    note = _NOTE.search(term)
    if note is None or note.end() < len(term) or note.start() != len(bare):
        return
    items = _JOIN.split(note[1])
    for item in items:
        if _ASCII.fullmatch(item):
            if item.isalnum() and not item[0].isdigit() and len(bare) <= LONGEST:
                yield item
        elif len(items) > 1 and len(item) > 3 and item[-1] == bare[-1]:
            yield item


def _parts(term: str) -> Iterator[str]:
    """Members of a name that joins several: 滚珠丝杠与直线导轨, 信号机及其启动装置, 硫酸等无机酸.

    Members before the last carry a head of their own only where they end like it (增亮膜与扩散膜),
    or are long and the last is no mere work on all of them (飞机、机器人等融资租赁服务).
    """
    if len(term) > LONGEST or _EXPLAINS.search(term):
        return
    own, found, _ = term.partition("及其")
    if found:
        yield own
        return
    before, found, after = term.partition("等")
    pieces = [piece for piece in _JOIN.split(before if found else term) if piece]
    last = after if found or not pieces else pieces[-1]
    if not last or len(pieces) + bool(found) < 2 or pieces[0].isascii():
        return
    shared = _WORK.search(last)
    for piece in pieces:
        alike = piece[-1] == last[-1]
        if piece is last:
            if len(piece) > 4:
                yield piece
        elif not piece.isascii() and (alike or (len(piece) > 4 and not shared)):
            yield piece


def _less(term: str) -> str:
    """A term without words of rank before it and without 业务, 系列 … behind it."""
    ranks = tuple(words.lists()["terms"]["rank"])
    while term.startswith(ranks):
        word = max((word for word in ranks if term.startswith(word)), key=len)
        if len(term) < len(word) + SHORTEST:
            break
        term = term[len(word) :]
    shorter = _TAIL.sub("", term)
    return shorter if len(shorter) >= 2 else term


@lru_cache(maxsize=1)
def _equal() -> tuple[list[tuple[str, str]], re.Pattern[str]]:
    """Parts of terms that stand for each other, both ways, and a pattern of any of them."""
    given = [(pair[0], pair[1]) for pair in words.lists()["terms"]["equal"]]
    pairs = given + [(other, one) for one, other in given]
    return pairs, re.compile("|".join(re.escape(one) for one, _ in pairs))
