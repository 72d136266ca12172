"""The audit chain: every edit of the table is found, and processes do not fork it."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chainatlas.api.security.ledger import CLI, ORIGIN, Ledger, changing, digest
from chainatlas.graph.embedded import restore
from chainatlas.graph.errors import StoreError
from chainatlas.graph.store import open_store
from chainatlas.graph.work import WorkFile, work_path

COLUMNS = ("number", "at", "actor", "action", "target", "detail", "request", "previous", "hash")
ROWS = 5
Row = tuple[object, ...]


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file as somebody sees it who goes around the program, its triggers removed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.execute("DROP TRIGGER IF EXISTS audit_no_update")
        connection.execute("DROP TRIGGER IF EXISTS audit_no_delete")
        yield connection
        connection.execute("COMMIT")


def rows_of(connection: sqlite3.Connection) -> dict[object, Row]:
    names = ", ".join(COLUMNS)
    return {row[0]: row for row in connection.execute(f"SELECT {names} FROM audit")}


@cache
def written() -> bytes:
    """A work file with a chain of :data:`ROWS` rows."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(WorkFile(Path(folder) / "w"))
        for number in range(ROWS):
            ledger.append(f"user:u{number}", "x.y", f"对象{number}", {"n": number}, f"r{number}")
        with opened(Path(folder) / "w"):
            pass
        return (Path(folder) / "w").read_bytes()


def test_rows_carry_the_hash_of_the_one_before(work: WorkFile) -> None:
    ledger = Ledger(work)
    assert ledger.verify().rows == 0
    assert not work.path.exists()
    first = ledger.append("cli", "user.add", "张三", {"role": "viewer"})
    second = ledger.append("user:张三", "targets.export", "420100/ocp", request="r1")
    assert (first.previous, second.previous) == (ORIGIN, first.hash)
    verdict = ledger.verify()
    assert (verdict.rows, verdict.hash, verdict.fault) == (2, second.hash, None)


def test_hash_is_sha256_of_the_canonical_row(work: WorkFile) -> None:
    """By hand, so that another program can check the chain without ours."""
    entry = Ledger(work).append("cli", "user.add", '张"三', {"b": 1, "a": [True, None]}, "r")
    assert entry.detail == '{"a":[true,null],"b":1}'
    text = (
        f'[1,"{entry.at}","cli","user.add","张\\"三","{{\\"a\\":[true,null],\\"b\\":1}}","r",'
        f'"{ORIGIN}"]'
    )
    assert entry.hash == hashlib.sha256(text.encode()).hexdigest() == digest(entry)


def test_rows_are_listed_newest_first_and_filtered(work: WorkFile) -> None:
    ledger = Ledger(work)
    for actor, action in (("cli", "user.add"), ("user:王", "map.export"), ("user:王", "view.save")):
        ledger.append(actor, action, "x")
    assert [e.number for e in ledger.newest(2)] == [3, 2]
    assert [e.number for e in ledger.newest(9, before=2)] == [1]
    assert [e.number for e in ledger.newest(9, actor="王")] == [3, 2]
    assert [e.number for e in ledger.newest(9, action=".export")] == [2]
    assert ledger.newest(9, actor="%") == ()


def test_text_that_no_file_can_hold_is_escaped(work: WorkFile) -> None:
    ledger = Ledger(work)
    entry = ledger.append("cli", "x.y", "a\ud800b\x00c", {"k": "\udfff"})
    assert entry.target == "a\\ud800b\x00c"
    assert ledger.newest(1) == (entry,)
    assert ledger.verify().fault is None


def test_a_change_and_its_row_are_kept_or_lost_as_one(work: WorkFile) -> None:
    def fail() -> None:
        with changing(work, CLI) as change:
            change.note("x.y", "z")
            raise RuntimeError

    Ledger(work).append("cli", "first", "")
    with pytest.raises(RuntimeError):
        fail()
    assert Ledger(work).verify().rows == 1


def test_the_table_refuses_changes_and_removals(work: WorkFile) -> None:
    Ledger(work).append("cli", "x.y", "z")
    for statement in ("UPDATE audit SET actor = 'me'", "DELETE FROM audit"):
        with (
            closing(sqlite3.connect(work.path)) as connection,
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
        ):
            connection.execute(statement)


VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.integers(-(2**40), 2**40),
    st.binary(max_size=8),
    st.floats(allow_nan=False),
)
TAMPER = st.one_of(
    st.tuples(st.just("change"), st.integers(1, ROWS), st.sampled_from(COLUMNS[1:]), VALUES),
    st.tuples(st.just("move"), st.integers(1, ROWS), st.integers(-3, ROWS + 3)),
    st.tuples(st.just("remove"), st.sets(st.integers(1, ROWS), min_size=1)),
    st.tuples(
        st.just("insert"), st.integers(-3, ROWS + 3), st.lists(VALUES, min_size=8, max_size=8)
    ),
    st.tuples(st.just("swap"), st.integers(1, ROWS), st.integers(1, ROWS)),
    st.tuples(st.just("shift"), st.integers(1, ROWS - 1)),
)


