"""Cursors of lists: where to go on, bound to the question and to the version of the facts.

A cursor says after which row of which version a page begins. It is checked against the question it
came from, so that one taken to another question, cut short or made up is refused instead of giving
a list with holes. It carries no right: what a caller may see is decided by the request alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass

from .problems import Problem

#: Bytes of the check.
_CHECK = 9
#: Longest cursor looked at; ids are far shorter.
_LONGEST = 2000


@dataclass(frozen=True)
class Cursor:
    """Where a page begins.

    Attributes:
        version: Of the facts.
        after: Id of the last row that was given.
    """

    version: int
    after: str

    def text(self, question: str) -> str:
        """The cursor as clients see it.

        Args:
            question: What was asked, without the page, in one spelling.
        """
        plain = json.dumps([self.version, self.after], ensure_ascii=False, separators=(",", ":"))
        body = plain.encode()
        return base64.urlsafe_b64encode(_check(body, question) + body).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, question: str) -> Cursor:
        """The cursor that a client sent back.

        Raises:
            Problem: It is none of ours, or belongs to another question.
        """
        try:
            if len(text) > _LONGEST:
                raise ValueError
            raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            check, body = raw[:_CHECK], raw[_CHECK:]
            if check != _check(body, question):
                raise ValueError
            version, after = json.loads(body)
        except (ValueError, binascii.Error):
            fault = {
                "field": "cursor",
                "in": "query",
                "message": "不是本次查询给出的游标",
                "value": text[:100],
            }
            raise Problem("invalid", "游标无效，请从第一页重新读取。", [fault]) from None
        return cls(int(version), str(after))


def _check(body: bytes, question: str) -> bytes:
    key = hashlib.sha256(question.encode()).digest()
    return hashlib.blake2b(body, key=key, digest_size=_CHECK).digest()
