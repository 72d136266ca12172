"""Users, keys and the audit on the command line."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.main import get_command

from chainatlas.api.cli import app  # type: ignore[attr-defined]
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


def test_no_work_file_is_made_for_rows_alone(cli: Cli, tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "sample", {"products.csv": "id,name\np,产品\n"})
    for argv in (
        ("ingest", pack),
        ("export", "--out", tmp_path / "out"),
        ("backup", "--out", tmp_path / "backup"),
        ("undo",),
        ("restore", tmp_path / "backup", "--force"),
    ):
        assert cli(*argv).status == 0
    assert not work_path(str(cli.db)).exists()


#: Commands that change nothing and give out answers alone.
ASK = {
    "audit list", "audit verify", "backtest", "clusters", "compare", "gaps", "keys list", "link", "policy",
    "profile enterprise", "relatedness", "requirements", "review list", "risk", "routes", "serve",
    "simulate", "snapshots", "sources", "supply-rate", "targets", "trends", "users list", "value",
    "versions",
}  # fmt: skip
IC = ("--region", "420100", "--cluster", "c")
#: Every other command, as it is called (``@``: the folder of the test), and the row that it leaves.
ACT: dict[str, tuple[tuple[str, ...], str]] = {
    "keys add": (("x",), "key.add"),
    "keys revoke": (("PREFIX",), "key.revoke"),
    "users add": (("王",), "user.add"),
    "users passwd": (("王",), "user.password"),
    "users role": (("王", "editor"), "user.role"),
    "users disable": (("王",), "user.disable"),
    "users enable": (("王",), "user.enable"),
    "ingest": (("@/sample", "@/other"), "store.load"),
    "run": (("--pack", "@/third", "--out", "@/run"), "store.load"),
    "review accept": (("a", "b"), "review.accept"),
    "review undo": (("a", "b"), "review.undo"),
    "review reject": (("a", "b"), "review.reject"),
    "rejects": (("--format", "csv", "--out", "@/rejects.csv"), "quarantine.export"),
    "map": (("chain", *IC, "--out", "@/chain.svg"), "picture.export"),
    "report": ((*IC, "--out", "@/report.html"), "report.export"),
    "export": (("--out", "@/packs"), "store.export"),
    "copy": (("--from", "@/atlas.db", "--to", "@/copy.db"), "store.export"),
    "backup": (("--out", "@/backup"), "store.backup"),
    "undo": ((), "store.undo"),
    "restore": (("@/backup", "--force"), "store.restore"),
}
PACKS: dict[str, dict[str, str | bytes]] = {
    "sample": {
        "products.csv": "id,name,links\np,产品,l\n",
        "clusters.csv": "id,name,region\nc,集群,420100\n",
        "links.csv": "id,cluster,name,stage\nl,c,环节,upstream\n",
        "enterprises.csv": "id,name,region,revenue\na,武汉光电有限公司,420100,1e9\nx,乙,420100,many\n",
    },
    "other": {
        "products.csv": "id,name\n",
        "enterprises.csv": "id,name\nb,武汉光电股份有限公司\n",
    },
    "third": {"products.csv": "id,name\nq,另一产品\n"},
}


def commands(group: Any, above: str = "") -> Iterator[str]:
    """Every command with those above it."""
    for name, command in group.commands.items():
        below = hasattr(command, "commands")
        yield from commands(command, f"{above}{name} ") if below else (above + name,)


@pytest.mark.usefixtures("typed")
def test_every_command_that_changes_or_exports_leaves_one_row(cli: Cli, tmp_path: Path) -> None:
    """A command that stands in neither list fails: whoever adds one says which it is."""
    assert sorted(commands(get_command(app))) == sorted([*ASK, *ACT])
    for name, files in PACKS.items():
        write_pack(tmp_path / name, files)
    ledger, prefix = Ledger(WorkFile(work_path(str(cli.db)))), ""
    for name, (argv, action) in ACT.items():
        before = ledger.newest(1)
        given = [part.replace("@", str(tmp_path)).replace("PREFIX", prefix) for part in argv]
        asked = cli.bare if name == "copy" else cli
        outcome = asked(*name.split(), *given)
        assert outcome.status in (0, 3), (name, outcome.err)
        rows = ledger.newest(2)
        if name == "keys add":
            prefix = rows[0].target.split()[-1]
        assert (rows[0].action, rows[0].actor) == (action, "cli"), name
        # What came after the backup went with restoring it.
        if name != "restore":
            assert list(rows[1:]) == list(before), name
    assert ledger.verify().fault is None


def test_everything_goes_into_spreadsheets(cli: Cli, tmp_path: Path) -> None:
    cli("keys", "add", "=cmd()")
    for argv in (("users", "list"), ("keys", "list"), ("audit", "list"), ("audit", "verify")):
        assert cli(*argv, "--format", "xlsx", "--out", tmp_path / "x.xlsx").status == 0
        assert cli(*argv, "--format", "csv").status == 0
    assert "'=cmd()" in cli("keys", "list", "--format", "csv").out
