"""What every store does, whatever keeps it: written against the protocols of graph/store.py."""

from __future__ import annotations

import itertools
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chainatlas.graph import TABLES, Change, Facts, NotFoundError, Store, StoreError, open_store
from chainatlas.graph.schema import PROVENANCE, REJECTS
from making import (
    REJECT_COLUMNS,
    Row,
    Stated,
    cells,
    column,
    facts,
    held,
    load,
    named,
    rejects,
    same_graph,
    stated,
    table,
)

#: Opens the store at a place, a new one where there is none. The place is an empty folder at first.
Factory = Callable[[Path], Store]


def embedded(folder: Path) -> Store:
    """The embedded store in a folder."""
    return open_store(str(folder / "store.db"), create=True)


class OnServers:
    """Stores on Neo4j servers, each of which has room for one: a place takes the next free one."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._taken: dict[str, Path] = {}

    def __call__(self, folder: Path) -> Store:
        """The store of a folder; a server is free again when its folder is gone."""
        for name in ("neo4j_server", "neo4j_spare"):
            place = self._taken.get(name)
            if place is None or not place.exists() or place == folder:
                server = self._request.getfixturevalue(name)
                if place != folder:
                    server.wipe()
                    self._taken[name] = folder
                return open_store(server.address(), create=True)
        raise AssertionError("more stores at once than servers")


@pytest.fixture(params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def factory(request: pytest.FixtureRequest) -> Factory:
    return embedded if request.param == "embedded" else OnServers(request)


@pytest.fixture
def store(factory: Factory, tmp_path: Path) -> Iterator[Store]:
    found = factory(tmp_path)
    yield found
    found.close()


@pytest.fixture
def second(factory: Factory, tmp_path: Path) -> Iterator[Store]:
    """Another store beside the first."""
    folder = tmp_path / "second"
    folder.mkdir()
    found = factory(folder)
    yield found
    found.close()


#: A pack with facts in most kinds of tables: nodes, edges, optional keys, lists, numbers.
HUBEI = facts(
    "hubei",
    [{"line": 7.0, "raw": '{"id":"x"}'}, {"line": 3.0, "column": ""}],
    packs=[{"id": "hubei", "title": "湖北", "licence": "CC0-1.0"}],
    clusters=[{"id": "nev", "name": "汽车", "region": "420100", "tier": "national"}],
    links=[{"id": "parts", "cluster": "nev", "name": "零部件", "stage": "upstream", "position": 1}],
    products=[
        {"id": "car", "name": "汽车", "as_of": "2024-05-06", "source": "表"},
        {"id": "rim", "name": "轮毂", "links": "parts", "aliases": "钢圈;轮圈"},
        {"id": "tyre", "name": "轮胎", "domestic_rate": 0.1},
    ],
    inputs=[
        {"product": "car", "input": "rim", "criticality": 0.9},
        {"product": "car", "input": "tyre", "criticality": 0.5, "cost_share": 1 / 3},
    ],
    enterprises=[
        {"id": "A", "name": "甲", "country": "CN", "region": "420111", "revenue": 1e10},
        {"id": "B", "name": "乙", "country": "JP"},
    ],
    produces=[
        {"enterprise": "A", "product": "car", "region": "420111", "role": "maker"},
        {"enterprise": "A", "product": "car", "region": "420600", "role": "maker"},
        {"enterprise": "B", "product": "rim", "role": "maker"},
    ],
    supplies=[{"supplier": "B", "buyer": "A", "amount": 5.5}],
    rules=[
        {"name": "token_max", "value": 0.2},
        {"cluster": "nev", "name": "token_max", "value": 0.3},
    ],
    surveys=[{"region": "420000", "product": "car", "status": "complete"}],
)


# --- Empty ---------------------------------------------------------------------------------------


def test_a_new_store_is_empty(store: Store) -> None:
    """Version 0: no facts, yet every table with its declared columns."""
    view = store.view()
    assert (view.version, len(view.graph()), view.graph().version) == (0, 0, 0)
    assert store.versions() == []
    assert view.facts() == []
    assert view.rejects().columns.tolist() == ["pack", *REJECT_COLUMNS]
    assert len(view.rejects()) == 0
    for name, declared in TABLES.items():
        frame = view.graph()[name]
        assert len(frame) == 0
        assert [c for c in frame.columns if c != "pack"] == list(declared.names)
        for each in declared.columns:
            assert (frame[each.name].dtype == np.float64) == each.numeric


def test_loading_nothing_is_no_version(store: Store) -> None:
    """Neither a load without packs nor a pack that states nothing counts."""
    with store.writer() as writer:
        assert writer.version == 0
    with store.writer() as writer:
        assert writer.replace(facts("nothing")) == ()
    assert store.view().version == 0
    assert store.versions() == []


# --- Loading -------------------------------------------------------------------------------------


def test_loaded_facts_are_there(store: Store) -> None:
    """A load makes version 1, and the graph holds what was stated, typed."""
    with store.writer() as writer:
        assert writer.version == 0
        writer.replace(HUBEI)
        assert writer.version == 1
    view = store.view()
    assert view.version == view.graph().version == 1
    assert held(view) == stated(HUBEI)
    graph = view.graph()
    for name, declared in TABLES.items():
        expected = HUBEI.tables.get(name, table(name, []))
        expected = expected.sort_values(list(declared.key), ignore_index=True)
        defaults = {c.name: c.default for c in declared.columns if c.default is not None}
        for cell, value in defaults.items():
            numeric = declared.column(cell).numeric
            expected[cell] = expected[cell].fillna(float(value) if numeric else value)
        pd.testing.assert_frame_equal(graph[name][list(declared.names)], expected, obj=name)
    assert graph["products"]["pack"].tolist() == ["hubei"] * 3


def test_same_facts_again_are_no_version(store: Store) -> None:
    """In the same order or another, by the same store or after opening it again."""
    load(store, HUBEI)
    turned = {n: f.iloc[::-1].reset_index(drop=True) for n, f in HUBEI.tables.items()}
    for again in (HUBEI, Facts("hubei", turned, HUBEI.rejects.iloc[::-1].reset_index(drop=True))):
        with store.writer() as writer:
            assert writer.replace(again) == ()
            assert writer.version == 1
    assert store.view().version == 1
    assert len(store.versions()) == 1


def test_facts_outlive_the_store_object(factory: Factory, tmp_path: Path) -> None:
    """What was committed is there for whoever opens the store next."""
    first = factory(tmp_path)
    load(first, HUBEI)
    first.close()
    again = factory(tmp_path)
    try:
        assert held(again.view()) == stated(HUBEI)
        assert load(again, HUBEI) == 1
    finally:
        again.close()


def test_a_pack_says_what_it_says_now(store: Store) -> None:
    """Facts it drops are withdrawn, other packs' facts stay as they are."""
    other = facts("other", products=named("x", "y"))
    load(store, facts("one", products=named("a", "b", "c")), other)
    changed = facts("one", products=[*named("b"), {"id": "c", "name": "C"}, *named("d")])
    with store.writer() as writer:
        assert writer.replace(changed) == (Change("one", "products", 1, 1, 1),)
    assert store.view().version == 2
    assert held(store.view()) == stated(changed, other)
    assert column(store.view(), "products", "name") == {
        **dict(zip("bdxy", "bdxy", strict=True)),
        "c": "C",
    }


