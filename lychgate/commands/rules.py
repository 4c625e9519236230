"""`lychgate rule ...`: a deliberate word about one name: allow or deny, for whom, and why."""

from __future__ import annotations

import time
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lychgate.commands.deciding import (
    DryRun,
    Manner,
    Person,
    Reason,
    changes,
    decide,
    given,
    open_office,
    read_lines,
    require_changes,
    show_json,
    show_one,
    telling_faults,
)
from lychgate.commands.options import FINDING, Config, Json, refuse
from lychgate.commands.places import (
    EVERYONE,
    AtVenue,
    Everywhere,
    ForProfile,
    InRoom,
    OnDevice,
    lies_in,
    scope_of,
)

if TYPE_CHECKING:
    from lychgate.office import Office

app = typer.Typer(
    no_args_is_help=True, help="Rules: allow or deny names, for everyone or somewhere, and why."
)

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Of `lychgate rule list`.")]
Review = Annotated[
    str | None,
    typer.Option(help="When to look again, as in 2027-09-01 or +90d.", show_default=False),
]
Expires = Annotated[
    str | None,
    typer.Option(help="When it ends by itself, as in 2027-03-31, +2h.", show_default="it stays"),
]
Override = Annotated[
    bool,
    typer.Option(
        "--override", help="Even if it closes something essential or a whole ending such as co.uk."
    ),
]


@app.command()
def add(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="allow or deny.")],
    reason: Annotated[str, typer.Option("--reason", help="Why: kept with the rule.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]",
            help="As in example.com (all below it as well), =example.com, *.win; to deny also a "
            "network of addresses, as in 198.51.100.0/24.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A file of names, one in a line.", show_default=False)
    ] = None,
    bundle: Annotated[
        list[str] | None,
        typer.Option(help="A bundle to allow, as in facebook.", show_default=False),
    ] = None,
    venue: AtVenue = None,
    room: InRoom = None,
    device: OnDevice = None,
    profile: ForProfile = None,
    review: Review = None,
    expires: Expires = None,
    override: Override = False,
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Allow or deny names, all of them or none; for everyone unless a place is said.

    Examples: `lychgate rule add allow learn.example --reason "our course" --review 2027-09-01`,
    `lychgate rule add deny --file scams.txt --profile learners --reason "reported in March"`
    """
    from policy.commands.rules import AddRules

    office = open_office(config)
    targets = [_target(name) for name in [*(names or ()), *read_lines("--file", file)]]
    targets += [{"bundle": one} for one in bundle or ()]
    if not targets:
        refuse(["NAME: nothing is given; use names, --file or --bundle"])
    scope = scope_of(venue=venue, room=room, device=device, profile=profile) or EVERYONE
    more = given(scope=scope, **_times(office, review, expires))
    bodies = [{"action": action, **target, **more} for target in targets]
    manner = Manner(config, person, dry_run, as_json)
    decide(AddRules(bodies, reason, override), manner, office)


@app.command("list")
def list_(
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT]", help="Only rules with this in them.", show_default="all"),
    ] = None,
    action: Annotated[
        str | None, typer.Option(help="Only allow, or only deny.", show_default="both")
    ] = None,
    venue: AtVenue = None,
    room: InRoom = None,
    device: OnDevice = None,
    profile: ForProfile = None,
    everywhere: Everywhere = False,
    due: Annotated[
        bool, typer.Option("--due", help="Only those whose day to look again has come.")
    ] = False,
    expired: Annotated[bool, typer.Option("--expired", help="Only those that are over.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200_000, help="How many to show.")] = 200,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show rules; those that are over are left out unless asked for.

    Examples: `lychgate rule list --venue crewe`, `lychgate rule list --due`
    """
    wanted = scope_of(venue=venue, room=room, device=device, profile=profile, everywhere=everywhere)
    with telling_faults():
        office = open_office(config)
        bodies = office.raw(["rules"]).get("rules", [])
        zone = office.zone()
    now = time.time()
    from lychgate.instants import read_day
    from lychgate.standing import ends_at

    today = read_day("+0d", now, zone, "").isoformat()
    found = [
        body
        for body in bodies
        if (text is None or text.lower() in " ".join(map(str, body.values())).lower())
        and (action is None or body["action"] == action)
        and (wanted is None or lies_in(body.get("scope", EVERYONE), wanted))
        and (not due or body.get("review", "9999") <= today)
        and (ends_at(body, "expires", zone) <= now) == expired
    ]
    _show(found, as_json, limit)


