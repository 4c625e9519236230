"""A real mail server with TLS and accounts, and a real web server, on loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "lychgate", "three plum lanterns"
NOTICES = """
[notices.mail]
host = "127.0.0.1"
port = {mail}
user = "{user}"
sender = "lychgate@college.example"
password_file = "mail.password"
ca_file = "{ca}"
[notices.webhook]
url = "{hook}"
[[notices.recipients]]
to = "dsl@college.example"
[[notices.recipients]]
channel = "webhook"
"""
"""Settings by which both are told of alerts; to be formatted."""


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for loopback that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "mail.pem", folder / "mail.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file, secret


class Post:
    """Keeps what comes, and over what it came."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.tls: list[bool] = []
        self.users: list[str] = []
        self.refused = ""
        """What every recipient is answered, when it is not empty."""

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.refused:
            return self.refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content))
        self.tls.append(session.ssl is not None)
        return "250 OK"

    def knows(self, server: Any, session: Any, envelope: Any, way: str, given: Any) -> AuthResult:
        good = isinstance(given, LoginPassword) and (given.login, given.password) == (
            USER.encode(),
            PASSWORD.encode(),
        )
        if good:
            self.users.append(given.login.decode())
        return AuthResult(success=good)


@contextmanager
def mail_server(folder: Path, port: int = 0) -> Iterator[tuple[Post, int, Path]]:
    """One that asks for STARTTLS and an account; its post, port and certificate."""
    file, secret = folder / "mail.pem", folder / "mail.key"
    if not file.exists():
        certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    post = Post()
    controller = Controller(
        post,
        hostname="127.0.0.1",
        port=port or _free(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=post.knows,
    )
    controller.start()
    try:
        yield post, controller.port, file
    finally:
        controller.stop()


def _free() -> int:
    from tests.lychgate.running import free_port

    return free_port()


class Posted:
    """What a web server was sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.status = 204
        self.location = ""


@contextmanager
def web_server() -> Iterator[tuple[Posted, str]]:
    """One that keeps what is posted; its address."""
    posted = Posted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 - the library's name
            posted.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            posted.headers.append(dict(self.headers))
            self.send_response(posted.status)
            if posted.location:
                self.send_header("Location", posted.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield posted, f"http://127.0.0.1:{server.server_address[1]}/hook"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
