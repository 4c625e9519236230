"""PostgreSQL at a centre: in its namespace, by TCP, TLS and password alone; accounts by the example
that the documentation gives.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.deployment.network import Host
from tests.house.repository import ROOT
from tests.policy.store import postgresql

ACCOUNTS: Final = ROOT / "docs/examples/venue-accounts.sql"
_HOSTS: Final = "local all all trust\nhostssl all all 0.0.0.0/0 scram-sha-256\n"


class CentreDatabase:
    """A server with the databases `lychgate` and `telemetry`, both of the account `centre`."""

    def __init__(
        self, host: Host, address: str, folder: Path, programs: Path, account: str
    ) -> None:
        self._host, self._address = host, address
        self._folder, self._programs, self._account = folder, programs, account
        self.authority: Final = host.folder / "ca.pem"

    def make(self) -> None:
        """The cluster, a certificate for its address, accounts and databases."""
        words = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._program("initdb", "-D", f"{self._folder}/data", *words)
        (self._folder / "data/pg_hba.conf").write_text(_HOSTS)
        key, certificate = self._folder / "key.pem", self._folder / "certificate.pem"
        self._host.run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=centre", "-addext",
            f"subjectAltName=IP:{self._address}", "-keyout", str(key), "-out", str(certificate),
        )  # fmt: skip
        entry = pwd.getpwnam(self._account)
        os.chown(key, entry.pw_uid, entry.pw_gid)
        shutil.copy(certificate, self.authority)
        self.start()
        self.sql("CREATE ROLE centre LOGIN PASSWORD 'centre-word'")
        self.sql("CREATE DATABASE lychgate OWNER centre")
        self.sql("CREATE DATABASE telemetry OWNER centre")

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = (
            f"-k {self._folder} -c listen_addresses={self._address} -F -c shared_buffers=16MB "
            f"-c ssl=on -c ssl_cert_file={self._folder}/certificate.pem "
            f"-c ssl_key_file={self._folder}/key.pem"
        )
        log = f"{self._folder}/log"
        self._program(
            "pg_ctl", "-D", f"{self._folder}/data", "-l", log, "-w", "-o", options, "start"
        )

    def stop(self) -> None:
        """As a machine does that loses its power."""
        self._program("pg_ctl", "-D", f"{self._folder}/data", "-m", "immediate", "-w", "stop")

    def make_venue_account(self) -> None:
        """As docs/deployment.md says, in both databases."""
        for database in ("lychgate", "telemetry"):
            self._psql(database, "-v", "password='venue-word'", "-f", str(ACCOUNTS))

    def url(self, account: str, database: str) -> str:
        """The address of a database for an account."""
        where = f"{account}:{account}-word@{self._address}"
        return f"postgresql+asyncpg://{where}/{database}?ssl=verify-full"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What a statement gives."""
        return self._psql(database, "-c", statement)

    def close(self) -> None:
        """End it."""
        if (self._folder / "data/postmaster.pid").exists():
            self.stop()

    def _psql(self, database: str, *words: str) -> str:
        where = ["-h", str(self._folder), "-U", "postgres", "-d", database]
        return self._program(
            "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where, *words
        ).strip()

    def _program(self, program: str, *words: str) -> str:
        entry = pwd.getpwnam(self._account)
        becoming = [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--"]
        space = f"--net=/run/netns/{self._host.space}"
        silent = program == "pg_ctl"  # the server would keep our pipes open
        done = subprocess.run(
            ["nsenter", space, "setpriv", *becoming, str(self._programs / program), *words],
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if silent else subprocess.PIPE,
            stderr=subprocess.DEVNULL if silent else subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{program} {words}: {done.stdout}{done.stderr}"
        return done.stdout or ""


@contextmanager
def centre_database(host: Host, address: str) -> Iterator[CentreDatabase]:
    """A running one; skips where PostgreSQL is not installed."""
    programs, account = postgresql.find_programs(), postgresql.find_account()
    if programs is None or account is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    entry = pwd.getpwnam(account)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    made = CentreDatabase(host, address, folder, programs, account)
    try:
        made.make()
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
