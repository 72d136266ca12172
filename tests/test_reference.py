"""The naive reference: worked by hand here, then compared with the product on random packs.

By default a random pack is asked about two of its (region, cluster) pairs: the one where the most
happens, and any other. With REFERENCE_ALL=1 in the environment every pair is asked.
"""

import contextlib
import io
import json
import math
import os
import tempfile
from collections.abc import Mapping
from itertools import product as pairs_of
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from reference import naive, packs

# --- A chain worked by hand ----------------------------------------------------------------------

# A (Wuhan, known revenue 1e10) makes cars (0.8 of its revenue: 8e9) and, in what is left, batteries
# (0.2: 2e9). B (Wuhan, a little giant of unknown revenue: 4e8) makes rims, as does C (Shenzhen,
# 3.6e9). J (Japan, 1e9) makes chips. Nobody makes separators. S sells chips but makes none.
CHAIN = {
    "clusters": "id,name,region\nnev,汽车,420100\nempty,空,420100\n",
    "links": (
        "id,cluster,name,stage,position\n"
        "parts,nev,零部件,upstream,2\n"
        "assembly,nev,整车,midstream,1\n"
        "spare,nev,备件,downstream,\n"
    ),
    "products": (
        "id,name,links\n"
        "car,汽车,assembly\n"
        "battery,电池,parts;spare;assembly\n"
        "separator,隔膜,spare;parts\n"
        "chip,芯片,parts\n"
        "rim,轮毂,parts\n"
        "loose,无环节产品,\n"
    ),
    # car: 0.3 given, 0.3 left for chip (criticality 1) and rim (0.5): 0.2 and 0.1.
    "inputs": (
        "product,input,cost_share,criticality\n"
        "car,battery,0.3,0.9\n"
        "car,chip,,1\n"
        "car,rim,,\n"
        "battery,separator,0.25,\n"
    ),
    "enterprises": (
        "id,name,country,region,labels,revenue\n"
        "A,A,,420111,,10000000000\n"
        "B,B,CN,420115,little_giant;high_tech,\n"
        "C,C,CN,440300,,3600000000\n"
        "J,J,JP,,leading,1000000000\n"
        "S,S,CN,420111,,500000000\n"
    ),
    "produces": (
        "enterprise,product,region,role,share\n"
        "A,car,,,0.8\n"
        "A,battery,,maker,\n"
        "B,rim,,,\n"
        "C,rim,,,\n"
        "J,chip,,,1\n"
        "S,chip,,seller,1\n"
    ),
    "supplies": (
        "supplier,buyer,product,amount\n"
        "J,A,chip,300\n"
        "B,A,rim,100\n"
        "C,A,rim,\n"
        "A,B,loose,50\n"
        "J,S,chip,999\n"
    ),
    "institutes": "id,name\nhust,华中科技大学\n",
    "research": "institute,product\nhust,chip\nhust,car\n",
    "surveys": (
        "region,product,status\n"
        "420000,separator,complete\n"
        "420111,chip,complete\n"
        "420100,rim,partial\n"
    ),
}


def write(folder: Path, tables: Mapping[str, str]) -> Path:
    """Write tables, given as text, into a folder."""
    for name, text in tables.items():
        ending = "toml" if name == "rules" else "csv"
        (folder / f"{name}.{ending}").write_text(text, encoding="utf-8")
    return folder


def by_product(folder: Path, region: str, cluster: str = "nev") -> dict[str, dict[str, Any]]:
    """Ask the reference for gaps, by product."""
    return {str(entry["product"]): entry for entry in naive.gaps(folder, region, cluster)}


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """The chain worked by hand, as a pack."""
    return write(tmp_path, CHAIN)


