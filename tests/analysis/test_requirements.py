"""Leontief requirements: by hand, against dense linear algebra, on cycles, and paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from chainatlas.analysis import requirements as module
from chainatlas.analysis.requirements import Leontief, NotProductiveError, requirements, why
from chainatlas.analysis.scope import Scope
from chainatlas.graph import open_store
from chainatlas.graph.chain import records
from chainatlas.ingest import load, open_pack
from making import MakePack

# Wuhan makes panels for 100, which take 0.3 of glass, and glass for 20, which takes 0.5 of sand.
FILES = {
    "clusters.csv": "id,name,region\nc,显示,420100\nempty,空,420100\n",
    "links.csv": "id,cluster,name,stage,position\nl,c,材料,upstream,1\n",
    "products.csv": "id,name,links\npanel,面板,l\nglass,玻璃,l\nsand,石英砂,\nother,其他,l\n",
    "inputs.csv": "product,input,cost_share\npanel,glass,0.3\nglass,sand,0.5\nother,panel,0.1\n",
    "enterprises.csv": "id,name,region,revenue\na,甲,420111,100\nb,乙,420111,20\n",
    "produces.csv": "enterprise,product,share\na,panel,1\nb,glass,1\n",
}


def scope_of(pack: Path, folder: Path, cluster: str = "c", region: str = "420100") -> Scope:
    store = open_store(str(folder / "a.db"), create=True)
    assert load(store, [open_pack(pack)]).quarantined == 0
    return Scope.of(store.view().graph(), region, cluster)


def test_the_chain_worked_by_hand(make_pack: MakePack, tmp_path: Path) -> None:
    found = requirements(scope_of(make_pack(FILES), tmp_path))
    rows = {row["product"]: row for row in records(found.table)}
    assert set(rows) == {"panel", "glass", "sand", "other"}
    # Panels need 30 of glass; 20 are made here and go into them, so final output is 100.
    assert found.final == pytest.approx(100)
    for product, direct, total, steps in (("glass", 30, 30, 1), ("sand", 10, 15, 1)):
        assert rows[product]["direct"] == pytest.approx(direct)
        assert rows[product]["total"] == pytest.approx(total)
        assert rows[product]["steps"] == steps
    assert rows["panel"]["total"] == 0
    assert np.isnan(rows["panel"]["steps"])
    assert rows["sand"]["link"] is None
    assert not rows["sand"]["in_cluster"]
    # Column sums of L: sand 1, glass 1.5, panel 1 + 0.3 * 1.5, other 1 + 0.1 * 1.45; row sums.
    columns = {"sand": 1.0, "glass": 1.5, "panel": 1.45, "other": 1.145}
    across = {"other": 1.0, "panel": 1.1, "glass": 1.33, "sand": 1.665}
    for product, row in rows.items():
        assert row["backward"] == pytest.approx(4 * columns[product] / sum(columns.values()))
        assert row["forward"] == pytest.approx(4 * across[product] / sum(across.values()))


def test_why_names_the_strongest_path(make_pack: MakePack, tmp_path: Path) -> None:
    scope = scope_of(make_pack(FILES), tmp_path)
    (path,) = why(scope, "sand")
    assert path.products == ("panel", "glass", "sand")
    assert path.coefficients == (0.3, 0.5)
    assert path.given == (True, True)
    assert path.value == pytest.approx(15)
    assert why(scope, "other") == []


def test_a_cluster_that_makes_nothing_needs_nothing(make_pack: MakePack, tmp_path: Path) -> None:
    scope = scope_of(make_pack(FILES), tmp_path, region="440300")
    found = requirements(scope)
    assert found.final == 0
    assert set(found.table["total"]) == {0.0}
    assert why(scope, "sand") == []
    empty = Scope.of(scope.graph, "420100", "empty")
    assert len(requirements(empty).table) == 0


@pytest.mark.parametrize("limit", [module._LARGE, 0], ids=["factors", "series"])
@given(size=st.integers(1, 12), seed=st.integers(0, 10_000))
def test_against_dense_linear_algebra(limit: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.random((size, size)) * (rng.random((size, size)) < 0.4)
    matrix *= 0.95 * rng.random(size) / np.maximum(matrix.sum(axis=0), 1e-9)
    final = rng.random(size) * 1e12
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_LARGE", limit)
        ours = Leontief(sparse.csr_array(matrix))
        inverse = np.linalg.inv(np.eye(size) - matrix)
        np.testing.assert_allclose(ours.solve(final), inverse @ final, rtol=1e-10)
        np.testing.assert_allclose(ours.column_sums, inverse.sum(axis=0), rtol=1e-10)
        np.testing.assert_allclose(ours.row_sums, inverse.sum(axis=1), rtol=1e-10)


def test_total_is_never_below_direct(make_pack: MakePack, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    scope = scope_of(root / "data" / "hubei", tmp_path, "nev")
    table = requirements(scope).table
    assert (table["total"] >= table["direct"] * (1 - 1e-9)).all()
    top = table["product"][0]
    paths = why(scope, top)
    assert 0 < sum(path.value for path in paths) <= table["total"][0] * (1 + 1e-9)


@pytest.mark.parametrize(("back", "fine"), [(0.5, True), (1.0, False)])
def test_a_cycle_that_yields_nothing_is_named(
    make_pack: MakePack, tmp_path: Path, back: float, fine: bool
) -> None:
    inputs = (
        f"product,input,cost_share\npanel,glass,1\nglass,sand,1\nsand,glass,{back}\nother,panel,1\n"
    )
    scope = scope_of(make_pack({**FILES, "inputs.csv": inputs}), tmp_path)
    if fine:
        assert np.isfinite(requirements(scope).table["total"]).all()
        return
    with pytest.raises(NotProductiveError, match=r"玻璃（glass）、石英砂（sand）。") as caught:
        requirements(scope)
    assert caught.value.products == (("glass", "sand"),)
    assert "panel" not in str(caught.value)


def test_a_large_cycle_is_recognised_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGE", 1)
    monkeypatch.setattr(module, "_PATIENCE", 500)
    wheel = sparse.csr_array(np.roll(np.eye(4), 1, axis=1))
    with pytest.raises(NotProductiveError, match=r"（0）.*（1）.*（2）"):
        Leontief(wheel)
