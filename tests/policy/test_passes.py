"""Passes: whose they are, and that nothing else is built anew because of one."""

from __future__ import annotations

from typing import Any

import pytest

from policy.document import Builder, PolicyFault
from policy.exporting import to_toml
from policy.passes import site_of
from tests.policy.college import TAXONOMY, packed

RAW: dict[str, Any] = {
    "organisation": {"name": "Test", "default_profile": "p"},
    "profiles": {"p": {}, "q": {"warn_minutes": 5}},
    "venues": {"crewe": {"networks": ["10.1.0.0/16", "fd00::/16"]}},
    "devices": {"pad": {"addresses": ["10.1.0.9"]}},
    "rules": [{"action": "deny", "pattern": "a.example", "reason": "Test", "id": 1}],
}


def held(who: str, site: str = "shop.example", until: float = 9e9) -> dict[str, Any]:
    return {"id": 1, "who": who, "site": site, "until": until}


def test_only_passes_are_read_again() -> None:
    builder = Builder(TAXONOMY, "store")
    before = builder.build(RAW, "one")
    after = builder.build({**RAW, "passes": [held("10.1.0.5")]}, "two")
    assert after.differs_in_passes_only(before) and after.fingerprint == "two"
    assert after.rulebook is before.rulebook and after.profiles is before.profiles
    assert before.passes.concerned(after.passes) == {packed("10.1.0.5")}
    moved = builder.build({**RAW, "profiles": dict(RAW["profiles"])}, "three")
    assert not moved.differs_in_passes_only(after) and not len(moved.passes)
    # A policy beside it that was read whole says the same.
    whole = Builder(TAXONOMY, "store").build({**RAW, "passes": [held("10.1.0.5")]}, "two")
    assert whole.identify(packed("10.1.0.5")) == after.identify(packed("10.1.0.5"))


def test_whose_they_are() -> None:
    passes = [held("10.1.0.5"), held("fd00::5"), held("device:pad"), held("device:gone")]
    policy = Builder(TAXONOMY, "store").build({**RAW, "passes": passes}, "")
    for address in ("10.1.0.5", "::ffff:10.1.0.5", "fd00::5", "10.1.0.9"):
        assert len(policy.identify(packed(address)).passes) == 1, address
    for address in ("10.1.0.6", "fd00::6"):
        assert policy.identify(packed(address)).passes == ()
    behind = policy.identify_behind(packed("10.1.0.1"), packed("10.1.0.5"), 32, "")
    assert len(behind.passes) == 1
    network = policy.identify_behind(packed("10.1.0.1"), packed("10.1.0.0"), 24, "")
    nobody = policy.identify_behind(packed("10.1.0.1"), b"", 0, "")
    assert network.passes == nobody.passes == ()


def test_minutes() -> None:
    policy = Builder(TAXONOMY, "store").build(RAW, "")
    assert (policy.warn_minutes("p"), policy.warn_minutes("q")) == (15, 5)
    for bad in (-1, 481, "5", True):
        raw = {**RAW, "organisation": {**RAW["organisation"], "warn_minutes": bad}}
        with pytest.raises(PolicyFault, match=r"organisation\.warn_minutes"):
            Builder(TAXONOMY, "store").build(raw, "")


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        (held("somebody"), r"passes\[0\]\.who"),
        (held("10.1.0.5", "*.bet"), r"passes\[0\]\.site"),
        ({**held("10.1.0.5"), "until": "soon"}, r"passes\[0\]\.until"),
        ({**held("10.1.0.5"), "more": 1}, r"passes\[0\]\.more"),
    ],
)
def test_what_is_no_pass(bad: dict[str, Any], where: str) -> None:
    builder = Builder(TAXONOMY, "store")
    builder.build(RAW, "")
    with pytest.raises(PolicyFault, match=where):
        builder.build({**RAW, "passes": [bad]}, "")


def test_they_are_in_no_export() -> None:
    assert "passes" not in to_toml({**RAW, "passes": [held("10.1.0.5")]})


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("www.shop.example", "shop.example"),
        ("a.b.shop.co.uk", "shop.co.uk"),
        ("one.blogspot.com", "one.blogspot.com"),
        ("github.io", "=github.io"),
        ("localhost", "=localhost"),
    ],
)
def test_the_site_of_a_name(name: str, site: str) -> None:
    assert site_of(name) == site
