"""``chainatlas snapshots`` and ``chainatlas backtest``: from a folder of files to figures and a page."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from playwright.sync_api import sync_playwright

from chainatlas.analysis.backtest import scoring
from chainatlas.analysis.backtest.panel import COLUMNS
from chainatlas.analysis.backtest.protocols import BASELINES
from cli_tools import Cli
from listings import Row, firm, listing

ROOT = Path(__file__).parents[2]
T0, END = "2018-06-30", "2020-12-31"


def put(folder: Path, on: str, rows: list[Row], encoding: str = "utf-8") -> None:
    folder.mkdir(exist_ok=True)
    table = pd.DataFrame(rows).astype("str").reindex(columns=list(COLUMNS), fill_value="")
    table.to_csv(folder / f"{on}.csv", index=False, encoding=encoding)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("backtest") / "snapshots"
    rows = listing(firms=400, cities=20, kinds=8)
    put(found, T0, [{**r, "industry": "", "text": ""} for r in rows if r["listed_on"] <= T0])
    put(found, END, rows, "utf-8-sig")
    (found / "readme.txt").write_text("不是快照", encoding="utf-8")
    return found


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    return Cli(capsys, tmp_path / "none.db")


@pytest.fixture(autouse=True)
def rough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "RESAMPLES", 40)


def test_the_figures_as_json(cli: Cli, folder: Path, tmp_path: Path) -> None:
    """End to end: by contract, described by the schema, and the same bytes for the same seed."""
    ask = ("backtest", "--snapshots", folder, "--format", "json", "--seed")
    result = cli.bare(*ask, "7")
    assert result.status == 0
    found = result.document()
    schema = json.loads((ROOT / "docs/schemas/backtest.schema.json").read_text("utf-8"))
    jsonschema.validate(found, schema)
    assert (found["seed"], found["snapshots"]) == (7, [T0, END])
    assert list(found["protocols"]) == ["entry", "entry_within_city", "placement", "gap_to_firm"]
    for protocol in found["protocols"].values():
        assert set(BASELINES) <= set(protocol["nulls"])
    assert found["counts"]["backfilled_industry"] == found["counts"]["start_firms"]
    assert not [f for f in found["leakage"] if f["count"]]
    again = cli.bare(*ask, "7", "--out", tmp_path / "again.json")
    assert (again.status, again.out) == (0, "")
    assert (tmp_path / "again.json").read_text(encoding="utf-8") == result.out
    other = cli.bare(*ask, "8").document()["protocols"]["entry"]
    assert other["ap_interval"] != found["protocols"]["entry"]["ap_interval"]


def test_planted_leakage_is_said_aloud(cli: Cli, folder: Path, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    with (folder / f"{T0}.csv").open(encoding="utf-8", newline="") as stream:
        first = list(csv.DictReader(stream))
    with (folder / f"{END}.csv").open(encoding="utf-8-sig", newline="") as stream:
        last = list(csv.DictReader(stream))
    event = next(r for r in last if r["listed_on"] > T0)
    for row in last:
        row["revenue"] = row["code"]
    put(planted, T0, [*({**r, "revenue": r["code"]} for r in first), event])
    put(planted, END, [*last, firm("late", "城01市", "业01", "2021-03-01")])
    result = cli.bare("backtest", "--snapshots", planted, "--format", "json")
    found = {f["check"]: f["count"] for f in result.document()["leakage"]}
    assert found["revenue_of_outcome"] == len(first)
    assert found["listed_after_start"] == 1
    assert found["listed_after_outcome"] == 1
    assert "revenue_of_outcome" in result.message


def test_the_table_names_every_ranking(cli: Cli, folder: Path) -> None:
    result = cli.bare("backtest", "--snapshots", folder, "--format", "csv")
    table = list(csv.DictReader(result.out.splitlines()))
    assert {row["排序方法"] for row in table} >= {"本模型", *BASELINES.values()}
    assert len({row["检验"] for row in table}) == 4


@pytest.mark.browser
def test_the_page_stands_alone(cli: Cli, folder: Path, tmp_path: Path, chromium: str) -> None:
    page_file = tmp_path / "backtest.html"
    result = cli.bare("backtest", "--snapshots", folder, "--format", "html", "--out", page_file)
    assert result.status == 0
    assert [p.name for p in tmp_path.iterdir()] == ["backtest.html"]
    trouble: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.on("console", lambda m: trouble.append(m.text))
        page.on("pageerror", lambda e: trouble.append(str(e)))
        page.on(
            "request",
            lambda r: trouble.append(r.url) if not r.url.startswith(("file:", "data:")) else None,
        )
        page.goto(page_file.as_uri())
        text = page.inner_text("body")
        charts = page.locator("svg").count()
        wide = page.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert not trouble
    assert charts == 5  # precision and recall, lift, and hits of three protocols
    assert wide <= 1366
    for words in (
        "基础比例",
        "本模型",
        "基线特征的逻辑回归",
        "不是一家新企业到来",
        "迁址",
        "只报告 AUC",
    ):
        assert words in text, words


def test_html_on_standard_output(cli: Cli, folder: Path) -> None:
    result = cli.bare("backtest", "--snapshots", folder, "--format", "html")
    assert result.out.startswith("<!DOCTYPE html>")
    assert result.out.rstrip().endswith("</html>")


def broken(folder: Path, how: str) -> Any:
    rows = listing(firms=30, cities=3, kinds=2)
    put(folder, T0, rows)
    put(folder, END, rows)
    target = folder / f"{END}.csv"
    if how == "一个":
        target.unlink()
    elif how == "日期":
        target.rename(folder / "2020-13-31.csv")
    elif how == "编码":
        target.write_bytes(bytes(range(128, 256)) * 20)
    elif how == "缺少列 code":
        target.write_text("name,city\n甲,武汉市\n", encoding="utf-8")
    elif how == "列数":
        target.write_text("code,name\n1,甲,多\n", encoding="utf-8")
    elif how == "空的":
        target.write_text("", encoding="utf-8")


@pytest.mark.parametrize(
    ("how", "said"),
    [("一个", "至少需要两个快照"), ("日期", "不是有效的日期"), ("编码", f"{END}.csv"),
     ("缺少列 code", "缺少列code"), ("列数", "列数与表头不同"), ("空的", "空的")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(cli: Cli, tmp_path: Path, how: str, said: str) -> None:
    broken(tmp_path / "s", how)
    result = cli.bare("backtest", "--snapshots", tmp_path / "s")
    assert result.status == 1
    assert said in result.message
    assert "Traceback" not in result.err


def test_no_folder_and_no_lists(cli: Cli, tmp_path: Path) -> None:
    assert cli.bare("backtest", "--snapshots", tmp_path / "no").status == 1
    assert cli.bare("backtest", "--snapshots", tmp_path).status == 1
    assert cli.bare("snapshots", "--shared", tmp_path, "--out", tmp_path / "x").status == 1
    assert not (tmp_path / "x").exists()


@pytest.mark.shared
def test_snapshots_of_the_real_lists(cli: Cli, shared: Path, tmp_path: Path) -> None:
    result = cli.bare("snapshots", "--shared", shared, "--out", tmp_path / "s")
    assert result.status == 0
    files = sorted(p.name for p in (tmp_path / "s").iterdir())
    assert files == ["2018-06-11.csv", "2020-12-31.csv"]
    first, last = (pd.read_csv(tmp_path / "s" / f, dtype="str").fillna("") for f in files)
    assert tuple(first.columns) == tuple(last.columns) == COLUMNS
    assert (len(first), len(last)) == (3533, 4716)
    # The list of 2018 repeats the province in the city's column; the address is read instead.
    assert (first["city"] != "").sum() > 3500
    assert not set(first["city"]) & {"湖北省", "广东省", "湖北", "广东"}
    assert not first["revenue"].any()
    wuhan = last[last["city"] == "武汉市"]
    assert set(wuhan["province"]) == {"湖北省"}
    assert len(wuhan) > 50
