"""What may be set of OpenID Connect."""

from __future__ import annotations

from dataclasses import dataclass, field

from policy.types import Role


@dataclass(frozen=True, slots=True)
class GroupRole:
    """A role that everybody of a group has."""

    group: str
    role: Role
    venues: tuple[str, ...] = ()
    """Where; empty: everywhere."""


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """One provider, and how its people become ours."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    """Empty: a public client, with PKCE alone."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    person_claim: str = "email"
    """The claim that names the person: an email address of the policy, or a sign-in name."""
    group_claim: str = "groups"
    groups: tuple[GroupRole, ...] = ()
    """With any, a person's roles are those of their groups, brought up to date at every sign-in."""
    make_people: bool = False
    """Whether somebody with a group of ours, whom the policy does not name, is added to it."""
    button: str = "Sign in with your work account"
    domains: tuple[str, ...] = ()
    """Domains of the addresses that may sign in; empty: any."""
