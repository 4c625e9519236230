"""All rules of a policy, ready to be searched: by name, by address, and for the next that ends.

Made apart from the rest of a policy, because a college may have 50,000 rules, and an exception for
one room must not have them all filed again.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Iterable

from policy.addresses import AddressRules
from policy.named import NamedTable
from policy.types import Rule


class RuleBook:
    """Immutable."""

    __slots__ = (
        "__weakref__",
        "_expiries",
        "_named",
        "addresses",
        "denies_addresses",
        "find",
        "rules",
    )

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self.addresses = AddressRules(self.rules)
        self.denies_addresses = any(rule.network is not None for rule in self.rules)
        """Whether any rule is about addresses: most policies have none."""
        named = [(rule.pattern, rule) for rule in self.rules if rule.pattern is not None]
        self._named = NamedTable(named) if named else None
        self.find = None if self._named is None else self._named.find
        """Rules in any scope for a `Spelling`; None when none is about names."""
        self._expiries: dict[str, list[float]] = {}
        for rule in self.rules:
            if rule.expires < math.inf:
                self._expiries.setdefault(rule.scope, []).append(rule.expires)
        for expiries in self._expiries.values():
            expiries.sort()

    def parts(self) -> list[list[object]]:
        """What there are tens of thousands of, as lists. Who holds them when nobody uses the rules
        any more can let go of them bit by bit: at once it takes 35 ms for 50,000.
        """
        return [*([] if self._named is None else self._named.parts()), list(self.rules)]

    def next_expiry(self, scopes: Collection[str], at: float) -> float:
        """When the next rule of these scopes ends after `at`; `math.inf` for never."""
        found = math.inf
        for scope in scopes:
            expiries = self._expiries.get(scope)
            if expiries is not None and expiries[-1] > at:
                found = min(found, expiries[bisect_right(expiries, at)])
        return found
