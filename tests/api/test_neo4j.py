"""The shipped pack in both stores: the same answers, copies either way, recipes, what users start."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chainatlas.api.main_job import SHIPPED
from chainatlas.graph import NODES, ChainAtlasError, Store, open_store
from chainatlas.graph.schema import EDGES
from chainatlas.ingest.load import load
from chainatlas.ingest.pack import open_pack
from cli_tools import Cli
from making import facts, held, named, same_graph
from making import load as load_facts
from neo4j_server import PASSWORD, Server

ROOT = Path(__file__).parent.parent.parent
RECIPES = dict(
    re.findall(
        r"^## (.*?)\n.*?^```cypher\n(.*?)^```",
        (ROOT / "docs/cypher.md").read_text("utf-8"),
        re.M | re.S,
    )
)


@pytest.fixture(scope="module")
def file_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Path]]:
    """The shipped pack in an embedded store."""
    path = tmp_path_factory.mktemp("hubei") / "hubei.db"
    store = open_store(str(path), create=True)
    load(store, [open_pack(SHIPPED)])
    yield store, path
    store.close()


@pytest.fixture(scope="module")
def server_store(neo4j_server: Server) -> Iterator[Store]:
    """The shipped pack on the server."""
    neo4j_server.wipe()
    store = open_store(neo4j_server.address(), create=True)
    load(store, [open_pack(SHIPPED)])
    neo4j_server.run("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()")
    yield store
    store.close()


@pytest.mark.neo4j
@pytest.mark.usefixtures("server_store")
@pytest.mark.parametrize("cluster", ["ic", "nev"])
def test_both_stores_answer_alike(
    cluster: str,
    neo4j_server: Server,
    file_store: tuple[Store, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """To the byte, the version too, which is 1 in both."""
    cli = Cli(capsys, file_store[1])
    where = ("--region", "420100", "--cluster", cluster, "--format", "json")
    for command in ("gaps", "supply-rate", "targets"):
        one = cli.bare(command, *where, "--db", file_store[1])
        other = cli.bare(command, *where, "--db", neo4j_server.address())
        assert (one.status, other.status) == (0, 0), other.err
        assert len(one.out) > 100
        assert one.out == other.out


@pytest.mark.neo4j
def test_both_stores_hold_the_same_graph(
    server_store: Store, file_store: tuple[Store, Path]
) -> None:
    """So whatever is computed from it is the same, for every cluster and region."""
    same_graph(server_store.view(), file_store[0].view())
    assert held(server_store.view()) == held(file_store[0].view())
    assert server_store.versions()[0].changes == file_store[0].versions()[0].changes


@pytest.mark.neo4j
@pytest.mark.shared
def test_both_stores_answer_alike_on_the_whole_country(
    shared: Path, neo4j_large: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shipped pack with the public data sets, whose graph has a hundred thousand nodes."""
    real = shared / "real"
    sources = (SHIPPED, real / "ashare_2020" / "cn_corp202012.csv", real / "chainkg")
    cli = Cli(capsys, tmp_path / "national.db")
    stores = (str(cli.db), neo4j_large.address())
    loads = [
        cli.bare("ingest", *sources, "--db", db, "--format", "json").document() for db in stores
    ]
    assert loads[0] == loads[1]
    questions = [("420000", "ic"), ("420100", "network"), ("420500", "materials")]
    questions += [("420600", "nev"), ("440000", "display"), ("320000", "biomed")]
    for region, cluster in questions:
        where = ("--region", region, "--cluster", cluster, "--format", "json")
        for command in ("gaps", "supply-rate", "targets"):
            one, other = (cli.bare(command, *where, "--db", db) for db in stores)
            assert (one.status, other.status) == (0, 0), other.err
            assert one.document()["version"] == 1
            assert one.out == other.out, (command, region, cluster)


# --- Recipes -------------------------------------------------------------------------------------


