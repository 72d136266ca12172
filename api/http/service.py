"""The store and what was worked out of it, kept by version so that a question is answered once.

A version never changes, so nothing here goes stale: a new load makes new keys, and old ones leave
as the caches fill. One question asked by many at once is worked out by one of them.

A load by another process is taken over in the background: until its graph and what was asked
lately are ready, answers are those of the version before, and say so.
"""

from __future__ import annotations

import ctypes
import logging
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import pandas as pd
from fastapi import Request

from ...analysis.gaps import Gaps, find_gaps
from ...analysis.scope import Scope
from ...analysis.supply import SupplyRate, supply_rate
from ...analysis.targets import find_targets
from ...analysis.web import Web
from ...graph import regions as geo
from ...graph.chain import ChainGraph, Codes
from ...graph.errors import ChainAtlasError, NoStoreError, NotFoundError
from ...graph.search import Hit, SearchIndex
from ...graph.store import Store, View, open_store
from ...graph.work import WorkFile
from ...viz.boundaries import SHIPPED, read_boundaries
from ..scenes import web_of
from .settings import Settings
from .turns import Turns

#: Versions whose graph is kept in memory.
GRAPHS = 3
#: Answers of one kind that are kept.
ANSWERS = 128
#: Lists of targets that are kept; each is megabytes.
TARGETS = 24
#: Bytes of rows that are kept ready.
FEED_BYTES = 64 * 2**20
#: Seconds for which the newest version is taken as known.
FRESH_S = 1.0
#: Questions that are worked out anew for a new version before it is served, the latest first, and
#: the seconds that may take.
WARM, WARM_S = 128, 60.0
#: Questions worked out at once: more would only slow each other down.
AT_ONCE = 2
#: Seconds for which each question made ready is put off at most for those that somebody waits for.
PUT_OFF_S = 0.25

_log = logging.getLogger("chainatlas.http")

Value = TypeVar("Value")


@dataclass(frozen=True)
class Preparing:
    """How far the preparation of a new version is.

    Attributes:
        what: What is being worked out, in Chinese.
        done: Steps that are done.
        steps: Steps in all; 0 while that is not known.
    """

    what: str
    done: int = 0
    steps: int = 0


