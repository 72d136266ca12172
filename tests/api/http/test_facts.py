"""Nodes, regions, the graph, maps, exports: what is served is what the store holds."""

from __future__ import annotations

import io
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from chainatlas.graph.schema import TABLES
from chainatlas.graph.store import open_store
from chainatlas.ingest.load import load as load_sources
from chainatlas.ingest.pack import open_pack
from making import facts, held, load
from microcosm import API, Atlas, refused, tables

KINDS = ("clusters", "links", "products", "enterprises", "institutes", "projects")


def get(atlas: Atlas, path: str) -> Any:
    answer = atlas.client.get(API + path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("table", KINDS)
def test_lists_hold_every_node_with_its_source(atlas: Atlas, table: str) -> None:
    body = get(atlas, f"/{table}")
    assert [row["id"] for row in body[table]] == sorted(str(r["id"]) for r in tables()[table])
    assert body["total"] == len(tables()[table])
    for row, given in zip(
        body[table], sorted(tables()[table], key=lambda r: str(r["id"])), strict=True
    ):
        assert row["pack"] == "small"
        for name, value in given.items():
            expected = str(value).split(";") if TABLES[table].column(name).many and value else value
            assert row[name] == (expected or ([] if TABLES[table].column(name).many else None))


def test_lists_are_narrowed(atlas: Atlas) -> None:
    def ids(query: str) -> list[str]:
        path, _, _ = query.partition("?")
        return [row["id"] for row in get(atlas, f"/{query}")[path]]

    assert ids("enterprises?labels=leading") == ["ymtc"]
    assert ids("enterprises?region=420200") == ["pump/b", "wafer-hs"]
    assert ids("enterprises?country=JP") == ["film-jp", "wafer-jp"]
    assert ids("products?links=ic-mid") == ["dram"]
    assert ids("links?cluster=fpd&stage=midstream") == ["fpd-mid"]
    assert ids("projects?owner=ymtc&kind=leading") == ["p1"]
    assert ids("regions?within=420100&level=city") == ["420100"]
    assert atlas.client.get(f"{API}/enterprises?region=999999").status_code == 404


def test_one_node_with_its_facts(atlas: Atlas) -> None:
    body = get(atlas, "/enterprises/pump/b")
    assert body["node"]["name"] == "泵业乙"
    assert body["facts"]["supplies"]["rows"][0]["buyer"] == "ymtc"
    made = get(atlas, "/products/litho")["facts"]["produces"]
    assert made["total"] == 2
    assert {row["enterprise"] for row in made["rows"]} == {"asml", "smee"}
    assert {row["source"] for row in made["rows"]} == {"年报"}
    assert atlas.client.get(f"{API}/products/none").status_code == 404


def test_regions_count_what_lies_below(atlas: Atlas) -> None:
    body = get(atlas, "/regions/420100")
    assert body["node"]["enterprises"] == 4
    assert body["node"]["parent"] == "420000"
    assert {c["id"]: c["enterprises"] for c in body["children"]}["420115"] == 2
    assert atlas.client.get(f"{API}/regions/429999").status_code == 404


def picture(atlas: Atlas) -> nx.MultiDiGraph[Any]:
    return atlas.store.view().graph().to_networkx()


def key(node: tuple[str, str]) -> str:
    return ":".join(node)


def test_counts_are_those_of_networkx(atlas: Atlas) -> None:
    graph = picture(atlas)
    for node in graph:
        body = get(atlas, f"/graph/counts?node={key(node).replace('/', '%2F')}")
        # Several facts of the same two nodes are one line.
        out = {(b, about["edge_kind"]) for _, b, about in graph.out_edges(node, data=True)}
        into = {(a, about["edge_kind"]) for a, _, about in graph.in_edges(node, data=True)}
        assert sum(g["count"] for g in body["groups"]) == len(out) + len(into)
        assert body["node"]["degree"] == len(out) + len(into)


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_neighbourhoods_are_those_of_networkx(atlas: Atlas, depth: int) -> None:
    graph = picture(atlas)
    plain: nx.Graph[Any] = nx.Graph(graph)
    for start in [("Product", "litho"), ("Enterprise", "ymtc"), ("Cluster", "ic")]:
        body = get(
            atlas, f"/graph/neighbourhood?node={key(start)}&depth={depth}&limit=500&most=2000"
        )
        near = nx.single_source_shortest_path_length(plain, start, depth)
        assert {n["key"] for n in body["nodes"]} == {key(n) for n in near}
        inside = graph.subgraph(near)
        expected = {(key(a), key(b), about["edge_kind"]) for a, b, about in inside.edges(data=True)}
        assert {(x["source"], x["target"], x["edge"]) for x in body["lines"]} == expected
        assert not body["cut"]


def test_a_neighbourhood_says_that_it_is_cut(atlas: Atlas) -> None:
    assert get(atlas, "/graph/neighbourhood?node=Product:litho&limit=1")["cut"]
    assert get(atlas, "/graph/neighbourhood?node=Product:litho&most=2")["cut"]


def test_paths_are_as_short_as_those_of_networkx(atlas: Atlas) -> None:
    plain: nx.Graph[Any] = nx.Graph(picture(atlas))
    common = [n for n in plain if n[0] in ("Region", "Cluster")]
    plain.remove_nodes_from(common)
    for a, b in [("hust", "film-jp"), ("asml", "wafer-hs")]:
        ends = [next(n for n in plain if n[1] == one) for one in (a, b)]
        body = get(atlas, f"/graph/paths?from={key(ends[0])}&to={key(ends[1])}&limit=20")
        steps = nx.shortest_path_length(plain, *ends)
        assert body["paths"]
        for path in body["paths"]:
            assert len(path) == steps + 1
            assert path[0]["line"] is None
            for before, after in pairwise(path):
                line = after["line"]
                assert {line["source"], line["target"]} == {before["node"], after["node"]}
    assert (
        get(atlas, "/graph/paths?from=Product:dram&to=Enterprise:asml&relation=HOLDS")["paths"]
        == []
    )


def test_maps_hold_the_tables_of_the_pictures(atlas: Atlas) -> None:
    for kind in ("chain", "resources", "attraction"):
        body = get(atlas, f"/maps/{kind}?region=420100&cluster=ic")
        for table in body["tables"]:
            assert all(len(row) == len(table["columns"]) for row in table["rows"])
    chain = get(atlas, "/maps/chain?region=420100&cluster=ic")["tables"]
    assert len(chain[0]["rows"]) == get(atlas, "/gaps?region=420100&cluster=ic")["total"]
    assert {tuple(row[:2]) for row in chain[1]["rows"]} == {
        (r["input"], r["product"])
        for r in tables()["inputs"]
        if {r["input"], r["product"]} <= {"litho", "resist", "wafer", "dram", "pump"}
    }


def test_the_export_loads_to_the_same_facts(atlas: Atlas, tmp_path: Path) -> None:
    answer = atlas.client.get(f"{API}/exports/packs.zip")
    assert answer.headers["content-type"] == "application/zip"
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path / "packs")
    store = open_store(str(tmp_path / "again.db"), create=True)
    load_sources(store, [open_pack(tmp_path / "packs" / "small")])
    ours, theirs = held(atlas.store.view())["small"], held(store.view())["small"]
    for name, rows in theirs.items():
        if name not in ("packs", "rejects"):
            assert len(rows) == len(ours[name]), name


