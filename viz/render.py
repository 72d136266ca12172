"""Writes drawings: SVG by hand, PDF with reportlab, PNG from that PDF with PDFium.

SVG keeps text as text, in any Chinese font at hand, each line set to the width it was laid out for.
PDF embeds the characters used of the print font, so PDF and PNG look the same on every machine.
"""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path as File
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from . import fonts
from .drawing import Circle, Drawing, Item, Path, Rect, Shape, Text
from .style import FONT

if TYPE_CHECKING:
    import PIL.Image

#: Points of a PDF in a millimetre.
_POINT = 72 / 25.4
#: Smaller bold text is left plain in a PDF: viewers draw its outline at least a pixel wide.
_BOLD_FROM = 6.0
#: Dots per inch of a PNG.
DPI = 150
#: Dots that a PNG has at most, in all and along one side.
PIXELS, SIDE = 40_000_000, 30_000
#: Steps between a colour and white in the palette of a PNG, for smooth edges.
_SHADES = 6
#: Shades lighter than this would tint the paper, as Pillow looks colours up coarsely.
_NEAR_WHITE = 238


def svg(drawing: Drawing) -> str:
    """A drawing as an SVG document."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        + inline_svg(drawing, "", "").replace(
            "<svg ",
            '<svg xmlns="http://www.w3.org/2000/svg" '
            f'width="{_n(drawing.width)}mm" height="{_n(drawing.height)}mm" ',
            1,
        )
        + "\n"
    )


def inline_svg(
    drawing: Drawing,
    name: str,
    label: str,
    *,
    hidden: bool = False,
    links: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> str:
    """A drawing as an ``svg`` element of an HTML page; all text in it is escaped.

    Args:
        drawing: What to draw.
        name: Id of the element.
        label: What a screen reader says.
        hidden: Whether it is not shown at first.
        links: Address and name of what the outlines of a key lead to, by key.
    """
    # What a picture holds is hidden from screen readers; a group with links is not.
    role = "group" if links else "img"
    named = f' id="{escape(name)}" role="{role}" aria-label="{escape(label)}"' if name else ""
    named += " hidden" if hidden else ""
    head = (
        f'<svg viewBox="0 0 {_n(drawing.width)} {_n(drawing.height)}"{named} '
        f'font-family="{escape(FONT)}" text-rendering="geometricPrecision">'
    )
    return head + "".join(_elements(drawing.items, links)) + "</svg>"


def _elements(
    items: Sequence[Item], links: Mapping[str, tuple[str, str]] = MappingProxyType({})
) -> Iterator[str]:
    for item in items:
        if isinstance(item, Path) and item.key in links:
            address, name = links[item.key]
            # Drawn without its link, so that it is not wrapped again.
            inner = "".join(_elements([item]))
            yield f'<a href="{escape(address)}" aria-label="{escape(name)}">{inner}</a>'
            continue
        data = "".join(
            f' {attribute}="{escape(value)}"'
            for attribute, value in (
                ("class", item.layer), ("data-key", item.key), ("data-tip", item.tip),
            )
            if value
        )  # fmt: skip
        if item.opacity < 1:
            data += f' opacity="{_n(item.opacity)}"'
        if isinstance(item, Text):
            yield _text_element(item, data)
        elif isinstance(item, Shape):
            yield _shape_element(item, data + _paint(item))


def _text_element(item: Text, data: str) -> str:
    if item.anchor != "start":
        data += f' text-anchor="{item.anchor}"'
    if item.bold:
        data += ' font-weight="bold"'
    if len(item.text) > 1:
        wide = fonts.width(item.text, item.size)
        data += f' textLength="{_n(wide)}" lengthAdjust="spacingAndGlyphs"'
    return (
        f'<text x="{_n(item.x)}" y="{_n(item.y)}" font-size="{_n(item.size)}" '
        f'fill="{item.colour}"{data}>{escape(item.text)}</text>'
    )


def _shape_element(item: Shape, data: str) -> str:
    if isinstance(item, Rect):
        box = item.box
        corner = f' rx="{_n(item.radius)}"' if item.radius else ""
        return (
            f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.w)}" height="{_n(box.h)}"'
            f"{corner}{data}/>"
        )
    if isinstance(item, Circle):
        return f'<circle cx="{_n(item.x)}" cy="{_n(item.y)}" r="{_n(item.r)}"{data}/>'
    assert isinstance(item, Path)
    outline = "".join(step[0] + " ".join(map(_n, step[1:])) for step in item.steps)
    return f'<path d="{outline}"{data}/>'


def _paint(item: Shape) -> str:
    paint = f' fill="{item.fill or "none"}"'
    if item.stroke:
        paint += f' stroke="{item.stroke}" stroke-width="{_n(item.width)}"'
    if item.dash:
        paint += f' stroke-dasharray="{" ".join(map(_n, item.dash))}"'
    return paint


def _n(value: float) -> str:
    shown = f"{value:.2f}"
    return shown.rstrip("0").rstrip(".") or "0"


def pdf(pages: Sequence[Drawing], title: str, stamp: str, bold_from: float = _BOLD_FROM) -> bytes:
    """Drawings as the pages of a PDF.

    Args:
        pages: At least one.
        title: Title of the document.
        stamp: Region, version and date, kept as its subject.
        bold_from: Size in mm from which bold text is drawn heavier.
    """
    from reportlab.pdfgen.canvas import Canvas

    fonts.font()
    stream = io.BytesIO()
    canvas = Canvas(stream, pageCompression=1, invariant=1)
    canvas.setTitle(fonts.printable(title))
    canvas.setSubject(fonts.printable(stamp))
    canvas.setCreator("ChainAtlas")
    for page in pages:
        canvas.setPageSize((page.width * _POINT, page.height * _POINT))
        for item in page.items:
            canvas.saveState()
            canvas.setFillAlpha(item.opacity)
            canvas.setStrokeAlpha(item.opacity)
            if isinstance(item, Text):
                _write(canvas, page, item, item.bold and item.size >= bold_from)
            elif isinstance(item, Shape):
                _draw(canvas, page, item)
            canvas.restoreState()
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def _write(canvas: Any, page: Drawing, item: Text, bold: bool) -> None:
    """One text; the font has one weight, so bold text gets an outline of its own colour."""
    line = canvas.beginText()
    line.setTextOrigin(item.box.x * _POINT, (page.height - item.y) * _POINT)
    line.setFont(fonts.NAME, item.size * _POINT)
    line.setFillColor(item.colour)
    if bold:
        line.setStrokeColor(item.colour)
        canvas.setLineWidth(0.035 * item.size * _POINT)
        line.setTextRenderMode(2)
    line.textOut(item.text)
    canvas.drawText(line)


def _draw(canvas: Any, page: Drawing, item: Shape) -> None:
    paint = {"fill": int(bool(item.fill)), "stroke": int(bool(item.stroke))}
    if item.fill:
        canvas.setFillColor(item.fill)
    if item.stroke:
        canvas.setStrokeColor(item.stroke)
        canvas.setLineWidth(item.width * _POINT)
        canvas.setLineJoin(1)
    if item.dash:
        canvas.setDash([d * _POINT for d in item.dash])
    if isinstance(item, Rect):
        box = item.box
        corner = (box.x * _POINT, (page.height - box.bottom) * _POINT)
        size = (box.w * _POINT, box.h * _POINT)
        if item.radius:
            canvas.roundRect(*corner, *size, item.radius * _POINT, **paint)
        else:
            canvas.rect(*corner, *size, **paint)
    elif isinstance(item, Circle):
        middle = (item.x * _POINT, (page.height - item.y) * _POINT)
        canvas.circle(*middle, item.r * _POINT, **paint)
    elif isinstance(item, Path):
        outline = canvas.beginPath()
        for name, *numbers in item.steps:
            at = [
                n * _POINT if i % 2 == 0 else (page.height - n) * _POINT
                for i, n in enumerate(numbers)
            ]
            {"M": outline.moveTo, "L": outline.lineTo, "C": outline.curveTo, "Z": outline.close}[
                name
            ](*at)
        canvas.drawPath(outline, **paint, fillMode=0)


def png(drawing: Drawing, title: str, stamp: str) -> bytes:
    """A drawing as a PNG of :data:`DPI`, with title and stamp as its text fields.

    One that would be larger than :data:`PIXELS` or :data:`SIDE` is made coarser: somebody may put
    two nodes of a view kilometres apart.
    """
    from PIL.PngImagePlugin import PngInfo
    from pypdfium2 import PdfDocument

    document = PdfDocument(pdf([drawing], title, stamp, bold_from=0.0))
    width, height = drawing.width * _POINT, drawing.height * _POINT
    scale = min(DPI / 72, math.sqrt(PIXELS / (width * height)), SIDE / max(width, height))
    try:
        image = document[0].render(scale=scale).to_pil()
    finally:
        document.close()
    note = PngInfo()
    note.add_itxt("Title", title, lang="zh-CN")
    note.add_itxt("Description", stamp, lang="zh-CN")
    stream = io.BytesIO()
    image.quantize(palette=_palette(drawing), dither=0).save(
        stream, "PNG", pnginfo=note, dpi=(scale * 72, scale * 72)
    )
    return stream.getvalue()


def _palette(drawing: Drawing) -> PIL.Image.Image:
    """The drawing's own colours and shades of them towards white, as many as a palette takes.

    A palette made from the picture would lose colours that cover little of it.
    """
    import PIL.Image

    used: Counter[str] = Counter()
    for item in drawing.items:
        used.update([item.colour] if isinstance(item, Text) else [])
        used.update([item.fill, item.stroke] if isinstance(item, Shape) else [])
    del used[""]
    own = [tuple(bytes.fromhex(c[1:])) for c, _ in used.most_common(255)]
    shades = dict.fromkeys([(255, 255, 255), *own])
    for step in range(1, _SHADES):
        for colour in own:
            shade = tuple(round(v + (255 - v) * step / _SHADES) for v in colour)
            if min(shade) < _NEAR_WHITE:
                shades[shade] = None
    flat = [value for colour in list(shades)[:256] for value in colour]
    palette = PIL.Image.new("P", (1, 1))
    palette.putpalette(flat)
    return palette


def save(pages: Sequence[Drawing], title: str, stamp: str, out: File) -> None:
    """Write drawings in the format of a file's ending: ``.pdf`` all pages, else the first.

    Args:
        pages: At least one.
        title: Title of the document.
        stamp: Region, version and date.
        out: A file that ends in ``.svg``, ``.pdf`` or ``.png``.
    """
    ending = out.suffix.lower()
    if ending == ".svg":
        out.write_text(svg(pages[0]), encoding="utf-8")
    elif ending == ".pdf":
        out.write_bytes(pdf(pages, title, stamp))
    else:
        out.write_bytes(png(pages[0], title, stamp))
