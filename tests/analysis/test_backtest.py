"""The backtest: its figures of merit, its model, its panel, and every protocol end to end."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from chainatlas.analysis.backtest import logistic, scoring
from chainatlas.analysis.backtest.choice import fit
from chainatlas.analysis.backtest.features import Describer, State
from chainatlas.analysis.backtest.invariance import features_of_outcome
from chainatlas.analysis.backtest.models import Gaps, Models
from chainatlas.analysis.backtest.panel import COLUMNS, Panel, Snapshot, build
from chainatlas.analysis.backtest.places import canonical, distances
from chainatlas.analysis.backtest.protocols import BASELINES, run
from chainatlas.analysis.backtest.scoring import Resamples
from chainatlas.analysis.backtest.texts import vectors as text_vectors
from chainatlas.analysis.backtest.weights import learned_weights
from chainatlas.graph.errors import ReadError
from listings import Row, firm, listing

T0, END = date(2018, 6, 30), date(2020, 12, 31)


def snapshot(on: date, rows: Sequence[Mapping[Any, Any]]) -> Snapshot:
    return Snapshot(on, pd.DataFrame(rows, columns=list(COLUMNS), dtype=object).fillna(""))


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
    low, high = scoring.interval(Resamples(clusters, 1).mean(values))
    half = 1.96 * values[::5].std() / np.sqrt(40)
    assert low < values.mean() < high
    assert (high - low) / 2 == pytest.approx(half, rel=0.25)


def test_a_resample_of_rankings_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cities; a resample that holds the first one twice and the second not at all."""
    monkeypatch.setattr(scoring, "RESAMPLES", 1)
    resamples = Resamples(np.array([0, 0, 1]), 0)
    resamples.__dict__["_drawn"] = np.array([[2.0, 0.0]])
    truth, scores = np.array([True, False, True]), np.array([3.0, 2.0, 1.0])
    ap, best = resamples.ranked(truth, scores, 2)
    assert ap.tolist() == [1.0]  # both copies of the first pair lead, the third is not there
    assert best.tolist() == [1.0]
    resamples.__dict__["_drawn"] = np.array([[1.0, 1.0]])
    ap, _ = resamples.ranked(truth, scores, 2)
    assert ap[0] == pytest.approx(scoring.average_precision(truth, scores))
    assert resamples.mean(np.array([1.0, 0.0, 5.0])).tolist() == [2.0]


def test_ranks_of_rows_by_hand() -> None:
    scores = np.array([[0.1, 0.9, 0.5], [0.3, 0.2, 0.1]])
    found = scoring.rank_of(scores, np.array([2, 0]), np.random.default_rng(0))
    assert found.tolist() == [2, 1]
    tied = scoring.rank_of(np.zeros((500, 4)), np.zeros(500, dtype=int), np.random.default_rng(0))
    assert np.bincount(tied)[1:].min() > 80  # every place is as likely


# --- The models ----------------------------------------------------------------------------------


def test_the_choice_recovers_known_coefficients() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 6, 2))
    truth = np.array([1.5, -0.7])
    p = np.exp(x @ truth)
    chosen = np.eye(6)[[rng.choice(6, p=row / row.sum()) for row in p]]
    model = fit([x[:2000], x[2000:]], [chosen[:2000], chosen[2000:]], 1e-4)
    assert model.weights / model.scale.spread == pytest.approx(truth, abs=0.08)
    assert np.exp(model.log_probability(x)).sum(axis=1) == pytest.approx(1.0)


def test_a_choice_of_few_ignores_what_could_not_be_chosen() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3000, 4, 1))
    allowed = np.ones((3000, 4), dtype=bool)
    allowed[:, 3] = False
    x[:, 3] = 50.0  # would settle everything if it were looked at
    p = np.exp(x[:, :3, 0])
    chosen = np.zeros((3000, 4))
    chosen[np.arange(3000), [rng.choice(3, p=row / row.sum()) for row in p]] = 1.0
    model = fit([x], [chosen], 1e-4, allowed=[allowed])
    assert model.weights[0] / model.scale.spread[0] == pytest.approx(1.0, abs=0.1)


def test_a_feature_that_never_varied_says_nothing_later() -> None:
    x = np.zeros((50, 3, 2))
    x[:, :, 0] = np.random.default_rng(0).normal(size=(50, 3))
    model = fit([x], [np.eye(3)[np.arange(50) % 3]])
    other = x.copy()
    other[:, 0, 1] = 1e6
    assert model.log_probability(other) == pytest.approx(model.log_probability(x))


def test_logistic_regression_agrees_with_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(3)
    x = rng.normal(size=(800, 4)) * [1, 5, 0.1, 2] + [0, 3, 0, -1]
    y = rng.random(800) < 1 / (1 + np.exp(2 - x[:, 0] - 0.3 * x[:, 1]))
    ours = logistic.fit(x, y)
    scaler = StandardScaler().fit(x)
    theirs = LogisticRegression(C=logistic.STRENGTH, tol=1e-10, max_iter=5000)
    theirs.fit(scaler.transform(x), y)
    assert ours.weights == pytest.approx(theirs.coef_[0], abs=1e-5)
    assert ours.constant == pytest.approx(theirs.intercept_[0], abs=1e-5)
    assert ours.score(x) == pytest.approx(theirs.decision_function(scaler.transform(x)), abs=1e-4)


