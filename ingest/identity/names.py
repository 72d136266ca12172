"""Names of enterprises made comparable: what is the same name written differently, and its parts.

Everything works on whole columns: OpenCC converts all names in one call, the rest is Arrow.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from opencc import OpenCC

from ...graph import regions

#: Where a name ends in one of these it is the registered one, not a short or brand name.
_FORMS = (
    r"股份有限公司|有限公司|公司|有限合伙|普通合伙|合作社|事务所|研究院|研究所|总厂|厂|株式会社"
    r"|coltd|ltd|inc|corp|gmbh|llc|plc"
)
_LEGAL = rf"(?:{_FORMS})$"
#: What says little about who it is, at the end of a name: the core ends before it.
_TAIL = rf"(?:集团|控股|总)*(?:{_FORMS}|集团|co|ag|sa|nv|bv|kk)$"
#: Same legal form, other spelling; in this order.
_SPELLINGS = (
    ("有限责任公司", "有限公司"),
    ("股份公司", "股份有限公司"),
    ("corporation", "corp"),
    ("incorporated", "inc"),
    ("limited", "ltd"),
    ("company", "co"),
)
#: How exchanges mark short names: ST before, share class or special voting rights behind.
_MARK_BEFORE, _MARK_BEHIND = "^s?st([一-龥])", "([一-龥])(?:uw|[abuw])$"
#: 市 before one of these belongs to the word and not to the place: 武汉|市政.
_WORDS_OF_CITY = list("政场民容")
#: Letters of the longest place that is looked for in every name.
_SHORT = 5
_PLACE_SUFFIX = re.compile(r"(?:特别行政区|(?:[壮回]族|维吾尔)?自治区|省|市|县)$")


_BRACKETS = [(mark, "(") for mark in "[{〔【〖<《"] + [(mark, ")") for mark in "]}〕】〗>》"]


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")


@cache
def _places() -> Mapping[str, str]:
    """Beginnings of names that are places, with the one short form they are compared by.

    A province before one of its cities or counties is dropped: 湖北省武汉市 and 武汉 are one.
    """
    labels = {c: n for c, n in regions.names().items() if c != regions.COUNTRY}
    stripped = {code: _PLACE_SUFFIX.sub("", label) for code, label in labels.items()}
    owners = Counter(short for short, _ in {(stripped[c], n) for c, n in labels.items()})
    shorts: dict[str, str] = {}
    forms: dict[str, tuple[str, ...]] = {}
    for code, label in labels.items():
        short = stripped[code]
        if short == label or len(short) < 2:
            continue
        county = regions.level(code) == "county"
        # Where two places share a short name (吉林省, 吉林市), only the higher one goes by it.
        alone = owners[short] == 1 or regions.level(code) == "province"
        shorts[code] = short if alone else label
        # County names are words too often (新兴县) to go by their short form; most cities of that
        # level were counties once, and names keep that.
        forms[code] = (label, short + "县") if county and alone else (label,)
        if alone and not county:
            forms[code] = (label, short)
    found: dict[str, str] = {}
    for code, spelled in forms.items():
        above = forms.get(regions.province(code), ())
        for form in spelled:
            found.setdefault(form, shorts[code])
            if regions.level(code) != "province":
                found.update({higher + form: shorts[code] for higher in above})
    return found


@cache
def _by_length() -> Mapping[int, tuple[pa.Array, pa.Array]]:
    """The places by the length of their names, longest first, with their short forms."""
    found: dict[int, dict[str, str]] = {}
    for form, short in _places().items():
        found.setdefault(len(form), {})[form] = short
    return {
        length: (pa.array(list(found[length])), pa.array(list(found[length].values())))
        for length in sorted(found, reverse=True)
    }


@cache
def _begun() -> pa.Array:
    """How the places with long names begin."""
    return pa.array(sorted({form[:_SHORT] for form in _places() if len(form) > _SHORT}))


def _split_place(names: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The place a name begins with, in its one form, and the rest; "" where it begins with none."""
    place = pa.array([""] * len(names), pa.string())
    rest = names
    # Most names begin with no long form, so only those that may are looked at again and again.
    long = pc.is_in(pc.utf8_slice_codeunits(names, 0, _SHORT), value_set=_begun())
    found = _longest(pc.filter(names, long), lambda length: length > _SHORT)
    place, rest = (
        pc.replace_with_mask(old, long, new) for old, new in zip((place, rest), found, strict=True)
    )
    short = pc.equal(place, "")
    found = _longest(pc.filter(names, short), lambda length: length <= _SHORT)
    place, rest = (
        pc.replace_with_mask(old, short, new) for old, new in zip((place, rest), found, strict=True)
    )
    return place, rest


