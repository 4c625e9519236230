"""Answers of the block page: what is sent with each of them, and how a page is made.

Every answer ends its connection. A browser that kept it would go on talking to us under the site's
name after the site was opened; and nobody can hold a connection of a page that everybody may ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from starlette.types import Send

from portal.rendering import STATIC_FOLDER, make_environment, static
from portal.security import STATIC

OWN: Final = "/.lychgate/"
"""What begins so is ours, whatever site was asked for."""
ASSETS: Final = ("govuk-frontend.css", "lychgate.css", "mark.svg")

_HEADERS: Final = {
    "cache-control": "no-store",
    "connection": "close",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; img-src 'self'; style-src 'self'",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",  # with no-referrer, forms would come from nowhere
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}
_KEPT: Final = {"cache-control": "private, max-age=300"}
_TYPES: Final = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


class Pages:
    """Makes the pages."""

    def __init__(self) -> None:
        self._environment: Final = make_environment()
        self._environment.globals.update(asset=_asset, OWN=OWN)

    def page(self, template: str, **shown: Any) -> bytes:
        """A page, from a template of `templates/block_page`."""
        made = self._environment.get_template(f"block_page/{template}.html").render(**shown)
        return made.encode("utf-8")


async def answer(
    send: Send,
    status: int,
    body: bytes = b"",
    content_type: str = "text/html; charset=utf-8",
    *,
    head: bool = False,
    more: Mapping[str, str] | None = None,
) -> None:
    """Send an answer; of one to HEAD the body is left out."""
    headers = {**_HEADERS, **(more or {}), "content-length": str(len(body))}
    if body:
        headers["content-type"] = content_type
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": b"" if head else body})


def asset_body(path: str) -> tuple[bytes, str] | None:
    """The octets and the type of a style sheet or picture below `OWN`; None for anything else."""
    name = path.removeprefix(OWN)
    if name not in ASSETS:
        return None
    try:
        return (STATIC_FOLDER / name).read_bytes(), _TYPES[Path(name).suffix]
    except OSError:
        return None


send_asset: Final = partial(answer, more=_KEPT)


def _asset(name: str) -> str:
    return f"{OWN}{static(name).removeprefix(STATIC)}"
