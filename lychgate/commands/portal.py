"""`lychgate portal`: the pages for people."""

from __future__ import annotations

import typer

from lychgate.commands.options import Config, load


def portal(config: Config = None) -> None:
    """Serve the pages for administrators, tutors, safeguarding leads and leadership.

    A process of its own beside `lychgate serve`; makes the store if there is none. At the first run
    it prints a link that sets the first administrator up, once. Stop with Ctrl-C or SIGTERM.

    Example: `lychgate portal --config /etc/lychgate/lychgate.toml`
    """
    from lychgate.portal_serving import serve_portal

    configuration = load(config)
    raise typer.Exit(serve_portal(configuration, configuration.portal))
