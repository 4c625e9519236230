"""What a change of places, profiles and people means, for whom, in plain English.

Compares a policy before with the one after it. Rules and exceptions are not looked at: their
commands speak for themselves. Must not decide anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Final

from policy.commands.command import Change, Situation
from policy.commands.phrases import joined, profile_title
from policy.commands.place_effects import place_effects
from policy.commands.profile_effects import profile_effects
from policy.policy import Policy
from policy.types import Grant

SENTENCES_MAX: Final = 40
"""Sentences about one change."""


class Described:
    """A command whose effect shows in the places, profiles and people of the policy."""

    __slots__ = ()

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What changes for whom."""
        return describe(situation.policy, after)


def describe(before: Policy, after: Policy) -> list[str]:
    """What changes for whom from one policy to the other."""
    effects = chain(
        _organisation(before, after),
        profile_effects(before, after),
        place_effects(before, after),
        _people(before, after),
        _pages(before, after),
        _help_links(before, after),
    )
    # A network that moved is told by who lost it and by who gained it, in the same words.
    found = list(dict.fromkeys(islice(effects, SENTENCES_MAX)))
    if next(effects, None) is not None:
        found.append("And more of this kind.")
    return found or ["Nobody is filtered otherwise than before."]


def _organisation(before: Policy, after: Policy) -> Iterator[str]:
    old, new = before.organisation, after.organisation
    if old.name != new.name:
        yield f"The organisation is called {new.name} (before: {old.name})."
    if old.timezone != new.timezone:
        yield f"Every timetable is read on the clock of {new.timezone} (before: {old.timezone})."
    if old.warn_minutes != new.warn_minutes:
        minutes = new.warn_minutes
        passing = f"may be passed for {minutes} minutes" if minutes else "cannot be passed"
        yield f"Where a profile says nothing of it, a warning {passing}."
    if old.holidays != new.holidays:
        yield (
            f"Bank holidays are {_holidays(new.holidays)} (before: {_holidays(old.holidays)}); "
            "periods that depend on them follow."
        )
    if old.default_profile != new.default_profile:
        yield (
            f"Addresses of no venue are filtered as {profile_title(after, new.default_profile)} "
            f"(before: {profile_title(before, old.default_profile)})."
        )
    for role, hours in after.exception_hours_max.items():
        if before.exception_hours_max[role] != hours:
            yield (
                f"An exception granted as {role} may last up to {hours} hours "
                f"(before: {before.exception_hours_max[role]})."
            )


def _people(before: Policy, after: Policy) -> Iterator[str]:
    for id in [*after.people, *(id for id in before.people if id not in after.people)]:
        old, new = before.people.get(id), after.people.get(id)
        old_roles, new_roles = (set(person.roles) if person else set() for person in (old, new))
        had = sorted(_grant(before, grant) for grant in old_roles - new_roles)
        has = sorted(_grant(after, grant) for grant in new_roles - old_roles)
        name = new.name if new else old.name if old else id
        if old is None:
            yield f"{name} is known as {id}, {joined(has) if has else 'without a role'}."
        elif new is None:
            gone = f", and no longer {joined(had)}" if had else ""
            yield f"{name} ({id}) is removed{gone}."
        else:
            if old.name != new.name:
                yield f"{old.name} is called {new.name}."
            if old.email != new.email:
                yield f"{name}: the e-mail address is {new.email or 'taken away'}."
            if has:
                yield f"{name} is now {joined(has)}."
            if had:
                yield f"{name} is no longer {joined(had)}."


def _pages(before: Policy, after: Policy) -> Iterator[str]:
    for id in dict.fromkeys([*before.pages, *after.pages]):
        old, new = before.pages.get(id), after.pages.get(id)
        which = f"The block page of {_what(after, id)}"
        if id == "organisation":
            which = "Every block page"
        if new is None:
            yield f"{which} no longer has a text of its own."
        elif old != new:
            yield f"{which} says: {new}"


def _help_links(before: Policy, after: Policy) -> Iterator[str]:
    for id in dict.fromkeys([*before.help_links, *after.help_links]):
        old, new = before.help_links.get(id, ()), after.help_links.get(id, ())
        if old == new:
            continue
        which = f"The block page of {_what(after, id)}"
        if id == "organisation":
            which = "Every block page"
        if not new:
            yield f"{which} has no help links of your own any more."
        for link in new:
            if link not in old:
                yield f"{which} leads to: {link.title} ({link.url})."
        for link in old:
            if new and link not in new:
                yield f"{which} no longer leads to: {link.title} ({link.url})."
        if set(old) == set(new):
            yield f"{which} has its help links in another order."


def _what(policy: Policy, category: str) -> str:
    entry = policy.taxonomy.get(category)
    return category if entry is None else entry.title


def _grant(policy: Policy, grant: Grant) -> str:
    if not grant.venues:
        return f"{grant.role} everywhere"
    titles = sorted(policy.venues[v].title if v in policy.venues else v for v in grant.venues)
    return f"{grant.role} at {joined(titles)}"


def _holidays(division: str) -> str:
    return f"those of {division}" if division else "not counted"
