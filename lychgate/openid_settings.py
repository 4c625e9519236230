"""The table `[portal.openid]` of `lychgate.toml`: signing in by OpenID Connect."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from lychgate import kinds
from lychgate.faults import ConfigurationFault
from lychgate.kinds import Kind
from lychgate.settings import Section
from policy.people import ROLES
from policy.reading import show
from portal.openid.provider import is_safe
from portal.openid.settings import GroupRole, OpenIdSettings

SECRET_VARIABLE: Final = "LYCHGATE_OPENID_CLIENT_SECRET"
SECRET_OCTETS_MAX: Final = 4096
_ISSUER: Final = 'https://NAME/PATH as the provider writes it, HTTP on loopback only; "" for none'
_WORD: Final = re.compile(r"[!-~]{1,200}")
_TEXT: Final = "text of up to 200 characters"
_DOMAIN: Final = re.compile(r"[a-z0-9.-]{1,253}")


def _read_issuer(value: object) -> str:
    text = value.strip() if isinstance(value, str) else None
    if text is None or (text and (not is_safe(text) or "?" in text or "#" in text)):
        raise ValueError(f"{show(value)} is no issuer; use {_ISSUER}")
    return text


def _read_text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > 200:
        raise ValueError(f"{show(value)} is not possible; use {_TEXT}")
    return value.strip()


def _read_word(value: object) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError(f"{show(value)} is not possible; use a word without blanks")
    return value


def _read_domain(value: object) -> str:
    if not isinstance(value, str) or not _DOMAIN.fullmatch(value.casefold()):
        raise ValueError(f"{show(value)} is no domain; use one as in college.example")
    return value.casefold()


ISSUER: Final = Kind(_ISSUER, _read_issuer)
TEXT: Final = Kind(_TEXT, _read_text)
WORD: Final = Kind("a word without blanks", _read_word)
DOMAIN: Final = Kind("a domain, as in college.example", _read_domain)


class OpenIdGroup(Section):
    """A role that everybody of a group of the provider has."""

    group: Annotated[str, TEXT] = Field(
        description="The group as the provider writes it in the ID token.",
        examples=["lychgate-tutors"],
    )
    role: Annotated[str, kinds.word(*ROLES)] = Field(
        description="The role they have.", examples=["tutor"]
    )
    venues: tuple[Annotated[str, WORD], ...] = Field(
        default=(), description="Ids of the venues where they have it. Empty: everywhere."
    )


class OpenId(Section):
    """Signing in with the accounts an organisation has already; see docs/sign-in.md."""

    issuer: Annotated[str, ISSUER] = Field(
        default="", description="The provider. Empty: nobody signs in this way."
    )
    client_id: Annotated[str, TEXT] = Field(
        default="", description="How the provider knows Lychgate."
    )
    client_secret_file: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A file with the secret of the client, for nobody else to read. Empty: the "
        f"environment variable {SECRET_VARIABLE}, or no secret, with PKCE alone.",
    )
    scopes: tuple[Annotated[str, WORD], ...] = Field(
        default=("openid", "profile", "email"), description="What the provider is asked for."
    )
    person_claim: Annotated[str, WORD] = Field(
        default="email",
        description="The claim that names the person at their first sign-in: a (verified) email "
        "address of the policy, or a sign-in name. Later the subject alone counts.",
    )
    domains: tuple[Annotated[str, DOMAIN], ...] = Field(
        default=(), description="Domains of the addresses that may sign in. Empty: any."
    )
    group_claim: Annotated[str, WORD] = Field(
        default="groups", description="The claim with the groups; dots lead into nested claims."
    )
    make_people: Annotated[bool, kinds.FLAG] = Field(
        default=False,
        description="Whether somebody whose group gives a role, and whom the policy does not name, "
        "is added to it.",
    )
    button: Annotated[str, TEXT] = Field(
        default="Sign in with your work account", description="What the sign-in page offers."
    )
    groups: tuple[OpenIdGroup, ...] = Field(
        default=(),
        description="Roles by group: tables [[portal.openid.groups]]. With any, everybody who "
        "signs in this way has the roles of their groups and no others.",
    )


def openid_settings(settings: OpenId, folder: Path) -> OpenIdSettings | None:
    """What the portal works with; None when there is no provider.

    Raises `ConfigurationFault` for a file that cannot be read.
    """
    if not settings.issuer:
        return None
    return OpenIdSettings(
        issuer=settings.issuer,
        client_id=settings.client_id,
        client_secret=_secret(settings, folder),
        scopes=settings.scopes,
        person_claim=settings.person_claim,
        group_claim=settings.group_claim,
        groups=tuple(
            GroupRole(entry.group, role, entry.venues)
            for entry in settings.groups
            for role in ROLES
            if role == entry.role
        ),
        make_people=settings.make_people,
        button=settings.button,
        domains=settings.domains,
    )


def _secret(settings: OpenId, folder: Path) -> str:
    if not settings.client_secret_file:
        return os.environ.get(SECRET_VARIABLE, "").strip()
    path = folder / settings.client_secret_file
    where = "portal.openid.client_secret_file"
    try:
        octets = path.read_bytes()
        text = octets.decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "not UTF-8"
        raise ConfigurationFault([f"{where}: {path}: {why}; use a file with the secret"]) from None
    if not text or len(octets) > SECRET_OCTETS_MAX:
        raise ConfigurationFault([f"{where}: {path}: no secret in it; use a file with the secret"])
    return text