def test_the_car_is_sound(chain: Path) -> None:
    """Every figure of a product that nothing is wrong with."""
    # In Wuhan 8e9 + 2e9 + 4e8 = 1.04e10 is made, in the country 3.6e9 more: 1.4e10.
    # Of the inputs' 0.6 the battery's 0.3 and the rim's 0.1 are made here.
    assert by_product(chain, "420100")["car"] == {
        "product": "car",
        "name": "汽车",
        "link": "assembly",
        "stage": "midstream",
        "actions": [],
        "primary": "sound",
        "made": True,
        "needed": False,
        "present": True,
        "output": 8e9,
        "demand": 0.0,
        "coverage": None,
        "fulfilment": 1.0,
        "lq": pytest.approx((8 / 10.4) / (8 / 14)),
        "criticality": None,
        "effective_suppliers": 1.0,
        "national_makers": 1,
        "domestic_rate": 1.0,
        "reachable": pytest.approx(0.4 / 0.6),
        "evidence": "suspected",
        "robust": True,
        "reasons": [],
        "routes": ["cultivate", "research"],
    }


def test_the_battery_is_thin_and_from_one_source(chain: Path) -> None:
    """Two actions at once, the first of them primary."""
    # Demand 0.3 x 8e9 = 2.4e9 against 2e9 made. The median domestic maker is A itself: a leader.
    entry = by_product(chain, "420100")["battery"]
    assert (entry["link"], entry["stage"]) == ("assembly", "midstream")
    assert entry["output"] == pytest.approx(2e9)
    assert entry["demand"] == pytest.approx(2.4e9)
    assert entry["coverage"] == entry["fulfilment"] == pytest.approx(2 / 2.4)
    assert entry["lq"] == pytest.approx((2 / 10.4) / (2 / 14))
    assert entry["criticality"] == 0.9
    assert entry["reasons"] == ["demand_unmet", "single_source"]
    assert entry["actions"] == ["strengthen", "fortify"]
    assert entry["primary"] == "strengthen"
    assert entry["routes"] == ["cultivate"]


def test_the_chip_is_imported(chain: Path) -> None:
    """Foreign makers and sellers count neither locally nor nationally."""
    # Demand 0.2 x 8e9 = 1.6e9; only J makes it, abroad; S only sells it.
    entry = by_product(chain, "420100")["chip"]
    assert entry["demand"] == pytest.approx(1.6e9)
    assert (entry["made"], entry["needed"], entry["present"]) == (False, True, False)
    assert (entry["coverage"], entry["fulfilment"], entry["lq"]) == (0.0, 0.0, None)
    assert (entry["national_makers"], entry["domestic_rate"]) == (0, 0.0)
    assert entry["effective_suppliers"] is None
    assert entry["reasons"] == ["not_made", "import_dependent", "chokepoint"]
    assert entry["actions"] == ["supplement", "fortify"]
    assert entry["primary"] == "fortify"
    assert entry["routes"] == ["research", "attract", "cultivate"]
    assert entry["evidence"] == "suspected"  # the survey covers 420111 only
    assert by_product(chain, "420111")["chip"]["evidence"] == "confirmed"


def test_nobody_makes_separators(chain: Path) -> None:
    """A product without makers, whose links have and lack positions."""
    # Demand 0.25 x 2e9; criticality 0.5 by default, too low for import dependence.
    entry = by_product(chain, "420100")["separator"]
    assert entry["link"] == "parts"  # position 2 goes before no position
    assert entry["demand"] == pytest.approx(5e8)
    assert entry["criticality"] == 0.5
    assert entry["domestic_rate"] is None
    assert entry["reachable"] is None
    assert entry["reasons"] == ["not_made", "chokepoint"]
    assert entry["primary"] == "supplement"
    assert entry["routes"] == ["cultivate"]
    assert entry["evidence"] == "confirmed"


