"""The command line: one function per command, each a few lines over the layers below.

Exit status: 0 done; 1 the work failed or what was asked for does not exist; 2 malformed command
line; 3 done, but rows were quarantined. Results go to standard output, everything else to standard
error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ..analysis.gaps import ACTIONS
from ..analysis.provenance import source_quality
from ..analysis.scope import Scope
from ..analysis.supply import supply_rate
from ..graph import regions as geo
from ..graph.embedded import restore as restore_store
from ..graph.errors import ChainAtlasError
from ..graph.neo4j_link import is_address
from ..graph.store import open_store
from ..ingest.corrections import sheet
from ..ingest.files import load_files
from ..ingest.identity.keys import MATCHES
from ..ingest.linking.stage import text_products
from ..ingest.load import LoadReport
from ..ingest.pack import PACK_SOURCE
from ..ingest.products import same_products
from ..ingest.sources import open_source
from . import (
    answers,
    commands_audit,
    commands_backtest,
    commands_copy,
    commands_keys,
    commands_link,
    commands_measures,
    commands_policy,
    commands_profile,
    commands_report,
    commands_review,
    commands_risk,
    commands_serve,
    commands_simulate,
    commands_targets,
    commands_trends,
    commands_users,
    main_job,
)
from .export import export_packs
from .output import Format, write
from .pictures import PICTURES, Album, Making, check_ending
from .shell import (
    DONE,
    FAILED,
    QUARANTINED,
    BoundaryFile,
    Cluster,
    Db,
    Form,
    Out,
    Region,
    VersionNo,
    app,
    decisions_of,
    gaps_of,
    leave_row,
    note,
    one_of,
    progress_bar,
    view_of,
)

#: Modules whose commands join the application when they are imported.
JOINED = (
    commands_audit,
    commands_backtest,
    commands_copy,
    commands_keys,
    commands_link,
    commands_measures,
    commands_policy,
    commands_profile,
    commands_report,
    commands_review,
    commands_risk,
    commands_serve,
    commands_simulate,
    commands_targets,
    commands_trends,
    commands_users,
)
SingleFile = Annotated[
    bool, typer.Option("--single-file", help="网页自带脚本和样式，不需要 assets 文件夹。")
]


@app.command()
def run(
    db: Db = "",
    pack: Annotated[Path | None, typer.Option("--pack", help="数据包，默认随附的湖北包。")] = None,
    out: Annotated[Path, typer.Option("--out", help="输出文件夹。")] = Path("chainatlas-out"),
    region: Annotated[
        str | None, typer.Option("--region", help="分析的地区，默认各集群的承载地。")
    ] = None,
    single: SingleFile = False,
    boundaries: BoundaryFile = None,
) -> None:
    """主任务：载入数据包，分析每个集群，写出图、清单和小结。"""
    code = None if region is None else geo.resolve(region)
    with progress_bar() as report:
        raw = open_source(pack or main_job.SHIPPED, PACK_SOURCE)
        making = Making(single, boundaries)
        store, decided = open_store(db, create=True), decisions_of(db)
        leave = partial(_leave_load, db)
        result = main_job.run(store, raw, out, code, report, decided, making, leave)
    typer.echo(result.summary)
    _tell_quarantine(result.load)


@app.command()
def ingest(
    paths: Annotated[
        list[Path], typer.Argument(metavar="SOURCE...", help="数据包、名单或数据集。")
    ],
    source: Annotated[
        str | None, typer.Option("--source", help="按哪种数据源读取，默认自动识别。")
    ] = None,
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """把数据包、企业名单等载入数据库：全部成功或全不改变；重复载入没有变化。"""
    with progress_bar() as report:
        decided, stages = decisions_of(db), (same_products, text_products)
        result = load_files(db, paths, source, report, decided, stages, _tell_source)
    _leave_load(db, result)
    write(answers.load_answer(result), form, out)
    _tell_quarantine(result)


def _leave_load(db: str, result: LoadReport) -> None:
    packs = "、".join(pack.name for pack in result.packs)
    leave_row(db, "store.load", packs, version=result.version, changed=result.changed)


def _tell_source(path: Path, source: str) -> None:
    kind = f"数据源 {source}" if source else "隔离区更正表"
    note(f"{path.name}：按{kind}读取。")


def _tell_quarantine(result: LoadReport) -> None:
    for name, found in result.merged.items():
        if merged := sum(found.values()):
            ways = "，".join(f"{MATCHES[how]} {n}" for how, n in found.items())
            note(f"识别：{name} 有 {merged} 家企业与已有企业相同（{ways}）。")
    if result.to_review:
        note(f"复核：有 {result.to_review} 对企业可能相同，见 chainatlas review list")
    for pack in result.packs:
        for notice in pack.notices:
            note(f"提示：{notice}")
        if pack.people_columns:
            note(f"提示：{pack.name} 有 {pack.people_columns} 列个人信息，已丢弃。")
        if pack.quarantined:
            reasons = "，".join(f"{code} {n}" for code, n in pack.reasons.items())
            note(f"隔离：{pack.name} 有 {pack.quarantined} 处未能使用（{reasons}）。")
    if result.quarantined:
        note("详情：chainatlas rejects")
        raise typer.Exit(QUARANTINED)


@app.command()
def rejects(
    db: Db = "", version: VersionNo = None, form: Form = Format.table, out: Out = None
) -> None:
    """隔离区：哪些行没有载入，为什么；csv 和 xlsx 可更正后重新导入。"""
    view = view_of(db, version)
    answer = answers.rejects_answer(view.rejects(), view.version)
    sheets = form in (Format.csv, Format.xlsx)
    if sheets:
        answer = replace(answer, table=sheet(view.rejects()))
    write(answer, form, out)
    if sheets:
        target = f"version {view.version}"
        leave_row(db, "quarantine.export", target, rows=len(answer.table))


@app.command()
def clusters(
    db: Db = "", version: VersionNo = None, form: Form = Format.table, out: Out = None
) -> None:
    """产业集群一览。"""
    write(answers.clusters_answer(view_of(db, version).graph()), form, out)


@app.command()
def sources(
    db: Db = "", version: VersionNo = None, form: Form = Format.table, out: Out = None
) -> None:
    """数据来源质量：多少事实有文件出处，多少出自一般性知识。"""
    graph = view_of(db, version).graph()
    write(answers.sources_answer(source_quality(graph), graph.version), form, out)


@app.command()
def gaps(
    region: Region,
    cluster: Cluster,
    action: Annotated[
        str | None,
        typer.Option("--action", callback=one_of(ACTIONS), help="只看一种动作。"),
    ] = None,
    db: Db = "",
    version: VersionNo = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """产业链缺口：补链、强链、固链、延链。"""
    found = gaps_of(db, version, region, cluster)
    write(answers.gaps_answer(found, action), form, out)


@app.command("supply-rate")
def supply_rate_command(
    region: Region,
    cluster: Cluster,
    db: Db = "",
    version: VersionNo = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """本地化配套率：按价值、按种类、按已知采购。"""
    scope = Scope.of(view_of(db, version).graph(), geo.resolve(region), cluster)
    write(answers.supply_answer(supply_rate(scope)), form, out)


@app.command("map")
def map_command(
    kind: Annotated[
        str,
        typer.Argument(callback=one_of(PICTURES), help="resources | attraction | chain"),
    ],
    region: Region,
    cluster: Cluster,
    out: Annotated[
        Path, typer.Option("--out", help="输出文件，以 .html、.png、.svg 或 .pdf 结尾。")
    ],
    single: SingleFile = False,
    boundaries: BoundaryFile = None,
    db: Db = "",
    version: VersionNo = None,
) -> None:
    """画一张图：resources 资源分布图，attraction 招商攻坚图，chain 链图。"""
    check_ending(out)
    found = gaps_of(db, version, region, cluster)
    Album(found, Making(single, boundaries)).draw(kind, out)
    place = {"region": found.scope.region, "cluster": found.scope.cluster}
    leave_row(db, "picture.export", out.name, version=found.version, kind=kind, **place)
    note(f"已写出 {out}")


@app.command()
def versions(db: Db = "", form: Form = Format.table, out: Out = None) -> None:
    """数据版本一览。"""
    write(answers.versions_answer(open_store(db).versions()), form, out)


@app.command()
def compare(
    old: Annotated[int, typer.Argument(help="旧版本。")],
    new: Annotated[int, typer.Argument(help="新版本。")],
    db: Db = "",
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """两个版本之间哪些事实不同。"""
    differences = open_store(db).compare(old, new)
    write(answers.compare_answer(differences, old, new), form, out)


@app.command()
def undo(db: Db = "", form: Form = Format.table, out: Out = None) -> None:
    """撤销最近一次导入（成为一个新版本）。"""
    store = open_store(db)
    store.undo()
    leave_row(db, "store.undo", f"{store.view().version}")
    write(answers.versions_answer(store.versions()[-1:]), form, out)


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="输出文件夹；每个数据包一个子文件夹。")],
    db: Db = "",
    version: VersionNo = None,
) -> None:
    """把全部事实导出为数据包，可以重新导入。"""
    view = view_of(db, version)
    for folder in export_packs(view, out):
        note(f"已写出 {folder}")
    leave_row(db, "store.export", out.name, version=view.version)


@app.command()
def backup(out: Annotated[Path, typer.Option("--out", help="备份文件。")], db: Db = "") -> None:
    """备份整个数据库，含全部版本。"""
    open_store(db).backup(out)
    leave_row(db, "store.backup", out.name)
    note(f"已备份到 {out}")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="backup 写出的文件。")],
    db: Db = "",
    force: Annotated[bool, typer.Option("--force", help="覆盖已有的数据库。")] = False,
) -> None:
    """用备份恢复数据库。"""
    if is_address(db):
        commands_copy.restore_to_server(source, db, replace=force)
    else:
        restore_store(source, Path(db), replace=force)
    leave_row(db, "store.restore", source.name)
    note(f"已恢复到 {commands_copy.public(db)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        argv: Arguments without the program's name; those of the process where None.
    """
    try:
        app(args=None if argv is None else list(argv), prog_name="chainatlas")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else DONE
    except ChainAtlasError as error:
        note(f"错误：{error}")
        return FAILED
    except KeyboardInterrupt:
        note("已中止。")
        return FAILED
    return DONE


def entry() -> None:
    """Console script."""
    sys.exit(main())
