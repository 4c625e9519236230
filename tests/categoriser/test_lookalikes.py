"""Names as an eye reads them; and that no fold makes a suggestion of a name people need."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists import starters
from categoriser import lookalikes
from categoriser.lookalikes import SPELLINGS_MAX, decode, fold
from categoriser.names import normal


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("xn--csino-4ve.example", "c\N{CYRILLIC SMALL LETTER A}sino.example"),
        ("a.xn--bcher-kva.b", "a.bücher.b"),
        ("plain.example", "plain.example"),
        ("xn--ls8h.la", "\N{PILE OF POO}.la"),  # IDNA 2008 refuses it, a registry did not
        ("xn--.example", "xn--.example"),
        ("xn--99999999999999.example", "xn--99999999999999.example"),
    ],
)
def test_punycode_is_decoded_where_it_can_be(name: str, read: str) -> None:
    assert decode(name) == read


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("p0ker", "poker"),
        ("cas1no", "casino"),
        ("s1ot", "slot"),
        ("m11f", "milf"),  # one symbol, two letters
        ("h3nta1", "hentai"),
        ("p4yd4y", "payday"),
        ("e5cort", "escort"),
        ("7orren7", "torrent"),
        ("vvildcasino", "wildcasino"),
        ("gam1ng-pom", "gaming-pom"),
        ("casinó", "casino"),
        ("ｃａｓｉｎｏ", "casino"),
        ("c\N{CYRILLIC SMALL LETTER A}sin\N{GREEK SMALL LETTER OMICRON}", "casino"),
        ("cas\N{LATIN SMALL LETTER DOTLESS I}no", "casino"),
        ("p\N{CYRILLIC SMALL LETTER O}rn", "porn"),
        ("po\N{ZERO WIDTH NON-JOINER}ker", "poker"),
        ("c\N{ARMENIAN SMALL LETTER OH}ursework", "coursework"),
    ],
)
def test_what_looks_like_letters_is_read_as_letters(text: str, reading: str) -> None:
    assert reading in fold(text)


def test_m_is_read_out_of_r_and_n_and_the_other_way_stays() -> None:
    assert set(fold("rnodernpom")) == {"modempom", "modernpom", "rnodempom"}


@pytest.mark.parametrize("text", ["", "example", "www.gov.uk", "casino", "a-b_c", "2689"])
def test_plain_letters_have_no_other_reading(text: str) -> None:
    assert fold(text) == ()


@pytest.mark.parametrize("text", ["51079", "a05951079", "01632960961"])
def test_a_number_is_no_word(text: str) -> None:
    assert fold(text) == ()


def test_what_looks_like_no_letter_keeps_its_neighbours_apart() -> None:
    assert fold("cas雨ino") == ()
    assert fold("é雨") == ("e雨",)


def test_each_row_gives_one_letter_of_a_domain_name() -> None:
    for letters, likes in lookalikes._ROWS:
        assert letters.isascii() and letters.isalpha() and letters.islower()
        for like in likes:
            assert not like.isascii() and unicodedata.category(like)[0] == "L", (letters, like)
            assert any(letters in spelling for spelling in fold(like)), (letters, like)


@pytest.mark.parametrize("text", ["1a" * 31, "1vvrn0" * 10, "ν" * 63, "1ν" * 30 + "rnvv"])
def test_spellings_are_bounded(text: str) -> None:
    assert 0 < len(fold(text)) <= SPELLINGS_MAX


def test_past_the_bound_equal_symbols_are_read_alike() -> None:
    assert fold("1a" * 31) == ("la" * 31, "ia" * 31)


def test_a_text_that_grows_is_cut() -> None:
    (long,) = fold("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 60)
    assert len(long) <= lookalikes.CHARACTERS_MAX


@given(st.text(max_size=80))
def test_any_text_has_few_readings_and_none_is_itself(text: str) -> None:
    readings = fold(text)
    assert len(readings) == len(set(readings)) <= SPELLINGS_MAX
    assert text not in readings


@given(
    st.from_regex(r"(xn--[a-z0-9-]{0,59}|[a-z0-9_-]{1,63})(\.[a-z0-9-]{1,20}){0,3}", fullmatch=True)
)
def test_any_name_decodes_label_by_label(name: str) -> None:
    assert decode(name).count(".") == name.count(".")
    fold(decode(name))


def needed_names(shared: Path) -> list[str]:
    with (shared / "essential_uk.tsv").open(encoding="utf-8") as file:
        return [normal(row[1]) for row in csv.reader(file, delimiter="\t") if row]


def essential_names() -> list[str]:
    return [
        pattern.text.lstrip("=*.")
        for pattern, match in starters.load_patterns()
        if match.category == "essential"
    ]


def folded_hits(names: list[str]) -> list[str]:
    """Keywords in a reading of a name that its own letters do not hold."""
    tokens = [keyword.token for keyword in starters.load_keywords()]
    return [
        f"{name}: {reading}: {token}"
        for name in names
        for reading in fold(name)
        for token in tokens
        if token in reading and token not in name
    ]


def test_no_fold_of_an_essential_name_holds_a_keyword() -> None:
    names = essential_names()
    assert len(names) > 500
    assert folded_hits(names) == []


def test_no_fold_of_a_needed_name_holds_a_keyword(shared: Path) -> None:
    assert folded_hits(needed_names(shared)) == []
