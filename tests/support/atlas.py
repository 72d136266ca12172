"""A small store behind the HTTP application, its users and its keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from chainatlas.api.http.app import create_app
from chainatlas.api.http.settings import Settings
from chainatlas.api.security.keys import Keys
from chainatlas.api.security.ledger import CLI
from chainatlas.api.security.roles import EVERYWHERE, Role
from chainatlas.api.security.users import Users
from chainatlas.graph.store import open_store
from chainatlas.graph.work import WorkFile
from making import facts, load, named

PASSWORD = "correct horse 电池"


@dataclass(frozen=True)
class Atlas:
    """A served store.

    Attributes:
        settings: How it is served.
        app: The application.
    """

    settings: Settings
    app: FastAPI

    @classmethod
    def made(cls, folder: Path, **settings: object) -> Atlas:
        """A new store in a folder, with one cluster of Wuhan."""
        db = str(folder / "atlas.db")
        store = open_store(db, create=True)
        load(store, facts("p", clusters=named("ic", region="420100", tier="national")))
        store.close()
        chosen = Settings(db, **settings)  # type: ignore[arg-type]
        return cls(chosen, create_app(chosen))

    @property
    def work(self) -> WorkFile:
        """Its users, keys and audit."""
        return WorkFile(self.settings.work)

    def client(self, **more: object) -> TestClient:
        """Somebody nobody knows."""
        return TestClient(self.app, **more)  # type: ignore[arg-type]

    def key(self, role: Role, region: str = EVERYWHERE) -> dict[str, str]:
        """The headers of a program with a new key."""
        _, token = Keys(self.work).add(f"{role.name} {region}", role, region, by=CLI)
        return {"Authorization": f"Bearer {token}"}

    def person(self, role: Role, region: str = EVERYWHERE, name: str = "") -> Person:
        """A new user who is signed in."""
        name = name or f"{role.name}-{region}"
        Users(self.work).add(name, PASSWORD, role, region, by=CLI)
        return self.signed_in(name)

    def signed_in(self, name: str, password: str = PASSWORD) -> Person:
        """A user with a browser of their own."""
        person = Person(self.client(follow_redirects=False), name)
        answer = person.client.post("/login", data={"name": name, "password": password})
        assert answer.status_code == 303, answer.text
        return person


@dataclass(frozen=True)
class Person:
    """Somebody in front of a browser.

    Attributes:
        client: Keeps their cookies.
        name: Of the user.
    """

    client: TestClient
    name: str

    @property
    def token(self) -> str:
        """The CSRF token that their pages hold."""
        page = self.client.get("/account").text
        found = re.search(r'<meta name="csrf" content="([^"]*)">', page)
        assert found is not None
        return found[1]
