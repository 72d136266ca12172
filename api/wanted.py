"""What the command ``targets`` and the route ``/targets`` check alike of what is wanted."""

from __future__ import annotations

from iso3166 import countries_by_alpha2

from ..analysis.targets import Wanted
from ..graph import regions as geo
from ..viz.words import COUNTRIES


def place_code(text: str) -> str:
    """The code of a region or country, by code or Chinese name.

    Raises:
        NotFoundError: There is neither.
    """
    if text.upper() in countries_by_alpha2:
        return text.upper()
    by_name = {name: code for code, name in COUNTRIES.items()}
    return by_name[text] if text in by_name else geo.resolve(text)


def contradiction(wanted: Wanted) -> str:
    """Why nobody can be wanted, in words for people; "" where somebody can."""
    low, high = wanted.min_size, wanted.max_size
    if low is not None and high is not None and low > high:
        return f"规模上限 {high:.15g} 小于下限 {low:.15g}。"
    return ""
