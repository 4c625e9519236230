"""Help links of an organisation's own: what may be one, and whose a category shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from categoriser import taxonomy
from categoriser.taxonomy import Help
from policy.block_texts import HELP_LINKS_MAX, of_category, read_block_texts
from policy.exporting import to_toml
from policy.reading import Faults, Table

TAXONOMY = taxonomy.load()


def faults_of(help: Any) -> str:
    faults = Faults("here")
    read_block_texts(Table({"gambling": {"help": help}}, "pages", faults), TAXONOMY)
    return "\n".join(faults.lines)


@pytest.mark.parametrize(
    "url",
    [
        "https://cab.example",
        "https://cab.example:8443/path?a=b&c=d#e",
        "https://xn--bcher-kva.example/",
        "tel:116123",
        "tel:+44-1270-000000",
    ],
)
def test_addresses_that_help(url: str) -> None:
    assert faults_of([{"title": "x", "url": url}]) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://cab.example",
        "HTTPS://cab.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "//cab.example",
        "https://",
        "https://localhost",
        "https://safe.example@evil.example/",
        "https://evil.example\\@safe.example/",
        "https://cab.example:99999/",
        "https://cab.example/a b",
        "https://cab.example/\u202egpj",
        'https://cab.example/"onclick="x',
        "https://[::1",
        "tel:",
        "tel:1;ext=2",
        "tel:" + "1" * 99,
        "https://cab.example/" + "a" * 500,
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    told = faults_of([{"title": "x", "url": url}])
    assert told.startswith("here: pages.gambling.help[0].url: ")
    assert told.endswith("allowed: https://host or tel:+441234567890")


@pytest.mark.parametrize(
    ("help", "told"),
    [
        ([{"title": "", "url": "tel:123"}], 'help[0].title: "" is not text'),
        ([{"title": "x" * 121, "url": "tel:123"}], "help[0].title: 121 characters"),
        ([{"title": "a\u202eb", "url": "tel:123"}], "help[0].title: it holds control"),
        ([{"title": "x"}], "help[0].url: nothing is given"),
        ([{"title": "x", "url": "tel:123", "more": 1}], "help[0].more"),
        (["x"], "help[0]: "),
        ("x", "help: "),
        ([{"title": "x", "url": "tel:123"}] * (HELP_LINKS_MAX + 1), "help: there are more"),
        ([], ""),
    ],
)
def test_links_that_are_none(help: Any, told: str) -> None:
    assert told in faults_of(help)
    assert bool(told) == bool(faults_of(help))


def test_whose_links_a_category_shows() -> None:
    raw = {
        id: {"help": [{"title": id, "url": "tel:123"}]}
        for id in ("extremism-right-wing", "extremism", "gambling", "organisation")
    }
    faults = Faults("here")
    _, links = read_block_texts(Table(raw, "pages", faults), TAXONOMY)
    assert not faults.lines

    def shown(category: str | None) -> list[str]:
        return [link.title for link in of_category(links, category, TAXONOMY)]

    assert shown("extremism-right-wing") == ["extremism-right-wing", "extremism", "organisation"]
    assert shown("games") == shown(None) == shown("unheard-of") == ["organisation"]


def test_links_are_exported_and_read_back() -> None:
    import tomllib

    body = {"text": "x", "help": [{"title": 'A "b"', "url": "tel:123"}]}
    raw = json.loads(json.dumps({"pages": {"gambling": body}}))
    written = tomllib.loads(to_toml(raw))
    _, links = read_block_texts(Table(written["pages"], "pages", Faults("here")), TAXONOMY)
    assert links == {"gambling": (Help('A "b"', "tel:123"),)}
