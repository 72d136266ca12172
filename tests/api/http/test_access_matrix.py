"""Role x route x region, from the routes themselves: a new route is in it without anybody's doing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, HTTPException, Request
from fastapi.routing import APIRoute

from atlas import Atlas
from chainatlas.api.http import app as application
from chainatlas.api.http.access import access, authorise
from chainatlas.api.http.settings import Settings
from chainatlas.api.security.roles import EVERYWHERE, Role
from chainatlas.graph.errors import ChainAtlasError

#: Stands for "let through"; nothing else answers it, as no route is run.
PASSED = 410
SAFE = {"GET", "HEAD", "OPTIONS"}
WUHAN, HONGSHAN, YICHANG, HUBEI = "420100", "420111", "420500", "420000"
ROLES = [None, *(role for role in Role if role is not Role.public)]


@dataclass(frozen=True)
class Operation:
    """A method of a route and its stated rule."""

    method: str
    path: str
    rule: dict[str, Any]

    @property
    def changes(self) -> bool:
        return self.method not in SAFE and "reads" not in self.rule

    def address(self, region: str | None) -> str:
        """Where it is asked about a region; None: about none."""
        path, query = self.path, []
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
        return f"{{{self.rule['regions'][0]}}}" in self.path

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
            closed = self.changes or least is Role.admin
            return 403 if closed and "anywhere" not in self.rule else PASSED
        if region is None:
            return PASSED if self.in_path() or "anywhere" in self.rule else 403
        return PASSED if region in (WUHAN, HONGSHAN) else 403


def described(atlas: Atlas) -> Iterator[Operation]:
    """The operations of the OpenAPI document."""
    for path, methods in atlas.app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield Operation(method.upper(), path, operation["x-access"])


def others() -> Iterator[Operation]:
    """Pages, and routes that are not in the document."""
    for prefix, routers in ((application.PREFIX, application.ROUTERS), ("", application.PAGES)):
        for router in routers:
            for route in router.routes:
                assert isinstance(route, APIRoute)
                assert route.openapi_extra is not None
                if not prefix or not route.include_in_schema:
                    for method in route.methods or ():
                        yield Operation(
                            method, prefix + route.path, route.openapi_extra["x-access"]
                        )


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
    found = [*described(atlas), *others()]
    assert {"/api/v1/clusters", "/admin", "/login", "/metrics"} <= {o.path for o in found}
    return found


def outcomes(atlas: Atlas, operations: list[Operation], role: Role | None, scope: str) -> set[str]:
    """What differs from the rules for a caller; each route asked about each kind of region."""
    client = atlas.client()
    headers = {} if role is None else atlas.key(role, scope)
    atlas.key(Role.viewer)  # somebody is defined
    wrong = set()
    for operation in operations:
        regions = (None, WUHAN, HONGSHAN, YICHANG, HUBEI, EVERYWHERE, "999999", "武汉市")
        for region in regions if operation.rule["regions"] else (None,):
            answer = client.request(operation.method, operation.address(region), headers=headers)
            wanted = operation.wanted(role, scope, region)
            if answer.status_code != wanted:
                asked = f"{operation.method} {operation.address(region)}"
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


def test_a_route_that_hides_a_region_from_its_rule_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = APIRouter()

    @router.get("/of-region")
    @access(Role.viewer)
    def of_region(region: str) -> dict[str, str]:
        return {"region": region}

    with pytest.raises(ChainAtlasError, match="region：/of-region"):
        routed(monkeypatch, router, tmp_path)


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
