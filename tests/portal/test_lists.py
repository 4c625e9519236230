"""Lists in the portal: their standing, what an update would change, and decisions about them."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import subprocess
import sys
from html import unescape
from pathlib import Path

from lychgate.config import load
from lychgate.listing import Listing
from portal.app import create_app
from tests.lychgate.running import REPOSITORY
from tests.portal.test_rules import HOSTILE
from tests.portal.visitors import House, Story, tell

ID = "local:games"
NAMES = [f"game-{number}.example" for number in range(300)]


def with_lists(folder: Path, story: Story, title: str = "Our games") -> None:
    """A portal whose lists are real: one of our own, of a file that the story may change."""
    (folder / "lychgate.toml").write_text("metrics.listen = ''\n")
    (folder / "var").mkdir()
    (folder / "var/lists.toml").write_text(
        f'enabled = ["{ID}"]\n[source."{ID}"]\ntitle = "{title}"\n'
        'category = "games"\nfile = "games.txt"\nlicence = "CC0"\n'
    )
    publish(folder, NAMES)

    async def told(house: House) -> None:
        listing = Listing(load(folder / "lychgate.toml"))
        listing.refresh(at=house.clock.at)
        listing.compile(at=house.clock.at)
        house.services = dataclasses.replace(house.services, lists=listing)
        house.app = create_app(house.services)
        await story(house)

    tell(folder, told)


def publish(folder: Path, names: list[str]) -> None:
    (folder / "var/games.txt").write_text("\n".join(names) + "\n")


def refresh(folder: Path, at: float) -> None:
    """As the timer does, in another process."""
    Listing(load(folder / "lychgate.toml")).refresh(at=at, only=[ID], force=True)


def names_in_index(folder: Path) -> int:
    from categoriser.indexfile import open_index

    return len(open_index(Listing(load(folder / "lychgate.toml")).index))


def test_refresh_now_is_asked_for_and_done_by_another_process(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("ada")
        assert "Refresh now" in (await b.see("/lists")).text
        publish(tmp_path, [*NAMES, "new-game.example"])
        page = await b.submit("/lists/refresh")
        assert page.status_code == 303
        page = await b.see("/lists")
        assert "Ada Admin asked for a refresh at" in page.text and "Refresh now" not in page.text
        assert names_in_index(tmp_path) == 300, "nothing is fetched in a page"
        page = await b.submit("/lists/refresh")
        assert page.status_code == 422 and "Ada Admin asked for it already" in page.text
        assert ("list.change", "done") in [(one[1], one[3]) for one in await house.audit()]
        listing = Listing(load(tmp_path / "lychgate.toml"))
        assert listing.take_up_wish() == [ID] and listing.take_up_wish() is None
        tom = house.browser()
        await tom.sign_in("tom")
        assert "Refresh now" not in (await tom.see("/lists")).text
        assert (await tom.submit("/lists/refresh")).status_code == 403

    with_lists(tmp_path, story)


def test_the_refresh_takes_the_wish_up(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        publish(tmp_path, [*NAMES, "new-game.example"])
        house.services.lists.want_refresh("Ada Admin", house.clock.at)
        command = [sys.executable, "-m", "lychgate", "lists", "refresh", "--log", "--config"]
        run = await asyncio.to_thread(
            subprocess.run,
            [*command, str(tmp_path / "lychgate.toml")],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            timeout=60,
        )
        assert run.returncode == 0, run.stderr
        assert names_in_index(tmp_path) == 301, "though it was not due"
        assert house.services.lists.refresh_wanted() is None

    with_lists(tmp_path, story)


def test_a_held_version_is_looked_at_and_accepted(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/lists")
        assert "Our games" in page.text and "Fresh" in page.text and "300" in page.text
        publish(tmp_path, [*NAMES[:20], "new.example"])
        refresh(tmp_path, house.clock.at + 60)
        page = await b.see("/lists")
        assert "Held: needs you" in page.text
        page = await b.see(f"/lists/show?id={ID}")
        assert "An update waits for your decision" in page.text
        assert "CC0" in page.text
        page = await b.see(f"/lists/difference?id={ID}")
        text = unescape(page.text)
        assert "Entries that come: 1. Entries that go: 280." in text
        assert ">new.example</a>" in text and ">game-100.example</a>" in text
        assert "Why it is held" in text
        answer = await b.submit("/lists/decide", id=ID, act="accept", reason="")
        assert answer.status_code == 422
        assert "Say why" in answer.text
        assert 'href="#accept-reason"' in answer.text and 'id="accept-reason"' in answer.text
        assert names_in_index(tmp_path) == 300
        answer = await b.submit("/lists/decide", id=ID, act="accept", reason="Checked by hand")
        assert answer.headers["location"] == "/lists?done=lists.accept_done"
        assert names_in_index(tmp_path) == 21
        assert (await house.audit())[-1] == ("ada", "list.change", f"list:{ID}", "done")
        again = await b.submit("/lists/decide", id=ID, act="accept", reason="Twice")
        assert again.status_code == 422
        assert "no version is held" in again.text

        page = await b.see(f"/lists/show?id={ID}")
        to = page.text.split('name="to" value="')[1].split('"')[0]
        answer = await b.submit("/lists/decide", id=ID, act="rollback", to=to, reason="A mistake")
        assert answer.headers["location"] == "/lists?done=lists.rollback_done"
        assert names_in_index(tmp_path) == 300

    with_lists(tmp_path, story)


def test_enabled_and_disabled(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/lists/catalogue?category=gambling")
        assert "UT1" in page.text and "Our games" not in page.text
        await b.see(f"/lists/show?id={ID}")
        answer = await b.submit("/lists/decide", id=ID, act="disable", reason="Not needed")
        assert answer.status_code == 303
        assert names_in_index(tmp_path) == 0
        page = await b.see("/lists")
        assert "Not in use" in page.text
        answer = await b.submit("/lists/decide", id=ID, act="enable", reason="Needed")
        assert answer.status_code == 303
        assert names_in_index(tmp_path) == 300
        # A choice made elsewhere, as by the command line, is seen at once.
        chosen = tmp_path / "var/lists.toml"
        chosen.write_text(chosen.read_text().replace("Our games", "Renamed games"))
        assert "Renamed games" in (await b.see("/lists")).text

    with_lists(tmp_path, story)


def test_wrong_roles_and_lists_that_are_none(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("tom")
        page = await b.see(f"/lists/show?id={ID}")
        assert page.status_code == 200
        assert "/lists/decide" not in page.text
        for act in ("accept", "rollback", "enable", "disable"):
            answer = await b.submit("/lists/decide", id=ID, act=act, reason="Mine")
            assert answer.status_code == 403
            assert "administrator" in answer.text
        assert names_in_index(tmp_path) == 300
        ada = house.browser()
        await ada.sign_in("ada")
        for path in ("show", "difference"):
            for word in ("local:none", "../../etc", HOSTILE):
                answer = await ada.get(f"/lists/{path}", params={"id": word})
                assert answer.status_code == 404
                assert HOSTILE not in answer.text
        await ada.see("/lists")
        answer = await ada.submit("/lists/decide", id="local:none", act="enable", reason="x")
        assert answer.status_code == 404
        answer = await ada.submit("/lists/decide", id=ID, act="explode", reason="x")
        assert answer.status_code == 404
        answer = await ada.get(f"/lists/difference?id={ID}&from=../../etc/passwd")
        assert answer.status_code == 422

    with_lists(tmp_path, story)


def test_hostile_titles_are_text(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("ada")
        for path in ("/lists", "/lists/catalogue", f"/lists/show?id={ID}"):
            page = await b.see(path)
            assert HOSTILE not in page.text
            assert HOSTILE in unescape(page.text)

    with_lists(tmp_path, story, HOSTILE)


def test_lists_that_cannot_be_read(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        (tmp_path / "var/lists.toml").write_text("enabled = 17\n")
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/lists")
        assert page.status_code == 200
        assert "cannot be read now" in page.text

    with_lists(tmp_path, story)
