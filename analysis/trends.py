"""How a cluster in a region moved over the versions of the facts.

A version is what was known then: a figure moves where the world did, and also where knowledge grew.
``known_output_share`` and the evidence of each product, shown beside it, tell how much is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from ..graph.chain import ChainGraph
from ..graph.errors import ChainAtlasError, NotFoundError
from ..graph.store import Version
from .scope import Scope
from .situation import FIGURES, Difference, Situation, difference, situation


@dataclass(frozen=True)
class Point:
    """A version in a series.

    Attributes:
        version: Its number.
        at: When it was committed (UTC), None for the empty store.
        figures: As of :class:`.situation.Situation`; all None where the cluster was not there.
        reason: Why there are no figures, "" where there are.
    """

    version: int
    at: datetime | None
    figures: dict[str, float | None]
    reason: str


@dataclass(frozen=True)
class Trend:
    """The answer.

    Attributes:
        points: Versions from the first to the last compared, oldest first.
        difference: The last one against the first; None where one has no figures.
    """

    points: tuple[Point, ...]
    difference: Difference | None


def pick(versions: Sequence[Version], text: str) -> int:
    """The version that a number or a date means.

    Args:
        versions: All versions, oldest first.
        text: A number, or YYYY-MM-DD: the newest version committed by the end of that day (UTC).

    Raises:
        NotFoundError: No such version, or none by that day.
        ChainAtlasError: Neither a number nor a date.
    """
    numbers = [v.number for v in versions]
    if text.isascii() and text.isdigit():
        if int(text) in (0, *numbers):
            return int(text)
        have = f"1 到 {numbers[-1]}" if numbers else "没有任何版本"
        raise NotFoundError(f"没有版本 {text}；现有：{have}。")
    try:
        end = datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        raise ChainAtlasError(f"“{text}”应为版本号或日期（YYYY-MM-DD）。") from None
    past = [v.number for v in versions if v.at <= end]
    if not past:
        raise NotFoundError(f"{text} 及以前没有数据版本。")
    return past[-1]


def between(versions: Sequence[Version], old: int, new: int, most: int | None) -> list[int]:
    """Version numbers from one to another, both included, evenly thinned out to at most ``most``.

    >>> between([], 3, 3, 5)
    [3]
    """
    inner = [v.number for v in versions if min(old, new) < v.number < max(old, new)]
    if most is not None and len(inner) > max(most - 2, 0):
        room = max(most - 2, 0)
        inner = [inner[(2 * i + 1) * len(inner) // (2 * room)] for i in range(room)]
    ends = [old] if old == new else [min(old, new), max(old, new)]
    return [ends[0], *inner, *ends[1:]]


def trend(graphs: Iterable[tuple[Version | None, ChainGraph]], region: str, cluster: str) -> Trend:
    """Situations of several versions, and what changed from the first to the last.

    Args:
        graphs: Versions with their graphs, oldest first; None stands for the empty store. They are
            read one at a time.
        region: Region code.
        cluster: Cluster id.

    Raises:
        NotFoundError: No such region, or the cluster is in none of the versions.
    """
    points: list[Point] = []
    ends: list[Situation | None] = []
    missing: NotFoundError | None = None
    for version, graph in graphs:
        found: Situation | None = None
        reason = ""
        try:
            found = situation(Scope.of(graph, region, cluster))
        except NotFoundError as error:
            reason, missing = str(error), error
        figures = dict.fromkeys(FIGURES) if found is None else dict(found.figures)
        points.append(
            Point(graph.version, None if version is None else version.at, figures, reason)
        )
        # Only the ends are compared product by product: the others need not be kept.
        ends = [*ends[:1], found]
    if missing is not None and all(point.reason for point in points):
        raise missing
    first, last = ends[0], ends[-1]
    both = None if first is None or last is None else difference(first, last)
    return Trend(tuple(points), both)


def lines(points: Sequence[Point]) -> Iterator[tuple[str, list[float | None]]]:
    """Each figure's course over the points."""
    for name in FIGURES:
        yield name, [point.figures[name] for point in points]
