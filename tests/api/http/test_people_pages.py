"""Signing in, the account, and the administration, as a browser without scripts sees them."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from atlas import PASSWORD, Atlas, Person
from chainatlas.api.pages import admin as pages
from chainatlas.api.security.keys import Keys
from chainatlas.api.security.ledger import CLI, Ledger
from chainatlas.api.security.roles import Role
from chainatlas.api.security.users import Users
from moving import Clock

HTML = {"Accept": "text/html"}
NEW = "another long password"


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    found = Atlas.made(tmp_path)
    Users(found.work).add("王", PASSWORD, Role.viewer, by=CLI)
    return found


def browser(atlas: Atlas) -> TestClient:
    return atlas.client(follow_redirects=False, headers=HTML)


def sign_in(client: TestClient, password: str = PASSWORD, **more: str) -> int:
    headers = {k.replace("_", "-"): v for k, v in more.items()}
    data = {"name": "王", "password": password, "back": "/account"}
    return client.post("/login", data=data, headers=headers).status_code


def alert(page: str) -> str:
    found = re.search(r'role="alert"[^>]*>([^<]*)<', page)
    return unescape(found[1]) if found else ""


# Signing in.


def test_a_page_asks_to_sign_in_and_comes_back(atlas: Atlas) -> None:
    client = browser(atlas)
    answer = client.get("/account?x=1&y=2")
    assert answer.status_code == 303
    at = answer.headers["location"]
    assert at == "/login?back=%2Faccount%3Fx%3D1%26y%3D2"
    page = client.get(at).text
    back = re.search(r'name="back" value="([^"]*)"', page)
    assert back is not None
    data = {"name": "王", "password": PASSWORD, "back": unescape(back[1])}
    answer = client.post("/login", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?x=1&y=2")
    assert client.get("/account").status_code == 200
    assert client.get("/login?back=/account").headers["location"] == "/account"


@pytest.mark.parametrize(
    "back",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "", "/\t/x"],
)
def test_signing_in_leads_nowhere_else(atlas: Atlas, back: str) -> None:
    data = {"name": "王", "password": PASSWORD, "back": back}
    assert browser(atlas).post("/login", data=data).headers["location"] == "/"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(atlas: Atlas) -> None:
    client = browser(atlas)
    answer = client.post("/login", data={"name": "王", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("chainatlas=")
    for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "Secure" not in cookie
    assert "Domain" not in cookie


def test_over_tls_the_cookie_is_secure_and_of_this_host_alone(tmp_path: Path) -> None:
    atlas = Atlas.made(tmp_path, https=True)
    Users(atlas.work).add("王", PASSWORD, Role.viewer, by=CLI)
    client = TestClient(atlas.app, base_url="https://desk.example", follow_redirects=False)
    cookie = client.post("/login", data={"name": "王", "password": PASSWORD}).headers["set-cookie"]
    assert cookie.startswith("__Host-chainatlas=")
    assert "Secure" in cookie
    assert client.get("/account").status_code == 200


def test_a_planted_cookie_is_not_taken_over_and_the_former_one_ends(atlas: Atlas) -> None:
    client = browser(atlas)
    client.cookies.set("chainatlas", "planted", domain="localhost.local", path="/")
    assert sign_in(client) == 303
    first = client.cookies["chainatlas"]
    assert first != "planted"
    token = Person(client, "王").token
    assert sign_in(client) == 303
    assert client.cookies["chainatlas"] != first
    assert Person(client, "王").token != token
    stale = browser(atlas)
    stale.cookies.set("chainatlas", first, domain="localhost.local", path="/")
    assert stale.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, 303),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Origin": "http://localhost"}, 303),
        ({}, 303),
    ],
)
def test_no_other_site_can_sign_a_browser_in(
    atlas: Atlas, headers: dict[str, str], status: int
) -> None:
    assert sign_in(browser(atlas), **headers) == status


def test_wrong_passwords_are_told_apart_by_nothing_and_then_wait(atlas: Atlas, now: Clock) -> None:
    client = browser(atlas)
    pages = []
    for name in ("王", "nobody"):
        answer = client.post("/login", data={"name": name, "password": "wrong"})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        pages.append(answer.text.replace(name, "NAME"))
    assert pages[0] == pages[1]
    for _ in range(4):
        assert sign_in(client, "wrong") == 403
    answer = client.post("/login", data={"name": "王", "password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "15")
    assert "15 秒" in alert(answer.text)
    assert PASSWORD not in answer.text
    now.move(seconds=15)
    assert sign_in(client) == 303


def test_signing_out_ends_the_session_and_needs_the_token(atlas: Atlas) -> None:
    person = atlas.signed_in("王")
    cookie = person.client.cookies["chainatlas"]
    assert person.client.post("/logout").status_code == 403
    answer = person.client.post("/logout", data={"csrf": person.token})
    assert answer.status_code == 303
    assert "chainatlas" not in person.client.cookies
    other = browser(atlas)
    other.cookies.set("chainatlas", cookie, domain="localhost.local", path="/")
    assert other.get("/account").status_code == 303
    assert Ledger(atlas.work).newest(1)[0].action == "session.end"


def test_with_nobody_defined_the_page_says_how_to_define_somebody(tmp_path: Path) -> None:
    page = browser(Atlas.made(tmp_path)).get("/login").text
    assert "chainatlas users add" in page
    assert "<form" not in page


def test_pages_for_everybody_know_who_is_signed_in(atlas: Atlas) -> None:
    person = atlas.signed_in("王")
    for path in ("/docs/problems", "/no-such-page"):
        assert 'href="/login"' in browser(atlas).get(path).text
        page = person.client.get(path, headers=HTML).text
        assert "王" in page
        assert 'href="/login"' not in page


def test_a_name_is_shown_as_text(atlas: Atlas) -> None:
    payload = '"><script>alert(1)</script>'
    page = browser(atlas).post("/login", data={"name": payload, "password": "x"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


# The account.


def test_ones_own_password_is_changed(atlas: Atlas) -> None:
    person, elsewhere = atlas.signed_in("王"), atlas.signed_in("王")

    def change(**fields: str) -> tuple[int, str]:
        data = {"csrf": person.token, "old": PASSWORD, "new": NEW, "again": NEW, **fields}
        answer = person.client.post("/account/password", data=data)
        return answer.status_code, alert(answer.text)

    assert change(again="x") == (422, "两次输入的新密码不一样。")
    assert change(old="x") == (403, "用户名或密码不正确。")
    assert change(new="short", again="short") == (400, "密码至少 12 个字符。")
    assert change(csrf="x")[0] == 403
    assert change() == (303, "")
    assert person.client.get("/account").status_code == 200  # with a new session
    assert elsewhere.client.get("/account").status_code == 401
    assert atlas.signed_in("王", NEW)


# Administration.


@pytest.fixture
def admin(atlas: Atlas) -> Person:
    return atlas.person(Role.admin, name="boss")


def submit(person: Person, path: str, **fields: str) -> tuple[int, str]:
    """Send a form; the status and what the page complains of."""
    answer = person.client.post(path, data={"csrf": person.token, **fields})
    return answer.status_code, alert(answer.text)


def test_users_are_managed_on_the_page(atlas: Atlas, admin: Person) -> None:
    add = {"name": "李", "password": PASSWORD, "role": "analyst", "region": "武汉市"}
    assert submit(admin, "/admin/users", **add) == (303, "")
    li = atlas.signed_in("李")
    page = admin.client.get("/admin").text
    assert "湖北省武汉市" in page
    assert submit(admin, "/admin/users", **add)[1] == "用户已存在：李。"
    assert submit(admin, "/admin/users", **{**add, "name": "x", "role": "god"})[0] == 400
    assert submit(admin, "/admin/users", **{**add, "name": "x", "region": "无此地"})[0] == 404
    assert submit(admin, "/admin/users/李/role", role="viewer", region="") == (303, "")
    assert Users(atlas.work).find("李").region == "100000"
    assert submit(admin, "/admin/users/李/disable") == (303, "")
    assert li.client.get("/account").status_code == 401
    assert submit(admin, "/admin/users/李/enable") == (303, "")
    assert submit(admin, "/admin/users/李/password", password=NEW) == (303, "")
    assert atlas.signed_in("李", NEW)
    assert submit(admin, "/admin/users/none/disable") == (404, "没有这个用户：none。")
    actions = [e.action for e in Ledger(atlas.work).newest(99, actor="user:boss")]
    assert actions == [
        "user.password",
        "user.enable",
        "user.disable",
        "user.role",
        "user.add",
        "session.start",
    ]


def test_nobody_takes_their_own_access_away(atlas: Atlas, admin: Person) -> None:
    for path, fields in {"disable": {}, "role": {"role": "viewer"}}.items():
        status, said = submit(admin, f"/admin/users/boss/{path}", **fields)
        assert (status, said) == (400, "不能在这里更改自己的账户。")
    assert admin.client.get("/admin").status_code == 200


def test_a_key_is_shown_once(atlas: Atlas, admin: Person) -> None:
    answer = admin.client.post(
        "/admin/keys",
        data={"csrf": admin.token, "name": "供需平台", "role": "viewer", "region": "420100"},
    )
    found = re.search(r"ca_[0-9a-f]{8}_[\w-]{43}", answer.text)
    assert found is not None
    assert answer.headers["cache-control"] == "no-store"
    headers = {"Authorization": f"Bearer {found[0]}"}
    assert atlas.client().get("/api/v1/clusters", headers=headers).status_code == 200
    page = admin.client.get("/admin/keys").text
    assert "供需平台" in page
    assert found[0] not in page
    prefix = Keys(atlas.work).all()[0].prefix
    assert submit(admin, f"/admin/keys/{prefix}/revoke") == (303, "")
    assert atlas.client().get("/api/v1/clusters", headers=headers).status_code == 401
    assert submit(admin, "/admin/keys", name=" ", role="viewer")[0] == 400
    assert submit(admin, "/admin/keys", name="x", role="viewer", days="x")[0] == 422


def test_the_audit_is_filtered_paged_and_checked(
    atlas: Atlas, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 4)
    ledger = Ledger(atlas.work)
    for number in range(6):
        ledger.append("user:李", "map.export", f"<b>{number}</b>")
    page = admin.client.get("/admin/audit?action=map").text
    assert page.count("<tr>") == 5
    assert "&lt;b&gt;5&lt;/b&gt;" in page
    older = re.search(r'href="(/admin/audit\?[^"]*before=\d+)"', page)
    assert older is not None
    assert admin.client.get(unescape(older[1])).text.count("<tr>") == 3
    assert "没有记录" in admin.client.get("/admin/audit?actor=none").text
    assert "审计记录完整" in admin.client.get("/admin/audit?verify=1").text
    with atlas.work.writing() as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET actor = 'user:王' WHERE number = 7")
    assert "第 7 条" in alert(admin.client.get("/admin/audit?verify=1").text)


def test_the_administration_is_seen_by_administrators_alone(atlas: Atlas, admin: Person) -> None:
    editor = atlas.person(Role.editor)
    assert 'href="/admin"' not in editor.client.get("/").text
    assert 'href="/admin"' in admin.client.get("/").text
    for path in ("/admin", "/admin/keys", "/admin/audit"):
        assert editor.client.get(path).status_code == 403
    assert submit(editor, "/admin/users", name="x", password=PASSWORD, role="admin")[0] == 403


def test_english_pages_have_no_chinese_of_ours(atlas: Atlas, admin: Person) -> None:
    admin.client.cookies.set("language", "en")
    for path in ("/admin", "/admin/keys", "/admin/audit?verify=1", "/account", "/docs/problems"):
        page = admin.client.get(path).text
        main = page[page.index("<main") : page.index("</main>")]
        text = re.sub(r"<option\b.*?</option>|<[^>]*>", " ", main, flags=re.S)
        names = text.replace("全国", "").replace("王", "")
        assert not re.findall(r"[\u4e00-\u9fff]+", names), path
