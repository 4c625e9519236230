"""`lychgate portal`: from a configuration to running pages and an exit status.

The portal's own composition root: what it may not import (why a name is blocked, how the lists and
the resolver do) is made into functions here.
"""

from __future__ import annotations

import asyncio
import math
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import uvicorn
from prometheus_client.parser import text_string_to_metric_families

from lychgate.archiving import ArchiveFault
from lychgate.archiving.migrating import MigrationFault, migrate
from lychgate.block_page_serving import serve_block_page
from lychgate.collecting import collecting_quietly
from lychgate.config import Configuration
from lychgate.faults import ConfigurationFault
from lychgate.heartbeat import Heart
from lychgate.inheriting import PORTAL, InheritFault, bind_of, take_sockets
from lychgate.kinds import write_bind
from lychgate.listing import Listing
from lychgate.live_explaining import Explaining
from lychgate.notice_settings import alert_settings, notice_settings
from lychgate.notifying import Notifier
from lychgate.office import Office
from lychgate.openid_settings import openid_settings
from lychgate.portal_figures import writing_figures
from lychgate.portal_listening import Punctual
from lychgate.portal_settings import Portal
from lychgate.probing import probe_http
from lychgate.selfchecking.checking import Checking
from lychgate.serving import BAD_INPUT, DONE, prepare_state
from lychgate.suggestions import ReviewQueue
from lychgate.telemetry_store import evidence_of
from lychgate.warming import warming
from policy.commands.desk import Desk
from policy.store import Store, StoreFault
from portal.accounts.accounts import Accounts
from portal.accounts.sessions import SessionRules
from portal.accounts.visits import Visits
from portal.app import create_app
from portal.measuring import Measuring
from portal.openid.arrivals import Arrivals
from portal.openid.provider import Provider
from portal.rendering import STATIC_FOLDER
from portal.services import Health, PortalSettings, Services
from resolver.answers import KINDS
from resolver.listeners import Bind

REQUESTS_MAX: Final = 200
"""Requests served at a time; more are told to come again (503)."""
BACKLOG_MAX: Final = 256
KEEP_ALIVE_SECONDS: Final = 15
STOP_SECONDS_MAX: Final = 5
HEAD_OCTETS_MAX: Final = 32_768
"""Of the head of a request."""
WRONG_SECONDS: Final = 0.6
"""No wrong password is answered sooner: hashing one takes less."""
UPSTREAM_UP: Final = "lychgate_upstream_up"
UPSTREAMS_SECONDS: Final = 30.0
"""How old what is known of upstreams may be: a large organisation's page of metrics is work."""
HEALTH_SECONDS_MAX: Final = 1.0
"""A resolver that has not said how it does after that counts as silent."""
HEALTH_LINES_MAX: Final = 20
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def serve_portal(configuration: Configuration, settings: Portal) -> int:
    """Serve the pages until SIGTERM or SIGINT; the exit status."""
    if not (STATIC_FOLDER / "lychgate.css").exists():
        return _refuse(f"{STATIC_FOLDER}: style sheets are missing; run `make assets`")
    notifier = Notifier.take()
    try:
        handed = take_sockets()
        prepare_state(configuration)
        # An older store is brought to this version with an archive made first, and a way back.
        migrate(configuration, at=time.time())
        with handed[PORTAL][0] if PORTAL in handed else _listen(settings.listen) as listening:
            asyncio.run(_serve(configuration, settings, listening, notifier, handed))
    except ConfigurationFault as fault:
        return _refuse(*fault.faults)
    except (StoreFault, InheritFault, MigrationFault, ArchiveFault) as fault:
        return _refuse(str(fault))
    except OSError as fault:
        where = write_bind(settings.listen)
        return _refuse(f"portal.listen: {where}: {fault.strerror}; use an address that is free")
    return DONE


async def make_services(configuration: Configuration, settings: Portal, store: Store) -> Services:
    """What the pages need, on an open store."""
    office = Office(configuration)
    # The same knowledge of names as the command line has.
    desk = Desk(store, office.taxonomy, tuple(KINDS), office.knowledge)
    rules = SessionRules(settings.session_idle_minutes * 60.0, settings.session_hours * 3600.0)
    folder = Path() if configuration.file is None else configuration.file.parent
    openid = openid_settings(settings.openid, folder)
    explaining = Explaining(configuration)
    evidence = evidence_of(configuration)
    return Services(
        store=store,
        desk=desk,
        taxonomy=office.taxonomy,
        accounts=Accounts(store, desk, rules=rules, wrong_seconds=WRONG_SECONDS),
        visits=Visits(store, rules),
        clock=time.time,
        explain=explaining,
        lists=Listing(configuration),
        health=Resolver(configuration.metrics.listen).health,
        settings=PortalSettings(
            settings.public_url,
            settings.second_factor_required,
            settings.local_accounts,
            settings.host_names,
        ),
        openid=None if openid is None else Provider(openid),
        arrivals=None if openid is None else Arrivals(store, desk, openid),
        suggestions=lambda: ReviewQueue(configuration, explaining.index),
        alert_settings=alert_settings(configuration.alerts),
        notice_settings=notice_settings(configuration.notices, folder, settings.public_url),
        evidence=evidence,
        checks=Checking(configuration, explaining.ground, evidence, time.time),
    )


