"""The gate every request passes: size, who it is, forged requests, headers of every answer.

Plain ASGI, so that nothing behind it can be forgotten. Forms carry a token made from the secret of
the visitor's session (or, before there is one, of a cookie of its own): another site can make a
browser send a form, and cannot know the token. The API takes no cookies at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from policy.store import StoreFault
from portal.accounts.secrets import new_secret
from portal.accounts.sessions import Place
from portal.forms import CSRF_FIELD, FIELDS_MAX
from portal.services import PortalSettings, Services

BODY_OCTETS_MAX: Final = 1_000_000
ANYBODY_OCTETS_MAX: Final = 65_536
"""Of whoever has not signed in: taking a form apart costs a processor's second for 1 MB of `%`."""
FORM_TYPE: Final = "application/x-www-form-urlencoded"
"""The one way forms are sent. A multipart one may name the encoding of its fields, and some of
Python's (`punycode`) take minutes for what arrives in a moment."""
BODY_SECONDS_MAX: Final = 20.0
"""From the head of a request to its last octet: nobody holds a place by sending slowly."""
COOKIE_CHARACTERS_MAX: Final = 200
STATIC: Final = "/static/"
API: Final = "/api/"
SAFE: Final = ("GET", "HEAD", "OPTIONS")

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_NOT_KEPT: Final = "no-store"
_KEPT: Final = "public, max-age=31536000, immutable"  # the address changes with the content
_KEPT_AN_HOUR: Final = "public, max-age=3600"  # what style sheets name has no version of its own
_HSTS: Final = "max-age=31536000"

Refuse = Callable[[Request, int, str], Awaitable[Response]]
"""Makes the answer for a status and a key of `words/` below `error`."""


class Gate:
    """Stands before the whole application."""

    def __init__(self, app: ASGIApp, services: Services, refuse: Refuse) -> None:
        self._app: Final = app
        self._services: Final = services
        self._refuse: Final = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no websockets
        settings = self._services.settings
        form_secret = ""
        if not scope["path"].startswith((STATIC, API)):
            form_secret = cookie(scope, form_cookie(settings))
            new = not form_secret
            form_secret = form_secret or new_secret()
            send = _setting_cookie(send, settings, form_secret) if new else send
        send = _with_headers(
            send,
            settings,
            is_static=scope["path"].startswith(STATIC),
            is_versioned=scope["query_string"].startswith(b"v="),
        )
        began = False

        async def sending(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            answer = await self._stop(scope, receive, form_secret)
            if isinstance(answer, Response):
                await answer(scope, receive, sending)
            else:
                await self._app(scope, answer, sending)
        except Exception:
            if not began:
                answer = await self._refuse(Request(scope), 500, "500")
                await answer(scope, receive, send)
            raise  # into the log of the server

    async def _stop(self, scope: Scope, receive: Receive, form_secret: str) -> Response | Receive:
        """The answer to a request that goes no further; else where its body comes from."""
        request = Request(scope)
        scope["lychgate.csrf"] = csrf_token(form_secret)
        if not is_ours(request, self._services.settings):
            # Nothing behind here reads a name that may be no name at all.
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"host"]
            return await self._refuse(Request(scope), 421, "421")
        if scope["path"].startswith(STATIC):
            return receive
        try:
            await self._identify(scope, request)
        except StoreFault:
            return await self._refuse(request, 503, "503")
        body = b""
        if scope["method"] not in SAFE:
            known = scope.get("lychgate.visit") is not None
            most = BODY_OCTETS_MAX if known else ANYBODY_OCTETS_MAX
            try:
                async with asyncio.timeout(BODY_SECONDS_MAX):
                    read = await _read(request, receive, most)
            except TimeoutError:
                return await self._refuse(request, 408, "408")
            if read is None:
                return await self._refuse(request, 413, "413")
            body = read
            if scope["path"].startswith(API) and not _is_text(body):
                return await self._refuse(request, 400, "400")
        if scope["method"] not in SAFE and not scope["path"].startswith(API):
            sent = await _sent_token(scope, body)
            same_site = _is_same_site(request, self._services.settings)
            if not same_site or not hmac.compare_digest(sent, scope["lychgate.csrf"]):
                return await self._refuse(request, 403, "csrf")
        return _replay(body, receive)

    async def _identify(self, scope: Scope, request: Request) -> None:
        """Find out who it is, and the token that their forms carry."""
        services = self._services
        if scope["path"].startswith(API):
            kind, _, secret = request.headers.get("authorization", "").partition(" ")
            if kind.lower() == "bearer" and secret:
                visit = await services.visits.by_token(secret.strip(), services.clock())
                scope["lychgate.visit"] = visit
            return
        secret = cookie(scope, session_cookie(services.settings))
        if secret:
            visit = await services.visits.by_session(secret, services.clock())
            session = None if visit is None else visit.session
            if session is not None and session.method == "password":
                # Passwords were turned off: so are the sessions that began with one.
                visit = visit if services.settings.local_accounts else None
            scope["lychgate.visit"] = visit
            scope["lychgate.session_ended"] = visit is None
            if visit is not None:
                scope["lychgate.csrf"] = csrf_token(secret)


