"""Sources through the command line: what they are taken for, what they state, what they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xlsxwriter
from stdnum.cn import uscc

from chainatlas.graph import ChainAtlasError, open_store, regions
from chainatlas.graph.chain import records
from chainatlas.ingest import load
from chainatlas.ingest.products import same_products
from chainatlas.ingest.sources import open_source
from chainatlas.ingest.sources.chainkg import breakdown, shares
from chainatlas.ingest.sources.describe import parse, shipped
from chainatlas.ingest.sources.values import product_id
from cli_tools import Cli

GOOD = "91110000600037341L"
LIST = f"""某某区企业名单,,,,,,,
企业名称,统一社会信用代码,注册资本（万元）,成立日期,联系电话,注册地址,资质/荣誉,参保人数
甲科技有限公司,{GOOD},5000,2010年5月6日,123,武汉市东湖高新区关山大道1号,高新技术企业；专精特新小巨人,120人
乙有限公司,9.11E+17,3000万美元,40304,123,襄阳市高新区,-,
丙有限公司,,100万港元,2010-13-01,1,监利县容城镇,,50-99人
"""


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.delenv("CHAINATLAS_DB", raising=False)
    return Cli(capsys, tmp_path / "store.db")


def enterprises(db: Path) -> dict[str, dict[str, Any]]:
    rows = records(open_store(str(db)).view().graph()["enterprises"])
    return {str(row["name"]): row for row in rows}


def test_a_list_is_recognised_and_read(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "名单20240531.csv"
    path.write_text(LIST, encoding="gb18030")
    done = cli("ingest", path, "--format", "json")
    assert done.status == 3
    assert "enterprise_list" in done.err
    (pack,) = done.document()["packs"]
    assert pack["source"] == "enterprise_list"
    assert pack["name"] == "名单20240531"
    assert pack["people_columns"] == 1
    (file,) = pack["files"]
    assert (file["rows"], file["loaded"], file["quarantined"]) == (3, 2, 1)
    found = enterprises(cli.db)
    first = found["甲科技有限公司"]
    assert (first["id"], first["region"], first["founded_on"]) == (GOOD, "420111", "2010-05-06")
    assert (first["registered_capital"], first["employees"]) == (5e7, 120)
    assert (first["labels"], first["as_of"]) == ("little_giant;high_tech", "2024-05-31")
    third = found["丙有限公司"]
    assert (third["id"], third["region"]) == ("丙有限公司", "421088")
    assert sorted(r[1:] for r in cli.rejects()) == [
        (4, "统一社会信用代码", "row", "code_as_number"),
        (5, "参保人数", "value", "bad_number"),
        (5, "成立日期", "value", "bad_date"),
        (5, "注册资本（万元）", "value", "unknown_currency"),
    ]
    assert cli("ingest", path, "--format", "json").document()["changed"] is False


def test_a_workbook_with_merged_headers(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "企业.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("名单")
        sheet.merge_range(0, 0, 0, 5, "企业名单")
        sheet.merge_range(1, 0, 2, 0, "企业名称")
        sheet.merge_range(1, 1, 1, 2, "所在地")
        sheet.write_row(2, 1, ["城市", "区县"])
        sheet.merge_range(1, 3, 2, 3, "营业收入（亿元）")
        sheet.merge_range(1, 4, 2, 4, "成立日期")
        sheet.merge_range(1, 5, 2, 5, "统一社会信用代码")
        sheet.write_row(3, 0, ["甲公司", "武汉市", "江夏区", 1.5, 40304, ""])
        sheet.write_row(4, 0, ["乙公司", "宜昌", "伍家岗", 2, "2011-01-02", 911100006000373410])
    assert cli("ingest", path).status == 3
    found = enterprises(cli.db)
    assert (found["甲公司"]["region"], found["甲公司"]["revenue"]) == ("420115", 1.5e8)
    assert found["甲公司"]["founded_on"] == "2010-05-06"
    assert [r[1:] for r in cli.rejects()] == [(5, "统一社会信用代码", "row", "code_as_number")]


def test_a_corrected_row_is_in(cli: Cli, tmp_path: Path) -> None:
    """Fix one cell of the sheet, ingest it: the row is in, and in quarantine no more."""
    path = tmp_path / "list.csv"
    path.write_text(LIST, encoding="utf-8")
    cli("ingest", path)
    sheet = tmp_path / "更正.csv"
    assert cli("rejects", "--format", "csv", "--out", sheet).status == 0
    untouched = cli.dump()
    assert cli("ingest", sheet).status == 0
    assert cli.dump() == untouched
    text = sheet.read_text(encoding="utf-8-sig")
    sheet.write_text(text.replace("9.11E+17", GOOD[:-1] + "X"), encoding="utf-8")
    assert cli("ingest", sheet).status == 3
    assert "乙有限公司" not in enterprises(cli.db)
    good = "91420100MA4K00000"
    good += uscc.calc_check_digit(good)
    sheet.write_text(text.replace("9.11E+17", good).replace("2010-13-01", "2010-12-01"), "utf-8")
    report = cli.ask("ingest", sheet, status=3)
    assert [f["loaded"] for f in report["packs"][0]["files"]] == [2]
    found = enterprises(cli.db)
    assert (found["乙有限公司"]["id"], found["乙有限公司"]["region"]) == (good, "420606")
    assert found["丙有限公司"]["founded_on"] == "2010-12-01"
    assert found["甲科技有限公司"]["id"] == GOOD
    assert {r[4] for r in cli.rejects()} == {"unknown_currency", "bad_number"}
    # The file brings its mistakes back; with the sheet in the same command they stay mended.
    before = set(found)
    cli("ingest", path, sheet)
    assert set(enterprises(cli.db)) == before


def test_a_corrected_row_is_linked_to_products_as_its_file_was(cli: Cli, tmp_path: Path) -> None:
    """What the mended enterprise makes follows from its text; giving the sheet again adds nothing."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "clusters.csv").write_text("id,name,region\nc,集群,420100\n", "utf-8")
    (own / "links.csv").write_text("id,cluster,name,stage\nl,c,环节,upstream\n", "utf-8")
    (own / "products.csv").write_text("id,name,links\nrod,光纤预制棒,l\n", "utf-8")
    path = tmp_path / "list.csv"
    head = "企业名称,统一社会信用代码,主营产品\n"
    path.write_text(f"{head}甲公司,,光纤预制棒\n乙公司,9.11E+17,光纤预制棒\n", "utf-8")
    assert cli("ingest", own).status == 0
    assert cli("ingest", path).status == 3
    sheet = tmp_path / "fix.csv"
    assert cli("rejects", "--format", "csv", "--out", sheet).status == 0
    made = [("甲公司", "rod")]
    assert links(cli.db) == made
    assert cli("ingest", sheet).status == 0  # nothing was changed
    assert links(cli.db) == made
    text = sheet.read_text("utf-8-sig")
    sheet.write_text(text[::-1].replace("9.11E+17"[::-1], GOOD[::-1], 1)[::-1], "utf-8")
    assert cli("ingest", sheet).status == 0
    assert links(cli.db) == sorted([*made, (GOOD, "rod")])
    before = cli.dump()
    cli("ingest", sheet)
    assert cli.dump() == before


