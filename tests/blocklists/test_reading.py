"""One list file becomes sheets and a report; nothing in it is an exception."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists import reading, sheets
from blocklists.entries import (
    FAULTS,
    NO_CATEGORY,
    NOT_A_NAME,
    PRIVATE_SUFFIX,
    PUBLIC_SUFFIX,
    SINGLE_LABEL,
)
from blocklists.protection import Hit, Protected
from blocklists.reading import ReadFault, Reading, read_list
from blocklists.sheets import read_sheet, rule_of
from blocklists.sources import Source
from categoriser.patterns import Pattern

PROTECTED = Protected(Pattern.parse(text) for text in ("bbc.co.uk", "www.bbc.co.uk", "nhs.uk"))
DAY = 86_400.0


def read(
    folder: Path,
    content: str | bytes,
    *,
    word: str = "plain",
    categories: dict[str, str] | None = None,
    drop: tuple[str, ...] = (),
    at: float = 0.0,
    previous: Path | None = None,
    octets_max: int = 1 << 20,
) -> Reading:
    raw = folder / "raw"
    raw.write_bytes(content.encode() if isinstance(content, str) else content)
    out = folder / f"out{at:g}"
    out.mkdir()
    return read_list(
        raw,
        Source("x:y", "a list", "x", categories or {"": "gambling"}, format=word, drop=drop),
        out,
        at=at,
        previous=previous,
        protected=PROTECTED,
        octets_max=octets_max,
    )


def rules(path: Path) -> list[str]:
    return [rule_of(key) for key, _, _ in read_sheet(path)]


def test_sheets_and_figures(tmp_path: Path) -> None:
    content = "# a list\nbet365.com\nbet365.com\n=skybet.com\nM.Bet365.com.\n"
    report = read(tmp_path, content, word="")
    assert report.entries == {"gambling": 3} and report.entries_total == 3
    assert (report.source, report.format, report.lines) == ("x:y", "plain", 5)
    assert report.octets == len(content)
    assert len(report.sha256) == 64
    assert (report.allows, report.rejections, report.html) == ({}, (), False)
    assert rules(tmp_path / "out0" / "gambling.entries") == [
        "bet365.com",
        "m.bet365.com",
        "=skybet.com",
    ]
    assert [path.name for path in (tmp_path / "out0").iterdir()] == ["gambling.entries"]


def test_too_wide_entries_are_quarantined_and_the_alarm_is_raised(tmp_path: Path) -> None:
    report = read(tmp_path, "com\nsnapchat-com\nco.uk\nblogspot.com\n=blogspot.com\ntax\nbet.com\n")
    assert {item.reason: (item.count, item.examples) for item in report.rejections} == {
        SINGLE_LABEL: (3, ((1, "com"), (2, "snapchat-com"), (6, "tax"))),
        PUBLIC_SUFFIX: (1, ((3, "co.uk"),)),
        PRIVATE_SUFFIX: (1, ((4, "blogspot.com"),)),
    }
    assert report.tlds == ("com", "tax"), "a word that lost its ending is no alarm"
    assert report.rejected({SINGLE_LABEL, PUBLIC_SUFFIX}) == 4
    assert rules(tmp_path / "out0" / "gambling.entries") == ["bet.com", "=blogspot.com"]


def test_protected_names_are_noticed_and_corrections_come_first(tmp_path: Path) -> None:
    content = "bbc.co.uk\nads.bbc.co.uk\n=www.bbc.co.uk\nknown.example.com\n"
    report = read(tmp_path, content, drop=("known.example.com", "never.example.com"))
    assert report.protected == (
        Hit("bbc.co.uk", "bbc.co.uk"),
        Hit("bbc.co.uk", "www.bbc.co.uk"),
        Hit("=www.bbc.co.uk", "www.bbc.co.uk"),
    )
    assert report.dropped == ("known.example.com",)
    assert report.entries == {"gambling": 3}
    (tmp_path / "again").mkdir()
    assert read(tmp_path / "again", content, drop=("bbc.co.uk", "www.bbc.co.uk")).protected == ()


def test_exceptions_have_a_sheet_of_their_own(tmp_path: Path) -> None:
    report = read(tmp_path, "||bet.com^\n@@||help.bet.com^\n@@||bbc.co.uk^\n", word="adblock")
    assert (report.entries, report.allows) == ({"gambling": 1}, {"gambling": 2})
    assert report.protected == (), "an exception takes nothing"
    assert rules(tmp_path / "out0" / "gambling.allows") == ["help.bet.com", "bbc.co.uk"]


def test_words_for_categories(tmp_path: Path) -> None:
    content = "domain,category\nbet.com,Gambling\nnews.com,news\nold.com,news\nsex.com,porn\n"
    report = read(
        tmp_path, content, word="csv", categories={"gambling": "gambling", "porn": "adult"}
    )
    assert report.entries == {"gambling": 1, "adult": 1}
    assert report.labels == {"news": 2}
    assert [(item.reason, item.count, item.examples) for item in report.rejections] == [
        (NO_CATEGORY, 2, ())
    ]
    (tmp_path / "again").mkdir()
    default = read(
        tmp_path / "again", content, word="csv", categories={"": "adult", "gambling": "gambling"}
    )
    assert (default.entries, default.labels) == ({"adult": 3, "gambling": 1}, {})


def test_endless_words_for_categories_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LABELS_MAX", 3)
    content = "domain,category\n" + "".join(f"n{n}.com,c{n}\n" for n in range(9))
    report = read(tmp_path, content, word="csv", categories={"x": "adult"})
    assert report.labels == {reading.OTHER_LABELS: 6, "c0": 1, "c1": 1, "c2": 1}


def test_a_list_of_nothing_is_a_reading(tmp_path: Path) -> None:
    report = read(tmp_path, "# nothing\n\n")
    assert report.entries == {"gambling": 0}
    assert (tmp_path / "out0" / "gambling.entries").read_bytes() == b""


def test_a_page_in_place_of_a_list_is_a_reading(tmp_path: Path) -> None:
    report = read(tmp_path, "\n<!DOCTYPE html><title>504</title>\n<p>Gateway Timeout\n", word="")
    assert report.html and report.entries == {"gambling": 0} and report.format == ""
    (tmp_path / "again").mkdir()
    assert read(tmp_path / "again", "<html>\nbet.com\n").html, "whatever the format says"


@pytest.mark.parametrize(
    ("content", "word", "says"),
    [
        ("bet.com\n", "wrong", "x:y: format: 'wrong'; allowed are"),
        ("{}\n[]\n", "", "x:y: no format recognises the content"),
        ("", "", "x:y: no format recognises the content"),
        (gzip.compress(b"bet.com\n" * 9)[:-9], "", "x:y: "),
        (gzip.compress(b"bet.com\n" * 200_000), "plain", "x:y: "),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, content: str | bytes, word: str, says: str) -> None:
    with pytest.raises(ReadFault) as caught:
        read(tmp_path, content, word=word)
    assert all(fault.startswith(says) and ";" in fault for fault in caught.value.faults)


def test_a_machine_in_trouble_says_nothing_about_the_list(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        read_list(
            tmp_path / "absent",
            Source("x:y", "", "x", {"": "adult"}),
            tmp_path,
            at=0.0,
            previous=None,
            protected=PROTECTED,
            octets_max=1,
        )


def test_too_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RUN_MAX", 5)
    monkeypatch.setattr(reading, "ENTRIES_MAX", 10)
    with pytest.raises(ReadFault, match="more than 10 entries; allowed are fewer"):
        read(tmp_path, "".join(f"n{n}.com\n" for n in range(20)))
    assert list((tmp_path / "out0").glob(".*")) == [], "no runs are left"


def test_first_days_come_from_the_version_before(tmp_path: Path) -> None:
    read(tmp_path, "a.com\nb.com\n", at=10 * DAY)
    read(tmp_path, "c.com\na.com\n", at=20 * DAY + 5, previous=tmp_path / f"out{10 * DAY:g}")
    lines = list(read_sheet(tmp_path / f"out{20 * DAY + 5:g}" / "gambling.entries"))
    assert lines == [("com.a.", 2, 10), ("com.c.", 1, 20)]


def test_a_reading_survives_json(tmp_path: Path) -> None:
    report = read(tmp_path, "com\nbbc.co.uk\n-.-.\n@@@\nbet.com\n", drop=("bet.com",))
    assert report.tlds and report.protected and report.dropped and report.rejected(FAULTS)
    assert Reading.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_examples_are_few_and_short(tmp_path: Path) -> None:
    report = read(tmp_path, "".join(f"{n}@{'x' * 300}\n" for n in range(9)))
    (faults,) = report.rejections
    assert (faults.reason, faults.count) == (NOT_A_NAME, 9)
    assert [line for line, _ in faults.examples] == [1, 2, 3]
    assert all(len(text) == reading.EXAMPLE_CHARACTERS_MAX for _, text in faults.examples)


@given(st.binary(max_size=300), st.sampled_from(["plain", "hosts", "adblock", "rpz", "csv"]))
def test_no_octets_are_an_exception(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, word: str
) -> None:
    folder = tmp_path_factory.mktemp("octets")
    try:
        report = read(folder, content, word=word)
    except ReadFault as fault:  # what looks like damaged compression
        assert all(text.startswith("x:y: ") for text in fault.faults)
        return
    sheet = folder / "out0" / "gambling.entries"
    assert report.entries["gambling"] == sheets.count_sheet(sheet) == len(rules(sheet))
