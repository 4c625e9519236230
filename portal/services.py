"""Everything a page needs, handed in by whoever starts the portal (`lychgate.portal_serving`).

The portal imports neither the resolver nor `lychgate`: what they know comes as a function here.
Pages take it from `request.app.state.services`, or with `Given` as a parameter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from fastapi import Depends, Request

from blocklists.compiling import CompileReport
from blocklists.differences import Difference
from blocklists.dismissals import Dismissal
from blocklists.keeping import Shelf
from blocklists.sources import Source
from blocklists.standing import SourceStatus
from blocklists.suggesting import Suggestion
from blocklists.tracing import Trace
from blocklists.versions import Version
from blocklists.wanting import Wish
from categoriser.taxonomy import Taxonomy
from evidence.alerts.themes import AlertSettings
from evidence.checks.results import Run
from evidence.notices.settings import NoticeSettings
from evidence.store import EvidenceStore
from policy.commands.desk import Desk
from policy.store import Store
from portal.accounts.accounts import Accounts
from portal.accounts.visits import Visits
from portal.openid.arrivals import Arrivals
from portal.openid.provider import Provider


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """What may be set of the portal; how long sessions last is `Accounts.rules`."""

    public_url: str = ""
    """How people call the portal: `https://portal.example`; empty: as the browser says."""
    second_factor_required: bool = False
    """Whether everybody with a password must have a second factor too."""
    local_accounts: bool = True
    """Whether anybody signs in with a password of ours."""
    host_names: tuple[str, ...] = ()
    """What browsers may call the portal besides `public_url` and addresses, in small letters."""

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
    upstreams: int = 0
    """That it may ask; 0: none, or nobody knows."""
    resting: tuple[str, ...] = ()
    """Upstreams that did not answer lately, in their order."""


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

    def enable(self, words: Sequence[str]) -> None:
        """Use lists from the next refresh on."""
        ...

    def disable(self, words: Sequence[str]) -> None:
        """Use lists no longer."""
        ...

    def want_refresh(self, by: str, at: float) -> None:
        """Ask the refresh of lists to look at all of them. Raises `KeepFault`."""
        ...

    def refresh_wanted(self) -> Wish | None:
        """The wish that waits to be taken up."""
        ...

    def compile(self, *, at: float) -> CompileReport | None:
        """Make the index anew if the lists in use changed; may take minutes."""
        ...

    def trace(self, name: str) -> Sequence[Trace]:
        """Which lists have a name, on which line, since when."""
        ...

    def difference(
        self, word: str, since: str | None = None
    ) -> tuple[Path | None, Path | None, Difference]:
        """What a held version would change, or what the last update changed."""
        ...


class Suggestions(Protocol):
    """The review queue: names asked for here that look like a category and are in no list. Its
    methods block: call them with `asyncio.to_thread`. Raises ValueError and OSError.
    """

    @property
    def counts(self) -> bool:
        """Whether names are counted at all."""
        ...

    def suggestions(self) -> Sequence[Suggestion]:
        """The queue, best first."""
        ...

    @property
    def dismissals(self) -> Mapping[str, Dismissal]:
        """What a person dismissed."""
        ...

    def dismiss(self, name: str, *, by: str, reason: str, at: float) -> str:
        """Take a name out of the queue."""
        ...

    def undismiss(self, name: str, *, by: str, reason: str, at: float) -> str:
        """Let it back in."""
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


class Checks(Protocol):
    """Checks that the filter works; `lychgate.selfchecking.checking.Checking` is one."""

    @property
    def is_busy(self) -> bool:
        """Whether one is under way."""
        ...

    async def run(
        self, who: str, venues: Collection[str] = (), profile: str = ""
    ) -> tuple[Run, ...]:
        """Ask the filter as these venues, and keep what it says; some seconds for each. Raises
        ValueError: *what was given; what is allowed*.
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
    openid: Provider | None = None
    """Where people sign in by OpenID Connect; None: nowhere."""
    kept: dict[str, object] = field(default_factory=dict, repr=False)
    """What was read of the store, by who read it: kept while its stamps stay the same."""
    arrivals: Arrivals | None = None
    """Who they are then; there whenever `openid` is."""
    suggestions: Callable[[], Suggestions] | None = None
    """The review queue as it is now."""
    checks: Checks | None = None
    """Checks that the filter works; None where nobody can run one."""
    alert_settings: AlertSettings = field(default_factory=AlertSettings)
    """What alerts go by."""
    notice_settings: NoticeSettings = field(default_factory=NoticeSettings)
    """Who is told of them."""
    evidence: EvidenceStore | None = None
    """What happened; None when telemetry is off. Its methods raise `StoreFault` while the database
    cannot be read (or nothing was recorded yet): pages say so and go on."""


def _given(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Given = Annotated[Services, Depends(_given)]
"""The services, as a parameter of a page."""
