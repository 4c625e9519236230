"""Addresses of upstreams, and what the folder promises of every transport in it."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.upstream.transports import SCHEMES, UpstreamFault, parse_endpoint

PIN = "sha256:" + "Ab+/" * 10 + "abc="


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("9.9.9.9", "udp://9.9.9.9:53"),
        ("9.9.9.9:5353", "udp://9.9.9.9:5353"),
        ("udp://9.9.9.9", "udp://9.9.9.9:53"),
        ("tcp://9.9.9.9:53", "tcp://9.9.9.9:53"),
        ("2620:fe::fe", "udp://[2620:fe::fe]:53"),
        ("[2620:fe::fe]", "udp://[2620:fe::fe]:53"),
        ("[2620:fe:0::FE]:54", "udp://[2620:fe::fe]:54"),
        ("tcp://[2620:fe::fe]", "tcp://[2620:fe::fe]:53"),
        ("tls://9.9.9.9", "tls://9.9.9.9:853"),
        ("tls://9.9.9.9:853#DNS.quad9.net", "tls://9.9.9.9:853#dns.quad9.net"),
        ("tls://[2620:fe::fe]#dns.quad9.net", "tls://[2620:fe::fe]:853#dns.quad9.net"),
        (f"tls://9.9.9.9?pin={PIN}", f"tls://9.9.9.9:853?pin={PIN}"),
        (f"tls://9.9.9.9?pin={PIN}&pin={PIN}#a.b", f"tls://9.9.9.9:853?pin={PIN}#a.b"),
        ("tls://9.9.9.9?ca=/etc/a%20b.pem#a.b", "tls://9.9.9.9:853?ca=/etc/a%20b.pem#a.b"),
        ("tls://9.9.9.9:8853?opportunistic", "tls://9.9.9.9:8853?opportunistic"),
    ],
)
def test_addresses_have_one_normal_form(text: str, uri: str) -> None:
    assert parse_endpoint(text).uri == uri
    assert parse_endpoint(uri).uri == uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dns.example",
        "udp://dns.example:53",
        "tls://dns.quad9.net",
        "tls://me@9.9.9.9",
        "tls://9.9.9.9/dns-query",
        "tcp://9.9.9.9#dns.quad9.net",
        "udp://9.9.9.9?opportunistic",
        "udp://9.9.9.9:99999",
        "udp://9.9.9.9:port",
        "udp://9.9.9.9/path",
        "udp://9.9.9.9?query",
        "udp://9.9.9.9#fragment",
        "udp://me@9.9.9.9",
        "udp://:me@9.9.9.9",
        "9.9.9.9.9",
        "9.9.9.9, 1.1.1.1",
    ],
)
def test_what_is_no_address_is_answered_with_what_is(text: str) -> None:
    with pytest.raises(UpstreamFault) as caught:
        parse_endpoint(text)
    assert str(caught.value).startswith(f"{text!r} is not an upstream; use an IP address")
    assert all(scheme in str(caught.value) for scheme in SCHEMES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tls://9.9.9.9#", "'' is not a name"),
        ("tls://9.9.9.9#dns..net", "'dns..net' is not a name"),
        ("tls://9.9.9.9#" + "a." * 127 + "a", "is not a name"),
        ("tls://9.9.9.9#dns.quad9.net?pin=x", "write it last, after #"),
        ("tls://9.9.9.9?pin=sha1:abc", "'pin=sha1:abc' is not an option of tls; use pin=sha256:"),
        ("tls://9.9.9.9?ca=ca.pem", "ca=/PATH"),
        ("tls://9.9.9.9?unverified", "'unverified' is not an option"),
        (f"tls://9.9.9.9?opportunistic&pin={PIN}", "use one of them"),
    ],
)
def test_what_is_wrong_with_an_identity_is_named(text: str, says: str) -> None:
    with pytest.raises(UpstreamFault, match=re.escape(says)):
        parse_endpoint(text)


@given(st.text(max_size=30) | st.text(max_size=30).map("tls://9.9.9.9".__add__))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        endpoint = parse_endpoint(text)
    except UpstreamFault:
        return
    assert parse_endpoint(endpoint.uri) == endpoint


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_is_a_module_that_connects(scheme: str) -> None:
    module = import_module(f"resolver.upstream.transports.{scheme}")
    assert module.__doc__ and callable(module.connect)
