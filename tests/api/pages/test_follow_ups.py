"""Follow-ups: added, never changed; by whom may be; through the page and through JSON; audited."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import jsonschema
import pytest
from python_calamine import CalamineWorkbook

from atlas import Atlas, Person
from chainatlas.api.http.app import create_app
from chainatlas.api.http.settings import Settings
from chainatlas.api.security.ledger import Ledger
from chainatlas.api.security.roles import Role
from chainatlas.graph.errors import ChainAtlasError
from chainatlas.graph.follow_ups import FOLLOW_UP_STAGES, NOTE_MOST, FollowUps, Step
from chainatlas.graph.work import WorkFile

from .conftest import Desk, Seen

ROOT = Path(__file__).parents[3]
#: A gap and whom to bring in for it.
CXMT = {"cluster": "ic", "product": "dram", "enterprise": "cxmt"}
GAP = "region=420100&cluster=ic"
API = f"/api/v1/follow-ups?{GAP}"


@pytest.fixture
def office(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Atlas:
    """The shipped facts with a work file of their own, so that tests do not see each other's."""
    monkeypatch.setenv("CHAINATLAS_WORK", str(tmp_path / "office.work"))
    settings = Settings(str(desk.db))
    return Atlas(settings, create_app(settings))


def check(name: str, document: object) -> None:
    """A document against its published schema."""
    path = ROOT / "docs" / "schemas" / f"{name}.schema.json"
    jsonschema.validate(document, json.loads(path.read_text("utf-8")))


def first_gap(person: Person) -> tuple[str, str]:
    """Product and best target of the first gap on the page."""
    html = person.client.get(f"/attraction?{GAP}").text
    product = re.search(r'<input type="hidden" name="product" value="([^"]+)"', html)
    target = re.search(r'<select name="enterprise"><option value="([^"]+)"', html)
    assert product is not None
    assert target is not None
    return product[1], target[1]


def test_newest_step_decides_and_the_others_are_history(tmp_path: Path) -> None:
    kept = FollowUps(WorkFile(tmp_path / "a.work"))
    assert kept.history("420100", "ic") == ()
    for stage in FOLLOW_UP_STAGES:
        kept.add(Step(**CXMT, region="420100", stage=stage, owner="一处"), "user:a")
    whole = {**CXMT, "enterprise": ""}
    kept.add(Step(**whole, region="420100", stage="lead", note=" 摸底 "), "user:b")
    kept.add(Step(**CXMT, region="420500", stage="lead"), "user:b")
    steps = kept.history("420100", "ic")
    assert [s.stage for s in steps] == ["lead", *list(FOLLOW_UP_STAGES)[::-1]]
    now = kept.current("420100", "ic")
    assert now["dram", "cxmt"].stage == "shelved"
    assert now["dram", ""].note == "摸底"
    assert [s.number for s in kept.history("420500", "ic")] == [8]


def test_bad_steps_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    kept = FollowUps(WorkFile(tmp_path / "a.work"))
    for stage, note in (("won", ""), ("lead", "长" * (NOTE_MOST + 1))):
        with pytest.raises(ChainAtlasError):
            kept.add(Step(**CXMT, region="420100", stage=stage, note=note), "x")
    assert kept.history("420100", "ic") == ()


def test_analyst_keeps_a_step_on_the_page(office: Atlas) -> None:
    person = office.person(Role.analyst)
    product, target = first_gap(person)
    answer = person.client.post(
        f"/attraction/follow-up?{GAP}",
        data={
            "csrf": person.token, "product": product, "enterprise": target, "stage": "talks",
            "owner": "招商一处", "note": "已考察厂区",
        },
    )  # fmt: skip
    assert answer.status_code == 303
    page = Seen.of(person.client.get(answer.headers["location"].partition("#")[0]).text).text
    for text in ("在谈", "招商一处", "已考察厂区 analyst"):
        assert text in page
    assert "在谈" in Seen.of(person.client.get(f"/attraction?{GAP}&stage=talks").text).text
    following = person.client.get(f"/attraction?{GAP}&stage=none").text
    assert f'name="product" value="{product}"' not in following
    book = person.client.get(f"/export/attraction.xlsx?{GAP}").content
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_name("跟进").to_python()
    assert any("已考察厂区" in row for row in sheet)
    actions = [row.action for row in Ledger(office.work).newest(100)]
    assert actions.count("follow-up.add") == 1
    assert actions.count("page.export") == 1


