"""The main job: load a pack, analyse every cluster, write pictures, lists and a summary."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path

import pandas as pd

from ..analysis.gaps import ACTIONS, STATES, Gaps, find_gaps
from ..analysis.provenance import source_quality
from ..analysis.scope import Scope
from ..analysis.supply import SupplyRate, supply_rate
from ..analysis.targets import find_targets
from ..graph import regions as geo
from ..graph.chain import ChainGraph, records
from ..graph.errors import ChainAtlasError
from ..graph.schema import TABLES
from ..graph.store import Store
from ..graph.work import Decision
from ..ingest.load import LoadReport, load
from ..ingest.pack import Progress, RawPack
from ..viz.words import money, percent, place_name
from . import answers

#: The pack that ships with the program.
SHIPPED = Path(str(files("chainatlas").joinpath("data", "hubei")))
PICTURES = {"chain": "链图", "resources": "资源分布图", "attraction": "招商攻坚图"}
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
) -> Result:
    """Load a pack and write everything for every cluster.

    Args:
        store: Where the facts go.
        pack: The pack as read.
        out: Folder of the output; files of the same name are replaced.
        region: Region to analyse; None for each cluster's own.
        progress: Told of every step.
        decisions: What people decided about which enterprises are one.
    """
    report = load(store, [pack], progress, decisions)
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
        parts.append(_cluster(found, cluster["name"], out, file_stem(title, cluster["id"], taken)))
    parts.append(f"全部文件在：{out.resolve()}\n用浏览器打开 .html 即可，无需联网。")
    summary = "\n\n".join(parts)
    (out / "小结.txt").write_text(summary + "\n", encoding="utf-8")
    return Result(report, summary)


def _cluster(found: Gaps, name: str, out: Path, stem: str) -> str:
    """Pictures and lists of one cluster; returns its part of the summary."""
    targets = find_targets(found)
    for kind, zh in PICTURES.items():
        draw(kind, found, out / f"{stem}-{zh}.html", targets)
    rate = supply_rate(found.scope)
    _lists(found, targets, rate, out / f"{stem}-清单.xlsx")
    return _told(found, targets, rate, name)


def titled(region: str, cluster: str, home: str) -> str:
    """A cluster's name with the region asked for, unless it names that itself.

    >>> titled("420100", "武汉市集成电路产业集群", "420100")
    '武汉市集成电路产业集群'
    >>> titled("420000", "武汉市集成电路产业集群", "420100"), titled("420100", "新材料", "420100")
    ('湖北省·武汉市集成电路产业集群', '武汉市新材料')
    """
    place = geo.name(region)
    if cluster.startswith(place):
        return cluster
    return f"{place}·{cluster}" if cluster.startswith(geo.name(home)) else place + cluster


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


def draw(kind: str, found: Gaps, out: Path, targets: pd.DataFrame | None = None) -> None:
    """Write one picture.

    Args:
        kind: One of :data:`PICTURES`.
        found: What to draw.
        out: The HTML file; scripts go into ``assets`` beside it.
        targets: Ranked targets, found anew where None.
    """
    # Drawing libraries are slow to import, and most commands draw nothing.
    from ..viz.attraction import draw_attraction
    from ..viz.chain import draw_chain
    from ..viz.resources import draw_resources

    graph = found.scope.graph
    row = graph["clusters"].set_index("id").loc[found.scope.cluster].to_dict()
    title = titled(found.scope.region, str(row["name"]), str(row["region"])) + PICTURES[kind]
    stamp = _stamp(found)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if kind == "chain":
            draw_chain(found, title, stamp, answers.gaps_table(found, found.table), out)
        elif kind == "resources":
            draw_resources(found, title, stamp, out)
        else:
            ranked = find_targets(found) if targets is None else targets
            draw_attraction(found, ranked, title, stamp, out)
    except OSError as error:
        raise ChainAtlasError(f"无法写入 {out}：{error.strerror}。") from error


def _stamp(found: Gaps) -> str:
    place = place_name(found.scope.region)
    return f"地区 {place}（{found.scope.region}）｜数据版本 {found.version}｜{date.today()}"


def _lists(found: Gaps, targets: pd.DataFrame, rate: SupplyRate, path: Path) -> None:
    from ..viz.attraction import battle_table
    from ..viz.xlsx import Sheet, write_workbook

    diagnosis = answers.gaps_answer(found)
    whom = answers.targets_answer(found, targets)
    rates = answers.supply_answer(rate)
    sheets = [
        Sheet("招商攻坚", "招商攻坚清单", battle_table(found, targets)),
        Sheet("产业链诊断", diagnosis.title, diagnosis.table, diagnosis.units),
        Sheet("目标企业", whom.title, whom.table),
        Sheet("本地化配套率", rates.title, rates.table),
    ]
    try:
        write_workbook(path, sheets, _stamp(found))
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
