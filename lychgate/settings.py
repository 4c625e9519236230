"""The tables of `lychgate.toml`: every setting with its default and its meaning.

One class a table; the documentation is written from them. Values are what the rooms work with
(addresses, names in wire form), not text; units are in the names. The file as a whole, and reading
it, is `lychgate.config`'s business.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lychgate import kinds
from lychgate.faults import Contradiction
from policy import leases
from policy.types import Network
from resolver.cache import CacheSettings
from resolver.limits import QUERIES_PER_SECOND, SERVED_BY_DEFAULT
from resolver.listeners import Bind
from resolver.upstream import presets
from resolver.upstream.routes import has_ipv6_route
from resolver.upstream.transports import Endpoint

_CACHE = CacheSettings()
_BINDS = (Bind("127.0.0.1", 5300), Bind("::1", 5300))


class Section(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Server(Section):
    """Where Lychgate listens, and with how many processes."""

    listen: tuple[Annotated[Bind, kinds.BIND], ...] = Field(
        default=_BINDS,
        description="Addresses for DNS, UDP and TCP. Left out, ::1 is skipped where there is none.",
    )
    workers: Annotated[int, kinds.whole(1, 64)] = Field(
        default=1, description="Processes that answer; more use more cores and share the index."
    )
    state_directory: Annotated[str, kinds.PATH] = Field(
        default="var", description="Folder for the compiled index and other files Lychgate writes."
    )

    @model_validator(mode="after")
    def _check(self) -> Server:
        if not self.listen:
            raise Contradiction("listen", f"[] is nothing to listen on; use {kinds.BIND.allowed}")
        if len(set(self.listen)) < len(self.listen):
            raise Contradiction("listen", "an address is given twice; give each once")
        if self.workers > 1 and any(bind.port == 0 for bind in self.listen):
            raise Contradiction("listen", "port 0 with several workers; give a port from 1")
        return self


class Upstream(Section):
    """The resolvers that are asked about every name without a forward of its own."""

    servers: tuple[Annotated[Endpoint, kinds.ENDPOINT], ...] = Field(
        default=(),
        description="Resolvers to ask, the quickest healthy one first. tls:// asks encrypted: "
        "after # the name in the server's certificate, in ?pin= its key (docs/upstreams.md). "
        "Empty: those of the preset, or the machine's own.",
    )
    preset: Annotated[str, kinds.PRESET] = Field(
        default="",
        description="Resolvers by a word: `lychgate upstreams` says what each sees and does.",
    )

    @model_validator(mode="after")
    def _check(self) -> Upstream:
        preset = presets.load().get(self.preset)
        if preset is None:
            return self
        if preset.given and not self.servers:
            raise Contradiction(
                "preset",
                f'"{self.preset}" has no public addresses: {preset.given}; write them into '
                'servers, as in servers = ["tls://192.0.2.1:853#name.example"]',
            )
        if self.servers and not preset.given:
            raise Contradiction(
                "preset", f'"{self.preset}" has servers of its own; give either preset or servers'
            )
        return self

    @property
    def chosen(self) -> tuple[Endpoint, ...]:
        """The servers, given or by preset; none: the machine's own."""
        preset = presets.load().get(self.preset)
        if preset is None or preset.given:
            return self.servers
        more = preset.ipv6 if preset.ipv6 and has_ipv6_route() else ()
        return (*preset.servers, *more)


class Forward(Section):
    """Conditional forwarding: zones inside your network, and the servers that know them."""

    zones: tuple[Annotated[bytes, kinds.FORWARDED_ZONE], ...] = Field(
        description="These names and all below them; of several zones the longest counts.",
        examples=[["corp.example", "20.10.in-addr.arpa"]],
    )
    servers: tuple[Annotated[Endpoint, kinds.ENDPOINT], ...] = Field(
        description="Who is asked about them; answers may hold private addresses.",
        examples=[["10.20.0.53"]],
    )

    @model_validator(mode="after")
    def _check(self) -> Forward:
        if not self.zones:
            raise Contradiction("zones", f"[] forwards nothing; use {kinds.ZONE.allowed}")
        if not self.servers:
            raise Contradiction("servers", f"[] answers nothing; use {kinds.ENDPOINT.allowed}")
        return self


