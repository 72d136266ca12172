"""Results as answers: JSON objects for programs, tables with Chinese headers for people.

The JSON contracts are those of design section 7; their JSON Schemas stand in ``docs/schemas``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from ..analysis.gaps import EVIDENCE, REASONS, ROUTES, STATES, Gaps
from ..analysis.provenance import QUALITIES
from ..analysis.supply import SupplyRate
from ..graph import regions as geo
from ..graph.chain import PACK, ChainGraph, records
from ..graph.schema import STAGES, TABLES, TIERS
from ..graph.store import Version
from ..ingest.load import LoadReport
from ..viz.words import place_name, target_note, tie_word, yes_no

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a command has to say.

    Attributes:
        name: Name of the schema, such as ``gaps``.
        document: The JSON object, without its schema.
        table: The same for people and spreadsheets, with Chinese headers.
        title: What stands above the table.
        units: Unit of a column of the table, where it has one.
        brief: Columns that a narrow terminal shows; all of them where empty.
    """

    name: str
    document: Json
    table: pd.DataFrame
    title: str
    units: Mapping[str, str] = field(default_factory=dict)
    brief: tuple[str, ...] = ()

    def json(self) -> Json:
        """The document with its schema, numbers unrounded, undefined figures null."""
        return {"schema": f"chainatlas.{self.name}/1", **_plain(self.document)}


