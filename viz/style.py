"""Colours and signs of actions: every picture shows both, so that grey print stays readable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Look:
    """How an action or state looks.

    Attributes:
        colour: Fill.
        sign: One character that stands for it beside the colour.
    """

    colour: str
    sign: str


#: By ``primary``; colours differ in lightness too.
LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "supplement": Look("#D73027", "补"),
        "strengthen": Look("#FDAE61", "强"),
        "fortify": Look("#762A83", "固"),
        "extend": Look("#4393C3", "延"),
        "sound": Look("#66BD63", "健"),
        "absent": Look("#D9D9D9", "–"),
    }
)
#: From nothing to the most, for choropleths and heat tables.
SCALE: tuple[str, ...] = ("#F7FBFF", "#C6DBEF", "#6BAED6", "#2171B5", "#08306B")
FONT = "'Noto Sans SC','Microsoft YaHei','PingFang SC','Source Han Sans SC',sans-serif"
