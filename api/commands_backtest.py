"""``chainatlas backtest`` and ``chainatlas snapshots``: how good the rankings are, on past events."""

from __future__ import annotations

import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import pandas as pd
import typer

from ..analysis.backtest.panel import Snapshot, build
from ..analysis.backtest.protocols import Backtest, run
from ..graph.errors import ChainAtlasError
from ..ingest.snapshots import from_lists, read_snapshots, write_snapshots
from ..viz.backtest_page import PROTOCOLS, RANKINGS, write_backtest
from .answers import Answer
from .output import Format, write
from .shell import app, note


class Shape(StrEnum):
    """How the backtest is written."""

    table = "table"
    json = "json"
    csv = "csv"
    xlsx = "xlsx"
    html = "html"


@app.command()
def backtest(
    snapshots: Annotated[
        Path, typer.Option("--snapshots", help="快照文件夹：每个日期一个 YYYY-MM-DD.csv。")
    ],
    seed: Annotated[int, typer.Option("--seed", min=0, help="随机数种子，相同则结果相同。")] = 0,
    form: Annotated[Shape, typer.Option("--format", help="输出格式。")] = Shape.table,
    out: Annotated[Path | None, typer.Option("--out", help="写入文件而不是屏幕。")] = None,
) -> None:
    """历史回测：用过去的上市公司检验排序有多可靠，并与各种简单基线比较。"""
    dated = read_snapshots(snapshots)
    panel = build([Snapshot(on, table) for on, table in dated])
    result = run(panel, seed)
    dates = [on.isoformat() for on, _ in dated]
    found = [f["check"] for f in result.leakage if f["count"]]
    if found:
        note(f"泄漏检查：{'、'.join(map(str, found))} 有发现，见输出的 leakage。")
    if form is Shape.html:
        _write_page(result, dates, seed, out)
        return
    write(backtest_answer(result, dates, seed), Format(form.value), out)


def _write_page(result: Backtest, dates: list[str], seed: int, out: Path | None) -> None:
    if out is None:
        with TemporaryDirectory() as folder:
            page = Path(folder) / "backtest.html"
            write_backtest(page, result, dates, seed)
            sys.stdout.write(page.read_text(encoding="utf-8"))
        return
    try:
        write_backtest(out, result, dates, seed)
    except OSError as error:
        raise ChainAtlasError(f"无法写入 {out}：{error.strerror}。") from error
    note(f"已写出 {out}")


def backtest_answer(result: Backtest, dates: list[str], seed: int) -> Answer:
    """``backtest``: every figure of every protocol and null."""
    document = {
        # The backtest reads no store.
        "version": 0,
        "protocols": result.protocols,
        "seed": seed,
        "snapshots": dates,
        "leakage": list(result.leakage),
        "counts": dict(result.counts),
        "relocation": dict(result.relocation),
        "best": list(result.best),
        "curves": [asdict(curve) for curve in result.curves],
        "weights": dict(result.weights),
    }
    title = f"历史回测：{dates[-2]} → {dates[-1]}"
    return Answer("backtest", document, _table(result), title, {}, ("检验", "排序方法", *_MAIN))


#: Figures of the table, by their keys; a narrow terminal shows the main ones.
_FIGURES = {
    "ap": "平均精度",
    "p500": "前500命中",
    "auc": "AUC",
    "hit10": "前10命中",
    "mrr": "平均倒数排名",
    "hit10_outside_top6": "六大城市外前10命中",
}
_MAIN = ("平均精度", "前10命中", "平均倒数排名", "领先")


def _table(result: Backtest) -> pd.DataFrame:
    rows = []
    for protocol, (title, _) in PROTOCOLS.items():
        found = result.protocols[protocol]
        for name in RANKINGS:
            figures = found if name == "model" else found["nulls"].get(name)
            if figures is None:
                continue
            ends = figures["paired_gain_interval"] if name != "model" else None
            rows.append(
                {
                    "检验": title.split("、", 1)[1],
                    "排序方法": RANKINGS[name],
                    **{zh: figures.get(key) for key, zh in _FIGURES.items()},
                    "基础比例": found["base_rate"],
                    "领先": figures["paired_gain"] if name != "model" else None,
                    "领先下限": ends[0] if ends else None,
                    "领先上限": ends[1] if ends else None,
                }
            )
    return pd.DataFrame(rows)


@app.command("snapshots")
def snapshots_command(
    shared: Annotated[
        Path, typer.Option("--shared", help="数据文件夹，其中有 ashare_2018 和 ashare_2020。")
    ],
    out: Annotated[Path, typer.Option("--out", help="快照文件夹，没有则新建。")],
) -> None:
    """把 A 股名单做成回测用的快照文件夹。"""
    try:
        written = write_snapshots(from_lists(shared), out)
    except OSError as error:
        raise ChainAtlasError(f"无法写入 {out}：{error.strerror}。") from error
    for path in written:
        note(f"已写出 {path}")
