"""The embedded store alone: crashes, other processes, snapshots, files that are no store, backups."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from chainatlas.graph import (
    ChainAtlasError,
    Facts,
    NotFoundError,
    Store,
    StoreBusyError,
    StoreError,
    embedded,
    open_store,
    snapshot,
)
from chainatlas.graph.embedded import restore
from making import column, facts, held, load, named, stated

TESTS = Path(__file__).parent.parent / "support"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Store:
    return open_store(str(path), create=True)


def names(store: Store, version: int | None = None) -> list[str]:
    return sorted(map(str, column(store.view(version), "products", "name").values()))


def bulk(word: str, count: int = 1200) -> Facts:
    """A pack large enough that a load takes a while."""
    return facts(
        "bulk",
        [{"line": float(i), "raw": word} for i in range(50)],
        products=[{"id": f"p{i}", "name": f"{word}{i}"} for i in range(count)],
        inputs=[{"product": f"p{i}", "input": f"p{i // 2}"} for i in range(1, count)],
    )


def python(*lines: str) -> list[str]:
    """A command that runs a program which may import the tests' own modules."""
    head = f"import sys; sys.path.insert(0, {str(TESTS)!r})"
    return [sys.executable, "-c", "\n".join([head, *lines])]


def run(*lines: str, **values: object) -> str:
    """What a program in another process prints; fails where it does not end well."""
    given = [f"{name} = {value!r}" for name, value in values.items()]
    done = subprocess.run(
        python(*given, *lines), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


# --- Killed at any moment ------------------------------------------------------------------------

#: Forks one process per line read, which loads the pack and reads it (so that a snapshot is
#: written), and says how it ended. Forking saves the seconds of starting Python and pandas.
LOADER = """
import os
from test_embedded import bulk, load, open_store
words = {word: bulk(word) for word in ("old", "new")}
print("ready", flush=True)
for line in sys.stdin:
    path, word = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if not child:
        try:
            store = open_store(path, create=True)
            load(store, words[word])
            store.view().graph()
            os._exit(0)
        finally:
            os._exit(1)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Loader:
    """A process that loads packs in processes of its own, which can be killed."""

    def __init__(self) -> None:
        command = python(f"sys.path.insert(0, {str(Path(__file__).parent)!r})", LOADER)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def load(self, path: Path, word: str, kill_after: float | None = None) -> tuple[int, float]:
        """Load a pack; exit status (negative: the signal) and seconds taken."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path}\t{word}\n")
        self._process.stdin.flush()
        child = int(self._line())
        began = time.perf_counter()
        if kill_after is not None:
            time.sleep(kill_after)
            with contextlib.suppress(ProcessLookupError):  # it was done before
                os.kill(child, signal.SIGKILL)
        return int(self._line()), time.perf_counter() - began

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    found = Loader()
    yield found
    found.close()