def _plain(value: Any) -> Any:
    """Plain JSON values: NaN and infinities as null."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    # Missing text comes out of a table as NaN too.
    return None if isinstance(value, float) and not math.isfinite(value) else value


def gaps_answer(gaps: Gaps, action: str | None = None) -> Answer:
    """``gaps``: every product of a cluster in a region, or those to which an action applies."""
    table = gaps.table if action is None else gaps.only(action)
    scope = gaps.scope
    document = {
        "region": scope.region,
        "cluster": scope.cluster,
        "version": gaps.version,
        "weights": dict(gaps.weights),
        "gaps": records(table),
    }
    return Answer(
        "gaps",
        document,
        gaps_table(gaps, table),
        f"{place_name(scope.region)} 产业链诊断",
        {"本地产出": "元/年", "本地需求": "元/年"},
        ("产品", "首要动作", "优先级", "自给率", "证据", "原因"),
    )


def gaps_table(gaps: Gaps, table: pd.DataFrame) -> pd.DataFrame:
    """Gaps for people: one row per product, highest priority first."""
    links = dict(zip(gaps.scope.chain["link"], gaps.scope.chain["link_name"], strict=True))
    return pd.DataFrame(
        {
            "产品": table["name"],
            "环节": table["link"].map(links),
            "链段": table["stage"].map(STAGES),
            "首要动作": table["primary"].map(STATES),
            "全部动作": ["、".join(STATES[a] for a in x) for x in table["actions"]],
            "优先级": table["priority"],
            "本地产出": table["output"],
            "本地需求": table["demand"],
            "自给率": table["coverage"],
            "区位商": table["lq"],
            "本地关键度": table["criticality"],
            "有效供应商数": table["effective_suppliers"],
            "全国主要企业数": table["national_makers"],
            "国产化率": table["domestic_rate"],
            "投入可得率": table["reachable"],
            "证据": table["evidence"].map(EVIDENCE),
            "结论稳健": [yes_no(x) for x in table["robust"]],
            "原因": ["；".join(REASONS[r["code"]] for r in x) for x in table["reasons"]],
            "路径": ["、".join(ROUTES[r] for r in x) for x in table["routes"]],
            "产品编码": table["product"],
        }
    )


def targets_answer(gaps: Gaps, targets: pd.DataFrame) -> Answer:
    """``targets``: ranked candidates for the gaps."""
    document = {
        "region": gaps.scope.region,
        "cluster": gaps.scope.cluster,
        "version": gaps.version,
        "targets": records(targets),
    }
    title = f"{place_name(gaps.scope.region)} 招商目标企业"
    brief = ("缺口产品", "排名", "并列", "目标企业", "所在地", "落地建议", "得分", "名次区间")
    return Answer("targets", document, targets_table(gaps, targets), title, brief=brief)


def targets_table(gaps: Gaps, targets: pd.DataFrame) -> pd.DataFrame:
    """Targets for people."""
    names = dict(zip(gaps.table["product"], gaps.table["name"], strict=True))
    primary = dict(zip(gaps.table["product"], gaps.table["primary"], strict=True))
    rows = records(targets)
    return pd.DataFrame(
        {
            "缺口产品": targets["product"].map(names),
            "首要动作": targets["product"].map(primary).map(STATES),
            "排名": targets["rank"],
            "并列": [tie_word(t) for t in rows],
            "目标企业": targets["name"],
            "所在地": [place_name(x) for x in targets["from_region"]],
            "落地建议": [place_name(x) for x in targets["landing"]],
            "得分": targets["score"],
            "名次区间": [f"{t['rank_low']}～{t['rank_high']}" for t in rows],
            "备注": [target_note(t) for t in rows],
            "备选落地": [
                "、".join(place_name(o["region"]) for o in others)
                for others in targets["landing_others"]
            ],
            "依据": ["；".join(f["text"] for f in facts) for facts in targets["facts"]],
            "产品编码": targets["product"],
            "企业编码": targets["enterprise"],
        }
    )


def supply_answer(rate: SupplyRate) -> Answer:
    """``supply-rate``: the local supply rates of a cluster in a region."""
    rows = {
        "按价值": rate.value,
        "按价值（仅已知营收，下限）": rate.value_low,
        "按种类": rate.count,
        "按已知采购": rate.observed,
        "已知营收占产出": rate.known_output_share,
    }
    table = pd.DataFrame({"口径": list(rows), "本地化配套率": [_float(v) for v in rows.values()]})
    return Answer("supply-rate", asdict(rate), table, f"{place_name(rate.region)} 本地化配套率")


def _float(value: float | None) -> float:
    return math.nan if value is None else value


def clusters_answer(graph: ChainGraph) -> Answer:
    """``clusters``: the clusters and how many links and products they have."""
    links = graph["links"]
    rows, names = graph.listed("products", "links")
    of_link = dict(zip(links["id"], links["cluster"], strict=True))
    pairs = pd.DataFrame({"row": rows, "cluster": [of_link.get(n) for n in names.tolist()]})
    products = pairs.drop_duplicates().groupby("cluster").size()
    counted = graph["clusters"].assign(
        links=graph["clusters"]["id"].map(links.groupby("cluster").size()).fillna(0).astype(int),
        products=graph["clusters"]["id"].map(products).fillna(0).astype(int),
    )
    fields = [c.name for c in TABLES["clusters"].columns]
    document = {
        "version": graph.version,
        "clusters": records(counted[[*fields, "links", "products"]]),
    }
    table = pd.DataFrame(
        {
            "集群编码": counted["id"],
            "集群名称": counted["name"],
            "梯次": counted["tier"].map(TIERS),
            "承载地": [geo.full_name(x) for x in counted["region"]],
            "环节数": counted["links"],
            "产品数": counted["products"],
        }
    )
    return Answer("clusters", document, table, "产业集群")


def rejects_answer(rejects: pd.DataFrame, version: int) -> Answer:
    """``rejects``: what was quarantined, and why."""
    table = pd.DataFrame(
        {
            "数据包": rejects[PACK],
            "文件": rejects["file"],
            "行": rejects["line"].astype(int),
            "字段": rejects["column"],
            "级别": rejects["level"].map({"row": "整行", "value": "单值"}),
            "原因代码": rejects["reason"],
            "说明": rejects["message"],
            "原文": rejects["raw"],
        }
    )
    listed = rejects.assign(line=rejects["line"].astype(int))
    return Answer("rejects", {"version": version, "rejects": records(listed)}, table, "隔离区")


def sources_answer(quality: pd.DataFrame, version: int) -> Answer:
    """``sources``: how many facts of each table rest on what kind of source."""
    table = pd.DataFrame(
        {
            "表": ["合计" if t == "" else TABLES[t].zh for t in quality["table"]],
            "事实数": quality["facts"],
            **{zh: quality[name] for name, zh in QUALITIES.items()},
            "有日期": quality["with_date"],
            "平均置信度": quality["confidence"],
        }
    )
    return Answer(
        "sources", {"version": version, "tables": records(quality)}, table, "数据来源质量"
    )


def load_answer(report: LoadReport) -> Answer:
    """``ingest``: what was loaded and what was quarantined, file by file."""
    document = {
        "version": report.version,
        "changed": report.changed,
        "packs": [asdict(pack) for pack in report.packs],
        "changes": [asdict(change) for change in report.changes],
        "merged": report.merged,
        "to_review": report.to_review,
    }
    rows = [
        {
            "数据包": pack.name,
            "文件": f.file,
            "读入行": f.rows,
            "载入行": f.loaded,
            "隔离行": f.quarantined,
            "隔离值": f.values_quarantined,
        }
        for pack in report.packs
        for f in pack.files
    ]
    state = f"版本 {report.version}" + ("" if report.changed else "（没有变化）")
    return Answer("ingest", document, pd.DataFrame(rows), f"导入完成：{state}")


def versions_answer(versions: list[Version]) -> Answer:
    """``versions``: every version and what changed in it."""
    document = {
        "version": versions[-1].number if versions else 0,
        "versions": [{**asdict(v), "at": v.at.isoformat()} for v in versions],
    }
    rows = [
        {
            "版本": v.number,
            "时间（UTC）": v.at.strftime("%Y-%m-%d %H:%M:%S"),
            "操作": "导入" if v.action == "load" else f"撤销版本 {v.undoes}",
            "数据包": "、".join(v.packs),
            "新增": sum(c.added for c in v.changes),
            "变更": sum(c.changed for c in v.changes),
            "撤回": sum(c.withdrawn for c in v.changes),
        }
        for v in versions
    ]
    columns = ["版本", "时间（UTC）", "操作", "数据包", "新增", "变更", "撤回"]
    return Answer("versions", document, pd.DataFrame(rows, columns=columns), "版本")


def compare_answer(differences: pd.DataFrame, old: int, new: int) -> Answer:
    """``compare``: facts that differ between two versions."""
    document = {"version": new, "from": old, "differences": records(differences)}
    words = {"added": "新增", "changed": "变更", "withdrawn": "撤回"}
    table = pd.DataFrame(
        {
            "变化": differences["change"].map(words),
            "表": differences["table"].map({n: t.zh for n, t in TABLES.items()}),
            "数据包": differences[PACK],
            "主键": differences["key"],
        }
    )
    return Answer("compare", document, table, f"版本 {old} → {new}")
