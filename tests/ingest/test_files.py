"""Loading the same again: recognised without reading where nothing that matters changed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chainatlas.graph import Change, NotFoundError, ReadError, open_store
from chainatlas.graph.work import Decision
from chainatlas.ingest import files
from chainatlas.ingest.corrections import open_input
from chainatlas.ingest.files import load_files
from chainatlas.ingest.linking.stage import text_products
from chainatlas.ingest.load import LoadReport
from chainatlas.ingest.products import same_products

LIST = "企业名称,注册地址,参保人数\n甲机械有限公司,武汉市江夏区,12\n乙机械有限公司,宜昌市,许多\n"


class Runs:
    """Loads into one store, and whether each read its files."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.db = str(folder / "store.db")
        self._reads: list[Path] = []

        def counting(path: Path, name: str | None = None) -> object:
            self._reads.append(path)
            return open_input(path, name)

        monkeypatch.setattr(files, "open_input", counting)

    @property
    def reads(self) -> int:
        """Files read so far."""
        return len(self._reads)

    def __call__(self, *paths: Path, read: bool, decided: tuple[Decision, ...] = ()) -> LoadReport:
        self._reads.clear()
        report = load_files(self.db, paths, decisions=decided, stages=(same_products,))
        assert bool(self._reads) == read
        return report


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(tmp_path, monkeypatch)


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_the_same_again_is_known(runs: Runs, make: Callable[[str, str], Path]) -> None:
    path = make("甲.csv", LIST)
    first = runs(path, read=True)
    again = runs(path, read=False)
    assert first.changed
    assert asdict(again) == asdict(replace(first, changed=False, changes=()))


def test_whatever_matters_makes_it_read_again(runs: Runs, make: Callable[[str, str], Path]) -> None:
    path, other = make("甲.csv", LIST), make("乙.csv", LIST.replace("机械", "电子"))
    runs(path, read=True)
    # Another pack may hold what this one refers to, or the same enterprises.
    runs(other, read=True)
    assert not runs(path, read=True).changed
    # Both are known at this version now, alone and not as one load.
    assert not runs(path, read=False).changed
    assert not runs(other, read=False).changed
    assert not runs(path, other, read=True).changed
    decided = (Decision(1, "甲机械有限公司", "x", "reject", "", datetime.now(UTC)),)
    runs(path, read=True, decided=decided)
    runs(path, read=False, decided=decided)
    path.write_text(LIST.replace("12", "13"), encoding="utf-8")
    assert runs(path, read=True).changed
    path.write_text(LIST, encoding="utf-8")
    assert runs(path, read=True).changed
    moved = path.rename(path.with_name("丙.csv"))
    assert runs(moved, read=True).changed  # the pack is named like the file


def test_an_undo_makes_it_read_again(runs: Runs, make: Callable[[str, str], Path]) -> None:
    path = make("甲.csv", LIST)
    runs(path, read=True)
    open_store(runs.db).undo()
    assert runs(path, read=True).changed