def test_a_pack_that_states_nothing_is_withdrawn(store: Store) -> None:
    """Its facts and its rejects go; its name is no longer among the packs."""
    other = facts("other", products=named("x"))
    load(store, HUBEI, other)
    load(store, facts("hubei"))
    assert held(store.view()) == stated(other)
    assert [f.pack for f in store.view().facts()] == ["other"]
    assert len(store.view().rejects()) == 0


def test_several_packs_are_one_version(store: Store) -> None:
    """And a pack stated twice in one load says the last of it."""
    with store.writer() as writer:
        writer.replace(facts("b", products=named("b")))
        writer.replace(facts("a", products=named("first", "kept")))
        writer.replace(facts("a", products=named("kept", "last")))
        assert writer.version == 1
    assert [v.number for v in store.versions()] == [1]
    assert column(store.view(), "products", "pack") == {"b": "b", "kept": "a", "last": "a"}
    assert [f.pack for f in store.view().facts()] == ["a", "b"]


@pytest.mark.parametrize("read_before", [False, True])
def test_some_packs_can_be_left_out(store: Store, read_before: bool) -> None:
    """Whether or not the whole version was read before, and whatever else was left out before."""
    a, b = facts("a", products=named("x", "y")), facts("b", [{"line": 1.0}], products=named("y"))
    load(store, a, HUBEI, b)
    if read_before:
        store.view().graph()
    view = store.view()
    for but in (["a"], ["a", "b"], ["none"], ["a", "b", "hubei"], []):
        kept = [f for f in (a, b, HUBEI) if f.pack not in but]
        assert stated(*view.facts(but=but)) == stated(*kept)
        said = view.stated("products", but=but)
        assert set(said["pack"]) == {f.pack for f in kept}
        assert len(said) == sum(len(f.tables["products"]) for f in kept)
    assert held(store.view()) == stated(a, b, HUBEI)


