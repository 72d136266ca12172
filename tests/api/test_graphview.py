"""The routes of the graph page and the profiles, asked over HTTP."""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from chainatlas.analysis.web import KINDS
from chainatlas.api.cli import main
from chainatlas.api.http import app as application
from chainatlas.api.http.access import Caller, Role
from chainatlas.api.http.settings import Settings
from chainatlas.graph.store import open_store
from chainatlas.graph.views import SavedViews
from chainatlas.graph.work import WorkFile
from chainatlas.viz.render import PIXELS, SIDE

HUBEI = Path(__file__).parents[2] / "data" / "hubei"
ANALYST = Caller("analyst", Role.analyst, kind="session", csrf="token")
CSRF = {"X-CSRF-Token": "token"}


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "atlas.db"
    assert main(["ingest", str(HUBEI), "--db", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def client(db: Path) -> Iterator[TestClient]:
    app = application.create_app(Settings(str(db)))
    with TestClient(app) as found:
        yield found


@pytest.fixture
def as_analyst(client: TestClient) -> Iterator[TestClient]:
    """The same application, asked by a person who has signed in."""
    state: Any = client.app
    before = state.state.identify
    state.state.identify = lambda _: ANALYST
    yield client
    state.state.identify = before


def scene(client: TestClient, query: str = "look=Enterprise:ymtc") -> dict[str, Any]:
    answer = client.get(f"/api/v1/graph/scene?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def shown(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": found["version"],
        "shown": [[n["id"], n["x"], n["y"]] for n in found["nodes"]],
    }


def node(found: dict[str, Any], key: str) -> dict[str, Any]:
    return next(n for n in found["nodes"] if n["key"] == key)


def test_a_look_shows_the_node_its_neighbours_and_their_lines(client: TestClient) -> None:
    found = scene(client)
    me = node(found, "Enterprise:ymtc")
    assert me["name"] == "长江存储科技有限责任公司"
    near = {e["from"] for e in found["edges"]} | {e["to"] for e in found["edges"]}
    assert near == {n["id"] for n in found["nodes"]}
    assert all(e["stated"] for e in found["edges"])
    assert len({(n["x"], n["y"]) for n in found["nodes"]}) == len(found["nodes"])
    assert scene(client) == found


def test_expanding_brings_the_weightiest_that_are_not_shown(client: TestClient) -> None:
    hits = client.get("/api/v1/graph/find?q=晶圆代工").json()["nodes"]
    found = scene(client, f"start={hits[0]['key']}")
    me = found["nodes"][0]
    body = {**shown(found), "node": me["id"], "group": "PRODUCES-in-Enterprise", "limit": 5}
    first = client.post("/api/v1/graph/expand", json=body).json()
    assert len(first["nodes"]) == 5 < first["total"]
    body["shown"] += [[n["id"], n["x"], n["y"]] for n in first["nodes"]]
    second = client.post("/api/v1/graph/expand", json={**body, "limit": 30}).json()
    assert not {n["id"] for n in first["nodes"]} & {n["id"] for n in second["nodes"]}
    assert len(second["nodes"]) == min(30, first["total"] - 5)
    everywhere = {n["id"] for n in [me, *first["nodes"], *second["nodes"]]}
    for edge in second["edges"]:
        assert {edge["from"], edge["to"]} <= everywhere
    spots = {(x, y) for _, x, y in body["shown"]}
    assert not spots & {(n["x"], n["y"]) for n in second["nodes"]}


def test_the_same_address_without_script(client: TestClient) -> None:
    """Links of the table expand and take away, as the script does."""
    page = client.get("/graph?look=Enterprise:ymtc").text
    assert 'name="open" value="PRODUCES-out-Product@Enterprise:ymtc"' in page
    assert 'name="drop" value="Enterprise:ymtc"' in page
    one = scene(client, "start=Enterprise:ymtc")
    more = scene(client, "start=Enterprise:ymtc&open=PRODUCES-out-Product@Enterprise:ymtc")
    assert len(more["nodes"]) == len(one["nodes"]) + 3
    less = scene(client, "look=Enterprise:ymtc&drop=Enterprise:ymtc")
    assert "Enterprise:ymtc" not in {n["key"] for n in less["nodes"]}
    page = client.get("/graph?start=Enterprise:nobody").text
    assert "Enterprise:nobody" in page
    page = client.get("/graph?source=拓荆科技&target=长江存储&way=supply").text
    assert "—供应→" in page


def test_a_large_view_has_a_small_page(client: TestClient) -> None:
    found = client.get("/api/v1/graph/find?q=有限公司&limit=50").json()["nodes"]
    body = {"keys": [n["key"] for n in found], "shown": []}
    assert len(client.post("/api/v1/graph/add", json=body).json()["nodes"]) == 50
    with (HUBEI / "enterprises.csv").open(encoding="utf-8", newline="") as stream:
        ids = [row["id"] for row in csv.DictReader(stream)][:500]
    page = client.get("/graph", params={"start": [f"Enterprise:{i}" for i in ids]})
    assert page.text.count("<tr>") > 60
    assert len(page.content) < 200_000


@pytest.mark.parametrize("layout", ["staged", "radial", "force"])
def test_layouts_place_every_node_apart(client: TestClient, layout: str) -> None:
    found = scene(client)
    answer = client.post("/api/v1/graph/layout", json={**shown(found), "layout": layout}).json()
    places = {(x, y) for _, x, y in answer["shown"]}
    assert len(places) == len(found["nodes"])
    assert bool(answer["bands"]) is (layout == "staged")
    bad = client.post("/api/v1/graph/layout", json={**shown(found), "layout": "round"})
    assert bad.status_code == 400


def test_exports_hold_what_is_shown(client: TestClient) -> None:
    found = scene(client)
    hidden = found["edges"][0]["id"]
    body = {**shown(found), "hidden": [hidden], "title": "<script>x</script>"}
    made = {
        form: client.post("/api/v1/graph/export", json={**body, "form": form}).content
        for form in ("svg", "png", "gexf", "json")
    }
    assert made["png"].startswith(b"\x89PNG")
    assert made["svg"].startswith(b"<?xml")
    assert b"<script" not in made["svg"]
    assert "长江存储".encode() in made["svg"]
    graph = nx.read_gexf(io.BytesIO(made["gexf"]))
    assert set(graph.nodes) == {n["key"] for n in found["nodes"]}
    assert graph.number_of_edges() == len(found["edges"]) - 1
    assert graph.nodes["Enterprise:ymtc"]["label"] == "长江存储科技有限责任公司"
    again = client.get("/api/v1/graph/scene.gexf?look=Enterprise:ymtc")
    assert set(nx.read_gexf(io.BytesIO(again.content)).nodes) == set(graph.nodes)


@pytest.mark.parametrize("far", [(9e6, 9e6), (9e6, 0.0), (-30_000.0, 20_000.0)])
def test_a_view_that_is_kilometres_wide_is_a_picture_of_bounded_size(
    client: TestClient, far: tuple[float, float]
) -> None:
    body = {"form": "png", "shown": [[0, 0, 0], [1, *far]]}
    answer = client.post("/api/v1/graph/export", json=body)
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(answer.content)) as image:
        assert max(image.size) <= SIDE + 1
        assert image.width * image.height < 1.01 * PIXELS


def test_the_overview_has_a_place_for_every_node(client: TestClient) -> None:
    about = client.get("/api/v1/graph/overview").json()
    content = client.get("/api/v1/graph/overview/points").content
    n = about["nodes"]
    assert len(content) == 5 * n
    xs, ys = (struct.unpack_from(f"<{n}h", content, 2 * n * at) for at in (0, 1))
    assert len(set(zip(xs, ys, strict=True))) == n
    assert sum(area[4] for area in about["areas"]) == n
    for one in about["areas"]:
        for other in about["areas"]:
            apart = ((one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2) ** 0.5
            assert one is other or apart > 0.97 * (one[3] + other[3])
    lines = client.get("/api/v1/graph/overview/lines").content
    ends = struct.unpack(f"<{len(lines) // 4}I", lines)
    assert max(ends) < n
    kinds = content[4 * n :]
    assert KINDS.index("Region") not in {kinds[end] for end in ends}


def test_views_are_kept_for_their_owner(as_analyst: TestClient, db: Path) -> None:
    found = scene(as_analyst)
    state = {"nodes": [[n["key"], n["x"], n["y"], 1] for n in found["nodes"]], "caption": "size"}
    body = {"name": " 存储  产业 ", "state": state}
    assert as_analyst.post("/api/v1/graph/views", json=body).status_code == 403
    made = as_analyst.post("/api/v1/graph/views", json=body, headers=CSRF).json()
    assert (made["name"], made["owner"]) == ("存储 产业", "analyst")
    again = as_analyst.get(f"/api/v1/graph/views/{made['id']}").json()
    assert [[n["key"], n["x"], n["y"]] for n in again["nodes"]] == [s[:3] for s in state["nodes"]]
    assert again["state"]["caption"] == "size"
    assert made["name"] in as_analyst.get("/graph").text
    assert as_analyst.get(f"/graph?view={made['id']}").status_code == 200
    twice = as_analyst.post("/api/v1/graph/views", json=body, headers=CSRF).json()
    assert twice["id"] == made["id"]
    views = SavedViews(WorkFile(Path(f"{db}.work")), "graph")
    assert [v.name for v in views.all()] == ["存储 产业"]
    assert SavedViews(WorkFile(Path(f"{db}.work")), "chain").all() == ()
    state_of: Any = as_analyst.app
    other = Caller("somebody", Role.analyst, kind="session", csrf="token")
    state_of.state.identify = lambda _: other
    address = f"/api/v1/graph/views/{made['id']}"
    assert as_analyst.delete(address, headers=CSRF).status_code == 403
    state_of.state.identify = lambda _: ANALYST
    assert as_analyst.delete(address, headers=CSRF).status_code == 204
    assert as_analyst.get(address).status_code == 404
    assert views.all() == ()


def test_a_name_that_cannot_be_kept(as_analyst: TestClient) -> None:
    for name in ("", "  ", "长" * 81):
        body = {"name": name, "state": {"nodes": []}}
        assert as_analyst.post("/api/v1/graph/views", json=body, headers=CSRF).status_code == 400


def test_unknown_things_are_problems(client: TestClient) -> None:
    for address in (
        "/api/v1/graph/detail?node=99999999",
        "/api/v1/graph/detail?line=99999999",
        "/api/v1/graph/overview/node?node=99999999",
        "/api/v1/graph/views/none",
        "/enterprise/nobody",
        "/region/659900",
    ):
        assert client.get(address).status_code == 404, address
    assert client.get("/api/v1/graph/overview/node?node=-1").status_code == 422
    assert client.get("/api/v1/graph/detail").status_code == 400
    body = {"version": 1, "shown": [], "node": 0, "group": "PRODUCES-out-Product"}
    assert client.post("/api/v1/graph/expand", json=body).status_code == 404


def test_a_profile_gives_every_fact_its_source(client: TestClient) -> None:
    page = client.get("/enterprise/ymtc?region=420100").text
    for text in (
        "212.00 亿元",
        "TrendForce 2021年各季NAND",
        "产出产品",
        "供应商",
        "2021-12-31",
        "推算",
    ):
        assert text in page
    assert "3D NAND闪存芯片</a>" in page
    page = client.get("/product/embedded-storage?region=420100").text
    for text in ("国产化率", "在各地的短板", "各市需求与产值", "产出企业", "所需投入", "所属环节"):
        assert text in page
    # A source with a per cent sign is text, not a template.
    assert "约23%" in client.get("/product/wafer-foundry").text
    for address in ("/link/ic-application", "/cluster/ic", "/institute/imecas"):
        assert client.get(address).status_code == 200
    assert "还没有关于它的事实" in client.get("/region/659001").text
    assert "当地企业" in client.get("/region/420100").text


def test_a_scope_hides_other_regions(client: TestClient) -> None:
    app: Any = client.app
    before = app.state.identify
    app.state.identify = lambda _: Caller("w", Role.viewer, "420500", "session", "t")
    try:
        assert client.get("/region/420100").status_code == 403
        assert client.get("/region/420500").status_code == 200
        assert client.post("/api/v1/graph/export", json={"form": "svg"}).status_code == 403
        assert client.get("/product/embedded-storage?region=420100").status_code == 403
        page = client.get("/product/embedded-storage").text
        assert "?region=420500" in page
        assert "?region=420100" not in page
        assert "?region=420000" not in page
    finally:
        app.state.identify = before


def test_an_empty_store_has_pages_too(tmp_path: Path) -> None:
    open_store(str(tmp_path / "atlas.db"), create=True)
    with TestClient(application.create_app(Settings(str(tmp_path / "atlas.db")))) as client:
        assert client.get("/graph").status_code == 200
        assert client.get("/graph/all").status_code == 200
        assert client.get("/api/v1/graph/overview/points").content == b""
        assert scene(client, "start=Enterprise:x")["missing"] == ["Enterprise:x"]
