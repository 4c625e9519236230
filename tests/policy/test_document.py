"""Reading policy.toml: what it means, and how each fault is answered."""

from __future__ import annotations

import math
import tomllib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.document import PolicyFault, default_text, read
from policy.types import ACTIONS

from .college import COLLEGE, HERE, TAXONOMY, TUESDAY_10, ask, instant, packed, policy

FAULTY = (HERE / "faulty.toml").read_text(encoding="utf-8")


def faults(text: str, **more: list[str]) -> list[str]:
    """All faults of a document; none when it is a policy."""
    try:
        read(text, TAXONOMY, **more)
    except PolicyFault as fault:
        assert str(fault) == "\n".join(fault.faults)
        return fault.faults
    return []


def test_every_fault_at_once() -> None:
    """faulty.toml has a fault in every line that ends in a message; each is answered by it."""
    expected = [line.split("#! ", 1)[1].strip() for line in FAULTY.splitlines() if "#! " in line]
    exemptible = ", ".join(c for c in TAXONOMY if TAXONOMY[c].exemptible)
    expected = [line.replace("EXEMPTIBLE", exemptible) for line in expected]
    given_faults = [fault.removeprefix("policy.toml: ") for fault in faults(FAULTY)]
    assert sorted(given_faults) == sorted(expected)
    assert len(expected) > 40


def test_not_toml() -> None:
    """What is not TOML is said with its line."""
    (fault,) = faults("[organisation\n")
    assert fault.startswith("policy.toml: ") and "line 1" in fault
    assert faults("a = 1\na = 2")


def test_an_empty_document() -> None:
    """What is required is said, key by key."""
    assert faults("") == [
        "policy.toml: organisation.name: nothing is given; name is required",
        "policy.toml: organisation.default_profile: nothing is given; default_profile is required",
        "policy.toml: profiles: there are none; at least one is required: [profiles.learners]",
    ]


def test_block_answers_are_checked_when_they_are_known() -> None:
    """The words are file names of another package, so they come as an argument."""
    text = COLLEGE.replace('title = "Staff"', 'title = "Staff"\nanswer = "nxdomian"')
    assert faults(text) == []
    assert faults(text, answers=["nodata", "nxdomain", "refused"]) == [
        'policy.toml: profiles.staff.answer: "nxdomian" is not a block answer; '
        'did you mean "nxdomain"?'
    ]


def test_what_the_college_means() -> None:
    """Defaults, ids and titles."""
    college = policy()
    assert college.organisation.timezone == "Europe/London"
    learners = college.profiles["learners"]
    assert (learners.answer, learners.safe_search, learners.youtube) == (
        "nxdomain",
        True,
        "moderate",
    )
    assert [period.name for period in learners.periods][:2] == ["lunch", "quiet lunch"]
    assert college.venues["ellesmere-port"].rooms["it-suite"].title == "IT suite"
    assert len(college.fingerprint) == 64
    assert college.fingerprint != policy("# another text").fingerprint


def test_instants() -> None:
    """Local without an offset; a date as an end includes its day; none is never."""
    college = policy(
        '[[rules]]\naction = "deny"\npattern = "a.example"\nreason = "r"\nauthor = "Kim"\n'
        "review = 2027-01-31\nexpires = 2026-07-01T12:00:00\n"
        '[[rules]]\naction = "allow"\npattern = "b.example"\nreason = "r"\n'
        "expires = 2026-07-01T12:00:00Z\n"
        '[[rules]]\naction = "allow"\npattern = "c.example"\nreason = "r"\nexpires = 2026-07-01\n'
        '[[rules]]\naction = "allow"\npattern = "d.example"\nreason = "r"\n'
        '[[exceptions]]\nsites = ["a.example"]\nwhere = "organisation"\npurpose = "p"\n'
        'approver = "a"\nfrom = 2026-07-01\nuntil = 2026-07-01\n'
    )
    assert [rule.expires for rule in college.rules] == [
        instant("2026-07-01T12:00:00+01:00"),
        instant("2026-07-01T12:00:00+00:00"),
        instant("2026-07-02T00:00:00+01:00"),
        math.inf,
    ]
    assert college.rules[0].review == date(2027, 1, 31)
    assert college.rules[0].author == "Kim"
    (exception,) = college.exceptions
    assert (exception.start, exception.until) == (
        instant("2026-07-01T00:00:00+01:00"),
        instant("2026-07-02T00:00:00+01:00"),
    )


@pytest.mark.parametrize(
    ("pattern", "octets"),
    [
        ("example.com", 13),
        ("=example.com", 13),
        ("www.example.com", 17),
        ("*.bet", 5),
        ("bet365.*", 8),
        ("*.bet365.*", 8),
        ("bücher.example", 23),
    ],
)
def test_length_of_a_pattern(pattern: str, octets: int) -> None:
    """Wire octets of what it fixes (RFC 1035 section 3.1), so that the longer name wins."""
    college = policy(f'[[rules]]\naction = "deny"\npattern = "{pattern}"\nreason = "r"\n')
    assert college.rules[0].octets == octets