def links(db: Path) -> list[tuple[str, str]]:
    """Who makes what."""
    made = open_store(str(db)).view().graph()["produces"]
    return sorted(zip(made["enterprise"], made["product"], strict=True))


def test_corrections_of_a_pack(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    folder.mkdir()
    (folder / "products.csv").write_text("id,name\np,产品\n", encoding="utf-8")
    (folder / "enterprises.csv").write_text(
        "id,name,revenue\na,甲,三亿\nb,乙,=1\n", encoding="utf-8"
    )
    assert cli("ingest", folder).status == 3
    sheet = tmp_path / "fix.xlsx"
    assert cli("rejects", "--format", "csv", "--out", tmp_path / "fix.csv").status == 0
    text = (tmp_path / "fix.csv").read_text(encoding="utf-8-sig")
    assert "'=1" in text
    (tmp_path / "fix.csv").write_text(text.replace("三亿", "300000000", 2), encoding="utf-8")
    assert cli("ingest", tmp_path / "fix.csv").status == 0
    assert enterprises(cli.db)["甲"]["revenue"] == 3e8
    assert [r[1] for r in cli.rejects()] == [3]
    assert cli("rejects", "--format", "xlsx", "--out", sheet).status == 0


def test_a_sheet_of_another_store_says_so(cli: Cli, tmp_path: Path) -> None:
    sheet = tmp_path / "x.csv"
    sheet.write_text("#数据包,#文件,#行,#标识,a\nnone,f.csv,1,x,1\n", encoding="utf-8")
    done = cli("ingest", sheet)
    assert done.status == 1
    assert "none" in done.message


def test_unknown_files_and_sources_are_refused(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    assert "表头" in cli("ingest", path).message
    done = cli("ingest", path, "--source", "nothing")
    assert done.status == 1
    assert "enterprise_list" in done.message
    assert cli("ingest", path, "--source", "enterprise_list").status == 1


def test_descriptions_are_checked() -> None:
    assert {"pack", "chainkg", "ashare_2018", "ashare_2020", "enterprise_list"} <= set(shipped())
    for text in ("name=", "name='x'\ntitle='x'\ncolour='red'", "name='x'"):
        with pytest.raises(ChainAtlasError):
            parse(text, "x.toml")
    table = "name='x'\ntitle='x'\n[[files]]\ntable='enterprises'\n[files.columns]\nsize='a'\n"
    with pytest.raises(ChainAtlasError, match="size"):
        parse(table, "x.toml")


CHAINKG: dict[str, list[dict[str, Any]]] = {
    "company.json": [
        {"name": "甲", "fullname": "甲公司", "code": "000001.SZ", "location": "深圳证券交易所"},
        {"name": "乙", "fullname": "乙公司", "code": "600001", "location": "上海证券交易所"},
    ],
    "product.json": [{"name": n} for n in ("硫酸", "硫磺", "化肥", "服务", "平衡项目", "钢")],
    "company_product.json": [
        {"company_code": "000001.SZ", "product_name": p, "rel_weight": w}
        for p, w in (("硫酸", 0.6), ("硫磺", 0.4), ("化肥", 0.7), ("钢", 0.001), ("服务", 0.1))
    ],
    "product_product.json": [
        {"from_entity": "硫酸", "to_entity": "硫磺", "rel": "上游材料"},
        {"from_entity": "硫酸", "to_entity": "化肥", "rel": "下游产品"},
        {"from_entity": "钢", "to_entity": "硫酸", "rel": "产品小类"},
        {"from_entity": "钢", "to_entity": "钢", "rel": "上游材料"},
    ],
    "company_industry.json": [
        {"company_code": "600001.SH", "industry_code": "2", "industry_name": "化肥业"},
        {"company_code": "600009.SH", "industry_code": "2", "industry_name": "化肥业"},
    ],
    "industry.json": [{"code": "1", "name": "化工"}, {"code": "2", "name": "化肥业"}],
    "industry_industry.json": [{"from_industry": "化肥业", "to_industry": "化工"}],
}


def test_chainkg_in_small(tmp_path: Path) -> None:
    """Every row is loaded or refused with its reason; store products are met by their names."""
    for name, rows in CHAINKG.items():
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (tmp_path / name).write_text(lines, encoding="utf-8")
    assert shipped()["chainkg"].folder
    pack = open_source(tmp_path)
    assert pack.source == "chainkg"
    pack = replace(pack, expected={})  # a small sample of a large source
    own = tmp_path / "own"
    own.mkdir()
    (own / "products.csv").write_text("id,name,aliases\nacid,工业硫酸,硫酸\n", encoding="utf-8")
    store = open_store(str(tmp_path / "store.db"), create=True)
    load(store, [open_source(own)])
    report = load(store, [pack], stages=(same_products,))
    for file in report.packs[0].files:
        assert file.rows == file.loaded + file.quarantined
    graph = store.view().graph()
    assert set(graph["enterprises"]["id"]) == {"000001.SZ", "600001.SH"}
    assert graph["enterprises"].set_index("id")["industry"]["600001.SH"] == "化工/化肥业"
    made = graph["produces"].set_index("product")["share"]
    assert made["acid"] == 0.6
    assert made[product_id("硫磺")] == 0.4
    assert np.isnan(made[product_id("化肥")])
    assert np.isnan(made[product_id("钢")])
    pairs = set(zip(graph["inputs"]["product"], graph["inputs"]["input"], strict=True))
    assert pairs == {("acid", product_id("硫磺")), (product_id("化肥"), "acid")}
    reasons = report.packs[0].reasons
    assert reasons == {
        "generic_name": 2,
        "not_a_name": 1,
        "not_an_input": 1,
        "self_reference": 1,
        "share_unresolved": 1,
        "unknown_reference": 1,
    }


def test_stages_see_what_others_state(tmp_path: Path) -> None:
    """The seams: ids made up by a source are replaced, then facts are added."""
    path = tmp_path / "list.csv"
    path.write_text("企业名称,主营产品\n甲公司,硫酸\n", encoding="utf-8")
    own = tmp_path / "own"
    own.mkdir()
    (own / "products.csv").write_text("id,name\np,硫酸\n", encoding="utf-8")
    (own / "enterprises.csv").write_text("id,name\nknown,甲公司\n", encoding="utf-8")

    def identify(facts: Any, graph: Any) -> Any:
        ids = dict(zip(graph["enterprises"]["name"], graph["enterprises"]["id"], strict=True))
        frame = facts.tables["enterprises"]
        frame = frame.assign(id=frame["name"].map(ids))
        return type(facts)(facts.pack, {**facts.tables, "enterprises": frame}, facts.rejects)

    store = open_store(str(tmp_path / "store.db"), create=True)
    load(store, [open_source(own), open_source(path)], stages=(identify,))
    (row,) = records(store.view().graph()["enterprises"])
    assert (row["id"], row["main_products"]) == ("known", "硫酸")


def test_rows_of_one_product_are_joined_and_accounted_for(tmp_path: Path) -> None:
    """轮胎 and 子午线轮胎 are one product of the store: by hand, shares .3 and .2 make .5."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "products.csv").write_text("id,name,aliases\ntyre,轮胎,子午线轮胎\n", "utf-8")
    other = tmp_path / "other"
    other.mkdir()
    (other / "products.csv").write_text("id,name\na,轮胎\nb,子午线轮胎\nc,橡胶\n", "utf-8")
    (other / "enterprises.csv").write_text("id,name\ne,甲公司\n", "utf-8")
    (other / "produces.csv").write_text("enterprise,product,share\ne,a,0.3\ne,b,0.2\n", "utf-8")
    (other / "inputs.csv").write_text("product,input\na,b\na,c\nb,c\n", "utf-8")
    second = replace(open_source(other), source="chainkg")
    store = open_store(str(tmp_path / "store.db"), create=True)
    report = load(store, [open_source(own), second], stages=(same_products,))
    graph = store.view().graph()
    assert sorted(graph["products"]["name"]) == ["橡胶", "轮胎"]
    (made,) = records(graph["produces"])
    assert (made["product"], made["share"]) == ("tyre", 0.5)
    assert [(r["product"], r["input"]) for r in records(graph["inputs"])] == [("tyre", "c")]
    files = {f.file: (f.rows, f.loaded, f.quarantined) for f in report.packs[1].files}
    assert files["products.csv"] == (3, 2, 1)
    assert files["produces.csv"] == (2, 1, 1)
    assert files["inputs.csv"] == (3, 1, 2)
    assert report.packs[1].reasons == {"same_product": 3, "self_reference": 1}
    rejects = store.view().rejects()
    assert len(rejects) == 4
    assert set(rejects["file"]) == set(files) - {"enterprises.csv"}


@pytest.mark.parametrize(
    ("weights", "chosen"),
    [
        ([0.5, 0.3], [0, 1]),
        ([0.6, 0.4, 0.7], [0, 1]),
        ([1.0, 0.6, 0.4], [1, 2]),
        ([0.6, 0.4, 0.7, 0.3], None),
        ([0.9, 0.8], None),
        ([0.333333, 0.333333, 0.333333, 0.9], [0, 1, 2]),
    ],
)
def test_breakdowns(weights: list[float], chosen: list[int] | None) -> None:
    found = shares(np.asarray(weights))
    assert (None if found is None else found.tolist()) == chosen


def test_repeated_weights_are_one_item() -> None:
    """By hand: 物业租赁和服务 (.24) stands under two names; .1 is taken off between segments."""
    none = np.zeros(0)
    given, how = breakdown(np.asarray([0.76, 0.24, 0.24]), none)
    assert how == "joined"
    assert np.allclose(given, [0.76, 0.12, 0.12])
    given, how = breakdown(np.asarray([0.6, 0.16, 0.24, 0.24, 0.76]), none)
    assert how == "joined"
    assert np.allclose(given, [0.6, 0.16, 0.12, 0.12, np.nan], equal_nan=True)
    given, how = breakdown(np.asarray([0.7, 0.4, 0.93]), np.asarray([-0.1]))
    assert how == "taken_off"
    assert np.allclose(given, [7 / 11, 4 / 11, np.nan], equal_nan=True)
    given, how = breakdown(np.asarray([0.7, 0.4]), none)
    assert how == "no_sum"
    assert np.isnan(given).all()


@pytest.mark.shared
def test_real_sources_account_for_every_row(shared: Path, tmp_path: Path) -> None:
    real = shared / "real"
    store = open_store(str(tmp_path / "store.db"), create=True)
    paths = [real / "chainkg", *real.glob("ashare_20*/*")]
    packs = [open_source(path) for path in paths]
    assert packs[0].source == "chainkg"
    assert {p.source for p in packs} == {"chainkg", "ashare_2018", "ashare_2020"}
    report = load(store, packs)
    for pack in report.packs:
        for file in pack.files:
            assert file.rows == file.loaded + file.quarantined, file
    loaded = {f.file: f.loaded for pack in report.packs for f in pack.files}
    assert loaded["company.json"] > 3600
    assert loaded["company_product.json"] > 38_000
    assert loaded["product_product.json"] > 55_000
    assert loaded["cn_corp202012.csv"] == 4716
    companies = store.view().graph()["enterprises"]
    known = companies["region"].dropna()
    assert {regions.province(c) for c in known.tolist()} >= {
        c for c in regions.names() if regions.level(c) == "province" and c[0] not in "78"
    }
    total = store.view().graph()["produces"].groupby("enterprise")["share"].sum()
    assert (total <= 1 + 1e-5).all()


def test_killed_loads_leave_the_old_or_the_new(tmp_path: Path) -> None:
    """A few kills; ``tests/bench/kill.py`` does two hundred."""
    bench = Path(__file__).parents[2] / "bench" / "kill.py"
    done = subprocess.run(
        [sys.executable, str(bench), "4", "300"], check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["killed"] == 4
    assert found["old"] + found["new"] == 4
