"""The whole way of a bureau from an empty store, in headless Chromium against the served program."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Response, expect
from pypdf import PdfReader
from stdnum.cn import uscc

from atlas import PASSWORD
from serving import PROGRAM, serving_process
from uploads import workbook, zipped
from watching import Watch

pytestmark = pytest.mark.browser

#: Tells the test of everything that the policy of the pages refuses.
VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) => {
  window.violated(`${event.violatedDirective} ${event.blockedURI}`);
});"""
#: A3 on its side, in whole points.
A3 = (1191, 842)
#: Waits for a job of a process of its own.
JOB_MS = 60_000

CLUSTER, TARGET = "光缆试验集群", "荆州乙预制棒有限公司"
#: Cable is made in Wuhan from fibre of Wuhan; what fibre is drawn from is made in Suzhou alone.
PACK = {
    "pack.toml": 'name = "cable"\ntitle = "光缆试验数据"\nlicence = "Apache-2.0"\n'
    'source = "试验"\nas_of = "2026-01-01"\n',
    "clusters.csv": f"id,name,tier,field,region\ncable,{CLUSTER},national,光电子,420100\n",
    "links.csv": "id,cluster,name,stage,position\nrod,cable,预制棒,upstream,1\n"
    "fibre,cable,光纤,midstream,2\ncable,cable,光缆,downstream,3\n",
    "products.csv": "id,name,links,domestic_rate\npreform,光纤预制棒,rod,0.6\n"
    "fibre,通信光纤,fibre,0.9\ncable,通信光缆,cable,0.95\n",
    "inputs.csv": "product,input,cost_share,criticality\nfibre,preform,0.5,0.9\n"
    "cable,fibre,0.4,0.8\n",
    "enterprises.csv": "id,name,region,labels,revenue\n"
    "wuhan,武汉甲光缆有限公司,420111,leading,2000000000\n"
    "suzhou,苏州丙预制棒有限公司,320500,champion,900000000\n",
    "produces.csv": "enterprise,product,share\nwuhan,cable,0.7\nwuhan,fibre,0.3\n"
    "suzhou,preform,1\n",
}


