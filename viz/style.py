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
#: By node kind: colour, and the shape that tells kinds apart in grey print too.
NODE_LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "Region": Look("#6B7480", "triangleDown"),
        "Cluster": Look("#B2182B", "star"),
        "Link": Look("#8C5A2B", "hexagon"),
        "Product": Look("#1F6FB5", "square"),
        "Enterprise": Look("#E08A00", "dot"),
        "Institute": Look("#1B7837", "triangle"),
        "Project": Look("#5E3C99", "diamond"),
    }
)
#: By edge kind: colour, and whether the line is whole or broken.
EDGE_LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "PART_OF": Look("#9AA5B1", "whole"),
        "INPUT_TO": Look("#3B82C4", "whole"),
        "PRODUCES": Look("#E0A040", "whole"),
        "SUPPLIES": Look("#B2182B", "whole"),
        "LOCATED_IN": Look("#A9B2BC", "broken"),
        "RESEARCHES": Look("#1B7837", "whole"),
        "PARTNERS": Look("#1B7837", "broken"),
        "HOLDS": Look("#333333", "whole"),
        "BUILDS": Look("#5E3C99", "whole"),
        "OWNS": Look("#5E3C99", "broken"),
    }
)
