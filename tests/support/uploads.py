"""An application with users who are logged in already, and its jobs done in this process."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter
from fastapi import Request
from fastapi.testclient import TestClient

from chainatlas.api.http.access import EVERYWHERE, Caller, Role
from chainatlas.api.http.app import create_app
from chainatlas.api.http.jobs import Job, Jobs
from chainatlas.api.http.jobs_kinds import lanes
from chainatlas.api.http.jobs_task import Task
from chainatlas.api.http.settings import Settings
from chainatlas.graph.store import open_store
from chainatlas.graph.work import WorkFile

#: One file of a form: its name and content.
File = tuple[str, bytes]


@dataclass
class Desk:
    """The application on one store, asked by somebody who is chosen with :meth:`be`.

    Jobs run when :meth:`work` is called, unless the client runs the application's life cycle.
    """

    settings: Settings
    client: TestClient
    caller: Caller

    @classmethod
    def at(cls, db: Path, **settings: Any) -> Desk:
        """The application of a store that need not be there yet."""
        chosen = Settings(str(db), **settings)
        app = create_app(chosen)
        desk = cls(chosen, TestClient(app), Caller("li", Role.editor, EVERYWHERE, "key"))

        def identify(_: Request) -> Caller:
            return desk.caller

        app.state.identify = identify
        return desk

    def be(self, name: str, role: Role, region: str = EVERYWHERE, kind: str = "key") -> None:
        """Who asks from now on."""
        self.caller = Caller(name, role, region, kind)

    @property
    def jobs(self) -> Jobs:
        """The jobs as the work file has them."""
        return Jobs(WorkFile(self.settings.work))

    def version(self) -> int:
        """Newest version of the facts; 0 where there is no store."""
        if not Path(self.settings.db).exists():
            return 0
        return open_store(self.settings.db).view().version

    def work(self) -> Job | None:
        """Do the next job here and now."""
        job = self.jobs.take(lanes())
        if job is None:
            return None
        Task(self.settings, job).run()
        return self.jobs.get(job.id)

    def send(self, *files: File, to: str = "", **fields: str) -> Any:
        """The answer to an upload."""
        address = f"/api/v1/uploads{to}"
        return self.client.post(address, files=[("files", file) for file in files], data=fields)

    def tried(self, *files: File, to: str = "", **fields: str) -> dict[str, Any]:
        """An upload after its dry run."""
        answer = self.send(*files, to=to, **fields)
        assert answer.status_code == 202, answer.text
        self.work()
        found: dict[str, Any] = self.client.get(f"/api/v1/uploads/{answer.json()['id']}").json()
        return found

    def commit(self, upload: str) -> Job:
        """Load an upload."""
        answer = self.client.post(f"/api/v1/uploads/{upload}/commit")
        assert answer.status_code == 202, answer.text
        job = self.work()
        assert job is not None
        assert job.id == answer.json()["id"]
        return job

    def until_ended(self, job: str, seconds: float = 60.0) -> dict[str, Any]:
        """A job that runs in its own process, once it has ended."""
        return self.until(job, lambda found: bool(found["ended"]), seconds)

    def until(self, job: str, met: Any, seconds: float = 60.0) -> dict[str, Any]:
        """A job once something is true of it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found: dict[str, Any] = self.client.get(f"/api/v1/jobs/{job}").json()
            if met(found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"not in {seconds} s: {found}")


def zipped(files: Mapping[str, str | bytes], level: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of files."""
    page = io.BytesIO()
    with zipfile.ZipFile(page, "w", level) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return page.getvalue()


def workbook(sheets: Mapping[str, Sequence[Sequence[str | float]]]) -> bytes:
    """A workbook of rows."""
    page = io.BytesIO()
    with xlsxwriter.Workbook(page, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return page.getvalue()
