"""Takes jobs from the queue and gives each a process; one runner for each worker of the server."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict

from ...graph.errors import StoreError
from ...graph.work import WorkFile
from .jobs import DIED, Job, Jobs
from .jobs_kinds import lanes
from .settings import ENVIRONMENT, Settings
from .uploads_spool import Spool

_log = logging.getLogger("chainatlas.jobs")
#: Seconds between two looks at the queue; a job asked for at this worker is seen at once.
LOOK_S = 1.0
#: Seconds between two cleanings of the spool.
CLEAN_S = 3600.0
#: Seconds that jobs have to finish a commit when the server stops.
LEAVE_S = 10.0


class Runner:
    """Runs jobs until it is stopped.

    Args:
        settings: How the application is served.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jobs = Jobs(WorkFile(settings.work))
        self._spool = Spool.of(settings)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._cleaned = -CLEAN_S

    def start(self) -> None:
        """Begin to look for jobs."""
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look for jobs now."""
        self._wake.set()

    def stop(self) -> None:
        """Stop; jobs under way go back to the queue, for whoever starts the server again."""
        if self._thread is None:
            return
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._thread = None
        for child in self._children.values():
            child.terminate()
        until = time.monotonic() + LEAVE_S
        for number, child in self._children.items():
            try:
                child.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            with suppress(StoreError):
                self._jobs.requeue(number)
        self._children.clear()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look()
            except StoreError:
                _log.exception("jobs cannot be read")
            self._wake.wait(LOOK_S)
            self._wake.clear()

    def _look(self) -> None:
        self._collect()
        self._jobs.bury()
        if time.monotonic() - self._cleaned >= CLEAN_S:
            self._cleaned = time.monotonic()
            self._jobs.forget()
            self._spool.clean()
        while not self._stopping.is_set() and (job := self._jobs.take(lanes())) is not None:
            self._begin(job)

    def _begin(self, job: Job) -> None:
        environment = {
            **os.environ,
            ENVIRONMENT: json.dumps(asdict(self._settings)),
            "OMP_NUM_THREADS": "1",
        }
        try:
            self._children[job.id] = subprocess.Popen(
                [sys.executable, "-m", "chainatlas.api.http.jobs_task", job.id],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Ctrl+C in the terminal is for the server, which then tells its jobs.
                start_new_session=True,
            )
        except OSError:
            _log.exception("job %s cannot be started", job.id)
            self._jobs.end(job.id, "failed", error="无法启动作业进程，请联系管理员。")

    def _collect(self) -> None:
        """Let go of processes that ended; a job whose process died without a word has failed."""
        for number, child in list(self._children.items()):
            if child.poll() is None:
                continue
            del self._children[number]
            if self._jobs.get(number).cancel:
                self._jobs.end(number, "cancelled")
            else:
                self._jobs.end(number, "failed", error=DIED)
