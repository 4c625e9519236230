"""docs/lists.md says what the code does, and what it says can be relied on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from blocklists import formats, sources
from blocklists.choices import read_choices
from lychgate import listing_document
from lychgate.listing_document import answers, fill

DOCUMENT = Path(__file__).parents[2] / "docs" / "lists.md"
CATALOGUE = sources.load()


def text() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


def test_the_written_parts_are_not_stale() -> None:
    assert text() == fill(text(), CATALOGUE), "run `make docs`"


def test_every_part_is_there_once() -> None:
    assert sorted(re.findall(r"<!-- written: (\w+) -->", text())) == sorted(listing_document.PARTS)


def test_every_list_is_there_with_its_licence_and_attribution() -> None:
    written = text()
    for source in CATALOGUE.values():
        rows = [line for line in written.splitlines() if line.startswith(f"| `{source.id}`")]
        assert len(rows) == 2, source.id
        assert source.licence in rows[0] and (source.url or "you say") in rows[1]
        for name in source.drop:
            assert name in rows[1]
        assert source.attribution in written
        assert source.good in written and source.bad in written
    for publisher in CATALOGUE.publishers.values():
        assert publisher.licence in written and publisher.left_out in written


def test_every_format_is_there() -> None:
    for word in formats.names():
        assert f"\n### `{word}`\n" in text()


def test_the_example_of_choices_is_accepted(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", text(), re.S)
    assert example is not None
    path = tmp_path / "lists.toml"
    path.write_text(example[1], encoding="utf-8")
    assert tomllib.loads(example[1])["enabled"] == ["ut1:gambling", "local:own"]
    assert len(read_choices(path, CATALOGUE).enabled) == 2


def test_lists_to_begin_with_exist_and_may_block() -> None:
    advice = re.search(r"\*\*Which to begin with\.\*\*(.*?)\n\n", text(), re.S)
    assert advice is not None
    named = re.findall(r"`([a-z0-9-]+:[a-z0-9._-]+)`", advice[1])
    assert len(named) > 5
    for word in named:
        assert CATALOGUE[word].trust == "block" and not CATALOGUE[word].template


@pytest.mark.parametrize(
    ("word", "line", "said"),
    [
        ("plain", "com", "quarantine (`com`: single label"),
        ("plain", "gob.mx", "quarantine (`gob.mx`: public suffix"),
        ("plain", "# nothing here", "nothing"),
        ("plain", "10.0.0.1", "no entry (an address, not a name)"),
        ("hosts", "0.0.0.0 a.example b.example", "`a.example` and all below it; `b.example` and"),
        ("adblock", "@@||example.com^", "exception: `example.com` and all below it"),
    ],
)
def test_answers_are_what_the_reader_says(word: str, line: str, said: str) -> None:
    assert answers(word, [line])[0].startswith(said)


def test_an_unknown_mark_is_a_fault() -> None:
    with pytest.raises(KeyError):
        fill("<!-- written: weather -->\n<!-- end -->\n", CATALOGUE)