def test_json_and_page_share_the_follow_ups(office: Atlas) -> None:
    key = office.key(Role.analyst)
    client = office.client(base_url="http://127.0.0.1")
    product, target = first_gap(office.person(Role.analyst, name="a"))
    step = {"product": product, "enterprise": target, "stage": "lead", "owner": "一处"}
    made = client.post(API, json=step, headers=key)
    assert made.status_code == 201, made.text
    assert made.json()["follow_up"]["stage"] == "lead"
    check("follow-up", made.json())
    client.post(API, json={**step, "stage": "contact"}, headers=key)
    now = client.get(API, headers=key).json()["follow_ups"]
    assert [s["stage"] for s in now] == ["contact"]
    history = client.get(f"{API}&history=true", headers=key).json()["follow_ups"]
    assert [s["stage"] for s in history] == ["contact", "lead"]
    check("follow-ups", client.get(API, headers=key).json())


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"product": "none"}, 404), ({"enterprise": "none"}, 404), ({"stage": "won"}, 422),
        ({"note": "长" * 501}, 422), ({"more": 1}, 422),
    ],
)  # fmt: skip
def test_json_refuses_what_does_not_exist(
    office: Atlas, change: dict[str, object], status: int
) -> None:
    client, key = office.client(base_url="http://127.0.0.1"), office.key(Role.analyst)
    step = {"product": "dram", "enterprise": "cxmt", "stage": "lead", **change}
    assert client.post(API, json=step, headers=key).status_code == status
    assert client.get(API, headers=key).json()["follow_ups"] == []
    assert client.get(API.replace("ic", "none"), headers=key).status_code == 404


def test_who_may_not_keep_a_step(office: Atlas) -> None:
    client = office.client(base_url="http://127.0.0.1")
    step = {"product": "dram", "enterprise": "cxmt", "stage": "lead"}
    viewer, elsewhere = office.key(Role.viewer), office.key(Role.analyst, "420500")
    assert client.post(API, json=step, headers=viewer).status_code == 403
    assert client.post(API, json=step, headers=elsewhere).status_code == 403
    assert client.get(API, headers=elsewhere).status_code == 403
    assert client.post(API, json=step).status_code == 401
    person = office.person(Role.analyst, name="forged")
    form = {**step, "csrf": "guess"}
    assert person.client.post(f"/attraction/follow-up?{GAP}", data=form).status_code == 403
    looking = office.person(Role.viewer, name="v").client.get(f"/attraction?{GAP}").text
    assert "/attraction/follow-up" not in looking
    assert "/export/" not in looking
    assert FollowUps(office.work).history("420100", "ic") == ()


def test_open_mode_reads_only(desk: Desk) -> None:
    html = desk.client().get(f"/attraction?{GAP}&product=dram").text
    assert "/attraction/follow-up" not in html
    form = {"product": "dram", "enterprise": "cxmt", "stage": "lead"}
    assert desk.client().post(f"/attraction/follow-up?{GAP}", data=form).status_code == 403


def test_caller_with_a_scope_stays_inside_it(office: Atlas) -> None:
    person = office.person(Role.analyst, "420100", "wuhan")
    start = person.client.get("/", follow_redirects=False)
    assert start.headers["location"] == "/?region=420100"
    page = person.client.get("/?region=420100").text
    assert 'value="420500"' not in page
    assert "/chain?region=420100" in page
    for address in (
        "/?region=420500",
        "/chain?region=420000&cluster=ic",
        f"/compare?{GAP}&other=420500",
        f"/compare?{GAP}&with=move&move=land:420500:cxmt",
        f"/map?{GAP}&at=420000",
        f"/export/resources.pdf?{GAP}",
        "/export/chain.pdf?region=420500&cluster=ic",
    ):
        assert person.client.get(address).status_code == 403, address
    shown = person.client.get(f"/map?{GAP}")
    assert shown.status_code == 200
    places = {row[0] for row in Seen.of(shown.text).tables["places"][1:]}
    assert {"洪山区", "江夏区"} <= places
    assert "宜昌市" not in places
    assert person.client.get("/map?region=420111&cluster=ic").status_code == 200
