"""``chainatlas link``: the products that a table of companies makes, sells or services."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from ..graph.chain import records
from ..graph.errors import ReadError
from ..ingest.linking import MAKES, SELLS, SERVICES, Linker, propose
from ..ingest.linking.linker import MAIN, MINIMUM, PRODUCTS, SCOPE
from ..ingest.linking.tables import texts_of
from ..ingest.readers import RawTable, read_csv, read_xlsx
from .answers import Answer
from .output import Format, write
from .shell import Db, Form, Out, VersionNo, app, one_of, view_of

ROLES = {MAKES: "生产", SELLS: "销售", SERVICES: "服务"}
FIELDS = {SCOPE: "经营范围", MAIN: "主营业务", PRODUCTS: "主营产品"}


@app.command("link")
def link_command(
    file: Annotated[Path, typer.Argument(help="企业名单，.csv 或 .xlsx（取第一张有内容的表）。")],
    role: Annotated[
        str | None,
        typer.Option("--role", callback=one_of(ROLES), help="只看 makes | sells | services。"),
    ] = None,
    minimum: Annotated[
        float, typer.Option("--minimum", min=0, max=1, help="最低置信度。")
    ] = MINIMUM,
    proposals: Annotated[
        bool, typer.Option("--propose", help="改为列出产品库没有的产品名，供审核。")
    ] = False,
    db: Db = "",
    version: VersionNo = None,
    form: Form = Format.table,
    out: Out = None,
) -> None:
    """从经营范围、主营业务和产品清单识别企业生产、销售或服务的产品。"""
    texts, names = texts_of(_read(file))
    view = view_of(db, version)
    products = view.graph()["products"]
    linker = Linker(products)
    if proposals:
        write(proposals_answer(propose(texts, linker), view.version), form, out)
        return
    links = linker.link(texts, minimum)
    if role is not None:
        links = links[links["role"] == role]
    write(link_answer(links, names, products, view.version), form, out)


def _read(path: Path) -> RawTable:
    """The table of a file.

    Raises:
        ReadError: Neither CSV nor workbook, or unreadable.
    """
    if path.suffix.lower() == ".csv":
        return read_csv(path, path.name)
    if path.suffix.lower() == ".xlsx":
        for _, table in read_xlsx(path, path.name):
            return table
        raise ReadError(f"{path.name}：没有内容。")
    raise ReadError(f"{path.name}：只能读取 .csv 和 .xlsx 文件。")


def link_answer(
    links: pd.DataFrame, names: pd.Series, products: pd.DataFrame, version: int
) -> Answer:
    """``link``: each place in the texts that names a product."""
    called = products.drop_duplicates("id").set_index("id")["name"]
    table = pd.DataFrame(
        {
            "企业": links["enterprise"].map(names),
            "代码": links["enterprise"],
            "产品": links["product"].map(called),
            "角色": links["role"].map(ROLES),
            "置信度": links["confidence"],
            "栏目": links["field"].map(FIELDS),
            "原文": links["matched"],
            "位置": links["start"].astype(str) + "–" + links["end"].astype(str),
        }
    )
    document = {
        "version": version,
        "links": records(links.assign(name=links["product"].map(called))),
    }
    brief = ("企业", "产品", "角色", "置信度", "原文")
    return Answer("link", document, table, "企业与产品", {}, brief)


def proposals_answer(proposed: pd.DataFrame, version: int) -> Answer:
    """``link --propose``: names that the products of the store lack."""
    document = {
        "version": version,
        "proposals": records(
            proposed.assign(enterprises=[ids.split(";") for ids in proposed["enterprises"]])
        ),
    }
    table = proposed.rename(columns={"term": "名称", "count": "企业数", "enterprises": "例"})
    return Answer("proposals", document, table, "产品库没有的产品名", {})
