"""Patterns that people write into rules, exceptions, bundles and essentials.

Stricter than the patterns of our own lists: a pattern here acts at once and for many, so it is
neither a guess (a keyword) nor a piece of the internet's root (a public suffix). Reading only.
"""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList

from categoriser.names import from_text
from categoriser.patterns import Pattern, PatternFault
from policy.reading import Faults, show


def read_pattern(faults: Faults, path: str, text: str, *, wildcards: bool) -> Pattern | None:
    """One pattern; None, with a fault noted, if it is none. `wildcards`: whether `*.bet` may be."""
    if not text:
        return None
    try:
        pattern = Pattern.parse(text)
    except PatternFault as fault:
        faults.lines.append(f"{faults.where}: {path}: {fault}")
        return None
    if pattern.kind == "keyword":
        allowed = "allowed: example.com or =example.com; keywords only suggest"
        faults.add(path, f"{show(text)} is a keyword", allowed)
        return None
    if pattern.kind == "wildcard":
        if not wildcards:
            allowed = "allowed: one site, such as example.com or =example.com"
            faults.add(path, f"{show(text)} is a wildcard", allowed)
    elif pattern.kind == "domain":
        # The exact name (=gov.uk) does no harm: it reaches nothing below it.
        name = pattern.text
        if is_public_suffix(name):
            kind = "public suffix" if "." in name else "single label"
            allowed = f"allowed: a name below it such as example.{name}, or ={name} for it alone"
            if wildcards:
                allowed += f", or *.{name} if you mean everything below it"
            faults.add(path, f"{show(text)} is a {kind}", allowed)
    return pattern


def octets_of(pattern: Pattern) -> int:
    """Length in wire form of what a pattern fixes of a name."""
    return len(from_text(fixed_part(pattern.text)))


def fixed_part(pattern: str) -> str:
    """What a pattern fixes of a name, without `=` and stars."""
    return pattern.removeprefix("=").removeprefix("*.").removesuffix(".*")


def is_public_suffix(name: str) -> bool:
    """Whether the public may register names directly below this one; so is every single label."""
    return "." not in name or _public_suffixes().is_public(name)


@cache
def _public_suffixes() -> PublicSuffixList:
    """Only suffixes of registries: a hosting company's (github.io) are a fair thing to deny."""
    return PublicSuffixList(only_icann=True)
