"""Resolvers by a word: complete, encrypted where it can be, and nobody twice."""

from __future__ import annotations

import pytest

from resolver.upstream.presets import Preset, load
from resolver.upstream.routes import has_ipv6_route


@pytest.mark.parametrize("preset", load().values(), ids=lambda preset: preset.word)
def test_a_preset_says_all_that_people_need_to_choose(preset: Preset) -> None:
    texts = (preset.title, preset.operator, preset.sees, preset.filters, preset.suits)
    assert all(texts) and not any(text.endswith(".") for text in texts)
    # Exactly one of: addresses of its own, given to members, whatever the machine has.
    assert sum((bool(preset.servers), bool(preset.given), preset.own)) == 1
    for server in preset.servers:
        if not server.host.startswith("127."):
            assert server.scheme == "tls" and server.name and not server.opportunistic
        assert ":" not in server.host
    assert all(":" in server.host and server.name for server in preset.ipv6)
    assert {server.name for server in preset.ipv6} <= {server.name for server in preset.servers}


def test_no_two_presets_are_the_same_servers() -> None:
    hosts = [server.host for one in load().values() for server in (*one.servers, *one.ipv6)]
    assert len(hosts) == len(set(hosts))


def test_a_machine_has_a_way_to_ipv6_or_not() -> None:
    assert has_ipv6_route() in (True, False)
