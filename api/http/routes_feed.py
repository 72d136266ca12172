"""Gaps, targets and local supply rates: the feed that other systems read."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ...analysis.gaps import ACTIONS, EVIDENCE, STATES
from ...analysis.targets import PER_GAP, WANTED_ZH, Wanted
from ...graph import regions as geo
from ...graph.errors import NotFoundError
from ...graph.schema import LABELS, STAGES
from .. import answers
from ..wanted import contradiction, place_code
from . import documents
from .access import Role, access
from .feed import (
    USUAL,
    Facets,
    Keep,
    Kind,
    Pool,
    Question,
    above,
    ask,
    changes,
    document_schema,
)
from .formats import Form, Json, dumps, wanted
from .kept import Keeping, reply
from .listing import Page, answer, version_of
from .parameters import Choice, Cluster, Code, Ratio, Word, Words, suffix_of, table_routes
from .problems import Problem, described
from .service import service_of

router = APIRouter(tags=["feed"], route_class=Keeping)

Action = Annotated[str, Choice(ACTIONS)]
State = Annotated[str, Choice(STATES)]
Evidence = Annotated[str, Choice(EVIDENCE)]
Label = Annotated[str, Choice(LABELS)]
Stage = Annotated[str, Choice(STAGES)]
#: CNY a year.
Money = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"unit": "CNY/a"})]
#: An adcode or the code of a country.
Place = Annotated[str, Field(pattern=r"^([0-9]{6}|[A-Z]{2})$")]


class FeedPage(Page):
    """Parameters of both lists."""

    region: Code
    cluster: Annotated[
        list[Cluster], Field(default=[], max_length=50, description="集群编码；不给为全部集群。")
    ]
    since: Annotated[
        int | None,
        Field(ge=0, le=2**31, description="数据版本：只要自该版本以来新增、变更、撤回的行。"),
    ] = None
    product: Annotated[Words, Field(default=[], description="产品编码。")]
    action: Annotated[
        list[Action], Field(default=[], max_length=8, description="适用的动作，任一即可。")
    ]
    evidence: Annotated[Evidence | None, Field(description="证据状态。")] = None
    min_priority: Annotated[Ratio | None, Field(description="缺口优先级下限。")] = None

    def given(self) -> tuple[tuple[str, Any], ...]:
        """The filters, as a key."""
        page = {"limit", "cursor", "version", "since", "region", "cluster"}
        named = self.model_dump(exclude=page, exclude_defaults=True)
        return tuple(sorted((k, tuple(v) if isinstance(v, list) else v) for k, v in named.items()))

    def about_gap(self, row: Facets) -> bool:
        """Whether a row's gap is asked for."""
        return (
            (not self.product or row["product"] in self.product)
            and (not self.action or any(a in row["actions"] for a in self.action))
            and (self.evidence is None or row["evidence"] == self.evidence)
            and above(self.min_priority, row["priority"])
        )


class GapsPage(FeedPage):
    """Parameters of the gaps."""

    primary: Annotated[list[State], Field(default=[], max_length=8, description="首要动作或状态。")]
    link: Annotated[Words, Field(default=[], description="环节编码。")]
    stage: Annotated[Stage | None, Field(description="链段。")] = None
    robust: Annotated[bool | None, Field(description="结论是否稳健。")] = None

    def keep(self, row: Facets) -> bool:
        """Whether a row is asked for."""
        return (
            self.about_gap(row)
            and (not self.primary or row["primary"] in self.primary)
            and (not self.link or row["link"] in self.link)
            and (self.stage is None or row["stage"] == self.stage)
            and (self.robust is None or row["robust"] == self.robust)
        )


