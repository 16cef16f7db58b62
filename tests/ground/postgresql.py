"""A PostgreSQL server of the test run's own, from the machine's binaries, gone when the run is over."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from filelock import FileLock

from data import migrate
from data.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "inseason-tests-"
OWNER = "inseason"
TEMPLATE = "migrated"
# A server that lives for one test run need not survive a power cut.
OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=''")


@dataclass(frozen=True)
class PostgreSQL:
    """A server whose files and socket are in one folder."""

    folder: Path
    binaries: Path

    def url(self, name: str) -> str:
        """The SQLAlchemy address of one of its databases."""
        return f"postgresql+psycopg://{OWNER}@/{name}?host={self.folder}"

    @contextmanager
    def new_database(self, template: str = TEMPLATE) -> Iterator[str]:
        """A database for one test, a copy of the template, as a SQLAlchemy address; dropped at the end."""
        name = f"test_{uuid.uuid4().hex}"
        self._ask(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self._ask(f"DROP DATABASE {name} WITH (FORCE)")

    def start(self) -> None:
        """Make the cluster, start it, and migrate the template database once."""
        files = self.folder / "cluster"
        files.mkdir()
        if account := _account():
            shutil.chown(files, account["user"], account["group"])
            shutil.chown(self.folder, account["user"], account["group"])
        self._run(
            "initdb", f"--username={OWNER}", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"
        )
        options = " ".join(f"-c {option}" for option in OPTIONS) + f" -k '{self.folder}'"
        self._run("pg_ctl", "start", "--wait", "--log", f"{self.folder}/server.log", "--options", options)
        self._ask(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
        database = Database(self.url(TEMPLATE))
        migrate.upgrade(database)
        database.dispose()

    def stop(self) -> None:
        """Stop it at once."""
        with suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "stop", "--wait", "--mode", "immediate")

    def _ask(self, statement: str) -> None:
        folder = str(self.folder)
        with psycopg.connect(host=folder, user=OWNER, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.binaries / program, "--pgdata", self.folder / "cluster", *arguments],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            **_account(),
        )


def find_binaries() -> Path | None:
    """The folder of PostgreSQL's programs: the one in the path, else the newest that Debian keeps aside."""
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    folders = sorted(debian, key=lambda path: float(path.parent.name), reverse=True)
    if found := shutil.which("initdb"):
        folders.insert(0, Path(found).resolve().parent)
    return next((path for path in folders if (path / "initdb").exists() and (path / "pg_ctl").exists()), None)


def new_run_folder() -> Path:
    """A folder for what all workers of this run share."""
    # A socket's path has at most about 100 characters.
    short = tempfile.gettempdir() if len(tempfile.gettempdir()) < 50 else "/tmp"  # noqa: S108
    for left in Path(short).glob(f"{PREFIX}*"):
        if not _runs(left):
            close_run_folder(left)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=short))
    (folder / "pid").write_text(str(os.getpid()))
    return folder


def close_run_folder(folder: Path) -> None:
    """Stop the run's server, if one was started, and remove its files."""
    binaries = find_binaries()
    if binaries and (folder / "cluster" / "postmaster.pid").exists():
        PostgreSQL(folder, binaries).stop()
    shutil.rmtree(folder, ignore_errors=True)


def shared_server(run_folder: Path, binaries: Path) -> PostgreSQL:
    """The run's server: the first worker that asks starts it, the others find it running."""
    server = PostgreSQL(run_folder, binaries)
    with FileLock(run_folder / "lock"):
        if not (run_folder / "ready").exists():
            server.start()
            (run_folder / "ready").touch()
    return server


def _account() -> dict[str, Any]:
    """As whom the server runs: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    name = "postgres" if "postgres" in names else "nobody"
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


def _runs(folder: Path) -> bool:
    """Whether the test run that made the folder still lives; one that was killed leaves its server."""
    try:
        os.kill(int((folder / "pid").read_text()), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError):
        return True
    return True
