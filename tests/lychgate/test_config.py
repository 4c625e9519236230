"""`lychgate.toml`: all faults at once, each as *where: what was given; what is allowed*."""

from __future__ import annotations

from pathlib import Path

import pytest

from lychgate.config import Configuration, load, parse
from lychgate.faults import ConfigurationFault
from resolver.listeners import Bind
from resolver.upstream.transports import Endpoint

BIND = "use ADDRESS:PORT, as in 127.0.0.1:5300 or [::1]:53"

FAULTS = [
    ('server.listen = ["127.0.0.1:99999"]',
     f'server.listen[0]: "127.0.0.1:99999" is not an address to listen on; {BIND}'),
    ('server.listen = ["localhost:53"]',
     f'server.listen[0]: "localhost:53" is not an address to listen on; {BIND}'),
    ("server.listen = [53]", "server.listen[0]: 53 is not text"),
    ('server.listen = "127.0.0.1"', 'server.listen: "127.0.0.1" is not a list; use a list in'),
    ("server.listen = []", "server.listen: [] is nothing to listen on; use ADDRESS:PORT"),
    ('server.listen = ["::1", "[::1]:53"]', "server.listen: an address is given twice"),
    ('server = { listen = ["127.0.0.1:0"], workers = 2 }', "server.listen: port 0 with several"),
    ("server.workers = 0", "server.workers: 0 is not possible; use a whole number from 1 to 64"),
    ("server.workers = true", "server.workers: true is not possible; use a whole number"),
    ("server.workers = 1.0", "server.workers: 1.0 is not possible; use a whole number"),
    ("server.lisen = 1", 'server.lisen: "lisen" is not a known key; did you mean "listen"?'),
    ("server.block_ttl_seconds = 1",
     'server.block_ttl_seconds: "block_ttl_seconds" is not a known key; it belongs in [filter]'),
    ("workers = 2", 'workers: "workers" is not a known key; it belongs in [server]'),
    ("[upstreams]\nx = 1", 'upstreams: "upstreams" is not a known table; did you mean "upstream"?'),
    ("[qqq]\nx = 1", 'qqq: "qqq" is not a known table; use one of server, upstream, forward'),
    ("server = 1", "server: 1 is not a table; use [server]"),
    ('upstream.servers = ["dns.example"]', "upstream.servers[0]: 'dns.example' is not an upstream"),
    ('upstream.servers = ["quic://9.9.9.9"]', "upstream.servers[0]: 'quic://9.9.9.9' is not an"),
    ('[forward]\nzones = ["x"]', "forward: a single table is not a list; use [[forward]]"),
    ('[[forward]]\nzones = ["corp.example"]',
     "forward[0].servers: nothing is given; it is required"),
    ('[[forward]]\nzones = ["localhost"]\nservers = ["10.0.0.1"]',
     'forward[0].zones[0]: "localhost" is answered here and never forwarded'),
    ('[[forward]]\nzones = ["_dns.resolver.arpa"]\nservers = ["10.0.0.1"]',
     'forward[0].zones[0]: "_dns.resolver.arpa" is answered here and never forwarded'),
    ('[[forward]]\nzones = ["."]\nservers = ["10.0.0.1"]',
     'forward[0].zones[0]: "." is the root; use upstream.servers'),
    ("[[forward]]\nzones = []\nservers = []", "forward[0].zones: [] forwards nothing"),
    ('[[forward]]\nzones = ["a.x"]\nservers = ["10.0.0.1"]\n'
     '[[forward]]\nzones = ["b.x", "A.x."]\nservers = ["10.0.0.1"]',
     "forward[1].zones[1]: the zone is forwarded twice"),
    ("cache.entries_max = 3", "cache.entries_max: 3 is not possible; use a whole number from 100"),
    ("cache = { ttl_seconds_min = 60, ttl_seconds_max = 30 }",
     "cache.ttl_seconds_min: 60 is above ttl_seconds_max; use at most 30"),
    ("filter.stale_wait_seconds = nan", "filter.stale_wait_seconds: nan is not possible"),
    ('filter.page_ipv4 = "::1"', 'filter.page_ipv4: "::1" is not such an address; use one IPv4'),
    ('filter.page_ipv6 = "x"', 'filter.page_ipv6: "x" is not such an address; use one IPv6'),
    ("filter.rebinding_protection = 1", "filter.rebinding_protection: 1 is neither true nor false"),
    ('filter.rebinding_allowed_zones = ["a b"]', "filter.rebinding_allowed_zones[0]: 'a b'"),
    ("filter.policy = 5", "filter.policy: 5 is not text; use a path, in quotes"),
    ('limits.served_networks = ["10.0.0.1/8"]',
     'limits.served_networks[0]: "10.0.0.1/8" has host bits set; did you mean 10.0.0.0/8?'),
    ('limits.served_networks = ["home"]',
     'limits.served_networks[0]: "home" is not a network; use'),
    ('[[limits.networks]]\nnetwork = "10.0.0.0/8"\nqueries_per_secnd = 1',
     "limits.networks[0].queries_per_second: nothing is given"),
    ('[[limits.networks]]\nnetwork = "10.0.0.0/8"\nqueries_per_secnd = 1',
     'limits.networks[0].queries_per_secnd: "queries_per_secnd" is not a known key; did you mean'),
    ("clients.client_id_option = 12",
     "clients.client_id_option: 12 is not such an option; use 0 for none, or 65001 to 65534"),
    ("clients.client_id_option = true", "clients.client_id_option: true is not such an option"),
    ('clients.trusted_forwarders = ["10.9.0.1"]\n[[clients.leases]]\nfile = "x"\nformat = "isk"',
     'clients.leases[0].format: "isk" is not a word known here; use one of dnsmasq, isc, kea'),
    ('clients.trusted_forwarders = ["forwarder"]',
     'clients.trusted_forwarders[0]: "forwarder" is not a network'),
    ('metrics.listen = "9353"', 'metrics.listen: "9353" is not an address to listen on'),
    ('log.level = "loud"', 'log.level: "loud" is not a word known here; use one of debug, info'),
    ('log.format = ["json"]', "log.format:"),
    ("server.listen 1", "(at line 1, column 15); use TOML 1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), FAULTS)
def test_each_fault_says_where_what_and_what_instead(text: str, line: str) -> None:
    with pytest.raises(ConfigurationFault) as caught:
        parse(text)
    assert all(fault.startswith("lychgate.toml: ") for fault in caught.value.faults)
    assert any(line in fault for fault in caught.value.faults), caught.value.faults


def test_all_faults_come_at_once() -> None:
    with pytest.raises(ConfigurationFault) as caught:
        parse('server.workers = 0\ncache.entries_max = 1\n[log]\nlevel = 3\nformt = "json"\n')
    assert len(caught.value.faults) == 4


def test_without_a_file_everything_has_its_default() -> None:
    configuration = load(None)
    assert configuration.server.listen == (Bind("127.0.0.1", 5300), Bind("::1", 5300))
    assert configuration.metrics.listen == Bind("127.0.0.1", 9353)
    assert configuration.policy_file is None
    assert configuration.index_file == Path("var/index.lychgate")


def test_values_are_what_the_rooms_work_with() -> None:
    configuration = parse(
        """
        upstream.servers = ["9.9.9.9", "tcp://[2620:fe::fe]"]
        filter.page_ipv4 = "192.0.2.1"
        metrics.listen = ""
        [[forward]]
        zones = ["Corp.Example."]
        servers = ["10.0.0.53:5353"]
        """
    )
    assert configuration.upstream.servers == (
        Endpoint("udp", "9.9.9.9", 53),
        Endpoint("tcp", "2620:fe::fe", 53),
    )
    assert configuration.filter.page_ipv4 == b"\xc0\x00\x02\x01"
    assert configuration.metrics.listen is None
    assert configuration.forward[0].zones == (b"\x04corp\x07example\x00",)


def test_paths_count_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('filter = { policy = "p.toml", index = "/i" }\nserver.state_directory = "s"\n')
    configuration = load(file)
    assert configuration.policy_file == tmp_path / "p.toml"
    assert configuration.index_file == Path("/i")
    assert configuration.state_directory == tmp_path / "s"
    assert configuration.name == str(file)


def test_a_configuration_never_changes() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Configuration().server.workers = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("octets", "line"),
    [(None, "No such file or directory; use a file"), (b"\xff", "octet 0 is not UTF-8; use")],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, octets: bytes | None, line: str) -> None:
    file = tmp_path / "lychgate.toml"
    if octets is not None:
        file.write_bytes(octets)
    with pytest.raises(ConfigurationFault, match=line):
        load(file)
