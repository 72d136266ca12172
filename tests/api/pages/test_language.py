"""English of the pages: complete, chosen by a link, and never mixed up between people."""

from __future__ import annotations

import ast
import re
from html import unescape
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from chainatlas.analysis.web import GROUPS
from chainatlas.api.pages.language import language
from chainatlas.graph.schema import EDGES, NODES, TABLES
from chainatlas.ingest.quarantine import REASONS
from chainatlas.viz.language import CHINESE, Language, retell, say, speak
from furnished import OUTSIDE, Furnished
from leftover import Data, read

from .conftest import Desk

ROOT = Path(__file__).parents[3]
CHINESE_TEXT = re.compile("[\u4e00-\u9fff]")
#: Pages and pictures besides those of the furnished desk.
FURTHER = (
    "/chain?region=420100&cluster=ic&product=dram&up=1&down=1",
    "/attraction?region=420000&cluster=nev&product=power-battery-lfp",
    "/compare?region=420100&cluster=ic&with=move&move=land:420500:cxmt&move=grow:2:cxmt&move=lose:cxmt",
    "/compare?region=420100&cluster=ic&with=version&from=1&to=9",
    "/export/attraction.svg?region=420100&cluster=ic",
    "/export/resources.svg?region=420100&cluster=ic",
    "/export/chain.svg?region=420100&cluster=ic",
    "/api/v1/graph/scene.svg?look=Product:dram&layout=staged",
    "/nothing",
)
#: Where what is refused, or worth telling of a load, is worded; the command line and what it alone
#: uses speak Chinese.
WORDED = ("analysis", "api", "graph", "ingest", "viz")
COMMANDS = re.compile(
    r"api/(cli|commands_\w+)\.py|ingest/(policy|linking)/|ingest/snapshots\.py|graph/neo4j_\w+\.py"
    r"|analysis/backtest/"
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


def worded(node: ast.AST) -> set[str]:
    """Texts within an expression, their values as ``{}``."""
    found: set[str] = set()
    parts = {id(p) for n in ast.walk(node) if isinstance(n, ast.JoinedStr) for p in n.values}
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr):
            found.add(
                "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in part.values)
            )
        elif (
            isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in parts
        ):
            found.add(part.value)
    return {text for text in found if CHINESE_TEXT.search(text)}


def told() -> set[str]:
    """Texts of errors, of faults in what was sent, and of what a load notes, their values ``{}``."""
    found: set[str] = set()
    for path in (path for folder in WORDED for path in (ROOT / folder).rglob("*.py")):
        if COMMANDS.match(path.relative_to(ROOT).as_posix()):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Raise) and node.exc is not None:
                found |= worded(node.exc)
            elif isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if name.endswith(("Problem", "notices.append", ".step", "._say")):
                    found |= worded(node)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in ("message", "detail"):
                        found |= worded(value)
    return found


def declared() -> set[str]:
    """What the schema calls tables, columns, kinds and choices, and what the graph's groups are."""
    columns = [c for table in TABLES.values() for c in table.columns]
    found = {*(t.zh for t in TABLES.values()), *(c.zh for c in columns), *REASONS.values()}
    found |= {word for c in columns for word in (c.choices or {}).values()}
    found |= {*(n.zh for n in NODES.values()), *(e.zh for e in EDGES), *(g.title for g in GROUPS)}
    return {text for text in found if CHINESE_TEXT.search(text)}


def test_every_text_has_its_english() -> None:
    texts = catalogue()
    assert sorted((wanted() | declared()) - set(texts)) == []
    shapes = {re.sub(r"%\(\w+\)[.\d]*[a-z]", "{}", text).replace("%%", "%") for text in texts}
    # Those with "%(" are filled in by say().
    assert sorted(text for text in told() - shapes if "%(" not in text) == []
    for chinese_text, english in texts.items():
        assert english, chinese_text
        assert not CHINESE_TEXT.search(english), english
        values = re.findall(r"%\((\w+)\)", chinese_text)
        assert set(re.findall(r"%\((\w+)\)", english)) <= set(values), chinese_text


def test_errors_are_retold_with_their_values() -> None:
    speak(language("en"))
    assert retell("没有这个地区：420199。") == "No such region: 420199."
    assert retell("名单.csv：缺少列 甲、乙。") == "名单.csv: columns are missing: 甲、乙."
    assert retell("传感、红外与射频器件") == "传感、红外与射频器件"


def test_no_chinese_is_left_but_data(furnished_desk: Furnished, desk_data: Data) -> None:
    """See :mod:`leftover`; what scripts add is seen in the test of every page."""
    client = furnished_desk.reader("en")
    left: dict[str, list[str]] = {}
    for address in (*furnished_desk.pages.values(), *OUTSIDE.values(), *FURTHER):
        left_of = desk_data.left_of_picture if ".svg" in address else desk_data.left
        found = [run for text in read(client.get(address).text) for run in left_of(text)]
        left |= {address: found} if found else {}
    assert left == {}


def test_scripts_of_a_page_are_told_in_its_language(desk: Desk) -> None:
    address = "/api/v1/graph/detail?node=999999"
    answers = {lang: desk.client(lang).get(address).json()["detail"] for lang in ("zh", "en")}
    assert CHINESE_TEXT.search(answers["zh"])
    assert not CHINESE_TEXT.search(answers["en"])


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
