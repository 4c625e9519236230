"""Ways to an upstream, one module each; the file name is the scheme of the upstream's address.

A module offers `connect(endpoint, deliver) -> Transport`. To add a transport, add a file here.
"""

import re
from collections.abc import Callable
from importlib import import_module
from ipaddress import ip_address
from pkgutil import iter_modules
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote, unquote, urlsplit

SCHEMES: Final[tuple[str, ...]] = tuple(sorted(module.name for module in iter_modules(__path__)))
"""Words that may stand before `://` in an upstream's address."""


class UpstreamFault(ValueError):
    """An upstream's address cannot be used."""


class Endpoint(NamedTuple):
    """Where an upstream listens, and how it is known."""

    scheme: str
    host: str
    port: int
    name: str = ""
    """TLS: the name its certificate must have; nothing: its address."""
    pins: tuple[str, ...] = ()
    """TLS: its public key must be one of these, `sha256:` and Base64 (RFC 7858 section 4.2)."""
    ca: str = ""
    """TLS: a file of certificates to trust instead of the machine's."""
    opportunistic: bool = False
    """TLS: verify nobody, and do without when it cannot be had (RFC 8310)."""

    @property
    def uri(self) -> str:
        """The normal form, as logs and metrics show it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        options = [f"pin={pin}" for pin in self.pins]
        options += [f"ca={quote(self.ca)}"] if self.ca else []
        options += ["opportunistic"] if self.opportunistic else []
        query = f"?{'&'.join(options)}" if options else ""
        return f"{self.scheme}://{host}:{self.port}{query}{'#' + self.name if self.name else ''}"


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
    """`9.9.9.9`, `tcp://[2620:fe::fe]:53`, `tls://9.9.9.9#dns.quad9.net`: an address, never a name.

    (A name would have to be looked up first, and this resolver may be the one to do it.)
    """
    try:
        address = ip_address(text.strip("[]"))
        return Endpoint("udp", str(address), _PORT)
    except ValueError:
        pass
    allowed = (
        f"an IP address, or SCHEME://ADDRESS:PORT with SCHEME one of {', '.join(SCHEMES)}, "
        "as in 9.9.9.9, udp://[2620:fe::fe]:53 or tls://9.9.9.9:853#dns.quad9.net"
    )
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "udp", text
    rest, _, name = rest.partition("#")
    rest, _, options = rest.partition("?")
    try:
        parts = urlsplit(f"//{rest}")
        address = ip_address(parts.hostname or "")
        port = parts.port or _PORTS.get(scheme, _PORT)
    except ValueError:
        raise UpstreamFault(f"{text!r} is not an upstream; use {allowed}") from None
    plain = Endpoint(scheme, str(address), port)
    if scheme not in SCHEMES or not {"/", "@"}.isdisjoint(rest):
        raise UpstreamFault(f"{text!r} is not an upstream; use {allowed}")
    if scheme != "tls":
        if len(text.partition("://")[2] or text) > len(rest):
            raise UpstreamFault(f"{text!r} is not an upstream; use {allowed}")
        return plain
    return _with_identity(plain, text, name, options)


def _with_identity(plain: Endpoint, text: str, name: str, options: str) -> Endpoint:
    """A TLS upstream with what is known of it. Raises `UpstreamFault`."""
    if "#" in text and not _is_name(name):
        raise UpstreamFault(
            f"{text!r}: {name!r} is not a name for a certificate; write it last, after #, "
            "as in #dns.quad9.net"
        )
    pins: list[str] = []
    ca, opportunistic = "", False
    for option in options.split("&") if options else ():
        key, _, value = option.partition("=")
        if key == "pin" and _PIN.fullmatch(value):
            pins.append(value)
        elif key == "ca" and unquote(value).startswith("/") and "\0" not in unquote(value):
            ca = unquote(value)
        elif option == "opportunistic":
            opportunistic = True
        else:
            raise UpstreamFault(
                f"{text!r}: {option!r} is not an option of tls; use pin=sha256: and 44 characters "
                "of Base64, ca=/PATH or opportunistic, with & between them"
            )
    if opportunistic and pins:
        raise UpstreamFault(
            f"{text!r}: opportunistic verifies nobody, and a pin is to be verified; use one of them"
        )
    return plain._replace(
        name=name.lower(), pins=tuple(dict.fromkeys(pins)), ca=ca, opportunistic=opportunistic
    )


def _is_name(text: str) -> bool:
    return len(text) <= _NAME_OCTETS_MAX and all(map(_LABEL.fullmatch, text.split(".")))


_PORT: Final = 53
_PORTS: Final = {"tls": 853}
_LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)
_NAME_OCTETS_MAX: Final = 253
_PIN: Final = re.compile(r"sha256:[A-Za-z0-9+/]{43}=", re.ASCII)


def connect(endpoint: Endpoint, deliver: Deliver) -> Transport:
    """A transport to `endpoint` on the running event loop."""
    module = import_module(f"{__name__}.{endpoint.scheme}")
    transport: Transport = module.connect(endpoint, deliver)
    return transport
