"""A report from the command line: everything opened, read once and closed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from lychgate.config import Configuration
from lychgate.listing import Listing
from lychgate.office import PLACES, Office
from lychgate.policy_documents import read_document
from lychgate.telemetry_store import evidence_of
from policy.commands.command import Refused
from policy.reading import Faults
from policy.store import Store
from portal.reporting.document import Report
from portal.reporting.facts import Facts
from portal.reporting.lists import lists_in_force
from portal.reporting.material import Material, Sources, read_material
from portal.reporting.periods import Chosen, PeriodFault, choose, choose_term, terms_of
from portal.reporting.report import report_of
from portal.words import t

_OPTIONS: Final = {"since": "from", "until": "to"}
"""What a field of a page is called on the command line."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed; empty: not given."""

    term: str
    first: str
    last: str
    venues: Collection[str]


def make_report(
    configuration: Configuration, wanted: Wanted, at: float
) -> tuple[Report, tuple[str, ...]]:
    """The report, and what whoever asked should know of it. Raises `Refused`, `StoreFault` and
    `policy.document.PolicyFault`.
    """
    office = Office(configuration)
    office.require_present()
    raw = _document(office)
    policy = office.build(raw)
    for venue in wanted.venues:
        if venue not in policy.venues:
            faults = Faults("--venue")
            faults.unknown("", venue, "venue", policy.venues)
            raise Refused(*faults.lines)
    zone = ZoneInfo(policy.organisation.timezone)
    chosen = _chosen(wanted, raw, at, zone)
    venues = frozenset(wanted.venues) or None
    material = asyncio.run(_read(configuration, office, chosen, venues, at, zone))
    titles = sorted(policy.venues[venue].title for venue in venues or ())
    place = ", ".join(titles) or t("figures.every_venue")
    lists = lists_in_force(Listing(configuration), at)
    facts = Facts(policy, office.taxonomy, zone, chosen, venues, place, material, lists)
    return report_of(facts), (*office.warnings, *_missing(configuration, material))


def _document(office: Office) -> dict[str, Any]:
    """The policy that is in force, as a raw document."""
    if office.policy_file is not None:
        return read_document(office, office.policy_file)
    return office.raw(PLACES)


def _chosen(wanted: Wanted, raw: Mapping[str, Any], at: float, zone: ZoneInfo) -> Chosen:
    terms = terms_of(raw.get("terms", ()))
    if wanted.term and (wanted.first or wanted.last):
        raise Refused("--term: given with --from or --to; allowed: either a term or days")
    try:
        if wanted.term:
            return choose_term(wanted.term, terms, at, zone)
        today = datetime.fromtimestamp(at, zone).date().isoformat()
        last = wanted.last or (today if wanted.first else "")
        return choose("", wanted.first, last, terms, at, zone)
    except PeriodFault as fault:
        told = str(fault).partition(": ")[2]
        raise Refused(f"--{_OPTIONS.get(fault.field, fault.field)}: {told}") from None


async def _read(
    configuration: Configuration,
    office: Office,
    chosen: Chosen,
    venues: frozenset[str] | None,
    at: float,
    zone: ZoneInfo,
) -> Material:
    store = await Store.open(office.url)
    evidence = evidence_of(configuration)
    try:
        sources = Sources(store, evidence, office.taxonomy)
        return await read_material(sources, chosen.period, venues, at, zone)
    finally:
        if evidence is not None:
            await evidence.close()
        await store.close()


def _missing(configuration: Configuration, material: Material) -> tuple[str, ...]:
    """Why the report has no figures of what happened."""
    if material.happened is not None:
        return ()
    left_out = "what was blocked, alerts and checks are not in the report"
    if material.trouble:
        return (f"{material.trouble}; {left_out}",)
    return (f"telemetry: it is off in {configuration.name}; {left_out}",)