def session_cookie(settings: PortalSettings) -> str:
    """The name of the cookie of a session; by HTTPS one that no other host can set."""
    return "__Host-lychgate" if settings.is_encrypted else "lychgate"


def form_cookie(settings: PortalSettings) -> str:
    """The name of the cookie behind the forms of somebody who is not signed in."""
    return "__Host-lychgate-form" if settings.is_encrypted else "lychgate-form"


def cookie(scope: Scope, name: str, characters_max: int = COOKIE_CHARACTERS_MAX) -> str:
    """A cookie of a request; empty when there is none, or one that cannot be ours."""
    value = HTTPConnection(scope).cookies.get(name, "")
    return value if value.isascii() and len(value) <= characters_max else ""


def set_cookie(
    response: Response, settings: PortalSettings, name: str, value: str, seconds: int | None = None
) -> None:
    """Give the browser a secret that no script sees, until it is closed or for some seconds."""
    secure = settings.is_encrypted
    response.set_cookie(
        name, value, seconds, path="/", httponly=True, samesite="lax", secure=secure
    )


def forget_cookie(response: Response, settings: PortalSettings, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        name, path="/", httponly=True, samesite="lax", secure=settings.is_encrypted
    )


def csrf_token(secret: str) -> str:
    """What the forms of a visitor with this secret carry."""
    return hashlib.sha256(b"lychgate form " + secret.encode()).hexdigest()


def place_of(request: Request) -> Place:
    """Where a request comes from."""
    client = request.client
    browser = request.headers.get("user-agent", "")
    printable = "".join(letter for letter in browser if letter.isprintable())
    return Place("" if client is None else client.host, printable)


def is_ours(request: Request, settings: PortalSettings) -> bool:
    """Whether the browser calls us as somebody may: else a foreign name leads here (rebinding),
    and its pages would be read as ours.

    Addresses cannot be rebound. Several names at once are nobody's.
    """
    said = request.headers.getlist("host")
    if len(said) != 1 or "@" in said[0]:
        return False
    try:
        host = urlsplit(f"//{said[0]}").hostname or ""
    except ValueError:
        return False
    known = {"localhost", urlsplit(settings.public_url).hostname, *settings.host_names}
    return host in known or _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_same_site(request: Request, settings: PortalSettings) -> bool:
    """Whether the browser, if it says anything, says that a page of ours sent this."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    if settings.is_encrypted and not origin.startswith("https://"):
        return False
    ours = {request.headers.get("host", ""), urlsplit(settings.public_url).netloc}
    return bool(urlsplit(origin).netloc) and urlsplit(origin).netloc in ours


async def _read(request: Request, receive: Receive, octets_max: int) -> bytes | None:
    """The whole body; None when it is too large."""
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or int(length[:20]) > octets_max:
        return None
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""  # gone before the end
        part = message.get("body", b"")
        size += len(part)
        if size > octets_max:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _is_text(body: bytes) -> bool:
    """Whether every string of a JSON body is text: half of a surrogate pair can be written in JSON,
    and nothing that keeps, digests or sends text takes it. What is no JSON is told later.
    """
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    except (ValueError, RecursionError):
        return True
    return True


async def _sent_token(scope: Scope, body: bytes) -> str:
    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    request = Request(scope, _replay(body, nothing))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        return ""
    try:
        async with request.form(max_fields=FIELDS_MAX) as form:
            sent = form.get(CSRF_FIELD)
    except (HTTPException, MultiPartException):
        return ""
    return sent if isinstance(sent, str) and sent.isascii() else ""


def _replay(body: bytes, receive: Receive) -> Receive:
    """A body that was read, once more."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _with_headers(
    send: Send, settings: PortalSettings, *, is_static: bool, is_versioned: bool
) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            good = is_static and message["status"] < 400
            kept = _KEPT if is_versioned else _KEPT_AN_HOUR
            headers["Cache-Control"] = kept if good else _NOT_KEPT
            if settings.is_encrypted:
                headers["Strict-Transport-Security"] = _HSTS
        await send(message)

    return sending


def _setting_cookie(send: Send, settings: PortalSettings, secret: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            made = Response()
            set_cookie(made, settings, form_cookie(settings), secret)
            MutableHeaders(scope=message).append("set-cookie", made.headers["set-cookie"])
        await send(message)

    return sending
