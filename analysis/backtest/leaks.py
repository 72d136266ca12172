"""Whether anything that became known after T0 reached what is ranked with.

Each check is an object {check, count, detail, codes}; a count of 0 is clean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

Finding = Mapping[str, object]

_YEAR = re.compile(r"(?<!\d)(20\d{2})\s*年")
#: Share of figures that must be the same on both dates before they count as copied.
_COPIED = 0.05
#: Codes that a finding names.
_SHOWN = 20


def finding(check: str, codes: Sequence[str], detail: str) -> Finding:
    """What a check found: how many, and which codes, at most 20."""
    return {"check": check, "count": len(codes), "detail": detail, "codes": sorted(codes)[:_SHOWN]}


def figures_of_outcome(base: pd.DataFrame, outcome: pd.DataFrame) -> list[Finding]:
    """Revenue or employees at T0 that are the very figures of the outcome were not known at T0."""
    both = base.merge(outcome, on="code", suffixes=("", "_then"))
    found = []
    for name in ("revenue", "employees"):
        given = both[both[name] != ""]
        same = given[given[name] == given[f"{name}_then"]]
        copied = same if len(same) > _COPIED * len(given) else same.iloc[:0]
        found.append(
            finding(
                f"{name}_of_outcome", copied["code"].tolist(), "起点快照的数字与结果快照完全相同"
            )
        )
    return found


def text_of_the_future(base: pd.DataFrame, year: int) -> Finding:
    """Texts that T0 itself states but that speak of years after it."""
    late = [
        code
        for code, text in zip(base["code"], base["text"], strict=True)
        if any(int(found) > year for found in _YEAR.findall(text))
    ]
    return finding("text_dated_after_start", late, "起点快照的文本提到起点之后的年份")
