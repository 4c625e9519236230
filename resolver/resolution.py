"""The life of a query: one generator, on one screen.

It yields `Ask` when an upstream has to be asked, is resumed with `Told`, and returns one `Outcome`.
It knows no socket, clock, or task: the service drives it, tests drive it in virtual time, and both
run the same code. Whatever it needs to know comes from one `Perspective` of one `Snapshot`.
"""

from collections.abc import Generator
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from categoriser.names import spell, to_text
from policy.decision import decide
from policy.types import Decision
from resolver.answers import nodata, nxdomain
from resolver.cache import FOREVER, RECHECK_SECONDS, UNANSWERED, Cache, CacheEntry, cache_key
from resolver.inspection import inspect
from resolver.sections import Pages, Sections
from resolver.snapshot import DEFAULT_ROUTE, Perspective, Snapshot
from resolver.special import CANARIES, RESERVED_ENDS, answer_any, answer_page, answer_special
from resolver.wire import codes, compose
from resolver.wire.query import Query

Status = Literal["special", "blocked", "rewritten", "hit", "asked", "stale", "failed"]
"""Where an answer came from."""


class Ask(Struct, frozen=True, gc=False):
    """Ask an upstream this question."""

    key: bytes
    """The question's cache key: identical questions in flight are asked once."""
    question: bytes
    """The question section, lower case."""
    dnssec_ok: bool
    checking_disabled: bool
    route: str
    patience_seconds: float
    """How long this query waits; the upstream is given its full time all the same (RFC 8767)."""


class Told(Struct, frozen=True, gc=False):
    """What came back: an entry of the cache, or None when no upstream answered in time."""

    entry: CacheEntry | None
    at: float


class Outcome(Struct, frozen=True, gc=False):
    """What goes to the client, why, and for how long."""

    sections: Sections
    status: Status
    decision: Decision | None
    """None only for special names, about which nothing is decided."""
    since: float
    """The instant at which the TTLs in `sections` were true."""
    good_until: float
    """Before this instant the same question from the same perspective has this outcome."""
    ceiling_until: float
    """No TTL may reach beyond this instant: the decision may be another one then."""
    errors: tuple[tuple[int, str], ...] = ()
    authentic: bool = False
    upstream: str = ""
    refresh: Ask | None = None
    """Ask this in the background: the answer given was stale, or soon will be."""


Resolution = Generator[Ask, Told, Outcome]

_REWRITABLE: Final = frozenset({codes.A, codes.AAAA, codes.HTTPS, codes.SVCB})


