"""What a bureau wants of a target: filters over enterprises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...graph import regions as geo
from ..economy import Economy, Mask

#: Code of the country whose regions are known.
HOME = "CN"
#: What each filter asks, in words for people. The options of ``chainatlas targets`` and the
#: parameters of ``/api/v1/targets`` have these names and take these words.
WANTED_ZH: Mapping[str, str] = {
    "min_size": "企业规模下限（元/年；营业收入未知时按典型规模）。",
    "max_size": "企业规模上限（元/年；营业收入未知时按典型规模）。",
    "label": "企业资质，任一即可。",
    "listed": "是否上市：只看上市公司，或只看非上市。",
    "from_region": "只看来自这些地区（含下级）或国家的企业。",
    "new_to_province": "只看本身和子公司都还没有落在本省的企业。",
    "domestic": "是否境内：只看境内企业，或只看境外。",
    "exclude": "排除的企业。",
}


@dataclass(frozen=True)
class Wanted:
    """Filters; an enterprise must pass all of them. Without any, everybody is wanted.

    Attributes:
        min_size: Smallest size (CNY a year, typical where revenue is unknown).
        max_size: Largest size, alike.
        label: Labels of which it must carry one.
        listed: True: listed companies only (a stock code or the label); False: others only.
        from_region: Region codes or country codes in one of which its seat must lie; a seat in a
            region of China lies in no other country.
        new_to_province: Neither it nor a direct subsidiary sits or makes anything in the province.
        domestic: True: enterprises in China only; False: those abroad only.
        exclude: Ids of enterprises that are not wanted.
    """

    min_size: float | None = None
    max_size: float | None = None
    label: tuple[str, ...] = ()
    listed: bool | None = None
    from_region: tuple[str, ...] = ()
    new_to_province: bool = False
    domestic: bool | None = None
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
        if self.label:
            keep &= labelled(economy, self.label)
        if self.listed is not None:
            listed = (graph.text("enterprises", "stock_code") != "") | labelled(
                economy, ("listed",)
            )
            keep &= listed == self.listed
        if self.from_region:
            inside = [
                geo.within(home, p) if geo.exists(p) else (country == p) & (home == "")
                for p in self.from_region
                if p != HOME
            ]
            inside += [chinese(economy)] * (HOME in self.from_region)
            keep &= np.logical_or.reduce(inside)
        if self.new_to_province:
            keep &= ~_settled(economy, geo.province(region))
        if self.domestic is not None:
            keep &= chinese(economy) == self.domestic
        if self.exclude:
            keep &= ~np.isin(graph.text("enterprises", "id"), list(self.exclude))
        return keep


def chinese(economy: Economy) -> Mask:
    """Enterprises with a seat in China, (enterprises,)."""
    graph = economy.graph
    return np.asarray(
        (graph.text("enterprises", "region") != "") | (graph.text("enterprises", "country") == HOME)
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
