"""The house stands as DESIGN says: doors in one direction, a pure core, modules that stay small."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.repository import PACKAGES, PURE, ROOT, dotted, modules, pure_modules, shown, tree

LINES_MAX = 400
"""A module longer than this has two jobs."""
BANNED_STEMS = {"utils", "util", "common", "helpers", "helper", "manager", "misc", "base"}
CLOCK_CALLS = {"now", "utcnow", "today", "localtime", "gmtime", "monotonic", "perf_counter"}
BATCHES = 2

LIBRARIES = (
    *("alembic.command", "argon2", "authlib.jose", "cryptography.x509", "dns.message", "dnslib"),
    *("fastapi", "govuk_frontend_jinja", "httpx", "jinja2", "msgspec", "prometheus_client"),
    *("pydantic", "sqlalchemy.ext.asyncio", "structlog", "typer", "uvicorn"),
)

_EACH_ALONE = """
import os, sys, traceback
from contextlib import suppress
# Libraries of others take most of the time, and are the same for all.
for name in sys.argv[1].split():
    with suppress(ImportError):
        __import__(name)
failed = False
for name in sys.argv[2:]:
    pid = os.fork()
    if pid == 0:
        # The first import of a process in which nothing of ours was imported before.
        try:
            __import__(name)
        except BaseException:
            sys.stderr.write(f"--- {name}\\n")
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    failed |= os.waitpid(pid, 0)[1] != 0
sys.exit(failed)
"""


def test_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pure_core_is_the_same_here_and_in_the_contract() -> None:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = configuration["tool"]["importlinter"]["contracts"]
    pure = next(contract for contract in contracts if contract["id"] == "pure")
    here = {place.removesuffix(".py").replace("/", ".") for place in PURE}
    assert set(pure["source_modules"]) == here


@pytest.mark.parametrize("path", pure_modules(), ids=shown)
def test_time_is_an_argument(path: Path) -> None:
    calls = [
        f"line {node.lineno}: .{node.func.attr}()"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK_CALLS
    ]
    assert not calls, f"{shown(path)} asks a clock: {calls}; take `at` as an argument"


def test_no_import_is_hidden_from_the_contracts() -> None:
    """`import_module("socket")` and `__import__` would pass under import-linter's eyes."""
    hidden = []
    for path in modules():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            # Loaders of plug-ins stay within their folder or room: a word behind its own name.
            own = ("{__name__}.", "{__package__}.")
            loads_own = name == "import_module" and any(
                word in ast.unparse(node.args[0]) for word in own
            )
            if name in ("__import__", "import_module") and not loads_own:
                hidden.append(f"{shown(path)}:{node.lineno}")
    assert not hidden


@pytest.mark.parametrize("batch", range(BATCHES))
def test_each_module_imports_alone(batch: int) -> None:
    names = [dotted(path) for path in modules() if path.stem != "__main__"]
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error::ImportWarning", "-c", _EACH_ALONE),
            " ".join(LIBRARIES),
            *names[batch::BATCHES],
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_modules_stay_small() -> None:
    sizes = sorted(
        ((len(path.read_text(encoding="utf-8").splitlines()), shown(path)) for path in modules()),
        reverse=True,
    )
    print("largest modules:", ", ".join(f"{name} {lines}" for lines, name in sizes[:3]))
    assert not [f"{name}: {lines} lines" for lines, name in sizes if lines > LINES_MAX]


def test_file_names_say_what_is_in_them() -> None:
    assert not [shown(path) for path in modules() if path.stem in BANNED_STEMS]


def test_a_folder_of_data_is_no_package() -> None:
    """An `__init__.py` there would shadow installed packages of that name."""
    for folder in ("dashboards", "systemd"):
        assert not list((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_every_module_and_what_it_offers_is_explained(path: Path) -> None:
    module = tree(path)
    missing = [] if ast.get_docstring(module) else ["the module itself"]
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                missing.append(f"{node.name}, line {node.lineno}")
    assert not missing, f"{shown(path)}: no docstring: {missing}"


def test_every_room_has_tests_of_its_own() -> None:
    for package in PACKAGES:
        assert list((ROOT / "tests" / package).rglob("test_*.py")), f"tests/{package} has no test"
