"""Jobs: the queue, processes of their own, what survives a killed one, who may do what."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainatlas.api.http import jobs as book
from chainatlas.api.http.access import Role
from chainatlas.api.http.jobs import WAITING_EACH, Jobs
from chainatlas.api.http.jobs_kinds import KINDS, LANES, lanes
from chainatlas.api.http.jobs_runner import Runner
from chainatlas.api.http.jobs_task import StoppedError, Task
from chainatlas.api.security.roles import EVERYWHERE
from chainatlas.graph.store import open_store
from chainatlas.graph.work import WorkFile
from making import facts, load, named
from uploads import Desk, zipped

#: Rows of a pack whose load takes long enough to be met in the middle.
MANY = 80_000


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk.at(tmp_path / "atlas.db")
    load(open_store(made.settings.db, create=True), facts("base", products=named("z")))
    return made


@pytest.fixture
def running(desk: Desk) -> Iterator[Desk]:
    """The application with its life cycle: jobs get processes."""
    with desk.client:
        yield desk


def big(name: str = "big") -> tuple[str, bytes]:
    rows = "".join(f"p{i},产品{i}\n" for i in range(MANY))
    pairs = "".join(f"p{i},p{i + 1}\n" for i in range(MANY - 1))
    tables = {"products.csv": "id,name\n" + rows, "inputs.csv": "product,input\n" + pairs}
    return (f"{name}.zip", zipped({**tables, "pack.toml": f'name = "{name}"\n'}))


def small() -> tuple[str, bytes]:
    return ("small.zip", zipped({"products.csv": "id,name\np,甲\n", "pack.toml": 'name="small"'}))


def process_of(desk: Desk, job: str) -> int:
    """The process of a job, once there is one."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for entry in Path("/proc").iterdir():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if job.encode() in line:
                return int(entry.name)
        time.sleep(0.02)
    raise AssertionError("no process")


def is_whole(desk: Desk) -> bool:
    """Whether the store is one of the two versions, and not something between."""
    view = open_store(desk.settings.db).view()
    products = len(view.graph()["products"])
    return (view.version, products) in {(1, 1), (2, 1 + MANY)}


def test_upload_to_facts_in_processes_of_their_own(running: Desk) -> None:
    answer = running.send(small())
    trial = running.until_ended(answer.json()["dry_run"]["id"])
    assert (trial["state"], trial["done"], trial["error"]) == ("done", trial["total"], None)
    assert trial["total"] > 10
    commit = running.client.post(f"/api/v1/uploads/{answer.json()['id']}/commit")
    assert commit.headers["location"] == f"/api/v1/jobs/{commit.json()['id']}"
    assert running.until_ended(commit.json()["id"])["state"] == "done"
    assert running.version() == 2


def test_killed_job_leaves_the_store_whole_and_can_be_repeated(running: Desk) -> None:
    answer = running.send(big())
    running.until_ended(answer.json()["dry_run"]["id"])
    job = running.client.post(f"/api/v1/uploads/{answer.json()['id']}/commit").json()["id"]
    running.until(job, lambda found: found["state"] == "running" and found["total"])
    os.kill(process_of(running, job), signal.SIGKILL)
    found = running.until_ended(job)
    assert found["state"] == "failed"
    assert found["error"] == book.DIED
    assert is_whole(running)
    again = running.client.post(f"/api/v1/jobs/{job}/repeat")
    assert again.status_code == 202
    assert running.until_ended(again.json()["id"])["state"] == "done"
    assert (running.version(), is_whole(running)) == (2, True)


def test_cancelled_in_the_middle(running: Desk) -> None:
    answer = running.send(big())
    job = answer.json()["dry_run"]["id"]
    running.until(job, lambda found: found["state"] == "running" and found["total"])
    running.be("wang", Role.editor)
    assert running.client.post(f"/api/v1/jobs/{job}/cancel").status_code == 404
    running.be("root", Role.admin)
    assert running.client.post(f"/api/v1/jobs/{job}/cancel").status_code == 202
    found = running.until_ended(job)
    assert (found["state"], found["error"]) == ("cancelled", None)
    assert running.client.post(f"/api/v1/jobs/{job}/cancel").status_code == 409
    assert running.version() == 1


def test_jobs_go_back_to_the_queue_when_the_server_stops(desk: Desk) -> None:
    with desk.client:
        job = desk.send(big()).json()["dry_run"]["id"]
        desk.until(job, lambda found: found["state"] == "running" and found["total"])
        process = process_of(desk, job)
    assert not Path(f"/proc/{process}").exists()
    assert desk.jobs.get(job).state == "queued"
    done = desk.work()
    assert done is not None
    assert (done.id, done.state) == (job, "done")


