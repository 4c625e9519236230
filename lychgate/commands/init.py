"""`lychgate init`: a few questions, and an installation that can be started; `lychgate dhcp`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from lychgate.commands.options import (
    BAD_INPUT,
    SYSTEM_FILE,
    Config,
    new_file,
    refuse,
    share_with_group,
)

if TYPE_CHECKING:
    from lychgate.founding.answers import Answers
    from lychgate.founding.surroundings import Attached
    from lychgate.founding.writing import Plan

T = TypeVar("T")
TRIES_MAX = 20
"""A question is asked so often; then something else is wrong."""


def _option(*names: str, help: str) -> Any:
    return typer.Option(*names, help=help, show_default=False)


def init(
    organisation: Annotated[str | None, _option("--organisation", help="Its name.")] = None,
    venue: Annotated[str | None, _option("--venue", help="The venue's name.")] = None,
    networks: Annotated[
        str | None, _option("--networks", help="The venue's networks: 192.168.1.0/24, ...")
    ] = None,
    audience: Annotated[
        str | None, _option("--for", help="Whom it is for: adults, mixed, staff.")
    ] = None,
    upstream: Annotated[
        str | None, _option("--upstream", help="A preset of `lychgate upstreams`, or addresses.")
    ] = None,
    listen: Annotated[
        str | None, _option("--listen", help="Where to answer: 192.168.1.2:53, ...")
    ] = None,
    lists: Annotated[
        str | None, _option("--lists", help="Published lists to begin with, or none.")
    ] = None,
    term: Annotated[
        str | None, _option("--term", help='"Spring 2027 = 2027-01-05 to 2027-03-26", or none.')
    ] = None,
    mail: Annotated[
        str | None, _option("--mail", help="mail.example.org:587 sender@example.org, or none.")
    ] = None,
    tell: Annotated[
        str | None, _option("--tell", help="Who is told of alerts, by mail: dsl@example.org, ...")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: options and defaults are the answers.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")
    ] = False,
    config: Config = None,
) -> None:
    """Set an installation up: settings, store, first lists; and what to tell the router.

    Asks what it cannot find out, shows what it would write, and never overwrites anything. It
    starts nothing. Each question has an option, for installing without a person.

    Example: `lychgate init --yes --organisation "Northshire Skills" --networks 192.168.1.0/24`
    """
    from lychgate.founding import surroundings
    from lychgate.founding.writing import carry_out, default_state, plan

    file = config if config is not None else new_file()
    if file.exists():
        refuse([f"{file}: settings are there already, and stay; see lychgate doctor"])
    here = surroundings.attached()
    given = {
        "organisation": organisation,
        "venue": venue,
        "networks": networks,
        "for": audience,
        "upstream": upstream,
        "listen": listen,
        "lists": lists,
        "term": term,
        "mail": mail,
        "tell": tell,
    }
    answers = _Asking(given, here, yes=yes).all(file)
    from lychgate.commands.deciding import telling_faults
    from lychgate.faults import ConfigurationFault

    with telling_faults():
        try:
            planned = plan(answers, file, default_state(file))
        except ConfigurationFault as fault:
            refuse(fault.faults)
        there = planned.there_already()
        if there:
            refuse([*there, "nothing was changed"])
        _show_plan(planned, answers)
        if dry_run:
            typer.echo("Nothing was written (--dry-run).")
            return
        if not yes and not typer.confirm("Write this?", default=True):
            typer.echo("Nothing was written.")
            raise typer.Exit(BAD_INPUT)
        share_with_group(planned.configuration.state_directory)
        carry_out(planned, time.time())
        _show_next(planned, answers, here)


class _Asking:
    """Puts the questions, or takes the options' answers; all faults of options at once."""

    def __init__(self, given: dict[str, str | None], here: list[Attached], *, yes: bool) -> None:
        self._given, self._here, self._yes = given, here, yes
        self._faults: list[str] = []

    def all(self, file: Path) -> Answers:
        """Every answer; ends the command when options are wrong."""
        from blocklists import sources
        from lychgate.founding import answers as read
        from lychgate.founding.surroundings import listen_addresses
        from lychgate.kinds import BIND, write_bind

        ours = [str(one.network) for one in self._here]
        organisation = self._one("organisation", "Name of the organisation", None, read.read_name)
        venue = self._one("venue", "Name of this venue", "Main venue", read.read_name)
        networks = self._one(
            "networks",
            "Networks of the venue",
            ", ".join(ours) or "192.168.0.0/16, 10.0.0.0/8",
            read.read_networks,
        )
        for word, one in read.audiences().items() if not self._yes else ():
            typer.echo(f"  {word:8} {one.title}")
        audience = self._one("for", "Whom is it for", "adults", read.read_audience)
        if not self._yes and self._given["upstream"] is None:
            _show_presets()
        upstreams = self._one("upstream", "Who is asked about names", "quad9", read.read_upstreams)
        port = 53 if os.geteuid() == 0 or file.is_relative_to("/etc") else 5300
        where = listen_addresses(networks or (), self._here, port)

        def binds(text: str) -> tuple[str, ...]:
            words = [word for word in text.replace(",", " ").split() if word]
            return tuple(write_bind(BIND.read(word)) for word in words)

        listen = self._one("listen", "Where to answer", ", ".join(where), binds)
        known = tuple(sources.load())
        first = audience.lists if audience is not None else ()
        if not self._yes and self._given["lists"] is None:
            _show_lists(first)
        lists = self._one(
            "lists",
            "Lists to use",
            " ".join(first) or "none",
            lambda text: read.read_lists(text, known),
        )
        term = self._one("term", "This term, or none", "none", read.read_term)
        mail = self._one(
            "mail",
            "Mail server for notices, and the sender (mail.example.org:587 lychgate@example.org)",
            "none",
            read.read_mail,
        )
        told: tuple[str, ...] = ()
        if mail is not None:
            told = self._one("tell", "Who is told of alerts, by mail", "none", read.read_told)
        elif self._given["tell"] is not None:
            self._faults.append("--tell: nobody can be told by mail without a server; give --mail")
        if self._faults or None in (organisation, venue, networks, audience, upstreams):
            refuse(self._faults)
        return read.Answers(
            organisation, venue, networks, audience, upstreams, listen, lists, term, mail, told
        )

    def _one(self, word: str, question: str, default: str | None, read: Callable[[str], T]) -> T:
        """One answer; after a bad option something that nobody uses, for all are told at once."""
        text = self._given[word]
        if text is None and self._yes:
            text = default
            if text is None:
                self._faults.append(f"--{word}: nothing is given; with --yes it is required")
                return None  # type: ignore[return-value]
        if text is not None:
            try:
                return read(text)
            except ValueError as fault:
                self._faults.append(f"--{word}: {fault}")
                return None  # type: ignore[return-value]
        for _ in range(TRIES_MAX):
            typed: str = typer.prompt(question, default=default)
            try:
                return read(typed)
            except ValueError as fault:
                typer.echo(f"  {fault}", err=True)
        refuse([f"{word}: no usable answer in {TRIES_MAX} tries; nothing was changed"])


