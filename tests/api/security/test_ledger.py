"""The audit chain: every edit of the table is found, and processes do not fork it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from chainatlas.api.security.ledger import ORIGIN, Ledger
from chainatlas.graph.work import WorkFile


def test_rows_carry_the_hash_of_the_one_before(tmp_path: Path) -> None:
    ledger = Ledger(WorkFile(tmp_path / "w"))
    assert ledger.verify().rows == 0
    first = ledger.append("cli", "user.add", "张三", {"role": "viewer"})
    second = ledger.append("user:张三", "targets.export", "420100/ocp", request="r1")
    assert (first.previous, second.previous) == (ORIGIN, first.hash)
    verdict = ledger.verify()
    assert (verdict.rows, verdict.hash, verdict.fault) == (2, second.hash, None)
    assert [e.number for e in ledger.newest(10)] == [2, 1]
    assert [e.number for e in ledger.newest(10, action="user.")] == [1]


def test_rows_missing_at_the_end_are_found_by_the_head(tmp_path: Path) -> None:
    ledger = Ledger(WorkFile(tmp_path / "w"))
    for number in range(3):
        ledger.append("cli", "x.y", str(number))
    with closing(sqlite3.connect(tmp_path / "w", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER audit_no_delete")
        connection.execute("DELETE FROM audit WHERE number = 3")
    fault = ledger.verify().fault
    assert fault is not None
    assert fault.number == 3
