"""What would be, what was, and what is elsewhere: simulations, comparisons, trends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ...analysis.simulate import Grow, Land, Lose, Move, Size, simulate
from ...analysis.situation import difference, situation
from ...analysis.trends import between, pick, trend
from ...graph import regions as geo
from ...graph.chain import ChainGraph, records
from ...graph.errors import NotFoundError
from ...graph.schema import TABLES
from ...graph.store import Version
from ..answers_whatif import regions_answer, simulate_answer, trends_answer
from . import documents
from .access import Role, access
from .formats import dumps, kinds
from .kept import Keeping
from .listing import Listing, Page, answer, version_of
from .parameters import Choice, Cluster, Code, Word, suffix_of, table_routes
from .problems import Problem
from .routes_facts import VersionNumber, document, document_responses
from .service import Service, service_of

router = APIRouter(tags=["what-if"], route_class=Keeping)

#: Moves of one simulation.
_MOVES = 20
_Text = Annotated[str, Field(min_length=1, max_length=300)]


@router.get("/simulations", responses=document_responses(documents.contract("simulate")))
@access(Role.analyst, "region")
def simulations(
    request: Request,
    region: Annotated[Code, Query()],
    cluster: Annotated[Cluster, Query()],
    land: Annotated[
        list[_Text], Query(max_length=_MOVES, description="企业编码:地区代码，企业在该地区设厂。")
    ] = [],  # noqa: B006
    lose: Annotated[list[_Text], Query(max_length=_MOVES, description="失去的企业编码。")] = [],  # noqa: B006
    grow: Annotated[
        list[_Text], Query(max_length=_MOVES, description="企业编码:倍数，产出变为几倍。")
    ] = [],  # noqa: B006
    size: Annotated[
        Literal["median", "own"],
        Query(description="新工厂规模：国内中位，或与本企业最大工厂相同。"),
    ] = "median",
    version: VersionNumber = None,
) -> Response:
    """模拟企业落地、流失、增长：同一组答案的前后对比与说明。"""
    service = service_of(request)
    scope = service.scope(region, cluster, version)
    moves = _moves(scope.graph, land, lose, grow)
    key = ("simulate", scope.graph.version, region, cluster, *moves, size)
    asked: Size = size
    body = service.answer(*key, make=lambda: simulate_answer(simulate(scope, moves, asked)).json())
    return document(request, body)


def _moves(graph: ChainGraph, land: list[str], lose: list[str], grow: list[str]) -> list[Move]:
    if not 1 <= len(land) + len(lose) + len(grow) <= _MOVES:
        raise _fault("land", "", f"应有 1 至 {_MOVES} 项 land、lose 或 grow")
    moves: list[Move] = [Lose(_enterprise(graph, one)) for one in lose]
    for text in grow:
        who, factor = _pair("grow", text, "企业编码:倍数")
        try:
            times = float(factor)
        except ValueError:
            times = math.nan
        if not 0 < times <= 1e6:
            raise _fault("grow", text, "倍数应为大于 0、至多一百万的数")
        moves.append(Grow(_enterprise(graph, who), times))
    for text in land:
        who, where = _pair("land", text, "企业编码:地区代码")
        if not geo.exists(where):
            raise NotFoundError(f"没有这个地区：{where}。")
        moves.append(Land(_enterprise(graph, who), where))
    return moves


def _pair(field: str, text: str, form: str) -> tuple[str, str]:
    # An id may hold a colon itself; regions and factors do not.
    who, colon, what = text.rpartition(":")
    if not colon or not who or not what:
        raise _fault(field, text, f"应为 {form}")
    return who, what


def _fault(field: str, value: str, message: str) -> Problem:
    fault = {"field": field, "in": "query", "message": message, "value": value[:100]}
    return Problem("invalid", errors=[fault])


def _enterprise(graph: ChainGraph, one: str) -> str:
    if one not in graph.index("enterprises"):
        raise NotFoundError(f"没有这家企业：{one[:100]}。")
    return one


class ComparisonPage(Page):
    """Parameters of the comparison of two versions."""

    old: Annotated[int, Field(ge=0, le=2**31, alias="from", description="旧版本。")]
    to: Annotated[int | None, Field(ge=0, le=2**31, description="新版本，默认最新。")] = None
    change: Annotated[
        Literal["added", "changed", "withdrawn"] | None, Field(description="变化。")
    ] = None
    table: Annotated[Annotated[str, Choice(TABLES)] | None, Field(description="表。")] = None
    pack: Annotated[Word | None, Field(description="数据包。")] = None


_COMPARE = documents.contract("compare")
_DIFFERENCE = documents.row_of(_COMPARE, "differences")
_COMPARED = documents.listing(
    "compare", "differences", _DIFFERENCE, {"from": {"type": "integer", "description": "旧版本。"}}
)


@table_routes(router, "/comparisons", _COMPARED)
@access(Role.viewer)
def comparisons(request: Request, page: Annotated[ComparisonPage, Query()]) -> Response:
    """两个数据版本之间新增、变更、撤回的事实。"""
    service = service_of(request)
    newest = version_of(request, service, page)
    new = newest if page.to is None else page.to
    for number in (page.old, new):
        service.check_version(number)
    key = ("compare", new, page.old)
    found = service.answer(*key, make=lambda: _compared(service, page.old, new))
    at = [
        i
        for i, row in enumerate(found)
        if (page.change is None or row["change"] == page.change)
        and (page.table is None or row["table"] == page.table)
        and (page.pack is None or row["pack"] == page.pack)
    ]
    listing = Listing(
        "compare",
        {"version": new, "from": page.old},
        "differences",
        ["|".join((row["change"], row["table"], row["pack"], row["key"])) for row in found],
        lambda chosen: [dumps(found[i]) for i in chosen],
        kinds(_DIFFERENCE),
    )
    return answer(request, page, listing.only(at), suffix_of(request))


def _compared(service: Service, old: int, new: int) -> list[dict[str, str]]:
    return records(service.store.compare(old, new))


@router.get("/comparisons/regions", responses=document_responses(documents.contract("regions")))
@access(Role.viewer, "region", "other")
def compare_regions(
    request: Request,
    region: Annotated[Code, Query()],
    other: Annotated[Code, Query(description="与之比较的地区。")],
    cluster: Annotated[Cluster, Query()],
    version: VersionNumber = None,
) -> Response:
    """同一产业集群在两个地区：指标与逐产品状态的对比。"""
    service = service_of(request)
    scopes = [service.scope(code, cluster, version) for code in (region, other)]
    key = ("regions", scopes[0].graph.version, region, other, cluster)
    body = service.answer(
        *key,
        make=lambda: regions_answer(difference(*(situation(scope) for scope in scopes))).json(),
    )
    return document(request, body)


@router.get("/trends", responses=document_responses(documents.contract("trends")))
@access(Role.viewer, "region")
def trends(
    request: Request,
    region: Annotated[Code, Query()],
    cluster: Annotated[Cluster, Query()],
    old: Annotated[
        Word | None, Query(alias="from", description="版本号或日期，默认最早的版本。")
    ] = None,
    to: Annotated[Word | None, Query(description="版本号或日期，默认最新的版本。")] = None,
    steps: Annotated[int, Query(ge=1, le=24, description="最多几个版本。")] = 12,
) -> Response:
    """各数据版本的指标走势，以及首末版本之间的变化。"""
    service = service_of(request)
    known = service.store.versions()
    served = service.version()
    first = pick(known, old) if old is not None else (known[0].number if known else 0)
    last = pick(known, to) if to is not None else served
    if not geo.exists(region):
        raise NotFoundError(f"没有这个地区：{region}。")
    numbers = between(known, first, last, steps)
    if first > last:
        numbers.reverse()
    by_number = {v.number: v for v in known}

    def graphs() -> Iterator[tuple[Version | None, ChainGraph]]:
        # Not by the service: many versions would push out what is asked all the time.
        for number in numbers:
            one = service.graph() if number == served else service.view(number).graph()
            yield by_number.get(number), one

    key = ("trends", numbers[-1], region, cluster, *numbers)
    body = service.answer(
        *key, make=lambda: trends_answer(trend(graphs(), region, cluster), region, cluster).json()
    )
    return document(request, body)
