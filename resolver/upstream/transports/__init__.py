"""Ways to an upstream, one module each; the file name is the scheme of the upstream's address.

A module offers `connect(endpoint, deliver) -> Transport`. To add a transport, add a file here.
"""

from collections.abc import Callable
from importlib import import_module
from ipaddress import ip_address
from pkgutil import iter_modules
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

SCHEMES: Final[tuple[str, ...]] = tuple(sorted(module.name for module in iter_modules(__path__)))
"""Words that may stand before `://` in an upstream's address."""


class UpstreamFault(ValueError):
    """An upstream's address cannot be used."""


class Endpoint(NamedTuple):
    """Where an upstream listens."""

    scheme: str
    host: str
    port: int

    @property
    def uri(self) -> str:
        """The normal form, as logs and metrics show it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


Deliver = Callable[[Any, bytes | None, str], None]
"""Called with the exchange, the reply (None: none will come this way) and what went wrong."""


class Transport(Protocol):
    """Carries questions to one upstream."""

    mismatches: int
    """Packets from the upstream's address that answered no question of ours."""

    def ask(self, exchange: Any, wire: bytes) -> None:
        """Send a query (without ID); `deliver` is called with `exchange`, now or later."""

    def forget(self, exchange: Any) -> None:
        """Nobody waits for this exchange any more."""

    def close(self) -> None:
        """Let go of every socket."""


def parse_endpoint(text: str) -> Endpoint:
    """`9.9.9.9`, `udp://9.9.9.9:53`, `tcp://[2620:fe::fe]:53`: an address, never a name.

    (A name would have to be looked up first, and this resolver may be the one to do it.)
    """
    try:
        address = ip_address(text.strip("[]"))
        return Endpoint("udp", str(address), 53)
    except ValueError:
        pass
    allowed = (
        f"an IP address, or SCHEME://ADDRESS:PORT with SCHEME one of {', '.join(SCHEMES)}, "
        "as in 9.9.9.9 or udp://[2620:fe::fe]:53"
    )
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "udp", text
    try:
        parts = urlsplit(f"//{rest}")
        address = ip_address(parts.hostname or "")
        port = parts.port or 53
    except ValueError:
        raise UpstreamFault(f"{text!r} is not an upstream; use {allowed}") from None
    if scheme not in SCHEMES or not {"/", "?", "#", "@"}.isdisjoint(rest):
        raise UpstreamFault(f"{text!r} is not an upstream; use {allowed}")
    return Endpoint(scheme, str(address), port)


def connect(endpoint: Endpoint, deliver: Deliver) -> Transport:
    """A transport to `endpoint` on the running event loop."""
    module = import_module(f"{__name__}.{endpoint.scheme}")
    transport: Transport = module.connect(endpoint, deliver)
    return transport