class Resolver:
    """The resolver's own word on how it does, from its `/readyz` and `/metrics`."""

    def __init__(self, bind: Bind | None) -> None:
        self._url: str | None = None
        if bind is not None:
            host = _EVERYWHERE.get(bind.host, bind.host)
            self._url = f"http://{write_bind(Bind(host, bind.port))}"
        self._upstreams: dict[str, bool] = {}
        self._upstreams_until = -math.inf

    async def health(self) -> Health:
        """How it does now; never raises."""
        if self._url is None:
            return Health("unknown")
        try:
            async with httpx.AsyncClient(timeout=HEALTH_SECONDS_MAX, trust_env=False) as client:
                answer = await client.get(f"{self._url}/readyz")
                await self._look_at_upstreams(client)
        except httpx.HTTPError:
            return Health("silent")
        problems = tuple(answer.text.splitlines()[2:HEALTH_LINES_MAX])
        up = self._upstreams
        return Health(
            "ready" if answer.status_code == 200 else "not ready",
            problems,
            len(up),
            tuple(sorted(name for name, answers in up.items() if not answers)),
        )

    async def _look_at_upstreams(self, client: httpx.AsyncClient) -> None:
        if time.monotonic() < self._upstreams_until:
            return
        self._upstreams_until = time.monotonic() + UPSTREAMS_SECONDS
        with suppress(httpx.HTTPError):  # It is ready, and slow to count: that is no silence.
            self._upstreams = _upstreams((await client.get(f"{self._url}/metrics")).text)


def _upstreams(metrics: str) -> dict[str, bool]:
    """Whether each upstream answers, whatever it is asked for."""
    # The page has thousands of lines, and only these are read.
    lines = [line for line in metrics.splitlines() if line.startswith(UPSTREAM_UP + "{")]
    found: dict[str, bool] = {}
    for family in text_string_to_metric_families("\n".join([*lines, ""])):
        for sample in family.samples:
            name = sample.labels.get("upstream", "")
            found[name] = found.get(name, True) and sample.value > 0
    return found


async def _serve(
    configuration: Configuration,
    settings: Portal,
    listening: socket.socket,
    notifier: Notifier,
    handed: Mapping[str, Sequence[socket.socket]],
) -> None:
    store = await Store.open(configuration.store_url, create=True)
    try:
        for warning in Office(configuration).warnings:
            sys.stderr.write(f"{warning}\n")
        services = await make_services(configuration, settings, store)
        await _greet(services, settings, listening)
        app = create_app(services)
        measured = Measuring(app, time.monotonic)
        config = uvicorn.Config(
            measured,
            access_log=False,  # addresses of people, and links, belong in no log
            log_level="error",  # a request that cannot be read is worth no line
            http=Punctual,
            h11_max_incomplete_event_size=HEAD_OCTETS_MAX,
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=REQUESTS_MAX,
            backlog=BACKLOG_MAX,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS_MAX,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
        )
        where = bind_of(listening)
        heart = Heart(
            notifier,
            lambda: probe_http(where, "/healthz"),
            lambda: f"showing pages at {settings.public_url or f'http://{write_bind(where)}'}",
        )
        heart.start()  # It waits for the first page, and tells then.
        try:
            async with (
                serve_block_page(services, configuration, handed),
                collecting_quietly(),
                warming(app, services),
                writing_figures(measured, services, configuration.state_directory),
            ):
                await _Server(config).serve(sockets=[listening])
        finally:
            heart.stop()
            if services.evidence is not None:
                await services.evidence.close()
    finally:
        await store.close()


async def _greet(services: Services, settings: Portal, listening: socket.socket) -> None:
    """Say where the pages are, and the set-up link while nobody has an account.

    The link goes to standard output and not to the log: whoever has it becomes administrator.
    """
    host, port = listening.getsockname()[:2]
    address = settings.public_url or f"http://{write_bind(Bind(host, port))}"
    sys.stdout.write(f"The portal is at {address}\n")
    secret = await services.accounts.set_up_link(services.clock())
    if secret is not None:
        sys.stdout.write(
            "Nobody has an account yet. Set yours up, within 24 hours and once:\n"
            f"  {address}/link/{secret}\n"
        )
    sys.stdout.flush()


def _listen(bind: Bind) -> socket.socket:
    """A listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    return socket.create_server((bind.host, bind.port), family=family, backlog=BACKLOG_MAX)


class _Server(uvicorn.Server):
    """Ends quietly at a signal: uvicorn would raise it once more, and the store stay open."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


def _refuse(*faults: str) -> int:
    for line in faults:
        sys.stderr.write(f"{line}\n")
    return BAD_INPUT
