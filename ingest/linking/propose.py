"""Names that texts list and the dictionary lacks, for review.

What stands in lists beside known products is often a product too. jieba, which knows everyday words
and is given the dictionary, tells nouns from the rest.
"""

from __future__ import annotations

import logging
import re
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from . import words
from .buffer import normalise
from .linker import Linker

#: Length of a proposed name, in characters.
SHORTEST, LONGEST = 3, 14
#: Enterprises whose ids are shown.
SHOWN = 3

#: Parts of speech (jieba's) of the last word of a name, and of words no name begins with.
_NOUNS = ("n", "vn", "eng", "j", "l")
_NO_OPENING = ("p", "c", "u", "r", "d", "m", "v", "f", "t", "y")
_MARKS = "[、，,；;。：:（）()！!“”\"'／/\\s]+|以及|[和及与或]"


def propose(texts: pd.DataFrame, linker: Linker, least: int = 2) -> pd.DataFrame:
    """Names listed in texts that no product of the dictionary covers.

    Args:
        texts: As for :meth:`.Linker.link`.
        linker: The dictionary.
        least: Enterprises that must list a name.

    Returns:
        Columns ``term``, ``count`` (enterprises that list it) and ``enterprises`` (ids of the first
        few, ";" between them), most frequent first.
    """
    left = _without_links(texts, linker)
    items = left.str.split(_MARKS, regex=True).explode().fillna("").astype("str")
    opening, closing = _affixes()
    for _ in range(2):
        items = items.str.replace(opening, "", regex=True).str.replace(closing, "", regex=True)
    known = set(linker.names.terms) | words.stop_words()
    items = items[items.str.len().between(SHORTEST, LONGEST) & ~items.map(normalise).isin(known)]
    listed = pd.DataFrame(
        {"term": items, "enterprise": texts["enterprise"].astype(str).loc[items.index]}
    ).drop_duplicates()
    counted = listed.groupby("term")["enterprise"]
    table = pd.DataFrame(
        {
            "count": counted.size(),
            "enterprises": counted.agg(lambda ids: ";".join(ids.iloc[:SHOWN])),
        }
    ).reset_index()
    table = table[table["count"] >= least]
    named = _named(table["term"], linker)
    return (
        table[named.to_numpy()]
        .sort_values(["count", "term"], ascending=[False, True], kind="stable")
        .reset_index(drop=True)
    )


def _without_links(texts: pd.DataFrame, linker: Linker) -> pd.Series:
    """The texts with a mark in the place of every known product; index as in ``texts``."""
    left = texts["text"].fillna("").astype(str)
    numbered = texts.assign(enterprise=np.arange(len(texts)).astype(str))
    links = linker.link(numbered, minimum=0.0)
    for row, found in links.groupby("enterprise", sort=False):
        place = int(str(row))
        text = left.iloc[place]
        for start, end in zip(found["start"], found["end"], strict=True):
            text = text[:start] + "、" * (end - start) + text[end:]
        left.iloc[place] = text
    return left


@lru_cache(maxsize=1)
def _affixes() -> tuple[str, str]:
    """Patterns of what stands before and behind a name in its item: verbs, leads, 产品, 业务 …"""
    lists = words.lists()
    verbs = [word for name, found in lists["verbs"].items() if name != "before" for word in found]
    ahead = sorted([*verbs, *lists["text"]["lead"], "各类", "各种", "其他"], key=len, reverse=True)
    closing = [word for word in lists["text"]["after"] if len(word) > 1]
    behind = sorted([*verbs, *closing, "等"], key=len, reverse=True)
    return (
        "^(?:" + "|".join(map(re.escape, ahead)) + ")+",
        "(?:的?(?:" + "|".join(map(re.escape, behind)) + "))+$|的$",
    )


def _named(terms: pd.Series, linker: Linker) -> pd.Series:
    """Whether each term reads as a name: it ends in a noun and begins with none of the small words."""
    tagger = _tagger(linker)

    def reads(term: str) -> bool:
        tags = [tag for _, tag in tagger.cut(term)]
        return bool(tags) and tags[-1].startswith(_NOUNS) and not tags[0].startswith(_NO_OPENING)

    return terms.map(reads).astype(bool)


def _tagger(linker: Linker) -> Any:
    """Tagger of jieba with its own dictionary and the products', whose terms are nouns."""
    with warnings.catch_warnings():
        # It looks for pkg_resources, which warns.
        warnings.simplefilter("ignore")
        import jieba
        import jieba.posseg
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    for term in linker.names.terms:
        tokenizer.add_word(term, tag="nz")
    return jieba.posseg.POSTokenizer(tokenizer)