class TargetsPage(FeedPage):
    """Parameters of the targets."""

    enterprise: Annotated[Words, Field(default=[], description="企业编码。")]
    min_size: Annotated[Money | None, Field(description=WANTED_ZH["min_size"])] = None
    max_size: Annotated[Money | None, Field(description=WANTED_ZH["max_size"])] = None
    label: Annotated[list[Label], Field(default=[], max_length=8, description=WANTED_ZH["label"])]
    listed: Annotated[bool | None, Field(description=WANTED_ZH["listed"])] = None
    from_region: Annotated[
        list[Place],
        Field(default=[], max_length=50, description=f"{WANTED_ZH['from_region']}代码，可重复。"),
    ]
    new_to_province: Annotated[bool, Field(description=WANTED_ZH["new_to_province"])] = False
    domestic: Annotated[bool | None, Field(description=WANTED_ZH["domestic"])] = None
    exclude: Annotated[
        list[Word],
        Field(default=[], max_length=200, description=f"{WANTED_ZH['exclude']}编码，可重复。"),
    ]
    landing: Annotated[Code | None, Field(description="建议落地的地区（含下级）。")] = None
    min_score: Annotated[Ratio | None, Field(description="得分下限。")] = None
    top: Annotated[int, Field(ge=1, le=1000, description="每个缺口取前几名。")] = PER_GAP

    def pool(self) -> Pool:
        """Which candidates are ranked.

        Raises:
            Problem: There is no such place, or nobody can be wanted.
        """
        for place in self.from_region:
            _check_place("from_region", place)
        if self.landing is not None:
            _check_place("landing", self.landing)
        given: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(Wanted)}
        for name, value in given.items():
            if isinstance(value, list):
                given[name] = tuple(sorted(set(value)))  # equal questions have equal keys
        wanted = Wanted(**given)
        if wrong := contradiction(wanted):
            raise Problem("bad-request", wrong, [_fault("max_size", self.max_size, wrong)])
        return Pool(None if wanted == Wanted() else wanted, deep=self.top > PER_GAP)

    def keep(self, row: Facets) -> bool:
        """Whether a row is asked for."""
        return (
            self.about_gap(row)
            and (not self.enterprise or row["enterprise"] in self.enterprise)
            and (self.landing is None or _lies(row["landing"], self.landing))
            and above(self.min_score, row["score"])
            and row["rank"] <= self.top
        )


def _check_place(field: str, place: str) -> None:
    """Refuse a place that is none.

    Raises:
        Problem: There is no such region or country.
    """
    try:
        place_code(place)
    except NotFoundError as error:
        raise Problem("not-found", str(error), [_fault(field, place, "没有这个地区")]) from None


def _fault(field: str, value: str | float | None, message: str) -> Json:
    return {"field": field, "in": "query", "message": message, "value": value}


def _lies(code: str, place: str) -> bool:
    """Whether a region lies in another; a place abroad lies in none."""
    return geo.exists(code) and geo.contains(place, code)


@table_routes(router, "/gaps", document_schema("gaps"))
@access(Role.viewer, "region")
def gaps(request: Request, page: Annotated[GapsPage, Query()]) -> Response:
    """一个地区每个产业集群的每个产品：动作、指标、原因、路径和优先级。"""
    return _feed(request, page, "gaps", page.keep)


@table_routes(router, "/targets", document_schema("targets"))
@access(Role.viewer, "region", unscoped=("from_region", "landing"))
def targets(request: Request, page: Annotated[TargetsPage, Query()]) -> Response:
    """招商目标企业：每个缺口的候选企业、得分及其构成、依据、落地建议和联系路径。"""
    return _feed(request, page, "targets", page.keep, page.pool())


def _feed(request: Request, page: FeedPage, kind: Kind, keep: Keep, pool: Pool = USUAL) -> Response:
    service, suffix = service_of(request), suffix_of(request)
    version = version_of(request, service, page)
    given = page.given()
    clusters = tuple(dict.fromkeys(page.cluster))
    question = Question(kind, page.region, clusters, keep if given else None, pool)
    if page.since is None:
        return answer(request, page, ask(service, question, version), suffix)
    try:
        service.check_version(page.since)
    except NotFoundError:
        raise Problem("gone", "没有 since 所指的数据版本，请重新读取全部。") from None
    key = ("changes", version, page.since, kind, page.region, clusters, given)
    made = service.answer(*key, make=lambda: changes(service, question, page.since or 0, version))
    return answer(request, page, made, suffix)


_RATE = {200: documents.content(documents.contract("supply-rate")), **described(406, 410, 412)}


@router.get("/supply-rates", responses=_RATE)
@access(Role.viewer, "region")
def supply_rates(
    request: Request,
    region: Annotated[Code, Query()],
    cluster: Annotated[Cluster, Query()],
    version: Annotated[int | None, Query(ge=0, le=2**31)] = None,
) -> Response:
    """本地化配套率：按价值及其下限、按种类、按已知采购，各自独立。"""
    wanted(request.headers.get("accept"), (Form.json,))
    rate = service_of(request).supply(region, cluster, version)
    body = dumps(answers.supply_answer(rate).json())
    return reply(request, body, Form.json, rate.version)
