"""Mail and webhook that are down while something has to be told: a real resolver and recorder go
on, people see it, and are told once it is mended.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

from lychgate.config import load
from lychgate.portal_serving import make_services
from policy.store import Store
from portal.accounts import rows
from portal.app import create_app
from tests.evidence.notices.servers import NOTICES, USER, certificate, mail_server, web_server
from tests.evidence.notices.servers import (
    PASSWORD as MAIL_PASSWORD,
)
from tests.lychgate.running import Serving, free_port, upstream, wait_until
from tests.lychgate.test_recording import recorder
from tests.portal.visitors import CHEAP, PASSWORD, Browser

SITE = "ironmarch.org"


def states(serving: Serving) -> dict[tuple[str, str], float]:
    """How many notices stand how, by channel and state, as Prometheus reads it."""
    text = serving.page("/metrics")[1]
    found = re.findall(r'(?m)^lychgate_notices\{channel="(\w+)",state="(\w+)"\} (\S+)$', text)
    return {(channel, state): float(number) for channel, state, number in found}


def notices_page(serving: Serving) -> str:
    """*Notices and rules* as an administrator sees it, with runs of white space as one."""

    async def look() -> str:
        configuration = load(serving.configuration)
        store = await Store.open(configuration.store_url, create=True)
        try:
            async with store.writing() as writing:
                if not await rows.find(writing.connection, "ada"):
                    roles = [{"role": "administrator"}]
                    await writing.put("people", "ada", {"name": "Ada", "roles": roles})
                    await rows.add(writing.connection, "ada", CHEAP.hash(PASSWORD), 1.0)
            services = await make_services(configuration, configuration.portal, store)
            async with Browser(create_app(services), "http://127.0.0.1") as browser:
                await browser.sign_in("ada")
                return re.sub(r"\s+", " ", (await browser.see("/alerts/notices")).text)
        finally:
            await store.close()

    return asyncio.run(look())


def test_mail_and_webhook_are_down_and_come_back(tmp_path: Path) -> None:
    (tmp_path / "mail.password").write_text(f"{MAIL_PASSWORD}\n")
    certificate(tmp_path)
    mail = free_port()
    with web_server() as (posted, hook), upstream() as port:
        posted.status = 503
        extra = NOTICES.format(mail=mail, user=USER, ca="mail.pem", hook=hook)
        with Serving(tmp_path, port, extra=extra).ready() as serving, recorder(serving):
            for number in range(12):
                assert not serving.ask(f"n{number}.{SITE}", seconds=2.0).answer
            wait_until(lambda: len(posted.bodies) >= 2, "tried again", 60)
            waiting = {("email", "waiting"), ("webhook", "waiting")}
            wait_until(lambda: waiting <= states(serving).keys(), "shown as waiting", 60)
            page = notices_page(serving)
            assert "0 sent, 2 waiting, 0 given up" in page
            assert "503" in page and "127.0.0.1" in page, "what is wrong, with each"
            assert not serving.ask(f"later.{SITE}", seconds=2.0).answer, "answers go on"
            posted.status = 204
            with mail_server(tmp_path, mail) as (post, _, _):
                wait_until(lambda: post.mails, "the mail", 90)
                sent = {("email", "sent"), ("webhook", "sent")}
                wait_until(lambda: sent <= states(serving).keys(), "shown as sent", 60)
            assert "2 sent, 0 waiting, 0 given up" in notices_page(serving)
    assert len(post.mails) == 1
    assert post.mails[0]["Subject"].startswith("1 new safeguarding alert")
    bodies = [json.loads(body) for body in posted.bodies]
    assert len({body["id"] for body in bodies}) == 1, "who takes it twice can tell"
    assert not any(SITE in str(body) for body in bodies)
