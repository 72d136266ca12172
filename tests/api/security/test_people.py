"""Users, keys, sessions, and what slows guessing down."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainatlas.api.security import attempts, login, passwords, sessions
from chainatlas.api.security.directory import Directory, NotAtOnce
from chainatlas.api.security.keys import Keys
from chainatlas.api.security.ledger import CLI, Author, Ledger
from chainatlas.api.security.roles import EVERYWHERE, Role
from chainatlas.api.security.sessions import Sessions
from chainatlas.api.security.users import Users
from chainatlas.graph.errors import ChainAtlasError, NotFoundError, StoreError
from chainatlas.graph.work import WorkFile
from moving import Clock

PASSWORD = "correct horse 电池"
BY = Author("nobody", "r1")


def log_in(work: WorkFile, name: str = "王", password: str = PASSWORD, **more: str) -> str:
    return login.log_in(work, name, password, **{"address": "10.0.0.1", **more}, by=BY)[1]


def refused(work: WorkFile, name: str = "王", password: str = "wrong", **more: str) -> int:
    with pytest.raises(login.RefusedError) as error:
        log_in(work, name, password, **more)
    return error.value.wait_s


@pytest.fixture
def people(work: WorkFile, now: Clock) -> WorkFile:
    Users(work).add("王", PASSWORD, Role.analyst, "武汉市", by=CLI)
    return work


# Users.


def test_a_user_is_defined_changed_and_disabled(people: WorkFile) -> None:
    users = Users(people)
    assert (users.find("王").role, users.find("王").region) == (Role.analyst, "420100")
    users.set_role("王", Role.editor, by=CLI)
    assert (users.find("王").role, users.find("王").region) == (Role.editor, "420100")
    users.set_role("王", Role.admin, "全国", by=CLI)
    assert users.find("王").region == EVERYWHERE
    assert users.disable("王", by=CLI).disabled_at is not None
    assert users.enable("王", by=CLI).disabled_at is None
    actions = [(e.actor, e.action, e.target) for e in reversed(Ledger(people).newest(9))]
    assert actions == [
        ("cli", "user.add", "王"),
        ("cli", "user.role", "王"),
        ("cli", "user.role", "王"),
        ("cli", "user.disable", "王"),
        ("cli", "user.enable", "王"),
    ]


@pytest.mark.parametrize(
    ("name", "password", "role", "region", "says"),
    [
        ("王", PASSWORD, Role.viewer, EVERYWHERE, "用户已存在"),
        ("ｗ王", "short", Role.viewer, EVERYWHERE, "至少 12"),
        ("w", "x" * 129, Role.viewer, EVERYWHERE, "最多 128"),
        ("w2", "abababababababab", Role.viewer, EVERYWHERE, "5 种"),
        ("zhang", "I am ZHANG, hello", Role.viewer, EVERYWHERE, "不能包含用户名"),
        ("a b", PASSWORD, Role.viewer, EVERYWHERE, "用户名只能"),
        ("a/b", PASSWORD, Role.viewer, EVERYWHERE, "用户名只能"),
        ("", PASSWORD, Role.viewer, EVERYWHERE, "用户名只能"),
        ("w3", PASSWORD, Role.admin, "420100", "管理员不分地区"),
        ("w4", PASSWORD, Role.viewer, "没有此地", "没有此地"),
    ],
)
def test_what_is_no_user_is_refused_and_leaves_nothing(
    people: WorkFile, name: str, password: str, role: Role, region: str, says: str
) -> None:
    with pytest.raises(ChainAtlasError, match=says):
        Users(people).add(name, password, role, region, by=CLI)
    assert [u.name for u in Users(people).all()] == ["王"]
    assert Ledger(people).verify().rows == 1


def test_names_that_differ_by_width_alone_are_one(people: WorkFile) -> None:
    Users(people).add("ｚｈａｏ", PASSWORD, Role.viewer, by=CLI)
    assert Users(people).find("zhao").name == "zhao"
    assert log_in(people, "ｚhao")


def test_passwords_are_kept_as_argon2id_of_the_recommended_effort(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()  # the quick ones of other tests
    stored = passwords.hashed(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.matches(stored, PASSWORD)
    assert not passwords.matches(stored, PASSWORD + " ")
    assert not passwords.matches(None, PASSWORD)


@given(password=st.text(max_size=200), other=st.text(max_size=200))
def test_a_password_matches_itself_alone(password: str, other: str) -> None:
    stored = passwords.hashed(password)
    assert passwords.matches(stored, password)
    same = passwords._bytes(password) == passwords._bytes(other)
    assert passwords.matches(stored, other) == same


def test_nobody_is_found_where_nobody_is(work: WorkFile) -> None:
    for ask in (Users(work).find, Keys(work).find):
        with pytest.raises(NotFoundError):
            ask("x")
    assert not work.path.exists()


# Sessions.


def test_a_session_ends_when_idle_and_at_the_latest(people: WorkFile, now: Clock) -> None:
    directory = Directory(people)
    token = log_in(people)
    session = directory.session(token)
    assert session is not None
    assert (session.name, session.role, session.region) == ("王", Role.analyst, "420100")
    for _ in range(11):  # used every hour, it lives
        now.move(hours=1)
        assert directory.session(token) is not None
    now.move(hours=1)
    assert directory.session(token) is None  # twelve hours after logging in
    token = log_in(people)
    now.move(hours=1, minutes=59)
    assert directory.session(token) is not None
    now.move(hours=2)
    assert directory.session(token) is None


def test_logging_in_ends_the_former_session_and_takes_none_over(people: WorkFile) -> None:
    first = log_in(people)
    second = log_in(people, former=first)
    assert first != second
    assert Sessions(people).of_token(first) is None
    planted = "chosen-by-somebody-else"
    assert log_in(people, former=planted) != planted
    assert Sessions(people).of_token(planted) is None


def test_only_digests_of_cookies_are_kept(people: WorkFile) -> None:
    token = log_in(people)
    assert token.encode() not in people.path.read_bytes()


@pytest.mark.parametrize("how", ["disable", "password", "log out"])
def test_a_session_ends_at_once(people: WorkFile, how: str) -> None:
    directory, token = Directory(people), log_in(people)
    assert directory.session(token) is not None
    if how == "disable":
        Users(people).disable("王", by=CLI)
    elif how == "password":
        Users(people).set_password("王", "another long password", by=CLI)
    else:
        login.log_out(people, token, by=Author("user:王"))
    assert directory.session(token) is None
    Users(people).enable("王", by=CLI)
    assert directory.session(token) is None


def test_a_changed_role_and_scope_hold_at_once(people: WorkFile) -> None:
    directory, token = Directory(people), log_in(people)
    assert directory.session(token) is not None
    Users(people).set_role("王", Role.viewer, "420500", by=CLI)
    session = directory.session(token)
    assert session is not None
    assert (session.role, session.region) == (Role.viewer, "420500")


def test_ones_own_password_is_changed_with_the_old_one(people: WorkFile) -> None:
    token, elsewhere = log_in(people), log_in(people)
    by = Author("user:王")

    def change(old: str, new: str) -> str:
        return login.change_password(people, "王", old, new, address="10.0.0.1", by=by)

    with pytest.raises(login.RefusedError):
        change("wrong", "another long password")
    with pytest.raises(ChainAtlasError, match="旧密码相同"):
        change(PASSWORD, PASSWORD)
    with pytest.raises(ChainAtlasError, match="至少 12"):
        change(PASSWORD, "short")
    assert Sessions(people).of_token(token) is not None
    new = change(PASSWORD, "another long password")
    for ended in (token, elsewhere):
        assert Sessions(people).of_token(ended) is None
    assert Sessions(people).of_token(new) is not None
    refused(people, password=PASSWORD)
    assert log_in(people, password="another long password")


# Guessing.


def test_the_delay_grows_with_failures_and_ends(people: WorkFile, now: Clock) -> None:
    for _ in range(5):
        assert refused(people) == 0
    assert refused(people, password=PASSWORD) == 15  # even the right one waits
    waits = []
    for _ in range(8):
        wait = refused(people)
        waits.append(wait)
        now.move(seconds=wait)
        assert refused(people) == 0
    assert waits == [15, 30, 60, 120, 240, 480, 900, 900]
    now.move(minutes=15)
    assert log_in(people)
    for _ in range(4):  # forgotten with the right password
        assert refused(people) == 0
    assert log_in(people)


def test_many_guesses_at_once_get_no_further_than_many_in_a_row(
    people: WorkFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    right = passwords.matches

    def counted(stored: str | None, password: str) -> bool:
        looked_at.append(password)
        return right(stored, password)

    monkeypatch.setattr(passwords, "matches", counted)
    with ThreadPoolExecutor(12) as pool:
        waits = list(pool.map(lambda n: refused(people, password=f"guess {n}"), range(12)))
    assert len(looked_at) == 5
    assert sorted(waits) == [0] * 5 + [15] * 7


def test_failures_are_forgotten_after_a_day(people: WorkFile, now: Clock) -> None:
    for _ in range(4):
        refused(people)
    now.move(hours=24, seconds=1)
    for _ in range(4):
        assert refused(people) == 0
    assert log_in(people)


def test_names_that_nobody_has_are_delayed_alike(people: WorkFile) -> None:
    known = [refused(people) for _ in range(7)]
    unknown = [refused(people, "nobody", address="10.0.0.2") for _ in range(7)]
    assert known == unknown == [0, 0, 0, 0, 0, 15, 15]


def test_one_address_cannot_try_many_names(people: WorkFile) -> None:
    waits = [refused(people, f"u{n}", address=f"2001:db8::{n:x}") for n in range(22)]
    assert waits == [0] * 20 + [15] * 2  # one network of IPv6 is one address
    assert refused(people, address="2001:db8::1:0:0:1", password=PASSWORD) == 15
    assert log_in(people, address="10.9.9.9")


def test_a_right_password_takes_back_its_own_count_of_the_address_alone(people: WorkFile) -> None:
    """Somebody with an account of their own cannot clear the address between guesses."""
    for n in range(19):
        refused(people, f"u{n}")
    assert log_in(people)
    assert refused(people, "u19") == 0
    assert refused(people, "u20") == 15


def test_disabled_people_are_refused_like_wrong_passwords(people: WorkFile) -> None:
    Users(people).disable("王", by=CLI)
    with pytest.raises(login.RefusedError, match="用户名或密码不正确"):
        log_in(people)


def test_logins_are_in_the_audit_without_what_was_typed(people: WorkFile) -> None:
    refused(people, "my secret password")
    refused(people)
    log_in(people)
    found = [(e.actor, e.action, e.target, e.request) for e in reversed(Ledger(people).newest(3))]
    assert found == [
        ("nobody", "session.refuse", "?", "r1"),
        ("nobody", "session.refuse", "王", "r1"),
        ("user:王", "session.start", "王", "r1"),
    ]
    for typed in ("my secret password", PASSWORD):
        assert typed.encode() not in people.path.read_bytes()


@given(excess=st.integers(-5, 10_000))
def test_delays_only_grow(excess: int) -> None:
    delay = attempts._delay(excess)
    assert timedelta(0) <= delay <= attempts._delay(excess + 1) <= attempts.LONGEST


# Keys.


def test_a_key_works_until_it_expires_or_is_revoked(work: WorkFile, now: Clock) -> None:
    keys, directory = Keys(work), Directory(work)
    assert not directory.defined()
    key, token = keys.add("供需平台", Role.viewer, "湖北省", 30, by=CLI)
    assert directory.defined()
    assert token.startswith(f"ca_{key.prefix}_")
    assert token.encode() not in work.path.read_bytes()
    found = directory.key(token)
    assert found is not None
    assert (found.name, found.role, found.region) == ("供需平台", Role.viewer, "420000")
    now.move(days=30)
    assert directory.key(token) is None
    _, lasting = keys.add("x", Role.viewer, days=None, by=CLI)
    now.move(days=9999)
    assert directory.key(lasting) is not None
    assert keys.revoke(keys.all()[0].prefix, by=CLI).revoked_at is not None
    assert directory.key(lasting) is None
    assert directory.defined()  # the server does not open again by revoking
    assert [e.action for e in Ledger(work).newest(9)] == ["key.revoke", "key.add", "key.add"]


def test_a_wrong_secret_of_a_known_prefix_is_nobody(work: WorkFile, now: Clock) -> None:
    _, token = Keys(work).add("x", Role.viewer, by=CLI)
    directory = Directory(work)
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    for text in (wrong, token + "x", token[:-1], token.upper(), "", "ca__", "\ud800", "ca_0_0"):
        assert directory.key(text) is None
    assert directory.key(token) is not None


def test_use_is_noted_at_most_once_a_minute(work: WorkFile, now: Clock) -> None:
    keys, directory = Keys(work), Directory(work)
    key, token = keys.add("x", Role.viewer, by=CLI)
    used = []
    for _ in range(7):
        directory.key(token)
        used.append(keys.find(key.prefix).used_at)
        now.move(seconds=20)
    assert [u and u[11:19] for u in used] == ["09:00:00"] * 3 + ["09:01:00"] * 3 + ["09:02:00"]


@pytest.mark.parametrize(
    ("name", "days"), [("", 1), ("x" * 65, 1), ("a\nb", 1), ("x", 0), ("x", 3651)]
)
def test_bad_keys_are_refused(work: WorkFile, name: str, days: int) -> None:
    with pytest.raises(ChainAtlasError):
        Keys(work).add(name, Role.viewer, days=days, by=CLI)
    assert not work.path.exists()


# The directory.


def test_at_once_never_waits_and_never_lies(people: WorkFile, now: Clock) -> None:
    directory = Directory(people)
    prompt = directory.at_once()
    token = log_in(people)
    with pytest.raises(NotAtOnce):
        prompt.session(token)
    assert directory.session(token) is not None
    assert prompt.session(token) is not None
    with people.writing() as connection:  # a writer that is not done hides nothing
        connection.execute("DELETE FROM sessions")
        assert prompt.session(token) is not None
    with pytest.raises(NotAtOnce):
        prompt.session(token)
    assert directory.session(token) is None
    assert prompt.session(token) is None


def test_a_restored_file_is_read_anew(people: WorkFile, now: Clock) -> None:
    directory, token = Directory(people), log_in(people)
    kept = people.path.read_bytes()
    assert directory.session(token) is not None
    Users(people).disable("王", by=CLI)
    assert directory.session(token) is None
    aside = people.path.with_name("aside")
    aside.write_bytes(kept)
    aside.replace(people.path)
    assert directory.session(token) is not None
    people.path.unlink()  # lost: nobody is let in, and nothing opens
    for asked in (lambda: directory.session(token), directory.defined):
        with pytest.raises(StoreError):
            asked()


def test_idle_and_longest_are_what_the_manual_says() -> None:
    assert (timedelta(hours=2), timedelta(hours=12)) == (sessions.IDLE, sessions.LONGEST)
