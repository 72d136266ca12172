"""The models: they see firms listed until a date and learn from listings before it.

Which features, penalties and spans they use was chosen on windows that end before June 2018; see
docs/backtest.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...graph.chain import Codes, Floats
from . import choice
from . import logistic as newton
from .choice import Choice
from .features import CHOICE_NULLS, FIRM, NULLS, OWN_TEXT, Describer, State
from .panel import Mask

#: Half-years of listings that a choice of a city learns from, and their length.
_PERIODS, _STEP = 16, np.timedelta64(183, "D")
#: Added to the log probability of a firm's city: half of the log count of its own industry, and a
#: fifth of a standard deviation of each of two likenesses of texts. The likelihood is settled by the
#: few largest cities; these tilt the ranking towards the special ones.
_TILT_OWN, _TILT_TEXT = 0.5, {"text_province": 0.2, "text_centroid": 0.2}
#: Years over which an industry's listings are counted, and the share of all its firms added.
_PACE_YEARS, _PACE_ALL, _PACE_ANY = (4, 8), 0.01, 0.05
#: Training windows of the logistic regression, moved back by so many years each.
_WINDOWS = (0, 1, 2)
#: Years of a window that the choice of a firm learns from, and how many of them.
_GAP_YEARS, _GAP_WINDOWS = 2, 6
#: Penalty of the choice of a firm: few gaps to learn from.
_GAP_RIDGE = 0.1
#: What of a text the choice of a firm uses: all of it learns too much from few gaps.
GAP_TEXT = [
    OWN_TEXT.index(name)
    for name in ("text_near", "text_province", "text_centroid", "text_centroid_province")
]


@dataclass(frozen=True)
class Models:
    """Every model of a date, fitted when first asked for; None where there is nothing to learn from.

    Attributes:
        state: What is known on the date; models learn from listings before it.
    """

    state: State

    @property
    def _describer(self) -> Describer:
        return self.state.describer

    def periods(self) -> Iterator[tuple[State, Codes]]:
        """What was known at the start of each half-year, and who was listed in it."""
        panel = self._describer.panel
        for back in range(_PERIODS):
            end = self.state.on - back * _STEP
            firms = panel.new(end - _STEP, end)
            firms = firms[panel.here(panel.start)[firms]]
            state = self._describer.at(end - _STEP)
            if len(firms) and len(state.firms) > 1:
                yield state, firms

    def _of_pairs(self, names: tuple[str, ...] | None) -> Choice | None:
        described, chosen = [], []
        for state, firms in self.periods():
            described.append(state.table(names))
            chosen.append(self._describer.panel.counted(firms).T)
        return choice.fit(described, chosen) if described else None

    @cached_property
    def city(self) -> Choice | None:
        """The choice of a city by every feature of pairs."""
        return self._of_pairs(None)

    @cached_property
    def plain(self) -> Choice | None:
        """The choice of a city by sizes and the same-industry count: a null."""
        return self._of_pairs(CHOICE_NULLS)

    @cached_property
    def firm(self) -> Choice | None:
        """The choice of a city by a firm's own text and every feature of its pair."""
        described, chosen = [], []
        panel = self._describer.panel
        for state, firms in self.periods():
            described.append(state.of_firms(firms))
            chosen.append(np.eye(len(panel.cities))[panel.city[firms]])
        return choice.fit(described, chosen) if described else None

    def windows(self) -> Iterator[tuple[Gaps, State]]:
        """Gaps that closed in windows of two years, and what was known at the start of each."""
        panel = self._describer.panel
        for back in range(_GAP_WINDOWS):
            end = self.state.on - np.timedelta64(365 * back, "D")
            state = self._describer.at(end - np.timedelta64(365 * _GAP_YEARS, "D"))
            firms = panel.new(state.on, end)
            gaps = Gaps.of(state, firms[panel.here(panel.start)[firms]])
            if len(gaps.city) and len(state.firms) > 1:
                yield gaps, state

    @cached_property
    def gap(self) -> Choice | None:
        """Which of the firms of an industry a city gets, by their texts."""
        windows = list(self.windows())
        if not windows:
            return None
        most = max(gaps.most for gaps, _ in windows)
        return choice.fit(
            [gaps.padded(gaps.text(state)[:, GAP_TEXT], most) for gaps, state in windows],
            [gaps.padded(gaps.truth(state)[:, None], most)[:, :, 0] for gaps, state in windows],
            ridge=_GAP_RIDGE,
            allowed=[
                gaps.padded(np.ones((len(gaps.firm), 1)), most)[:, :, 0] > 0 for gaps, _ in windows
            ],
        )

    def entry_scores(self) -> Floats:
        """Log of the firms a year to expect in each pair, (C, I): pace x choice of the city."""
        if self.city is None:
            nothing: Floats = self.state.pairs["ubiquity_diversity"]
            return nothing
        chosen = self.city.log_probability(self.state.table()).T
        scores: Floats = chosen + np.log(pace(self.state))
        return scores

    def firm_scores(self, firms: Codes) -> Floats | None:
        """How likely each city is for firms whose text is known, (n, C): the larger, the likelier."""
        if self.firm is None:
            return None
        features = self.state.of_firms(firms)
        scores: Floats = self.firm.log_probability(features)
        scores = scores + _TILT_OWN * features[:, :, len(OWN_TEXT) + FIRM.index("own")]
        for name, weight in _TILT_TEXT.items():
            values = features[:, :, OWN_TEXT.index(name)]
            scores = scores + weight * values / max(float(values.std()), 1e-9)
        return scores

    def plain_scores(self, firms: Codes) -> Floats | None:
        """The same from sizes and the same-industry count alone."""
        if self.plain is None:
            return None
        every = self.plain.log_probability(self.state.table(CHOICE_NULLS))
        result: Floats = every[self._describer.panel.industry[firms]]
        return result

    def gap_scores(self, gaps: Gaps) -> Floats:
        """How well each candidate's text fits its gap's city, (n,)."""
        if self.gap is None or not len(gaps.firm):
            return np.zeros(len(gaps.firm))
        result: Floats = self.gap.scale.apply(gaps.text(self.state)[:, GAP_TEXT]) @ self.gap.weights
        return result

    def logistic(self) -> Floats:
        """Logistic regression of first entries on the null features: log odds, (C, I)."""
        panel = self._describer.panel
        horizon = panel.end - panel.start
        x, y = [], []
        for back in _WINDOWS:
            end = self.state.on - np.timedelta64(365 * back, "D")
            then = self._describer.at(end - horizon)
            if len(then.firms) < 2:
                continue
            firms = panel.new(end - horizon, end)
            gained = panel.counted(firms[panel.here(panel.start)[firms]]) > 0
            x.append(np.stack([then.pairs[n][then.absent] for n in NULLS], axis=1))
            y.append(gained[then.absent])
        truth = np.concatenate(y) if y else np.zeros(0, dtype=bool)
        if truth.sum() in (0, len(truth)):
            nothing: Floats = self.state.pairs["ubiquity_diversity"]
            return nothing
        now = np.stack([self.state.pairs[n] for n in NULLS], axis=2)
        return newton.fit(np.concatenate(x), truth).score(now)


