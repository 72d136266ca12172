"""The product space: against plain loops from the papers, PyPI ecomplexity, and odd matrices."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from ecomplexity import ecomplexity
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chainatlas.analysis.space import (
    NO_PRESENCE,
    NOT_UNIQUE,
    TOO_FEW,
    Proximity,
    Space,
    advantage,
    complexity,
    present,
)

Floats = npt.NDArray[np.float64]


def nested(places: int, products: int, seed: int) -> Floats:
    """Random output in which able places make more, and harder, products."""
    rng = np.random.default_rng(seed)
    ability, difficulty = rng.random((places, 1)), rng.random((1, products))
    makes = rng.random((places, products)) < 1 / (1 + np.exp(-8 * (ability - difficulty)))
    return np.where(makes, rng.lognormal(0, 1, (places, products)), 0.0)


def peer(output: Floats) -> dict[str, Floats]:
    """PyPI ecomplexity's figures, each of the shape of the output."""
    places, products = output.shape
    frame = pd.DataFrame(
        {
            "t": 1,
            "l": np.repeat(np.arange(places), products),
            "p": np.tile(np.arange(products), places),
            "v": output.ravel(),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        columns = {"time": "t", "loc": "l", "prod": "p", "val": "v"}
        found = ecomplexity(frame, columns, verbose=False, check_logsupermodularity=False)
    found = found.sort_values(["l", "p"])
    names = ("rca", "density", "cog", "eci", "pci", "coi", "diversity", "ubiquity")
    return {name: found[name].to_numpy(float).reshape(output.shape) for name in names}


@pytest.mark.parametrize(("places", "products", "seed"), [(20, 30, 0), (40, 25, 1), (60, 300, 2)])
def test_agreement_with_ecomplexity(places: int, products: int, seed: int) -> None:
    output = nested(places, products, seed)
    output = output[output.sum(axis=1) > 0][:, output.sum(axis=0) > 0]
    rca = advantage(output)
    space = Space(present(rca))
    theirs = peer(output)
    np.testing.assert_array_equal(rca, theirs["rca"])
    np.testing.assert_array_equal(space.own.diversity, theirs["diversity"][:, 0])
    np.testing.assert_array_equal(space.ubiquity, theirs["ubiquity"][0])
    for name, ours, wanted in (
        ("eci", space.own.eci, theirs["eci"][:, 0]),
        ("pci", space.pci, theirs["pci"][0]),
        ("density", space.own.density, theirs["density"]),
        ("coi", space.own.coi, theirs["coi"][:, 0]),
        ("cog", space.own.cog, theirs["cog"]),
    ):
        np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-12, err_msg=name)


def loops(presence: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Proximity and density by the sentences of Hidalgo et al. (2007), pair by pair."""
    places, products = presence.shape
    ubiquity = presence.sum(axis=0)
    phi = np.zeros((products, products))
    for p in range(products):
        for q in range(products):
            both = sum(presence[c, p] and presence[c, q] for c in range(places))
            if both:
                phi[p, q] = min(both / ubiquity[p], both / ubiquity[q])
    density = np.full(presence.shape, np.nan)
    for c in range(places):
        for q in range(products):
            total = sum(phi[p, q] for p in range(products))
            if total > 0:
                density[c, q] = sum(phi[p, q] for p in range(products) if presence[c, p]) / total
    return phi, density


@given(
    arrays.arrays(
        np.bool_,
        st.tuples(st.integers(1, 7), st.integers(1, 8)),
        elements=st.booleans(),
    )
)
def test_proximity_and_density_are_those_of_the_paper(presence: npt.NDArray[np.bool_]) -> None:
    phi, density = loops(presence)
    operator = Proximity(presence)
    products = presence.shape[1]
    np.testing.assert_allclose(operator.weigh(np.eye(products)), phi, atol=1e-14)
    np.testing.assert_allclose(operator.of(np.arange(products)), phi, atol=1e-14)
    space = Space(presence)
    np.testing.assert_allclose(space.own.density, density, atol=1e-14)
    np.testing.assert_allclose(space.own.distance, 1 - density, atol=1e-14)


@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(0, 6), st.integers(0, 6)),
        elements=st.one_of(st.just(0.0), st.floats(1e-3, 1e15)),
    )
)
def test_whatever_the_output_figures_are_numbers_or_undefined(output: Floats) -> None:
    space = Space(present(advantage(output)))
    figures = space.own
    for values in (figures.density, figures.expected, figures.eci, figures.coi, figures.cog):
        assert not np.isinf(values).any()
    for values in (space.pci, np.asarray(space.explained)):
        assert not np.isinf(values).any()
    known = figures.density[~np.isnan(figures.density)]
    assert ((known >= 0) & (known <= 1 + 1e-12)).all()
    assert np.isnan(figures.density[:, space.ubiquity == 0]).all()
    if space.reason:
        assert np.isnan(figures.eci).all()
        assert np.isnan(space.pci).all()
    else:
        assert figures.eci[~np.isnan(figures.eci)].std() == pytest.approx(1.0)


def matrix(*rows: str) -> npt.NDArray[np.bool_]:
    return np.asarray([[cell == "1" for cell in row] for row in rows], dtype=bool)


@pytest.mark.parametrize(
    ("presence", "reason"),
    [
        (matrix("00", "00"), NO_PRESENCE),
        (matrix("111"), TOO_FEW),
        (matrix("11", "11", "11"), NOT_UNIQUE),  # nothing tells the places apart
        (matrix("10", "01"), TOO_FEW),  # two groups of one place each
    ],
)
def test_undefined_complexity_has_a_reason(presence: npt.NDArray[np.bool_], reason: str) -> None:
    assert complexity(presence).reason == reason


def test_only_the_largest_group_is_compared() -> None:
    whole = matrix("1100", "0100", "1110", "0001")  # the last place shares nothing with the rest
    found, alone = complexity(whole), complexity(whole[:3, :3])
    assert found.reason == ""
    assert np.isnan(found.places[3])
    assert np.isnan(found.products[3])
    np.testing.assert_allclose(found.places[:3], alone.places, atol=1e-12)


def test_the_null_is_least_squares_over_absent_products() -> None:
    rng = np.random.default_rng(5)
    presence = rng.random((30, 50)) < 1.2 * rng.random((30, 1)) * rng.random((1, 50))
    space = Space(presence)
    diversity, ubiquity = presence.sum(axis=1)[:, None], presence.sum(axis=0)[None, :]
    absent = ~presence & (ubiquity > 0)
    columns: list[Any] = [np.ones(presence.shape), diversity + 0 * ubiquity]
    columns += [ubiquity + 0 * diversity, diversity * ubiquity]
    design = np.stack([c[absent] for c in columns], axis=1)
    wanted = space.own.density[absent]
    fit = design @ np.linalg.lstsq(design, wanted)[0]
    np.testing.assert_allclose(space.own.expected[absent], fit, atol=1e-10)
    explained = 1 - ((wanted - fit) ** 2).sum() / ((wanted - wanted.mean()) ** 2).sum()
    assert space.explained == pytest.approx(explained, abs=1e-10)
    np.testing.assert_allclose(space.own.surplus[absent], wanted - fit, atol=1e-10)


def test_a_place_of_the_space_has_the_same_figures_when_asked_alone() -> None:
    space = Space(present(advantage(nested(25, 40, 3))))
    alone = space.figures(space.presence[[4]])
    own = space.own
    for name in ("density", "expected", "eci", "coi", "cog"):
        np.testing.assert_allclose(getattr(alone, name)[0], getattr(own, name)[4], atol=1e-12)
