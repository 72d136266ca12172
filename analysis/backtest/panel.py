"""Snapshots of listed companies as one panel of firms with city, industry, listing date and text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...graph.chain import Codes, Floats
from ...graph.errors import ReadError

Dates = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]

#: Columns of a snapshot; all but ``code`` may be empty.
COLUMNS = (
    "code",
    "name",
    "province",
    "city",
    "listed_on",
    "set_up_on",
    "industry",
    "revenue",
    "employees",
    "text",
)
#: What a later snapshot may fill in because it hardly changes; revenue and employees never.
BACKFILLED = ("province", "city", "industry", "text")


@dataclass(frozen=True)
class Snapshot:
    """The companies known on a date; ``table`` has :data:`COLUMNS` as text, "" where unknown."""

    on: date
    table: pd.DataFrame


@dataclass(frozen=True)
class Panel:
    """Firms that were listed on T0, and those that a later snapshot shows as listed since.

    Attributes:
        start: T0, the date of the last but one snapshot.
        end: Date of the outcome.
        cities: Names, shape (C,).
        provinces: Name of each city's province, (C,).
        industries: Names, (I,).
        city: Position of each firm's city, (n,).
        industry: Position of its industry, (n,).
        listed: Day of listing; the earliest date where unknown, (n,).
        gone: Day from which it is no longer there, in the far future for most, (n,).
        text: Name-blind description, (n,).
        leakage: Findings of the leakage check: {check, count, detail}; count 0 is clean.
        counts: What was used and what was left out.
    """

    start: np.datetime64
    end: np.datetime64
    cities: tuple[str, ...]
    provinces: tuple[str, ...]
    industries: tuple[str, ...]
    city: Codes
    industry: Codes
    listed: Dates
    gone: Dates
    text: tuple[str, ...]
    leakage: tuple[Mapping[str, object], ...]
    counts: Mapping[str, int]

    def here(self, on: np.datetime64) -> Mask:
        """Firms that were listed on a day, shape (n,)."""
        return (self.listed <= on) & (on < self.gone)

    def new(self, after: np.datetime64, until: np.datetime64) -> Codes:
        """Positions of firms that were listed after a day and not after another."""
        return np.flatnonzero((self.listed > after) & (self.listed <= until))

    def counted(self, firms: Mask | Codes) -> Floats:
        """Number of the given firms by city and industry, shape (C, I)."""
        result = np.zeros((len(self.cities), len(self.industries)))
        np.add.at(result, (self.city[firms], self.industry[firms]), 1.0)
        return result


_PEOPLES = "壮|回|藏|彝|苗|侗|傣|白|羌|土家|朝鲜|布依|哈尼|景颇|傈僳|蒙古|哈萨克|维吾尔|柯尔克孜"
_RANK = re.compile(rf"(省|市|地区|盟|(({_PEOPLES})族?)*自治[区州])+$")
_FAR = np.datetime64("9999-12-31")


def build(snapshots: Sequence[Snapshot]) -> Panel:
    """A panel from two or more snapshots.

    Args:
        snapshots: In any order; the last is the outcome, the one before it T0. Earlier ones add the
            firms that were gone by T0.

    Raises:
        ReadError: Fewer than two snapshots, or nothing to learn or to test on.
    """
    ordered = sorted(snapshots, key=lambda s: s.on)
    if len(ordered) < 2:
        raise ReadError("回测至少需要两个快照：最后一个是结果，前一个是起点。")
    *earlier, first, last = ordered
    start, end = np.datetime64(first.on), np.datetime64(last.on)
    outcome = _typed(last.table)
    base = _typed(first.table)
    leakage: list[Mapping[str, object]] = []

    late = outcome["listed"] > end
    leakage.append(
        _finding("listed_after_outcome", outcome[late], "结果快照中晚于快照日期上市，已剔除")
    )
    outcome = outcome[~late]
    future = base["listed"] > start
    leakage.append(_finding("listed_after_start", base[future], "起点快照中晚于起点上市，已剔除"))
    base = base[~future]
    _revenue_leak(base, outcome, leakage)

    base, filled = _backfill(base, outcome)
    known = set(base["code"])
    fresh = outcome[~outcome["code"].isin(known)]
    undated = fresh["listed"].isna() | (fresh["listed"] <= start)
    hidden = fresh[~undated]
    past = _gone_before(earlier, known, outcome)
    firms = pd.concat([base.assign(gone=_FAR), hidden.assign(gone=_FAR), past], ignore_index=True)
    placed = (firms["city"] != "") & (firms["industry"] != "")
    moved = base.merge(outcome[["code", "city"]], on="code", suffixes=("", "_then"))
    counts = {
        "start_firms": len(base),
        "outcome_firms": len(outcome),
        "new_firms": int(placed[len(base) : len(base) + len(hidden)].sum()),
        "new_without_date_or_listed_before_start": int(undated.sum()),
        "left_out_without_city_or_industry": int((~placed).sum()),
        "relocated": int(
            ((moved["city"] != moved["city_then"]) & (moved["city_then"] != "")).sum()
        ),
        "delisted_before_start": len(past),
        **{f"backfilled_{name}": n for name, n in filled.items()},
    }
    firms = firms[placed].reset_index(drop=True)
    if not (firms["listed"] > start).any() or not len(firms):
        raise ReadError("结果快照中没有起点之后上市、城市和行业已知的企业。")
    text = name_blind(firms)
    fresh_rows = (firms["listed"] > start).to_numpy()
    named = np.asarray([bare(c) in t for c, t in zip(firms["city"], text, strict=True)], dtype=bool)
    leakage.append(
        _finding("text_names_own_city", firms[fresh_rows & named], "去除地名后的文本仍含所在城市")
    )
    cities, city = np.unique(firms["city"].to_numpy(dtype=str), return_inverse=True)
    industries, industry = np.unique(firms["industry"].to_numpy(dtype=str), return_inverse=True)
    common = firms.groupby(["city", "province"]).size().sort_values(ascending=False, kind="stable")
    province = common.reset_index().drop_duplicates("city").set_index("city")["province"]
    return Panel(
        start=start,
        end=end,
        cities=tuple(cities.tolist()),
        provinces=tuple(str(province.at[c]) for c in cities.tolist()),
        industries=tuple(industries.tolist()),
        city=city.astype(np.int64),
        industry=industry.astype(np.int64),
        listed=firms["listed"].fillna(pd.Timestamp("1990-01-01")).to_numpy("datetime64[D]"),
        gone=firms["gone"].to_numpy("datetime64[D]"),
        text=tuple(text),
        leakage=tuple(leakage),
        counts=counts,
    )


def bare(place: str) -> str:
    """A place without its rank, as texts call it.

    >>> bare("武汉市"), bare("广西壮族自治区"), bare("延边朝鲜族自治州")
    ('武汉', '广西', '延边')
    """
    return _RANK.sub("", place) or place


def name_blind(firms: pd.DataFrame) -> list[str]:
    """Texts without names of places and of the firm itself.

    Half of all legal names hold the city; a ranking that reads it would look twice as good.
    """
    places = {p for p in (*firms["city"], *firms["province"]) if p}
    words = sorted(
        (w for w in places | {bare(p) for p in places} if len(w) > 1), key=len, reverse=True
    )
    pattern = re.compile("|".join(map(re.escape, words)) or r"(?!)")
    result = []
    for text, name in zip(firms["text"], firms["name"], strict=True):
        core = re.sub(r"(股份|有限|责任|公司|集团|控股)+", "", pattern.sub("", name))
        plain = pattern.sub("", text)
        result.append(plain.replace(core, "") if len(core) > 1 else plain)
    return result


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    frame = table[list(COLUMNS)].astype(object).fillna("").astype(str)
    frame = frame[frame["code"] != ""].drop_duplicates("code")
    # A municipality is a city of its own; elsewhere a city called like its province is unknown.
    municipality = frame["province"].str.startswith(("北京", "上海", "天津", "重庆"))
    same = frame["city"].str.removesuffix("市") == frame["province"].str.removesuffix("省")
    frame.loc[same & ~municipality, "city"] = ""
    frame.loc[municipality, "city"] = (
        frame.loc[municipality, "province"].str.removesuffix("市") + "市"
    )
    listed = pd.to_datetime(frame["listed_on"], format="%Y-%m-%d", errors="coerce")
    return frame.assign(listed=listed.astype("datetime64[s]"))


def _finding(check: str, rows: pd.DataFrame, detail: str) -> Mapping[str, object]:
    return {
        "check": check,
        "count": len(rows),
        "detail": detail,
        "codes": sorted(rows["code"])[:20],
    }


def _revenue_leak(
    base: pd.DataFrame, outcome: pd.DataFrame, leakage: list[Mapping[str, object]]
) -> None:
    """A firm whose revenue or size at T0 is the very figure of the outcome was not known at T0."""
    both = base.merge(outcome, on="code", suffixes=("", "_then"))
    for name in ("revenue", "employees"):
        given = both[both[name] != ""]
        same = given[given[name] == given[f"{name}_then"]]
        copied = same if len(same) > 0.05 * len(given) else same.iloc[:0]
        leakage.append(_finding(f"{name}_of_outcome", copied, "起点快照的数字与结果快照完全相同"))


def _backfill(base: pd.DataFrame, outcome: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Fill what T0 does not state from the outcome, and say how often."""
    later = outcome.set_index("code")
    result = base.copy()
    filled = {}
    # Industries of another classification cannot be compared; those of the outcome are taken.
    vocabulary = set(outcome["industry"]) - {""}
    stated = result["industry"][result["industry"] != ""]
    if len(stated) and stated.isin(vocabulary).mean() < 0.5:
        result["industry"] = ""
    for name in BACKFILLED:
        empty = result[name] == ""
        found = result.loc[empty, "code"].map(later[name]).astype(object).fillna("").astype(str)
        result.loc[empty, name] = found
        filled[name] = int((found != "").sum())
    return result, filled


def _gone_before(
    earlier: Sequence[Snapshot], known: set[str], outcome: pd.DataFrame
) -> pd.DataFrame:
    """Firms of earlier snapshots that T0 no longer has, until the first snapshot without them."""
    parts = []
    seen = set(known)
    for at in range(len(earlier) - 1, -1, -1):
        frame, _ = _backfill(_typed(earlier[at].table), outcome)
        following = earlier[at + 1].on if at + 1 < len(earlier) else None
        left = frame[~frame["code"].isin(seen)]
        gone = _FAR if following is None else np.datetime64(following)
        parts.append(
            left.assign(gone=gone if following is not None else np.datetime64(earlier[at].on))
        )
        seen |= set(left["code"])
    return (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*outcome, "gone"])
    )
