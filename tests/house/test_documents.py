"""What the documents say is so: links lead somewhere, commands exist, examples show what happens.

A block of commands is marked `sh` (to be typed) or `console` (typed after `$`, with its output).
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from lychgate.cli import app
from tests.house.repository import ROOT, shown, texts

_FENCE = re.compile(r"^( *)```([\w-]*)\n(.*?)^\1```$", re.M | re.S)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_LIKE_A_COMMAND = re.compile(r"(?m)^\s*(?:\$ |make [a-z]+\b|lychgate [a-z]|pip |pytest |apt-get )")
_IN_LINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_SETTING = re.compile(r"([a-z]+(?:\.[a-z0-9_]+)+)(?:\[\d+\])?(?: = .*)?")
_FILES = (".toml", ".json", ".db", ".log", ".lychgate", ".py", ".txt", ".yml", ".md")
_TUTORS_WORDS_MAX = 480
"""So many fill one side of A4 at 11 points, as tried by laying it out."""
_CHANGES_EACH_TIME = re.compile(r"(?m)^at +\d{4}-.*$")


def documents() -> list[Path]:
    """Every Markdown file of ours."""
    return [path for path in texts() if path.suffix == ".md"]


def blocks(path: Path) -> list[tuple[str, str]]:
    """Every fenced block: its mark and its text."""
    text = path.read_text(encoding="utf-8")
    return [(mark, body) for _, mark, body in _FENCE.findall(text)]


def commands(path: Path) -> list[list[str]]:
    """Every command of the marked blocks, in words."""
    found = []
    for mark, body in blocks(path):
        if mark not in ("sh", "console"):
            continue
        for line in body.splitlines():
            typed = line.removeprefix("$ ") if line.startswith("$ ") or mark == "sh" else ""
            words = shlex.split(typed, comments=True)
            if words:
                found.append(words)
    return found


def anchor(heading: str) -> str:
    """The anchor that a forge gives a heading."""
    plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return plain.replace(" ", "-")


@pytest.mark.parametrize("path", documents(), ids=shown)
def test_links_lead_somewhere(path: Path) -> None:
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    broken = []
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue  # Elsewhere: no test may need the network.
        place, _, fragment = link.partition("#")
        target = path if not place else (path.parent / place).resolve()
        if not target.exists():
            broken.append(link)
        elif fragment and target.suffix == ".md":
            headings = re.findall(r"(?m)^#+ (.*)$", target.read_text(encoding="utf-8"))
            if fragment not in map(anchor, headings):
                broken.append(link)
    assert not broken


@pytest.mark.parametrize("path", documents(), ids=shown)
def test_commands_stand_in_marked_blocks(path: Path) -> None:
    bare = [body for mark, body in blocks(path) if not mark and _LIKE_A_COMMAND.search(body)]
    assert not bare, "mark the block `sh` or `console`"


@pytest.mark.parametrize("path", documents(), ids=shown)
def test_commands_exist(path: Path) -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    for words in commands(path):
        program = Path(words[0]).name
        if program == "make":
            asked = [word for word in words[1:] if "=" not in word]
            assert set(asked) <= targets, words
        elif program == "lychgate":
            _check_lychgate(words[1:])
        elif "/" in words[0] and not words[0].startswith((".venv/", "/")):
            assert (ROOT / words[0]).exists(), words


@pytest.mark.parametrize("path", documents(), ids=shown)
def test_commands_within_sentences_exist(path: Path) -> None:
    for span in in_line(path):
        if span.startswith("lychgate ") and "{" not in span:
            _check_lychgate([word for word in shlex.split(span)[1:] if word != "..."])


@pytest.mark.parametrize("path", documents(), ids=shown)
def test_settings_exist(path: Path) -> None:
    known = settings()
    sections = {name.partition(".")[0] for name in known}
    named = [match[1] for span in in_line(path) if (match := _SETTING.fullmatch(span))]
    ours = [name for name in named if name.partition(".")[0] in sections]
    wrong = [name for name in ours if name not in known and not is_elsewhere(name)]
    assert not wrong, "no setting of lychgate.toml is called so"


@pytest.mark.parametrize("path", documents(), ids=shown)
def test_documents_that_are_named_exist(path: Path) -> None:
    named = re.findall(r"(?<![\w/.-])docs/[\w./-]+\.\w+", path.read_text(encoding="utf-8"))
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_page_for_tutors_fits_on_one_side() -> None:
    words = (ROOT / "docs" / "guide-tutor.md").read_text(encoding="utf-8").split()
    assert len(words) <= _TUTORS_WORDS_MAX


def in_line(path: Path) -> list[str]:
    """What stands between backticks within the sentences of a document."""
    return _IN_LINE.findall(_FENCE.sub("", path.read_text(encoding="utf-8")))


def is_elsewhere(name: str) -> bool:
    """Whether dots in a name are those of a file or of a module, such as `portal.services`."""
    module = ROOT.joinpath(*name.split(".")[:2])
    return name.endswith(_FILES) or module.is_dir() or module.with_suffix(".py").exists()


@functools.cache
def settings() -> frozenset[str]:
    """Every setting of `lychgate.toml`, and every table, with dots; from the reference."""
    found: set[str] = set()
    table = ""
    for line in (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## `\[+([a-z.]+)\]+`", line):
            table = heading[1]
            found.add(table)
        elif table and (row := re.match(r"\| `([a-z0-9_]+)` \|", line)):
            found.add(f"{table}.{row[1]}")
    return frozenset(found)


def _check_lychgate(words: list[str]) -> None:
    """The subcommand and each option it is given exist."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"lychgate {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    parameters = command.params
    options = {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
    options.add("--help")
    for word in words:
        if word.startswith("-"):
            assert word.partition("=")[0] in options, f"{command.name} {word}"


def test_explanations_in_the_readme_are_what_is_shown(tmp_path: Path) -> None:
    shown_there = [
        body
        for mark, body in blocks(ROOT / "README.md")
        if mark == "console" and re.match(r"\$ \S*lychgate explain ", body)
    ]
    assert shown_there
    for body in shown_there:
        typed, _, expected = body.partition("\n")
        done = subprocess.run(
            [sys.executable, "-m", "lychgate", *shlex.split(typed)[2:]],
            cwd=tmp_path,  # without a lychgate.toml of somebody's
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert _comparable(done.stdout) == _comparable(expected)


def _comparable(output: str) -> list[str]:
    lines = _CHANGES_EACH_TIME.sub("at", output).strip().splitlines()
    return [line.rstrip() for line in lines]


def test_no_file_names_a_place_on_one_machine() -> None:
    places = [str(ROOT), str(ROOT.parent), str(Path.home())]
    # A folder at the top, such as /tmp, is on every machine.
    mine = "|".join(re.escape(place) for place in places if place.count("/") > 1)
    pattern = re.compile(rf"(?<![\w.\-/])(?:(?:{mine})(?=/)|/(?:home|Users|root)/\w+)")
    told = []
    for path in texts():
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                told.append(f"{shown(path)}:{number}: {line.strip()[:80]}")
    assert not told
