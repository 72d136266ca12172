"""A small client of the HTTP API: pages, changes since a version, retries, keys.

    from chainatlas.api.client import Client

    with Client("http://127.0.0.1:8000", key="ca_…") as atlas:
        for target in atlas.targets("420100", cluster="ic", min_size=1e9, domestic=True):
            print(target["rank"], target["name"], target["score"])

        copy = atlas.replica("targets", "420100", cluster="ic")   # the whole list
        copy.update()                                             # later: only what changed
        copy.rows                                                 # the same as read anew

It needs nothing but the standard library. Answers are plain dictionaries, described by
``docs/openapi.json``.
"""

from __future__ import annotations

import gzip
import http.client
import json
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Literal, TypedDict, Unpack
from urllib.parse import urlencode, urlsplit

Row = dict[str, Any]
#: What a parameter may be; a sequence repeats it, None leaves it out.
Value = str | int | float | bool | None | Sequence[str]
Feed = Literal["gaps", "targets"]
#: One word or several of which any will do.
Words = str | Sequence[str]
#: Statuses after which a question is asked again.
_AGAIN = (429, 503)


class Filters(TypedDict, total=False):
    """What both lists may be narrowed by; different filters all count."""

    cluster: Words
    product: Words
    action: Words
    evidence: str
    min_priority: float
    version: int
    limit: int


class GapFilters(Filters, total=False):
    """What gaps may be narrowed by."""

    primary: Words
    link: Words
    stage: str
    robust: bool


class TargetFilters(Filters, total=False):
    """What targets may be narrowed by; sizes are in CNY a year.

    Those from ``min_size`` to ``exclude`` say which enterprises are ranked at all.
    """

    enterprise: Words
    min_size: float
    max_size: float
    label: Words
    listed: bool
    from_region: Words
    new_to_province: bool
    domestic: bool
    exclude: Words
    landing: str
    min_score: float
    top: int


class ApiError(Exception):
    """An answer that is a problem (RFC 9457).

    Attributes:
        status: HTTP status.
        code: Kind of problem, such as ``not-found``; "" where the answer is none of ours.
        detail: What is wrong.
        errors: Single faults: field, message and value.
        request_id: Finds the request in the log of the server.
    """

    def __init__(self, status: int, problem: Row) -> None:
        self.status = status
        self.code = str(problem.get("type", "")).rpartition("#")[2]
        self.detail = str(problem.get("detail", ""))
        self.errors: list[Row] = list(problem.get("errors", ()))
        self.request_id = str(problem.get("request_id", ""))
        faults = "; ".join(f"{e.get('field')}: {e.get('message')}" for e in self.errors)
        super().__init__(f"{status} {self.code}: {self.detail} {faults}".strip())


