"""Near matches: enterprises that may be one, for people to decide. Nothing here ever merges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz import fuzz
from rapidfuzz.process import cpdist

from ...graph.chain import PACK, SINCE
from ...graph.work import Decision
from .keys import SHARED_MOST, Keyed, agreements, clashes, keyed

#: Why two enterprises are put before a person, with the words an officer reads.
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "clash": "名称或编码一致，但另有代码或国别矛盾",
        "ambiguous": "同一名称或代码对应多家企业",
        "short_name": "简称相同，全称不同或所在省份不同",
        "other_form": "字号与行业相同，组织形式不同",
        "other_place": "字号与行业相同，地名不同",
        "similar_name": "名称相近",
    }
)
#: Smallest similarity of two cores (rapidfuzz ratio, 0..100) that is worth a look.
SIMILAR_MIN = 85.0
#: Letters that the cores of a block begin or end with; cores of that length and less are not
#: compared, because one letter changes what they mean.
BLOCK = 4
#: How much less likely two are one where their places, or the provinces they stand in, differ.
_OTHER_PLACE, _OTHER_PROVINCE, _OTHER_FORM = 0.8, 0.9, 0.95
#: How likely two are one that share no more than a short name.
_SHORT_NAME = 0.7

COLUMNS = ["left", "right", "reason", "score"]
SHOWN = ["keep", "other", "keep_name", "other_name", "reason", "score"]


def near_matches(left: Keyed, right: Keyed, open_units: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Pairs with the same core name or a similar one, and no codes against it.

    Cores are compared within small blocks only: the same core, or its first or last letters. A
    block with more than ``SHARED_MOST`` names on a side is left out: its word says too little.

    Args:
        left: Units to look for.
        right: Units to look among.
        open_units: Which units of ``left`` are still without a match, shape (len(left),).

    Returns:
        Columns left, right (units), reason and score (0..1), best first.
    """
    names = left.pick(open_units)
    one, other = (n[n["legal"] & (n["core"].str.len() >= 2)] for n in (names, right.names))
    longer = [n[n["core"].str.len() > BLOCK] for n in (one, other)]
    blocks = [
        _pairs(one, other, slice(None)),
        _pairs(longer[0], longer[1], slice(BLOCK)),
        _pairs(longer[0], longer[1], slice(-BLOCK, None)),
    ]
    pairs = pd.concat(blocks, ignore_index=True).drop_duplicates(
        ["left", "right", "key_l", "key_r"], ignore_index=True
    )
    likeness = cpdist(pairs["core_l"].to_list(), pairs["core_r"].to_list(), scorer=fuzz.ratio)
    same_core = (pairs["core_l"] == pairs["core_r"]).to_numpy()
    place_l, place_r = pairs["place_l"], pairs["place_r"]
    elsewhere = ((place_l != place_r) & (place_l != "") & (place_r != "")).to_numpy()
    # Two places and two names are two enterprises.
    keep = same_core | ((likeness >= SIMILAR_MIN) & ~elsewhere)
    other_place = (place_l != place_r).to_numpy()
    pairs["reason"] = np.select(
        [~same_core, other_place], ["similar_name", "other_place"], "other_form"
    )
    provinces = left.province[pairs["left"]], right.province[pairs["right"]]
    apart = (provinces[0] != provinces[1]) & (provinces[0] != "") & (provinces[1] != "")
    score = (
        likeness / 100 * np.where(elsewhere, _OTHER_PLACE, 1) * np.where(apart, _OTHER_PROVINCE, 1)
    )
    pairs["score"] = score * np.where(pairs["reason"] == "other_form", _OTHER_FORM, 1)
    pairs = pairs[keep & (pairs["key_l"] != pairs["key_r"]).to_numpy()]
    pairs = pd.concat([pairs[COLUMNS], _same_short(names, right.names)], ignore_index=True)
    pairs = pairs[~clashes(left, right, pairs)].sort_values("score", ascending=False, kind="stable")
    return pairs.drop_duplicates(["left", "right"])[COLUMNS].reset_index(drop=True)