def test_vectors_are_as_alike_as_their_words() -> None:
    texts = ["锂离子电池正极材料", "锂离子电池负极材料", "银行存款贷款业务", "锂离子电池隔膜", ""]
    vectors = text_vectors(texts * 4, np.ones(20, dtype=bool)).astype(float)
    alike = vectors @ vectors.T
    assert np.diag(alike)[:4] == pytest.approx(1.0)
    assert alike[0, 1] > 0.4 > 0.1 > abs(alike[0, 2])
    assert not vectors[4].any()


def test_what_the_base_has_not_seen_does_not_shape_the_space() -> None:
    texts = ["齿轮箱加工", "齿轮轴承加工", "齿轮电机", "芯片设计", "芯片封装测试", "芯片制造"]
    base = np.array([True] * 5 + [False])
    ours = text_vectors(texts, base)[:5]
    theirs = text_vectors([*texts[:5], "完全不同的文字"], base)[:5]
    assert (ours == theirs).all()


# --- Places --------------------------------------------------------------------------------------


def test_places_are_brought_to_one_name() -> None:
    for written, wanted in {
        ("武汉", "湖北"): ("武汉市", "湖北省"),
        ("湖北省", "湖北"): ("", "湖北省"),
        ("昆山市", "江苏"): ("苏州市", "江苏省"),
        ("仙桃市", "湖北省"): ("仙桃市", "湖北省"),
        ("恩施州", "湖北"): ("恩施土家族苗族自治州", "湖北省"),
        ("浦东新区", "上海"): ("上海市", "上海市"),
        ("", "天津"): ("天津市", "天津市"),
        ("徐州", "江苏"): ("徐州市", "江苏省"),
        ("宜昌市", ""): ("宜昌市", "湖北省"),
        ("某某市", "某某省"): ("某某市", "某某省"),
    }.items():
        assert canonical(*written) == wanted, written


def test_distances_between_cities() -> None:
    km = distances(("武汉市", "孝感市", "北京市", "某某市"), ("湖北省", "湖北省", "北京市", ""))
    assert km[0, 1] == pytest.approx(50, abs=15)
    assert km[0, 2] == pytest.approx(1050, abs=40)
    assert np.isinf(km[0, 3])
    assert (km == km.T)[:3, :3].all()


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


def rows_of(given: Snapshot) -> list[dict[str, str]]:
    return [{str(k): str(v) for k, v in r.items()} for r in given.table.to_dict("records")]


def found_by(panel: Panel) -> dict[str, object]:
    return {str(f["check"]): f["count"] for f in panel.leakage}


def test_the_leakage_check_finds_what_is_planted() -> None:
    assert found_by(build(two())) == {
        "listed_after_outcome": 1,
        "listed_after_start": 0,
        "revenue_of_outcome": 0,
        "employees_of_outcome": 0,
        "text_dated_after_start": 0,
        "text_names_own_city": 0,
    }
    first, last = two()
    rows = rows_of(first)
    rows[0] |= {"revenue": "7", "text": "2019年建成新产线"}  # what only the outcome knows
    rows.append(firm("4", "武汉市", "汽车", "2019-05-01"))  # an event, shown before it happened
    hidden = firm("8", "黄石市", "汽车", "2019-01-01")
    late = snapshot(END, [*rows_of(last), hidden])
    early = snapshot(date(2015, 1, 1), [firm("7", "武汉市", "芯片", "2016-01-01")])
    planted = build([early, snapshot(T0, rows), late])
    found = found_by(planted)
    assert found["revenue_of_outcome"] == 1
    assert found["listed_after_start"] == 1
    assert found["text_dated_after_start"] == 1
    assert found["listed_after_earlier_snapshot"] == 1
    # The planted firm is hidden again, not seen at T0; the early one is in no year.
    assert len(planted.new(planted.start, planted.end)) == 2
    assert not (planted.listed == np.datetime64("2016-01-01")).any()


