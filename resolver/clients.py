"""Who asks, and what they were answered: the memo's answers, audiences, and records of clients.

Trusted forwarders speak for their clients in EDNS options, so their queries never match the memo of
an audience: each forwarder has a memo of its own (`Behind`). No socket and no clock here.
"""

from typing import Final

from resolver.cache import FOREVER
from resolver.resolution import Outcome
from resolver.snapshot import Perspective
from resolver.wire import compose
from resolver.wire.introduction import Introduction
from resolver.wire.query import Query

MEMO_ANSWERS_MAX: Final = 32_768
"""Answers in the younger half of an audience's memo; the older half holds as many."""


class Answer:
    """A finished answer and how long it stands."""

    __slots__ = (
        "ceiling_until",
        "fresh_until",
        "good_until",
        "outcome",
        "query",
        "since",
        "tail",
        "ttls",
    )

    def __init__(self, tail: bytes, query: Query, outcome: Outcome, at: float) -> None:
        self.tail = tail
        """Everything behind the ID."""
        self.query: Final = query
        self.outcome: Final = outcome
        self.ttls: Final = outcome.sections.ttls
        self.since: Final = outcome.since
        self.ceiling_until: Final = outcome.ceiling_until
        self.good_until: Final = outcome.good_until
        self.fresh_until = self._turn_after(at) if self.ttls else self.good_until

    def refresh(self, at: float) -> None:
        """Let the TTLs run down to `at`, which must be before `good_until`."""
        elapsed = int(at - self.since)
        ceiling = self.ceiling_until
        left = compose.TTL_MAX if ceiling == FOREVER else int(ceiling - at)
        self.tail = compose.age(self.tail, self.ttls, elapsed, left)
        self.fresh_until = self._turn_after(at)

    def _turn_after(self, at: float) -> float:
        """When the TTLs of `at` are no longer right. They run down in whole seconds from `since`,
        and from the ceiling backwards: none may reach beyond it, not even by a part of a second.
        """
        turn = self.since + int(at - self.since) + 1.0
        ceiling = self.ceiling_until
        if ceiling != FOREVER:
            turn = min(turn, ceiling - int(ceiling - at))
        return min(turn, self.good_until)


class Audience:
    """Clients who are the same to policy, and what they have been answered."""

    __slots__ = ("memo", "older", "perspective")

    def __init__(self, perspective: Perspective) -> None:
        self.perspective = perspective
        self.memo: Final[dict[bytes, Answer]] = {}
        self.older: dict[bytes, Answer] = {}

    def remember(self, key: bytes, answer: Answer) -> None:
        """Keep an answer. Two generations: what is asked again moves up before it can be lost."""
        memo = self.memo
        if len(memo) >= MEMO_ANSWERS_MAX:
            self.older = memo.copy()
            memo.clear()
        memo[key] = answer


class ClientRecord:
    """One source address, or one client behind a trusted forwarder: its audience, its memo, and
    what it may still ask this second.
    """

    __slots__ = (
        "address",
        "audience",
        "behind",
        "hostname",
        "memo",
        "packed",
        "rate",
        "served",
        "slips",
        "tokens",
        "window",
    )

    def __init__(
        self,
        address: str,
        packed: bytes,
        audience: Audience,
        rate: int,
        served: bool,
        at: float,
        hostname: str = "",
        behind: "Behind | None" = None,
    ) -> None:
        self.address: Final = address
        """Behind a forwarder the client's own, or its network's, if the forwarder told it."""
        self.packed: Final = packed
        self.audience: Final = audience
        self.hostname: Final = hostname
        """From the DHCP lease of the address; else the id that a forwarder gave; may be empty."""
        self.behind: Final = behind
        """Of a trusted forwarder, and of each of its clients: what the forwarder is answered."""
        self.memo: Final = audience.memo if served and behind is None else {}
        self.rate: Final = rate
        self.served: Final = served
        self.tokens = rate if served else 0
        self.window = at
        self.slips = 0

    def may_ask(self, at: float) -> bool:
        """Called when the tokens are used up: a second later there are new ones."""
        if at - self.window >= 1.0 and self.served:
            self.window = at
            self.tokens = self.rate - 1
            return True
        return False


class Behind:
    """The clients of one trusted forwarder, and what was answered for them.

    The key of an answer has all octets of the query, and so all that was said of the client: no two
    clients share an answer.
    """

    __slots__ = ("_memo", "_older", "clients")

    def __init__(self) -> None:
        self.clients: Final[dict[Introduction, ClientRecord]] = {}
        self._memo: dict[bytes, tuple[ClientRecord, Answer]] = {}
        self._older: dict[bytes, tuple[ClientRecord, Answer]] = {}

    def find(self, key: bytes) -> tuple[ClientRecord, Answer] | None:
        """An answer and the client it is for."""
        known = self._memo.get(key)
        if known is None and (known := self._older.get(key)) is not None:
            self.remember(key, known)
        return known

    def remember(self, key: bytes, known: tuple[ClientRecord, Answer]) -> None:
        """Keep an answer; two generations, as `Audience` has."""
        if len(self._memo) >= MEMO_ANSWERS_MAX:
            self._memo, self._older = {}, self._memo
        self._memo[key] = known

    def forget(self) -> None:
        """Drop everything: who asks behind the forwarder is found out afresh."""
        self.clients.clear()
        self._memo, self._older = {}, {}

    def __len__(self) -> int:
        return len(self._memo) + len(self._older)
