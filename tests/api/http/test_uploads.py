"""Uploads: received, tried without a trace, corrected, committed, refused."""

from __future__ import annotations

import csv
import errno
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from chainatlas.api.http import jobs_work
from chainatlas.api.http.access import Role
from chainatlas.api.http.uploads_spool import Spool
from chainatlas.graph.store import open_store
from cli_tools import Cli
from making import MakePack
from uploads import Desk, File, workbook, zipped

PRODUCTS = "id,name\np,芯片\nq,硅片\n"
BAD = "product,input,cost_share\np,q,0.3\nq,p,x\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path / "atlas.db")


def pack(**tables: str) -> File:
    files = {f"sample/{name}.csv": text for name, text in {"products": PRODUCTS, **tables}.items()}
    return ("sample.zip", zipped({**files, "sample/pack.toml": 'name = "sample"\n'}))


def dump(desk: Desk) -> list[str]:
    """Everything the store says, in words."""
    view = open_store(desk.settings.db).view()
    return [f.tables[t].to_csv() for f in view.facts() for t in f.tables] + [
        f.rejects.to_csv() for f in view.facts()
    ]


def test_dry_run_says_what_the_command_would_do_and_changes_nothing(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], make_pack: MakePack
) -> None:
    made = desk.tried(pack(inputs=BAD))
    trial = made["dry_run"]
    assert (trial["state"], made["ready"], desk.version()) == ("done", True, 0)
    assert not Path(desk.settings.db).exists()
    cli = Cli(capsys, tmp_path / "other.db")
    folder = make_pack({"products.csv": PRODUCTS, "inputs.csv": BAD, "pack.toml": 'name="sample"'})
    told = cli.ask("ingest", folder, status=3)
    result = trial["result"]
    assert (result["changes"], result["version"]) == (told["changes"], told["version"])
    (reason,) = result["quarantine"]["reasons"]
    assert (reason["file"], reason["reason"], reason["rows"]) == ("inputs.csv", "bad_number", 1)
    assert reason["first"][0]["line"] == 3
    assert result["sources"] == [{"file": "sample", "source": "pack"}]
    assert desk.commit(made["id"]).result == {
        **{key: result[key] for key in ("sources", "changes", "packs", "merged", "to_review")},
        **{key: result[key] for key in ("version", "changed", "quarantined")},
    }
    cli.db = Path(desk.settings.db)
    assert cli.rejects() == [("inputs.csv", 3, "cost_share", "row", "bad_number")]


def test_dry_run_of_a_change_counts_added_changed_and_withdrawn(desk: Desk) -> None:
    desk.commit(desk.tried(pack())["id"])
    before = dump(desk)
    made = desk.tried(pack(products="id,name\np,新芯片\nr,光刻胶\ns,气体\n"))
    changes = {c["table"]: c for c in made["dry_run"]["result"]["changes"]}
    counted = changes["products"]
    assert (counted["added"], counted["changed"], counted["withdrawn"]) == (2, 1, 1)
    assert dump(desk) == before
    again = desk.tried(pack())
    assert again["dry_run"]["result"]["changed"] is False
    assert again["dry_run"]["result"]["changes"] == []


def corrected(sheet: str, old: str, new: str) -> bytes:
    rows = list(csv.reader(io.StringIO(sheet.removeprefix("\ufeff"))))
    fixed = [[new if cell == old else cell for cell in row] for row in rows]
    page = io.StringIO()
    csv.writer(page).writerows(fixed)
    return page.getvalue().encode("utf-8-sig")


def test_corrected_sheet_joins_its_upload_before_the_commit(desk: Desk) -> None:
    """From an upload with a bad row to facts without one, in one version."""
    made = desk.tried(pack(inputs=BAD))
    sheet = desk.client.get(f"/api/v1/uploads/{made['id']}/quarantine.csv")
    assert sheet.headers["content-type"].startswith("text/csv")
    assert "attachment" in sheet.headers["content-disposition"]
    fixed = corrected(sheet.content.decode("utf-8"), "x", "0.2")
    made = desk.tried(("更正.csv", fixed), to=f"/{made['id']}/files")
    assert made["dry_run"]["result"]["quarantine"]["rows"] == 0
    assert [file["label"] for file in made["files"]] == ["sample.zip", "更正.csv"]
    assert desk.commit(made["id"]).state == "done"
    inputs = open_store(desk.settings.db).view().graph()["inputs"]
    assert inputs["cost_share"].tolist() == [0.3, 0.2]
    assert desk.version() == 1


