"""``chainatlas serve``: the pages and the HTTP API."""

from __future__ import annotations

from typing import Annotated

import typer

from ..graph.errors import ChainAtlasError
from .shell import Db, app, note


@app.command()
def serve(
    db: Db = "",
    host: Annotated[str, typer.Option("--host", help="监听地址。")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="端口。")] = 8000,
    workers: Annotated[int, typer.Option("--workers", min=1, help="进程数。")] = 1,
    https: Annotated[
        bool, typer.Option("--https", help="前面有 TLS 代理：Cookie 只经加密连接发送。")
    ] = False,
) -> None:
    """启动网页与 HTTP 接口。"""
    import uvicorn

    from .http.settings import Settings

    settings = Settings(db, host, port, workers, https)
    if not settings.loopback:
        raise ChainAtlasError(f"尚未定义用户，只能监听本机地址，不能监听 {host}。")
    settings.hand_over()
    note(f"http://{host}:{port} ：没有定义用户，本机可读，无须登录。")
    uvicorn.run(
        "chainatlas.api.http.app:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        server_header=False,
        log_level="warning",
    )