def test_features_that_see_the_outcome_are_found(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = features_of_outcome(panel, Describer(panel).at(panel.start))
    assert clean["count"] == 0
    honest = State._own

    def peeking(state: State) -> Mapping[str, Any]:
        of = state.describer.panel
        return {**honest(state), "own": of.counted(np.arange(len(of.city)))}

    monkeypatch.setattr(State, "_own", peeking)
    caught = features_of_outcome(panel, Describer(panel).at(panel.start))
    assert (caught["count"], caught["codes"]) == (1, ["own"])


def test_names_and_places_leave_the_texts() -> None:
    first, last = two()
    rows = [
        *rows_of(last),
        firm("9", "昆山市", "汽车", "2019-06-01", province="江苏省", name="昆山沪光电器股份有限公司",
             text="沪光电器在昆山市和苏州市生产汽车线束"),
    ]  # fmt: skip
    panel = build([first, snapshot(END, rows)])
    assert "苏州市" in panel.cities
    (text,) = [t for t in panel.text if "线束" in t]
    assert text == "在和生产汽车线束"


def test_dirty_snapshots_are_read_and_counted() -> None:
    first, last = two()
    rows = rows_of(last)
    rows[2] |= {"listed_on": "2019/5/1", "set_up_on": "20080203"}
    rows += [rows[2], {**rows[0], "code": ""}, firm("a", "武汉市", "芯片", "2019年6月1日"),
             firm("b", "武汉市", "芯片", "即将上市"), firm("c", "武汉市", "芯片", "--")]  # fmt: skip
    panel = build([first, Snapshot(END, pd.DataFrame(rows).drop(columns=["employees"]))])
    assert panel.counts["repeated_codes"] == 1
    assert panel.counts["unreadable_dates"] == 1
    hidden = panel.new(panel.start, panel.end)
    assert len(hidden) == 2
    assert panel.counts["new_without_date_or_listed_before_start"] == 3
    assert sorted(str(d) for d in panel.listed[hidden]) == ["2019-05-01", "2019-06-01"]
    assert np.isfinite(panel.set_up[hidden]).sum() == 1


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


def world(rows: Sequence[Row]) -> Panel:
    first = [r for r in rows if r["listed_on"] <= T0.isoformat()]
    return build([snapshot(T0, first), snapshot(END, rows)])


@pytest.fixture(scope="module")
def panel() -> Iterator[Panel]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "RESAMPLES", 40)  # intervals are tested above; these may be rough
        yield world(listing())


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
    assert entry["ap"] > 1.5 * entry["base_rate"]
    assert entry["nulls"]["random"]["ap"] < 3 * entry["base_rate"]
    placed = result.protocols["placement"]
    assert placed["mrr"] > placed["nulls"]["size"]["mrr"]  # it learned which kind settles where
    assert placed["firms"] == len(panel.new(panel.start, panel.end))
    curve = result.curves[0]
    assert curve.recall[-1] == pytest.approx(1.0)
    assert curve.precision[-1] == pytest.approx(entry["base_rate"])
    assert {(c.protocol, c.name) for c in result.curves} >= {
        (protocol, name) for protocol in result.protocols for name in ("model", *BASELINES)
    }
    assert result.leakage[-1]["check"] == "features_of_outcome"
    assert result.leakage[-1]["count"] == 0
    came = [int(str(row["came"])) for row in result.best]
    assert sum(c > 0 for c in came) / len(came) > entry["base_rate"]


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


def test_gaps_and_their_candidates_by_hand() -> None:
    first, last = two()
    rows = [*rows_of(last), firm("8", "宜昌市", "汽车", "2019-01-01"),
            firm("9", "襄阳市", "汽车", "2019-02-01")]  # fmt: skip
    panel = build([first, snapshot(END, rows)])
    state = Describer(panel).at(panel.start)
    gaps = Gaps.of(state, panel.new(panel.start, panel.end))
    # 襄阳 had a maker of 汽车 already: no gap of it, but its firm is a candidate elsewhere.
    assert [panel.cities[c] for c in gaps.city] == ["宜昌市", "武汉市"]
    assert gaps.group.tolist() == [0, 0, 0, 1, 1, 1]
    assert gaps.truth(state).sum() == 2
    padded = gaps.padded(np.arange(6.0)[:, None], gaps.most)
    assert padded[:, :, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_weights_tell_what_was_planted_from_what_was_not(panel: Panel) -> None:
    """Industries settle by kind of city: texts say which; the intervals must not miss it."""
    found = learned_weights(Models(Describer(panel).at(panel.start)))
    text = found["placement"]["text"]
    assert text["low"] > 0
    for learned in [*found["placement"].values(), *found["gap_to_firm"].values()]:
        assert learned["low"] <= learned["value"] <= learned["high"]


def few(city: str, kind: str, text: str) -> list[Row]:
    return [
        firm(str(n), city.format(n % 3), kind.format(n % 2), f"{2012 + n // 2}-05-01", text=text)
        for n in range(16)
    ]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(
            few("武汉市", "芯片", "芯片设计"), id="one city and one industry: no pair is absent"
        ),
        pytest.param(few("武汉市", "业{}", "芯片设计"), id="one city"),
        pytest.param(few("城{}市", "芯片", "芯片设计"), id="one industry"),
        pytest.param(few("城{}市", "业{}", ""), id="no text at all"),
        pytest.param(listing(firms=60, cities=3, kinds=2), id="every pair is there already"),
        pytest.param(
            [*few("城{}市", "业{}", "铸件")[:1], firm("z", "城9市", "业9", "2019-01-01")],
            id="nothing to learn from",
        ),
    ],
)
def test_degenerate_panels_have_figures_too(
    rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "RESAMPLES", 10)
    panel = world(rows)
    result = run(panel, 1)
    assert 0 <= result.protocols["entry"]["ap"] <= 1
    assert result.protocols["placement"]["firms"] > 0
    # What cannot be averaged is null, and the whole is still JSON.
    assert json.loads(json.dumps(result.protocols, allow_nan=False))
