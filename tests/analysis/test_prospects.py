"""Relatedness and value density of a region and cluster, and how they stand beside a gap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from chainatlas.analysis.economy import Economy
from chainatlas.analysis.evidence import details
from chainatlas.analysis.gaps import find_gaps, survey_gaps
from chainatlas.analysis.relatedness import NO_OUTPUT, CitySpace, relatedness
from chainatlas.analysis.scope import Scope
from chainatlas.analysis.value import value_chain, value_density
from chainatlas.api.cli import main
from chainatlas.graph import ChainGraph, NotFoundError, open_store
from chainatlas.graph.chain import records
from chainatlas.ingest import load, open_pack
from chainatlas.viz.sentences import panel_facts
from making import MakePack

ROOT = Path(__file__).parents[2]

# Four cities; p, q, r and s of 10 each: Wuhan p q, Huangshi p q r, Shenzhen r s, Suzhou p.
MAKES = {"420111": "pq", "420200": "pqr", "440300": "rs", "320500": "p"}
FILES = {
    "clusters.csv": "id,name,region\nc,集群,420100\nbare,空,420100\n",
    "links.csv": "id,cluster,name,stage,position\nl,c,环节,upstream,1\n",
    "products.csv": "id,name,links\np,甲品,l\nq,乙品,l\nr,丙品,l\ns,丁品,l\nt,戊品,l\n",
    "enterprises.csv": "id,name,region,revenue,employees\n"
    + "".join(
        f"e{c}{x},{c}{x},{c},10,{5 if x == 'p' else ''}\n" for c, m in MAKES.items() for x in m
    ),
    "produces.csv": "enterprise,product,share\n"
    + "".join(f"e{c}{x},{x},1\n" for c, m in MAKES.items() for x in m),
}


@pytest.fixture
def graph(make_pack: MakePack, tmp_path: Path) -> ChainGraph:
    store = open_store(str(tmp_path / "a.db"), create=True)
    assert load(store, [open_pack(make_pack(FILES))]).quarantined == 0
    return store.view().graph()


def by_product(frame: Any) -> dict[str, dict[str, Any]]:
    return {row["product"]: row for row in records(frame)}


def test_relatedness_worked_by_hand(graph: ChainGraph) -> None:
    found = relatedness(Scope.of(graph, "420100", "c"))
    rows = by_product(found.table)
    # Of 80 in all, p is 30, q and r 20, s 10. Shares of Wuhan are 1/2 each: LQ of p is 4/3, q 2.
    # Huangshi has 1/3 each: p 8/9 (no advantage), q 4/3, r 4/3. Shenzhen: r 2, s 4. Suzhou: p 8/3.
    assert rows["p"]["lq"] == pytest.approx(4 / 3)
    assert {p: rows[p]["ubiquity"] for p in "pqrst"} == {"p": 2, "q": 2, "r": 2, "s": 1, "t": 0}
    # Proximities of r: q 1/2 (Huangshi), s 1/2 (Shenzhen), itself 1: density of Wuhan 0.5 / 2.
    assert rows["r"]["density"] == pytest.approx(0.25)
    assert rows["r"]["distance"] == pytest.approx(0.75)
    assert rows["r"]["nearest"] == [{"product": "q", "name": "乙品", "proximity": 0.5}]
    assert rows["s"]["density"] == 0
    assert rows["r"]["surplus"] == pytest.approx(0.25 - rows["r"]["expected"])
    # p: q 1/2, itself 1; q: p 1/2, itself 1, r 1/2.
    assert rows["q"]["density"] == pytest.approx(1.5 / 2)
    assert found.cities == 4
    assert found.diversity == 2
    assert found.coverage == pytest.approx(1)
    assert found.reason is None
    assert found.eci is not None
    assert np.isnan(rows["t"]["density"])  # made nowhere
    assert list(found.table["advantage"]) == sorted(found.table["advantage"])


def test_any_level_of_region_is_answered(graph: ChainGraph) -> None:
    district = relatedness(Scope.of(graph, "420111", "c"))
    city = relatedness(Scope.of(graph, "420100", "c"))
    assert district.eci == pytest.approx(city.eci)
    province = relatedness(Scope.of(graph, "420000", "c"))
    assert province.diversity == 2  # p and q: 2/5 each of Hubei; r has 1/5, less than 1/4
    nothing = relatedness(Scope.of(graph, "110000", "c"))
    assert nothing.reason == NO_OUTPUT
    assert nothing.eci is None
    assert nothing.table["density"].isna().all()
    assert nothing.table["pci"].notna().any()


def test_one_space_serves_all_questions_of_a_graph(graph: ChainGraph) -> None:
    first = CitySpace.of(Scope.of(graph, "420100", "c").economy)
    assert CitySpace.of(Scope.of(graph, "440300", "bare").economy) is first
    scaled = Scope.of(graph, "420100", "c").economy
    assert CitySpace.of(scaled.scaled(1.0)) is first


def test_value_density_worked_by_hand(make_pack: MakePack, tmp_path: Path) -> None:
    # a sells 60 of p and 40 of q with 10 people, b 100 of p with 4; c has nobody known, d no revenue.
    pack = make_pack(
        {
            **FILES,
            "enterprises.csv": "id,name,region,revenue,employees,country\na,甲,420111,100,10,\n"
            "b,乙,440300,100,4,\nc,丙,420111,140,,\nd,丁,420111,,7,\nj,外,,500,1,JP\n",
            "produces.csv": "enterprise,product,share\na,p,0.6\na,q,0.4\nb,p,1\nc,q,1\nd,r,1\nj,s,1\n",
        }
    )
    store = open_store(str(tmp_path / "b.db"), create=True)
    load(store, [open_pack(pack)])
    graph = store.view().graph()
    scope = Scope.of(graph, "420100", "c")
    density = value_density(scope.economy)
    order = graph["products"]["id"].tolist()
    value = dict(zip(order, density.value.tolist(), strict=True))
    assert value["p"] == pytest.approx(160 / 10)
    assert value["q"] == pytest.approx(40 / 4)
    assert all(np.isnan(value[p]) for p in "rst")
    coverage = dict(zip(order, density.coverage.tolist(), strict=True))
    assert coverage["p"] == pytest.approx(1)
    assert coverage["q"] == pytest.approx(40 / 180)
    assert coverage["r"] == 0
    assert np.isnan(coverage["s"])  # made abroad alone
    found = value_chain(scope)
    rows = by_product(found.table)
    assert found.local == pytest.approx(100 / 10)
    assert rows["p"]["relative"] == pytest.approx(1.6)
    assert (rows["q"]["makers"], rows["q"]["makers_known"]) == (2, 1)
    assert [r["product"] for r in records(found.table)][:2] == ["p", "q"]


def test_figures_stand_beside_a_gap_only_where_defined(graph: ChainGraph) -> None:
    gaps = find_gaps(Scope.of(graph, "420100", "c"))
    beside = details(gaps)
    rows = by_product(gaps.table)
    assert beside["r"].prospect.surplus is not None
    assert beside["p"].prospect.surplus is None  # an advantage already
    assert beside["p"].prospect.value == pytest.approx(2)
    assert beside["r"].prospect.value is None
    assert beside["t"].prospect.pci_rank is None
    terms = {p: [t for t, _ in panel_facts(rows[p], beside[p])] for p in "prt"}
    assert "产业关联密度" in terms["r"]
    assert "价值密度" not in terms["r"]
    assert "价值密度" in terms["p"]
    assert not {"产业关联密度", "产品复杂度", "价值密度"} & set(terms["t"])


def test_a_survey_of_regions_says_what_each_is_told(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "h.db"), create=True)
    load(store, [open_pack(ROOT / "data" / "hubei")])
    graph = store.view().graph()
    regions = ["420100", "420000", "420111", "100000", "429004", "310000", "540200"]
    whole = survey_gaps(Scope.of(graph, "420100", "ic"), [*regions, "420100"])
    assert len(whole) == len(regions) * len(Scope.of(graph, "420100", "ic").products)
    for region in regions:
        one = find_gaps(Scope.of(graph, region, "ic")).table
        same = whole[whole["region"] == region].drop(columns="region").reset_index(drop=True)
        assert repr(records(same)) == repr(records(one))
    with pytest.raises(NotFoundError, match="999999"):
        survey_gaps(Scope.of(graph, "420100", "ic"), ["420100", "999999"])


@pytest.mark.parametrize("cluster", ["c", "bare"])
@pytest.mark.parametrize("region", ["420100", "110000", "100000"])
@pytest.mark.parametrize(
    "command", [["requirements"], ["requirements", "--why", "丁品"], ["relatedness"], ["value"]]
)
def test_commands_answer_by_their_schema(
    make_pack: MakePack,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    region: str,
    cluster: str,
) -> None:
    db = str(tmp_path / "c.db")
    assert main(["ingest", str(make_pack(FILES)), "--db", db]) == 0
    capsys.readouterr()
    argv = [*command, "--region", region, "--cluster", cluster, "--db", db]
    assert main([*argv, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    schema = ROOT / "docs" / "schemas" / f"{command[0]}.schema.json"
    jsonschema.validate(document, json.loads(schema.read_text("utf-8")))
    assert len(document["products"]) == (5 if cluster == "c" else 0)
    assert ("why" in document) == (len(command) > 1)
    assert main(argv) == 0
    assert main([*argv, "--format", "xlsx", "--out", str(tmp_path / "a.xlsx")]) == 0


def test_an_unknown_product_is_named(
    make_pack: MakePack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = str(tmp_path / "d.db")
    main(["ingest", str(make_pack(FILES)), "--db", db])
    argv = ["requirements", "--region", "420100", "--cluster", "c", "--db", db, "--why", "没有的"]
    assert main(argv) == 1
    assert "没有这个产品：没有的" in capsys.readouterr().err


def test_revenues_beyond_measure_stay_numbers(make_pack: MakePack, tmp_path: Path) -> None:
    files = {**FILES, "enterprises.csv": FILES["enterprises.csv"].replace(",10,", ",1e15,")}
    store = open_store(str(tmp_path / "e.db"), create=True)
    load(store, [open_pack(make_pack(files))])
    graph = store.view().graph()
    found = relatedness(Scope.of(graph, "420100", "c"))
    assert by_product(found.table)["r"]["density"] == pytest.approx(0.25)
    assert Economy.of(graph, graph.rules().sizes).national.sum() == pytest.approx(8e15)
