"""What each gate stops and what it lets through. Real lists: test_real_lists.py."""

from __future__ import annotations

import json

import pytest

from blocklists import gates
from blocklists.entries import ADDRESS, PUBLIC_SUFFIX
from blocklists.gates import Excused, Finding, Overlap, judge
from blocklists.reading import Reading, Rejection
from tests.blocklists.making import reading, source


def words(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.gate for finding in findings]


def test_a_sound_first_version_passes() -> None:
    assert judge(reading(1000), source(typical_entries=1200), None) == ()


def test_a_version_like_the_last_one_passes() -> None:
    assert judge(reading(1100), source(), reading(1000)) == ()


def test_a_message_says_where_what_and_what_is_allowed() -> None:
    (finding,) = judge(reading(2100), source(), reading(1000))
    assert finding.message == (
        "test:gambling: 2,100 entries after 1,000; at most 2,000 (growth_max = 1)"
    )


@pytest.mark.parametrize(
    ("before", "now", "stopped"),
    [
        (1000, 700, []),
        (1000, 699, ["shrink"]),
        (1000, 2000, []),
        (1000, 2001, ["growth"]),
        (2642, 10, ["shrink"]),  # a gambling list, 2026-06-28
        (428, 60_740, ["growth"]),  # UT1's job sites, 2026-03-08
        (20, 60, []),  # small lists may: SLACK_ENTRIES
        (60, 10, []),
        (60, 9, ["shrink"]),
        (20, 71, ["growth"]),
    ],
)
def test_counts_against_the_last_good_version(before: int, now: int, stopped: list[str]) -> None:
    assert words(judge(reading(now), source(), reading(before))) == stopped


@pytest.mark.parametrize(
    ("typical", "now", "stopped"),
    [
        (None, 5, []),
        (1000, 250, []),
        (1000, 249, ["shrink"]),
        (1000, 4000, []),
        (1000, 4001, ["growth"]),
        (30, 5, []),
    ],
)
def test_counts_at_first_against_the_catalogue(
    typical: int | None, now: int, stopped: list[str]
) -> None:
    assert words(judge(reading(now), source(typical_entries=typical), None)) == stopped


def test_the_limits_are_those_of_the_source() -> None:
    loose = source(shrink_max=0.9, growth_max=10.0, reject_max=0.5)
    assert judge(reading(150), loose, reading(1000)) == ()
    assert judge(reading(9000), loose, reading(1000)) == ()
    assert judge(reading(1000, broken=500), loose, None) == ()


def test_one_category_may_not_collapse_among_the_others() -> None:
    several = source(categories={"g": "gambling", "a": "adult", "n": "games"})
    last = reading({"gambling": 300, "adult": 10_000, "games": 500})
    now = reading({"adult": 10_400, "games": 500})
    (finding,) = judge(now, several, last)
    assert finding.gate == "shrink" and "0 entries of gambling after 300" in finding.message


def test_a_category_that_is_no_longer_wanted_is_not_missed() -> None:
    last = reading({"gambling": 300, "adult": 100})
    assert judge(reading({"gambling": 300}), source(), last) == ()


def test_exceptions_may_not_multiply() -> None:
    (finding,) = judge(reading(1000, allows=500), source(), reading(1000, allows=10))
    assert finding.gate == "growth" and "500 exceptions after 10" in finding.message


def test_no_entry_at_all_is_no_list_and_says_the_first_reason() -> None:
    (finding,) = judge(reading(0, broken=4), source(), reading(1000))
    assert finding.gate == "parses" and "line 7: '=== banner'" in finding.message
    assert finding.gate in gates.UNUSABLE


def test_a_web_page_is_no_list() -> None:
    assert words(judge(reading(300, html=True), source(), reading(1000))) == ["html"]


def test_broken_lines() -> None:
    assert judge(reading(95, broken=5), source(), None) == ()
    (finding,) = judge(reading(94, broken=6), source(), None)
    assert finding.gate == "rejects" and "6 of 100 lines are broken (6.0%" in finding.message
    assert judge(reading(10, broken=5), source(), None) == (), "a banner in a short list"


def test_what_dns_cannot_express_and_what_is_too_wide_is_not_broken() -> None:
    skipped = reading(100, lines=1000)
    skipped = Reading(
        **{
            **{name: getattr(skipped, name) for name in Reading.__dataclass_fields__},
            "rejections": (Rejection(ADDRESS, 800, ()), Rejection(PUBLIC_SUFFIX, 100, ())),
        }
    )
    assert judge(skipped, source(), None) == ()


def test_a_bare_top_level_domain_stops_the_list() -> None:
    (finding,) = judge(reading(tlds=["com", "net"]), source(), reading())
    assert finding.gate == "tld" and "com, net as an entry" in finding.message


def test_protected_names_stop_unless_expected() -> None:
    hits = [("bbc.co.uk", "bbc.co.uk"), ("linkedin.com", "www.linkedin.com")]
    (finding,) = judge(reading(protected=hits), source(), None)
    assert finding.gate == "protected"
    assert "bbc.co.uk, linkedin.com (takes www.linkedin.com);" in finding.message
    for expect in (("bbc.co.uk", "linkedin.com"), ("bbc.co.uk", "www.linkedin.com")):
        assert judge(reading(protected=hits), source(expect=expect), None) == ()


def test_a_message_stays_short_however_much_is_hit() -> None:
    hits = [(f"site-{n}.example", f"site-{n}.example") for n in range(100)]
    (finding,) = judge(reading(protected=hits), source(), None)
    assert "and 95 more" in finding.message and len(finding.message) < 300


def test_what_a_person_accepted_stays_accepted_and_nothing_else() -> None:
    bad = reading(900, broken=100, tlds=["com"], protected=[("bbc.co.uk", "bbc.co.uk")])
    assert words(judge(bad, source(), None)) == ["rejects", "tld", "protected"]
    excused = Excused().with_all_of(bad)
    assert judge(bad, source(), bad, (), excused) == ()
    worse = reading(800, broken=200, tlds=["com", "net"], protected=[("www.nhs.uk", "www.nhs.uk")])
    assert words(judge(worse, source(), bad, (), excused)) == ["rejects", "tld", "protected"]
    assert Excused.from_json(json.loads(json.dumps(excused.to_json()))) == excused


@pytest.mark.parametrize(
    ("category", "share", "before", "stopped"),
    [
        ("scams", 0.21, None, True),
        ("scams", 0.20, None, False),
        ("games", 0.90, None, False),  # at first only the large suspects count
        ("games", 0.31, 0.20, True),  # a jump
        ("games", 0.31, 0.22, False),  # it always was so
        ("scams", 0.90, 0.85, False),
        ("adult", 0.70, 0.00, True),  # UT1's downloads, 2021
    ],
)
def test_overlap_with_an_unrelated_category(
    category: str, share: float, before: float | None, stopped: bool
) -> None:
    last = None if before is None else reading(1000)
    overlap = Overlap("gambling", category, share, before, ("a.example",))
    found = judge(reading(1000), source(), last, [overlap])
    assert words(found) == (["overlap"] if stopped else [])


def test_a_few_entries_are_no_overlap() -> None:
    assert judge(reading(40), source(), None, [Overlap("gambling", "adult", 0.5)]) == ()


def test_every_word_of_a_finding_is_documented() -> None:
    assert set(gates.UNUSABLE) <= set(gates.GATES)
    assert gates.unreadable(source(), ["damaged"]).gate in gates.GATES
    assert gates.given_up(source()).gate in gates.GATES
