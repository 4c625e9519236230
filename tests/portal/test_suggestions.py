"""Suggestions: shown with their evidence, dismissed with an entry in the log, let back, denied."""

from __future__ import annotations

import dataclasses
import json
from html import unescape
from pathlib import Path

from lychgate.config import load
from lychgate.live_explaining import Explaining
from lychgate.suggestions import ReviewQueue
from portal.app import create_app
from tests.portal.visitors import House, Story, tell

DAY = 20_778
"""21 November 2026, in days since 1970."""


def asked(folder: Path, story: Story, **names: int) -> None:
    """A portal with the real review queue, in which these names were asked for."""
    (folder / "lychgate.toml").write_text('server.state_directory = "."\n')
    configuration = load(folder / "lychgate.toml")
    assert configuration.asked_directory is not None
    configuration.asked_directory.mkdir(parents=True)
    counted = {name.replace("_", "-") + ".com": [n, DAY, DAY] for name, n in names.items()}
    (configuration.asked_directory / "1.json").write_text(
        json.dumps({"version": 1, "names": counted})
    )

    async def told(house: House) -> None:
        explaining = Explaining(configuration, house.clock)
        house.services = dataclasses.replace(
            house.services,
            suggestions=lambda: ReviewQueue(configuration, explaining.index),
        )
        house.app = create_app(house.services)
        try:
            await story(house)
        finally:
            explaining.close()

    tell(folder, told)


def test_dismissed_and_let_back(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/rules/suggestions")
        text = unescape(page.text)
        assert "lucky-casino.com" in text and "garden-shed.com" not in text
        assert "word “casino”" in text and "% likely" in text and "Gambling" in text
        assert "/rules/add?action=deny&names=lucky-casino.com" in text
        answer = await b.submit(
            "/rules/suggestions", act="dismiss", name="lucky-casino.com", reason="<b>a pub</b>"
        )
        assert answer.headers["location"] == "/rules/suggestions?done=suggestions.dismiss_done"
        assert (await house.audit())[-1] == (
            "ada",
            "list.change",
            "suggestion:lucky-casino.com",
            "done",
        )
        page = await b.see("/rules/suggestions")
        assert "Nothing is suggested now." in page.text
        assert "<b>a pub</b>" not in page.text and "<b>a pub</b>" in unescape(page.text)
        await b.submit("/rules/suggestions", act="undismiss", name="lucky-casino.com")
        page = await b.see("/rules/suggestions")
        assert "Nothing is suggested now." not in page.text

    asked(tmp_path, story, lucky_casino=40, garden_shed=90)


def test_faults_and_wrong_roles(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("ada")
        await b.see("/rules/suggestions")
        before = len(await house.audit())
        for name in ("com", "a..b", "<script>alert(1)</script>"):
            page = await b.submit("/rules/suggestions", act="dismiss", name=name)
            assert page.status_code == 422, name
            assert "<script>alert" not in page.text
        page = await b.submit("/rules/suggestions", act="undismiss", name="never.example")
        assert "is not dismissed" in unescape(page.text)
        assert len(await house.audit()) == before  # what failed is not entered
        tutor = house.browser()
        await tutor.sign_in("tom")
        page = await tutor.see("/rules/suggestions")
        assert "lucky-casino.com" in page.text and "Dismiss<" not in page.text
        page = await tutor.submit("/rules/suggestions", act="dismiss", name="lucky-casino.com")
        assert page.status_code == 403

    asked(tmp_path, story, lucky_casino=40)


def test_without_a_queue(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("ada")
        assert "Names are not counted here" in (await b.see("/rules/suggestions")).text

    tell(tmp_path, story)
