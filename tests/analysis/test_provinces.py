"""The graph of the shipped pack and the public data sets answers for every province."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from chainatlas.analysis.gaps import find_gaps
from chainatlas.analysis.scope import Scope
from chainatlas.analysis.supply import supply_rate
from chainatlas.graph import ChainGraph, open_store, regions
from chainatlas.ingest.files import load_files
from chainatlas.ingest.products import same_products

pytestmark = pytest.mark.shared
PACK = Path(__file__).parents[2] / "data" / "hubei"
PROVINCES = [
    code
    for code in regions.names()
    if regions.level(code) == "province" and code[:2] not in ("71", "81", "82")
]


@pytest.fixture(scope="module")
def national(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> ChainGraph:
    db = str(tmp_path_factory.mktemp("national") / "store.db")
    sources = [PACK, shared / "real" / "ashare_2020" / "cn_corp202012.csv"]
    sources += [shared / "real" / "chainkg"]
    load_files(db, sources, stages=(same_products,))
    return open_store(db).view().graph()


def test_gaps_answer_for_every_province(national: ChainGraph) -> None:
    assert len(PROVINCES) == 31
    made = {}
    for code in PROVINCES:
        scope = Scope.of(national, code, "materials")
        gaps = find_gaps(scope).table
        rate = supply_rate(scope)
        assert len(gaps) == 85
        assert gaps["primary"].notna().all()
        assert gaps["priority"].between(0, 1).all()
        assert (gaps["coverage"].isna() == (gaps["demand"] == 0)).all()
        assert rate.value is None or pd.isna(rate.value) or 0 <= rate.value <= 1
        made[code] = int(gaps["made"].sum())
    # Hubei's own chain is the best known; most provinces make something of it.
    assert max(made, key=lambda code: made[code]) == "420000"
    assert sum(count > 0 for count in made.values()) >= 25


def test_products_keep_the_names_of_the_pack(national: ChainGraph) -> None:
    """A data set's 消防车 is the pack's 专用汽车, of which it is an alias, and does not rename it."""
    shipped = pd.read_csv(PACK / "products.csv", dtype="str").set_index("id")["name"]
    now = national["products"].set_index("id")["name"].reindex(shipped.index)
    assert (now == shipped).all()
