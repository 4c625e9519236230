"""Deny rules about addresses: an answer that points into a denied network is not passed on.

Names change faster than the machines behind them, so an administrator may deny a network.  Asked
for every address of an upstream answer; costs one truth test when there is no such rule.
Which addresses are private, and rebinding, are not this module's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policy.networks import NetworkTable
from policy.types import Network, Rule


class AddressRules:
    """The deny rules of one policy that name a network."""

    __slots__ = ("_table",)

    def __init__(self, rules: Iterable[Rule]) -> None:
        filed: dict[Network, list[Rule]] = {}
        for rule in rules:
            if rule.network is not None:
                filed.setdefault(rule.network, []).append(rule)
        self._table = NetworkTable(filed.items()) if filed else None

    def find(self, packed: bytes, scopes: Mapping[str, int], at: float) -> Rule | None:
        """The rule that denies this address (4 or 16 octets) to a client in these scopes, or None.

        Of several the one of the most specific scope, then of the longest network.
        """
        if self._table is None:
            return None
        best: Rule | None = None
        best_scope = -1
        for rules in self._table.find_all(packed):
            for rule in rules:
                scope = scopes.get(rule.scope, -1)
                if scope > best_scope and rule.expires > at:
                    best, best_scope = rule, scope
        return best
