"""Who a cookie or a key stands for: kept in memory, yet never older than the work file.

A watch on the file tells for microseconds whether any process wrote to it since it was last read,
so a disabled user or a revoked key is refused by every worker from the next request on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from copy import copy
from datetime import timedelta
from typing import Any, TypeVar, cast

from ...graph.errors import StoreBusyError, StoreError
from ...graph.work import ABSENT, Watch, WorkFile
from . import clock
from .keys import Key, Keys, digest
from .sessions import Session, Sessions

#: Use is noted when the last note is so old: writing at each request would be slow.
TOUCH = timedelta(minutes=1)
#: Cookies and keys that are remembered; wrong ones too, so the number is bounded.
KEPT = 10_000

_log = logging.getLogger("chainatlas.security")
Value = TypeVar("Value")


class NotAtOnce(Exception):  # noqa: N818 - no error: ask again where waiting is allowed
    """The answer is not in memory."""


class Directory:
    """What finds out who is calling. One for each process; safe in threads.

    Args:
        work: Where users, keys and sessions are.
        waits: Whether questions may read and write the file; where not, one that would have to
            raises :class:`NotAtOnce`.
    """

    def __init__(self, work: WorkFile, waits: bool = True) -> None:
        self.waits = waits
        self._work = work
        self._keys, self._sessions = Keys(work), Sessions(work)
        self._watch = Watch(work)
        self._known = _Known()

    def at_once(self) -> Directory:
        """The same, sharing what is known, for where nobody may wait."""
        twin = copy(self)
        twin.waits = False
        return twin

    def defined(self) -> bool:
        """Whether any user or key was ever defined, disabled and revoked ones too.

        Once that was so it stays so for this process: a file that is lost or emptied opens nothing.

        Raises:
            StoreError: The work file cannot be read.
        """
        if self._remembered("defined", self._is_defined):
            self._known.somebody = True
        return self._known.somebody

    def session(self, token: str) -> Session | None:
        """The session of a cookie that works, None where there is none.

        Raises:
            StoreError: The work file cannot be read.
        """
        found = self._remembered(("session", digest(token)), lambda: self._sessions.of_token(token))
        if found is None or not found.works:
            return None
        self._known.somebody = True
        if clock.now() - clock.read(found.seen_at) >= TOUCH:
            self._note(lambda: self._sessions.touch(found))
        return found

    def key(self, token: str) -> Key | None:
        """The key of a text that works, None where there is none.

        Raises:
            StoreError: The work file cannot be read.
        """
        found = self._remembered(("key", digest(token)), lambda: self._keys.of_token(token))
        if found is None or not found.works:
            return None
        self._known.somebody = True
        if found.used_at is None or clock.now() - clock.read(found.used_at) >= TOUCH:
            self._note(lambda: self._keys.touch(found))
        return found

    def _is_defined(self) -> bool:
        with self._work.reading() as connection:
            (count,) = connection.execute(
                "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM keys)"
            ).fetchone()
        return bool(count)

    def _remembered(self, name: Hashable, read: Callable[[], Value]) -> Value:
        try:
            mark = self._watch.mark()
            if mark == ABSENT and self._known.somebody:
                raise StoreError("工作文件不见了。")
            known = self._known.current(mark)
        except StoreBusyError:
            if not self.waits:
                raise NotAtOnce from None
            return read()  # waits for the writer
        if name in known:
            return cast("Value", known[name])
        if not self.waits:
            raise NotAtOnce
        value = read()
        # Into the table of the mark that was taken before reading, even if it is not the newest.
        known[name] = value
        return value

    def _note(self, touch: Callable[[], None]) -> None:
        if not self.waits:
            raise NotAtOnce
        try:
            touch()
        except StoreError as error:  # who is calling is known all the same
            _log.warning("use was not noted: %s", error)


class _Known:
    """What was read of one state of the file, and whether somebody was defined in any."""

    def __init__(self) -> None:
        self.somebody = False
        self._lock = threading.Lock()
        self._mark = (-1, -1)
        self._values: dict[Hashable, Any] = {}

    def current(self, mark: tuple[int, int]) -> dict[Hashable, Any]:
        """The values of a state; none where it is another one than before."""
        with self._lock:
            if mark != self._mark or len(self._values) >= KEPT:
                self._values, self._mark = {}, mark
            return self._values
