"""Mail, by the organisation's own server: SMTP with TLS from the start, or STARTTLS.

A password is never sent without TLS, but on loopback. Certificates are checked.
"""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import aiosmtplib

from evidence.channels import SECONDS_MAX, ChannelFault, Message
from evidence.notices.settings import MailSettings, NoticeSettings

SECRET_OCTETS_MAX: Final = 4_096


async def send(message: Message, to: str, settings: NoticeSettings) -> None:
    """Hand a message over. Raises `ChannelFault`."""
    mail = settings.mail
    if mail is None:
        raise ChannelFault("notices.mail: no server is given", for_good=True)
    password = await asyncio.to_thread(_password, mail)
    if mail.user and mail.security == "none" and not _is_loopback(mail.host):
        raise ChannelFault("a password is not sent without TLS; set notices.mail.security")
    context = await asyncio.to_thread(_context, mail)
    try:
        async with asyncio.timeout(SECONDS_MAX):
            await aiosmtplib.send(
                written(message, mail.sender, to),
                hostname=mail.host,
                port=mail.port,
                use_tls=mail.security == "tls",
                start_tls=mail.security == "starttls",
                tls_context=context,
                username=mail.user or None,
                password=password or None,
                timeout=SECONDS_MAX,
            )
    except TimeoutError:
        raise ChannelFault(f"the mail server took more than {SECONDS_MAX:g} seconds") from None
    except aiosmtplib.SMTPRecipientsRefused as fault:
        codes = [one.code for one in fault.recipients]
        gone = bool(codes) and all(500 <= code < 600 for code in codes)
        raise ChannelFault(
            f"the mail server refuses the address ({codes})", for_good=gone
        ) from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as fault:
        raise ChannelFault(f"{type(fault).__name__}: {fault}") from fault


def written(message: Message, sender: str, to: str) -> EmailMessage:
    """The mail itself: plain text."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.items[0].at, UTC))
    mail["Message-ID"] = make_msgid(message.id, domain=sender.rpartition("@")[2] or None)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail.set_content(message.body)
    return mail


def _password(mail: MailSettings) -> str:
    return secret_of(mail.password_file, "notices.mail.password_file")


def secret_of(path: Path | None, where: str) -> str:
    """The first line of a file; empty without one. Blocks. Raises `ChannelFault`."""
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            return file.read(SECRET_OCTETS_MAX).decode().strip().splitlines()[0]
    except (OSError, UnicodeError, IndexError) as fault:
        raise ChannelFault(f"{where}: {type(fault).__name__}; use a file with the secret") from None


def _context(mail: MailSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context()
        if mail.ca_file is not None:
            context.load_verify_locations(mail.ca_file)
    except (OSError, ssl.SSLError) as fault:
        raise ChannelFault(f"notices.mail.ca_file: {fault}") from fault
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
