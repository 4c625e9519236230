"""One policy, whole and immutable: what a document says, ready to be asked.

Built by `policy.document` and never changed: a new document is a new Policy, and so are new DHCP
leases (`with_leases`).  It answers three questions: who is asking (`identify`, `identify_behind`),
what may they see now (`view`), and is this address denied (`denied_address`).  Whether a name is
allowed is `policy.decision`'s question, put to a view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Final

from categoriser.patterns import Pattern
from categoriser.taxonomy import Help, Taxonomy
from policy.calendar import Calendar
from policy.clients import ClientTable
from policy.leases import NO_LEASES, Leases
from policy.passes import NO_PASSES, Passes
from policy.people import EXCEPTION_HOURS_MAX
from policy.rulebook import RuleBook
from policy.types import (
    ApprovedException,
    Bundle,
    Client,
    Device,
    Organisation,
    Person,
    Profile,
    Role,
    Rule,
    Venue,
)
from policy.view import View, Views

_NOTHING: Final[Mapping[str, Any]] = {}


class Policy:
    """Everything an organisation has decided."""

    __slots__ = (
        "_clients",
        "_views",
        "bundles",
        "calendar",
        "devices",
        "essentials",
        "exception_hours_max",
        "exceptions",
        "fingerprint",
        "help_links",
        "leases",
        "organisation",
        "pages",
        "passes",
        "people",
        "profiles",
        "rulebook",
        "taxonomy",
        "venues",
    )

    def __init__(
        self,
        *,
        organisation: Organisation,
        profiles: Mapping[str, Profile],
        venues: Mapping[str, Venue],
        devices: Mapping[str, Device],
        rules: RuleBook | Sequence[Rule],
        exceptions: Sequence[ApprovedException],
        taxonomy: Taxonomy,
        fingerprint: str,
        calendar: Calendar = Calendar(),  # noqa: B008 - immutable
        bundles: Mapping[str, Bundle] = _NOTHING,
        essentials: Sequence[Pattern] = (),
        people: Mapping[str, Person] = _NOTHING,
        exception_hours_max: Mapping[Role, int] = EXCEPTION_HOURS_MAX,
        pages: Mapping[str, str] = _NOTHING,
        help_links: Mapping[str, tuple[Help, ...]] = _NOTHING,
    ) -> None:
        self.organisation = organisation
        self.calendar = calendar
        self.profiles = profiles
        self.venues = venues
        self.devices = devices
        self.bundles = bundles
        self.rulebook = rules if isinstance(rules, RuleBook) else RuleBook(rules)
        self.exceptions = tuple(exceptions)
        self.essentials = tuple(essentials)
        """The organisation's own essential sites, beside those that ship."""
        self.people = people
        self.exception_hours_max = exception_hours_max
        """How long an exception may last that somebody in a role grants."""
        self.pages = pages
        """Texts for the block page, by category; `organisation` for all of them."""
        self.help_links = help_links
        """Help links of the organisation's own, by the same keys."""
        self.taxonomy = taxonomy
        self.fingerprint = fingerprint
        """SHA-256 of the document, in hexadecimal: which policy decided, in logs and metrics."""
        self.leases = NO_LEASES
        """Who holds which address, where DHCP says so."""
        self.passes = NO_PASSES
        """Warnings that somebody went past."""
        self._clients = ClientTable(organisation, venues.values(), devices.values())
        self._views = Views(
            organisation,
            calendar,
            profiles,
            venues,
            devices,
            self.rulebook,
            self.exceptions,
            taxonomy,
        )

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, in the order of the document."""
        return self.rulebook.rules

    @property
    def denies_addresses(self) -> bool:
        """Whether any rule is about addresses: most policies have none."""
        return self.rulebook.denies_addresses

    def identify(self, packed_address: bytes) -> Client:
        """The client with this source address of 4 or 16 octets; never fails."""
        return self.passes.held_by(self._clients.identify(packed_address), packed_address)

    def identify_behind(
        self, forwarder: bytes, packed_address: bytes, bits: int, client_id: str
    ) -> Client:
        """The client for whom a trusted forwarder asks; see `ClientTable.identify_behind`."""
        client = self._clients.identify_behind(forwarder, packed_address, bits, client_id)
        whole = bits == 8 * len(packed_address)
        return self.passes.held_by(client, packed_address if whole else b"")

    def hostname(self, packed_address: bytes) -> str:
        """What the machine with this address calls itself; empty when nobody knows."""
        lease = self.leases.find(packed_address)
        return "" if lease is None else lease.hostname

    def with_leases(self, leases: Leases) -> Policy:
        """The same policy with other leases; devices are where these say."""
        other = copy(self)
        other.leases = leases
        other._clients = ClientTable(
            self.organisation, self.venues.values(), self.devices.values(), leases
        )
        return other

    def with_passes(self, passes: Passes, fingerprint: str) -> Policy:
        """The same policy with other passes; everything else is the very same, and so is every
        client who has none.
        """
        other = copy(self)
        other.passes = passes
        other.fingerprint = fingerprint
        return other

    def differs_in_passes_only(self, other: Policy) -> bool:
        """Whether all that is not a pass is the very same."""
        return self._views is other._views and self._clients is other._clients

    def warn_minutes(self, profile: str) -> int:
        """How long somebody with this profile may go on past a warning; 0: not at all."""
        own = self.profiles[profile].warn_minutes
        return self.organisation.warn_minutes if own is None else own

    def view(self, client: Client, at: float) -> View:
        """What a client that `identify` gave may see at an instant (POSIX seconds)."""
        return self._views.view(client, at)

    def denied_address(self, packed: bytes, view: View) -> Rule | None:
        """The rule that denies an address (4 or 16 octets) of an answer, or None."""
        return self.rulebook.addresses.find(packed, view.scopes, view.at)