def _longest(names: pa.Array, wanted: Callable[[int], bool]) -> tuple[pa.Array, pa.Array]:
    """As :func:`_split_place`, with forms of the wanted lengths only."""
    place = pa.array([""] * len(names), pa.string())
    rest = names
    for length, (forms, shorts) in _by_length().items():
        if not wanted(length):
            continue
        at = pc.index_in(pc.utf8_slice_codeunits(names, 0, length), value_set=forms)
        hit = pc.and_(pc.is_valid(at), pc.equal(place, ""))
        following = pc.utf8_slice_codeunits(names, length, length + 1)
        of_word = pc.is_in(following, value_set=pa.array(_WORDS_OF_CITY))
        by_city = pc.equal(pc.utf8_slice_codeunits(names, length - 1, length), "市")
        hit = pc.and_(hit, pc.invert(pc.and_(of_word, by_city)))
        place = pc.if_else(hit, pc.take(shorts, at), place)
        rest = pc.if_else(hit, pc.utf8_slice_codeunits(names, length), rest)
    return place, rest


def _tidied(names: pd.Series) -> pa.Array:
    """Width, case, brackets, script and spellings of the legal form made one.

    All names are one text meanwhile, which OpenCC and Python's own string methods pass through much
    faster than a million short ones.
    """
    if not len(names):
        return pa.array([], pa.string())
    lines = names.fillna("").str.replace("\n", " ", regex=False).tolist()
    text = unicodedata.normalize("NFKC", "\n".join(lines)).lower()
    for mark, bracket in _BRACKETS:
        text = text.replace(mark, bracket)
    text = _converter().convert(text)
    cells = pa.array(text.split("\n"), pa.string())
    # Neither letter, digit nor bracket: no part of what is compared.
    cells = pc.replace_substring_regex(cells, r"[^\pL\pN()]+", "")
    for old, new in _SPELLINGS:
        cells = pc.replace_substring(cells, old, new)
    return cells


def _unbracketed(cells: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(cells, r"[()]", "")


def name_parts(names: pd.Series) -> pd.DataFrame:
    """What names are compared by.

    Args:
        names: Names as written, missing where unknown.

    Returns:
        Text columns with the index of ``names``: ``key``, equal where two ways of writing give the
        same name; ``core``, the name without places and legal form; ``place``, the place it begins
        with or has in brackets; and ``legal``, whether it is a registered name rather than a short
        one. Text is "" where there is none.

    >>> parts = name_parts(pd.Series(["湖北省武汉市東湖光電（集團）有限责任公司", "武汉东湖光电集团有限公司"]))
    >>> parts["key"].tolist()
    ['武汉东湖光电集团有限公司', '武汉东湖光电集团有限公司']
    >>> parts.iloc[1][["core", "place"]].tolist(), bool(parts["legal"].all())
    (['东湖光电', '武汉'], True)
    """
    cells = _tidied(names)
    plain = _unbracketed(cells)
    legal = pc.match_substring_regex(plain, _LEGAL)
    unmarked = pc.replace_substring_regex(plain, _MARK_BEFORE, r"\1")
    unmarked = pc.replace_substring_regex(unmarked, _MARK_BEHIND, r"\1")
    plain = pc.if_else(legal, plain, unmarked)
    place, rest = _split_place(plain)
    key = pc.binary_join_element_wise(place, rest, "")

    inner = pc.struct_field(pc.extract_regex(cells, r"\((?P<inner>[^()]{2,12})\)"), [0])
    inner = pc.fill_null(inner, "")
    table = _places()
    known = pa.array(list(table), pa.string())
    in_brackets = pc.is_in(inner, value_set=known)
    outside = pc.replace_substring_regex(pc.filter(cells, in_brackets), r"\([^()]*\)", "")
    rest = pc.replace_with_mask(rest, in_brackets, _split_place(_unbracketed(outside))[1])
    core = pc.replace_substring_regex(rest, _TAIL, "")
    bracketed = pc.take(pa.array(list(table.values()), pa.string()), pc.index_in(inner, known))
    place = pc.if_else(pc.equal(place, ""), pc.fill_null(bracketed, ""), place)
    columns = pa.table({"key": key, "core": core, "place": place, "legal": legal})
    text = pd.StringDtype(na_value=np.nan)
    frame: pd.DataFrame = columns.to_pandas(
        types_mapper=lambda t: None if pa.types.is_boolean(t) else text
    )
    return frame.set_axis(names.index)
