"""What the portal counts of itself: kinds of pages, never what somebody typed; who is signed in."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry, generate_latest

from lychgate.figure_metrics import FigureCollector
from lychgate.portal_figures import write_portal_figures, writing_figures
from portal.app import create_app
from portal.measuring import Measuring
from tests.portal.visitors import House, tell


def scraped(folder: Path, at: float) -> str:
    """What Prometheus is told."""
    registry = CollectorRegistry()
    registry.register(FigureCollector(folder, lambda: at))
    return generate_latest(registry).decode()


def measured_of(house: House) -> Measuring:
    """The portal, counted as `lychgate portal` does it."""
    return Measuring(create_app(house.services), time.monotonic)


def test_requests_are_counted_by_kind_and_status(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        measured = measured_of(house)
        transport = httpx.ASGITransport(app=measured, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as visitor:
            assert (await visitor.get("/sign-in")).status_code == 200
            assert (await visitor.get("/requests")).status_code == 303
            for odd in ("/a-learners-name", "/x%22%7D%0Afake%201", "/%00", "//sign-in"):
                await visitor.get(odd)
        await write_portal_figures(measured, house.services, tmp_path)
        text = scraped(tmp_path, house.services.clock())
        assert 'lychgate_portal_requests_total{kind="sign-in",status="2xx"} 1.0' in text
        assert 'lychgate_portal_requests_total{kind="requests",status="3xx"} 1.0' in text
        assert 'kind="other",status="4xx"' in text
        assert "learners" not in text and "fake" not in text
        assert "lychgate_portal_seconds_count 6.0" in text

    tell(tmp_path, story)


def test_sessions_are_those_that_are_not_over(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        measured = measured_of(house)
        await write_portal_figures(measured, house.services, tmp_path)
        assert "lychgate_portal_sessions 0.0" in scraped(tmp_path, house.services.clock())
        await house.browser().sign_in("ada")
        await write_portal_figures(measured, house.services, tmp_path)
        assert "lychgate_portal_sessions 1.0" in scraped(tmp_path, house.services.clock())

    tell(tmp_path, story)


def test_it_is_written_again_and_again_and_ends(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        before = asyncio.all_tasks()
        async with writing_figures(measured_of(house), house.services, tmp_path, 0.01):
            for _ in range(500):
                if (tmp_path / "portal-figures.json").exists():
                    break
                await asyncio.sleep(0.01)
        assert (tmp_path / "portal-figures.json").exists()
        assert asyncio.all_tasks() == before

    tell(tmp_path, story)


def test_a_folder_that_cannot_be_written_disturbs_nobody(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with writing_figures(
            measured_of(house), house.services, tmp_path / "not" / "there", 0.01
        ):
            await asyncio.sleep(0.1)

    tell(tmp_path, story)
