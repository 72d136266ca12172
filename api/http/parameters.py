"""Parameters that many routes share, and the refusal of those that a route does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from pydantic_core import core_schema

from . import documents, problems
from .formats import Form, Json
from .problems import Problem

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

#: A region by its code.
Code = Annotated[
    str, Field(pattern=r"^[0-9]{6}$", description="GB/T 2260 六位代码。", examples=["420100"])
]
#: An id or another short text.
Word = Annotated[str, Field(min_length=1, max_length=200)]
Cluster = Annotated[str, Field(min_length=1, max_length=200, description="集群编码，见 clusters。")]
#: Values of one parameter.
Words = Annotated[list[Word], Field(max_length=50)]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Choice:
    """One of declared codes; what stands in ``Annotated[str, Choice(...)]``."""

    def __init__(self, codes: Iterable[str]) -> None:
        self._codes = list(codes)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        """See pydantic: how a value is checked and described."""
        return core_schema.literal_schema(self._codes)


_SUFFIX: Json = {
    "name": "suffix",
    "in": "path",
    "required": True,
    "description": "格式。",
    "schema": {"enum": [form.value for form in Form]},
}


def table_routes(router: APIRouter, path: str, document: Json) -> Callable[[Endpoint], Endpoint]:
    """Register a list at an address and at the same with a suffix of :class:`.formats.Form`."""

    def register(endpoint: Endpoint) -> Endpoint:
        codes = problems.described(406, 410, 412)
        answers: dict[int | str, Json] = {
            200: documents.content(document, tables=True),
            304: {"description": "没有变化（If-None-Match）"},
            **codes,
        }
        router.get(path, responses=answers)(endpoint)
        router.get(path + ".{suffix}", responses=answers, openapi_extra={"parameters": [_SUFFIX]})(
            endpoint
        )
        return endpoint

    return register


def suffix_of(request: Request) -> Form | None:
    """The format that an address names.

    Raises:
        Problem: There is no such format.
    """
    given = request.path_params.get("suffix")
    if given is None:
        return None
    if given not in Form.__members__:
        raise Problem("not-found", "没有这种格式。")
    return Form(given)


async def known_only(request: Request) -> None:
    """Refuse query parameters that a route does not have, or that are given twice for one value.

    A dependency of every JSON route.
    """
    given = request.query_params
    if not given:
        return
    known = dict(query_names(request.scope["route"].dependant))
    usable = "、".join(sorted(known)) or "无"
    faults = []
    for name in given:
        if name not in known:
            message = f"没有这个参数；可用：{usable}"
        elif not known[name] and len(given.getlist(name)) > 1:
            message = "此参数只能给一次"
        else:
            continue
        value = given[name][:100]
        faults.append({"field": name, "in": "query", "message": message, "value": value})
    if faults:
        raise Problem("invalid", errors=faults)


def query_names(dependant: Any) -> Iterator[tuple[str, bool]]:
    """Names of the query parameters of a route, and whether each takes several values."""
    yield from _names(dependant.query_params)
    for below in dependant.dependencies:
        yield from query_names(below)


def region_names(dependant: Any) -> Iterator[str]:
    """Names of what a route takes, in path, query or body, that hold regions by their name."""
    kinds = (dependant.path_params, dependant.query_params, dependant.body_params)
    yield from (name for kind in kinds for name, _ in _names(kind) if "region" in name)
    for below in dependant.dependencies:
        yield from region_names(below)


def _names(parameters: Iterable[Any]) -> Iterator[tuple[str, bool]]:
    for parameter in parameters:
        model = parameter.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            for name, field in model.model_fields.items():
                yield field.alias or name, _many(field.annotation)
        else:
            yield parameter.alias, _many(model)


def _many(annotation: Any) -> bool:
    """Whether a type holds several values, such as ``list[str] | None``."""
    origin = get_origin(annotation)
    if origin in (list, set, frozenset, tuple, Sequence):
        return True
    return origin in (Union, UnionType, Annotated) and any(map(_many, get_args(annotation)))
