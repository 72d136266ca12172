"""English of the pages: complete, chosen by a link, and never mixed up between people."""

from __future__ import annotations

import ast
import re
from html import unescape
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from chainatlas.viz.language import CHINESE, Language, retell, say, speak

from .conftest import Desk

ROOT = Path(__file__).parents[3]
CHINESE_TEXT = re.compile("[\u4e00-\u9fff]")
PAGES = (
    "/?region=420100",
    "/overview/changes?region=420100",
    "/chain?region=420100&cluster=ic&product=dram&up=1&down=1",
    "/chain?region=420100&cluster=ic&from=lithography-machine&to=dram",
    "/map?region=420100&cluster=ic&at=420100",
    "/attraction?region=420100&cluster=ic",
    "/attraction?region=420000&cluster=nev&product=power-battery-lfp",
    "/compare?region=420100&cluster=ic&other=420500",
    "/compare?region=420100&cluster=ic&with=version&from=1&to=2",
    "/compare?region=420100&cluster=ic&with=move&move=land:420500:cxmt&move=grow:2:cxmt&move=lose:cxmt",
    "/export/attraction.svg?region=420100&cluster=ic",
    "/export/resources.svg?region=420100&cluster=ic",
    "/export/chain.svg?region=420100&cluster=ic",
    "/nothing",
)


@pytest.fixture(autouse=True)
def chinese() -> None:
    speak(CHINESE)


def catalogue() -> dict[str, str]:
    with (ROOT / "api/pages/locale/en.po").open("rb") as stream:
        return {str(m.id): str(m.string) for m in read_po(stream) if m.id}


def wanted() -> set[str]:
    """Every text that templates and modules mark for translation."""
    found: set[str] = set()
    for path in (ROOT / "api/pages/templates").glob("*.html"):
        with path.open("rb") as stream:
            for _, text, *_ in extract("jinja2.ext:babel_extract", stream, keywords={"_": None}):
                found.add(str(text))
    for folder in ("api", "viz"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                if named and node.func.id in ("say", "text") and node.args:  # type: ignore[attr-defined]
                    found |= {
                        part.value
                        for part in ast.walk(node.args[0])  # type: ignore[attr-defined]
                        if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    }
    return {text for text in found if CHINESE_TEXT.search(text)}


def test_every_text_has_its_english() -> None:
    texts = catalogue()
    assert sorted(wanted() - set(texts)) == []
    for chinese_text, english in texts.items():
        assert english, chinese_text
        assert not CHINESE_TEXT.search(english), english
        values = re.findall(r"%\((\w+)\)", chinese_text)
        assert set(re.findall(r"%\((\w+)\)", english)) <= set(values), chinese_text


def names(desk: Desk) -> set[str]:
    """What is data: names, sources and the like stay as they were stated."""
    graph = desk.graph
    found: set[str] = set()
    for table in (
        "clusters",
        "links",
        "products",
        "enterprises",
        "institutes",
        "projects",
        "packs",
    ):
        for column in ("name", "title", "source", "level", "stage", "main_products", "scope"):
            if column in graph[table]:
                found |= set(map(str, graph[table][column].dropna()))
    return found


@pytest.mark.parametrize("address", PAGES)
def test_no_chinese_is_left_but_names(desk: Desk, address: str) -> None:
    html = desk.client("en").get(address).text
    html = re.sub(r"<script.*?</script>|<style.*?</style>", "", html, flags=re.DOTALL)
    shown = re.split(r"<[^>]*>", html)
    shown += re.findall(r'(?:aria-label|title|placeholder|data-tip)="([^"]*)"', html)
    everything = "\n".join(sorted(names(desk), key=len, reverse=True))
    left = set()
    for text in map(unescape, shown):
        for run in re.findall(
            "[\u3400-\u9fff（）()“”·A-Za-z0-9〔〕、，。：；%\\-]*[\u3400-\u9fff][^\\s]*", text
        ):
            # What is cut off or stands in a sentence is found by its Chinese characters.
            left |= {
                part
                for part in re.findall("[\u4e00-\u9fff]{2,}", run)
                if part not in everything and part not in ("中文", "链图")
            }
    assert left == set()


def test_language_is_kept_and_leads_back(desk: Desk) -> None:
    client = desk.client()
    client.cookies.clear()
    page = client.get("/chain?region=420100&cluster=ic&action=supplement").text
    assert '<html lang="zh-CN">' in page
    link = re.search(r'href="(/language\?to=en[^"]*)"', page)
    assert link is not None
    answer = client.get(unescape(link[1]), follow_redirects=False)
    assert answer.headers["location"] == "/chain?region=420100&cluster=ic&action=supplement"
    english = client.get(answer.headers["location"]).text
    assert '<html lang="en">' in english
    assert "Supplement" in english
    again = client.get("/chain?region=420100&cluster=ic").text
    assert '<html lang="en">' in again


@pytest.mark.parametrize(
    "back", ["//evil.example", "/\\evil", "https://evil.example", "javascript:x"]
)
def test_language_leads_nowhere_else(desk: Desk, back: str) -> None:
    answer = desk.client().get(
        "/language", params={"to": "en", "back": back}, follow_redirects=False
    )
    assert answer.headers["location"] == "/"


def test_unknown_language_is_a_problem(desk: Desk) -> None:
    assert desk.client().get("/language?to=xx").status_code == 404


def test_answers_of_one_language_do_not_reach_the_other(desk: Desk) -> None:
    address = "/attraction?region=420100&cluster=display"
    assert "Route" in desk.client("en").get(address).text
    assert "引进" in desk.client("zh").get(address).text
    assert "Attract" in desk.client("en").get(address).text


def test_texts_that_come_finished_are_retold_part_by_part() -> None:
    texts = {
        "补链": "Supplement",
        "强链": "Strengthen",
        "、": ", ",
        "需求约 %(x)s 亿元": "demand %(x)s",
    }
    speak(Language("en", texts))
    assert retell("补链、强链") == "Supplement, Strengthen"
    assert retell("补链、某产品") == "Supplement, 某产品"
    assert retell("需求约 3.5 亿元") == "demand 3.5"
    assert retell("长江{存储}%s") == "长江{存储}%s"
    assert say("需求约 %(x)s 亿元", x="{}") == "demand {}"
    speak(CHINESE)
    assert retell("补链、强链") == "补链、强链"