class Once:
    """Values by key, the least used leaving first; each is made by one thread while others wait.

    Args:
        size: What all values may weigh together.
        asked: Told of each question whether its value was there.
        weigh: What one weighs; each weighs 1 unless said otherwise.
    """

    def __init__(
        self,
        size: int,
        asked: Callable[[bool], None],
        weigh: Callable[[Any], int] = lambda _: 1,
    ) -> None:
        self._size, self._asked, self._weigh, self._weight = size, asked, weigh, 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def keys(self) -> list[Any]:
        """Keys of what is kept, the least used first."""
        with self._lock:
            return list(self._values)

    def drop(self, unwanted: Callable[[Any], bool]) -> None:
        """Forget the values of keys of a kind."""
        with self._lock:
            for key in [key for key in self._values if unwanted(key)]:
                self._weight -= self._values.pop(key)[1]

    def find(self, key: Hashable) -> Any:
        """The value of a key, None where it is not there."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def seek(self, key: Hashable) -> Any:
        """As :meth:`find`, counted as a question."""
        found = self.find(key)
        self._asked(found is not None)
        return found

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value; one that alone weighs too much is not kept."""
        weight = self._weigh(value)
        if weight > self._size:
            return
        with self._lock:
            before = self._values.pop(key, None)
            self._weight += weight - (before[1] if before else 0)
            self._values[key] = (value, weight)
            while self._weight > self._size:
                _, (_, gone) = self._values.popitem(last=False)
                self._weight -= gone

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key, made where it is not there. An exception is not kept."""
        found = self.find(key)
        if found is not None:
            self._asked(True)
            return cast("Value", found)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            found = self.find(key)
            if found is not None:
                self._asked(True)
                return cast("Value", found)
            self._asked(False)
            try:
                value = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            self.put(key, value)
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
        #: Outlines of all maps, read once; a file that cannot be read is told at the start.
        own = settings.boundaries
        self.boundaries = read_boundaries(Path(own)) if own else SHIPPED
        #: How far the preparation of the newest version is; None while nothing is prepared.
        self.preparing: Preparing | None = None
        self._store: Store | None = None
        self._opening = threading.Lock()
        self._served: int | None = None
        self._looked = -FRESH_S
        self._warming: threading.Thread | None = None
        self._asked: OrderedDict[Hashable, Callable[[int], object]] = OrderedDict()
        self._graphs = Once(GRAPHS, partial(asked, "graphs"))
        self._answers = Once(ANSWERS, partial(asked, "answers"))
        self._targets = Once(TARGETS, partial(asked, "targets"))
        self._scopes = Once(4 * ANSWERS, partial(asked, "scopes"))
        #: Rows ready to be sent, by :mod:`.feed`.
        self.feeds = Once(FEED_BYTES, partial(asked, "feeds"), lambda feed: int(feed.weight()))
        #: Who works out what is asked.
        self.turns = Turns(AT_ONCE)

    @property
    def store(self) -> Store:
        """The store, opened when first needed, so that a server that is away comes back.

        Raises:
            NoStoreError: There is none yet.
            StoreError: It cannot be opened.
        """
        with self._opening:
            if self._store is None:
                try:
                    self._store = open_store(self.settings.db)
                except NotFoundError as error:  # its message names a path
                    raise NoStoreError(str(error)) from error
            return self._store

    def version(self) -> int:
        """Number of the version that questions are answered from.

        The newest one, looked for once in :data:`FRESH_S`; after a load by another process the one
        before it until the new one is ready.
        """
        now = time.monotonic()
        if self._served is not None:
            if now - self._looked < FRESH_S:
                return self._served
            self._looked = now  # others go on with what is known while this one looks
        newest = self.store.view().version
        self._looked = now
        if self._served is None or newest < self._served or not len(self._graphs):
            self._served = newest
        elif newest > self._served and (self._warming is None or not self._warming.is_alive()):
            self._warming = threading.Thread(target=self._warm, args=(newest,), daemon=True)
            self._warming.start()
        return self._served

    def known_version(self) -> int | None:
        """The version served where it was looked for lately, else None; never waits."""
        fresh = time.monotonic() - self._looked < FRESH_S
        return self._served if fresh else None

    def refresh(self) -> None:
        """Serve the newest version from the next question on: for who has just loaded it."""
        self._served, self._looked = None, -FRESH_S

    def _warm(self, number: int) -> None:
        """Make a version ready, then serve it."""
        end = time.monotonic() + WARM_S
        try:
            with self.turns.aside():
                self.graph(number)
                for again in list(reversed(self._asked.values())):
                    self.turns.give_way(PUT_OFF_S)
                    if time.monotonic() > end:
                        break
                    with suppress(NotFoundError):  # the new version may have no such cluster
                        again(number)
        except ChainAtlasError:
            _log.warning("version %s cannot be made ready", number, exc_info=True)
        else:
            # Who asks right now still reads the version before; older ones only take up memory.
            self._graphs.drop(lambda held: held not in {number, self._served})
            self._forget()
            self._served = number
            _give_back()

    def remember(self, key: Hashable, again: Callable[[int], object]) -> None:
        """Remember what was asked, to have it ready when a new version is served.

        Args:
            key: Tells questions apart.
            again: Asks the same of a version.
        """
        with self._opening:
            self._asked[key] = again
            self._asked.move_to_end(key)
            while len(self._asked) > WARM:
                self._asked.popitem(last=False)

    def view(self, version: int | None = None) -> View:
        """Facts of a version, the newest where none is given.

        Raises:
            NotFoundError: No such version.
        """
        return self.store.view(self.version() if version is None else version)

    def check_version(self, number: int) -> None:
        """Make sure that there is a version.

        Raises:
            NotFoundError: There is none.
        """
        if number != self._served and number not in self._graphs:
            self.store.view(number)

    def graph(self, version: int | None = None) -> ChainGraph:
        """The graph of a version, the newest where none is given."""
        number = self.version() if version is None else version
        return self._graphs.get(number, lambda: self._load(number))

    def _load(self, number: int) -> ChainGraph:
        self._forget(but=number)
        return self.store.view(number).graph()

    def _forget(self, but: int | None = None) -> None:
        """Drop what was worked out of versions whose graph is gone: it holds that graph."""
        held = {but, *self._graphs.keys()}
        for kept in (self._answers, self._targets, self._scopes, self.feeds):
            kept.drop(lambda key: key[1] not in held)

    def answer(self, *key: Hashable, make: Callable[[], Value]) -> Value:
        """Something worked out of one version.

        Args:
            key: The name of the question, the version, then what was asked.
            make: Works it out.
        """
        return self._answers.get(key, lambda: self.work_out(make))

    def lasting(self, *key: Hashable, make: Callable[[], Value]) -> Value:
        """As :meth:`answer`, for what is worked out of a version as a whole.

        There is little of it, and it takes long: questions about regions must not push it out.
        """
        return self._scopes.get(key, lambda: self.work_out(make))

    def work_out(self, make: Callable[[], Value]) -> Value:
        """Run something that takes the processor, a few of its kind at once."""
        with self.turns.one():
            return make()

    def scope(self, region: str, cluster: str, version: int | None = None) -> Scope:
        """A region (code) and cluster; sizes and outputs are worked out once for a version.

        Raises:
            NotFoundError: No such region, cluster or version.
        """
        graph = self.graph(version)
        number = graph.version
        if not geo.exists(region):
            raise NotFoundError(f"没有这个地区：{region}。")

        def make() -> Scope:
            found = Scope.of(graph, geo.COUNTRY, cluster)
            sizes = tuple(sorted(found.rules.sizes.items()))
            economy = self._scopes.get(("economy", number, sizes), lambda: found.economy)
            return replace(found, economy=economy)

        return replace(self._scopes.get(("scope", number, cluster), make), region=region)

    def gaps(self, region: str, cluster: str, version: int | None = None) -> Gaps:
        """The gaps of a region (code) and cluster.

        Raises:
            NotFoundError: No such region, cluster or version.
        """
        scope = self.scope(region, cluster, version)
        self.remember(("gaps", region, cluster), lambda v: self.gaps(region, cluster, v))
        key = ("gaps", scope.graph.version, region, cluster)
        return self.answer(*key, make=lambda: find_gaps(scope))

    def supply(self, region: str, cluster: str, version: int | None = None) -> SupplyRate:
        """The local supply rates of a region and cluster."""
        scope = self.scope(region, cluster, version)
        key = ("supply", scope.graph.version, region, cluster)
        return self.answer(*key, make=lambda: supply_rate(scope))

    def targets(self, region: str, cluster: str, version: int | None = None) -> pd.DataFrame:
        """All ranked targets of the acting gaps of a region and cluster."""
        found = self.gaps(region, cluster, version)
        key = ("targets", found.version, region, cluster)
        return self._targets.get(key, lambda: self.work_out(lambda: find_targets(found)))

    def search(
        self,
        text: str,
        kinds: tuple[str, ...] | None = None,
        limit: int | None = 20,
        version: int | None = None,
    ) -> list[Hit]:
        """Nodes that hold a text; see :meth:`graph.search.SearchIndex.search`."""
        graph = self.graph(version)
        key = ("names", graph.version)
        index = self.lasting(*key, make=lambda: SearchIndex(graph))
        return index.search(text, kinds, limit)

    def web(self, version: int | None = None) -> Web:
        """The numbered graph of a version, for browsing; see :mod:`analysis.neighbourhood`."""
        graph = self.graph(version)
        return self.lasting("web", graph.version, make=lambda: web_of(graph))

    def find(self, text: str, limit: int, version: int | None = None) -> Codes:
        """Numbers of the nodes of :meth:`web` that hold a text, the best first."""
        hits = self.search(text, limit=None, version=version)
        numbers = self.web(version).numbers([f"{hit.kind}:{hit.id}" for hit in hits])
        return numbers[numbers >= 0][:limit]  # regions without facts are no nodes of it

    def close(self) -> None:
        """Release the store."""
        with self._opening:
            if self._store is not None:
                self._store.close()
                self._store = None


def _give_back() -> None:
    """Hand memory that is free to the system: glibc keeps what it has for each thread."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def service_of(request: Request) -> Service:
    """The service of the application that a request came to."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service
