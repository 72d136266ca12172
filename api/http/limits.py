"""How often one caller may ask: token buckets, in memory, for each worker process its own.

With several workers a caller may reach the rate in each of them; the limit is against accidents and
floods, not an exact quota.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from fastapi import Request

from ..security.attempts import network

#: A full bucket holds the requests of so many seconds.
BURST_S = 4.0
#: Callers that are remembered; who leaves first was idle longest, and their bucket is full anyway.
CALLERS = 10_000


class Limiter:
    """One bucket for each caller.

    Args:
        rate: Requests a second; 0: no limit.
        clock: Seconds that only grow.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._size = rate, max(1.0, rate * BURST_S)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> int:
        """Take one request of a caller's; returns 0, or the seconds to wait where none is left."""
        if not self._rate:
            return 0
        with self._lock:
            now = self._clock()
            left, at = self._buckets.pop(caller, (self._size, now))
            left = min(self._size, left + (now - at) * self._rate)
            allowed = left >= 1
            self._buckets[caller] = (left - allowed, now)
            if len(self._buckets) > CALLERS:
                self._buckets.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((1 - left) / self._rate))


def address_of(request: Request) -> str:
    """Where a request came from; IPv6 by network, see :func:`network`."""
    return network(request.client.host) if request.client is not None else "local"
