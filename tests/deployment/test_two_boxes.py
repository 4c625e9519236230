"""Two boxes at a venue: each answers, DHCP gives out both, the second follows the first's store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.deployment.database import CentreDatabase, centre_database
from tests.deployment.machines import (
    UPSTREAM,
    Box,
    ask,
    box,
    device,
    finds,
    give_out,
    internet,
    site,
)
from tests.deployment.network import Host, Network
from tests.house.repository import ROOT
from tests.lychgate.running import wait_until

NFT = ROOT / "docs/examples/only-lychgate.nft"


class Layout(NamedTuple):
    """Who is there."""

    router: Host
    first: Box
    second: Box
    database: CentreDatabase
    device: Host


@pytest.fixture(scope="module")
def layout(network: Network) -> Iterator[Layout]:
    world = internet(network)
    router = site(network, world, "router", "203.0.113.20", "10.20.0.1/24")
    first = box(network, router, "first", "10.20.0.2/24")
    second = box(network, router, "second", "10.20.0.3/24")
    with centre_database(first.host, "10.20.0.2") as database:
        for one, account in ((first, "centre"), (second, "venue")):
            one.trust(database.authority)
            one.configure(
                UPSTREAM,
                f'store.url = "{database.url(account, "lychgate")}"',
                f'telemetry.url = "{database.url(account, "telemetry")}"',
                f"telemetry.duties = {str(one is first).lower()}",
            )
        first.lychgate("store", "create")
        first.lychgate("venue", "remove", "here")
        first.lychgate(
            "venue", "add", "crewe", "--title", "Crewe hub", "--network", "10.20.0.0/24",
            "--profile", "learners",
        )  # fmt: skip
        first.start("record")
        wait_until(lambda: _tables(database), f"tables; see {first.host.folder}/record.log", 20)
        database.make_venue_account()
        for one, part in ((second, "record"), (first, "serve"), (second, "serve")):
            one.start(part)
        first.wait_ready()
        second.wait_ready()
        give_out(router, "10.20.0.100", "10.20.0.120", ["dhcp-option=6,10.20.0.2,10.20.0.3"])
        router.ruleset(NFT.read_text())
        yield Layout(router, first, second, database, device(network, router, "device"))


def test_a_device_is_told_of_both(layout: Layout) -> None:
    words = layout.device.resolv.read_text().split()
    assert words == ["nameserver", "10.20.0.2", "nameserver", "10.20.0.3"]
    assert finds(layout.device, "www.gov.uk") and not finds(layout.device, "www.bet365.com")


def test_the_second_decides_as_the_first_within_seconds(layout: Layout) -> None:
    layout.first.lychgate("rule", "add", "deny", "later.example", "--reason", "a trial")
    wait_until(lambda: _ede_of(layout, "10.20.0.3", "later.example") == [15], "the rule", 10)
    with pytest.raises(AssertionError, match="may not be"):
        layout.second.lychgate("rule", "add", "deny", "mine.example", "--reason", "a trial")


def test_one_killed_the_other_answers_and_filters(layout: Layout) -> None:
    layout.first.kill("serve")
    blocked = ask(layout.device, "www.bet365.com")
    assert (blocked["server"], blocked["ede"]) == ("10.20.0.3", [15])
    assert finds(layout.device, "www.nhs.uk") and not finds(layout.device, "www.bet365.com")
    assert ask(layout.device, "later.example")["ede"] == [15]


def test_the_first_without_power_takes_its_store_with_it_and_no_filter(layout: Layout) -> None:
    """The device waits for a machine that does not answer; the second has the policy of before."""
    layout.database.stop()
    layout.first.host.ip("link", "set", "eth0", "down")
    begun = time.monotonic()
    assert finds(layout.device, "www.citizensadvice.org.uk")
    assert time.monotonic() - begun < 12  # the C library gives a silent server 5 s
    assert ask(layout.device, "later.example")["ede"] == [15]
    # Started again meanwhile, it begins with the policy that it kept on disk.
    layout.second.kill("serve")
    layout.second.start("serve")
    wait_until(
        lambda: ask(layout.device, "later.example")["ede"] == [15], layout.second.log("serve"), 60
    )
    assert layout.second.figure("lychgate_policy_source_up") == 0


def test_when_the_first_is_back_so_is_its_word(layout: Layout) -> None:
    layout.first.host.ip("link", "set", "eth0", "up")
    layout.first.host.route("10.20.0.1")
    layout.database.start()
    layout.first.start("serve")
    layout.first.wait_ready()
    layout.first.lychgate("rule", "add", "deny", "afterwards.example", "--reason", "a trial")
    servers = ("10.20.0.2", "10.20.0.3")
    wait_until(
        lambda: all(_ede_of(layout, server, "afterwards.example") == [15] for server in servers),
        "the rule at both",
        30,
    )
    events = (
        "SELECT count(*) FROM telemetry_events JOIN telemetry_names AS n ON n.id = name_id "
        "WHERE name LIKE 'later%'"
    )
    wait_until(lambda: int(layout.database.sql(events, "telemetry")) >= 3, "what was spooled", 60)


def _ede_of(layout: Layout, server: str, name: str) -> list[int]:
    """What one server says, asked by the first box, which may."""
    host = layout.first.host
    host.resolv.write_text(f"nameserver {server}\n")
    found: list[int] = ask(host, name)["ede"]
    return found


def _tables(database: CentreDatabase) -> bool:
    return database.sql("SELECT to_regclass('telemetry_events') IS NOT NULL", "telemetry") == "t"
