"""Options that say for whom something is: a venue, a room, a device, a profile, or everyone."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from lychgate.commands.options import refuse

AtVenue = Annotated[
    str | None,
    typer.Option("--venue", help="At this venue, as in ellesmere-port.", show_default=False),
]
InRoom = Annotated[
    str | None,
    typer.Option("--room", help="In this room, as in ellesmere-port/it-suite.", show_default=False),
]
OnDevice = Annotated[
    str | None, typer.Option("--device", help="On this device.", show_default=False)
]
ForProfile = Annotated[
    str | None, typer.Option("--profile", help="For this profile.", show_default=False)
]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="For the whole organisation.")]

EVERYONE: Final = "organisation"


def scope_of(
    *,
    venue: str | None = None,
    room: str | None = None,
    device: str | None = None,
    profile: str | None = None,
    everywhere: bool = False,
) -> str | None:
    """The scope as the policy writes it; None when nothing was said, and no two things at once."""
    named = {"venue": venue, "room": room, "device": device, "profile": profile}
    scopes = [f"{kind}:{id}" for kind, id in named.items() if id is not None]
    if everywhere:
        scopes.append(EVERYONE)
    if len(scopes) > 1:
        refuse([f"{' and '.join(scopes)}: two places; use one of them, or the command twice"])
    return scopes[0] if scopes else None


def lies_in(scope: str, place: str) -> bool:
    """Whether a scope is a place, or a room of it."""
    return scope == place or (
        place.startswith("venue:") and scope.startswith(f"room:{place.removeprefix('venue:')}/")
    )