def test_rims_at_every_level(chain: Path) -> None:
    """The same product in a city, a county and the country."""
    # Demand 0.1 x 8e9 = 8e8. Wuhan makes 4e8, Hongshan (420111) nothing, the country 4e9.
    city = by_product(chain, "420100")["rim"]
    assert city["coverage"] == pytest.approx(0.5)
    assert city["lq"] == pytest.approx((0.4 / 10.4) / (4 / 14))
    assert city["national_makers"] == 2
    assert city["reasons"] == ["demand_unmet", "below_national_share", "no_leader"]
    assert city["actions"] == ["strengthen"]
    assert city["robust"] is True  # three times as much still is below the national share
    assert city["routes"] == ["attract", "cultivate"]
    county = by_product(chain, "420111")["rim"]
    assert county["reasons"] == ["not_made"]
    assert county["routes"] == ["coordinate", "attract", "cultivate"]
    country = by_product(chain, "100000")["rim"]
    assert country["coverage"] == pytest.approx(5.0)
    assert country["lq"] == pytest.approx(1.0)
    # Shares of 4e9: 0.1 and 0.9.
    assert country["effective_suppliers"] == pytest.approx(1 / 0.82)
    assert country["reasons"] == []
    assert country["routes"] == ["cultivate"]


def test_a_region_without_facts(chain: Path) -> None:
    """Such a region is answered too."""
    entries = by_product(chain, "530100")
    assert {entry["primary"] for entry in entries.values()} == {"absent"}
    assert entries["car"]["lq"] is None
    assert entries["car"]["reachable"] == 0.0
    assert entries["car"]["routes"] == ["attract", "research"]
    assert set(naive.supply_rate(chain, "530100", "nev").values()) == {None}


def test_only_products_of_the_cluster(chain: Path) -> None:
    """Products without a link in the cluster have no entry."""
    assert list(by_product(chain, "420100")) == ["battery", "car", "chip", "rim", "separator"]
    assert naive.gaps(chain, "420100", "empty") == []


def test_supply_rate(chain: Path) -> None:
    """All variants of the rate."""
    # Bought: battery 2.4e9 (f 2/2.4), chip 1.6e9 (0), rim 8e8 (0.5), separator 5e8 (0).
    # Pairs: car-battery and car-rim present, car-chip and battery-separator not.
    # Purchases with an amount by makers of the cluster, A and B: 300 + 100 + 50, 150 local.
    assert naive.supply_rate(chain, "420100", "nev") == {
        "value": pytest.approx(2.4 / 5.3),
        "value_low": pytest.approx(2.0 / 5.3),
        "count": 0.5,
        "observed": pytest.approx(150 / 450),
        "known_output_share": pytest.approx(10 / 10.4),
    }


def test_rules_of_a_cluster_go_before_the_pack(chain: Path) -> None:
    """Thresholds and sizes at every level of rules.toml."""
    # A little giant of 8e7: coverage 0.1, below the cluster's 0.15 but not the pack's 0.05.
    rules = "token_max = 0.05\nlq_min = 0.01\n[sizes]\nlittle_giant = 1e9\n[cluster.nev]\n"
    write(chain, {"rules": rules + "token_max = 0.15\n[cluster.nev.sizes]\nlittle_giant = 8e7\n"})
    entry = by_product(chain, "420100")["rim"]
    assert entry["output"] == pytest.approx(8e7)
    assert entry["reasons"] == ["token"]
    assert entry["actions"] == ["supplement"]
    assert (entry["made"], entry["present"]) == (True, False)
    assert entry["robust"] is False  # 2.4e8 of 8e8 is no token
    # Without the cluster's own rules 1e9 of 8e8 is made, yet without a leader.
    write(chain, {"rules": rules})
    assert by_product(chain, "420100")["rim"]["reasons"] == ["no_leader"]


def test_extend_where_the_inputs_are_made(chain: Path) -> None:
    """Half of the inputs is enough."""
    # Shenzhen makes rims only; 0.1 of the car's 0.6 is too little, but 0.1 of 0.2 is enough.
    assert by_product(chain, "440300")["car"]["reasons"] == []
    inputs = "product,input,cost_share,criticality\ncar,chip,0.1,1\ncar,rim,0.1,1\n"
    write(chain, {"inputs": inputs})
    entry = by_product(chain, "440300")["car"]
    assert entry["reachable"] == pytest.approx(0.5)
    assert (entry["reasons"], entry["primary"]) == (["reachable"], "extend")


