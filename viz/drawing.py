"""A drawing: shapes and text in millimetres, from the top left corner, for screen and print alike.

Every static picture is made of these few items; :mod:`.render` writes them as SVG, PDF and PNG.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from . import fonts
from .language import retell

INK, SOFT, LINE, NAVY = "#222222", "#666666", "#D0D7DE", "#1F4E79"
Anchor = Literal["start", "middle", "end"]
#: Steps of an outline: M and L with a point, C with two control points and a point, Z without.
Step = tuple[str, *tuple[float, ...]]


@dataclass(frozen=True)
class Box:
    """A rectangle: left, top, width, height."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.y + self.h

    def overlaps(self, other: Box, slack: float = 0.0) -> bool:
        """Whether two boxes share more than an edge, or come closer than ``-slack``."""
        return (
            self.x + slack < other.right
            and other.x + slack < self.right
            and self.y + slack < other.bottom
            and other.y + slack < self.bottom
        )


@dataclass(frozen=True, kw_only=True)
class Item:
    """What every item has.

    Attributes:
        layer: Space-separated names by which a page shows and hides it.
        key: What a click on it means.
        tip: Text shown when hovered.
        opacity: 0..1.
    """

    layer: str = ""
    key: str = ""
    tip: str = ""
    opacity: float = 1.0


@dataclass(frozen=True)
class Shape(Item):
    """What has an outline and may be filled; ``""`` is no colour."""

    fill: str = ""
    stroke: str = ""
    width: float = 0.2
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rect(Shape):
    """A rectangle, its corners rounded by ``radius``."""

    box: Box
    radius: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Circle(Shape):
    """A circle."""

    x: float
    y: float
    r: float


@dataclass(frozen=True, kw_only=True)
class Path(Shape):
    """Lines and curves."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Text(Item):
    """One line of text on a baseline.

    Attributes:
        x: Where the anchor stands.
        y: The baseline.
        text: Characters the font has.
        size: Height of a Chinese character.
        colour: Fill.
        anchor: Which end of the text stands at ``x``.
        bold: Whether it is heavier.
    """

    x: float
    y: float
    text: str
    size: float
    colour: str = INK
    anchor: Anchor = "start"
    bold: bool = False

    @property
    def box(self) -> Box:
        """What it covers."""
        w = fonts.width(self.text, self.size)
        left = self.x - {"start": 0.0, "middle": w / 2, "end": w}[self.anchor]
        return Box(left, self.y - fonts.ASCENT * self.size, w, self.size)


@dataclass
class Drawing:
    """A page or picture.

    Attributes:
        width: In mm.
        height: In mm.
        items: From the back to the front.
    """

    width: float
    height: float
    items: list[Item] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """Put an item in front of the others."""
        self.items.append(item)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: str = INK,
        anchor: Anchor = "start",
        *,
        room: float | None = None,
        bold: bool = False,
        layer: str = "",
        key: str = "",
        tip: str = "",
    ) -> None:
        """Write one line in the language spoken, clipped to a room where one is given."""
        shown = fonts.printable(retell(text))
        if room is not None:
            shown = fonts.clip(shown, room, size)
        if shown.strip():
            self.add(
                Text(
                    x=x, y=y, text=shown, size=size, colour=colour, anchor=anchor, bold=bold,
                    layer=layer, key=key, tip=tip,
                )
            )  # fmt: skip

    def lines(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        room: float,
        most: int,
        colour: str = INK,
        *,
        leading: float = 1.3,
        key: str = "",
    ) -> float:
        """Write a paragraph whose first baseline is ``y``; returns the baseline after its last."""
        for line in fonts.wrap(fonts.printable(retell(text)), room, size, most):
            self.text(x, y, line, size, colour, key=key)
            y += leading * size
        return y

    def rule(self, x: float, y: float, to: float, colour: str = LINE, width: float = 0.2) -> None:
        """A horizontal line."""
        self.add(Path(steps=(("M", x, y), ("L", to, y)), stroke=colour, width=width))

    def texts(self) -> list[Text]:
        """Every text, from the back to the front."""
        return [item for item in self.items if isinstance(item, Text)]


def overlaps(drawing: Drawing, slack: float = 0.05) -> list[tuple[str, str]]:
    """Pairs of texts that cover one another, or stick out of the drawing (paired with "")."""
    boxes = [(text, text.box) for text in drawing.texts()]
    page = Box(0, 0, drawing.width, drawing.height)
    found = [
        (text.text, "")
        for text, box in boxes
        if box.x < -slack
        or box.y < -slack
        or box.right > page.w + slack
        or box.bottom > page.h + slack
    ]
    order = sorted(boxes, key=lambda pair: pair[1].y)
    for at, (text, box) in enumerate(order):
        for other, below in order[at + 1 :]:
            if below.y >= box.bottom:
                break
            if box.overlaps(below, slack):
                found.append((text.text, other.text))
    return found
