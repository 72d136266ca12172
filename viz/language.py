"""The language of what people read: Chinese, whose text is the key, or another by a catalogue.

Who answers a request chooses it with :func:`speak`; pictures, sentences and pages then come out in
it. Texts are ``printf`` templates with named values, as in gettext.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Language:
    """A language.

    Attributes:
        code: As in a ``lang`` attribute.
        texts: Its wording by the Chinese one; what is missing stays Chinese.
    """

    code: str
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


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
