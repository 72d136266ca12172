"""The language of what people read: Chinese, whose text is the key, or another by a catalogue.

Who answers a request chooses it with :func:`speak`; pictures, sentences and pages then come out in
it. Texts are ``printf`` templates with named values, as in gettext.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType

from .romanised import romanised_name

#: A named value in a text.
_VALUE = re.compile(r"%\((\w+)\)[.\d]*[a-z]")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, eq=False)
class Language:
    """A language.

    Attributes:
        code: As in a ``lang`` attribute.
        texts: Its wording by the Chinese one; what is missing stays Chinese.
    """

    code: str
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def templates(self) -> list[tuple[re.Pattern[str], re.Pattern[str], str]]:
        """Texts with values: what a Chinese one looks like, and its wording with ``{name}``.

        In the first pattern a value is within one clause, in the second it is any text.
        """
        found = []
        for chinese, wording in self.texts.items():
            parts = _VALUE.split(chinese)
            # Two characters at least tell a text from a name that happens to look like it.
            if len(parts) > 1 and len(_CHINESE.findall("".join(parts[::2]))) > 1:
                shapes = (
                    "".join(
                        f"(?P<{p}>{value}+?)" if at % 2 else re.escape(p.replace("%%", "%"))
                        for at, p in enumerate(parts)
                    )
                    for value in ("[^，；]", ".")
                )
                clause, any_text = map(re.compile, shapes)
                plain = wording.replace("{", "{{").replace("}", "}}")
                found.append((clause, any_text, _VALUE.sub(r"{\1}", plain)))
        return found


CHINESE = Language("zh-CN")
_spoken: ContextVar[Language] = ContextVar("spoken", default=CHINESE)


def speak(language: Language) -> None:
    """Choose the language of the task that runs, and of threads it starts."""
    _spoken.set(language)


def spoken() -> Language:
    """The language that is spoken."""
    return _spoken.get()


def text(chinese: str) -> str:
    """A text in the language spoken, its values not yet filled in."""
    return _spoken.get().texts.get(chinese, chinese)


def say(chinese: str, **values: object) -> str:
    """A text in the language spoken.

    >>> say("共 %(count)d 家", count=3)
    '共 3 家'
    """
    return text(chinese) % values


def retell(words: str) -> str:
    """A text that comes finished in Chinese, as far as its parts are known in the language spoken.

    Analyses word what they found in Chinese; such a text is looked up whole, then as one with
    values, then part by part; names of regions are spelt in Latin letters.
    """
    language = _spoken.get()
    if language is CHINESE or not _CHINESE.search(words):
        return words
    return _retold(language, words)


@lru_cache(maxsize=8192)
def _retold(language: Language, words: str) -> str:
    if words in language.texts:
        return language.texts[words]
    for clause, _, wording in language.templates:
        if match := clause.fullmatch(words):
            return _filled(language, wording, match)
    if (which := _joined(language, words, "，其")) is not None:
        return which
    for _, any_text, wording in language.templates:
        if match := any_text.fullmatch(words):
            return _filled(language, wording, match)
    for between in ("；", "、", "："):
        if (joined := _joined(language, words, between)) is not None:
            return joined
    return romanised_name(words) or words


def _filled(language: Language, wording: str, match: re.Match[str]) -> str:
    values = {name: _retold(language, value) for name, value in match.groupdict().items()}
    return wording.replace("%%", "%").format(**values)


def _joined(language: Language, words: str, between: str) -> str | None:
    """The parts of a list retold; None where it is none, or a name that only looks like one."""
    parts = words.split(between)
    if len(parts) == 1:
        return None
    told = [_retold(language, part) for part in parts]
    if told == parts:
        return None
    return language.texts.get(between, between).join(told)