def test_two_servers_never_run_a_job_twice(desk: Desk) -> None:
    """Processes that take jobs from one work file as fast as they can."""
    jobs = desk.jobs
    for number in range(WAITING_EACH):
        jobs.add("report", f"o{number % 3}", "100000", {})
    script = (
        "import sys, json\nfrom pathlib import Path\n"
        "from chainatlas.api.http.jobs import Jobs\nfrom chainatlas.graph.work import WorkFile\n"
        "jobs = Jobs(WorkFile(Path(sys.argv[1])))\n"
        "sys.stdin.read(1)\n"
        "taken = []\n"
        "while (job := jobs.take([(['report'], 100)])) is not None: taken.append(job.id)\n"
        "print(json.dumps(taken))\n"
    )
    command = [sys.executable, "-c", script, str(desk.settings.work)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("x")
        worker.stdin.flush()
    taken = [number for worker in workers for number in json.loads(worker.communicate()[0])]
    assert len(taken) == len(set(taken)) == WAITING_EACH


def test_one_load_at_a_time_while_reports_go_on(desk: Desk) -> None:
    jobs = desk.jobs
    first, second = (jobs.add("ingest", "li", "100000", {}) for _ in range(2))
    reports = [jobs.add("report", "li", "100000", {}) for _ in range(3)]
    taken = [jobs.take(lanes()) for _ in range(4)]
    assert [job.id for job in taken if job] == [first.id, reports[0].id, reports[1].id]
    assert jobs.end(first.id, "done", result={})
    assert not jobs.end(first.id, "failed")
    following = jobs.take(lanes())
    assert following is not None
    assert following.id == second.id


def test_missing_heartbeat_is_a_failure_and_the_late_process_may_not_commit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = desk.jobs
    jobs.add("undo", "li", "100000", {"version": 1})
    job = jobs.take(lanes())
    assert job is not None
    assert jobs.bury() == 0
    monkeypatch.setattr(book, "LOST_S", -1.0)
    assert jobs.bury() == 1
    dead = jobs.get(job.id)
    assert (dead.state, dead.error) == ("failed", book.DIED)
    assert jobs.beat(job.id, "", 0, 0) == "lost"
    with pytest.raises(StoppedError):
        Task(desk.settings, job).seal()
    Task(desk.settings, job).run()
    assert desk.version() == 1
    assert jobs.get(job.id) == dead


def test_queue_is_bounded(desk: Desk) -> None:
    last = None
    for _ in range(WAITING_EACH + 1):
        last = desk.send(small())
    assert last is not None
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) > 0
    desk.be("wang", Role.editor)
    assert desk.send(small()).status_code == 202


def test_undo_is_a_job_that_looks_at_the_version(desk: Desk) -> None:
    load(open_store(desk.settings.db), facts("base", products=named("y")))
    body = {"kind": "undo", "parameters": {"version": 1}}
    answer = desk.client.post("/api/v1/jobs", json=body)
    assert answer.status_code == 202
    done = desk.work()
    assert done is not None
    assert (done.state, desk.version()) == ("failed", 2)
    body["parameters"] = {"version": 2}
    desk.client.post("/api/v1/jobs", json=body)
    done = desk.work()
    assert done is not None
    assert (done.state, done.result and done.result["undoes"], desk.version()) == ("done", 2, 3)
    assert open_store(desk.settings.db).view().graph()["products"]["id"].tolist() == ["z"]


def test_backtest_of_an_upload_is_refused_with_a_reason(desk: Desk) -> None:
    """The run itself is tested with the command; here, that it gets the files it is given."""
    upload = desk.tried(("2018-06-11.csv", b"id,name\n1,a\n"))["id"]
    body = {"kind": "backtest", "parameters": {"upload": upload}}
    assert desk.client.post("/api/v1/jobs", json=body).status_code == 202
    done = desk.work()
    assert done is not None
    assert done.state == "failed"
    assert "内部错误" not in (done.error or "")
    assert "/" not in (done.error or "/")
    desk.be("wang", Role.editor)
    assert desk.client.post("/api/v1/jobs", json=body).status_code == 404


