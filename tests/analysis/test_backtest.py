"""The backtest: its figures of merit, its model, its panel, and every protocol end to end."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from chainatlas.analysis.backtest import scoring
from chainatlas.analysis.backtest.choice import fit
from chainatlas.analysis.backtest.features import Describer
from chainatlas.analysis.backtest.panel import COLUMNS, Panel, Snapshot, build
from chainatlas.analysis.backtest.protocols import BASELINES, run
from chainatlas.graph.errors import ReadError

T0, END = date(2018, 6, 30), date(2020, 12, 31)


def snapshot(on: date, rows: Sequence[Mapping[Any, Any]]) -> Snapshot:
    return Snapshot(on, pd.DataFrame(rows, columns=list(COLUMNS), dtype=object).fillna(""))


def firm(code: str, city: str, kind: str, listed: str, **more: str) -> dict[str, str]:
    base = {"code": code, "name": f"{city}{code}股份有限公司", "province": "湖北省", "city": city}
    return {**base, "industry": kind, "listed_on": listed, "text": f"{kind}产品", **more}


# --- Figures of merit ----------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 10**6)), min_size=2, max_size=60, unique_by=lambda x: x[1])
)  # fmt: skip
def test_figures_agree_with_scikit_learn(pairs: list[tuple[bool, int]]) -> None:
    truth = np.array([t for t, _ in pairs])
    scores = np.array([float(s) for _, s in pairs])
    if truth.any() and not truth.all():
        assert scoring.average_precision(truth, scores) == pytest.approx(
            average_precision_score(truth, scores)
        )
        assert scoring.auc(truth, scores) == pytest.approx(roc_auc_score(truth, scores))


def test_figures_without_positives_or_candidates() -> None:
    nothing, some = np.zeros(0, dtype=bool), np.zeros(3, dtype=bool)
    assert scoring.average_precision(some, np.arange(3.0)) == 0
    assert scoring.precision_at(nothing, np.zeros(0), 500) == 0
    assert scoring.auc(~some, np.arange(3.0)) == 0.5


def test_first_hits_by_hand() -> None:
    groups = np.array([0, 0, 0, 1, 1, 2])
    truth = np.array([False, True, True, False, False, True])
    found, rank = scoring.first_hits(groups, truth, np.array([3.0, 1.0, 2.0, 9.0, 8.0, 0.5]))
    assert found.tolist() == [0, 2]
    assert rank.tolist() == [2, 1]


def test_ties_are_broken_at_random_and_by_the_seed() -> None:
    equal = np.zeros(200)
    once = scoring.untied(equal, np.random.default_rng(1))
    again = scoring.untied(equal, np.random.default_rng(1))
    other = scoring.untied(equal, np.random.default_rng(2))
    assert (once == again).all()
    assert (once != other).any()
    assert sorted(once) == list(range(200))
    ranked = scoring.untied(np.array([1.0, 3.0, 2.0]), np.random.default_rng(1))
    assert ranked.tolist() == [0, 2, 1]


def test_intervals_resample_whole_clusters() -> None:
    clusters = np.repeat(np.arange(40), 5)
    values = np.repeat(np.random.default_rng(0).normal(size=40), 5)
    low, high = scoring.interval(
        clusters, lambda at: float(values[at].mean()), np.random.default_rng(1)
    )
    half = 1.96 * values[::5].std() / np.sqrt(40)
    assert low < values.mean() < high
    assert (high - low) / 2 == pytest.approx(half, rel=0.25)


# --- The model -----------------------------------------------------------------------------------


def test_the_choice_recovers_known_coefficients() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 6, 2))
    truth = np.array([1.5, -0.7])
    p = np.exp(x @ truth)
    chosen = np.array([rng.choice(6, p=row / row.sum()) for row in p])
    model = fit([x[:2000], x[2000:]], [chosen[:2000], chosen[2000:]])
    assert model.weights / model.spread == pytest.approx(truth, abs=0.08)
    assert np.exp(model.log_probability(x)).sum(axis=1) == pytest.approx(1.0)


# --- The panel -----------------------------------------------------------------------------------


def two() -> list[Snapshot]:
    first = [
        firm("1", "武汉市", "芯片", "2010-01-01", industry="", text="", revenue="5"),
        firm("2", "湖北", "", "2011-01-01", industry="", text=""),
        firm("3", "宜昌市", "化工", "2012-01-01", industry="", text=""),
    ]
    last = [
        firm("1", "武汉市", "芯片", "2010-01-01", revenue="7"),
        firm("2", "襄阳市", "汽车", "2011-01-01"),
        firm("4", "武汉市", "汽车", "2019-05-01", text="武汉的汽车零件，武汉4自制"),
        firm("5", "黄石市", "化工", "2021-02-01"),
        firm("6", "黄石市", "化工", "2015-02-01"),
    ]
    return [snapshot(T0, first), snapshot(END, last)]


def test_a_panel_by_hand() -> None:
    panel = build(two())
    assert panel.cities == ("武汉市", "襄阳市")
    assert panel.industries == ("汽车", "芯片")
    # 3 has no industry anywhere, 5 came after the outcome, 6 was listed before T0 and is no event.
    hidden = panel.new(panel.start, panel.end)
    assert [panel.cities[panel.city[f]] for f in hidden] == ["武汉市"]
    assert panel.counts["new_firms"] == 1
    assert panel.counts["left_out_without_city_or_industry"] == 1
    assert panel.counts["new_without_date_or_listed_before_start"] == 1
    assert panel.counts["backfilled_industry"] == 2
    assert panel.counts["backfilled_city"] == 1
    assert "武汉" not in "".join(panel.text)


def test_the_leakage_check_finds_what_is_planted() -> None:
    clean = {str(f["check"]): f["count"] for f in build(two()).leakage}
    assert clean == {
        "listed_after_outcome": 1,
        "listed_after_start": 0,
        "revenue_of_outcome": 0,
        "employees_of_outcome": 0,
        "text_names_own_city": 0,
    }
    first, last = two()
    rows = [{str(k): str(v) for k, v in r.items()} for r in first.table.to_dict("records")]
    rows[0]["revenue"] = "7"  # what only the outcome knows
    rows.append(firm("4", "武汉市", "汽车", "2019-05-01"))  # an event, shown before it happened
    hidden = firm("8", "黄石市", "汽车", "2019-01-01")
    late = snapshot(END, [*last.table.to_dict("records"), hidden])
    planted = build([snapshot(T0, rows), late])
    found = {str(f["check"]): f["count"] for f in planted.leakage}
    assert found["revenue_of_outcome"] == 1
    assert found["listed_after_start"] == 1
    # The planted firm is hidden again, not seen at T0.
    assert len(planted.new(planted.start, planted.end)) == 2


def test_industries_of_another_classification_are_replaced() -> None:
    first, last = two()
    rows = first.table.assign(industry="C 制造业")
    panel = build([Snapshot(T0, rows), last])
    assert "C 制造业" not in panel.industries
    assert panel.counts["backfilled_industry"] == 2


def test_firms_of_earlier_snapshots_are_there_until_they_go() -> None:
    gone = snapshot(date(2014, 1, 1), [firm("9", "武汉市", "芯片", "2009-01-01")])
    panel = build([*two(), gone])
    assert panel.counts["delisted_before_start"] == 1
    assert panel.here(np.datetime64("2013-01-01")).sum() == 3
    assert panel.here(panel.start).sum() == 2


@pytest.mark.parametrize("snapshots", [[], two()[:1], [two()[0], snapshot(END, [])]])
def test_too_little_is_refused(snapshots: list[Snapshot]) -> None:
    with pytest.raises(ReadError):
        build(snapshots)


# --- Protocols, end to end -----------------------------------------------------------------------


def world(seed: int = 0) -> Panel:
    """Cities of two kinds; an industry settles where its kin are, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    cities, industries = 30, 12
    sizes = rng.pareto(1.2, cities) + 0.5
    rows = []
    for n in range(900):
        i = int(rng.integers(industries))
        pull = sizes * np.where(np.arange(cities) % 2 == i % 2, 6.0, 0.4)
        c = int(rng.choice(cities, p=pull / pull.sum()))
        day = date.fromordinal(date(2006, 1, 1).toordinal() + int(rng.integers(5400)))
        kind = "光刻蚀刻薄膜" if i % 2 else "齿轮轴承铸件"
        rows.append(
            {**firm(f"{n:04}", f"城{c:02}市", f"业{i:02}", day.isoformat(), text=f"{kind}业{i:02}"),
             "province": f"省{c // 5}"}
        )  # fmt: skip
    first = [r for r in rows if r["listed_on"] <= T0.isoformat()]
    return build([snapshot(T0, first), snapshot(END, rows)])


