"""The process of one job: ``python -m chainatlas.api.http.jobs_task ID``.

A job has a process of its own, so that its memory and time are not the server's and it can be killed:
a load is one transaction, so the facts stay whole whenever that happens. The process shows its
heartbeat in the work file, and stops when it finds there that it is cancelled.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from ...graph.errors import ChainAtlasError, StoreBusyError, StoreError
from ...graph.work import WorkFile
from .jobs import BEAT_S, STARTING, Job, Jobs
from .jobs_kinds import KINDS
from .problems import is_full
from .settings import Settings
from .uploads_spool import Spool

_log = logging.getLogger("chainatlas.jobs")
#: Memory that a job may use, in bytes; more is no input this program is made for.
MEMORY = 6 * 2**30


class StoppedError(Exception):
    """The job is cancelled, or counts as ended already."""

    def __init__(self, why: Literal["stop", "lost"]) -> None:
        super().__init__(why)
        self.why = why


class Task:
    """A job at work.

    Args:
        settings: How the application is served.
        job: The job, taken already.
    """

    def __init__(self, settings: Settings, job: Job) -> None:
        self.settings, self.job = settings, job
        self.work = WorkFile(settings.work)
        self.spool = Spool.of(settings)
        self._jobs = Jobs(self.work)
        self._at: tuple[str, int, int] = (STARTING, 0, 0)
        #: Held while the job must not be stopped, and while its last words are written.
        self._sealed = threading.Lock()
        self._over = threading.Event()

    @property
    def folder(self) -> Path:
        """Where files that come out of the job go."""
        return self.spool.result_folder(self.job.id)

    @property
    def sealed(self) -> bool:
        """Whether it can no longer be stopped."""
        return self._sealed.locked()

    def step(self, label: str, done: int, total: int) -> None:
        """Say how far the job is; shown with the next heartbeat."""
        self._at = (label, done, total)

    def check(self) -> None:
        """Show a heartbeat now.

        Raises:
            StoppedError: The job shall not go on.
        """
        answer = self._jobs.beat(self.job.id, *self._at)
        if answer != "go":
            raise StoppedError(answer)

    def seal(self) -> None:
        """From here on the job cannot be cancelled, for what comes next cannot be taken back.

        Raises:
            StoppedError: It is cancelled already.
        """
        self._sealed.acquire()
        self.check()

    def beating(self, stop: Callable[[str], None]) -> threading.Thread:
        """A thread that shows heartbeats until the end.

        Args:
            stop: Called, once, where the job shall not go on.
        """

        def beat() -> None:
            while not self._over.wait(BEAT_S):
                # A work file that is busy for a moment is no reason to die.
                with suppress(StoreError):
                    answer = self._jobs.beat(self.job.id, *self._at)
                    if answer != "go" and self._sealed.acquire(blocking=False):
                        stop(answer)
                        return

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        return thread

    def run(self) -> None:
        """Do the job and write how it ended. What it raises is only what ends the process."""
        state, result, error = self._outcome()
        if not self.sealed:
            self._sealed.acquire()
        self._over.set()
        if state != "lost":
            # A quick job ends before its first heartbeat, and would seem to have had no steps.
            self._jobs.beat(self.job.id, *self._at)
            self._jobs.end(self.job.id, state, result=result, error=error)

    def _outcome(
        self,
    ) -> tuple[Literal["done", "failed", "cancelled", "lost"], dict[str, Any] | None, str | None]:
        try:
            return "done", KINDS[self.job.kind].load()(self), None
        except StoppedError as end:
            return ("cancelled" if end.why == "stop" else "lost"), None, None
        except StoreBusyError:
            return "failed", None, "另一个程序正在写入数据库，请稍后重新运行。"
        except StoreError:
            _log.exception("job %s", self.job.id)
            return "failed", None, "数据库暂不可用，请稍后重新运行。"
        except ChainAtlasError as fault:
            return "failed", None, self.spool.without_paths(str(fault))
        except MemoryError:
            return "failed", None, "内存不足：文件展开后过大，请分批导入。"
        except Exception as fault:
            _log.exception("job %s", self.job.id)
            if is_full(fault):
                return "failed", None, "服务器磁盘空间不足，请管理员清理后重新运行。"
            return "failed", None, f"内部错误，请把作业编号 {self.job.id[:8]} 告诉管理员查日志。"


def main(number: str) -> None:
    """Do one job in this process."""
    settings = Settings.received()
    jobs = Jobs(WorkFile(settings.work))
    task = Task(settings, jobs.get(number))
    _limit_memory()
    os.nice(10)  # the server that people wait for goes first

    def stop(why: str) -> None:
        if why == "stop":
            with suppress(StoreError):
                jobs.end(number, "cancelled")
        # Nothing is left to tidy: whatever was written is not committed.
        os._exit(0)

    def leave(*_: object) -> None:
        # The server stops, and gives the job back to the queue; a commit under way is finished.
        if not task.sealed:
            os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    task.beating(stop)
    task.run()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on this system
        return
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    main(sys.argv[1])