def test_a_changed_column_of_any_kind_counts(store: Store) -> None:
    """Text, number, list, provenance; filled, emptied or altered; but the facts stay facts."""
    base: Row = {"id": "p", "name": "p", "aliases": "a;b", "domestic_rate": 0.5, "source": "s"}
    steps: list[dict[str, str | float | None]] = [
        {"aliases": "b;a"},
        {"aliases": None},
        {"domestic_rate": math.nextafter(0.5, 1)},
        {"domestic_rate": None},
        {"domestic_rate": 0.0},
        {"confidence": 0.5},
        {"source": "S"},
        {"name": "p "},
    ]
    load(store, facts("one", products=[base]))
    row = dict(base)
    for number, step in enumerate(steps, start=2):
        row |= step
        with store.writer() as writer:
            changes = writer.replace(facts("one", products=[row]))
            assert changes == (Change("one", "products", 0, 1, 0),), step
        assert store.view().version == number
        assert held(store.view()) == stated(facts("one", products=[row]))


def test_a_writer_is_not_seen_before_it_commits(store: Store) -> None:
    """Loading checks references against the store while the writer is open."""
    load(store, facts("one", products=named("old")))
    with store.writer() as writer:
        writer.replace(facts("one", products=named("new")))
        inside = store.view()
        assert inside.version == 1
        assert column(inside, "products", "name") == {"old": "old"}
    assert column(inside, "products", "name") == {"old": "old"}
    assert column(store.view(), "products", "name") == {"new": "new"}


class _StopError(Exception):
    pass


def load_and_stop(store: Store, stop: type[BaseException], *statements: Facts) -> None:
    """A load that an exception ends before it commits."""
    with store.writer() as writer:
        for statement in statements:
            writer.replace(statement)
        raise stop


