"""The first page: how the resolver's upstreams do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from portal.services import Health
from tests.portal.visitors import House, tell


async def _first_page(made: House, health: Health) -> str:
    async def say() -> Health:
        return health

    browser = House(replace(made.services, health=say), made.clock).browser()
    await browser.sign_in("ada")
    return (await browser.see("/")).text


def test_upstreams_and_those_that_do_not_answer(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        assert "Upstream resolvers" not in await _first_page(made, Health("silent"))
        good = await _first_page(made, Health("ready", upstreams=2))
        assert "2 of 2 answer" in good and "No answer lately" not in good
        resting = Health("ready", upstreams=2, resting=("tls://<b>.example",))
        bad = await _first_page(made, resting)
        assert "1 of 2 answer" in bad and "No answer lately:" in bad
        assert "tls://&lt;b&gt;.example" in bad

    tell(tmp_path, story)
