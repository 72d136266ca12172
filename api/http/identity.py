"""Who is calling: nobody defined and loopback means open for reading."""

from __future__ import annotations

from fastapi import Request

from .access import Caller, Identify, Role
from .service import Service

#: The caller where no user and no key is defined and only this machine can reach the server.
OPEN = Caller("open", Role.analyst)


def identifier(service: Service) -> Identify:
    """What finds out who is calling.

    Args:
        service: Whose settings and work file decide.
    """

    def identify(_: Request) -> Caller | None:
        return OPEN if service.settings.loopback else None

    return identify