# --- Single functions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "region", "inside"),
    [
        ("420111", "420111", True),
        ("420111", "420100", True),
        ("420111", "420000", True),
        ("420111", "100000", True),
        ("420100", "420111", False),
        ("420000", "420100", False),
        ("420600", "420100", False),
        ("429004", "420000", True),
        ("429004", "429005", False),
        ("429004", "420100", False),
        ("440304", "420000", False),
        ("500112", "500000", True),
        ("", "100000", False),
        ("", "420100", False),
    ],
)
def test_lies_in(code: str, region: str, inside: bool) -> None:
    """Regions follow from the digits."""
    assert naive.lies_in(code, region) is inside


@pytest.mark.parametrize(
    ("given_shares", "expected"),
    [
        ([0.8, None], [0.8, 0.2]),
        ([None, None], [0.5, 0.5]),
        ([0.4, None, None], [0.4, 0.3, 0.3]),
        ([0.9, 0.6], [0.6, 0.4]),
        ([0.9, 0.6, None], [0.6, 0.4, 0.0]),
        ([0.2, 0.3], [0.2, 0.3]),  # what no row accounts for is no output
        ([0.1] * 10 + [None], [0.1] * 10 + [0.0]),  # 1 - 10 x 0.1 is 0, not 1.1e-16
    ],
)
def test_shares(given_shares: list[float | None], expected: list[float]) -> None:
    """Shares are scaled, and the rest is split."""
    plants = [naive.Plant("A", "p", "", "maker", share) for share in given_shares]
    assert naive.shares(plants) == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize(
    ("given_shares", "expected"),
    [
        ({"b": (None, 1.0), "c": (None, 0.5)}, {"b": 0.4, "c": 0.2}),
        ({"b": (0.2, 1.0), "c": (0.4, 0.5), "d": (None, 0.9)}, {"b": 0.2, "c": 0.4, "d": 0.0}),
        ({"b": (0.7, 1.0), "c": (None, 0.5)}, {"b": 0.7, "c": 0.0}),
        ({"b": (0.1, 1.0), "c": (None, 0.0)}, {"b": 0.1, "c": 0.0}),
        ({"b": (None, 0.0), "c": (None, 0.3)}, {"b": 0.0, "c": 0.6}),
    ],
)
def test_coefficient(
    given_shares: dict[str, tuple[float | None, float]], expected: dict[str, float]
) -> None:
    """Given cost shares stand, the others share what is left of 0.6."""
    facts = naive.Facts(
        links=[],
        products=[],
        enterprises={},
        plants=[],
        inputs=[naive.Input("a", used, *row) for used, row in given_shares.items()],
        supplies=[],
        research=[],
        surveys=[],
        rules=naive.THRESHOLDS,
        sizes=naive.SIZES,
    )
    for used, share in expected.items():
        assert naive.coefficient(facts, used, "a") == pytest.approx(share, rel=1e-9, abs=0)
    assert naive.coefficient(facts, "nothing", "a") == 0.0


