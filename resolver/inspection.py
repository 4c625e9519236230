"""Look at what an upstream answered before it goes to a client.

A name nobody listed may be an alias of a listed one (CNAME cloaking), point into a denied network,
or into the venue's own (rebinding). Asked again for every answer out of the cache, because the
cache holds unfiltered data. Pure.
"""

from dataclasses import replace
from ipaddress import ip_address

from categoriser.names import spell
from policy.decision import decide, denied_by_address
from policy.types import ACTIONS, Decision
from resolver.snapshot import Perspective, Snapshot
from resolver.wire.query import Query
from resolver.wire.reply import Reply


def inspect(
    reply: Reply,
    decision: Decision,
    query: Query,
    perspective: Perspective,
    snapshot: Snapshot,
    routed: bool,
) -> Decision:
    """The decision after the answer is known: the one given, or a stricter one."""
    for target in reply.targets:
        if target == query.name:
            continue
        spelling = spell(target)
        matches = snapshot.index.find(spelling)
        if not matches and perspective.view.find_rules is None:
            continue
        found = decide(perspective.view, spelling, matches)
        # Whoever opened the name meant what stands behind it too; only a lock outranks a person.
        opened = decision.reason in ("rule", "exception", "essential")
        if found.reason != "locked" and (opened or found.reason == "withdrawn"):
            continue
        # Whoever passed a warning meant what stands behind the name too, as far as that only warns.
        if decision.reason == "pass" and found.action == "warn":
            continue
        if ACTIONS.index(found.action) > ACTIONS.index(decision.action):
            until, decision = decision.valid_until, found
        else:
            until = found.valid_until
        if until < decision.valid_until:  # Whichever ends first ends this answer.
            decision = replace(decision, valid_until=until)
    if not reply.addresses or decision.reason == "rule":
        return decision
    for packed in reply.addresses:
        rule = snapshot.policy.denied_address(packed, perspective.view)
        if rule is not None:
            return denied_by_address(perspective.view, rule)
    rebinding = snapshot.settings.rebinding
    if rebinding.enabled and not routed:
        packed_or_none = rebinding.find(reply.addresses, query.name)
        if packed_or_none is not None:
            return Decision("block", "rebinding", rule=str(ip_address(packed_or_none)))
    return decision
