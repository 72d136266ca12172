"""Every page of a served desk with something on it, and a list of them all.

The shipped pack, a made-up list of enterprises with faults, made-up users, keys and follow-ups: what
the pictures of the documentation show, and what tests of every page look at.
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.testclient import TestClient

from atlas import PASSWORD, Atlas, Person
from chainatlas.analysis.gaps import find_gaps
from chainatlas.analysis.scope import Scope
from chainatlas.analysis.targets import find_targets
from chainatlas.api.cli import main
from chainatlas.api.http.app import create_app
from chainatlas.api.http.jobs import Jobs
from chainatlas.api.http.jobs_kinds import lanes
from chainatlas.api.http.jobs_task import Task
from chainatlas.api.http.service import Preparing
from chainatlas.api.http.settings import Settings
from chainatlas.api.main_job import SHIPPED
from chainatlas.api.pages.patience import Patience
from chainatlas.api.security.keys import Keys
from chainatlas.api.security.ledger import CLI
from chainatlas.api.security.roles import EVERYWHERE, Role
from chainatlas.api.security.users import Users
from chainatlas.graph.follow_ups import FollowUps, Step
from chainatlas.graph.store import open_store
from chainatlas.graph.views import SavedViews

BOSS, DESK, UNIT = "管理员", "招商一处", "宜昌市发改委"
IC = "region=420100&cluster=ic"
#: A list as a bureau has it; every enterprise is made up, and three rows are not as they should be.
COLUMNS = ("企业名称", "统一社会信用代码", "所在地", "营业收入（万元）", "主要产品", "来源")
LIST = (
    ("示例光电（武汉）股份有限公司", "", "湖北省武汉市", "120000", "光模块", "示例名单"),
    ("示例半导体材料有限公司", "", "湖北省荆州市", "26000", "电子特气", "示例名单"),
    ("示例半导体设备（宜昌）有限公司", "91420500000000000X", "湖北省宜昌市", "8500", "刻蚀设备", "示例名单"),
    ("示例化工（荆门）有限公司", "", "湖北省荆门市", "约两亿", "磷酸铁", "示例名单"),
    ("", "", "湖北省黄石市", "5000", "铜箔", "示例名单"),
    ("示例封装测试有限公司", "", "湖北省武汉市", "43000", "封装测试", "示例名单"),
)  # fmt: skip
#: Another one, in which some seem to be of the first.
SECOND = (
    ("示例光电股份有限公司", "", "湖北省武汉市", "118000", "光模块", "示例园区名录"),
    ("示例半导体材料股份有限公司", "", "湖北省荆州市", "26500", "电子特气", "示例园区名录"),
    ("示例封装测试集团有限公司", "", "湖北省武汉市", "45000", "封装测试", "示例园区名录"),
    ("示例智能汽车零部件有限公司", "", "湖北省襄阳市", "9000", "车用线束", "示例园区名录"),
)  # fmt: skip
#: One that is tried, but not loaded.
THIRD = (*LIST[:1], *LIST[2:5])
#: Their files, in the order of loading; the last is tried only.
FILES = {
    "示例园区名录.csv": SECOND,
    "示例企业名单.csv": LIST,
    "示例企业名单（补充）.csv": THIRD,
}
#: What keys are for, and a view that is kept.
KEYS = ("省级平台", "武汉市投促系统")
VIEW = "存储芯片的上游"
#: What is looked for on the overview and in a simulation.
WANTED = ("光刻", "中芯")
#: Steps of follow-ups: how far, and what was noted.
STEPS = (
    ("lead", "整理名单，拟对接"),
    ("contact", "已电话联系，约定来访"),
    ("talks", "来访一次，索要用地和能耗条件"),
)
#: Pages that need no more than the facts; those with ids are added by :func:`furnished`.
PAGES = {
    "overview": "/?region=420100",
    "search": f"/?region=420100&q={quote(WANTED[0])}",
    "changes": "/overview/changes?region=420100",
    "chain": f"/chain?{IC}&product=dram",
    "chain-path": f"/chain?{IC}&from=lithography-machine&to=dram",
    "product": f"/chain/product?{IC}&product=dram",
    "map": f"/map?{IC}",
    "counties": f"/map?{IC}&at=420100",
    "attraction": f"/attraction?{IC}",
    "gap": f"/attraction?{IC}&product=dram",
    "compare": f"/compare?{IC}&other=420500",
    "compare-versions": f"/compare?{IC}&with=version&from=1&to=3",
    "compare-moves": f"/compare?{IC}&with=move&move=land:420100:cxmt&q={quote(WANTED[1])}",
    "graph-start": "/graph",
    "graph": "/graph?look=Product:dram",
    "graph-staged": "/graph?look=Product:dram&layout=staged",
    "graph-path": "/graph?source=Product:dram&target=Product:lithography-machine",
    "graph-all": "/graph/all",
    "profile-enterprise": "/enterprise/ymtc?region=420100",
    "profile-product": "/product/dram?region=420100",
    "profile-institute": "/institute/whu?region=420100",
    "profile-project": "/project/biomed-hec-insulin?region=420100",
    "profile-link": "/link/biomed-api?region=420100",
    "profile-cluster": "/cluster/ic?region=420100",
    "profile-region": "/region/420100",
    "data": "/data",
    "quarantine": "/data/quarantine",
    "review": "/data/review",
    "undo": "/data/undo",
    "account": "/account",
    "users": "/admin",
    "keys": "/admin/keys",
    "audit": "/admin/audit",
    "docs": "/docs",
    "redoc": "/redoc",
    "problems": "/docs/problems",
    "problem": "/chain?region=999999",
}
#: Pages of those who are not signed in.
OUTSIDE = {"login": "/login"}
#: A page for which its visitor waits; see :func:`held`.
WAITING = "/?region=420200"


@dataclass(frozen=True)
class Furnished(Atlas):
    """A desk with something on every page.

    Attributes:
        pages: Addresses of all pages by name.
        session: The cookie of an administrator, its name and its value.
    """

    pages: dict[str, str]
    session: tuple[str, str]

    def stated(self) -> set[str]:
        """Names, notes and cells of lists that people gave, which no language changes."""
        cells = {cell for rows in FILES.values() for row in rows for cell in row}
        notes = {note for _, note in STEPS}
        packs = {Path(file).stem for file in FILES}
        people = {BOSS, DESK, UNIT}
        return {*cells, *COLUMNS, *FILES, *packs, *KEYS, *notes, *people, *WANTED, VIEW}

    def reader(self, language: str = "zh") -> TestClient:
        """A browser without scripts of somebody who may do everything."""
        cookies = {"language": language, self.session[0]: self.session[1]}
        return TestClient(
            self.app,
            base_url="http://127.0.0.1",
            cookies=cookies,
            headers={"accept": "text/html"},
            client=("127.0.0.1", 50000),
        )

    def empty(self, folder: Path) -> FastAPI:
        """An application with the same settings but without facts."""
        db = folder / "empty.db"
        open_store(str(db), create=True).close()
        return create_app(replace(self.settings, db=str(db)))


def written(rows: tuple[tuple[str, ...], ...]) -> bytes:
    """A list of enterprises as a file."""
    page = io.StringIO()
    csv.writer(page).writerows([COLUMNS, *rows])
    return page.getvalue().encode("utf-8-sig")


def furnished(folder: Path) -> Furnished:
    """Make a desk in a folder."""
    db = str(folder / "atlas.db")
    assert main(["ingest", str(SHIPPED), "--db", db]) == 0
    settings = Settings(db)
    atlas = Atlas(settings, create_app(settings))
    for name, role, region in (
        (BOSS, Role.admin, EVERYWHERE),
        (DESK, Role.analyst, EVERYWHERE),
        (UNIT, Role.viewer, "420500"),
    ):
        Users(atlas.work).add(name, PASSWORD, role, region, by=CLI)
    Keys(atlas.work).add(KEYS[0], Role.viewer, EVERYWHERE, by=CLI)
    Keys(atlas.work).add(KEYS[1], Role.analyst, "420100", by=CLI)
    boss = atlas.signed_in(BOSS)
    [session] = boss.client.cookies.items()
    desk = Furnished(settings, atlas.app, dict(PAGES), session)
    desk.pages.update(_loaded(desk, boss))
    _followed(desk)
    return desk


def _loaded(desk: Furnished, boss: Person) -> dict[str, str]:
    """Load two lists, and try a third one."""
    client, jobs = boss.client, Jobs(desk.work)
    client.headers["x-csrf-token"] = boss.token

    def done() -> str:
        job = jobs.take(lanes())
        assert job is not None
        Task(desk.settings, job).run()
        return job.id

    def tried(name: str, rows: tuple[tuple[str, ...], ...]) -> str:
        answer = client.post("/api/v1/uploads", files=[("files", (name, written(rows)))])
        assert answer.status_code == 202, answer.text
        done()
        return str(answer.json()["id"])

    job, (*loaded, last) = "", FILES.items()
    for name, rows in loaded:
        upload = tried(name, rows)
        assert client.post(f"/api/v1/uploads/{upload}/commit").status_code == 202
        job = done()
    return {"upload": f"/data/uploads/{tried(*last)}", "job": f"/data/jobs/{job}"}


def _followed(desk: Furnished) -> None:
    """Follow some targets, and keep a view of the graph."""
    gaps = find_gaps(Scope.of(open_store(desk.settings.db).view().graph(), "420100", "ic"))
    products = ["dram", *gaps.acting()["product"].head(2)]
    best = find_targets(gaps, products, 1).set_index("product")["enterprise"]
    for at, product in enumerate(dict.fromkeys(products)):
        for stage, note in STEPS[: 3 - at]:
            step = Step(
                region="420100", cluster="ic", product=product, enterprise=str(best[product]),
                stage=stage, owner=DESK, note=note,
            )  # fmt: skip
            FollowUps(desk.work).add(step, f"user:{DESK}")
    state = {"nodes": [["Product:dram", 0.0, 0.0, 0]], "layout": "force"}
    with desk.work.writing() as connection:
        SavedViews(desk.work, "graph").save(connection, VIEW, f"user:{DESK}", state)


@contextmanager
def held(desk: Furnished) -> Iterator[None]:
    """Let :data:`WAITING` wait, with something being prepared, as on a large store after a load."""
    service = desk.app.state.service
    go, graph, patience = threading.Event(), service.graph, desk.app.state.patience

    def slow(version: int | None = None) -> object:
        if threading.current_thread().name.startswith("pages"):
            go.wait(60)
        return graph(version)

    service.graph, service.preparing = slow, Preparing("正在排布全图", 49, 71)
    desk.app.state.patience = Patience(0.05)
    try:
        yield
    finally:
        go.set()
        service.graph, service.preparing = graph, None
        desk.app.state.patience = patience
