"""The data, whole: packs as they can be loaded elsewhere."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from ..export import export_packs
from .access import Role, access
from .audit import record
from .formats import Json
from .routes_facts import VersionNumber
from .service import service_of

router = APIRouter(tags=["exports"])

_CHUNK = 2**18


def _file(media: str) -> dict[int | str, Json]:
    schema = {"type": "string", "format": "binary"}
    return {200: {"description": "文件", "content": {media: {"schema": schema}}}}


@router.get("/exports/packs.zip", responses=_file("application/zip"), response_class=Response)
@access(Role.analyst)
def packs(request: Request, version: VersionNumber = None) -> Response:
    """全部数据包：每包一个文件夹，可再次导入；不含隔离区（见 quarantine.csv）。"""
    service = service_of(request)
    view = service.view(version)
    archive = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it has been sent
    try:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "packs"
            service.work_out(lambda: export_packs(view, folder))
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
                for path in sorted(folder.rglob("*")):
                    if path.is_file():
                        out.write(path, path.relative_to(folder))
        record(request, "packs.export", f"version {view.version}", {"version": view.version})
    except BaseException:
        archive.close()
        raise
    return _download(archive, "application/zip", f"chainatlas-{view.version}.zip", view.version)


def _download(archive: IO[bytes], media: str, name: str, version: int) -> Response:
    size = archive.tell()
    archive.seek(0)

    def chunks() -> Iterator[bytes]:
        with archive:
            while part := archive.read(_CHUNK):
                yield part

    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "content-length": str(size),
        "data-version": str(version),
    }
    return StreamingResponse(chunks(), headers=headers, media_type=media)
