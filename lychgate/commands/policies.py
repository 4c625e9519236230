"""`lychgate policy ...`: the whole policy of the store as a document, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from lychgate.commands.options import FINDING, Config, Json

if TYPE_CHECKING:
    from policy.comparing import Difference

app = typer.Typer(
    no_args_is_help=True, help="The whole policy as a document: export, import, compare."
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A policy document, as in policy.toml.")]


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option(help="The file to write.", show_default="standard output")
    ] = None,
    config: Config = None,
) -> None:
    """Write what the store holds as a policy document (TOML).

    Numbers of rules and exceptions are in it, so that an import finds them again. People and
    client addresses may be in it as well: keep it as carefully as the store.

    Example: `lychgate policy export --out policy.toml`
    """
    from blocklists.writing import replacing
    from policy.exporting import to_toml

    with telling_faults():
        text = to_toml(open_office(config).raw())
        if out is None:
            typer.echo(text, nl=False)
            return
        is_new = not out.exists()
        with replacing(out) as file:
            file.write(text)
        if is_new:
            out.chmod(0o640)
    typer.echo(f"{out}: {len(text.splitlines()):,} lines")


@app.command("import")
def import_(
    file: File,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Make the store hold exactly what a document says; the difference is shown first.

    What is in the store and not in the document goes. Rules and exceptions that are in both keep
    their numbers.

    Example: `lychgate policy import policy.toml --dry-run`
    """
    from lychgate.policy_documents import read_document
    from lychgate.policy_screens import show_differences
    from policy.commands.documents import ImportDocument
    from policy.comparing import difference

    office = open_office(config)
    with telling_faults():
        raw = read_document(office, file)
        found = difference(office.raw(), raw)
    if not as_json:
        show_differences(found)
    decide(ImportDocument(raw, str(file), reason), Manner(config, person, dry_run, as_json), office)


@app.command()
def diff(file: File, as_json: Json = False, config: Config = None) -> None:
    """Show what an import of a document would change in the store.

    Lines with + come, those with - go, those with ~ are otherwise. Exit status: 1 when they
    differ.

    Example: `lychgate policy diff policy.toml`
    """
    from lychgate.policy_documents import read_document
    from lychgate.policy_screens import show_differences
    from policy.comparing import difference

    office = open_office(config)
    with telling_faults():
        raw = read_document(office, file)
        found = difference(office.raw(), raw)
    if as_json:
        show_json([_as_json(one) for one in found])
    elif found:
        show_differences(found)
    else:
        typer.echo(f"{office.where} and {file} say the same.")
    if found:
        raise typer.Exit(FINDING)


def _as_json(one: Difference) -> dict[str, Any]:
    return {"kind": one.kind, "id": one.id, "before": one.before, "after": one.after}
