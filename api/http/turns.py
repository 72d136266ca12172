"""Who works something out next: those whom somebody waits for, before those who prepare."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Turns at the processor. One for each process; safe in threads.

    A thread that prepares (:meth:`aside`) takes no turn: it would take one after the other before
    those who wait are awake, and they would wait until everything is prepared. It gives way instead
    (:meth:`give_way`) between two pieces of its work.

    Args:
        most: How many are taken at once.
    """

    def __init__(self, most: int) -> None:
        self._turns = threading.BoundedSemaphore(most)
        self._wanted, self._none_wanted = 0, threading.Condition()
        self._mine = threading.local()

    @contextmanager
    def one(self) -> Iterator[None]:
        """A turn; who has one already, or stands aside, goes on at once."""
        if getattr(self._mine, "free", False):
            yield
            return
        with self._none_wanted:
            self._wanted += 1
        try:
            with self._turns, self.aside():
                yield
        finally:
            with self._none_wanted:
                self._wanted -= 1
                if not self._wanted:
                    self._none_wanted.notify_all()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Without a turn: for a thread that prepares what nobody waits for."""
        before, self._mine.free = getattr(self._mine, "free", False), True
        try:
            yield
        finally:
            self._mine.free = before

    def wanted(self) -> bool:
        """Whether somebody has a turn or waits for one."""
        return self._wanted > 0

    def give_way(self, seconds: float) -> None:
        """Wait until nobody wants a turn, but no longer than so many seconds."""
        with self._none_wanted:
            self._none_wanted.wait_for(lambda: not self._wanted, seconds)
