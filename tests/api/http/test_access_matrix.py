"""Role x route x region, from the routes themselves: a new route is in it without anybody's doing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Form, HTTPException, Query, Request
from operations import Operation, described, every
from pydantic import BaseModel

from atlas import Atlas
from chainatlas.api.http import app as application
from chainatlas.api.http.access import access, authorise
from chainatlas.api.http.settings import Settings
from chainatlas.api.security.roles import EVERYWHERE, Role
from chainatlas.graph.errors import ChainAtlasError

#: Stands for "let through"; nothing else answers it, as no route is run.
PASSED = 410
WUHAN, HONGSHAN, YICHANG, HUBEI = "420100", "420111", "420500", "420000"
ROLES = [None, *(role for role in Role if role is not Role.public)]


@dataclass(frozen=True)
class Asked:
    """An operation as callers with a scope ask it, and what its rule demands."""

    operation: Operation

    @property
    def rule(self) -> dict[str, Any]:
        return self.operation.rule

    def address(self, region: str | None) -> str:
        """Where it is asked about a region; None: about none."""
        path, query = self.operation.path, []
        for at, name in enumerate(self.rule["regions"]):
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", region or WUHAN)
            elif region is not None and (at == 0 or region != WUHAN):
                query.append(f"{name}={region}")
        while "{" in path:
            start, rest = path.split("{", 1)
            path = start + "1" + rest.split("}", 1)[1]
        return path + ("?" + "&".join(query) if query else "")

    def in_path(self) -> bool:
        """Whether its first region stands in the path, so that one is always given."""
        return f"{{{self.rule['regions'][0]}}}" in self.operation.path

    def wanted(self, role: Role | None, scope: str, region: str | None) -> int:
        """The status that the rule demands."""
        least = Role[self.rule["role"]]
        if least is Role.public or "local" in self.rule:
            return PASSED
        if role is None:
            return 401
        if role < least:
            return 403
        if scope == EVERYWHERE:
            return PASSED
        if not self.rule["regions"]:
            closed = self.operation.changes or least is Role.admin
            return 403 if closed and "anywhere" not in self.rule else PASSED
        if region is None:
            return PASSED if self.in_path() or "anywhere" in self.rule else 403
        return PASSED if region in (WUHAN, HONGSHAN) else 403


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """An application whose routes do nothing once a caller was let through."""
    found = Atlas.made(tmp_path_factory.mktemp("matrix"))

    async def stop(request: Request) -> None:
        await authorise(request)
        raise HTTPException(PASSED)

    found.app.dependency_overrides[authorise] = stop
    return found


@pytest.fixture(scope="module")
def operations(atlas: Atlas) -> list[Operation]:
    return every(atlas.app)


def outcomes(atlas: Atlas, operations: list[Operation], role: Role | None, scope: str) -> set[str]:
    """What differs from the rules for a caller; each route asked about each kind of region."""
    client = atlas.client()
    headers = {} if role is None else atlas.key(role, scope)
    atlas.key(Role.viewer)  # somebody is defined
    wrong = set()
    for operation in operations:
        one = Asked(operation)
        regions = (None, WUHAN, HONGSHAN, YICHANG, HUBEI, EVERYWHERE, "999999", "武汉市")
        for region in regions if operation.rule["regions"] else (None,):
            answer = client.request(operation.method, one.address(region), headers=headers)
            wanted = one.wanted(role, scope, region)
            if answer.status_code != wanted:
                asked = f"{operation.method} {one.address(region)}"
                wrong.add(f"{asked}: {answer.status_code}, not {wanted}")
    return wrong


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name if role else "nobody")
def test_matrix_of_the_whole_country(
    atlas: Atlas, operations: list[Operation], role: Role | None
) -> None:
    assert not outcomes(atlas, operations, role, EVERYWHERE)


@pytest.mark.parametrize("role", [Role.viewer, Role.analyst, Role.editor])
def test_matrix_of_a_scope(atlas: Atlas, operations: list[Operation], role: Role) -> None:
    assert not outcomes(atlas, operations, role, WUHAN)


def routed(monkeypatch: pytest.MonkeyPatch, router: APIRouter, folder: Path) -> Atlas:
    monkeypatch.setattr(application, "ROUTERS", (*application.ROUTERS, router))
    return Atlas.made(folder)


def test_a_route_without_a_rule_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = APIRouter()

    @router.get("/bare")
    def bare() -> dict[str, str]:
        return {}

    with pytest.raises(ChainAtlasError, match="/bare"):
        routed(monkeypatch, router, tmp_path)


class Filters(BaseModel):
    """Parameters, or a body, of which one is a region."""

    region: str = ""


def of_region(region: str) -> dict[str, str]:
    return {"region": region}


def of_filters(page: Annotated[Filters, Query()]) -> dict[str, str]:
    return {"region": page.region}


def of_body(body: Filters) -> dict[str, str]:
    return {"region": body.region}


def of_form(region: Annotated[str, Form()]) -> dict[str, str]:
    return {"region": region}


@pytest.mark.parametrize("endpoint", [of_region, of_filters, of_body, of_form])
def test_a_route_that_hides_a_region_from_its_rule_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: Callable[..., dict[str, str]]
) -> None:
    router = APIRouter()
    router.post("/of-region")(access(Role.viewer, anywhere=True)(endpoint))
    with pytest.raises(ChainAtlasError, match="region：/of-region"):
        routed(monkeypatch, router, tmp_path)


def test_whatever_takes_the_code_of_a_region_says_so_in_its_rule(atlas: Atlas) -> None:
    """By the form of the value, whatever its name is, in path, query and body."""
    document = atlas.app.openapi()
    models = document["components"]["schemas"]
    hidden = set()
    for operation in described(atlas.app):
        item = document["paths"][operation.path][operation.method.lower()]
        taken = {p["name"]: p["schema"] for p in item.get("parameters", ())}
        for content in item.get("requestBody", {}).get("content", {}).values():
            schema = content["schema"]
            name = schema.get("$ref", "").rpartition("/")[2]
            taken.update((models[name] if name else schema).get("properties", {}))
        stated = {*operation.rule["regions"], *operation.rule.get("unscoped", ())}
        for name, schema in taken.items():
            if re.search(r"(\[0-9\]|\\+d)\{6\}", str(schema)) and name not in stated:
                hidden.add(f"{operation}: {name}")
    assert not hidden


def test_a_route_added_around_the_lists_is_refused_to_everybody(tmp_path: Path) -> None:
    atlas = Atlas.made(tmp_path)

    @atlas.app.get("/around")
    def around() -> dict[str, str]:
        return {"secret": "x"}

    answer = atlas.client().get("/around", headers=atlas.key(Role.admin))
    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_settings_default_to_this_machine() -> None:
    assert Settings("x").loopback
