"""Drawings for print: nothing overlaps, nothing is missing, and every format holds the same."""

from __future__ import annotations

import io
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdfium2 import PdfDocument

from chainatlas.analysis.gaps import find_gaps
from chainatlas.analysis.scope import Scope
from chainatlas.api.pictures import PICTURES, Album
from chainatlas.graph.store import open_store
from chainatlas.viz import fonts
from chainatlas.viz.drawing import Box, Circle, Drawing, Rect, Text, overlaps
from chainatlas.viz.map_drawing import CLASSES, class_words, shade
from chainatlas.viz.render import pdf, png, svg
from chainatlas.viz.style import LOOKS, SCALE, SYMBOLS
from hostile import PAYLOADS, write_tables

from .conftest import Atlas
from .test_pictures import Page

KINDS = tuple(PICTURES)


@pytest.fixture(scope="module")
def albums(atlas: Atlas) -> dict[str, Album]:
    """The pictures of every shipped cluster."""
    graph = open_store(str(atlas.db)).view().graph()
    rows = graph["clusters"][["id", "region"]].itertuples(index=False)
    return {key: Album(find_gaps(Scope.of(graph, region, key))) for key, region in rows}


# --- The check itself ----------------------------------------------------------------------------


def test_the_check_finds_what_overlaps_and_sticks_out() -> None:
    page = Drawing(50, 20)
    page.text(5, 10, "甲乙", 4)
    page.text(12, 11, "丙丁", 4)
    page.text(30, 10, "戊", 4)
    page.text(47, 10, "己庚", 4)
    assert set(overlaps(page)) == {("甲乙", "丙丁"), ("己庚", "")}


def test_boxes_of_text() -> None:
    """A Chinese character is as wide as it is high; the anchor moves the box."""
    for anchor, left in (("start", 10.0), ("middle", 6.0), ("end", 2.0)):
        box = Text(x=10, y=10, text="武汉", size=4, anchor=anchor).box  # type: ignore[arg-type]
        assert (box.x, box.w, box.h) == pytest.approx((left, 8.0, 4.0))
        assert box.y < 10 < box.bottom


# --- Every sheet of the shipped pack -------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_no_texts_of_a_sheet_meet(albums: dict[str, Album], kind: str) -> None:
    assert len(albums) == 7
    for key, album in albums.items():
        for page in album.sheets(kind):
            assert (page.width, page.height) == (420, 297)
            assert len(page.texts()) > 20
            assert overlaps(page) == [], key


