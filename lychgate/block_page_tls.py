"""The block page by HTTPS, for devices that trust the organisation's own root.

A certificate is made only for a name that is blocked for the very client that asks, now; essentials
and all other names are refused in the handshake. To know both before TLS begins, the name is read
from the client's first message while it still lies in the socket; TLS then begins anew with it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import uvicorn

from categoriser.names import to_text
from lychgate.config import Configuration
from lychgate.faults import ConfigurationFault
from portal.block_page.asked import name_of
from portal.certificates import CertificateFault, Minting, load_root
from portal.limiting import Limiter, network_of, plain_address
from portal.services import Services

HANDSHAKES_MAX: Final = 100
"""Connections whose first message is waited for; more are closed."""
HANDSHAKES_OF_ONE_MAX: Final = 40
"""Of one address: whoever opens connections and says nothing leaves room for others."""
HELLO_SECONDS_MAX: Final = 5.0
HELLO_OCTETS_MAX: Final = 16_384
"""Of a first message; those of browsers have up to two thousand."""
MINTS_MAX: Final = 600
"""Handshakes that one address may begin in a minute."""
MINTS_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.02
"""How often a socket is looked at that holds a part of the message."""


class Handshakes:
    """Accepts connections and finds out what they are for."""

    def __init__(
        self,
        services: Services,
        minting: Minting,
        own_name: str,
        config: uvicorn.Config,
        state: Any,
    ) -> None:
        self._services: Final = services
        self._minting: Final = minting
        self._own_name: Final = own_name
        self._config: Final = config
        self._state: Final = state
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._waiting: Final[Counter[str]] = Counter()
        """By network."""
        self._mints: Final = Limiter(MINTS_MAX, MINTS_SECONDS)
        self.refused = 0
        """Handshakes for names that are not blocked for whoever asked."""

    @classmethod
    def open(
        cls,
        configuration: Configuration,
        services: Services,
        config: uvicorn.Config,
        state: Any,
    ) -> Handshakes:
        """With the root of the state folder. Raises `ConfigurationFault`."""
        try:
            root = load_root(configuration.state_directory, time.time())
        except CertificateFault as fault:
            raise ConfigurationFault([f"portal.block_page_tls_listen: {fault}"]) from None
        own = to_text(configuration.portal.block_page_name)
        return cls(services, Minting(root), own, config, state)

    def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Begin to accept."""
        for listening in sockets:
            listening.setblocking(False)
            self._keep(asyncio.create_task(self._accept(listening)))

    async def close(self) -> None:
        """Accept no more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listening:
            while True:
                try:
                    taken, peer = await loop.sock_accept(listening)
                except OSError:  # out of descriptors: others end soon
                    await asyncio.sleep(_LOOK_SECONDS)
                    continue
                network = network_of(str(peer[0]))
                if (
                    self._waiting.total() >= HANDSHAKES_MAX
                    or self._waiting[network] >= HANDSHAKES_OF_ONE_MAX
                ):
                    taken.close()
                    continue
                self._waiting[network] += 1
                self._keep(asyncio.create_task(self._begin(taken, str(peer[0]), network)))

    async def _begin(self, taken: socket.socket, peer: str, network: str) -> None:
        """Serve one connection, or refuse it."""
        try:
            context = await self._context(taken, plain_address(peer))
        except (TimeoutError, OSError):
            context = None
        finally:
            self._waiting[network] -= 1
            if not self._waiting[network]:
                del self._waiting[network]
        if context is None:
            self.refused += 1
            with suppress(OSError):
                # A fatal alert, "unrecognized_name" (RFC 6066 section 3), and the end.
                taken.send(_UNRECOGNISED)
            taken.close()
            return
        loop = asyncio.get_running_loop()
        with suppress(OSError, ssl.SSLError):
            await loop.connect_accepted_socket(
                self._protocol,
                taken,
                ssl=context,
                ssl_handshake_timeout=HELLO_SECONDS_MAX,
                ssl_shutdown_timeout=HELLO_SECONDS_MAX,
            )

    async def _context(self, taken: socket.socket, address: str) -> ssl.SSLContext | None:
        async with asyncio.timeout(HELLO_SECONDS_MAX):
            name = name_of(await _name_wanted(taken) or "")
        at = self._services.clock()
        if not name or not address or not self._mints.may(address, at):
            return None
        if name != self._own_name and not await self._is_blocked(name, address):
            return None
        return await asyncio.to_thread(self._minting.context, name, at)

    async def _is_blocked(self, name: str, address: str) -> bool:
        try:
            explained = await self._services.explain(name, address, None)
        except ValueError:
            return False
        # What only has just opened is refused too: the site itself may speak for its name again.
        categories = {match["category"] for match in explained["decision"]["matches"]}
        taxonomy = self._services.taxonomy
        if any(taxonomy[id].essential for id in categories if id in taxonomy):
            return False
        return explained["happens"] in ("blocked", "warned")

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self._config.http_protocol_class(  # type: ignore[call-arg]
            config=self._config, server_state=self._state, app_state={}
        )
        return made

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_UNRECOGNISED: Final = bytes([21, 3, 3, 0, 2, 2, 112])


async def _name_wanted(taken: socket.socket) -> str | None:
    """The name in a client's first message, which is left in the socket; None when it has none.

    OpenSSL reads it: no parser of ours meets these octets.
    """
    taken.setblocking(False)
    loop = asyncio.get_running_loop()
    seen = -1
    while True:
        await _readable(loop, taken)
        try:
            octets = taken.recv(HELLO_OCTETS_MAX, socket.MSG_PEEK)
        except BlockingIOError:
            continue
        if len(octets) == seen:  # readable, and nothing new: wait without spinning
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        seen = len(octets)
        whole, name = _read_name(octets)
        if whole or not octets or seen >= HELLO_OCTETS_MAX:
            return name


def _read_name(octets: bytes) -> tuple[bool, str | None]:
    """Whether the message is whole (or none at all), and the name in it."""
    names: list[str | None] = []

    def note(_: object, name: str | None, __: object) -> int:
        names.append(name)
        return int(ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE)  # it is read to here, and no further

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = note
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(octets)
    try:
        context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    except ssl.SSLWantReadError:
        return False, None
    except (ssl.SSLError, UnicodeError, ValueError):
        pass
    return True, names[0] if names else None


async def _readable(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    ready = loop.create_future()
    descriptor = sock.fileno()

    def note() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, note)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
