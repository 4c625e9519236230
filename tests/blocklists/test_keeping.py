"""Versions on disk: what filters, what is held, going back, and damage of every file."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from blocklists import writing
from blocklists.gates import Excused, Finding
from blocklists.journal import Journal, JournalEntry
from blocklists.keeping import Shelf, sources_on_disk
from blocklists.versions import ShelfState
from blocklists.writing import KeepFault, LockFault, locked
from tests.blocklists.making import AT, HOUR, reading

HELD = (Finding("growth", "test:gambling: 60,740 entries after 428; at most 856"),)


def shelf(root: Path) -> Shelf:
    """As another process would see it now."""
    return Shelf(root, "test:gambling")


def put(
    root: Path, word: str, at: float, findings: tuple[Finding, ...] = (), **keys: object
) -> str:
    """A version with this content, kept, or held for these findings; gives its id."""
    checksum = sha256(word.encode()).hexdigest()
    place = shelf(root)
    folder = place.begin(at, checksum)
    (folder / "raw").write_text(word)
    (folder / "gambling.entries").write_text("com.casino.\t1\t20000\n")
    read = replace(reading(1000, sha256=checksum), **keys)  # type: ignore[arg-type]
    state = replace(place.state, sha256=checksum)
    if findings:
        return place.hold(folder, read, findings, state).id
    return place.keep(folder, read, state).id


def test_a_source_never_seen_has_nothing(tmp_path: Path) -> None:
    assert shelf(tmp_path).state == ShelfState()
    assert shelf(tmp_path).current_folder is None
    assert shelf(tmp_path).versions() == []
    assert not list(tmp_path.iterdir()), "looking writes nothing"


def test_a_version_is_hidden_until_it_is_finished(tmp_path: Path) -> None:
    place = shelf(tmp_path)
    folder = place.begin(AT, "ab" * 32)
    assert folder.name.startswith(".") and shelf(tmp_path).versions() == []
    version = place.keep(folder, reading(), place.state)
    assert version.id == "20261121T094500Z-abababab"
    assert not folder.exists()
    assert shelf(tmp_path).current_folder == version.folder
    found = version.reading()
    assert found is not None and found.entries == {"gambling": 1000}


def test_a_held_version_changes_nothing_but_is_said(tmp_path: Path) -> None:
    good = put(tmp_path, "good", AT)
    bad = put(tmp_path, "bad", AT + HOUR, HELD)
    state = shelf(tmp_path).state
    assert (state.current, state.held, state.findings) == (good, bad, HELD)


def test_a_newer_version_takes_the_place_of_the_held_one(tmp_path: Path) -> None:
    put(tmp_path, "good", AT)
    put(tmp_path, "bad", AT + HOUR, HELD)
    worse = put(tmp_path, "worse", AT + 2 * HOUR, HELD)
    assert shelf(tmp_path).state.held == worse
    better = put(tmp_path, "better", AT + 3 * HOUR)
    state = shelf(tmp_path).state
    assert (state.current, state.held, state.findings) == (better, None, ())


def test_accepting_needs_a_person_a_reason_and_something_held(tmp_path: Path) -> None:
    put(tmp_path, "good", AT)
    with pytest.raises(KeepFault, match="no version is held"):
        shelf(tmp_path).accept("Ann", "checked by hand", AT)
    put(tmp_path, "bad", AT + HOUR, HELD)
    for by, reason in (("", "why"), ("Ann", "  ")):
        with pytest.raises(KeepFault, match="a person and a reason are needed"):
            shelf(tmp_path).accept(by, reason, AT)


def test_accepting_lets_the_held_version_filter_and_excuses_what_is_in_it(tmp_path: Path) -> None:
    put(tmp_path, "good", AT)
    read = reading(900, broken=100, tlds=["com"], protected=[("bbc.co.uk", "bbc.co.uk")])
    bad = put(
        tmp_path,
        "bad",
        AT + HOUR,
        HELD,
        tlds=read.tlds,
        protected=read.protected,
        rejections=read.rejections,
    )
    shelf(tmp_path).accept("Ann", "checked by hand", AT + 2 * HOUR)
    state = shelf(tmp_path).state
    assert (state.current, state.held, state.findings) == (bad, None, ())
    assert state.excused == Excused(frozenset({"bbc.co.uk"}), frozenset({"com"}), 0.1)
    (entry,) = Journal(tmp_path).read()
    assert entry == JournalEntry(
        AT + 2 * HOUR,
        "Ann",
        "accept",
        "test:gambling",
        "checked by hand",
        f"{bad} despite growth",
    )


def test_a_web_page_cannot_be_accepted(tmp_path: Path) -> None:
    put(tmp_path, "page", AT, (Finding("html", "a web page"),))
    with pytest.raises(KeepFault, match="html; only a list can be accepted"):
        shelf(tmp_path).accept("Ann", "because", AT)


def test_what_was_excused_with_a_version_goes_with_it(tmp_path: Path) -> None:
    """Who goes back from a version takes back that its faults were accepted, and no others."""
    put(tmp_path, "first", AT, HELD, tlds=("com",))
    shelf(tmp_path).accept("Ann", "com is harmless here", AT)
    put(tmp_path, "second", AT + HOUR)
    put(tmp_path, "third", AT + 2 * HOUR, HELD, tlds=("net",))
    third = shelf(tmp_path).accept("Ann", "not looked at", AT + 3 * HOUR).id
    assert shelf(tmp_path).state.excused.tlds == {"com", "net"}
    shelf(tmp_path).rollback("Ann", "it was no good", AT + 4 * HOUR)
    assert shelf(tmp_path).state.excused.tlds == {"com"}
    (tmp_path / "test__gambling" / "state.json").unlink()
    assert shelf(tmp_path).state.excused.tlds == {"com"}, "also when the state is made again"
    shelf(tmp_path).rollback("Ann", "it was good", AT + 5 * HOUR, to=third)
    assert shelf(tmp_path).state.excused.tlds == {"com", "net"}


@pytest.mark.parametrize("action", ["accept", "rollback"])
def test_nothing_is_decided_that_cannot_be_written_into_the_journal(
    tmp_path: Path, action: str
) -> None:
    put(tmp_path, "first", AT)
    put(tmp_path, "second", AT + HOUR)
    put(tmp_path, "third", AT + 2 * HOUR, HELD)
    before = shelf(tmp_path).state
    (tmp_path / "journal.jsonl").mkdir()
    with pytest.raises(KeepFault, match=r"journal\.jsonl"):
        getattr(shelf(tmp_path), action)("Ann", "why", AT + 3 * HOUR)
    assert shelf(tmp_path).state == before


def test_the_sources_on_disk_are_known_by_their_folders(tmp_path: Path) -> None:
    assert sources_on_disk(tmp_path / "nowhere") == []
    for word in ("ut1:gambling", "local:our__own"):
        Shelf(tmp_path, word).prepare()
    (tmp_path / "compiled.json").write_text("{}")
    assert sources_on_disk(tmp_path) == ["local:our__own", "ut1:gambling"]


def test_going_back_to_the_version_before(tmp_path: Path) -> None:
    first = put(tmp_path, "first", AT)
    second = put(tmp_path, "second", AT + HOUR)
    gone = put(tmp_path, "third", AT + 2 * HOUR)
    assert shelf(tmp_path).rollback("Ann", "blocks our bank", AT + 3 * HOUR).id == second
    state = shelf(tmp_path).state
    assert state.current == second and state.held == gone
    assert [finding.gate for finding in state.findings] == ["rolled-back"]
    assert "by Ann (blocks our bank)" in state.findings[0].message
    assert state.refused == sha256(b"third").hexdigest()
    assert shelf(tmp_path).rollback("Ann", "that one too", AT + 4 * HOUR).id == first
    with pytest.raises(KeepFault, match="no earlier good version"):
        shelf(tmp_path).rollback("Ann", "and that", AT + 5 * HOUR)
    assert [entry.action for entry in Journal(tmp_path).read()] == ["rollback"] * 2


def test_going_back_can_be_taken_back(tmp_path: Path) -> None:
    put(tmp_path, "first", AT)
    second = put(tmp_path, "second", AT + HOUR)
    shelf(tmp_path).rollback("Ann", "a mistake", AT + 2 * HOUR)
    shelf(tmp_path).accept("Ann", "was right after all", AT + 3 * HOUR)
    state = shelf(tmp_path).state
    assert (state.current, state.held, state.refused) == (second, None, "")


def test_going_back_to_a_given_version(tmp_path: Path) -> None:
    first = put(tmp_path, "first", AT)
    second = put(tmp_path, "second", AT + HOUR)
    third = put(tmp_path, "third", AT + 2 * HOUR)
    shelf(tmp_path).rollback("Ann", "far back", AT + 3 * HOUR, to=first)
    assert shelf(tmp_path).state.current == first
    held = put(tmp_path, "fourth", AT + 4 * HOUR, HELD)
    for wrong in (held, first, "nonsense", "../../etc"):
        with pytest.raises(KeepFault, match=f"allowed are {third}, {second}$"):
            shelf(tmp_path).rollback("Ann", "why", AT, to=wrong)
    assert shelf(tmp_path).rollback("Ann", "forward", AT + 5 * HOUR, to=third).id == third


@pytest.mark.parametrize("damage", ["", "[]", '{"entries": 7}', "[" * 100_000], ids=range(4))
def test_a_version_whose_figures_are_damaged_has_none(tmp_path: Path, damage: str) -> None:
    put(tmp_path, "first", AT)
    (version,) = shelf(tmp_path).versions()
    (version.folder / "reading.json").write_text(damage)
    assert version.reading() is None


def test_no_version_is_found_in_another_folder(tmp_path: Path) -> None:
    found = put(tmp_path, "first", AT)
    assert shelf(tmp_path).find(found) is not None
    assert shelf(tmp_path).find(f"../versions/{found}") is None


def test_a_held_newer_version_stays_held_when_going_back(tmp_path: Path) -> None:
    put(tmp_path, "first", AT)
    put(tmp_path, "second", AT + HOUR)
    held = put(tmp_path, "third", AT + 2 * HOUR, HELD)
    shelf(tmp_path).rollback("Ann", "why", AT + 3 * HOUR)
    assert (shelf(tmp_path).state.held, shelf(tmp_path).state.findings) == (held, HELD)


def test_old_versions_go_but_never_one_that_is_needed(tmp_path: Path) -> None:
    before = put(tmp_path, "before", AT)
    current = put(tmp_path, "current", AT + HOUR)
    waiting = [put(tmp_path, f"held {n}", AT + (n + 2) * HOUR, HELD) for n in range(5)]
    assert sorted(shelf(tmp_path).prune(2)) == waiting[:3]
    assert {version.id for version in shelf(tmp_path).versions()} == {
        before,
        current,
        *waiting[3:],
    }


def test_what_an_interrupted_refresh_left_goes(tmp_path: Path) -> None:
    put(tmp_path, "good", AT)
    leftover = shelf(tmp_path).begin(AT + HOUR, "cd" * 32)
    (leftover / "raw").write_text("half")
    assert len(shelf(tmp_path).versions()) == 1
    shelf(tmp_path).prune(5)
    assert not leftover.exists()


def test_ids_sort_by_time_even_when_the_clock_does_not(tmp_path: Path) -> None:
    ids = [put(tmp_path, word, at) for word, at in (("a", AT), ("b", AT), ("c", AT - HOUR))]
    assert ids == sorted(ids) and len(set(ids)) == 3


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", '{"current": 7}', "\x00\x00", '{"current": "../../x"}', "[" * 100_000],
    ids=range(7),
)
def test_a_damaged_state_is_made_again_from_the_versions(tmp_path: Path, damage: str) -> None:
    put(tmp_path, "first", AT)
    good = put(tmp_path, "good", AT + HOUR)
    held = put(tmp_path, "held", AT + 2 * HOUR, HELD)
    (tmp_path / "test__gambling" / "state.json").write_text(damage)
    state = shelf(tmp_path).state
    assert (state.current, state.held, state.findings) == (good, held, HELD)
    assert "state.json" in state.problem and "made again from the versions" in state.problem


@pytest.mark.parametrize(
    ("key", "value"), [("failures", "3"), ("next_at", None), ("current", ["x"]), ("etag", 1)]
)
def test_a_state_of_wrong_kinds_is_damaged(tmp_path: Path, key: str, value: object) -> None:
    good = put(tmp_path, "good", AT)
    path = tmp_path / "test__gambling" / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    assert shelf(tmp_path).state.current == good
    assert "made again" in shelf(tmp_path).state.problem


def test_a_state_made_again_still_knows_what_was_refused_and_excused(tmp_path: Path) -> None:
    first = put(tmp_path, "first", AT, HELD, tlds=("com",))
    shelf(tmp_path).accept("Ann", "fine", AT)
    second = put(tmp_path, "second", AT + HOUR)
    shelf(tmp_path).rollback("Ann", "why", AT + 2 * HOUR)
    before = shelf(tmp_path).state
    (tmp_path / "test__gambling" / "state.json").unlink()
    after = shelf(tmp_path).state
    assert (after.current, after.held, after.refused) == (first, second, before.refused)
    assert after.excused == before.excused == Excused(tlds=frozenset({"com"}))


def test_a_version_that_vanished_or_is_damaged_is_no_version(tmp_path: Path) -> None:
    first = put(tmp_path, "first", AT)
    second = put(tmp_path, "second", AT + HOUR)
    (tmp_path / "test__gambling" / "versions" / second / "verdict.json").write_text("?")
    assert shelf(tmp_path).state.current == first
    assert [version.id for version in shelf(tmp_path).versions()] == [first]


def test_a_full_disk_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = put(tmp_path, "good", AT)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", full)
    with pytest.raises(KeepFault, match="the disk is full; the version before stays in use"):
        put(tmp_path, "next", AT + HOUR)
    monkeypatch.undo()
    assert shelf(tmp_path).state.current == good
    assert not [path.name for path in (tmp_path / "test__gambling").rglob(".state.json*")]


def test_one_at_a_time(tmp_path: Path) -> None:
    put(tmp_path, "first", AT)
    put(tmp_path, "second", AT)
    with (
        locked(tmp_path, "refresh", AT),
        pytest.raises(LockFault, match=r"held by refresh, process \d+, since 2026-11-21 09:45"),
    ):
        shelf(tmp_path).rollback("Ann", "why", AT)
    shelf(tmp_path).rollback("Ann", "why", AT)


def test_the_journal_survives_a_line_that_was_cut_off(tmp_path: Path) -> None:
    written = Journal(tmp_path)
    written.append(AT, "Ann", "accept", "test:gambling", "a reason\nof two lines", "é")
    with written.path.open("ab") as file:
        file.write(b'{"at": "noon", "by": "X", "action": "a", "source": "s"}\n[]\n\xff\n')
        file.write(b'{"at": 1, "by": "B')
    written.append(AT + 1, "Ben", "rollback", "test:gambling")
    assert [entry.by for entry in written.read()] == ["Ann", "Ben"]
    assert written.read()[0].reason == "a reason\nof two lines"
    assert [entry.by for entry in written.read(limit=1)] == ["Ben"]
    assert Journal(tmp_path / "nowhere").read() == []


def test_the_journal_takes_whatever_a_terminal_gives(tmp_path: Path) -> None:
    Journal(tmp_path).append(AT, "\udcff" * 5000, "accept", "test:gambling", "half \ud83d")
    (entry,) = Journal(tmp_path).read()
    assert (entry.by, entry.reason) == ("?" * 2000, "half ?")
