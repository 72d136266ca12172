"""The one print font: Noto Sans SC (SIL Open Font License) from the installed package zhplot.

Widths come from the font's own tables, so that text is laid out the same way in every format and
without a browser. The font is opened once, at first use, and embedded as a subset.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import category

from ..graph.errors import NotFoundError

if TYPE_CHECKING:
    from reportlab.pdfbase.ttfonts import TTFont

NAME = "NotoSansSC"
#: Stands for a character that the font does not have.
MISSING = "□"
#: Height of a Chinese character above the baseline and below it, in parts of the size.
ASCENT, DESCENT = 0.88, 0.12
#: Characters that may not begin a line, and those that may not end one.
_NOT_FIRST = frozenset("，。、；：！？）》」』】〉%％,.;:!?)]}…—～·")
_NOT_LAST = frozenset("（《「『【〈([{")


@cache
def font() -> TTFont:
    """The font, registered with reportlab.

    Raises:
        NotFoundError: The package that carries it is not installed.
    """
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    spec = find_spec("zhplot")
    if spec is None or not spec.submodule_search_locations:
        raise NotFoundError("缺少中文字体：请重新安装 ChainAtlas 的依赖（zhplot）。")
    path = Path(spec.submodule_search_locations[0]) / "fonts" / "NotoSansSC-Regular.ttf"
    loaded = TTFont(NAME, str(path))
    pdfmetrics.registerFont(loaded)
    return loaded


def printable(text: str) -> str:
    """Text as it can be printed: white space as blanks, what the font lacks as a box."""
    return "".join(map(_printable, text))


@cache
def _printable(character: str) -> str:
    if character.isspace():
        return " "
    if category(character) in ("Cc", "Cf"):  # controls, and marks that turn text around
        return ""
    return character if ord(character) in font().face.charToGlyph else MISSING


@cache
def _em(character: str) -> float:
    face = font().face
    return float(face.charWidths.get(ord(character), face.defaultWidth)) / 1000


def width(text: str, size: float) -> float:
    """Width of a line of text, in the unit of its size."""
    return sum(map(_em, text)) * size


def clip(text: str, room: float, size: float) -> str:
    """Text that fits into a room, its end replaced by … where it is too long."""
    if width(text, size) <= room:
        return text
    left = room - width("…", size)
    for at, character in enumerate(text):
        left -= _em(character) * size
        if left < 0:
            return text[:at].rstrip() + "…"
    return text


def wrap(text: str, room: float, size: float, most: int = 99, even: bool = False) -> list[str]:
    """Text in lines no wider than a room.

    Latin words stay whole where they fit, and punctuation begins no line.

    Args:
        text: One paragraph.
        room: Width of a line, in the unit of ``size``.
        size: Font size.
        most: Most lines; the last is clipped.
        even: Whether the lines should be about equally long.
    """
    lines = _greedy(text, room / size)
    if even and 1 < len(lines) <= most:
        low, high = width(text, 1.0) / len(lines), room / size
        for _ in range(8):
            middle = (low + high) / 2
            if len(_greedy(text, middle)) > len(lines):
                low = middle
            else:
                high = middle
        lines = _greedy(text, high)
    if len(lines) > most:
        lines = [*lines[: most - 1], clip("".join(lines[most - 1 :]), room, size)]
    return lines


def _greedy(text: str, room: float) -> list[str]:
    lines: list[str] = []
    line, used = "", 0.0
    for token in _tokens(text):
        wide = width(token, 1.0)
        if line and used + wide > room + 1e-9:
            lines.append(line.rstrip())
            line, used = "", 0.0
            token = token.lstrip()
            wide = width(token, 1.0)
        for character in token if wide > room else ():
            # A word longer than a line is broken anywhere.
            if line and used + _em(character) > room:
                lines.append(line)
                line, used = "", 0.0
            line, used = line + character, used + _em(character)
        if wide <= room:
            line, used = line + token, used + wide
    return [*lines, line.rstrip()] if line or not lines else lines


def _tokens(text: str) -> list[str]:
    """Pieces that stay together: Latin words, and characters with their punctuation."""
    tokens: list[str] = []
    for character in text:
        last = tokens[-1] if tokens else ""
        joined = last and (
            character in _NOT_FIRST
            or last[-1] in _NOT_LAST
            or (_latin(character) and (_latin(last[-1]) or last[-1] in "-./+"))
            or (character in "-/+" and _latin(last[-1]))
        )
        if joined:
            tokens[-1] += character
        else:
            tokens.append(character)
    return tokens


def _latin(character: str) -> bool:
    return character.isalnum() and ord(character) < 0x2E80