def test_the_quarantine_is_a_sheet_of_any_version(fresh: Atlas) -> None:
    address = f"{API}/quarantine.csv"
    answer = fresh.client.get(address)
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(refused())
    assert lines[0].startswith("#数据包,#文件,#行")
    assert "'=1+1" in lines[1]  # no formula
    assert answer.headers["data-version"] == "1"
    assert "quarantine-1.csv" in answer.headers["content-disposition"]
    load(fresh.store, facts("small", **fresh.tables))  # nothing is refused any more
    fresh.service.refresh()
    assert len(fresh.client.get(address).text.splitlines()) == 1
    assert fresh.client.get(f"{address}?version=1").content == answer.content
    assert fresh.client.get(f"{API}/quarantine?version=1").json()["total"] == len(refused())
    assert fresh.client.get(f"{API}/quarantine").json()["total"] == 0
    assert fresh.client.get(f"{address}?version=9").status_code == 404


def test_simulations_comparisons_and_trends(fresh: Atlas) -> None:
    body = get(fresh, "/simulations?region=420100&cluster=ic&land=smee:420115&lose=resist-wh")
    assert [e["kind"] for e in body["effects"]] == ["lose", "land"]
    again = get(fresh, "/comparisons/regions?region=420100&other=420200&cluster=ic")
    assert {f["name"] for f in again["figures"]} >= {"value", "gaps"}
    firms = [r for r in fresh.tables["enterprises"] if r["id"] != "pump/b"]
    made = [r for r in fresh.tables["produces"] if r["enterprise"] != "pump/b"]
    deals = [r for r in fresh.tables["supplies"] if r["supplier"] != "pump/b"]
    fresh.state({**fresh.tables, "enterprises": firms, "produces": made, "supplies": deals})
    changed = get(fresh, "/comparisons?from=1&to=2&limit=2")
    assert changed["total"] == 3
    assert {d["change"] for d in changed["differences"]} == {"withdrawn"}
    course = get(fresh, "/trends?region=420100&cluster=ic")
    assert [p["version"] for p in course["points"]] == [1, 2]
    assert [v["number"] for v in get(fresh, "/versions")["versions"]] == [1, 2]


@pytest.mark.parametrize(
    "query",
    ["", "&land=smee", "&land=:420115", "&grow=smee:x", "&grow=smee:nan", "&grow=smee:-1"],
)
def test_simulations_name_what_is_wrong(atlas: Atlas, query: str) -> None:
    answer = atlas.client.get(f"{API}/simulations?region=420100&cluster=ic{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] in ("land", "grow")


@pytest.mark.parametrize("name", ["requirements", "relatedness", "value-chains", "risks"])
def test_measures_answer(atlas: Atlas, name: str) -> None:
    body = get(atlas, f"/{name}?region=420100&cluster=ic")
    assert body["products"]
    assert body["version"] == 1
