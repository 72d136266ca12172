"""A notice as a whole: its head, and the findings of all its sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd

from . import goals, money, named
from .documents import read_document
from .findings import KINDS, Finding
from .text import Sentence, is_heading, paragraphs, sentences

_NUMBER = re.compile(r"[一-鿿]{2,12}〔20\d{2}〕(?:第)?\d+号")
_TITLE = re.compile(
    r"(?:意见|通知|方案|规划|办法|措施|政策|行动计划|细则|若干举措|决定|规定)(?:（[^）]{1,12}）)?$"
)
_TITLE_MOST = 80
_READERS = (
    goals.goals,
    named.tiers,
    named.clusters,
    named.fields,
    money.supports,
    money.instruments,
    named.funds,
    named.plans,
    named.talents,
    named.projects,
)


@dataclass(frozen=True)
class Policy:
    """What a notice says.

    Attributes:
        title: Its title, "" where none was found.
        number: Its document number, such as 鄂发改高技〔2021〕367号.
        findings: In order of kind and place; equal ones of several sentences once.
    """

    title: str
    number: str
    findings: tuple[Finding, ...]

    def table(self) -> pd.DataFrame:
        """Findings as rows, with the columns of :class:`findings.Finding`."""
        columns = [f.name for f in fields(Finding)]
        return pd.DataFrame([asdict(f) for f in self.findings], columns=columns)


def read_policy(source: Path | str) -> Policy:
    """Read a notice.

    Args:
        source: A .txt, .docx or .pdf file, or the text itself.

    Raises:
        ReadError: The file cannot be read.
    """
    parts = paragraphs(source if isinstance(source, str) else read_document(source))
    found: dict[tuple[object, ...], Finding] = {}
    for sentence in sentences(parts):
        for finding in _read(sentence):
            same = (finding.kind, finding.name, finding.stated, finding.year, finding.whom)
            found.setdefault(same, finding)
    order = {kind: n for n, kind in enumerate(KINDS)}
    ordered = sorted(found.values(), key=lambda f: order[f.kind])
    head = "\n".join(parts[:12])
    number = _NUMBER.search(head)
    return Policy(_title(parts), number[0] if number else "", tuple(ordered))


def _read(sentence: Sentence) -> Iterator[Finding]:
    for reader in _READERS:
        yield from reader(sentence)


def _title(parts: list[str]) -> str:
    """The first line of the head that ends like a title; one torn in two is put together."""
    for at, part in enumerate(parts[:12]):
        if is_heading(part) or "，" in part or len(part) > _TITLE_MOST:
            continue
        if _TITLE.search(part):
            return part
        both = part + (parts[at + 1] if at + 1 < len(parts) else "")
        if re.search("关于", part) and _TITLE.search(both) and len(both) <= _TITLE_MOST:
            return both
    return ""
