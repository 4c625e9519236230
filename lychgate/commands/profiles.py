"""`lychgate profile ...`: what a group of people may see, and when."""

from __future__ import annotations

from typing import Annotated, Any, Final

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
    pairs,
    require_changes,
    show_json,
    telling_faults,
)
from lychgate.commands.options import Config, Json, refuse

app = typer.Typer(no_args_is_help=True, help="Profiles: what a group of people may see, and when.")

Profile = Annotated[str, typer.Argument(metavar="PROFILE", help="Its id, as in learners.")]
Title = Annotated[
    str | None, typer.Option("--title", help="How people call it.", show_default="its id")
]
Answer = Annotated[
    str | None,
    typer.Option(
        "--answer", help="How a block is answered, as in nxdomain.", show_default="nxdomain"
    ),
]
SafeSearch = Annotated[
    bool | None,
    typer.Option("--safe-search/--no-safe-search", help="Enforce safe search.", show_default="on"),
]
YouTube = Annotated[
    str | None,
    typer.Option("--youtube", help="off, moderate or strict.", show_default="moderate"),
]
WarnMinutes = Annotated[
    int | None,
    typer.Option(
        "--warn-minutes",
        help="How long somebody may go on past a warning; 0: not at all.",
        show_default="as the organisation",
    ),
]
Pairs = Annotated[
    list[str],
    typer.Argument(
        metavar="CATEGORY=ACTION...",
        help="As in social-media=warn: allow, monitor, warn, block, or default.",
    ),
]

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DEFAULT: Final = "default"