@pytest.mark.parametrize("stop", [_StopError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_no_trace(store: Store, stop: type[BaseException]) -> None:
    """Whatever was stated before it; and the next load works."""
    for base in (None, HUBEI):
        if base is not None:
            load(store, base)
        before = (held(store.view()), store.versions())
        gone, new = facts("hubei", products=named("gone")), facts("new", [{}], products=named("x"))
        with pytest.raises(stop):
            load_and_stop(store, stop, gone, new)
        assert (held(store.view()), store.versions()) == before
    assert load(store, facts("new", products=named("x"))) == 2


def test_numbers_come_back_to_the_last_bit(store: Store) -> None:
    """Money, shares and the ends of the range of doubles."""
    numbers = [0.1, 1 / 3, 1e308, 5e-324, 123456789012.34, 0.0, 2.0**53 + 2]
    rows: list[Row] = [{"id": f"e{i}", "name": "n", "revenue": n} for i, n in enumerate(numbers)]
    load(store, facts("one", enterprises=rows))
    assert store.view().graph().number("enterprises", "revenue").tolist() == numbers
    assert load(store, facts("one", enterprises=rows)) == 1


AWKWARD = (
    "😀🚗👩‍🔬",
    "𠮷野家",
    "''\"\"`;--",
    "a\nb\r\nc\td",
    "\\n%s{}[0]$name",
    "e\u0301 é",
    "‮right",
    " padded ",
    "NULL",
    "nan",
    "0042",
    "1e5",
    "长" * 32767,
)


def test_text_comes_back_as_it_was(store: Store) -> None:
    """In values and keys, through older versions, comparisons and rejects."""
    rows: list[Row] = [{"id": f"{i}{t[:50]}", "name": t} for i, t in enumerate(AWKWARD)]
    pack = facts("包📦'\"", [{"raw": t, "line": i} for i, t in enumerate(AWKWARD)], products=rows)
    load(store, pack)
    load(store, facts("other", products=named("x")))
    for view in (store.view(), store.view(1)):
        names = column(view, "products", "name")
        assert {key: names[key] for key in names if key != "x"} == {
            row["id"]: row["name"] for row in rows
        }
        assert sorted(view.rejects()["raw"]) == sorted(AWKWARD)
        assert view.rejects()["pack"].unique().tolist() == [pack.pack]
    assert set(store.compare(0, 1)["key"]) == {row["id"] for row in rows}
    assert load(store, pack) == 2


def test_ten_thousand_rows(store: Store) -> None:
    """A batch larger than any limit on parameters; then one row of it changed."""
    many: list[Row] = [{"id": f"p{i:05d}", "name": f"产品{i}"} for i in range(10_000)]
    load(store, facts("one", products=many))
    assert store.view().graph()["products"]["name"].tolist() == [r["name"] for r in many]
    many[4321] = {"id": "p04321", "name": "别的"}
    with store.writer() as writer:
        assert writer.replace(facts("one", products=many)) == (Change("one", "products", 0, 1, 0),)
    assert column(store.view(), "products", "name")["p04321"] == "别的"
    assert column(store.view(1), "products", "name")["p04321"] == "产品4321"


# --- Rejects -------------------------------------------------------------------------------------


def test_rejects_are_kept_by_pack(store: Store) -> None:
    """Ordered by pack, file and line; replaced with the pack, withdrawn with its load."""
    first: list[Row] = [
        {"line": 10.0, "raw": "c"},
        {"line": 9.0, "raw": "b"},
        {"file": "a.csv", "raw": "a"},
    ]
    load(store, facts("two", [{"raw": "other"}]), facts("one", first, products=named("p")))
    seen = store.view().rejects()
    assert seen["pack"].tolist() == ["one", "one", "one", "two"]
    assert seen["raw"].tolist() == ["a", "b", "c", "other"]
    assert seen.columns.tolist() == ["pack", *REJECT_COLUMNS]
    assert seen["line"].tolist() == [2.0, 9.0, 10.0, 2.0]
    load(store, facts("one", [{"raw": "new"}], products=named("p")))
    assert store.view().rejects()["raw"].tolist() == ["new", "other"]
    assert store.view(1).rejects()["raw"].tolist() == ["a", "b", "c", "other"]
    store.undo()
    assert store.view().rejects()["raw"].tolist() == ["a", "b", "c", "other"]


def test_several_rejects_of_one_cell(store: Store) -> None:
    """A list cell can hold several bad values: same file, line and column."""
    labels = [{"column": "labels", "raw": "x", "message": m} for m in ("坏：一", "坏：二")]
    load(store, facts("one", labels))
    assert sorted(store.view().rejects()["message"]) == ["坏：一", "坏：二"]
    labels = [{"column": "labels", "raw": "x", "message": m} for m in ("坏：三", "坏：四")]
    load(store, facts("one", labels))
    assert sorted(store.view().rejects()["message"]) == ["坏：三", "坏：四"]
    change = store.versions()[-1].changes[0]
    assert min(change.added, change.changed, change.withdrawn) >= 0
    assert change.added + change.changed == change.withdrawn + change.changed == 2


def test_equal_rejects_are_all_kept(store: Store) -> None:
    """The same bad value twice in one cell is two rejects, then one."""
    load(store, facts("one", [{}, {}]))
    assert len(store.view().rejects()) == 2
    load(store, facts("one", [{}]))
    assert len(store.view().rejects()) == 1
    load(store, facts("one", [{}, {}]))
    assert len(store.view().rejects()) == 2


# --- Versions ------------------------------------------------------------------------------------


def test_versions_say_what_happened(store: Store) -> None:
    """Number, time, action, packs and counts, oldest first."""
    before = datetime.now(UTC).replace(microsecond=0)
    load(store, facts("b", products=named("x")), facts("a", products=named("p", "q")))
    load(
        store,
        facts(
            "a",
            [{}],
            products=[{"id": "p", "name": "P"}],
            enterprises=named("e", "f"),
        ),
    )
    store.undo()
    after = datetime.now(UTC) + timedelta(seconds=1)
    one, two, three = store.versions()
    assert [v.number for v in (one, two, three)] == [1, 2, 3]
    assert [v.action for v in (one, two, three)] == ["load", "load", "undo"]
    assert [v.undoes for v in (one, two, three)] == [None, None, 2]
    assert set(one.packs) == {"a", "b"}
    assert two.packs == three.packs == ("a",)
    assert set(one.changes) == {Change("a", "products", 2, 0, 0), Change("b", "products", 1, 0, 0)}
    assert set(two.changes) == {
        Change("a", "products", 0, 1, 1),
        Change("a", "enterprises", 2, 0, 0),
        Change("a", "rejects", 1, 0, 0),
    }
    times = [v.at for v in (one, two, three)]
    assert times == sorted(times)
    assert all(t.utcoffset() == timedelta(0) and before <= t <= after for t in times)


def test_packs_of_a_version_are_those_its_load_stated(store: Store) -> None:
    """A pack that was stated in it without a change too."""
    load(store, facts("a", products=named("p")))
    load(store, facts("a", products=named("p")), facts("b", products=named("q")))
    assert set(store.versions()[-1].packs) == {"a", "b"}


def test_older_versions_stay_readable(store: Store) -> None:
    """Each as it was, version 0 too, in any order; a view stays at its version."""
    names = ["a", "b", "c", "d", "e"]
    first = store.view()
    for step, name in enumerate(names, start=1):
        load(store, facts("one", products=named(name)), facts("two", enterprises=named(str(step))))
    for number in (3, 0, 5, 1, 4, 2, 0, 1):
        view = store.view(number)
        assert view.version == view.graph().version == number
        assert list(column(view, "products", "name")) == names[:number][-1:]
        assert len(view.graph()["enterprises"]) == min(number, 1)
    assert len(first.graph()) == 0
    assert store.view().version == 5


@pytest.mark.parametrize("number", [-1, 2, 99, 2**40])
def test_an_unknown_version_is_refused(store: Store, number: int) -> None:
    """With the number and the versions there are."""
    load(store, HUBEI)
    with pytest.raises(NotFoundError, match=str(number)):
        store.view(number)
    with pytest.raises(NotFoundError, match=str(number)):
        store.compare(0, number)
    with pytest.raises(NotFoundError, match=str(number)):
        store.compare(number, 0)


def compared(store: Store, old: int, new: int) -> set[tuple[object, ...]]:
    """A comparison as a set of (change, table, pack, key), with the frame's own form checked."""
    frame = store.compare(old, new)
    assert frame.columns.tolist() == ["change", "table", "pack", "key"]
    rows = list(frame.itertuples(index=False, name=None))
    assert len(set(rows)) == len(rows)
    assert rows == sorted(rows)
    return set(rows)


def test_comparing_versions(store: Store) -> None:
    """What was added, changed and withdrawn between any two, with keys of several columns."""
    old = facts(
        "one",
        products=named("a", "b", "c"),
        enterprises=named("E"),
        produces=[
            {"enterprise": "E", "product": "a"},
            {"enterprise": "E", "product": "a", "region": "420100"},
        ],
    )
    new = facts(
        "one",
        products=[*named("b"), {"id": "c", "name": "C"}, *named("d")],
        enterprises=named("E"),
        produces=[{"enterprise": "E", "product": "a", "share": 0.5}],
    )
    load(store, old, facts("two", products=named("a")))
    load(store, new)
    forward = {
        ("withdrawn", "products", "one", "a"),
        ("changed", "products", "one", "c"),
        ("added", "products", "one", "d"),
        ("changed", "produces", "one", "E | a | "),
        ("withdrawn", "produces", "one", "E | a | 420100"),
    }
    assert compared(store, 1, 2) == forward
    swap = {"withdrawn": "added", "added": "withdrawn", "changed": "changed"}
    assert compared(store, 2, 1) == {(swap[str(kind)], *rest) for kind, *rest in forward}
    assert compared(store, 2, 2) == compared(store, 0, 0) == set()
    assert {row[0] for row in compared(store, 0, 2)} == {"added"}
    assert len(compared(store, 0, 2)) == 3 + 1 + 1 + 1
    store.undo()
    assert compared(store, 1, 3) == set()
    assert compared(store, 2, 3) == compared(store, 2, 1)


# --- Undo ----------------------------------------------------------------------------------------


def test_undo_of_nothing(store: Store) -> None:
    """An empty store, and one whose loads are all undone, have nothing to take back."""
    with pytest.raises(NotFoundError):
        store.undo()
    load(store, facts("one", products=named("a")))
    store.undo()
    with pytest.raises(NotFoundError):
        store.undo()
    assert store.view().version == 2
    assert held(store.view()) == {}
    assert load(store, facts("one", products=named("a"))) == 3


def test_undo_takes_back_load_by_load(store: Store) -> None:
    """As new versions, which say whose load they take back; the older ones stay."""
    states = [facts("one", products=named(*"abcd"[:i])) for i in range(1, 5)]
    for state in states:
        load(store, state)
    for step, undone in enumerate((4, 3, 2, 1), start=1):
        version = store.undo()
        assert (version.number, version.action, version.undoes) == (4 + step, "undo", undone)
        assert version == store.versions()[-1]
        assert store.compare(undone - 1, version.number).empty
        same_graph(store.view(), store.view(undone - 1))
    assert [held(store.view(i)) for i in range(1, 5)] == [stated(s) for s in states]


def test_undo_then_load(store: Store) -> None:
    """Loads and undos in turn: undo goes back over the loads that still count."""
    a, b, c = (facts("one", products=named(i)) for i in "abc")
    assert load(store, a) == 1
    assert load(store, b) == 2
    assert store.undo().undoes == 2  # version 3: a
    assert load(store, a) == 3  # nothing new
    assert load(store, b) == 4
    assert load(store, c) == 5
    assert store.undo().undoes == 5  # version 6: b
    assert held(store.view()) == stated(b)
    assert store.undo().undoes == 4  # version 7: a
    assert held(store.view()) == stated(a)
    assert store.undo().undoes == 1  # version 8: empty
    assert held(store.view()) == {}
    assert [held(store.view(i)) for i in range(1, 9)] == [
        stated(s) if s else {} for s in (a, b, a, b, c, b, a, None)
    ]


def test_undo_touches_only_what_the_load_did(store: Store) -> None:
    """All packs of the load go back; packs it did not state stay."""
    a, b = facts("a", [{}], products=named("a")), facts("b", products=named("b"))
    load(store, a)
    load(store, b)
    load(store, facts("a", products=named("A")), facts("c", products=named("c")))
    assert set(store.undo().packs) == {"a", "c"}
    assert held(store.view()) == stated(a, b)


def test_undo_counts_what_differs(store: Store) -> None:
    """A changed fact counts as changed, and a fact that stays is not counted."""
    kept = named("stays")
    load(store, facts("one", products=[*kept, {"id": "p", "name": "old"}]))
    load(store, facts("two", products=named("q")))
    load(store, facts("one", products=[{"id": "p", "name": "new"}, *named("more")]))
    assert store.undo().changes == (Change("one", "products", 1, 1, 1),)
    assert store.undo().changes == (Change("two", "products", 0, 0, 1),)


def test_undo_brings_the_same_answers_back(store: Store) -> None:
    """Also where packs contradict each other and only the later load decides."""
    load(store, facts("one", products=[{"id": "p", "name": "one says"}]))
    load(store, facts("two", products=[{"id": "p", "name": "two says"}]))
    load(store, facts("one", products=[{"id": "p", "name": "one says now"}]))
    assert column(store.view(), "products", "name") == {"p": "one says now"}
    store.undo()
    assert column(store.view(2), "products", "name") == {"p": "two says"}
    same_graph(store.view(), store.view(2))


# --- Facts of several packs ----------------------------------------------------------------------


def test_facts_go_round(store: Store, second: Store) -> None:
    """facts() of one store loaded into another gives equal tables, and is no news to the first."""
    more = facts(
        "湖南",
        [{"raw": "坏"}],
        products=[{"id": "car", "name": "轿车", "as_of": "2020-01-01"}, *named("z")],
        enterprises=named("Z"),
    )
    load(store, HUBEI)
    load(store, more)
    load(store, facts("gone", products=named("g")))
    load(store, facts("gone"))
    load(second, *store.view().facts())
    assert held(second.view()) == held(store.view()) == stated(HUBEI, more)
    same_graph(second.view(), store.view())
    pd.testing.assert_frame_equal(second.view().rejects(), store.view().rejects())
    assert load(store, *store.view().facts()) == 4
    assert load(second, *store.view().facts()) == 1
    older = store.view(1).facts()
    assert [f.pack for f in older] == ["hubei"]
    assert set(older[0].tables) == set(TABLES)


def test_packs_that_state_the_same_key(store: Store) -> None:
    """The newest date decides column by column, lists are joined, provenance is one fact's."""
    old: Row = {
        "id": "p",
        "name": "旧名",
        "aliases": "甲;乙",
        "gb_code": "3670",
        "domestic_rate": 0.1,
        "source": "旧表",
        "as_of": "2020-01-01",
        "confidence": 0.9,
        "method": "猜",
    }
    new: Row = {
        "id": "p",
        "name": "新名",
        "aliases": "丙;甲",
        "domestic_rate": None,
        "source": "新表",
        "as_of": "2024-01-01",
    }
    undated: Row = {"id": "p", "name": "无日期", "sei": "1.2", "gb_code": "9999"}
    said = {"old": old, "new": new, "undated": undated}
    packs = [facts(name, products=[row]) for name, row in said.items()]
    for order in itertools.permutations(packs):
        load(store, facts("old"), facts("new"), facts("undated"))
        for each in order:
            load(store, each)
        (row,) = store.view().graph()["products"].to_dict("records")
        assert {k: v for k, v in row.items() if v == v} == {
            "id": "p",
            "name": "新名",
            "aliases": "丙;甲;乙",
            "gb_code": "3670",
            "sei": "1.2",
            "domestic_rate": 0.1,
            "source": "新表",
            "as_of": "2024-01-01",
            "pack": "new",
        }


def test_the_later_load_decides_between_facts_of_one_date(store: Store) -> None:
    """Whatever the names of the packs."""
    row: Row = {"id": "p", "name": "x", "as_of": "2024-01-01"}
    for order in (("a", "b"), ("b", "a")):
        load(store, facts("a"), facts("b"))
        for pack in order:
            load(store, facts(pack, products=[{**row, "name": pack}]))
        assert column(store.view(), "products", "name") == {"p": order[-1]}


def test_facts_about_the_same_pair_with_empty_keys(store: Store) -> None:
    """Keys with an empty part are one key too; different plants stay apart."""
    nodes = facts("nodes", products=named("p"), enterprises=named("E"))
    one: list[Row] = [
        {"enterprise": "E", "product": "p", "share": 0.2, "as_of": "2020-01-01"},
        {"enterprise": "E", "product": "p", "region": "420100", "share": 0.3},
    ]
    two: list[Row] = [{"enterprise": "E", "product": "p", "share": 0.4, "as_of": "2021-01-01"}]
    load(store, nodes, facts("one", produces=one), facts("two", produces=two))
    frame = store.view().graph()["produces"]
    assert cells(frame[["enterprise", "product", "region", "share"]]) == sorted(
        [("E", "p", "", 0.4), ("E", "p", "420100", 0.3)], key=repr
    )


def test_facts_about_withdrawn_nodes_are_left_out(store: Store) -> None:
    """A pack's facts about a node that another pack withdrew wait until it is back."""
    nodes = facts(
        "nodes",
        clusters=[{"id": "c", "name": "c", "region": "420100"}],
        links=[{"id": "l", "cluster": "c", "name": "l", "stage": "upstream"}],
        products=named("p", "q"),
        enterprises=named("E", "F"),
    )
    edges = facts(
        "edges",
        products=[{"id": "own", "name": "own", "links": "l"}],
        inputs=[{"product": "p", "input": "q"}, {"product": "own", "input": "q"}],
        produces=[{"enterprise": "E", "product": "p"}, {"enterprise": "F", "product": "own"}],
        supplies=[{"supplier": "E", "buyer": "F"}, {"supplier": "F", "buyer": "E"}],
        rules=[{"cluster": "c", "name": "lq_min", "value": 2}, {"name": "lq_min", "value": 3}],
    )
    load(store, nodes, edges)
    whole = store.view()
    assert [len(whole.graph()[t]) for t in ("inputs", "produces", "supplies", "rules")] == [2] * 4
    load(store, facts("nodes", products=named("q"), enterprises=named("F")))
    graph = store.view().graph()
    assert cells(graph["inputs"][["product", "input"]]) == [("own", "q")]
    assert cells(graph["produces"][["enterprise", "product"]]) == [("F", "own")]
    assert len(graph["supplies"]) == 0
    assert graph.rules().lq_min == graph.rules("c").lq_min == 3
    assert [len(e.rows) for e in graph.edges("PART_OF")] == [0, 0]
    assert held(store.view())["edges"] == stated(edges)["edges"]
    load(store, nodes)
    assert len(store.compare(1, 3)) == 0
    assert len(store.view().graph()["supplies"]) == 2


# --- Backup --------------------------------------------------------------------------------------


def test_a_backup_does_not_overwrite(store: Store, tmp_path: Path) -> None:
    """Nor does it leave anything where it cannot be written."""
    load(store, HUBEI)
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(StoreError, match="mine"):
        store.backup(tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"
    with pytest.raises(StoreError):
        store.backup(tmp_path / "no" / "such" / "folder")
    assert not (tmp_path / "no").exists()
    store.backup(tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_size > 0


# --- Random loads and undos against plain dictionaries -------------------------------------------

PACKS = ("a", "b", "c")
ids = st.sampled_from(["p", "q", "r", "𠮷"])
optional_text = st.sampled_from([None, "", "x", "y;z", "'"])
product_rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": ids,
            "name": st.sampled_from(["n", "m"]),
            "aliases": optional_text.map(lambda t: t or None),
            "domestic_rate": st.sampled_from([None, 0.0, 0.5]),
            "as_of": st.sampled_from([None, "2020-01-01", "2021-01-01"]),
        }
    ),
    max_size=4,
    unique_by=lambda row: row["id"],
)
input_rows = st.lists(
    st.fixed_dictionaries(
        {"product": ids, "input": ids, "criticality": st.sampled_from([0.5, 1.0])}
    ),
    max_size=3,
    unique_by=lambda row: (row["product"], row["input"]),
)
reject_rows = st.lists(
    st.fixed_dictionaries({"line": st.sampled_from([1.0, 2.0])}), max_size=2, unique_by=str
)
statements = st.builds(
    lambda pack, rows, edges, bad: facts(pack, bad, products=rows, inputs=edges),
    st.sampled_from(PACKS),
    product_rows,
    input_rows,
    reject_rows,
)
loads = st.lists(statements, min_size=1, max_size=2, unique_by=lambda f: f.pack)


def merged_by_hand(state: dict[str, Facts]) -> dict[str, object]:
    """Lists of aliases of each product, joined; the order follows dates only where these differ."""
    found: dict[str, set[str]] = {}
    for each in state.values():
        for row in each.tables["products"].fillna({"aliases": ""}).to_dict("records"):
            found.setdefault(row["id"], set()).update(filter(None, row["aliases"].split(";")))
    return dict(found)


class Loads(RuleBasedStateMachine):
    """Random loads and undos; the model is a list of states, one a version."""

    factory: Factory

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = self.factory(Path(self.folder.name))
        self.states: list[dict[str, Facts]] = [{}]
        self.counting: list[int] = []

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    @rule(load_=loads)
    def load(self, load_: list[Facts]) -> None:
        state = dict(self.states[-1])
        for each in load_:
            state[each.pack] = each
        changed = stated(*state.values()) != stated(*self.states[-1].values())
        assert load(self.store, *load_) == len(self.states) - 1 + changed
        if changed:
            self.counting.append(len(self.states))
            self.states.append(state)

    @rule(load_=loads)
    def break_off(self, load_: list[Facts]) -> None:
        with pytest.raises(_StopError):
            load_and_stop(self.store, _StopError, *load_)

    @precondition(lambda self: self.counting)
    @rule()
    def undo(self) -> None:
        load_ = self.counting.pop()
        version = self.store.undo()
        assert (version.number, version.undoes) == (len(self.states), load_)
        self.states.append(self.states[load_ - 1])
        same_graph(self.store.view(), self.store.view(load_ - 1))

    @precondition(lambda self: not self.counting)
    @rule()
    def undo_nothing(self) -> None:
        with pytest.raises(NotFoundError):
            self.store.undo()

    @rule(data=st.data())
    def look_back(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.states) - 1))
        assert held(self.store.view(number)) == stated(*self.states[number].values())
        other = data.draw(st.integers(0, len(self.states) - 1))
        assert compared(self.store, other, number) == self.differences(other, number)

    @invariant()
    def newest_is_the_model(self) -> None:
        if not hasattr(self, "store"):
            return
        view = self.store.view()
        assert view.version == len(self.states) - 1
        assert held(view) == stated(*self.states[-1].values())
        lists = {
            key: set(filter(None, str(cell or "").split(";")))
            for key, cell in column(view, "products", "aliases").items()
        }
        assert lists == merged_by_hand(self.states[-1])

    @invariant()
    def counts_are_the_differences(self) -> None:
        if not hasattr(self, "store"):
            return
        versions = self.store.versions()
        assert [v.number for v in versions] == list(range(1, len(self.states)))
        for version in versions[-1:]:
            counted = {
                (kind, change.table, change.pack): getattr(change, kind)
                for change in version.changes
                for kind in ("added", "changed", "withdrawn")
                if change.table != REJECTS.name and getattr(change, kind)
            }
            found = self.differences(version.number - 1, version.number)
            assert counted == Counter(tuple(head) for *head, _ in found)

    def differences(self, old: int, new: int) -> set[tuple[object, ...]]:
        """What compare() should say, from the model."""
        left, right = (self.keyed(stated(*self.states[n].values())) for n in (old, new))
        found: set[tuple[object, ...]] = set()
        for at in left.keys() | right.keys():
            if at not in left:
                found.add(("added", *at))
            elif at not in right:
                found.add(("withdrawn", *at))
            elif left[at] != right[at]:
                found.add(("changed", *at))
        return found

    @staticmethod
    def keyed(state: Stated) -> dict[tuple[str, str, str], tuple[object, ...]]:
        width = {"products": 1, "inputs": 2}
        return {
            (name, pack, " | ".join(map(str, row[: width[name]]))): row
            for pack, tables in state.items()
            for name, rows in tables.items()
            if name in width
            for row in rows
        }


