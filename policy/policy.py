"""One policy, whole and immutable: what a document says, ready to be asked.

Built by `policy.document` and never changed: a new document is a new Policy.  It answers three
questions: who is asking (`identify`), what may they see now (`view`), and is this address denied
(`denied_address`).  Whether a name is allowed is `policy.decision`'s question, put to a view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from categoriser.taxonomy import Taxonomy
from policy.addresses import AddressRules
from policy.clients import ClientTable
from policy.types import (
    ApprovedException,
    Client,
    Device,
    Organisation,
    Profile,
    Rule,
    Venue,
)
from policy.view import View, Views


class Policy:
    """Everything an organisation has decided."""

    __slots__ = (
        "_addresses",
        "_clients",
        "_views",
        "denies_addresses",
        "devices",
        "exceptions",
        "fingerprint",
        "organisation",
        "profiles",
        "rules",
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
        rules: Sequence[Rule],
        exceptions: Sequence[ApprovedException],
        taxonomy: Taxonomy,
        fingerprint: str,
    ) -> None:
        self.organisation = organisation
        self.profiles = profiles
        self.venues = venues
        self.devices = devices
        self.rules = tuple(rules)
        self.exceptions = tuple(exceptions)
        self.taxonomy = taxonomy
        self.fingerprint = fingerprint
        """SHA-256 of the document, in hexadecimal: which policy decided, in logs and metrics."""
        self._clients = ClientTable(organisation, venues.values(), devices.values())
        self._addresses = AddressRules(self.rules)
        self.denies_addresses = any(rule.network is not None for rule in self.rules)
        """Whether any rule is about addresses: most policies have none."""
        self._views = Views(
            organisation, profiles, venues, devices, self.rules, self.exceptions, taxonomy
        )

    def identify(self, packed_address: bytes) -> Client:
        """The client with this source address of 4 or 16 octets; never fails."""
        return self._clients.identify(packed_address)

    def view(self, client: Client, at: float) -> View:
        """What a client that `identify` gave may see at an instant (POSIX seconds)."""
        return self._views.view(client, at)

    def denied_address(self, packed: bytes, view: View) -> Rule | None:
        """The rule that denies an address (4 or 16 octets) of an answer, or None."""
        return self._addresses.find(packed, view)
