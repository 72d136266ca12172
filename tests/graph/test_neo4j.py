"""The Neo4j store alone: addresses, errors, faults of server and line, injection, the graph."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from neo4j.exceptions import IncompleteCommit, TransientError

from chainatlas.graph import (
    EDGES,
    NODES,
    Facts,
    NotFoundError,
    Store,
    StoreBusyError,
    StoreError,
    neo4j_link,
    neo4j_store,
    open_store,
)
from chainatlas.graph.facts import STORED
from chainatlas.graph.neo4j_link import Address
from making import column, facts, held, load, named, stated
from neo4j_server import DATABASE, PASSWORD, USER, Server, free_port
from proxy import Proxy

SUPPORT = Path(__file__).parent.parent / "support"


def bulk(word: str, count: int = 1500) -> Facts:
    """A pack large enough that a load takes a while."""
    return facts(
        "bulk",
        [{"line": float(i), "raw": word} for i in range(50)],
        products=[{"id": f"p{i}", "name": f"{word}{i}"} for i in range(count)],
        inputs=[{"product": f"p{i}", "input": f"p{i // 2}"} for i in range(1, count)],
    )


# --- Addresses -----------------------------------------------------------------------------------


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_DATABASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("bare")
def test_what_an_address_says() -> None:
    """User, password, host, port and database, written as in a URL."""
    found = Address.parse("neo4j+s://a%40b:p%2F%3A@[::1]:7777/%E9%93%BE")
    assert found == Address("neo4j+s", "::1", 7777, "链", "a@b", "p/:")
    assert found.uri == "neo4j+s://[::1]:7777"
    assert Address.parse("bolt://host") == Address("bolt", "host", 7687, "", "", "")


@pytest.mark.usefixtures("bare")
def test_the_environment_completes_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the address counts first."""
    for name, value in (("USERNAME", "u"), ("PASSWORD", "p"), ("DATABASE", "d")):
        monkeypatch.setenv(f"NEO4J_{name}", value)
    assert Address.parse("neo4j://h") == Address("neo4j", "h", 7687, "d", "u", "p")
    assert Address.parse("neo4j://x:y@h/z") == Address("neo4j", "h", 7687, "z", "x", "y")


@pytest.mark.parametrize(
    "text",
    [
        "gopher://u:s3cret@h",
        "neo4j://u:s3cret@h:port",
        "neo4j://u:s3cret@",
        "neo4j://u:s3cret@h/a/b",
        "neo4j://u:s3cret@h/?x=1",
        "neo4j://u:s3cret@h:99999",
    ],
)
def test_a_wrong_address_is_told_without_its_password(text: str) -> None:
    """The whole chain of errors is as silent, as a log would show it."""
    with pytest.raises(StoreError) as caught:
        open_store(text)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(Address("neo4j", "h", 1, "", "u", "s3cret"))


