"""What a bureau wants of a target: filters over enterprises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...graph import regions as geo
from ..economy import Economy, Mask


@dataclass(frozen=True)
class Wanted:
    """Filters; an enterprise must pass all of them. Without any, everybody is wanted.

    Attributes:
        min_size: Smallest size (CNY a year, typical where revenue is unknown).
        max_size: Largest size, alike.
        labels: Labels of which it must carry one.
        listed: True: listed companies only (a stock code or the label); False: others only.
        places: Region codes or country codes in one of which its seat must lie.
        new_to_province: Neither it nor a direct subsidiary sits or makes anything in the province.
        domestic: In China only.
        exclude: Ids of enterprises that are not wanted.
    """

    min_size: float | None = None
    max_size: float | None = None
    labels: tuple[str, ...] = ()
    listed: bool | None = None
    places: tuple[str, ...] = ()
    new_to_province: bool = False
    domestic: bool = False
    exclude: tuple[str, ...] = ()

    def of(self, economy: Economy, region: str) -> Mask:
        """Which enterprises pass, (enterprises,).

        Args:
            economy: The economy.
            region: The region they would come to.
        """
        graph = economy.graph
        home = graph.text("enterprises", "region")
        country = graph.text("enterprises", "country")
        keep = np.ones(len(home), dtype=bool)
        if self.min_size is not None:
            keep &= economy.size >= self.min_size
        if self.max_size is not None:
            keep &= economy.size <= self.max_size
        if self.labels:
            keep &= labelled(economy, self.labels)
        if self.listed is not None:
            listed = (graph.text("enterprises", "stock_code") != "") | labelled(
                economy, ("listed",)
            )
            keep &= listed == self.listed
        if self.places:
            inside = [geo.within(home, p) if geo.exists(p) else country == p for p in self.places]
            keep &= np.logical_or.reduce(inside)
        if self.new_to_province:
            keep &= ~_settled(economy, geo.province(region))
        if self.domestic:
            keep &= chinese(economy)
        if self.exclude:
            keep &= ~np.isin(graph.text("enterprises", "id"), list(self.exclude))
        return keep


def chinese(economy: Economy) -> Mask:
    """Enterprises with a seat in China, (enterprises,)."""
    graph = economy.graph
    return np.asarray(
        (graph.text("enterprises", "region") != "") | (graph.text("enterprises", "country") == "CN")
    )


def labelled(economy: Economy, labels: tuple[str, ...]) -> Mask:
    """Enterprises that carry one of the labels, (enterprises,)."""
    rows, values = economy.graph.listed("enterprises", "labels")
    found = np.zeros(len(economy.size), dtype=bool)
    found[rows[np.isin(values, list(labels))]] = True
    return found


def present_in(economy: Economy, region: str) -> Mask:
    """Enterprises that sit in a region or make something there, (enterprises,)."""
    codes, place = economy.places
    found = geo.within(economy.graph.text("enterprises", "region"), region)
    found[economy.enterprise[geo.within(codes, region)[place] & (economy.output > 0)]] = True
    return found


def _settled(economy: Economy, province: str) -> Mask:
    here = present_in(economy, province)
    (holds,) = economy.graph.edges("HOLDS")
    found = here.copy()
    found[holds.source[here[holds.target]]] = True
    return found
