"""DNS over TLS to one upstream (RFC 7858): nobody on the way reads or changes what is asked.

Strict by default (RFC 8310): the certificate must be valid for the name after `#`, or for the
address itself when no name is given; with `?pin=sha256:...` the server's key must be the pinned
one, and then a name is optional. Strict never falls back to plain text. `?opportunistic` verifies
nobody, and asks over plain TCP, port 53, while TLS cannot be had: against listeners only, not
against forgers. Queries are padded (RFC 7830, RFC 8467). Connections: `resolver.upstream.streams`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from typing import Any, Final

from resolver.upstream.streams import CONNECT_SECONDS_MAX, Plain, StreamTransport
from resolver.upstream.transports import Deliver, Endpoint

CONTEXT_SECONDS_MAX: Final = 86_400.0
"""Trusted certificates are read again after this: authorities come and go in the years."""
PLAIN_PORT: Final = 53


def connect(endpoint: Endpoint, deliver: Deliver) -> StreamTransport:
    """A way to `endpoint`; `deliver` gets every reply that matches its question."""
    instead = None
    if endpoint.opportunistic:

        def tell(exchange: Any, packet: bytes | None, trouble: str) -> None:
            deliver(exchange, packet, trouble or "plain")

        plain = Endpoint("tcp", endpoint.host, PLAIN_PORT)
        instead = StreamTransport(plain, tell, Plain())
    return StreamTransport(endpoint, deliver, Tls(endpoint), instead)


class Tls:
    """Encryption, and who must be at the other end."""

    pads = True

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint: Final = endpoint
        self._context: ssl.SSLContext | None = None
        self._read_at = 0.0

    async def arguments(self) -> dict[str, Any]:
        """The context and the name. Raises OSError when trusted certificates cannot be read."""
        at = asyncio.get_running_loop().time()
        if self._context is None or at - self._read_at > CONTEXT_SECONDS_MAX:
            # It reads and parses hundreds of certificates: 20 ms that nobody should wait for.
            self._context = await asyncio.to_thread(context_of, self._endpoint)
            self._read_at = at
        return {"ssl": self._context, "server_hostname": server_name(self._endpoint)}

    def trouble(self, transport: asyncio.BaseTransport) -> str:
        """Whether the key is a pinned one, where there are pins."""
        found = transport.get_extra_info("ssl_object")
        return pin_trouble(self._endpoint, found.getpeercert(binary_form=True) if found else None)

    def explain(self, fault: BaseException) -> str:
        """Certificate, handshake or network: people mend them in different places."""
        return explain(self._endpoint, fault)


def context_of(endpoint: Endpoint) -> ssl.SSLContext:
    """Whom to trust, and with TLS 1.2 at least. Raises OSError."""
    context = ssl.create_default_context(cafile=endpoint.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if endpoint.opportunistic or (endpoint.pins and not endpoint.name):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def server_name(endpoint: Endpoint) -> str:
    """The name to send (SNI) and to verify; without one the certificate must have the address."""
    return endpoint.name or endpoint.host


def pin_trouble(endpoint: Endpoint, certificate: bytes | None) -> str:
    """What is wrong with the key of a certificate in DER, if there are pins and none is its own."""
    if not endpoint.pins or endpoint.opportunistic:
        return ""
    if certificate is None:
        return "certificate: none was shown"
    try:
        pin = pin_of(certificate)
    except ValueError:
        return "certificate: it cannot be read"
    if pin in endpoint.pins:
        return ""
    return f"certificate: its key is {pin}, which is not pinned"


def pin_of(certificate: bytes) -> str:
    """`sha256:...` of the public key of a certificate in DER (RFC 7858 appendix A).

    Raises ValueError.
    """
    # Imported here: it takes 5 MB and 40 ms, for those only who pin.
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_der_x509_certificate(certificate).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{base64.b64encode(hashlib.sha256(info).digest()).decode()}"


def explain(endpoint: Endpoint, fault: BaseException) -> str:
    """Why there is no connection: the word that is counted, and a sentence."""
    if isinstance(fault, ssl.SSLCertVerificationError | ssl.CertificateError):
        return f"certificate: {getattr(fault, 'verify_message', '') or fault}"
    if isinstance(fault, TimeoutError):
        return f"handshake: no TLS within {CONNECT_SECONDS_MAX:g} s"
    if isinstance(fault, ssl.SSLError):
        return f"handshake: {fault.reason or fault}"
    if isinstance(fault, FileNotFoundError | PermissionError) and endpoint.ca:
        return f"certificate: {endpoint.ca}: {fault.strerror}"
    if isinstance(fault, ConnectionError) and not isinstance(fault, ConnectionRefusedError):
        return "handshake: the upstream closed the connection"  # so uvloop and asyncio agree
    return f"network: {getattr(fault, 'strerror', None) or fault}"