@app.command()
def add(
    profile: Profile,
    title: Title = None,
    answer: Answer = None,
    safe_search: SafeSearch = None,
    youtube: YouTube = None,
    warn_minutes: WarnMinutes = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Add a profile. It begins with the defaults of every category; `set` gives others.

    Example: `lychgate profile add under-18 --title "Learners under 18" --youtube strict`
    """
    from policy.commands.profiles import AddProfile

    body = given(
        title=title,
        answer=answer,
        safe_search=safe_search,
        youtube=youtube,
        warn_minutes=warn_minutes,
    )
    decide(AddProfile(profile, body, reason), Manner(config, person, dry_run, as_json))


@app.command("list")
def list_(as_json: Json = False, config: Config = None) -> None:
    """Show all profiles.

    Example: `lychgate profile list`
    """
    from lychgate.policy_screens import show_rows, written

    with telling_faults():
        profiles = open_office(config).raw(["profiles"]).get("profiles", {})
    if as_json:
        show_json([{"id": id, **body} for id, body in profiles.items()])
        return
    show_rows(
        ("profile", "title", "actions other than the defaults", "periods"),
        [
            (
                id,
                body.get("title", id),
                written(body.get("actions", {})),
                ", ".join(period["name"] for period in body.get("periods", ())),
            )
            for id, body in profiles.items()
        ],
        "There is no profile; `lychgate profile add` makes one.",
    )


@app.command()
def show(profile: Profile, as_json: Json = False, config: Config = None) -> None:
    """Show one profile: the action of every category, and its periods.

    Example: `lychgate profile show learners`
    """
    from lychgate.policy_screens import show_body, show_rows, written
    from policy.timetable import expand

    with telling_faults():
        office = open_office(config)
        profiles = office.raw(["profiles"]).get("profiles", {})
        body: dict[str, Any] = known(profiles, profile, "profile", "PROFILE")
        taxonomy = office.taxonomy
    own = expand(body.get("actions", {}), taxonomy)
    actions = {id: own.get(id, entry.action) for id, entry in taxonomy.items()}
    if as_json:
        show_json({"id": profile, **body, "actions_in_force": actions})
        return
    plain = {key: value for key, value in body.items() if key not in ("actions", "periods")}
    show_body(f"profile {profile}", plain)
    show_rows(
        ("category", "title", "action", "from"),
        [
            (id, taxonomy[id].title, action, "the profile" if id in own else "the category")
            for id, action in actions.items()
        ],
        "",
    )
    show_rows(
        ("period", "days", "from", "to", "when", "actions"),
        [
            (
                period["name"],
                written(period["days"]),
                period["from"],
                period["to"],
                period.get("when", "any"),
                written(period.get("actions", {})),
            )
            for period in body.get("periods", ())
        ],
        "It has no periods.",
    )


@app.command()
def change(
    profile: Profile,
    title: Title = None,
    answer: Answer = None,
    safe_search: SafeSearch = None,
    youtube: YouTube = None,
    warn_minutes: WarnMinutes = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Change a profile's title, answer or searches; an empty text takes what it has away.

    Example: `lychgate profile change guests --youtube moderate`
    """
    from policy.commands.profiles import ChangeProfile

    new = changes(
        title=title,
        answer=answer,
        safe_search=safe_search,
        youtube=youtube,
        warn_minutes=warn_minutes,
    )
    require_changes("profile change", new)
    decide(ChangeProfile(profile, new, reason), Manner(config, person, dry_run, as_json))


@app.command("set")
def set_(
    profile: Profile,
    actions: Pairs,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Give categories other actions; the rest stay as they are. `default` takes one back.

    Example: `lychgate profile set learners social-media=warn shopping=default`
    """
    from policy.commands.profiles import SetActions

    wanted = pairs("CATEGORY=ACTION", actions)
    new = {key: None if value == _DEFAULT else value for key, value in wanted.items()}
    decide(SetActions(profile, new, reason), Manner(config, person, dry_run, as_json))


@app.command("add-period")
def add_period(
    profile: Profile,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in lunch.")],
    actions: Pairs,
    days: Annotated[str, typer.Option(help="As in mon-fri, or mon,wed.", show_default=False)],
    from_: Annotated[str, typer.Option("--from", help="As in 12:00.", show_default=False)],
    to: Annotated[str, typer.Option(help="As in 13:00; up to 24:00.", show_default=False)],
    when: Annotated[
        str | None,
        typer.Option(
            help="any, term, holidays, bank-holidays or not-bank-holidays.", show_default="any"
        ),
    ] = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Add a stretch of the week in which some actions differ, by the clock on the wall.

    One that ends before it begins ends on the day after. Of two that hold at once the later added
    counts.

    Example: `lychgate profile add-period learners lunch social-media=allow --days mon-fri
    --from 12:00 --to 13:00`
    """
    from policy.commands.profiles import AddPeriod

    body = {
        "name": name,
        "days": _days(days),
        **given(when=when),
        "from": from_,
        "to": to,
        "actions": pairs("CATEGORY=ACTION", actions),
    }
    decide(AddPeriod(profile, body, reason), Manner(config, person, dry_run, as_json))


@app.command("remove-period")
def remove_period(
    profile: Profile,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in lunch.")],
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Take a period away.

    Example: `lychgate profile remove-period learners lunch`
    """
    from policy.commands.profiles import RemovePeriod

    decide(RemovePeriod(profile, name, reason), Manner(config, person, dry_run, as_json))


@app.command()
def remove(
    profile: Profile,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Give a profile up that no place, device or rule has.

    Example: `lychgate profile remove under-18`
    """
    from policy.commands.profiles import RemoveProfile

    decide(RemoveProfile(profile, reason), Manner(config, person, dry_run, as_json))


def _days(text: str) -> list[str]:
    """`mon-fri` and `mon,wed` as days in a list; what is none is left for the policy to refuse."""
    days: list[str] = []
    for part in text.lower().replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if not dash:
            days.append(part)
        elif first in _DAYS and last in _DAYS and _DAYS.index(first) <= _DAYS.index(last):
            days += _DAYS[_DAYS.index(first) : _DAYS.index(last) + 1]
        else:
            refuse([f"--days: {part!r} is no stretch of days; use mon-fri, or mon,wed"])
    return list(dict.fromkeys(days))
