"""A small country with two clusters, and the application over it, for tests of the HTTP API."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from chainatlas.api.http.app import create_app
from chainatlas.api.http.service import Service
from chainatlas.api.http.settings import Settings
from chainatlas.graph.store import Store, open_store
from making import Row, facts, load

API = "/api/v1"
#: Places of plants: Wuhan and two of its districts, Huangshi, Shanghai; "" for abroad.
PLACES = ("420100", "420111", "420115", "420200", "310115")
PRODUCTS = ("litho", "resist", "wafer", "dram", "panel", "glass", "pump", "film")
Tables = dict[str, list[Row]]


def tables() -> Tables:
    """Facts by table: every node and edge kind occurs."""
    about = {"source": "年报", "as_of": "2025-01-01"}
    names = dict(
        zip(
            PRODUCTS,
            ("光刻机", "光刻胶", "硅片", "存储芯片", "显示面板", "玻璃基板", "真空泵", "=偏光膜"),
            strict=True,
        )
    )
    links = {
        "litho": "ic-up", "resist": "ic-up", "wafer": "ic-up", "dram": "ic-mid", "pump": "ic-up;fpd-up",
        "panel": "fpd-mid", "glass": "fpd-up", "film": "fpd-up",
    }  # fmt: skip
    inputs = [
        ("dram", "wafer", 0.2, 0.9), ("dram", "resist", 0.05, 0.95), ("dram", "litho", 0.1, 1.0),
        ("panel", "glass", 0.2, 0.8), ("panel", "film", None, 0.7), ("panel", "litho", 0.05, 0.9),
        ("litho", "pump", None, 0.6), ("dram", "pump", 0.02, 0.5),
    ]  # fmt: skip
    firms: list[Row] = [
        {"id": "ymtc", "name": "长江存储科技有限责任公司", "aliases": "长江存储;YMTC", "region": "420115",
         "labels": "leading", "revenue": 5e10},
        {"id": "boe-wh", "name": "武汉京东方光电", "region": "420115", "labels": "listed", "revenue": 8e9},
        {"id": "asml", "name": "ASML Holding", "aliases": "阿斯麦;艾司摩爾", "country": "NL", "revenue": 2e11},
        {"id": "smee", "name": "上海微电子装备", "region": "310115", "labels": "little_giant;specialised"},
        {"id": "resist-sh", "name": "上海光刻胶厂", "region": "310115", "labels": "specialised"},
        {"id": "resist-wh", "name": "武汉光刻胶厂", "region": "420111", "labels": "high_tech"},
        {"id": "wafer-hs", "name": "黄石硅片", "region": "420200", "revenue": 4e8},
        {"id": "wafer-jp", "name": "SUMCO", "country": "JP", "revenue": 2e10},
        {"id": "91420100MA4KTEAT0T", "name": "重庆长江玻璃武汉分公司", "region": "420100",
         "stock_code": "600999.SH", "labels": "listed", "revenue": 3e9},
        {"id": "pump-a", "name": "@泵业甲", "region": "310115", "labels": "champion"},
        {"id": "pump/b", "name": "泵业乙", "region": "420200"},
        {"id": "film-jp", "name": "日东", "country": "JP"},
    ]  # fmt: skip
    made = [
        ("ymtc", "dram", None), ("boe-wh", "panel", None), ("asml", "litho", 0.9), ("smee", "litho", None),
        ("resist-sh", "resist", None), ("resist-wh", "resist", 0.5), ("wafer-hs", "wafer", None),
        ("wafer-jp", "wafer", None), ("91420100MA4KTEAT0T", "glass", 0.8), ("pump-a", "pump", None),
        ("pump/b", "pump", None), ("film-jp", "film", None), ("smee", "pump", 0.1),
    ]  # fmt: skip
    return {
        "packs": [{"id": "small", "title": "小样"}],
        "clusters": [
            {"id": "ic", "name": "武汉市集成电路产业集群", "tier": "national", "region": "420100", **about},
            {"id": "fpd", "name": "新型显示", "region": "420100", **about},
        ],
        "links": [
            {"id": "ic-up", "cluster": "ic", "name": "装备与材料", "stage": "upstream", "position": 1.0},
            {"id": "ic-mid", "cluster": "ic", "name": "制造", "stage": "midstream", "position": 2.0},
            {"id": "fpd-up", "cluster": "fpd", "name": "材料", "stage": "upstream", "position": 1.0},
            {"id": "fpd-mid", "cluster": "fpd", "name": "面板", "stage": "midstream", "position": 2.0},
        ],
        "products": [
            {"id": p, "name": names[p], "links": links[p], "aliases": "光刻设备" if p == "litho" else None}
            for p in PRODUCTS
        ],
        "inputs": [
            {"product": p, "input": q, "cost_share": a, "criticality": c} for p, q, a, c in inputs
        ],
        "enterprises": [{"country": "CN", **about, **row} for row in firms],
        "produces": [
            {"enterprise": e, "product": p, "share": s, "role": "maker", **about} for e, p, s in made
        ],
        "supplies": [
            {"supplier": "resist-sh", "buyer": "ymtc", "product": "resist", "amount": 2e7, **about},
            {"supplier": "pump/b", "buyer": "ymtc", "amount": 1e6},
        ],
        "institutes": [
            {"id": "hust", "name": "华中科技大学", "kind": "university", "region": "420111", **about}
        ],
        "research": [{"institute": "hust", "product": "litho", "strength": 0.8}],
        "partners": [{"institute": "hust", "enterprise": "smee", "topic": "光学"}],
        "holdings": [{"parent": "boe-wh", "child": "91420100MA4KTEAT0T", "stake": 0.6}],
        "projects": [
            {"id": "p1", "name": "存储器基地", "kind": "leading", "owner": "ymtc", "product": "dram",
             "region": "420115", "investment": 1.6e11}
        ],
        "surveys": [{"region": "420100", "product": "glass", "status": "complete"}],
    }  # fmt: skip


def refused() -> Sequence[Row]:
    """What was quarantined of it."""
    return ({"file": "enterprises.csv", "line": 3.0, "raw": '{"name": "=1+1"}'},)


def state(store: Store, stated: Mapping[str, Sequence[Row]]) -> int:
    """Make the pack say these facts; the version after it."""
    return load(store, facts("small", refused(), **stated))


def edited(stated: Tables, draw: random.Random) -> Tables:
    """The facts after one random edit such as an editor would make."""
    changed: dict[str, list[dict[str, str | float | None]]] = {
        name: [dict(row) for row in rows] for name, rows in stated.items()
    }
    firms, made = changed["enterprises"], changed["produces"]
    kind = draw.choice(("revenue", "move", "gone", "new", "share", "label", "product", "input"))
    if kind == "revenue":
        draw.choice(firms)["revenue"] = draw.choice([None, draw.lognormvariate(20, 2)])
    elif kind == "move":
        draw.choice([f for f in firms if f["country"] == "CN"])["region"] = draw.choice(PLACES)
    elif kind == "gone" and len(firms) > 4:
        gone = firms.pop(draw.randrange(len(firms)))["id"]
        for table, columns in (
            ("produces", ("enterprise",)), ("supplies", ("supplier", "buyer")),
            ("partners", ("enterprise",)), ("holdings", ("parent", "child")),
        ):  # fmt: skip
            changed[table] = [r for r in changed[table] if all(r[c] != gone for c in columns)]
        for project in changed["projects"]:
            project["owner"] = None if project.get("owner") == gone else project.get("owner")
    elif kind == "new":
        one = f"new-{draw.randrange(10**9)}"
        firms.append(
            {"id": one, "name": f"新企业{one}", "country": "CN", "region": draw.choice(PLACES)}
        )
        made.append({"enterprise": one, "product": draw.choice(PRODUCTS), "role": "maker"})
    elif kind == "share":
        draw.choice(made)["share"] = draw.choice([None, round(draw.random(), 2)])
    elif kind == "label":
        draw.choice(firms)["labels"] = draw.choice([None, "leading", "champion", "listed"])
    elif kind == "product":
        maker, product = draw.choice(firms)["id"], draw.choice(PRODUCTS)
        if not any(r["enterprise"] == maker and r["product"] == product for r in made):
            made.append({"enterprise": maker, "product": product, "role": "maker"})
    else:
        draw.choice(changed["inputs"])["criticality"] = round(draw.random(), 2)
    return {name: list(rows) for name, rows in changed.items()}


class Atlas:
    """A store with the small country, the application, and a client of it."""

    def __init__(self, place: Path) -> None:
        self.path = place / "atlas.db"
        self.store = open_store(str(self.path), create=True)
        self.tables = tables()
        state(self.store, self.tables)
        self.app: FastAPI = create_app(Settings(str(self.path), rate=0))
        self.client = TestClient(
            self.app, base_url="http://127.0.0.1", raise_server_exceptions=False
        )

    @property
    def service(self) -> Service:
        """What the routes ask."""
        found = self.app.state.service
        assert isinstance(found, Service)
        return found

    def state(self, stated: Tables) -> int:
        """Load other facts, and have them served at once."""
        self.tables = stated
        version = state(self.store, stated)
        self.service.refresh()
        return version
