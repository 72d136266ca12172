"""What tells enterprises apart or says they are one: codes, names, and where these agree or clash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd
from stdnum.cn import uscc

from ...graph import regions
from .names import name_parts

Units = npt.NDArray[np.int64]

#: How two enterprises were found to be one, strongest first, with the words an officer reads.
MATCHES: Mapping[str, str] = MappingProxyType(
    {
        "decision": "人工确认",
        "id": "编码相同",
        "credit_code": "统一社会信用代码相同",
        "stock_code": "证券代码相同",
        "name": "名称相同",
        "alias": "曾用名或别名相同",
    }
)
_BIT = {match: 1 << bit for bit, match in enumerate(reversed(list(MATCHES)))}
#: A name that more enterprises than this share identifies none of them.
SHARED_MOST = 20

_CREDIT = r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}"
_MAINLAND = r"^(?:SH|SZ|BJ)?\.?(?P<code>\d{6})(?:\.(?:SH|SS|SZ|BJ|NQ|OC|XSHG|XSHE))?$"
_HONG_KONG = r"^(?:HK\.?(?P<before>\d{1,5})|(?P<behind>\d{1,5})\.HK)$"
#: Kinds of mainland codes: a company may have one of each (an A and a B share, a code of the
#: Beijing exchange before and after its renumbering of 2025), but not two of a kind.
_BOARDS = (("900", "B"), ("200", "B"), ("92", "BJ"), ("4", "NQ"), ("8", "NQ"))


@dataclass(frozen=True)
class Keyed:
    """Enterprises by their keys. A unit is one enterprise: all rows with one id.

    Attributes:
        ids: Id of each unit, in order of first appearance, shape (n,).
        codes: Credit and stock codes: unit, match, value, board (of a board there is one only).
        names: Names and aliases: unit, match (name or alias), value (as written), key, core, place,
            legal.
        country: Country of each unit, "" where unknown, shape (n,).
        province: First two digits of each unit's region, "" where unknown, shape (n,).
    """

    ids: pd.Index
    codes: pd.DataFrame
    names: pd.DataFrame
    country: npt.NDArray[np.str_]
    province: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.ids)

    def written(self, units: pd.Series) -> npt.NDArray[np.object_]:
        """The name of units as first written, "" where they have none."""
        own = self.names[self.names["match"] == "name"].drop_duplicates("unit")
        named = own.set_index("unit")["value"].reindex(units).fillna("")
        return named.to_numpy(dtype=object)

    def pick(self, wanted: npt.NDArray[np.bool_]) -> pd.DataFrame:
        """Names of the wanted units only."""
        names: pd.DataFrame = self.names[wanted[self.names["unit"].to_numpy()]]
        return names


def keyed(enterprises: pd.DataFrame) -> Keyed:
    """The keys of enterprises.

    Args:
        enterprises: Columns of the table ``enterprises`` (id and name; aliases, stock_code, country
            and region where there); cleaned, so an id of the shape of a credit code is one. Rows of
            several packs about one id, and their different names, all count.
    """
    frame = enterprises.reset_index(drop=True)
    units, ids = pd.factorize(frame["id"])
    unit = pd.Series(units, dtype="int64")
    aliases = _listed(frame, "aliases", unit, "[;；]")
    credit_like = aliases["value"].str.fullmatch(_CREDIT).fillna(False).astype(bool)
    valid = [uscc.is_valid(value) for value in aliases.loc[credit_like, "value"]]
    own = frame["id"].str.fullmatch(_CREDIT).fillna(False).astype(bool)
    credit = pd.concat(
        [
            pd.DataFrame({"unit": unit[own], "value": frame.loc[own, "id"]}),
            aliases[credit_like][valid],
        ]
    ).assign(match="credit_code", board="credit")
    stock = _stock(_listed(frame, "stock_code", unit, r"[;；,，/\s]+"))
    codes = pd.concat([credit, stock], ignore_index=True).drop_duplicates()
    return Keyed(
        pd.Index(ids),
        codes,
        _names(frame, unit, aliases[~credit_like]),
        _first(frame, "country", unit, len(ids)),
        _first(frame, "region", unit, len(ids)).astype("<U2"),
    )


def _names(frame: pd.DataFrame, unit: pd.Series, aliases: pd.DataFrame) -> pd.DataFrame:
    own = pd.DataFrame({"unit": unit, "match": "name", "value": frame["name"]})
    both = pd.concat([own, aliases.assign(match="alias")], ignore_index=True)
    both = both[both["value"].notna()].drop_duplicates(["unit", "value"], ignore_index=True)
    parts = pd.concat([both[["unit", "match", "value"]], name_parts(both["value"])], axis=1)
    # A place and a legal form alone are no name, and a number (a list's own id) is none either.
    told = (parts["core"] != "") & (parts["key"].str.len() >= 2)
    told &= ~parts["key"].str.fullmatch(r"\d+").astype(bool)
    return parts[told].drop_duplicates(["unit", "key"], ignore_index=True)


def _listed(frame: pd.DataFrame, column: str, unit: pd.Series, separator: str) -> pd.DataFrame:
    """Values of a list column: unit and value."""
    if column not in frame:
        return pd.DataFrame({"unit": unit[:0], "value": pd.Series(dtype="str")})
    cells = frame[column].dropna()
    values = cells.str.strip().str.split(separator, regex=True).explode()
    values = values[values != ""]
    return pd.DataFrame({"unit": unit.loc[values.index], "value": values.astype("str")})


def _first(frame: pd.DataFrame, column: str, unit: pd.Series, size: int) -> npt.NDArray[np.str_]:
    if column not in frame:
        return np.full(size, "", dtype="<U6")
    known = frame[column].notna() & (frame[column] != regions.COUNTRY)
    found = frame.loc[known, column].groupby(unit[known]).first().reindex(range(size)).fillna("")
    return found.to_numpy(dtype=object).astype("<U6")


def _stock(cells: pd.DataFrame) -> pd.DataFrame:
    """Stock codes in one spelling, each with its board.

    ``600585``, ``SH600585`` and ``600585.SH`` are one; so are ``700.HK`` and ``00700.HK``. Codes of
    other exchanges stay as they are, and their board is what stands behind the last dot.
    """
    raw = cells["value"].str.upper()
    mainland = raw.str.extract(_MAINLAND)["code"]
    hong_kong = raw.str.extract(_HONG_KONG)
    digits = hong_kong["before"].fillna(hong_kong["behind"])
    tail = raw.str.extract(r"\.(?P<tail>[A-Z]+)$")["tail"].fillna("")
    board = "." + tail
    board = board.mask(mainland.notna(), "A").mask(digits.notna(), "HK")
    for start, name in _BOARDS:
        board = board.mask(mainland.str.startswith(start).fillna(False).astype(bool), name)
    value = mainland.fillna("HK" + digits.str.zfill(5)).fillna(raw)
    return pd.DataFrame(
        {"unit": cells["unit"], "value": value, "match": "stock_code", "board": board}
    )


def agreements(left: Keyed, right: Keyed) -> pd.DataFrame:
    """Pairs of units that agree in a key.

    Names agree with names and with aliases; two aliases agree only where both are registered names,
    because a group and its subsidiaries share their short ones.

    Returns:
        One row per pair: left, right (units), strength (bits by rank of the keys that agree),
        match (the strongest), ``weak`` (only short names agree, and the provinces differ) and
        ``clash`` (two codes of a kind differ or, where only names agree, the countries do).
    """
    found = [
        _join(left.codes[left.codes["match"] == m], right.codes[right.codes["match"] == m], "value")
        .assign(match=m, weak=False)
        .loc[:, _PAIR]
        for m in ("credit_code", "stock_code")
    ]
    same_id = right.ids.get_indexer(left.ids)
    ones = np.flatnonzero(same_id >= 0)
    found.append(pd.DataFrame({"left": ones, "right": same_id[ones], "match": "id", "weak": False}))
    found.append(_same_names(left.names, right.names))
    pairs = pd.concat(found, ignore_index=True)
    pairs["strength"] = pairs["match"].map(_BIT).astype("int64")
    pairs = pairs.drop_duplicates(["left", "right", "strength", "weak"])
    groups = pairs.groupby(["left", "right"], sort=True)
    merged = groups.agg(strength=("strength", "sum"), top=("strength", "max"), weak=("weak", "all"))
    merged = merged.reset_index()
    merged["match"] = merged["top"].map({bit: match for match, bit in _BIT.items()})
    abroad = _differ(left.country, right.country, merged)
    by_name = merged["match"].isin(["name", "alias"]).to_numpy()
    merged["clash"] = clashes(left, right, merged) | (abroad & by_name)
    # A short name is one of a kind only within a province.
    merged["weak"] &= _differ(left.province, right.province, merged) & by_name
    return merged.drop(columns="top")


_PAIR = ["left", "right", "match", "weak"]


def _same_names(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    pairs = _join(_few(left), _few(right), "key")
    by_name = (pairs["match_l"] == "name") & (pairs["match_r"] == "name")
    aliases = (pairs["match_l"] == "alias") & (pairs["match_r"] == "alias")
    pairs["match"] = np.where(by_name, "name", "alias")
    # Which of the two kinds a name is follows from the name, so it is the same on both sides.
    pairs["weak"] = ~pairs["legal_l"].astype(bool)
    shared_short = aliases & pairs["weak"]
    # One row a pair and match: a registered name that agrees outweighs a short one.
    pairs = pairs[~shared_short].sort_values("weak", kind="stable")
    return pairs.drop_duplicates(["left", "right", "match"])[_PAIR]


def _few(names: pd.DataFrame) -> pd.DataFrame:
    """Names without those that too many enterprises share."""
    return names[names.groupby("key")["unit"].transform("size") <= SHARED_MOST]


def _join(left: pd.DataFrame, right: pd.DataFrame, on: str) -> pd.DataFrame:
    renamed = left.rename(columns={"unit": "left"}), right.rename(columns={"unit": "right"})
    return renamed[0].merge(renamed[1], on=on, suffixes=("_l", "_r"))


def clashes(left: Keyed, right: Keyed, pairs: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which pairs cannot be one enterprise: they have codes on one board, and all of them differ.

    Args:
        left: Units of the column ``left``.
        right: Units of the column ``right``.
        pairs: Columns left and right.

    Returns:
        Mask of the length of ``pairs``.
    """
    at = pairs[["left", "right"]].reset_index(drop=True)
    at["pair"] = at.index
    one, other = left.codes[["unit", "board", "value"]], right.codes[["unit", "board", "value"]]
    both = at.merge(one, left_on="left", right_on="unit").merge(
        other, left_on=["right", "board"], right_on=["unit", "board"], suffixes=("_l", "_r")
    )
    equal = (both["value_l"] == both["value_r"]).groupby([both["pair"], both["board"]]).any()
    differ = np.zeros(len(at), dtype=np.bool_)
    differ[equal.index.get_level_values("pair")[~equal.to_numpy(dtype=bool)]] = True
    return differ


def _differ(
    left: npt.NDArray[np.str_], right: npt.NDArray[np.str_], pairs: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """Where both sides of pairs have a value and it is not the same."""
    here, there = left[pairs["left"]], right[pairs["right"]]
    return np.asarray((here != "") & (there != "") & (here != there), dtype=np.bool_)
