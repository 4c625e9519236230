"""`upstream.preset`, and what `lychgate upstreams` shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lychgate import document_parts, settings
from lychgate.cli import app
from lychgate.composition import routes_of
from lychgate.config import parse
from lychgate.faults import ConfigurationFault
from resolver.upstream.presets import load

DOCS = Path(__file__).parents[2] / "docs"


def test_a_preset_stands_for_its_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = parse('upstream.preset = "quad9"')
    monkeypatch.setattr(settings, "has_ipv6_route", lambda: False)
    servers = routes_of(configuration, ())[""]
    assert [server.uri for server in servers][0] == "tls://9.9.9.9:853#dns.quad9.net"
    assert all(":" not in server.host for server in servers)
    monkeypatch.setattr(settings, "has_ipv6_route", lambda: True)
    assert len(routes_of(configuration, ())[""]) == 2 * len(servers)


def test_the_providers_own_is_what_the_machine_is_set_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lychgate.machine.own_resolvers", lambda binds: load()["quad9"].servers)
    assert routes_of(parse('upstream.preset = "isp"'), ())[""] == load()["quad9"].servers


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('preset = "quad8"', 'upstream.preset: "quad8" is not a preset; use one of quad9, cloudf'),
        ('preset = "quad8"', 'did you mean "quad9"?'),
        ("preset = 9", "upstream.preset: 9 is not text"),
        ('preset = "ncsc-pdns"', "has no public addresses: the NCSC gives you the addresses"),
        ('preset = "quad9"\nservers = ["1.1.1.1"]', "give either preset or servers"),
    ],
)
def test_what_is_wrong_with_a_choice_is_told(text: str, says: str) -> None:
    with pytest.raises(ConfigurationFault) as caught:
        parse(f"[upstream]\n{text}")
    assert says in str(caught.value)
    if "quad8" in text:
        assert all(word in str(caught.value) for word in load())


def test_addresses_given_to_members_stand_beside_the_word() -> None:
    given = parse('[upstream]\npreset = "ncsc-pdns"\nservers = ["tls://192.0.2.1#a.example"]')
    assert [server.uri for server in given.upstream.chosen] == ["tls://192.0.2.1:853#a.example"]


def test_the_command_shows_them_and_which_is_in_use(tmp_path: Path) -> None:
    file = tmp_path / "lychgate.toml"
    file.write_text('upstream.preset = "quad9"\n')
    shown = CliRunner().invoke(app, ["upstreams", "--config", str(file)])
    assert shown.exit_code == 0
    assert "quad9  (in use)" in shown.output and "cloudflare-families" in shown.output
    found = json.loads(CliRunner().invoke(app, ["upstreams", "--json", "-c", str(file)]).output)
    assert found["preset"] == "quad9" and len(found["presets"]) == len(load())
    refused = CliRunner().invoke(app, ["upstreams", "quad8", "-c", str(file)])
    assert refused.exit_code == 2 and "use one of quad9" in refused.output


@pytest.mark.parametrize("name", document_parts.PARTS)
def test_written_parts_are_not_stale(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert document_parts.fill(text, document_parts.PARTS[name]) == text, "run `make docs`"
    for word in document_parts.PARTS[name]:
        assert f"<!-- written: {word} -->" in text
