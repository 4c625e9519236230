"""Requests for review: what somebody at a venue asks about one site, and what became of it.

Nobody signs in to ask, and neither a name nor an address is kept. Who asked holds a short code and
sees the answer by it. Pure: where requests are kept is `policy.store.requests`' matter, who decides
them that of `policy.commands.requests`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from categoriser.names import NameFault, normal
from policy.patterns import is_public_suffix

AskedFor = Literal["open", "close"]
"""`open`: a blocked site shall be looked at again; `close`: an unsuitable one opened."""

Outcome = Literal["allowed", "opened", "kept", "denied", "lapsed"]
"""`allowed`: by a rule; `opened`: by an exception, for a while; `kept`: as it was; `denied`: by a
rule; `lapsed`: nobody decided within `LAPSE_DAYS`."""

ASKED_FOR: Final[tuple[AskedFor, ...]] = get_args(AskedFor)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
UPHELD: Final[frozenset[Outcome]] = frozenset({"allowed", "opened", "denied"})
"""Outcomes by which whoever asked was right."""

LAPSE_DAYS: Final = 90
"""A request that nobody decided for so long is over."""

PASTED_CHARACTERS_MAX: Final = 4_000
"""Of what is pasted as a site; addresses of pages are long."""

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Of codes: without 0 and O, 1, I and L, and U, which is heard as V or read as V."""
CODE_LETTERS: Final = 8
"""30 to the 8, 6.6 x 10^11 codes: with 10,000 in use, an address that may look up 30 in ten minutes
meets one after forty years on the average."""

_CODE: Final = re.compile(f"[{ALPHABET}]{{{CODE_LETTERS}}}")
_TYPED: Final = str.maketrans(
    {"O": "", " ": "", "-": "", "\u2010": "", "\u2011": "", "\u2013": "", ".": ""}
)


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a site to whoever asked: evidence, as it was at that moment."""

    action: str = ""
    """`block`, `warn`, `monitor` or `allow`; empty when nobody could say."""
    category: str | None = None
    rule: str | None = None
    """The entry that settled it, as written."""
    sources: tuple[str, ...] = ()
    """The lists that hold the entry."""
    profile: str = ""

    @classmethod
    def of(cls, explained: Mapping[str, object]) -> Said:
        """From what `lychgate explain --json` says; nothing from nothing."""
        decision, client = explained.get("decision"), explained.get("client")
        decision = decision if isinstance(decision, Mapping) else {}
        client = client if isinstance(client, Mapping) else {}
        return cls(
            action=str(decision.get("action") or ""),
            category=decision.get("category"),
            rule=decision.get("rule"),
            sources=tuple(decision.get("sources") or ()),
            profile=str(client.get("profile") or ""),
        )


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """One request, with everybody who asked the same at the same venue."""

    number: int
    kind: AskedFor
    site: str
    """Only the host, in normal form."""
    venue: str
    """Its id; it may be gone since."""
    asked_at: float
    """POSIX seconds: when the first one asked."""
    last_asked_at: float
    askers: int
    said: Said
    """To the first one."""
    forwarded: str = ""
    """`administrators`, or `list:ID` when it was sent to a list's maintainers; it still waits."""
    note: str = ""
    """What was written when it was forwarded."""
    decided_at: float | None = None
    decided_by: str = ""
    """The id of the person."""
    outcome: Outcome | None = None
    """None while it waits."""
    answer: str = ""
    """What whoever asked may read."""
    made: str = ""
    """What the decision made: `rule:17`, `exception:4`."""

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it waits."""
        return None if self.decided_at is None else max(0.0, self.decided_at - self.asked_at)

    def waits(self, at: float) -> bool:
        """Whether it still waits for a decision."""
        return self.outcome is None and at < self.last_asked_at + LAPSE_DAYS * 86_400.0


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the decided requests were upheld."""

    decided: int
    upheld: int

    @property
    def ratio(self) -> float | None:
        """From 0 to 1; None when nothing was decided."""
        return self.upheld / self.decided if self.decided else None


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of the requests that were decided within a time.

    What lapsed counts as an outcome, but in no share and no length of time: nobody judged it.
    """

    outcomes: Mapping[tuple[AskedFor, Outcome], int]
    by_category: Mapping[str, Share]
    """Of requests to open: false positives by category; "" for those without one."""
    by_source: Mapping[str, Share]
    """Of requests to open: false positives by list. An entry in two lists counts for both."""
    seconds: tuple[float, ...]
    """To the decision, of each, the shortest first."""

    @property
    def decided(self) -> int:
        """How many people decided."""
        return len(self.seconds)

    @property
    def seconds_median(self) -> float | None:
        """Half were decided sooner; None when there are none."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> float | None:
        """The time within which this share (0 to 1) of them were decided."""
        if not self.seconds:
            return None
        return self.seconds[min(int(len(self.seconds) * share), len(self.seconds) - 1)]


def figures(requests: Iterable[ReviewRequest]) -> Figures:
    """The figures of these requests; those that wait are passed over."""
    outcomes: Counter[tuple[AskedFor, Outcome]] = Counter()
    categories: dict[str, list[bool]] = {}
    sources: dict[str, list[bool]] = {}
    seconds: list[float] = []
    for request in requests:
        if request.outcome is None:
            continue
        outcomes[request.kind, request.outcome] += 1
        if request.outcome == "lapsed":
            continue
        if request.seconds is not None:
            seconds.append(request.seconds)
        if request.kind == "open":
            upheld = request.outcome in UPHELD
            categories.setdefault(request.said.category or "", []).append(upheld)
            for source in request.said.sources:
                sources.setdefault(source, []).append(upheld)
    return Figures(dict(outcomes), _shares(categories), _shares(sources), tuple(sorted(seconds)))


def host_of(pasted: str) -> str:
    """The host of a name or an address of a page that somebody pasted, in normal form.

    The path, which may tell what somebody read, is dropped, and so is a leading `www.`. Raises
    ValueError, *what was given; what is allowed*.
    """
    allowed = "allowed: a site such as example.com, or the address of a page on it"
    text = pasted.strip()
    if not text or len(text) > PASTED_CHARACTERS_MAX:
        raise ValueError(f"{len(text)} characters are given; {allowed}")
    try:
        host = _host(text).removesuffix(".")
        name = normal(host)
    except (NameFault, ValueError):
        raise ValueError(f"this is no site; {allowed}") from None
    if not name or name.replace(".", "").isdigit() or not name.isascii() or "\\" in name:
        raise ValueError(f"this is no site; {allowed}")
    shorter = name.removeprefix("www.")
    name = name if is_public_suffix(shorter) else shorter
    if is_public_suffix(name):
        raise ValueError(f"{name} is no site of its own; {allowed}")
    return name


def code_of(typed: str) -> str | None:
    """A code as it is kept, of what somebody typed; None when it can be none."""
    code = typed[:40].upper().translate(_TYPED)
    return code if _CODE.fullmatch(code) else None


def spaced(code: str) -> str:
    """A code in two groups, as people read it: `7KQM-4XZP`."""
    return f"{code[:4]}-{code[4:]}"


def _host(text: str) -> str:
    """What stands where the host does."""
    if "://" not in text[:20]:
        text = f"//{text.removeprefix('//')}"
    return urlsplit(text).hostname or ""


def _shares(judged: Mapping[str, list[bool]]) -> dict[str, Share]:
    return {key: Share(len(upheld), sum(upheld)) for key, upheld in judged.items()}
