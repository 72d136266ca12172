"""The API against its own description: the file that is checked in, and made-up requests.

The suite tries few requests of each operation, by a key of the least role that may;
``CHAINATLAS_EXAMPLES=200`` tries that many, ``CHAINATLAS_ROLES="viewer analyst editor admin"`` by
those roles.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from chainatlas.api.http.access import Role
from chainatlas.api.http.app import create_app
from chainatlas.api.http.describe import text
from chainatlas.api.http.settings import Settings
from chainatlas.api.security.keys import Keys
from chainatlas.api.security.ledger import CLI
from chainatlas.api.security.roles import EVERYWHERE
from chainatlas.graph.schema import PROVENANCE, TABLES
from chainatlas.graph.work import WorkFile
from microcosm import Atlas

DOCS = Path(__file__).parent.parent.parent.parent / "docs"
EXAMPLES = int(os.environ.get("CHAINATLAS_EXAMPLES", "2"))
#: Values that lead somewhere: made-up ones alone would mostly be answered by 404.
KNOWN: Mapping[str, tuple[str, ...]] = {
    "region": ("420100", "420000", "420115", "310000"),
    "other": ("420200", "100000"),
    "cluster": ("ic", "fpd"),
    "product": ("litho", "dram", "none"),
    "enterprise": ("asml", "smee"),
    "node": ("Product:litho", "Enterprise:ymtc", "Region:420100"),
    "from": ("Product:litho", "1", "0"),
    "to": ("Enterprise:ymtc", "1"),
    "since": ("0", "1"),
    "land": ("smee:420115",),
    "lose": ("ymtc",),
    "grow": ("ymtc:2",),
    "q": ("光刻", "cjcc"),
}
#: Parameters whose grammar the description cannot state: made-up ones have tests of their own.
SPECIAL = frozenset({"cursor", "land", "lose", "grow", "from", "to"})
#: The check that faults are refused.
REFUSED = "negative_data_rejection"
SENSELESS = ("400", "404", "410")
#: What else a well-formed request may be refused with: what files hold, and what each kind of job
#: wants of its parameters and its caller, the description cannot state.
CONTENTS: Mapping[str, tuple[str, ...]] = {
    "/api/v1/uploads": ("413", "415", "422", "429"),
    "/api/v1/uploads/{number}/files": ("413", "415", "422", "429"),
    "/api/v1/jobs": ("403", "422", "429"),
}


def document() -> dict[str, Any]:
    return create_app(Settings("none.db")).openapi()


def test_the_file_is_the_program() -> None:
    """Made anew by ``python -m chainatlas.api.http.describe docs/openapi.json``."""
    assert (DOCS / "openapi.json").read_text("utf-8") == text(create_app(Settings("none.db")))


def test_every_operation_states_its_access_and_its_problems() -> None:
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            assert operation["x-access"]["role"] in Role.__members__, path
            answers = operation["responses"]
            assert {"401", "403", "404", "422", "429", "500", "503"} <= set(answers), (path, method)
            for status, answer in answers.items():
                if status >= "400":
                    assert "application/problem+json" in answer["content"], (path, status)
            assert operation["description"], path


def test_nodes_are_described_by_the_schema() -> None:
    schemas = document()["components"]["schemas"]
    for table in ("clusters", "links", "products", "enterprises", "institutes", "projects"):
        row = schemas[table.capitalize()]["properties"][table]["items"]
        for column in (*TABLES[table].own, *PROVENANCE):
            member = row["properties"][column.name]
            assert member["description"] == column.zh
            if column.unit and not column.whole:
                assert member["unit"] == column.unit


#: Roles that ask: the least that may, unless all are asked for.
ROLES = tuple(os.environ.get("CHAINATLAS_ROLES", "").split()) or ("",)
#: What is asked of each; where there are no parameters, none can be wrong.
OPERATIONS = [
    (path, method, mode, role or item[method]["x-access"]["role"])
    for path, item in document()["paths"].items()
    for method in item
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    for role in ROLES
    if mode is GenerationMode.POSITIVE or item[method].get("parameters")
]


@dataclass(frozen=True)
class Keyed:
    """A store with a key for each role."""

    atlas: Atlas
    keys: Mapping[str, str]


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Keyed:
    """The small country, of which nothing is told without a key."""
    atlas = Atlas(tmp_path_factory.mktemp("keyed"))
    known = Keys(WorkFile(atlas.service.settings.work))
    keys = {
        role.name: known.add(role.name, role, EVERYWHERE, by=CLI)[1]
        for role in Role
        if role is not Role.public
    }
    return Keyed(atlas, keys)


def is_sayable(query: Mapping[str, Any], lists: frozenset[str]) -> bool:
    """Whether an address says what was made up: no list where one value goes, nothing empty.

    An address of ``{"kind": []}`` has no parameter at all, and one of ``[0]`` and ``null`` reads
    like 0 and "null": what was wrong with them is not asked.
    """

    def says(name: str, value: Any) -> bool:
        if name in lists:
            return isinstance(value, list) and value != [] and all(type(v) is str for v in value)
        return name != "" and isinstance(value, str | int | float)

    return all(says(*each) for each in query.items())


@pytest.mark.parametrize(("path", "method", "mode", "role"), OPERATIONS, ids=lambda v: str(v))
def test_made_up_requests_are_answered_as_described(
    keyed: Keyed, path: str, method: str, mode: GenerationMode, role: str
) -> None:
    """Schemathesis, all checks: no 5xx, no answer that is not described, no fault let through."""
    schema = schemathesis.openapi.from_dict(keyed.atlas.app.openapi())
    schema.app = keyed.atlas.app
    operation = schema[path][method.upper()]
    checks: Any = CHECKS.get_all()
    parameters = operation.definition.raw.get("parameters", ())
    declared = {p["name"] for p in parameters}
    lists = frozenset(p["name"] for p in parameters if "items" in str(p["schema"]))
    # A question can be well formed and yet make no sense for these facts, or be about a version
    # that is gone; and a role may not be enough.
    enough = Role[role] >= Role[operation.definition.raw["x-access"]["role"]]
    fine = ["2xx", "304", *SENSELESS, *CONTENTS.get(path, ()), *([] if enough else ["403"])]
    schema.config.checks.positive_data_acceptance.expected_statuses = fine
    headers = {"Authorization": f"Bearer {keyed.keys[role]}"} if role in keyed.keys else {}

    @settings(
        max_examples=EXAMPLES,
        # The few of the suite are always the same; the many of a search are new each time.
        derandomize="CHAINATLAS_EXAMPLES" not in os.environ,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def ask(case: Any, data: st.DataObject) -> None:
        if mode is GenerationMode.POSITIVE:
            query = {k: v for k, v in (case.query or {}).items() if k not in SPECIAL}
            for name in declared & KNOWN.keys():
                if name in SPECIAL or data.draw(st.integers(0, 3)):
                    query[name] = data.draw(st.sampled_from(KNOWN[name]))
            case.query = query
        unsaid = [] if is_sayable(case.query or {}, lists) else [CHECKS.get_one(REFUSED)]
        case.call_and_validate(
            "http://127.0.0.1", headers=headers, checks=checks, excluded_checks=unsaid
        )

    ask()