def resolve(
    query: Query, perspective: Perspective, snapshot: Snapshot, cache: Cache, at: float
) -> Resolution:
    """Answer one query. The order of the steps is the design; each gives its reason."""
    # Special names first: they are facts of the protocol, nobody's policy, and must not leak
    # upstream.
    route = snapshot.route(query.name) if snapshot.routes else None
    # The block page is found by its name whatever is decided, and by nobody else's answer.
    if query.name == snapshot.settings.page_name and query.qclass == codes.IN:
        page = answer_page(query, snapshot.settings.pages)
        return Outcome(page, "special", None, at, FOREVER, FOREVER)
    if query.qclass != codes.IN or query.qtype >= codes.IXFR or query.name.endswith(RESERVED_ENDS):
        special = answer_special(query, routed=route is not None)
        if special is not None:
            return Outcome(special, "special", None, at, FOREVER, FOREVER)

    # Decide above the cache: a change of policy acts at once, and nobody is served another's block.
    spelling = spell(query.name)
    matches = snapshot.index.find(spelling)
    canary = CANARIES.get(query.name)
    if canary is not None:
        matches += canary
    decision = decide(perspective.view, spelling, matches)
    if decision.action == "block" or decision.action == "warn":
        return block(query, decision, perspective, snapshot, at)

    # ANY below the decision: a blocked name has one rcode for every type.
    if query.qtype == codes.ANY:
        return Outcome(answer_any(), "special", decision, at, decision.valid_until, FOREVER)

    # Safe search before the cache: the engine's own address must never be handed out.
    host = perspective.rewrites.get(query.name)
    if host is not None and query.qtype in _REWRITABLE:
        return (yield from _rewrite(query, host, decision, perspective, snapshot, cache, at))

    # Cache, then upstream: everything in the cache is unfiltered.
    entry, status, ask = consult(cache, query, query.name, route, snapshot, at)
    if status == "asked" and ask is not None:
        told = yield ask
        at = told.at
        entry, status = conclude(entry, told.entry, at)
        ask = None
    if entry is None:
        return fail(decision, at)
    reply = entry.reply

    # Inspect below the cache: what is cached was fetched for somebody with another policy.
    if reply.targets or reply.suspect or snapshot.policy.denies_addresses:
        verdict = inspect(reply, decision, query, perspective, snapshot, route is not None)
        if verdict is not decision:
            decision = verdict
            if decision.action == "block" or decision.action == "warn":
                return block(query, decision, perspective, snapshot, at)

    sections = reply.sections
    authentic = bool(reply.flags & codes.AD) and (query.dnssec_ok or bool(query.flags & codes.AD))
    valid_until = decision.valid_until
    if status == "stale":
        ttl = snapshot.settings.stale_ttl_seconds  # RFC 8767 section 4: whatever it was before.
        sections = replace(sections, ttls=tuple([(offset, ttl) for offset, _ in sections.ttls]))
        ceiling = min(at + ttl, valid_until)
        code = (
            codes.EDE_STALE_NXDOMAIN if sections.rcode == codes.NXDOMAIN else codes.EDE_STALE_ANSWER
        )
        return Outcome(
            sections, status, decision, at, at, ceiling,
            ((code, ""),), authentic, entry.upstream,
        )  # fmt: skip
    good_until = (
        entry.expires_at if at >= entry.prefetch_at else min(entry.expires_at, entry.prefetch_at)
    )
    return Outcome(
        sections,
        status,
        decision,
        entry.stored_at,
        min(good_until, valid_until),
        valid_until,
        reply.errors,
        authentic,
        entry.upstream,
        ask,
    )


def block(
    query: Query, decision: Decision, perspective: Perspective, snapshot: Snapshot, at: float
) -> Outcome:
    """The block answer of the client's profile, with the reason as EDE (RFC 8914)."""
    settings = snapshot.settings
    ttl = settings.block_ttl_seconds
    good_until = decision.valid_until - ttl
    if good_until <= at:  # Near the decision's end: shorter, and never remembered past it.
        ttl = max(0, int(decision.valid_until - at))
        good_until = at
    # The owners of canaries define NXDOMAIN as the sign (need N10).
    build = nxdomain.build if query.name in CANARIES else perspective.build_answer
    code, text = explain_error(decision, snapshot)
    return Outcome(
        build(query, ttl, settings.pages), "blocked", decision, at, good_until, FOREVER,
        ((code, text),),
    )  # fmt: skip


def explain_error(decision: Decision, snapshot: Snapshot) -> tuple[int, str]:
    """The EDE of a block: 16 where it is imposed from outside, else 15, and the reason in words."""
    category = snapshot.taxonomy.get(decision.category or "")
    code = category.ede if category is not None and decision.reason != "rule" else codes.EDE_BLOCKED
    if decision.reason == "withdrawn":
        return code, "Access is withdrawn from this device"
    if decision.reason == "rebinding":
        return code, f"A public name must not lead to the private address {decision.rule}"
    title = "Denied by a rule" if category is None or decision.reason == "rule" else category.title
    because = f"{title}: {decision.rule}"
    if decision.sources:
        because += f" ({', '.join(decision.sources[:3])})"
    return code, because


def fail(decision: Decision | None, at: float) -> Outcome:
    """SERVFAIL: no upstream answered in time and nothing stale is left."""
    return Outcome(UNANSWERED.sections, "failed", decision, at, at, FOREVER, UNANSWERED.errors)


