"""From a `Configuration` to the `Setup` of a resolver process: where the rooms meet.

Here the starter lists and the index become one `CategoryIndex`, the document becomes a `Policy`,
and both with the settings a `Snapshot`. What cannot be used stops it with every fault; what is only
missing from a filter that still filters is a warning. Nothing listens or serves here; see
`lychgate.serving`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from operator import is_
from typing import TYPE_CHECKING, Final

from prometheus_client.registry import Collector

from blocklists import starters
from categoriser import taxonomy
from categoriser.indexfile import BulkTable, IndexFault, open_index
from categoriser.matches import CategoryIndex, CategoryTable, Match
from categoriser.names import to_text
from categoriser.patterns import Pattern, StarterTable
from categoriser.taxonomy import Taxonomy
from lychgate import machine
from lychgate.alert_metrics import AlertCollector
from lychgate.check_metrics import CheckCollector
from lychgate.config import Configuration
from lychgate.faults import ConfigurationFault
from lychgate.figure_metrics import FigureCollector
from lychgate.leases import LeaseFiles
from lychgate.list_metrics import ListCollector
from lychgate.outward_metrics import OutwardCollector
from lychgate.policies import Check, FileSource, PolicySource, StoreSource
from lychgate.recorder_metrics import RecorderCollector
from policy.policy import Policy
from resolver.cache import CacheSettings
from resolver.limits import Limits, Trust
from resolver.listeners import Bind
from resolver.rebinding import Rebinding
from resolver.sections import Pages
from resolver.setup import Built, Setup, SnapshotFault
from resolver.snapshot import DEFAULT_ROUTE, ResolutionSettings, Snapshot
from resolver.stamps import Stamp, read_stamps, stamp
from resolver.upstream.transports import Endpoint

if TYPE_CHECKING:
    from blocklists.sources import Source

ESSENTIAL: Final = "essential"
"""The category of an organisation's own essentials, as of those that ship."""
_PAGE_ADDRESS: Final = "page_address"


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
        watch=builder.watch,
        cache=CacheSettings(**dict(configuration.cache)),
        limits=Limits(
            limits.served_networks,
            limits.queries_per_second,
            tuple((limit.network, limit.queries_per_second) for limit in limits.networks),
        ),
        trust=Trust(
            configuration.clients.trusted_forwarders, configuration.clients.client_id_option
        ),
        metrics=None if shared else configuration.metrics.listen,
        asked_directory=configuration.asked_directory,
        spool_directory=configuration.spool_directory,
        spool_octets_max=configuration.telemetry.spool_megabytes_max << 20,
        tap=configuration.tap,
        collectors=(lists_collector(configuration), *recorder_collectors(configuration)),
        shared=shared,
    )


def routes_of(
    configuration: Configuration, binds: Sequence[Bind]
) -> Mapping[str, Sequence[Endpoint]]:
    """Upstreams by the name of their route. Raises `ConfigurationFault` if nobody can be asked."""
    servers = configuration.upstream.chosen or machine.own_resolvers(binds)
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
        from blocklists.choices import read_choices

        nonlocal known
        (now,) = read_stamps([path])
        if known is None or known[0] != now:
            known = now, read_choices(path).enabled
        return known[1]

    return ListCollector(configuration.lists_directory, enabled, time.time)


