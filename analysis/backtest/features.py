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
from . import texts
from .panel import Panel
from .places import distances
from .texts import Vectors

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
#: Kilometres over which the pull of a neighbouring city falls to 1/e.
_REACH = (60, 150, 400)
_PLACE_DIMENSIONS, _NEIGHBOURS, _OWN_NEIGHBOURS = 12, 15, 30
#: Firms' worth of the national average that a small city's or industry's own figure is mixed with.
_PRIOR = 3.0
_YEAR = np.timedelta64(365, "D")


def _rows(matrix: Floats) -> Floats:
    """Rows scaled to unit length."""
    result: Floats = matrix / (np.linalg.norm(matrix, axis=1, keepdims=True) + 1e-9)
    return result


def _independent(count: Floats) -> Floats:
    """What each pair would hold if cities did not differ in kind."""
    result: Floats = np.outer(count.sum(axis=1), count.sum(axis=0)) / max(float(count.sum()), 1.0)
    return result


@dataclass(frozen=True)
class Describer:
    """Features of a panel, computed once for each date."""

    panel: Panel
    _states: dict[np.datetime64, State] = field(default_factory=dict)

    @cached_property
    def vectors(self) -> Vectors:
        """Unit text vector of each firm, (n, 128 or less); the space is that of the firms of T0."""
        return texts.vectors(self.panel.text, self.panel.here(self.panel.start))

    @cached_property
    def near(self) -> Mapping[int, Floats]:
        """How much of a neighbouring city's pull is left, (C, C), by reach in km."""
        apart = distances(self.panel.cities, self.panel.provinces)
        result = {reach: np.exp(-apart / reach) for reach in _REACH}
        for pull in result.values():
            np.fill_diagonal(pull, 0.0)
        return result

    @cached_property
    def of_province(self) -> Floats:
        """Which city lies in which province, one-hot, shape (provinces, C)."""
        names, province = np.unique(np.asarray(self.panel.provinces), return_inverse=True)
        result = np.zeros((len(names), len(province)))
        result[province, np.arange(len(province))] = 1.0
        return result

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
        return {
            **self._sizes(),
            **self._own(),
            **self._kinds(),
            **self._province(),
            **self._neighbours(),
            **self._matches(),
            **self._texts(),
            **self._kernel(),
        }

    def _sizes(self) -> Mapping[str, Floats]:
        """How large, how broad, how fast; nothing about which industry suits which city."""
        count, recent, year = self.count, self.recent(3), self.recent(1)
        here, there = np.ones(count.shape[0]), np.ones(count.shape[1])
        city, industry = count.sum(axis=1), count.sum(axis=0)
        ubiquity, diversity = (count > 0).sum(axis=0), (count > 0).sum(axis=1)
        log = np.log1p
        return {
            "ubiquity": log(np.outer(here, ubiquity)),
            "diversity": log(np.outer(diversity, there)),
            "city_size": log(np.outer(city, there)),
            "industry_size": log(np.outer(here, industry)),
            "ubiquity_diversity": log(np.outer(diversity, ubiquity).astype(float)),
            "city_recent": log(np.outer(recent.sum(axis=1), there)),
            "industry_recent": log(np.outer(here, recent.sum(axis=0))),
            "city_last_year": log(np.outer(year.sum(axis=1), there)),
            "industry_last_year": log(np.outer(here, year.sum(axis=0))),
            "expected": log(_independent(count)),
            "expected_recent": log(_independent(recent)),
            "city_six_years": log(np.outer(self.recent(6).sum(axis=1), there)),
            "city_pace": np.outer(recent.sum(axis=1) / np.maximum(city, 1.0), there),
        }

    def _own(self) -> Mapping[str, Floats]:
        """The pair's own firms; zero where it has none."""
        count = self.count
        return {
            "own": np.log1p(count),
            "own_any": (count > 0).astype(np.float64),
            "own_share": count / np.maximum(count.sum(axis=0), 1.0),
            "own_recent": np.log1p(self.recent(3)),
            "own_six_years": np.log1p(self.recent(6)),
        }

    def _kinds(self) -> Mapping[str, Floats]:
        """What a city's other industries say: relatedness, and what cities of its kind have."""
        count, made = self.count, (self.count > 0).astype(np.float64)
        city, industry = count.sum(axis=1), count.sum(axis=0)
        ubiquity, diversity = made.sum(axis=0), made.sum(axis=1)
        together = made.T @ made
        proximity = together / np.maximum(np.maximum.outer(ubiquity, ubiquity), 1.0)
        np.fill_diagonal(proximity, 0.0)
        density = made @ proximity / np.maximum(proximity.sum(axis=0), 1e-9)
        surprise = (count.T @ count) * max(float(count.sum()), 1.0)
        bonds = np.log(np.maximum(surprise / np.maximum(np.outer(industry, industry), 1e-9), 1.0))
        unexpected = np.log1p(count) - np.log1p(_independent(count))
        left, scale, right = np.linalg.svd(unexpected, full_matrices=False)
        k = _PLACE_DIMENSIONS
        level = np.log1p(count)
        similar = _rows(level) @ _rows(level).T * np.outer(city > 0, city > 0)
        np.fill_diagonal(similar, 0.0)
        weight = similar**3 / np.maximum((similar**3).sum(axis=1, keepdims=True), 1e-9)
        return {
            "density": density,
            "density_surplus": density - (diversity / max(len(ubiquity), 1))[:, None],
            "bonds": np.log1p(count @ bonds),
            "profile": (left[:, :k] * scale[:k]) @ right[:k],
            "like_cities": weight @ made,
            "like_cities_recent": weight @ np.minimum(self.recent(6), 1.0),
        }

    def _province(self) -> Mapping[str, Floats]:
        """The rest of the city's province."""
        count, recent = self.count, self.recent(3)
        member = self.describer.of_province
        kin = member.T @ member
        np.fill_diagonal(kin, 0.0)
        city, size = count.sum(axis=1), kin @ count.sum(axis=1)
        whole, lately = member @ count, member @ self.recent(6)
        place = member.T
        pace = (member @ recent.sum(axis=1) + 1) / (member @ city + _PRIOR)
        there = np.ones(count.shape[1])
        return {
            "province": np.log1p(kin @ count),
            "province_share": (kin @ count) / np.maximum(size, 1.0)[:, None],
            "province_size": np.log1p(np.outer(size, there)),
            "province_surplus": place @ np.log((whole + 1) / (_independent(whole) + 1)),
            "province_surplus_recent": place @ np.log((lately + 1) / (_independent(lately) + 1)),
            "province_pace": np.outer(place @ np.log(pace), there),
        }

    def _neighbours(self) -> Mapping[str, Floats]:
        """Cities nearby, whatever their province; the pull falls off with the distance."""
        count, recent = self.count, self.recent(3)
        there = np.ones(count.shape[1])
        found: dict[str, Floats] = {}
        for reach, pull in self.describer.near.items():
            of_industry, size = pull @ count, pull @ count.sum(axis=1)
            pace = np.log1p(pull @ recent.sum(axis=1)) - np.log1p(size)
            found |= {
                f"near_{reach}": np.log1p(of_industry),
                f"near_size_{reach}": np.log1p(np.outer(size, there)),
                f"near_share_{reach}": of_industry / np.maximum(size, 1.0)[:, None],
                f"near_recent_{reach}": np.log1p(pull @ recent),
                f"near_pace_{reach}": np.outer(pace, there),
            }
        return found

    def _matches(self) -> Mapping[str, Floats]:
        """Whether the industry lives in cities of this size, and grows where cities grow."""
        count, recent = self.count, self.recent(3)
        city, industry = count.sum(axis=1), count.sum(axis=0)
        level = np.log1p(city)
        usual = float(city @ level) / max(float(city.sum()), 1.0)
        home = (count.T @ level + _PRIOR * usual) / (industry + _PRIOR)
        city_pace = np.log((recent.sum(axis=1) + 0.5) / (city + 2))
        industry_pace = np.log((recent.sum(axis=0) + 0.5) / (industry + 2))
        return {
            "size_match": np.outer(level - level.mean(), home - usual),
            "pace_match": np.outer(
                city_pace - city_pace.mean(), industry_pace - industry_pace.mean()
            ),
            "city_youth": np.outer(city_pace, np.ones(count.shape[1])),
        }

    def _texts(self) -> Mapping[str, Floats]:
        """How alike the texts of a city's firms and of an industry are."""
        count, recent = self.count, self.recent(6)
        panel = self.describer.panel
        vectors = self.describer.vectors[self.firms].astype(np.float64)
        city_of, industry_of = panel.city[self.firms], panel.industry[self.firms]
        city, industry = count.sum(axis=1), count.sum(axis=0)
        of_industry = np.zeros((count.shape[1], vectors.shape[1]))
        np.add.at(of_industry, industry_of, vectors)
        of_city = np.zeros((count.shape[0], vectors.shape[1]))
        np.add.at(of_city, city_of, vectors)
        centre = _rows(of_industry)
        cosine = np.maximum(centre @ centre.T, 0.0)
        np.fill_diagonal(cosine, 0.0)
        alike, closest_kind = cosine**4, cosine**8
        closest_kind /= np.maximum(closest_kind.sum(axis=1, keepdims=True), 1e-9)
        near = np.maximum(vectors @ centre.T, 0.0)
        affinity, closest = np.zeros(count.shape), np.zeros(count.shape)
        np.add.at(affinity, city_of, near**3)
        np.maximum.at(closest, city_of, near)
        # What sets the two apart from the average firm, not what all firms' texts share.
        average = vectors.mean(axis=0) if len(vectors) else np.zeros(vectors.shape[1])
        apart_city = _rows(of_city - average * city[:, None])
        apart_industry = _rows(of_industry - average * industry[:, None])
        known = np.minimum(city / 10, 1.0)[:, None]

        def surplus(held: Floats) -> Floats:
            usual = _independent(held) @ closest_kind.T
            result: Floats = np.log((held @ closest_kind.T + 0.5) / (usual + 0.5))
            return result

        return {
            "alike": np.log1p(count @ alike),
            "alike_share": (count @ alike) / np.maximum(city, 1.0)[:, None],
            "alike_recent": np.log1p(self.recent(3) @ alike),
            "alike_surplus": surplus(count),
            "alike_surplus_recent": surplus(recent),
            "affinity": np.log1p(affinity),
            "closest": closest,
            "centroid": apart_city @ apart_industry.T * known,
        }

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
            best = np.argpartition(-similar, k, axis=1)[:, :k]
            close = np.take_along_axis(similar, best, axis=1) > 0
            np.add.at(votes, (np.repeat(np.arange(n), k), city[best].ravel()), close.ravel())
        cube = similar**3
        return {
            "kernel_wide": np.log1p(of_city.T @ (cube @ of_industry) / size * 10).astype(float),
            "kernel_narrow": np.log1p(of_city.T @ (cube**2 @ of_industry) / size * 10).astype(
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

    def own_text(self, firms: Codes) -> Floats:
        """What the text of firms says about each city, shape (firms, C, k); see :data:`OWN_TEXT`."""
        panel, vectors = self.describer.panel, self.describer.vectors
        similar = np.maximum(vectors[firms] @ vectors[self.firms].T, 0.0).astype(np.float64)
        city = panel.city[self.firms]
        of_city = np.zeros((len(self.firms), len(panel.cities)))
        of_city[np.arange(len(self.firms)), city] = 1.0
        closest = np.zeros((len(panel.cities), len(firms)))
        np.maximum.at(closest, city, similar.T)
        k = min(_OWN_NEIGHBOURS, len(self.firms) - 1)
        votes = np.zeros((len(firms), len(panel.cities)))
        if k > 0:
            best = np.argpartition(-similar, k, axis=1)[:, :k]
            np.add.at(
                votes,
                (np.repeat(np.arange(len(firms)), k), city[best].ravel()),
                np.take_along_axis(similar, best, axis=1).ravel() ** 2,
            )
        sharp = similar**4
        near = sharp @ of_city
        since = panel.listed[self.firms] > self.on - 3 * _YEAR
        size = np.maximum(self.count.sum(axis=1), 1.0)
        around = self.describer.near[_REACH[1]]
        member = self.describer.of_province
        kin = member.T @ member
        # What sets a text apart from the average firm's, not what all texts share.
        known = vectors[self.firms].astype(np.float64)
        average = known.mean(axis=0) if len(known) else np.zeros(vectors.shape[1])
        apart = vectors[firms] - average
        centre = of_city.T @ (known - average)
        return np.stack(
            [
                np.log1p(near),
                near / size,
                closest.T,
                np.log1p(votes),
                votes / max(k, 1),
                np.log1p(sharp[:, since] @ of_city[since]),
                np.log1p(near @ around),
                np.log1p(near @ kin) - np.log1p(kin @ size),
                np.log1p(similar**8 @ of_city * 10),
                apart @ _rows(centre).T,
                apart @ _rows(kin @ centre).T,
            ],
            axis=2,
        )

    def of_firms(self, firms: Codes) -> Floats:
        """Features of firms in each city, shape (firms, C, k): their own text's, and their pair's."""
        pairs = self.table(FIRM)[self.describer.panel.industry[firms]]
        return np.concatenate([self.own_text(firms), pairs], axis=2)


#: What :meth:`State.own_text` holds, in its order.
OWN_TEXT = (
    "text_near", "text_near_share", "text_closest", "text_votes", "text_votes_share", "text_recent",
    "text_around", "text_province", "text_sharp", "text_centroid", "text_centroid_province",
)  # fmt: skip
#: Features of pairs that the choice of a city may use: those that differ between cities.
CHOICE = (
    "own", "own_any", "own_share", "own_recent", "own_six_years",
    "city_size", "diversity", "ubiquity_diversity", "city_recent", "city_last_year",
    "city_six_years", "city_pace", "city_youth",
    "density", "density_surplus", "bonds", "profile", "like_cities", "like_cities_recent",
    "province", "province_share", "province_size", "province_surplus", "province_surplus_recent",
    "province_pace",
    *(f"near_{what}{reach}" for reach in _REACH for what in ("", "size_", "share_", "recent_", "pace_")),
    "size_match", "pace_match",
    "alike", "alike_share", "alike_recent", "alike_surplus", "affinity", "closest", "centroid",
    "kernel_wide", "kernel_narrow", "nearest", "nearest_sharp", "votes",
)  # fmt: skip
#: Those of them that stand beside a firm's own text: fewer, since each firm is a row of its own.
FIRM = (
    "own", "own_share", "own_recent", "city_size", "diversity", "city_recent", "city_last_year",
    "city_six_years", "city_pace", "province", "near_150", "near_share_150", "near_size_150",
    "near_pace_150", "size_match", "centroid", "like_cities", "kernel_narrow", "nearest", "bonds",
    "province_pace",
)  # fmt: skip
#: Those of all that a sceptic would use.
CHOICE_NULLS = ("own", "city_size", "diversity", "city_recent", "city_last_year", "city_pace")
