"""Going on past a warning: for whom, past what, how often, and what the log says of it."""

from __future__ import annotations

from typing import Any

import pytest

from policy.commands.command import Done, Knowledge, Refused
from policy.commands.devices import WithdrawDevice
from policy.commands.passes import PASSES_OF_ONE_MAX, TakePass
from policy.commands.profiles import ChangeProfile
from policy.commands.requests import ANYBODY
from policy.commands.rules import AddRules
from tests.policy.college import TUESDAY_10
from tests.policy.commands.desks import document, journal, perform, refusal

LEARNER, LAPTOP, ELSEWHERE = "10.20.1.5", "10.20.3.7", "10.30.1.5"
LISTED = {
    "www.dates.example": ["dating"],
    "dates.example": ["dating"],
    "both.example": ["dating", "gambling"],
    "bets.example": ["gambling"],
    "vpn.example": ["circumvention-vpn"],
    "nhs.example": ["dating", "essential"],
}


def categories_of(name: str) -> list[str]:
    return LISTED.get(name, ["dating"] if name.startswith("x") else [])


KNOWS = Knowledge(categories_of=categories_of)


def take(url: str, name: str, address: str = LEARNER, at: float = TUESDAY_10, **more: Any) -> Done:
    command = TakePass(address, name, **more)
    return perform(url, command, actor=ANYBODY, at=at, knowledge=KNOWS)


def refused(url: str, name: str, address: str = LEARNER, **more: Any) -> str:
    command = TakePass(address, name, **more)
    found = refusal(url, command, ANYBODY, knowledge=KNOWS)
    assert isinstance(found, Refused) and not found.permission
    return str(found)


def held(url: str) -> list[tuple[str, str, float]]:
    return [(p["who"], p["site"], p["until"] - TUESDAY_10) for p in document(url).get("passes", [])]


def test_one_site_for_one_address(url: str) -> None:
    done = take(url, "WWW.Dates.example.")
    assert done.sentences == ("dates.example is open on this device until 10:15 on 3 March 2026.",)
    assert held(url) == [(LEARNER, "dates.example", 900.0)]


def test_the_log_names_the_venue_and_the_site_and_nobody(url: str) -> None:
    take(url, "www.dates.example")
    entry = journal(url)[-1]
    assert (entry.actor, entry.action) == (ANYBODY.id, "pass.take")
    assert entry.subject == "venue:ellesmere-port"
    assert "dates.example" in str(entry.after) and LEARNER not in repr(entry)


def test_a_device_is_named_by_its_id(url: str) -> None:
    take(url, "vpn.example", LAPTOP)
    assert held(url)[0][0] == "device:tutor-laptop"
    # One whose address is known from a lease alone: the portal says which it is.
    take(url, "vpn.example", "10.20.9.99", device="tutor-laptop", at=TUESDAY_10 + 800)
    assert [who for who, *_ in held(url)] == ["device:tutor-laptop"]


def test_clicking_on_writes_nothing(url: str) -> None:
    take(url, "dates.example")
    before = len(journal(url))
    again = take(url, "www.dates.example", at=TUESDAY_10 + 60)
    assert again.audit_number is None and len(journal(url)) == before
    take(url, "dates.example", at=TUESDAY_10 + 600)
    assert held(url) == [(LEARNER, "dates.example", 1500.0)]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("bets.example", "it is blocked"),
        ("both.example", "it is blocked"),
        ("plain.example", "it is open"),
        ("nhs.example", "it is open"),
        ("not a name", "in a name"),
        ("", ""),
    ],
)
def test_only_what_warns(url: str, name: str, why: str) -> None:
    assert why in refused(url, name)
    assert held(url) == []


def test_not_for_an_address_that_is_none(url: str) -> None:
    assert "address" in refused(url, "dates.example", "somewhere")


@pytest.mark.parametrize("pattern", ["dates.example", "=www.dates.example", "*.example", "dates.*"])
def test_not_past_a_deny_rule(url: str, pattern: str) -> None:
    perform(url, AddRules([{"action": "deny", "pattern": pattern}], "no", override=True))
    assert "it is blocked" in refused(url, "www.dates.example")


def test_not_where_a_rule_allows_it_anyway(url: str) -> None:
    perform(url, AddRules([{"action": "allow", "pattern": "dates.example"}], "yes"))
    assert "it is open" in refused(url, "www.dates.example")


def test_not_while_access_is_withdrawn(url: str) -> None:
    perform(url, WithdrawDevice("tutor-laptop", reason="a week off"))
    assert "it is blocked" in refused(url, "vpn.example", LAPTOP)
    assert "it is blocked" in refused(url, "vpn.example", "10.20.1.1", device="tutor-laptop")


def test_minutes_of_the_profile_and_none_at_all(url: str) -> None:
    perform(url, ChangeProfile("learners", {"warn_minutes": 3}))
    take(url, "dates.example")
    assert held(url) == [(LEARNER, "dates.example", 180.0)]
    done = perform(url, ChangeProfile("learners", {"warn_minutes": 0}))
    assert any("cannot be passed" in sentence for sentence in done.sentences)
    assert "cannot be passed" in refused(url, "dates.example", "10.20.1.6")


def test_oldest_go_and_what_ended_is_taken_away(url: str) -> None:
    commands = [TakePass(LEARNER, f"x{n}.example") for n in range(PASSES_OF_ONE_MAX + 2)]
    perform(url, *commands, actor=ANYBODY, knowledge=KNOWS)
    sites = [site for _, site, _ in held(url)]
    assert sites == [f"x{n}.example" for n in range(2, PASSES_OF_ONE_MAX + 2)]
    take(url, "dates.example", "10.20.1.6", at=TUESDAY_10 + 901)
    assert [site for _, site, _ in held(url)] == ["dates.example"]


def test_of_everybody(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from policy.commands import passes

    monkeypatch.setattr(passes, "PASSES_MAX", 3)
    for number in range(5):
        take(url, "dates.example", f"10.20.1.{number}")
    assert [who for who, *_ in held(url)] == ["10.20.1.2", "10.20.1.3", "10.20.1.4"]


def test_who_takes_on_many_addresses_closes_nothing_elsewhere(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from policy.commands import passes

    monkeypatch.setattr(passes, "VENUE_PASSES_MAX", 3)
    take(url, "dates.example", ELSEWHERE)
    take(url, "vpn.example", LAPTOP)  # a device that policy knows, of the same venue
    for number in range(4):
        take(url, "dates.example", f"10.20.1.{number}")
    assert [who for who, *_ in held(url)] == [ELSEWHERE, "10.20.1.1", "10.20.1.2", "10.20.1.3"]
