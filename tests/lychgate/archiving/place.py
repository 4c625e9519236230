"""An installation in a folder, to be archived and put back."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from lychgate.config import Configuration, load
from lychgate.office import Office
from policy.commands.organisation import ChangeOrganisation

AT = 1_795_900_000.0


def installation(folder: Path, name: str = "Northshire Skills") -> Configuration:
    """Settings, a store that says something, a key, and a database of somebody else's."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "lychgate.toml"
    file.write_text('upstream.servers = ["192.0.2.1"]\nmetrics.listen = ""\n')
    configuration = load(file)
    state = configuration.state_directory
    state.mkdir()
    office = Office(configuration)
    office.create()
    rename(configuration, name)
    (state / "keys").mkdir()
    key = state / "keys" / "pseudonyms.key"
    key.write_bytes(b"secret" * 10)
    key.chmod(0o600)
    (state / "index.lychgate").write_bytes(b"made anew from lists")
    (state / "lists.toml").write_text('enabled = ["ut1:gambling"]\n')
    (state / "passwd").symlink_to("/etc/passwd")
    (state / "lists" / "ut1").mkdir(parents=True)
    (state / "lists" / "ut1" / "sheet.txt").write_text("bet365.com\n")
    with closing(sqlite3.connect(state / "telemetry.db")) as events:
        events.execute("CREATE TABLE events (name TEXT)")
        events.execute("INSERT INTO events VALUES ('bet365.com')")
        events.commit()
    return configuration


def rename(configuration: Configuration, name: str) -> None:
    """A decision in the store."""
    command = ChangeOrganisation({"name": name}, "")
    Office(configuration).perform(command, person=None, at=time.time())


def name_of(configuration: Configuration) -> str:
    """What the store says."""
    name: str = Office(configuration).raw(["organisation"])["organisation"]["name"]
    return name
