"""Copies of databases that are in use: SQLite by its online backup, PostgreSQL by its own programs.

A password goes to pg_dump by its environment, never by its arguments, which everybody can read.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from lychgate.archiving import ArchiveFault
from policy.store import backup
from policy.store.engine import file_of, read_url, shown
from policy.store.tables import METADATA
from policy.store.versions import VERSION_TABLE

SECONDS_MAX: Final = 3600
_HEADER: Final = b"SQLite format 3\0"


def is_sqlite(file: Path) -> bool:
    """Whether a file is such a database. Raises OSError."""
    with file.open("rb") as opened:
        return opened.read(len(_HEADER)) == _HEADER


def copy_sqlite(file: Path, to: Path) -> None:
    """A whole and sound copy. Raises `StoreFault`."""
    asyncio.run(backup(f"sqlite+aiosqlite:///{file}", to))


def copy_store(url: str, to: Path) -> None:
    """A copy of the store, whatever holds it. Raises `StoreFault` and `ArchiveFault`."""
    if file_of(read_url(url)) is not None:
        asyncio.run(backup(url, to))
    else:
        dump(url, to)


def dump(url: str, to: Path) -> None:
    """What pg_dump says of a PostgreSQL store. Raises `ArchiveFault`."""
    address = read_url(url)
    _run(address, "pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={to}")


def load(url: str, dumped: Path) -> None:
    """Put a dump in place of what is there, whole or not at all. Raises `ArchiveFault`."""
    import portal.accounts.tables  # noqa: F401 - they are in the same store

    address = read_url(url)
    options = ("--clean", "--if-exists", "--no-owner", "--no-acl")
    script = dumped.with_name(f"{dumped.name}.sql")
    try:
        _run(None, "pg_restore", *options, f"--file={script}", str(dumped))
        # A newer version may have made tables that the dump knows nothing of. All in one
        # transaction: after a fault the database is as it was.
        tables = (*METADATA.tables, VERSION_TABLE)
        drops = "".join(f'DROP TABLE IF EXISTS "{name}" CASCADE;\n' for name in tables)
        script.write_text(drops + script.read_text(encoding="utf-8"), encoding="utf-8")
        _run(
            address,
            "psql",
            *("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"),
            f"--file={script}",
        )
    finally:
        script.unlink(missing_ok=True)


def check_dump(dumped: Path) -> None:
    """Read a dump's own list of contents. Raises `ArchiveFault`."""
    _run(None, "pg_restore", "--list", str(dumped))


def _run(address: URL | None, program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise ArchiveFault(
            f"{program}: not on this machine; apt-get install postgresql-client brings it"
        )
    environment = dict(os.environ)
    if address is not None:
        values = {
            "PGHOST": address.query.get("host") or address.host,
            "PGPORT": address.port,
            "PGUSER": address.username,
            "PGPASSWORD": address.password,
            "PGDATABASE": address.database,
        }
        environment |= {key: str(value) for key, value in values.items() if value}
    try:
        done = subprocess.run(
            [found, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise ArchiveFault(f"{program}: not done within {SECONDS_MAX} s") from None
    if done.returncode:
        where = shown(address) if address is not None else arguments[-1]
        said = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise ArchiveFault(f"{where}: {program}: {said}")