def dhcp(
    router: Annotated[
        str | None, typer.Argument(help="Only this kind of router.", show_default="all")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="This machine's address.", show_default="found")
    ] = None,
) -> None:
    """Show what to tell the router, so that devices ask Lychgate.

    Example: `lychgate dhcp openwrt --address 192.168.1.2`
    """
    from lychgate.founding.dhcp import routers
    from lychgate.founding.surroundings import attached

    known = routers()
    if router is not None and router not in known:
        refuse([f"{router!r} is not a router known here; use one of {', '.join(known)}"])
    try:
        chosen = None if address is None else ip_address(address)
    except ValueError:
        refuse([f"--address: {address!r} is not an address; use one as in 192.168.1.2"])
    here = attached()
    _show_dhcp(here, [router] if router else list(known), "" if chosen is None else str(chosen))


def _show_dhcp(here: list[Attached], words: list[str], address: str = "") -> None:
    from lychgate.founding.dhcp import lines, routers

    ipv4 = next((one for one in here if one.network.version == 4), None)
    ipv6 = next((one.address for one in here if one.network.version == 6), "")
    if address:
        ipv4_address, ipv6 = (address, ipv6) if "." in address else ("", address)
    else:
        ipv4_address = ipv4.address if ipv4 is not None else ""
    for word in words:
        kind = routers()[word]
        typer.echo(f"{kind.title} ({kind.where}):")
        network = str(ipv4.network) if ipv4 is not None else ""
        for line in lines(kind, ipv4=ipv4_address, ipv6=ipv6, network=network):
            typer.echo(f"    {line}")
    typer.echo("One resolver only: a second one that does not filter is asked as well, by turns.")