def split(recipe: str) -> tuple[str, dict[str, Any]]:
    """A recipe as the Browser takes it: the query and what its ``:param`` lines set."""
    values = {}
    lines = []
    for line in recipe.splitlines():
        if match := re.fullmatch(r":param (\w+) => (.+)", line):
            values[match[1]] = json.loads(match[2].replace("'", '"'))
        else:
            lines.append(line)
    return "\n".join(lines), values


@pytest.mark.neo4j
@pytest.mark.usefixtures("server_store")
@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_answers(title: str, neo4j_server: Server) -> None:
    """With its own parameters on the shipped pack: rows, whose first column is never empty."""
    query, values = split(RECIPES[title])
    assert not re.search(r"\b(CREATE|MERGE|SET|DELETE)\b", query)
    rows = neo4j_server.run(query, **values)
    assert rows
    assert all(next(iter(row.values())) not in (None, "", []) for row in rows)


def recipe(part: str) -> tuple[str, dict[str, Any]]:
    """The recipe whose title holds a word."""
    (found,) = [text for title, text in RECIPES.items() if part in title]
    return split(found)


@pytest.mark.neo4j
def test_recipes_agree_with_the_analyses(neo4j_server: Server, server_store: Store) -> None:
    """Closure and suppliers are those that the graph in memory gives."""
    graph = server_store.view().graph()
    query, values = recipe("Upstream")
    found = {(r["id"], r["steps"]) for r in neo4j_server.run(query, **values)}
    closure = graph.closure("INPUT_TO", [values["product"]], "upstream", 6)
    steps = closure[closure["steps"] > 0]
    assert found == set(zip(steps["id"], steps["steps"], strict=True))

    query, values = recipe("Suppliers")
    firms = graph["enterprises"].set_index("id")
    expected = {
        (firms["name"][r["buyer"]], firms["name"][r["supplier"]], r["product"])
        for r in graph["supplies"].to_dict("records")
        if "leading" in str(firms["labels"][r["buyer"]]).split(";")
        and all(str(firms["region"][r[end]]).startswith("42") for end in ("buyer", "supplier"))
    }
    rows = neo4j_server.run(query, **values)
    assert {(r["leader"], r["supplier"], r["product"]) for r in rows} == expected

    query, values = recipe("Shortest")
    (row,) = neo4j_server.run(query, **values)
    assert row["steps"] == 5


# --- Copies --------------------------------------------------------------------------------------


def everything(store: Store) -> list[object]:
    """All versions with their facts."""
    return [store.versions(), *(held(store.view(n)) for n in range(store.view().version + 1))]


