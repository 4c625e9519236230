"""Fetch one list over HTTPS to a file: whole, within limits, and only if it has changed.

A publisher's server is not trusted with more than the content of its list. It cannot make us fill
the disk or wait for ever, leave https, connect into our own network (`blocklists.addresses`), or
send a credential on to somebody else. Either the file is there, whole and synced, or nothing is:
half of a list is never kept nor resumed.

With a proxy (`FetchSettings.proxy`, else HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY of the
environment) the proxy resolves names, and addresses cannot be checked here.

When to try again is the caller's business; `delay_seconds` gives the time.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from blocklists.addresses import AddressFault, Network, Resolve, find_addresses, read_address
from blocklists.connecting import (
    CheckedTransport,
    Deadline,
    FetchFault,
    certificate_fault,
    proxied_transport,
    proxy_for,
    read_trust,
    shown,
)
from blocklists.credentials import CredentialFault, read_credential
from blocklists.receiving import Progress, receive
from categoriser.names import normal

__all__ = ["FetchFault", "FetchSettings", "Fetched", "Fetcher", "delay_seconds"]

REDIRECTS_MAX: Final = 5
DELAY_SECONDS_MIN: Final = 60.0
DELAY_SECONDS_MAX: Final = 6 * 3600.0
RETRY_AFTER_SECONDS_MAX: Final = 24 * 3600.0
_VALIDATOR_CHARS_MAX: Final = 512
_READ_SECONDS: Final = 30.0
_DOUBLINGS_MAX: Final = 20
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class FetchSettings:
    """Limits and ways out. Octets are those of the list as it is stored, so after decompression."""

    octets_max: int = 256 * 1024 * 1024
    seconds_max: float = 600.0
    """For one fetch from beginning to end, redirects included."""
    connect_seconds: float = 10.0
    proxy: str = ""
    """URL of an HTTP proxy for every fetch; empty: what the environment says."""
    allowed_networks: tuple[Network, ...] = ()
    """Networks that lists may be fetched from although they are not public."""
    user_agent: str = "lychgate"
    http_allowed: bool = False
    ca_file: str = ""
    """Certificates (PEM) of an authority of one's own, trusted beside the machine's."""


@dataclass(frozen=True)
class Fetched:
    """What came. `octets` and `sha256` are of the file as stored; `url` is the last one, without
    its query."""

    path: Path | None
    """None: nothing has changed since `etag` or `last_modified`, and nothing was written."""
    etag: str
    last_modified: str
    sha256: str
    octets: int
    url: str


class Fetcher:
    """Fetches lists. Holds no connection; several threads may use one."""

    def __init__(self, settings: FetchSettings, resolve: Resolve | None = None) -> None:
        """`resolve` finds addresses where the machine's own resolver cannot; None: it can."""
        self._settings = settings
        self._resolve = resolve

    def fetch(
        self,
        source_url: str,
        into: Path,
        *,
        etag: str = "",
        last_modified: str = "",
        credential: str = "",
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Fetched:
        """Fetch `source_url` and put it at `into`, over what is there, in one step.

        `etag` and `last_modified` are those of what the caller has already. `credential` is the
        path of a file (`blocklists.credentials`). `progress` is told octets received and the total,
        if known, at most 10 times a second. Raises `FetchFault`.
        """
        with Deadline(self._settings.seconds_max) as deadline:
            try:
                secret = read_credential(Path(credential)) if credential else {}
                conditions = _conditions(etag, last_modified)
                url = self._checked(source_url)
                return self._follow(url, into, conditions, secret, deadline, Progress(progress))
            except CredentialFault as fault:
                raise FetchFault(str(fault), retryable=False) from None
            except AddressFault as fault:
                raise FetchFault(str(fault), retryable=fault.retryable) from None

    def _follow(
        self,
        url: httpx.URL,
        into: Path,
        conditions: Mapping[str, str],
        secret: Mapping[str, str],
        deadline: Deadline,
        progress: Progress,
    ) -> Fetched:
        for _ in range(REDIRECTS_MAX + 1):
            if secret and url.scheme != "https":
                raise FetchFault(f"{shown(url)}: a credential goes over https only", False)
            headers = {
                "User-Agent": self._settings.user_agent,
                "Accept-Encoding": "gzip",
                **conditions,
                **secret,
            }
            try:
                with (
                    self._client(url, deadline) as client,
                    client.stream(
                        "GET", url, headers=headers, extensions={"trace": deadline.trace}
                    ) as response,
                ):
                    if response.status_code not in _REDIRECTS:
                        return self._take(url, response, into, conditions, deadline, progress)
                    target = self._redirected(url, response)
            except httpx.HTTPError as fault:
                raise self._fault(url, fault, deadline) from None
            if _origin(target) != _origin(url):
                secret = {}  # and it stays so: the other host may lead back with a path it chose
            url = target
        raise FetchFault(
            f"{shown(url)}: redirected more than {REDIRECTS_MAX} times; give the last URL", False
        )

    def _take(
        self,
        url: httpx.URL,
        response: httpx.Response,
        into: Path,
        conditions: Mapping[str, str],
        deadline: Deadline,
        progress: Progress,
    ) -> Fetched:
        status = response.status_code
        new_etag = _validator(response.headers.get("ETag", ""))
        new_modified = _validator(response.headers.get("Last-Modified", ""))
        if status == HTTPStatus.NOT_MODIFIED and conditions:
            return Fetched(
                None,
                new_etag or conditions.get("If-None-Match", ""),
                new_modified or conditions.get("If-Modified-Since", ""),
                "",
                0,
                shown(url),
            )
        if status != HTTPStatus.OK:
            known = {member.value: member.phrase for member in HTTPStatus}
            raise FetchFault(
                f"{shown(url)}: answered {status} {known.get(status, '')}".rstrip()
                + "; a list comes with 200",
                retryable=status in _PASSING,
                retry_after_seconds=read_retry_after(
                    response.headers.get("Retry-After", ""), time.time()
                ),
            )
        sha256, octets = receive(
            response, into, shown(url), self._settings.octets_max, deadline, progress
        )
        return Fetched(into, new_etag, new_modified, sha256, octets, shown(url))

    def _checked(self, text: str) -> httpx.URL:
        """A URL that may be asked; its address is looked at later."""
        try:
            url = httpx.URL(text).copy_with(fragment=None)
        except (httpx.InvalidURL, ValueError):
            raise FetchFault("a URL that cannot be read; use https://HOST/PATH", False) from None
        if url.scheme not in ("http", "https") or not url.host:
            raise FetchFault(
                f"a URL that does not begin with https:// and a host ({url.scheme or 'nothing'!r} "
                "comes first); use https://HOST/PATH",
                False,
            )
        try:
            if read_address(url.host) is None:
                normal(url.raw_host.decode("ascii"))
            if url.port is not None and not 0 < url.port < 65536:
                raise ValueError
        except ValueError:  # NameFault is one
            raise FetchFault(
                f"{shown(url)}: its host or port is not one; use https://HOST/PATH", False
            ) from None
        if url.userinfo:
            raise FetchFault(
                f"{shown(url)}: a login inside the URL; put it into a credential file", False
            )
        if url.scheme == "http" and not self._settings.http_allowed:
            raise FetchFault(f"{shown(url)}: not encrypted; use https", False)
        return url

    def _redirected(self, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        location = response.headers.get("Location", "")
        try:
            target = url.join(location) if location else None
        except (httpx.InvalidURL, ValueError):
            target = None
        if target is None:
            raise FetchFault(
                f"{shown(url)}: answered {response.status_code} without a usable Location", False
            )
        if url.scheme == "https" and target.scheme != "https":
            raise FetchFault(
                f"{shown(url)}: redirects to {shown(target)}; from https only to https", False
            )
        return self._checked(str(target))

    def _client(self, url: httpx.URL, deadline: Deadline) -> httpx.Client:
        settings = self._settings
        proxy = self._proxy(url)
        transport: httpx.HTTPTransport
        if proxy:
            transport = proxied_transport(proxy, self._trust)
        else:
            transport = CheckedTransport(
                lambda host: find_addresses(host, self._resolve, settings.allowed_networks),
                deadline.left,
                # Reading all authorities takes 20 ms; without TLS none are trusted.
                self._trust if url.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            )
        # trust_env would send logins out of ~/.netrc.
        return httpx.Client(
            transport=transport,
            trust_env=False,
            timeout=httpx.Timeout(_READ_SECONDS, connect=settings.connect_seconds),
        )

    def _proxy(self, url: httpx.URL) -> str:
        return proxy_for(url, self._settings.proxy, self._settings.allowed_networks)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return read_trust(self._settings.ca_file)

    def _fault(self, url: httpx.URL, fault: httpx.HTTPError, deadline: Deadline) -> FetchFault:
        where = shown(url)
        if deadline.passed:
            return FetchFault(f"{where}: {deadline.reason}", True)
        if (certificate := certificate_fault(fault)) is not None:
            return FetchFault(
                f"{where}: {certificate}; use a valid certificate, or name your own authority "
                "in ca_file",
                False,
            )
        through = " through the proxy" if self._proxy(url) else ""
        said = "".join(char if char.isprintable() else "?" for char in str(fault)[:200])
        if isinstance(fault, httpx.TimeoutException):
            connecting = isinstance(fault, httpx.ConnectTimeout)
            limit = self._settings.connect_seconds if connecting else _READ_SECONDS
            return FetchFault(f"{where}: silent for {limit:g} seconds{through}", True)
        if isinstance(fault, httpx.ConnectError):
            return FetchFault(f"{where}: cannot connect{through}: {said}", True)
        if isinstance(fault, httpx.LocalProtocolError):  # its text may quote a secret header
            return FetchFault(f"{where}: a header of the request cannot be sent", False)
        return FetchFault(f"{where}: the transfer failed{through}: {said}", True)


def delay_seconds(
    failures: int, interval: float, random: float, retry_after_seconds: float | None = None
) -> float:
    """How long to wait before the next fetch, in seconds.

    After success (`failures` 0) the interval, a tenth more or less, so that installations do not
    come all at once. After failures from a minute on, doubling, half of it by chance, never more
    than the interval nor `DELAY_SECONDS_MAX`; what the publisher asked for is a minimum. `random`
    is from 0 to 1.
    """
    if failures <= 0:
        delay = interval * (0.9 + 0.2 * random)
    else:
        whole = DELAY_SECONDS_MIN * 2.0 ** min(failures - 1, _DOUBLINGS_MAX)
        delay = min(whole, DELAY_SECONDS_MAX, max(interval, DELAY_SECONDS_MIN))
        delay *= 0.5 + 0.5 * random
    return max(delay, min(retry_after_seconds or 0.0, RETRY_AFTER_SECONDS_MAX))


def read_retry_after(text: str, at: float) -> float | None:
    """Seconds from `at` that a Retry-After header asks for (RFC 9110 section 10.2.3), within 0 to
    `RETRY_AFTER_SECONDS_MAX`; None: nothing that can be read."""
    if text.isascii() and text.isdigit():
        seconds = float(text[:12])
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - at
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX)


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port or _PORTS.get(url.scheme)


def _conditions(etag: str, last_modified: str) -> dict[str, str]:
    conditions = {
        "If-None-Match": _validator(etag),
        "If-Modified-Since": _validator(last_modified),
    }
    return {name: value for name, value in conditions.items() if value}


def _validator(text: str) -> str:
    """An ETag or date that can be kept and sent back; anything else counts as none."""
    usable = text.isascii() and text.isprintable() and len(text) <= _VALIDATOR_CHARS_MAX
    return text.strip() if usable else ""
