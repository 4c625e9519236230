"""When the portal has warmed up, nobody waits for a template or for the policy to be built."""

from __future__ import annotations

from pathlib import Path

from lychgate.warming import warm
from portal.rendering import Rendering
from portal.standing_policy import standing
from tests.portal.visitors import House, tell


def test_everything_is_there_before_the_first_page(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        rendering: Rendering = house.app.state.rendering
        environment = rendering._environment
        assert environment.cache is not None
        assert not environment.cache.keys() and not house.services.kept
        await warm(house.app, house.services)
        names = environment.list_templates()
        assert len(names) > 100 and len(environment.cache.keys()) == len(names)
        built = await standing(house.services)
        assert await standing(house.services) is built
        browser = house.browser()
        await browser.sign_in("ada")
        assert (await browser.see("/venues")).status_code == 200
        assert len(environment.cache.keys()) == len(names), "nothing had to be compiled"

    tell(tmp_path, story)