def pace(state: State) -> Floats:
    """Listings a year to expect of each industry, shape (I,).

    The mean over four and over eight years: listings were closed for up to fourteen months at a
    time, and what a model learned about shorter spans was worse.
    """
    recent = [state.recent(years).sum(axis=0) / years for years in _PACE_YEARS]
    result: Floats = np.mean(recent, axis=0) + _PACE_ALL * state.count.sum(axis=0) + _PACE_ANY
    return result


@dataclass(frozen=True)
class Gaps:
    """Pairs without a firm that gained one, and who could have been it.

    Attributes:
        city: City of each gap, shape (g,).
        industry: Its industry, (g,).
        group: Gap of each candidate, (n,).
        firm: The candidate, a position in the panel, (n,).
    """

    city: Codes
    industry: Codes
    group: Codes
    firm: Codes

    @classmethod
    def of(cls, state: State, firms: Codes) -> Gaps:
        """The gaps that firms closed; the candidates are all of those firms of the industry."""
        panel = state.describer.panel
        city, industry = panel.city[firms], panel.industry[firms]
        first = state.absent[city, industry]
        gained = np.unique(np.column_stack([city[first], industry[first]]), axis=0)
        own = [np.flatnonzero(industry == kind) for kind in gained[:, 1].tolist()]
        return cls(
            gained[:, 0],
            gained[:, 1],
            np.repeat(np.arange(len(gained)), [len(found) for found in own]),
            firms[np.concatenate(own)] if own else np.zeros(0, dtype=np.int64),
        )

    @property
    def most(self) -> int:
        """Candidates of the gap that has most."""
        return int(np.bincount(self.group).max()) if len(self.group) else 0

    def truth(self, state: State) -> Mask:
        """Whether each candidate settled in the gap's city, (n,)."""
        result: Mask = state.describer.panel.city[self.firm] == self.city[self.group]
        return result

    def text(self, state: State) -> Floats:
        """What each candidate's text says about the gap's city, (n, k)."""
        firms, position = np.unique(self.firm, return_inverse=True)
        result: Floats = state.own_text(firms)[position, self.city[self.group]]
        return result

    def padded(self, values: Floats | Mask, most: int) -> Floats:
        """Values of candidates (n, k) by gap, (g, most, k); the rest is zero."""
        size = np.bincount(self.group, minlength=len(self.city))
        at = np.arange(len(self.group)) - np.repeat(np.cumsum(size) - size, size)
        result = np.zeros((len(self.city), most, values.shape[1]))
        result[self.group, at] = values
        return result