def healthy(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def snapshots(path: Path) -> list[Path]:
    return sorted(Path(f"{path}.snapshots").glob("*/v*"))


def test_killed_while_loading(loader: Loader, path: Path, tmp_path: Path) -> None:
    """The old or the new version is whole, in the file and in the snapshot; the next load works."""
    old, new = stated(bulk("old")), stated(bulk("new"))
    base = tmp_path / "base.db"
    load(open_store(str(base), create=True), bulk("old"))
    shutil.copyfile(base, path)
    status, whole = loader.load(path, "new")
    assert status == 0
    rng = random.Random(20240506)
    moments = [whole * (i + rng.random()) / 25 for i in range(25)]
    rng.shuffle(moments)
    ends = []
    for trial, moment in enumerate(moments):
        place = tmp_path / f"killed{trial}.db"
        shutil.copyfile(base, place)
        status, _ = loader.load(place, "new", kill_after=moment)
        assert status in (0, -signal.SIGKILL)
        assert healthy(place)
        store = open_store(str(place))
        version = store.view().version
        ends.append((version, status))
        expected = {1: old, 2: new}[version]
        assert held(store.view()) == expected  # the killed process's snapshot, where it wrote one
        assert [v.number for v in store.versions()] == list(range(1, version + 1))
        shutil.rmtree(f"{place}.snapshots")
        assert held(store.view()) == expected  # the file itself
        assert held(store.view(1)) == old
        assert load(store, facts("probe", products=named("probe"))) == version + 1
        assert held(store.view())["bulk"] == expected["bulk"]
        shutil.rmtree(f"{place}.snapshots")
        place.unlink()
    # Otherwise the moments missed what they are for.
    assert (1, -signal.SIGKILL) in ends
    assert (2, -signal.SIGKILL) in ends


def test_killed_while_creating(loader: Loader, path: Path, tmp_path: Path) -> None:
    """A store that came to be half is none, or an empty one, and can be loaded into."""
    status, _ = loader.load(path, "new")
    assert status == 0
    rng = random.Random(7)
    wrong = []
    for trial in range(10):
        place = tmp_path / f"created{trial}.db"
        loader.load(place, "new", kill_after=rng.uniform(0, 0.03))
        try:
            store = open_store(str(place), create=True)
            assert held(store.view()) in ({}, stated(bulk("new")))
            load(store, facts("probe", products=named("probe")))
        except StoreError as error:
            wrong.append(str(error))
    assert wrong == []


def test_a_half_created_store_can_be_used(path: Path) -> None:
    """What is left where the first process dies before its first commit."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    assert path.stat().st_size > 0
    assert load(open_store(str(path), create=True), facts("one", products=named("a"))) == 1


# --- Other processes -----------------------------------------------------------------------------


def test_others_read_while_one_writes(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They see the old version; a second writer is told that it must wait."""
    load(store, facts("one", products=named("old")))
    program = (
        "from chainatlas.graph import StoreBusyError, embedded, open_store",
        "embedded.PATIENCE_S = 0.1",
        "store = open_store(path)",
        "view = store.view()",
        "print(view.version, list(view.graph()['products']['id']), len(store.versions()))",
        "for write in (lambda: store.writer().__enter__(), store.undo):",
        "    try:",
        "        write()",
        "        print('wrote')",
        "    except StoreBusyError as error:",
        "        print(error)",
    )
    with store.writer() as writer:
        writer.replace(facts("one", products=named("new")))
        lines = run(*program, path=str(path)).splitlines()
    assert lines[0] == "1 ['old'] 1"
    assert lines[1:] == ["另一个程序正在写入数据库，请稍后再试。"] * 2
    assert names(store) == ["new"]
    assert [v.number for v in store.versions()] == [1, 2]


def test_a_second_writer_waits(store: Store, path: Path) -> None:
    """And then writes on top of what the first one committed."""
    numbers: list[int] = []
    other = open_store(str(path))
    second = threading.Thread(
        target=lambda: numbers.append(load(other, facts("two", products=named("two"))))
    )
    with store.writer() as writer:
        writer.replace(facts("one", products=named("one")))
        second.start()
        second.join(0.2)
        assert second.is_alive()
        assert numbers == []
    second.join(10)
    assert numbers == [2]
    assert names(store) == ["one", "two"]
    assert names(store, 1) == ["one"]


def test_a_second_writer_gives_up(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its patience is over, not before; the first one is not disturbed."""
    monkeypatch.setattr(embedded, "PATIENCE_S", 0.3)
    other = open_store(str(path))
    with store.writer() as writer:
        writer.replace(facts("one", products=named("one")))
        for write in (lambda: load(other, facts("two", products=named("two"))), other.undo):
            began = time.perf_counter()
            with pytest.raises(StoreBusyError, match="正在写入"):
                write()
            assert 0.25 < time.perf_counter() - began < 5
    assert names(store) == ["one"]


def test_processes_that_create_one_store_at_once(tmp_path: Path) -> None:
    """All of them get it, whoever is first."""
    program = python(
        f"folder = {str(tmp_path)!r}",
        "from chainatlas.graph import open_store",
        "print('ready', flush=True)",
        "sys.stdin.readline()",
        "for i in range(20):",
        "    try:",
        "        open_store(f'{folder}/{i}.db', create=True).view()",
        "    except Exception as error:",
        "        print(type(error).__name__, error)",
    )
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=30)[0] for process in processes]
    assert said == ["", "", ""]


# --- Snapshots -----------------------------------------------------------------------------------


def spoil_truncated(folder: Path) -> None:
    for share, file in enumerate(sorted(folder.iterdir())):
        os.truncate(file, file.stat().st_size * share // 20)


def spoil_one_byte_short(folder: Path) -> None:
    os.truncate(folder / "products.arrow", (folder / "products.arrow").stat().st_size - 1)


def spoil_missing_file(folder: Path) -> None:
    (folder / "products.arrow").unlink()


def spoil_text(folder: Path) -> None:
    (folder / "products.arrow").write_text("not a snapshot" * 100)


def spoil_other_table(folder: Path) -> None:
    shutil.copyfile(folder / "links.arrow", folder / "products.arrow")


def spoil_folder(folder: Path) -> None:
    (folder / "products.arrow").unlink()
    (folder / "products.arrow").mkdir()


def spoil_no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def spoil_all(folder: Path) -> None:
    shutil.rmtree(folder.parent.parent)


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_truncated,
        spoil_one_byte_short,
        spoil_missing_file,
        spoil_text,
        spoil_other_table,
        spoil_folder,
        spoil_no_folder,
        spoil_all,
    ],
)
def test_a_spoilt_snapshot_is_built_again(
    store: Store, path: Path, spoil: Callable[[Path], None]
) -> None:
    """The answer is the same, and the snapshot is whole afterwards."""
    pack = facts("one", [{}], products=named("a", "b"), enterprises=named("E"))
    load(store, pack)
    assert held(store.view()) == stated(pack)
    (folder,) = snapshots(path)
    spoil(folder)
    assert held(store.view()) == stated(pack)
    assert snapshots(path) == [folder]
    tables = snapshot.read(folder, ["products", "enterprises", "rejects"])
    assert tables is not None
    assert [len(tables[t]) for t in ("products", "enterprises", "rejects")] == [2, 1, 1]


def test_a_snapshot_with_wrong_bits_is_not_believed(store: Store, path: Path) -> None:
    """A disk that returns other bytes may cost time, but neither answers nor the process."""
    load(store, facts("one", products=[{"id": f"p{i}", "name": f"产品{i}"} for i in range(200)]))
    store.view().graph()
    program = (
        "import random, shutil",
        "from pathlib import Path",
        "from making import held",
        "from chainatlas.graph import open_store",
        "store, rng, wrong = open_store(path), random.Random(3), []",
        "right = held(store.view())",
        "folder = Path(folder)",
        "file = folder / 'products.arrow'",
        "kept = file.read_bytes()",
        "for _ in range(60):",
        "    spoilt = bytearray(kept)",
        "    at = rng.randrange(len(spoilt))",
        "    spoilt[at] ^= 1 << rng.randrange(8)",
        "    file.write_bytes(spoilt)",
        "    print('byte', at, flush=True)",
        "    try:",
        "        if held(store.view()) != right:",
        "            wrong.append(at)",
        "    except Exception as error:",
        "        wrong.append((at, repr(error)[:80]))",
        "assert not wrong, wrong",
    )
    run(*program, path=str(path), folder=str(snapshots(path)[0]))


def test_snapshots_are_kept_for_few_versions(store: Store, path: Path) -> None:
    """The newest ones read; older versions are read all the same."""
    for name in "abcde":
        load(store, facts("one", products=named(name)))
        assert names(store) == [name]
    assert [p.name for p in snapshots(path)] == ["v00000003", "v00000004", "v00000005"]
    assert [names(store, n) for n in range(6)] == [[], ["a"], ["b"], ["c"], ["d"], ["e"]]
    assert [p.name for p in snapshots(path)] == ["v00000003", "v00000004", "v00000005"]


def test_a_graph_outlives_its_snapshot(store: Store, path: Path) -> None:
    """The memory-mapped files may be deleted or replaced under a reader."""
    load(store, facts("one", products=named("a", "b")))
    store.view().graph()
    graph = store.view().graph()
    shutil.rmtree(f"{path}.snapshots")
    store.view().graph()
    assert graph["products"]["id"].tolist() == ["a", "b"]


def test_a_folder_that_takes_no_snapshots(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in the way, no permission, or a full disk: answers come from the store itself."""
    load(store, facts("one", products=named("a")))
    Path(f"{path}.snapshots").write_text("in the way")
    assert names(store) == ["a"]
    Path(f"{path}.snapshots").unlink()

    def refuse(*args: object, **kwargs: object) -> object:
        raise PermissionError(errno.EACCES, "no permission")

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkdtemp", refuse)
        assert names(store) == ["a"]

    def full(*args: object, **kwargs: object) -> object:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(pa, "OSFile", full)
        assert names(store) == ["a"]
    assert list(Path(f"{path}.snapshots").glob("*/*")) == []  # a full disk is not filled further
    assert names(store) == ["a"]
    assert len(snapshots(path)) == 1


# --- Files that are no store ---------------------------------------------------------------------


def test_a_file_that_is_no_database(path: Path) -> None:
    """It is refused and left as it is."""
    for text in ("id,name\n1,a\n", "x" * 10_000, "SQLite format 3\0" + "x" * 5000):
        path.write_text(text)
        for create in (False, True):
            with pytest.raises(StoreError, match=r"store\.db"):
                open_store(str(path), create=create)
            assert path.read_text() == text


def test_another_programs_database(path: Path) -> None:
    """It is refused and left as it is, to the byte."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("INSERT INTO notes VALUES ('mine')")
        connection.commit()
    before = path.read_bytes()
    for create in (False, True):
        with pytest.raises(StoreError, match="ChainAtlas"):
            open_store(str(path), create=create)
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["store.db"]


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [("application", "other", "ChainAtlas"), ("format", "999", "999.*2")],
)
def test_a_store_of_another_kind(
    store: Store, path: Path, name: str, value: str, match: str
) -> None:
    """Another application's, or of a format to come."""
    load(store, facts("one", products=named("a")))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = ?", (value, name))
        connection.commit()
    for create in (False, True):
        with pytest.raises(StoreError, match=match):
            open_store(str(path), create=create)


def test_an_empty_file(path: Path) -> None:
    """It is no store yet, but can become one."""
    path.touch()
    with pytest.raises(ChainAtlasError, match=r"store\.db"):
        open_store(str(path))
    assert load(open_store(str(path), create=True), facts("one", products=named("a"))) == 1


def test_paths_where_no_store_can_be(tmp_path: Path, path: Path) -> None:
    """Nothing is created on the way."""
    missing = tmp_path / "no" / "such" / "folder.db"
    with pytest.raises(NotFoundError, match=r"folder\.db"):
        open_store(str(missing))
    with pytest.raises(StoreError, match=r"folder\.db"):
        open_store(str(missing), create=True)
    with pytest.raises(NotFoundError, match=r"store\.db"):
        open_store(str(path))
    with pytest.raises(ChainAtlasError, match=tmp_path.name):
        open_store(str(tmp_path))
    with pytest.raises(StoreError, match=tmp_path.name):
        open_store(str(tmp_path), create=True)
    with pytest.raises(StoreError, match="gopher"):
        open_store("gopher://example.com", create=True)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_store_says_so(store: Store, path: Path) -> None:
    """Pages that are garbage are a StoreError wherever they are met, not SQLite's own error."""
    load(store, bulk("a"))
    shutil.rmtree(f"{path}.snapshots", ignore_errors=True)
    data = bytearray(path.read_bytes())
    rng = random.Random(5)
    data[4096 * 60 :] = rng.randbytes(len(data) - 4096 * 60)
    path.write_bytes(data)
    damaged = open_store(str(path))
    with pytest.raises(StoreError, match=r"store\.db"):
        damaged.view().graph()
    with pytest.raises(StoreError, match=r"store\.db"):
        load(damaged, facts("bulk", products=named("a")))


# --- Backup and restore --------------------------------------------------------------------------


def everything(store: Store) -> list[object]:
    """All versions with their facts, read past the snapshots of others."""
    return [store.versions(), *(held(store.view(n)) for n in range(store.view().version + 1))]


@pytest.fixture
def backed_up(store: Store, tmp_path: Path) -> Path:
    """A backup of the store at version 3."""
    load(store, facts("one", [{}], products=named("a", "b")))
    load(store, facts("one", products=named("b")), facts("two", enterprises=named("E")))
    store.undo()
    store.backup(tmp_path / "backup")
    return tmp_path / "backup"


def test_a_backup_is_the_whole_store(store: Store, backed_up: Path, tmp_path: Path) -> None:
    """With all versions, and undo goes on where it was."""
    place = tmp_path / "elsewhere.db"
    restore(backed_up, place)
    other = open_store(str(place))
    assert everything(other) == everything(store)
    assert other.undo().undoes == 1
    assert len(store.versions()) == 3
    assert healthy(place)


def test_a_backup_is_taken_while_others_read_and_write(store: Store, tmp_path: Path) -> None:
    """It holds what was committed when it began."""
    load(store, facts("one", products=named("a")))
    with store.writer() as writer:
        writer.replace(facts("one", products=named("b")))
        store.backup(tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "copy.db")
    assert names(open_store(str(tmp_path / "copy.db"))) == ["a"]
    assert names(store) == ["b"]


def test_restore_over_a_store(store: Store, backed_up: Path, path: Path, tmp_path: Path) -> None:
    """Only where it is asked to; then nothing of the old store is left, its snapshots neither."""
    expected = everything(store)
    load(store, facts("one", products=named("later")))
    assert names(store) == ["later"]
    with pytest.raises(StoreError, match="--force"):
        restore(backed_up, path)
    assert names(store) == ["later"]
    restore(backed_up, path, replace=True)
    again = open_store(str(path))
    assert everything(again) == expected
    load(again, facts("one", products=named("other")))
    assert again.view().version == 4  # the number of the version that is gone
    assert names(again) == ["other"]
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["backup", "store.db"]


def test_restore_over_a_store_in_use(store: Store, backed_up: Path, path: Path) -> None:
    """The journal of the old file is not replayed into the new one."""
    expected = everything(store)
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("SELECT count(*) FROM products").fetchone()
        load(store, facts("one", products=named("later")))
        assert path.with_name("store.db-wal").stat().st_size > 0
        restore(backed_up, path, replace=True)
        assert everything(open_store(str(path))) == expected
    assert everything(open_store(str(path))) == expected
    assert healthy(path)


def spoil_pages(data: bytes) -> bytes:
    at = len(data) // 2 // 4096 * 4096
    return data[:at] + b"\xff" * 8192 + data[at + 8192 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:100],
        lambda data: b"",
        lambda data: b"PK" + data[2:],
        spoil_pages,
    ],
    ids=["half", "head", "empty", "other", "pages"],
)
def test_a_damaged_backup_is_refused(
    store: Store, backed_up: Path, path: Path, damage: Callable[[bytes], bytes]
) -> None:
    """By name; the old store stays as it was and nothing is left lying about."""
    expected = everything(store)
    backed_up.write_bytes(damage(backed_up.read_bytes()))
    files = sorted(p.name for p in path.parent.iterdir())
    with pytest.raises(ChainAtlasError, match=re.escape(str(backed_up))):
        restore(backed_up, path, replace=True)
    assert everything(open_store(str(path))) == expected
    assert sorted(p.name for p in path.parent.iterdir()) == files
    with pytest.raises(ChainAtlasError):
        restore(backed_up, path.with_name("new.db"))
    assert not path.with_name("new.db").exists()


def test_restore_from_what_is_no_backup(store: Store, path: Path, tmp_path: Path) -> None:
    """No file, a folder, another database: the store stays as it was."""
    load(store, facts("one", products=named("a")))
    with closing(sqlite3.connect(tmp_path / "foreign")) as connection:
        connection.execute("CREATE TABLE meta (name, value)")
        connection.commit()
    for name in ("missing", ".", "foreign"):
        with pytest.raises(ChainAtlasError):
            restore(tmp_path / name, path, replace=True)
        assert names(store) == ["a"]
    with pytest.raises(StoreError, match="folder"):
        restore(path, tmp_path / "no" / "folder")


def test_a_restore_that_fails_leaves_the_store(
    store: Store, backed_up: Path, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the last load still stands in the journal, as after a crash."""
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("SELECT count(*) FROM products").fetchone()
        load(store, facts("one", products=named("later")))
        crashed = tmp_path / "crashed.db"
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", f"{crashed}{suffix}")

    def refuse(*args: object) -> None:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(StoreError, match=r"crashed\.db"):
            restore(backed_up, crashed, replace=True)
    after = open_store(str(crashed))
    assert (after.view().version, names(after)) == (4, ["later"])