@pytest.mark.neo4j
def test_copy_there_and_back(
    neo4j_spare: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All versions and the quarantine; undo goes on; nothing is overwritten unasked."""
    cli = Cli(capsys, tmp_path / "a.db")
    first = open_store(str(cli.db), create=True)
    load_facts(
        first, facts("one", [{"raw": "坏"}], products=named("a", "b"), enterprises=named("E"))
    )
    load_facts(first, facts("one", products=named("b")), facts("two", products=named("b", "c")))
    first.undo()
    load_facts(first, facts("三", produces=[{"enterprise": "E", "product": "a"}]))
    neo4j_spare.wipe()
    address = neo4j_spare.address()

    done = cli.bare("copy", "--from", cli.db, "--to", address, "--format", "json")
    assert done.status == 0, done.err
    said = done.document()
    assert (said["schema"], said["version"], said["versions"]) == ("chainatlas.copy/1", 4, 4)
    assert PASSWORD not in done.out
    assert "test" not in said["to"]
    server = open_store(address)
    assert everything(server) == everything(first)
    same_graph(server.view(), first.view())
    assert neo4j_spare.run("MATCH (e)-[:PRODUCES]->(p) RETURN e.id AS e, p.id AS p") == [
        {"e": "E", "p": "a"}
    ]

    back = tmp_path / "back.db"
    assert cli.bare("copy", "--from", address, "--to", back).status == 0
    again = open_store(str(back))
    assert everything(again) == everything(first)
    assert first.undo().undoes == server.undo().undoes == again.undo().undoes == 4
    assert held(server.view()) == held(again.view()) == held(first.view())

    refused = cli.bare("copy", "--from", back, "--to", address)
    assert refused.status == 1
    assert "--force" in refused.err
    load_facts(server, facts("later", products=named("later")))
    assert cli.bare("copy", "--from", back, "--to", address, "--force").status == 0
    assert everything(open_store(address)) == everything(again)


@pytest.mark.neo4j
def test_backup_and_restore(
    neo4j_spare: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server's backup is a file that either kind of store takes."""
    cli = Cli(capsys, tmp_path / "a.db")
    neo4j_spare.wipe()
    address = neo4j_spare.address()
    server = open_store(address, create=True)
    load_facts(server, facts("one", [{}], products=named("a")))
    before = everything(server)
    file = tmp_path / "backup"
    assert cli.bare("backup", "--out", file, "--db", address).status == 0
    load_facts(server, facts("one", products=named("b")))
    refused = cli.bare("restore", file, "--db", address)
    assert refused.status == 1
    assert "--force" in refused.err
    restored = cli.bare("restore", file, "--db", address, "--force")
    assert restored.status == 0, restored.err
    assert "test" not in restored.err
    assert everything(open_store(address)) == before
    assert cli.bare("restore", file, "--db", cli.db).status == 0
    assert everything(open_store(str(cli.db))) == before


def test_copy_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A source that does not exist is no empty one."""
    cli = Cli(capsys, tmp_path / "a.db")
    assert cli.bare("copy", "--from", tmp_path / "no.db", "--to", cli.db).status == 1
    assert not cli.db.exists()


def test_copies_between_files(tmp_path: Path) -> None:
    """The same without a server; a broken source is told."""
    one = open_store(str(tmp_path / "one.db"), create=True)
    load_facts(one, facts("p", products=named("a")))
    load_facts(one, facts("p", products=named("b")))
    other = open_store(str(tmp_path / "other.db"), create=True)
    other.adopt(one.history())
    assert everything(other) == everything(one)
    assert one.history().same(other.history())
    load_facts(other, facts("p", products=named("c")))
    assert not one.history().same(other.history())
    with pytest.raises(ChainAtlasError, match="--force"):
        other.adopt(one.history())


# --- What users start ----------------------------------------------------------------------------


def test_compose_file() -> None:
    """Well formed; the server is reached from this machine alone, and no password stands in it."""
    document = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    neo4j, app, job = (document["services"][name] for name in ("neo4j", "app", "job"))
    assert neo4j["image"].startswith("neo4j:5.26")
    assert all(port.startswith("127.0.0.1:") for port in (*neo4j["ports"], *app["ports"]))
    assert neo4j["environment"]["NEO4J_AUTH"].startswith("neo4j/${NEO4J_PASSWORD:?")
    assert app["environment"]["NEO4J_PASSWORD"].startswith("${NEO4J_PASSWORD:?")
    assert app["depends_on"] == {"neo4j": {"condition": "service_healthy"}}
    assert {v.split(":")[0] for v in neo4j["volumes"]} == set(document["volumes"])
    assert app["environment"] == job["environment"]
    known = (ROOT / "docs/commands.md").read_text("utf-8")
    for service in (app, job):
        assert f"| `{service['command'][0]} [" in known
    assert 'ENTRYPOINT ["chainatlas"]' in (ROOT / "Dockerfile").read_text("utf-8")


def test_style_file_knows_every_kind() -> None:
    """Every label has a colour of its own and its Chinese name as caption."""
    text = (ROOT / "data/neo4j/chainatlas.grass").read_text("utf-8")
    colours = dict(re.findall(r"^node\.(\w+) \{ color: (#\w{6});", text, re.M))
    assert set(NODES) <= set(colours)
    assert len(set(colours.values())) == len(colours)
    assert set(re.findall(r"^relationship\.(\w+)", text, re.M)) <= {e.name for e in EDGES}
    assert text.count("caption: '{name}'") >= len(NODES)