def recorder_collectors(
    configuration: Configuration,
) -> tuple[Collector, ...]:
    """How recorder, alerts, checks and what is told outside stand, and the figures that recorder
    and portal work out; nothing when telemetry is off.
    """
    if configuration.spool_directory is None:
        return ()
    alerts = AlertCollector(configuration.alerts_file)
    outward = OutwardCollector(configuration.state_directory)
    figures = FigureCollector(configuration.state_directory, time.time)
    checks = CheckCollector(configuration.state_directory, time.time)
    recorder = RecorderCollector(configuration.recorder_file, time.time)
    return (recorder, alerts, outward, figures, checks)


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
        self._source: PolicySource | None = None
        self._leases = LeaseFiles(configuration.lease_files)
        self._bulk: BulkTable | None = None
        self._bulk_stamp: Stamp | None = None
        self._own: tuple[tuple[Pattern, ...], tuple[StarterTable, ...]] = (), ()
        self._snapshot: Snapshot | None = None
        self.origin = ""
        """Where the policy of the last snapshot came from, for people."""

    @property
    def source(self) -> PolicySource:
        """Where the policy comes from."""
        if self._source is None:
            categories, _ = _shipped()
            self._source = source_of(self._configuration, categories, self._lacks)
        return self._source

    def watch(self) -> object:
        """A stamp of everything that snapshots are built from."""
        index = read_stamps([self._configuration.index_file])
        return self.source.stamp(), index, self._leases.stamp()

    def build(self) -> Built:
        """A snapshot of everything as it is now; the very same while nothing changed.

        Raises `SnapshotFault` with every fault.
        """
        categories, starter_table = _shipped()
        reading = self.source.read()
        self.origin = reading.origin
        policy = self._leases.applied(reading.policy)
        bulk, warnings = self._open_index()
        tables: tuple[CategoryTable, ...] = (*self._own_table(reading.policy), starter_table)
        if bulk is not None:
            tables = (*tables, bulk)
        index = CategoryIndex(tables)
        if self._snapshot is not None and _same_tables(index, self._snapshot.index):
            index = self._snapshot.index
        fresh = Snapshot(policy, index, categories, self._settings, self._zones)
        if self._snapshot is None or not _is_same(fresh, self._snapshot):
            self._snapshot = fresh
        warnings = (*reading.warnings, *warnings, *self._leases.warnings)
        return Built(self._snapshot, warnings, reading.up, reading.settle)

    def _own_table(self, policy: Policy) -> tuple[StarterTable, ...]:
        """The organisation's own essentials as a table, if there are any."""
        if policy.essentials != self._own[0]:
            entries = [(p, Match(ESSENTIAL, p.text, ("own",))) for p in policy.essentials]
            self._own = policy.essentials, (StarterTable(entries),) if entries else ()
        return self._own[1]

    def _lacks(self, policy: Policy) -> list[str]:
        """What the settings do not give that a policy asks for."""
        if any(self._settings.pages):
            return []
        return [
            f"profiles.{profile.id}.answer: {_PAGE_ADDRESS} without an address of the page; "
            f"set filter.page_ipv4 or filter.page_ipv6 in {self._configuration.name}"
            for profile in policy.profiles.values()
            if profile.answer == _PAGE_ADDRESS
        ]

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


def source_of(configuration: Configuration, categories: Taxonomy, check: Check) -> PolicySource:
    """The document that is named, else the store."""
    file = configuration.policy_file
    if file is not None:
        return FileSource(file, categories, check)
    return StoreSource(
        configuration.store_url,
        configuration.store_file,
        configuration.last_policy_file,
        categories,
        check,
        expected=bool(configuration.store.url),
    )


def _is_same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots are made of the very same parts."""
    return all(getattr(one, part.name) is getattr(other, part.name) for part in fields(Snapshot))


def _same_tables(one: CategoryIndex, other: CategoryIndex) -> bool:
    ours, theirs = one.tables, other.tables
    return len(ours) == len(theirs) and all(map(is_, ours, theirs))


def _settings(configuration: Configuration) -> ResolutionSettings:
    chosen = configuration.filter
    return ResolutionSettings(
        block_ttl_seconds=chosen.block_ttl_seconds,
        stale_ttl_seconds=chosen.stale_ttl_seconds,
        stale_wait_seconds=chosen.stale_wait_seconds,
        rebinding=Rebinding(chosen.rebinding_protection, frozenset(chosen.rebinding_allowed_zones)),
        pages=Pages(chosen.page_ipv4, chosen.page_ipv6),
        page_name=(
            configuration.portal.block_page_name if chosen.page_ipv4 or chosen.page_ipv6 else b""
        ),
    )


@cache
def _shipped() -> tuple[Taxonomy, StarterTable]:
    """What comes with the code and never changes while a process lives."""
    try:
        return taxonomy.load(), starters.load_table()
    except (taxonomy.TaxonomyFault, starters.StarterFault) as fault:
        raise SnapshotFault(fault.faults) from None
