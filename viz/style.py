"""Colours and signs: every picture shows both, so that grey print stays readable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Look:
    """How an action or state looks.

    Attributes:
        colour: Fill.
        sign: What stands for it beside the colour: one character, or a shape.
        ink: Colour of the sign on the fill.
    """

    colour: str
    sign: str
    ink: str = "#111111"


#: By ``primary``; colours differ in lightness too.
LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "supplement": Look("#D73027", "补", "#FFFFFF"),
        "strengthen": Look("#FDAE61", "强"),
        "fortify": Look("#762A83", "固", "#FFFFFF"),
        "extend": Look("#4393C3", "延"),
        "sound": Look("#66BD63", "健"),
        "absent": Look("#D9D9D9", "–"),
    }
)
#: From nothing to the most, for choropleths and heat tables.
SCALE: tuple[str, ...] = ("#F7FBFF", "#DAE8F5", "#ABD0E6", "#6BAED6", "#2E7EBC", "#0A4A90")
FONT = "'Noto Sans SC','Microsoft YaHei','PingFang SC','Source Han Sans SC',sans-serif"
#: Kinds of resources on a map, with the shape of their symbol.
SYMBOLS: Mapping[str, Look] = MappingProxyType(
    {
        "leading": Look("#B2182B", "circle"),
        "sme": Look("#D98200", "triangle"),
        "institute": Look("#1B7837", "square"),
        "project": Look("#5E3C99", "diamond"),
    }
)
