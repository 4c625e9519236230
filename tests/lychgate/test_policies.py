"""Where the policy comes from: the store while it can be read, and what goes on when it cannot."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from categoriser.names import from_text
from lychgate import policies
from lychgate.checking import check
from lychgate.composition import SnapshotBuilder
from lychgate.config import Configuration, load
from lychgate.explaining import explain
from lychgate.faults import ConfigurationFault
from lychgate.policies import LastPolicy, PolicySource, Reading, StoreSource, without_past
from policy.store import Store
from policy.store.migrating import VERSION_TABLE
from resolver.setup import Built
from tests.lychgate.running import wait_until
from tests.lychgate.stores import write

DENY = {"action": "deny", "pattern": "denied.example", "reason": "Test"}
EXCEPTION = {
    "sites": ["facebook.com"],
    "where": "venue:here",
    "purpose": "a lesson",
    "approver": "Sam Tutor",
    "until": "2099-01-01",
}


def configure(folder: Path, text: str = "") -> Configuration:
    file = folder / "lychgate.toml"
    file.write_text(f'server.state_directory = "."\n{text}')
    return load(file)


def source(configuration: Configuration) -> StoreSource:
    """The source of a process that starts now."""
    found = SnapshotBuilder(configuration).source
    assert isinstance(found, StoreSource)
    return found


def kept(reading: Reading) -> Reading:
    """The same, once its snapshot is in use."""
    assert reading.settle() == ()
    return reading


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/state.db"


@pytest.fixture
def configuration(store_url: str, tmp_path: Path) -> Configuration:
    """Of a process that reads the store of `store_url`."""
    return configure(tmp_path, f'store.url = "{store_url}"')


def test_without_document_and_store_the_policy_that_ships_filters(tmp_path: Path) -> None:
    builder = SnapshotBuilder(configure(tmp_path))
    built = builder.build()
    assert (built.warnings, built.source_up) == ((), True)
    assert builder.origin == "the one that ships"
    assert built.snapshot.policy.profiles["learners"].safe_search
    assert builder.build().snapshot is built.snapshot
    built.settle()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lychgate.toml"]


def test_a_store_that_is_made_later_is_noticed(tmp_path: Path, url: str) -> None:
    own = source(configure(tmp_path))
    before = own.stamp()
    assert own.stamp() == before
    assert not own.read().policy.rules
    write(url, ("rules", None, DENY))
    assert own.stamp() != before
    reading = own.read()
    assert [rule.reason for rule in reading.policy.rules] == ["Test"]
    assert reading.origin == f"the store {tmp_path}/state.db"


def test_a_store_somebody_named_and_that_is_not_there_is_told(
    configuration: Configuration,
) -> None:
    reading = source(configuration).read()
    assert not reading.up
    assert "the policy that ships is in force" in reading.warnings[0]
    assert reading.policy.profiles


def test_each_commit_is_another_policy_and_nothing_else_is(
    configuration: Configuration, store_url: str
) -> None:
    write(store_url, ("rules", None, DENY))
    own = source(configuration)
    first = own.read()
    assert own.read().policy is first.policy
    before = settled_stamp(own)
    write(store_url, ("exceptions", None, EXCEPTION))
    wait_until(lambda: own.stamp() != before, "the change", seconds=5)
    second = own.read()
    assert second.policy.fingerprint != first.policy.fingerprint
    assert len(second.policy.exceptions) == 1
    assert second.policy.rulebook is first.policy.rulebook  # nothing it rests on changed


def settled_stamp(own: PolicySource) -> object:
    """The stamp once a listener has connected and nothing moves any more."""
    own.stamp()
    last: list[object] = [None, object()]

    def stands() -> bool:
        last.append(own.stamp())
        return last[-1] == last[-2] == last[-3]

    wait_until(stands, "a stamp that stands")
    return last[-1]


def test_the_last_policy_goes_on_when_the_store_is_gone(tmp_path: Path, url: str) -> None:
    """Need N20: in memory first; and after a restart, from disk."""
    write(url, ("rules", None, DENY))
    configuration = configure(tmp_path)
    own = source(configuration)
    good = kept(own.read())
    store = tmp_path / "state.db"
    store.rename(tmp_path / "away")

    reading = own.read()
    assert reading.policy is good.policy and not reading.up
    (warning,) = reading.warnings
    assert warning.startswith(f"{store}: there is no store; put it back")
    assert warning.endswith("; the policy before it stays in force")

    restarted = source(configuration)
    reading = restarted.read()
    assert not reading.up
    assert [rule.reason for rule in reading.policy.rules] == ["Test"]
    assert reading.policy.fingerprint == good.policy.fingerprint
    assert f"kept in {tmp_path}/policy.last.json, is in force" in reading.warnings[0]
    assert restarted.read().policy is reading.policy

    before = restarted.stamp()
    (tmp_path / "away").rename(store)
    assert restarted.stamp() != before
    reading = restarted.read()
    assert reading.up and not reading.warnings


@pytest.mark.parametrize("octets", [b"", b"{}", b"\xff", b'{"fingerprint":"x","document":{}}'])
def test_a_kept_policy_that_cannot_be_used_leaves_the_one_that_ships(
    tmp_path: Path, octets: bytes
) -> None:
    (tmp_path / "policy.last.json").write_bytes(octets)
    reading = source(configure(tmp_path)).read()
    assert not reading.up
    assert "the policy that ships is in force" in reading.warnings[0]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """A store that somebody holds for himself alone."""
    with sqlite3.connect(path) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        holder.execute("UPDATE facts SET value = value")
        holder.commit()
        yield
    holder.close()


def test_a_store_that_cannot_be_read_is_tried_again_until_it_can(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No commit tells when a lock is gone: time has to."""
    write(url, ("rules", None, DENY))
    own = source(configure(tmp_path))
    monkeypatch.setattr("policy.store.engine.BUSY_SECONDS_MAX", 0.01)
    with locked(tmp_path / "state.db"):
        reading = own.read()
        assert not reading.up
        assert "somebody else is writing" in reading.warnings[0]
        now = time.monotonic()
        monkeypatch.setattr(policies, "monotonic", lambda: now)
        before = own.stamp()
        assert own.stamp() == before
        now += policies.RETRY_SECONDS
        assert own.stamp() != before
    assert own.read().up
    before = own.stamp()
    now += 10
    assert own.stamp() == before


