"""Chinese that is left on a page in English, once names, sources and other data are taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from html import unescape

from pandas.api.types import is_numeric_dtype

from chainatlas.graph.chain import ChainGraph, split_list
from chainatlas.graph.schema import TABLES
from chainatlas.viz.style import LOOKS

CHINESE = re.compile("[\u3400-\u9fff]")
#: What stands in both languages: one character for each action, as in the notice, beside its name.
SIGNS = frozenset(look.sign for look in LOOKS.values())
#: A value that a page shows shortened: so many characters tell which.
BEGINNING = 4
#: Attributes that people read or hear.
READ = ("aria-label", "title", "placeholder", "alt", "data-tip", "value", "label")


@dataclass(frozen=True)
class Data:
    """Values that stay as they were stated.

    Attributes:
        values: Whole cells of tables, and single values of cells with lists.
    """

    values: frozenset[str]

    @classmethod
    def of(cls, graph: ChainGraph, further: Iterable[str] = ()) -> Data:
        """All texts of a store, and further ones."""
        found = set(further)
        for name in TABLES:
            table = graph[name]
            for column in table.columns[[not is_numeric_dtype(kind) for kind in table.dtypes]]:
                for cell in map(str, table[column].dropna().unique()):
                    found.update((cell, *split_list(cell)))
        return cls(frozenset(value.strip() for value in found if CHINESE.search(value)))

    @cached_property
    def _by_first(self) -> dict[str, list[str]]:
        """Values by their first character, the longest first."""
        found: dict[str, list[str]] = {}
        for value in sorted(self.values, key=len, reverse=True):
            found.setdefault(value[0], []).append(value)
        return found

    def left_of_picture(self, text: str) -> list[str]:
        """The same, where names are broken into lines."""
        return [run for run in self.left(text) if not any(run in value for value in self.values)]

    def left(self, text: str) -> list[str]:
        """Runs of Chinese in a text that are no value, nor the beginning of a shortened one."""
        rest, at = "", 0
        while at < len(text):
            long = self._value_at(text, at)
            rest += "\0" if long else text[at]
            at += long or 1
        return [run for run in re.findall("[\u3400-\u9fff]+", rest) if run not in SIGNS]

    def _value_at(self, text: str, at: int) -> int:
        """Length of the longest value at a place of a text, 0 for none."""
        begins = self._by_first.get(text[at], ())
        whole = next((len(v) for v in begins if text.startswith(v, at)), 0)
        end = text.find("…", at)
        short = end - at if end >= 0 else 0
        if short > max(whole, BEGINNING - 1) and any(v.startswith(text[at:end]) for v in begins):
            return short
        return whole


def read(html: str) -> list[str]:
    """What people read of a page: its texts, and attributes that are shown or spoken."""
    plain = re.sub(r"<script.*?</script>|<style.*?</style>", "", html, flags=re.DOTALL)
    # What is marked as another language, as the link to it, is meant to be in that.
    plain = re.sub(r"<(\w+)[^>]* lang=\"zh[^>]*>.*?</\1>", "", plain, flags=re.DOTALL)
    shown = re.split(r"<[^>]*>", plain)
    for name in READ:
        shown += re.findall(rf'<[^>]*\s{name}="([^"]*)"', plain)
    return [text for text in map(unescape, shown) if CHINESE.search(text)]