def test_an_exception_for_a_category_covers_the_ones_below_it() -> None:
    """Ids of children need not be written."""
    college = policy(
        '[[exceptions]]\ncategories = ["streaming"]\nwhere = "organisation"\npurpose = "p"\n'
        'approver = "a"\nuntil = 2026-07-01\n'
    )
    assert college.exceptions[0].categories == {"streaming", *TAXONOMY.descendants("streaming")}


@pytest.mark.parametrize("category", list(TAXONOMY))
def test_what_may_be_exempted(category: str) -> None:
    """Exactly the categories that the taxonomy marks."""
    found = faults(
        f'{COLLEGE}\n[[exceptions]]\ncategories = ["{category}"]\nwhere = "organisation"\n'
        'purpose = "p"\napprover = "a"\nuntil = 2026-07-01\n'
    )
    assert bool(found) is not TAXONOMY[category].exemptible


def test_the_default_policy() -> None:
    """What filters a machine without a policy file: every private network, and strangers too."""
    default = read(default_text(), TAXONOMY, "default.toml")
    for address in ("10.1.2.3", "192.168.0.9", "172.31.0.1", "127.0.0.1", "fd00::1", "::1"):
        client = default.identify(packed(address))
        assert (client.venue, client.profile) == ("here", "learners")
        assert ask(default, client, TUESDAY_10, "a.example", "gambling").action == "block"
    assert default.identify(packed("198.51.100.1")).profile == "learners"
    assert set(default.profiles) == {"learners", "staff", "guests"}
    never = [c for c in TAXONOMY if TAXONOMY[c].action == "block" and not TAXONOMY[c].exemptible]
    for profile in default.profiles.values():
        assert not set(never) & set(profile.actions)
        assert set(profile.actions.values()) <= set(ACTIONS)


def test_overlaps_are_found_in_any_order() -> None:
    """A network inside another venue's network, however far apart they are written."""
    text = '[organisation]\nname = "O"\ndefault_profile = "p"\n[profiles.p]\n'
    places = {"a": "10.1.2.0/24", "b": "10.2.0.0/16", "c": "10.1.0.0/16", "d": "10.3.0.0/16"}
    for order in ("abcd", "dcba", "bdca"):
        written = "".join(f'[venues.{v}]\nnetworks = ["{places[v]}"]\n' for v in order)
        assert faults(text + written) == [
            "policy.toml: venues.a.networks[0]: 10.1.2.0/24 overlaps 10.1.0.0/16 of "
            "venues.c.networks[0]; allowed: networks of one venue only; of rooms that differ"
        ]
    mapped = (
        '[venues.x]\nnetworks = ["::ffff:10.9.0.0/112"]\n[venues.y]\nnetworks = ["10.9.1.0/24"]'
    )
    assert len(faults(f"{text}{mapped}\n")) == 1


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.data())
def test_nothing_but_policy_faults(data: st.DataObject) -> None:
    """Any value in any place is a policy or a PolicyFault, never another exception."""
    document = tomllib.loads(COLLEGE + EVERYTHING)
    node: object = document
    path: list[str | int] = []
    while isinstance(node, dict | list) and node and (not path or data.draw(st.booleans())):
        key = data.draw(
            st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node)))
        )
        path.append(key)
        parent, node = node, node[key]
    parent[path[-1]] = data.draw(values.filter(lambda value: value is not None))  # type: ignore[index]
    faults(written(document))


EVERYTHING = """
[[rules]]
action = "deny"
pattern = "a.example"
scope = "venue:crewe"
reason = "r"
author = "a"
review = 2027-01-01
expires = 2027-01-01T00:00:00Z

[[rules]]
action = "deny"
address = "203.0.113.0/24"
reason = "r"

[[exceptions]]
sites = ["b.example"]
categories = ["games"]
where = "device:tutor-laptop"
purpose = "p"
approver = "a"
from = 2026-01-01
until = 2027-01-01
"""


def written(value: object) -> str:
    """A document with this content, as TOML."""
    assert isinstance(value, dict)
    return "".join(f"{quoted(key)} = {inline(inner)}\n" for key, inner in value.items())


def inline(value: object) -> str:
    """A value as TOML on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case dict():
            return "{" + ", ".join(f"{quoted(k)} = {inline(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(inline(v) for v in value if v is not None) + "]"
        case None:
            return '"none"'
        case _:
            return str(value).replace(" ", "T")


def quoted(text: str) -> str:
    """A basic string; everything odd is escaped."""
    escaped = "".join(
        c if c.isalnum() and c.isascii() or c in " .:/-_*=" else f"\\U{ord(c):08x}" for c in text
    )
    return f'"{escaped}"'