def _show_presets() -> None:
    from resolver.upstream import presets

    for word, preset in presets.load().items():
        typer.echo(f"  {word:20} {preset.title}; filters {preset.filters}")


def _show_lists(words: tuple[str, ...]) -> None:
    from blocklists import sources
    from lychgate.screens import console, table

    known = sources.load()
    shown = table("list", "category", "entries", "licence")
    for word in words:
        source = known[word]
        entries = f"{source.typical_entries:,}" if source.typical_entries else ""
        shown.add_row(word, ", ".join(source.categories.values()), entries, source.licence)
    console().print(shown)


def _show_plan(planned: Plan, answers: Answers) -> None:
    from lychgate.office import Office

    typer.echo(f"\n{planned.file}:")
    for line in planned.text.splitlines():
        typer.echo(f"    {line}")
    (venue,) = planned.policy["venues"].values()
    typer.echo(f"{Office(planned.configuration).where}:")
    typer.echo(f"    {answers.organisation}: profiles {', '.join(planned.policy['profiles'])}")
    typer.echo(f"    {venue['title']}: {', '.join(venue['networks'])}, profile {venue['profile']}")
    if answers.term is not None:
        typer.echo(f"    {answers.term.name}: {answers.term.first} to {answers.term.last}")
    typer.echo(f"{planned.configuration.choices_file}:")
    typer.echo(f"    {', '.join(planned.lists) or 'no lists'}")
    if planned.lists:
        typer.echo(
            "    Each has a licence of its own; see `lychgate lists sources`, docs/lists.md."
        )


def _show_next(planned: Plan, answers: Answers, here: list[Attached]) -> None:
    from lychgate.checking import check
    from lychgate.faults import ConfigurationFault
    from lychgate.founding.writing import set_up_link
    from lychgate.screens import show_faults

    option = f" --config {planned.file}"
    typer.echo("\nWritten. The router has to hand this machine out as the only resolver:")
    _show_dhcp(here, ["other"])
    typer.echo("    lychgate dhcp   # the very lines for common routers")
    link = set_up_link(planned.configuration, time.time())
    if link is not None:
        typer.echo(f"The first administrator signs up here, once, within 24 hours:\n    {link}")
    try:
        warnings = check(planned.configuration).warnings
    except ConfigurationFault as fault:
        show_faults(fault.faults)
        raise typer.Exit(BAD_INPUT) from None
    show_faults(f"warning: {warning}" for warning in warnings)
    typer.echo("Next:")
    if planned.lists:
        typer.echo(f"    lychgate lists refresh{option}   # fetches the lists; takes some minutes")
    if planned.file.parent == SYSTEM_FILE.parent:
        typer.echo("    systemctl start lychgate-resolver lychgate-recorder lychgate-portal")
    else:
        typer.echo(f"    lychgate up{option}")
    if answers.mail is not None and not answers.told:
        typer.echo("Nobody is told of alerts yet: [[notices.recipients]], docs/safeguarding.md.")
    typer.echo(f"    lychgate doctor{option}   # looks it over while it runs")
