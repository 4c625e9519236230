"""What every operation of the API has in common: the token, and how faults are told."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Depends
from fastapi.security import HTTPBearer
from pydantic import BaseModel

API_VERSION: Final = "1"
API_DESCRIPTION: Final = (
    "What the pages of Lychgate do, for programs. Make a token on your account page and send it as "
    "`Authorization: Bearer TOKEN`. A token may do what its scopes say and never more than its "
    "person. Every change is in the audit log. At most 1 MB in one request."
)


class Faults(BaseModel):
    """Why nothing was done."""

    faults: list[str]
    """One line for each thing wrong: *where: what was given; what is allowed*."""


_SCHEME: Final = HTTPBearer(auto_error=False, description="A token of your account page.")
_TOLD: Final = {
    400: "The request cannot be read.",
    401: "There is no token, or it is void.",
    403: "The token, or its person, may not do this.",
    404: "There is no such thing.",
    413: "The request is larger than 1 MB.",
    422: "Something in the request is wrong; nothing was changed.",
    429: "Too many requests.",
    503: "The store cannot be used now; nothing was changed.",
}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Faults, "description": told} for status, told in _TOLD.items()
}
SHARED: Final[dict[str, Any]] = {"responses": _RESPONSES, "dependencies": [Depends(_SCHEME)]}
"""For `include_router`: what each operation may answer besides what it is for."""
