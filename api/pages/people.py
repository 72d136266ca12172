"""Signing in and out, and one's own account."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from ...graph.errors import ChainAtlasError
from ...viz.language import retell, say
from ..http.access import NOBODY, Caller, Role, access, caller_of, greeted, identified
from ..http.audit import author
from ..http.identity import cookie_name, set_cookie
from ..http.limits import address_of
from ..http.problems import NothingYet, Problem, as_problem
from ..http.routes_facts import service_of
from ..security import login, passwords
from ..security.roles import TITLES
from .shell import NAVIGATION, own_address, problem_page, render

router = APIRouter()

#: What a form's field may hold at most; longer ones are refused before anything is done.
Text = Annotated[str, Form(max_length=300)]


@router.get("/login")
@access(Role.public)
async def sign_in(request: Request, back: str = "/") -> Response:
    """The form to sign in; those who are signed in already are sent on."""
    caller = await identified(request)
    if caller is not None and caller.kind != "open":
        return RedirectResponse(own_address(back), 303)
    request.state.caller = caller or NOBODY
    return _login_page(request, back)


@router.post("/login")
@access(Role.public)
def signed_in(request: Request, name: Text, password: Text, back: Text = "/") -> Response:
    """Check name and password, and give the browser a new session."""
    if not same_origin(request):
        raise Problem("forbidden", say("登录请求来自别的网站，已拒绝。"))
    service = service_of(request)
    former = request.cookies.get(cookie_name(service.settings), "")
    try:
        _, token = login.log_in(
            service.work,
            name,
            password,
            address=address_of(request),
            by=author(request),
            former=former,
        )
    except login.RefusedError as error:
        return _refused(_login_page(request, back, name, retell(str(error)), _status(error)), error)
    answer = RedirectResponse(own_address(back), 303)
    set_cookie(answer, service.settings, token)
    return answer


@router.post("/logout")
@access(Role.viewer, anywhere=True)
def sign_out(request: Request) -> Response:
    """End the session."""
    service = service_of(request)
    token = request.cookies.get(cookie_name(service.settings), "")
    login.log_out(service.work, token, by=author(request))
    answer = RedirectResponse("/login", 303)
    set_cookie(answer, service.settings, "")
    return answer


@router.get("/account")
@access(Role.viewer)
def account(request: Request, done: str = "") -> Response:
    """Who one is here, and the form for another password."""
    return _account_page(request, done=bool(done))


@router.post("/account/password")
@access(Role.viewer, anywhere=True)
def change_password(request: Request, old: Text, new: Text, again: Text) -> Response:
    """Replace one's own password; other places where one was signed in are signed out."""
    caller, service = caller_of(request), service_of(request)
    if caller.kind != "session":
        raise Problem("forbidden", say("只有登录的用户才有密码。"))
    if new != again:
        return _account_page(request, say("两次输入的新密码不一样。"), 422)
    try:
        token = login.change_password(
            service.work,
            caller.name,
            old,
            new,
            address=address_of(request),
            by=author(request),
        )
    except login.RefusedError as error:
        return _refused(_account_page(request, retell(str(error)), _status(error)), error)
    except ChainAtlasError as error:
        return _account_page(request, retell(str(error)), as_problem(error).status)
    answer = RedirectResponse("/account?done=1", 303)
    set_cookie(answer, service.settings, token)
    return answer


async def show_problem(request: Request, problem: Problem) -> Response:
    """A problem as a page; who is not known yet is asked to sign in, and comes back afterwards."""
    if problem.code != "unauthenticated":
        if not hasattr(request.state, "caller"):  # an address that no route has
            request.state.caller = await greeted(request)
        titles = {address: title for address, title, _ in NAVIGATION}
        if isinstance(problem, NothingYet) and request.url.path in titles:
            return render(request, "nothing.html", title=titles[request.url.path])
        return problem_page(request, problem)
    back = request.url.path if request.method == "GET" else "/"
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    return RedirectResponse("/login?" + urlencode({"back": back + query}), 303)


def same_origin(request: Request) -> bool:
    """Whether a form was sent from a page of this server, by what browsers say of it.

    Someone who is not signed in has no token yet, so a page of another site could sign them in
    under its own account; browsers tell where a form came from, and cannot be made to lie.
    Programs that say nothing are no browsers.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _login_page(
    request: Request, back: str, name: str = "", error: str = "", status: int = 200
) -> Response:
    return render(
        request,
        "login.html",
        None,
        status,
        back=own_address(back),
        name=name,
        error=error,
        defined=request.app.state.directory.defined(),
    )


def _account_page(
    request: Request, error: str = "", status: int = 200, done: bool = False
) -> Response:
    caller: Caller = caller_of(request)
    return render(
        request,
        "account.html",
        None,
        status,
        title=TITLES[caller.role],
        shortest=passwords.SHORTEST,
        error=error,
        done=done,
    )


def _status(error: login.RefusedError) -> int:
    return 429 if error.wait_s else 403


def _refused(page: Response, error: login.RefusedError) -> Response:
    if error.wait_s:
        page.headers["retry-after"] = str(error.wait_s)
    return page
