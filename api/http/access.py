"""Who may call what. A route states its rule with :func:`access`; one without a rule is refused.

Every route of the application, pages too, passes :func:`authorise`. The rule is part of the OpenAPI
document as ``x-access``, from which the tests make their matrix of role, route and region.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from ...graph import regions as geo
from ...graph.errors import StoreError
from ..security.directory import NotAtOnce
from ..security.roles import EVERYWHERE as EVERYWHERE
from ..security.roles import Role as Role
from .limits import Limiter, address_of
from .local import is_local
from .problems import Problem

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_RULE = "__chainatlas_access__"
#: Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: Where a person's browser sends the CSRF token back: a script in the header, a form in the field.
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"
#: A route that reads the second kind as a stream gets the token by the header alone.
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True)
class Caller:
    """Who is calling.

    Attributes:
        name: Name of the user or of the key, for the audit.
        role: What they may do.
        region: They see answers about this region and those below it.
        kind: ``open`` (nobody is defined, loopback), ``session`` (a person), ``key`` (a machine) or
            ``nobody`` (nobody known, on a public route).
        csrf: Token that a person's forms must send back; empty for machines.
    """

    name: str
    role: Role
    region: str = EVERYWHERE
    kind: str = "open"
    csrf: str = ""

    @property
    def actor(self) -> str:
        """Who they are in the audit."""
        prefix = {"session": "user:", "key": "key:"}.get(self.kind)
        return self.kind if prefix is None else prefix + self.name

    def may_see(self, region: str) -> bool:
        """Whether a region lies inside the scope."""
        return self.region == EVERYWHERE or (
            geo.exists(region) and geo.contains(self.region, region)
        )


@dataclass(frozen=True)
class Rule:
    """The rule of a route.

    Attributes:
        role: The least role.
        regions: Names of the path and query parameters that hold regions; each that is given must
            lie inside the caller's scope, and a caller with a scope must give the first one, unless
            ``anywhere``.
        reads: Whether it changes nothing although its method could, such as a question that is too
            long for an address.
        anywhere: Whether a caller with a scope may call it without naming a region: their own
            account, a page that then chooses their own region, or a route that checks the region of
            its body with :meth:`Caller.may_see`. Without it, changes and administration that name
            no region are refused to them.
        local: Whether it is public where only this machine can reach the server.
        unscoped: Names of parameters and of members of the body that hold regions which need not
            lie in the scope, as they choose among facts, which are the same for all.
    """

    role: Role
    regions: tuple[str, ...] = ()
    reads: bool = False
    anywhere: bool = False
    local: bool = False
    unscoped: tuple[str, ...] = ()

    def stated(self) -> dict[str, Any]:
        """The rule as the OpenAPI document states it."""
        marks = [name for name in ("reads", "anywhere", "local") if getattr(self, name)]
        return {
            "role": self.role.name,
            "regions": list(self.regions),
            **dict.fromkeys(marks, True),
            **({"unscoped": list(self.unscoped)} if self.unscoped else {}),
        }


#: The caller of a public route.
NOBODY = Caller("", Role.public, kind="nobody")


def access(
    role: Role,
    *regions: str,
    reads: bool = False,
    anywhere: bool = False,
    local: bool = False,
    unscoped: tuple[str, ...] = (),
) -> Callable[[Endpoint], Endpoint]:
    """State the rule of a route (see :class:`Rule`); stands under the route's own decorator."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _RULE, Rule(role, regions, reads, anywhere, local, unscoped))
        return endpoint

    return mark


def rule_of(endpoint: object) -> Rule | None:
    """The rule of a route, or None where it has none."""
    return getattr(endpoint, _RULE, None)


#: Finds out who is calling; None where it is nobody known.
Identify = Callable[[Request], Caller | None]


@runtime_checkable
class Prompt(Protocol):
    """An :data:`Identify` that can often answer without waiting for anything."""

    def at_once(self, request: Request) -> Caller | None:
        """The caller.

        Raises:
            NotAtOnce: It would have to wait.
        """


