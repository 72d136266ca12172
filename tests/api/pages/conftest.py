"""A served desk: the shipped pack and a second version of the facts, and one full of hostile text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from chainatlas.api.cli import main
from chainatlas.api.http.app import create_app
from chainatlas.api.http.settings import Settings
from chainatlas.api.main_job import SHIPPED
from chainatlas.graph.chain import ChainGraph
from chainatlas.graph.store import open_store
from furnished import Furnished, furnished
from hostile import hostile_pack, write_tables
from leftover import Data

#: What the second version adds: somebody makes DRAM in Wuhan.
NEW_MAKER = {
    "products": [["id", "name"], ["dram", "DRAM芯片"]],
    "enterprises": [
        ["id", "name", "region", "revenue", "source"],
        ["new-dram", "新建存储厂", "420115", "3000000000", "测试"],
    ],
    "produces": [["enterprise", "product", "source"], ["new-dram", "dram", "测试"]],
}


@dataclass(frozen=True)
class Desk:
    """A store and the application over it."""

    db: Path
    app: FastAPI

    @classmethod
    def over(cls, db: Path) -> Desk:
        """The application over a store."""
        return cls(db, create_app(Settings(str(db))))

    def client(self, language: str = "zh") -> TestClient:
        """A browser without scripts."""
        return TestClient(
            self.app,
            base_url="http://127.0.0.1",
            cookies={"language": language},
            headers={"accept": "text/html"},
            client=("127.0.0.1", 50000),
        )

    def page(self, address: str, status: int = 200) -> Seen:
        """A page, read."""
        answer = self.client().get(address)
        assert answer.status_code == status, answer.text[:2000]
        return Seen.of(answer.text)

    @property
    def graph(self) -> ChainGraph:
        """The newest facts."""
        return open_store(str(self.db)).view().graph()


class Seen(HTMLParser):
    """What stands on a page: its tables, its links and its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[str, list[list[str]]] = {}
        self.links: list[tuple[str, str]] = []
        self.attributes: list[dict[str, str]] = []
        self.text = ""
        self._table: list[list[str]] | None = None
        self._cell: list[str] | None = None
        self._link = ""
        self._silent = False

    @classmethod
    def of(cls, html: str) -> Seen:
        """Read a page."""
        seen = cls()
        seen.feed(html)
        return seen

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See :class:`html.parser.HTMLParser`."""
        given = {name: value or "" for name, value in attrs}
        self.attributes.append({"tag": tag, **given})
        self._silent = tag in ("script", "style")
        if tag == "table":
            self._table = []
            self.tables[given.get("id", str(len(self.tables)))] = self._table
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("td", "th"):
            self._cell = []
        elif tag == "a":
            self._link = given.get("href", "")
            self.links.append((self._link, ""))

    def handle_endtag(self, tag: str) -> None:
        """See :class:`html.parser.HTMLParser`."""
        self._silent = False
        if tag in ("td", "th") and self._table and self._cell is not None:
            self._table[-1].append(re.sub(r"\s+", " ", "".join(self._cell)).strip())
            self._cell = None
        elif tag == "table":
            self._table = None
        elif tag == "a":
            self._link = ""

    def handle_data(self, data: str) -> None:
        """See :class:`html.parser.HTMLParser`."""
        if self._silent:
            return
        self.text += data
        if self._cell is not None:
            self._cell.append(data)
        if self._link:
            self.links[-1] = (self._link, self.links[-1][1] + data.strip())

    def marked(self, css: str) -> list[dict[str, str]]:
        """Elements of a class."""
        return [a for a in self.attributes if css in a.get("class", "").split()]


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The shipped pack, then a version in which somebody makes DRAM in Wuhan."""
    folder = tmp_path_factory.mktemp("desk")
    db = folder / "facts.db"
    pack = write_tables(folder / "news", NEW_MAKER)
    for source in (SHIPPED, pack):
        assert main(["ingest", str(source), "--db", str(db)]) == 0
    return Desk.over(db)


@pytest.fixture(scope="session")
def furnished_desk(tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """A desk with something on every page."""
    return furnished(tmp_path_factory.mktemp("furnished-desk"))


@pytest.fixture(scope="session")
def desk_data(furnished_desk: Furnished) -> Data:
    """What on its pages is data, and stays as it was stated."""
    view = open_store(furnished_desk.settings.db).view()
    rejects = view.rejects()
    raw = [str(cell) for column in ("file", "raw", "pack") for cell in rejects[column].dropna()]
    return Data.of(view.graph(), {*furnished_desk.stated(), *raw})


@pytest.fixture(scope="session")
def hostile_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk whose every free text is a payload."""
    folder = tmp_path_factory.mktemp("hostile-desk")
    db = folder / "facts.db"
    assert main(["ingest", str(hostile_pack(folder)), "--db", str(db)]) == 0
    return Desk.over(db)


@pytest.fixture
def empty_desk(tmp_path: Path) -> Desk:
    """A desk over a store without facts."""
    open_store(str(tmp_path / "empty.db"), create=True).close()
    return Desk.over(tmp_path / "empty.db")
