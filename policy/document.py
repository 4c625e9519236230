"""From the text of `policy.toml` to a `Policy`, or to every fault in it at once.

A document is accepted whole or not at all: a policy with one rule silently left out would filter
less than its author believes.  Whatever this module lets through the rest of `policy` may rely on:
every reference resolves, venues do not overlap, and nothing exempts what may not be exempted.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Mapping
from datetime import tzinfo
from importlib import resources
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from categoriser.patterns import Pattern
from categoriser.taxonomy import Taxonomy
from policy.block_texts import read_block_texts
from policy.bundles import read_bundles
from policy.calendar import WHEN, Calendar, Term
from policy.holidays import DIVISIONS, bank_holidays
from policy.passes import NO_PASSES, WARN_MINUTES_MAX, read_passes
from policy.patterns import read_pattern
from policy.people import read_exception_hours, read_people
from policy.places import read_devices, read_venues
from policy.policy import Policy
from policy.reading import Faults, Table, show
from policy.rulebook import RuleBook
from policy.types import ACTIONS, Action, Organisation, Period, Profile, Rule, YouTube
from policy.written import KnownRules, Places, read_exceptions, read_rules

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
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyFault([f"{where}: {error}; allowed: TOML 1.0"]) from error
    return Builder(taxonomy, where, answers).build(raw, hashlib.sha256(text.encode()).hexdigest())


class Builder:
    """Builds the policies of one source, keeping the rules where nothing they rest on changed."""

    def __init__(
        self, taxonomy: Taxonomy, where: str, answers: Collection[str] | None = None
    ) -> None:
        self._taxonomy = taxonomy
        self._where = where
        self._answers = answers
        self._read_from: tuple[Any, ...] = ()
        self._read: list[list[Rule]] = []
        """The rules of each entry."""
        self._rulebook = RuleBook(())
        self._built: tuple[dict[str, Any], Policy] | None = None
        """The last document that was accepted, and what it became, without passes."""

    def build(self, raw: dict[str, Any], fingerprint: str) -> Policy:
        """The policy of a raw document: what TOML, or the store, has for it.

        Dates and instants may be text as ISO 8601 has it. Parts that are the very objects of the
        document before are taken to be unchanged. Raises `PolicyFault` with all faults.
        """
        faults = Faults(self._where)
        taxonomy = self._taxonomy
        document = Table(raw, "", faults)
        passes = read_passes(document) if "passes" in raw else NO_PASSES
        if self._built is not None and _same_but_passes(raw, self._built[0]):
            if faults.lines:
                raise PolicyFault(faults.lines)
            return self._built[1].with_passes(passes, fingerprint)
        organisation, zone = _organisation(document.table("organisation"))
        calendar = _calendar(document, organisation)
        profiles = {
            id: _profile(id, table, taxonomy, self._answers)
            for id, table in document.named_tables("profiles")
        }
        if not profiles:
            allowed = "at least one is required: [profiles.learners]"
            faults.add("profiles", "there are none", allowed)
        elif organisation.default_profile and organisation.default_profile not in profiles:
            path = "organisation.default_profile"
            faults.unknown(path, organisation.default_profile, "profile", profiles)
        venues = read_venues(document, profiles)
        devices = read_devices(document, profiles, zone)
        bundles = read_bundles(document)
        places = Places(profiles, venues, devices, bundles)
        rules, rulebook = self._rules(document, places, zone)
        exceptions = read_exceptions(document, places, zone, taxonomy)
        essentials = _essentials(document.table("essentials"))
        people = read_people(document, venues)
        exception_hours_max = read_exception_hours(document)
        pages, help_links = read_block_texts(document.table("pages"), taxonomy)
        document.finish()
        if faults.lines:
            raise PolicyFault(faults.lines)

        self._read, self._rulebook = rules, rulebook
        self._read_from = _parts(raw)
        built = Policy(
            organisation=organisation,
            calendar=calendar,
            profiles=profiles,
            venues=venues,
            devices=devices,
            bundles=bundles,
            rules=rulebook,
            exceptions=exceptions,
            essentials=essentials,
            people=people,
            exception_hours_max=exception_hours_max,
            pages=pages,
            help_links=help_links,
            taxonomy=taxonomy,
            fingerprint=fingerprint,
        )
        self._built = raw, built
        return built.with_passes(passes, fingerprint)

    def _rules(
        self, document: Table, places: Places, zone: tzinfo
    ) -> tuple[list[list[Rule]], RuleBook]:
        parts = _parts(document.raw)
        before = self._read_from
        known = KnownRules()
        if before and all(part is old for part, old in zip(parts[1:], before[1:], strict=True)):
            if parts[0] is before[0]:
                document.has("rules")
                return self._read, self._rulebook
            known = KnownRules(before[0] or (), self._read)
        rules = read_rules(document, places, zone, known)
        return rules, RuleBook(chain.from_iterable(rules))


def _same_but_passes(raw: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether all parts that are no passes are the very objects of the document before."""
    keys = (raw.keys() | before.keys()) - {"passes"}
    return all(key in raw and key in before and raw[key] is before[key] for key in keys)


