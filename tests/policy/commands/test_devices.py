"""Devices: who may keep the list, who may withdraw access, and what each is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policy.commands.command import Actor
from policy.commands.devices import (
    AddDevice,
    ChangeDevice,
    GiveBackDevice,
    RemoveDevice,
    WithdrawDevice,
)
from policy.commands.exceptions import GrantException
from policy.commands.rules import AddRules
from policy.document import Builder
from policy.types import Grant
from tests.policy.college import TAXONOMY, TUESDAY_10, ask, instant, packed
from tests.policy.commands.desks import (
    LEAD,
    LEADER,
    PARTNER,
    TUTOR,
    document,
    journal,
    perform,
    refusal,
)

NOON = instant("2026-03-03T12:00")
TABLET = {"title": "Tablet 4", "addresses": ["10.30.0.9"], "profile": "guests"}
LEAD_OF_CREWE = Actor(
    "ann", "Ann Lead", "portal", (Grant("safeguarding-lead", frozenset({"crewe"})),)
)


def devices(url: str) -> dict[str, Any]:
    found: dict[str, Any] = document(url).get("devices", {})
    return found


def action(url: str, at: float, address: str = "10.20.3.7") -> str:
    policy = Builder(TAXONOMY, "store").build(document(url), "")
    return ask(policy, policy.identify(packed(address)), at, "example.org").action


def test_a_device_is_added_and_said(url: str) -> None:
    done = perform(url, AddDevice("tablet-4", TABLET))
    assert done.sentences == ("Tablet 4 is known by 10.30.0.9, and filtered as Guests.",)
    assert devices(url)["tablet-4"] == TABLET
    named = {"client_ids": ["01:aa:bb:cc:dd:ee:ff"], "hostnames": ["IT-SUITE-07"]}
    assert perform(url, AddDevice("pc-7", named)).sentences == (
        "pc-7 is known by the client id 01:aa:bb:cc:dd:ee:ff and the host name it-suite-07, "
        "and filtered like others where it is.",
    )


@pytest.mark.parametrize(
    ("device", "body", "fault"),
    [
        ("tutor-laptop", TABLET, "it is there already"),
        ("Tablet 4", TABLET, "is not an id"),
        ("tablet-4", {**TABLET, "addresses": ["10.20.3.7"]}, "is also devices.tutor-laptop"),
        ("tablet-4", {**TABLET, "addresses": ["10.20.3"]}, "is not an address"),
        ("tablet-4", {"title": "Tablet"}, "nothing to know it by"),
        ("tablet-4", {**TABLET, "profile": "guest"}, 'did you mean "guests"?'),
        ("tablet-4", {**TABLET, "withdrawn": True}, "allowed: device.withdraw"),
        ("tablet-4", {**TABLET, "adresses": []}, "is not a known key"),
    ],
)
def test_what_is_no_device_is_refused(
    url: str, device: str, body: dict[str, Any], fault: str
) -> None:
    refused = refusal(url, AddDevice(device, body))
    assert not refused.permission and fault in " ".join(refused.faults)


def test_a_partner_keeps_the_devices_of_its_venue(url: str) -> None:
    here = {"addresses": ["203.0.113.7"]}
    for body in (
        {"addresses": ["10.30.0.9"]},  # another venue
        {"addresses": ["203.0.113.7", "10.30.0.9"]},
        {"addresses": ["192.0.2.1"]},  # no venue
        {"addresses": ["203.0.113.7", " 10.30.0.9 "]},
        {**here, "client_ids": ["01:02"]},  # may turn up anywhere
        {"addresses": "203.0.113.7"},
    ):
        assert refusal(url, AddDevice("pc", body), actor=PARTNER).permission, body
    perform(url, AddDevice("till", here), actor=PARTNER)
    assert refusal(url, ChangeDevice("tutor-laptop", {"title": "x"}), actor=PARTNER).permission
    moved = ChangeDevice("till", {"addresses": ["10.30.0.9"]})
    assert refusal(url, moved, actor=PARTNER).permission
    perform(url, ChangeDevice("till", {"title": "Till"}), RemoveDevice("till"), actor=PARTNER)
    assert {entry.outcome for entry in journal(url)} == {"done", "refused"}


def test_others_keep_no_devices(url: str) -> None:
    for actor in (TUTOR, LEAD, LEADER):
        assert refusal(url, AddDevice("pc", TABLET), actor=actor).permission
        assert refusal(url, RemoveDevice("tutor-laptop"), actor=actor).permission


def test_a_change_says_what_differs(url: str) -> None:
    changes = {"title": "Sam's laptop", "profile": None, "hostnames": ["sam"]}
    assert perform(url, ChangeDevice("tutor-laptop", changes)).sentences == (
        "Tutor's laptop is called Sam's laptop.",
        "Sam's laptop is known by 10.20.3.7 and the host name sam; before by 10.20.3.7.",
        "Sam's laptop: filtered like others where it is (before: as Staff).",
    )
    assert "withdrawn" in refusal(url, ChangeDevice("loan-laptop", {"withdrawn": None})).faults[0]
    assert 'did you mean "loan-laptop"?' in refusal(url, ChangeDevice("loan-lap")).faults[0]
    assert perform(url, ChangeDevice("tutor-laptop", changes)).audit_number is None


def test_a_device_that_something_is_for_stays(url: str) -> None:
    rule = {"action": "deny", "pattern": "a.example", "scope": "device:tutor-laptop"}
    open_there = GrantException("device:tutor-laptop", "a lesson", NOON, ["b.example"])
    perform(url, AddRules([rule], "because"), open_there)
    refused = refusal(url, RemoveDevice("tutor-laptop"))
    assert "rule 1 (deny a.example) and exception 1 (a lesson)" in refused.faults[0]


def test_a_removed_device_is_like_others(url: str) -> None:
    done = perform(url, RemoveDevice("loan-laptop"))
    assert done.sentences == (
        "Loan laptop 12 is no device any more: it is filtered like others where it is.",
    )
    assert done.warnings == ("Access was withdrawn from it: that ends with it.",)


def test_access_is_withdrawn_until_an_hour_and_comes_back_by_itself(url: str) -> None:
    done = perform(url, WithdrawDevice("tutor-laptop", "lost", NOON), actor=LEAD)
    assert done.sentences == (
        "Tutor's laptop: only essential sites are open until 12:00 on 3 March 2026.",
    )
    stored = devices(url)["tutor-laptop"]
    assert stored["withdrawn_until"] == "2026-03-03T12:00:00+00:00"
    assert (stored["withdrawn"], stored["withdrawn_reason"]) == (True, "lost")
    assert journal(url)[-1].reason == "lost"
    assert action(url, NOON - 1) == "block"
    assert action(url, NOON) == "allow"


def test_access_is_withdrawn_for_good_and_given_back(url: str) -> None:
    done = perform(url, WithdrawDevice("tutor-laptop", "stolen"), actor=LEAD)
    assert done.sentences == ("Tutor's laptop: only essential sites are open.",)
    assert perform(url, GiveBackDevice("tutor-laptop", "found"), actor=LEAD).sentences == (
        "Tutor's laptop has its access back, and is filtered as Staff.",
    )
    assert not any(key.startswith("withdrawn") for key in devices(url)["tutor-laptop"])
    assert json.loads(journal(url)[-1].before or "")["withdrawn"] is True
    assert perform(url, GiveBackDevice("tutor-laptop")).audit_number is None


def test_what_came_back_by_itself_needs_no_giving_back(url: str) -> None:
    perform(url, WithdrawDevice("tutor-laptop", "lost", NOON))
    done = perform(url, GiveBackDevice("tutor-laptop"), at=NOON)
    assert done.sentences == ("Tutor's laptop had its access back already.",)


def test_only_some_withdraw_and_only_where_they_may(url: str) -> None:
    for actor in (TUTOR, LEADER, PARTNER, LEAD_OF_CREWE):
        for command in (WithdrawDevice("tutor-laptop", "x"), GiveBackDevice("loan-laptop")):
            assert refusal(url, command, actor=actor).permission
    perform(url, AddDevice("tablet-4", TABLET))
    perform(url, WithdrawDevice("tablet-4", "x"), actor=LEAD_OF_CREWE)


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        (WithdrawDevice("tutor-laptop", " "), "reason is required"),
        (WithdrawDevice("tutor-laptop", "x", TUESDAY_10), "10:00 on 3 March 2026 is past"),
        (WithdrawDevice("tutor-laptop", "x", float("inf")), "beyond every calendar"),
        (WithdrawDevice("tutor-lap", "x"), 'did you mean "tutor-laptop"?'),
        (GiveBackDevice("tutor-lap"), 'did you mean "tutor-laptop"?'),
        (RemoveDevice("tutor-lap"), 'did you mean "tutor-laptop"?'),
    ],
)
def test_what_cannot_be_withdrawn_is_told(url: str, command: Any, fault: str) -> None:
    refused = refusal(url, command)
    assert not refused.permission and fault in refused.faults[0]
