"""The work file: layouts, decisions, and its way through backup and restore."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chainatlas.graph import NotFoundError, StoreError, open_store
from chainatlas.graph.embedded import restore
from chainatlas.graph.work import LAYOUT, Decisions, WorkFile, work_path


def pairs(path: Path) -> list[tuple[str, str, str]]:
    return [(d.keep, d.other, d.verdict) for d in Decisions(WorkFile(path)).all()]


def test_it_stands_beside_the_store_or_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CHAINATLAS_WORK", raising=False)
    assert work_path("/a/facts.db") == Path("/a/facts.db.work")
    assert work_path("neo4j://host:7687") == Path("chainatlas.work")
    monkeypatch.setenv("CHAINATLAS_WORK", "/b/mine")
    assert work_path("/a/facts.db") == work_path("neo4j://host") == Path("/b/mine")


def test_reading_makes_no_file(tmp_path: Path) -> None:
    assert pairs(tmp_path / "w") == []
    assert not (tmp_path / "w").exists()


def test_a_new_decision_replaces_the_one_about_the_same_pair(tmp_path: Path) -> None:
    decisions = Decisions(WorkFile(tmp_path / "w"))
    first = decisions.add("a", "b", "accept", "同一集团")
    second = decisions.add("b", "a", "reject")
    assert second.number > first.number
    assert pairs(tmp_path / "w") == [("b", "a", "reject")]
    decisions.add("a", "c", "accept")
    decisions.remove("a", "b")
    assert pairs(tmp_path / "w") == [("a", "c", "accept")]
    with pytest.raises(NotFoundError, match="没有关于 a 与 b 的决定"):
        decisions.remove("a", "b")
    with pytest.raises(StoreError, match="两个编码相同"):
        decisions.add("a", "a", "accept")


def test_an_exception_leaves_no_trace(tmp_path: Path) -> None:
    work = WorkFile(tmp_path / "w")
    Decisions(work).add("a", "b", "accept")

    def fail_halfway() -> None:
        with work.writing() as connection:
            connection.execute("DELETE FROM decisions")
            connection.execute("INSERT INTO decisions (verdict) VALUES ('perhaps')")

    with pytest.raises(StoreError):
        fail_halfway()
    assert pairs(tmp_path / "w") == [("a", "b", "accept")]


def test_other_files_and_newer_ones_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreError, match="不是 ChainAtlas 工作文件"):
        WorkFile(other)
    (tmp_path / "text").write_text("not a database, but long enough to be looked at" * 50)
    with pytest.raises(StoreError, match="不是 ChainAtlas 工作文件"):
        WorkFile(tmp_path / "text")
    newer = tmp_path / "newer"
    Decisions(WorkFile(newer)).add("a", "b", "accept")
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute(f"PRAGMA user_version = {len(LAYOUT) + 1}")
    with pytest.raises(StoreError, match="只支持到"):
        WorkFile(newer)


def test_backup_holds_the_decisions_and_restore_brings_them_back(tmp_path: Path) -> None:
    db, backup = tmp_path / "a.db", tmp_path / "backup"
    store = open_store(str(db), create=True)
    work = work_path(str(db))
    Decisions(WorkFile(work)).add("a", "b", "accept", "查过营业执照")
    store.backup(backup)
    Decisions(WorkFile(work)).add("a", "c", "reject")
    restore(backup, db, replace=True)
    assert pairs(work) == [("a", "b", "accept")]
    restore(backup, tmp_path / "new.db")
    assert pairs(work_path(str(tmp_path / "new.db"))) == [("a", "b", "accept")]
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        names = {r[0] for r in connection.execute("SELECT name FROM sqlite_master")}
    assert "work_file" not in names


def test_a_backup_without_decisions_takes_those_of_the_store_it_replaces_away(
    tmp_path: Path,
) -> None:
    db = tmp_path / "a.db"
    open_store(str(db), create=True).backup(tmp_path / "backup")
    Decisions(WorkFile(work_path(str(db)))).add("a", "b", "accept")
    restore(tmp_path / "backup", db, replace=True)
    assert pairs(work_path(str(db))) == []
