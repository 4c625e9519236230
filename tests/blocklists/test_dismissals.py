"""Dismissed suggestions: who, when, why; and that nothing is forgotten by accident."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blocklists import dismissals as module
from blocklists.dismissals import (
    FILE,
    Dismissal,
    DismissalFault,
    covering,
    dismiss,
    read_dismissals,
    undismiss,
)
from blocklists.journal import Journal
from blocklists.writing import locked

AT = 1_795_255_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "suggestions"


def test_who_when_and_why_are_kept(folder: Path) -> None:
    assert read_dismissals(folder) == {}
    assert dismiss(folder, "Casino-Café.com.", by="Ana", reason="a café", at=AT) == (
        "xn--casino-caf-k7a.com"
    )
    assert read_dismissals(folder) == {"xn--casino-caf-k7a.com": Dismissal("Ana", AT, "a café")}
    dismiss(folder, "slot.example.com", by=" Ben ", reason=" time slots ", at=AT + 1)
    assert read_dismissals(folder)["slot.example.com"] == Dismissal("Ben", AT + 1, "time slots")
    assert len(read_dismissals(folder)) == 2


def test_it_is_taken_back_by_name_and_both_are_in_the_journal(folder: Path) -> None:
    dismiss(folder, "x.com", by="Ana", reason="harmless", at=AT)
    assert undismiss(folder, "X.com", by="Ben", at=AT + 5, reason="not so") == "x.com"
    assert read_dismissals(folder) == {}
    told = [(one.by, one.action, one.source, one.reason) for one in Journal(folder).read()]
    assert told == [
        ("Ana", "dismiss", "x.com", "harmless"),
        ("Ben", "undismiss", "x.com", "not so"),
    ]


def test_a_dismissed_name_covers_what_is_below() -> None:
    names = {"x.com": None, "deep.y.co.uk": None}
    assert covering(names, "x.com") == covering(names, "www.x.com") == "x.com"
    assert covering(names, "a.deep.y.co.uk") == "deep.y.co.uk"
    for other in ("notx.com", "y.co.uk", "com", "x.com.example"):
        assert covering(names, other) is None


@pytest.mark.parametrize(
    ("name", "by", "reason", "faults"),
    [
        ("x.com", "", "why", ["by"]),
        ("x.com", "Ana", "  ", ["reason"]),
        ("x com", " ", "", ["x com", "by", "reason"]),
        ("x.com", "A" * 501, "R" * 501, ["by", "reason"]),
        ("com", "Ana", "why", ["com: single label"]),
        ("co.uk", "Ana", "why", ["co.uk: public suffix"]),
        ("blogspot.com", "Ana", "why", ["blogspot.com: private suffix"]),
    ],
)
def test_what_may_not_be_dismissed(
    folder: Path, name: str, by: str, reason: str, faults: list[str]
) -> None:
    with pytest.raises(DismissalFault) as caught:
        dismiss(folder, name, by=by, reason=reason, at=AT)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(faults)
    for line, fault in zip(lines, faults, strict=True):
        assert fault in line
    assert not (folder / FILE).exists()


def test_only_what_is_dismissed_can_be_taken_back(folder: Path) -> None:
    dismiss(folder, "x.com", by="Ana", reason="harmless", at=AT)
    with pytest.raises(DismissalFault, match="not dismissed"):
        undismiss(folder, "y.com", by="Ana", reason="x", at=AT)
    with pytest.raises(DismissalFault, match=r"dismissed is x\.com"):
        undismiss(folder, "www.x.com", by="Ana", reason="x", at=AT)
    assert len(Journal(folder).read()) == 1


def test_names_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DISMISSALS_MAX", 1)
    dismiss(folder, "x.com", by="Ana", reason="one", at=AT)
    with pytest.raises(DismissalFault, match="allowed"):
        dismiss(folder, "y.com", by="Ana", reason="two", at=AT)
    dismiss(folder, "x.com", by="Ben", reason="again", at=AT)
    assert read_dismissals(folder) == {"x.com": Dismissal("Ben", AT, "again")}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 2, "names": {}}', '{"version": 1, "names": {"x.com": {}}}',
     '{"version": 1, "names": {"a b": {"by": "A", "at": 1, "reason": "x"}}}'],
)  # fmt: skip
def test_a_damaged_file_is_never_overwritten(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / FILE).write_text(text)
    for act in (
        lambda: read_dismissals(folder),
        lambda: dismiss(folder, "x.com", by="Ana", reason="why", at=AT),
    ):
        with pytest.raises(DismissalFault, match=FILE):
            act()
    assert (folder / FILE).read_text() == text


def test_one_at_a_time_and_whole(folder: Path) -> None:
    dismiss(folder, "x.com", by="Ana", reason="harmless", at=AT)
    with locked(folder, "a test", AT), pytest.raises(DismissalFault, match="held by a test"):
        dismiss(folder, "y.com", by="Ana", reason="harmless", at=AT)
    assert sorted(json.loads((folder / FILE).read_text())["names"]) == ["x.com"]
    assert not [path for path in folder.iterdir() if path.name.startswith(f".{FILE}")]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DismissalFault, match="file"):
        dismiss(tmp_path / "file" / "below", "x.com", by="Ana", reason="why", at=AT)
