"""One box at a venue: `lychgate init`, `lychgate up`, and what `lychgate dhcp` tells the router."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.deployment.machines import (
    ANSWER,
    LYCHGATE,
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
    box: Box
    device: Host


@pytest.fixture(scope="module")
def layout(network: Network) -> Iterator[Layout]:
    world = internet(network)
    router = site(network, world, "router", "203.0.113.20", "10.20.0.1/24")
    only = box(network, router, "box", "10.20.0.2/24")
    only.lychgate(
        "init", "--yes", "--organisation", "Northshire Skills", "--upstream", UPSTREAM,
        "--lists", "none", "--term", "none", "--mail", "none",
    )  # fmt: skip
    only.start("up")
    only.wait_ready()
    said = only.host.run(*LYCHGATE, "dhcp", "dnsmasq", "--address", "10.20.0.2")
    lines = [line.strip() for line in said.splitlines() if line.strip().startswith("dhcp-")]
    give_out(router, "10.20.0.100", "10.20.0.120", lines)
    yield Layout(router, only, device(network, router, "device"))


def test_init_found_the_network_and_listens_in_it(layout: Layout) -> None:
    text = layout.box.configuration.read_text()
    assert '"10.20.0.2:53"' in text and '"127.0.0.1:53"' in text
    assert "10.20.0.0/24" in layout.box.lychgate("venue", "list")


def test_a_device_is_told_of_it_alone_by_dhcp(layout: Layout) -> None:
    words = layout.device.resolv.read_text().split()
    assert words == ["nameserver", "10.20.0.2"]


def test_the_device_is_answered_and_filtered(layout: Layout) -> None:
    assert finds(layout.device, "www.gov.uk")
    assert not finds(layout.device, "www.bet365.com")
    blocked = ask(layout.device, "www.bet365.com")
    assert (blocked["rcode"], blocked["ede"]) == ("NXDOMAIN", [15])
    assert ask(layout.device, "www.gov.uk")["addresses"] == [ANSWER]


def test_without_the_internet_it_blocks_and_gives_what_it_knows(layout: Layout) -> None:
    assert finds(layout.device, "www.gov.uk")
    layout.router.ip("link", "set", "wan", "down")
    try:
        assert ask(layout.device, "www.bet365.com")["ede"] == [15]
        assert ask(layout.device, "www.gov.uk")["addresses"] == [ANSWER]
    finally:
        layout.router.ip("link", "set", "wan", "up")
        layout.router.route("203.0.113.1")
    wait_until(lambda: finds(layout.device, "www.nhs.uk"), "the internet again", 60)


def test_a_device_cannot_ask_past_it_where_the_router_forbids_that(layout: Layout) -> None:
    """The rules that docs/deployment.md asks for: port 53 and 853 are the box's alone."""
    assert ask_of(layout.device, UPSTREAM)["rcode"] == "NOERROR"
    layout.router.ruleset(NFT.read_text())
    assert ask_of(layout.device, UPSTREAM)["rcode"] == "NOBODY"
    assert finds(layout.device, "www.citizensadvice.org.uk")


def ask_of(host: Host, server: str) -> dict[str, object]:
    """The same of a server that nobody gave out."""
    told = host.resolv.read_text()
    host.resolv.write_text(f"nameserver {server}\n")
    try:
        return ask(host, "www.bet365.com")
    finally:
        host.resolv.write_text(told)