@app.command()
def find(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in www.facebook.com.")],
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show every rule that is about a name, whomever it is for.

    Which of them decides for a client, `lychgate explain` says. Exit status: 1 when there is none.

    Example: `lychgate rule find www.facebook.com`
    """
    from categoriser.names import from_text, spell

    with telling_faults():
        spelling = spell(from_text(name))
        office = open_office(config)
        raw = office.raw()
        search = office.build(raw).rulebook.find
    numbers = {rule.id for rule in search(spelling)} if search is not None else set()
    found = [body for body in raw.get("rules", []) if body["id"] in numbers]
    _show(found, as_json, len(found))
    if not found:
        raise typer.Exit(FINDING)


@app.command()
def show(number: Number, as_json: Json = False, config: Config = None) -> None:
    """Show one rule.

    Example: `lychgate rule show 17`
    """
    with telling_faults():
        body = open_office(config).numbered("rules", number)
    show_one("rule", number, body, as_json=as_json)


@app.command()
def change(
    number: Number,
    name: Annotated[
        str | None, typer.Option("--name", help="Another name or pattern.", show_default=False)
    ] = None,
    action: Annotated[str | None, typer.Option(help="allow or deny.", show_default=False)] = None,
    why: Annotated[
        str | None, typer.Option("--why", help="Another reason of the rule.", show_default=False)
    ] = None,
    venue: AtVenue = None,
    room: InRoom = None,
    device: OnDevice = None,
    profile: ForProfile = None,
    everywhere: Everywhere = False,
    review: Review = None,
    expires: Expires = None,
    override: Override = False,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Change what is given of a rule; an empty --review or --expires takes it away.

    `--reason` says why it is changed, `--why` is the reason that stands with the rule.

    Example: `lychgate rule change 17 --review 2028-09-01 --reason "still needed"`
    """
    from policy.commands.rules import ChangeRule

    scope = scope_of(venue=venue, room=room, device=device, profile=profile, everywhere=everywhere)
    office = open_office(config)
    new = changes(action=action, scope=scope, reason=why, **_times(office, review, expires))
    if name is not None:
        new |= {**dict.fromkeys(("pattern", "address", "bundle")), **_target(name)}
    require_changes("rule change", new)
    manner = Manner(config, person, dry_run, as_json)
    decide(ChangeRule(number, new, reason, override), manner, office)


@app.command()
def remove(
    number: Number,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Take a rule back: lists and profiles decide again.

    Example: `lychgate rule remove 17 --reason "the course is over"`
    """
    from policy.commands.rules import RemoveRule

    decide(RemoveRule(number, reason), Manner(config, person, dry_run, as_json))


def _target(text: str) -> dict[str, str]:
    """A name as a pattern; a network as an address."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return {"address" if "/" in text else "pattern": text}
    return {"address": text}


def _times(office: Office, review: str | None, expires: str | None) -> dict[str, str | None]:
    """The day to look again and the end, as the policy has them; what was not typed is None."""
    from lychgate.instants import read_day
    from lychgate.standing import end_of

    times = {"review": review, "expires": expires}
    with telling_faults():
        if review:
            times["review"] = read_day(review, time.time(), office.zone(), "--review").isoformat()
        if expires:
            times["expires"] = end_of(expires, time.time(), office.zone(), "--expires")
    return times


def _show(found: list[dict[str, Any]], as_json: bool, limit: int) -> None:
    from lychgate.policy_screens import show_rows

    if as_json:
        show_json(found[:limit])
        return
    show_rows(
        ("rule", "action", "what", "for", "why", "who", "look again", "ends"),
        [
            (
                str(body["id"]),
                body["action"],
                _what(body),
                body.get("scope", EVERYONE),
                body["reason"],
                body.get("author", ""),
                body.get("review", ""),
                body.get("expires", ""),
            )
            for body in found[:limit]
        ],
        "There is no such rule.",
    )
    if len(found) > limit:
        typer.echo(f"and {len(found) - limit:,} more; --limit shows them")


def _what(body: dict[str, Any]) -> str:
    if "bundle" in body:
        return f"bundle {body['bundle']}"
    return str(body.get("pattern", body.get("address", "")))
