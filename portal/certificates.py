"""Certificates for the block page on managed devices: a root of the organisation's own, and leaves
made for one blocked name at a time.

Off by default. Whoever has the root's key can pretend to be any site to every device that trusts
the root. So the key stays in a file that its owner alone reads, on the machine that makes the
leaves; the root may be constrained to names below some domains; it may sign no further authorities;
and leaves live for a day.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT_FILE: Final = "block-page-root.pem"
KEY_FILE: Final = "block-page-root.key"
ROOT_DAYS: Final = 3 * 365
LEAF_DAYS: Final = 1
LEAF_RENEW_SECONDS: Final = 6 * 3600
"""So long before its end a leaf is made anew."""
BACK_SECONDS: Final = 3600
"""Clocks of devices may be behind."""
CONTEXTS_MAX: Final = 1_000
"""Leaves that are remembered; the one not used for longest is forgotten."""
_COMMON_NAME_CHARACTERS_MAX: Final = 64  # RFC 5280 appendix A.1: ub-common-name


class CertificateFault(ValueError):
    """A root that is not there or cannot be used; *where: what was given; what is allowed*."""


@dataclass(frozen=True, slots=True)
class Root:
    """The organisation's own root."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def create_root(folder: Path, organisation: str, at: float, permitted: Sequence[str] = ()) -> Path:
    """Make a root in a folder; the path of its certificate, which devices shall trust.

    `permitted`: domains to which the root is constrained; none: any name. Raises `CertificateFault`
    when there is one already, and OSError.
    """
    path, key_path = folder / ROOT_FILE, folder / KEY_FILE
    for there in (path, key_path):
        if there.exists():
            raise CertificateFault(
                f"{there}: it is there already; remove both files first, and the old root from "
                "every device"
            )
    key = ec.generate_private_key(ec.SECP256R1())
    title = f"{organisation}: filter page"[:_COMMON_NAME_CHARACTERS_MAX]
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, title),
        ]
    )
    builder = (
        _builder(name, name, key.public_key(), at, timedelta(days=ROOT_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
    )
    if permitted:
        domains = [x509.DNSName(domain) for domain in permitted]
        builder = builder.add_extension(
            x509.NameConstraints(permitted_subtrees=domains, excluded_subtrees=None), critical=True
        )
    certificate = builder.sign(key, hashes.SHA256())
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(key_path, secret, 0o600)
    _write(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return path


def load_root(folder: Path, at: float) -> Root:
    """The root of a folder. Raises `CertificateFault`."""
    path, key_path = folder / ROOT_FILE, folder / KEY_FILE
    makes = "`lychgate certificates create-root` makes one"
    try:
        mode = key_path.stat().st_mode
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except PermissionError as fault:
        raise CertificateFault(
            f"{fault.filename}: another account's; give it to the portal's, with mode 0600"
        ) from None
    except OSError as fault:
        raise CertificateFault(f"{fault.filename}: {fault.strerror}; {makes}") from None
    except (ValueError, TypeError):
        raise CertificateFault(f"{path}: it and its key cannot be read; {makes}") from None
    if mode & 0o077:
        raise CertificateFault(f"{key_path}: others may read it; use mode 0600")
    if not isinstance(key, ec.EllipticCurvePrivateKey) or (
        key.public_key() != certificate.public_key()
    ):
        raise CertificateFault(f"{path}: it does not belong to {key_path}; {makes}")
    if certificate.not_valid_after_utc.timestamp() <= at:
        raise CertificateFault(f"{path}: it has ended; {makes}")
    return Root(certificate, key)


class Minting:
    """Makes leaves for names, and remembers them. For one thread at a time."""

    def __init__(self, root: Root) -> None:
        self._root: Final = root
        # One key for all leaves: it lives and dies with the process, as they nearly do.
        self._key: Final = ec.generate_private_key(ec.SECP256R1())
        self._contexts: Final[OrderedDict[str, tuple[float, ssl.SSLContext]]] = OrderedDict()

    def context(self, name: str, at: float) -> ssl.SSLContext:
        """What a server needs to speak for a name. Whether it may is the caller's to know."""
        known = self._contexts.pop(name, None)
        if known is None or at >= known[0]:
            known = at + LEAF_DAYS * 86_400 - LEAF_RENEW_SECONDS, self._make(name, at)
        self._contexts[name] = known
        while len(self._contexts) > CONTEXTS_MAX:
            self._contexts.popitem(last=False)
        return known[1]

    def __len__(self) -> int:
        return len(self._contexts)

    def _make(self, name: str, at: float) -> ssl.SSLContext:
        root = self._root.certificate
        subject = x509.Name([])  # RFC 6125: names of servers are alternative names
        leaf = (
            _builder(subject, root.subject, self._key.public_key(), at, timedelta(days=LEAF_DAYS))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._root.key.public_key()),
                critical=False,
            )
            .sign(self._root.key, hashes.SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.options |= ssl.OP_NO_TICKET  # no session outlives its name's block
        pem = leaf.public_bytes(serialization.Encoding.PEM) + self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        # The ssl module reads keys from files alone; this one is removed at once.
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(pem)
            file.flush()
            context.load_cert_chain(file.name)
        return context


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    at: float,
    life: timedelta,
) -> x509.CertificateBuilder:
    began = datetime.fromtimestamp(at - BACK_SECONDS, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(datetime.fromtimestamp(at, UTC) + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, octets: bytes, mode: int) -> None:
    """A new file of this mode from its first octet on."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(octets)