def test_domestic_rows(tmp_path: Path) -> None:
    """A row is domestic by its plant, its enterprise or its country."""
    # K (Korea) makes half of its 1e9 in Xiantao (429004), the other half abroad. N (3e8) is Chinese
    # without any region: it counts nationally, as Xiantao does: 8e8 of 1.3e9.
    folder = write(
        tmp_path,
        {
            "clusters": "id,name,region\nnev,汽车,420100\n",
            "links": "id,cluster,name,stage\nparts,nev,零部件,upstream\n",
            "products": "id,name,links\nchip,芯片,parts\n",
            "enterprises": (
                "id,name,country,region,revenue\nK,K,KR,,1000000000\nN,N,,,300000000\n"
            ),
            "produces": (
                "enterprise,product,region,share\nK,chip,429004,0.5\nK,chip,,0.5\nN,chip,,\n"
            ),
        },
    )
    xiantao = by_product(folder, "429004")["chip"]
    assert xiantao["output"] == 5e8
    assert xiantao["domestic_rate"] == pytest.approx(8 / 13)
    # All of what Xiantao makes, and all of what the country makes, is chips.
    assert xiantao["lq"] == pytest.approx(1.0)
    assert xiantao["national_makers"] == 2
    country = by_product(folder, "100000")["chip"]
    assert country["output"] == 5e8
    assert country["routes"] == ["attract"]  # K's plant abroad and N's, which lies nowhere


# --- Random packs --------------------------------------------------------------------------------

PROFILED = "HYPOTHESIS_PROFILE" in os.environ
ACTIONS = {"supplement", "extend", "strengthen", "fortify"}
STATES = ACTIONS | {
    *("sound", "absent", "confirmed", "suspected", "not robust"),
    *("not_made", "token", "demand_unmet", "below_national_share", "no_leader"),
    *("single_source", "import_dependent", "chokepoint", "reachable"),
    *("coordinate", "attract", "cultivate", "research"),
}


def states(entries: list[dict[str, Any]]) -> set[str]:
    """Everything that a list of entries shows an example of."""
    found: set[str] = set()
    for entry in entries:
        found |= {*entry["actions"], *entry["reasons"], *entry["routes"]}
        found |= {entry["primary"], entry["evidence"]}
        if not entry["robust"]:
            found.add("not robust")
    return found


