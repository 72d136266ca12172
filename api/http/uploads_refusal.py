"""Why an uploaded file is refused."""

from __future__ import annotations

from typing import Literal

from ...graph.errors import ReadError


class RefusedError(ReadError):
    """A file that is refused.

    Args:
        code: Kind of problem, see :data:`.problems.KINDS`.
        message: Why, in Chinese; holds the file's label and nothing else about it.
    """

    def __init__(
        self, code: Literal["invalid", "too-large", "unsupported-media-type"], message: str
    ) -> None:
        super().__init__(message)
        self.code = code
