"""The block page's listening addresses, beside the pages of `lychgate portal`.

Everybody may ask here, and for every name there is: each connection is one request, ends soon, and
no address has many of them at a time.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn

from categoriser.names import to_text
from lychgate.block_page_tls import Handshakes
from lychgate.config import Configuration
from lychgate.faults import ConfigurationFault
from lychgate.inheriting import BLOCK_PAGE, BLOCK_PAGE_TLS
from lychgate.kinds import write_bind
from lychgate.portal_listening import Punctual
from lychgate.portal_settings import Portal
from portal.block_page.app import BlockPage, BlockPageSettings
from portal.limiting import network_of
from portal.services import Services
from resolver.listeners import Bind

CONNECTIONS_MAX: Final = 300
"""Connections at a time; whoever comes beyond them is told to come again (503)."""
CONNECTIONS_OF_ONE_MAX: Final = 100
"""Of one address, behind which a whole venue may be: a page is three requests."""
CONNECTION_SECONDS_MAX: Final = 30.0
"""No connection is open for longer, whatever it does."""
HEAD_OCTETS_MAX: Final = 16_384
"""Of the head of a request."""
BACKLOG_MAX: Final = 256
STOP_SECONDS_MAX: Final = 2


@asynccontextmanager
async def serve_block_page(
    services: Services,
    configuration: Configuration,
    handed: Mapping[str, Sequence[socket.socket]],
) -> AsyncIterator[None]:
    """Serve the page while the portal serves its own; nothing where no address is set.

    `handed` are sockets of the service manager, by name. Raises `ConfigurationFault`.
    """
    settings = configuration.portal
    plain = _sockets(handed, BLOCK_PAGE, settings.block_page_listen, "portal.block_page_listen")
    secure = _sockets(
        handed, BLOCK_PAGE_TLS, settings.block_page_tls_listen, "portal.block_page_tls_listen"
    )
    if not plain and not secure:
        yield
        return
    config = _config(services, configuration, settings)
    server = _Beside(config)
    task = asyncio.create_task(server.serve(sockets=plain)) if plain else None
    handshakes: Handshakes | None = None
    try:
        if secure:
            handshakes = Handshakes.open(configuration, services, config, server.server_state)
            handshakes.listen(secure)
        yield
    finally:
        if handshakes is not None:
            await handshakes.close()
        server.should_exit = True
        if task is not None:
            await task


def _config(services: Services, configuration: Configuration, settings: Portal) -> uvicorn.Config:
    page = BlockPage(
        services,
        BlockPageSettings(
            name=to_text(settings.block_page_name),
            ttl_seconds=configuration.filter.block_ttl_seconds,
            portal_url=settings.public_url,
        ),
    )
    config = uvicorn.Config(
        page,
        access_log=False,
        log_level="error",
        http=Bounded,
        h11_max_incomplete_event_size=HEAD_OCTETS_MAX,
        server_header=False,
        lifespan="off",
        ws="none",
        limit_concurrency=CONNECTIONS_MAX,
        backlog=BACKLOG_MAX,
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
    )
    config.load()
    return config


class Bounded(Punctual):
    """HTTP for everybody: so many connections of one address, and each for so long."""

    of_one_max: int = CONNECTIONS_OF_ONE_MAX
    seconds_max: float = CONNECTION_SECONDS_MAX
    open_by_network: Counter[str] = Counter()
    _network: str = ""
    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, or close it."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._network = network_of(str(peer[0])) if peer else ""
        self.open_by_network[self._network] += 1
        if self.open_by_network[self._network] > self.of_one_max:
            transport.close()
        self._end = self.loop.call_later(self.seconds_max, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        if self._end is not None:
            self._end.cancel()
        self.open_by_network[self._network] -= 1
        if self.open_by_network[self._network] <= 0:
            del self.open_by_network[self._network]
        super().connection_lost(exc)


class _Beside(uvicorn.Server):
    """Ends when the portal's server does: signals are that one's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _sockets(
    handed: Mapping[str, Sequence[socket.socket]], name: str, bind: Bind | None, setting: str
) -> list[socket.socket]:
    """The sockets that were handed over, else one of our own, else none."""
    if handed.get(name):
        return list(handed[name])
    if bind is None:
        return []
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    more: dict[str, Any] = {"family": family, "backlog": BACKLOG_MAX}
    try:
        return [socket.create_server((bind.host, bind.port), **more)]
    except OSError as fault:
        where = write_bind(bind)
        raise ConfigurationFault(
            [
                f"{setting}: {where}: {fault.strerror}; use an address that is free, and for ports "
                "below 1024 the systemd socket or CAP_NET_BIND_SERVICE"
            ]
        ) from None
