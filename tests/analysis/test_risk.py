"""Supply networks, recorded and reconstructed, critical suppliers and single points of failure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainatlas.analysis.esri import esri
from chainatlas.analysis.evidence import details
from chainatlas.analysis.gaps import find_gaps
from chainatlas.analysis.risk import Choice, Risk, find_risk
from chainatlas.analysis.scope import Scope
from chainatlas.analysis.sourcing import Needs, Sourcing, local_output, worst_failure
from chainatlas.analysis.supply_network import Reconstruction, SupplyNetwork, supply_network
from chainatlas.graph.chain import records
from chainatlas.viz.sentences import panel_facts
from making import Row
from national import national
from small import graph_of

# Wuhan makes chips (8e8 by fab) and packages (2e8 by house). Chips take 0.2 of wafers, essential,
# and 0.1 of gas, not essential; packages take 0.5 of chips, essential. Wafers are made by w1 (6e8)
# and w2 (2e8), gas by five small firms, chips in Shanghai too (8e8).
GAS = [f"g{i}" for i in range(5)]
FIRMS: list[Row] = [{"id": g, "region": "420600", "revenue": 1e8} for g in GAS]
PLANTS: list[Row] = [{"enterprise": g, "product": "gas", "share": 1.0} for g in GAS]
TABLES: dict[str, list[Row]] = {
    "clusters": [{"id": "ic", "region": "420100"}],
    "links": [{"id": "l", "cluster": "ic", "stage": "midstream", "position": 1.0}],
    "products": [
        {"id": "chip", "name": "芯片", "links": "l"},
        {"id": "pack", "name": "封装", "links": "l"},
        {"id": "wafer", "name": "硅片"},
        {"id": "gas", "name": "气体"},
        {"id": "stone", "name": "石料"},
    ],
    "inputs": [
        {"product": "chip", "input": "wafer", "cost_share": 0.2, "criticality": 0.9},
        {"product": "chip", "input": "gas", "cost_share": 0.1, "criticality": 0.3},
        {"product": "pack", "input": "chip", "cost_share": 0.5, "criticality": 0.8},
    ],
    "enterprises": [
        {"id": "fab", "name": "武汉芯片", "region": "420111", "revenue": 8e8},
        {"id": "house", "name": "武汉封装", "region": "420115", "revenue": 2e8},
        {"id": "sh", "region": "310115", "revenue": 8e8},
        {"id": "w1", "name": "硅片一厂", "country": "JP", "revenue": 6e8},
        {"id": "w2", "region": "310115", "revenue": 2e8},
        *FIRMS,
        {"id": "quarry", "region": "420600", "revenue": 1e12},
    ],
    "produces": [
        {"enterprise": "fab", "product": "chip", "share": 1.0},
        {"enterprise": "sh", "product": "chip", "share": 1.0},
        {"enterprise": "house", "product": "pack", "share": 1.0},
        {"enterprise": "w1", "product": "wafer", "share": 1.0},
        {"enterprise": "w2", "product": "wafer", "share": 1.0},
        *PLANTS,
        {"enterprise": "quarry", "product": "stone", "share": 1.0},
    ],
    "supplies": [
        {"supplier": "w1", "buyer": "fab", "product": "wafer", "amount": 1.2e8},
        {"supplier": "w2", "buyer": "fab", "product": "wafer", "amount": 4e7},
        {"supplier": "fab", "buyer": "house", "product": "chip", "amount": 1e8},
    ],
}


def asked(region: str = "420100", **other: list[Row]) -> Scope:
    return Scope.of(graph_of({**TABLES, **other}), region, "ic")


def by_id(table: pd.DataFrame, column: str) -> dict[str, dict[str, Any]]:
    return {r[column]: r for r in records(table)}


def test_on_recorded_links_alone() -> None:
    risk = find_risk(asked(), "observed")
    assert (risk.basis, risk.members, risk.reason) == ("observed", 1, "")
    firms = by_id(risk.enterprises, "enterprise")
    # w1 stops: sigma = min(1, 6e8 / 2e8) = 1, fab loses 0.75 of its wafers and of its chips. Fab's
    # own sigma is 8e8 / (8e8 + 2e8) = 0.8: the house, which buys from fab alone, loses 0.6.
    assert firms["w1"]["local"] == pytest.approx((8 * 0.75 + 2 * 0.75 * 0.8) / 10)
    assert firms["w1"]["knock_on"] == firms["w1"]["local"]
    assert firms["w1"]["critical"] is True
    assert firms["w1"]["place"] == "JP"
    # sigma of w2 is a third of ... 2e8 / 6e8; fab loses 0.25 / 3, and is 8/(8 + 8 - 0.67) of chips.
    lost = 0.25 / 3
    assert firms["w2"]["local"] == pytest.approx(
        (8 * lost + 2 * lost * 8 / (16 - 8 * lost)) / 10, rel=1e-9
    )
    # Fab's own output is 0.8; the house loses all of its chips, sigma = 1.
    assert firms["fab"]["local"] == pytest.approx(1.0)
    assert firms["fab"]["knock_on"] == pytest.approx(0.2)
    # The house's orders are an eighth of fab's output; fab's are all that the wafer works sell.
    assert firms["house"]["knock_on"] == pytest.approx(0.1)
    # Without records on gas nothing depends on it, and the quarry is in no chain of chips.
    assert firms["g0"]["knock_on"] == 0.0
    assert "quarry" not in firms
    assert all(math.isnan(r["local_sd"]) for r in records(risk.enterprises))
    assert risk.enterprises["rank"].tolist() == list(range(1, len(firms) + 1))
    # 1.6e8 of wafers for fab and 1e8 of chips are recorded; 0.8e8 of gas, and Shanghai's 1.6e8 of
    # wafers and 0.8e8 of gas, are not.
    assert risk.coverage == pytest.approx(2.6 / 5.8)


def test_single_points_and_what_a_second_source_buys() -> None:
    risk = find_risk(asked(), "observed")
    points = by_id(risk.products, "product")
    # Wafers: 0.75 and 0.25, 1.6 effective makers; chips 2 makers in China, one of them here.
    assert set(points) == {"chip", "wafer"}
    wafer = points["wafer"]
    assert (wafer["reason"], wafer["makers"], wafer["largest"]) == ("few_makers", 2, "w1")
    assert wafer["effective_makers"] == pytest.approx(1.6)
    assert points["chip"]["reason"] == "single_source"
    # Two of 3e8 in w1's place: sigma = 3/5, fab loses 0.375 of 0.6; sigma of fab 8 / (16 - 1.8).
    lost = 0.375 * 0.6
    assert wafer["diversified"] == pytest.approx((8 * lost + 2 * lost * 8 / (16 - 8 * lost)) / 10)
    assert wafer["gain"] == pytest.approx(wafer["local"] - wafer["diversified"])
    assert wafer["outage"] == pytest.approx(1.0)


def test_reconstructed_where_nothing_is_known() -> None:
    risk = find_risk(asked(supplies=[]), members=6, seed=4)
    assert (risk.basis, risk.members, risk.coverage) == ("reconstructed", 6, 0.0)
    firms = by_id(risk.enterprises, "enterprise")
    # With two suppliers per need there are no more than two makers of wafers: all of them supply.
    assert firms["w1"]["local"] == pytest.approx(0.75 * (8 + 2) / 10, abs=0.02)
    # Gas is not essential: its makers, of whom some supply fab and some do not, differ by draw.
    assert any(firms[f"g{i}"]["local_sd"] > 0 for i in range(5))
    again = find_risk(asked(supplies=[]), members=6, seed=4)
    pd.testing.assert_frame_equal(risk.enterprises, again.enterprises)
    other = find_risk(asked(supplies=[]), members=6, seed=5)
    assert not risk.enterprises["local"].equals(other.enterprises["local"])


def test_records_are_kept_and_the_rest_is_drawn() -> None:
    risk = find_risk(asked(), members=3)
    assert risk.basis == "mixed"
    assert find_risk(asked(), "reconstructed", 3).basis == "reconstructed"
    network = supply_network(asked().economy, asked().rules, np.ones(5, dtype=bool))
    needs = {
        (int(network.lines.enterprise[line]), int(product)): bool(free)
        for line, product, free in zip(
            network.lines.need_line, network.lines.need_product, network.open, strict=True
        )
    }
    graph = asked().graph
    fab, house, sh = graph.position("enterprises", ["fab", "house", "sh"]).tolist()
    chip, gas, wafer = graph.position("products", ["chip", "gas", "wafer"]).tolist()
    assert needs == {
        (fab, wafer): False,
        (fab, gas): True,
        (house, chip): False,
        (sh, wafer): True,
        (sh, gas): True,
    }


def links(network: SupplyNetwork, scope: Scope) -> dict[tuple[str, str, str], float]:
    ids = scope.graph.text("enterprises", "id")
    products = np.append(scope.graph.text("products", "id"), "?")
    lines, found = network.lines, network.recorded
    return {
        (
            str(ids[lines.enterprise[s]]),
            str(ids[lines.enterprise[t]]),
            str(products[lines.product[s]]),
        ): float(a)
        for s, t, a in zip(found.source, found.target, found.amount, strict=True)
    }


def test_records_that_say_little() -> None:
    supplies: list[Row] = [
        {"supplier": "w1", "buyer": "fab", "product": "wafer"},  # amount from need, shared
        {"supplier": "w2", "buyer": "fab"},  # its only product
        {"supplier": "g0", "buyer": "house", "product": "gas"},  # house needs no gas
        {"supplier": "g1", "buyer": "house", "product": "gas", "amount": 5.0},
        {"supplier": "g2", "buyer": "quarry", "product": "gas", "amount": 7.0},  # makes stone
        {"supplier": "quarry", "buyer": "fab", "product": "wafer", "amount": 9.0},  # makes none
    ]
    scope = asked(supplies=supplies)
    chain = np.ones(5, dtype=bool)
    chain[scope.graph.position("products", ["stone"])] = False
    network = supply_network(scope.economy, scope.rules, chain)
    third = pytest.approx(0.2 * 8e8 / 3)
    assert links(network, scope) == {
        ("w1", "fab", "wafer"): third,
        ("w2", "fab", "wafer"): third,
        ("g1", "house", "gas"): 5.0,
        ("g2", "quarry", "gas"): 7.0,
        ("quarry", "fab", "wafer"): 9.0,
    }
    assert network.unused == 1


def test_a_reconstruction_meets_every_need_at_the_density_asked_for() -> None:
    graph = national(4000, 60, seed=2, cities=40)
    scope = Scope.of(graph, "100000", "c1")
    network = supply_network(scope.economy, scope.rules, np.ones(60, dtype=bool))
    for suppliers in (1.0, 3.0):
        drawing = Reconstruction(network, suppliers)
        drawn = drawing.draw(np.random.default_rng(1))
        assert np.isfinite(drawn.amount).all()
        assert (drawn.amount > 0).all()
        lines = network.lines
        open_need = np.where(network.open, lines.need, 0.0)
        made = np.isin(lines.need_product, lines.product[lines.output > 0])
        need = np.bincount(lines.need_line[made], open_need[made], minlength=len(lines.output))
        bought = np.bincount(drawn.target, drawn.amount, minlength=len(lines.output))
        assert bought == pytest.approx(need, rel=1e-9)
        assert len(drawn.source) / len(drawing) == pytest.approx(suppliers, rel=0.1)
        # Who makes more sells to more.
        sold = np.bincount(drawn.source, minlength=len(lines.output))
        assert np.corrcoef(lines.output, sold)[0, 1] > 0.2


def test_the_ensemble_agrees_with_each_network_alone() -> None:
    graph = national(600, 40, seed=3, cities=10)
    scope = Scope.of(graph, "110000", "c2")
    risk = find_risk(scope, "reconstructed", members=2, seed=9, engine="scipy")
    fast = find_risk(scope, "reconstructed", members=2, seed=9, engine="numba")
    for column in ("esri", "local"):
        a = risk.enterprises.sort_values("enterprise")[column].to_numpy()
        b = fast.enterprises.sort_values("enterprise")[column].to_numpy()
        assert np.nan_to_num(a) == pytest.approx(np.nan_to_num(b), abs=1e-10)


def finite(risk: Risk) -> None:
    local = risk.reason != "本地没有该集群的产出，无法计算本地损失"
    for table in (risk.enterprises, risk.products):
        for row in records(table):
            assert 0.0 <= row["esri"] <= 1.0 + 1e-12
            assert not local or 0.0 <= row["local"] <= 1.0 + 1e-12


@pytest.mark.parametrize("choice", ["auto", "observed", "reconstructed"])
@pytest.mark.parametrize(
    ("region", "changed", "reason"),
    [
        ("530100", {}, "本地没有该集群的产出，无法计算本地损失"),
        ("420100", {"inputs": [], "supplies": []}, "没有任何供应关系可用，停产只影响自身"),
        ("420100", {"produces": []}, "本地没有该集群的产出，无法计算本地损失"),
        ("100000", {}, ""),
        ("420100", {"enterprises": [{**r, "revenue": 1e15} for r in TABLES["enterprises"]]}, ""),
        ("420100", {"enterprises": [{**r, "revenue": None} for r in TABLES["enterprises"]]}, ""),
        (
            "420100",
            {"enterprises": [{**r, "revenue": 0.0} for r in TABLES["enterprises"]]},
            "本地没有该集群的产出，无法计算本地损失",
        ),
    ],
)
def test_degenerate_facts(
    region: str, changed: dict[str, list[Row]], reason: str, choice: Choice
) -> None:
    risk = find_risk(asked(region, **changed), choice, members=2)
    assert risk.reason == reason
    finite(risk)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        find_risk(asked(), members=0)
    with pytest.raises(ValueError, match="at least 1"):
        find_risk(asked(), suppliers=0.5)


def test_first_step_in_closed_form() -> None:
    scope = asked()
    sources = Sourcing.of(scope.economy)
    here, local = local_output(scope.economy, "420100", scope.products)
    needs = Needs.of(scope.economy, scope.rules, local > 0)
    worst = worst_failure(scope.economy, sources, here, needs)
    # Fab stops: its 8e8, and half of the chips of the house, times sigma = 1.
    assert scope.graph.text("enterprises", "id")[worst.enterprise] == "fab"
    assert worst.loss == pytest.approx((8 + 2 * 0.5) / 10)
    # The same by the full equations on the average network, after a single step: w1 first.
    chip = scope.graph.position("products", ["chip"])[0]
    assert sources.top_share[chip] == 0.5


def test_the_average_network_agrees_with_the_closed_form() -> None:
    """With all makers supplying everybody, one step of ESRI is the closed form."""
    scope = asked(supplies=[])
    whole = supply_network(scope.economy, scope.rules, np.ones(5, dtype=bool))
    network = whole.network(Reconstruction(whole, 99.0).draw(np.random.default_rng(0)))
    lines = whole.lines
    ids = scope.graph.text("enterprises", "id")[lines.enterprise]
    fab = np.where(ids == "fab", 1.0, 0.0)
    lost = esri(network, [np.flatnonzero(ids == "w1")], fab, tolerance=0.999)
    assert lost[0] == pytest.approx(0.75)


def test_what_hangs_on_the_largest_maker_stands_beside_a_gap() -> None:
    gaps = find_gaps(asked())
    detail = details(gaps)["chip"]
    assert detail.dependence is not None
    assert (detail.dependence.share, detail.dependence.loss) == (0.5, 0.5)
    assert detail.dependence.diversified == pytest.approx(0.25 / 3)
    row = next(r for r in records(gaps.table) if r["product"] == "chip")
    facts = dict(panel_facts(row, detail))
    assert "占有记录产出的 50.0%" in facts["最大供方"]
    assert "只失去 8.3%" in facts["最大供方"]
