"""The pages of data in a real browser against a real server, and without scripts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    Dialog,
    Error,
    FilePayload,
    Page,
    Request,
    sync_playwright,
)

from chainatlas.api.http.access import Role
from chainatlas.api.security.ledger import CLI
from chainatlas.api.security.users import Users
from chainatlas.graph.store import open_store
from chainatlas.graph.work import Decisions, WorkFile, work_path
from making import facts, load, named
from serving import serving_process
from uploads import Desk, workbook, zipped

PASSWORD = "correct horse 电池"
PAYLOAD = "<img src=x onerror=alert(1)></script><script>alert(1)</script>"


@dataclass(frozen=True)
class Served:
    """A server on a store that is empty at first."""

    address: str
    db: Path

    def page(self, browser: Browser, *, script: bool = True) -> Page:
        """A browser of somebody who is signed in as an editor."""
        context = browser.new_context(
            base_url=self.address,
            java_script_enabled=script,
            viewport={"width": 1366, "height": 768},
            accept_downloads=True,
        )
        page = context.new_page()
        page.goto("/login")
        page.fill("input[name=name]", "li")
        page.fill("input[name=password]", PASSWORD)
        page.click("main button")
        page.goto("/data")
        return page


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as tool:
        found = tool.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield found
        found.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    db = tmp_path_factory.mktemp("served") / "atlas.db"
    Users(WorkFile(work_path(str(db)))).add("li", PASSWORD, Role.editor, "100000", by=CLI)
    with serving_process(db) as address:
        yield Served(address, db)


def pack(name: str, share: str = "x") -> bytes:
    return workbook(
        {
            "pack": [["name", "title"], [name, PAYLOAD]],
            "products": [["id", "name"], ["p", PAYLOAD], ["q", "硅片"]],
            "inputs": [["product", "input", "cost_share"], ["p", "q", share]],
        }
    )


def sheet_of(path: Path, old: str, new: str) -> bytes:
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    page = io.StringIO()
    csv.writer(page).writerows([[new if cell == old else cell for cell in row] for row in rows])
    return page.getvalue().encode("utf-8-sig")


def check(page: Page) -> None:
    """No serious fault of accessibility on a page."""
    found = Axe().run(page)
    faults = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
    assert not faults, json.dumps(faults, ensure_ascii=False)[:2000]


@pytest.mark.browser
def test_spreadsheet_with_a_bad_row_is_corrected_and_loaded(
    served: Served, browser: Browser, tmp_path: Path
) -> None:
    """The main task: upload, see what is refused, download, correct, upload again, load, undo."""
    trouble: list[str] = []
    page = served.page(browser)

    def told(shown: Dialog) -> None:
        trouble.append(shown.message)
        shown.dismiss()

    def failed(error: Error) -> None:
        trouble.append(str(error))

    def asked(request: Request) -> None:
        if not request.url.startswith((served.address, "data:", "blob:")):
            trouble.append(request.url)

    page.on("dialog", told)
    page.on("pageerror", failed)
    page.on("request", asked)
    check(page)
    file: FilePayload = {"name": "光谷包.xlsx", "mimeType": "x/x", "buffer": pack("光谷")}
    page.set_input_files("#files", file)
    page.click("text=上传并试运行")
    page.wait_for_url("**/data/uploads/*")
    page.wait_for_selector("text=会有的变化", timeout=60_000)
    refused = page.locator("#bad ~ .scroll")
    assert "光谷包.xlsx[inputs]" in refused.inner_text()
    assert "第 2 行" in refused.inner_text()
    check(page)
    with page.expect_download() as waited:
        page.click("text=下载隔离表（可更正）")
    got = tmp_path / "quarantine.csv"
    waited.value.save_as(got)
    fixed: FilePayload = {
        "name": "更正.csv",
        "mimeType": "text/csv",
        "buffer": sheet_of(got, "x", "0.25"),
    }
    page.set_input_files("#files", fixed)
    page.click("text=添加并重新试运行")
    page.wait_for_selector("text=没有被隔离的行", timeout=60_000)
    page.click("text=确认导入")
    page.wait_for_url("**/data/jobs/*")
    page.wait_for_selector("text=已完成", timeout=60_000)
    check(page)
    graph = open_store(str(served.db)).view().graph()
    assert graph["inputs"]["cost_share"].tolist() == [0.25]
    page.goto("/data")
    check(page)
    page.click("text=撤销最近一次导入")
    check(page)
    page.click("text=确认撤销")
    page.wait_for_selector("text=已完成", timeout=60_000)
    assert len(open_store(str(served.db)).view().graph()["products"]) == 0
    assert trouble == []


@pytest.mark.browser
def test_refused_file_is_told_and_nothing_is_kept(served: Served, browser: Browser) -> None:
    page = served.page(browser)
    page.set_input_files("#files", {"name": "a.xlsx", "mimeType": "x/x", "buffer": b"no workbook"})
    page.click("text=上传并试运行")
    page.wait_for_selector("[data-told].bad")
    assert "扩展名" in page.inner_text("[data-told]")
    assert page.is_enabled("text=上传并试运行")


@pytest.mark.browser
def test_everything_works_without_scripts(served: Served, browser: Browser) -> None:
    page = served.page(browser, script=False)
    page.set_input_files("#files", {"name": "b.exe", "mimeType": "x/x", "buffer": b"MZ"})
    page.click("text=上传并试运行")
    assert "不支持" in page.inner_text("[role=alert]")
    file: FilePayload = {"name": "慢.xlsx", "mimeType": "x/x", "buffer": pack("慢", "0.1")}
    page.set_input_files("#files", file)
    page.click("text=上传并试运行")
    page.wait_for_selector("text=确认导入", timeout=60_000)  # the page renews itself
    page.click("text=确认导入")
    page.wait_for_selector("text=已完成", timeout=60_000)
    assert "慢" in [f.pack for f in open_store(str(served.db)).view().facts()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path / "atlas.db")


ADDRESSES = ("/data", "/data/quarantine", "/data/review", "/data/undo")


def test_pages_of_an_empty_store_say_what_to_do(desk: Desk) -> None:
    for address in ADDRESSES:
        answer = desk.client.get(address)
        assert answer.status_code == 200, answer.text
    assert "还没有数据" in desk.client.get("/data").text
    assert "隔离区是空的" in desk.client.get("/data/quarantine").text


@pytest.mark.parametrize(
    ("role", "region", "kind", "why"),
    [
        (Role.viewer, "100000", "session", "您的角色只能查看"),
        (Role.analyst, "100000", "open", "尚未定义用户"),
        (Role.editor, "420100", "session", "您的账号限于一个地区"),
    ],
)
def test_forms_are_hidden_with_a_sentence_why(
    desk: Desk, role: Role, region: str, kind: str, why: str
) -> None:
    desk.be("wang", role, region, kind)
    page = desk.client.get("/data").text
    assert why in page
    assert "enctype" not in page
    assert "/data/undo" not in page


def test_no_payload_becomes_markup(desk: Desk) -> None:
    text = f"id,name\np,\nq,{PAYLOAD}\n{PAYLOAD},\n"
    files = {"products.csv": text, "pack.toml": f"name = '{PAYLOAD}'\ntitle = '{PAYLOAD}'\n"}
    made = desk.tried((f"{PAYLOAD}.zip", zipped(files)))
    job = desk.commit(made["id"])
    pages = [*ADDRESSES, f"/data/uploads/{made['id']}", f"/data/jobs/{job.id}"]
    for address in pages:
        answer = desk.client.get(address)
        assert answer.status_code == 200
        assert "<img" not in answer.text
        assert "<script>" not in answer.text
        assert len(answer.content) < 200_000


def test_review_accept_reject_and_undo(desk: Desk) -> None:
    store = open_store(desk.settings.db, create=True)
    load(
        store,
        facts("a", products=named("p"), enterprises=[{"id": "a1", "name": "武汉光谷激光有限公司"}]),
        facts("b", enterprises=[{"id": "b1", "name": "武汉光谷激光股份有限公司"}]),
    )
    (pair,) = desk.client.get("/api/v1/review").json()["pairs"]
    assert {pair["keep"], pair["other"]} == {"a1", "b1"}
    form = {"keep": "a1", "other": "b1", "note": "工商登记更名"}
    page = desk.client.get("/data/review").text
    assert "武汉光谷激光股份有限公司" in page
    answer = desk.client.post("/data/review", data={**form, "verdict": "accept"})
    assert answer.status_code == 200  # sent on to the list
    assert "决定已记录" in answer.text
    assert "工商登记更名" in answer.text
    assert store.view().graph()["enterprises"]["id"].tolist() == ["a1"]
    desk.client.post("/data/review", data={**form, "verdict": "undo"})
    assert len(store.view().graph()["enterprises"]) == 2
    again = desk.client.post("/data/review", data={**form, "verdict": "undo"})
    assert again.status_code == 404
    decided = desk.client.post("/api/v1/review/decisions", json={**form, "verdict": "reject"})
    assert decided.status_code == 200
    desk.client.app.state.service.refresh()  # type: ignore[attr-defined]
    assert desk.client.get("/api/v1/review").json()["pairs"] == []
    assert [d.verdict for d in Decisions(WorkFile(desk.settings.work)).all()] == ["reject"]
    desk.be("qian", Role.analyst)
    assert desk.client.post("/data/review", data={**form, "verdict": "undo"}).status_code == 403


def test_quarantine_is_filtered_paged_and_downloaded(desk: Desk) -> None:
    rows = "".join(f"p{i},产品{i},x\n" for i in range(120)) + "q,,0.5\n"
    made = desk.tried(("products.csv", f"id,name,domestic_rate\n{rows}".encode()))
    desk.commit(made["id"])
    whole = desk.client.get("/data/quarantine").text
    assert "121 处" in whole
    assert "第 1 页，共 3 页" in whole
    only = desk.client.get("/data/quarantine", params={"reason": "missing_value"}).text
    assert re.search(r"class=\"number\">122<", only)
    sheet = desk.client.get("/api/v1/quarantine.csv", params={"reason": "missing_value"})
    assert len(sheet.text.strip().splitlines()) == 2
    assert desk.client.get("/data/quarantine", params={"page": "9"}).status_code == 200


def test_english(desk: Desk) -> None:
    """Every text of these pages stands in the catalogue."""
    made = desk.tried(("products.csv", b"id,name\np,x\n,y\n"))
    job = desk.commit(made["id"])
    desk.client.post("/api/v1/jobs", json={"kind": "undo", "parameters": {"version": 1}})
    undo = desk.work()
    assert undo is not None
    desk.client.cookies.set("language", "en")
    pages = [*ADDRESSES, f"/data/uploads/{made['id']}"]
    for address in (*pages, *(f"/data/jobs/{number}" for number in (job.id, undo.id))):
        text = re.sub(r"<[^>]+>", " ", desk.client.get(address).text.split("<main")[1])
        text = text.split("<footer")[0]
        for ours in ("必填字段为空", "上传"):  # what a message in the facts, or a name, says
            text = text.replace(ours, "")
        assert not re.findall(r"[\u4e00-\u9fff]+", text), (
            address,
            re.findall(r"[\u4e00-\u9fff，：]+", text),
        )
