"""A report as a Word document: A4, Chinese fonts of the office, headers repeated on every page."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pandas as pd
from docx.document import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.text.font import CT_RPr
from docx.shared import Cm, Length, Pt, RGBColor
from docx.table import _Cell
from docx.text.paragraph import Paragraph

from .language import retell
from .report import Report, Section
from .tables import Cell, grid

#: Fonts that Windows and WPS offices have; a document names them and embeds none.
_BODY, _HEAD = "宋体", "黑体"
_INK, _SOFT = RGBColor(0x1F, 0x4E, 0x79), RGBColor(0x66, 0x66, 0x66)
#: Width of the text on A4 between margins.
_WIDTH = Cm(21.0 - 2 * 2.2)


def write_docx(report: Report, out: Path, picture: bytes) -> None:
    """Write a report as a Word document.

    Args:
        report: What it says.
        out: The .docx file.
        picture: PNG of the chain, shown in the first section.

    Raises:
        OSError: The file cannot be written.
    """
    document = docx.Document()
    _page(document, report)
    title = document.add_heading(level=0)
    _run(title, report.title, 20, font=_HEAD, colour=_INK)
    _run(document.add_paragraph(), report.stamp, 9, colour=_SOFT)
    for line in report.verdict:
        _run(document.add_paragraph(), line, 11.5, bold=True)
    for section in report.sections:
        _section(document, section, picture)
    document.save(str(out))


def _page(document: Document, report: Report) -> None:
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(10.5)
    _east_asian(style.element.get_or_add_rPr(), _BODY)
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21.0), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.2)
    page.top_margin = page.bottom_margin = Cm(2.0)
    _run(page.header.paragraphs[0], f"{report.title}　{report.stamp}", 8, colour=_SOFT)
    foot = page.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        element = OxmlElement("w:instrText" if text else "w:fldChar")
        if text:
            element.text = text
        else:
            element.set(qn("w:fldCharType"), kind)
        foot.add_run()._r.append(element)
    properties = document.core_properties
    properties.title, properties.author, properties.comments = (
        report.title,
        "ChainAtlas",
        report.stamp,
    )


def _section(document: Document, section: Section, picture: bytes) -> None:
    _run(document.add_heading(level=1), section.title, 14, font=_HEAD, colour=_INK)
    for line in section.lines:
        style = "List Number" if section.numbered else None
        _run(document.add_paragraph(style=style), line, 10.5)
    if section.picture:
        document.add_picture(io.BytesIO(picture), width=_WIDTH)
    if section.table is not None:
        _table(document, section.table)


def _table(document: Document, table: pd.DataFrame) -> None:
    shown = grid(table)
    made = document.add_table(rows=1, cols=len(shown.columns), style="Table Grid")
    made.alignment = WD_TABLE_ALIGNMENT.CENTER
    widths = _widths(shown.columns, [[c.text for c in row] for row in shown.rows])
    for cell, name, width in zip(made.rows[0].cells, shown.columns, widths, strict=True):
        _fill(cell, Cell(name), width, head=True)
    # Word repeats a row marked so on every page the table runs to.
    made.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for row in shown.rows:
        for cell, content, width in zip(made.add_row().cells, row, widths, strict=True):
            _fill(cell, content, width)
    document.add_paragraph()


def _widths(columns: tuple[str, ...], rows: list[list[str]]) -> list[int]:
    """Column widths in proportion to the square root of the longest text, filling the page."""
    longest = [
        max([len(name), *(len(row[at]) for row in rows)]) ** 0.5 for at, name in enumerate(columns)
    ]
    return [int(_WIDTH * share / sum(longest)) for share in longest]


def _fill(cell: _Cell, content: Cell, width: int, *, head: bool = False) -> None:
    cell.width = Length(width)
    paragraph = cell.paragraphs[0]
    _run(paragraph, content.text, 9, bold=head)
    paragraph.paragraph_format.space_after = Pt(0)
    if content.kind == "number":
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    if head:
        shade = OxmlElement("w:shd")
        shade.set(qn("w:val"), "clear")
        shade.set(qn("w:fill"), "DCE6F1")
        cell._tc.get_or_add_tcPr().append(shade)


def _run(
    paragraph: Paragraph,
    text: str,
    size: float,
    *,
    font: str = _BODY,
    bold: bool = False,
    colour: RGBColor | None = None,
) -> None:
    text = retell(text)
    # Control characters have no place in XML; names from packs may hold them.
    run = paragraph.add_run("".join(c for c in text if c.isprintable() or c in "\n\t"))
    run.font.size, run.font.bold = Pt(size), bold
    if colour is not None:
        run.font.color.rgb = colour
    _east_asian(run._r.get_or_add_rPr(), font)


def _east_asian(properties: CT_RPr, font: str) -> None:
    """Name the font of Chinese text, which Word keeps apart from that of Latin text."""
    fonts = properties.get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), font)
