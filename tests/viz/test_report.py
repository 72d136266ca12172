"""The report of a cluster: what it says, and that the page and the Word document say the same."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import docx
import pytest
from docx.oxml.ns import qn

from chainatlas.api.cli import main
from chainatlas.viz.words import money, percent, place_name
from hostile import PAYLOADS, write_tables

from .conftest import Atlas
from .test_pictures import CLUSTERS, Page, asked


def written(atlas: Atlas, cluster: str, ending: str) -> Path:
    """A report of the main job."""
    return atlas.out / f"{CLUSTERS[cluster][1]}-报告{ending}"


def shown_in_word(path: Path) -> tuple[list[str], list[list[list[str]]]]:
    """Paragraphs and tables of a Word document."""
    document = docx.Document(str(path))
    tables = [
        [[cell.text for cell in row.cells] for row in table.rows] for table in document.tables
    ]
    return [p.text for p in document.paragraphs if p.text], tables


@pytest.mark.parametrize("cluster", sorted(CLUSTERS))
def test_page_and_word_document_say_the_same(atlas: Atlas, cluster: str) -> None:
    page = Page(written(atlas, cluster, ".html"))
    paragraphs, tables = shown_in_word(written(atlas, cluster, ".docx"))
    assert tables == list(page.tables.values())
    text = re.sub(r"\s+", "", re.sub("<[^>]+>", "", written(atlas, cluster, ".html").read_text()))
    missing = [p for p in paragraphs if re.sub(r"\s+", "", p) not in text]
    assert not missing
    assert len(paragraphs) > 15


@pytest.mark.parametrize("cluster", sorted(CLUSTERS))
def test_the_report_states_the_answers(atlas: Atlas, cluster: str) -> None:
    region = CLUSTERS[cluster][0]
    where = ("--region", region, "--cluster", cluster)
    gaps = asked(atlas, cluster)
    acting = [g for g in gaps if g["actions"]]
    paragraphs, tables = shown_in_word(written(atlas, cluster, ".docx"))
    text = "\n".join(paragraphs)
    made = sum(g["made"] for g in gaps)
    assert f"{len(gaps)} 个产品中已能生产 {made} 个" in text
    assert f"需要采取行动的有 {len(acting)} 个" in text
    rate = atlas.ask("supply-rate", *where)
    assert f"按价值计的本地化配套率为 {percent(rate['value'])}" in text
    assert f"{percent(rate['known_output_share'])} 出自营业收入已知的企业" in text
    confirmed = sum(g["evidence"] == "confirmed" for g in acting)
    assert f"{len(acting)} 个缺口中 {confirmed} 个已确认" in text
    assert f"{sum(g['robust'] for g in acting)} 个结论稳健" in text
    makers, missing, fragile, whom, _ = tables
    lacking = [g for g in acting if {"supplement", "strengthen", "extend"} & set(g["actions"])][:10]
    assert [row[0] for row in missing[1:]] == [g["name"] for g in lacking]
    assert [row[2] for row in missing[1:]] == [money(g["demand"]) for g in lacking]
    for row, gap in zip(missing[1:], lacking, strict=True):
        nothing = "无" if gap["evidence"] == "confirmed" else "名单中没有"
        assert row[3] == (money(gap["output"]) if gap["made"] else nothing)
    weak = [g for g in acting if "fortify" in g["actions"]]
    assert f"需要固链的产品 {len(weak)} 个" in text
    assert [row[1] for row in fragile[1:]] == [percent(g["domestic_rate"]) for g in weak[:8]]
    targets = atlas.ask("targets", *where)["targets"]
    first = list(dict.fromkeys(t["enterprise"] for t in targets if t["rank"] <= 2))[:10]
    names = {t["enterprise"]: t["name"] for t in targets}
    assert [row[0] for row in whom[1:]] == [names[e] for e in first]
    assert len(makers) > 5
    outputs = [float(re.sub(r"[^\d.]", "", row[4])) for row in makers[1:] if "亿元" in row[4]]
    assert outputs == sorted(outputs, reverse=True)


def test_steps_name_the_gap_the_way_and_the_place(atlas: Atlas) -> None:
    gaps = [g for g in asked(atlas, "ic") if g["actions"]][:5]
    document = docx.Document(str(written(atlas, "ic", ".docx")))
    steps = [p.text for p in document.paragraphs if p.style and p.style.name == "List Number"]
    assert len(steps) == 5
    for step, gap in zip(steps, gaps, strict=True):
        assert f"“{gap['name']}”" in step
        assert ("先核实" in step) == (gap["evidence"] == "suspected")
        if "attract" in gap["routes"]:
            assert "建议落地" + place_name("420100") in step


def test_the_word_document_suits_an_office(atlas: Atlas) -> None:
    """A4, Chinese fonts named, headers of tables repeated, page numbers, title set."""
    document = docx.Document(str(written(atlas, "nev", ".docx")))
    page = document.sections[0]
    assert page.page_width is not None
    assert page.page_height is not None
    assert (round(page.page_width.cm, 1), round(page.page_height.cm, 1)) == (21.0, 29.7)
    runs = [r for p in document.paragraphs for r in p.runs]
    fonts = {e.get(qn("w:eastAsia")) for r in runs for e in r._r.iter(qn("w:rFonts"))}
    assert fonts == {"宋体", "黑体"}
    assert len(document.tables) == 5
    for table in document.tables:
        assert table.rows[0]._tr.trPr is not None
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert "PAGE" in "".join(e.text or "" for e in page.footer._element.iter(qn("w:instrText")))
    assert "数据版本" in page.header.paragraphs[0].text
    assert document.core_properties.title == "武汉市新能源和智能网联汽车产业集群诊断报告"


def test_hostile_text_stays_text(hostile: Atlas) -> None:
    for ending in (".html", ".docx"):
        path = hostile.out / f"report{ending}"
        hostile.call("report", "--region", "420100", "--cluster", "c", "--out", str(path))
    page = Page(hostile.out / "report.html")
    assert not page.handlers
    assert not [a for a in page.asked if not a.startswith(("assets/", "data:"))]
    assert [s.get("src") for s in page.scripts] == [None, "assets/tips.js", "assets/page.js"]
    _, tables = shown_in_word(hostile.out / "report.docx")
    assert tables == list(page.tables.values())
    cells = "\n".join(cell for table in tables for row in table for cell in row)
    for payload in PAYLOADS:
        assert payload in cells
    with zipfile.ZipFile(hostile.out / "report.docx") as parts:
        assert b"hyperlink" not in parts.read("word/document.xml")


def test_names_no_document_can_hold_are_cleaned(tmp_path: Path) -> None:
    """An ampersand stays; a control character, which XML cannot hold, goes."""
    pack = write_tables(
        tmp_path / "pack",
        {
            "clusters": [["id", "name", "region"], ["c", "甲&乙\x01丙", "420100"]],
            "links": [["id", "cluster", "name", "stage"], ["l", "c", "环节", "upstream"]],
            "products": [["id", "name", "links"], ["p", "A&B<C\x02", "l"]],
        },
    )
    db, out = tmp_path / "x.db", tmp_path / "r.docx"
    assert main(["ingest", str(pack), "--db", str(db)]) == 0
    ask = ["report", "--region", "420100", "--cluster", "c", "--db", str(db), "--out", str(out)]
    assert main(ask) == 0
    assert docx.Document(str(out)).paragraphs[0].text.startswith("武汉市甲&乙丙")


def test_an_empty_cluster_has_a_report(tmp_path: Path) -> None:
    pack = write_tables(
        tmp_path / "pack",
        {
            "clusters": [["id", "name", "region"], ["c", "空", "420100"]],
            "products": [["id", "name"]],
        },
    )
    db = tmp_path / "x.db"
    assert main(["ingest", str(pack), "--db", str(db)]) == 0
    for ending in (".html", ".docx"):
        out = tmp_path / f"r{ending}"
        ask = ["report", "--region", "420100", "--cluster", "c", "--db", str(db), "--out", str(out)]
        assert main(ask) == 0
    paragraphs, tables = shown_in_word(tmp_path / "r.docx")
    assert "没有需要" in "\n".join(paragraphs)
    assert "nan" not in "\n".join(paragraphs)
    assert len(tables) <= 1


def test_an_unknown_ending_is_refused(
    atlas: Atlas, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["report", "--region", "420100", "--cluster", "ic", "--db", str(atlas.db)]
    assert main([*ask, "--out", str(tmp_path / "r.pdf")]) == 1
    assert "不支持的报告格式 .pdf" in capsys.readouterr().err
