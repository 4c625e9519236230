"""Writes docs/configuration.md and docs/examples/lychgate.toml from `lychgate.settings`, and with
them the parts of docs/lists.md that `lychgate.listing_document` knows, and of other documents that
`lychgate.document_parts` does.

Run by `make docs` as `python -m lychgate.documentation`; a test fails when a file is not what this
would write, so neither is ever edited by hand. Knows the models only, never a running resolver.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lychgate import document_parts, listing_document
from lychgate.config import NAME, Configuration
from lychgate.faults import model_of
from lychgate.kinds import Kind

REFERENCE = Path("configuration.md")
EXAMPLE = Path("examples") / NAME
_WRITTEN_BY = "Written by `make docs` from `lychgate/settings.py`; do not edit."
_COMMENT_COLUMNS = 96

_INTRODUCTION = f"""# Settings: `{NAME}`

<!-- {_WRITTEN_BY} -->

Lychgate runs without a file. `lychgate serve --config FILE` reads one; without `--config` it takes
`{NAME}` in the current folder if there is one. A file with every setting at its default is
[examples/{NAME}](examples/{NAME}). Who may see what is a matter of another file, the policy
document; [examples/policy.toml](examples/policy.toml) is one.

`lychgate check-config` lists every fault at once, as *where: what was given; what is allowed*:

```
{NAME}: server.listen[0]: "127.0.0.1:99999" is not an address to listen on; use ADDRESS:PORT, ...
{NAME}: filter.polcy: "polcy" is not a known key; did you mean "policy"?
```

Settings are read at start. The store, the policy document and the index are watched: a change is
taken over within a second, and one with faults is refused while the one before stays in use.
"""


def render_reference() -> str:
    """The text of docs/configuration.md."""
    parts = [_INTRODUCTION]
    for heading, model in _tables(Configuration):
        parts.append(f"## `{heading}`\n\n{_purpose(model)}\n")
        rows = ["| setting | default | may be | meaning |", "|---|---|---|---|"]
        for name, field in model.model_fields.items():
            if _inner(field) is None:
                default = "required" if field.is_required() else f"`{_default(model, name)}`"
                cells = (f"`{name}`", default, _allowed(field), field.description or "")
                rows.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def render_example() -> str:
    """The text of docs/examples/lychgate.toml: every setting, commented out, at its default."""
    lines = [
        "# Every setting of Lychgate at its default. Take the # from what you want to change.",
        f"# {_WRITTEN_BY}",
    ]
    for heading, model in _tables(Configuration):
        repeated = heading.startswith("[[")
        lines += ["", f"# {_purpose(model)}", f"# {heading}" if repeated else heading]
        for name, field in model.model_fields.items():
            if _inner(field) is not None:
                continue
            lines += ["", *(f"# {line}" for line in wrap(_comment(field), _COMMENT_COLUMNS))]
            lines.append(f"# {name} = {_example(model, name, field)}")
    return "\n".join(lines) + "\n"


def write(docs: Path) -> None:
    """Write both files below `docs`, and the parts of lists.md that are written."""
    for path, text in ((REFERENCE, render_reference()), (EXAMPLE, render_example())):
        (docs / path).parent.mkdir(parents=True, exist_ok=True)
        (docs / path).write_text(text, encoding="utf-8")
    listing_document.write(docs)
    document_parts.write(docs)


def _tables(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every table that may be written, with its heading: `[server]`, `[[limits.networks]]`."""
    for name, field in model.model_fields.items():
        inner = _inner(field)
        if inner is not None:
            where = f"{path}{name}"
            yield (f"[{where}]" if field.annotation is inner else f"[[{where}]]"), inner
            yield from _tables(inner, f"{where}.")


def _inner(field: FieldInfo) -> type[BaseModel] | None:
    return model_of(field.annotation)


def _purpose(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip()


def _comment(field: FieldInfo) -> str:
    allowed = _allowed(field)
    return f"{field.description} {allowed[0].upper()}{allowed[1:]}."


def _allowed(field: FieldInfo) -> str:
    """What may be written, in the words of the setting's kind."""
    for kind in field.metadata:
        if isinstance(kind, Kind):
            return kind.allowed
    for argument in get_args(field.annotation):  # a list of some kind
        for kind in get_args(argument):
            if isinstance(kind, Kind):
                return f"a list; each {kind.allowed}"
    raise TypeError(f"{field}: a setting needs a Kind")


def _default(model: type[BaseModel], name: str) -> str:
    return _toml(model.model_construct().model_dump()[name])  # some of its fields are required


def _example(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    return _toml(field.examples[0]) if field.examples else _default(model, name)


def _toml(value: Any) -> str:
    """A TOML value; these are written the same way in JSON."""
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
