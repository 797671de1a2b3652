"""MariaDB, standing in for MySQL."""

import contextlib
import subprocess
from pathlib import Path

import pymysql

from servers.container import Container
from servers.ports import HOST, free_port
from servers.process import LocalProcess, run_as, scratch_directory
from servers.server import Engine, Server, StartFailed, installed_program, require_docker, started

IMAGE = "mariadb:10.11"
ACCOUNT = "mysql"


class MariaDb(Server):
    """An empty database `app`; the user may create others."""

    user = "root"
    password = "app-password"
    database = "app"

    def __init__(self, engine: Engine, port: int) -> None:
        super().__init__(engine)
        self.port = port

    @property
    def section(self) -> dict[str, str | int]:
        """The `database` section that points at this server."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "name": self.database,
        }

    def is_ready(self) -> bool:
        try:
            self.execute("SELECT 1")
        except pymysql.MySQLError:
            return False
        return True

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Runs one statement, committed, and returns its rows."""
        with contextlib.closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def _connect(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=self.database,
            autocommit=True,
            connect_timeout=5,
        )


def open_mariadb() -> contextlib.AbstractContextManager[MariaDb]:
    """A MariaDB of one's own; raises Missing where there is none."""
    if installed_program("mariadbd") and installed_program("mariadb-install-db"):
        return started(_build_local, lambda: scratch_directory("mariadb", ACCOUNT))
    require_docker("MariaDB", "apt-get install mariadb-server")
    return started(_build_container, lambda: scratch_directory("mariadb"))


def _build_container(_: Path) -> MariaDb:
    port = free_port()
    env = {"MARIADB_ROOT_PASSWORD": MariaDb.password, "MARIADB_DATABASE": MariaDb.database}
    return MariaDb(Container(IMAGE, env=env, arguments=[f"--port={port}", f"--bind-address={HOST}"]), port)


def _build_local(home: Path) -> MariaDb:
    settings = [
        f"--datadir={home / 'data'}",
        f"--tmpdir={home}",
        "--innodb-log-file-size=16M",
        "--innodb-buffer-pool-size=32M",
        "--innodb-flush-log-at-trx-commit=2",
        "--innodb-doublewrite=0",
        "--skip-name-resolve",
    ]
    _install(home, settings)
    port = free_port()
    daemon = [
        installed_program("mariadbd") or "",
        "--no-defaults",
        *settings,
        f"--socket={home / 's.sock'}",
        f"--pid-file={home / 'pid'}",
        f"--port={port}",
        f"--bind-address={HOST}",
        f"--init-file={home / 'init.sql'}",
        "--skip-log-bin",
        "--performance-schema=OFF",
        "--character-set-server=utf8mb4",
        "--default-time-zone=+00:00",
    ]
    return MariaDb(LocalProcess(daemon, home=home, user=ACCOUNT), port)


def _install(home: Path, settings: list[str]) -> None:
    account = f"'{MariaDb.user}'@'{HOST}'"
    (home / "init.sql").write_text(
        f"CREATE DATABASE IF NOT EXISTS {MariaDb.database};\n"
        f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{MariaDb.password}';\n"
        f"ALTER USER {account} IDENTIFIED BY '{MariaDb.password}';\n"
        f"GRANT ALL ON *.* TO {account} WITH GRANT OPTION;\n"
    )
    done = subprocess.run(
        [
            *run_as(ACCOUNT),
            installed_program("mariadb-install-db") or "",
            "--no-defaults",
            *settings,
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StartFailed(done.stdout + done.stderr)
