"""Targets on a chain worked by hand: every feature, ties, filters, landing, and how sure ranks are."""

from __future__ import annotations

import math
import random
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from chainatlas.analysis import landing
from chainatlas.analysis.gaps import Gaps, find_gaps
from chainatlas.analysis.landing import Sites, landings
from chainatlas.analysis.scope import Scope
from chainatlas.analysis.targets import COLUMNS, FEATURES, WEIGHTS, Wanted, find_targets
from chainatlas.api.export import export_packs
from chainatlas.graph import TABLES, ChainGraph, open_store
from chainatlas.graph import regions as geo
from chainatlas.graph.chain import records, typed
from chainatlas.ingest import load, open_pack
from making import MakePack
from reference import packs
from reference import targets as plain

# Wuhan makes panels (1e9 in Hongshan) of which 0.3 is glass: 3e8 is demanded, and nobody in Wuhan
# makes it. A (Shanghai) and B (Huangshi) do, and C (Shenzhen) makes frit from the same sand.
FILES = {
    "clusters.csv": "id,name,region\nc,显示,420100\n",
    "links.csv": "id,cluster,name,stage,position\nup,c,材料,upstream,1\ndown,c,面板,downstream,2\n",
    "products.csv": (
        "id,name,aliases,links\n"
        "panel,面板,,down\nglass,显示玻璃,盖板,up\nfrit,釉料,,up\nsand,石英砂,,\nlens,镜片,,up\n"
    ),
    "inputs.csv": (
        "product,input,cost_share,criticality\n"
        "panel,glass,0.3,0.9\nglass,sand,0.6,0.5\nfrit,sand,0.5,0.5\n"
    ),
    "enterprises.csv": (
        "id,name,country,region,labels,revenue,main_products,stock_code,as_of\n"
        "maker,面板厂,,420111,leading,1e9,,,2023-12-31\n"
        "sand,砂厂,,420115,,1e8,,,2023-12-31\n"
        "a,甲玻璃,,310115,champion,2e9,触控屏、盖板,600000,2023-12-31\n"
        "b,乙玻璃,,420200,little_giant,,玻璃；瓶；罐；窗,,2023-12-31\n"
        "c,丙釉料,,440300,,1e9,,,2023-12-31\n"
        "group,集团,,110000,,,,,2023-12-31\n"
        "joint,甲武汉,,420106,,,,,2023-12-31\n"
        "rival,丁玻璃,,420100,,1e8,,,2023-12-31\n"
    ),
    "produces.csv": (
        "enterprise,product,region,share,source,as_of\n"
        "maker,panel,,1,,\nsand,sand,,1,,\na,glass,,0.5,甲年报,2023-12-31\na,sand,320500,0.5,,\n"
        "b,glass,,,,\nc,frit,,1,,\nrival,lens,,1,,\n"
    ),
    "supplies.csv": "supplier,buyer,product,amount\nb,group,,\n",
    "holdings.csv": "parent,child,stake,source\na,joint,0.6,甲年报\ngroup,maker,0.5,\n",
    "institutes.csv": (
        "id,name,kind,region\nu,某大学,university,420111\nfar,外地院,institute,110108\n"
    ),
    "research.csv": "institute,product,strength\nu,glass,0.6\nfar,glass,1\n",
    "partners.csv": "institute,enterprise,topic\nfar,c,\nfar,group,\n",
    "projects.csv": (
        "id,name,owner,product,region,as_of\n"
        "p1,甲武汉基地,joint,glass,420106,2023-06-01\nold,乙旧厂,b,glass,310115,2015-01-01\n"
    ),
}
EARLIER = {
    "pack.toml": 'name = "earlier"\n',
    "products.csv": "id,name\nglass,显示玻璃\n",
    "enterprises.csv": "id,name,revenue,as_of\na,甲玻璃,1.8e9,2021-12-31\n",
}


def graph_of(folder: Path, *found: Path) -> ChainGraph:
    """The graph of some packs."""
    store = open_store(str(folder / "a.db"), create=True)
    for pack in found:
        assert load(store, [open_pack(pack)]).quarantined == 0
    return store.view().graph()


