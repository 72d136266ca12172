"""What is in quarantine: looked through, and as a sheet that can be corrected."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from fastapi import Request
from fastapi.responses import Response

from ...graph.chain import PACK, records
from ...ingest.corrections import sheet
from ...ingest.quarantine import REASONS
from ..output import harmless
from .access import caller_of
from .audit import record
from .jobs_desk import check_everywhere, version_of
from .problems import Problem
from .routes_facts import service_of

#: Rows that one sheet holds; more cannot be corrected by hand.
MOST = 50_000


@dataclass(frozen=True)
class Filter:
    """Which rows; an empty value takes all."""

    pack: str = ""
    file: str = ""
    reason: str = ""

    def of(self, rejects: pd.DataFrame) -> pd.DataFrame:
        """The rows it lets through."""
        for column, value in ((PACK, self.pack), ("file", self.file), ("reason", self.reason)):
            if value:
                rejects = rejects[rejects[column] == value]
        return rejects


def rejects_of(request: Request, version: int | None = None) -> tuple[pd.DataFrame, int]:
    """What is in quarantine, and the version of the facts; nothing where there is no store yet.

    Args:
        request: A request.
        version: Of the facts; None for the newest.

    Raises:
        NotFoundError: There is no such version.
        Problem: The caller is bound to a region, and rows in quarantine tell of all.
    """
    check_everywhere(caller_of(request))
    service = service_of(request)
    if version is None:
        version = version_of(request)
    else:
        service.check_version(version)
    if not version:
        return pd.DataFrame(columns=[PACK, "file", "reason"], dtype="str"), 0
    made = service.answer("rejects", version, make=lambda: service.view(version).rejects())
    return made, version


def counts_of(request: Request, version: int | None = None) -> list[dict[str, Any]]:
    """Rows by pack, file and reason, the most frequent first."""
    rejects, version = rejects_of(request, version)
    return service_of(request).answer("reject counts", version, make=lambda: _counts(rejects))


def _counts(rejects: pd.DataFrame) -> list[dict[str, Any]]:
    keys = zip(rejects[PACK], rejects["file"], rejects["reason"], strict=True)
    return [
        {
            "pack": pack,
            "file": file,
            "reason": reason,
            "title": REASONS.get(reason, reason),
            "rows": n,
        }
        for (pack, file, reason), n in Counter(keys).most_common()
    ]


def rows(rejects: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON values."""
    return [{key: _plain(value) for key, value in row.items()} for row in records(rejects)]


def _plain(value: object) -> object:
    if isinstance(value, float):
        return int(value) if value == value else None
    return value if isinstance(value, str) else None


def sheet_answer(request: Request, wanted: Filter, version: int | None = None) -> Response:
    """The sheet of rows in quarantine, as a download; leaves a row in the audit.

    Raises:
        Problem: There are too many rows for one sheet.
    """
    found, version = rejects_of(request, version)
    found = wanted.of(found)
    if len(found) > MOST:
        raise Problem("too-large", f"有 {len(found):,} 行，一张表最多 {MOST:,} 行，请先筛选。")
    about: Mapping[str, Any] = {"rows": len(found), **vars(wanted)}
    record(request, "quarantine.export", f"version {version}", about)
    page = io.StringIO()
    made = sheet(found) if len(found) else sheet(pd.DataFrame(columns=[PACK]))
    harmless(made).to_csv(page, index=False, lineterminator="\r\n")
    headers = {
        "content-disposition": f'attachment; filename="quarantine-{version}.csv"',
        "data-version": str(version),
    }
    content = page.getvalue().encode("utf-8-sig")
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
