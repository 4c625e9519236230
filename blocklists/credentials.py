"""What a publisher wants to see before it hands out a list: read from a file, and never shown.

The file holds either `user:password` in one line, or header lines as `Authorization: Bearer ...`
(a colon and a space). It must not be readable by everybody on the machine. No message of this
module contains anything of the file.
"""

from __future__ import annotations

import os
import re
import stat
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Final

CREDENTIAL_OCTETS_MAX: Final = 16_384
_HEADER: Final = re.compile(r"([A-Za-z0-9-]{1,64}): +([\x21-\x7e][\x20-\x7e]*)")
_LOGIN: Final = re.compile(r"[^:\x00-\x1f]+:[^\x00-\x1f]*")
_OURS: Final = frozenset(
    "accept-encoding connection content-length host if-modified-since if-none-match range te "
    "transfer-encoding upgrade".split()
)


class CredentialFault(Exception):
    """The file cannot be used; *where: what was given; what is allowed*, without its content."""


def read_credential(path: Path) -> Mapping[str, str]:
    """The headers that a credential file stands for. Raises `CredentialFault`."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = file.read(CREDENTIAL_OCTETS_MAX + 1)
    except OSError as fault:
        raise CredentialFault(
            f"{path}: {fault.strerror}; a credential file must be readable by Lychgate"
        ) from None
    if mode & stat.S_IRWXO:
        raise CredentialFault(
            f"{path}: open to every user of this machine (mode {stat.S_IMODE(mode):04o}); "
            "use chmod o-rwx"
        )
    if len(octets) > CREDENTIAL_OCTETS_MAX:
        raise CredentialFault(
            f"{path}: longer than a credential; at most {CREDENTIAL_OCTETS_MAX} octets"
        )
    lines = [line.strip() for line in octets.decode("utf-8", errors="replace").splitlines()]
    return _headers(path, [(number, line) for number, line in enumerate(lines, 1) if line])


def _headers(path: Path, lines: list[tuple[int, str]]) -> Mapping[str, str]:
    if len(lines) == 1 and _LOGIN.fullmatch(lines[0][1]) and not _HEADER.fullmatch(lines[0][1]):
        login = b64encode(lines[0][1].encode()).decode("ascii")
        return {"Authorization": f"Basic {login}"}
    headers = {}
    for number, line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise CredentialFault(
                f"{path} line {number}: neither of what is allowed; "
                "use `Header: value` lines, or one line user:password"
            )
        if header[1].lower() in _OURS:
            raise CredentialFault(
                f"{path} line {number}: {header[1]} is Lychgate's to set; use a header that "
                "identifies you, as in Authorization"
            )
        headers[header[1]] = header[2]
    if not headers:
        raise CredentialFault(
            f"{path}: empty; use `Header: value` lines, or one line user:password"
        )
    return headers
