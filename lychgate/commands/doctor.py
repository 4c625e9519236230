"""`lychgate doctor`: what is wrong, why it matters, and how to mend it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lychgate.commands.options import BAD_INPUT, FINDING, Config, Json, refuse

if TYPE_CHECKING:
    from lychgate.config import Configuration
    from lychgate.doctor import Finding


def doctor(
    only: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CHECK]...", help="Only these checks.", show_default="all"),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also show what is as it should be.")
    ] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Look an installation over: what is wrong, why it matters, and the command that mends it.

    Changes nothing. Run it as root, or as the account of the service, to see all. Exit status: 0
    well, 1 warnings, 2 faults.

    Examples: `lychgate doctor`, `lychgate doctor upstreams listening --all`
    """
    from lychgate.commands.deciding import show_json
    from lychgate.doctor import CHECKS, Patient, examine
    from lychgate.screens import console

    unknown = sorted(set(only or ()) - set(CHECKS))
    if unknown:
        refuse([f"{unknown[0]!r} is not a check; use {', '.join(CHECKS)}"])
    configuration, faults = _read(config)
    patient = Patient(configuration, faults, time.time())
    findings: list[Finding] = []
    if as_json:
        findings = list(examine(patient, only or CHECKS))
        show_json([_json(finding) for finding in findings])
    else:
        # One after the other: some take seconds.
        for finding in examine(patient, only or CHECKS):
            findings.append(finding)
            if every or finding.level != "good":
                show(finding)
        _sum_up(findings, every)
        if faults:
            console(stderr=True).print("Other checks wait for settings that can be read.")
    raise typer.Exit(status_of(findings))


def status_of(findings: list[Finding]) -> int:
    """The exit status: by the gravest."""
    levels = {finding.level for finding in findings}
    return BAD_INPUT if "fault" in levels else FINDING if "warning" in levels else 0


def show(finding: Finding) -> None:
    """One finding: what, why, and what to type."""
    from rich.padding import Padding
    from rich.text import Text

    from lychgate.screens import console

    style = {"fault": "bold red", "warning": "bold yellow", "good": "green"}.get(finding.level, "")
    out = console()
    head = Text.assemble((f"{finding.level:8}", style), (f"{finding.check}: ", "dim"), finding.what)
    out.print(head)
    if finding.why:
        out.print(Padding(Text(finding.why), (0, 0, 0, 8), expand=False))
    for line in finding.mend:
        typed = Text(f"$ {line}" if _is_command(line) else line, "cyan")
        out.print(Padding(typed, (0, 0, 0, 8), expand=False))


def _is_command(line: str) -> bool:
    """Whether to type it: the words of programs; sentences have others."""
    first = line.split(" ", 1)[0]
    return first in _PROGRAMS


_PROGRAMS = frozenset(
    "apt-get chmod chown dmesg du journalctl ln ls lychgate mkdir ping printf ps rdisc6 rm sudo "
    "systemctl timedatectl".split()
)


def _sum_up(findings: list[Finding], every: bool) -> None:
    counts = {level: sum(f.level == level for f in findings) for level in ("fault", "warning")}
    good = sum(finding.level == "good" for finding in findings)
    if not any(counts.values()):
        typer.echo(f"All is well: {good} things looked at.")
        return
    hidden = "" if every else f"; {good} things are well (--all shows them)"
    typer.echo(f"{counts['fault']} faults, {counts['warning']} warnings{hidden}")


def _json(finding: Finding) -> dict[str, object]:
    return {
        "check": finding.check,
        "level": finding.level,
        "what": finding.what,
        "why": finding.why,
        "mend": list(finding.mend),
    }


def _read(config: Path | None) -> tuple[Configuration | None, tuple[str, ...]]:
    """The settings, or what is wrong with them."""
    from lychgate.config import NAME, load
    from lychgate.faults import ConfigurationFault

    here = Path(NAME)
    try:
        return load(here if config is None and here.exists() else config), ()
    except ConfigurationFault as fault:
        return None, fault.faults
