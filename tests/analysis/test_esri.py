"""ESRI: worked by hand, against plain loops, and what must hold on any network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainatlas.analysis.esri import Engine, Network, esri
from chainatlas.analysis.risk import diversified
from reference.esri import Firms
from reference.esri import esri as plain

ENGINES: tuple[Engine, ...] = ("scipy", "numba")
engines = pytest.mark.parametrize("engine", ENGINES)

amounts = st.one_of(st.just(0.0), st.floats(1e-3, 1e3), st.sampled_from([1.0, 1e9, 1e15]))


@st.composite
def networks(draw: st.DrawFn) -> tuple[Network, Firms]:
    """Up to ten firms with up to 25 links, the same for the product and the reference."""
    n = draw(st.integers(1, 10))
    firm = st.integers(0, n - 1)
    product = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    links = draw(st.lists(st.tuples(firm, firm, amounts, st.booleans()), max_size=25))
    final = draw(st.lists(amounts, min_size=n, max_size=n))
    output = [f + sum(w for s, _, w, _ in links if s == i) for i, f in enumerate(final)]
    source, target, weight, essential = zip(*links, strict=True) if links else ((),) * 4
    network = Network.of(product, source, target, weight, essential, output)
    return network, Firms(product, network.output.tolist(), links)


def losses(network: Network, engine: Engine, tolerance: float = 1e-3) -> np.ndarray:
    return np.asarray(esri(network, tolerance=tolerance, engine=engine))


@settings(max_examples=120)
@given(pair=networks(), data=st.data())
def test_agrees_with_plain_loops(pair: tuple[Network, Firms], data: st.DataObject) -> None:
    network, firms = pair
    n = len(network)
    shocks = [[i] for i in range(n)]
    shocks.append(data.draw(st.lists(st.integers(0, n - 1), unique=True)))
    expected = [plain(firms, shock, 1e-3) for shock in shocks]
    for engine in ENGINES:
        found = esri(network, [np.array(s, int) for s in shocks], tolerance=1e-3, engine=engine)
        for value, wanted in zip(found.tolist(), expected, strict=True):
            if wanted is None:
                assert value != value
            else:
                assert value == pytest.approx(wanted, abs=1e-10)


@settings(max_examples=60)
@given(pair=networks())
def test_what_must_hold(pair: tuple[Network, Firms]) -> None:
    network, _ = pair
    total = network.output.sum()
    for engine in ENGINES:
        found = losses(network, engine)
        if total == 0:
            assert np.isnan(found).all()
            continue
        assert (found >= network.output / total - 1e-12).all()
        assert (found <= 1 + 1e-12).all()


@engines
def test_worked_by_hand(engine: Engine) -> None:
    # Two makers of one part (6 and 2 of an output of 12 and 4) supply one assembler, which also
    # buys a service of 2, not essential, and makes 20 for final demand.
    network = Network.of(
        [0, 0, 1, 2],
        [0, 1, 2],
        [3, 3, 3],
        [6.0, 2.0, 2.0],
        [True, True, False],
        [12.0, 4.0, 2.0, 20.0],
    )
    a, b, service, assembler = (losses(network, engine, 1e-12) * 38).tolist()
    # sigma = min(1, 12/4) = 1: the assembler loses 6/8 of the part; its orders of service fall by
    # as much in the upstream process only where it loses orders itself, which it does not.
    assert a == pytest.approx(12 + 20 * 0.75)
    # sigma = 4/12: it loses 2/8 of it by a third.
    assert b == pytest.approx(4 + 20 * 0.25 / 3)
    # 2 of all its inputs of 10.
    assert service == pytest.approx(2 + 20 * 0.2)
    # Upstream: all of its orders.
    assert assembler == pytest.approx(20 + 6 + 2 + 2)


@engines
def test_cycle_and_self_supply(engine: Engine) -> None:
    # A ring of three with a loop: whoever stops, everything stops.
    network = Network.of([0, 1, 2], [0, 1, 2, 0], [1, 2, 0, 0], [1.0, 1.0, 1.0, 0.5])
    assert losses(network, engine) == pytest.approx([1.0, 1.0, 1.0])


@engines
def test_firms_without_links_lose_themselves_alone(engine: Engine) -> None:
    network = Network.of([0, 0, 1], [], [], [], output=[1.0, 3.0, 0.0])
    assert losses(network, engine).tolist() == [0.25, 0.75, 0.0]


@engines
@pytest.mark.parametrize("scale", [1e-9, 1e15])
def test_the_unit_of_money_does_not_matter(engine: Engine, scale: float) -> None:
    rng = np.random.default_rng(3)
    (source, target), weight = rng.integers(0, 40, (2, 120)), rng.lognormal(0, 2, 120)
    product, vital = rng.integers(0, 6, 40), rng.random(120) < 0.5
    one = Network.of(product, source, target, weight, vital)
    other = Network.of(product, source, target, weight * scale, vital)
    assert losses(other, engine) == pytest.approx(losses(one, engine), abs=1e-10)


@engines
def test_a_dwarf_beside_a_giant(engine: Engine) -> None:
    # Once the giant is gone the dwarf is all that is left: its own buyer depends on it fully.
    network = Network.of([0, 0, 1], [0, 1], [2, 2], [1e15, 1e-2], output=[1e15, 1e-2, 5.0])
    plan = Firms([0, 0, 1], [1e15, 1e-2, 5.0], [(0, 2, 1e15, True), (1, 2, 1e-2, True)])
    expected = [plain(plan, [i], 1e-9) for i in range(3)]
    assert losses(network, engine, 1e-9).tolist() == pytest.approx(expected, abs=1e-12)


@engines
def test_several_weights_at_once(engine: Engine) -> None:
    network = Network.of([0, 1, 2], [0, 1], [1, 2], [1.0, 1.0], output=[1.0, 1.0, 2.0])
    weights = np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 7.0], [0.0, 0.0, 0.0]])
    found = esri(network, [[0], [2], []], weights, engine=engine)
    assert found[0].tolist() == [1.0, 1.0, 0.0]
    assert found[1].tolist() == [1.0, 1.0, 0.0]
    assert np.isnan(found[2]).all()


@engines
def test_no_firms_at_all(engine: Engine) -> None:
    assert esri(Network.of([], [], [], []), engine=engine).tolist() == []


def test_the_engines_agree_on_a_large_network() -> None:
    rng = np.random.default_rng(5)
    n, m = 800, 4000
    source = rng.choice(n, m, p=(w := rng.pareto(1.2, n) + 1) / w.sum())
    target = rng.integers(0, n, m)
    network = Network.of(
        rng.integers(0, 40, n), source, target, rng.lognormal(0, 2, m), rng.random(m) < 0.5
    )
    slow, fast = (esri(network, engine=engine) for engine in ENGINES)
    assert np.abs(slow - fast).max() <= 1e-10
    assert fast.max() > 10 * fast.mean()


def test_a_second_source_halves_the_amount_and_more() -> None:
    # A single maker: its buyer stops. Two of half the size: the buyer loses half, times sigma = 1,
    # because the twin's half of the market is all that is left.
    network = Network.of([0, 1], [0], [1], [1.0], output=[1.0, 10.0])
    buyer = np.array([0.0, 1.0])
    assert esri(network, [[0]], buyer).tolist() == [1.0]
    twins = diversified(network, 0)
    assert esri(twins, [[0]], np.append(buyer, 0.0)).tolist() == [0.5]
    assert esri(twins, [[0, 2]], np.append(buyer, 0.0)).tolist() == [1.0]
    assert twins.output.sum() == network.output.sum()
    assert network.output.tolist() == [1.0, 10.0]


@pytest.mark.parametrize(
    ("field", "value"),
    [("weight", [-1.0]), ("weight", [np.inf]), ("output", [1.0, np.nan]), ("source", [2])],
)
def test_bad_networks_are_refused(field: str, value: list[float]) -> None:
    good: dict[str, Any] = {
        "product": [0, 1],
        "source": [0],
        "target": [1],
        "weight": [1.0],
        "output": [1.0, 1.0],
    }
    with pytest.raises(ValueError, match=r"link|amounts|outputs"):
        Network.of(**{**good, field: value})


def test_a_tolerance_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="tolerance"):
        esri(Network.of([0], [], [], []), tolerance=0.0)


def test_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network.of([0, 1], [0], [1], [1.0], output=[1.0, 1.0])
    monkeypatch.setattr("chainatlas.analysis.esri.find_spec", lambda name: None)
    monkeypatch.setattr("chainatlas.analysis.esri.WORTH_COMPILING", 0)
    assert esri(network).tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="numba"):
        esri(network, engine="numba")
