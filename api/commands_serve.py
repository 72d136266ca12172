"""``chainatlas serve``: the pages and the HTTP API."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ..graph.errors import ChainAtlasError
from ..graph.work import WorkFile
from .security.directory import Directory
from .shell import BoundaryFile, Db, app, note

#: Seconds that requests under way get to finish when the server is told to stop.
GRACE_S = 30
#: Requests a second of one caller where nothing else is said.
RATE = 200.0
#: Seconds after which who waits for a page is shown how far it is.
PATIENCE_S = 0.7


@app.command()
def serve(
    db: Db = "",
    host: Annotated[str, typer.Option("--host", help="监听地址。")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="端口。")] = 8000,
    workers: Annotated[int, typer.Option("--workers", min=1, help="进程数。")] = 1,
    https: Annotated[
        bool, typer.Option("--https", help="前面有 TLS 代理：Cookie 只经加密连接发送。")
    ] = False,
    rate: Annotated[
        float, typer.Option("--rate", min=0, help="每个调用者每秒请求数上限（每个进程）；0 不限。")
    ] = RATE,
    boundaries: BoundaryFile = None,
) -> None:
    """启动网页与 HTTP 接口。"""
    import uvicorn

    from .http.logs import LOGGING
    from .http.settings import Settings

    own = "" if boundaries is None else str(boundaries.resolve())
    if own:
        from ..viz.boundaries import read_boundaries

        read_boundaries(Path(own))  # what is wrong with it is told here, not to visitors
    settings = Settings(
        db, host, port, workers, https, rate=rate, boundaries=own, patience=PATIENCE_S
    )
    _explain(settings.loopback, https, Directory(WorkFile(settings.work)).defined(), host)
    settings.hand_over()
    with _shared_figures(workers):
        uvicorn.run(
            "chainatlas.api.http.app:create_app",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            server_header=False,
            access_log=False,
            log_config=LOGGING,
            timeout_graceful_shutdown=GRACE_S,
        )


def _explain(loopback: bool, https: bool, defined: bool, host: str) -> None:
    """Say who will be able to do what; refuse to open the server to strangers."""
    if not defined and not loopback:
        raise ChainAtlasError(
            f"尚未定义用户，只能监听本机地址，不能监听 {host}。先运行 chainatlas users add。"
        )
    if not defined:
        note("注意：没有定义用户和密钥，本机上的任何人都可以读取全部数据，无须登录；不能写入。")
        note("　　　定义用户：chainatlas users add NAME --role admin")
    elif not loopback and not https:
        note(
            "警告：没有 --https，密码和密钥将以明文在网络上传输。请在前面放 TLS 代理并加 --https。"
        )


@contextmanager
def _shared_figures(workers: int) -> Iterator[None]:
    """A folder in which several workers add up their figures, for as long as they run."""
    from .http.metrics import FOLDER

    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="chainatlas-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]
