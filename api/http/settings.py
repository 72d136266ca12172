"""Everything that ``chainatlas serve`` can choose, in one object that worker processes share."""

from __future__ import annotations

import ipaddress
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ...graph.work import work_path

#: Carries the settings from the command to its worker processes.
ENVIRONMENT = "CHAINATLAS_SERVE"


@dataclass(frozen=True)
class Settings:
    """How the application is served.

    Attributes:
        db: Address of the store.
        host: Address to listen on.
        port: Port to listen on.
        workers: Number of processes.
        https: Whether people reach it over TLS (a proxy's), so that cookies are marked secure.
        max_body: Largest request body in bytes; uploads included.
        rate: Requests a second that one caller may make of one process; 0: as many as they like.
        boundaries: The bureau's own outlines (GeoJSON file or folder); "" for those that ship.
        patience: Seconds after which who waits for a page is shown how far it is; 0: never.
    """

    db: str
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    https: bool = False
    max_body: int = 64 * 2**20
    rate: float = 0
    boundaries: str = ""
    patience: float = 0

    @property
    def work(self) -> Path:
        """The work file: users, keys, audit, jobs, follow-ups."""
        return work_path(self.db)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    def hand_over(self) -> None:
        """Leave the settings in the environment for worker processes."""
        os.environ[ENVIRONMENT] = json.dumps(asdict(self))

    @classmethod
    def received(cls) -> Settings:
        """The settings that the command left in the environment."""
        return cls(**json.loads(os.environ[ENVIRONMENT]))


def is_loopback(host: str) -> bool:
    """Whether a name or address of a host can only mean the machine itself.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost.example.org")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
