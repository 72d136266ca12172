"""Works out beforehand what the first visitor of a new version would wait for."""

from __future__ import annotations

import logging
import threading

from ...graph import regions as geo
from ...graph.chain import records
from ...graph.errors import ChainAtlasError
from ..http.feed import KINDS, feed
from ..http.service import Service
from .scope import all_details

#: Seconds between two looks for a new version.
_EVERY_S = 5.0

_log = logging.getLogger("chainatlas.pages")


class Warmer:
    """A thread that prepares each new version of the facts once.

    Args:
        service: Whose answers are prepared; visitors find them there.
    """

    def __init__(self, service: Service) -> None:
        self._service, self._stop = service, threading.Event()
        self._thread = threading.Thread(target=self._run, name="warmer", daemon=True)

    def start(self) -> None:
        """Begin; the first look comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the answer that is being worked out."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        done = 0
        while not self._stop.is_set():
            try:
                version = self._service.version()
                if version != done:
                    self.prepare()
                    done = version
            except ChainAtlasError:
                # The store is away or busy; whoever asks is told, and the next look may find it.
                _log.info("nothing prepared", exc_info=True)
            self._stop.wait(_EVERY_S)

    def prepare(self) -> None:
        """Work out what people look at first, of the newest version.

        Raises:
            StoreError: The store cannot be read.
        """
        graph = self._service.graph()
        clusters = records(graph["clusters"])
        for region in dict.fromkeys(place for c in clusters for place in _places(c["region"])):
            for cluster in clusters:
                if self._stop.is_set():
                    return
                self._service.supply(region, cluster["id"])
                if region in _places(cluster["region"]):
                    for kind in KINDS:
                        feed(self._service, kind, region, cluster["id"], graph.version)
        for cluster in clusters:
            if self._stop.is_set():
                return
            all_details(self._service.gaps(cluster["region"], cluster["id"]), self._service)


def _places(home: str) -> tuple[str, ...]:
    """Where people look first: a cluster's region and its province."""
    return home, geo.province(home)
