"""``chainatlas report``: the report of one region and cluster, as a page or a Word document."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .pictures import REPORTS, Album, check_ending
from .shell import Cluster, Db, Region, VersionNo, app, gaps_of, leave_row, note


@app.command("report")
def report_command(
    region: Region,
    cluster: Cluster,
    out: Annotated[Path, typer.Option("--out", help="输出文件，以 .html 或 .docx 结尾。")],
    db: Db = "",
    version: VersionNo = None,
) -> None:
    """诊断报告：有什么、缺什么、哪里脆弱、引进谁、先做什么、有多大把握。"""
    check_ending(out, REPORTS)
    found = gaps_of(db, version, region, cluster)
    Album(found).report(out)
    place = {"region": found.scope.region, "cluster": found.scope.cluster}
    leave_row(db, "report.export", out.name, version=found.version, **place)
    note(f"已写出 {out}")
