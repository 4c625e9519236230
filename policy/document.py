"""From the text of `policy.toml` to a `Policy`, or to every fault in it at once.

A document is accepted whole or not at all: a policy with one rule silently left out would filter
less than its author believes.  Whatever this module lets through the rest of `policy` may rely on:
every reference resolves, venues do not overlap, and nothing exempts what may not be exempted.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Mapping
from importlib import resources
from zoneinfo import ZoneInfo

from categoriser.taxonomy import Taxonomy
from policy.places import read_devices, read_venues
from policy.policy import Policy
from policy.reading import Faults, Table, show
from policy.types import ACTIONS, Action, Organisation, Period, Profile, YouTube
from policy.written import Places, read_exceptions, read_rules

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YOUTUBE: tuple[YouTube, ...] = ("off", "moderate", "strict")


class PolicyFault(ValueError):
    """A document that is no policy."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
        """Each as *where: what was given; what is allowed*."""


def read(
    text: str,
    taxonomy: Taxonomy,
    where: str = "policy.toml",
    answers: Collection[str] | None = None,
) -> Policy:
    """Read a document.

    `where` begins every fault; `answers` are the words allowed for block answers, any when None.
    Raises `PolicyFault` with all faults.
    """
    faults = Faults(where)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyFault([f"{where}: {error}; allowed: TOML 1.0"]) from error
    document = Table(raw, "", faults)

    organisation, zone = _organisation(document.table("organisation"))
    profiles = {
        id: _profile(id, table, taxonomy, answers)
        for id, table in document.named_tables("profiles")
    }
    if not profiles:
        faults.add("profiles", "there are none", "at least one is required: [profiles.learners]")
    elif organisation.default_profile and organisation.default_profile not in profiles:
        path = "organisation.default_profile"
        faults.unknown(path, organisation.default_profile, "profile", profiles)
    venues = read_venues(document, profiles)
    devices = read_devices(document, profiles)
    places = Places(profiles, venues, devices)
    rules = read_rules(document, places, zone)
    exceptions = read_exceptions(document, places, zone, taxonomy)
    document.finish()
    if faults.lines:
        raise PolicyFault(faults.lines)

    return Policy(
        organisation=organisation,
        profiles=profiles,
        venues=venues,
        devices=devices,
        rules=rules,
        exceptions=exceptions,
        taxonomy=taxonomy,
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
    )


def default_text() -> str:
    """The document that is used when there is no policy file."""
    return resources.files("policy").joinpath("default.toml").read_text(encoding="utf-8")


def _organisation(table: Table) -> tuple[Organisation, ZoneInfo]:
    """Whose policy it is, and its clock."""
    name = table.text("name")
    timezone = table.text("timezone", "Europe/London")
    default_profile = table.text("default_profile")
    table.finish()
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, OSError, ValueError):  # a name not found is a KeyError
        zone = ZoneInfo("UTC")
        allowed = "allowed: an IANA name such as Europe/London"
        table.faults.add(table.at("timezone"), f"{show(timezone)} is not a time zone", allowed)
    return Organisation(name, timezone, default_profile), zone


def _profile(id: str, table: Table, taxonomy: Taxonomy, answers: Collection[str] | None) -> Profile:
    """What a group of people may see."""
    title = table.text("title", id)
    answer = table.text("answer", "nxdomain")
    if answers is not None and answer not in answers:
        table.faults.unknown(table.at("answer"), answer, "block answer", answers)
    profile = Profile(
        id=id,
        title=title,
        answer=answer,
        safe_search=table.flag("safe_search", True),
        youtube=table.word("youtube", _YOUTUBE, "moderate"),
        actions=_actions(table, taxonomy),
        periods=tuple(_period(period, taxonomy) for _, period in table.tables("periods")),
    )
    table.finish()
    return profile


def _period(table: Table, taxonomy: Taxonomy) -> Period:
    """A stretch of the week."""
    days = set()
    for path, word in table.texts("days"):
        if word in _DAYS:
            days.add(_DAYS.index(word))
        else:
            table.faults.unknown(path, word, "day", _DAYS)
    if not table.raw.get("days"):
        table.faults.add(table.at("days"), "no day is given", f"allowed: {', '.join(_DAYS)}")
    name = table.text("name")
    start, end = table.clock("from"), table.clock("to")
    if start == end and table.has("from") and table.has("to"):
        allowed = 'allowed: different times; a whole day is "00:00" to "24:00"'
        table.faults.add(table.path, "from and to are the same", allowed)
    actions = _actions(table, taxonomy)
    table.finish()
    return Period(name, frozenset(days), start, end, actions)


def _actions(table: Table, taxonomy: Taxonomy) -> Mapping[str, Action]:
    """Actions given for categories; never for those that a profile may not touch."""
    given = table.table("actions")
    actions: dict[str, Action] = {}
    for category in given.raw:
        if category not in taxonomy:
            given.faults.unknown(given.at(category), category, "category", taxonomy)
        elif taxonomy[category].locked or taxonomy[category].essential:
            why = "locked" if taxonomy[category].locked else "essential"
            allowed = "allowed: nothing here; leave it out"
            given.faults.add(given.at(category), f"the category is {why}", allowed)
        else:
            actions[category] = given.word(category, ACTIONS, "block")
    return actions
