"""Lists as publishers make them, of made-up names: some in use, and one update that a gate holds.

Everything is done by `lychgate lists refresh`, from files instead of the internet.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

SECONDS_MAX: Final = 120.0
HELD: Final = "local:games"
"""The list whose newest version lost most of its names."""

_FOLDER: Final = "published"
_WORDS: Final = (
    "dragon", "tower", "pixel", "racing", "puzzle", "arena", "galaxy", "farm", "castle", "soccer",
    "jungle", "pirate", "rocket", "zombie", "candy", "ninja",
)  # fmt: skip
_LISTS: Final = (
    # Category, title, sites that people ask about, endings, how many of each.
    ("games", "Games", ("maths-games-course.example",), ("arcade", "games", "play"), 16),
    (
        "dating",
        "Dating",
        ("dating-safety-charity.example", "meet-singles-7.example"),
        ("date",),
        16,
    ),
    ("adult", "Adult sites", ("tattoo-apprenticeships.example",), ("adult", "webcam"), 16),
    ("circumvention-vpn", "VPN services", (), ("vpn",), 12),
)
_SOURCE: Final = """
[source."local:{category}"]
title = "{title} (made up for the demonstration)"
publisher = "nobody"
licence = "none is needed: every name is made up"
file = "{folder}/{category}.txt"
category = "{category}"
refresh_hours = 24
"""


def enable(file: Path, program: Path) -> None:
    """Write the lists and have them read by the configuration in `file`.

    Raises CalledProcessError.
    """
    folder = file.parent
    (folder / _FOLDER).mkdir()
    enabled = ", ".join(f'"local:{category}"' for category, *_ in _LISTS)
    chosen = [f"enabled = [{enabled}]\n"]
    for category, title, asked, endings, each in _LISTS:
        chosen.append(_SOURCE.format(category=category, title=title, folder=_FOLDER))
        names = [f"{w}-{end}-{n}.example" for w in _WORDS for end in endings for n in range(each)]
        _write(folder, category, [*asked, *names])
    (folder / "lists.toml").write_text("".join(chosen), encoding="utf-8")
    _refresh(file, program).check_returncode()


def update(file: Path, program: Path) -> None:
    """Publish a faulty update of one list, which is held."""
    _write(file.parent, HELD.partition(":")[2], [f"{word}-games-0.example" for word in _WORDS])
    _refresh(file, program, HELD)


def _write(folder: Path, category: str, names: list[str]) -> None:
    text = "".join(f"{name}\n" for name in names)
    (folder / _FOLDER / f"{category}.txt").write_text(text, encoding="utf-8")


def _refresh(file: Path, program: Path, *ids: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [program, "lists", "refresh", *ids, "--config", file]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX)