BAD_JOBS = {
    "unknown kind": ({"kind": "nothing"}, 422),
    "kind with routes of its own": ({"kind": "ingest", "parameters": {}}, 422),
    "no parameters": ({"kind": "report"}, 422),
    "further parameter": ({"kind": "undo", "parameters": {"version": 1, "x": 1}}, 422),
    "malformed region": ({"kind": "report", "parameters": {"region": "x", "cluster": "c"}}, 422),
    "no such region": ({"kind": "report", "parameters": {"region": "999999", "cluster": "c"}}, 404),
    "no such cluster": (
        {"kind": "report", "parameters": {"region": "420100", "cluster": "c"}},
        404,
    ),
}


@pytest.mark.parametrize(("body", "status"), BAD_JOBS.values(), ids=BAD_JOBS.keys())
def test_bad_jobs(desk: Desk, body: dict[str, object], status: int) -> None:
    answer = desk.client.post("/api/v1/jobs", json=body)
    assert answer.status_code == status, answer.text
    assert desk.jobs.newest() == []


@pytest.mark.parametrize("value", [b'"\\ud800"', b"1e400", b"NaN", b'{"a": "\\ud800"}'])
def test_values_that_json_cannot_hold_are_refused(desk: Desk, value: bytes) -> None:
    body = b'{"kind": "undo", "parameters": {"version": ' + value + b"}}"
    json_only = {"content-type": "application/json"}
    answer = desk.client.post("/api/v1/jobs", content=body, headers=json_only)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("parameters.version")


@pytest.fixture(scope="module")
def hubei(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The application on the shipped pack, small as it is for this: one cluster's report."""
    from chainatlas.api.main_job import SHIPPED
    from chainatlas.ingest.files import load_files

    db = tmp_path_factory.mktemp("hubei") / "atlas.db"
    load_files(str(db), [SHIPPED])
    return Desk.at(db)


def test_report_of_a_region_and_its_scope(hubei: Desk) -> None:
    hubei.be("qian", Role.analyst, "420100")
    place = {"region": "420100", "cluster": "ic", "form": "html"}
    answer = hubei.client.post("/api/v1/jobs", json={"kind": "report", "parameters": place})
    assert answer.status_code == 202, answer.text
    away = {**place, "region": "420500"}
    refused = hubei.client.post("/api/v1/jobs", json={"kind": "report", "parameters": away})
    assert refused.status_code == 403
    undo = hubei.client.post("/api/v1/jobs", json={"kind": "undo", "parameters": {"version": 1}})
    assert undo.status_code == 403
    number = answer.json()["id"]
    assert hubei.client.get(f"/api/v1/jobs/{number}/result").status_code == 404
    done = hubei.work()
    assert done is not None
    assert done.state == "done", done.error
    page = hubei.client.get(f"/api/v1/jobs/{number}/result")
    assert page.status_code == 200
    assert page.content.lstrip().startswith(b"<!DOCTYPE html")
    assert page.headers["content-disposition"].startswith("attachment")
    assert page.headers["content-type"] == "application/octet-stream"
    for name, scope in (("sun", EVERYWHERE), ("qian", "420500"), ("qian", "420111")):
        hubei.be(name, Role.analyst, scope)  # somebody else; the same with another scope by now
        for address in (f"jobs/{number}", f"jobs/{number}/result"):
            assert hubei.client.get(f"/api/v1/{address}").status_code == 404
        assert hubei.client.get("/api/v1/jobs").json()["jobs"] == []
    hubei.be("root", Role.admin)
    assert [job["id"] for job in hubei.client.get("/api/v1/jobs").json()["jobs"]] == [number]


@pytest.mark.parametrize(
    ("scope", "region", "status"),
    [("420100", "420100", 403), ("420100", "420111", 403), ("420000", "420100", 202)],
)
def test_pictures_show_the_whole_province_and_so_need_its_scope(
    hubei: Desk, scope: str, region: str, status: int
) -> None:
    hubei.be("zhou", Role.analyst, scope)
    place = {"kind": "pictures", "parameters": {"region": region, "cluster": "ic"}}
    answer = hubei.client.post("/api/v1/jobs", json=place)
    assert answer.status_code == status, answer.text
    if status == 202:
        hubei.client.post(f"/api/v1/jobs/{answer.json()['id']}/cancel")


def test_every_kind_is_whole() -> None:
    """A new entry of the table is all that a new kind needs."""
    assert {kind.lane for kind in KINDS.values()} == set(LANES)
    for kind in KINDS.values():
        assert callable(kind.load())
        assert kind.role >= Role.analyst


def test_runner_survives_a_work_file_that_is_away(desk: Desk, tmp_path: Path) -> None:
    runner = Runner(desk.settings)
    runner.start()
    Jobs(WorkFile(desk.settings.work)).add("report", "li", "100000", {"region": "420100"})
    runner.stop()
    runner.stop()