def test_quarantine_of_the_facts_is_corrected_by_another_upload(desk: Desk) -> None:
    desk.commit(
        desk.tried(pack(inputs=BAD, links="id,cluster,name,stage\nl,none,x,upstream\n"))["id"]
    )
    found = desk.client.get("/api/v1/quarantine").json()
    assert found["total"] == 2
    only = desk.client.get("/api/v1/quarantine", params={"reason": "bad_number"}).json()
    assert [row["line"] for row in only["rejects"]] == [3]
    sheet = desk.client.get("/api/v1/quarantine.csv", params={"file": "inputs.csv"})
    made = desk.tried(("fixed.csv", corrected(sheet.content.decode("utf-8"), "x", "0.2")))
    assert made["dry_run"]["result"]["sources"] == [{"file": "fixed.csv", "source": ""}]
    assert desk.commit(made["id"]).state == "done"
    desk.client.app.state.service.refresh()  # type: ignore[attr-defined]
    left = desk.client.get("/api/v1/quarantine")
    assert left.json()["total"] == 1


def test_commit_after_the_facts_moved_on_is_refused_with_a_new_dry_run(desk: Desk) -> None:
    first = desk.tried(pack())
    second = desk.tried(pack(products="id,name\nz,别的\n"))
    desk.commit(second["id"])
    answer = desk.client.post(f"/api/v1/uploads/{first['id']}/commit")
    assert answer.status_code == 409
    again = answer.json()["errors"][0]["value"]
    job = desk.work()
    assert job is not None
    assert (job.id, job.state, job.result and job.result["base"]) == (again, "done", 1)
    assert desk.commit(first["id"]).state == "done"
    assert desk.client.post(f"/api/v1/uploads/{first['id']}/commit").status_code == 409


def test_facts_that_move_on_while_the_load_waits_are_not_overwritten(desk: Desk) -> None:
    made = desk.tried(pack())
    answer = desk.client.post(f"/api/v1/uploads/{made['id']}/commit")
    with open_store(desk.settings.db, create=True).writer() as writer:
        from making import facts, named

        writer.replace(facts("other", products=named("z")))
    job = desk.work()
    assert job is not None
    assert (job.id, job.state) == (answer.json()["id"], "failed")
    assert "数据已变" in (job.error or "")
    assert desk.version() == 1


def test_enterprise_list_keeps_its_name_and_says_which_source(desk: Desk) -> None:
    book = workbook({"名单": [["企业名称", "所属地区"], ["武汉甲光电有限公司", "湖北省武汉市"]]})
    made = desk.tried(("../企业名单20240630.xlsx", book))
    result = made["dry_run"]["result"]
    assert result["sources"] == [{"file": "企业名单20240630.xlsx", "source": "enterprise_list"}]
    assert result["packs"][0]["name"] == "企业名单20240630"
    desk.commit(made["id"])
    graph = open_store(desk.settings.db).view().graph()
    assert graph["enterprises"]["as_of"].tolist() == ["2024-06-30"]


def test_loose_files_of_a_pack_and_a_chosen_source(desk: Desk) -> None:
    files = [("products.csv", PRODUCTS.encode()), ("inputs.csv", b"product,input\np,q\n")]
    made = desk.tried(*files, name="鄂州包")
    assert [p["name"] for p in made["dry_run"]["result"]["packs"]] == ["鄂州包"]
    wrong = desk.send(*files, source="nothing")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "source")
    chosen = desk.tried(("名单.csv", "企业名称\n甲公司\n".encode()), source="enterprise_list")
    assert chosen["dry_run"]["state"] == "done"


REFUSED: dict[str, tuple[File, int, str]] = {
    "unknown ending": (("a.exe", b"MZ"), 415, "不支持"),
    "old workbook": (("a.xls", b"\xd0\xcf\x11\xe0"), 415, "不支持"),
    "encrypted workbook": (("a.xlsx", b"\xd0\xcf\x11\xe0" + b"\0" * 600), 415, "加密"),
    "text as a workbook": (("a.xlsx", b"id,name"), 415, "扩展名"),
    "workbook as text": (("a.csv", workbook({"a": [["id"]]})), 415, "不是文本"),
    "picture as text": (("a.csv", b"\x89PNG\r\n\x1a\n"), 415, "不是文本"),
    "archive as a workbook": (("a.xlsx", zipped({"products.csv": PRODUCTS})), 415, "工作簿"),
    "empty": (("a.csv", b""), 422, "空"),
    "truncated archive": (("a.zip", zipped({"products.csv": PRODUCTS})[:-30]), 422, "不完整"),
    "path out of the archive": (("a.zip", zipped({"../../products.csv": "x"})), 422, "路径"),
    "absolute path": (("a.zip", zipped({"/etc/products.csv": "x"})), 422, "路径"),
    "windows path": (("a.zip", zipped({"C:\\products.csv": "x"})), 422, "路径"),
    "archive in an archive": (("a.zip", zipped({"b.zip": zipped({"c": "x"})})), 422, "压缩文件"),
    "workbook in an archive": (("a.zip", zipped({"b.xlsx": "x"})), 422, "工作簿"),
    "program in an archive": (("a.zip", zipped({"b.exe": "x"})), 422, "不支持的文件"),
    "same name twice": (("a.zip", zipped({"a.csv": "x", "A.csv": "x"})), 422, "同名"),
    "two folders": (("a.zip", zipped({"a/a.csv": "x", "b/b.csv": "x"})), 422, "同一个文件夹"),
    "too many members": (("a.zip", zipped({f"{i}.csv": "x" for i in range(1001)})), 413, "1001"),
    "bomb": (("a.zip", zipped({"products.csv": b"0" * (193 * 2**20)})), 413, "解压后"),
    "nothing inside": (("a.zip", zipped({"__MACOSX/a.csv": "x"})), 422, "没有文件"),
}


