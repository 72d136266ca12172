"""The store and what was worked out of it, kept by version so that a question is answered once.

A version never changes, so nothing here goes stale: a new load makes new keys, and old ones leave
as the caches fill. One question asked by many at once is worked out by one of them.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeVar, cast

import pandas as pd

from ...analysis.gaps import Gaps, find_gaps
from ...analysis.scope import Scope
from ...analysis.supply import SupplyRate, supply_rate
from ...analysis.targets import find_targets
from ...graph.chain import ChainGraph
from ...graph.errors import NotFoundError, StoreError
from ...graph.store import Store, View, open_store
from ...graph.work import WorkFile
from .settings import Settings

#: Versions whose graph is kept in memory.
GRAPHS = 3
#: Answers of one kind that are kept.
ANSWERS = 256
#: Seconds for which the newest version is taken as known.
FRESH_S = 1.0

Value = TypeVar("Value")


class Once:
    """Values by key, the least used leaving first; each is made by one thread while others wait.

    Args:
        size: How many are kept.
        asked: Told of each question whether its value was there.
    """

    def __init__(self, size: int, asked: Callable[[bool], None]) -> None:
        self._size, self._asked = size, asked
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key, made where it is not there. An exception is not kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                self._asked(True)
                return cast("Value", self._values[key])
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._values:
                    self._asked(True)
                    return cast("Value", self._values[key])
            self._asked(False)
            try:
                value = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            with self._lock:
                self._values[key] = value
                while len(self._values) > self._size:
                    self._values.popitem(last=False)
            return value


class Service:
    """What routes ask. One for each process; safe in threads.

    Args:
        settings: How the application is served.
        asked: Told of each question to a cache: which cache, and whether the value was there.
    """

    def __init__(
        self, settings: Settings, asked: Callable[[str, bool], None] = lambda cache, hit: None
    ) -> None:
        self.settings = settings
        self.work = WorkFile(settings.work)
        self._store: Store | None = None
        self._opening = threading.Lock()
        self._newest = (0, -FRESH_S)
        self._graphs = Once(GRAPHS, partial(asked, "graphs"))
        self._answers = Once(ANSWERS, partial(asked, "answers"))

    @property
    def store(self) -> Store:
        """The store, opened when first needed, so that a server that is away comes back.

        Raises:
            StoreError: It cannot be opened.
        """
        with self._opening:
            if self._store is None:
                try:
                    self._store = open_store(self.settings.db)
                except NotFoundError as error:  # its message names a path
                    raise StoreError(str(error)) from error
            return self._store

    def version(self) -> int:
        """Number of the newest version, at most :data:`FRESH_S` old."""
        number, at = self._newest
        if time.monotonic() - at >= FRESH_S:
            number = self.store.view().version
            self._newest = (number, time.monotonic())
        return number

    def refresh(self) -> None:
        """Look for a newer version at the next question."""
        self._newest = (self._newest[0], -FRESH_S)

    def view(self, version: int | None = None) -> View:
        """Facts of a version, the newest where none is given.

        Raises:
            NotFoundError: No such version.
        """
        return self.store.view(self.version() if version is None else version)

    def graph(self, version: int | None = None) -> ChainGraph:
        """The graph of a version, the newest where none is given."""
        number = self.version() if version is None else version
        return self._graphs.get(number, lambda: self.store.view(number).graph())

    def answer(self, *key: Hashable, make: Callable[[], Value]) -> Value:
        """Something worked out of one version; the key names the question and the version."""
        return self._answers.get(key, make)

    def gaps(self, region: str, cluster: str, version: int | None = None) -> Gaps:
        """The gaps of a region (code) and cluster.

        Raises:
            NotFoundError: No such region, cluster or version.
        """
        graph = self.graph(version)
        key = ("gaps", graph.version, region, cluster)
        return self.answer(*key, make=lambda: find_gaps(Scope.of(graph, region, cluster)))

    def supply(self, region: str, cluster: str, version: int | None = None) -> SupplyRate:
        """The local supply rates of a region and cluster."""
        found = self.gaps(region, cluster, version)
        key = ("supply", found.version, region, cluster)
        return self.answer(*key, make=lambda: supply_rate(found.scope))

    def targets(self, region: str, cluster: str, version: int | None = None) -> pd.DataFrame:
        """All ranked targets of the acting gaps of a region and cluster."""
        found = self.gaps(region, cluster, version)
        key = ("targets", found.version, region, cluster)
        return self.answer(*key, make=lambda: find_targets(found))

    def close(self) -> None:
        """Release the store."""
        with self._opening:
            if self._store is not None:
                self._store.close()
                self._store = None