def _parts(raw: Mapping[str, Any]) -> tuple[Any, ...]:
    """What rules are read from: themselves, and what their scopes, bundles and times rest on."""
    keys = ("rules", "profiles", "venues", "devices", "bundles", "organisation")
    return tuple(raw.get(key) for key in keys)


def default_text() -> str:
    """The document that is used when there is no policy file."""
    return resources.files("policy").joinpath("default.toml").read_text(encoding="utf-8")


def _organisation(table: Table) -> tuple[Organisation, ZoneInfo]:
    """Whose policy it is, and its clock."""
    name = table.text("name")
    timezone = table.text("timezone", "Europe/London")
    default_profile = table.text("default_profile")
    holidays = table.word("holidays", ("", *DIVISIONS), "")
    warn_minutes = table.whole("warn_minutes", 0, WARN_MINUTES_MAX, 15)
    table.finish()
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, OSError, ValueError):  # a name not found is a KeyError
        zone = ZoneInfo("UTC")
        allowed = "allowed: an IANA name such as Europe/London"
        table.faults.add(table.at("timezone"), f"{show(timezone)} is not a time zone", allowed)
    return Organisation(name, timezone, default_profile, holidays, warn_minutes), zone


def _calendar(document: Table, organisation: Organisation) -> Calendar:
    """Terms, which must not overlap, and bank holidays."""
    terms: list[Term] = []
    for _, table in document.tables("terms"):
        name = table.text("name")
        first, last = table.day("from"), table.day("to")
        for key, day in (("from", first), ("to", last)):
            if day is None and not table.has(key):
                table.faults.add(table.at(key), "nothing is given", f"{key} is required")
        if first is not None and last is not None:
            if last < first:
                table.faults.add(table.at("to"), "it ends before it begins", "allowed: later days")
            for other in terms:
                if first <= other.last and other.first <= last:
                    given = f"it overlaps {show(other.name)}"
                    table.faults.add(table.path, given, "allowed: terms one after the other")
            terms.append(Term(name, first, last))
        table.finish()
    if not organisation.holidays:
        return Calendar(terms)
    return Calendar(terms, bank_holidays(organisation.holidays))


def _essentials(table: Table) -> tuple[Pattern, ...]:
    """The organisation's own essential sites."""
    sites = [
        read_pattern(table.faults, path, text, wildcards=False)
        for path, text in table.texts("sites")
    ]
    table.finish()
    return tuple(site for site in sites if site is not None)


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
        warn_minutes=(
            table.whole("warn_minutes", 0, WARN_MINUTES_MAX, 15)
            if table.has("warn_minutes")
            else None
        ),
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
    when = table.word("when", WHEN, "any")
    actions = _actions(table, taxonomy)
    table.finish()
    return Period(name, frozenset(days), start, end, actions, when)


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