async def authorise(request: Request) -> None:
    """Let a request through or refuse it; a dependency of the whole application."""
    rule = rule_of(request.scope.get("endpoint"))
    if rule is None:
        raise Problem("forbidden", "此地址没有访问规则。")
    if rule.role is Role.public or (rule.local and is_local(request)):
        request.state.caller = NOBODY
        _take_turn(request, NOBODY)
        return
    caller = await identified(request)
    _take_turn(request, caller or NOBODY)
    if caller is None:
        raise Problem("unauthenticated")
    request.state.caller = caller
    if caller.role < rule.role:
        raise Problem("forbidden", f"需要角色 {rule.role.name}。")
    _check_regions(request, caller, rule)
    if request.method not in SAFE and not rule.reads:
        await _check_write(request, caller)


async def identified(request: Request) -> Caller | None:
    """Who is calling, on any route; asked once for each request."""
    if not hasattr(request.state, "identified"):
        identify: Identify = request.app.state.identify
        try:
            # A thread costs several times what the answer does where that is in memory.
            found = identify.at_once(request) if isinstance(identify, Prompt) else None
            if found is None:
                raise NotAtOnce
        except NotAtOnce:
            found = await run_in_threadpool(identify, request)
        request.state.identified = found
    known: Caller | None = request.state.identified
    return known


async def greeted(request: Request) -> Caller:
    """Who a page that anybody may see is shown to; nobody where that cannot be found out."""
    with suppress(Problem, StoreError):
        return await identified(request) or NOBODY
    return NOBODY


def _take_turn(request: Request, caller: Caller) -> None:
    """Refuse who asks too often: a known caller by name, others by address."""
    if caller.kind == "open":
        return
    limiter: Limiter = request.app.state.limiter
    name = address_of(request) if caller.kind == "nobody" else caller.actor
    if wait := limiter.take(name):
        raise Problem("too-many-requests", headers={"Retry-After": str(wait)})


async def _check_write(request: Request, caller: Caller) -> None:
    """Refuse a change in open mode, and one that a person's browser was tricked into."""
    if caller.kind == "open":
        raise Problem("forbidden", "没有定义用户时只能读；请先用 chainatlas users add 定义用户。")
    if caller.kind != "session":
        return
    given: object = request.headers.get(CSRF_HEADER)
    kind = request.headers.get("content-type", "")
    if given is None and kind.startswith(_FORMS):
        if kind.startswith(_FORMS[0]):
            with suppress(RuntimeError):  # the form was parsed for the route already
                await request.body()  # kept, so that the route may still read it as it is
        given = (await request.form()).get(CSRF_FIELD)
    if not isinstance(given, str) or not hmac.compare_digest(
        given.encode("utf-8", "replace"), caller.csrf.encode()
    ):
        raise Problem("forbidden", "表单已失效，请刷新页面后重新提交。")


def _check_regions(request: Request, caller: Caller, rule: Rule) -> None:
    if caller.region == EVERYWHERE:
        return
    changes = request.method not in SAFE and not rule.reads
    if not rule.regions and not rule.anywhere and (changes or rule.role is Role.admin):
        raise Problem("forbidden", f"此操作不分地区，地区范围为 {caller.region} 的用户不能使用。")
    for at, name in enumerate(rule.regions):
        given = [
            *request.query_params.getlist(name),
            *([str(request.path_params[name])] if name in request.path_params else []),
        ]
        if not any(given):
            if at == 0 and not rule.anywhere:
                raise Problem("forbidden", f"须指明范围 {caller.region} 内的地区：{name}。")
        # All of them: which of several a route takes is its own affair.
        elif not all(caller.may_see(code) for code in given):
            raise Problem("forbidden", f"超出地区范围 {caller.region}。")


def caller_of(request: Request) -> Caller:
    """Who is calling a route that is not public."""
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller
