"""A real Neo4j Community server for tests: resolved by Maven, run on free ports of the loopback.

There is no Docker where the tests run. The server is the one on Maven Central; Maven puts it with
its dependencies into a cache folder once, and later runs start it from there without a network.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import neo4j
from neo4j.exceptions import DriverError, Neo4jError

#: The newest of the 5.26 line, which is supported for long and runs on Java 17.
RELEASE = "5.26.30"
USER, PASSWORD = "neo4j", "test only: 密码/@:"
#: The one user database of a Community server.
DATABASE = "neo4j"
#: Seconds a server may take to answer. Two cores that compile Java at once are slow.
START_S = 120.0

#: The server, and the artifact that holds its entry point.
_ARTIFACTS = ("org.neo4j.app:neo4j-server", "org.neo4j:neo4j")
_DEPENDENCY = """    <dependency>
      <groupId>{}</groupId>
      <artifactId>{}</artifactId>
      <version>{}</version>
    </dependency>"""
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>chainatlas.tests</groupId>
  <artifactId>neo4j</artifactId>
  <version>1</version>
  <dependencies>
{}
  </dependencies>
</project>
"""


class NoServerError(Exception):
    """There is no Java, no Maven, or Maven cannot fetch the server."""


def cache() -> Path:
    """Where the server's files are kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chainatlas" / "neo4j"


def libraries() -> Path:
    """The folder with the server's jars, filled by Maven where it is not there yet.

    Raises:
        NoServerError: It cannot be filled.
    """
    folder = cache() / RELEASE
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise NoServerError("no Maven to fetch Neo4j with (Debian: apt-get install maven)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        aside = Path(place) / "lib"
        wanted = [_DEPENDENCY.format(*name.split(":"), RELEASE) for name in _ARTIFACTS]
        (Path(place) / "pom.xml").write_text(_POM.format("\n".join(wanted)), "utf-8")
        fetch = [maven, "-B", "-q", "dependency:copy-dependencies", f"-DoutputDirectory={aside}"]
        done = subprocess.run(
            fetch, cwd=place, capture_output=True, text=True, timeout=900, check=False
        )
        if done.returncode != 0:
            raise NoServerError(f"Maven cannot fetch Neo4j: {done.stdout[-500:]}")
        if not folder.is_dir():  # another run may have been first
            aside.rename(folder)
    return folder


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server with a home folder of its own.

    Args:
        home: Its folder; what it keeps outlives the process.
        heap_mb: Most memory that Java may use for objects.
        keep_alive_s: How often it says that it is still there; a client takes twice the time of
            silence for a broken line.
        tuned: Let Java optimise for a long life rather than for a quick start.
        tls: Take encrypted connections alone, with a certificate made for it.
    """

    def __init__(
        self,
        home: Path,
        *,
        heap_mb: int = 1024,
        keep_alive_s: int = 60,
        tuned: bool = False,
        tls: bool = False,
    ) -> None:
        if shutil.which("java") is None:
            raise NoServerError("no Java for Neo4j (Debian: apt-get install default-jre-headless)")
        self.home = home
        self.port = free_port()
        self._heap = heap_mb
        self._keep_alive = keep_alive_s
        self._tier = 4 if tuned else 1
        self._tls = tls
        self._libraries = libraries()
        self._process: subprocess.Popen[bytes] | None = None
        self._driver: neo4j.Driver | None = None

    @property
    def bolt(self) -> str:
        """Address without user and password, for the driver."""
        return f"bolt{'+ssc' if self._tls else ''}://127.0.0.1:{self.port}"

    @property
    def certificate(self) -> Path:
        """The certificate that vouches for a server with TLS; its own authority."""
        return self.home / "certificates" / "bolt" / "public.crt"

    def address(
        self,
        *,
        scheme: str = "bolt",
        user: str = USER,
        password: str = PASSWORD,
        database: str = DATABASE,
        port: int | None = None,
    ) -> str:
        """Address as ChainAtlas takes it."""
        who = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"{scheme}://{who}@127.0.0.1:{port or self.port}/{quote(database, safe='')}"

    def start(self) -> None:
        """Start it and wait until it answers; with the password set, the first time."""
        conf = self.home / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        settings = {
            "initial.dbms.default_database": DATABASE,
            "server.default_listen_address": "127.0.0.1",
            "server.bolt.listen_address": f"127.0.0.1:{self.port}",
            "server.bolt.thread_pool_min_size": 2,
            "server.bolt.connection_keep_alive": f"{self._keep_alive}s",
            "server.bolt.connection_keep_alive_for_requests": "ALL",
            "server.http.enabled": "false",
            "server.memory.pagecache.size": "128m",
            "db.tx_log.preallocate": "false",
            "db.tx_log.rotation.size": "32m",
            "dbms.security.auth_max_failed_attempts": 0,
            # Small graphs change much at once; planning anew each time would take most of the time.
            "dbms.cypher.min_replan_interval": "1h",
            "dbms.usage_report.enabled": "false",
        }
        if self._tls:
            settings |= self._encryption()
        text = "\n".join(f"{name}={value}" for name, value in settings.items())
        (conf / "neo4j.conf").write_text(text + "\n", "utf-8")
        command = [
            "java",
            f"-Xmx{self._heap}m",
            "-Xms256m",
            "-XX:+UseParallelGC",
            f"-XX:TieredStopAtLevel={self._tier}",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "--add-opens=java.base/java.io=ALL-UNNAMED",
            "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
            "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
            "-cp",
            f"{self._libraries}/*",
            "org.neo4j.server.CommunityEntryPoint",
            f"--home-dir={self.home}",
            f"--config-dir={conf}",
        ]
        with (self.home / "console.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait()

    def _encryption(self) -> dict[str, object]:
        """Make a certificate for the loopback address and say where it is."""
        folder = self.certificate.parent
        if not folder.exists():
            folder.mkdir(parents=True)
            make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
            make += ["-subj", "/CN=chainatlas-test", "-addext", "subjectAltName=IP:127.0.0.1"]
            make += ["-keyout", str(folder / "private.key"), "-out", str(self.certificate)]
            subprocess.run(make, check=True, capture_output=True, timeout=60)
        return {
            "server.bolt.tls_level": "REQUIRED",
            "dbms.ssl.policy.bolt.enabled": "true",
            "dbms.ssl.policy.bolt.base_directory": folder,
            "dbms.ssl.policy.bolt.private_key": "private.key",
            "dbms.ssl.policy.bolt.public_certificate": self.certificate.name,
            "dbms.ssl.policy.bolt.client_auth": "NONE",
        }

    def _wait(self) -> None:
        assert self._process is not None
        end = time.monotonic() + START_S
        while True:
            try:
                # The driver itself would try again, with words on standard error.
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                self._set_password()
                return
            except (OSError, DriverError, Neo4jError) as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    self.kill()
                    said = (self.home / "console.log").read_text("utf-8", "replace")
                    raise RuntimeError(f"Neo4j does not start: {error}\n{said[-3000:]}") from error
                time.sleep(0.2)

    def _set_password(self) -> None:
        marker = self.home / "password-is-set"
        if not marker.exists():
            with neo4j.GraphDatabase.driver(self.bolt, auth=(USER, "neo4j")) as driver:
                driver.execute_query(
                    "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $new",
                    new=PASSWORD,
                    database_="system",
                )
            marker.touch()
        self.run("RETURN 1")

    def run(self, query: str, **values: object) -> list[dict[str, object]]:
        """Rows of a query, past the store that is tested."""
        if self._driver is None:
            self._driver = neo4j.GraphDatabase.driver(self.bolt, auth=(USER, PASSWORD))
        # Writes count as one transaction; nothing here is tried again.
        with self._driver.session(database=DATABASE) as session:
            return session.run(query, values).data()

    def wipe(self, *, schema: bool = False) -> None:
        """Delete every node; constraints and indexes too where asked, which takes longer."""
        self.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 20000 ROWS")
        if schema:
            for row in self.run("SHOW CONSTRAINTS YIELD name"):
                self.run(f"DROP CONSTRAINT `{row['name']}`")
            for row in self.run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"):
                self.run(f"DROP INDEX `{row['name']}`")

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._driver is not None:
            self._driver.close()
            self._driver = None
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None
