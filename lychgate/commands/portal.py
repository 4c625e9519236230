"""`lychgate portal`: the pages for people."""

from __future__ import annotations

from typing import Annotated

import typer

from lychgate.commands.options import Config, load, refuse


def portal(config: Config = None) -> None:
    """Serve the pages for administrators, tutors, safeguarding leads and leadership.

    A process of its own beside `lychgate serve`; makes the store if there is none. At the first run
    it prints a link that sets the first administrator up, once. Stop with Ctrl-C or SIGTERM.

    Example: `lychgate portal --config /etc/lychgate/lychgate.toml`
    """
    from lychgate.portal_serving import serve_portal

    configuration = load(config)
    raise typer.Exit(serve_portal(configuration, configuration.portal))


def portal_link(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Their id, as in jo.")],
    config: Config = None,
) -> None:
    """Make a link that signs a person in to the portal, once and within 15 minutes.

    For the day on which nothing else does: the OpenID provider is down, or the only administrator
    has lost password and phone. It is in the audit log who made it.

    Example: `lychgate portal-link jo`
    """
    from lychgate.portal_entry import make_link
    from policy.commands.command import Refused
    from policy.store import StoreFault

    try:
        link = make_link(load(config), person)
    except (Refused, StoreFault) as fault:
        refuse(str(fault).splitlines())
    typer.echo(f"This signs {person} in, within 15 minutes and once:\n  {link}")
