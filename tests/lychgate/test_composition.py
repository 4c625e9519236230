"""The rooms put together: what stops a snapshot, and what is only a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocklists.compiling import compile_index
from categoriser.names import from_text
from lychgate import machine
from lychgate.composition import SnapshotBuilder, compose, routes_of
from lychgate.config import Configuration, load, parse
from lychgate.faults import ConfigurationFault
from resolver.setup import SnapshotFault
from resolver.snapshot import DEFAULT_ROUTE, Snapshot

POLICY = """
[organisation]
name = "Test"
default_profile = "learners"
[profiles.learners]
answer = "{answer}"
"""


def configure(folder: Path, text: str) -> Configuration:
    file = folder / "lychgate.toml"
    file.write_text(text)
    return load(file)


def build_index(folder: Path, name: str = "listed.example") -> Path:
    lists = folder / "gambling.txt"
    lists.write_text(f"{name}\nother.example\n")
    out = folder / "index.lychgate"
    compile_index([lists], out, at=0.0)
    return out


def categories(snapshot: Snapshot, name: str) -> set[str]:
    return {match.category for match in snapshot.index.categorise(from_text(name))}


def test_starter_lists_filter_with_nothing_else(tmp_path: Path) -> None:
    built = SnapshotBuilder(configure(tmp_path, "")).build()
    assert built.warnings == ()
    assert categories(built.snapshot, "www.bet365.com") == {"gambling"}


def test_the_index_in_the_state_directory_is_found(tmp_path: Path) -> None:
    build_index(tmp_path)
    built = SnapshotBuilder(configure(tmp_path, 'server.state_directory = "."')).build()
    assert built.warnings == ()
    assert categories(built.snapshot, "a.listed.example") == {"gambling"}


@pytest.mark.parametrize("octets", [None, b"", b"not an index", b"LYCHIDX\n" + bytes(200)])
def test_a_broken_index_is_told_and_starters_still_filter(
    tmp_path: Path, octets: bytes | None
) -> None:
    """DESIGN 9: index missing or corrupt at start: starter lists still filter and say so."""
    if octets is not None:
        (tmp_path / "mine").write_bytes(octets)
    built = SnapshotBuilder(configure(tmp_path, 'filter.index = "mine"')).build()
    assert len(built.warnings) == 1
    assert str(tmp_path / "mine") in built.warnings[0]
    assert built.warnings[0].endswith("only the starter lists filter")
    assert categories(built.snapshot, "bet365.com") == {"gambling"}


def test_an_index_that_breaks_later_leaves_the_one_before(tmp_path: Path) -> None:
    """DESIGN 9: never an empty filter."""
    out = build_index(tmp_path)
    builder = SnapshotBuilder(configure(tmp_path, 'filter.index = "index.lychgate"'))
    assert builder.build().warnings == ()
    out.unlink()
    out.write_bytes(b"torn")
    for _ in range(2):
        built = builder.build()
        assert built.warnings[0].endswith("the index before it stays")
        assert categories(built.snapshot, "listed.example") == {"gambling"}
    out.unlink()
    assert builder.build().warnings[0].endswith("the index before it stays")
    build_index(tmp_path, "new.example")
    built = builder.build()
    assert built.warnings == ()
    assert categories(built.snapshot, "new.example") == {"gambling"}
    assert categories(built.snapshot, "listed.example") == set()


def test_an_unchanged_index_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(tmp_path)
    builder = SnapshotBuilder(configure(tmp_path, 'filter.index = "index.lychgate"'))
    first = builder.build()

    def fail(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("lychgate.composition.open_index", fail)
    assert builder.build().snapshot.index.tables[1] is first.snapshot.index.tables[1]


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        (None, "policy.toml: No such file or directory; use a policy document"),
        ("[organisation", "policy.toml: Expected ']'"),
        ("\udcff", "policy.toml: octet 0 is not UTF-8"),
        (
            POLICY.format(answer="nxdomian"),
            'answer: "nxdomian" is not a block answer; did you mean',
        ),
        (POLICY.format(answer="page_address"), "page_address without an address of the page; set"),
    ],
)
def test_a_policy_that_cannot_be_used_stops_everything(
    tmp_path: Path, policy: str | None, line: str
) -> None:
    if policy is not None:
        (tmp_path / "policy.toml").write_bytes(policy.encode(errors="surrogateescape"))
    builder = SnapshotBuilder(configure(tmp_path, 'filter.policy = "policy.toml"'))
    with pytest.raises(SnapshotFault) as caught:
        builder.build()
    assert len(caught.value.faults) == 1
    assert line in caught.value.faults[0]


def test_a_page_address_makes_that_answer_possible(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY.format(answer="page_address"))
    text = 'filter = { policy = "policy.toml", page_ipv6 = "2001:db8::1" }'
    assert SnapshotBuilder(configure(tmp_path, text)).build().snapshot.settings.pages.ipv6


def test_settings_reach_their_rooms(tmp_path: Path) -> None:
    setup = compose(
        configure(
            tmp_path,
            """
            server.listen = ["127.0.0.1:5311"]
            upstream.servers = ["9.9.9.9"]
            cache.entries_max = 500
            metrics.listen = "127.0.0.1:9311"
            [filter]
            block_ttl_seconds = 5
            rebinding_protection = false
            rebinding_allowed_zones = ["corp.example"]
            policy = "policy.toml"
            [limits]
            served_networks = ["198.51.100.0/24"]
            networks = [{ network = "198.51.100.7/32", queries_per_second = 7 }]
            [[forward]]
            zones = ["corp.example", "10.in-addr.arpa"]
            servers = ["10.0.0.53", "10.0.0.54"]
            """,
        )
    )
    before = setup.watch()
    (tmp_path / "policy.toml").write_text(POLICY.format(answer="nodata"))
    assert setup.watch() != before
    assert setup.cache.entries_max == 500
    assert setup.metrics is not None and setup.metrics.port == 9311
    assert not setup.limits.serves(b"\x7f\x00\x00\x01")
    assert setup.limits.rate(b"\xc6\x33\x64\x07") == 7
    snapshot = setup.build_snapshot().snapshot
    assert snapshot.settings.block_ttl_seconds == 5
    assert not snapshot.settings.rebinding.enabled
    assert snapshot.settings.rebinding.allowed_zones == {from_text("corp.example")}
    route = snapshot.route(from_text("7.0.0.10.in-addr.arpa"))
    assert route is not None
    assert [endpoint.host for endpoint in setup.routes[route]] == ["10.0.0.53", "10.0.0.54"]
    assert [endpoint.host for endpoint in setup.routes[DEFAULT_ROUTE]] == ["9.9.9.9"]


def test_several_workers_leave_the_metrics_to_their_parent() -> None:
    setup = compose(parse('upstream.servers = ["9.9.9.9"]'), shared=True)
    assert setup.shared and setup.metrics is None


def test_nobody_to_ask_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "RESOLV_CONF", tmp_path / "none")
    monkeypatch.setattr(machine, "SYSTEMD_RESOLV_CONF", tmp_path / "none")
    with pytest.raises(ConfigurationFault, match="upstream.servers: none is given and .* use"):
        routes_of(parse(""), ())
