"""A PostgreSQL server of our own for tests, on a socket in a temporary folder; and both databases.

Debian's package has the programs outside PATH.  The server refuses to be root, so that root starts
it as somebody else.  Without the programs, tests that ask for it skip and say so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest

_SECONDS_MAX = 60
_ACCOUNTS = ("postgres", "nobody")


class Server:
    """A running server. Databases cost about 50 ms each."""

    def __init__(self, programs: Path, folder: Path, account: str | None) -> None:
        self._programs = programs
        self._folder = folder
        self._account = account
        self._numbers = count(1)

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"lychgate{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str) -> str:
        """The URL of a database of this server."""
        return f"postgresql+asyncpg://lychgate@/{database}?host={quote(str(self._folder), safe='')}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints for a statement."""
        where = ["-h", str(self._folder), "-U", "lychgate", "-d", database]
        done = self._run("psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where, "-c", statement)
        return done.stdout.strip()

    def create(self) -> None:
        """Make the cluster; nothing in it is worth a sync."""
        options = ["-U", "lychgate", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", "-D", str(self._folder / "data"), *options)

    def start(self) -> None:
        """Start, and wait until it answers; no TCP."""
        options = f"-k {self._folder} -h '' -F -c max_connections=40 -c shared_buffers=16MB"
        log = str(self._folder / "log")
        self._run(
            "pg_ctl", "-D", str(self._folder / "data"), "-l", log, "-w", "-o", options, "start"
        )

    def stop(self) -> None:
        """Stop at once, as a machine does that fails."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")

    def running(self) -> int | None:
        """The server's process id."""
        path = self._folder / "data" / "postmaster.pid"
        return int(path.read_text().split()[0]) if path.exists() else None

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        as_somebody = [] if self._account is None else ["setpriv", *_becoming(self._account), "--"]
        done = subprocess.run(
            [*as_somebody, str(self._programs / program), *arguments],
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stderr=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            text=True,
            timeout=_SECONDS_MAX,
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"
        return done


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server for all tests; one test may stop it if it starts it again."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    account = find_account()
    # Not pytest's own folder: its parents let nobody else in, and its path is long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if account is not None:
        entry = pwd.getpwnam(account)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    server = Server(programs, folder, account)
    try:
        server.create()
        server.start()
        yield server
    finally:
        pid = server.running()
        if pid is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        if pid is not None and Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that does not exist yet, in each kind of database."""
    make: Callable[[], str] = {
        "sqlite": lambda: f"sqlite+aiosqlite:///{tmp_path}/state.db",
        "postgresql": lambda: request.getfixturevalue("postgresql").database(),
    }[request.param]
    return make()


def find_programs() -> Path | None:
    """The folder of the newest version's programs."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    on_path = shutil.which("postgres")
    found += [Path(on_path).resolve().parent] if on_path else []
    complete = [folder for folder in found if (folder / "initdb").exists()]
    return max(complete, default=None)


def find_account() -> str | None:
    """Who runs the server; None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    pytest.skip(f"PostgreSQL does not run as root, and there is nobody of {_ACCOUNTS}")


def _becoming(account: str) -> list[str]:
    entry = pwd.getpwnam(account)
    return [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
