"""Patterns: how they are written, and that one scan finds exactly what walking the labels finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categoriser.matches import Match
from categoriser.names import from_labels, from_text, spell
from categoriser.patterns import Pattern, PatternFault, PatternTable, StarterTable
from tests.categoriser import reference


@pytest.mark.parametrize(
    ("written", "text", "kind"),
    [
        ("example.com", "example.com", "domain"),
        ("Example.COM.", "example.com", "domain"),
        ("sportfogadás.com", "xn--sportfogads-t7a.com", "domain"),
        (r"a\.b.com", r"a\046b.com", "domain"),
        ("=Example.com", "=example.com", "exact"),
        ("*.bet", "*.bet", "wildcard"),
        ("Bet365.*", "bet365.*", "wildcard"),
        ("*.google.co.*", "*.google.co.*", "wildcard"),
        ("~Casino", "~casino", "keyword"),
    ],
)
def test_is_normalised(written: str, text: str, kind: str) -> None:
    pattern = Pattern.parse(written)
    assert (pattern.text, pattern.kind) == (text, kind)
    assert Pattern.parse(text) == pattern


@pytest.mark.parametrize(
    "written",
    ["", ".", "=", "=.", "*", "*.", ".*", "*.*", "*.*.com", "a.*.com", "*bet*", "bet*", "=*.com"]
    + ["~", "~ab", "~a.b", "~é", "~" + "x" * 64, "==a.com", "x" * 64 + ".com"]
    + ["http://a.com", "a b", "a..b", "!a", "a.com/x"],
)  # fmt: skip
def test_refuses_what_is_no_pattern(written: str) -> None:
    with pytest.raises(PatternFault) as caught:
        Pattern.parse(written)
    assert ";" in str(caught.value) or "is " in str(caught.value)


def test_an_exception_that_could_cover_nothing_is_refused() -> None:
    with pytest.raises(PatternFault, match="contains 'porn'"):
        Pattern.parse("~porn", ["revenge"])


@pytest.mark.parametrize(
    ("pattern", "found", "left"),
    [
        ("bet365.com", "bet365.com www.bet365.com", "notbet365.com bet365.com.evil.net com ."),
        ("=bet365.com", "bet365.com", "www.bet365.com xbet365.com bet365.com.uk"),
        ("*.bet", "a.bet b.a.bet", "bet a.bet.com alphabet a.alphabet"),
        ("bet365.*", "bet365.com www.bet365.co.uk bet365.bet365", "bet365 www.bet365 xbet365.com"),
        ("*.google.*", "www.google.com a.b.google.co.uk", "google.com www.google a.xgoogle.com"),
        ("google.co.*", "google.co.uk www.google.co.jp", "google.co google.com www.google.co"),
        ("~casino", "casino.com best-casino-uk.com xcasinox.net a.casino", "cas.ino.com casin.o"),
    ],
)  # fmt: skip
def test_examples(pattern: str, found: str, left: str) -> None:
    table = PatternTable([(Pattern.parse(pattern), 1)])
    for name in found.split():
        assert table.find_values(spell(from_text(name)).forward) == [1], name
    for name in left.split():
        assert table.find_values(spell(from_text(name)).forward) == [], name


def test_overlapping_patterns_are_all_found() -> None:
    """The library's `iter_long` loses the second of these; see its issues 133 and 185."""
    entries = ["ads.example.*", "example.com", "*.com", "=x.ads.example.com", "~ads.", "~example"]
    table = PatternTable([(Pattern.parse(text.strip(".")), text) for text in entries])
    assert sorted(table.find_values("\n.x.ads.example.com.\n")) == sorted(entries)


def test_equal_patterns_keep_all_their_values() -> None:
    table = PatternTable(
        [(Pattern.parse(text), n) for n, text in enumerate(["a.bet", "*.bet", "bet", "bet"])]
    )
    assert sorted(table.find_values("\n.a.bet.\n")) == [0, 1, 2, 3]
    assert sorted(table.find_values("\n.bet.\n")) == [2, 3]
    assert len(table) == 4


def test_a_pattern_found_twice_in_a_name_is_one_match() -> None:
    table = PatternTable([(Pattern.parse("bet365.*"), 1), (Pattern.parse("~bet"), 2)])
    assert sorted(table.find_values("\n.bet365.bet365.com.\n")) == [1, 2]


def test_an_exception_cancels_only_the_hit_it_covers() -> None:
    table = PatternTable([(Pattern.parse("~porn", ["revengeporn"]), 1)])
    assert table.find_values(spell(from_text("revengepornhelpline.org.uk")).forward) == []
    assert table.find_values(spell(from_text("revengeporn.porn-tube.com")).forward) == [1]
    assert table.find_values(spell(from_text("revenge-porn.com")).forward) == [1]


def test_an_empty_table_finds_nothing() -> None:
    assert PatternTable[int]([]).find_values("\n.a.\n") == []


domains = reference.rule_names
keywords = st.sampled_from(["cas", "casino", "bet", "porn", "a-b", "365"])
exceptions = st.lists(
    st.sampled_from(["xcasino", "casinoc", "revengeporn", "bet365", "alphabet"]), max_size=2
)


@given(st.lists(st.tuples(domains, st.booleans()), max_size=12), reference.names)
def test_domains_and_exact_names_as_walking_finds_them(
    rules: list[tuple[reference.Labels, bool]], name: reference.Labels
) -> None:
    table = PatternTable(
        [
            (Pattern.parse("=" * exact + reference.presented(rule)), n)
            for n, (rule, exact) in enumerate(rules)
        ]
    )
    expected = [n for n, (rule, exact) in enumerate(rules) if reference.covers(rule, name, exact)]
    assert sorted(table.find_values(spell(from_labels(list(name))).forward)) == expected


@given(
    st.lists(st.tuples(domains, st.sampled_from([(1, 0), (0, 1), (1, 1)])), max_size=8),
    reference.names,
)
def test_wildcards_as_walking_finds_them(
    rules: list[tuple[reference.Labels, tuple[int, int]]], name: reference.Labels
) -> None:
    table = PatternTable(
        [
            (Pattern.parse("*." * before + reference.presented(rule) + ".*" * after), n)
            for n, (rule, (before, after)) in enumerate(rules)
        ]
    )
    expected = [
        n
        for n, (rule, (before, after)) in enumerate(rules)
        if reference.wildcard_covers(rule, name, bool(before), bool(after))
    ]
    assert sorted(table.find_values(spell(from_labels(list(name))).forward)) == expected


@given(keywords, exceptions, reference.names)
def test_keywords_as_walking_finds_them(
    token: str, texts: list[str], name: reference.Labels
) -> None:
    covering = tuple(text for text in texts if token in text)
    table = PatternTable([(Pattern.parse(f"~{token}", covering), 1)])
    found = table.find_values(spell(from_labels(list(name))).forward)
    assert found == [1] * reference.keyword_covers(token, covering, name)


def test_a_starter_table_gives_matches() -> None:
    match = Match("gambling", "*.bet", ("starter:gambling",))
    table = StarterTable([(Pattern.parse("*.bet"), match)])
    assert list(table.find(spell(from_text("a.bet")))) == [match]
    assert list(table.find(spell(from_text("bet")))) == []
