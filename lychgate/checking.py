"""`lychgate check-config`: everything `serve` would refuse, in one run, without serving.

Uses the code that serves, so that what is accepted here starts there. It opens no port.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass

from categoriser.indexfile import BulkTable
from categoriser.patterns import StarterTable
from lychgate import machine
from lychgate.composition import SnapshotBuilder, routes_of
from lychgate.config import Configuration
from lychgate.faults import ConfigurationFault
from lychgate.kinds import write_bind
from resolver.setup import Built, SnapshotFault
from resolver.snapshot import DEFAULT_ROUTE
from resolver.upstream.transports import Endpoint


@dataclass(frozen=True)
class Checked:
    """A configuration that can be served, in a few words, and what is not as it should be."""

    rows: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


def check(configuration: Configuration) -> Checked:
    """Check a configuration and the files it names. Raises `ConfigurationFault` with all faults."""
    faults: list[str] = []
    binds = machine.binds_of(configuration.server)
    servers: Sequence[Endpoint] = ()
    built: Built | None = None
    try:
        servers = routes_of(configuration, binds)[DEFAULT_ROUTE]
    except ConfigurationFault as fault:
        faults += fault.faults
    builder = SnapshotBuilder(configuration)
    try:
        built = builder.build()
    except SnapshotFault as fault:
        faults += fault.faults
    if built is None or faults:
        raise ConfigurationFault(faults)
    policy = built.snapshot.policy
    tables = built.snapshot.index.tables
    starters = sum(len(table) for table in tables if isinstance(table, StarterTable))
    listed = [len(table) for table in tables if isinstance(table, BulkTable)]
    metrics = configuration.metrics.listen
    rows = (
        ("configuration", str(configuration.file or "defaults; no lychgate.toml here")),
        ("listens on", ", ".join(map(write_bind, binds))),
        ("asks", ", ".join(endpoint.uri for endpoint in servers)),
        *(
            ("forwards", f"{route} to {', '.join(endpoint.uri for endpoint in endpoints)}")
            for route, endpoints in routes_of(configuration, binds).items()
            if route != DEFAULT_ROUTE
        ),
        ("metrics on", "nothing" if metrics is None else write_bind(metrics)),
        ("policy", builder.origin),
        *_unread_store(configuration),
        (
            "",
            f"{policy.organisation.name}: {_count(policy.profiles, 'profile')}, "
            f"{_count(policy.venues, 'venue')}, {_count(policy.devices, 'device')}, "
            f"{_count(policy.rules, 'rule')}, {_count(policy.exceptions, 'exception')}",
        ),
        ("filters", f"{starters:,} starter patterns"),
        ("", f"{sum(listed):,} names in {configuration.index_file}" if listed else "no index"),
    )
    return Checked(rows, built.warnings)


def _unread_store(configuration: Configuration) -> list[tuple[str, str]]:
    """A word about a store beside a document: decisions made there would do nothing."""
    file = configuration.store_file
    if configuration.policy_file is None:
        return []
    if file is None or file.exists():
        return [("", "the store is not read: filter.policy names a document, which goes before it")]
    return []


def _count(things: Sized, word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"