def consult(
    cache: Cache, query: Query, name: bytes, route: str | None, snapshot: Snapshot, at: float
) -> tuple[CacheEntry | None, Status, Ask | None]:
    """Look for `name` in the cache: (entry, status, question).

    `hit`: the entry will do. `asked`: put the question to an upstream; an entry beside it is stale
    and the last resort. `stale`: the entry will do because upstreams were silent a moment ago. With
    a hit that is worth a fetch in time, the question is to be asked in the background.
    """
    checking_disabled = bool(query.flags & codes.CD)
    type_and_class = query.question[-4:]
    key = cache_key(name, type_and_class[:2], query.dnssec_ok, checking_disabled)
    entry = cache.get(key, at)
    if entry is not None:
        if at < entry.prefetch_at and at < entry.expires_at:
            return entry, "hit", None
        if at < entry.expires_at and (entry.refreshing or entry.hits < cache.prefetch_hits_min):
            return entry, "hit", None
    ask = Ask(
        key,
        name + type_and_class,
        query.dnssec_ok,
        checking_disabled,
        DEFAULT_ROUTE if route is None else route,
        FOREVER if entry is None else snapshot.settings.stale_wait_seconds,
    )
    if entry is None:
        return None, "asked", ask
    if at < entry.expires_at:
        entry.refreshing = True
        return entry, "hit", ask
    return entry, "stale" if at < entry.recheck_at else "asked", ask


def conclude(
    stale: CacheEntry | None, told: CacheEntry | None, at: float
) -> tuple[CacheEntry | None, Status]:
    """What to make of an upstream's answer, or of its silence (RFC 8767 section 4)."""
    if told is not None and told.reply.sections.rcode in _ANSWERED:
        return told, "asked"
    if stale is not None:
        stale.recheck_at = at + RECHECK_SECONDS
        return stale, "stale"
    return told, "failed"


_ANSWERED: Final = frozenset({codes.NOERROR, codes.NXDOMAIN})


def _rewrite(
    query: Query,
    host: bytes,
    decision: Decision,
    perspective: Perspective,
    snapshot: Snapshot,
    cache: Cache,
    at: float,
) -> Resolution:
    """The engine's strict host as an alias, with that host's own addresses (need N11)."""
    if query.qtype not in (codes.A, codes.AAAA):
        # An HTTPS record would carry hints to the engine's unrestricted addresses.
        empty = nodata.build(query, snapshot.settings.block_ttl_seconds, Pages())
        return Outcome(empty, "rewritten", decision, at, decision.valid_until, FOREVER)
    entry, status, ask = consult(cache, query, host, None, snapshot, at)
    if status == "asked" and ask is not None:
        told = yield ask
        at = told.at
        entry, status = conclude(entry, told.entry, at)
        ask = None
    if entry is None or entry.reply.sections.rcode != codes.NOERROR:
        return fail(decision, at)  # Never the engine's ordinary addresses instead.
    decision = inspect(entry.reply, decision, query, perspective, snapshot, False)
    if decision.action == "block" or decision.action == "warn":
        return fail(decision, at)
    width = 4 if query.qtype == codes.A else 16
    addresses = [packed for packed in entry.reply.addresses if len(packed) == width]
    stale = status == "stale"
    ttl = min((seconds for _, seconds in entry.reply.sections.ttls), default=0)
    if stale:
        ttl = snapshot.settings.stale_ttl_seconds
    body = compose.record(compose.QNAME, codes.CNAME, ttl, host)
    at_host = 12 + len(query.question) + 12  # Behind the question and the CNAME's fixed part.
    owner = bytes((0xC0 | at_host >> 8, at_host & 0xFF))
    ttls = [(at_host - 6, ttl)]
    for packed in addresses:
        ttls.append((12 + len(query.question) + len(body) + 6, ttl))
        body += compose.record(owner, query.qtype, ttl, packed)
    errors = ((codes.EDE_FORGED_ANSWER, f"Safe search: {to_text(host)}"),)
    return Outcome(
        Sections(codes.NOERROR, 1 + len(addresses), 0, body, tuple(ttls)),
        "stale" if stale else "rewritten",
        decision,
        at if stale else entry.stored_at,
        at if stale else min(entry.expires_at, decision.valid_until),
        min(at + snapshot.settings.stale_ttl_seconds, decision.valid_until)
        if stale
        else decision.valid_until,
        errors,
        False,
        entry.upstream,
        None if stale else ask,  # As above: not again before the recheck.
    )
