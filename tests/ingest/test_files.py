"""Loading the same again: recognised without reading where nothing that matters changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from chainatlas.graph import NotFoundError, ReadError, open_store
from chainatlas.graph.work import Decision
from chainatlas.ingest import files
from chainatlas.ingest.corrections import open_input
from chainatlas.ingest.files import load_files
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
