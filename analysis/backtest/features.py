"""What is known on a date about every (city, industry) pair and every (firm, city) pair.

Only firms that were listed on the date are counted. Texts are reduced to vectors fitted on the firms
of T0, so that nothing of the hidden firms shapes the space they are compared in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...graph.chain import Codes, Floats
from .panel import Panel

#: Features that a sceptic would use: how large, how broad, how fast. All others must beat these.
NULLS = (
    "ubiquity",
    "diversity",
    "city_size",
    "industry_size",
    "ubiquity_diversity",
    "city_recent",
    "industry_recent",
    "city_last_year",
    "industry_last_year",
    "expected",
    "expected_recent",
)
_TEXT_DIMENSIONS, _PLACE_DIMENSIONS, _NEIGHBOURS = 128, 12, 15
_YEAR = np.timedelta64(365, "D")
Vectors = npt.NDArray[np.float32]


def _rows(matrix: Floats) -> Floats:
    """Rows scaled to unit length."""
    result: Floats = matrix / (np.linalg.norm(matrix, axis=1, keepdims=True) + 1e-9)
    return result


@dataclass(frozen=True)
class Describer:
    """Features of a panel, computed once for each date."""

    panel: Panel
    _states: dict[np.datetime64, State] = field(default_factory=dict)

    @cached_property
    def vectors(self) -> Vectors:
        """Unit text vector of each firm, shape (n, 128): character 2- and 3-grams, TF-IDF, SVD."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        base = self.panel.here(self.panel.start)
        texts = np.asarray(self.panel.text, dtype=object)
        grams = TfidfVectorizer(
            analyzer="char",
            ngram_range=(2, 3),
            min_df=min(3, max(1, int(base.sum()) // 50)),
            max_features=60000,
            sublinear_tf=True,
        )
        known = grams.fit_transform(texts[base])
        size = min(_TEXT_DIMENSIONS, min(known.shape) - 1)
        space = TruncatedSVD(size, random_state=0).fit(known)
        return _rows(space.transform(grams.transform(texts))).astype(np.float32)

    def at(self, on: np.datetime64) -> State:
        """What is known on a day."""
        if on not in self._states:
            self._states[on] = State(self, on)
        return self._states[on]


@dataclass(frozen=True)
class State:
    """What is known on one day; arrays over pairs have shape (C, I)."""

    describer: Describer
    on: np.datetime64

    @cached_property
    def firms(self) -> Codes:
        """Positions of the firms listed on the day."""
        return np.flatnonzero(self.describer.panel.here(self.on))

    @cached_property
    def count(self) -> Floats:
        """Firms by city and industry."""
        return self.describer.panel.counted(self.firms)

    def recent(self, years: float) -> Floats:
        """Firms by city and industry that were listed in the years before the day."""
        panel = self.describer.panel
        since = self.on - np.timedelta64(int(365 * years), "D")
        return panel.counted(self.firms[panel.listed[self.firms] > since])

    @cached_property
    def absent(self) -> npt.NDArray[np.bool_]:
        """Pairs without a firm: the candidates of the entry protocol."""
        result: npt.NDArray[np.bool_] = self.count == 0
        return result

    @cached_property
    def pairs(self) -> Mapping[str, Floats]:
        """Features of every pair by name, each (C, I); the names of :data:`NULLS` come first."""
        panel = self.describer.panel
        count, made = self.count, (self.count > 0).astype(np.float64)
        whole = max(float(count.sum()), 1.0)
        here, there = np.ones(count.shape[0]), np.ones(count.shape[1])
        city, industry = count.sum(axis=1), count.sum(axis=0)
        ubiquity, diversity = made.sum(axis=0), made.sum(axis=1)
        recent, year = self.recent(3), self.recent(1)
        city_recent, industry_recent = recent.sum(axis=1), recent.sum(axis=0)
        kin = np.equal.outer(np.asarray(panel.provinces), np.asarray(panel.provinces)).astype(float)
        np.fill_diagonal(kin, 0.0)
        of_province = kin @ city
        together = made.T @ made
        proximity = together / np.maximum(np.maximum.outer(ubiquity, ubiquity), 1.0)
        np.fill_diagonal(proximity, 0.0)
        density = made @ proximity / np.maximum(proximity.sum(axis=0), 1e-9)
        surprise = (count.T @ count) * whole / np.maximum(np.outer(industry, industry), 1e-9)
        bonds = np.maximum(np.log(np.maximum(surprise, 1e-9)), 0.0)
        alike, to_industry = self._industry_texts()
        near = np.maximum(to_industry, 0.0)
        firms_city = panel.city[self.firms]
        affinity = np.zeros(count.shape)
        np.add.at(affinity, firms_city, near**3)
        closest = np.zeros(count.shape)
        np.maximum.at(closest, firms_city, near)
        log = np.log1p
        return {
            "ubiquity": log(np.outer(here, ubiquity)),
            "diversity": log(np.outer(diversity, there)),
            "city_size": log(np.outer(city, there)),
            "industry_size": log(np.outer(here, industry)),
            "ubiquity_diversity": log(np.outer(diversity, ubiquity)),
            "city_recent": log(np.outer(city_recent, there)),
            "industry_recent": log(np.outer(here, industry_recent)),
            "city_last_year": log(np.outer(year.sum(axis=1), there)),
            "industry_last_year": log(np.outer(here, year.sum(axis=0))),
            "expected": log(np.outer(city, industry) / whole),
            "expected_recent": log(
                np.outer(city_recent, industry_recent) / max(float(recent.sum()), 1.0)
            ),
            "own": log(count),
            "own_any": made,
            "own_share": count / np.maximum(industry, 1.0),
            "density": density,
            "density_surplus": density - (diversity / max(len(ubiquity), 1))[:, None],
            "bonds": log(count @ bonds),
            "alike": log(count @ alike),
            "alike_share": (count @ alike) / np.maximum(city, 1.0)[:, None],
            "alike_recent": log(recent @ alike),
            "affinity": log(affinity),
            "closest": closest,
            "profile": self._profile(),
            "province": log(kin @ count),
            "province_share": (kin @ count) / np.maximum(of_province, 1.0)[:, None],
            "province_recent": log(kin @ recent),
            "province_size": log(np.outer(of_province, there)),
            "city_pace": np.outer(city_recent / np.maximum(city, 1.0), there),
            "own_recent": log(recent),
            "own_six_years": log(self.recent(6)),
            "city_six_years": log(np.outer(self.recent(6).sum(axis=1), there)),
            "large_city": np.outer(city >= 100, there).astype(float),
            **self._kernel(),
        }

    def _industry_texts(self) -> tuple[Floats, Floats]:
        """Similarity of industries (I, I), sharpened, and of each firm to each industry (firms, I)."""
        vectors = self.describer.vectors[self.firms].astype(np.float64)
        industry = self.describer.panel.industry[self.firms]
        centre = np.zeros((self.count.shape[1], vectors.shape[1]))
        np.add.at(centre, industry, vectors)
        centre = _rows(centre)
        alike = np.maximum(centre @ centre.T, 0.0) ** 4
        np.fill_diagonal(alike, 0.0)
        return alike, vectors @ centre.T

    def _profile(self) -> Floats:
        """Low-rank reconstruction of what a city has beyond its size: what its like have too."""
        count = self.count
        expected = np.outer(count.sum(axis=1), count.sum(axis=0)) / max(float(count.sum()), 1.0)
        left, scale, right = np.linalg.svd(
            np.log1p(count) - np.log1p(expected), full_matrices=False
        )
        k = _PLACE_DIMENSIONS
        result: Floats = (left[:, :k] * scale[:k]) @ right[:k]
        return result

    def _kernel(self) -> Mapping[str, Floats]:
        """How close the firms of a city are to the single firms of an industry, not to its mean."""
        panel = self.describer.panel
        vectors = self.describer.vectors[self.firms]
        similar = np.maximum(vectors @ vectors.T, 0.0)
        np.fill_diagonal(similar, 0.0)
        city, industry = panel.city[self.firms], panel.industry[self.firms]
        n, (cities, industries) = len(self.firms), self.count.shape
        of_industry = np.zeros((n, industries), dtype=np.float32)
        of_industry[np.arange(n), industry] = 1.0
        size = np.maximum(of_industry.sum(axis=0), 1.0)
        of_city = np.zeros((n, cities), dtype=np.float32)
        of_city[np.arange(n), city] = 1.0
        nearest = np.zeros((cities, n), dtype=np.float32)
        np.maximum.at(nearest, city, similar)
        k = min(_NEIGHBOURS, n - 1)
        votes = np.zeros((n, cities))
        if k > 0:
            closest = np.argpartition(-similar, k, axis=1)[:, :k]
            np.add.at(votes, (np.repeat(np.arange(n), k), city[closest].ravel()), 1.0)
        return {
            "kernel_wide": np.log1p(of_city.T @ similar**3 @ of_industry / size * 10).astype(float),
            "kernel_narrow": np.log1p(of_city.T @ similar**6 @ of_industry / size * 10).astype(
                float
            ),
            "nearest": (nearest @ of_industry / size).astype(float),
            "nearest_sharp": (nearest**3 @ of_industry / size).astype(float),
            "votes": np.log1p((of_industry.T @ votes).T / size * 10),
        }

    def table(self, names: tuple[str, ...] | None = None) -> Floats:
        """Features of pairs as one array of shape (I, C, k), for the choice of a city."""
        chosen = CHOICE if names is None else names
        return np.stack([self.pairs[name] for name in chosen], axis=2).transpose(1, 0, 2)

    def of_firms(self, firms: Codes) -> Floats:
        """Features of firms in each city, shape (firms, C, k): their pair's, and their own text's."""
        panel = self.describer.panel
        vectors = self.describer.vectors
        similar = np.maximum(vectors[firms] @ vectors[self.firms].T, 0.0).astype(np.float64)
        city = panel.city[self.firms]
        cities = len(panel.cities)
        of_city = np.zeros((len(self.firms), cities))
        of_city[np.arange(len(self.firms)), city] = 1.0
        closest = np.zeros((cities, len(firms)))
        np.maximum.at(closest, city, similar.T)
        k = min(30, len(self.firms) - 1)
        votes = np.zeros((len(firms), cities))
        best = np.argpartition(-similar, k, axis=1)[:, :k]
        np.add.at(
            votes,
            (np.repeat(np.arange(len(firms)), k), city[best].ravel()),
            np.take_along_axis(similar, best, axis=1).ravel() ** 2,
        )
        near = similar**4 @ of_city
        since = panel.listed[self.firms] > self.on - 3 * _YEAR
        fresh = (similar**4)[:, since] @ of_city[since]
        size = np.maximum(self.count.sum(axis=1), 1.0)
        own = np.stack(
            [np.log1p(near), near / size, closest.T, np.log1p(votes), votes / k, np.log1p(fresh)],
            axis=2,
        )
        return np.concatenate([own, self.table()[panel.industry[firms]]], axis=2)


#: Features of pairs that the choice of a city may use: those that differ between cities.
CHOICE = (
    "own", "own_any", "own_share", "ubiquity_diversity", "density", "density_surplus", "bonds",
    "alike", "alike_share", "affinity", "closest", "profile", "province", "province_share",
    "province_recent", "province_size", "alike_recent", "diversity", "city_size", "city_recent",
    "city_last_year", "city_pace", "kernel_wide", "kernel_narrow", "nearest", "nearest_sharp",
    "votes", "own_recent", "own_six_years", "city_six_years", "large_city",
)  # fmt: skip
#: Those of them that a sceptic would use.
CHOICE_NULLS = ("own", "city_size", "diversity", "city_recent", "city_last_year", "city_pace")
