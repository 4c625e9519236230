"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lychgate.checking import check
from lychgate.config import load, parse
from lychgate.documentation import EXAMPLE, REFERENCE, render_example, render_reference

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("path", "text"), [(REFERENCE, render_reference()), (EXAMPLE, render_example())], ids=str
)
def test_written_files_are_not_stale(path: Path, text: str) -> None:
    assert (DOCS / path).read_text(encoding="utf-8") == text, "run `make docs`"


def test_the_example_is_the_default() -> None:
    assert load(DOCS / EXAMPLE).model_dump() == parse("").model_dump()


def test_every_line_of_the_example_can_be_taken() -> None:
    text = re.sub(r"(?m)^# (?=[a-z_0-9]+ = |\[\[)", "", (DOCS / EXAMPLE).read_text("utf-8"))
    configuration = parse(text)
    assert configuration.forward and configuration.limits.networks
    plain = parse("")
    for section in ("server", "upstream", "cache", "filter", "metrics", "log"):
        assert getattr(configuration, section) == getattr(plain, section)


def test_the_policy_example_is_accepted() -> None:
    text = 'upstream.servers = ["9.9.9.9"]'
    checked = check(parse(text).with_policy(DOCS / "examples" / "policy.toml"))
    assert any("Northshire Skills: 3 profiles, 2 venues" in text for _, text in checked.rows)
