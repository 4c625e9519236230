"""The JSON API: one module for each noun, found by folder; each calls what the pages call."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def modules() -> list[Any]:
    """Every module of this folder that has a `router`, in the order of their names."""
    names = sorted(found.name for found in iter_modules(__path__))
    found = [import_module(f"{__name__}.{name}") for name in names]
    return [module for module in found if hasattr(module, "router")]
