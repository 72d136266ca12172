"""Dated snapshots of listed companies: a folder of CSV files that the backtest reads.

One file ``YYYY-MM-DD.csv`` a date; ``analysis.backtest.panel`` declares the columns. The folder is made from the
lists of A-share companies that :mod:`.sources` describes.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from ..graph import regions
from ..graph.errors import NotFoundError, ReadError
from .pack import RawPack
from .readers import read_csv
from .sources import open_source

_FILE = re.compile(r"(\d{4}-\d{2}-\d{2})\.csv", re.IGNORECASE)
#: What the lists themselves call the day a company was listed, by source.
_LISTED: Mapping[str, str] = {"ashare_2018": "A股上市日期", "ashare_2020": "listingdate"}
#: Where the lists lie in the folder of shared data.
_FOLDERS = tuple(_LISTED)


def read_snapshots(folder: Path) -> list[tuple[date, pd.DataFrame]]:
    """The snapshots of a folder, earliest first, as tables of text with the columns of the file.

    Files that are not named after a date are not read.

    Raises:
        NotFoundError: No such folder.
        ReadError: No file named after a date, a date that does not exist, or a file that is no
            table in UTF-8 or GB 18030, has no column ``code`` or lines of another width.
    """
    if not folder.is_dir():
        raise NotFoundError(f"{folder}：快照文件夹不存在。")
    found: dict[date, pd.DataFrame] = {}
    for path in sorted(folder.iterdir()):
        match = _FILE.fullmatch(path.name)
        if match is None or not path.is_file():
            continue
        try:
            on = date.fromisoformat(match[1])
        except ValueError as error:
            raise ReadError(f"{path.name}：文件名不是有效的日期。") from error
        found[on] = _snapshot(path)
    if not found:
        raise ReadError(f"{folder}：没有以日期命名的快照文件（YYYY-MM-DD.csv）。")
    return sorted(found.items())


def _snapshot(path: Path) -> pd.DataFrame:
    raw = read_csv(path, path.name)
    if "code" not in raw.frame:
        raise ReadError(f"{path.name}：缺少列 code。")
    if raw.ragged:
        line = raw.ragged[0][0]
        raise ReadError(
            f"{path.name}：有 {len(raw.ragged)} 行的列数与表头不同，第一处在第 {line} 行。"
        )
    return raw.frame


def write_snapshots(snapshots: Sequence[tuple[date, pd.DataFrame]], folder: Path) -> list[Path]:
    """Write snapshots as ``YYYY-MM-DD.csv``; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for on, table in snapshots:
        path = folder / f"{on.isoformat()}.csv"
        table.to_csv(
            path, index=False, encoding="utf-8", lineterminator="\n", quoting=csv.QUOTE_MINIMAL
        )
        written.append(path)
    return written


def from_lists(shared: Path) -> list[tuple[date, pd.DataFrame]]:
    """Snapshots of the lists of A-share companies in a folder of shared data.

    The file of 2020 states companies that were listed until 2022; they stay in the table with their
    dates, and the backtest leaves them out. Places are read from the address where there is one.

    Args:
        shared: The folder itself or its folder ``real``.

    Raises:
        NotFoundError: No list lies there.
    """
    root = next((r for r in (shared / "real", shared) if (r / _FOLDERS[0]).is_dir()), shared)
    files = [p for name in _FOLDERS for p in _lists(root / name)]
    if not files:
        raise NotFoundError(f"{shared}：没有 A 股名单（{'、'.join(_FOLDERS)}）。")
    return sorted((_of_list(open_source(p)) for p in files), key=lambda pair: pair[0])


def _lists(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in (".csv", ".xlsx"))


def _of_list(pack: RawPack) -> tuple[date, pd.DataFrame]:
    """A list of companies as a snapshot of its date."""
    if pack.source not in _LISTED:
        raise ReadError(f"{pack.title}：不是 A 股名单，不能做成快照。")
    raw = pack.tables["enterprises"]
    stated = raw.original if raw.original is not None else raw.frame
    frame = raw.frame
    codes = frame["region"].to_numpy(dtype="<U6")
    city = regions.at_level(codes, "city")
    empty = pd.Series("", index=frame.index, dtype="str")

    listed = stated[_LISTED[pack.source]]
    days = pd.to_datetime(listed, format="%Y-%m-%d", errors="coerce").dt.strftime("%Y-%m-%d")
    table = pd.DataFrame(
        {
            "code": frame["stock_code"],
            "name": frame["name"],
            "province": _names(regions.at_level(codes, "province")),
            "city": _names(np.where([_is_city(c) for c in city.tolist()], city, "")),
            "listed_on": days.fillna("").astype("str"),
            "set_up_on": empty,
            "industry": frame.get("industry", empty),
            "revenue": frame.get("revenue", empty),
            "employees": frame.get("employees", empty),
            "text": frame.get("main_products", empty),
        }
    )
    return date.fromisoformat(pack.defaults["as_of"]), table


def _is_city(code: str) -> bool:
    return bool(code) and regions.level(code) == "city"


def _names(codes: np.ndarray[tuple[int], np.dtype[np.str_]]) -> list[str]:
    return [regions.name(code) if code else "" for code in codes.tolist()]
