"""The `lychgate` command: what people type, and the exit status they get.

Exit status: 0 all is well; 1 something was found (a warning, no answer); 2 bad input, every fault
on standard error. Commands import what they need when they run, so that `--help` and completion are
quick and `serve` starts within a second. No command has logic of its own: each calls one module and
shows it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from lychgate.commands import (
    audit,
    backups,
    bundles,
    certificates,
    devices,
    doctor,
    essentials,
    exceptions,
    init,
    lists,
    organisation,
    pages,
    people,
    policies,
    portal,
    profiles,
    recorder,
    report,
    roles,
    rooms,
    rules,
    selfcheck,
    store,
    suggestions,
    terms,
    up,
    upstreams,
    venues,
)
from lychgate.commands.options import FINDING, Config, Json, load, refuse

app = typer.Typer(
    name="lychgate",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""A filtering DNS resolver for places where people come to learn and look for work.

Start it with `lychgate serve`, then ask it: `lychgate query bet365.com`. Why was something
blocked? `lychgate explain bet365.com`. Settings are in `lychgate.toml`, which may be left out. Who
may see what is in the store that `lychgate store create` makes, or in a `policy.toml`.

Exit status: 0 all is well, 1 something was found, 2 bad input.""",
)
index_app = typer.Typer(no_args_is_help=True, help="Build and look at the index of bulk lists.")
app.add_typer(index_app, name="index")
app.add_typer(lists.app, name="lists")
app.add_typer(suggestions.app, name="suggestions")

_DAILY = "What people decide every day"
app.add_typer(exceptions.app, name="exception", rich_help_panel=_DAILY)
app.add_typer(rules.app, name="rule", rich_help_panel=_DAILY)
app.add_typer(devices.app, name="device", rich_help_panel=_DAILY)
_PLACES = "Places, people and what they may see"
app.add_typer(organisation.app, name="organisation", rich_help_panel=_PLACES)
app.add_typer(venues.app, name="venue", rich_help_panel=_PLACES)
app.add_typer(rooms.app, name="room", rich_help_panel=_PLACES)
app.add_typer(profiles.app, name="profile", rich_help_panel=_PLACES)
app.add_typer(terms.app, name="term", rich_help_panel=_PLACES)
app.add_typer(people.app, name="person", rich_help_panel=_PLACES)
app.add_typer(roles.app, name="role", rich_help_panel=_PLACES)
app.add_typer(bundles.app, name="bundle", rich_help_panel=_PLACES)
app.add_typer(essentials.app, name="essential", rich_help_panel=_PLACES)
app.add_typer(pages.app, name="page", rich_help_panel=_PLACES)
_KEEPING = "The policy as a whole"
app.add_typer(policies.app, name="policy", rich_help_panel=_KEEPING)
app.add_typer(certificates.app, name="certificates", rich_help_panel=_KEEPING)
app.add_typer(audit.app, name="audit", rich_help_panel=_KEEPING)
app.add_typer(store.app, name="store", rich_help_panel=_KEEPING)


