"""The pictures as data: what their tables say, with the codes that join them to other answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import APIRouter, Query, Request, Response

from ...analysis.gaps import Gaps
from ...graph import regions as geo
from ...graph.chain import among
from ...viz.attraction import battle, battle_table
from ...viz.resources import (
    flow_table,
    inside,
    likely_flows,
    listed,
    place_table,
    region_link_matrix,
    relations,
    resources,
    supply_flows,
)
from ..answers import gaps_table
from ..pictures import PICTURES
from .access import Role, access
from .formats import Json
from .kept import Keeping
from .parameters import Cluster, Code
from .routes_facts import VersionNumber, document, document_responses
from .service import Service, service_of

router = APIRouter(tags=["maps"], route_class=Keeping)

_SCHEMA: Json = {
    "title": "chainatlas map",
    "type": "object",
    "properties": {
        "schema": {"const": "chainatlas.map/1"},
        "version": {"type": "integer", "description": "数据版本。"},
        "kind": {"enum": list(PICTURES)},
        "title": {"type": "string"},
        "region": {"type": "string"},
        "cluster": {"type": "string"},
        "tables": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "title": {"type": "string"},
                    "columns": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "name": {"type": "string"},
                                "unit": {"type": ["string", "null"]},
                            },
                            "required": ["name", "unit"],
                        },
                    },
                    "rows": {
                        "type": "array",
                        "items": {"type": "array"},
                        "description": "每行的值，按 columns 的次序；未知为 null。",
                    },
                },
                "required": ["id", "title", "columns", "rows"],
            },
        },
    },
    "required": ["schema", "version", "kind", "title", "region", "cluster", "tables"],
}

Tables = dict[str, tuple[str, pd.DataFrame]]


def _chain(service: Service, gaps: Gaps) -> Tables:
    inputs = gaps.scope.graph["inputs"]
    ours = pd.Index(gaps.table["product"])
    lines = inputs[among(inputs["product"], ours) & among(inputs["input"], ours)]
    columns = ["input", "product", "cost_share", "criticality", "source", "as_of"]
    return {
        "products": ("产品", gaps_table(gaps, gaps.table)),
        "inputs": ("投入关系", lines[columns]),
    }


def _resources(service: Service, gaps: Gaps) -> Tables:
    region = gaps.scope.region
    places = geo.divisions(region)
    facts, known = resources(gaps), relations(gaps)
    here = inside(facts, places)
    whole = inside(facts, (region,))
    recorded, likely = supply_flows(known, places), likely_flows(gaps, places)
    return {
        "places": ("各地资源", place_table(here, places)),
        "links": ("各地各环节产出", region_link_matrix(gaps, places)),
        "flows": ("供应关系", flow_table(recorded, likely)),
        "entities": ("企业、机构与项目", listed(whole)),
    }


def _attraction(service: Service, gaps: Gaps) -> Tables:
    scope = gaps.scope
    targets = service.targets(scope.region, scope.cluster, gaps.version)
    battles = battle(gaps, targets)
    table = battle_table(battles)
    table.insert(0, "product", [b.row["product"] for b in battles])
    best = [b.targets[0]["enterprise"] if b.targets else None for b in battles]
    table["enterprise"], table["landing"] = best, [b.landing or None for b in battles]
    return {"gaps": ("攻坚清单", table)}


_MAKERS: Mapping[str, Callable[[Service, Gaps], Tables]] = {
    "chain": _chain,
    "resources": _resources,
    "attraction": _attraction,
}
_UNITS = {
    "本地产出": "CNY/a",
    "本地需求": "CNY/a",
    "自给率": "ratio",
    "区位商": "ratio",
    "本地关键度": "ratio",
    "优先级": "ratio",
    "国产化率": "ratio",
    "投入可得率": "ratio",
    "cost_share": "ratio",
    "criticality": "ratio",
}


@router.get("/maps/{kind}", responses=document_responses(_SCHEMA))
@access(Role.viewer, "region")
def maps(
    request: Request,
    kind: Literal["chain", "resources", "attraction"],
    region: Annotated[Code, Query()],
    cluster: Annotated[Cluster, Query()],
    version: VersionNumber = None,
) -> Response:
    """链图、资源分布图、招商攻坚图的数据，与图下的表相同。"""
    service = service_of(request)
    gaps = service.gaps(region, cluster, version)
    key = ("map", gaps.version, kind, region, cluster)
    tables = service.answer(*key, make=lambda: _MAKERS[kind](service, gaps))
    body = {
        "schema": "chainatlas.map/1",
        "version": gaps.version,
        "kind": kind,
        "title": PICTURES[kind],
        "region": region,
        "cluster": cluster,
        "tables": [_table(name, title, frame) for name, (title, frame) in tables.items()],
    }
    return document(request, body)


def _table(name: str, title: str, frame: pd.DataFrame) -> Json:
    columns = [str(column) for column in frame.columns]
    return {
        "id": name,
        "title": title,
        "columns": [{"name": column, "unit": _unit(column)} for column in columns],
        "rows": [
            [_plain(value) for value in row] for row in frame.itertuples(index=False, name=None)
        ],
    }


def _unit(column: str) -> str | None:
    if "亿元" in column:
        return "1e8 CNY/a"
    return _UNITS.get(column)


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.item() if hasattr(value, "item") else value
