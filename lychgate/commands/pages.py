"""`lychgate page ...`: what block pages say beside the reason, and where they lead for help."""

from __future__ import annotations

from typing import Annotated

import typer

from lychgate.commands.deciding import (
    DryRun,
    Manner,
    Person,
    Reason,
    decide,
    open_office,
    show_json,
    telling_faults,
)
from lychgate.commands.options import Config, Json

app = typer.Typer(no_args_is_help=True, help="Texts and help links for block pages, by category.")

Page = Annotated[
    str,
    typer.Argument(
        metavar="PAGE", help="A category, as in gambling; or organisation, for every block page."
    ),
]


@app.command("set")
def set_(
    page: Page,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What it says.")],
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Give the pages of a category a text of your own.

    Example: `lychgate page set gambling "Talk to Maya in the office, or call 0808 8020 133."`
    """
    from policy.commands.pages import SetPage

    decide(SetPage(page, text, reason), Manner(config, person, dry_run, as_json))


@app.command()
def links(
    page: Page,
    links: Annotated[
        list[str] | None,
        typer.Argument(metavar="LINK...", help="Title and address each; none: no links."),
    ] = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Give the pages of a category help links of your own, before those that ship.

    Example: `lychgate page links gambling "Maya in the office tel:+441234567890"`
    """
    from policy.commands.pages import SetPage

    given = []
    for link in links or ():
        title, _, address = link.strip().rpartition(" ")
        given.append({"title": title.strip(), "url": address})
    decide(SetPage(page, None, reason, given), Manner(config, person, dry_run, as_json))


@app.command("list")
def list_(as_json: Json = False, config: Config = None) -> None:
    """Show all texts and links.

    Example: `lychgate page list`
    """
    from lychgate.policy_screens import show_rows

    with telling_faults():
        pages = open_office(config).raw(["pages"]).get("pages", {})
    if as_json:
        show_json([{"id": id, **body} for id, body in pages.items()])
        return
    show_rows(
        ("page", "text", "help links"),
        [
            (id, body.get("text", ""), ", ".join(link["url"] for link in body.get("help", ())))
            for id, body in pages.items()
        ],
        "No page has a text of its own; `lychgate page set` gives one.",
    )


@app.command()
def remove(
    page: Page,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Take text and links away.

    Example: `lychgate page remove gambling`
    """
    from policy.commands.pages import RemovePage

    decide(RemovePage(page, reason), Manner(config, person, dry_run, as_json))
