"""`lychgate bundle ...`: platforms with the supporting hosts they cannot do without."""

from __future__ import annotations

from typing import Annotated

import typer

from lychgate.commands.deciding import (
    DryRun,
    Manner,
    Person,
    Reason,
    changes,
    decide,
    given,
    known,
    open_office,
    require_changes,
    show_json,
    show_one,
    telling_faults,
)
from lychgate.commands.options import Config, Json

app = typer.Typer(
    no_args_is_help=True,
    help="Bundles: a platform with the supporting hosts it cannot do without, under one name.",
)

Bundle = Annotated[str, typer.Argument(metavar="BUNDLE", help="Its id, as in facebook.")]
Title = Annotated[
    str | None, typer.Option("--title", help="How people call it.", show_default="its id")
]


@app.command("list")
def list_(as_json: Json = False, config: Config = None) -> None:
    """Show all bundles: those that ship, and your own.

    Example: `lychgate bundle list`
    """
    from lychgate.policy_screens import show_rows

    with telling_faults():
        found = open_office(config).policy(["organisation", "profiles", "bundles"]).bundles
    if as_json:
        show_json(
            [
                {
                    "id": id,
                    "title": one.title,
                    "sites": [site.text for site in one.sites],
                    "shipped": one.shipped,
                }
                for id, one in found.items()
            ]
        )
        return
    show_rows(
        ("bundle", "title", "sites", "whose"),
        [
            (id, one.title, str(len(one.sites)), "shipped" if one.shipped else "your own")
            for id, one in found.items()
        ],
        "",
    )


@app.command()
def show(bundle: Bundle, as_json: Json = False, config: Config = None) -> None:
    """Show what a bundle opens.

    Example: `lychgate bundle show facebook`
    """
    with telling_faults():
        found = open_office(config).policy(["organisation", "profiles", "bundles"]).bundles
        one = known(found, bundle, "bundle", "BUNDLE")
    body = {
        "title": one.title,
        "sites": [site.text for site in one.sites],
        "shipped": one.shipped,
    }
    show_one("bundle", bundle, body, as_json=as_json)


@app.command()
def add(
    bundle: Bundle,
    sites: Annotated[
        list[str], typer.Argument(metavar="SITE...", help="As in portal.example cdn.example.")
    ],
    title: Title = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Add a bundle of your own; one of a shipped name takes the shipped one's place.

    Example: `lychgate bundle add college-radio radio.example cdn.radio.example`
    """
    from policy.commands.bundles import AddBundle

    body = given(title=title, sites=sites)
    decide(AddBundle(bundle, body, reason), Manner(config, person, dry_run, as_json))


@app.command()
def change(
    bundle: Bundle,
    site: Annotated[
        list[str] | None,
        typer.Option("--site", help="All its sites anew; may be repeated.", show_default=False),
    ] = None,
    title: Title = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Change a bundle of your own. What opens it follows at once.

    Example: `lychgate bundle change college-radio --site radio.example --site live.example`
    """
    from policy.commands.bundles import ChangeBundle

    new = changes(title=title, sites=site)
    require_changes("bundle change", new)
    decide(ChangeBundle(bundle, new, reason), Manner(config, person, dry_run, as_json))


@app.command()
def remove(
    bundle: Bundle,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Give a bundle of your own up. Refused while a rule or an exception opens it.

    Example: `lychgate bundle remove college-radio`
    """
    from policy.commands.bundles import RemoveBundle

    decide(RemoveBundle(bundle, reason), Manner(config, person, dry_run, as_json))
