"""`lychgate.toml` as a whole: reading it, and where the files are that it names.

`load` reads a file, or says everything that is wrong with it at once. Nothing is opened or built
here besides the file itself; see `lychgate.composition`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr, ValidationError, model_validator

from evidence.outward import OutwardSettings
from lychgate.check_settings import Checks
from lychgate.faults import ConfigurationFault, Contradiction, explain
from lychgate.notice_settings import Alerts, Notices
from lychgate.outward_settings import Dnstap, Outward
from lychgate.portal_settings import Portal
from lychgate.settings import (
    Cache,
    Clients,
    Filter,
    Forward,
    Limits,
    Lists,
    Log,
    Metrics,
    Section,
    Server,
    Store,
    Telemetry,
    Upstream,
)
from resolver.listeners import Bind
from resolver.telemetry.frames import make_absolute
from resolver.telemetry.tap import TapSettings

NAME = "lychgate.toml"
_SQLITE = "sqlite+aiosqlite:///"


class Configuration(Section):
    """The whole file."""

    server: Server = Server()
    upstream: Upstream = Upstream()
    forward: tuple[Forward, ...] = ()
    cache: Cache = Cache()
    store: Store = Store()
    filter: Filter = Filter()
    lists: Lists = Lists()
    limits: Limits = Limits()
    clients: Clients = Clients()
    telemetry: Telemetry = Telemetry()
    alerts: Alerts = Alerts()
    notices: Notices = Notices()
    checks: Checks = Checks()
    metrics: Metrics = Metrics()
    outward: Outward = Outward()
    dnstap: Dnstap = Dnstap()
    portal: Portal = Portal()
    log: Log = Log()

    _file: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check(self) -> Configuration:
        seen: set[bytes] = set()
        for number, forward in enumerate(self.forward):
            for place, zone in enumerate(forward.zones):
                if zone in seen:
                    raise Contradiction(
                        f"forward[{number}].zones[{place}]",
                        "the zone is forwarded twice; name it in one [[forward]]",
                    )
                seen.add(zone)
        return self

    @property
    def file(self) -> Path | None:
        """Where this was read from; None when the defaults serve."""
        return self._file

    @property
    def name(self) -> str:
        """How faults call the file."""
        return NAME if self._file is None else str(self._file)

    @property
    def state_directory(self) -> Path:
        """Where files are written that are nobody's but Lychgate's."""
        return self._path(self.server.state_directory or ".")

    @property
    def policy_file(self) -> Path | None:
        """The policy document, or None where the store rules."""
        return self._path(self.filter.policy) if self.filter.policy else None

    @property
    def store_file(self) -> Path | None:
        """The file of an SQLite store, which need not be there; None for another database."""
        url = self.store.url
        if not url:
            return self.state_directory / "state.db"
        return self._path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None

    @property
    def store_url(self) -> str:
        """The database of the store."""
        return self.store.url if self.store_file is None else f"{_SQLITE}{self.store_file}"

    @property
    def last_policy_file(self) -> Path:
        """Where the last good policy of the store is kept for a day without the store."""
        return self.state_directory / "policy.last.json"

    @property
    def index_file(self) -> Path:
        """The compiled index, which need not be there."""
        if self.filter.index:
            return self._path(self.filter.index)
        return self.state_directory / "index.lychgate"

    @property
    def lists_directory(self) -> Path:
        """Where versions of lists are kept."""
        return self.state_directory / "lists"

    @property
    def choices_file(self) -> Path:
        """The choice of lists, which need not be there."""
        if self.lists.choices:
            return self._path(self.lists.choices)
        return self.state_directory / "lists.toml"

    @property
    def lists_ca_file(self) -> str:
        """Certificates to trust when lists are fetched; empty: the usual ones alone."""
        return str(self._path(self.lists.ca_file)) if self.lists.ca_file else ""

    @property
    def asked_directory(self) -> Path | None:
        """Where counts of names in no list are kept; None when they are not."""
        return self.state_directory / "asked" if self.lists.suggestions else None

    @property
    def telemetry_file(self) -> Path | None:
        """The file of an SQLite telemetry database; None for another one."""
        url = self.telemetry.url
        if not url:
            return self.state_directory / "telemetry.db"
        return self._path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None

    @property
    def telemetry_url(self) -> str:
        """The database of what happened."""
        file = self.telemetry_file
        return self.telemetry.url if file is None else f"{_SQLITE}{file}"

    @property
    def spool_directory(self) -> Path | None:
        """Where resolvers leave what happened for the recorder; None when telemetry is off."""
        return self.state_directory / "spool" if self.telemetry.enabled else None

    @property
    def recorder_file(self) -> Path:
        """What the recorder says of itself."""
        return self.state_directory / "recorder.json"

    @property
    def tap(self) -> TapSettings | None:
        """Who is given every query by dnstap; None: nobody."""
        chosen = self.dnstap
        if chosen.receiver is None:
            return None
        receiver = make_absolute(chosen.receiver, self._path(""))
        return TapSettings(
            receiver, chosen.identity, addresses=chosen.client_addresses, queries=chosen.queries
        )

    @property
    def outward_settings(self) -> OutwardSettings | None:
        """Where events and decisions are sent; None: nowhere."""
        chosen = self.outward
        if chosen.to is None:
            return None
        ca_file = self._path(chosen.ca_file) if chosen.ca_file else None
        return OutwardSettings(
            chosen.to.placed(self._path("")),
            events=chosen.events,
            decisions=chosen.decisions,
            identities=chosen.identities,
            ca_file=ca_file,
        )

    @property
    def alerts_file(self) -> Path:
        """Figures of alerts, as the recorder writes them."""
        return self.state_directory / "alerts.json"

    @property
    def lease_files(self) -> tuple[tuple[Path, str], ...]:
        """Files with DHCP leases, and their formats."""
        return tuple((self._path(source.file), source.format) for source in self.clients.leases)

    @property
    def own_server(self) -> Bind:
        """Where a client on this machine finds us."""
        first = self.server.listen[0]
        loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        return Bind(loopback.get(first.host, first.host), first.port)

    def placed(self, file: Path) -> Configuration:
        """The same as if it had been read from this file: relative paths count from its folder."""
        there = self.model_copy()
        there._file = file
        return there

    def with_policy(self, policy: Path) -> Configuration:
        """The same with another policy document; a relative path counts from the current folder."""
        chosen = self.filter.model_copy(update={"policy": str(policy.absolute())})
        return self.model_copy(update={"filter": chosen})

    def _path(self, text: str) -> Path:
        return (self._file.parent if self._file is not None else Path()) / text


def load(path: Path | None = None) -> Configuration:
    """Read a file; without one every setting has its default. Raises `ConfigurationFault`."""
    if path is None:
        return Configuration()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        raise ConfigurationFault(
            [f"{path}: octet {fault.start} is not UTF-8; use a text file in UTF-8"]
        ) from None
    except OSError as fault:
        raise ConfigurationFault(
            [f"{path}: {fault.strerror}; use a file that can be read, or none for the defaults"]
        ) from None
    configuration = parse(text, str(path))
    configuration._file = path
    return configuration


def parse(text: str, where: str = NAME) -> Configuration:
    """Read a document; `where` begins every fault. Raises `ConfigurationFault` with all faults."""
    try:
        raw: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise ConfigurationFault([f"{where}: {fault}; use TOML 1.0"]) from None
    try:
        return Configuration.model_validate(raw)
    except ValidationError as fault:
        raise ConfigurationFault(explain(fault, Configuration, where)) from None