@pytest.mark.parametrize("kind", ["resources", "attraction"])
def test_no_texts_of_a_page_meet(atlas: Atlas, kind: str) -> None:
    """The same in the pictures of the HTML pages, county maps too."""
    paths = sorted(atlas.out.glob(f"*-{PICTURES[kind]}.html"))
    assert len(paths) == 7
    for path in paths:
        for name, items in Page(path).drawn.items():
            drawing = Drawing(1000, 1000)
            for item in items:
                if item["tag"] == "text":
                    drawing.add(Text(
                        x=float(item["x"]), y=float(item["y"]), text=item["text"],
                        size=float(item["font-size"]), anchor=item.get("text-anchor", "start"),  # type: ignore[arg-type]
                    ))  # fmt: skip
            assert len(drawing.items) > 10
            assert overlaps(drawing) == [], (path.name, name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_character_is_in_the_font(albums: dict[str, Album], kind: str) -> None:
    glyphs = fonts.font().face.charToGlyph
    for album in albums.values():
        used = {c for page in album.sheets(kind) for text in page.texts() for c in text.text}
        assert len(used) > 100
        assert not [c for c in used if ord(c) not in glyphs]
        assert fonts.MISSING not in used


def test_every_product_and_its_state_is_on_the_chain_sheet(
    atlas: Atlas, albums: dict[str, Album]
) -> None:
    """Sign, dash and ring say in print what the answer says."""
    gaps = atlas.ask("gaps", "--region", "420100", "--cluster", "ic")["gaps"]
    (page,) = albums["ic"].sheets("chain")
    shown = "".join(text.text for text in page.texts())
    for gap in gaps:
        for part in gap["name"].split():
            assert part[:4] in shown
    signs = [text.text for text in page.texts()]
    for state, look in LOOKS.items():
        # One more in the legend, and two circles there show edge and ring.
        extra = 3 if state == "absent" else 1
        assert signs.count(look.sign) == sum(g["primary"] == state for g in gaps) + extra
    edges = [i for i in page.items if isinstance(i, Circle) and i.stroke == "#222222"]
    assert sum(bool(i.dash) for i in edges) == sum(g["evidence"] == "suspected" for g in gaps) + 1
    rings = [i for i in page.items if isinstance(i, Circle) and i.stroke == "#000000"]
    assert len(rings) == sum(not g["robust"] for g in gaps) + 1


def test_grey_print_stays_readable() -> None:
    def light(colour: str) -> float:
        red, green, blue = bytes.fromhex(colour[1:])
        return 0.299 * red + 0.587 * green + 0.114 * blue

    assert len({look.sign for look in LOOKS.values()}) == len(LOOKS)
    assert all(abs(light(x.colour) - light(x.ink)) > 60 for x in LOOKS.values())
    assert len({look.sign for look in SYMBOLS.values()}) == len(SYMBOLS)
    assert all(light(a) - light(b) > 12 for a, b in pairwise(SCALE))
    assert len(SCALE) == len(class_words()) == len(CLASSES) + 1


@pytest.mark.parametrize(
    ("output", "word"),
    [
        (0.0, "无"),
        (0.01, "1 以下"),
        (1.0, "1 以下"),
        (1.01, "1～10"),
        (200.0, "50～200"),
        (201.0, "200 以上"),
    ],
)
def test_classes_of_output(output: float, word: str) -> None:
    assert class_words()[shade(output)] == word


# --- Files ---------------------------------------------------------------------------------------


def test_the_pdf_is_a3_searchable_and_carries_its_font(atlas: Atlas) -> None:
    version = atlas.ask("clusters")["version"]
    paths = sorted(atlas.out.glob("*-作战图.pdf"))
    assert len(paths) == 7
    for path in paths:
        data = path.read_bytes()
        assert len(data) < 500_000
        document = PdfDocument(data)
        assert len(document) >= 6
        texts = []
        for page in document:
            assert page.get_size() == pytest.approx((1190.55, 841.89), abs=0.1)
            texts.append(page.get_textpage().get_text_bounded())
        stem = path.stem.removesuffix("-作战图")
        assert f"{stem}招商攻坚图" in texts[0]
        whole = "".join(texts)
        assert f"{stem}链图" in whole
        assert f"{stem}资源分布图" in whole
        assert "审图号：" in whole
        assert all(f"数据版本 {version}｜" in text for text in texts)
        assert "数据来源：湖北省战略性新兴产业集群数据包" in whole
        assert document.get_metadata_dict()["Title"] == path.stem.replace("-", "")
        assert b"/FontFile2" in data
        document.close()


def test_the_png_is_a3_at_150_dpi_in_true_colours(atlas: Atlas) -> None:
    paths = sorted(atlas.out.glob("*.png"))
    assert len(paths) == 21
    for path in paths:
        assert path.stat().st_size < 900_000
        with Image.open(path) as image:
            assert image.size == pytest.approx((2480, 1754), abs=2)
            assert image.text["Title"] == path.stem.replace("-", "")  # type: ignore[attr-defined]
            assert image.getpixel((3, 3)) is not None
            colours = {c for _, c in image.convert("RGB").getcolors(1 << 20) or ()}
        assert (255, 255, 255) in colours
        if "链图" in path.name:
            for state in ("supplement", "strengthen", "extend", "sound"):
                assert tuple(bytes.fromhex(LOOKS[state].colour[1:])) in colours, path.name


def test_an_svg_is_the_same_drawing(corners: Atlas) -> None:
    path = corners.draw("attraction", "420100", "ic", "battle.svg")
    root = ElementTree.fromstring(path.read_bytes())
    assert root.get("width") == "420mm"
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags == {"svg", "rect", "circle", "path", "text"}
    texts = {e.text for e in root.iter() if e.tag.endswith("text")}
    rows = Page(corners.draw("attraction", "420100", "ic", "battle.html")).rows("battle")
    assert {row["缺口产品"] for row in rows[:10]} <= texts


def test_one_drawing_in_three_formats() -> None:
    page = Drawing(60, 40)
    page.add(Rect(box=Box(5, 5, 20, 10), fill="#D73027"))
    page.add(Circle(x=40, y=10, r=5, stroke="#222222", width=1, dash=(2, 1)))
    page.text(5, 30, "<武汉> & \x07\ue000", 5)
    assert page.texts()[0].text == "<武汉> & □"
    assert "&lt;武汉&gt; &amp; □" in svg(page)
    document = PdfDocument(pdf([page, page], "题", "戳"))
    assert len(document) == 2
    assert document[0].get_textpage().get_text_bounded().startswith("<武汉> & □")
    document.close()
    with Image.open(io.BytesIO(png(page, "题", "戳"))) as image:
        scale = image.width / 60
        picture = image.convert("RGB")
        assert picture.getpixel((round(15 * scale), round(10 * scale))) == (0xD7, 0x30, 0x27)
        assert picture.getpixel((round(55 * scale), round(35 * scale))) == (255, 255, 255)


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_is_drawn_as_text(hostile: Atlas, kind: str) -> None:
    path = hostile.draw(kind, "420100", "c", f"{kind}.svg")
    text = path.read_text("utf-8")
    assert "<img" not in text
    assert "<script" not in text
    root = ElementTree.fromstring(text)
    for element in root.iter():
        assert not [a for a in element.attrib if a.lower().startswith("on") or "href" in a]
    shown = "".join(e.text or "" for e in root.iter())
    assert "onerror" in shown
    graph = open_store(str(hostile.db)).view().graph()
    for page in Album(find_gaps(Scope.of(graph, "420100", "c"))).sheets(kind):
        assert overlaps(page) == []
    document = PdfDocument(hostile.draw(kind, "420100", "c", f"{kind}.pdf"))
    assert "onerror" in document[0].get_textpage().get_text_bounded()
    document.close()


def test_a_large_chain_is_drawn_without_overlaps(tmp_path: Path) -> None:
    """Ten times the usual size: small print, but nothing lost and nothing over another."""
    links = [f"l{i}" for i in range(30)]
    pack = write_tables(
        tmp_path / "pack",
        {
            "clusters": [["id", "name", "region"], ["c", "集群", "420100"]],
            "links": [["id", "cluster", "name", "stage"],
                      *([k, "c", f"第{i}个环节的名称很长很长很长", ("upstream", "midstream", "downstream")[i // 10]]
                        for i, k in enumerate(links))],
            "products": [["id", "name", "links"],
                         *([f"p{i}", f"产品{i}" + "名" * (i % 20), links[i * i % 30]] for i in range(1000))],
        },
    )  # fmt: skip
    made = Atlas(tmp_path / "facts.db", tmp_path)
    made.call("ingest", str(pack))
    graph = open_store(str(made.db)).view().graph()
    (page,) = Album(find_gaps(Scope.of(graph, "420100", "c"))).sheets("chain")
    assert overlaps(page) == []
    assert len([i for i in page.items if isinstance(i, Circle) and i.dash]) == 1001


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, chainatlas.api.cli, chainatlas.viz.attraction, chainatlas.viz.chain, "
        "chainatlas.viz.resource_map; "
        "print([m for m in ('reportlab', 'PIL', 'pypdfium2', 'matplotlib', 'zhplot') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


# --- Text ----------------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from("武汉市光电子信息，。（）、ABCabc019 -/"), max_size=60)


@given(TEXTS, st.floats(8, 60), st.booleans())
@settings(max_examples=200)
def test_wrapped_text_fits_and_loses_nothing(text: str, room: float, even: bool) -> None:
    lines = fonts.wrap(text, room, 4.0, even=even)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        assert fonts.width(line, 4.0) <= room + 1e-6 or len(line) == 1


@given(TEXTS, st.floats(5, 60), st.integers(1, 4))
@settings(max_examples=200)
def test_clipped_text_fits(text: str, room: float, most: int) -> None:
    lines = fonts.wrap(text, room, 4.0, most)
    assert len(lines) <= most
    clipped = fonts.clip(text, room, 4.0)
    assert clipped == text or clipped.endswith("…")
    assert fonts.width(clipped, 4.0) <= room + 1e-6


def test_lines_begin_with_no_punctuation_and_keep_words() -> None:
    assert fonts.wrap("产业链，供应链。", 16.0, 4.0) == ["产业链，", "供应链。"]
    assert fonts.wrap("采用EEPROM芯片", 24.0, 4.0) == ["采用EEPROM", "芯片"]
    assert fonts.wrap("半导体设备精密金属零部件", 40.0, 4.0, even=True) == [
        "半导体设备精",
        "密金属零部件",
    ]
    assert fonts.wrap("", 10.0, 4.0) == [""]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_are_printable(payload: str) -> None:
    assert fonts.printable(payload) == payload