@app.command()
def serve(
    config: Config = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Processes that answer, instead of server.workers.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Answer DNS queries until told to stop.

    A changed policy or index is taken over within a second; a broken one is refused, and the
    one before it stays. Stop with Ctrl-C or SIGTERM; SIGHUP reads policy and index again.

    Example: `lychgate serve --config /etc/lychgate/lychgate.toml --workers 2`
    """
    from lychgate.serving import serve

    raise typer.Exit(serve(load(config), workers))


app.command()(portal.portal)
app.command()(recorder.record)
app.command()(up.up)
app.command()(upstreams.upstreams)
app.command()(init.init)
app.command()(init.dhcp)
app.command()(doctor.doctor)
app.command()(selfcheck.selfcheck)
app.command()(report.report)
app.command()(backups.backup)
app.command()(backups.restore)
app.command()(backups.migrate)
app.command("portal-link")(portal.portal_link)


@app.command()
def check_config(
    config: Config = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="Check this policy document in place of filter.policy."),
    ] = None,
) -> None:
    """Check lychgate.toml and the files it names, without serving.

    Every fault is listed at once, as *where: what was given; what is allowed*. Exit status: 0 good,
    1 good but something is missing (a warning), 2 it would not start.

    Example: `lychgate check-config --policy new-policy.toml`
    """
    from lychgate.checking import check
    from lychgate.faults import ConfigurationFault
    from lychgate.screens import show_summary

    configuration = load(config)
    if policy is not None:
        configuration = configuration.with_policy(policy)
    try:
        checked = check(configuration)
    except ConfigurationFault as fault:
        refuse(fault.faults)
    show_summary(checked.rows, checked.warnings)
    if checked.warnings:
        raise typer.Exit(FINDING)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="The name to explain, as in bet365.com.")],
    client: Annotated[
        str, typer.Option(help="The address that asks: decides venue, room, device and profile.")
    ] = "127.0.0.1",
    at: Annotated[
        str | None,
        typer.Option(
            help="When: 2026-11-23T12:30, or 12:30 for today, on the organisation's clock.",
            show_default="now",
        ),
    ] = None,
    qtype: Annotated[str, typer.Option(help="The record type asked for.")] = "A",
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Say what would happen to a name, why, and what would change it.

    Asks nobody: aliases and addresses that a name leads to are checked only when it is resolved.

    Examples: `lychgate explain bet365.com`,
    `lychgate explain facebook.com --client 10.20.3.7 --at 12:30`
    """
    from lychgate.explaining import QuestionFault
    from lychgate.explaining import explain as explain_name
    from lychgate.screens import show_explanation
    from resolver.setup import SnapshotFault

    try:
        found = explain_name(load(config), name, _type(qtype), client, at, time.time())
    except QuestionFault as fault:
        refuse([str(fault)])
    except SnapshotFault as fault:
        refuse(fault.faults)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        show_explanation(found)


@app.command()
def query(
    name: Annotated[str, typer.Argument(help="The name to ask about.")],
    qtype: Annotated[str, typer.Argument(metavar="[TYPE]", help="The record type.")] = "A",
    server: Annotated[
        str | None,
        typer.Option(
            help="Whom to ask, as ADDRESS:PORT.", show_default="where lychgate.toml listens"
        ),
    ] = None,
    tcp: Annotated[bool, typer.Option("--tcp", help="Ask over TCP at once.")] = False,
    config: Config = None,
) -> None:
    """Ask a DNS server, and show its answer with its reason.

    Exit status: 0 an answer came, whatever it says; 1 none came.

    Examples: `lychgate query bet365.com`, `lychgate query gov.uk AAAA --server 9.9.9.9`
    """
    from categoriser.names import from_text
    from lychgate.asking import NoAnswer, ask
    from lychgate.screens import show_answer, show_faults
    from resolver.listeners import parse_bind

    try:
        asked = load(config).own_server if server is None else parse_bind(server)
        wire = from_text(name)
    except ValueError as fault:
        refuse([str(fault)])
    try:
        show_answer(ask(asked, wire, _type(qtype), tcp=tcp))
    except NoAnswer as fault:
        show_faults([str(fault)])
        raise typer.Exit(FINDING) from None


@index_app.command("build")
def index_build(
    paths: Annotated[
        list[Path], typer.Argument(help="List files, or folders of them.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The index file.", show_default="where lychgate.toml looks for it"),
    ] = None,
    category: Annotated[
        str | None,
        typer.Option(
            help="The category of every list.", show_default="from each file name: gambling.txt"
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Compile list files into the index, in one step: a running resolver takes it over.

    Lists hold one domain a line, or are hosts files. Entries that would block a whole ending such
    as co.uk are rejected and counted. A list without a usable entry stops the build, and the index
    stays as it was.

    Example: `lychgate index build lists/ --out var/index.lychgate`
    """
    from blocklists.compiling import CompileFault, compile_index
    from lychgate.screens import console, show_compiled

    target = out if out is not None else load(config).index_file
    try:
        if out is None:
            target.parent.mkdir(parents=True, exist_ok=True)
        with console(stderr=True).status("Compiling..."):
            report = compile_index(paths, target, category=category, at=time.time())
    except CompileFault as fault:
        refuse(fault.faults)
    except OSError as fault:
        refuse([f"{target.parent}: {fault.strerror}; a writable place is needed"])
    show_compiled(report)


@index_app.command("stat")
def index_stat(
    path: Annotated[
        Path | None,
        typer.Argument(help="The index file.", show_default="where lychgate.toml looks for it"),
    ] = None,
    config: Config = None,
) -> None:
    """Show what is in an index, after checking that it is whole.

    Example: `lychgate index stat var/index.lychgate`
    """
    from categoriser.indexfile import IndexFault, open_index
    from lychgate.screens import show_manifest

    target = path if path is not None else load(config).index_file
    try:
        table = open_index(target)
    except IndexFault as fault:
        refuse([str(fault)])
    show_manifest(target, table.manifest, len(table), target.stat().st_size)


@app.command()
def version() -> None:
    """Show the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        typer.echo(f"lychgate {installed('lychgate')}")
    except PackageNotFoundError:
        typer.echo("lychgate (run from its source)")


def _type(text: str) -> int:
    from lychgate.questions import read_type

    try:
        return read_type(text)
    except ValueError as fault:
        refuse([f"TYPE: {fault}"])
