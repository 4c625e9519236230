"""Where things are in this repository, for the tests of the house itself."""

from __future__ import annotations

import ast
import functools
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("lychgate", "portal", "resolver", "evidence", "policy", "blocklists", "categoriser")
"""The rooms."""

_CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
PURE = tuple(
    module
    for contract in _CONTRACTS["contracts"]
    if contract["id"] == "pure"
    for module in contract["source_modules"]
)
"""The pure core, as the import contract `pure` has it."""

_NOT_OURS = frozenset({"var", "build", "dist"})


def modules() -> list[Path]:
    """Every module of every room."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def pure_modules() -> list[Path]:
    """Every module of the pure core."""
    found: list[Path] = []
    for module in PURE:
        path = ROOT / module.replace(".", "/")
        found += path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    return sorted(found)


def dotted(path: Path) -> str:
    """`resolver/wire/query.py` as `resolver.wire.query`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def shown(path: Path) -> str:
    """The path as people write it."""
    return path.relative_to(ROOT).as_posix()


@functools.cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=shown(path))


def texts() -> list[Path]:
    """Every file of ours that is text: code, documentation, data, scripts."""
    endings = {".py", ".md", ".toml", ".txt", ".sh", ".yml", ".scn", ".conf", ".service", ""}
    return sorted(
        path
        for path in ROOT.rglob("*")
        if path.is_file() and path.suffix in endings and _is_ours(path.relative_to(ROOT))
    )


def _is_ours(path: Path) -> bool:
    """Neither made by a tool nor by a run."""
    folders = path.parts[:-1]
    if path.parts[0] == ".ci" or path.name == ".gitignore":
        return True
    return not any(
        part.startswith(".") or part in _NOT_OURS or part == "__pycache__" or ".egg-info" in part
        for part in (*folders, path.name)
    )
