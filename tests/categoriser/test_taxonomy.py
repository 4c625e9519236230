"""The taxonomy that ships, and how a wrong one is refused."""

from __future__ import annotations

import pytest

from categoriser import taxonomy
from categoriser.taxonomy import TaxonomyFault, load, parse

NEVER_EXEMPTIBLE = [
    "adult",
    "gambling",
    "payday",
    "extremism",
    "extremism-right-wing",
    "extremism-religious",
    "extremism-animal-rights",
    "extremism-other",
    "illegal-abuse",
    "illegal-terrorism",
    "self-harm",
    "violence-hate",
    "drugs",
    "malware",
    "scams",
    "hacking",
    "circumvention",
    "circumvention-doh",
    "circumvention-vpn",
    "circumvention-proxy",
    "circumvention-relay",
]

ENTRY = """
[[category]]
id = "{id}"
title = "A"
description = "B"
group = "content"
action = "block"
exemptible = false
locked = false
safeguarding = "none"
ede = 15
help = []
{more}
"""


def test_every_need_has_its_category() -> None:
    """DESIGN section 2, N1 to N4 and N12."""
    needed = [
        "gambling",
        "payday",
        "adult",
        "extremism",
        "extremism-right-wing",
        "extremism-religious",
        "extremism-animal-rights",
        "extremism-other",
        "violence-hate",
        "self-harm",
        "drugs",
        "weapons",
        "hacking",
        "piracy",
        "malware",
        "scams",
        "illegal-abuse",
        "illegal-terrorism",
        "social-media",
        "chat",
        "dating",
        "circumvention",
        "circumvention-doh",
        "circumvention-vpn",
        "circumvention-proxy",
        "circumvention-relay",
        "streaming",
        "games",
        "shopping",
        "banking",
        "url-shorteners",
        "remote-access",
        "essential",
    ]
    assert set(load()) == set(needed)


@pytest.mark.parametrize("category", NEVER_EXEMPTIBLE)
def test_dangerous_categories_are_never_exemptible(category: str) -> None:
    assert not load()[category].exemptible
    assert load()[category].action == "block"


def test_what_a_tutor_may_approve() -> None:
    exemptible = {key for key, category in load().items() if category.exemptible}
    assert exemptible == {
        "social-media",
        "chat",
        "streaming",
        "games",
        "shopping",
        "banking",
        "url-shorteners",
        "remote-access",
    }


def test_only_illegal_material_is_locked_and_censored() -> None:
    categories = load()
    locked = {key for key, category in categories.items() if category.locked}
    assert locked == {"illegal-abuse", "illegal-terrorism"}
    assert {
        key for key, category in categories.items() if category.ede == taxonomy.EDE_CENSORED
    } == locked


def test_descriptions_are_one_plain_sentence_or_two() -> None:
    for category in load().values():
        assert category.description.endswith("."), category.id
        assert len(category.description) <= 130, category.id
        assert "\n" not in category.description


def test_family() -> None:
    categories = load()
    assert len(categories.descendants("extremism")) == 4
    assert categories.ancestors("circumvention-vpn") == ("circumvention",)
    assert categories.descendants("gambling") == categories.ancestors("gambling") == ()


def test_nearest() -> None:
    assert "gambling" in load().nearest("gambing")
    assert "social-media" in load().nearest("social")
    assert load().nearest("zzzz") == ()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('colour = "red"', "colour is unknown"),
        ('parent = "nobody"', "parent 'nobody'"),
        ('parent = "a"', "its own ancestor"),
        ("essential = true", "essential"),
        ("essential = 1", "a bool is needed"),
    ],
)
def test_refuses_a_wrong_entry(more: str, says: str) -> None:
    with pytest.raises(TaxonomyFault, match=says):
        parse(ENTRY.format(id="a", more=more))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"block"', '"stop"', "allowed are block, warn, monitor, allow"),
        ("ede = 15", "ede = 17", "allowed are 15 and 16"),
        ("locked = false", 'locked = "no"', "a bool is needed"),
        ('title = "A"', "", "title is missing"),
        ("help = []", 'help = [{ title = "x", url = "http://x" }]', "allowed are https"),
        ("help = []", 'help = ["x"]', "each link has a title and a url"),
        ("exemptible = false\nlocked = false", "exemptible = true\nlocked = true", "locked"),
    ],
)
def test_refuses_a_wrong_value(old: str, new: str, says: str) -> None:
    with pytest.raises(TaxonomyFault, match=says):
        parse(ENTRY.format(id="a", more="").replace(old, new))


def test_all_faults_come_at_once() -> None:
    text = ENTRY.format(id="a", more="x = 1") + ENTRY.format(id="b", more="y = 1") + "[other]\n"
    with pytest.raises(TaxonomyFault) as caught:
        parse(text)
    assert len(caught.value.faults) == 3
    with pytest.raises(TaxonomyFault, match="given twice"):
        parse(ENTRY.format(id="a", more="") * 2)
    with pytest.raises(TaxonomyFault, match="TOML"):
        parse("[[")