class Client:
    """A connection to one server; not to be shared by threads.

    Args:
        address: Of the server, such as ``https://atlas.example``.
        key: API key; None where the server is open.
        timeout: Seconds to wait for an answer.
        tries: How often a question is asked where the server is busy or away (429, 503, broken
            connections).
        patience: Most seconds between two tries.
    """

    def __init__(
        self,
        address: str,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        tries: int = 5,
        patience: float = 30.0,
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http address: {address}")
        secure = parts.scheme == "https"
        make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._line = make(parts.hostname, parts.port, timeout=timeout)
        self._base = parts.path.rstrip("/")
        self._key, self._tries, self._patience = key, max(1, tries), patience

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._line.close()

    def get(self, path: str, **parameters: Value) -> Row:
        """One answer as JSON.

        Args:
            path: Below ``/api/v1``, such as ``/supply-rates``, or a ``next`` of a page.
            parameters: Of the question; a trailing underscore is dropped (``from_``).

        Raises:
            ApiError: The server refuses.
            OSError: There is no server.
        """
        _, body = self.request(path, parameters, accept="application/json")
        found: Row = json.loads(body)
        return found

    def download(self, path: str, **parameters: Value) -> bytes:
        """A file, such as ``/targets.xlsx`` or ``/exports/packs.zip``."""
        return self.request(path, parameters, accept="*/*")[1]

    def request(
        self, path: str, parameters: dict[str, Value], accept: str
    ) -> tuple[dict[str, str], bytes]:
        """Headers (names in small letters) and body of an answer; tries again where that helps."""
        address = _address(self._base, path, parameters)
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        for attempt in range(self._tries):
            last = attempt + 1 == self._tries
            pause = min(self._patience, 0.2 * 2**attempt)
            try:
                self._line.request("GET", address, headers=headers)
                answer = self._line.getresponse()
                raw = answer.read()
            except (http.client.HTTPException, OSError):
                self._line.close()
                if last:
                    raise
                time.sleep(pause)
                continue
            given = {name.lower(): value for name, value in answer.getheaders()}
            body = gzip.decompress(raw) if given.get("content-encoding") == "gzip" else raw
            if answer.status < 400:
                return given, body
            if answer.status in _AGAIN and not last:
                time.sleep(_wait(given.get("retry-after"), pause, self._patience))
                continue
            raise ApiError(answer.status, _problem(body))
        raise AssertionError("unreachable")

    def pages(self, path: str, **parameters: Value) -> Iterator[Row]:
        """Every page of a list; all of one version, whatever is loaded meanwhile."""
        page = self.get(path, **parameters)
        yield page
        while page.get("next"):
            page = self.get(page["next"])
            yield page

    def rows(self, path: str, **parameters: Value) -> Iterator[Row]:
        """Every row of a list."""
        for page in self.pages(path, **{"limit": 500, **parameters}):
            yield from page[_field(page)]

    def gaps(self, region: str, **filters: Unpack[GapFilters]) -> Iterator[Row]:
        """Gaps of a region; filters as in the API, such as ``cluster``, ``action``, ``evidence``."""
        return self.rows("/gaps", region=region, **filters)

    def targets(self, region: str, **filters: Unpack[TargetFilters]) -> Iterator[Row]:
        """Targets of a region; filters such as ``cluster``, ``product``, ``min_size``, ``listed``."""
        return self.rows("/targets", region=region, **filters)

    def search(self, text: str, *, kind: Sequence[str] = (), limit: int = 20) -> list[Row]:
        """Nodes by a part of their name, alias or code, or by pinyin initials."""
        found: list[Row] = self.get("/search", q=text, kind=kind, limit=limit)["hits"]
        return found

    def replica(self, feed: Feed, region: str, **filters: Value) -> Replica:
        """A copy of a whole list that can be brought up to date."""
        return Replica(self, feed, {"region": region, **filters})


class Replica:
    """A copy of a list of gaps or targets.

    Attributes:
        version: Of the facts it is of; 0 before the first :meth:`update`.
    """

    def __init__(self, client: Client, feed: Feed, question: dict[str, Value]) -> None:
        self._client, self._feed, self._question = client, feed, question
        self._rows: dict[str, Row] = {}
        self.version = 0
        self.update()

    @property
    def rows(self) -> list[Row]:
        """The list in its order: by priority of the gap, product, cluster and rank."""
        return sorted(self._rows.values(), key=order)

    def update(self) -> dict[str, int]:
        """Read what changed since the version of the copy; how many rows of each kind of change.

        Where the server no longer knows that version, the whole list is read again.
        """
        try:
            return self._read(self.version)
        except ApiError as error:
            if error.status != 410:
                raise
        self._rows.clear()
        return self._read(0)

    def _read(self, since: int) -> dict[str, int]:
        rows, counts, version = dict(self._rows), {}, since
        asked: dict[str, Value] = {**self._question, "since": since, "limit": 500}
        for page in self._client.pages(f"/{self._feed}", **asked):
            version, counts = page["version"], page["counts"]
            for row in page[self._feed]:
                change = row.pop("change")
                if change == "withdrawn":
                    rows.pop(row["id"], None)
                else:
                    rows[row["id"]] = row
        self._rows, self.version = rows, version
        return counts


def order(row: Row) -> tuple[Any, ...]:
    """What rows of gaps and targets are ordered by."""
    return (-row["priority"], row["product"], row["cluster"], row.get("rank", 0))


def _field(page: Row) -> str:
    """The member of a page that holds its rows: its only list."""
    return next(name for name, value in page.items() if isinstance(value, list))


def _address(base: str, path: str, parameters: dict[str, Value]) -> str:
    pairs = [
        (name.removesuffix("_"), _spelt(value))
        for name, given in parameters.items()
        for value in ([given] if given is None or isinstance(given, str | int | float) else given)
        if value is not None
    ]
    root = "" if path.startswith("/api/") else "/api/v1"
    query = ("&" if "?" in path else "?") + urlencode(pairs) if pairs else ""
    return f"{base}{root}{path}{query}"


def _spelt(value: str | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wait(stated: str | None, usual: float, most: float) -> float:
    """Seconds to wait: as the server says, if that is a number, and not for ever."""
    try:
        return min(most, max(0.0, float(stated or "")))
    except ValueError:
        return usual


def _problem(body: bytes) -> Row:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
