"""`lychgate upstreams`: who can be asked, and what each sees and does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lychgate.commands.options import Config, Json, load, refuse

if TYPE_CHECKING:
    from resolver.upstream.presets import Preset


def upstreams(
    word: Annotated[
        str | None, typer.Argument(help="Show this one alone.", show_default=False)
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show the presets for upstream.preset: who runs them, what they see, filter and encrypt.

    Asks nobody. `lychgate doctor` asks the ones in use and says whether they answer truly.

    Examples: `lychgate upstreams`, `lychgate upstreams quad9`
    """
    from rich.text import Text

    from lychgate.commands.deciding import show_json
    from lychgate.screens import console, table
    from resolver.upstream import presets

    known = presets.load()
    if word is not None and word not in known:
        refuse([f"{word!r} is not a preset; use one of {', '.join(known)}"])
    chosen = [known[word]] if word is not None else list(known.values())
    used = load(config).upstream
    if as_json:
        show_json({"preset": used.preset, "presets": [_json(preset) for preset in chosen]})
        return
    out = console()
    for preset in chosen:
        mark = "  (in use)" if preset.word == used.preset else ""
        out.print(Text(f"{preset.word}{mark}", style="bold"), Text(preset.title))
        shown = table("", "")
        shown.show_header = False
        for label, text in _rows(preset):
            shown.add_row(label, Text(text))
        out.print(shown)
    if word is None:
        servers = ", ".join(server.uri for server in used.chosen) or "this machine's own resolvers"
        out.print(Text(f"Asked by this configuration: {servers}"))


def _rows(preset: Preset) -> list[tuple[str, str]]:
    servers = ", ".join(server.uri for server in (*preset.servers, *preset.ipv6))
    rows = [
        ("run by", preset.operator),
        ("filters", preset.filters),
        ("learns", preset.sees),
        ("DNSSEC", "checked there" if preset.validates else "no promise"),
        ("good for", preset.suits),
        ("addresses", servers or preset.given or "those that this machine is set to use"),
    ]
    return rows + ([("see", preset.url)] if preset.url else [])


def _json(preset: Preset) -> dict[str, Any]:
    return {
        "word": preset.word,
        "title": preset.title,
        "operator": preset.operator,
        "sees": preset.sees,
        "filters": preset.filters,
        "suits": preset.suits,
        "validates": preset.validates,
        "encrypted": preset.encrypted,
        "servers": [server.uri for server in (*preset.servers, *preset.ipv6)],
        "given": preset.given,
        "look_again": preset.look_again.isoformat(),
        "url": preset.url,
    }