def _same_short(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    """Pairs that share a short name, as a company before and after renaming, or a group's members."""
    one, other = (n.loc[~n["legal"], ["unit", "key"]] for n in (left, right))
    pairs = _pairs(one, other, slice(None), "key")
    return pairs.assign(reason="short_name", score=_SHORT_NAME)


def _pairs(
    left: pd.DataFrame, right: pd.DataFrame, part: slice, column: str = "core"
) -> pd.DataFrame:
    """Names of both sides in one block, a part of a column, if that is small on both sides."""
    blocks = [n[column] if part == slice(None) else n[column].str[part] for n in (left, right)]
    # The smaller side says which blocks can matter at all.
    small, large = (1, 0) if len(right) < len(left) else (0, 1)
    shared = blocks[large].isin(blocks[small].unique())
    blocks[large] = blocks[large][shared]
    blocks[small] = blocks[small][blocks[small].isin(blocks[large].unique())]
    sides = []
    for names, block, side in zip((left, right), blocks, ("left", "right"), strict=True):
        kept = block[block.map(block.value_counts()) <= SHARED_MOST]
        sides.append(names.loc[kept.index].assign(block=kept).rename(columns={"unit": side}))
    return sides[0].merge(sides[1], on="block", suffixes=("_l", "_r"))


def describe(pairs: pd.DataFrame, left: Keyed, right: Keyed) -> pd.DataFrame:
    """Pairs of units with ids and names, best first, each pair once.

    Returns:
        Columns left, right, keep (right's id), other (left's id), keep_name, other_name, reason and
        score.
    """
    pairs = pairs.drop_duplicates(["left", "right"]).astype({"left": "int64", "right": "int64"})
    found = pairs.assign(
        keep=right.ids.to_numpy()[pairs["right"]],
        other=left.ids.to_numpy()[pairs["left"]],
        keep_name=right.written(pairs["right"]),
        other_name=left.written(pairs["left"]),
    )
    order = ["score", "keep", "other"]
    found = found.sort_values(order, ascending=[False, True, True], ignore_index=True)
    return found[["left", "right", *SHOWN]]


def review(stated: pd.DataFrame, decisions: Iterable[Decision] = ()) -> pd.DataFrame:
    """Pairs of enterprises in a store that may be one, for people to decide; best first.

    Args:
        stated: What every pack says of enterprises: the table's columns, PACK and SINCE.
        decisions: What was decided; those pairs are left out.

    Returns:
        Columns keep (the id that was there first), other, keep_name, other_name, reason and score.
        Two enterprises of one pack are no pair: within a pack the id is the identity.
    """
    ordered = stated.sort_values(SINCE, kind="stable", ignore_index=True)
    units = keyed(ordered)
    doubts = agreements(units, units)
    reason = np.select([doubts["clash"], doubts["weak"]], ["clash", "short_name"], "ambiguous")
    near = near_matches(units, units, np.ones(len(units), dtype=np.bool_))
    pairs = pd.concat([doubts.assign(reason=reason, score=1.0)[COLUMNS], near], ignore_index=True)
    # Units are numbered in order of appearance.
    pairs = pairs[pairs["right"] < pairs["left"]].reset_index(drop=True)
    at = units.ids.get_indexer(pd.Index(ordered["id"]))
    held = pd.DataFrame({"unit": at, PACK: ordered[PACK]})
    both = pairs[["left", "right"]].reset_index().merge(held, left_on="left", right_on="unit")
    both = both.merge(held, left_on=["right", PACK], right_on=["unit", PACK])
    apart = pairs[~pairs.index.isin(both["index"])]
    found = describe(apart, units, units)[SHOWN]
    return undecided(found, decisions)


def undecided(found: pd.DataFrame, decisions: Iterable[Decision]) -> pd.DataFrame:
    """Pairs about which nothing was decided."""
    decided = {frozenset((d.keep, d.other)) for d in decisions}
    ids = zip(found["keep"], found["other"], strict=True)
    left = np.fromiter((frozenset(pair) not in decided for pair in ids), np.bool_, len(found))
    return found[left].reset_index(drop=True)
