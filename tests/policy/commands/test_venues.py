"""Venues and rooms: what is accepted, what is refused and in which words, who is filtered how."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policy.commands.command import Command
from policy.commands.rooms import AddRoom, ChangeRoom, RemoveRoom
from policy.commands.venues import AddVenue, ChangeVenue, RemoveVenue
from policy.store import Store
from tests.policy.college import TUESDAY_10, instant
from tests.policy.commands.desks import (
    PARTNER,
    TUTOR,
    document,
    in_store,
    journal,
    perform,
    refusal,
    verdict,
)

CHESTER = {"title": "Chester", "networks": ["10.40.0.0/16"], "profile": "guests"}


def rooms_of(url: str, venue: str) -> dict[str, Any]:
    """Raw bodies of a venue's rooms."""
    found: dict[str, Any] = document(url)["venues"][venue].get("rooms", {})
    return found


def put(url: str, kind: Any, body: dict[str, Any]) -> None:
    """Put a rule or an exception into the store, without a command."""

    async def run(store: Store) -> None:
        async with store.writing() as writing:
            await writing.put(kind, None, body)

    in_store(url, run)


def rule(scope: str, **more: str) -> dict[str, Any]:
    return {"action": "deny", "pattern": "a.example", "scope": scope, "reason": "because", **more}


def exception(where: str, until: str) -> dict[str, Any]:
    return {
        "sites": ["a.example"],
        "where": where,
        "purpose": "a lesson",
        "approver": "Sam",
        "from": "2026-03-03T09:00:00+00:00",
        "until": until,
    }


def test_a_venue_is_added_said_and_logged(url: str) -> None:
    done = perform(url, AddVenue("chester", CHESTER, reason="New partner"))
    assert done.subject == "venue:chester"
    assert done.sentences == (
        "Clients in 10.40.0.0/16 belong to Chester, and are filtered as Guests.",
    )
    assert document(url)["venues"]["chester"] == CHESTER
    (entry,) = journal(url)
    assert (entry.actor, entry.via, entry.action, entry.subject) == (
        "pat",
        "cli",
        "venue.add",
        "venue:chester",
    )
    assert (entry.at, entry.reason, entry.outcome) == (TUESDAY_10, "New partner", "done")
    assert entry.before is None
    assert json.loads(entry.after or "") == CHESTER
    assert entry.number == done.audit_number == 1
    assert verdict(url).broken is None


