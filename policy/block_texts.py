"""What an organisation says on block pages: its text and its help links, by category. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from categoriser.taxonomy import Help, Taxonomy
from policy.entries import ORGANISATION
from policy.reading import Table, show

HELP_LINKS_MAX: Final = 6
"""Of one category. Whoever needs help reads three."""
HELP_TITLE_CHARACTERS_MAX: Final = 120
HELP_ADDRESS_CHARACTERS_MAX: Final = 500

_TELEPHONE: Final = re.compile(r"tel:\+?[0-9](-?[0-9]){2,14}")
"""RFC 3966, without parameters."""
_HOST: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def read_block_texts(
    table: Table, taxonomy: Taxonomy
) -> tuple[dict[str, str], dict[str, tuple[Help, ...]]]:
    """Texts and help links, by category or `organisation`."""
    texts: dict[str, str] = {}
    links: dict[str, tuple[Help, ...]] = {}
    for key in table.raw:
        if key != ORGANISATION and key not in taxonomy:
            table.faults.unknown(table.at(key), key, "category", [ORGANISATION, *taxonomy])
            continue
        inner = table.table(key)
        if not inner.has("text") and not inner.has("help"):
            allowed = "allowed: a text, help links, or both"
            table.faults.add(inner.at("text"), "nothing is given", allowed)
        if inner.has("text"):
            texts[key] = inner.text("text")
        found = _links(inner)
        if found:
            links[key] = found
        inner.finish()
    return texts, links


def of_category(
    parts: Mapping[str, tuple[Help, ...]], category: str | None, taxonomy: Taxonomy
) -> tuple[Help, ...]:
    """The organisation's links for a category: its own, of those above it, of every page."""
    return tuple(link for key in keys_of(category, taxonomy) for link in parts.get(key, ()))


def keys_of(category: str | None, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Where words for a category may stand, the most particular first."""
    if category is None or category not in taxonomy:
        return (ORGANISATION,)
    return (category, *taxonomy.ancestors(category), ORGANISATION)


def _links(inner: Table) -> tuple[Help, ...]:
    links: list[Help] = []
    for number, entry in inner.tables("help"):
        title, url = entry.text("title"), entry.text("url")
        if len(title) > HELP_TITLE_CHARACTERS_MAX:
            given = f"{len(title)} characters"
            allowed = f"allowed: up to {HELP_TITLE_CHARACTERS_MAX}"
            entry.faults.add(entry.at("title"), given, allowed)
        if not title.isprintable():
            entry.faults.add(entry.at("title"), "it holds control characters", "allowed: one line")
        if url and not _is_address(url):
            allowed = "allowed: https://host or tel:+441234567890"
            entry.faults.add(entry.at("url"), f"{show(url)} is no address of help", allowed)
        entry.finish()
        links.append(Help(title, url))
        if number >= HELP_LINKS_MAX:
            given = "there are more"
            inner.faults.add(inner.at("help"), given, f"allowed: up to {HELP_LINKS_MAX} links")
            break
    return tuple(links)


def _is_address(text: str) -> bool:
    """Whether a page may lead there: HTTPS with the name of a host, or a telephone number."""
    if _TELEPHONE.fullmatch(text):
        return True
    if len(text) > HELP_ADDRESS_CHARACTERS_MAX or not text.startswith("https://"):
        return False
    if not text.isprintable() or any(one in ' "<>\\^`{|}' for one in text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = parts.netloc if port is None else parts.netloc.removesuffix(f":{port}")
    # No user name before the host: it would hide where the link leads.
    return _HOST.fullmatch(host) is not None
