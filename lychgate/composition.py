"""From a `Configuration` to the `Setup` of a resolver process: where the rooms meet.

Here the starter lists and the index become one `CategoryIndex`, the document becomes a `Policy`,
and both with the settings a `Snapshot`. What cannot be used stops it with every fault; what is only
missing from a filter that still filters is a warning. Nothing listens or serves here; see
`lychgate.serving`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from blocklists import starters
from blocklists.choices import read_choices
from blocklists.sources import Source
from categoriser import taxonomy
from categoriser.indexfile import BulkTable, IndexFault, open_index
from categoriser.matches import CategoryIndex
from categoriser.names import to_text
from categoriser.patterns import StarterTable
from categoriser.taxonomy import Taxonomy
from lychgate import machine
from lychgate.config import Configuration
from lychgate.faults import ConfigurationFault
from lychgate.list_metrics import ListCollector
from policy import document
from policy.policy import Policy
from resolver.answers import KINDS
from resolver.cache import CacheSettings
from resolver.limits import Limits
from resolver.listeners import Bind
from resolver.process import Built, Setup, SnapshotFault, Stamp, read_stamps, stamp
from resolver.rebinding import Rebinding
from resolver.sections import Pages
from resolver.snapshot import DEFAULT_ROUTE, ResolutionSettings, Snapshot
from resolver.upstream.transports import Endpoint

_PAGE_ADDRESS = "page_address"


def compose(configuration: Configuration, *, shared: bool = False) -> Setup:
    """Everything a resolver process needs. Raises `ConfigurationFault`.

    `shared`: other processes of ours listen on the same addresses, and the metrics are somebody
    else's business.
    """
    binds = machine.binds_of(configuration.server)
    builder = SnapshotBuilder(configuration)
    limits = configuration.limits
    return Setup(
        binds=binds,
        routes=routes_of(configuration, binds),
        build_snapshot=builder.build,
        watched=builder.watched,
        cache=CacheSettings(**dict(configuration.cache)),
        limits=Limits(
            limits.served_networks,
            limits.queries_per_second,
            tuple((limit.network, limit.queries_per_second) for limit in limits.networks),
        ),
        metrics=None if shared else configuration.metrics.listen,
        asked_directory=configuration.asked_directory,
        collectors=(lists_collector(configuration),),
        shared=shared,
    )


def routes_of(
    configuration: Configuration, binds: Sequence[Bind]
) -> Mapping[str, Sequence[Endpoint]]:
    """Upstreams by the name of their route. Raises `ConfigurationFault` if nobody can be asked."""
    servers = configuration.upstream.servers or machine.own_resolvers(binds)
    if not servers:
        raise ConfigurationFault(
            [
                f"{configuration.name}: upstream.servers: none is given and {machine.RESOLV_CONF} "
                'names none but ourselves; use addresses, as in servers = ["9.9.9.9", "1.1.1.1"]'
            ]
        )
    forwards = {to_text(forward.zones[0]): forward.servers for forward in configuration.forward}
    return {DEFAULT_ROUTE: servers, **forwards}


def lists_collector(configuration: Configuration) -> ListCollector:
    """Figures of the lists on disk, for whoever scrapes."""
    path = configuration.choices_file
    known: tuple[Stamp | None, tuple[Source, ...]] | None = None

    def enabled() -> tuple[Source, ...]:
        nonlocal known
        (now,) = read_stamps([path])
        if known is None or known[0] != now:
            known = now, read_choices(path).enabled
        return known[1]

    return ListCollector(configuration.lists_directory, enabled, time.time)


class SnapshotBuilder:
    """Builds snapshots of one configuration, keeping what does not change between them."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._settings = _settings(configuration)
        self._zones = {
            zone: to_text(forward.zones[0])
            for forward in configuration.forward
            for zone in forward.zones
        }
        self._bulk: BulkTable | None = None
        self._bulk_stamp: Stamp | None = None

    @property
    def watched(self) -> tuple[Path, ...]:
        """Files whose change asks for a new snapshot."""
        policy = self._configuration.policy_file
        index = self._configuration.index_file
        return (index,) if policy is None else (policy, index)

    def build(self) -> Built:
        """A snapshot of the files as they are now. Raises `SnapshotFault` with every fault."""
        categories, starter_table = _shipped()
        policy = self._read_policy(categories)
        bulk, warnings = self._open_index()
        tables = (starter_table,) if bulk is None else (starter_table, bulk)
        snapshot = Snapshot(policy, CategoryIndex(tables), categories, self._settings, self._zones)
        return Built(snapshot, warnings)

    def _read_policy(self, categories: Taxonomy) -> Policy:
        file = self._configuration.policy_file
        where = "default.toml" if file is None else str(file)
        try:
            text = document.default_text() if file is None else file.read_text(encoding="utf-8")
            policy = document.read(text, categories, where, KINDS)
        except document.PolicyFault as fault:
            raise SnapshotFault(fault.faults) from None
        except UnicodeDecodeError as fault:
            raise SnapshotFault(
                [f"{where}: octet {fault.start} is not UTF-8; use a text file in UTF-8"]
            ) from None
        except OSError as fault:
            raise SnapshotFault(
                [f"{where}: {fault.strerror}; use a policy document that can be read"]
            ) from None
        if not any(self._settings.pages):
            faults = [
                f"{where}: profiles.{profile.id}.answer: {_PAGE_ADDRESS} without an address of the "
                f"page; set filter.page_ipv4 or filter.page_ipv6 in {self._configuration.name}"
                for profile in policy.profiles.values()
                if profile.answer == _PAGE_ADDRESS
            ]
            if faults:
                raise SnapshotFault(faults)
        return policy

    def _open_index(self) -> tuple[BulkTable | None, tuple[str, ...]]:
        """The bulk lists; on a fault those read before, or none, and a word about it."""
        path = self._configuration.index_file
        try:
            found = stamp(path)
        except OSError as fault:
            if self._bulk is None and not self._configuration.filter.index:
                return None, ()  # Nobody has built one yet, and nobody asked for one.
            return self._bulk, (self._lack(f"{path}: {fault.strerror}"),)
        if self._bulk is not None and found == self._bulk_stamp:
            return self._bulk, ()  # Reading a large one for its checksum takes a while.
        try:
            self._bulk = open_index(path)
        except IndexFault as fault:
            return self._bulk, (self._lack(str(fault)),)
        self._bulk_stamp = found
        unknown = sorted(
            {source.category for source in self._bulk.manifest.sources} - set(_shipped()[0])
        )
        if unknown:
            return self._bulk, (
                f"{path}: categories {', '.join(unknown)} are not known and filter nothing; "
                "build the index again",
            )
        return self._bulk, ()

    def _lack(self, problem: str) -> str:
        kept = (
            "only the starter lists filter" if self._bulk is None else "the index before it stays"
        )
        return f"{problem}; {kept}"


def _settings(configuration: Configuration) -> ResolutionSettings:
    chosen = configuration.filter
    return ResolutionSettings(
        block_ttl_seconds=chosen.block_ttl_seconds,
        stale_ttl_seconds=chosen.stale_ttl_seconds,
        stale_wait_seconds=chosen.stale_wait_seconds,
        rebinding=Rebinding(chosen.rebinding_protection, frozenset(chosen.rebinding_allowed_zones)),
        pages=Pages(chosen.page_ipv4, chosen.page_ipv6),
    )


@cache
def _shipped() -> tuple[Taxonomy, StarterTable]:
    """What comes with the code and never changes while a process lives."""
    try:
        return taxonomy.load(), starters.load_table()
    except (taxonomy.TaxonomyFault, starters.StarterFault) as fault:
        raise SnapshotFault(fault.faults) from None
