"""The OpenAPI document, as it is served and as it stands in ``docs/openapi.json``.

    python -m chainatlas.api.http.describe docs/openapi.json

writes it anew; a test compares the file with the program.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from . import problems
from .access import Role

_DESCRIPTION = """\
产业链知识图谱与强补延固链诊断。金额为人民币元（流量为每年），份额为 0..1；未知为 null。
每个答案写明所依据的数据版本；错误为 application/problem+json（RFC 9457），见 /docs/problems。
只做加法的变更规则见 docs/api-stability.md。"""


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=_DESCRIPTION,
            routes=app.routes,
        )
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        made["components"]["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "密钥，见 chainatlas keys。"}
        }
        schemas["Problem"] = dict(problems.SCHEMA)
        # Faults are problems here, not what FastAPI would answer.
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for item in made["paths"].values():
            for operation in item.values():
                _share(operation, schemas)
                if operation["x-access"]["role"] != Role.public.name:
                    operation["security"] = [{"key": []}]
        app.openapi_schema = made
    return app.openapi_schema


def _share(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Move the schema of an answer that has a title to the components, where others find it."""
    for answer in operation.get("responses", {}).values():
        for media in answer.get("content", {}).values():
            schema = media.get("schema", {})
            title = str(schema.get("title", ""))
            if not title.startswith("chainatlas "):
                continue
            words = title.removeprefix("chainatlas ").replace("-", " ").split()
            name = "".join(word[:1].upper() + word[1:] for word in words)
            if schemas.setdefault(name, schema) == schema:
                media["schema"] = {"$ref": f"#/components/schemas/{name}"}


def text(app: FastAPI) -> str:
    """The document as the file holds it."""
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main(out: str) -> None:
    """Write the document to a file."""
    from .app import create_app
    from .settings import Settings

    Path(out).write_text(text(create_app(Settings("chainatlas.db"))), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
