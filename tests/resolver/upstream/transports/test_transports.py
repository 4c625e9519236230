"""Addresses of upstreams, and what the folder promises of every transport in it."""

from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.upstream.transports import SCHEMES, UpstreamFault, parse_endpoint


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
        "tls://9.9.9.9",
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


@given(st.text(max_size=30))
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
