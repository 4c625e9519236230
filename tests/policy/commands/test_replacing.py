"""A venue in the place of another, a period in the place of another."""

from __future__ import annotations

import asyncio
import json
import tomllib

from policy.commands.command import Refused
from policy.commands.profiles import ChangePeriod
from policy.commands.rules import AddRules
from policy.commands.venues import SHIPPED, AddVenue
from policy.document import default_text
from tests.policy.commands.desks import PARTNER, document, journal, make_college, perform, refusal

MINE = {"title": "Mine", "networks": ["10.20.0.0/16"]}


def test_the_venue_that_ships_stands_in_the_way_of_the_first(url: str) -> None:
    raw = tomllib.loads(default_text())
    assert list(raw["venues"]) == [SHIPPED]
    asyncio.run(make_college(f"{url}.shipped", default_text()))
    refused = refusal(f"{url}.shipped", AddVenue("mine", MINE))
    assert "overlaps" in str(refused)
    done = perform(f"{url}.shipped", AddVenue("mine", MINE, "first", SHIPPED))
    assert "Our venue is no venue any more." in done.sentences
    assert document(f"{url}.shipped")["venues"] == {"mine": MINE}
    (entry,) = journal(f"{url}.shipped")
    assert json.loads(entry.before or "")["replaced"][SHIPPED] == raw["venues"][SHIPPED]
    assert json.loads(entry.after or "") == MINE


def test_what_is_named_elsewhere_is_not_replaced(url: str) -> None:
    rule = {"action": "deny", "pattern": "a.example", "scope": "venue:ellesmere-port"}
    perform(url, AddRules([rule], "because"))
    refused = refusal(url, AddVenue("mine", MINE, "", "ellesmere-port"))
    assert "venue:ellesmere-port: it is used by" in str(refused)


def test_a_partner_replaces_nobody(url: str) -> None:
    refused: Refused = refusal(url, AddVenue("partner-two", MINE, "", "crewe"), actor=PARTNER)
    assert refused.permission
    refused = refusal(url, AddVenue("partner-two", MINE, "", "partner"), actor=PARTNER)
    assert refused.permission


def test_a_period_keeps_its_place(url: str) -> None:
    before = document(url)["profiles"]["learners"]["periods"]
    body = {**before[0], "name": "midday", "to": "14:00"}
    perform(url, ChangePeriod("learners", before[0]["name"], body))
    after = document(url)["profiles"]["learners"]["periods"]
    assert after == [body, *before[1:]]


def test_a_period_takes_nobody_elses_name(url: str) -> None:
    periods = document(url)["profiles"]["learners"]["periods"]
    body = {**periods[0], "name": periods[1]["name"]}
    assert "another name" in str(refusal(url, ChangePeriod("learners", periods[0]["name"], body)))
    assert "supper" in str(refusal(url, ChangePeriod("learners", "supper", body)))
