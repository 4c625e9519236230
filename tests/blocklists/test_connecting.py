"""Choosing a proxy, showing URLs, and ends in time. Connections: see `test_fetching`."""

from __future__ import annotations

import socket
import time
from ipaddress import ip_network

import httpx
import pytest

from blocklists.connecting import Deadline, certificate_fault, proxy_for, read_trust, shown

PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("variable", "value", "url", "proxy"),
    [
        ("HTTPS_PROXY", PROXY, "https://lists.example/", PROXY),
        ("HTTPS_PROXY", "proxy.example:3128", "https://lists.example/", PROXY),
        ("https_proxy", PROXY, "http://lists.example/", ""),
        ("http_proxy", PROXY, "http://lists.example/", PROXY),
        ("all_proxy", PROXY, "https://lists.example/", PROXY),
        ("https_proxy", "", "https://lists.example/", ""),
    ],
)
def test_the_environment_names_a_proxy(
    environment: pytest.MonkeyPatch, variable: str, value: str, url: str, proxy: str
) -> None:
    environment.setenv(variable, value)
    assert proxy_for(httpx.URL(url), "", ()) == proxy


def test_a_proxy_that_is_set_goes_before_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("https_proxy", "http://other.example")
    environment.setenv("no_proxy", "*")
    assert proxy_for(httpx.URL("https://lists.example/"), PROXY, ()) == PROXY


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://127.0.0.1/", ""),
        ("https://[::1]/", ""),
        ("https://203.0.113.7/", ""),
        ("https://9.9.9.9/", PROXY),
        ("https://9.9.8.9/", ""),
    ],
)
def test_addresses_that_are_near_or_allowed_need_none(url: str, proxy: str) -> None:
    assert proxy_for(httpx.URL(url), PROXY, (ip_network("9.9.8.0/24"),)) == proxy


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://lists.example/a?key=s3cret#x", "https://lists.example/a"),
        ("https://user:s3cret@lists.example:8443", "https://lists.example:8443/"),
        ("https://[::1]:1/", "https://[::1]:1/"),
        ("https://sportfogad\N{LATIN SMALL LETTER A WITH ACUTE}s.com/%0a", None),
    ],
)
def test_urls_are_shown_without_secrets_and_in_ascii(url: str, text: str | None) -> None:
    assert shown(httpx.URL(url)) == (text or "https://xn--sportfogads-t7a.com/%0a")


def test_authorities_of_the_machine_and_of_httpx_are_trusted() -> None:
    trust = read_trust("")
    assert trust.check_hostname
    assert trust.cert_store_stats()["x509_ca"] > 50


def test_other_faults_are_not_about_certificates() -> None:
    assert certificate_fault(httpx.ConnectError("refused")) is None


def test_a_deadline_wakes_whoever_reads() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Deadline(0.05) as deadline:

        class Stream:
            def get_extra_info(self, name: str) -> socket.socket:
                return ours

        deadline.trace("connection.connect_tcp.complete", {"return_value": Stream()})
        ours.settimeout(10.0)
        assert ours.recv(1) == b""
        assert deadline.passed
        assert deadline.left() <= 0


def test_a_connection_made_too_late_is_closed_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Deadline(0.0) as deadline:
        while not deadline.passed:
            time.sleep(0)

        class Stream:
            def get_extra_info(self, name: str) -> socket.socket:
                return ours

        deadline.trace("connection.connect_tcp.complete", {"return_value": Stream()})
        assert theirs.recv(1) == b""
