"""Made-up lists of listed companies for the backtest."""

from __future__ import annotations

from datetime import date

import numpy as np

Row = dict[str, str]


def firm(code: str, city: str, kind: str, listed: str, **more: str) -> dict[str, str]:
    base = {"code": code, "name": f"{city}{code}股份有限公司", "province": "湖北省", "city": city}
    return {**base, "industry": kind, "listed_on": listed, "text": f"{kind}产品", **more}


def listing(seed: int = 0, firms: int = 900, cities: int = 30, kinds: int = 12) -> list[Row]:
    """Firms in cities of two kinds; an industry settles where its kin are: something to learn."""
    rng = np.random.default_rng(seed)
    sizes = rng.pareto(1.2, cities) + 0.5
    rows = []
    for n in range(firms):
        i = int(rng.integers(kinds))
        pull = sizes * np.where(np.arange(cities) % 2 == i % 2, 6.0, 0.4)
        c = int(rng.choice(cities, p=pull / pull.sum()))
        day = date.fromordinal(date(2006, 1, 1).toordinal() + int(rng.integers(5400)))
        kind = "光刻蚀刻薄膜" if i % 2 else "齿轮轴承铸件"
        rows.append(
            {**firm(f"{n:04}", f"城{c:02}市", f"业{i:02}", day.isoformat(), text=f"{kind}业{i:02}"),
             "province": f"省{c // 5}"}
        )  # fmt: skip
    return rows