@pytest.mark.parametrize(("file", "status", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_at_once(desk: Desk, file: File, status: int, words: str) -> None:
    answer = desk.send(("ok.csv", PRODUCTS.encode()), file)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]
    assert answer.json()["errors"][0]["value"] == file[0]
    assert desk.jobs.newest() == []
    assert list((Spool.of(desk.settings).root / "uploads").iterdir()) == []


def test_link_in_an_archive_is_refused(desk: Desk) -> None:
    page = io.BytesIO()
    with zipfile.ZipFile(page, "w") as archive:
        info = zipfile.ZipInfo("products.csv")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    assert desk.send(("a.zip", page.getvalue())).status_code == 422


FAILED: dict[str, tuple[File, str]] = {
    "NUL": (("products.csv", b"id,name\np,a\0b\n"), "第 2 行：含有空字节"),
    "repeated header": (("products.csv", b"id,name,name\np,a,b\n"), "表头重复：name"),
    "open quote": (("products.csv", b'id,name\np,a\nq,"b\n'), "第 3 行"),
    "other encoding": (
        ("products.csv", "id,name\np,中文產業\n".encode("big5")),
        "第 2 行：无法确定编码",
    ),
    "no header": (("products.csv", b",,\np,a,b\n"), "表头"),
    "deep settings": (("pack.toml", b"a = " + b"[" * 5000), "嵌套"),
    "column too many": (("products.csv", b"id,name" + b",x" * 1500 + b"\n"), "1,502 列"),
    "line too long": (("products.csv", b"id,name\n" + b"p,a\n" * 9 + b"x" * 2**22), "第 11 行"),
}


@pytest.mark.parametrize(("file", "words"), FAILED.values(), ids=FAILED.keys())
def test_dry_run_fails_with_file_and_reason(desk: Desk, file: File, words: str) -> None:
    more = [] if file[0] == "products.csv" else [("products.csv", PRODUCTS.encode())]
    made = desk.tried(file, *more)
    assert made["dry_run"]["state"] == "failed"
    assert words in made["dry_run"]["error"]
    assert file[0] in made["dry_run"]["error"]
    answer = desk.client.post(f"/api/v1/uploads/{made['id']}/commit")
    assert answer.status_code == 409
    assert words in answer.json()["errors"][0]["message"]
    assert desk.version() == 0


CHAINKG = [
    *("product.json", "company_product.json", "product_product.json"),
    *("company_industry.json", "industry.json", "industry_industry.json"),
]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 90000, "JSON"),
        (b'{"code": {"a": [1]}}', "JSON"),
        (json.dumps({f"k{i}": i for i in range(3000)}).encode(), "第 1 行"),
        (b'{"code": "000001", "fullname": "x", "name": "y"}', "少于该来源应有的"),
    ],
    ids=["nested", "value with values", "keys", "few rows"],
)
def test_data_set_of_json_fails_with_file_and_reason(
    desk: Desk, content: bytes, words: str
) -> None:
    names = [
        *("code", "name", "company_code", "product_name", "rel_weight", "rel", "company_name"),
        *("from_entity", "to_entity", "from_industry", "to_industry", "industry_name"),
    ]
    line = json.dumps(dict.fromkeys(names, "x")).encode()
    rest = [(name, line) for name in CHAINKG]
    made = desk.tried(("company.json", content), *rest)
    assert made["dry_run"]["state"] == "failed"
    assert ".json" in made["dry_run"]["error"]
    assert words in made["dry_run"]["error"]


def test_old_line_ends_are_read_and_their_rows_numbered(desk: Desk) -> None:
    text = "id,name,domestic_rate\rp,芯片,0.5\rq,硅片,x\r"
    result = desk.tried(("products.csv", text.encode()))["dry_run"]["result"]
    (file,) = result["packs"][0]["files"]
    assert (file["rows"], file["loaded"], file["quarantined"]) == (2, 1, 1)
    assert result["quarantine"]["reasons"][0]["first"][0]["line"] == 3


