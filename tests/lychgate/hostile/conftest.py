"""A resolver and a recorder that were asked for every hostile name, with everything that tells
others switched on: a log engine by syslog, mail, a webhook, metrics with names of sites.
"""

from __future__ import annotations

import asyncio
import socketserver
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import dns.message
import dns.name
import dns.query
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner, Result

from evidence.alerts.tables import groups
from evidence.notices.tables import SENT, outbox
from evidence.store import EvidenceStore
from evidence.tables import names
from lychgate import config
from lychgate.cli import app
from lychgate.portal_serving import make_services
from policy.commands.command import Actor
from policy.commands.rules import AddRules
from policy.store import Store
from policy.types import Grant
from portal.accounts import rows
from portal.app import create_app
from tests.evidence.notices.servers import NOTICES, USER, Post, Posted, mail_server, web_server
from tests.evidence.notices.servers import PASSWORD as MAIL_PASSWORD
from tests.lychgate.hostile.material import EXTREMISM, GAMBLING, LABELS, OPEN
from tests.lychgate.running import Serving, upstream, wait_until
from tests.lychgate.test_recording import recorder
from tests.portal.test_api import token_of
from tests.portal.visitors import CHEAP, PASSWORD, Browser

PEOPLE: dict[str, dict[str, Any]] = {
    "ada": {"name": "Ada", "roles": [{"role": "administrator"}]},
    "dora": {"name": "Dora", "roles": [{"role": "safeguarding-lead"}]},
}
ADA = Actor("ada", "Ada", "portal", (Grant("administrator"),))
ENDING = "zip"
"""Everything below it is denied, so that a hostile label is a blocked site of its own."""
DEVICES = ("127.0.0.2", "127.0.0.3")
SETTINGS = """
outward.to = "syslog+tcp://127.0.0.1:{syslog}"
portal.listen = "127.0.0.1:8453"
metrics.candidate_devices_min = 2
"""


class Engine:
    """A syslog receiver on TCP that keeps every octet."""

    def __init__(self) -> None:
        self.taken = b""
        engine = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                taken = b""
                while octets := self.request.recv(65536):
                    taken += octets
                engine.taken += taken

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port: int = self.server.server_address[1]

    @contextmanager
    def listening(self) -> Iterator[Engine]:
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join(5)

    def messages(self) -> list[str]:
        """What came, counted by octets (RFC 6587)."""
        rest, found = self.taken, []
        while rest:
            size, _, rest = rest.partition(b" ")
            found.append(rest[: int(size)].decode("ascii"))
            rest = rest[int(size) :]
        return found


class Place:
    """What was asked, what was told, and a portal on what was kept."""

    def __init__(self, serving: Serving, engine: Engine, post: Post, posted: Posted) -> None:
        self.serving, self.engine, self.post, self.posted = serving, engine, post, posted
        self.configuration = config.load(serving.configuration)

    def ask(self, *labels: bytes, source: str = "127.0.0.1") -> dns.message.Message:
        """Ask for a name of any octets."""
        query = dns.message.make_query(dns.name.Name([*labels, b""]), "A")
        port = self.serving.port
        return dns.query.udp(query, "127.0.0.1", port=port, timeout=5, source=source)

    def ask_all(self) -> None:
        """Every label below a blocked site, one that matters, and an open one; and as a site."""
        wait_until(lambda: not self.ask(b"any", ENDING.encode()).answer, "the rule")
        for label in LABELS:
            for site in (GAMBLING, EXTREMISM):
                assert not self.ask(label, *site.encode().split(b".")).answer
            assert self.ask(label, *OPEN.encode().split(b".")).answer
            assert self.ask(label + b"casino", b"org").answer
            for device in DEVICES:
                assert not self.ask(label, ENDING.encode(), source=device).answer

    def run(self, *arguments: str) -> Result:
        """`lychgate`, as on a terminal."""
        given = ["-c", str(self.serving.configuration)]
        names = arguments.index("--") if "--" in arguments else len(arguments)
        return CliRunner().invoke(app, [*arguments[:names], *given, *arguments[names:]])

    @asynccontextmanager
    async def portal(self) -> AsyncIterator[Any]:
        """The services of a portal."""
        store = await Store.open(self.configuration.store_url)
        try:
            yield await make_services(self.configuration, self.configuration.portal, store)
        finally:
            await store.close()

    @asynccontextmanager
    async def visit(self, person: str) -> AsyncIterator[Browser]:
        """Somebody who is signed in."""
        async with (
            self.portal() as services,
            Browser(create_app(services), "http://127.0.0.1") as browser,
        ):
            await browser.sign_in(person)
            yield browser

    @asynccontextmanager
    async def program(self) -> AsyncIterator[Browser]:
        """A program with a token."""
        async with (
            self.portal() as services,
            Browser(create_app(services), "http://127.0.0.1") as browser,
        ):
            browser.headers["authorization"] = f"Bearer {await token_of(services)}"
            yield browser

    async def furnish(self) -> None:
        """People with accounts, and a rule, before anything is asked."""
        store = await Store.open(self.configuration.store_url, create=True)
        async with store.writing() as writing:
            for id, body in PEOPLE.items():
                await writing.put("people", id, body)
                await rows.add(writing.connection, id, CHEAP.hash(PASSWORD), time.time())
        await store.close()
        async with self.portal() as services:
            body = {"action": "deny", "pattern": f"*.{ENDING}"}
            command = AddRules([body], "No archives", override=True)
            await services.desk.perform(ADA, command, at=time.time())

    async def is_kept(self) -> bool:
        """Whether all that was asked is in the database, and people were told of alerts."""
        try:
            store = await EvidenceStore.open(self.configuration.telemetry_url)
        except Exception:
            return False
        try:
            async with store.reading() as connection:
                found = list(await connection.scalars(select(names.c.name)))
                made = await connection.scalar(select(func.count()).select_from(groups))
                sent = select(outbox.c.channel).where(outbox.c.state == SENT)
                told = set(await connection.scalars(sent))
        finally:
            await store.close()
        return all(
            sum(one.endswith(f".{end}") for one in found) >= len(LABELS)
            for end in (GAMBLING, EXTREMISM, ENDING)
        ) and (bool(made) and told == {"email", "webhook"})


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Everything was asked, is kept, and was told."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "mail.password").write_text(f"{MAIL_PASSWORD}\n")
    with ExitStack() as stack:
        engine = stack.enter_context(Engine().listening())
        post, mail, ca = stack.enter_context(mail_server(folder))
        posted, hook = stack.enter_context(web_server())
        extra = SETTINGS.format(syslog=engine.port)
        extra += NOTICES.format(mail=mail, user=USER, ca=ca, hook=hook)
        port = stack.enter_context(upstream())
        serving = stack.enter_context(Serving(folder, port, extra=extra)).ready()
        made = Place(serving, engine, post, posted)
        asyncio.run(made.furnish())
        stack.enter_context(recorder(serving))
        made.ask_all()
        wait_until(lambda: asyncio.run(made.is_kept()), "names in the database", 60)
        wait_until(
            lambda: engine.taken.count(f".{EXTREMISM}".encode()) >= len(LABELS), "told outward", 30
        )
        yield made
