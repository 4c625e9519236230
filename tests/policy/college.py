"""The college of `college.toml`, for all tests of policy."""

from __future__ import annotations

import json
import re
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from zoneinfo import ZoneInfo

from categoriser import taxonomy
from categoriser.matches import Match
from categoriser.names import from_text, spell
from policy.decision import decide
from policy.document import read
from policy.policy import Policy
from policy.types import Client, Decision

HERE = Path(__file__).parent
LONDON = ZoneInfo("Europe/London")
TAXONOMY = taxonomy.load()
COLLEGE = (HERE / "college.toml").read_text(encoding="utf-8")
TUESDAY_10 = datetime(2026, 3, 3, 10, tzinfo=LONDON).timestamp()


def policy(more: str = "", text: str = COLLEGE) -> Policy:
    """The college's policy, with more at its end."""
    return read(f"{text}\n{more}", TAXONOMY)


def listed(name: str, *categories: str) -> tuple[Match, ...]:
    """Matches of a name; a category with a tilde is a keyword hit."""
    return tuple(
        Match(c[1:], f"~{c[1:]}", ("starter:keywords",), keyword=True)
        if c.startswith("~")
        else Match(c, name, (f"starter:{c}",))
        for c in categories
    )


def ask(whose: Policy, client: Client, at: float, name: str, *categories: str) -> Decision:
    """The decision for a name on these lists."""
    return decide(whose.view(client, at), spell(from_text(name)), listed(name, *categories))


def packed(address: str) -> bytes:
    """An address as a socket gives it."""
    return ip_address(address).packed


def instant(text: str) -> float:
    """Local time in England, or with an offset."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=LONDON)).timestamp()


def rule(text: str) -> str:
    """A rule of the table as policy.toml has it."""
    found = re.fullmatch(r"(allow|deny) (\S+) for (\S+?)(?: until (.+))?", text)
    assert found, text
    action, pattern, scope, until = found.groups()
    lines = ["[[rules]]", f'action = "{action}"', f"pattern = {json.dumps(pattern)}"]
    lines += [f'scope = "{scope}"', 'reason = "because"']
    lines += [f"expires = {until}:00"] if until else []
    return "\n".join(lines) + "\n"


def exception(text: str) -> str:
    """An exception of the table as policy.toml has it."""
    found = re.fullmatch(r"(.+?) in (\S+) from (.+) to (.+)", text)
    assert found, text
    what, where, start, until = found.groups()
    words = what.split(" and ")
    lines = [
        "[[exceptions]]",
        f"sites = {json.dumps([w for w in words if '.' in w])}",
        f"categories = {json.dumps([w for w in words if '.' not in w])}",
        f'where = "{where}"',
        'purpose = "a lesson"',
        'approver = "Sam Tutor"',
        f"from = {start}:00",
        f"until = {until}:00",
    ]
    return "\n".join(lines) + "\n"


def going_on(text: str, address: str) -> str:
    """A pass of the table as the store gives it, for whoever has an address."""
    site, who, until = re.fullmatch(r"(\S+)(?: by (\S+))? until (.+)", text).groups()  # type: ignore[union-attr]
    at = instant(until)
    return f'[[passes]]\nwho = "{who or address}"\nsite = "{site}"\nuntil = {at}\n'
