"""Bundles: a platform with the supporting hosts it cannot do without.

Who opens facebook.com and not fbcdn.net has opened a page without pictures. The bundles of the main
platforms and learning tools are in `bundles.toml` beside this module; a document may bring its own,
which take the place of a shipped one of the same name. Reading only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from policy.patterns import read_pattern
from policy.reading import Faults, Table
from policy.types import Bundle


@cache
def shipped_bundles() -> Mapping[str, Bundle]:
    """The bundles that come with the code."""
    text = resources.files("policy").joinpath("bundles.toml").read_text(encoding="utf-8")
    faults = Faults("bundles.toml")
    found = _read(Table({"bundles": tomllib.loads(text)}, "", faults), shipped=True)
    if faults.lines:  # a fault in our own file: a test holds that there is none
        raise ValueError("\n".join(faults.lines))
    return found


def read_bundles(document: Table) -> dict[str, Bundle]:
    """The shipped bundles, with those of the document laid over them."""
    return {**shipped_bundles(), **_read(document, shipped=False)}


def _read(document: Table, *, shipped: bool) -> dict[str, Bundle]:
    bundles: dict[str, Bundle] = {}
    for id, table in document.named_tables("bundles"):
        sites = [
            pattern
            for path, text in table.texts("sites")
            if (pattern := read_pattern(table.faults, path, text, wildcards=False)) is not None
        ]
        if not table.raw.get("sites"):
            table.faults.add(table.at("sites"), "there are none", "at least one is required")
        bundles[id] = Bundle(id, table.text("title", id), tuple(sites), shipped)
        table.finish()
    return bundles
