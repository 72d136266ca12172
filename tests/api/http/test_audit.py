"""Every operation of the application and the audit: which leave a row, and which leave none.

Whoever adds a route that changes or exports something says here how it is called and what it writes;
until then these tests fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from operations import Operation, every, routes

from atlas import PASSWORD, Person
from chainatlas.api.http.access import Role
from chainatlas.api.http.jobs import Jobs
from chainatlas.api.http.jobs_kinds import lanes
from chainatlas.api.http.jobs_task import Task
from chainatlas.api.http.uploads_spool import Spool
from chainatlas.api.security.keys import Keys
from chainatlas.api.security.ledger import CLI, Ledger
from chainatlas.api.security.users import Users
from chainatlas.graph.work import WorkFile
from microcosm import Atlas
from uploads import zipped

PLACE = {"region": "420100", "cluster": "ic"}
STEP = {"product": "litho", "enterprise": "asml", "stage": "lead"}
STATE = {"nodes": [["Product:litho", 0, 0, 0]]}
PACK = (
    "extra.zip",
    zipped({"products.csv": "id,name\nx,新产品\n,无编码\n", "pack.toml": 'name="x"'}),
)
FILES: dict[str, Any] = {"files": [("files", PACK)]}
NEW = "another good 密码 9"


@dataclass
class World:
    """The small country, an administrator with a key, and what has been made for them."""

    atlas: Atlas
    client: TestClient

    @property
    def work(self) -> WorkFile:
        return WorkFile(self.atlas.service.settings.work)

    @cached_property
    def asset(self) -> dict[str, str]:
        """A file that pages are made of, as they ask for it."""
        found = re.search(r"/assets/([^/\"]+)/([^\"]+)\"", self.client.get("/account").text)
        assert found is not None
        return {"mark": found[1], "name": found[2]}

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.work)

    def posted(self, address: str, **how: Any) -> dict[str, Any]:
        """The answer to something that was asked for beforehand."""
        answer = self.client.post(f"/api/v1/{address}", **how)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def job(self, done: bool = False) -> str:
        """A job that waits; or one that is done and left a file."""
        place = {"kind": "report", "parameters": PLACE}
        number = str(self.posted("jobs", json=place)["id"])
        if done:
            jobs = Jobs(self.work)
            taken = jobs.take(lanes())
            assert taken is not None
            spool = Spool.of(self.atlas.service.settings)
            (spool.result_folder(taken.id) / "x.html").write_text("x")
            jobs.end(taken.id, "done", result={"file": "x.html"})
            return taken.id
        return number

    def failed(self) -> str:
        """A job that was cancelled."""
        number = self.job()
        self.posted(f"jobs/{number}/cancel")
        return number

    def upload(self, tried: bool = True) -> str:
        """An upload whose dry run is done."""
        for job in Jobs(self.work).newest(state="queued"):
            Jobs(self.work).cancel(job.id)
        number = str(self.posted("uploads", **FILES)["id"])
        if tried:
            taken = Jobs(self.work).take(lanes())
            assert taken is not None
            Task(self.atlas.service.settings, taken).run()
        return number

    def view(self) -> str:
        """A saved view."""
        return str(self.posted("graph/views", json={"name": "甲", "state": STATE})["id"])

    def person(self, name: str) -> TestClient:
        """A browser of somebody who is signed in, with their token."""
        Users(self.work).add(name, PASSWORD, Role.analyst, by=CLI)
        browser = TestClient(self.atlas.app, base_url="http://127.0.0.1", follow_redirects=False)
        answer = browser.post("/login", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303
        browser.headers["x-csrf-token"] = Person(browser, name).token
        return browser


#: Values for the path, further parameters of the request, and whose browser asks (None: the key).
Asked = tuple[Mapping[str, str], Mapping[str, Any], TestClient | None]


def ask(path: Mapping[str, str] | None = None, by: TestClient | None = None, **how: Any) -> Asked:
    return path or {}, how, by


def user(world: World, name: str) -> dict[str, str]:
    Users(world.work).add(name, PASSWORD, Role.viewer, by=CLI)
    return {"name": name}


def off(world: World, name: str) -> dict[str, str]:
    Users(world.work).disable(user(world, name)["name"], by=CLI)
    return {"name": name}


def key(world: World) -> dict[str, str]:
    return {"prefix": Keys(world.work).add("x", Role.viewer, by=CLI)[0].prefix}


PASSWORDS = {"old": PASSWORD, "new": NEW, "again": NEW}
#: Every operation that changes something: how it is asked, and the rows that it leaves.
CHANGES: Mapping[str, tuple[Callable[[World], Asked], Sequence[str]]] = {
    "POST /api/v1/follow-ups": (lambda w: ask(params=PLACE, json=STEP), ["follow-up.add"]),
    "POST /api/v1/graph/views": (
        lambda w: ask(json={"name": "甲", "state": STATE}),
        ["view.save"],
    ),
    "DELETE /api/v1/graph/views/{number}": (lambda w: ask({"number": w.view()}), ["view.remove"]),
    "POST /api/v1/jobs": (
        lambda w: ask(json={"kind": "report", "parameters": PLACE}),
        ["job.report"],
    ),
    "POST /api/v1/jobs/{number}/cancel": (lambda w: ask({"number": w.job()}), ["job.cancel"]),
    "POST /api/v1/jobs/{number}/repeat": (lambda w: ask({"number": w.failed()}), ["job.report"]),
    "POST /api/v1/review/decisions": (
        lambda w: ask(json={"keep": "resist-sh", "other": "resist-wh", "verdict": "reject"}),
        ["review.reject"],
    ),
    "POST /api/v1/uploads": (lambda w: ask(**FILES), ["job.dry_run"]),
    "POST /api/v1/uploads/{number}/files": (
        lambda w: ask({"number": w.upload()}, **FILES),
        ["job.dry_run"],
    ),
    "POST /api/v1/uploads/{number}/dry-run": (
        lambda w: ask({"number": w.upload()}),
        ["job.dry_run"],
    ),
    "POST /api/v1/uploads/{number}/commit": (lambda w: ask({"number": w.upload()}), ["job.ingest"]),
    "DELETE /api/v1/uploads/{number}": (lambda w: ask({"number": w.upload()}), ["upload.discard"]),
    "POST /attraction/follow-up": (lambda w: ask(params=PLACE, data=STEP), ["follow-up.add"]),
    "POST /data/uploads": (lambda w: ask(**FILES), ["job.dry_run"]),
    "POST /data/uploads/{number}/files": (
        lambda w: ask({"number": w.upload()}, **FILES),
        ["job.dry_run"],
    ),
    "POST /data/uploads/{number}/dry-run": (lambda w: ask({"number": w.upload()}), ["job.dry_run"]),
    "POST /data/uploads/{number}/commit": (lambda w: ask({"number": w.upload()}), ["job.ingest"]),
    "POST /data/uploads/{number}/discard": (
        lambda w: ask({"number": w.upload()}),
        ["upload.discard"],
    ),
    "POST /data/jobs/{number}/cancel": (lambda w: ask({"number": w.job()}), ["job.cancel"]),
    "POST /data/jobs/{number}/repeat": (lambda w: ask({"number": w.failed()}), ["job.report"]),
    "POST /data/undo": (lambda w: ask(data={"version": 1}), ["job.undo"]),
    "POST /data/review": (
        lambda w: ask(data={"keep": "ymtc", "other": "boe-wh", "verdict": "reject"}),
        ["review.reject"],
    ),
    "POST /login": (
        lambda w: ask(data={**user(w, "li"), "password": PASSWORD}),
        ["session.start"],
    ),
    "POST /logout": (lambda w: ask(by=w.person("wang")), ["session.end"]),
    # The sessions there were have ended with the old password.
    "POST /account/password": (
        lambda w: ask(by=w.person("zhao"), data=PASSWORDS),
        ["user.password", "session.start"],
    ),
    "POST /admin/users": (
        lambda w: ask(data={"name": "qian", "password": PASSWORD, "role": "viewer"}),
        ["user.add"],
    ),
    "POST /admin/users/{name}/role": (
        lambda w: ask(user(w, "sun"), data={"role": "analyst"}),
        ["user.role"],
    ),
    "POST /admin/users/{name}/password": (
        lambda w: ask(user(w, "zhou"), data={"password": NEW}),
        ["user.password"],
    ),
    "POST /admin/users/{name}/disable": (lambda w: ask(user(w, "wu")), ["user.disable"]),
    "POST /admin/users/{name}/enable": (lambda w: ask(off(w, "zheng")), ["user.enable"]),
    "POST /admin/keys": (
        lambda w: ask(data={"name": "y", "role": "viewer", "days": 3}),
        ["key.add"],
    ),
    "POST /admin/keys/{prefix}/revoke": (lambda w: ask(key(w)), ["key.revoke"]),
}
#: Every other operation whose answer is a file to save, and its row.
EXPORTS: Mapping[str, str] = {
    "GET /api/v1/exports/packs.zip": "packs.export",
    "POST /api/v1/graph/export": "graph.export",
    "GET /api/v1/graph/scene.{form}": "graph.export",
    "GET /api/v1/jobs/{number}/result": "job.download",
    "GET /api/v1/quarantine.csv": "quarantine.export",
    "GET /api/v1/uploads/{number}/quarantine.csv": "job.download",
    "GET /export/{kind}.{ending}": "page.export",
}
#: Operations whose answers are neither JSON nor pages, and that are none the less no exports: lists,
#: which are the answers of commands in other formats, and what pages and monitoring are made of.
PLAIN = re.compile(
    r"GET (/api/v1/[a-z-]+\.\{suffix\}|/api/v1/graph/overview/(points|lines)"
    r"|/assets/\{mark\}/\{name\}|/metrics)"
)
IDS = {"clusters": "ic", "links": "ic-up", "products": "litho", "enterprises": "ymtc"}
IDS |= {"institutes": "hust", "projects": "p1", "regions": "420100"}
#: What names nothing, or is no value, of most changes.
WRONG = {
    "product": "none",
    "enterprise": "none",
    "stage": "lead",
    "name": " ",
    "role": "god",
    "state": STATE,
    "kind": "report",
    "parameters": {"region": "1"},
    "password": "short",
    "keep": "none",
    "other": "none",
    "verdict": "accept",
    "version": 0,
    "old": "x",
    "new": "x",
    "again": "x",
    "days": -1,
}
SHOWN = {"shown": [[0, 0, 0], [1, 10, 10]]}
BAD: Sequence[Mapping[str, Any]] = (
    *({"json": {}}, {"data": {"x": "y"}}),
    *({"json": WRONG}, {"data": WRONG}),
)
#: What is sent to the operations that read although their method could change something.
BODIES: Mapping[str, Mapping[str, Any]] = {
    "/api/v1/graph/expand": {**SHOWN, "node": "Product:litho", "group": "INPUT_TO-out-Product"},
    "/api/v1/graph/add": {"keys": ["Product:litho"]},
    "/api/v1/graph/path": {"source": "Product:litho", "target": "Product:dram"},
    "/api/v1/graph/layout": {**SHOWN, "layout": "force"},
    "/api/v1/graph/export": {**SHOWN, "form": "svg"},
}
#: Values of parameters that have to be given.
GIVEN: Mapping[str, str] = {
    **PLACE,
    "other": "420200",
    "node": "Product:litho",
    "from": "Product:litho",
    "to": "Enterprise:ymtc",
    "q": "光刻",
    "product": "litho",
    "land": "smee:420115",
    "look": "Product:litho",
    "at": "420100",
}
#: What they are at some operations.
SPECIAL: Mapping[str, Mapping[str, str]] = {
    "/api/v1/comparisons": {"from": "1", "to": "1"},
    "/api/v1/comparisons.{suffix}": {"from": "1", "to": "1"},
    "/api/v1/graph/detail": {"node": "0"},
    "/api/v1/simulations": {"land": "smee:420115"},
    "/api/v1/graph/neighbours": {"group": "INPUT_TO-out-Product"},
    "/api/v1/graph/overview/node": {"node": "0"},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    atlas = Atlas(tmp_path_factory.mktemp("audited"))
    work = WorkFile(atlas.service.settings.work)
    _, token = Keys(work).add("all", Role.admin, by=CLI)
    headers = {"Authorization": f"Bearer {token}"}
    client = TestClient(
        atlas.app, base_url="http://127.0.0.1", headers=headers, follow_redirects=False
    )
    return World(atlas, client)


@pytest.fixture(scope="module")
def operations(world: World) -> dict[str, Operation]:
    return {str(operation): operation for operation in every(world.atlas.app)}


def asked(world: World, operation: Operation, how: Asked) -> tuple[Any, list[str]]:
    """The answer of an operation, and the actions of the rows that it left, in order."""
    path, further, by = how
    address = operation.path.replace(":path}", "}").format(**path)
    before = world.ledger.newest(1)
    client = world.client if by is None else by
    answer = client.request(operation.method, address, **further)
    after = world.ledger.newest(10)
    last = before[0].number if before else 0
    return answer, [row.action for row in after if row.number > last][::-1]


def test_every_change_leaves_its_row(world: World, operations: dict[str, Operation]) -> None:
    """One that is not listed fails: whoever adds one says what it writes."""
    assert {o for o, one in operations.items() if one.changes} == set(CHANGES)
    for name, (prepared, actions) in CHANGES.items():
        answer, left = asked(world, operations[name], prepared(world))
        assert answer.status_code in (200, 201, 202, 204, 303), (name, answer.text)
        assert left == actions, name
    assert world.ledger.verify().fault is None


def route_of(operation: Operation) -> APIRoute:
    """The route of an operation."""
    for prefix, route in routes():
        paths = (prefix + route.path, prefix + route.path_format)
        if operation.path in paths and operation.method in (route.methods or ()):
            return route
    raise AssertionError(operation)


def required(route: APIRoute) -> Iterator[str]:
    """Names of the query parameters of a route that have to be given."""
    for one in route.dependant.query_params:
        model = one.field_info.annotation
        if isinstance(model, type) and hasattr(model, "model_fields"):
            yield from (f.alias or n for n, f in model.model_fields.items() if f.is_required())
        elif one.field_info.is_required():
            yield one.alias


def reading(world: World, operation: Operation, route: APIRoute) -> Asked:
    """How an operation that changes nothing is asked, so that it has something to answer."""
    first, _, _ = operation.path.removeprefix("/api/v1/").lstrip("/").partition("/")
    number: Mapping[str, Callable[[], str]] = {
        "jobs": lambda: world.job(done=True),
        "uploads": world.upload,
        "graph": world.view,
        "data": world.upload if "uploads" in operation.path else lambda: world.job(done=True),
    }
    path = {
        "id": IDS.get(f"{first}", ""), "suffix": "csv", "form": "svg", "kind": "chain",
        "ending": "svg", "code": "420100", "token": "-", **world.asset,
    }  # fmt: skip
    if "{number" in operation.path:
        path["number"] = IDS[f"{first}s"] if f"{first}s" in IDS else number[first]()
    names = {*required(route), *operation.rule["regions"]} - {"code"}
    if "region" in operation.rule["regions"] and not operation.path.startswith("/api/"):
        names.add("cluster")  # pages look for it themselves
    special = SPECIAL.get(operation.path, {})
    query = {name: special.get(name, GIVEN.get(name, "?")) for name in {*names, *special}}
    body = dict(BODIES[operation.path]) if operation.method == "POST" else None
    if body and "node" in body:
        body["node"] = world.atlas.service.web().number(body["node"])
    return ask(path, params=query, json=body)


def test_every_other_operation_is_an_export_with_its_row_or_leaves_none(
    world: World, operations: dict[str, Operation]
) -> None:
    """An answer that is to be saved as a file, or is no text for people or programs, is listed."""
    found = {}
    for name, operation in operations.items():
        if operation.changes:
            continue
        answer, left = asked(world, operation, reading(world, operation, route_of(operation)))
        assert answer.status_code in (200, 303), (name, answer.status_code, answer.text)
        saved = answer.headers.get("content-disposition", "").startswith("attachment")
        kind = answer.headers.get("content-type", "text/html").partition(";")[0]
        assert saved or kind in ("application/json", "text/html") or PLAIN.fullmatch(name), name
        assert len(left) == saved, (name, left)
        if saved:
            found[name] = left[0]
    assert found == EXPORTS


def test_what_is_refused_leaves_no_row(world: World, operations: dict[str, Operation]) -> None:
    """An unknown number, name or region, and a body that is none, to every change."""
    world.client.cookies.clear()  # of the one who signed in, so that nobody is signed out
    for name, operation in operations.items():
        if operation.changes:
            nothing = {"number": "0" * 32, "name": "nobody", "prefix": "none"}
            for body in BAD:
                answer, left = asked(world, operation, ask(nothing, params=PLACE, **body))
                assert answer.status_code >= 400 or name == "POST /logout", name
                assert not set(left) - {"session.refuse"}, (name, left)
