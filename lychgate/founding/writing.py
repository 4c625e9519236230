"""From answers to files: settings, a store that holds them, and the choice of lists; once.

Everything is checked before anything is written, and nothing that is there is touched.
"""

from __future__ import annotations

import asyncio
import json
import os
import tomllib
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from blocklists import choices
from lychgate.config import Configuration, parse
from lychgate.founding.answers import Answers, Mail, slug
from lychgate.office import Office
from policy.commands.command import Refused
from policy.commands.documents import ImportDocument
from policy.document import default_text
from resolver.limits import SERVED_BY_DEFAULT

REASON: Final = "answers given to lychgate init"
_SYSTEM_STATE: Final = "/var/lib/lychgate"


@dataclass(frozen=True)
class Plan:
    """What would be written."""

    file: Path
    text: str
    """Of lychgate.toml."""
    configuration: Configuration
    policy: dict[str, Any]
    lists: tuple[str, ...]

    def there_already(self) -> list[str]:
        """What is in the way, in words."""
        found = []
        if self.file.exists():
            found.append(f"{self.file}: settings are there already")
        office = Office(self.configuration)
        if office.is_there():
            found.append(f"{office.where}: a store is there already")
        if self.configuration.choices_file.exists():
            found.append(f"{self.configuration.choices_file}: a choice of lists is there already")
        return found


def plan(answers: Answers, file: Path, state: str) -> Plan:
    """What these answers come to. Raises `lychgate.faults.ConfigurationFault` and `PolicyFault`: a
    fault of ours, or of answers that do not go together.
    """
    text = settings_text(answers, state)
    configuration = parse(text, str(file)).placed(file)
    policy = policy_of(answers)
    Office(configuration).build(policy, "answers")
    return Plan(file, text, configuration, policy, answers.lists)


def carry_out(plan: Plan, at: float) -> None:
    """Write it. Raises `Refused` when something is in the way, `StoreFault`, `SourceFault` and
    OSError; what was written until then is taken away again.
    """
    there = plan.there_already()
    if there:
        raise Refused(*there)
    office = Office(plan.configuration)
    state = plan.configuration.state_directory
    made: list[Path] = []
    try:
        plan.file.parent.mkdir(parents=True, exist_ok=True)
        state.mkdir(parents=True, exist_ok=True)
        office.create()
        if plan.configuration.store_file is not None:
            made.append(plan.configuration.store_file)
        office.perform(ImportDocument(plan.policy, "answers", REASON), person=None, at=at)
        if plan.lists:
            choices.enable(plan.configuration.choices_file, plan.lists)
            made.append(plan.configuration.choices_file)
        # Last: with settings there, `lychgate init` says that it is done.
        _write(plan.file, plan.text)
    except BaseException:
        for path in made:
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
        raise


def settings_text(answers: Answers, state: str) -> str:
    """`lychgate.toml`: what was answered; everything else has its default."""
    upstreams = answers.upstreams
    lines = [
        f"# Settings of Lychgate for {answers.organisation}; written by `lychgate init`.",
        "# Every setting and its default: docs/configuration.md. After a change: check-config",
        "",
        "[server]",
        f"listen = {_toml(list(answers.listen))}",
        f"state_directory = {_toml(state)}",
        "",
        "[upstream]",
    ]
    if upstreams.preset:
        lines.append(f"preset = {_toml(upstreams.preset)}")
    if upstreams.servers:
        lines.append(f"servers = {_toml([server.uri for server in upstreams.servers])}")
    elsewhere = [
        network
        for network in answers.networks
        if not any(
            network.version == served.version and network.subnet_of(served)  # type: ignore[arg-type]
            for served in SERVED_BY_DEFAULT
        )
    ]
    if elsewhere:
        served = [str(network) for network in (*SERVED_BY_DEFAULT, *elsewhere)]
        lines += ["", "[limits]", f"served_networks = {_toml(served)}"]
    if answers.mail is not None:
        lines += _mail_lines(answers.mail, answers.told)
    return "\n".join(lines) + "\n"


def _mail_lines(mail: Mail, told: tuple[str, ...]) -> list[str]:
    """`[notices.mail]`, and who is told. A password has a file of its own: people write that."""
    lines = [
        "",
        "[notices.mail]",
        f"host = {_toml(mail.host)}",
        f"port = {mail.port}",
        f"security = {_toml(mail.security)}",
        f"sender = {_toml(mail.sender)}",
        "# If it asks for an account; the password is the first line of the file:",
        '# user = ""',
        '# password_file = "mail.password"',
    ]
    for to in told:
        lines += ["", "[[notices.recipients]]", f"to = {_toml(to)}", 'about = ["alert", "check"]']
    return lines


def policy_of(answers: Answers) -> dict[str, Any]:
    """The policy that ships, with this organisation and its venue in place of `here`."""
    raw = tomllib.loads(default_text())
    audience = answers.audience
    raw["organisation"] |= {
        "name": answers.organisation,
        "default_profile": audience.profile,
    }
    profile = raw["profiles"][audience.profile]
    for key, value in audience.changes.items():
        if isinstance(value, dict):
            profile[key] = {**profile.get(key, {}), **value}
        else:
            profile[key] = value
    raw["venues"] = {
        slug(answers.venue): {
            "title": answers.venue,
            "profile": audience.profile,
            "networks": [str(ip_network(str(network))) for network in answers.networks],
        }
    }
    if answers.term is not None:
        term = answers.term
        body = {"name": term.name, "from": term.first.isoformat(), "to": term.last.isoformat()}
        raw["terms"] = [body]
    return raw


def set_up_link(configuration: Configuration, at: float) -> str | None:
    """The way into the portal for the first administrator; None when somebody has an account."""
    from lychgate.kinds import write_bind
    from policy.commands.desk import Desk
    from policy.store import Store
    from portal.accounts.accounts import Accounts
    from portal.accounts.sessions import SessionRules
    from resolver.answers import KINDS

    office = Office(configuration)
    settings = configuration.portal

    async def make() -> str | None:
        store = await Store.open(configuration.store_url)
        try:
            desk = Desk(store, office.taxonomy, tuple(KINDS), office.knowledge)
            rules = SessionRules(
                settings.session_idle_minutes * 60.0, settings.session_hours * 3600.0
            )
            return await Accounts(store, desk, rules=rules).set_up_link(at)
        finally:
            await store.close()

    secret = asyncio.run(make())
    address = settings.public_url or f"http://{write_bind(settings.listen)}"
    return None if secret is None else f"{address}/link/{secret}"


def default_state(file: Path) -> str:
    """Where state belongs beside these settings: the system's place for a system's settings."""
    return _SYSTEM_STATE if file.is_absolute() and file.is_relative_to("/etc") else "var"


def _write(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    if os.geteuid() == 0:
        owner = file.parent.stat()
        os.chown(file, owner.st_uid, owner.st_gid)


def _toml(value: Any) -> str:
    """A TOML value; these are written the same way in JSON."""
    return json.dumps(value, ensure_ascii=False)
