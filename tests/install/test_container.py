"""The Containerfile, as far as it can be checked without a container engine.

The tests do not build it: no image of Python can be had where they run. It was built once by hand,
with buildah (isolation `chroot`) on a root of Debian 12 in that image's place, and then filtered,
was ready and showed its pages as its own user. What is checked here: every path that it copies is
there, what it runs exists, it stays an ordinary user, and it fetches from nowhere by name.
"""

from __future__ import annotations

import json
import re
import tomllib

import typer.main

from lychgate.cli import app
from lychgate.config import parse
from tests.house.repository import ROOT

TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")
STEPS = [
    (word, rest.strip())
    for word, rest in re.findall(
        r"(?m)^([A-Z]+) (.*)$", re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", TEXT))
    )
]


def steps(word: str) -> list[str]:
    return [rest for name, rest in STEPS if name == word]


def test_what_it_copies_is_there_and_not_left_out() -> None:
    ignored = (ROOT / ".containerignore").read_text(encoding="utf-8").split()
    for step in steps("COPY"):
        words = [word for word in step.split() if not word.startswith("--")]
        if "--from=build" not in step:
            for path in words[:-1]:
                assert (ROOT / path).exists(), path
                assert path == "." or path.split("/")[0] not in ignored
    for needed in ("portal", "lychgate", "pyproject.toml", "README.md", "LICENSE"):
        assert needed not in ignored


def test_it_ends_as_an_ordinary_user_that_owns_its_state_alone() -> None:
    assert steps("USER") == ["953:953"]
    assert steps("VOLUME") == ["/var/lib/lychgate"]
    last = TEXT.rpartition("FROM ")[2]
    assert "-o lychgate -g lychgate /var/lib/lychgate" in last
    assert "-o root -g lychgate /etc/lychgate" in last


def test_what_it_starts_exists() -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert json.loads(steps("ENTRYPOINT")[0]) == ["lychgate"]
    assert set(json.loads(steps("CMD")[0])) <= set(known)
    health = json.loads(steps("HEALTHCHECK")[0].partition("CMD ")[2])
    assert health[0] == "lychgate" and health[1] in known
    options = {option for parameter in known[health[1]].params for option in parameter.opts}
    assert {word for word in health if word.startswith("--")} <= options


def test_its_configuration_is_good_and_its_ports_are_those_exposed() -> None:
    text = (ROOT / "packaging/container.toml").read_text(encoding="utf-8")
    configuration = parse(text)
    assert str(configuration.state_directory) == "/var/lib/lychgate"
    ports = {
        f"{bind.port}/{kind}" for bind in configuration.server.listen for kind in ("udp", "tcp")
    }
    ports.add(f"{configuration.portal.listen.port}/tcp")
    assert set(steps("EXPOSE")[0].split()) == ports
    assert min(int(port.split("/")[0]) for port in ports) >= 1024, "no right is needed"
    assert tomllib.loads(text)["server"]["listen"][0].split(":")[1] in steps("HEALTHCHECK")[0]


def test_dependencies_are_locked_and_nothing_is_fetched_by_name() -> None:
    assert "--require-hashes -r requirements.lock" in TEXT
    assert not re.search(r"https?://|curl|wget|apt-get|--index-url|--extra-index", TEXT)
    assert {step.split()[0] for step in steps("FROM")} == {
        "docker.io/library/python:3.11-slim-bookworm"
    }
