"""The feed: filters, pages, changes since a version, formats, conditions."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from chainatlas.analysis.gaps import find_gaps
from chainatlas.analysis.scope import Scope
from chainatlas.analysis.targets import WANTED_ZH, Wanted, find_targets
from chainatlas.api import answers
from chainatlas.api.cli import app  # type: ignore[attr-defined]
from chainatlas.api.client import GapFilters, TargetFilters, order
from chainatlas.api.http.cursors import Cursor
from chainatlas.api.http.problems import Problem
from making import Row as Stated
from microcosm import API, Atlas, edited, state

DOCS = Path(__file__).parents[3] / "docs"
Row = dict[str, Any]
#: What HTTP adds to the rows of the commands.
ADDED = {"id", "region", "cluster"}
ADDED_TARGETS = ADDED | {"action", "actions", "evidence", "priority", "labels", "as_of", "source"}


def rows(atlas: Atlas, path: str, field: str) -> list[Row]:
    """Every row of a list, page after page."""
    found: list[Row] = []
    address: str | None = f"{API}{path}"
    while address:
        answer = atlas.client.get(address)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += body[field]
        address = body["next"]
    return found


def test_gaps_are_those_of_the_command(atlas: Atlas) -> None:
    graph = atlas.store.view().graph()
    expected = answers.gaps_answer(find_gaps(Scope.of(graph, "420100", "ic"))).json()
    body = atlas.client.get(f"{API}/gaps?region=420100&cluster=ic").json()
    assert [{k: v for k, v in row.items() if k not in ADDED} for row in body["gaps"]] == expected[
        "gaps"
    ]
    assert {k: body[k] for k in expected if k != "gaps"} == {
        k: v for k, v in expected.items() if k != "gaps"
    }


def test_targets_are_those_of_the_command(atlas: Atlas) -> None:
    graph = atlas.store.view().graph()
    gaps = find_gaps(Scope.of(graph, "420100", "ic"))
    expected = answers.targets_answer(gaps, find_targets(gaps)).json()
    body = atlas.client.get(f"{API}/targets?region=420100&cluster=ic").json()
    own = {*expected["targets"][0]}
    assert [{k: v for k, v in row.items() if k in own} for row in body["targets"]] == expected[
        "targets"
    ]
    assert {k: body[k] for k in expected if k != "targets"} == {
        k: v for k, v in expected.items() if k != "targets"
    }


def test_pages_of_any_size_hold_every_row_once_in_order(atlas: Atlas) -> None:
    whole = rows(atlas, "/targets?region=420100", "targets")
    assert len(whole) > 8
    assert {row["cluster"] for row in whole} == {"ic", "fpd"}
    assert whole == sorted(whole, key=order)
    assert len({row["id"] for row in whole}) == len(whole)
    for limit in (1, 3, len(whole), 500):
        assert rows(atlas, f"/targets?region=420100&limit={limit}", "targets") == whole


def test_link_header_leads_to_the_next_page(atlas: Atlas) -> None:
    answer = atlas.client.get(f"{API}/targets?region=420100&limit=2")
    address, _, rel = answer.headers["link"].partition("; ")
    assert rel == 'rel="next"'
    assert address == f"<{answer.json()['next']}>"
    assert atlas.client.get(address[1:-1]).json()["targets"][0] not in answer.json()["targets"]


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        ("product=litho&product=wafer", lambda r: r["product"] in ("litho", "wafer")),
        ("action=fortify", lambda r: "fortify" in r["actions"]),
        ("evidence=suspected", lambda r: r["evidence"] == "suspected"),
        ("min_score=0.4", lambda r: r["score"] >= 0.4),
        ("top=1", lambda r: r["rank"] == 1),
        ("enterprise=asml", lambda r: r["enterprise"] == "asml"),
        ("landing=420100", lambda r: r["landing"].startswith("4201")),
        ("min_priority=0.3", lambda r: r["priority"] >= 0.3),
    ],
)  # fmt: skip
def test_filters_of_targets(atlas: Atlas, filters: str, holds: Any) -> None:
    whole = rows(atlas, "/targets?region=420100", "targets")
    assert rows(atlas, f"/targets?region=420100&{filters}", "targets") == [
        row for row in whole if holds(row)
    ]


@pytest.mark.parametrize(
    ("filters", "wanted", "some"),
    [
        ("min_size=1e8", Wanted(min_size=1e8), True),
        ("max_size=400000000&min_size=4e7", Wanted(min_size=4e7, max_size=4e8), True),
        ("label=champion&label=little_giant", Wanted(label=("champion", "little_giant")), True),
        ("listed=true", Wanted(listed=True), False),
        ("listed=false", Wanted(listed=False), True),
        ("from_region=310000", Wanted(from_region=("310000",)), True),
        ("from_region=JP&from_region=NL", Wanted(from_region=("JP", "NL")), True),
        ("from_region=CN&from_region=JP", Wanted(from_region=("CN", "JP")), True),
        ("from_region=BT", Wanted(from_region=("BT",)), False),
        ("new_to_province=true", Wanted(new_to_province=True), True),
        ("domestic=true", Wanted(domestic=True), True),
        ("domestic=false", Wanted(domestic=False), True),
        ("exclude=asml&exclude=none", Wanted(exclude=("asml", "none")), True),
        ("domestic=true&exclude=smee&top=1", Wanted(domestic=True, exclude=("smee",)), True),
    ],
)
def test_whom_the_command_ranks_of_those_wanted(
    atlas: Atlas, filters: str, wanted: Wanted, some: bool
) -> None:
    """They are ranked among themselves: the best of those wanted, not those wanted of the best."""
    graph = atlas.store.view().graph()
    most = 1 if "top" in filters else 10
    expected = []
    for cluster in ("ic", "fpd"):
        gaps = find_gaps(Scope.of(graph, "420100", cluster))
        found = find_targets(gaps, None, most, wanted)
        expected += [
            (cluster, row) for row in answers.targets_answer(gaps, found).json()["targets"]
        ]
    there = {
        (row["cluster"], row["product"], row["enterprise"]): row
        for row in rows(atlas, f"/targets?region=420100&{filters}", "targets")
    }
    assert bool(there) is some
    assert len(there) == len(expected)
    for cluster, row in expected:
        own = there[cluster, row["product"], row["enterprise"]]
        assert {name: own[name] for name in row} == row


def test_more_than_the_usual_number_of_each_gap(fresh: Atlas) -> None:
    more: list[Stated] = [
        {"id": f"m{i}", "name": f"胶厂{i}", "country": "CN", "region": "310115", "revenue": 1e8 + i}
        for i in range(15)
    ]
    made: list[Stated] = [
        {"enterprise": row["id"], "product": "resist", "role": "maker"} for row in more
    ]
    fresh.state(
        {
            **fresh.tables,
            "enterprises": [*fresh.tables["enterprises"], *more],
            "produces": [*fresh.tables["produces"], *made],
        }
    )
    path = "/targets?region=420100&cluster=ic&product=resist"
    usual = rows(fresh, path, "targets")
    assert [row["rank"] for row in usual] == list(range(1, 11))
    assert rows(fresh, f"{path}&top=3", "targets") == usual[:3]
    assert rows(fresh, f"{path}&top=12", "targets")[:10] == usual
    assert len(rows(fresh, f"{path}&top=12", "targets")) == 12
    assert len(rows(fresh, f"{path}&top=1000", "targets")) == 16


def test_filters_are_declared_once() -> None:
    """Each is a parameter, an option of the command and an argument of the client, alike in words."""
    assert list(WANTED_ZH) == [f.name for f in fields(Wanted)]
    item = json.loads((DOCS / "openapi.json").read_text("utf-8"))["paths"]["/api/v1/targets"]
    parameters = {p["name"]: p.get("description", "") for p in item["get"]["parameters"]}
    options = {
        option.lstrip("-"): getattr(parameter, "help", "")
        for parameter in get_command(app).commands["targets"].params  # type: ignore[attr-defined]
        for option in parameter.opts
    }
    for name, words in WANTED_ZH.items():
        assert parameters[name].startswith(words), name
        assert options[name.replace("_", "-")].startswith(words), name
    assert TargetFilters.__annotations__.keys() == parameters.keys() - {"region", "since", "cursor"}
    item = json.loads((DOCS / "openapi.json").read_text("utf-8"))["paths"]["/api/v1/gaps"]
    names = {p["name"] for p in item["get"]["parameters"]}
    assert GapFilters.__annotations__.keys() == names - {"region", "since", "cursor"}


@pytest.mark.parametrize(
    ("query", "status", "field", "value"),
    [
        ("min_size=many", 422, "min_size", "many"),
        ("min_size=-1", 422, "min_size", "-1"),
        ("max_size=inf", 422, "max_size", "inf"),
        ("min_size=2e9&max_size=1e9", 400, "max_size", 1e9),
        ("label=big", 422, "label.0", "big"),
        ("listed=perhaps", 422, "listed", "perhaps"),
        ("from_region=上海市", 422, "from_region.0", "上海市"),
        ("from_region=310000&from_region=999999", 404, "from_region", "999999"),
        ("from_region=XX", 404, "from_region", "XX"),
        ("landing=999999", 404, "landing", "999999"),
        ("new_to_province=2", 422, "new_to_province", "2"),
        ("domestic=", 422, "domestic", ""),
        ("exclude=", 422, "exclude.0", ""),
        ("top=0", 422, "top", "0"),
        ("new_to_province=true&new_to_province=false", 422, "new_to_province", "false"),
    ],
)
def test_a_filter_that_is_none_is_named(
    atlas: Atlas, query: str, status: int, field: str, value: object
) -> None:
    answer = atlas.client.get(f"{API}/targets?region=420100&{query}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    (fault,) = answer.json()["errors"]
    assert (fault["field"], fault["in"], fault["value"]) == (field, "query", value)


def test_who_no_longer_passes_a_filter_is_withdrawn(fresh: Atlas) -> None:
    path = "/targets?region=420100&cluster=ic&product=wafer&min_size=1e9"
    before = fresh.store.view().version
    assert [row["enterprise"] for row in rows(fresh, path, "targets")] == ["wafer-jp"]
    firms: list[Stated] = [
        {
            **row,
            "revenue": {"wafer-jp": 5e8, "wafer-hs": 3e9}.get(str(row["id"]), row.get("revenue")),
        }
        for row in fresh.tables["enterprises"]
    ]
    fresh.state({**fresh.tables, "enterprises": firms})
    found = rows(fresh, f"{path}&since={before}", "targets")
    assert [(row["change"], row["enterprise"]) for row in found] == [
        ("withdrawn", "wafer-jp"),
        ("added", "wafer-hs"),
    ]
    whole = fresh.client.get(f"{API}/targets.csv?region=420100&min_size=1e9&since={before}")
    assert "withdrawn" in whole.text


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        ("action=supplement", lambda r: "supplement" in r["actions"]),
        ("primary=sound&primary=absent", lambda r: r["primary"] in ("sound", "absent")),
        ("stage=midstream", lambda r: r["stage"] == "midstream"),
        ("link=ic-up", lambda r: r["link"] == "ic-up"),
        ("robust=false", lambda r: not r["robust"]),
        ("evidence=confirmed", lambda r: r["evidence"] == "confirmed"),
    ],
)
def test_filters_of_gaps(atlas: Atlas, filters: str, holds: Any) -> None:
    whole = rows(atlas, "/gaps?region=420100", "gaps")
    assert rows(atlas, f"/gaps?region=420100&{filters}", "gaps") == [r for r in whole if holds(r)]


def replay(atlas: Atlas, path: str, field: str, held: dict[str, Row], since: int) -> None:
    """What an independent client does with a page of changes, after the words of docs/http.md."""
    for event in rows(atlas, f"{path}&since={since}&limit=3", field):
        row = {k: v for k, v in event.items() if k != "change"}
        if event["change"] == "withdrawn":
            assert held.pop(event["id"])["product"] == event["product"]
        elif event["change"] == "changed":
            assert held[event["id"]] != row
            held[event["id"]] = row
        else:
            assert event["id"] not in held
            held[event["id"]] = row


def test_changes_replayed_over_fifty_edits_make_the_list(fresh: Atlas) -> None:
    draw = random.Random(20240506)
    questions = {
        "gaps": "/gaps?region=420100",
        "targets": "/targets?region=420100",
        "filtered": "/targets?region=420100&cluster=ic&min_score=0.3&min_size=3e7&domestic=true",
    }
    held: dict[str, dict[str, Row]] = {name: {} for name in questions}
    seen = dict.fromkeys(questions, 0)
    kinds = set()
    for step in range(50):
        version = fresh.state(edited(fresh.tables, draw))
        for number, (name, path) in enumerate(questions.items()):
            # Each reader comes at its own pace, so that changes of several versions add up.
            if step % (number + 1) and step != 49:
                continue
            field = name if name in ("gaps", "targets") else "targets"
            replay(fresh, path, field, held[name], seen[name])
            seen[name] = version
            whole = rows(fresh, path, field)
            assert sorted(held[name].values(), key=order) == whole
            counts = fresh.client.get(f"{API}{path}&since={max(0, version - 3)}").json()["counts"]
            kinds |= {kind for kind, count in counts.items() if count}
    assert kinds == {"added", "changed", "withdrawn"}


def test_changes_of_a_cluster_that_comes_and_goes(fresh: Atlas) -> None:
    before = fresh.store.view().version
    without = dict(fresh.tables)
    without["clusters"] = [c for c in without["clusters"] if c["id"] != "fpd"]
    without["links"] = [link for link in without["links"] if link["cluster"] != "fpd"]

    def left(links: object) -> str | None:
        return ";".join(x for x in str(links).split(";") if not x.startswith("fpd")) or None

    without["products"] = [{**p, "links": left(p["links"])} for p in without["products"]]
    fresh.state(without)
    body = fresh.client.get(f"{API}/gaps?region=420100&cluster=fpd&since={before}").json()
    assert {row["change"] for row in body["gaps"]} == {"withdrawn"}
    assert fresh.client.get(f"{API}/gaps?region=420100&cluster=fpd").status_code == 404


def test_a_cursor_goes_on_in_its_version(fresh: Atlas) -> None:
    whole = rows(fresh, "/targets?region=420100", "targets")
    first = fresh.client.get(f"{API}/targets?region=420100&limit=2").json()
    gone = [row for row in fresh.tables["enterprises"] if row["id"] == "ymtc"]
    fresh.state({**fresh.tables, "enterprises": gone, "produces": [], "supplies": [],
                 "partners": [], "holdings": []})  # fmt: skip
    rest: list[Row] = []
    address = first["next"]
    while address:
        page = fresh.client.get(address).json()
        assert page["version"] == first["version"]
        rest, address = rest + page["targets"], page["next"]
    assert first["targets"] + rest == whole


def test_a_version_that_is_not_there(atlas: Atlas) -> None:
    assert atlas.client.get(f"{API}/gaps?region=420100&since=99").status_code == 410
    assert atlas.client.get(f"{API}/gaps?region=420100&version=99").status_code == 404
    question = f"{API}/gaps?region=420100"
    cursor = Cursor(99, "x").text(question)
    answer = atlas.client.get(f"{question}&cursor={cursor}")
    assert answer.status_code == 410
    assert answer.json()["type"].endswith("#gone")


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.hex()))
def test_made_up_cursors_are_refused(atlas: Atlas, text: str) -> None:
    with pytest.raises(Problem):
        Cursor.read(text, "question")


@given(st.integers(0, 2**31), st.text(max_size=40), st.data())
def test_cursors_hold_for_their_question_alone(
    version: int, after: str, data: st.DataObject
) -> None:
    text = Cursor(version, after).text("one")
    assert Cursor.read(text, "one") == Cursor(version, after)
    with pytest.raises(Problem):
        Cursor.read(text, "other")
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABab01-_"))
    if other != text[at]:
        forged = text[:at] + other + text[at + 1 :]
        with suppress(Problem):
            # Bits beyond the last byte of base64 say nothing.
            assert Cursor.read(forged, "one") == Cursor(version, after)


def test_a_cursor_of_another_list_is_refused(atlas: Atlas) -> None:
    page = atlas.client.get(f"{API}/targets?region=420100&limit=1").json()
    cursor = parse_qs(urlsplit(page["next"]).query)["cursor"][0]
    for other in (
        "targets?region=420200",
        "gaps?region=420100",
        "targets?region=420100&top=1",
        "targets?region=420100&min_size=1",
        "targets?region=420100&exclude=asml",
    ):
        answer = atlas.client.get(f"{API}/{other}&cursor={cursor}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "cursor"
    # The same question in another order, size and format is the same question.
    again = atlas.client.get(f"{API}/targets.csv?cursor={cursor}&limit=7&region=420100")
    assert again.status_code == 200


ADDRESS = f"{API}/targets{{}}?region=420100&limit=500"


def test_ndjson_is_the_rows(atlas: Atlas) -> None:
    expected = atlas.client.get(ADDRESS.format("")).json()["targets"]
    answer = atlas.client.get(ADDRESS.format(".ndjson"))
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in answer.text.splitlines()] == expected


def nested(row: Row) -> Row:
    """A row with lists and objects as JSON text, as tables hold it."""
    return {
        k: json.dumps(v, ensure_ascii=False, separators=(",", ":"))
        if isinstance(v, list | dict)
        else v
        for k, v in row.items()
    }


def spelt(row: Row) -> Row:
    """The same with truth values as CSV and XLSX spell them."""
    return {k: str(v).lower() if isinstance(v, bool) else v for k, v in nested(row).items()}


def test_csv_is_the_rows_without_formulas(atlas: Atlas) -> None:
    expected = atlas.client.get(ADDRESS.format("")).json()["targets"]
    text = atlas.client.get(ADDRESS.format(".csv")).content.decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert not [v for row in found for v in row.values() if v[:1] in ("=", "+", "-", "@")]
    assert any(row["name"] == "'@泵业甲" for row in found)
    for row, wanted in zip(found, expected, strict=True):
        for name, value in spelt(wanted).items():
            cell = row[name].removeprefix("'") if row[name][:2] in ("'@", "'=") else row[name]
            if isinstance(value, float):
                assert float(cell) == value
            else:
                assert cell == ("" if value is None else str(value))


def test_parquet_is_the_rows(atlas: Atlas) -> None:
    expected = atlas.client.get(ADDRESS.format("")).json()["targets"]
    body = atlas.client.get(ADDRESS.format(".parquet")).content
    frame = pd.read_parquet(io.BytesIO(body))
    found = frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert found == [nested(row) for row in expected]
    empty = atlas.client.get(ADDRESS.format(".parquet") + "&min_score=1").content
    assert list(pd.read_parquet(io.BytesIO(empty)).columns) == list(frame.columns)


def test_xlsx_is_the_rows_as_text_and_numbers(atlas: Atlas) -> None:
    expected = atlas.client.get(ADDRESS.format("")).json()["targets"]
    body = atlas.client.get(ADDRESS.format(".xlsx")).content
    frame = pd.read_excel(io.BytesIO(body), header=2, engine="calamine", dtype=object)
    for row, wanted in zip(frame.to_dict("records"), expected, strict=True):
        for name, value in spelt(wanted).items():
            cell = None if pd.isna(row[name]) else row[name]
            if isinstance(value, int | float):
                assert cell == pytest.approx(value, rel=1e-14)
            else:
                assert (cell or None) == (value or None)


def test_accept_chooses_the_format(atlas: Atlas) -> None:
    address = f"{API}/targets?region=420100"
    for accept, media in (
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/x-ndjson;q=0.5, application/json;q=0.4", "application/x-ndjson"),
        ("text/*;q=0.9, application/json;q=0.1", "text/csv"),
        ("*/*", "application/json"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
    ):
        answer = atlas.client.get(address, headers={"accept": accept})
        assert answer.headers["content-type"].startswith(media), accept
        assert "Accept" in answer.headers["vary"]
    for accept in ("image/png", "application/json;q=0, text/plain"):
        assert atlas.client.get(address, headers={"accept": accept}).status_code == 406
    assert atlas.client.get(f"{API}/targets.exe?region=420100").status_code == 404


def test_tags_name_version_question_format_and_coding(fresh: Atlas) -> None:
    address = f"{API}/targets?region=420100"
    plain = {"accept-encoding": "identity"}
    tags = {
        fresh.client.get(a, headers=h).headers["etag"]
        for a in (address, f"{address}&exclude=x", f"{API}/targets.csv?region=420100")
        for h in (plain, {"accept-encoding": "gzip"})
    }
    assert len(tags) == 6
    assert not [tag for tag in tags if tag.startswith("W/")]
    before = fresh.client.get(address, headers=plain)
    assert fresh.client.get(address, headers=plain).headers["etag"] == before.headers["etag"]
    fresh.state(edited(fresh.tables, random.Random(3)))
    after = fresh.client.get(address, headers=plain)
    assert after.headers["etag"] != before.headers["etag"]
    assert int(after.headers["data-version"]) == int(before.headers["data-version"]) + 1


def test_conditions(atlas: Atlas) -> None:
    address = f"{API}/gaps?region=420100&top=1".replace("&top=1", "&robust=true")
    for _ in range(2):  # worked out, then kept
        tag = atlas.client.get(address).headers["etag"]
        same = atlas.client.get(address, headers={"if-none-match": f'"x", W/{tag}'})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == tag
        assert atlas.client.get(address, headers={"if-none-match": "*"}).status_code == 304
        assert atlas.client.get(address, headers={"if-none-match": '"x"'}).status_code == 200
        assert atlas.client.get(address, headers={"if-match": tag}).status_code == 200
        assert atlas.client.get(address, headers={"if-match": "*"}).status_code == 200
        refused = atlas.client.get(address, headers={"if-match": '"x"'})
        assert refused.status_code == 412
        assert refused.json()["type"].endswith("#precondition-failed")
        weak = atlas.client.get(address, headers={"if-match": f"W/{tag}"})
        assert weak.status_code == 412


def test_gzip_holds_the_same_bytes(atlas: Atlas) -> None:
    address = f"{API}/gaps?region=420100"
    with atlas.client.stream("GET", address, headers={"accept-encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) == len(packed)
    with atlas.client.stream("GET", address, headers={"accept-encoding": "identity"}) as answer:
        assert "content-encoding" not in answer.headers
        assert b"".join(answer.iter_raw()) == gzip.decompress(packed)


def test_ids_stay_over_versions(fresh: Atlas) -> None:
    before = {(r["product"], r["enterprise"]): r["id"] for r in rows(fresh, "/targets?region=420100&cluster=ic", "targets")}  # fmt: skip
    fresh.state(edited(fresh.tables, random.Random(1)))
    after = {(r["product"], r["enterprise"]): r["id"] for r in rows(fresh, "/targets?region=420100&cluster=ic", "targets")}  # fmt: skip
    both = before.keys() & after.keys()
    assert both
    assert {before[k] for k in both} == {after[k] for k in both}


def test_a_load_of_another_process_is_taken_over(fresh: Atlas) -> None:
    service = fresh.service
    first = fresh.client.get(f"{API}/gaps?region=420100").json()["version"]
    firms = [{**row, "revenue": 1e9} for row in fresh.tables["enterprises"]]
    assert state(fresh.store, {**fresh.tables, "enterprises": firms}) == first + 1
    service._looked = -1e9  # as if some seconds had passed
    during = fresh.client.get(f"{API}/gaps?region=420100").json()["version"]
    assert during in (first, first + 1)
    assert service._warming is not None
    service._warming.join(30)
    assert fresh.client.get(f"{API}/gaps?region=420100").json()["version"] == first + 1
