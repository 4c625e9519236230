"""Policy documents as files, beside the store: reading one to import it or to compare it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from lychgate.office import Office
from policy.document import PolicyFault
from policy.entries import plain


def read_document(office: Office, file: Path) -> dict[str, Any]:
    """The raw document of a file, checked as a whole; dates in it are text.

    Raises `PolicyFault` with every fault, and OSError.
    """
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as fault:
        line = f"{file}: octet {fault.start} is not UTF-8; use a text file in UTF-8"
        raise PolicyFault([line]) from None
    except tomllib.TOMLDecodeError as fault:
        raise PolicyFault([f"{file}: {fault}; allowed: TOML 1.0"]) from None
    document: dict[str, Any] = plain(raw)
    office.build(document, str(file))
    return document
