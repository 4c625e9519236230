"""Safe search: which names are rewritten to which host, and that no rewriting can go round in a
circle."""

from __future__ import annotations

import pytest

from categoriser.names import from_text, to_text
from resolver.safesearch import SEARCH, YOUTUBE, rewrites


def strict_host(name: str, *, safe_search: bool = True, youtube: str = "off") -> str | None:
    host = rewrites(safe_search, youtube).get(from_text(name))
    return None if host is None else to_text(host)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("www.google.com", "forcesafesearch.google.com"),
        ("www.google.co.uk", "forcesafesearch.google.com"),
        ("WWW.Google.DE", "forcesafesearch.google.com"),
        ("www.bing.com", "strict.bing.com"),
        ("duckduckgo.com", "safe.duckduckgo.com"),
        ("www.ecosia.org", "strict-safe-search.ecosia.org"),
        ("pixabay.com", "safesearch.pixabay.com"),
        ("search.brave.com", "forcesafe.search.brave.com"),
        ("yandex.ru", "familysearch.yandex.ru"),
        ("mail.google.com", None),
        ("google.com", None),  # redirects to www, and has mail and other records of its own
        ("maps.bing.com", None),
    ],
)
def test_engines(name: str, host: str | None) -> None:
    assert strict_host(name) == host
    assert strict_host(name, safe_search=False) is None


@pytest.mark.parametrize(
    ("word", "host"),
    [
        ("off", None),
        ("moderate", "restrictmoderate.youtube.com"),
        ("strict", "restrict.youtube.com"),
    ],
)
def test_youtube_has_a_word_of_its_own(word: str, host: str | None) -> None:
    for name in ("www.youtube.com", "m.youtube.com", "youtubei.googleapis.com"):
        for safe_search in (False, True):
            assert strict_host(name, safe_search=safe_search, youtube=word) == host
    assert strict_host("i.ytimg.com", youtube=word) is None


def test_no_host_is_rewritten_itself() -> None:
    hosts = {*SEARCH.values(), *YOUTUBE["moderate"].values(), *YOUTUBE["strict"].values()}
    for word in YOUTUBE:
        assert hosts.isdisjoint(rewrites(True, word))
