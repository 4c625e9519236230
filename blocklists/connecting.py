"""Connections to publishers: to judged addresses or through a proxy, with trust and an end in time.

Each piece answers one way in which httpx alone would trust too much: it lets DNS choose the address
again after a check, it limits every wait but not their sum, and it takes logins from `~/.netrc`.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Timer
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from blocklists.addresses import Network, read_address, refusal

# httpx logs every URL with its query, and in the query some publishers want a subscriber's key.
logging.getLogger("httpx").setLevel(logging.WARNING)


class FetchFault(Exception):
    """The list did not come; *where: what was given; what is allowed*, without any secret.

    `retryable`: the same may work later without anybody doing anything. `retry_after_seconds`: what
    the publisher asked for, within bounds; None: nothing.
    """

    def __init__(
        self, message: str, retryable: bool, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds


class CheckedTransport(httpx.HTTPTransport):
    """Connects to addresses that `find` gives for a host, one after the other.

    The Host header and the name in the certificate remain the host's. `left` gives the seconds that
    are left for all of it. One transport serves one host: its pool knows connections by address,
    and must never hand one to another name at the same address.
    """

    def __init__(
        self,
        find: Callable[[str], Sequence[str]],
        left: Callable[[], float],
        context: ssl.SSLContext,
    ) -> None:
        super().__init__(verify=context, trust_env=False)
        self._find = find
        self._left = left

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises `AddressFault`, and what httpx raises; of several failures to connect the last."""
        host = request.url.raw_host.decode("ascii")
        fault: httpx.TransportError = httpx.ConnectTimeout("no time left to connect")
        for address in self._find(host):
            left = self._left()
            if left <= 0:
                break
            timeout = dict(request.extensions["timeout"])
            timeout["connect"] = min(timeout["connect"], left)
            extensions = request.extensions | {"sni_hostname": host, "timeout": timeout}
            try:
                return super().handle_request(
                    httpx.Request(
                        request.method,
                        request.url.copy_with(host=address),
                        headers=request.headers,
                        stream=request.stream,
                        extensions=extensions,
                    )
                )
            except (httpx.ConnectError, httpx.ConnectTimeout) as failed:
                fault = failed
        raise fault


def proxied_transport(proxy: str, trust: ssl.SSLContext) -> httpx.HTTPTransport:
    """Connects through an HTTP proxy, which resolves names and chooses addresses itself.

    Raises `FetchFault`; the proxy's URL may hold a login and is not repeated.
    """
    try:
        scheme = httpx.URL(proxy).scheme
        if scheme not in ("http", "https"):
            raise ValueError
        through = httpx.Proxy(proxy, ssl_context=trust if scheme == "https" else None)
        return httpx.HTTPTransport(verify=trust, trust_env=False, proxy=through)
    except (httpx.InvalidURL, ValueError):
        raise FetchFault(
            "the proxy: its URL cannot be used; use http://HOST:PORT or https://HOST:PORT", False
        ) from None


def proxy_for(url: httpx.URL, proxy: str, allowed: Sequence[Network]) -> str:
    """The URL of the proxy for `url`; empty: none.

    `proxy` is the one that somebody has set; without it the environment decides. An address written
    out in the URL goes direct if it is not public or allowed expressly: so it is checked.
    """
    literal = read_address(url.host)
    if literal and (refusal(literal, ()) or any(literal in network for network in allowed)):
        return ""
    if proxy:
        return proxy
    known = getproxies()
    if proxy_bypass(url.host, known):
        return ""
    found = known.get(url.scheme) or known.get("all") or ""
    return found if "://" in found or not found else f"http://{found}"


def read_trust(ca_file: str) -> ssl.SSLContext:
    """Whom to trust: the authorities that come with httpx, the machine's (SSL_CERT_FILE counts),
    and those of `ca_file` (PEM; empty: none). Raises `FetchFault`."""
    trust = httpx.create_ssl_context(trust_env=False)
    trust.load_default_certs()
    if ca_file:
        try:
            trust.load_verify_locations(ca_file)
        except ssl.SSLError:
            raise FetchFault(f"{ca_file}: holds no certificate; use a PEM file", False) from None
        except OSError as fault:
            raise FetchFault(f"{ca_file}: {fault.strerror}; use a PEM file", False) from None
    return trust


def shown(url: httpx.URL) -> str:
    """A URL as people and logs may see it: encoded, without login, and without query, where keys
    are kept."""
    host = url.raw_host.decode("ascii")
    host = f"[{host}]" if ":" in host else host
    port = f":{url.port}" if url.port else ""
    path = url.raw_path.partition(b"?")[0].decode("ascii")
    return f"{url.scheme}://{host}{port}{path}"[:300]


def certificate_fault(fault: BaseException) -> str | None:
    """What is wrong with the other side's certificate, if that is what a fault was about."""
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        cause = cause.__cause__ or cause.__context__
    return None


class Deadline:
    """Ends a fetch when its time is up, whatever the other side does. Use it in a `with`.

    httpx limits single waits only, and an octet every second satisfies those for years. So a timer
    shuts the connection down; httpx's `trace` tells which one that is.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._timer = Timer(seconds, self._shut)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return self.left() <= 0

    @property
    def reason(self) -> str:
        """What to tell people once it has passed."""
        return f"not finished after {self._seconds:g} seconds, which is the limit"

    def left(self) -> float:
        """Seconds until the end; not above 0 when it has passed."""
        return self._end - time.monotonic()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """What httpx calls at each step of a request."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.passed:
                self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                # Not SSLSocket.shutdown, which takes the TLS state away from under the reader.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
