"""The tables `[outward]` and `[dnstap]` of `lychgate.toml`: what is told to other systems."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evidence.outward import Destination, allowed, parse_destination
from lychgate import kinds
from lychgate.kinds import Kind
from lychgate.settings import Section
from policy.reading import show
from resolver.telemetry.frames import Receiver, parse_receiver

IDENTITY_CHARACTERS_MAX = 100
_TO = f'{allowed()}; "" turns it off'
_RECEIVER = 'unix:/PATH or tcp://ADDRESS:PORT; "" turns it off'
_IDENTITY = f'up to {IDENTITY_CHARACTERS_MAX} characters; "" for the name of the machine'


def _read_to(value: object) -> Destination | None:
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is not text; use {_TO}, in quotes")
    return parse_destination(value.strip()) if value.strip() else None


def _read_receiver(value: object) -> Receiver | None:
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is not text; use {_RECEIVER}, in quotes")
    return parse_receiver(value.strip()) if value.strip() else None


def _read_identity(value: object) -> str:
    if isinstance(value, str) and value.isprintable() and len(value) <= IDENTITY_CHARACTERS_MAX:
        return value.strip()
    raise ValueError(f"{show(value)} is no name for a server; use {_IDENTITY}")


def _or_nothing(value: object) -> str:
    return "" if value is None else str(value)


TO = Kind(_TO, _read_to, _or_nothing)
RECEIVER = Kind(_RECEIVER, _read_receiver, _or_nothing)
IDENTITY = Kind(_IDENTITY, _read_identity)


class Outward(Section):
    """A log engine of your own that the recorder tells what happened (docs/outward.md)."""

    to: Annotated[Destination | None, TO] = Field(
        default=None,
        description="Where JSON goes, as syslog (RFC 5424), over a socket or into a file. What is "
        "there is beyond the reach of Lychgate's retention: say in your privacy notice who keeps "
        "it, and for how long.",
    )
    events: Annotated[bool, kinds.FLAG] = Field(
        default=True,
        description="Single blocked, warned, monitored and suspected queries, under a pseudonym.",
    )
    decisions: Annotated[bool, kinds.FLAG] = Field(
        default=True,
        description="What people decided: the entries of the audit log with their digests.",
    )
    identities: Annotated[bool, kinds.FLAG] = Field(
        default=False,
        description="Whether device, host name and address go with each query. Then the log "
        "engine holds who asked for what, and pseudonyms hide nothing there.",
    )
    ca_file: Annotated[str, kinds.PATH] = Field(
        default="",
        description="Certificates to trust for tls, instead of the machine's.",
    )


class Dnstap(Section):
    """Every query and answer, allowed ones too, for a receiver of dnstap. Off by default."""

    receiver: Annotated[Receiver | None, RECEIVER] = Field(
        default=None,
        description="A unix socket, or an address over unencrypted TCP. It is told of every site "
        "anybody visits, which Lychgate itself never keeps: for finding faults, for a short time, "
        "and only after those responsible for data protection agreed.",
    )
    client_addresses: Annotated[bool, kinds.FLAG] = Field(
        default=False,
        description="Whether the client's address and EDNS options go along. Then the receiver "
        "knows who visits what.",
    )
    queries: Annotated[bool, kinds.FLAG] = Field(
        default=False,
        description="CLIENT_QUERY beside CLIENT_RESPONSE, which holds the question as well.",
    )
    identity: Annotated[str, IDENTITY] = Field(
        default="", description="How this server calls itself to the receiver."
    )
