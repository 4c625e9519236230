"""Kinds of block answer, one module each; the file name is the word used in `policy.toml`.

A kind offers `build(query, ttl, pages) -> Sections`. Whatever the kind, a name has the same rcode
for every qtype (RFC 8020: an NXDOMAIN denies the name, not a type), so no stub caches a
contradiction. To add a kind, add a file here.
"""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from resolver.sections import Pages, Sections
from resolver.wire.query import Query

Build = Callable[[Query, int, Pages], Sections]
"""Makes the sections of a block answer; the TTL is in seconds."""

KINDS: Final[tuple[str, ...]] = tuple(sorted(module.name for module in iter_modules(__path__)))
"""Words that a profile's `answer` may be."""


class UnknownKind(ValueError):
    """No file in this folder has that name."""


def choose(word: str) -> Build:
    """The kind of that name, or `UnknownKind` with the list of this folder."""
    if word not in KINDS:
        raise UnknownKind(
            f"answer: {word!r} is not a kind of answer; use one of {', '.join(KINDS)}"
        )
    build: Build = import_module(f"{__name__}.{word}").build
    return build
