"""The audit chain: whole, or broken on purpose in every way there is, and caught."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.audit import FIRST_PREVIOUS, NOTES_MAX, AuditEntry, Chain, canonical, verify


def chain(length: int = 6, **first: Any) -> list[AuditEntry]:
    """A sound chain."""
    entries: list[AuditEntry] = []
    previous = FIRST_PREVIOUS
    for number in range(1, length + 1):
        entry = AuditEntry(
            number=number,
            at=1_000_000.25 + number,
            actor="pat",
            via="cli",
            action="venue.change",
            subject="venue:crewe",
            before='{"title":"Crewe"}',
            after=None,
            reason="",
            outcome="done",
            previous=previous,
        )
        entry = replace(entry, **first).sealed() if number == 1 else entry.sealed()
        entries.append(entry)
        previous = entry.digest
    return entries


def test_a_sound_chain_is_whole() -> None:
    entries = chain()
    verdict = verify(entries)
    assert verdict.broken is None
    assert (verdict.entries, verdict.notes) == (6, ())
    assert verdict.last_digest == entries[-1].digest


def test_an_empty_chain_is_whole() -> None:
    assert verify([]).broken is None
    assert verify([]).last_digest == FIRST_PREVIOUS


@pytest.mark.parametrize(
    "altered",
    [
        {"at": 5.0},
        {"actor": "sam"},
        {"via": "api"},
        {"action": "venue.remove"},
        {"subject": "venue:chester"},
        {"before": None},
        {"before": '{"title": "Crewe"}'},
        {"after": "{}"},
        {"reason": "because"},
        {"outcome": "refused"},
    ],
    ids=str,
)
def test_whatever_is_altered_is_caught(altered: dict[str, Any]) -> None:
    entries = chain()
    entries[3] = replace(entries[3], **altered)
    broken = verify(entries).broken
    assert broken is not None
    assert broken.number == 4
    assert "altered" in broken.why


def test_an_entry_sealed_anew_is_caught_at_the_next() -> None:
    entries = chain()
    entries[3] = replace(entries[3], actor="sam").sealed()
    broken = verify(entries).broken
    assert broken is not None
    assert broken.number == 5
    assert "replaced" in broken.why


def test_a_missing_entry_is_caught() -> None:
    entries = chain()
    del entries[3]
    broken = verify(entries).broken
    assert broken is not None
    assert broken.number == 5
    assert "it follows entry 3" in broken.why


def test_a_missing_beginning_is_caught() -> None:
    broken = verify(chain()[1:]).broken
    assert broken is not None
    assert broken.number == 2


def test_a_doubled_entry_is_caught() -> None:
    entries = chain()
    entries.insert(2, entries[1])
    broken = verify(entries).broken
    assert broken is not None
    assert broken.number == 2


def test_a_cut_off_end_is_caught_by_who_noted_a_digest() -> None:
    entries = chain()
    noted = entries[-1].digest
    assert verify(entries, noted).broken is None
    assert verify(entries[:4]).broken is None
    broken = verify(entries[:4], noted).broken
    assert broken is not None
    assert broken.number == 5
    assert "noted earlier" in broken.why


def test_a_rewritten_history_is_caught_by_who_noted_a_digest() -> None:
    noted = chain()[2].digest
    broken = verify(chain(actor="sam"), noted).broken
    assert broken is not None


def test_only_the_first_break_is_told() -> None:
    entries = chain()
    entries[1] = replace(entries[1], actor="sam")
    entries[4] = replace(entries[4], actor="sam")
    verdict = verify(entries)
    assert verdict.broken is not None
    assert verdict.broken.number == 2
    assert verdict.entries == 6


def test_a_clock_put_back_is_a_note() -> None:
    verdict = verify(chain(at=2_000_000.0))
    assert verdict.broken is None
    assert verdict.notes == (
        "entry 2 is dated 1970-01-12T13:46:42Z, before the entry ahead of it "
        "(1970-01-24T03:33:20Z): the clock was put back",
    )


def test_notes_are_bounded() -> None:
    looking = Chain()
    previous = FIRST_PREVIOUS
    for number in range(1, NOTES_MAX + 5):
        entry = replace(chain(1)[0], number=number, at=-float(number), previous=previous).sealed()
        previous = entry.digest
        looking.add(entry)
    verdict = looking.verdict()
    assert len(verdict.notes) == NOTES_MAX
    assert verdict.notes_left_out == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(JSON)
def test_canonical_text_does_not_depend_on_order(value: Any) -> None:
    assert canonical(value) == canonical(_reversed(value))
    assert canonical(value).isascii()


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(inner) for key, inner in reversed(value.items())}
    return [_reversed(inner) for inner in value] if isinstance(value, list) else value