class Cache(Section):
    """How much is remembered of what upstreams said, and for how long."""

    entries_max: Annotated[int, kinds.whole(100, 10_000_000)] = Field(
        default=_CACHE.entries_max, description="Answers kept in each worker."
    )
    ttl_seconds_min: Annotated[int, kinds.whole(0, 3600)] = Field(
        default=_CACHE.ttl_seconds_min, description="Shorter lives are raised to this."
    )
    ttl_seconds_max: Annotated[int, kinds.whole(1, 604_800)] = Field(
        default=_CACHE.ttl_seconds_max, description="Longer lives are cut to this."
    )
    negative_ttl_seconds_max: Annotated[int, kinds.whole(0, 10_800)] = Field(
        default=_CACHE.negative_ttl_seconds_max,
        description="The same for answers that a name does not exist (RFC 2308).",
    )
    stale_seconds_max: Annotated[int, kinds.whole(0, 604_800)] = Field(
        default=_CACHE.stale_seconds_max,
        description="How long after its end an answer may serve when no upstream does (RFC 8767).",
    )
    prefetch_hits_min: Annotated[int, kinds.whole(0, 1_000_000)] = Field(
        default=_CACHE.prefetch_hits_min,
        description="Answers asked for this often are fetched again before their end; 0: never.",
    )

    @model_validator(mode="after")
    def _check(self) -> Cache:
        if self.ttl_seconds_min > self.ttl_seconds_max:
            raise Contradiction(
                "ttl_seconds_min",
                f"{self.ttl_seconds_min} is above ttl_seconds_max; "
                f"use at most {self.ttl_seconds_max}",
            )
        return self


class Store(Section):
    """The store of what people decide with `lychgate venue`, `rule`, `exception` and the like."""

    url: Annotated[str, kinds.STORE] = Field(
        default="",
        description="Its database. Empty: SQLite, state.db in the state folder. Not read while "
        "filter.policy names a document.",
    )


class Filter(Section):
    """What is filtered, and what a blocked client is told."""

    policy: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A policy document (policy.toml) that rules instead of the store. Empty: the "
        "store, or the policy that ships while there is none.",
    )
    index: Annotated[str, kinds.PATH] = Field(
        default="",
        description="The compiled index of bulk lists. Empty: index.lychgate in the state folder.",
    )
    block_ttl_seconds: Annotated[int, kinds.whole(0, 3600)] = Field(
        default=10,
        description="How long a block may be remembered; short, so exceptions act at once.",
    )
    stale_ttl_seconds: Annotated[int, kinds.whole(1, 3600)] = Field(
        default=30, description="How long a stale answer may be remembered (RFC 8767)."
    )
    stale_wait_seconds: Annotated[float, kinds.seconds(0.1, 3.5)] = Field(
        default=1.8, description="How long upstreams may take before a stale answer goes out."
    )
    page_ipv4: Annotated[bytes | None, kinds.IPV4] = Field(
        default=None,
        description='Address of the block page, for profiles with answer = "page_address".',
    )
    page_ipv6: Annotated[bytes | None, kinds.IPV6] = Field(
        default=None, description="The same for IPv6."
    )
    rebinding_protection: Annotated[bool, kinds.FLAG] = Field(
        default=True, description="Refuse public names that lead to private addresses."
    )
    rebinding_allowed_zones: tuple[Annotated[bytes, kinds.ZONE], ...] = Field(
        default=(), description="Zones whose names may lead to private addresses all the same."
    )


class Lists(Section):
    """Published lists: where the choice of them is, and how they are fetched and read."""

    choices: Annotated[str, kinds.PATH] = Field(
        default="",
        description="Which lists are used (lists.toml). Empty: lists.toml in the state folder.",
    )
    versions_kept: Annotated[int, kinds.whole(2, 50)] = Field(
        default=5, description="Versions of each list that stay on disk, to roll back to."
    )
    suggestions: Annotated[bool, kinds.FLAG] = Field(
        default=True,
        description="Count names that are in no list, without clients, so that some are suggested.",
    )
    bootstrap: tuple[Annotated[Endpoint, kinds.ENDPOINT], ...] = Field(
        default=(),
        description="DNS servers that find the list servers. Empty: the upstreams. They matter "
        "where this very resolver is the machine's own DNS.",
    )
    proxy: Annotated[str, kinds.PROXY] = Field(
        default="",
        description="Proxy for downloads. Empty: that of the environment (HTTPS_PROXY), or none.",
    )
    ca_file: Annotated[str, kinds.PATH] = Field(
        default="",
        description="Certificates to trust besides the usual ones, where a proxy inspects traffic.",
    )
    allowed_networks: tuple[Annotated[Network, kinds.NETWORK], ...] = Field(
        default=(), description="Private networks that lists may be fetched from. Default: none."
    )
    download_megabytes_max: Annotated[int, kinds.whole(1, 4096)] = Field(
        default=256, description="A list that is larger is not fetched."
    )
    unpacked_megabytes_max: Annotated[int, kinds.whole(1, 16_384)] = Field(
        default=1024, description="A list that unpacks to more is not read."
    )
    fetch_seconds_max: Annotated[float, kinds.seconds(1, 3600)] = Field(
        default=300, description="How long one download may take."
    )
    work_seconds_max: Annotated[float, kinds.seconds(10, 7200)] = Field(
        default=900, description="How long reading one list, or compiling all, may take."
    )
    memory_megabytes_max: Annotated[int, kinds.whole(256, 65_536)] = Field(
        default=2048, description="Memory that reading one list, or compiling all, may use."
    )