def test_another_program_reads_again(
    runs: Runs, make: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make("甲.csv", LIST)
    runs(path, read=True)
    monkeypatch.setattr(files, "_program", lambda: "another version")
    assert not runs(path, read=True).changed


def test_corrections_are_always_read(runs: Runs, make: Callable[[str, str], Path]) -> None:
    path = make("甲.csv", LIST)
    runs(path, read=True)
    sheet = make("更正.csv", "#数据包,#文件,#标识,企业名称\n甲,甲.csv,none,乙\n")
    runs(sheet, read=True)
    runs(sheet, read=True)
    assert not runs(path, read=False).changed


def test_a_file_that_changes_while_it_is_read_is_not_known(
    runs: Runs, make: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make("甲.csv", LIST)

    def slow(given: Path, name: str | None = None) -> object:
        given.write_text(LIST.replace("甲", "丁"), encoding="utf-8")
        os.utime(given, ns=(1, 1))
        return open_input(given, name)

    with monkeypatch.context() as patch:
        patch.setattr(files, "open_input", slow)
        load_files(runs.db, [path], stages=(same_products,))
    path.write_text(LIST, encoding="utf-8")
    assert runs(path, read=True).changed


def test_what_cannot_be_read_leaves_no_store(tmp_path: Path) -> None:
    db = tmp_path / "store.db"
    with pytest.raises(ReadError, match="不存在"):
        load_files(str(db), [tmp_path / "none.csv"])
    with pytest.raises(NotFoundError):
        open_store(str(db))


def test_only_named_stages_are_known(runs: Runs, make: Callable[[str, str], Path]) -> None:
    path = make("甲.csv", LIST)
    for stages, reads in (((same_products,), 1), ((lambda facts, graph: facts,), 3)):
        told: list[str] = []
        tell = partial(_note, told)
        for _ in range(2):
            load_files(runs.db, [path], stages=stages, told=tell)
        assert told == ["enterprise_list"] * 2
        assert runs.reads == reads


def _note(told: list[str], path: Path, source: str) -> None:
    told.append(source)


def test_one_changed_row_is_the_only_change(
    runs: Runs, make: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that row alone is written again."""
    path = make("甲.csv", LIST)
    runs(path, read=True)
    path.write_text(LIST.replace("12", "13"), encoding="utf-8")
    assert runs(path, read=True).changes == (Change("甲", "enterprises", 0, 1, 0),)
    rows = open_store(runs.db).history().tables["enterprises"]
    assert sorted(rows["stated"]) == [1, 1, 2]
    assert not runs(path, read=False).changed


def test_the_program_is_all_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dictionary, a rule or a source's description that changes makes another program of it."""
    for name in ("graph/rules.py", "ingest/linking/grammar.py", "data/linking/words.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    (tmp_path / "data" / "sources").mkdir()
    monkeypatch.setattr(files, "files", lambda package: tmp_path)
    seen = {files._program.__wrapped__()}
    assert {files._program.__wrapped__()} == seen
    for name in ("graph/rules.py", "data/linking/words.toml", "data/sources/new.toml"):
        (tmp_path / name).write_text("2")
        seen.add(files._program.__wrapped__())
    assert len(seen) == 4


#: A pack whose product goes by other names from version to version: the dictionary of the lists.
PACK = {
    "pack.toml": 'name = "词典"\n',
    "clusters.csv": "id,name,region\nc,机器人,420100\n",
    "links.csv": "id,cluster,name,stage\nl,c,整机,midstream\n",
    "products.csv": "id,name,links,aliases\np,工业机器人,l,{alias}\n",
}
ROWS = (
    "甲机械有限公司,{n},生产激光切割头",
    "甲机械有限责任公司,{n},",
    "乙电子有限公司,{n},生产工业机器人",
)
Step = tuple[str, int]


# Another list, the dictionary, a decision or an undone load between two loads of the same file.
@example([("甲", 0), ("乙", 1)])
@example([("甲", 1), ("包", 1), ("甲", 1)])
@example([("甲", 0), ("乙", 2), ("决定", 0)])
@example([("甲", 2), ("甲", 3), ("撤销", 0)])
@settings(max_examples=2)
@given(
    st.lists(
        st.tuples(st.sampled_from(["甲", "乙", "包", "决定", "撤销"]), st.integers(0, 3)),
        min_size=2,
        max_size=4,
    )
)
def test_loads_are_as_if_the_shortcut_were_not_there(steps: list[Step]) -> None:
    """Two lists, a dictionary, decisions and undone loads in any order, twice: the same store.

    The same versions, facts, quarantine and "who said it when", and the same answers.
    """
    with tempfile.TemporaryDirectory() as place:
        found = []
        for shortcut in (True, False):
            folder = Path(place) / str(shortcut)
            folder.mkdir()
            with pytest.MonkeyPatch.context() as patch:
                if not shortcut:
                    patch.setattr(files, "_receipt", lambda address, key: None)
                found.append(_played(folder, [*steps, *steps]))
        assert found[0] == found[1]


def _played(folder: Path, steps: list[Step]) -> tuple[object, ...]:
    """Loads into a new store: their answers, and all that the store holds afterwards."""
    db = str(folder / "store.db")
    decided: tuple[Decision, ...] = ()
    answers: list[object] = []
    for name, number in steps:
        if name == "撤销":
            with suppress(NotFoundError), closing(open_store(db, create=True)) as store:
                answers.append(store.undo().undoes)
            continue
        if name == "决定":
            kept, other, now = "甲机械有限公司", "甲机械有限责任公司", datetime.now(UTC)
            both = [Decision(1, kept, other, v, "", now) for v in ("reject", "accept")]
            decided = tuple(both[number : number + 1])
            continue
        path = _written(folder, name, number)
        report = load_files(db, [path], decisions=decided, stages=(same_products, text_products))
        answers.append(asdict(report))
    with closing(open_store(db, create=True)) as store:
        history = store.history()
    versions = [(v.number, v.action, v.packs, v.undoes, v.changes) for v in history.versions]
    rows = {
        name: sorted(map(repr, frame.itertuples(index=False, name=None)))
        for name, frame in history.tables.items()
    }
    return answers, versions, rows


def _written(folder: Path, name: str, number: int) -> Path:
    if name == "包":
        pack = folder / "pack"
        pack.mkdir(exist_ok=True)
        for file, text in PACK.items():
            filled = text.format(alias=("", "激光切割头")[number % 2]) if "{" in text else text
            (pack / file).write_text(filled, encoding="utf-8")
        return pack
    path = folder / f"{name}.csv"
    rows = [row.format(n=number % 2) for row in (ROWS[::2] if number < 2 else ROWS[1:])]
    path.write_text("\n".join(["企业名称,参保人数,经营范围", *rows, ""]), encoding="utf-8")
    return path
