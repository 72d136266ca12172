"""管理: users, keys and the audit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from ...graph import regions as geo
from ...graph.errors import ChainAtlasError
from ...viz.language import retell, say
from ...viz.words import place_name
from ..answers_security import DISABLED, spaced, state
from ..http.access import Role, access, caller_of
from ..http.audit import author
from ..http.problems import as_problem
from ..http.routes_facts import service_of
from ..security import keys, passwords
from ..security.keys import Keys
from ..security.ledger import Ledger
from ..security.roles import EVERYWHERE, TITLES, role_named
from ..security.users import Users
from .people import Text
from .shell import render

router = APIRouter(prefix="/admin")

#: Rows of the audit on one page.
PAGE = 100
#: The province whose cities are offered beside the provinces; others are typed.
HOME = "420000"


@router.get("")
@access(Role.admin)
def users(request: Request) -> Response:
    """Everybody, and the form for a new user."""
    return _users_page(request)


@router.post("/users")
@access(Role.admin)
def add_user(
    request: Request, name: Text, password: Text, role: Text, region: Text = EVERYWHERE
) -> Response:
    """Define a user."""
    typed = {"name": name, "role": role, "region": region}

    def add() -> None:
        _users(request).add(
            name, password, role_named(role), region or EVERYWHERE, by=author(request)
        )

    return _do(request, add, "/admin", _users_page, typed)


@router.post("/users/{name}/role")
@access(Role.admin)
def change_role(request: Request, name: str, role: Text, region: Text = EVERYWHERE) -> Response:
    """Give a user another role and scope."""

    def change() -> None:
        _not_oneself(request, name)
        _users(request).set_role(name, role_named(role), region or EVERYWHERE, by=author(request))

    return _do(request, change, "/admin", _users_page)


@router.post("/users/{name}/password")
@access(Role.admin)
def reset_password(request: Request, name: str, password: Text) -> Response:
    """Give a user another password."""

    def change() -> None:
        _not_oneself(request, name)
        _users(request).set_password(name, password, by=author(request))

    return _do(request, change, "/admin", _users_page)


@router.post("/users/{name}/disable")
@access(Role.admin)
def disable_user(request: Request, name: str) -> Response:
    """Take a user's access away."""

    def disable() -> None:
        _not_oneself(request, name)
        _users(request).disable(name, by=author(request))

    return _do(request, disable, "/admin", _users_page)


@router.post("/users/{name}/enable")
@access(Role.admin)
def enable_user(request: Request, name: str) -> Response:
    """Give a user access again."""
    return _do(
        request,
        lambda: _users(request).enable(name, by=author(request)),
        "/admin",
        _users_page,
    )


@router.get("/keys")
@access(Role.admin)
def all_keys(request: Request) -> Response:
    """Every key, and the form for a new one."""
    return _keys_page(request)


@router.post("/keys")
@access(Role.admin)
def add_key(
    request: Request,
    name: Text,
    role: Text,
    region: Text = EVERYWHERE,
    days: Annotated[int, Form(ge=0, le=keys.MOST_DAYS)] = keys.DAYS,
) -> Response:
    """Make a key; the page that answers is the only one that shows it."""
    typed = {"name": name, "role": role, "region": region, "days": days}
    try:
        key, token = _keys(request).add(
            name, role_named(role), region or EVERYWHERE, days or None, by=author(request)
        )
    except ChainAtlasError as error:
        return _keys_page(request, typed, retell(str(error)), as_problem(error).status)
    page = _keys_page(request, made={"name": key.name, "token": token})
    page.headers["cache-control"] = "no-store"
    return page


@router.post("/keys/{prefix}/revoke")
@access(Role.admin)
def revoke_key(request: Request, prefix: str) -> Response:
    """Take a key's access away."""
    return _do(
        request,
        lambda: _keys(request).revoke(prefix, by=author(request)),
        "/admin/keys",
        _keys_page,
    )


@router.get("/audit")
@access(Role.admin)
def audit(
    request: Request,
    actor: Annotated[str, Query(max_length=200)] = "",
    action: Annotated[str, Query(max_length=200)] = "",
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    verify: bool = False,
) -> Response:
    """The audit, newest first, and whether it is whole."""
    ledger = Ledger(service_of(request).work)
    entries = ledger.newest(PAGE + 1, before, actor.strip(), action.strip())
    return render(
        request,
        "audit.html",
        entries=[{**vars(e), "at": spaced(e.at)} for e in entries[:PAGE]],
        older=entries[PAGE - 1].number if len(entries) > PAGE else None,
        actor=actor,
        action=action,
        before=before,
        verdict=ledger.verify() if verify else None,
    )


def _do(
    request: Request,
    work: Callable[[], object],
    then: str,
    page: Callable[..., Response],
    typed: dict[str, Any] | None = None,
) -> Response:
    """Do something and go to a page; where it is refused, show the form again with the reason."""
    try:
        work()
    except ChainAtlasError as error:
        return page(request, typed, retell(str(error)), as_problem(error).status)
    return RedirectResponse(then, 303)


def _not_oneself(request: Request, name: str) -> None:
    """So that an administrator is always left, nobody takes their own access away."""
    if caller_of(request).kind == "session" and caller_of(request).name == name:
        raise ChainAtlasError(say("不能在这里更改自己的账户。"))


def _users_page(
    request: Request, typed: dict[str, Any] | None = None, error: str = "", status: int = 200
) -> Response:
    found = [
        {
            **vars(user),
            "role": user.role.name,
            "title": TITLES[user.role],
            "state": DISABLED if user.disabled_at else "",
            "created_at": spaced(user.created_at),
        }
        for user in _users(request).all()
    ]
    return render(
        request,
        "users.html",
        None,
        status,
        users=found,
        typed={"name": "", "role": "viewer", "region": "", **(typed or {})},
        error=error,
        shortest=passwords.SHORTEST,
        **_choices(),
    )


def _keys_page(
    request: Request,
    typed: dict[str, Any] | None = None,
    error: str = "",
    status: int = 200,
    made: dict[str, str] | None = None,
) -> Response:
    found = [
        {
            **vars(key),
            "title": TITLES[key.role],
            "works": key.works,
            "state": state(key),
            "created_at": spaced(key.created_at),
            "expires_at": spaced(key.expires_at),
            "used_at": spaced(key.used_at),
        }
        for key in _keys(request).all()
    ]
    return render(
        request,
        "keys.html",
        None,
        status,
        keys=found,
        made=made,
        typed={"name": "", "role": "viewer", "region": "", "days": keys.DAYS, **(typed or {})},
        error=error,
        most=keys.MOST_DAYS,
        **_choices(),
    )


def _choices() -> dict[str, Any]:
    codes = (EVERYWHERE, *geo.children(EVERYWHERE), *geo.children(HOME))
    return {
        "roles": [(role.name, title) for role, title in TITLES.items()],
        "regions": [(code, place_name(code)) for code in codes],
        "everywhere": EVERYWHERE,
    }


def _users(request: Request) -> Users:
    return Users(service_of(request).work)


def _keys(request: Request) -> Keys:
    return Keys(service_of(request).work)
