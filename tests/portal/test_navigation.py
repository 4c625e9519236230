"""The navigation: few entries, whatever somebody may do, and a row of its own for the open one."""

from __future__ import annotations

import re
from pathlib import Path

from portal.rendering import GROUPS, Area, navigation
from portal.words import texts
from tests.portal.visitors import House, tell

WHY = Area("/why", "why.navigation", 10, group="sites")
RULES = Area("/rules", "rules.navigation", 20, group="sites")
AUDIT = Area("/audit", "audit.navigation", 90, group="setup")
HOME = Area("/", "overview.navigation", 0)


def test_areas_of_a_group_share_an_entry() -> None:
    home, sites, audit = navigation([HOME, WHY, RULES, AUDIT], "/rules/review")
    assert (home.path, home.active) == ("/", False)
    assert (sites.title, sites.path, sites.active) == ("site.group_sites", "/why", True)
    assert [(area.path, here) for area, here in sites.areas] == [("/why", False), ("/rules", True)]
    # Alone in its group, an area has its own name.
    assert (audit.title, audit.path, audit.areas) == ("audit.navigation", "/audit", ())


def test_a_path_that_only_begins_alike_is_not_inside() -> None:
    assert not RULES.covers("/rules-of-others") and RULES.covers("/rules/add")
    assert HOME.covers("/") and not HOME.covers("/rules")


def test_every_group_has_a_word() -> None:
    assert set(GROUPS.values()) <= texts().keys()


def test_nobody_meets_a_wall_of_words(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for person in ("ada", "tom", "lea"):
            browser = house.browser()
            await browser.sign_in(person)
            page = (await browser.see("/rules")).text
            entries = re.findall(r'class="govuk-service-navigation__link"', page)
            assert 2 <= len(entries) <= 1 + len(GROUPS), person
            row = page.partition('class="lychgate-subnavigation"')[2].partition("</nav>")[0]
            assert 'href="/rules" aria-current="page"' in row

    tell(tmp_path, story)
