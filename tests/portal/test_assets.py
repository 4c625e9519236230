"""What scripts/assets.py does to what others made: no fonts, no crown."""

from __future__ import annotations

import importlib.util
import json
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def assets() -> ModuleType:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("assets", ROOT / "scripts" / "assets.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_fonts_and_crown_are_left_out(assets: ModuleType) -> None:
    css = (
        "@font-face{font-family:GDS Transport;src:url(/assets/fonts/a.woff2)}"
        "a{font-family:GDS Transport,arial,sans-serif}"
        "b{background-image:url(/assets/images/govuk-crest.svg)}"
    )
    assert assets.without_crown(css) == (
        f"a{{font-family:{assets.FONTS}}}b{{background-image:none}}"
    )
    with pytest.raises(assets.AssetFault):
        assets.without_crown("a{src:url(/assets/images/new.svg)}")


def test_every_package_is_pinned_by_its_digest(assets: ModuleType) -> None:
    packages = json.loads(assets.LOCK.read_text(encoding="utf-8"))["packages"]
    asked = packages.pop("")
    wanted = {**asked["dependencies"], **asked["devDependencies"]}
    assert {name.removeprefix("node_modules/") for name in packages} == wanted.keys()
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-")
        assert package["version"] == wanted[name.removeprefix("node_modules/")]


def test_macros_and_style_sheets_are_of_one_version() -> None:
    """govuk-frontend-jinja says in its table which release of govuk-frontend it is for."""
    lock = json.loads((ROOT / "scripts" / "assets.lock.json").read_text(encoding="utf-8"))
    pinned = lock["packages"]["node_modules/govuk-frontend"]["version"]
    assert (version("govuk-frontend-jinja"), pinned) == ("4.1.0", "6.3.0")
