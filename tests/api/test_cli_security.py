"""Users, keys and the audit on the command line."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chainatlas.api.security.ledger import Author, Ledger
from chainatlas.api.security.login import log_in
from chainatlas.graph.store import open_store
from chainatlas.graph.work import WorkFile, work_path
from cli_tools import Cli, Outcome, write_pack

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
PASSWORD = "correct horse 电池"


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    return Cli(capsys, tmp_path / "atlas.db")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password on standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n" * 9))


def asked(cli: Cli, *argv: str, status: int = 0) -> dict[str, Any]:
    """The JSON answer, checked against its schema."""
    found = cli.ask(*argv, status=status)
    name = str(found["schema"]).removeprefix("chainatlas.").removesuffix("/1")
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(found)
    return found


def can_log_in(cli: Cli, name: str, password: str = PASSWORD) -> bool:
    work = WorkFile(work_path(str(cli.db)))
    try:
        log_in(work, name, password, address=name, by=Author("nobody"))
    except Exception:
        return False
    return True


@pytest.mark.usefixtures("typed")
def test_users_before_there_is_a_store(cli: Cli) -> None:
    found = asked(cli, "users", "add", "王", "--role", "editor", "--region", "武汉市")
    assert found["version"] == 0
    (user,) = found["users"]
    assert (user["name"], user["role"], user["region"]) == ("王", "editor", "420100")
    assert can_log_in(cli, "王")
    assert not cli.db.exists()
    open_store(str(cli.db), create=True)
    assert asked(cli, "users", "list")["users"] == [user]
    disabled = asked(cli, "users", "disable", "王")
    assert disabled["users"][0]["disabled_at"] is not None
    assert not can_log_in(cli, "王")
    asked(cli, "users", "enable", "王")
    assert can_log_in(cli, "王")
    changed = asked(cli, "users", "role", "王", "admin", "--region", "全国")
    assert changed["users"][0]["role"] == "admin"
    listed = cli("users", "list").out
    for text in ("王", "管理", "全国", "可用"):
        assert text in listed
    entries = asked(cli, "audit", "list", "--actor", "cli")["entries"]
    assert [e["action"] for e in entries] == [
        "user.role",
        "user.enable",
        "user.disable",
        "user.add",
    ]


def test_a_password_is_changed_and_never_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes: list[Outcome] = []
    for argv, line in (
        (("users", "add", "王"), PASSWORD),
        (("users", "passwd", "王"), "another long password"),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{line}\r\n"))
        outcomes.append(cli(*argv))
    assert [o.status for o in outcomes] == [0, 0]
    assert not can_log_in(cli, "王")
    assert can_log_in(cli, "王", "another long password")
    for outcome in outcomes:
        assert PASSWORD not in outcome.out + outcome.err
        assert "another" not in outcome.out + outcome.err


def test_what_cannot_be_done_is_said(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def status(text: str, *argv: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        result = cli(*argv)
        return result.status, result.err

    assert status("", "users", "add", "王")[0] == 1
    assert status("short\n", "users", "add", "王") == (1, "错误：密码至少 12 个字符。\n")
    assert status("", "users", "passwd", "王") == (1, "错误：没有这个用户：王。\n")
    assert status("", "users", "disable", "王")[0] == 1
    assert status("", "users", "add", "王", "--role", "god")[0] == 2
    assert status("", "users", "role", "王", "god")[0] == 2
    assert status("", "keys", "revoke", "00000000")[0] == 1
    assert status("", "keys", "add", "x", "--region", "无此地")[0] == 1
    assert status("", "keys", "add", "x", "--role", "admin", "--region", "武汉市")[0] == 1
    assert status("", "audit", "verify", "--head", "1:x")[0] == 2
    assert not work_path(str(cli.db)).exists()


def test_keys_are_shown_once(cli: Cli) -> None:
    made = asked(cli, "keys", "add", "供需平台", "--days", "30", "--region", "420100")
    token, prefix = str(made["token"]), str(made["prefix"])
    assert token.split("_")[1] == prefix
    listed = asked(cli, "keys", "list")
    assert token not in json.dumps(listed)
    assert [k["works"] for k in listed["keys"]] == [True]
    revoked = asked(cli, "keys", "revoke", prefix)
    assert [k["works"] for k in revoked["keys"]] == [False]
    assert "已撤销" in cli("keys", "list").out
    shown = cli("keys", "add", "x", "--days", "0")
    assert "ca_" in shown.out
    assert asked(cli, "keys", "list")["keys"][0]["expires_at"] is None


def test_verify_names_the_first_fault_and_fails(cli: Cli) -> None:
    for name in "abc":
        cli("keys", "add", name)
    found = asked(cli, "audit", "verify")
    assert (found["whole"], found["rows"], found["fault"]) == (True, 3, None)
    noted = f"3:{found['hash']}"
    assert asked(cli, "audit", "verify", "--head", noted)["whole"] is True
    assert asked(cli, "audit", "verify", "--head", "3:" + "0" * 64, status=1)["whole"] is False
    with WorkFile(work_path(str(cli.db))).writing() as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET detail = '[' WHERE number = 2")
    found = asked(cli, "audit", "verify", status=1)
    assert found["fault"] == {"number": 2, "reason": "内容被改动"}
    result = cli("audit", "verify")
    assert result.status == 1
    assert "第2条" in result.message
    assert "不完整" in result.out
    entries = asked(cli, "audit", "list", "--limit", "2")["entries"]
    assert [e["number"] for e in entries] == [3, 2]


def test_commands_leave_rows_where_there_is_a_work_file(cli: Cli, tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "sample", {"products.csv": "id,name\np,产品\n"})

    def everything(to: Path) -> None:
        for argv in (
            ("ingest", pack),
            ("export", "--out", to / "out"),
            ("backup", "--out", to / "backup"),
            ("undo",),
            ("restore", to / "backup", "--force"),
        ):
            assert cli(*argv).status == 0

    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    everything(tmp_path / "first")
    work = work_path(str(cli.db))
    assert not work.exists()
    cli("keys", "add", "x")
    everything(tmp_path / "second")
    backup = tmp_path / "second" / "backup"
    assert cli.bare("copy", "--from", backup, "--to", cli.db, "--force").status == 0
    entries = Ledger(WorkFile(work)).newest(9, actor="cli")
    # What came after the backup went with restoring it; its own row is there.
    assert [e.action for e in reversed(entries)] == [
        "key.add",
        "store.load",
        "store.export",
        "store.restore",
        "store.copy",
    ]
    assert json.loads(entries[-2].detail) == {"changed": False, "version": 1}
    assert Ledger(WorkFile(work)).verify().fault is None


def test_everything_goes_into_spreadsheets(cli: Cli, tmp_path: Path) -> None:
    cli("keys", "add", "=cmd()")
    for argv in (("users", "list"), ("keys", "list"), ("audit", "list"), ("audit", "verify")):
        assert cli(*argv, "--format", "xlsx", "--out", tmp_path / "x.xlsx").status == 0
        assert cli(*argv, "--format", "csv").status == 0
    assert "'=cmd()" in cli("keys", "list", "--format", "csv").out
