"""Everything a page needs, handed in by whoever starts the portal (`lychgate.portal_serving`).

The portal imports neither the resolver nor `lychgate`: what they know comes as a function here.
Pages take it from `request.app.state.services`, or with `Given` as a parameter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol

from fastapi import Depends, Request

from blocklists.keeping import Shelf
from blocklists.sources import Source
from blocklists.standing import SourceStatus
from blocklists.versions import Version
from categoriser.taxonomy import Taxonomy
from policy.commands.desk import Desk
from policy.store import Store
from portal.accounts.accounts import Accounts
from portal.accounts.visits import Visits


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """What may be set of the portal; how long sessions last is `Accounts.rules`."""

    public_url: str = ""
    """How people call the portal: `https://portal.example`; empty: as the browser says."""
    second_factor_required: bool = False
    """Whether everybody with a password must have a second factor too."""

    @property
    def is_encrypted(self) -> bool:
        """Whether browsers come by HTTPS: cookies then go by nothing else."""
        return self.public_url.startswith("https://")


@dataclass(frozen=True, slots=True)
class Health:
    """What the resolver says of itself."""

    state: Literal["ready", "not ready", "silent", "unknown"]
    """`silent`: it does not answer; `unknown`: nobody can be asked (`metrics.listen` is off)."""
    problems: tuple[str, ...] = ()


async def _unknown() -> Health:
    return Health("unknown")


class Lists(Protocol):
    """The lists of this installation; `lychgate.listing.Listing` is one. Its methods block: call
    them with `asyncio.to_thread`.
    """

    @property
    def sources(self) -> Mapping[str, Source]:
        """Every source there is, by id. Raises `blocklists.sources.SourceFault`."""
        ...

    def status(self, at: float) -> Sequence[SourceStatus]:
        """How every source stands that is in use, or has versions here."""
        ...

    def shelf(self, word: str) -> Shelf:
        """The versions of a source."""
        ...

    def accept(self, word: str, by: str, reason: str, at: float) -> Version:
        """Let a held version be the current one."""
        ...

    def rollback(self, word: str, by: str, reason: str, at: float, to: str | None) -> Version:
        """Go back to an earlier version."""
        ...


class Explain(Protocol):
    """Why a name is blocked or not."""

    async def __call__(
        self, name: str, client: str, at: str | None, *, place: str = ""
    ) -> Mapping[str, Any]:
        """What `lychgate explain --json` says, for a client's address and a local time (None:
        now). With `client` empty, for anybody at a `place`: `venue:V`, `room:V/R`, `device:D`,
        `profile:P` or `organisation`. Raises ValueError: *what was given; what is allowed*.
        """
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a page needs."""

    store: Store
    desk: Desk
    taxonomy: Taxonomy
    accounts: Accounts
    visits: Visits
    clock: Callable[[], float]
    """POSIX seconds, now."""
    explain: Explain
    lists: Lists
    health: Callable[[], Awaitable[Health]] = _unknown
    asked: Callable[[Sequence[str]], Awaitable[Mapping[str, int]]] | None = None
    """How often names were asked for lately; None: nobody counts."""
    settings: PortalSettings = field(default_factory=PortalSettings)


def _given(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Given = Annotated[Services, Depends(_given)]
"""The services, as a parameter of a page."""