def test_a_venue_may_come_with_its_rooms(url: str) -> None:
    rooms = {"lab": {"title": "Lab", "networks": ["10.40.1.0/24"], "profile": "staff"}}
    done = perform(url, AddVenue("chester", {**CHESTER, "rooms": rooms}))
    assert done.sentences == (
        "Clients in 10.40.0.0/16 belong to Chester, and are filtered as Guests.",
        "Clients in 10.40.1.0/24 belong to Lab, Chester, and are filtered as Staff.",
    )
    assert rooms_of(url, "chester") == rooms


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (AddVenue("crewe", CHESTER), "venue.add: venues.crewe: it is there already"),
        (AddVenue("Chester", CHESTER), 'venue.add: venues.Chester: "Chester" is not an id'),
        (
            AddVenue("chester", {**CHESTER, "networks": ["10.30.4.0/24"]}),
            "venue.add: venues.chester.networks[0]: 10.30.4.0/24 overlaps 10.30.0.0/16 of "
            "venues.crewe.networks[0]; allowed: networks of one venue only; of rooms that differ",
        ),
        (
            AddVenue("chester", {**CHESTER, "profile": "guest"}),
            'venue.add: venues.chester.profile: "guest" is not a profile; did you mean "guests"?',
        ),
        (
            AddVenue("chester", {**CHESTER, "titel": "x"}),
            'venue.add: venues.chester.titel: "titel" is not a known key; did you mean "title"?',
        ),
        (AddVenue("chester", {}), "venue.add: venues.chester.networks: there are none"),
        (
            ChangeVenue("crew", {"title": "Crewe"}),
            'venue.change: venues: "crew" is not a venue; did you mean "crewe"?',
        ),
        (
            ChangeVenue("crewe", {"rooms": {}}),
            "venue.change: venues.crewe.rooms: rooms change one by one",
        ),
        (RemoveVenue("crew"), 'venue.remove: venues: "crew" is not a venue'),
        (
            AddRoom("crewe", "lab", {"networks": ["10.20.3.0/24"]}),
            "room.add: venues.crewe.rooms.lab.networks[0]: 10.20.3.0/24 overlaps 10.20.3.0/24 of "
            "venues.ellesmere-port.rooms.it-suite.networks[0]",
        ),
        (
            AddRoom("ellesmere-port", "it-suite", {"networks": ["10.20.9.0/24"]}),
            "room.add: venues.ellesmere-port.rooms.it-suite: it is there already",
        ),
        (
            AddRoom("ellesmere-port", "lab", {"networks": ["10.20.9.1/24"]}),
            'room.add: venues.ellesmere-port.rooms.lab.networks[0]: "10.20.9.1/24" has host bits '
            "set; did you mean 10.20.9.0/24?",
        ),
        (AddRoom("crew", "lab", {}), 'room.add: venues: "crew" is not a venue'),
        (
            ChangeRoom("ellesmere-port", "it-suit", {"title": "x"}),
            'room.change: venues.ellesmere-port.rooms: "it-suit" is not a room',
        ),
        (RemoveRoom("crewe", "lab"), 'room.remove: venues.crewe.rooms: "lab" is not a room'),
        (
            AddVenue("chester", CHESTER, reason="x" * 1001),
            "venue.add: reason: 1001 characters",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_refusal_says_what_is_wrong_and_what_is_allowed(
    url: str, command: Command, said: str
) -> None:
    refused = refusal(url, command)
    assert any(fault.startswith(said) for fault in refused.faults), refused.faults
    assert not refused.permission
    assert journal(url) == []


def test_all_faults_come_at_once(url: str) -> None:
    body = {"networks": ["10.30.4.0/24", "x"], "profile": "none"}
    assert len(refusal(url, AddVenue("chester", body)).faults) == 3


def test_a_change_says_who_moves(url: str) -> None:
    changes = {
        "title": "Crewe hub",
        "networks": ["10.31.0.0/16"],
        "profile": "guests",
    }
    done = perform(url, ChangeVenue("crewe", changes))
    assert done.sentences == (
        "Crewe is called Crewe hub.",
        "Clients in 10.31.0.0/16 belong to Crewe hub, and are filtered as Guests.",
        "Clients in 10.30.0.0/16 belong to no venue, and are filtered as Adult learners.",
        "Crewe hub: filtered as Guests (before: Adult learners).",
    )
    assert document(url)["venues"]["crewe"] == changes


@pytest.mark.parametrize(
    ("venue", "networks", "said"),
    [
        ("crewe", ["10.30.0.0/15"], ["Clients in 10.30.0.0/15 belong to Crewe, and are filtered"]),
        (
            "crewe",
            ["10.30.0.0/17"],
            [
                "Clients in 10.30.0.0/17 belong to Crewe, and are filtered",
                "Clients in 10.30.0.0/16 (but for smaller networks in it that a place has) belong "
                "to no venue, and are filtered",
            ],
        ),
        (
            "ellesmere-port",
            ["fd00:20::/32"],
            [
                "Clients in 10.20.0.0/16 (but for smaller networks in it that a place has) belong "
                "to no venue, and are filtered",
            ],
        ),
    ],
)
def test_networks_that_overlap_the_old_ones_are_told_right(
    url: str, venue: str, networks: list[str], said: list[str]
) -> None:
    sentences = perform(url, ChangeVenue(venue, {"networks": networks})).sentences
    assert list(sentences) == [f"{beginning} as Adult learners." for beginning in said]


def test_a_room_that_inherits_is_told_with_its_venue(url: str) -> None:
    assert perform(url, ChangeVenue("ellesmere-port", {"profile": "staff"})).sentences == (
        "Ellesmere Port: filtered as Staff (before: Adult learners).",
    )


def test_none_takes_a_key_away_and_rooms_stay(url: str) -> None:
    perform(url, ChangeVenue("ellesmere-port", {"title": None}))
    venue = document(url)["venues"]["ellesmere-port"]
    assert "title" not in venue
    assert venue["rooms"].keys() == {"it-suite", "youth-club"}


def test_what_is_so_already_is_no_change(url: str) -> None:
    done = perform(url, ChangeVenue("crewe", {"title": "Crewe"}))
    assert done.sentences == ("Nothing changes: it is so already.",)
    assert done.audit_number is None
    assert journal(url) == []


def test_a_dry_run_says_the_same_and_writes_nothing(url: str) -> None:
    before = document(url)
    tried = perform(url, RemoveVenue("crewe"), dry_run=True)
    assert tried.audit_number is None
    assert document(url) == before
    assert journal(url) == []
    assert perform(url, RemoveVenue("crewe")).sentences == tried.sentences


def test_a_venue_goes_with_its_rooms(url: str) -> None:
    perform(url, AddRoom("partner", "desk", {"networks": ["203.0.113.8/32"]}))
    done = perform(url, RemoveVenue("partner"))
    assert done.sentences == (
        "Partner library is no venue any more.",
        "Clients in 203.0.113.7/32 belong to no venue, and are filtered as Adult learners.",
        "desk, Partner library is no room any more.",
        "Clients in 203.0.113.8/32 belong to no venue, and are filtered as Adult learners.",
    )
    assert "partner" not in document(url)["venues"]
    assert json.loads(journal(url)[-1].before or "")["rooms"].keys() == {"desk"}


def test_what_is_used_is_not_removed_and_its_users_are_named(url: str) -> None:
    for scope in ("venue:crewe", "room:crewe/lab", "venue:crewe"):
        if scope == "room:crewe/lab":
            perform(url, AddRoom("crewe", "lab", {"networks": ["10.30.1.0/24"]}))
        put(url, "rules", rule(scope))
    for hour in ("12", "13", "14", "15"):
        put(url, "exceptions", exception("venue:crewe", f"2026-03-03T{hour}:00:00+00:00"))
    assert refusal(url, RemoveVenue("crewe")).faults == (
        "venue.remove: venue:crewe: it is used by rule 1 (deny a.example), rule 2 (deny a.example),"
        " rule 3 (deny a.example), exception 1 (a lesson), exception 2 (a lesson) and 2 more; "
        "allowed: what nothing refers to; change or remove these first",
    )
    assert "rule 2 (deny a.example);" in refusal(url, RemoveRoom("crewe", "lab")).faults[0]


def test_what_is_over_goes_with_its_place(url: str) -> None:
    put(url, "rules", rule("venue:crewe", expires="2026-01-01"))
    put(url, "exceptions", exception("venue:crewe", "2026-03-03T09:30:00+00:00"))
    still = exception("venue:crewe", "2026-03-03T12:00:00+00:00")
    put(url, "exceptions", {**still, "revoked": "2026-03-03T09:45:00+00:00"})
    done = perform(url, RemoveVenue("crewe"))
    assert done.warnings == (
        "With it goes what was for it and is over: 1 expired rule and 2 past exceptions.",
    )
    assert not {"rules", "exceptions"} & document(url).keys()
    logged = json.loads(journal(url)[-1].before or "")
    assert [entry["id"] for entry in logged["exceptions"]] == [1, 2]


def test_rooms_say_where_their_clients_go(url: str) -> None:
    added = perform(
        url, AddRoom("crewe", "lab", {"networks": ["10.30.1.0/24"], "profile": "staff"})
    )
    assert added.sentences == (
        "Clients in 10.30.1.0/24 belong to lab, Crewe, and are filtered as Staff.",
    )
    changes = {"title": "Lab", "profile": None, "networks": ["10.30.2.0/24"]}
    assert perform(url, ChangeRoom("crewe", "lab", changes)).sentences == (
        "lab, Crewe is called Lab.",
        "Clients in 10.30.2.0/24 belong to Lab, Crewe, and are filtered as Adult learners.",
        "Clients in 10.30.1.0/24 belong to Crewe, and are filtered as Adult learners.",
        "Lab, Crewe: filtered as Adult learners (before: Staff).",
    )
    assert perform(url, RemoveRoom("crewe", "lab")).sentences == (
        "Lab, Crewe is no room any more.",
        "Clients in 10.30.2.0/24 belong to Crewe, and are filtered as Adult learners.",
    )
    assert rooms_of(url, "crewe") == {}


def test_the_last_room_of_a_venue_without_networks_stays(url: str) -> None:
    rooms = {"lab": {"networks": ["10.40.1.0/24"]}}
    perform(url, AddVenue("chester", {"rooms": rooms}))
    said = "room.remove: venues.chester.networks: there are none"
    assert refusal(url, RemoveRoom("chester", "lab")).faults[0].startswith(said)


def test_partners_change_their_own_venue_only(url: str) -> None:
    assert perform(url, ChangeVenue("partner", {"title": "Library"}), actor=PARTNER).audit_number
    room = AddRoom("partner", "desk", {"networks": ["203.0.113.7/32"]})
    assert perform(url, room, actor=PARTNER).audit_number
    for command in (ChangeVenue("crewe", {"title": "Ours"}), AddVenue("chester", CHESTER)):
        assert refusal(url, command, actor=PARTNER).permission


def test_a_refusal_for_who_asks_is_in_the_log(url: str) -> None:
    refused = refusal(url, RemoveVenue("crewe", reason="Closed"), actor=TUTOR)
    (entry,) = journal(url)
    assert (entry.actor, entry.via, entry.action, entry.subject, entry.outcome) == (
        "sam",
        "portal",
        "venue.remove",
        "venue:crewe",
        "refused",
    )
    assert entry.reason == refused.faults[0]
    assert (entry.before, entry.after) == (None, None)
    assert verdict(url).broken is None


def test_a_refused_dry_run_is_not_in_the_log(url: str) -> None:
    assert refusal(url, RemoveVenue("crewe"), actor=TUTOR, dry_run=True).permission
    assert journal(url) == []


def test_time_is_that_of_the_command(url: str) -> None:
    at = instant("2027-05-01 09:00")
    put(url, "exceptions", exception("venue:crewe", "2027-05-01T10:00:00+01:00"))
    assert "a lesson" in refusal(url, RemoveVenue("crewe"), at=at).faults[0]
    assert perform(url, RemoveVenue("crewe"), at=at + 3600).audit_number