def test_random_packs_reach_every_state() -> None:
    """A test on random packs is worth what the packs reach."""
    reached: set[str] = set()

    @settings(
        max_examples=80,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(pack=packs.packs())
    def gather(pack: packs.Pack) -> None:
        """Note the states of a pack, and what must hold for any."""
        with tempfile.TemporaryDirectory() as name:
            pack.write(Path(name))
            for region, cluster in pairs_of(packs.ASKED_REGIONS, pack.clusters):
                entries = naive.gaps(Path(name), region, cluster)
                reached.update(states(entries))
                for entry in entries:
                    check_entry(entry)
                check_rate(naive.supply_rate(Path(name), region, cluster))

    gather()
    assert reached == STATES


def check_entry(entry: dict[str, Any]) -> None:
    """Check what follows from the definitions alone."""
    assert entry["made"] == (entry["output"] > 0)
    assert entry["made"] or not entry["present"]
    assert (entry["coverage"] is None) == (not entry["needed"])
    assert 0 <= entry["fulfilment"] <= 1
    assert (entry["actions"] == []) == (entry["primary"] in ("sound", "absent"))
    assert entry["actions"] == [] or entry["primary"] in entry["actions"]
    assert (entry["effective_suppliers"] is None) == (not entry["made"])
    assert entry["effective_suppliers"] is None or entry["effective_suppliers"] >= 1 - 1e-9
    for share in ("domestic_rate", "reachable"):
        assert entry[share] is None or 0 <= entry[share] <= 1 + 1e-9


def check_rate(rate: dict[str, float | None]) -> None:
    """Check that rates are rates."""
    assert all(value is None or 0 <= value <= 1 + 1e-9 for value in rate.values())
    if rate["value"] is not None and rate["value_low"] is not None:
        assert rate["value_low"] <= rate["value"] + 1e-9
    assert (rate["value"] is None) == (rate["value_low"] is None)


def refuse(constant: str) -> None:
    """Refuse NaN and infinity, which are no JSON."""
    message = f"{constant} is no JSON"
    raise AssertionError(message)


def run(*argv: str) -> str:
    """Run a command of the product and return what it printed."""
    from chainatlas.api.cli import main  # here, so that the reference is tested without it too

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = main(list(argv))
    assert status == 0, f"{argv}: exit status {status}"
    return printed.getvalue()


def ask(command: str, region: str, cluster: str, db: Path) -> dict[str, Any]:
    """Ask the product for one JSON object."""
    about = ("--region", region, "--cluster", cluster)
    text = run(command, *about, "--db", str(db), "--format", "json")
    answer = json.loads(text, parse_constant=refuse)
    assert isinstance(answer, dict)
    assert isinstance(answer["schema"], str)
    assert isinstance(answer["version"], int)
    assert (answer["region"], answer["cluster"]) == (region, cluster)
    return answer


def same(product: object, reference: object) -> bool:
    """Compare values: numbers to 1e-9, everything else exactly."""
    if isinstance(product, bool) or isinstance(reference, bool):
        return product is reference
    if isinstance(product, (int, float)) and isinstance(reference, (int, float)):
        return math.isclose(product, reference, rel_tol=1e-9, abs_tol=0.0)
    return product == reference


def differences(
    product: Mapping[str, object], reference: Mapping[str, object]
) -> list[tuple[str, object, object]]:
    """List the keys on which the two do not agree."""
    return [
        (key, product[key], expected)
        for key, expected in reference.items()
        if not same(product[key], expected)
    ]


def compare_gaps(db: Path, folder: Path, region: str, cluster: str) -> None:
    """Compare the product's gaps with the reference's, and check their order."""
    expected = {entry["product"]: entry for entry in naive.gaps(folder, region, cluster)}
    answer = ask("gaps", region, cluster, db)["gaps"]
    assert sorted(entry["product"] for entry in answer) == sorted(map(str, expected))
    order = [(-entry["priority"], entry["product"]) for entry in answer]
    assert order == sorted(order), "highest priority first, ties by product id"
    for entry in answer:
        reference = expected[entry["product"]]
        where = (region, cluster, entry["product"])
        assert set(entry) == {*reference, "priority", "parts"}, where
        assert all(set(r) == {"code", "value", "threshold", "unit"} for r in entry["reasons"])
        reduced = {**entry, "reasons": [reason["code"] for reason in entry["reasons"]]}
        assert differences(reduced, reference) == [], where
        assert 0 <= entry["priority"] <= 1, where
        assert entry["actions"] or entry["priority"] == 0, where


def compare_supply_rate(db: Path, folder: Path, region: str, cluster: str) -> None:
    """Compare the product's rates with the reference's."""
    expected = naive.supply_rate(folder, region, cluster)
    answer = ask("supply-rate", region, cluster, db)
    assert set(answer) == {"schema", "version", "region", "cluster", *expected}
    assert differences(answer, expected) == [], (region, cluster)


def to_ask(folder: Path, clusters: tuple[str, ...], data: st.DataObject) -> list[tuple[str, str]]:
    """Choose what to ask: the pair with the most different states, and one of the others."""
    every = data.draw(st.permutations(list(pairs_of(packs.ASKED_REGIONS, clusters))))
    if "REFERENCE_ALL" in os.environ:
        return every
    busiest = max(every, key=lambda pair: len(states(naive.gaps(folder, *pair))))
    other = next(pair for pair in every if pair != busiest)
    return [busiest, other]


@settings(
    max_examples=settings.default.max_examples if PROFILED and settings.default else 60,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(pack=packs.packs(), data=st.data())
def test_product_agrees_with_the_reference(pack: packs.Pack, data: st.DataObject) -> None:
    """Whatever the pack, the two give the same answers."""
    with tempfile.TemporaryDirectory() as name:
        folder, db = Path(name, "pack"), Path(name, "facts.db")
        folder.mkdir()
        pack.write(folder)
        run("ingest", str(folder), "--db", str(db))
        for region, cluster in to_ask(folder, pack.clusters, data):
            for state in sorted(states(naive.gaps(folder, region, cluster))):
                event(state)
            compare_gaps(db, folder, region, cluster)
            compare_supply_rate(db, folder, region, cluster)
