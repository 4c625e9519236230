"""A POST of JSON to the organisation's own service, signed.

The header `Lychgate-Signature` is `t=<POSIX seconds>,v1=<hexadecimal HMAC-SHA256>` of
`<seconds>.<body>` under the secret: whoever takes it checks both, and that the time is near.
Only https, but on loopback; the address is looked up once, checked and then used, so that no name
leads into a private network unless the settings allow it. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
import time
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import httpx

from evidence.channels import SECONDS_MAX, ChannelFault, Message
from evidence.channels.email import secret_of
from evidence.notices.settings import NoticeSettings, WebhookSettings

SIGNATURE: Final = "Lychgate-Signature"


async def send(message: Message, to: str, settings: NoticeSettings) -> None:
    """Hand a message over. Raises `ChannelFault`."""
    webhook = settings.webhook
    if webhook is None:
        raise ChannelFault("notices.webhook: no address is given", for_good=True)
    secret = await asyncio.to_thread(secret_of, webhook.secret_file, "notices.webhook.secret_file")
    body = written(message)
    headers = {"Content-Type": "application/json", "User-Agent": "lychgate"}
    if secret:
        headers[SIGNATURE] = signature(secret, body, int(time.time()))
    parts = urlsplit(webhook.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(SECONDS_MAX):
            address = await _address(host, port, parts.scheme, webhook)
            headers["Host"] = parts.netloc.rpartition("@")[2]
            shown = f"[{address}]" if ":" in address else address
            url = parts._replace(netloc=f"{shown}:{port}").geturl()
            async with (
                httpx.AsyncClient(timeout=SECONDS_MAX, trust_env=False) as client,
                client.stream(
                    "POST",
                    url,
                    content=body,
                    headers=headers,
                    extensions={"sni_hostname": host},
                ) as answer,
            ):  # what it answers is not read: it may be without end
                status = answer.status_code
    except TimeoutError:
        raise ChannelFault(f"it took more than {SECONDS_MAX:g} seconds") from None
    except (httpx.HTTPError, OSError, ValueError) as fault:
        raise ChannelFault(f"{type(fault).__name__}: {fault}") from fault
    if not 200 <= status < 300:
        raise ChannelFault(f"it answered with status {status}", for_good=status == 410)


def written(message: Message) -> bytes:
    """What is posted."""
    items = [
        {
            "at": one.at,
            "kind": one.kind,
            "severity": one.severity,
            "venue": one.venue,
            "text": one.text,
            "link": one.link,
        }
        for one in message.items
    ]
    return json.dumps({"id": message.id, "summary": message.subject, "notices": items}).encode()


def signature(secret: str, body: bytes, at: int) -> str:
    """The value of the header."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


async def _address(host: str, port: int, scheme: str, webhook: WebhookSettings) -> str:
    """The address to connect to. Raises `ChannelFault` for one that is not allowed."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise ChannelFault(f"{host}: there is no such name") from None
    for *_, where in found:
        address = ip_address(str(where[0]).partition("%")[0])
        if scheme != "https" and not address.is_loopback:
            raise ChannelFault("http goes to this machine only; use https", for_good=True)
        own = address.is_loopback and ip_literal(host)
        if address.is_global or webhook.private_networks or own:
            return str(address)
    allowed = "set notices.webhook.private_networks"
    raise ChannelFault(f"{host} lies in a private network; {allowed}", for_good=True)


def ip_literal(host: str) -> bool:
    """Whether somebody wrote the address itself, and so meant it."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