def test_formula_cells_stay_text_and_come_back_harmless(desk: Desk) -> None:
    made = desk.tried(pack(inputs="product,input,cost_share\np,q,=1+1\n"))
    sheet = desk.client.get(f"/api/v1/uploads/{made['id']}/quarantine.csv").content.decode()
    assert "'=1+1" in sheet
    assert ",=1+1" not in sheet


def test_size_limits(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path / "atlas.db", max_body=200_000)
    answer = desk.send(("products.csv", b"id,name\n" + b"p,x\n" * 100_000))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert desk.send(*[(f"{i}.csv", b"x") for i in range(41)]).status_code in (400, 413)
    plain = desk.client.post("/api/v1/uploads", json={"files": []})
    assert plain.status_code == 415
    assert desk.client.post("/api/v1/uploads", files={"other": b"x"}).status_code == 422
    assert desk.client.post(
        "/api/v1/uploads",
        content=b"--x",
        headers={"content-type": "multipart/form-data; boundary=x"},
    ).status_code in (400, 422)


def test_who_may_upload_and_see(desk: Desk) -> None:
    made = desk.tried(pack())
    address = f"/api/v1/uploads/{made['id']}"
    desk.be("wang", Role.editor)
    assert desk.client.get(address).status_code == 404
    assert desk.client.post(f"{address}/commit").status_code == 404
    assert desk.client.delete(address).status_code == 404
    desk.be("root", Role.admin)
    assert desk.client.get(address).status_code == 200
    desk.be("zhao", Role.editor, "420100")
    assert desk.send(pack()).status_code == 403
    desk.be("qian", Role.analyst)
    assert desk.send(pack()).status_code == 403
    assert desk.client.get(address).status_code == 403
    desk.be("open", Role.editor, kind="open")
    assert desk.send(pack()).status_code == 403


def test_spool_is_private_has_no_names_and_is_cleaned(desk: Desk) -> None:
    made = desk.tried(("../../企业 名单.csv", "企业名称\n甲公司\n".encode()))
    spool = Spool.of(desk.settings)
    assert made["files"][0]["label"] == "企业 名单.csv"
    assert spool.root.stat().st_mode & 0o077 == 0
    stored = spool.folder(made["id"]) / spool.get(made["id"]).files[0].file
    assert stored.stat().st_mode & 0o077 == 0
    spool.clean()
    assert stored.exists()
    spool.clean(days=-1)
    assert not stored.exists()
    assert desk.client.get(f"/api/v1/uploads/{made['id']}").status_code == 404
    again = desk.client.post(f"/api/v1/jobs/{made['dry_run']['id']}/repeat")
    assert again.status_code in (404, 409)


def test_discard(desk: Desk) -> None:
    answer = desk.send(pack())
    address = f"/api/v1/uploads/{answer.json()['id']}"
    assert desk.client.delete(address).status_code == 409
    desk.work()
    assert desk.client.delete(address).status_code == 204
    assert desk.client.get(address).status_code == 404


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "/srv/secret")


def test_a_full_disk_is_said_and_keeps_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        answer = desk.send(pack())
    assert (answer.status_code, bool(answer.headers["retry-after"])) == (503, True)
    assert "磁盘" in answer.json()["detail"]
    assert "secret" not in answer.text
    assert list((Spool.of(desk.settings).root / "uploads").iterdir()) == []
    assert desk.jobs.newest() == []
    monkeypatch.setattr(jobs_work, "rehearse", full)
    assert desk.send(pack()).status_code == 202
    job = desk.work()
    assert job is not None
    assert job.state == "failed"
    assert "磁盘" in (job.error or "")
    assert "secret" not in (job.error or "")


def test_every_change_and_export_leaves_one_row_in_the_audit(desk: Desk) -> None:
    from chainatlas.api.security.ledger import Ledger
    from chainatlas.graph.work import WorkFile

    def actions() -> list[str]:
        found = Ledger(WorkFile(desk.settings.work)).newest(50)
        return [entry.action for entry in found][::-1]

    made = desk.tried(pack(inputs=BAD))
    desk.client.get(f"/api/v1/uploads/{made['id']}/quarantine.csv")
    desk.commit(made["id"])
    desk.client.get("/api/v1/quarantine.csv")
    desk.client.delete(f"/api/v1/uploads/{made['id']}")
    assert actions() == [
        *("job.dry_run", "job.download", "job.ingest", "quarantine.export", "upload.discard")
    ]


@pytest.mark.timeout(300)
def test_hostile_uploads_never_harm_and_stay_small() -> None:
    """Hypothesis in a process of its own, whose memory is looked at."""
    script = Path(__file__).parents[2] / "support" / "upload_fuzz.py"
    done = subprocess.run(
        [sys.executable, str(script), "30"],
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["peak_mb"] < 500
    assert min(told[key] for key in ("refused", "failed", "tried", "loaded")) > 0
