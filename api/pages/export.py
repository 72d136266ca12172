"""Pictures, workbooks and documents of the pages, drawn by the server."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlencode

import pandas as pd
from fastapi import APIRouter, Request
from fastapi.responses import Response

from ...analysis.gaps import Gaps
from ...graph import regions as geo
from ...graph.follow_ups import FOLLOW_UP_STAGES, FollowUp, FollowUps
from ...viz.attraction import battle_table
from ...viz.language import say, spoken
from ...viz.render import pdf, png, svg
from ...viz.report import Report, Section, links_table
from ...viz.xlsx import Sheet, write_workbook
from .. import answers
from ..http.access import Role, access, caller_of
from ..http.audit import record
from ..http.problems import Problem
from ..pictures import Album, Making, stamp
from .clock import moment
from .scope import Chosen, answer_key, chosen

router = APIRouter()

#: What each page can be saved as, with its media type.
MEDIA: Mapping[str, str] = {
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
    "png": "image/png",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
ENDINGS: Mapping[str, tuple[str, ...]] = {
    "chain": ("pdf", "png", "svg", "xlsx"),
    "resources": ("pdf", "png", "svg", "xlsx"),
    "attraction": ("pdf", "png", "svg", "xlsx", "docx"),
}
#: Longest map approval number (审图号).
_APPROVAL = 40


def links(kind: str, one: Chosen, **extra: str) -> list[tuple[str, str]]:
    """Ending and address of everything a page can be saved as; none for callers who may not."""
    if one.caller.role < Role.analyst or not _within_scope(kind, one):
        return []
    query = urlencode({"region": one.region, "cluster": one.cluster, **extra})
    return [(ending.upper(), f"/export/{kind}.{ending}?{query}") for ending in ENDINGS[kind]]


def _within_scope(kind: str, one: Chosen) -> bool:
    """Whether the caller may see all that a picture shows: the map is one of the province."""
    return kind != "resources" or one.caller.may_see(geo.province(one.region))


@router.get("/export/{kind}.{ending}")
@access(Role.analyst, "region")
def export(request: Request, kind: str, ending: str, approval: str = "") -> Response:
    """图谱、分布图、攻坚图的导出：PDF、PNG、SVG、XLSX、DOCX。"""
    if ending not in ENDINGS.get(kind, ()):
        raise Problem("not-found")
    one = chosen(request)
    if not one.cluster:
        raise Problem("not-found")
    if not _within_scope(kind, one):
        raise Problem("forbidden", "分布图按全省绘制，超出您的地区范围。")
    album = _album(one, approval.strip()[:_APPROVAL])
    content = _content(one, album, kind, ending)
    record(
        request, "page.export", f"{kind}.{ending}", {"region": one.region, "cluster": one.cluster}
    )
    name = quote(f"{album.heading(kind)}.{ending}", safe="")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(content, media_type=MEDIA[ending], headers=headers)


def _album(one: Chosen, approval: str) -> Album:
    """The pictures, kept so that another format of the same picture is quick."""

    def make() -> Album:
        targets = one.service.targets(one.region, one.cluster)
        return Album(
            one.gaps, Making(boundaries=one.service.boundaries, approval=approval), targets
        )

    return one.service.answer(*answer_key(one, "album", spoken().code, approval), make=make)


def _content(one: Chosen, album: Album, kind: str, ending: str) -> bytes:
    if ending == "xlsx":
        return _workbook(_tables(one, album, kind), stamp(one.gaps))
    if ending == "docx":
        return _document(one, album)
    title, pages = album.heading(kind), album.sheets(kind)
    if ending == "pdf":
        return pdf(pages, title, stamp(one.gaps))
    if ending == "svg":
        return svg(pages[0]).encode("utf-8")
    return png(pages[0], title, stamp(one.gaps))


def _workbook(sheets: Sequence[Sheet], stamped: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.xlsx"
        write_workbook(path, sheets, stamped)
        return path.read_bytes()


def _tables(one: Chosen, album: Album, kind: str) -> list[Sheet]:
    gaps = one.gaps
    if kind == "chain":
        found = answers.gaps_answer(gaps)
        return [
            Sheet("产业链诊断", found.title, found.table, found.units),
            Sheet("环节", "各环节现状", links_table(gaps)),
        ]
    if kind == "resources":
        return [
            # A tab takes no slash; the unit stands in the title.
            Sheet(title.partition("（")[0], f"{album.title}：{title}", table)
            for title, table in album.tables()
        ]
    whom = answers.targets_answer(gaps, one.service.targets(one.region, one.cluster))
    return [
        Sheet("招商攻坚", "招商攻坚清单", battle_table(album.battles)),
        Sheet("目标企业", whom.title, whom.table),
        Sheet("跟进", "招商跟进记录", follow_up_table(one)),
    ]


def follow_up_table(one: Chosen) -> pd.DataFrame:
    """Every step of the follow-ups for people, newest first."""
    steps = FollowUps(one.service.work).history(one.region, one.cluster)
    names = _names(one.gaps, steps)
    return pd.DataFrame(
        [
            {
                "时间": moment(s.at),
                "缺口产品": names[s.product],
                "目标企业": names[s.enterprise],
                "阶段": FOLLOW_UP_STAGES[s.stage],
                "责任单位": s.owner,
                "说明": s.note,
                "记录人": s.actor,
            }
            for s in steps
        ],
        columns=["时间", "缺口产品", "目标企业", "阶段", "责任单位", "说明", "记录人"],
    )


def _names(gaps: Gaps, steps: Sequence[FollowUp]) -> dict[str, str]:
    graph = gaps.scope.graph
    names = {"": "—"}
    for table, ids in (
        ("products", {s.product for s in steps}),
        ("enterprises", {s.enterprise for s in steps} - {""}),
    ):
        own = graph.text(table, "name")
        # What a later version no longer holds is still named by its id.
        for key, at in zip(ids, graph.position(table, list(ids)).tolist(), strict=True):
            names[key] = str(own[at]) if at >= 0 else key
    return names


def _document(one: Chosen, album: Album) -> bytes:
    """The 招商攻坚图 as a document: gaps with whom to bring in, then how the follow-ups stand."""
    from ...viz.office import write_docx

    battles = album.battles
    sure = sum(b.row["evidence"] == "confirmed" for b in battles)
    verdict = say(
        "需要行动的缺口 %(all)d 个：已确认 %(sure)d 个，待核实 %(unsure)d 个。",
        all=len(battles), sure=sure, unsure=len(battles) - sure,
    )  # fmt: skip
    steps = follow_up_table(one)
    report = Report(
        album.heading("attraction"),
        stamp(one.gaps),
        (verdict,),
        (
            Section("一、缺口与目标", (), battle_table(battles), picture=True),
            Section("二、跟进情况", () if len(steps) else ("还没有跟进记录。",), steps if len(steps) else None),
        ),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.docx"
        sheet = album.sheets("attraction")[0]
        write_docx(report, path, png(sheet, report.title, report.stamp))
        return path.read_bytes()


def may_write(request: Request) -> bool:
    """Whether the caller may keep follow-ups: a person or key with the role, not open mode."""
    caller = caller_of(request)
    return caller.role >= Role.analyst and caller.kind != "open"
