"""Lines of a notice into sentences: what a page or line break tore apart is put together again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_WIDE = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B))}
_WIDE |= {code: code - 0xFEE0 for code in range(0xFF41, 0xFF5B)}
_WIDE |= {ord("％"): ord("%"), ord("．"): ord(".")}
# PDF files often hold radicals that look like the characters: Kangxi ones have a plain form in
# Unicode, of the supplement only those that are characters by themselves are given here.
_WIDE |= {code: ord(unicodedata.normalize("NFKC", chr(code))) for code in range(0x2F00, 0x2FD6)}
_WIDE |= str.maketrans(
    "⻝⻋⻓⻔⻢⻛⻬⻨⻩⻄⻅⻆⻘⻣⻥⻦⻰⻚⻜⻤⻁⻙⻮⺠⻉",
    "食车长门马风齐麦黄西见角青骨鱼鸟龙页飞鬼虎韦齿民贝",
)
_PAGE_NUMBER = re.compile(
    r"[-—–－·•\s]*(?:第\s*)?\d{1,3}(?:\s*页)?(?:\s*/?\s*共?\s*\d+\s*页?)?[-—–－·•\s]*"
)
#: How a part of a notice begins.
_NUMBERED = re.compile(
    r"[一二三四五六七八九十]+、|[（(][一二三四五六七八九十\d]+[）)]|\d{1,2}[.、．](?!\d)"
    r"|第[一二三四五六七八九十百\d]+[章节条]|附件|[①-⑳]"
)
_LEVELS = (
    re.compile(r"第[一二三四五六七八九十百\d]+[章节]|[一二三四五六七八九十]+、"),
    re.compile(r"[（(][一二三四五六七八九十]+[）)]"),
)
_ENDS = tuple("。！？；：…!?;:")
_SEMICOLONS = ("；", ";")
#: A line that has one of these and does not end is torn, whatever stands around it.
_INNER = re.compile("[，。；、“”]")
#: Letters that a page break may print twice (新兴产业 / 兴产业).
_TWICE = 3
#: Part of the usual line width from which a line without an end is taken for wrapped.
_FULL = 0.8
#: Part of it from which even a line that looks complete is taken for wrapped.
_WRAPPED = 0.97
_HEADING_MOST = 40


@dataclass(frozen=True)
class Sentence:
    """A part of a paragraph up to a full stop or semicolon.

    Attributes:
        text: The part.
        section: The headings it stands under, joined by " / ".
        lead: What stands before it in the same sentence, where that has semicolons.
    """

    text: str
    section: str
    lead: str = ""


def paragraphs(text: str) -> list[str]:
    r"""Paragraphs and headings of a notice, torn lines put together, blanks removed.

    >>> paragraphs("（一）目标\n明确龙头项目、配套项\n\n目，组织论证。")
    ['（一）目标', '明确龙头项目、配套项目，组织论证。']
    """
    lines = [line.strip() for line in text.translate(_WIDE).splitlines()]
    lengths = [len(line) for line in lines if line]
    width = float(np.quantile(lengths, 0.9)) if lengths else 0.0
    found: list[str] = []
    torn = page_break = False
    for line in lines:
        if not line or _PAGE_NUMBER.fullmatch(line):
            page_break = True
            continue
        plain = _without_blanks(line)
        if torn and found and not _NUMBERED.match(plain):
            found[-1] += _unrepeated(found[-1], plain) if page_break else plain
        else:
            found.append(plain)
        torn = _is_torn(found[-1], len(line), width)
        page_break = False
    return found


def _without_blanks(line: str) -> str:
    """A line without blanks, except between two Latin words."""
    return re.sub(r"(?<![A-Za-z,.])\s+|\s+(?![A-Za-z])", "", line)


def _is_torn(paragraph: str, length: int, width: float) -> bool:
    # A line as long as any is wrapped, unless it ends a sentence or is the title of a part.
    wrapped = width >= 15 and length >= _WRAPPED * width
    if paragraph.endswith(_SEMICOLONS):
        return wrapped
    if paragraph.endswith(_ENDS):
        return False
    if is_heading(paragraph):
        return wrapped and (paragraph[0].isdigit() or "，" in paragraph)
    return bool(_INNER.search(paragraph)) or (width >= 15 and length >= _FULL * width)


def _unrepeated(before: str, after: str) -> str:
    """What follows a page break, without the letters printed on both pages."""
    for size in range(min(len(before), len(after), 12), _TWICE - 1, -1):
        if before.endswith(after[:size]):
            return after[size:]
    return after


def is_heading(paragraph: str) -> bool:
    """Whether a paragraph is a numbered heading and no sentence."""
    return (
        bool(_NUMBERED.match(paragraph))
        and len(paragraph) <= _HEADING_MOST
        and not re.search("[。；]", paragraph)
    )


def sentences(parts: list[str]) -> Iterator[Sentence]:
    """Sentences of paragraphs, each with its headings."""
    heads = ["", ""]
    for part in parts:
        if is_heading(part):
            for level, pattern in enumerate(_LEVELS):
                if pattern.match(part):
                    heads[level:] = [part, *[""] * (len(heads) - level - 1)]
            continue
        section = " / ".join(h for h in heads if h)
        lead = ""
        for text in re.findall(r"[^。！？；]+[。！？；]?[”’）)]*", part):
            yield Sentence(text, section, lead)
            lead = lead + text if "；" in text[-2:] else ""
