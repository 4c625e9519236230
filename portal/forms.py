"""Forms: what was typed, what is wrong with it, beside the field, and kept as it was typed.

A page reads a `Form`, asks it for values, and shows it again while `form.errors` holds anything.
The token against forged requests was checked before any page saw the form (`portal.security`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

from fastapi import Request

from policy.commands.command import Refused
from portal.words import t

CSRF_FIELD: Final = "csrf"
FIELDS_MAX: Final = 2_000
VALUE_CHARACTERS_MAX: Final = 100_000
"""Of one field: thousands of names may be pasted at once."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Form:
    """One form as it was sent, or an empty one."""

    def __init__(self, values: Mapping[str, Sequence[str]] | None = None) -> None:
        self._values: Final = {name: list(texts) for name, texts in (values or {}).items()}
        self.errors: Final[dict[str, str]] = {}
        """What is wrong, by field; "" for what concerns no field in particular."""

    @classmethod
    def filled(cls, **values: str | Iterable[str]) -> Form:
        """A form with what is there already, for changing it."""
        return cls({k: [v] if isinstance(v, str) else list(v) for k, v in values.items()})

    def __getitem__(self, name: str) -> str:
        """What a field shows: as it was typed."""
        return next(iter(self._values.get(name, ())), "")

    def pairs(self) -> list[tuple[str, str]]:
        """Every field and value, as it was sent: to carry a form over another page."""
        return [(name, value) for name, values in self._values.items() for value in values]

    def text(self, name: str, missing: str = "", characters_max: int = 1_000) -> str:
        """A field without blanks around it and control characters; line ends are LF.

        `missing` is the key of what to say when it is empty.
        """
        value = _CONTROL.sub("", self[name].replace("\r\n", "\n")).strip()[:characters_max]
        if missing and not value:
            self.wrong(name, t(missing))
        return value

    def secret(self, name: str, missing: str = "") -> str:
        """A password as it was typed."""
        value = self[name]
        if missing and not value:
            self.wrong(name, t(missing))
        return value

    def chosen(self, name: str, allowed: Collection[str], missing: str = "") -> list[str]:
        """Those of a field's values that are allowed, such as ticked boxes."""
        found = [value for value in self._values.get(name, ()) if value in allowed]
        if missing and not found:
            self.wrong(name, t(missing))
        return found

    def whole(self, name: str, low: int, high: int, wrong: str) -> int | None:
        """A whole number within bounds; None, and the text of `wrong`, for anything else."""
        typed = self[name].strip()
        if typed.isascii() and typed.isdigit() and len(typed) < 12 and low <= int(typed) <= high:
            return int(typed)
        self.wrong(name, t(wrong))
        return None

    def wrong(self, name: str, what: str) -> None:
        """Say what is wrong with a field; the first thing said stays."""
        self.errors.setdefault(name, what)

    def refused(self, refused: Refused, fields: Mapping[str, str] | None = None) -> None:
        """Take over why a command was refused, to the field that a fault names.

        `fields` tells which field a key of the document is, where the names differ; `help[0].url`
        is the field for one entry of a list. A fault reads *action: where: what was given; what is
        allowed*.
        """
        names = {name: name for name in self._values} | dict(fields or {})
        for fault in refused.faults:
            where, _, rest = fault.partition(": ")[2].partition(": ")
            keys = reversed(re.split(r"[.\[\]]+", where)) if rest else ()
            ends = (names[end] for end in names if "." in end and where.endswith(f".{end}"))
            field = next(chain(ends, (names[key] for key in keys if key in names)), "")
            self.wrong(field, (rest or fault).strip())


async def read_form(request: Request) -> Form:
    """The form that was sent."""
    values: dict[str, list[str]] = {}
    async with request.form(max_fields=FIELDS_MAX) as sent:
        for name, value in sent.multi_items():
            if isinstance(value, str) and name != CSRF_FIELD:
                values.setdefault(name, []).append(value[:VALUE_CHARACTERS_MAX])
    return Form(values)
