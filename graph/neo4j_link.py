"""The line to a Neo4j server: address, credentials, retries, and errors a user can act on.

Addresses are ``SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]`` with the driver's own schemes:
``neo4j`` and ``bolt`` in the clear, ``+s`` with TLS and a certificate from a known authority,
``+ssc`` with TLS and a self-signed one. What the address leaves out comes from the environment:
``NEO4J_USERNAME``, ``NEO4J_PASSWORD``, ``NEO4J_DATABASE``. No message ever holds the password.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from .errors import NotFoundError, StoreBusyError, StoreError

if TYPE_CHECKING:
    import neo4j

SCHEMES = tuple(name + tls for name in ("neo4j", "bolt") for tls in ("", "+s", "+ssc"))
#: Seconds to wait for a connection, and for one of the pool to be free.
CONNECT_S = 10.0
#: How long a read or a write is tried again after transient errors; the pauses double from 1 s.
RETRY_S = 20.0
#: Seconds after which the server gives up a transaction of ours.
READ_S, WRITE_S = 300.0, 1800.0

_OUT_OF_MEMORY = "OutOfMemory"

T = TypeVar("T")


@dataclass(frozen=True)
class Address:
    """Where a store is and who asks.

    Attributes:
        scheme: One of SCHEMES.
        host: Name or number of the host.
        port: Bolt port.
        database: Name of the database, "" for the user's home database.
        user: "" where the server wants no authentication.
        password: Never shown, not even by ``repr``.
    """

    scheme: str
    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)

    @property
    def uri(self) -> str:
        """For the driver: without user, password and database."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.uri}/{self.database}" if self.database else self.uri

    @classmethod
    def parse(cls, text: str) -> Address:
        """Take an address apart and complete it from the environment.

        Raises:
            StoreError: It is none. The message does not repeat it, for it may hold a password.
        """
        shape = "应为 neo4j://主机[:端口][/数据库]"
        try:
            parts = urlsplit(text)
            port = parts.port or 7687
        except ValueError as error:
            raise StoreError(f"Neo4j 地址不正确：{shape}。") from error
        database = unquote(parts.path.strip("/"))
        if not parts.hostname or parts.query or parts.fragment or "/" in database:
            raise StoreError(f"Neo4j 地址不正确：{shape}。")
        if parts.scheme not in SCHEMES:
            raise StoreError(
                f"不支持的数据库地址：{parts.scheme}://（可用 {'、'.join(SCHEMES)}）。"
            )
        given = os.environ.get
        return cls(
            parts.scheme,
            parts.hostname,
            port,
            database or given("NEO4J_DATABASE", ""),
            unquote(parts.username or "") or given("NEO4J_USERNAME", ""),
            unquote(parts.password or "") or given("NEO4J_PASSWORD", ""),
        )


def is_address(text: str) -> bool:
    """Whether a text names a server rather than a file."""
    return "://" in text


