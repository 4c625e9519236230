"""The files Lychgate is given for a scenario: `lychgate.toml`, `policy.toml`, an index of lists.

Both runners use the very same files, so a scenario cannot mean one thing in virtual time and
another to a real process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from categoriser.indexfile import SourceInfo, encode
from categoriser.names import from_text
from tests.scenarios.language import HERE, Config

PAGE = {"filter.page_ipv4": '"192.0.2.80"'}
"""What every scenario gets unless it says otherwise: the policy has a profile that needs a page."""


def configuration_text(
    config: Config, upstreams: Mapping[str, str], listen: str, metrics: str
) -> str:
    """`lychgate.toml`; `upstreams` are names and addresses."""
    inside = {upstream for _, upstream in config.forwards}
    default = [uri for name, uri in upstreams.items() if name not in inside]
    words = {
        "server.listen": f'["{listen}"]',
        "server.state_directory": '"."',
        "metrics.listen": f'"{metrics}"',
        "filter.policy": '"policy.toml"',
        "upstream.servers": f"[{', '.join(map(quote, default))}]",
        "log.level": '"warning"',
        **PAGE,
        **dict(config.settings),
    }
    lines = [f"{word} = {value}" for word, value in words.items()]
    for name in sorted(inside):
        zones = ", ".join(quote(zone) for zone, upstream in config.forwards if upstream == name)
        lines += ["[[forward]]", f"zones = [{zones}]", f"servers = [{quote(upstreams[name])}]"]
    return "\n".join(lines) + "\n"


def quote(text: str) -> str:
    return f'"{text}"'


def write_content(folder: Path, config: Config, now: float, empty_index: bool = False) -> None:
    """`policy.toml` and the index, each put in place by rename as their readers demand.

    `empty_index`: write one even without lists, in the place of one that was there before.
    """
    if config.lists or empty_index:
        _replace(folder / "index.lychgate", encode_lists(config))
    _replace(folder / "policy.toml", policy_text(config, now).encode())


def _replace(path: Path, octets: bytes) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_bytes(octets)
    temporary.replace(path)


def policy_text(config: Config, now: float) -> str:
    """The policy document; `{{now+60}}` in it becomes that instant."""
    name = config.policy or "venue"
    text = (HERE / "policies" / f"{name}.toml").read_text("utf-8") + "\n" + config.policy_more

    def instant(found: re.Match[str]) -> str:
        return datetime.fromtimestamp(now + float(found[1] or 0), UTC).isoformat()

    return re.sub(r"\{\{now([+-]\d+)?\}\}", instant, text)


def encode_lists(config: Config) -> bytes:
    """An index file of the scenario's lists: names, or `=name` for one name alone."""
    sources = [
        SourceInfo(f"scenario:{category}", category, category) for category, _ in config.lists
    ]
    entries = [
        (from_text(entry.removeprefix("=")), entry.startswith("="), number)
        for number, (_, names) in enumerate(config.lists)
        for entry in names
    ]
    return encode(entries, sources, 0.0)