@dataclass
class Journey:
    """A page that is watched all the way.

    Attributes:
        page: The page.
        wrong: Violations of the policy, and documents without one.
    """

    page: Page
    wrong: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, page: Page) -> Journey:
        found = cls(page)
        page.expose_function("violated", found._violated)
        page.add_init_script(VIOLATIONS)
        page.on("response", found._policy)
        return found

    def _violated(self, what: str) -> None:
        self.wrong.append(what)

    def _policy(self, answer: Response) -> None:
        headers = answer.headers
        if "html" in headers.get("content-type", "") and not headers.get("content-security-policy"):
            self.wrong.append(f"no policy {answer.url}")

    def sign_in(self, name: str) -> None:
        """Where the pages ask to sign in, do."""
        self.page.get_by_label("用户名").fill(name)
        self.page.get_by_label("密码").fill(PASSWORD)
        self.page.get_by_role("button", name="登录", exact=True).click()
        expect(self.page.locator(".who a.caller")).to_have_text(name)

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="退出", exact=True).click()
        self.page.wait_for_url("**/login")

    def open(self, title: str) -> None:
        """A page by the bar that stands on every page."""
        self.page.get_by_role("navigation", name="主导航").get_by_text(title, exact=True).click()
        expect(self.page.locator("nav a[aria-current=page]").first).to_have_text(title)

    def give(self, name: str, content: bytes, button: str) -> None:
        """Upload a file and wait for its dry run."""
        file: FilePayload = {"name": name, "mimeType": "application/x", "buffer": content}
        self.page.locator("#files").set_input_files(file)
        self.page.get_by_role("button", name=button).click()

    def commit(self) -> None:
        """Load what was tried, and wait until it is in."""
        self.page.get_by_role("button", name="确认导入").click(timeout=JOB_MS)
        self.page.wait_for_url("**/data/jobs/*")
        expect(self.page.locator("main")).to_contain_text("已完成", timeout=JOB_MS)

    def save(self, link: str) -> bytes:
        """What a link downloads."""
        with self.page.expect_download() as waiting:
            self.page.get_by_role("link", name=link, exact=True).click()
        return waiting.value.path().read_bytes()

    def follow(self, stage: str, note: str) -> None:
        """Keep a step of the target on the page of one gap."""
        form = self.page.locator("form.step-form")
        form.get_by_label("跟进对象").select_option(label=TARGET)
        form.get_by_label("阶段").select_option(label=stage)
        form.get_by_label("责任单位").fill("招商一处")
        form.get_by_label("说明").fill(note)
        form.get_by_role("button", name="保存").click()
        expect(self.page.locator("ol.history li").first).to_contain_text(note)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Where the store will be; the command line has defined who administers it."""
    found = tmp_path / "atlas.db"
    command = [*PROGRAM, "users", "add", "boss", "--role", "admin", "--db", str(found)]
    subprocess.run(command, input=f"{PASSWORD}\n".encode(), check=True, capture_output=True)
    return found


@pytest.fixture
def journey(browser: Browser, db: Path) -> Iterator[Journey]:
    """A browser in front of the served program; after the test it must have been silent."""
    with serving_process(db) as address:
        context = browser.new_context(
            base_url=address, locale="zh-CN", viewport={"width": 1366, "height": 768}
        )
        watch = Watch(inside=address)
        found = Journey.begin(watch.over(context.new_page()))
        yield found
        context.close()
    assert watch.asked
    assert watch.trouble == []
    assert found.wrong == []


def code(body: str) -> str:
    """A credit code that holds, of nobody known."""
    return body + uscc.calc_check_digit(body)


def register() -> bytes:
    """A register as offices keep it; a spreadsheet turned the last credit code into a number."""
    head = ("企业名称", "统一社会信用代码", "所在城市", "营业收入（万元）", "主营产品", "联系电话")
    return workbook(
        {
            "名单": [
                ("光缆产业链重点企业名单",),
                head,
                ("黄石丁材料有限公司", code("91420200MA4K00000"), "黄石市", 8000, "铜杆", "1"),
                (TARGET, 914210006000373400, "荆州市", 60000, "光纤预制棒", "1"),
            ]
        }
    )


def corrected(sheet: bytes, **cells: str) -> bytes:
    """The only line of a quarantine sheet with other cells."""
    rows = list(csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"))))
    assert [row["企业名称"] for row in rows] == [TARGET]
    page = io.StringIO()
    writer = csv.DictWriter(page, list(rows[0]))
    writer.writeheader()
    writer.writerow({**rows[0], **cells})
    return page.getvalue().encode("utf-8-sig")


def a3(content: bytes) -> str:
    """The text of a printed picture, which must be on A3."""
    assert content.startswith(b"%PDF")
    pages = PdfReader(io.BytesIO(content)).pages
    assert (round(pages[0].mediabox.width), round(pages[0].mediabox.height)) == A3
    return "".join(page.extract_text() for page in pages)


def test_from_an_empty_store_to_the_printed_map(journey: Journey) -> None:
    page = journey.page
    main = page.locator("main")

    # The administrator, whom the command line defined, defines who keeps the data.
    page.goto("/")
    page.wait_for_url("**/login?*")
    journey.sign_in("boss")
    expect(main).to_contain_text("还没有数据")
    journey.open("管理")
    page.locator("#new-name").fill("li")
    page.locator("#new-password").fill(PASSWORD)
    page.locator("#new-role").select_option(label="编辑")
    page.get_by_role("button", name="定义", exact=True).click()
    expect(page.locator("#users")).to_contain_text("li")
    journey.sign_out()

    # The editor loads a pack, then a register of which one row is refused, and mends the row.
    journey.sign_in("li")
    journey.open("数据")
    expect(main).to_contain_text("还没有数据")
    journey.give("光缆.zip", zipped(PACK), "上传并试运行")
    expect(main).to_contain_text("没有被隔离的行", timeout=JOB_MS)
    journey.commit()
    journey.open("数据")
    journey.give("重点企业名单20260101.xlsx", register(), "上传并试运行")
    refused = page.locator("#bad ~ .scroll")
    expect(refused).to_contain_text("第 4 行", timeout=JOB_MS)
    expect(refused).to_contain_text(TARGET)
    expect(refused).to_contain_text("统一社会信用代码")
    sheet = journey.save("下载隔离表（可更正）")
    mended = corrected(sheet, 统一社会信用代码=code("91421000MA4K00000"))
    journey.give("更正.csv", mended, "添加并重新试运行")
    expect(main).to_contain_text("没有被隔离的行", timeout=JOB_MS)
    journey.commit()
    journey.open("数据")
    expect(page.locator("section[aria-labelledby=versions] tbody tr")).to_have_count(2)

    # What is missing in Wuhan, and the enterprise of the mended row as whom to bring in.
    journey.open("招商攻坚图")
    expect(page.locator("h1")).to_contain_text(CLUSTER)
    gap = page.get_by_role("article", name="光纤预制棒")
    expect(gap).to_contain_text("补链")
    expect(gap).to_contain_text(TARGET)
    gap.get_by_role("link", name="全部目标与依据").click()
    expect(page.locator(".gap-where")).to_contain_text("还没有跟进记录")
    journey.follow("线索", "名单中发现")
    journey.follow("对接", "已约企业来访")
    history = page.locator("ol.history li")
    expect(history).to_have_count(2)
    for line, told in enumerate(("对接", "线索")):
        for text in (told, TARGET, "招商一处", "li"):
            expect(history.nth(line)).to_contain_text(text)

    # On paper.
    printed = a3(journey.save("PDF"))
    for text in (CLUSTER, "光纤预制棒", TARGET):
        assert text in printed
    journey.open("资源分布图")
    assert CLUSTER in a3(journey.save("PDF"))

    # Nobody stays signed in.
    journey.sign_out()
    for address in ("/", "/chain", "/map", "/attraction", "/compare", "/graph", "/data"):
        page.goto(address)
        page.wait_for_url("**/login?*")
        expect(page.get_by_label("用户名")).to_be_visible()
