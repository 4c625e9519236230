"""The OpenAPI document as something to read: operations by noun, what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

_DEPTH_MAX: Final = 6
"""Of models within models; a model may hold itself."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value that goes in or comes out."""

    name: str
    kind: str
    needed: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation."""

    id: str
    method: str
    path: str
    title: str
    meaning: str
    takes: Sequence[Field]
    gives: Sequence[Field]
    """Fields of a good answer; a list is told by `gives_kind`."""
    gives_kind: str
    statuses: Sequence[tuple[str, str]]


def operations_by_noun(document: Mapping[str, Any]) -> list[tuple[str, list[Operation]]]:
    """Every operation of a document, by its first tag."""
    models = document.get("components", {}).get("schemas", {})
    found = [
        (next(iter(said.get("tags", ())), ""), _operation(method, path, said, models))
        for path, methods in document.get("paths", {}).items()
        for method, said in methods.items()
    ]
    found.sort(key=lambda pair: (pair[0], pair[1].path, pair[1].method))
    return [(tag, [each for _, each in group]) for tag, group in groupby(found, lambda p: p[0])]


def _operation(
    method: str, path: str, said: Mapping[str, Any], models: Mapping[str, Any]
) -> Operation:
    takes = [
        Field(
            f"{each['name']} ({each['in']})",
            _kind(each.get("schema", {}), models),
            bool(each.get("required")),
            each.get("description", ""),
        )
        for each in said.get("parameters", ())
    ]
    takes += _fields(_schema_of(said.get("requestBody", {})), models)
    responses: Mapping[str, Any] = said.get("responses", {})
    good: Mapping[str, Any] = next(
        (each for code, each in responses.items() if code.startswith("2")), {}
    )
    schema = _schema_of(good)
    return Operation(
        id=f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""),
        method=method.upper(),
        path=path,
        title=said.get("summary", ""),
        meaning=said.get("description", ""),
        takes=takes,
        gives=_fields(_resolved(schema, models).get("items", schema), models),
        gives_kind=_kind(schema, models) if schema else "",
        statuses=[(code, each.get("description", "")) for code, each in sorted(responses.items())],
    )


def _schema_of(said: Mapping[str, Any]) -> Mapping[str, Any]:
    content = said.get("content", {})
    for body in content.values():
        schema: Mapping[str, Any] = body.get("schema", {})
        return schema
    return {}


def _fields(
    schema: Mapping[str, Any], models: Mapping[str, Any], prefix: str = "", depth: int = 0
) -> list[Field]:
    schema = _resolved(schema, models)
    needed = schema.get("required", ())
    fields = []
    for name, inner in schema.get("properties", {}).items():
        meaning = inner.get("description", "")
        fields.append(Field(prefix + name, _kind(inner, models), name in needed, meaning))
        below = _resolved(inner, models)
        many = _resolved(below.get("items", {}), models)
        if depth < _DEPTH_MAX and (many.get("properties") or below.get("properties")):
            deeper = f"{prefix}{name}{'[]' if many else ''}."
            fields += _fields(many or below, models, deeper, depth + 1)
    return fields


def _resolved(schema: Mapping[str, Any], models: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = models.get(name, schema) if name else schema
    return found


def _kind(schema: Mapping[str, Any], models: Mapping[str, Any], depth: int = 0) -> str:
    """A type in words: `list of text`, `whole number or nothing`."""
    schema = _resolved(schema, models)
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        return " or ".join(dict.fromkeys(_kind(each, models, depth + 1) for each in several))
    if "enum" in schema:
        return " | ".join(str(word) for word in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    word = str(schema.get("type", ""))
    if word == "array":
        inner = _kind(schema.get("items", {}), models, depth + 1) if depth < _DEPTH_MAX else ""
        return f"list of {inner}" if inner else "list"
    return _WORDS.get(word, word)


_WORDS: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "nothing",
}
