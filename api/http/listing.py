"""Lists in pages: any list of rows with ids, in any format, with cursors and entity tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import BaseModel, Field

from ...graph.errors import NotFoundError
from .cursors import Cursor
from .formats import Form, Json, wanted, write
from .kept import reply
from .problems import Problem
from .service import Service

#: Rows of a page: most, and unless asked for another number.
MOST, USUAL = 500, 100
#: Parameters that choose a part of a list, not which list.
_PAGE = ("cursor", "limit")


class Page(BaseModel):
    """Parameters of every list."""

    limit: Annotated[int, Field(ge=1, le=MOST, description="每页行数。")] = USUAL
    cursor: Annotated[
        str | None, Field(description="上一页给出的游标；续读其数据版本。", max_length=2000)
    ] = None
    version: Annotated[int | None, Field(ge=0, le=2**31, description="数据版本，默认最新。")] = None


@dataclass(frozen=True)
class Listing:
    """A list of one version.

    Attributes:
        name: Of its schema.
        head: What JSON carries beside the rows, ``version`` too.
        field: Member that holds the rows.
        ids: Of the rows, in order; no two are equal.
        encode: The rows at some places, each as JSON in UTF-8.
        columns: See :func:`.formats.kinds`.
    """

    name: str
    head: Json
    field: str
    ids: Sequence[str]
    encode: Callable[[Sequence[int]], list[bytes]]
    columns: Mapping[str, str]

    def only(self, places: Sequence[int]) -> Listing:
        """The rows at some places, in that order."""
        whole, ids = self.encode, self.ids
        return Listing(
            self.name,
            self.head,
            self.field,
            [ids[at] for at in places],
            lambda chosen: whole([places[at] for at in chosen]),
            self.columns,
        )


def question_of(request: Request) -> str:
    """What a request asks, without the page and the format, in one spelling."""
    path = request.url.path
    for form in Form:
        path = path.removesuffix(f".{form.value}")
    pairs = [(k, v) for k, v in request.query_params.multi_items() if k not in _PAGE]
    return f"{path}?{urlencode(sorted(pairs))}"


def version_of(request: Request, service: Service, page: Page) -> int:
    """The version that a request for a list reads: its cursor's, the one it names, or the newest.

    Raises:
        Problem: The cursor is none of this list, or its version is no longer there.
        NotFoundError: No such version.
    """
    if page.cursor is None:
        number = service.version() if page.version is None else page.version
        service.check_version(number)
        return number
    found = Cursor.read(page.cursor, question_of(request))
    try:
        service.check_version(found.version)
    except NotFoundError:
        raise Problem("gone", "游标所在的数据版本已不存在，请从第一页重新读取。") from None
    return found.version


def answer(request: Request, page: Page, listing: Listing, suffix: Form | None = None) -> Response:
    """A page of a list, as the request wants it.

    Args:
        request: The request.
        page: Its parameters.
        listing: The whole list.
        suffix: Format that the address names; else ``Accept`` decides.
    """
    form = suffix or wanted(request.headers.get("accept"))
    start = 0
    if page.cursor is not None:
        after = Cursor.read(page.cursor, question_of(request)).after
        start = _place(listing.ids, after) + 1
    end = min(start + page.limit, len(listing.ids))
    onward = None
    if end < len(listing.ids):
        cursor = Cursor(listing.head["version"], listing.ids[end - 1])
        onward = _address(request, cursor.text(question_of(request)))
    head = {
        "schema": f"chainatlas.{listing.name}/1",
        **listing.head,
        "total": len(listing.ids),
        "next": onward,
    }
    rows = listing.encode(range(start, end))
    body = write(form, head, listing.field, rows, listing.columns)
    links = {} if onward is None else {"link": f'<{onward}>; rel="next"'}
    return reply(request, body, form, listing.head["version"], links)


def _place(ids: Sequence[str], after: str) -> int:
    try:
        return ids.index(after)
    except ValueError:
        raise Problem("gone", "游标所在的行已不在列表中，请从第一页重新读取。") from None


def _address(request: Request, cursor: str) -> str:
    kept: list[tuple[str, Any]] = [
        (k, v) for k, v in request.query_params.multi_items() if k != "cursor"
    ]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"
