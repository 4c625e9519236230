"""What is wrong with a configuration, in lines a person can act on.

Each line is *where: what was given; what is allowed*; a key nobody knows is answered with the
nearest one there is, or with the table it belongs to. Only words here: nothing is read or opened.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from policy.reading import show


class ConfigurationFault(ValueError):
    """A configuration that cannot be used; `faults` has one line for each thing wrong."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults: Final = tuple(faults)


class Contradiction(ValueError):
    """Values that are right alone and wrong together; `key` is where to put it right."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key: Final = key


def explain(fault: ValidationError, model: type[BaseModel], where: str) -> list[str]:
    """Every fault that pydantic found, in the order of the settings."""
    return [
        _line(details, model, where)
        for details in fault.errors(include_url=False, include_input=True)
    ]


def _line(details: ErrorDetails, model: type[BaseModel], where: str) -> str:
    path = _path(details["loc"])
    given = details["input"]
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, Contradiction):
        path = f"{path}.{cause.key}" if path else cause.key
        message = str(cause)
    elif isinstance(cause, ValueError):
        message = str(cause)
    elif details["type"] == "extra_forbidden":
        message = _unknown(details["loc"], model, isinstance(given, dict))
    elif details["type"] == "missing":
        message = "nothing is given; it is required"
    elif details["type"] == "tuple_type":
        is_table = isinstance(given, dict)
        allowed = f"[[{path}]]" if is_table or path == "forward" else "a list in square brackets"
        message = f"{'a single table' if is_table else show(given)} is not a list; use {allowed}"
    elif details["type"] in ("model_type", "model_attributes_type"):
        message = f"{show(given)} is not a table; use [{path}]"
    else:
        message = f"{show(given)}; {details['msg']}"
    return f"{where}: {path}: {message}"


def _path(places: Sequence[str | int]) -> str:
    """`server.listen[0]`."""
    text = ""
    for place in places:
        text += f"[{place}]" if isinstance(place, int) else f".{place}"
    return text.removeprefix(".")


def _unknown(places: Sequence[str | int], model: type[BaseModel], is_table: bool) -> str:
    """The answer to a key that is none."""
    key = str(places[-1])
    known = _keys(places[:-1], model)
    what = f"{show(key)} is not a known {'table' if is_table and len(places) == 1 else 'key'}"
    homes = [table for table in model.model_fields if key in _keys((table,), model)]
    if homes:
        return f"{what}; it belongs in [{homes[0]}]"
    nearest = difflib.get_close_matches(key, known, n=1)
    if nearest:
        return f"{what}; did you mean {show(nearest[0])}?"
    return f"{what}; use one of {', '.join(known)}"


def _keys(places: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    """The keys of the table at this place."""
    fields: Mapping[str, Any] = model.model_fields
    for place in places:
        if isinstance(place, int):
            continue
        inner = model_of(fields[place].annotation)
        fields = {} if inner is None else inner.model_fields
    return list(fields)


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model behind `Server` or `tuple[Forward, ...]`; None for anything else."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None
