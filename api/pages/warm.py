"""Works out beforehand what the first visitor of a new version would wait for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ...graph import regions as geo
from ...graph.chain import ChainGraph, records
from ...graph.errors import ChainAtlasError
from ..http.feed import KINDS, feed
from ..http.review_desk import near_pairs
from ..http.routes_graphview import overview_of
from ..http.service import Preparing, Service
from .scope import all_details

#: Seconds between two looks for a new version, and for which one must have been served before it is
#: prepared: while loads follow each other, each would only take the processor from those who ask.
_EVERY_S, _REST_S = 5.0, 20.0
#: Seconds between two looks whether anybody waits, and the longest that a step is put off.
_SHORT_S, _AT_MOST_S = 0.05, 10.0

_log = logging.getLogger("chainatlas.pages")


class Warmer:
    """A thread that prepares each new version of the facts once.

    Args:
        service: Whose answers are prepared; visitors find them there.
        busy: Whether somebody waits for a page right now.
    """

    def __init__(self, service: Service, busy: Callable[[], bool] = lambda: False) -> None:
        self._service, self._busy, self._stop = service, busy, threading.Event()
        self._thread = threading.Thread(target=self._run, name="warmer", daemon=True)

    def start(self) -> None:
        """Begin; the first look comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the answer that is being worked out."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        done = seen = 0
        since = -_REST_S  # the first version is prepared at once
        while not self._stop.is_set():
            try:
                version = self._service.version()
                if version != seen:
                    since = time.monotonic() if seen else since
                    seen = version
                if version != done and time.monotonic() - since >= _REST_S and self.prepare():
                    done = version
            except ChainAtlasError:
                # The store is away or busy; whoever asks is told, and the next look may find it.
                _log.info("nothing prepared", exc_info=True)
            self._stop.wait(_EVERY_S)

    def prepare(self) -> bool:
        """Work out what people look at first, of the version served now.

        Returns:
            Whether everything was; not if it is to end, or another version is served meanwhile.

        Raises:
            StoreError: The store cannot be read.
        """
        service = self._service
        try:
            service.preparing = Preparing("正在读取数据")
            graph = service.graph()
            steps = _steps(service, graph)
            for done, (what, step) in enumerate(steps):
                service.preparing = Preparing(what, done, len(steps))
                self._give_way()
                if self._stop.is_set() or service.version() != graph.version:
                    return False
                with service.turns.aside():
                    step()
        finally:
            service.preparing = None
        return True

    def _wanted(self) -> bool:
        return self._busy() or self._service.turns.wanted()

    def _give_way(self) -> None:
        """Let what somebody waits for go first, but not for ever."""
        end = time.monotonic() + _AT_MOST_S
        while self._wanted() and time.monotonic() < end and not self._stop.is_set():
            self._stop.wait(_SHORT_S)


def _steps(service: Service, graph: ChainGraph) -> list[tuple[str, Callable[[], object]]]:
    """What is worked out, in words, what people open first before the rest."""
    clusters, number = records(graph["clusters"]), graph.version
    homes = [(place, c["id"]) for c in clusters for place in _places(c["region"])]
    everywhere = [(r, c["id"]) for r in dict.fromkeys(r for r, _ in homes) for c in clusters]

    def details(cluster: dict[str, Any]) -> None:
        all_details(service.gaps(cluster["region"], cluster["id"]), service)

    return [
        *(("正在计算配套率", partial(service.supply, *one)) for one in everywhere),
        ("正在排布全图", lambda: overview_of(service, service.web(number))),
        ("正在建立检索索引", lambda: service.search("全", limit=1)),
        *(
            ("正在诊断缺口", partial(feed, service, kind, *one, number))
            for one in homes
            for kind in KINDS
        ),
        *(("正在整理产品资料", partial(details, cluster)) for cluster in clusters),
        ("正在查找可能相同的企业", lambda: near_pairs(service, number)),
    ]


def _places(home: str) -> tuple[str, ...]:
    """Where people look first: a cluster's region and its province."""
    return home, geo.province(home)