def test_without_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra to install."""
    monkeypatch.setitem(sys.modules, "neo4j", None)
    with pytest.raises(StoreError, match=r"chainatlas\[neo4j\]"):
        open_store("neo4j://127.0.0.1")


def test_nobody_listens() -> None:
    """Told at once, with host and port."""
    port = free_port()
    began = time.monotonic()
    with pytest.raises(StoreError, match=f"连不上 bolt://127.0.0.1:{port}"):
        open_store(f"bolt://127.0.0.1:{port}")
    assert time.monotonic() - began < 15


# --- Encrypted lines -----------------------------------------------------------------------------


@pytest.mark.neo4j
def test_an_encrypted_line(neo4j_encrypted: Server) -> None:
    """A certificate of its own is enough where the address says so; facts go over it and come back."""
    for scheme in ("bolt+ssc", "neo4j+ssc"):
        server = open_store(neo4j_encrypted.address(scheme=scheme), create=True)
        load(server, facts(scheme, products=named("光刻胶")))
        assert "光刻胶" in server.view().graph()["products"]["name"].tolist()
        server.close()


@pytest.mark.neo4j
@pytest.mark.parametrize("scheme", ["bolt", "bolt+s", "neo4j+s"])
def test_a_line_that_is_not_safe_is_refused(neo4j_encrypted: Server, scheme: str) -> None:
    """Neither in the clear, nor with a certificate that no known authority signed."""
    with pytest.raises(StoreError) as caught:
        open_store(neo4j_encrypted.address(scheme=scheme))
    assert f"{scheme}://127.0.0.1" in str(caught.value)
    assert ("证书" in str(caught.value)) == (scheme != "bolt")
    assert PASSWORD not in str(caught.value)


@pytest.mark.neo4j
def test_a_known_authority(neo4j_encrypted: Server) -> None:
    """With the certificate among those the machine trusts, the strict way works."""
    read = (
        "import sys; from chainatlas.graph import open_store; open_store(sys.argv[1], create=True)"
    )
    trusting = {**os.environ, "SSL_CERT_FILE": str(neo4j_encrypted.certificate)}
    for environment, status in ((trusting, 0), ({**trusting, "SSL_CERT_FILE": os.devnull}, 1)):
        done = subprocess.run(
            [sys.executable, "-c", read, neo4j_encrypted.address(scheme="bolt+s")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stderr


# --- A server that refuses -----------------------------------------------------------------------


class FullError(TransientError):
    """What a server answers whose memory for transactions is used up."""

    code = "Neo.TransientError.General.MemoryPoolOutOfMemoryError"


@pytest.mark.neo4j
def test_a_server_without_memory_is_told_at_once(neo4j_server: Server) -> None:
    """The driver would try again for 20 seconds, and each time need as much memory."""
    tries = []

    def work(_: object) -> None:
        tries.append(1)
        raise FullError

    with pytest.raises(StoreError, match="内存不足"):
        neo4j_link.Link(Address.parse(neo4j_server.address())).write(work)
    assert len(tries) == 1


@pytest.fixture
def store(neo4j_server: Server) -> Iterator[Store]:
    neo4j_server.wipe()
    found = open_store(neo4j_server.address(), create=True)
    yield found
    found.close()


@pytest.mark.neo4j
def test_wrong_password_and_user(neo4j_server: Server, store: Store) -> None:
    """The message says who was refused, and never the password."""
    wrong = neo4j_server.address(password="wrong-word"), neo4j_server.address(user="nobody")
    for address in wrong:
        with pytest.raises(StoreError, match="NEO4J_PASSWORD") as caught:
            open_store(address)
        for text in (str(caught.value), repr(caught.value)):
            assert "wrong-word" not in text
            assert PASSWORD not in text
    assert store.view().version == 0


@pytest.mark.neo4j
@pytest.mark.usefixtures("bare")
def test_credentials_from_the_environment(
    neo4j_server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match="没有给出用户名"):
        open_store(neo4j_server.bolt)
    monkeypatch.setenv("NEO4J_USERNAME", USER)
    monkeypatch.setenv("NEO4J_PASSWORD", PASSWORD)
    monkeypatch.setenv("NEO4J_DATABASE", DATABASE)
    other = open_store(neo4j_server.bolt)
    assert other.view().version == store.view().version
    other.close()


@pytest.mark.neo4j
def test_wrong_database(neo4j_server: Server) -> None:
    with pytest.raises(NotFoundError, match="nosuch"):
        open_store(neo4j_server.address(database="nosuch"), create=True)


@pytest.mark.neo4j
def test_a_database_without_a_store(neo4j_server: Server) -> None:
    """It is not found where none may be made; other people's data is left alone."""
    neo4j_server.wipe(schema=True)
    with pytest.raises(NotFoundError, match="ingest"):
        open_store(neo4j_server.address())
    neo4j_server.run("CREATE (:Mine {name: 'precious'})")
    with pytest.raises(StoreError, match="别的数据"):
        open_store(neo4j_server.address(), create=True)
    assert neo4j_server.run("MATCH (n) RETURN labels(n) AS l") == [{"l": ["Mine"]}]
    neo4j_server.wipe()


