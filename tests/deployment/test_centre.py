"""A centre, a venue that follows it, and a partner venue behind its router.

The venue's resolver reads the centre's store and writes to its telemetry, through the internet by
TLS. The partner has no box: its devices ask the centre's resolver, from one public address.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from tests.deployment.database import CentreDatabase, centre_database
from tests.deployment.machines import (
    GATEWAY,
    UPSTREAM,
    Box,
    ask,
    asks,
    box,
    device,
    finds,
    give_out,
    internet,
    site,
)
from tests.deployment.network import Host, Network
from tests.lychgate.running import wait_until

CENTRE, PARTNER, STRANGER = "203.0.113.10", "203.0.113.30", "203.0.113.40"
EXCEPTION_SECONDS = 20
CUT = f"""
table inet cut {{
    chain out {{
        type filter hook forward priority 0
        ip daddr {CENTRE} drop
    }}
}}
"""
"""The link to the centre swallows everything, as a broken tunnel does: nobody is told."""
SUMS = """
SELECT coalesce(sum(queries), 0) FROM telemetry_tallies_minutes AS t
JOIN telemetry_origins AS o ON o.id = t.origin_id WHERE o.venue = 'crewe'
"""
BLOCKS = """
SELECT coalesce(sum(queries), 0) FROM telemetry_events AS e
JOIN telemetry_names AS n ON n.id = e.name_id WHERE n.name LIKE 'while-cut%'
"""


class Layout(NamedTuple):
    """Who is there."""

    centre: Box
    venue: Box
    router: Host
    device: Host
    partner: Host
    partner_router: Host
    database: CentreDatabase


@pytest.fixture(scope="module")
def layout(network: Network) -> Iterator[Layout]:
    world = internet(network)
    host = network.host("centre")
    network.plug(host, "wan", world, "wan")
    host.address("wan", f"{CENTRE}/24")
    host.route(GATEWAY)
    centre = Box(host)
    router = site(network, world, "router", "203.0.113.20", "10.20.0.1/24")
    venue = box(network, router, "venue", "10.20.0.2/24")
    partner_router = site(network, world, "partners", PARTNER, "192.168.1.1/24")
    with centre_database(host, CENTRE) as database:
        for one, account in ((centre, "centre"), (venue, "venue")):
            one.trust(database.authority)
            one.configure(
                UPSTREAM,
                f'store.url = "{database.url(account, "lychgate")}"',
                f'telemetry.url = "{database.url(account, "telemetry")}"',
                f"telemetry.duties = {str(one is centre).lower()}",
                # Whom the centre answers, and how much each may ask: partners by their addresses.
                f'limits.served_networks = ["127.0.0.0/8", "10.0.0.0/8", "{PARTNER}/32", '
                f'"{STRANGER}/32"]',
                "limits.queries_per_second = 100",
                f'limits.networks = [{{ network = "{PARTNER}/32", queries_per_second = 5000 }}]',
            )
        centre.lychgate("store", "create")
        centre.lychgate("venue", "remove", "here")
        for words in (
            ("crewe", "--title", "Crewe hub", "--network", "10.20.0.0/24", "--profile", "learners"),
            ("library", "--title", "Library", "--network", f"{PARTNER}/32", "--profile", "guests"),
        ):
            centre.lychgate("venue", "add", *words)
        centre.lychgate(
            "rule", "add", "deny", "closed.example", "--venue", "library", "--reason", "a trial"
        )
        centre.start("record")
        made = "SELECT to_regclass('telemetry_events') IS NOT NULL"
        wait_until(lambda: database.sql(made, "telemetry") == "t", centre.log("record"), 60)
        database.make_venue_account()
        for one in (centre, venue):
            one.start("serve")
        venue.start("record")
        for one in (centre, venue):
            one.wait_ready()
        give_out(router, "10.20.0.100", "10.20.0.120", ["dhcp-option=6,10.20.0.2"])
        give_out(partner_router, "192.168.1.100", "192.168.1.120", [f"dhcp-option=6,{CENTRE}"])
        yield Layout(
            centre,
            venue,
            router,
            device(network, router, "device"),
            device(network, partner_router, "partner"),
            partner_router,
            database,
        )


def test_one_policy_at_the_venue_and_behind_the_partners_router(layout: Layout) -> None:
    at_venue = asks(layout.device, "www.bet365.com", "closed.example")
    assert at_venue["www.bet365.com"]["ede"] == [15]
    assert at_venue["closed.example"]["rcode"] == "NOERROR"
    at_partner = asks(layout.partner, "www.bet365.com", "closed.example", "www.gov.uk")
    assert at_partner["www.bet365.com"]["server"] == CENTRE
    assert at_partner["www.bet365.com"]["ede"] == at_partner["closed.example"]["ede"] == [15]
    assert at_partner["www.gov.uk"]["rcode"] == "NOERROR"


def test_thirty_hosts_behind_one_address_do_not_reach_its_limit(layout: Layout) -> None:
    hosts = [f"192.168.1.{number}" for number in range(130, 160)]
    layout.partner.address("eth0", *(f"{host}/24" for host in hosts))
    before = layout.centre.figure("lychgate_limited_queries_total")
    found = _burst(layout.partner, CENTRE, 30, hosts)
    assert found["sent"] == found["answered"] == 900 and not found["cut"], found
    assert layout.centre.figure("lychgate_limited_queries_total") == before


def test_an_address_without_a_limit_of_its_own_reaches_it(layout: Layout) -> None:
    """So the test before can fail: the same burst from elsewhere is cut down."""
    layout.partner_router.address("wan", f"{STRANGER}/24")
    rule = ("nft", "insert", "rule", "ip", "nat", "out", "oifname", "wan", "snat", "to", STRANGER)
    layout.partner_router.run(*rule)
    before = layout.centre.figure("lychgate_limited_queries_total")
    hosts = [f"192.168.1.{number}" for number in range(130, 160)]
    found = _burst(layout.partner, CENTRE, 30, hosts)
    assert found["answered"] < found["sent"] or found["cut"]
    wait_until(
        lambda: layout.centre.figure("lychgate_limited_queries_total") > before, "limited", 10
    )


def test_a_venue_without_its_centre(layout: Layout) -> None:
    """Filtered, exceptions end in time, a restart changes nothing; figures arrive once."""
    ends_at = time.time() + EXCEPTION_SECONDS
    until = datetime.fromtimestamp(ends_at, UTC).isoformat(timespec="seconds")
    layout.centre.lychgate(
        "exception", "grant", "--bundle", "facebook", "--venue", "crewe", "--until", until,
        "--purpose", "CV workshop",
    )  # fmt: skip
    wait_until(lambda: finds(layout.device, "www.facebook.com"), "the exception", 10)
    assert time.time() < ends_at - 3, "the machine is too busy for this test"
    assert not finds(layout.device, "www.bet365.com")
    sums = wait_until(lambda: _settled(layout, SUMS), "figures before the cut", 40)

    layout.router.ruleset(CUT)
    asked = 0
    opened = ask(layout.device, "www.facebook.com")
    asked += 1
    if time.time() < ends_at - 1:
        assert opened["rcode"] == "NOERROR" and opened["ttl"] <= EXCEPTION_SECONDS
    wait_until(lambda: time.time() > ends_at, "the end of the exception", EXCEPTION_SECONDS)
    assert ask(layout.device, "www.facebook.com")["ede"] == [15]
    names = [f"while-cut-{number}.bet365.com" for number in range(20)]
    assert all(found["ede"] == [15] for found in asks(layout.device, *names).values())
    asked += 1 + len(names)
    assert finds(layout.device, "www.nhs.uk")  # the C library asks once, for A alone
    asked += 1

    # As in a restart of the machine. (Killed, the resolver would lose what it counted since it last
    # wrote: up to a second of events, ten of counts.) The recorder gets no goodbye.
    layout.venue.stop("serve")
    assert _spooled(layout, b"while-cut-") == len(names)
    layout.venue.kill("record")
    layout.venue.start("record")
    layout.venue.start("serve")
    wait_until(lambda: "policy.last.json" in layout.venue.ready(), "the policy of disk", 60)
    assert layout.venue.figure("lychgate_policy_source_up") == 0
    assert ask(layout.device, "www.facebook.com")["ede"] == [15]
    assert len(list((layout.venue.state / "spool").glob("*.batch"))) > 0
    assert layout.database.sql(BLOCKS, "telemetry") == "0"

    layout.router.run("nft", "delete", "table", "inet", "cut")
    wait_until(lambda: layout.database.sql(BLOCKS, "telemetry") == "20", "what was spooled", 90)
    after = _settled(layout, SUMS, 60)
    assert int(after) >= int(sums) + asked
    assert layout.database.sql(BLOCKS, "telemetry") == "20"  # and not once more
    assert not list((layout.venue.state / "spool").glob("damaged/*"))
    layout.centre.lychgate("rule", "add", "deny", "afterwards.example", "--reason", "a trial")
    wait_until(lambda: ask(layout.device, "afterwards.example")["ede"] == [15], "the rule", 30)


def test_the_venues_account_reads_the_policy_and_nothing_about_accounts(layout: Layout) -> None:
    for private in ("audit", "review_requests"):
        granted = f"SELECT has_table_privilege('venue', '{private}', 'SELECT')"
        assert layout.database.sql(granted, "lychgate") == "f"
    with pytest.raises(AssertionError, match="may not be"):
        layout.venue.lychgate("rule", "add", "deny", "mine.example", "--reason", "a trial")


def _spooled(layout: Layout, text: bytes) -> int:
    """How often a text stands in what waits for the recorder."""
    batches = (layout.venue.state / "spool").glob("*.batch")
    return sum(path.read_bytes().count(text) for path in batches)


def _settled(layout: Layout, question: str, seconds: float = 30) -> str:
    """A figure that stands still, once it is not nothing and the spool is empty."""

    def steady() -> str:
        if list((layout.venue.state / "spool").glob("*.batch")):
            return ""
        found = layout.database.sql(question, "telemetry")
        time.sleep(2.0)
        same = found == layout.database.sql(question, "telemetry")
        return found if same and found != "0" else ""

    settled: str = wait_until(steady, question, seconds)
    return settled


def _burst(host: Host, server: str, each: int, sources: list[str]) -> dict[str, int]:
    found: dict[str, int] = json.loads(
        host.run(
            sys.executable, "-m", "tests.deployment.stub", "burst", server, str(each), *sources
        )
    )
    return found
