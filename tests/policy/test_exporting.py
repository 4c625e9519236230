"""A document that is written reads back to the same."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.document import default_text, read
from policy.entries import plain
from policy.exporting import to_toml

from .college import COLLEGE, HERE, TAXONOMY
from .store.college import RAW, built, meaning

ROOT = Path(__file__).parents[2]
DOCUMENTS = {
    "default": default_text(),
    "college": COLLEGE,
    "plain": (HERE / "plain.toml").read_text(encoding="utf-8"),
    "example": (ROOT / "docs/examples/policy.toml").read_text(encoding="utf-8"),
}

# Text may be a date where TOML would read one: not the same document, though the same policy.
keys = st.text(max_size=8).filter(lambda key: key not in ("from", "to", "until", "review"))
zones = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
scalars = (
    st.text()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.dates(date(1, 1, 1))
    | st.times(time(0))
    | st.datetimes(timezones=zones)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(keys | st.sampled_from(["actions", "rules", "venues"]), values, max_size=5))
def test_any_document_reads_back(raw: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(raw)) == raw


whens = st.dates().map(date.isoformat) | st.datetimes(timezones=zones).map(datetime.isoformat)
texts = whens | st.from_regex(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|\+\d\d:\d\d)?)?") | st.text()


@given(st.dictionaries(st.sampled_from(["from", "to", "until", "review", "expires"]), texts))
def test_text_that_is_a_date_reads_back_as_that_date(raw: dict[str, str]) -> None:
    back = tomllib.loads(to_toml(raw))
    assert back.keys() == raw.keys()
    for key, text in raw.items():
        found = back[key]
        if isinstance(found, str):
            assert found == text
        elif isinstance(found, datetime):
            assert found == datetime.fromisoformat(text)
        else:
            assert found == date.fromisoformat(text)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_policy_reads_back_as_the_same_policy(name: str) -> None:
    raw = tomllib.loads(DOCUMENTS[name])
    for written in (raw, plain(raw)):
        text = to_toml(written)
        assert meaning(read(text, TAXONOMY)) == meaning(built(raw))
        assert to_toml(tomllib.loads(text)) == text


def test_it_is_written_as_people_write_it() -> None:
    text = to_toml(plain(RAW))
    assert text.startswith('[organisation]\nname = "Northshire Skills"\n')
    for line in (
        "review = 2027-09-01",
        "expires = 2027-09-01T12:00:00+01:00",
        "from = 2027-02-09T09:30:00",
        'from = "12:00"',
        'actions = { shopping = "warn" }',
        "[venues.crewe.rooms.it-suite]",
        "[[profiles.learners.periods]]",
        'text = "Ask \\"Jo\\".\\nShe helps."',
    ):
        assert f"\n{line}\n" in text, line
    assert "[venues]" not in text
    assert meaning(read(text, TAXONOMY)) == meaning(built(RAW))
