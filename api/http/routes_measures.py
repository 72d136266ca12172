"""What a chain needs, what a region is near to, where value lies, and what must not fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from ...analysis.relatedness import relatedness
from ...analysis.requirements import requirements, why
from ...analysis.risk import find_risk
from ...analysis.scope import Scope
from ...analysis.value import value_chain
from ...graph.errors import NotFoundError
from ..answers import Answer
from ..answers_measures import relatedness_answer, requirements_answer, value_answer
from ..answers_whatif import risk_answer
from . import documents
from .access import Role, access
from .kept import Keeping
from .parameters import Cluster, Code, Word
from .routes_facts import VersionNumber, document, document_responses
from .service import service_of

router = APIRouter(tags=["measures"], route_class=Keeping)


@router.get("/requirements", responses=document_responses(documents.contract("requirements")))
@access(Role.viewer, "region")
def requirement_table(
    request: Request,
    region: Annotated[Code, Query()],
    cluster: Annotated[Cluster, Query()],
    product: Annotated[
        Word | None, Query(description="为什么需要这个产品（编码）：最强的投入路径。")
    ] = None,
    version: VersionNumber = None,
) -> Response:
    """完全需求：本地产出沿产业链直接和间接需要什么。"""
    service = service_of(request)
    scope = service.scope(region, cluster, version)
    if product is not None and product not in scope.graph.index("products"):
        raise NotFoundError(f"没有这个产品：{product[:100]}。")
    key = ("requirements", scope.graph.version, region, cluster, product)

    def make() -> dict[str, object]:
        paths = [] if product is None else why(scope, product)
        return requirements_answer(requirements(scope), scope.graph, product, paths).json()

    return document(request, service.answer(*key, make=make))


@router.get("/relatedness", responses=document_responses(documents.contract("relatedness")))
@access(Role.viewer, "region")
def relatedness_table(
    request: Request,
    region: Annotated[Code, Query()],
    cluster: Annotated[Cluster, Query()],
    version: VersionNumber = None,
) -> Response:
    """产业关联与复杂度：本地离每个产品有多近，产品有多复杂。"""
    return _measured(
        request, region, cluster, version, lambda scope: relatedness_answer(relatedness(scope))
    )


@router.get("/value-chains", responses=document_responses(documents.contract("value")))
@access(Role.viewer, "region")
def value_table(
    request: Request,
    region: Annotated[Code, Query()],
    cluster: Annotated[Cluster, Query()],
    version: VersionNumber = None,
) -> Response:
    """价值链：各产品生产企业的人均营收与产品复杂度，注明覆盖率。"""
    return _measured(
        request, region, cluster, version, lambda scope: value_answer(value_chain(scope))
    )


def _measured(
    request: Request,
    region: str,
    cluster: str,
    version: int | None,
    work_out: Callable[[Scope], Answer],
) -> Response:
    """What a measure says of a region and cluster, worked out once for a version."""
    service = service_of(request)
    scope = service.scope(region, cluster, version)
    key = (request.scope["route"].path, scope.graph.version, region, cluster)
    return document(request, service.answer(*key, make=lambda: work_out(scope).json()))


@router.get("/risks", responses=document_responses(documents.contract("risk")))
@access(Role.analyst, "region")
def risks(
    request: Request,
    region: Annotated[Code, Query()],
    cluster: Annotated[Cluster, Query()],
    network: Annotated[
        Literal["auto", "observed", "reconstructed"],
        Query(description="供应网络：有记录用记录、其余重构；只用记录；全部重构。"),
    ] = "auto",
    members: Annotated[int, Query(ge=1, le=10, description="重构网络的个数。")] = 3,
    seed: Annotated[int, Query(ge=0, le=2**31, description="随机数种子。")] = 0,
    top: Annotated[int, Query(ge=1, le=500, description="列出几家企业。")] = 20,
    version: VersionNumber = None,
) -> Response:
    """系统性风险（ESRI）：关键供应商、单点产品，以及增加供应来源能降低多少风险。"""
    service = service_of(request)
    scope = service.scope(region, cluster, version)
    key = ("risk", scope.graph.version, region, cluster, network, members, seed)
    found = service.answer(*key, make=lambda: find_risk(scope, network, members, seed))
    return document(request, risk_answer(found, top).json())