@pytest.fixture(scope="module")
def panel() -> Iterator[Panel]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "RESAMPLES", 40)  # intervals are tested above; these may be rough
        yield world()


def test_every_protocol_end_to_end(panel: Panel) -> None:
    result = run(panel, 7)
    assert list(result.protocols) == ["entry", "entry_within_city", "placement", "gap_to_firm"]
    entry = result.protocols["entry"]
    state = Describer(panel).at(panel.start)
    assert entry["candidates"] == int((state.count == 0).sum())  # all of them, none sampled
    gained = panel.counted(panel.new(panel.start, panel.end)) > 0
    assert entry["positives"] == int((gained & (state.count == 0)).sum())
    assert entry["base_rate"] == pytest.approx(entry["positives"] / entry["candidates"])
    for name, protocol in result.protocols.items():
        assert set(BASELINES) <= set(protocol["nulls"]), name
        low, high = protocol["paired_gain_interval"]
        assert low <= protocol["paired_gain"] <= high
    assert entry["ap"] > 2 * entry["nulls"]["random"]["ap"]
    assert entry["nulls"]["random"]["ap"] < 3 * entry["base_rate"]
    placed = result.protocols["placement"]
    assert placed["mrr"] > placed["nulls"]["size"]["mrr"]  # it learned which kind settles where
    assert placed["firms"] == len(panel.new(panel.start, panel.end))
    curve = result.curves[0]
    assert curve.recall[-1] == pytest.approx(1.0)
    assert curve.precision[-1] == pytest.approx(entry["base_rate"])


def test_the_same_seed_gives_the_same_figures(panel: Panel) -> None:
    assert run(panel, 3) == run(panel, 3)


def test_what_happens_after_the_start_changes_no_feature(panel: Panel) -> None:
    """Hidden firms moved to other cities and industries leave every pair's features as they were."""
    hidden = panel.new(panel.start, panel.end)
    city, industry = panel.city.copy(), panel.industry.copy()
    city[hidden], industry[hidden] = 0, 0
    text = tuple("别的" if i in set(hidden.tolist()) else t for i, t in enumerate(panel.text))
    other = dataclasses.replace(panel, city=city, industry=industry, text=text)
    ours, theirs = Describer(panel).at(panel.start), Describer(other).at(panel.start)
    for name, values in ours.pairs.items():
        assert values == pytest.approx(theirs.pairs[name]), name
