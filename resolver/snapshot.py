"""Everything a query needs besides its own bytes and the cache, in one immutable value.

A query takes the snapshot once. A change of policy, index or settings builds a new `Snapshot`,
which is verified and swapped in as a whole; nothing here is ever changed. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from categoriser.matches import CategoryIndex
from categoriser.names import from_text
from categoriser.taxonomy import Taxonomy
from policy.policy import Policy
from policy.types import Client
from policy.view import View
from resolver import answers, safesearch
from resolver.rebinding import Rebinding
from resolver.sections import Pages
from resolver.special import ancestors

DEFAULT_ROUTE: Final = ""
"""The name of the upstreams that serve everything no conditional forward takes."""


@dataclass(frozen=True, slots=True)
class ResolutionSettings:
    """What an administrator may set about the life of a query."""

    block_ttl_seconds: int = 10
    """Short, so that a new exception is felt at once."""
    stale_ttl_seconds: int = 30
    """TTL of a stale answer (RFC 8767 section 4 recommends 30)."""
    stale_wait_seconds: float = 1.8
    """How long an upstream may take before a stale answer goes out (RFC 8767 section 5: 1.8)."""
    rebinding: Rebinding = field(default_factory=Rebinding)
    pages: Pages = Pages()
    page_name: bytes = b""
    """The name by which people call the block page, in wire form; empty: it has none."""


@dataclass(frozen=True, slots=True)
class Perspective:
    """One client's side of a snapshot: what its queries are decided and answered by."""

    client: Client
    view: View
    rewrites: Mapping[bytes, bytes]
    """Safe search: name -> strict host."""
    build_answer: answers.Build


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of the whole filter."""

    policy: Policy
    index: CategoryIndex
    taxonomy: Taxonomy
    settings: ResolutionSettings = ResolutionSettings()
    routes: Mapping[bytes, str] = field(default_factory=dict)
    """Conditional forwarding: zone in wire form -> name of its upstreams."""

    def perspective(self, packed_address: bytes, at: float) -> Perspective:
        """The perspective of the client with this source address (4 or 16 octets)."""
        return self.perspective_of(self.policy.identify(packed_address), at)

    def perspective_of(self, client: Client, at: float) -> Perspective:
        """The perspective of a known client; good until its view's `valid_until`."""
        view = self.policy.view(client, at)
        profile = view.profile
        return Perspective(
            client,
            view,
            safesearch.rewrites(profile.safe_search, profile.youtube),
            answers.choose(profile.answer),
        )

    def differs_in_passes_only(self, other: "Snapshot") -> bool:
        """Whether whoever has no pass is answered out of the very same."""
        return (
            self.index is other.index
            and self.taxonomy is other.taxonomy
            and self.settings is other.settings
            and self.routes is other.routes
            and self.policy.differs_in_passes_only(other.policy)
        )

    def route(self, name: bytes) -> str | None:
        """The upstreams that a conditional forward names for this name, or None."""
        if not self.routes:
            return None
        for above in ancestors(name):
            route = self.routes.get(above)
            if route is not None:
                return route
        return None


_PROBE: Final = from_text("lychgate.invalid")


def verify(snapshot: Snapshot, at: float) -> None:
    """Ask a new snapshot about every profile before it is trusted; raises what a query would."""
    snapshot.index.categorise(_PROBE)
    for venue in snapshot.policy.venues.values():
        for profile in snapshot.policy.profiles:
            client = Client(venue.id, None, None, profile)
            snapshot.perspective_of(client, at)
    snapshot.route(_PROBE)
