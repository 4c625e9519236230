"""The portal is killed in the middle of changes: each is whole or not there, and so is the log."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx

from lychgate import config
from lychgate.portal_serving import make_services
from policy.commands.command import Actor
from policy.commands.journal import entries, verify_journal
from policy.store import Store
from policy.types import Grant
from tests.lychgate.running import REPOSITORY, free_port, wait_until

TIMES = 4
ATTEMPTS_MAX = 12
"""Until something was done and something cut short: a slow machine needs more."""
RULES_AT_ONCE = 150
"""So that writing one change takes a while."""
BODY = {"name": "Ada Admin", "roles": [{"role": "administrator"}]}


def test_a_change_is_whole_or_not_there(tmp_path: Path) -> None:
    port = free_port()
    file = tmp_path / "lychgate.toml"
    file.write_text(
        'server.state_directory = "."\nmetrics.listen = ""\n'
        f'portal.listen = "127.0.0.1:{port}"\nportal.block_page_listen = ""\n'
    )
    token = asyncio.run(_prepare(file))
    sent = done = 0
    for attempt in range(ATTEMPTS_MAX):
        if attempt >= TIMES and sent > done > 0:
            break
        answered, asked = _kill_while_asking(file, port, token, attempt)
        done += answered
        sent += asked
        there = asyncio.run(_whole(file))
        assert done <= there <= sent, "what was answered is there; what was not sent is not"
    assert done, "nothing was ever done; the test shows nothing"
    assert sent > done, "nothing was ever cut short; the test shows nothing"


async def _prepare(file: Path) -> str:
    """A store with an administrator, and a token of hers."""
    configuration = config.load(file)
    store = await Store.open(configuration.store_url, create=True)
    try:
        async with store.writing() as writing:
            await writing.put("people", "ada", BODY)
        services = await make_services(configuration, configuration.portal, store)
        now = time.time()
        return await services.visits.make_token(
            Actor("ada", "Ada Admin", "portal", (Grant("administrator"),)),
            title="test",
            scopes=("read", "rule"),
            at=now,
            expires_at=now + 3600,
        )
    finally:
        await store.close()


def _kill_while_asking(file: Path, port: int, token: str, attempt: int) -> tuple[int, int]:
    """How many changes were answered, and how many were sent."""
    with (file.parent / f"log-{attempt}").open("wb") as log:
        portal = subprocess.Popen(
            [sys.executable, "-m", "lychgate", "portal", "--config", str(file)],
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
    try:
        url = f"http://127.0.0.1:{port}"

        def shows() -> bool:
            try:
                return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
            except httpx.HTTPError:
                return False

        wait_until(shows, "the portal", 60)
        # Longer and longer, where the first change was never done.
        killer = threading.Timer(random.uniform(0.3, 1.2) * (1 + attempt // TIMES), portal.kill)
        killer.start()
        answered = asked = 0
        with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=20) as client:
            try:
                while portal.poll() is None:
                    rules = [
                        {"action": "deny", "pattern": f"n{number}-{asked}-{attempt}.example"}
                        for number in range(RULES_AT_ONCE)
                    ]
                    asked += 1
                    told = client.post(
                        f"{url}/api/rules", json={"rules": rules, "reason": f"{attempt}-{asked}"}
                    )
                    assert told.status_code in (200, 201), told.text
                    answered += 1
            except httpx.TransportError:
                pass  # killed in the middle of it
        return answered, asked
    finally:
        killer.join()
        portal.kill()
        portal.wait(10)


async def _whole(file: Path) -> int:
    """How many changes are in the store, each of which is whole and entered in the log."""
    store = await Store.open(config.load(file).store_url)
    try:
        rules = (await store.document()).raw.get("rules", [])
        found = Counter(rule["reason"] for rule in rules)
        assert set(found.values()) <= {RULES_AT_ONCE}, "a change is half done"
        async with store.reading() as connection:
            verdict = await verify_journal(connection)
            entered = [e.reason async for e in entries(connection) if e.action == "rule.add"]
        assert verdict.broken is None, verdict
        assert sorted(entered) == sorted(found), (
            "each change has its entry, and each entry a change"
        )
        return len(found)
    finally:
        await store.close()