def test_random_loads_and_undos(factory: Factory) -> None:
    """Any sequence gives the same facts, versions and counts as plain dictionaries.

    A profile with more examples (HYPOTHESIS_PROFILE) tries more sequences here too.
    """

    class Bound(Loads):
        pass

    Bound.factory = staticmethod(factory)
    run_state_machine_as_test(
        Bound,
        settings=settings(
            max_examples=max(1, settings().max_examples // (10 if factory is embedded else 30)),
            stateful_step_count=10,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes
        ),
    )


def test_every_fact_carries_provenance(store: Store) -> None:
    """Source, date, confidence and method come back in every table that was stated."""
    said: Row = {"source": "年报", "as_of": "2024-12-31", "confidence": 0.25, "method": "推断"}
    tables = {n: f.assign(**said) for n, f in HUBEI.tables.items()}
    load(store, Facts("hubei", tables, rejects()))
    for name, frame in tables.items():
        got = store.view().graph()[name]
        assert len(got) == len(frame) > 0
        for each in PROVENANCE:
            assert got[each.name].unique().tolist() == [said[each.name]], (name, each.name)


# --- Receipts ------------------------------------------------------------------------------------


def test_receipts_hold_for_the_newest_version(store: Store, second: Store) -> None:
    with store.writer() as writer:
        writer.replace(HUBEI)
        writer.keep("k", "一")
    assert store.receipt("k") == "一"
    assert store.receipt("other") is None
    with store.writer() as writer:  # changes nothing
        writer.replace(HUBEI)
        writer.keep("l", "二")
    assert (store.receipt("k"), store.receipt("l")) == ("一", "二")
    load(store, facts("more", products=named("p")))
    assert store.receipt("k") is None
    store.undo()
    assert store.receipt("k") is None
    with store.writer() as writer:
        writer.keep("m", "三")
    second.adopt(store.history())
    assert (store.receipt("m"), second.receipt("m")) == ("三", None)


def test_a_failed_load_keeps_no_receipt(store: Store) -> None:
    def fail() -> None:
        with store.writer() as writer:
            writer.keep("k", "一")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.receipt("k") is None
