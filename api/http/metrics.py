"""Figures for Prometheus.

With several workers each keeps its figures in a shared folder, and whichever is asked adds all of
them up (``PROMETHEUS_MULTIPROC_DIR``, which ``chainatlas serve`` sets).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from ...graph.errors import StoreError
from ...graph.work import WorkFile

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: Upper bounds of the histogram of durations, in seconds.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        own = CollectorRegistry()
        self._own = own
        self._requests = Counter(
            "chainatlas_requests",
            "Requests by route, method and status.",
            ["route", "method", "status"],
            registry=own,
        )
        self._seconds = Histogram(
            "chainatlas_request_seconds",
            "Seconds from the request to the end of its answer.",
            ["route", "method"],
            buckets=BOUNDS,
            registry=own,
        )
        self._caches = Counter(
            "chainatlas_cache",
            "Questions to what is kept by version, by whether the value was there.",
            ["cache", "outcome"],
            registry=own,
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Note an answer."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)

    def asked(self, cache: str, hit: bool) -> None:
        """Note a question to a cache."""
        self._caches.labels(cache, "hit" if hit else "miss").inc()

    def text(self, work: WorkFile) -> bytes:
        """All figures in Prometheus's text format.

        Args:
            work: Whose jobs are counted.
        """
        if os.environ.get(FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry = CollectorRegistry()
            registry.register(self._own)
            ProcessCollector(registry=registry)
        registry.register(_Jobs(work))
        return generate_latest(registry)


class _Jobs(Collector):
    """Jobs by kind and state, as the work file has them: the same whichever worker is asked."""

    def __init__(self, work: WorkFile) -> None:
        self._work = work

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "chainatlas_jobs", "Jobs by kind and state.", labels=["kind", "state"]
        )
        try:
            with self._work.reading() as connection:
                rows = connection.execute(
                    "SELECT kind, state, count(*) FROM jobs GROUP BY kind, state"
                ).fetchall()
        except StoreError:  # figures of requests are wanted most when something is away
            return
        for kind, state, count in rows:
            family.add_metric([kind, state], count)
        yield family
