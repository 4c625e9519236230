"""The cache of unfiltered upstream data: positive, negative (RFC 2308), stale (RFC 8767), bounded.

It holds what upstreams said and nothing about who may see it: the decision stands above it, so a
change of policy acts at once and nobody is served another's block. Pure: `at` is an argument
everywhere, POSIX seconds.
"""

from dataclasses import dataclass
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from resolver.sections import Sections
from resolver.wire import codes
from resolver.wire.reply import Reply

FOREVER: Final = float("inf")
FAILURE_SECONDS: Final = 5.0
"""How long an upstream's own SERVFAIL or REFUSED is kept (RFC 9520 section 3.2: 1 s to 5 min)."""
UNANSWERED_SECONDS: Final = 2.0
"""How long it is remembered that nobody answered: at least a second (RFC 9520 section 3.2), and
little more, because the link may be back."""
RECHECK_SECONDS: Final = 30.0
"""After a stale answer, how long the next ones go out without waiting for an upstream again
(RFC 8767 section 5: the failure recheck timer)."""


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Bounds of the cache."""

    entries_max: int = 100_000
    ttl_seconds_min: int = 0
    ttl_seconds_max: int = 86_400
    negative_ttl_seconds_max: int = 900
    """RFC 2308 section 5 says hours at most; a mended name should come back sooner."""
    stale_seconds_max: int = 86_400
    """How long after its end an entry may serve stale (RFC 8767 section 5: 1 to 3 days)."""
    prefetch_hits_min: int = 2
    """An entry asked for this often is fetched again before it ends; 0 turns prefetching off."""


class CacheEntry(Struct, gc=False):
    """One upstream answer; `hits`, `refreshing` and `recheck_at` change, nothing else does."""

    reply: Reply
    upstream: str
    stored_at: float
    expires_at: float
    prefetch_at: float
    """From then on it is worth fetching again; infinity for never."""
    hits: int = 0
    refreshing: bool = False
    recheck_at: float = 0.0


def cache_key(name: bytes, qtype: bytes, dnssec_ok: bool, checking_disabled: bool) -> bytes:
    """The key of a question (the type in wire form): DO and CD change what an upstream answers (RFC
    4035 sections 3.2, 4.7)."""
    return name + qtype + _VARIANTS[dnssec_ok | checking_disabled << 1]


_VARIANTS: Final = (b"\0", b"\1", b"\2", b"\3")


class Cache:
    """Entries by `cache_key`; when full, the older half leaves but for what was asked again."""

    def __init__(self, settings: CacheSettings) -> None:
        self._settings: Final = settings
        self.prefetch_hits_min: Final = settings.prefetch_hits_min
        self._entries: dict[bytes, CacheEntry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes, at: float) -> CacheEntry | None:
        """The entry, fresh or stale; the caller looks at `expires_at`."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if at >= entry.expires_at + self._settings.stale_seconds_max:
            del self._entries[key]
            return None
        entry.hits += 1
        return entry

    def put(self, key: bytes, reply: Reply, upstream: str, at: float) -> CacheEntry:
        """Keep a reply. A failure never replaces an answer that could still serve stale."""
        entry = self._entry(reply, upstream, at, len(key) + 13)
        entries = self._entries
        known = entries.pop(key, None)
        if known is not None and _is_failure(reply) and not _is_failure(known.reply):
            entries[key] = known
            known.refreshing = False
            return entry
        if len(entries) >= self._settings.entries_max:
            self._make_room()
            entries = self._entries
        entries[key] = entry
        return entry

    def clear(self) -> None:
        """Forget everything: after a step of the clock or by command."""
        self._entries = {}

    def _make_room(self) -> None:
        """Let the older half go, but keep what was asked for again since it came.

        Halving costs 10 ms once in 50,000 insertions; taking entries off the front one by one makes
        CPython walk over every deleted slot again.
        """
        entries = list(self._entries.items())
        half = len(entries) // 2
        wanted = [(key, entry) for key, entry in entries[:half] if entry.hits]
        for _, entry in wanted:
            entry.hits = 0
        self._entries = dict(wanted[-half // 2 :] + entries[half:])

    def put_failure(self, key: bytes, upstream: str, at: float) -> CacheEntry:
        """Remember that nobody answered (RFC 9520 section 3.2), unless something is stale."""
        return self.put(key, UNANSWERED, upstream, at)

    def _entry(self, reply: Reply, upstream: str, at: float, end: int) -> CacheEntry:
        """An entry with its TTLs within bounds; `end` is where the question section ends."""
        settings = self._settings
        sections = reply.sections
        ttls = sections.ttls
        low, high = settings.ttl_seconds_min, settings.ttl_seconds_max
        denied = reply.negative_ttl  # Beside an alias it denies what the alias leads to.
        if sections.answers and denied is None and sections.rcode == codes.NOERROR:
            ttl: float = ttls[0][1]
            if len(ttls) > 1:
                ttl = min([seconds for _, seconds in ttls[: sections.answers]])
        elif _is_failure(reply):
            ttl, low = UNANSWERED_SECONDS if reply is UNANSWERED else FAILURE_SECONDS, 0
        else:
            # Without SOA a negative answer should not be cached (RFC 2308 section 5), and no stub
            # should keep the SOA for longer than we keep the answer.
            aliases = [seconds for _, seconds in ttls[: sections.answers]]
            ttl = min(denied or 0, settings.negative_ttl_seconds_max, *aliases)
            high = max(int(ttl), low)
        ttl = min(max(ttl, low), high)
        for _, seconds in ttls:
            if not low <= seconds <= high:
                reply = replace(reply, sections=_clamp(sections, low, high, end))
                break
        # The last tenth of its life: late enough to save queries, early enough to be back in time.
        prefetch_at = at + ttl * 0.9 if ttl >= 10 and settings.prefetch_hits_min else FOREVER
        return CacheEntry(reply, upstream, at, at + ttl, prefetch_at)


def _clamp(sections: Sections, low: int, high: int, end: int) -> Sections:
    """The sections with every TTL within bounds, in the octets as well."""
    body = bytearray(sections.body)
    ttls = []
    for offset, seconds in sections.ttls:
        seconds = min(max(seconds, low), high)
        body[offset - end : offset - end + 4] = seconds.to_bytes(4)
        ttls.append((offset, seconds))
    return replace(sections, body=bytes(body), ttls=tuple(ttls))


UNANSWERED: Final = Reply(
    Sections(codes.SERVFAIL),
    codes.SERVFAIL,
    None,
    (),
    (),
    False,
    ((codes.EDE_NO_REACHABLE_AUTHORITY, "No upstream answered"),),
)
"""What stands in the cache for a question that nobody answered."""


def _is_failure(reply: Reply) -> bool:
    return reply.sections.rcode not in (codes.NOERROR, codes.NXDOMAIN)
