"""The office behind the commands: who sits at the machine, and either database."""

from __future__ import annotations

import getpass
import os
import time
from pathlib import Path

import pytest

from lychgate.config import parse
from lychgate.office import Office, at_the_machine, backup
from policy.commands.command import Refused
from policy.commands.venues import ChangeVenue
from policy.store import StoreFault
from policy.types import Grant


def office_of(url: str) -> Office:
    return Office(parse(f'store.url = "{url}"'))


def test_each_database_is_made_changed_and_read(store_url: str, tmp_path: Path) -> None:
    office = office_of(store_url)
    with pytest.raises(StoreFault, match="no store yet; `lychgate store create` makes one"):
        office.raw()
    office.create()
    with pytest.raises(Refused, match="there is a store already"):
        office.create()
    office.require_present()
    change = ChangeVenue("here", {"title": "Crewe"}, "its name")
    dry = office.perform(change, person=None, at=time.time(), dry_run=True)
    assert dry.audit_number is None
    assert office.raw(["venues"])["venues"]["here"]["title"] == "Our venue"
    done = office.perform(change, person=None, at=time.time())
    assert done.audit_number == 1
    assert office.raw(["venues"])["venues"]["here"]["title"] == "Crewe"
    assert office.policy().venues["here"].title == "Crewe"
    assert office.check() == ()
    with pytest.raises(Refused, match="--as"):
        office.perform(change, person="jo", at=time.time())
    copy = tmp_path / "copy.db"
    configuration = parse(f'store.url = "{store_url}"')
    if store_url.startswith("sqlite"):
        backup(configuration, copy)
        assert office_of(f"sqlite+aiosqlite:///{copy}").raw() == office.raw()
    else:
        with pytest.raises(StoreFault, match="pg_dump"):
            backup(configuration, copy)


def test_whoever_may_write_the_store_is_its_administrator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(getpass, "getuser", lambda: "maya")
    actor = at_the_machine()
    assert (actor.id, actor.name, actor.via) == ("cli:maya", "maya", "cli")
    assert actor.roles == (Grant("administrator"),)


def test_behind_sudo_it_is_the_person_and_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "maya")
    monkeypatch.setattr(getpass, "getuser", lambda: "root")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert at_the_machine().id == "cli:maya"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert at_the_machine().id == "cli:root", "others could say anything"


def test_an_account_without_a_name_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("no such account")

    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(getpass, "getuser", nameless)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert at_the_machine().id == "cli:4711"
