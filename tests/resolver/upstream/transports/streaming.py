"""A DNS server over TCP or TLS on loopback that says what a test wants, octet for octet; and
certificates for it, minted by an authority of our own."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from resolver.upstream.streams import StreamTransport
from resolver.upstream.transports import Endpoint, connect
from tests.resolver.upstream.transports.loopback import Delivered, reply_to

CLOSE = object()
"""Said by a server that closes the connection."""


def framed(octets: bytes) -> bytes:
    """With its length before it."""
    return len(octets).to_bytes(2) + octets


def right(query: bytes, connection: int) -> bytes:
    """The right answer at once."""
    return framed(reply_to(query))


Says = Callable[[bytes, int], Any]
"""(query, number of the connection) -> octets, None for silence, or CLOSE."""


class Upstream:
    """Counts connections and queries."""

    def __init__(self, says: Says = right) -> None:
        self.says = says
        self.heard: list[bytes] = []
        self.connections = 0
        self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.open += 1
        number = self.connections
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2))
                query = await reader.readexactly(size)
                self.heard.append(query)
                octets = self.says(query, number)
                if octets is CLOSE:
                    return
                if octets:
                    writer.write(octets)
                    await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            self.open -= 1
            writer.close()


Script = Callable[[StreamTransport, Upstream, Delivered], Coroutine[Any, Any, None]]


def play(
    script: Script,
    says: Says = right,
    *,
    context: ssl.SSLContext | None = None,
    scheme: str = "tcp",
    **identity: Any,
) -> None:
    """Run a script against a server; whatever the loop has to complain about fails the test."""

    async def whole() -> None:
        complaints: list[Any] = []
        loop = asyncio.get_running_loop()
        upstream = Upstream(says)
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, ssl=context)
        delivered = Delivered()
        port = server.sockets[0].getsockname()[1]
        transport = connect(Endpoint(scheme, "127.0.0.1", port, **identity), delivered)
        assert isinstance(transport, StreamTransport)
        loop.set_exception_handler(lambda _, what: complaints.append(what))
        try:
            await script(transport, upstream, delivered)
        finally:
            transport.close()
            server.close()
            await until(lambda: not upstream.open)
        ours = [what for what in complaints if "resolver" in str(what.get("handle", what))]
        assert not ours

    asyncio.run(whole())


async def until(holds: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait until something holds."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while not holds():
        assert loop.time() < ends, "not in time"
        await asyncio.sleep(0.005)


class Authority:
    """Signs certificates; its own is in `ca`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        builder = self._builder(self._name, self._key.public_key(), 1)
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        self.certificate = builder.sign(self._key, hashes.SHA256())
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject: x509.Name, key: Any, days: int) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=3))
            .not_valid_after(now + datetime.timedelta(days=days))
        )

    def mint(self, *names: str, days: int = 1) -> tuple[Path, Path, bytes]:
        """(certificate, key, certificate in DER) for these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives: list[x509.GeneralName] = []
        for name in names:
            try:
                alternatives.append(x509.IPAddress(ipaddress.ip_address(name)))
            except ValueError:
                alternatives.append(x509.DNSName(name))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        builder = self._builder(subject, key.public_key(), days)
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        stem = f"{made.serial_number:x}"
        files = self._folder / f"{stem}.pem", self._folder / f"{stem}.key"
        files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return *files, made.public_bytes(serialization.Encoding.DER)

    def context(self, *names: str, days: int = 1) -> ssl.SSLContext:
        """What a server needs to show a certificate with these names."""
        certificate, key, _ = self.mint(*names, days=days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context
