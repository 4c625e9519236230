"""Every string a person reads is in the catalogue, and every one in it is read."""

from __future__ import annotations

import re
from pathlib import Path

import portal
from policy.commands.permissions import PERMITTED
from policy.people import ROLES
from portal.accounts.passwords import weakness
from portal.accounts.tokens import SCOPES
from portal.words import texts

ROOM = Path(portal.__file__).parent
_KEY = re.compile(r"""["']([a-z0-9-]+\.[a-z0-9_-]+)["']""")


def test_every_key_that_is_used_is_there() -> None:
    tables = {key.partition(".")[0] for key in texts()}
    for path in (*ROOM.rglob("*.py"), *ROOM.rglob("templates/**/*.html")):
        for key in _KEY.findall(path.read_text(encoding="utf-8")):
            named = key.partition(".")[0] in tables and not key.endswith((".css", ".js", ".toml"))
            if named and key not in PERMITTED and not key.startswith("account."):
                assert key in texts(), f"{path.name}: {key}"


def test_every_word_is_used() -> None:
    """Also those whose key is put together, by the table they are in."""
    files = [*ROOM.rglob("*.py"), *ROOM.rglob("templates/**/*.html")]
    used = "\n".join(path.read_text(encoding="utf-8") for path in files)
    for key in texts():
        table, _, word = key.partition(".")
        together = table in ("role", "scope", "error", "did") or f'"{table}." ~' in used
        assert f'"{key}"' in used or f"'{key}'" in used or together, key


def test_roles_and_scopes_have_words() -> None:
    assert {f"role.{role}" for role in ROLES} <= texts().keys()
    assert {f"scope.{scope}" for scope in SCOPES} <= texts().keys()


def test_everything_that_can_be_done_has_words() -> None:
    """Permissions to look are never entered in the log; the others are, with what has none."""
    looked = {
        "policy.read",
        "audit.read",
        "request.read",
        "event.read",
        "alert.read",
        "figures.read",
    }
    asked = {"rule.allow", "rule.deny", "venue.networks", "person.administrators"}
    done = PERMITTED.keys() - looked - asked | {"rule.add", "rule.undo", "pass.take", "request.ask"}
    written = re.compile(r'"(account\.[a-z-]+)"')
    for folder in (ROOM / "accounts", ROOM / "openid", ROOM.parent / "lychgate"):
        for path in folder.rglob("*.py"):
            done |= set(written.findall(path.read_text(encoding="utf-8")))
    assert done == {key.removeprefix("did.") for key in texts() if key.startswith("did.")}


def test_passwords() -> None:
    assert weakness("short") == "password.short"
    assert weakness("x" * 201) == "password.long"
    assert weakness("abababababababab") == "password.same"
    assert weakness("Password-12345") == "password.common"
    assert weakness("jo-smith-2026", ["jo-smith"]) == "password.name"
    assert weakness("three plum lanterns", ["ada"]) is None
