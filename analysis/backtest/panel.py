"""Snapshots of listed companies as one panel of firms with city, industry, listing date and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...graph.chain import Codes, Floats
from ...graph.errors import ReadError
from . import leaks
from .leaks import Finding
from .places import canonical, inside
from .texts import bare, name_blind

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
        set_up: Day it was set up, in days since 1970; NaN where unknown, (n,).
        moved: 1 where the outcome shows another city than T0, 0 the same, -1 not both known, (n,).
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
    set_up: Floats
    moved: Codes
    text: tuple[str, ...]
    leakage: tuple[Finding, ...]
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
    outcome, base = _typed(last.table), _typed(first.table)
    late, future = outcome["listed"] > end, base["listed"] > start
    leakage = [
        leaks.finding(
            "listed_after_outcome", _codes(outcome[late]), "结果快照中晚于快照日期上市，已剔除"
        ),
        leaks.finding("listed_after_start", _codes(base[future]), "起点快照中晚于起点上市，已剔除"),
        *_early(earlier),
    ]
    outcome, base = outcome[~late], base[~future]
    leakage += leaks.figures_of_outcome(base, outcome)
    leakage.append(leaks.text_of_the_future(base, first.on.year))

    base, filled = _backfill(base, outcome)
    known = set(base["code"])
    fresh = outcome[~outcome["code"].isin(known)]
    undated = fresh["listed"].isna() | (fresh["listed"] <= start)
    hidden = fresh[~undated]
    past = _gone_before(earlier, known, outcome)
    firms = pd.concat([base.assign(gone=_FAR), hidden.assign(gone=_FAR), past], ignore_index=True)
    placed = (firms["city"] != "") & (firms["industry"] != "")
    then = outcome.set_index("code")["city"]
    firms["moved"] = _moved(firms, then, len(base))
    counts = {
        "start_firms": len(base),
        "outcome_firms": len(outcome),
        "new_firms": int(placed[len(base) : len(base) + len(hidden)].sum()),
        "new_without_date_or_listed_before_start": int(undated.sum()),
        "left_out_without_city_or_industry": int((~placed).sum()),
        "relocated": int((firms["moved"] == 1).sum()),
        "delisted_before_start": len(past),
        "repeated_codes": sum(int(_repeated(s.table).sum()) for s in ordered),
        "unreadable_dates": sum(_unreadable(s.table) for s in ordered),
        **{f"backfilled_{name}": n for name, n in filled.items()},
    }
    firms = firms[placed].reset_index(drop=True)
    if not (firms["listed"] > start).any():
        raise ReadError("结果快照中没有起点之后上市、城市和行业已知的企业。")
    if not (firms["listed"].isna() | (firms["listed"] <= start)).any():
        raise ReadError("起点快照中没有城市和行业已知的企业，无从学习。")
    return _panel(firms, start, end, leakage, counts)


def _panel(
    firms: pd.DataFrame,
    start: np.datetime64,
    end: np.datetime64,
    leakage: list[Finding],
    counts: Mapping[str, int],
) -> Panel:
    """The panel of firms whose city and industry are known."""
    places = [*firms["city"], *firms["province"]]
    text = name_blind(firms["text"], firms["name"], [*places, *inside(firms["city"])])
    fresh = (firms["listed"] > start).to_numpy()
    named = np.asarray([bare(c) in t for c, t in zip(firms["city"], text, strict=True)], dtype=bool)
    leakage = [
        *leakage,
        leaks.finding(
            "text_names_own_city", _codes(firms[fresh & named]), "去除地名后的文本仍含所在城市"
        ),
    ]
    # Cities of one name in two provinces are two cities.
    cities, city = np.unique(
        firms["city"].to_numpy(dtype=str) + "\n" + firms["province"].to_numpy(dtype=str),
        return_inverse=True,
    )
    split = [name.split("\n") for name in cities.tolist()]
    industries, industry = np.unique(firms["industry"].to_numpy(dtype=str), return_inverse=True)
    set_up = firms["set_up"].to_numpy("datetime64[D]")
    days = set_up.astype(np.int64).astype(float)
    return Panel(
        start=start,
        end=end,
        cities=tuple(name for name, _ in split),
        provinces=tuple(province for _, province in split),
        industries=tuple(industries.tolist()),
        city=city.astype(np.int64),
        industry=industry.astype(np.int64),
        listed=firms["listed"].fillna(pd.Timestamp("1990-01-01")).to_numpy("datetime64[D]"),
        gone=firms["gone"].to_numpy("datetime64[D]"),
        set_up=np.where(np.isnat(set_up), np.nan, days),
        moved=firms["moved"].to_numpy(dtype=np.int64),
        text=tuple(text),
        leakage=tuple(leakage),
        counts=counts,
    )


def _codes(rows: pd.DataFrame) -> list[str]:
    return [str(code) for code in rows["code"]]


def _cells(table: pd.DataFrame) -> pd.DataFrame:
    """A snapshot as text, blanks around it cut off; columns that it lacks are empty."""
    frame: pd.DataFrame = table.reindex(columns=list(COLUMNS)).astype(object).fillna("").astype(str)
    for name in COLUMNS:
        frame[name] = frame[name].str.strip()
    return frame


def _repeated(table: pd.DataFrame) -> pd.Series:
    codes = _stock_codes(_cells(table)["code"])
    return codes[codes != ""].duplicated()


def _stock_codes(written: pd.Series) -> pd.Series:
    """Codes of shares without their exchange, so that lists of both habits meet; others as written.

    >>> _stock_codes(pd.Series(["000001.SZ", "1", "sh600000", "HK-9"])).tolist()
    ['000001', '000001', '600000', 'HK-9']
    """
    pattern = r"(?i)^(?:s[hz]|bj)?\.?(\d{1,6})(?:\.(?:s[hsz]|bj|xshe|xshg))?$"
    digits = written.str.extract(pattern, expand=False).str.zfill(6)
    return digits.where(digits.notna(), written)


def _unreadable(table: pd.DataFrame) -> int:
    frame = _cells(table)
    return sum(
        int(((frame[name].str.strip("-") != "") & _days(frame[name]).isna()).sum())
        for name in ("listed_on", "set_up_on")
    )


def _days(written: pd.Series) -> pd.Series:
    """Dates as lists write them: 2019-05-01, 2019/5/1, 20190501, 2019年5月1日; NaT where none.

    >>> _days(pd.Series(["2019/5/1", "20190501 00:00", "2019-02-30", ""])).dt.day.tolist()
    [1.0, 1.0, nan, nan]
    """
    parts = written.str.extract(
        r"^((?:19|20)\d{2})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[ T].*)?$"
    ).fillna("")
    joined = parts[0] + "-" + parts[1].str.zfill(2) + "-" + parts[2].str.zfill(2)
    found = pd.to_datetime(joined, format="%Y-%m-%d", errors="coerce")
    return found.astype("datetime64[s]")


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    frame = _cells(table)
    frame["code"] = _stock_codes(frame["code"])
    frame = frame[frame["code"] != ""].drop_duplicates("code").reset_index(drop=True)
    places = [canonical(c, p) for c, p in zip(frame["city"], frame["province"], strict=True)]
    return frame.assign(
        city=[city for city, _ in places],
        province=[province for _, province in places],
        listed=_days(frame["listed_on"]),
        set_up=_days(frame["set_up_on"]),
    )


def _early(earlier: Sequence[Snapshot]) -> list[Finding]:
    """Rows of earlier snapshots that were listed after the snapshot's own date."""
    if not earlier:
        return []
    codes: list[str] = []
    for snapshot in earlier:
        frame = _typed(snapshot.table)
        codes += _codes(frame[frame["listed"] > np.datetime64(snapshot.on)])
    return [
        leaks.finding("listed_after_earlier_snapshot", codes, "更早快照中晚于快照日期上市，已剔除")
    ]


def _moved(firms: pd.DataFrame, then: pd.Series, base: int) -> Codes:
    later = firms["code"].map(then).astype(object).fillna("").to_numpy(dtype=str)
    now = firms["city"].to_numpy(dtype=str)
    both = (later != "") & (now != "") & (np.arange(len(firms)) < base)
    result: Codes = np.where(both, (later != now).astype(np.int64), -1)
    return result


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
        frame = _typed(earlier[at].table)
        on = np.datetime64(earlier[at].on)
        frame, _ = _backfill(frame[~(frame["listed"] > on)], outcome)
        following = earlier[at + 1].on if at + 1 < len(earlier) else None
        left = frame[~frame["code"].isin(seen)]
        parts.append(left.assign(gone=on if following is None else np.datetime64(following)))
        seen |= set(left["code"])
    return pd.concat(parts, ignore_index=True) if parts else outcome.iloc[:0].assign(gone=_FAR)
