"""``chainatlas review``: enterprises that may be one, and what people decided about them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import pandas as pd
import typer

from ..graph.chain import records
from ..graph.store import open_store
from ..graph.work import Decision, Decisions, Verdict, WorkFile, work_path
from ..ingest.identity import review as find_pairs
from ..ingest.identity.near import REASONS
from .answers import Answer
from .output import Format, write
from .review import VERDICTS, check, decide, find, take_back
from .shell import Db, Form, Out, app, decisions_of, note, write_row

review = typer.Typer(help="复核：可能是同一家的企业，由人决定。", no_args_is_help=True)
app.add_typer(review, name="review")

Keep = Annotated[str, typer.Argument(metavar="KEEP", help="保留的企业编码。")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="另一个企业编码。")]
Note = Annotated[str, typer.Option("--note", help="理由。")]


@review.command("list")
def list_command(
    decided: Annotated[
        bool, typer.Option("--decided", help="列出已作的决定，而不是待复核的。")
    ] = False,
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """列出待复核的企业对，最可能相同的在前。"""
    view = open_store(db).view()
    if decided:
        write(decisions_answer(decisions_of(db), view.version), form, out)
        return
    pairs = find_pairs(view.stated("enterprises"), decisions_of(db))
    write(review_answer(pairs, view.version), form, out)


@review.command("accept")
def accept_command(
    keep: Keep,
    other: Other,
    reason: Note = "",
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """确认两个编码是同一家企业：合并到 KEEP，立即生效，重新导入后仍然有效。"""
    _decide(db, keep, other, "accept", reason, form, out)


@review.command("reject")
def reject_command(
    keep: Keep,
    other: Other,
    reason: Note = "",
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """确认两个编码不是同一家企业：不再合并，也不再列出。"""
    _decide(db, keep, other, "reject", reason, form, out)


@review.command("undo")
def undo_command(
    keep: Keep, other: Other, db: Db = "", form: Form = Format.table, out: Out = None
) -> None:
    """取消关于两个编码的决定，回到没有作决定时的样子。"""
    store, decisions = open_store(db), Decisions(WorkFile(work_path(db)))
    find(decisions, keep, other)
    write_row(db, "review.undo", f"{keep} {other}", keep=keep, other=other)
    decision, version = take_back(store, decisions, keep, other)
    note(f"已取消：{decision.keep} 与 {decision.other} {VERDICTS[decision.verdict]}。")
    write(decisions_answer(decisions.all(), version), form, out)


def _decide(
    db: str, keep: str, other: str, verdict: Verdict, reason: str, form: Format, out: Out
) -> None:
    store, decisions = open_store(db), Decisions(WorkFile(work_path(db)))
    check(store, keep, other, verdict)
    target = f"{keep} {other}"
    write_row(db, f"review.{verdict}", target, keep=keep, other=other, note=reason)
    version = decide(store, decisions, keep, other, verdict, reason)
    note(f"已记录：{keep} 与 {other} {VERDICTS[verdict]}。")
    write(decisions_answer(decisions.all(), version), form, out)


def review_answer(pairs: pd.DataFrame, version: int) -> Answer:
    """``review list``: pairs to decide about."""
    table = pd.DataFrame(
        {
            "保留编码": pairs["keep"],
            "名称": pairs["keep_name"],
            "另一编码": pairs["other"],
            "另一名称": pairs["other_name"],
            "原因": pairs["reason"].map(REASONS),
            "相似度": pairs["score"].astype("float64"),
        }
    )
    document = {"version": version, "pairs": records(pairs)}
    return Answer("review", document, table, f"待复核的企业（{len(pairs)} 对）")


def decisions_answer(decisions: tuple[Decision, ...], version: int) -> Answer:
    """Decisions in force, oldest first."""
    document = {
        "version": version,
        "decisions": [{**asdict(d), "at": d.at.isoformat()} for d in decisions],
    }
    table = pd.DataFrame(
        [
            {
                "序号": d.number,
                "保留编码": d.keep,
                "另一编码": d.other,
                "决定": VERDICTS[d.verdict],
                "理由": d.note,
                "时间（UTC）": d.at.strftime("%Y-%m-%d %H:%M:%S"),
            }
            for d in decisions
        ],
        columns=["序号", "保留编码", "另一编码", "决定", "理由", "时间（UTC）"],
    )
    return Answer("decisions", document, table, "复核决定")
