"""The provider: discovery, the way there, the exchange of a code, the proof of an ID token.

Nothing is taken from the provider that is not checked: it is asked by HTTPS (or on loopback), is
never followed elsewhere, has a time limit and a size limit, and its ID token must be signed with
one of its keys for us, now, and for the very browser that set out.
"""

from __future__ import annotations

import asyncio
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from portal.openid.settings import OpenIdSettings

REQUEST_SECONDS_MAX: Final = 8.0
"""Of one request to the provider, from the first octet to the last."""
ANSWER_OCTETS_MAX: Final = 500_000
KEPT_SECONDS: Final = 3600.0
"""How long the provider's description and keys are believed."""
KEYS_AGAIN_SECONDS: Final = 10.0
"""A key nobody knows may be new; the provider is asked about such keys only so often."""
LEEWAY_SECONDS: Final = 60
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"),
)
"""Public keys only: with `none` or a shared key a token would prove nothing."""
_WELL_KNOWN: Final = "/.well-known/openid-configuration"


class ProviderFault(Exception):
    """The provider cannot be used, or what it sent proves nothing. Says why, for the log."""


class ProviderSilent(ProviderFault):
    """It could not be reached, or did not answer as a provider does."""


@dataclass(frozen=True, slots=True)
class Voyage:
    """One way to the provider and back, known by a secret that only this browser holds.

    State, nonce and PKCE verifier are made from it: nothing has to be remembered here, and nobody
    can fill a memory up.
    """

    secret: str

    def _part(self, word: str) -> str:
        octets = hashlib.sha256(f"lychgate openid {word} {self.secret}".encode()).digest()
        return urlsafe_b64encode(octets).rstrip(b"=").decode()

    @property
    def state(self) -> str:
        """What the provider hands back with the browser."""
        return self._part("state")

    @property
    def nonce(self) -> str:
        """What the ID token must hold."""
        return self._part("nonce")

    @property
    def verifier(self) -> str:
        """What proves that whoever hands the code in is who set out (RFC 7636)."""
        return self._part("verifier")

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier beforehand."""
        octets = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(octets).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class _Description:
    authorization: str
    token: str
    keys: str
    end_session: str
    names_itself: bool
    """Whether it says in the answer who it is (RFC 9207)."""
    secret_in_body: bool


class Provider:
    """One provider, by its settings; everything it said is kept for an hour."""

    def __init__(
        self, settings: OpenIdSettings, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings: Final = settings
        self._transport: Final = transport
        self._turn: Final = asyncio.Lock()
        self._description: tuple[float, _Description] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def way_there(self, voyage: Voyage, back: str, at: float) -> str:
        """Where the browser goes to sign in. Raises `ProviderFault`."""
        description = await self._described(at)
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": " ".join(dict.fromkeys(("openid", *self.settings.scopes))),
            "state": voyage.state,
            "nonce": voyage.nonce,
            "code_challenge": voyage.challenge,
            "code_challenge_method": "S256",
        }
        return _with_query(description.authorization, query)

    async def way_out(self, back: str, at: float) -> str:
        """Where the browser goes to sign out there too; empty when there is no such place."""
        end = (await self._described(at)).end_session
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back}
        return _with_query(end, query) if end else ""

    async def claims(
        self, voyage: Voyage, code: str, back: str, at: float, *, said_issuer: str = ""
    ) -> Mapping[str, Any]:
        """What the ID token for a code says, proved. Raises `ProviderFault`."""
        description = await self._described(at)
        if said_issuer != self.settings.issuer and (said_issuer or description.names_itself):
            raise ProviderFault("the answer came from another issuer")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": voyage.verifier,
            "client_id": self.settings.client_id,
        }
        answer = await self._ask(description.token, form, description.secret_in_body)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderFault("the answer has no ID token")
        return await self._proved(token, voyage, description, at)

    async def _proved(
        self, token: str, voyage: Voyage, description: _Description, at: float
    ) -> Mapping[str, Any]:
        try:
            claims = jwt.decode(
                token, await self._keys_now(description, at), algorithms=ALGORITHMS
            ).claims
        except (BadSignatureError, InvalidKeyIdError, ValueError):
            claims = await self._proved_by_newer_keys(token, description, at)
        except JoseError as fault:
            raise ProviderFault(f"the ID token proves nothing: {fault.error}") from None
        me = self.settings.client_id
        registry = jwt.JWTClaimsRegistry(
            now=int(at),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": me},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": voyage.nonce},
        )
        try:
            registry.validate(claims)
        except JoseError as fault:
            claim = getattr(fault, "claim", "")
            raise ProviderFault(f"the ID token is not for us: {fault.error} {claim}") from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else me) != me:
            raise ProviderFault("the ID token is not for us: azp")
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise ProviderFault("the ID token names nobody: sub")
        return claims

    async def _proved_by_newer_keys(
        self, token: str, description: _Description, at: float
    ) -> dict[str, Any]:
        keys = await self._keys_now(description, at, older_than=KEYS_AGAIN_SECONDS)
        try:
            return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            raise ProviderFault("the ID token is signed by nobody known") from None

    async def _described(self, at: float) -> _Description:
        async with self._turn:
            if self._description is None or not 0 <= at - self._description[0] < KEPT_SECONDS:
                address = self.settings.issuer.rstrip("/") + _WELL_KNOWN
                self._description = at, self._read(await self._ask(address))
            return self._description[1]

    def _read(self, said: Mapping[str, Any]) -> _Description:
        if said.get("issuer") != self.settings.issuer:
            raise ProviderFault("the provider calls itself another issuer than is set")
        methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        end = said.get("end_session_endpoint", "")
        return _Description(
            authorization=_safe(said.get("authorization_endpoint")),
            token=_safe(said.get("token_endpoint")),
            keys=_safe(said.get("jwks_uri")),
            end_session=_safe(end) if end else "",
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
            secret_in_body=isinstance(methods, list) and "client_secret_basic" not in methods,
        )

    async def _keys_now(
        self, description: _Description, at: float, older_than: float = KEPT_SECONDS
    ) -> KeySet:
        async with self._turn:
            if self._keys is None or not 0 <= at - self._keys[0] < older_than:
                said = await self._ask(description.keys)
                keys = said.get("keys")
                usable = [
                    key
                    for key in (keys if isinstance(keys, list) else [])
                    if isinstance(key, dict) and key.get("use", "sig") == "sig" and _is_public(key)
                ]
                try:
                    self._keys = at, KeySet.import_key_set({"keys": usable})
                except (JoseError, ValueError, TypeError, KeyError):
                    raise ProviderSilent("the keys of the provider cannot be read") from None
            return self._keys[1]

    async def _ask(
        self, address: str, form: Mapping[str, str] | None = None, secret_in_body: bool = False
    ) -> dict[str, Any]:
        """What the provider says at an address, as JSON. Raises `ProviderFault`."""
        secret, me = self.settings.client_secret, self.settings.client_id
        auth = None
        if form is not None and secret:
            if secret_in_body:
                form = {**form, "client_secret": secret}
            else:
                auth = httpx.BasicAuth(_quoted(me), _quoted(secret))
        where = urlsplit(_safe(address)).netloc
        try:
            async with (
                asyncio.timeout(REQUEST_SECONDS_MAX),
                httpx.AsyncClient(
                    transport=self._transport, timeout=REQUEST_SECONDS_MAX, follow_redirects=False
                ) as client,
                client.stream(
                    "GET" if form is None else "POST",
                    address,
                    data=form,
                    auth=auth,
                    headers={"Accept": "application/json"},
                ) as answer,
            ):
                octets = bytearray()
                async for part in answer.aiter_bytes():
                    octets += part
                    if len(octets) > ANSWER_OCTETS_MAX:
                        raise ProviderSilent(f"{where}: the answer is too large")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as fault:
            raise ProviderSilent(f"{where}: {type(fault).__name__}") from None
        if answer.status_code != 200:
            raise (ProviderSilent if form is None else ProviderFault)(
                f"{where}: status {answer.status_code}"
            )
        try:
            said: dict[str, Any] = msgspec.json.decode(bytes(octets), type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise ProviderSilent(f"{where}: the answer is not JSON") from None
        return said


def is_safe(address: str) -> bool:
    """Whether an address may be used: HTTPS, or HTTP to this machine; nothing odd in it."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not address.isascii() or not address.isprintable() or " " in address or "@" in parts.netloc:
        return False
    if parts.scheme == "https":
        return bool(host)
    return parts.scheme == "http" and (host == "localhost" or _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _safe(address: object) -> str:
    if not isinstance(address, str) or not is_safe(address):
        raise ProviderFault("an address of the provider is missing or not by HTTPS")
    return address


def _is_public(key: Mapping[str, Any]) -> bool:
    return key.get("kty") in ("RSA", "EC", "OKP")


def _quoted(text: str) -> str:
    """As RFC 6749, 2.3.1 has the two halves of a client's name and secret."""
    return urlencode({"": text})[1:]


def _with_query(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"