def tamper(connection: sqlite3.Connection, kind: str, *how: object) -> None:
    """Change the table in one way."""
    names = ", ".join(COLUMNS)
    marks = ", ".join("?" * len(COLUMNS))
    if kind == "change":
        number, column, value = how
        connection.execute(f"UPDATE audit SET {column} = ? WHERE number = ?", (value, number))
    elif kind == "move":
        connection.execute("UPDATE OR REPLACE audit SET number = ? WHERE number = ?", how[::-1])
    elif kind == "remove":
        (numbers,) = how
        assert isinstance(numbers, set)
        connection.executemany("DELETE FROM audit WHERE number = ?", [(n,) for n in numbers])
    elif kind == "insert":
        number, values = how
        assert isinstance(values, list)
        connection.execute(
            f"INSERT OR REPLACE INTO audit ({names}) VALUES ({marks})", (number, *values)
        )
    elif kind == "swap":
        one, other = how
        rows = rows_of(connection)
        for number, row in ((one, rows[other]), (other, rows[one])):
            connection.execute(
                f"INSERT OR REPLACE INTO audit ({names}) VALUES ({marks})", (number, *row[1:])
            )
    else:  # a row goes, and those after it close the gap
        (number,) = how
        connection.execute("DELETE FROM audit WHERE number = ?", (number,))
        connection.execute("UPDATE audit SET number = -number WHERE number > ?", (number,))
        connection.execute("UPDATE audit SET number = -number - 1 WHERE number < 0")


@given(how=TAMPER)
@example(how=("insert", ROWS + 2, [""] * 8))
@example(how=("insert", 0, [""] * 8))
@example(how=("remove", {ROWS}))
@example(how=("remove", set(range(1, ROWS + 1))))
def test_any_edit_is_found_and_the_first_row_named(
    how: tuple[str, *tuple[object, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("audit") / "w"
    path.write_bytes(written())
    with opened(path) as connection:
        before = rows_of(connection)
        tamper(connection, *how)
        after = rows_of(connection)
    assume(before != after)
    fault = Ledger(WorkFile(path)).verify().fault
    assert fault is not None
    differing = [n for n in {*before, *after} if before.get(n) != after.get(n)]
    assert fault.number == min(differing)  # type: ignore[type-var]


def rewrite(path: Path, last: int, *, head: bool) -> None:
    """Somebody rewrites the chain after row 2, as long as ``last``, hashes and all."""
    with opened(path) as connection:
        connection.execute("DELETE FROM audit WHERE number > 2")
        row = connection.execute("SELECT hash FROM audit WHERE number = 2").fetchone()
        kept = connection.execute("SELECT * FROM audit_head").fetchall()
        connection.execute("UPDATE audit_head SET number = 2, hash = ?", row)
    for number in range(3, last + 1):
        Ledger(WorkFile(path)).append("cli", "x.y", f"forged{number}")
    if not head:
        with opened(path) as connection:
            connection.execute("UPDATE audit_head SET number = ?, hash = ?", kept[0][1:])


@pytest.mark.parametrize("last", [2, 4, ROWS, ROWS + 1])
def test_a_rewritten_chain_is_found_by_the_head_or_a_noted_one(tmp_path: Path, last: int) -> None:
    path = tmp_path / "w"
    path.write_bytes(written())
    ledger = Ledger(WorkFile(path))
    noted = ledger.newest(1)[0]
    assert ledger.verify((noted.number, noted.hash)).fault is None
    rewrite(path, last, head=False)
    assert ledger.verify().fault is not None
    path.write_bytes(written())
    rewrite(path, last, head=True)
    assert ledger.verify().fault is None  # the limit that docs/security.md states
    fault = ledger.verify((noted.number, noted.hash)).fault
    assert fault is not None


def test_without_its_head_nothing_more_is_written(work: WorkFile) -> None:
    ledger = Ledger(work)
    ledger.append("cli", "x.y", "z")
    with opened(work.path) as connection:
        connection.execute("DELETE FROM audit_head")
    assert ledger.verify().fault is not None
    with pytest.raises(StoreError, match="audit verify"):
        ledger.append("cli", "x.y", "z")


def test_several_processes_write_one_chain(work: WorkFile) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from chainatlas.graph.work import WorkFile\n"
        "from chainatlas.api.security.ledger import Ledger\n"
        "ledger = Ledger(WorkFile(Path(sys.argv[1])))\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for n in range(25): ledger.append('cli', 'x.y', sys.argv[2] + str(n))\n"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(work.path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.communicate("go\n")
        assert writer.returncode == 0
    verdict = Ledger(work).verify()
    assert (verdict.rows, verdict.fault) == (50, None)
    entries = Ledger(work).newest(100)
    for name in "ab":  # each writer's own rows stand in its order
        own = [e.target for e in reversed(entries) if e.target.startswith(name)]
        assert own == [f"{name}{n}" for n in range(25)]


def test_the_chain_goes_through_backup_and_restore(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "a.db"), create=True)
    Ledger(WorkFile(work_path(str(tmp_path / "a.db")))).append("cli", "x.y", "z")
    store.backup(tmp_path / "backup")
    store.close()
    restore(tmp_path / "backup", tmp_path / "b.db")
    copied = Ledger(WorkFile(work_path(str(tmp_path / "b.db"))))
    assert (copied.verify().rows, copied.verify().fault) == (1, None)
    copied.append("user:x", "y.z", "")
    assert copied.verify().fault is None
