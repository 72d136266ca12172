"""Priority, targets, landing places and evidence on a chain small enough to work by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainatlas.analysis.evidence import details
from chainatlas.analysis.gaps import Gaps, find_gaps
from chainatlas.analysis.landing import landings
from chainatlas.analysis.priority import PARTS_ZH, WEIGHTS
from chainatlas.analysis.scope import Scope
from chainatlas.analysis.targets import find_targets
from chainatlas.graph import NotFoundError, open_store
from chainatlas.graph.chain import records
from chainatlas.ingest import load, open_pack
from making import MakePack

# Wuhan makes panels (1e10 in Hongshan) and resin (1e8 in Jiangxia). A panel takes 0.3 of glass and,
# left to the rule, 0.3 of film: demand 3e9 each. Nobody in Wuhan makes glass; film is made by Film
# Wuhan, 1e9. A glass works takes 0.6 of sand, which nobody makes.
FILES = {
    "clusters.csv": "id,name,region\nc,显示,420100\n",
    "links.csv": "id,cluster,name,stage,position\nup,c,材料,upstream,1\ndown,c,面板,downstream,2\n",
    "products.csv": (
        "id,name,links,domestic_rate\n"
        "panel,面板,down,\nglass,玻璃,up,0.1\nfilm,薄膜,up,0.8\nresin,树脂,up,\nsand,石英砂,,\n"
    ),
    "inputs.csv": (
        "product,input,cost_share,criticality\n"
        "panel,glass,0.3,0.95\npanel,film,,0.6\nglass,sand,0.6,0.5\n"
    ),
    "enterprises.csv": (
        "id,name,country,region,labels,revenue\n"
        "maker,面板厂,,420111,leading,1e10\n"
        "filmwh,薄膜厂,,420115,,1e9\n"
        "resinwh,树脂厂,,420115,,1e8\n"
        "abroad,海外玻璃,JP,,leading,4e10\n"
        "east,华东玻璃,,310115,listed,2e9\n"
        "near,黄石玻璃,,420200,,1e9\n"
        "tied,深圳玻璃,,440300,little_giant,\n"
        "branch,玻璃集团,,110100,,6e9\n"
    ),
    "produces.csv": (
        "enterprise,product,region,share\n"
        "maker,panel,,1\nfilmwh,film,,1\nresinwh,resin,,1\nabroad,glass,,0.5\neast,glass,,1\n"
        "near,glass,,1\ntied,glass,,1\nbranch,glass,,0.5\nbranch,film,420115,0.05\n"
    ),
    "supplies.csv": "supplier,buyer,product,amount\ntied,maker,glass,1e8\n",
    "institutes.csv": "id,name,kind,region\nu,某大学,university,420111\n",
    "research.csv": "institute,product\nu,glass\n",
    "surveys.csv": "region,product,status\n420000,glass,complete\n",
}


def answer(pack: Path, folder: Path) -> Gaps:
    """The gaps of Wuhan by a pack."""
    store = open_store(str(folder / "a.db"), create=True)
    report = load(store, [open_pack(pack)])
    assert report.quarantined == 0
    return find_gaps(Scope.of(store.view().graph(), "420100", "c"))


@pytest.fixture
def gaps(make_pack: MakePack, tmp_path: Path) -> Gaps:
    return answer(make_pack(FILES), tmp_path)


def row(gaps: Gaps, product: str) -> dict[str, object]:
    return next(r for r in records(gaps.table) if r["product"] == product)


def test_the_gap_that_matters_comes_first(gaps: Gaps) -> None:
    first = records(gaps.table)[0]
    assert first["product"] == "glass"
    assert first["primary"] == "fortify"
    assert first["actions"] == ["supplement", "fortify"]
    assert first["evidence"] == "confirmed"
    assert first["routes"] == ["research", "coordinate", "attract", "cultivate"]


def test_parts_of_the_priority_by_hand(gaps: Gaps) -> None:
    glass = row(gaps, "glass")
    # Makers of glass in China: 1e9, 2e9, 3e9 (half of 6e9) and 4e8 imputed: median 1.5e9.
    assert glass["parts"] == pytest.approx(
        {
            "demand": 0.25,  # 3e9 unmet, the most of the list
            "criticality": 0.2 * 0.95,
            "viability": 0.2,  # 3e9 feeds a plant of 1.5e9
            "dependence": 0.15 * 0.9,
            "weakness": 0.1,
            "feasibility": 0.1 * (4 / 4 + 0) / 2,  # all routes; its sand is not made
        }
    )
    film = row(gaps, "film")
    # 1e9 and 3e8 of 3e9 are made here: 1.7e9 unmet.
    parts = film["parts"]
    assert isinstance(parts, dict)
    assert parts["demand"] == pytest.approx(0.25 * (1.7e9 / 3e9) ** 0.5)
    assert sum(parts.values()) == pytest.approx(film["priority"])
    assert set(parts) == set(WEIGHTS) == set(PARTS_ZH)


def test_targets_are_outside_and_explained(gaps: Gaps) -> None:
    targets = find_targets(gaps, ["glass"])
    found = {t["enterprise"]: t for t in records(targets)}
    assert set(found) == {"abroad", "east", "near", "tied", "branch"}
    assert [t["rank"] for t in records(targets)] == [1, 2, 3, 4, 5]
    for target in found.values():
        assert sum(target["parts"].values()) == pytest.approx(target["score"], abs=1e-12)
        assert all(target["parts"][k] <= w + 1e-12 for k, w in target["weights"].items())
    assert found["abroad"]["from_region"] == "JP"
    assert found["east"]["from_region"] == "310115"
    # A plant here is the closest tie, then a supply to a local enterprise; others have none.
    assert found["branch"]["parts"]["tie"] == pytest.approx(0.2)
    assert found["branch"]["path"] == [{"from": "玻璃集团", "edge": "PRODUCES", "to": "武汉市"}]
    assert found["tied"]["parts"]["tie"] == pytest.approx(0.2 * 0.9)
    assert found["tied"]["path"] == [{"from": "深圳玻璃", "edge": "SUPPLIES", "to": "面板厂"}]
    assert found["east"]["parts"]["tie"] == 0.0
    assert found["east"]["path"] == []
    # Hubei first.
    assert found["near"]["parts"]["nearness"] == pytest.approx(0.1)
    assert found["east"]["parts"]["nearness"] == pytest.approx(0.05)
    assert found["abroad"]["parts"]["nearness"] == 0.0
    # Half of the group's revenue is glass, 0.5 / 0.55 of what is known of its output.
    assert found["branch"]["parts"]["fit"] == pytest.approx(0.2 * 0.5 / 0.55)
    assert {f["part"] for f in found["tied"]["facts"]} >= {"scale", "standing", "tie", "pull"}


def test_local_makers_are_no_targets(gaps: Gaps) -> None:
    assert len(find_targets(gaps, ["film"])) == 0  # the other maker of film has its plant here
    assert len(find_targets(gaps, ["panel"])) == 0


def test_gaps_only_and_the_number_asked_for(gaps: Gaps) -> None:
    every = find_targets(gaps, per_gap=None)
    acting = gaps.table[[bool(a) for a in gaps.table["actions"]]]["product"].tolist()
    assert list(dict.fromkeys(every["product"])) == [
        p for p in acting if p in set(every["product"])
    ]
    assert len(find_targets(gaps, ["glass"], per_gap=2)) == 2


def test_landing_is_where_the_demand_is(gaps: Gaps) -> None:
    places = landings(gaps)
    assert places["glass"].region == "420111"  # the panel works and the university
    assert "需求" in places["glass"].reason
    assert places["panel"].region == "420115"  # no demand anywhere; film is made there
    county = find_gaps(Scope.of(gaps.scope.graph, "420111", "c"))
    assert landings(county)["glass"].region == "420111"
    nowhere = find_gaps(Scope.of(gaps.scope.graph, "530100", "c"))
    assert landings(nowhere)["glass"].region == "530100"


def test_what_stands_beside_a_gap(gaps: Gaps) -> None:
    glass = details(gaps)["glass"]
    assert [m.enterprise for m in glass.local] == []
    assert [m.enterprise for m in glass.province] == ["near"]
    assert [m.enterprise for m in glass.national] == ["branch", "east", "tied"]
    assert [m.enterprise for m in glass.foreign] == ["abroad"]
    assert glass.foreign[0].place == "JP"
    assert [m.size_known for m in glass.national] == [True, True, False]
    (buyer,) = glass.buyers
    assert (buyer.enterprise, buyer.product, buyer.share_given) == ("maker", "panel", True)
    assert (buyer.low, buyer.high) == pytest.approx((3e9, 3e9))
    assert glass.plant == pytest.approx(1.5e9)
    assert glass.feeds_plant is True
    assert glass.rate_given is True
    assert glass.researchers == ("某大学",)
    film = details(gaps, ["film"])["film"]
    assert film.buyers[0].share_given is False
    assert film.buyers[0].low == pytest.approx(3e9)


def test_buyers_of_unknown_size_have_a_range(make_pack: MakePack, tmp_path: Path) -> None:
    unknown = FILES["enterprises.csv"].replace("leading,1e10", "leading,")
    imputed = answer(make_pack({**FILES, "enterprises.csv": unknown}), tmp_path)
    (buyer,) = details(imputed)["glass"].buyers
    # A leading enterprise counts as 5e9 a year: 0.3 of it, divided and multiplied by 3.
    assert (buyer.low, buyer.high) == pytest.approx((5e8, 4.5e9))


@pytest.mark.parametrize(("region", "cluster"), [("999999", "c"), ("420100", "none")])
def test_unknown_scope_is_an_error(gaps: Gaps, region: str, cluster: str) -> None:
    with pytest.raises(NotFoundError):
        Scope.of(gaps.scope.graph, region, cluster)