class Link:
    """Transactions on one database.

    Args:
        address: Where.

    Raises:
        StoreError: The driver is missing, or the server cannot be used; see the message.
        NotFoundError: There is no such database.
    """

    def __init__(self, address: Address) -> None:
        try:
            import neo4j
        except ImportError as error:
            raise StoreError(
                "使用 Neo4j 需要驱动程序：pip install 'chainatlas[neo4j]'。"
            ) from error
        # What the driver has to say reaches the user as our errors, not as log lines of its own.
        logging.getLogger("neo4j").addHandler(logging.NullHandler())
        self.address = address
        with self._clear_errors():
            self._driver = neo4j.GraphDatabase.driver(
                address.uri,
                auth=(address.user, address.password) if address.user else None,
                connection_timeout=CONNECT_S,
                connection_acquisition_timeout=CONNECT_S * 2,
                connection_write_timeout=CONNECT_S * 3,
                max_transaction_retry_time=RETRY_S,
                max_connection_pool_size=4,
                notifications_min_severity="OFF",
                user_agent="chainatlas",
            )
            self._close = weakref.finalize(self, self._driver.close)
            try:
                # Once without trying again: a wrong port or password is told at once.
                self._check()
            except BaseException:
                self._close()
                raise

    def _check(self) -> None:
        with self._driver.session(database=self.address.database or None) as session:
            session.run("RETURN 1").consume()

    def read(self, work: Callable[[neo4j.ManagedTransaction], T]) -> T:
        """Run a unit of reading; tried again after transient errors."""
        return self._run(work, READ_S, write=False)

    def write(self, work: Callable[[neo4j.ManagedTransaction], T]) -> T:
        """Run a unit of writing in one transaction.

        Tried again after transient errors, when nothing of it was kept. Where the connection broke
        while the server was committing nobody knows; so ``work`` must see what it did before.
        """
        from neo4j.exceptions import IncompleteCommit

        try:
            return self._run(work, WRITE_S, write=True, translated=False)
        except IncompleteCommit:
            return self._run(work, WRITE_S, write=True)

    def _run(
        self,
        work: Callable[[neo4j.ManagedTransaction], T],
        seconds: float,
        *,
        write: bool,
        translated: bool = True,
    ) -> T:
        from neo4j import unit_of_work
        from neo4j.exceptions import IncompleteCommit, TransientError

        @unit_of_work(timeout=seconds)
        def timed(transaction: neo4j.ManagedTransaction) -> T:
            try:
                return work(transaction)
            except TransientError as error:
                if _OUT_OF_MEMORY in str(error.code):  # trying again would need as much
                    raise self._told(error) from error
                raise

        with (
            self._clear_errors(() if translated else (IncompleteCommit,)),
            self._driver.session(
                database=self.address.database or None,
                bookmark_manager=self._driver.execute_query_bookmark_manager,
                fetch_size=10_000,
            ) as session,
        ):
            return session.execute_write(timed) if write else session.execute_read(timed)

    def close(self) -> None:
        """Close all connections."""
        self._close()

    @contextmanager
    def _clear_errors(self, passed: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Errors of driver and server as errors that tell a user what to do."""
        from neo4j.exceptions import DriverError, Neo4jError

        try:
            yield
        except passed:
            raise
        except (DriverError, Neo4jError, OSError) as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> StoreError | NotFoundError:
        from neo4j import exceptions as known

        where, code = self.address, str(getattr(error, "code", "") or "")
        if isinstance(error, known.AuthError | known.TokenExpired):
            who = f"（用户 {where.user}）" if where.user else "（没有给出用户名）"
            return StoreError(
                f"{where} 不接受这个用户名或密码{who}：请检查 NEO4J_USERNAME 和 NEO4J_PASSWORD。"
            )
        if code.endswith("DatabaseNotFound"):
            return NotFoundError(f"{where.uri} 上没有名为 {where.database} 的数据库。")
        if isinstance(error, known.Forbidden):
            return StoreError(f"用户 {where.user} 在 {where} 上没有所需的权限。")
        if _OUT_OF_MEMORY in code:
            return StoreError(
                f"{where} 内存不足，本次没有写入任何内容：请调高 server.memory.heap.max_size。"
            )
        if "Timeout" in code or "TimedOut" in code or "LockClient" in code or "Deadlock" in code:
            return StoreBusyError(f"{where} 正忙，等待超时；没有写入任何内容，请稍后再试。")
        if isinstance(error, known.Neo4jError):
            return StoreError(f"{where} 拒绝了请求（{code or type(error).__name__}）。")
        if isinstance(error, known.ConfigurationError | known.UnsupportedServerProduct):
            return StoreError(f"无法使用 {where}：不是受支持的 Neo4j 服务器或地址有误。")
        # The driver hides the cause of a failed handshake behind its routing; so it is always told.
        hint = (
            "加密连接还要求服务器启用 TLS，且证书受本机信任（自签名证书用 +ssc，或用 SSL_CERT_FILE 指定签发者）。"
            if "+" in where.scheme
            else ""
        )
        return StoreError(f"连不上 {where}，或连接中断：请检查服务器是否运行、地址和网络。{hint}")