class NetworkLimit(Section):
    """A limit of its own for one network, such as a whole venue behind one address."""

    network: Annotated[Network, kinds.NETWORK] = Field(
        description="Whom it is for; of several networks the longest counts.",
        examples=["10.20.0.1/32"],
    )
    queries_per_second: Annotated[int, kinds.whole(1, 10_000_000)] = Field(
        description="Queries each address in it may ask in a second.", examples=[5000]
    )


class Limits(Section):
    """Who may ask, and how much."""

    served_networks: tuple[Annotated[Network, kinds.NETWORK], ...] = Field(
        default=SERVED_BY_DEFAULT,
        description="Networks that are answered; others are refused. Default: private ones.",
    )
    queries_per_second: Annotated[int, kinds.whole(1, 10_000_000)] = Field(
        default=QUERIES_PER_SECOND,
        description="Queries one address may ask in a second, per worker.",
    )
    networks: tuple[NetworkLimit, ...] = Field(
        default=(), description="Limits of their own for some networks: tables [[limits.networks]]."
    )


class LeaseSource(Section):
    """A file in which a DHCP server keeps its leases."""

    file: Annotated[str, kinds.PATH] = Field(
        description="The file. Lychgate must be allowed to read it.",
        examples=["/var/lib/misc/dnsmasq.leases"],
    )
    format: Annotated[str, kinds.word(*leases.names())] = Field(
        description="Whose it is.", examples=["dnsmasq"]
    )


class Clients(Section):
    """Who asks, beyond the address that a query comes from."""

    leases: tuple[LeaseSource, ...] = Field(
        default=(), description="Files with DHCP leases: tables [[clients.leases]]."
    )
    trusted_forwarders: tuple[Annotated[Network, kinds.NETWORK], ...] = Field(
        default=(),
        description="Resolvers on site that say for whom they ask: by EDNS client subnet "
        "(RFC 7871) or a client id. Believed from nobody else. Turn their caches off, or one "
        "client is given another's answer. They must be in limits.served_networks too.",
    )
    client_id_option: Annotated[int, kinds.OPTION_CODE] = Field(
        default=0,
        description="The EDNS option in which they put a client id. dnsmasq: 65001 for "
        "add-mac, 65073 for add-mac=text, 65074 for add-cpe-id.",
    )


class Telemetry(Section):
    """What happened: kept by `lychgate record` as privacy allows, and for no longer than this."""

    enabled: Annotated[bool, kinds.FLAG] = Field(
        default=True,
        description="Whether anything is kept. Off: no query log, no figures, no alerts.",
    )
    url: Annotated[str, kinds.STORE] = Field(
        default="", description="Its database. Empty: SQLite, telemetry.db in the state folder."
    )
    detail_days: Annotated[int, kinds.whole(1, 400)] = Field(
        default=30,
        description="How long single blocked, warned, monitored and suspected queries are kept, "
        "under a pseudonym.",
    )
    safeguarding_days: Annotated[int, kinds.whole(1, 2_000)] = Field(
        default=365,
        description="The same for queries that matter to safeguarding, whose identity is kept "
        "sealed.",
    )
    minute_days: Annotated[int, kinds.whole(1, 400)] = Field(
        default=7, description="How long counts by the minute are kept."
    )
    hour_days: Annotated[int, kinds.whole(1, 2_000)] = Field(
        default=35, description="How long counts by the hour are kept."
    )
    day_days: Annotated[int, kinds.whole(1, 4_000)] = Field(
        default=800, description="How long counts by the day are kept: two school years."
    )
    pseudonym_days: Annotated[int, kinds.whole(1, 90)] = Field(
        default=7,
        description="After so long every device gets another pseudonym, which nothing connects "
        "with the one before.",
    )
    spool_megabytes_max: Annotated[int, kinds.whole(1, 16_384)] = Field(
        default=256,
        description="What may wait while the recorder is down or the database cannot be written; "
        "more is dropped and counted.",
    )
    duties: Annotated[bool, kinds.FLAG] = Field(
        default=True,
        description="Whether this recorder also deletes what is too old, makes alerts and does "
        "other periodic work. False where another recorder of the same database does: at venues "
        "that write into their centre's.",
    )


class Metrics(Section):
    """Figures for Prometheus and health for whoever watches, over HTTP."""

    listen: Annotated[Bind | None, kinds.BIND_OR_NOTHING] = Field(
        default=Bind("127.0.0.1", 9353), description="Address of /metrics, /healthz and /readyz."
    )
    candidates: Annotated[bool, kinds.FLAG] = Field(
        default=True,
        description="Whether blocked sites that may be blocked in error are named there, 50 at "
        "most. The only metric with names of sites.",
    )
    candidate_devices_min: Annotated[int, kinds.whole(2, 1000)] = Field(
        default=5,
        description="Sites that fewer devices asked for are not named, unless somebody asked "
        "openly that one be opened.",
    )


class Log(Section):
    """What is written to standard error."""

    level: Annotated[str, kinds.word("debug", "info", "warning", "error")] = Field(
        default="info", description="The least grave messages to write."
    )
    format: Annotated[str, kinds.word("console", "json")] = Field(
        default="console", description="Lines for people, or a JSON object on each line."
    )