def quick(files: Mapping[str, str]) -> ChainGraph:
    """The graph of a pack without a store; its rows must all be usable."""
    names = {name: name.removesuffix(".csv") for name in files}
    return ChainGraph(
        {
            names[name]: typed(pd.read_csv(StringIO(text), dtype="str"), TABLES[names[name]])
            for name, text in files.items()
        }
    )


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """A pack as a folder."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def gaps(tmp_path_factory: pytest.TempPathFactory) -> Gaps:
    folder = tmp_path_factory.mktemp("targets")
    found = [written(folder / "now", FILES), written(folder / "earlier", EARLIER)]
    return find_gaps(evenly(Scope.of(graph_of(folder, *found), "420100", "c")))


def evenly(scope: Scope) -> Scope:
    """The same question with every feature and side of equal weight: none is left out."""
    rules = replace(
        scope.rules,
        targets=dict.fromkeys(WEIGHTS, 1.0),
        landing=dict.fromkeys(landing.WEIGHTS, 1.0),
    )
    return replace(scope, rules=rules)


def values(target: dict[str, Any]) -> dict[str, float]:
    """Features before weighting, of those that count."""
    weights = target["weights"]
    return {k: v / weights[k] for k, v in target["parts"].items() if weights[k] > 0}


def by_id(gaps: Gaps, **asked: Any) -> dict[str, dict[str, Any]]:
    return {t["enterprise"]: t for t in records(find_targets(gaps, ["glass"], **asked))}


def test_every_feature_by_hand(gaps: Gaps) -> None:
    found = by_id(gaps)
    assert set(found) == {"a", "b", "c"}
    a, b, c = (values(found[name]) for name in "abc")
    # A: half of its 2e9 is glass. B: 4e8 as a little giant, all glass on record, but its text names
    # four goods: 3 / 4. C makes frit alone, which takes the same input: 0.6 for a neighbour.
    assert (a["fit"], b["fit"], c["fit"]) == pytest.approx((0.5, 0.75, 0.6))
    # 盖板 is an alias of the product; 玻璃 is a wider word for 显示玻璃; C says nothing.
    assert (a["text"], b["text"], c["text"]) == (1.0, 0.6, 0.0)
    # The median maker makes (1e9 + 4e8) / 2.
    assert a["scale"] == pytest.approx(1 / 1.7)
    assert b["scale"] == pytest.approx(4 / 11)
    assert c["scale"] == pytest.approx(0.6 * 1 / 1.7)
    assert (a["standing"], b["standing"], c["standing"]) == (1.0, 0.8, 0.0)
    # A holds a company in Wuhan. B supplies a group that holds the panel works: two steps. C works
    # with an institute that works with that group: three steps.
    assert a["tie"] == pytest.approx(0.9)
    assert b["tie"] == pytest.approx(0.9 * 0.8 * 0.9)
    assert c["tie"] == pytest.approx(0.5 * 0.8 * (0.5 * 0.8 * 0.9))
    # 3e8 is not met; plants of A and C make 1e9, that of B 4e8.
    assert (a["pull"], b["pull"], c["pull"]) == pytest.approx((0.3, 0.75, 0.3))
    # The university of Wuhan counts in full, the one in Beijing not at all; sand is made here.
    assert a["research"] == b["research"] == c["research"] == pytest.approx(0.6)
    assert a["inputs"] == c["inputs"] == 1.0
    assert (a["nearness"], b["nearness"], c["nearness"]) == (0.5, 1.0, 0.5)
    assert a["footprint"] == pytest.approx(1 / 3)  # Shanghai and Suzhou
    assert b["footprint"] == c["footprint"] == 0
    # 1.8e9 at the end of 2021, 2e9 two years (730 days) later.
    assert a["growth"] == pytest.approx(((2 / 1.8) ** (365.25 / 730) - 1) / 0.2)
    assert b["growth"] == 0
    # A's subsidiary builds in Wuhan; the project of B is eight years older than the newest.
    assert (a["projects"], b["projects"], c["projects"]) == (1.0, 0.0, 0.0)
    assert set(a) == set(FEATURES) == set(WEIGHTS)


def test_relatedness_counts_where_it_is_above_expectation(gaps: Gaps) -> None:
    related = plain.related(gaps)
    found = by_id(gaps)
    for target in found.values():
        assert values(target)["relatedness"] == pytest.approx(related.get("glass", 0.0))


def test_marks_paths_and_facts(gaps: Gaps) -> None:
    found = by_id(gaps)
    assert [found[x]["within_province"] for x in "abc"] == [False, True, False]
    assert [found[x]["neighbour_of"] for x in "abc"] == [None, None, "glass"]
    assert [found[x]["makes"] for x in "abc"] == ["glass", "glass", "frit"]
    assert found["b"]["path"] == [
        {"from": "乙玻璃", "edge": "SUPPLIES", "to": "集团"},
        {"from": "集团", "edge": "HOLDS", "to": "面板厂"},
    ]
    assert found["c"]["path"] == [
        {"from": "外地院", "edge": "PARTNERS", "to": "丙釉料"},
        {"from": "外地院", "edge": "PARTNERS", "to": "集团"},
        {"from": "集团", "edge": "HOLDS", "to": "面板厂"},
    ]
    for target in found.values():
        told = {f["part"]: f for f in target["facts"]}
        assert set(told) == {k for k, v in target["parts"].items() if v > 0} | {"landing"}
        assert all(re.search("[一-鿿]", f["text"]) for f in told.values())
    facts = {f["part"]: f for f in found["a"]["facts"]}
    assert (facts["fit"]["source"], facts["fit"]["as_of"]) == ("甲年报", "2023-12-31")
    assert "50%" in facts["fit"]["text"]
    assert facts["tie"]["text"] == "持股甲武汉（甲武汉在本地）"
    assert facts["tie"]["source"] == "甲年报"
    assert facts["growth"]["text"].startswith("2021～2023 年营业收入年均增长 5%")
    assert "甲武汉基地" in facts["projects"]["text"]
    assert "相近的釉料" in next(f["text"] for f in found["c"]["facts"] if f["part"] == "fit")


def test_customers_in_common_are_no_tie() -> None:
    supplies = "supplier,buyer,product,amount\nb,group,,\nmaker,group,,\n"
    files = {**FILES, "supplies.csv": supplies, "holdings.csv": "parent,child\n"}
    found = by_id(find_gaps(Scope.of(quick(files), "420100", "c")))
    assert values(found["b"])["tie"] == 0
    # In one direction it is: B supplies the group, and the group supplies the panel works.
    files["supplies.csv"] = supplies.replace("maker,group", "group,maker")
    found = by_id(find_gaps(Scope.of(quick(files), "420100", "c")))
    assert values(found["b"])["tie"] == pytest.approx(0.9 * 0.8 * 0.9)


def test_neighbours_only_where_makers_are_few() -> None:
    more = "d,glass,,1,,\nrival,lens"
    files = {
        **FILES,
        "enterprises.csv": FILES["enterprises.csv"] + "d,戊玻璃,JP,,,1e9,,,\n",
        "produces.csv": FILES["produces.csv"].replace("rival,lens", more),
    }
    found = by_id(find_gaps(Scope.of(quick(files), "420100", "c")))
    assert set(found) == {"a", "b", "d"}
    assert values(found["d"])["nearness"] == 0


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (Wanted(), "abc"),
        (Wanted(min_size=1e9), "ac"),
        (Wanted(max_size=1e9), "bc"),
        (Wanted(label=("champion", "little_giant")), "ab"),
        (Wanted(listed=True), "a"),
        (Wanted(listed=False), "bc"),
        (Wanted(from_region=("310000", "440000")), "ac"),
        (Wanted(from_region=("JP",)), ""),
        (Wanted(new_to_province=True), "c"),  # a holds a company in Wuhan, b sits in Huangshi
        (Wanted(domestic=True), "abc"),
        (Wanted(domestic=False), ""),
        (Wanted(exclude=("a", "c")), "b"),
    ],
)
def test_filters(gaps: Gaps, wanted: Wanted, left: str) -> None:
    whole, found = by_id(gaps), by_id(gaps, wanted=wanted)
    assert set(found) == set(left)
    # What is left keeps its score, in the same order.
    assert all(found[e]["score"] == whole[e]["score"] for e in found)
    assert [t["rank"] for t in found.values()] == list(range(1, len(found) + 1))


def test_weights_come_from_the_rules(make_pack: MakePack, tmp_path: Path) -> None:
    rules = "[targets]\ntie = 0\n[cluster.c.targets]\nfit = 3\nscale = 1\n" + "".join(
        f"{name} = 0\n" for name in WEIGHTS if name not in ("fit", "scale", "tie")
    )
    graph = graph_of(tmp_path, make_pack({**FILES, "rules.toml": rules}))
    a = by_id(find_gaps(Scope.of(graph, "420100", "c")))["a"]
    assert {k: v for k, v in a["weights"].items() if v} == {"fit": 0.75, "scale": 0.25}
    assert a["score"] == pytest.approx(0.75 * 0.5 + 0.25 / 1.7)
    assert {f["part"] for f in a["facts"]} == {"fit", "scale", "landing"}
    assert sum(graph.rules().targets.values()) == pytest.approx(
        sum(WEIGHTS.values()) - WEIGHTS["tie"]
    )


def test_weights_survive_an_export(make_pack: MakePack, tmp_path: Path) -> None:
    rules = "lq_min = 2\n[sizes]\nother = 1e7\n[targets]\nfit = 0.5\n[cluster.c.landing]\ntie = 2\n"
    store = open_store(str(tmp_path / "a.db"), create=True)
    load(store, [open_pack(make_pack({**FILES, "rules.toml": rules}))])
    (folder,) = export_packs(store.view(), tmp_path / "out")
    again = open_store(str(tmp_path / "b.db"), create=True)
    assert load(again, [open_pack(folder)]).quarantined == 0
    before, after = (s.view().graph()["rules"] for s in (store, again))
    columns = ["cluster", "name", "value"]
    assert before[columns].equals(after[columns])
    assert set(before["name"]) == {"lq_min", "sizes.other", "targets.fit", "landing.tie"}


def test_a_tie_pulls_the_landing(gaps: Gaps) -> None:
    found = by_id(gaps)
    assert landings(gaps)["glass"].region == "420111"  # panel works and university
    assert found["b"]["landing"] == "420111"  # its chain ends there
    # A holds a company in Wuchang: with ties alone that is where it goes.
    assert found["a"]["landing"] == "420111"
    only = by_id(gaps, landing=dict.fromkeys(Sites.of(gaps).weights, 0.0) | {"tie": 1.0})
    assert only["a"]["landing"] == "420106"
    assert only["a"]["landing_score"] == pytest.approx(0.9)
    told = next(f["text"] for f in only["a"]["facts"] if f["part"] == "landing")
    assert told == "武昌区：与当地已有联系"
    sand = by_id(gaps, landing=dict.fromkeys(Sites.of(gaps).weights, 0.0) | {"neighbours": 1.0})
    assert {t["landing"] for t in sand.values()} == {"420100"}  # 镜片 is made in no known district


def test_landing_sides_by_hand(gaps: Gaps) -> None:
    found = by_id(gaps)["b"]
    # Hongshan has all of the demand and the research; its tie (0.648) ends there; sand and a
    # neighbour of glass are made elsewhere.
    weights = Sites.of(gaps).weights
    assert found["landing_parts"]["demand"] == pytest.approx(weights["demand"])
    assert found["landing_parts"]["research"] == pytest.approx(weights["research"])
    assert found["landing_parts"]["tie"] == pytest.approx(weights["tie"] * 0.648)
    assert found["landing_parts"]["inputs"] == 0
    assert sum(found["landing_parts"].values()) == pytest.approx(found["landing_score"])
    others = found["landing_others"]
    assert others[0]["region"] == "420115"  # where the sand is
    assert others[0]["score"] <= found["landing_score"]


def test_equal_candidates_are_tied_and_clear_ones_not() -> None:
    rows = "".join(f"x{i},企{i},,440300,leading,1e9,显示玻璃,,\n" for i in range(3))
    makes = "".join(f"x{i},glass,,1,,\n" for i in range(3))
    files = {
        **FILES,
        "enterprises.csv": FILES["enterprises.csv"] + rows,
        "produces.csv": FILES["produces.csv"] + makes,
    }
    table = find_targets(find_gaps(Scope.of(quick(files), "420100", "c")), ["glass"])
    rows_of = {t["enterprise"]: t for t in records(table)}
    equal = sorted((rows_of[f"x{i}"] for i in range(3)), key=lambda t: int(t["rank"]))
    assert [t["enterprise"] for t in equal] == ["x0", "x1", "x2"]
    assert [t["tie_with_previous"] for t in equal[1:]] == [True, True]
    assert not records(table)[0]["tie_with_previous"]


def test_the_answer_does_not_depend_on_the_order_of_rows() -> None:
    shuffled = {}
    for name, text in FILES.items():
        head, *rows = text.splitlines()
        random.Random(7).shuffle(rows)
        shuffled[name] = "\n".join([head, *rows]) + "\n"
    one, other = (
        records(find_targets(find_gaps(Scope.of(quick(files), "420100", "c"))))
        for files in (FILES, shuffled)
    )
    assert one
    assert one == other


def check_targets(gaps: Gaps) -> None:
    """What must hold for the targets of any region and cluster."""
    table = find_targets(gaps, per_gap=None)
    region, graph = gaps.scope.region, gaps.scope.graph
    assert tuple(table.columns) == COLUMNS
    reference = plain.scores(gaps)
    makers: dict[tuple[str, str], set[str]] = {}
    for row in plain.plants(gaps.scope.economy):
        key = (str(graph.index("products")[row["p"]]), str(graph.index("enterprises")[row["e"]]))
        makers.setdefault(key, set()).add(row["region"])
    seats = dict(zip(graph["enterprises"]["id"], graph.text("enterprises", "region"), strict=True))
    real = set()
    for t in records(table):
        key = (t["product"], t["enterprise"])
        made = makers[t["makes"], t["enterprise"]]
        inside = {r for r in {*made, *makers.get(key, ()), str(seats[t["enterprise"]])} if r}
        assert not any(geo.contains(region, r) for r in inside)
        assert (t["neighbour_of"] is None) == (t["makes"] == t["product"])
        assert math.isclose(sum(t["parts"].values()), t["score"], abs_tol=1e-9)
        assert math.isclose(sum(t["weights"].values()), 1, abs_tol=1e-12)
        assert 1 <= t["rank_low"] <= t["rank"] <= t["rank_high"]
        assert len(t["path"]) <= 3
        assert bool(t["path"]) == (t["parts"]["tie"] > 0)
        assert geo.contains(region, t["landing"])
        if t["neighbour_of"] is None:
            real.add(key)
            for name, value in reference[key].items():
                assert math.isclose(value, values(t)[name], rel_tol=1e-9, abs_tol=1e-9), name
    assert real == set(reference)
    for _, own in table.groupby("product"):
        assert own["rank"].tolist() == list(range(1, len(own) + 1))
        assert own["rank_high"].max() <= len(own)
        assert not own["tie_with_previous"].iloc[0]
        assert (np.diff(own["score"]) <= 0).all()
    assert records(find_targets(gaps, per_gap=None)) == records(table)
    first = table["product"].drop_duplicates().head(1).tolist()
    assert records(find_targets(gaps, first, None)) == records(table[table["product"].isin(first)])


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(pack=packs.packs())
def test_random_packs_are_ranked_as_the_plain_way_does(pack: packs.Pack) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pack"
        folder.mkdir()
        pack.write(folder)
        graph = graph_of(Path(name), folder)
    for region in ("420100", "420000", "429004"):
        for cluster in pack.clusters:
            check_targets(find_gaps(evenly(Scope.of(graph, region, cluster))))


def test_the_shipped_pack_is_ranked_as_the_plain_way_does(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, Path(__file__).parents[2] / "data" / "hubei")
    scope = Scope.of(graph, "420100", "display")
    check_targets(find_gaps(evenly(scope)))
    shipped = find_targets(find_gaps(scope))
    assert {name: w for name, w in shipped["weights"][0].items() if w == 0} == {"relatedness": 0}