def test_a_damaged_store_is_told(tmp_path: Path, url: str) -> None:
    write(url, ("rules", None, DENY))
    own = source(configure(tmp_path))
    good = own.read()
    (tmp_path / "state.db").write_bytes(b"this is no database " * 1000)
    reading = own.read()
    assert reading.policy is good.policy
    assert "is damaged" in reading.warnings[0]


def test_a_store_migrated_by_a_newer_version_is_told(tmp_path: Path, url: str) -> None:
    write(url, ("rules", None, DENY))
    own = source(configure(tmp_path))
    good = own.read()
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    database.close()
    reading = own.read()
    assert reading.policy is good.policy
    assert "a newer Lychgate migrated it" in reading.warnings[0]


def test_what_cannot_be_used_is_told_and_not_built_again_and_again(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody wrote past the commands; what is told has a bound."""
    write(url, ("rules", None, DENY))
    own = source(configure(tmp_path))
    good = own.read()
    write(url, *[("rules", None, {**DENY, "surprise": 1}) for _ in range(7)])
    reading = own.read()
    assert reading.policy is good.policy and not reading.up
    assert len(reading.warnings) == policies.FAULTS_MAX + 1
    assert '"surprise" is not a known key' in reading.warnings[0]
    assert reading.warnings[-1] == "store: 2 more faults; the policy before it stays in force"

    def fail(*_: object) -> None:
        raise AssertionError("built again")

    with monkeypatch.context() as patched:
        patched.setattr(own._builder, "build", fail)
        assert own.read().warnings == reading.warnings


def test_a_body_that_is_no_json_does_not_stop_the_filter(tmp_path: Path, url: str) -> None:
    write(url, ("rules", None, DENY))
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("UPDATE rules SET body = '{' ")
        database.execute("UPDATE revisions SET stamp = 'other'")
    database.close()
    reading = source(configure(tmp_path)).read()
    assert not reading.up and reading.policy.profiles


def test_a_store_that_never_answers_counts_as_gone(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    write(url)
    monkeypatch.setattr(policies, "READ_SECONDS_MAX", 0.01)
    monkeypatch.setattr(Store, "open", hang)
    reading = source(configure(tmp_path)).read()
    assert "it gave no answer within 0.01 s" in reading.warnings[0]


def test_it_is_read_where_a_loop_runs_already(tmp_path: Path, url: str) -> None:
    """The first snapshot of a process is built there."""
    write(url, ("rules", None, DENY))

    async def start() -> Reading:
        return source(configure(tmp_path)).read()

    assert asyncio.run(start()).up


def test_a_page_without_an_address_is_no_policy_of_a_store(tmp_path: Path, url: str) -> None:
    write(url, ("profiles", "learners", {"answer": "page_address"}))
    reading = source(configure(tmp_path)).read()
    assert "page_address without an address of the page; set" in reading.warnings[0]
    assert source(configure(tmp_path, 'filter.page_ipv4 = "192.0.2.1"')).read().up


def test_a_document_goes_before_the_store(tmp_path: Path, url: str) -> None:
    write(url, ("rules", None, DENY))
    (tmp_path / "policy.toml").write_text(
        '[organisation]\nname = "File"\ndefault_profile = "p"\n[profiles.p]\n'
    )
    builder = SnapshotBuilder(configure(tmp_path, 'filter.policy = "policy.toml"'))
    built = builder.build()
    assert built.snapshot.policy.organisation.name == "File"
    assert builder.origin == str(tmp_path / "policy.toml")
    assert builder.build().snapshot is built.snapshot
    built.settle()
    assert not (tmp_path / "policy.last.json").exists()


def test_own_essentials_are_open_whatever_lists_say(tmp_path: Path, url: str) -> None:
    def listed(built: Built, name: str) -> list[tuple[str, tuple[str, ...]]]:
        found = built.snapshot.index.categorise(from_text(name))
        return [(match.category, match.sources) for match in found]

    write(url, ("essentials", "=bet365.com", {"reason": "Test"}))
    builder = SnapshotBuilder(configure(tmp_path))
    first = builder.build()
    assert listed(first, "bet365.com")[0] == ("essential", ("own",))
    assert listed(first, "www.bet365.com") == [("gambling", ("starter:gambling",))]
    write(url, ("rules", None, DENY))
    second = builder.build()
    assert second.snapshot is not first.snapshot
    assert second.snapshot.index.tables[0] is first.snapshot.index.tables[0]


def raw_of(count: int) -> dict[str, Any]:
    """A raw document with this many rules."""
    return {
        "organisation": {"name": "Ünïted", "default_profile": "p"},
        "profiles": {"p": {}},
        "rules": [{**DENY, "pattern": f"d{number}.example"} for number in range(count)],
        "exceptions": [],
    }


@pytest.mark.parametrize("count", [0, 1, policies.PIECE_ENTRIES, 2 * policies.PIECE_ENTRIES + 1])
def test_what_is_kept_is_read_back_whole(tmp_path: Path, count: int) -> None:
    last = LastPolicy(tmp_path / "policy.last.json")
    assert not last.exists()
    assert last.keep(raw_of(count), "first") == ()
    raw, fingerprint, at = last.read()
    assert (raw, fingerprint) == (raw_of(count), "first")
    assert abs(at - time.time()) < 60
    assert stat.S_IMODE(last.file.stat().st_mode) == 0o640


def test_it_is_kept_once_for_each_policy_and_leaves_nothing_behind(tmp_path: Path) -> None:
    last = LastPolicy(tmp_path / "policy.last.json")
    last.keep(raw_of(1), "first")
    first = last.file.stat().st_ino
    last.keep(raw_of(1), "first")
    assert last.file.stat().st_ino == first
    last.keep(raw_of(2), "second")
    assert last.read()[1] == "second"
    assert list(tmp_path.iterdir()) == [last.file]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (problem,) = LastPolicy(tmp_path / "none" / "policy.last.json").keep(raw_of(1), "first")
    assert "No such file or directory; without it a restart" in problem


def test_a_forked_process_watches_for_itself(tmp_path: Path, url: str) -> None:
    """SQLite's connections must not be carried over a fork."""
    write(url)
    own = source(configure(tmp_path))
    own.stamp()
    pid = os.fork()
    if pid == 0:
        own.stamp()
        os._exit(0 if len(own._watches) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert list(own._watches) == [os.getpid()]


def test_check_config_says_where_the_policy_comes_from(tmp_path: Path, url: str) -> None:
    def rows(text: str = "") -> tuple[list[str], tuple[str, ...]]:
        checked = check(configure(tmp_path, f'upstream.servers = ["9.9.9.9"]\n{text}'))
        place = [key for key, _ in checked.rows].index("policy")
        return [value for _, value in checked.rows[place : place + 2]], checked.warnings

    assert rows()[0][0] == "the one that ships"
    write(url)
    assert rows()[0][0] == f"the store {tmp_path}/state.db"
    (tmp_path / "policy.toml").write_text(
        '[organisation]\nname = "File"\ndefault_profile = "p"\n[profiles.p]\n'
    )
    named = rows('filter.policy = "policy.toml"')[0]
    assert named[0] == str(tmp_path / "policy.toml")
    assert named[1].startswith("the store is not read")
    (tmp_path / "state.db").write_bytes(b"this is no database " * 1000)
    assert "is damaged" in rows()[1][0]
    assert not (tmp_path / "policy.last.json").exists()  # checking changes nothing


def test_explain_decides_by_the_store(tmp_path: Path, url: str) -> None:
    write(url, ("rules", None, DENY))
    found = explain(configure(tmp_path), "www.denied.example", 1, "127.0.0.1", None, time.time())
    assert (found.happens, found.decision.reason) == ("blocked", "rule")
    assert found.as_json()["policy"] == f"the store {tmp_path}/state.db"


@pytest.mark.parametrize(
    ("text", "file", "address"),
    [
        ("", "state.db", "sqlite+aiosqlite:///{folder}/state.db"),
        (
            'store.url = "sqlite+aiosqlite:///d/s.db"',
            "d/s.db",
            "sqlite+aiosqlite:///{folder}/d/s.db",
        ),
        ('store.url = "sqlite+aiosqlite:////d/s.db"', "/d/s.db", "sqlite+aiosqlite:////d/s.db"),
        ('store.url = "postgresql+asyncpg://a@b/c"', None, "postgresql+asyncpg://a@b/c"),
    ],
)
def test_where_the_store_is(tmp_path: Path, text: str, file: str | None, address: str) -> None:
    found = configure(tmp_path, text)
    assert found.store_file == (None if file is None else tmp_path / file)
    assert found.store_url == address.format(folder=tmp_path)


def test_an_address_of_a_store_that_is_none_is_refused_without_its_password(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigurationFault) as caught:
        configure(tmp_path, 'store.url = "mysql://jo:secret@host/db"')
    (fault,) = caught.value.faults
    assert "store.url: this is no address of a store; use sqlite+aiosqlite:///PATH" in fault
    assert "secret" not in fault


def test_exceptions_that_ended_days_ago_are_left_out_of_snapshots() -> None:
    """A day over or running they stay; nothing else of the document is touched or copied."""
    at = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
    long_over = {"until": "2026-11-17T23:59:59-12:00"}
    taken_back = {"until": "2027-01-01T00:00:00Z", "revoked": "2026-11-10T09:00:00+00:00"}
    current: list[dict[str, Any]] = [
        {"until": "2026-11-20T09:00:00"},
        {"until": "2026-11-18"},
        {"until": "2027-01-01T00:00:00Z", "revoked": "2026-11-21T11:00:00Z"},
    ]
    rules = [{"id": 1}]
    raw = {"rules": rules, "exceptions": [long_over, *current, taken_back]}
    kept = without_past(raw, at)
    assert kept["exceptions"] == current
    assert kept["rules"] is rules and len(raw["exceptions"]) == 5
    assert without_past(kept, at) is kept