@pytest.mark.neo4j
def test_a_store_of_another_format(neo4j_server: Server, store: Store) -> None:
    neo4j_server.run("MATCH (c:ChainAtlas) SET c.format = 99")
    with pytest.raises(StoreError, match="99"):
        open_store(neo4j_server.address(), create=True)


@pytest.mark.neo4j
def test_several_make_one_store_at_once(neo4j_server: Server) -> None:
    """All of them get the same one, whoever is first."""
    neo4j_server.wipe(schema=True)

    def make(_: int) -> int:
        found = open_store(neo4j_server.address(scheme="neo4j"), create=True)
        found.close()
        return 1

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(make, range(4))) == [1] * 4
    assert neo4j_server.run("MATCH (c:ChainAtlas) RETURN count(c) AS n") == [{"n": 1}]
    kinds = neo4j_server.run("SHOW CONSTRAINTS YIELD labelsOrTypes AS l RETURN collect(l[0]) AS l")
    assert set(NODES) <= set(kinds[0]["l"])  # type: ignore[call-overload]


# --- Two loads at once ---------------------------------------------------------------------------


@pytest.mark.neo4j
def test_two_loads_at_once(neo4j_server: Server, store: Store) -> None:
    """Who finishes second is refused clearly, leaves no trace, and can load again."""
    quick, slow = facts("quick", products=named("q")), facts("slow", products=named("s"))
    other = open_store(neo4j_server.address())

    def overtaken() -> None:
        with other.writer() as writer:
            writer.replace(slow)
            load(store, quick)

    with pytest.raises(StoreBusyError, match=r"版本 1.*重新运行"):
        overtaken()
    assert held(store.view()) == stated(quick)
    assert load(other, slow) == 2
    assert held(store.view()) == stated(quick, slow)
    other.close()


@pytest.mark.neo4j
def test_loads_that_finish_at_the_same_moment(neo4j_server: Server, store: Store) -> None:
    """Every version is one load's; nothing is mixed or lost."""
    packs = [facts(f"p{i}", products=named(f"p{i}")) for i in range(4)]
    together = threading.Barrier(len(packs))

    def go(pack: Facts) -> int:
        own = open_store(neo4j_server.address())
        together.wait(60)
        refused = 0
        while True:
            try:
                load(own, pack)
                own.close()
                return refused
            except StoreBusyError:
                refused += 1

    with ThreadPoolExecutor(len(packs)) as pool:
        list(pool.map(go, packs))
    assert [len(v.packs) for v in store.versions()] == [1] * len(packs)
    assert held(store.view()) == stated(*packs)
    assert graph_on(neo4j_server) == expected(store)


# --- Faults --------------------------------------------------------------------------------------


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not wait as long as users before they give up."""
    monkeypatch.setattr(neo4j_link, "RETRY_S", 1.0)


@pytest.fixture
def spare(neo4j_spare: Server, hasty: None) -> Server:
    neo4j_spare.wipe()
    return neo4j_spare


@pytest.mark.neo4j
def test_stopped_and_killed(spare: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after, killed in the middle of, and gone before a load: the old version is whole."""
    old, new = bulk("old"), bulk("new")
    store = open_store(spare.address(), create=True)
    load(store, old)
    spare.stop()  # after
    with pytest.raises(StoreError, match="连不上"):
        store.view()
    with pytest.raises(StoreError, match="连不上"):  # before
        load(store, new)
    spare.start()
    assert held(store.view()) == stated(old)

    add = neo4j_store._add_version

    def killed(*given_: object) -> None:
        spare.kill()  # everything is written, nothing committed
        add(*given_)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(neo4j_store, "_add_version", killed)
        with pytest.raises(StoreError, match="连不上"):
            load(store, new)
    spare.start()
    again = open_store(spare.address())
    shutil.rmtree(neo4j_store.cache(), ignore_errors=True)
    assert [v.number for v in again.versions()] == [1]
    assert held(again.view()) == stated(old)
    assert graph_on(spare) == expected(again)
    assert load(again, new) == 2
    assert held(again.view()) == stated(new)
    assert graph_on(spare) == expected(again)
    assert held(store.view(1)) == stated(old)  # the old object goes on too
    store.close()
    again.close()


