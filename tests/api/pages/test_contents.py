"""The bureau's pages without a browser: what they say is what the analyses say, and forms lead on."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import networkx as nx
import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from chainatlas.analysis.evidence import details
from chainatlas.analysis.gaps import ACTIONS, STATES, Gaps, find_gaps
from chainatlas.analysis.neighbours import chain_path, neighbours
from chainatlas.analysis.scope import Scope
from chainatlas.analysis.simulate import Land, simulate
from chainatlas.analysis.situation import FIGURES, difference, situation
from chainatlas.analysis.supply import supply_rate
from chainatlas.analysis.targets import find_targets
from chainatlas.api.cli import main
from chainatlas.api.http.app import create_app
from chainatlas.api.http.settings import Settings
from chainatlas.graph import regions as geo
from chainatlas.graph.chain import ChainGraph, records
from chainatlas.graph.schema import TIERS
from chainatlas.viz.changes import figure_text
from chainatlas.viz.resources import inside, place_table, resources
from chainatlas.viz.words import money, percent

from .conftest import Desk, Seen

WUHAN_IC = "region=420100&cluster=ic"


@pytest.fixture(scope="module")
def graph(desk: Desk) -> ChainGraph:
    return desk.graph


@pytest.fixture(scope="module")
def gaps(graph: ChainGraph) -> Gaps:
    return find_gaps(Scope.of(graph, "420100", "ic"))


def test_overview_says_what_the_analyses_say(desk: Desk, graph: ChainGraph) -> None:
    html = desk.client().get("/?region=420100").text
    articles = re.findall(r'<article class="card cluster">(.*?)</article>', html, re.DOTALL)
    clusters = records(graph["clusters"])
    assert len(articles) == len(clusters)
    for cluster, article in zip(clusters, articles, strict=True):
        text = " ".join(Seen.of(article).text.split())
        found = find_gaps(Scope.of(graph, "420100", cluster["id"]))
        rate = supply_rate(found.scope)
        assert cluster["name"] in text
        if isinstance(cluster["tier"], str):
            assert TIERS[cluster["tier"]] in text
        for action, name in ACTIONS.items():
            assert f"{name} {sum(action in x for x in found.table['actions'])}" in text
        for value in (rate.value, rate.value_low, rate.count, rate.observed):
            assert percent(value) in text
        acting = found.acting()
        sure = int((acting["evidence"] == "confirmed").sum())
        assert f"已确认 {sure} 个，待核实 {len(acting) - sure} 个" in text
        assert money(float(found.table["output"].sum())) in text


def test_overview_puts_the_most_urgent_first_with_its_best_target(
    desk: Desk, graph: ChainGraph
) -> None:
    rows = desk.page("/?region=420100").tables["0"][1:]
    every = [
        (row["priority"], row["product"], row["name"], found)
        for cluster in graph["clusters"]["id"]
        for found in [find_gaps(Scope.of(graph, "420100", cluster))]
        for row in records(found.acting())
    ]
    names: dict[str, tuple[str, Gaps]] = {}
    for _, product, name, found in sorted(every, key=lambda r: (-r[0], r[1])):
        names.setdefault(product, (name, found))
    wanted = list(names.items())[: len(rows)]
    assert [row[2] for row in rows] == [name for _, (name, _) in wanted]
    for (product, (_, found)), row in zip(wanted, rows, strict=True):
        best = find_targets(found, [product], 1)
        assert row[8].startswith(best["name"].iloc[0] if len(best) else "暂无候选企业")


def test_overview_tells_what_the_last_version_changed(desk: Desk) -> None:
    part = desk.client().get("/overview/changes?region=420100&part=1").text
    assert "<html" not in part
    assert "DRAM芯片（补链）" in part  # closed: somebody makes it now
    assert "各项结论和指标都没有变化" in part  # of clusters without DRAM


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("光刻机", "光刻机"),
        ("动态随机存取", "DRAM芯片"),
        ("武汉大学", "武汉大学"),
        ("襄阳", "湖北省襄阳市"),
    ],
)
def test_search_finds_by_part_of_a_name_or_alias(desk: Desk, wanted: str, found: str) -> None:
    page = desk.page(f"/?region=420100&q={quote(wanted)}")
    links = {text: href for href, text in page.links}
    assert found in links
    assert links[found].startswith("/")


def test_search_that_finds_nothing_says_so(desk: Desk) -> None:
    assert "没有找到" in desk.page("/?region=420100&q=" + quote("不存在的东西")).text


def test_chain_shows_every_product_by_action_size_and_evidence(desk: Desk, gaps: Gaps) -> None:
    html = desk.client().get(f"/chain?{WUHAN_IC}").text
    chips = dict(re.findall(r'data-id="([^"]+)"[^>]*><b class="dot ([^"]*)"', html))
    sizes = dict(
        re.findall(r'data-id="([^"]+)"[^>]*><b class="dot[^"]*" style="--d:(\d+)px"', html)
    )
    rows = records(gaps.table)
    assert set(chips) == {row["product"] for row in rows}
    for row in rows:
        classes = chips[row["product"]].split()
        assert classes[0] == row["primary"]
        assert ("suspected" in classes) == (row["evidence"] == "suspected")
        assert ("shaky" in classes) == (not row["robust"])
    by_output = sorted(rows, key=lambda row: row["output"])
    drawn = [int(sizes[row["product"]]) for row in by_output]
    assert drawn == sorted(drawn)
    assert drawn[-1] == 2 * drawn[0]


def lit(html: str) -> set[str]:
    """Products of a chain page that its filters let through."""
    chips = re.findall(r'<a class="chip([^"]*)"[^>]*data-id="([^"]+)"', html)
    return {key for css, key in chips if "faint" not in css}


def with_label(gaps: Gaps, label: str) -> set[str]:
    """Products that a local enterprise with a label makes."""
    graph = gaps.scope.graph
    marked = {
        e["id"] for e in records(graph["enterprises"]) if label in str(e["labels"]).split(";")
    }
    home = dict(zip(graph["enterprises"]["id"], graph.text("enterprises", "region"), strict=True))
    return {
        row["product"]
        for row in records(graph["produces"])
        if row["enterprise"] in marked
        and row["role"] == "maker"
        and geo.contains("420100", str(row["region"]) if isinstance(row["region"], str) else home[row["enterprise"]])
    }  # fmt: skip


def where(test: Callable[[dict[str, Any]], bool]) -> Callable[[Gaps], set[str]]:
    """Products whose row passes a test."""
    return lambda gaps: {row["product"] for row in records(gaps.table) if test(row)}


FILTERS: dict[str, Callable[[Gaps], set[str]]] = {
    "action=strengthen": where(lambda r: "strengthen" in r["actions"]),
    "action=sound": where(lambda r: r["primary"] == "sound"),
    "evidence=confirmed": where(lambda r: r["evidence"] == "confirmed"),
    "stage=downstream": where(lambda r: r["stage"] == "downstream"),
    "label=leading": lambda gaps: with_label(gaps, "leading") & where(lambda r: True)(gaps),
    "q=" + quote("芯片"): where(lambda r: "芯片" in r["name"]),
    "action=supplement&stage=upstream": where(
        lambda r: "supplement" in r["actions"] and r["stage"] == "upstream"
    ),
}


@pytest.mark.parametrize("query", FILTERS)
def test_chain_filters_and_its_table_follows(desk: Desk, gaps: Gaps, query: str) -> None:
    answer = desk.client().get(f"/chain?{WUHAN_IC}&{query}").text
    found = FILTERS[query](gaps)
    wanted = [r for r in records(gaps.table) if r["product"] in found]
    assert 0 < len(wanted) < len(gaps.table)
    assert lit(answer) == {r["product"] for r in wanted}
    twin = Seen.of(answer).tables["twin"][1:]
    assert [row[0] for row in twin] == [r["name"] for r in wanted]
    assert [row[3] for row in twin] == [STATES[str(r["primary"])] for r in wanted]


def test_panel_holds_makers_inputs_users_reasons_and_routes(desk: Desk, gaps: Gaps) -> None:
    row = records(gaps.acting())[0]
    product, detail = row["product"], details(gaps, [row["product"]])[row["product"]]
    inputs, users = neighbours(gaps, product)
    with_page = desk.page(f"/chain?{WUHAN_IC}&product={product}").text
    part = desk.client().get(f"/chain/product?{WUHAN_IC}&product={product}&part=1").text
    assert "<html" not in part
    for text in (with_page, Seen.of(part).text):
        for maker in (*detail.local[:4], *detail.national[:4], *detail.foreign[:4]):
            assert maker.name in text
        for near in (*inputs[:10], *users[:10]):
            assert near.name in text
        assert money(row["demand"]) in text
        for reason in row["reasons"]:
            assert f"阈值 {reason['threshold']:g}" in text


def test_chain_expands_and_finds_paths(desk: Desk, graph: ChainGraph, gaps: Gaps) -> None:
    ours = set(gaps.table["product"])
    up = set(graph.closure("INPUT_TO", ["dram"], "upstream", 1)["id"])
    down = set(graph.closure("INPUT_TO", ["dram"], "downstream", 1)["id"])
    html = desk.client().get(f"/chain?{WUHAN_IC}&product=dram&up=1&down=1").text
    assert lit(html) == (up | down) & ours
    flow: nx.DiGraph[str] = nx.DiGraph()
    flow.add_edges_from(zip(graph["inputs"]["input"], graph["inputs"]["product"], strict=True))
    for start, end in (("lithography-machine", "dram"), ("dram", "lithography-machine")):
        way = chain_path(graph, start, end)
        assert (way[0], way[-1]) == (start, end)
        forth = way if start == "lithography-machine" else way[::-1]
        assert len(way) - 1 == nx.shortest_path_length(flow, forth[0], forth[-1])
        assert all(flow.has_edge(a, b) for a, b in pairwise(forth))
        page = desk.client().get(f"/chain?{WUHAN_IC}&from={start}&to={end}").text
        assert lit(page) == set(way) & ours
        assert f"路径（{len(way) - 1} 步）" in page
    assert chain_path(graph, "dram", "nothing") == []
    apart = next(p for p in ours if not chain_path(graph, p, "dram"))
    assert "没有投入产出路径" in desk.page(f"/chain?{WUHAN_IC}&from={apart}&to=dram").text


def test_map_tables_are_those_of_the_analysis_and_filters_thin_them(desk: Desk, gaps: Gaps) -> None:
    facts = resources(gaps)
    page = desk.page(f"/map?{WUHAN_IC}")
    table = place_table(inside(facts, geo.divisions("420000")), geo.divisions("420000"))
    rows = page.tables["places"][1:]
    assert [r[0] for r in rows] == table["地区"].tolist()
    assert len(rows) == 17
    assert [int(r[1].replace(",", "")) for r in rows] == table["龙头与上市企业数"].tolist()
    institutes = desk.page(f"/map?{WUHAN_IC}&kind=institute").tables["list"][1:]
    assert {r[1] for r in institutes} == {"高校院所与平台"}
    leading = desk.page(f"/map?{WUHAN_IC}&label=leading&product=dram").tables.get("list", [[]])[1:]
    assert leading == []
    made = desk.page(f"/map?{WUHAN_IC}&product=dram").tables["list"][1:]
    assert {r[2] for r in made if r[4] not in ("0", "—")} == {"新建存储厂"}


def test_map_drills_down_and_shows_layers_without_scripts(desk: Desk) -> None:
    page = desk.page(f"/map?{WUHAN_IC}")
    (below,) = {href for href, _ in page.links if "at=420100" in href}
    counties = desk.page(below if below.startswith("/") else "/map" + below)
    assert {r[0] for r in counties.tables["places"][1:]} >= {"洪山区", "江夏区"}
    shown = desk.client().get(f"/map?{WUHAN_IC}&layers=1&layer=flow").text
    css = re.search(r'<div id="map" class="([^"]*)"', shown)
    assert css is not None
    assert "hide-flow" not in css[1]
    assert "hide-bubble" in css[1]
    approved = desk.page(f"/map?{WUHAN_IC}&approval=" + quote("鄂S(2026)001号"))
    assert any(a.get("value") == "鄂S(2026)001号" for a in approved.attributes)


def test_attraction_lists_gaps_by_priority_with_their_targets(desk: Desk, gaps: Gaps) -> None:
    acting = gaps.acting()
    wanted = acting["name"].tolist()
    names: list[str] = []
    for number in range(1, 20):
        html = desk.client().get(f"/attraction?{WUHAN_IC}&page={number}").text
        names += re.findall(r'<article class="card gap"[^>]* aria-label="([^"]*)"', html)
        if f"第 {number} /" not in html or 'rel="next"' not in html:
            break
    assert names == wanted
    first = acting["product"].iloc[0]
    best = find_targets(gaps, [first], 3)
    html = desk.client().get(f"/attraction?{WUHAN_IC}").text
    article = re.findall(r'<article class="card gap".*?</article>', html, re.DOTALL)[0]
    text = Seen.of(article).text
    places = [text.index(name) for name in best["name"]]
    assert places == sorted(places)
    assert geo.name(best["landing"].iloc[0]) in text
    assert ("待核实" in text) == (acting["evidence"].iloc[0] == "suspected")
    every = find_targets(gaps, [first])
    single = desk.page(f"/attraction?{WUHAN_IC}&product={first}").text
    assert all(name in single for name in every["name"])


def test_comparison_of_regions_shows_both_situations(desk: Desk, graph: ChainGraph) -> None:
    page = desk.page(f"/compare?{WUHAN_IC}&other=420500")
    sides = [situation(Scope.of(graph, region, "ic")) for region in ("420100", "420500")]
    rows = {r[0]: r[1:3] for r in page.tables["0"][1:]}
    for name, words in FIGURES.items():
        assert rows[words["zh"]] == [figure_text(name, s.figures[name]) for s in sides]
    found = difference(*sides)
    assert [r[0] for r in page.tables["1"][1:]] == found.products["name"].tolist()


def test_comparison_of_versions_tells_the_new_maker(desk: Desk) -> None:
    page = desk.page(f"/compare?{WUHAN_IC}&with=version&from=1&to=2")
    assert "消除缺口 1 项：DRAM芯片（补链）" in page.text
    assert "DRAM芯片" in {r[0] for r in page.tables["1"][1:]}
    desk.page(f"/compare?{WUHAN_IC}&with=version&from=1&to=9", 404)


def test_simulation_by_links_alone(desk: Desk, gaps: Gaps) -> None:
    """Search, land, and change the place: what a person without scripts clicks."""
    client = desk.client()
    hits = Seen.of(client.get(f"/compare?{WUHAN_IC}&with=move&q=" + quote("长鑫")).text)
    land = next(href for href, text in hits.links if text == "落地")
    page = Seen.of(client.get(land).text)
    found = simulate(gaps.scope, [Land("cxmt", "420100")]).difference
    rows = {r[0]: r[1:3] for r in page.tables["0"][1:]}
    for change in found.figures():
        name = change["name"]
        shown = [figure_text(name, change["before"]), figure_text(name, change["after"])]
        assert rows[FIGURES[name]["zh"]] == shown
    back = next(href for href, text in page.links if text == "去掉")
    assert "move=land" not in back
    elsewhere = client.get(land + "&place:cxmt=420500").text
    assert "不在所分析的地区之内" in elsewhere
    assert client.get(f"/compare?{WUHAN_IC}&with=move&move=land:420100:nobody").status_code == 404
    assert client.get(f"/compare?{WUHAN_IC}&with=move&move=fly:1:cxmt").status_code == 400
    assert client.get(f"/compare?{WUHAN_IC}&with=move&move=grow:x:cxmt").status_code == 400


@pytest.mark.parametrize(
    ("kind", "ending", "begins"),
    [
        *((kind, "pdf", b"%PDF") for kind in ("chain", "resources", "attraction")),
        *((kind, "svg", b"<?xml") for kind in ("chain", "resources", "attraction")),
        ("attraction", "png", b"\x89PNG"),
        *((kind, "xlsx", b"PK") for kind in ("chain", "resources", "attraction")),
        ("attraction", "docx", b"PK"),
    ],
)
def test_exports_are_what_their_ending_says(
    desk: Desk, kind: str, ending: str, begins: bytes
) -> None:
    page = {"chain": "/chain", "resources": "/map", "attraction": "/attraction"}[kind]
    links = [href for href, _ in desk.page(f"{page}?{WUHAN_IC}").links]
    (address,) = [href for href in links if href.startswith(f"/export/{kind}.{ending}?")]
    answer = desk.client().get(address)
    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    assert "attachment" in answer.headers["content-disposition"]
    if ending == "pdf":
        document = PdfReader(io.BytesIO(answer.content))
        wide, high = (float(x) / 72 * 25.4 for x in document.pages[0].mediabox[2:])
        assert (round(wide), round(high)) == (420, 297)  # A3
        assert "武汉市集成电路产业集群" in document.pages[0].extract_text()
    if (kind, ending) == ("attraction", "xlsx"):
        book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
        assert book.sheet_names == ["招商攻坚", "目标企业", "跟进"]


def test_map_export_prints_the_approval_number(desk: Desk) -> None:
    number = "鄂S(2026)001号"
    page = desk.page(f"/map?{WUHAN_IC}&approval=" + quote(number))
    address = next(href for href, _ in page.links if href.startswith("/export/resources.svg"))
    assert number in desk.client().get(address).text
    assert number not in desk.client().get(f"/export/resources.svg?{WUHAN_IC}").text


def test_served_maps_have_the_bureaus_own_boundaries(desk: Desk, tmp_path: Path) -> None:
    square = [[110.0, 30.0], [111.0, 30.0], [111.0, 31.0], [110.0, 31.0], [110.0, 30.0]]
    features = [
        {
            "type": "Feature",
            "properties": {"adcode": code},
            "geometry": {"type": "Polygon", "coordinates": [[[x + at, y] for x, y in square]]},
        }
        for at, code in enumerate(("420100", "420700"))
    ]
    number = "鄂S(2026)001号"
    own = {"type": "FeatureCollection", "source": "某测绘院 2026", "approval": number}
    path = tmp_path / "own.geojson"
    path.write_text(json.dumps({**own, "features": features}), encoding="utf-8")
    mine = Desk(desk.db, create_app(Settings(str(desk.db), boundaries=str(path))))
    page = mine.page(f"/map?{WUHAN_IC}")
    assert "某测绘院 2026" in page.text
    assert {a["value"] for a in page.attributes if a.get("name") == "approval"} == {number}
    outlines = [a for a in page.attributes if a["tag"] == "path" and a.get("class") == "region"]
    assert {a["data-key"] for a in outlines} == {"420100", "420700"}
    assert len(page.tables["places"]) == 18  # places without an outline stay in the table
    exported = mine.client().get(f"/export/resources.svg?{WUHAN_IC}").text
    assert number in exported
    assert "某测绘院 2026" in exported


@pytest.mark.parametrize("written", [None, "[]"])
def test_boundaries_that_cannot_be_read_are_told_before_serving(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], written: str | None
) -> None:
    path = tmp_path / "own.geojson"
    if written is not None:
        path.write_text(written, encoding="utf-8")
    assert main(["serve", "--db", str(desk.db), "--boundaries", str(path)]) == 1
    assert "own.geojson" in capsys.readouterr().err


def test_exports_that_do_not_exist(desk: Desk) -> None:
    for name in ("chain.docx", "nothing.pdf", "chain.exe"):
        assert desk.client().get(f"/export/{name}?{WUHAN_IC}").status_code == 404


@pytest.mark.parametrize("page", ["/", "/chain", "/map", "/attraction", "/compare"])
def test_empty_store_says_what_to_do(empty_desk: Desk, page: str) -> None:
    seen = empty_desk.page(page)
    assert "还没有数据" in seen.text
    assert "chainatlas run" in seen.text


@pytest.mark.parametrize("page", ["/", "/chain", "/map", "/attraction", "/compare", "/graph"])
def test_no_store_yet_says_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, page: str
) -> None:
    """How every installation begins: no fault for people, nothing in the log."""
    new = Desk.over(tmp_path / "none.db")
    seen = new.page(page)
    assert "还没有数据" in seen.text
    assert "chainatlas run" in seen.text
    assert new.client().get("/api/v1/clusters").status_code == 503
    assert not (tmp_path / "none.db").exists()
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


def test_errors_are_pages_for_people_and_problems_for_programs(desk: Desk) -> None:
    for address in ("/chain?region=999999", "/chain?cluster=none", "/nothing"):
        answer = desk.client().get(address)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "返回总览" in answer.text
        assert "请求编号" in answer.text
        problem = desk.client().get(address, headers={"accept": "application/json"})
        assert problem.headers["content-type"] == "application/problem+json"
        assert problem.json()["status"] == 404


def test_pages_hold_their_data_and_no_inline_script(desk: Desk) -> None:
    for page in ("/", "/chain", "/map", "/attraction", "/compare"):
        html = desk.client().get(f"{page}?{WUHAN_IC}").text
        scripts = re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL)
        for attributes, content in scripts:
            if "application/json" in attributes:
                json.loads(content)
            else:
                assert content == ""
        assert not re.search(r"\son\w+=", html)
        assert len(html.encode()) < 200_000
