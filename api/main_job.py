"""The main job: load a pack, analyse every cluster, write pictures, lists and a summary."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

import pandas as pd

from ..analysis.gaps import ACTIONS, STATES, Gaps, find_gaps
from ..analysis.provenance import source_quality
from ..analysis.scope import Scope
from ..analysis.supply import SupplyRate, supply_rate
from ..analysis.targets import find_targets
from ..graph.chain import ChainGraph, records
from ..graph.errors import ChainAtlasError
from ..graph.schema import TABLES
from ..graph.store import Store
from ..graph.work import Decision
from ..ingest.load import LoadReport, load
from ..ingest.pack import Progress, RawPack
from ..viz.words import money, percent, place_name
from . import answers
from .pictures import PICTURES, REPORTS, Album, Making, stamp, titled

#: The pack that ships with the program.
SHIPPED = Path(str(files("chainatlas").joinpath("data", "hubei")))
#: Gaps of each cluster that the summary names.
_FIRST = 3


@dataclass(frozen=True)
class Result:
    """What the main job did: the load, and a summary in Chinese."""

    load: LoadReport
    summary: str


def run(
    store: Store,
    pack: RawPack,
    out: Path,
    region: str | None,
    progress: Progress,
    decisions: Iterable[Decision] = (),
    making: Making | None = None,
    told: Callable[[LoadReport], object] = lambda report: None,
) -> Result:
    """Load a pack and write everything for every cluster.

    Args:
        store: Where the facts go.
        pack: The pack as read.
        out: Folder of the output; files of the same name are replaced.
        region: Region to analyse; None for each cluster's own.
        progress: Told of every step.
        decisions: What people decided about which enterprises are one.
        making: How pictures are made.
        told: Told of the load before anything is written.
    """
    report = load(store, [pack], progress, decisions)
    told(report)
    graph = store.view().graph()
    clusters = records(graph["clusters"])
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ChainAtlasError(f"无法写入 {out}：{error.strerror}。") from error
    parts = [_loaded(report, graph)]
    taken: set[str] = set()
    for done, cluster in enumerate(clusters):
        progress(cluster["name"], done, len(clusters))
        place = region or cluster["region"]
        found = find_gaps(Scope.of(graph, place, cluster["id"]))
        title = titled(place, cluster["name"], cluster["region"])
        stem = file_stem(title, cluster["id"], taken)
        parts.append(_cluster(found, cluster["name"], out, stem, making))
    parts.append(
        f"全部文件在：{out.resolve()}\n用浏览器打开 .html 即可，无需联网；作战图.pdf 可直接打印（A3）。"
    )
    summary = "\n\n".join(parts)
    (out / "小结.txt").write_text(summary + "\n", encoding="utf-8")
    return Result(report, summary)


def _cluster(found: Gaps, name: str, out: Path, stem: str, making: Making | None) -> str:
    """Pictures and lists of one cluster; returns its part of the summary."""
    targets, rate = write_cluster(found, out, stem, making)
    return _told(found, targets, rate, name)


def write_cluster(
    found: Gaps,
    out: Path,
    stem: str,
    making: Making | None = None,
    progress: Progress | None = None,
) -> tuple[pd.DataFrame, SupplyRate]:
    """Write pictures, lists and reports of one cluster.

    Args:
        found: Its gaps.
        out: Folder they go to.
        stem: What their names begin with; see :func:`file_stem`.
        making: How pictures are made.
        progress: Told of every file.

    Returns:
        Its ranked targets and its supply rates, for whoever sums up.
    """
    targets, rate = find_targets(found), supply_rate(found.scope)
    album = Album(found, making, targets)
    files: dict[str, Callable[[Path], None]] = {
        f"{zh}{ending}": partial(album.draw, kind)
        for kind, zh in PICTURES.items()
        for ending in (".html", ".png")
    }
    files["作战图.pdf"] = album.print_all
    files["清单.xlsx"] = partial(_lists, found, album, targets, rate)
    files.update({f"报告{ending}": album.report for ending in REPORTS})
    for done, (name, write) in enumerate(files.items()):
        if progress is not None:
            progress(name, done, len(files))
        write(out / f"{stem}-{name}")
    return targets, rate


def file_stem(title: str, cluster: str, taken: set[str]) -> str:
    """A file name for a cluster's outputs that every system takes and no other cluster has.

    Args:
        title: What the officer should see.
        cluster: Cluster id, added where the title is taken.
        taken: Names in use; the new one is added.
    """

    def plain(text: str, most: int) -> str:
        return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", text).strip(". ")[:most] or "_"

    stem = plain(title, 40)
    number = 1
    while stem.lower() in taken:
        mark = plain(cluster, 20) + ("" if number == 1 else f"-{number}")
        stem = f"{plain(title, 40)}-{mark}"
        number += 1
    taken.add(stem.lower())
    return stem


def _lists(found: Gaps, album: Album, targets: pd.DataFrame, rate: SupplyRate, path: Path) -> None:
    from ..viz.attraction import battle_table
    from ..viz.report import links_table
    from ..viz.xlsx import Sheet, write_workbook

    diagnosis = answers.gaps_answer(found)
    whom = answers.targets_answer(found, targets)
    rates = answers.supply_answer(rate)
    sheets = [
        Sheet("招商攻坚", "招商攻坚清单", battle_table(album.battles)),
        Sheet("产业链诊断", diagnosis.title, diagnosis.table, diagnosis.units),
        Sheet("目标企业", whom.title, whom.table),
        Sheet("环节", "各环节现状", links_table(found)),
        Sheet("本地化配套率", rates.title, rates.table),
    ]
    try:
        write_workbook(path, sheets, stamp(found))
    except OSError as error:
        raise ChainAtlasError(f"无法写入 {path}：{error.strerror}。") from error


def _loaded(report: LoadReport, graph: ChainGraph) -> str:
    counts = "，".join(
        f"{TABLES[name].zh} {len(graph[name]):,}"
        for name in ("clusters", "links", "products", "enterprises", "institutes", "projects")
    )
    quality = source_quality(graph).iloc[-1:].to_dict("list")
    facts, general = (quality[key][0] if quality[key] else 0 for key in ("facts", "general"))
    share = percent(general / facts) if facts else "—"
    state = "已载入" if report.changed else "数据没有变化"
    lines = [
        f"{state}：{report.packs[0].title or report.packs[0].name}，数据版本 {report.version}。",
        f"共有：{counts}；事实 {facts:,} 条，其中 {share} 出自一般性知识、未经核实。",
    ]
    if report.quarantined:
        lines.append(f"另有 {report.quarantined} 处未能使用，已隔离：chainatlas rejects 可查。")
    return "\n".join(lines)


def _told(found: Gaps, targets: pd.DataFrame, rate: SupplyRate, name: str) -> str:
    table = found.table
    counts = "，".join(f"{STATES[a]} {sum(a in x for x in table['actions'])}" for a in ACTIONS)
    lines = [
        f"【{name}｜{place_name(found.scope.region)}】产品 {len(table)} 个：{counts}。",
        f"  本地化配套率：按价值 {percent(rate.value)}（下限 {percent(rate.value_low)}），"
        f"按种类 {percent(rate.count)}。",
    ]
    acting = found.acting().head(_FIRST)
    for order, row in enumerate(records(acting), 1):
        whom = targets[targets["product"] == row["product"]].head(2)
        called = "、".join(f"{t['name']}（{place_name(t['from_region'])}）" for t in records(whom))
        mark = "已确认" if row["evidence"] == "confirmed" else "待核实"
        lines.append(
            f"  {order}. {STATES[row['primary']]}｜{row['name']}（需求 {money(row['demand'])}，{mark}）"
            f"→ 可联系：{called or '暂无候选企业'}"
        )
    return "\n".join(lines)
