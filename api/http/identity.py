"""Who is calling: by key, by session, or, where nobody is defined, whoever sits at this machine."""

from __future__ import annotations

from fastapi import Request, Response

from ..security.directory import Directory
from ..security.sessions import LONGEST
from .access import Caller, Role
from .local import is_local
from .problems import Problem
from .service import Service
from .settings import Settings

#: The caller where no user and no key is defined and only this machine can reach the server.
OPEN = Caller("open", Role.analyst)


class Identifier:
    """What finds out who is calling.

    Args:
        service: Whose settings and work file decide.
    """

    def __init__(self, service: Service) -> None:
        self.directory = Directory(service.work)
        self._at_once = self.directory.at_once()
        self._cookie = cookie_name(service.settings)

    def __call__(self, request: Request) -> Caller | None:
        """The caller, None where it is nobody known; may wait for the work file.

        Raises:
            Problem: See :meth:`_find`.
            StoreError: The work file cannot be read.
        """
        return self._find(request, self.directory)

    def at_once(self, request: Request) -> Caller | None:
        """The same out of memory, without a thread to wait in.

        Raises:
            NotAtOnce: It is not in memory.
        """
        return self._find(request, self._at_once)

    def _find(self, request: Request, directory: Directory) -> Caller | None:
        """Find the caller.

        Raises:
            Problem: A key that does not work, or, where nobody is defined, a request that may come
                from elsewhere.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return _key(directory, token.strip())
        if cookie := request.cookies.get(self._cookie):
            session = directory.session(cookie)
            if session is not None:
                return Caller(session.name, session.role, session.region, "session", session.csrf)
        if directory.defined():
            return None
        if not is_local(request):
            raise Problem(
                "forbidden",
                "没有定义用户，只能在本机以 localhost 或 127.0.0.1 访问；"
                "经代理或从别处访问须先用 chainatlas users add 定义用户。",
            )
        return OPEN


def _key(directory: Directory, token: str) -> Caller:
    key = directory.key(token)
    if key is None:
        raise Problem("unauthenticated", "密钥不存在、已过期或已撤销。")
    return Caller(f"{key.name}/{key.prefix}", key.role, key.region, "key")


def cookie_name(settings: Settings) -> str:
    """Name of the session's cookie; over TLS one that no other host and no plain page can set."""
    return "__Host-chainatlas" if settings.https else "chainatlas"


def set_cookie(answer: Response, settings: Settings, token: str) -> None:
    """Give a browser the cookie of a session; an empty one takes it away."""
    answer.set_cookie(
        cookie_name(settings),
        token,
        max_age=int(LONGEST.total_seconds()) if token else 0,
        path="/",
        secure=settings.https,
        httponly=True,
        samesite="lax",
    )
