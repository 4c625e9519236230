"""Parts of documents that are written from data, from `<!-- written: word -->` to `<!-- end -->`.

The rest of such a document is edited by hand. Which document has which parts: `PARTS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from lychgate import doctor
from resolver.upstream import presets

_PART: Final = re.compile(r"(<!-- written: (\w+) -->\n).*?(<!-- end -->\n)", re.S)


def write(docs: Path) -> None:
    """Fill every part below this folder. Raises OSError, and `KeyError` for a word unknown here."""
    for name, parts in PARTS.items():
        path = docs / name
        text = path.read_text(encoding="utf-8")
        path.write_text(fill(text, parts), encoding="utf-8")


def fill(text: str, parts: Mapping[str, Callable[[], Iterator[str]]]) -> str:
    """The text with every part written anew."""
    return _PART.sub(
        lambda part: part[1] + "\n".join(parts[part[2]]()).strip("\n") + "\n" + part[3], text
    )


def _presets() -> Iterator[str]:
    yield "| preset | who | filters | learns | good for |"
    yield "|---|---|---|---|---|"
    for preset in presets.load().values():
        name = f"[{preset.operator}]({preset.url})" if preset.url else preset.operator
        yield f"| `{preset.word}` | {name} | {preset.filters} | {preset.sees} | {preset.suits} |"
    yield ""
    yield "| preset | addresses | encrypted | checks DNSSEC | look again |"
    yield "|---|---|---|---|---|"
    for preset in presets.load().values():
        addresses = "<br>".join(f"`{server.uri}`" for server in (*preset.servers, *preset.ipv6))
        yield (
            f"| `{preset.word}` | {addresses or preset.given or 'those of the machine'} "
            f"| {'yes' if preset.encrypted else 'as given' if preset.given else 'no'} "
            f"| {'yes' if preset.validates else 'not promised'} | {preset.look_again} |"
        )


def _checks() -> Iterator[str]:
    yield "| check | looks for |"
    yield "|---|---|"
    for word in doctor.CHECKS:
        yield f"| `{word}` | {doctor.looks_for(word)} |"


PARTS: Final[Mapping[str, Mapping[str, Callable[[], Iterator[str]]]]] = {
    "troubleshooting.md": {"checks": _checks},
    "upstreams.md": {"presets": _presets},
}