@pytest.mark.neo4j
def test_the_loading_program_is_killed(neo4j_server: Server, store: Store) -> None:
    """The server takes back what it wrote and lets the next one write."""
    load(store, facts("one", products=named("old")))
    program = (
        f"import sys, time; sys.path.insert(0, {str(SUPPORT)!r})",
        "from chainatlas.graph import neo4j_store, open_store",
        "from making import facts, load, named",
        "def wait(*given): print('written', flush=True); time.sleep(60)",
        "neo4j_store._add_version = wait",
        "load(open_store(sys.stdin.readline()), facts('one', products=named('new')))",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", "\n".join(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(neo4j_server.address())
    process.stdin.close()
    assert process.stdout.readline() == "written\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    assert column(store.view(), "products", "name") == {"old": "old"}
    assert load(store, facts("one", products=named("newer"))) == 2
    assert graph_on(neo4j_server) == expected(store)


@pytest.mark.neo4j
def test_a_faulty_line(spare: Server) -> None:
    """Slow is slow; a reset is tried again; what cannot be sent leaves no trace; then all is well."""
    old, new = facts("one", products=named("old")), bulk("new")
    with Proxy(spare.port) as line:
        store = open_store(spare.address(port=line.port), create=True)
        line.delay_s = 0.01
        assert load(store, old) == 1
        line.delay_s = 0.0
        line.reset()  # idle connections: not noticed
        assert store.view().version == 1
        line.limit = 40_000  # in the middle of a load, each time
        with pytest.raises(StoreError, match="连不上"):
            load(store, new)
        assert line.resets > 0
        line.limit = None
        assert held(store.view()) == stated(old)
        assert load(store, new) == 2
        assert held(store.view()) == stated(old, new)
        line.silent = True
        began = time.monotonic()
        with pytest.raises(StoreError):
            store.view()
        assert time.monotonic() - began < 60
        line.silent = False
        line.reset()
        assert store.view().version == 2
        assert graph_on(spare) == expected(store)
        store.close()


@pytest.mark.neo4j
def test_an_answer_that_is_lost(
    neo4j_server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the line breaks while the server commits, the load still counts exactly once."""
    run = neo4j_link.Link._run
    lost: list[bool] = []

    def commit_unheard(self: neo4j_link.Link, *given_: Any, **named_: Any) -> Any:
        found = run(self, *given_, **named_)
        if named_["write"] and not lost:
            lost.append(True)
            raise IncompleteCommit
        return found

    monkeypatch.setattr(neo4j_link.Link, "_run", commit_unheard)
    assert load(store, facts("one", products=named("a"))) == 1
    assert lost
    assert len(store.versions()) == 1
    assert neo4j_server.run("MATCH (p:Product) RETURN count(p) AS n") == [{"n": 1}]


# --- The graph that people read ------------------------------------------------------------------


def graph_on(server: Server) -> tuple[Counter[Any], Counter[Any]]:
    """Nodes and edges of the graph as counters of plain values."""
    kinds = list(NODES)
    nodes = server.run(
        "MATCH (n) WHERE labels(n)[0] IN $kinds RETURN labels(n) AS l, properties(n) AS p",
        kinds=kinds,
    )
    edges = server.run(
        "MATCH (a)-[r]->(b) WHERE labels(a)[0] IN $kinds RETURN labels(a)[0] AS a, a.id AS x,"
        " type(r) AS t, labels(b)[0] AS b, b.id AS y, properties(r) AS p",
        kinds=kinds,
    )
    for edge in edges:
        assert edge["p"].pop("name")  # type: ignore[attr-defined]
    return (
        Counter((tuple(n["l"]), plain(n["p"])) for n in nodes),  # type: ignore[arg-type]
        Counter((e["a"], e["x"], e["t"], e["b"], e["y"], plain(e["p"])) for e in edges),
    )


def plain(properties: Any) -> str:
    """Properties as text, lists as they stand in packs; what a region's level is left out."""
    cells = {k: ";".join(v) if isinstance(v, list) else v for k, v in properties.items()}
    return repr(sorted((k, v) for k, v in cells.items() if k != "level"))


def expected(store: Store) -> tuple[Counter[Any], Counter[Any]]:
    """The same from the graph in memory, by way of NetworkX."""
    graph = store.view().graph().to_networkx()
    nodes = Counter(
        ((kind,), plain({k: v for k, v in data.items() if k not in ("node_kind", "pack")}))
        for (kind, _), data in graph.nodes(data=True)
    )
    edges: Counter[Any] = Counter()
    for (a, x), (b, y), data in graph.edges(data=True):
        ends = {e.source for e in EDGES if e.name == data["edge_kind"]}
        ends |= {e.target for e in EDGES if e.name == data["edge_kind"]}
        own = {k: v for k, v in data.items() if k not in {"edge_kind", "pack", *ends}}
        edges[a, x, data["edge_kind"], b, y, plain(own)] += 1
    return nodes, edges


FIRST = facts(
    "hubei",
    clusters=[{"id": "nev", "name": "汽车", "region": "420100"}],
    links=[{"id": "parts", "cluster": "nev", "name": "零部件", "stage": "upstream"}],
    products=[
        {"id": "car", "name": "汽车", "aliases": "轿车;乘用车"},
        {"id": "rim", "name": "轮毂", "links": "parts"},
    ],
    inputs=[{"product": "car", "input": "rim", "criticality": 0.9}],
    enterprises=[
        {"id": "A", "name": "甲", "region": "420111", "labels": "leading;listed"},
        {"id": "B", "name": "乙", "country": "JP"},
    ],
    produces=[
        {"enterprise": "A", "product": "car", "region": "420111", "share": 0.5},
        {"enterprise": "A", "product": "car", "region": "420600"},
    ],
    supplies=[
        {"supplier": "B", "buyer": "A", "amount": 5.5},
        {"supplier": "B", "buyer": "A", "product": "rim"},
    ],
    institutes=[{"id": "U", "name": "大学", "kind": "university", "region": "420100"}],
    research=[{"institute": "U", "product": "rim"}],
    partners=[{"institute": "U", "enterprise": "A", "topic": "轮毂"}],
    holdings=[{"parent": "B", "child": "A", "stake": 0.2}],
    projects=[{"id": "j", "name": "项目", "owner": "A", "product": "rim", "region": "420200"}],
)


@pytest.mark.neo4j
def test_the_graph_is_what_the_analyses_see(neo4j_server: Server, store: Store) -> None:
    """Every node and edge kind; changed, withdrawn, merged from packs, and taken back."""
    load(store, FIRST)
    nodes, edges = found = graph_on(neo4j_server)
    assert found == expected(store)
    assert {labels[0] for labels, _ in nodes} == set(NODES)
    assert {kind for _, _, kind, *_ in edges} == {e.name for e in EDGES}
    steps = [
        facts(
            "other",
            products=[{"id": "car", "name": "轿车", "as_of": "2025-01-01"}],
            enterprises=[{"id": "A", "name": "甲", "aliases": "A股"}],
        ),
        facts(
            "hubei",
            products=named("car"),
            enterprises=named("A", region="110105"),
            produces=[{"enterprise": "A", "product": "car", "region": "420600", "share": 0.1}],
        ),
        facts("hubei"),
    ]
    for step in steps:
        load(store, step)
        assert graph_on(neo4j_server) == expected(store)
    for _ in steps:
        store.undo()
        assert graph_on(neo4j_server) == expected(store)
    assert graph_on(neo4j_server) == found


@pytest.mark.neo4j
def test_names_are_found_by_their_parts(neo4j_server: Server, store: Store) -> None:
    """The full-text index that docs/cypher.md searches, aliases included."""
    load(store, FIRST)
    neo4j_server.run("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()")
    query = "CALL db.index.fulltext.queryNodes('names', $text) YIELD node RETURN node.id AS id"
    assert neo4j_server.run(query, text="乘用") == [{"id": "car"}]
    assert neo4j_server.run(query, text="没有") == []


@pytest.mark.neo4j
def test_as_of_in_cypher(neo4j_server: Server, store: Store) -> None:
    """The record answers for any version, as docs/neo4j.md says."""
    for name in ("a", "b"):
        load(store, facts("one", products=[{"id": "p", "name": name}]))
    query = (
        "MATCH (n:Fact_products) WHERE n.since <= $v AND coalesce(n.until > $v, true)"
        " RETURN n.name AS name"
    )
    for version, names in ((0, []), (1, ["a"]), (2, ["b"])):
        assert [r["name"] for r in neo4j_server.run(query, v=version)] == names


@pytest.mark.neo4j
def test_an_id_too_long_to_be_indexed(store: Store) -> None:
    """Refused by its beginning; nothing is written."""
    with pytest.raises(StoreError, match="编码过长"):
        load(store, facts("one", products=[{"id": "长" * 3000, "name": "x"}]))
    assert store.view().version == 0


# --- Injection -----------------------------------------------------------------------------------

HOSTILE = (
    "'}) DETACH DELETE n //",
    '"}) MATCH (n) DETACH DELETE n //',
    "`) MATCH (n) SET n:Owned //",
    "x' OR 1=1 //",
    "$cells",
    "${x}",
    "\\u0027}) RETURN 1 //",
    "Product` {id: 1}) CREATE (:Owned",
    "*/ CREATE (:Owned) /*",
    "CALL apoc.cypher.run('x')",
    "NULL",
    "{id: 1}",
)
hostile = st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=2).map("".join) | st.text(
    "'\"`\\$(){}[]:;/*\n ;aN", min_size=1, max_size=8
)


@pytest.mark.neo4j
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(words=st.lists(hostile, min_size=5, max_size=5, unique=True))
def test_nothing_in_a_value_is_run(neo4j_server: Server, store: Store, words: list[str]) -> None:
    """Ids, names, lists, regions, pack names: as values they come back, and do nothing else."""
    pack, one, two, name, region = words
    said = facts(
        pack,
        [{"raw": name, "column": one}],
        products=[
            {"id": one, "name": name, "aliases": name},
            {"id": two, "name": name, "source": pack},
        ],
        inputs=[{"product": one, "input": two}],
        enterprises=[{"id": one, "name": two, "region": region, "labels": name}],
        produces=[{"enterprise": one, "product": two, "region": region}],
    )
    load(store, facts("safe", products=named("kept")), facts(pack))
    load(store, said)
    load(store, facts("safe", products=named("kept", name)))
    store.undo()
    assert held(store.view())[pack] == stated(said)[pack]
    assert held(store.view())["safe"] == {
        "products": stated(facts("safe", products=named("kept")))["safe"]["products"]
    }
    labels = {r["label"] for r in neo4j_server.run("CALL db.labels()")}
    records = {f"Fact_{name}" for name in STORED}
    assert labels <= {*NODES, *records, "ChainAtlas", "Version", "Change", "Mine"}
    # The oracle: the server's own count, with the word as a parameter.
    for word in (one, two, name):
        for label, table in (("Product", "products"), ("Enterprise", "enterprises")):
            query = f"MATCH (n:{label}) WHERE n.name = $word OR n.id = $word RETURN n.id AS id"
            frame = store.view().graph()[table]
            rows = frame[(frame["name"] == word) | (frame["id"] == word)]
            assert sorted(str(r["id"]) for r in neo4j_server.run(query, word=word)) == sorted(
                rows["id"]
            )
    assert store.view().version == len(store.versions())
