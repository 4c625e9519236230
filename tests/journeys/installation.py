"""A clean installation on loopback: real resolver, recorder, portal and block page, and an upstream
of our own. Nothing beyond loopback is asked.

Devices are loopback addresses. A browser that speaks to the portal or the block page always comes
from 127.0.0.1, so that is the address of the learner who uses it.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import dns.exception
import dns.message
import dns.query
import dns.rcode

from lychgate import config
from lychgate.portal_serving import make_services
from policy.commands.bundles import AddBundle
from policy.commands.command import Actor, Command
from policy.commands.devices import AddDevice
from policy.commands.essentials import AddEssential
from policy.commands.profiles import AddPeriod, ChangeProfile
from policy.commands.rooms import AddRoom
from policy.commands.rules import AddRules
from policy.commands.terms import AddTerm
from policy.commands.venues import AddVenue
from policy.store import Store
from policy.types import Grant
from portal.accounts import rows
from tests.lychgate.running import ADDRESS, REPOSITORY, free_port, upstream, wait_until
from tests.portal.visitors import CHEAP, PASSWORD

START_SECONDS_MAX: Final = 60.0
PAGE: Final = "127.0.0.80"
"""What the resolver gives out as the address of the block page."""
LEARNER: Final = "127.0.0.1"
NEIGHBOUR: Final = "127.0.0.2"
"""In another room of the same venue."""
SUSPECT: Final = "127.0.0.3"
"""The device with the attempts that matter."""
EXTREMISM: Final = ("ironmarch.org", "bloodandhonour.com", "combat18.org", "fascistforge.com")
"""Of the starter list of right-wing extremism."""
PEOPLE: Final[dict[str, dict[str, Any]]] = {
    "ada": {"name": "Ada Admin", "roles": [{"role": "administrator"}]},
    "tom": {"name": "Tom Tutor", "roles": [{"role": "tutor", "venues": ["crewe"]}]},
    "dora": {"name": "Dora Safe", "roles": [{"role": "safeguarding-lead"}]},
    "lea": {"name": "Lea Leader", "roles": [{"role": "leadership"}]},
}
HUB: Final[Sequence[Command]] = (
    ChangeProfile("learners", {"answer": "page_address"}),
    AddVenue(
        "crewe",
        {"title": "Crewe hub", "networks": ["127.0.0.0/24"], "profile": "learners"},
        "",
        "here",
    ),
    AddRoom("crewe", "it-suite", {"title": "IT suite", "networks": ["127.0.0.1/32"]}),
    AddRoom("crewe", "library", {"title": "Library", "networks": ["127.0.0.2/32"]}),
    AddDevice("pc", {"title": "IT suite 07", "addresses": ["127.0.0.7"]}),
    AddPeriod(
        "learners",
        {
            "name": "lunch",
            "days": ["sat"],
            "from": "02:00",
            "to": "02:05",
            "actions": {"games": "warn"},
        },
    ),
    AddTerm({"name": "spring", "from": "2027-01-11", "to": "2027-03-26"}),
    AddRules([{"action": "deny", "pattern": "prizes.example"}], "A scam"),
    AddEssential("learning.example", reason="Our learning platform"),
    AddBundle("learning", {"title": "Learning", "sites": ["learning.example"]}),
    AddVenue("chester", {"title": "Chester", "networks": ["127.0.1.0/24"], "profile": "learners"}),
)


class Installation:
    """One `lychgate up` in a folder of its own."""

    def __init__(self, folder: Path, upstream_port: int) -> None:
        self.folder = folder
        self.port, self.portal_port, self.block_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.portal_port}"
        self.configuration = folder / "lychgate.toml"
        self.configuration.write_text(
            f"""
            server.listen = ["127.0.0.1:{self.port}"]
            server.state_directory = "var"
            upstream.servers = ["127.0.0.1:{upstream_port}"]
            metrics.listen = "127.0.0.1:{free_port()}"
            filter.page_ipv4 = "{PAGE}"
            portal.listen = "127.0.0.1:{self.portal_port}"
            portal.public_url = "{self.url}"
            portal.block_page_listen = "127.0.0.1:{self.block_port}"
            """
        )
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lychgate", "up"],
                cwd=folder,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            )

    def ready(self) -> Installation:
        """Wait until names are answered and pages are shown."""
        wait_until(self._answers, f"an answer; {self.log}", START_SECONDS_MAX)
        wait_until(self._shows, f"a page; {self.log}", START_SECONDS_MAX)
        return self

    def set_up_link(self) -> str:
        """The link that the portal prints while nobody has an account."""
        found = wait_until(
            lambda: re.search(rf"{self.url}/link/\S+", self.log.read_text()), "the link", 30.0
        )
        return str(found[0])

    def ask(self, name: str, source: str = LEARNER) -> str:
        """What a device is told about a name: its address, or the word of the refusal."""
        query = dns.message.make_query(name, "A")
        reply = dns.query.udp(query, "127.0.0.1", port=self.port, timeout=5, source=source)
        if not reply.answer:
            return dns.rcode.to_text(reply.rcode())
        return str(reply.answer[-1][0])

    def opens(self, name: str, source: str = LEARNER) -> bool:
        """Whether a device gets the true address."""
        return self.ask(name, source) == ADDRESS

    def attempt(self) -> None:
        """One device asks for extremist sites, again and again: that makes an alert."""
        for _ in range(10):
            for name in EXTREMISM:
                assert not self.opens(name, SUSPECT)

    def close(self) -> None:
        """End all of it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)

    def furnish(self) -> None:
        """Two venues and four people, in the place of an administrator's first hour."""
        with ThreadPoolExecutor(1) as aside:  # Playwright keeps a loop running on this thread
            aside.submit(asyncio.run, self._furnish()).result(START_SECONDS_MAX)
        wait_until(
            lambda: self.ask("www.bet365.com") == PAGE, "the policy of the hub", START_SECONDS_MAX
        )

    async def _furnish(self) -> None:
        configuration = config.load(self.configuration)
        store = await Store.open(configuration.store_url)
        actor = Actor("ada", "Ada Admin", "portal", (Grant("administrator"),))
        try:
            services = await make_services(configuration, configuration.portal, store)
            for command in HUB:
                await services.desk.perform(actor, command, at=time.time())
            async with store.writing() as writing:
                for id, body in PEOPLE.items():
                    await writing.put("people", id, body)
                    if id != "tom":  # he gets a link
                        await rows.add(writing.connection, id, CHEAP.hash(PASSWORD), time.time())
        finally:
            await store.close()

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.ask("www.bet365.com"))
        except (dns.exception.Timeout, OSError):
            return False

    def _shows(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as page:
                return bool(page.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def installed(folder: Path) -> Iterator[Installation]:
    """A clean one, ready."""
    with upstream() as port:
        made = Installation(folder, port)
        try:
            yield made.ready()
            assert "Traceback" not in made.log.read_text(), made.log.read_text()
        finally:
            made.close()


def seconds_until(holds: Callable[[], bool], what: str) -> float:
    """How long it took until it held."""
    began = time.monotonic()
    wait_until(lambda: holds(), what)
    return time.monotonic() - began
