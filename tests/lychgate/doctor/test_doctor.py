"""Every fault that `lychgate doctor` knows: made for real, found, explained, and mended by commands
that exist."""

from __future__ import annotations

import asyncio
import grp
import json
import os
import pwd
import shlex
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
import pytest
import typer
from typer.testing import CliRunner

from lychgate import doctor
from lychgate.cli import app
from lychgate.commands.doctor import status_of
from lychgate.config import Configuration, load
from lychgate.doctor import CHECKS, Finding, Patient, clock, disk, examine, ipv6, memory
from lychgate.doctor import upstreams as upstreams_check
from policy.store.migrating import downgrade
from policy.store.migrations import VERSIONS
from resolver.upstream.transports import Endpoint
from tests.lychgate.archiving.place import installation
from tests.lychgate.running import ADDRESS, Serving, free_port, wait_until

WHOLE: Any = typer.main.get_command(app)


def patient(configuration: Configuration, at: float | None = None) -> Patient:
    return Patient(configuration, (), time.time() if at is None else at)


def found(configuration: Configuration, *words: str, at: float | None = None) -> list[Finding]:
    """What these checks find; what is bad says why, and every command of ours to type exists."""
    findings = list(examine(patient(configuration, at), words))
    for finding in findings:
        if finding.level in ("fault", "warning"):
            assert finding.why or "could not be done" in finding.what, finding
        for line in finding.mend:
            if line.startswith("lychgate "):
                _check(WHOLE, shlex.split(line, comments=True)[1:])
    return findings


def only(findings: list[Finding], level: str) -> list[str]:
    return [finding.what for finding in findings if finding.level == level]


@pytest.fixture
def place(tmp_path: Path) -> Configuration:
    return installation(tmp_path / "here")


def settings(tmp_path: Path, text: str) -> Configuration:
    file = tmp_path / "lychgate.toml"
    file.write_text(text)
    return load(file)


Reacts = Callable[[dns.message.Message], dns.message.Message]


@contextmanager
def server(react: Reacts) -> Iterator[int]:
    """A resolver on loopback that behaves as told."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.05)
        stop = threading.Event()

        def run() -> None:
            while not stop.is_set():
                try:
                    octets, peer = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                sock.sendto(react(dns.message.from_wire(octets)).to_wire(), peer)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def liar(query: dns.message.Message) -> dns.message.Message:
    """Has an answer for everything."""
    reply = dns.message.make_response(query)
    name = query.question[0].name
    reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", ADDRESS))
    return reply


def honest(query: dns.message.Message) -> dns.message.Message:
    """Knows gov.uk only."""
    name = query.question[0].name
    if name == dns.name.from_text("www.gov.uk"):
        return liar(query)
    reply = dns.message.make_response(query)
    reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply


def refusing(query: dns.message.Message) -> dns.message.Message:
    reply = dns.message.make_response(query)
    reply.set_rcode(dns.rcode.REFUSED)
    return reply


def test_every_check_says_what_it_looks_for() -> None:
    assert len(CHECKS) >= 14
    for word in CHECKS:
        said = doctor.looks_for(word)
        assert said.endswith(".") and len(said) > 20, word


def test_a_running_installation_is_well_where_it_can_be(tmp_path: Path) -> None:
    with (
        server(honest) as port,
        Serving(tmp_path, port, extra='limits.served_networks = ["127.0.0.0/8"]') as serving,
    ):
        serving.ready()
        configuration = load(serving.configuration)
        findings = found(configuration, "answering", "resolver_state", "listening", "upstreams")
        assert not only(findings, "fault"), findings
        good = only(findings, "good")
        assert "the resolver is ready" in good
        assert any(what.startswith("www.gov.uk was answered in") for what in good)
        assert "bet365.com is blocked, as the policy says" in good
        assert any(what.endswith("a resolver of ours listens") for what in good)
        assert any("answers in" in what for what in good)
        # Metrics are counted a moment after the answer.
        wait_until(
            lambda: only(found(configuration, "dhcp"), "note")[0].startswith("1 addresses have"),
            "the address that asked",
        )


def test_a_resolver_that_is_not_there(tmp_path: Path) -> None:
    port, metrics = free_port(), free_port()
    configuration = settings(
        tmp_path,
        f'server.listen = ["127.0.0.1:{port}"]\nupstream.servers = ["127.0.0.1:9"]\n'
        f'metrics.listen = "127.0.0.1:{metrics}"\n',
    )
    findings = found(configuration, "answering", "resolver_state", "listening", "portal")
    assert any("no answer from our own address" in what for what in only(findings, "fault"))
    assert any("no resolver says how it does" in what for what in only(findings, "fault"))
    assert any("loopback addresses only" in what for what in only(findings, "warning"))
    assert status_of(findings) == 2


def test_somebody_else_who_answers_in_our_place(tmp_path: Path) -> None:
    with server(liar) as port:
        configuration = settings(
            tmp_path,
            f'server.listen = ["127.0.0.1:{port}"]\nupstream.servers = ["127.0.0.1:9"]\n'
            f'metrics.listen = "127.0.0.1:{free_port()}"\n',
        )
        findings = found(configuration, "answering", "listening")
    faults = only(findings, "fault")
    assert any("bet365.com should be blocked" in what for what in faults)
    assert any("listens there already" in what and f"{os.getpid()}" in what for what in faults)


def test_upstreams_that_are_dead_refuse_or_lie(tmp_path: Path) -> None:
    with server(liar) as first, server(refusing) as second, server(honest) as third:
        addresses = [f"127.0.0.1:{port}" for port in (first, second, third, free_port())]
        configuration = settings(tmp_path, f"upstream.servers = {json.dumps(addresses)}\n")
        findings = found(configuration, "upstreams")
    warnings = only(findings, "warning")
    assert len(warnings) == 3 and not only(findings, "fault")
    assert "nobody has it" in warnings[0] and addresses[0] in warnings[0]
    assert "REFUSED for www.gov.uk" in warnings[1]
    assert addresses[3] in warnings[2]
    dead = settings(tmp_path, f'upstream.servers = ["127.0.0.1:{free_port()}"]\n')
    assert "no upstream answers" in only(found(dead, "upstreams"), "fault")


def test_a_network_that_catches_dns_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server(honest) as port:
        monkeypatch.setattr(upstreams_check, "NOBODY", Endpoint("udp", "127.0.0.1", port))
        monkeypatch.setattr(upstreams_check, "_is_public", lambda _: True)
        configuration = settings(tmp_path, f'upstream.servers = ["127.0.0.1:{port}"]\n')
        findings = found(configuration, "upstreams")
    assert any("where nobody is" in what for what in only(findings, "warning"))


def test_an_upstream_that_is_not_who_it_should_be(tmp_path: Path) -> None:
    from tests.resolver.upstream.transports.streaming import Authority, Upstream

    async def whole() -> list[Finding]:
        shown = Authority(tmp_path).context("other.example")
        listening = await asyncio.start_server(Upstream().serve, "127.0.0.1", 0, ssl=shown)
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        address = f"tls://127.0.0.1:{listening.sockets[0].getsockname()[1]}#dns.example"
        configuration = settings(tmp_path, f'upstream.servers = ["{address}"]\n')
        findings = await asyncio.to_thread(found, configuration, "upstreams")
        listening.close()
        return findings

    findings = asyncio.run(whole())
    (warning,) = (finding for finding in findings if finding.level == "warning")
    assert "certificate: " in warning.what and "clock" in warning.mend[0]


def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "lychgate.toml"
    file.write_text("server.listne = []\n")
    done = CliRunner().invoke(app, ["doctor", "--json", "--config", str(file)])
    assert done.exit_code == 2
    findings = json.loads(done.stdout)
    assert any("did you mean" in finding["what"] for finding in findings)
    assert {finding["check"] for finding in findings} <= {"settings", "clock"}


def test_a_store_of_every_kind(place: Configuration, tmp_path: Path) -> None:
    assert any("sound" in what for what in only(found(place, "store"), "good"))
    store = place.store_file
    assert store is not None
    asyncio.run(downgrade(place.store_url, VERSIONS[-2]))
    (older,) = found(place, "store")
    assert older.level == "fault" and older.mend[0].startswith("lychgate migrate")
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("UPDATE lychgate_version SET version_num = '9999'")
        connection.commit()
    (newer,) = found(place, "store")
    assert newer.level == "fault" and "would lose" in newer.why
    for end in ("", "-wal", "-shm"):
        store.with_name(store.name + end).unlink(missing_ok=True)
    (gone,) = found(place, "store")
    assert gone.level == "warning" and "store create" in gone.mend[1]
    store.write_bytes(b"no database" * 1000)
    (damaged,) = found(place, "store")
    assert damaged.level == "fault" and any("restore" in line for line in damaged.mend)


def test_an_audit_log_that_was_edited(place: Configuration) -> None:
    with closing(sqlite3.connect(str(place.store_file))) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE audit SET reason = 'never said'")
        connection.commit()
    (edited,) = only(found(place, "store"), "fault")
    assert "audit log: entry 1" in edited


def test_lists_that_were_never_fetched_and_an_index_that_is_lost(place: Configuration) -> None:
    findings = found(place, "lists")
    assert "ut1:gambling: never fetched" in only(findings, "warning")
    assert only(findings, "fault")  # what is called index.lychgate is none
    place.choices_file.unlink()
    assert "no published list is in use" in only(found(place, "lists"), "warning")
    place.choices_file.write_text('enabled = ["nobody:knows"]\n')
    assert only(found(place, "lists"), "fault")


def test_a_recorder_that_stands_still(place: Configuration) -> None:
    from evidence.standing import Standing, write_standing

    at = time.time()
    assert "no word from a recorder" in only(found(place, "recorder"), "warning")[0]
    write_standing(place.recorder_file, Standing(written_at=at))
    assert only(found(place, "recorder", at=at), "good") == ["events are recorded"]
    write_standing(
        place.recorder_file,
        Standing(written_at=at - 600, backlog_batches=5000, problems=["telemetry.db: disk full"]),
    )
    warnings = only(found(place, "recorder", at=at), "warning")
    assert len(warnings) == 3 and "10 minutes" in warnings[0] and "disk full" in warnings[2]


def test_a_clock_that_runs_behind_or_that_nobody_sets(
    place: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "is_synchronised", lambda: False)
    assert "nobody sets this clock" in only(found(place, "clock"), "warning")[0]
    monkeypatch.setattr(clock, "is_synchronised", lambda: True)
    assert only(found(place, "clock"), "good")
    (behind,) = found(place, "clock", at=time.time() - 86_400)
    assert behind.level == "fault" and "was written later than that" in behind.what


def test_the_kernel_is_asked_about_its_clock() -> None:
    assert clock.is_synchronised() in (True, False)


def test_a_disk_that_is_full(place: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(place, "disk")

    def usage(free: int) -> Any:
        return lambda _: type("Usage", (), {"free": free, "total": 10**11, "used": 0})

    for free, level in ((10**6, "fault"), (5 * 10**8, "warning"), (5 * 10**10, "good")):
        monkeypatch.setattr(disk.shutil, "disk_usage", usage(free))
        assert found(place, "disk")[0].level == level


def test_files_that_belong_to_somebody_else_or_that_all_can_read(place: Configuration) -> None:
    state = place.state_directory
    for path in state.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o640)
    assert not only(found(place, "files"), "fault") and not only(found(place, "files"), "warning")
    (state / "telemetry.db").chmod(0o644)
    assert "everybody on this machine can read it" in only(found(place, "files"), "warning")[0]
    if os.geteuid() == 0:
        os.chown(state / "keys" / "pseudonyms.key", 12345, 12345)
        assert "pseudonyms.key: not of" in only(found(place, "files"), "fault")[0]


def test_a_file_that_one_of_the_sharing_accounts_keeps_for_itself_is_well(
    place: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    state = place.state_directory
    (state / "passwd").unlink()
    for path in (state, *state.rglob("*")):
        if not path.is_symlink():
            os.chown(path, 61184, 61185)
            path.chmod(0o2770 if path.is_dir() else 0o660)
    key = state / "keys" / "pseudonyms.key"
    key.chmod(0o600)
    os.chown(key, pwd.getpwnam("nobody").pw_uid, 61185)
    assert "pseudonyms.key: not of" in only(found(place, "files"), "fault")[0]
    group = grp.struct_group(("lychgate", "x", 61185, ["nobody"]))
    monkeypatch.setattr(grp, "getgrgid", lambda _: group)
    assert not only(found(place, "files"), "fault")


def test_another_resolver_by_ipv6(
    place: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 2001:db8::1\nnameserver ::1\nnameserver 192.0.2.1\n")
    monkeypatch.setattr(ipv6, "SOURCES", (resolv,))
    monkeypatch.setattr(ipv6, "has_ipv6_route", lambda: True)
    warnings = only(found(place, "ipv6"), "warning")
    assert "2001:db8::1" in warnings[0] and "does not listen on it" in warnings[1]
    resolv.write_text("nameserver ::1\n")
    monkeypatch.setattr(ipv6, "has_ipv6_route", lambda: False)
    assert not only(found(place, "ipv6"), "warning")


def test_memory_that_runs_out(
    place: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "meminfo"
    monkeypatch.setattr(memory, "MEMINFO", info)
    info.write_text("MemTotal: 1000000 kB\nMemAvailable: 50000 kB\n")
    assert only(found(place, "memory"), "warning")
    info.write_text("MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\n")
    assert only(found(place, "memory"), "good")
    info.write_text("nonsense")
    assert not found(place, "memory")


def test_no_archive_an_old_one_and_a_migration_that_waits(place: Configuration) -> None:
    from lychgate.archiving.migrating import migrate
    from lychgate.archiving.rotation import name_of

    assert "no archive" in only(found(place, "backups"), "warning")[0]
    asyncio.run(downgrade(place.store_url, VERSIONS[-2]))
    migrate(place, at=time.time())
    folder = place.state_directory / "backups"
    (folder / name_of(time.time() - 30 * 86_400)).touch()
    findings = found(place, "backups")
    assert "the newest archive is of" in only(findings, "warning")[0]
    assert "nobody has said yet that it works" in only(findings, "note")[0]
    (folder / name_of(time.time())).touch()
    assert only(found(place, "backups"), "good")


def test_what_was_moved_aside_and_nobody_prunes(place: Configuration) -> None:
    """A restore over what is there, and a recorder that met a damaged database."""
    from lychgate.archiving.packing import pack
    from lychgate.archiving.restoring import restore

    assert not found(place, "leftovers")
    assert place.file is not None and place.telemetry_file is not None
    archive = place.state_directory / "backups" / "a.tar.gz"
    archive.parent.mkdir()
    pack(place, archive, at=time.time())
    done = restore(archive, place.file, at=time.time(), force=True)
    assert done.aside is not None
    damaged = place.telemetry_file.with_name("telemetry.db.damaged-20261129T010203")
    for end in ("", "-wal"):
        damaged.with_name(damaged.name + end).touch()
    fresh = found(place, "leftovers")
    assert [finding.level for finding in fresh] == ["note", "note"]
    old = found(place, "leftovers", at=time.time() + 31 * 86_400)
    assert [finding.level for finding in old] == ["warning", "warning"]
    assert str(done.aside) in old[0].what and "31 days ago" in old[0].what
    assert str(damaged) in old[1].what and old[1].mend[0].startswith(f"rm -r {damaged}*")


def test_a_check_that_breaks_hides_no_other(
    place: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any) -> Iterator[Finding]:
        raise RuntimeError("odd")
        yield

    monkeypatch.setattr(memory, "check", broken)
    findings = found(place, "memory", "store")
    assert any("RuntimeError: odd" in what for what in only(findings, "warning"))
    assert {finding.check for finding in findings} == {"memory", "store"}


def test_the_command_shows_what_why_and_what_to_type(place: Configuration) -> None:
    done = CliRunner().invoke(app, ["doctor", "backups", "store", "-c", str(place.file)])
    assert done.exit_code == 1
    assert "warning backups: " in done.output and "$ lychgate backup" in done.output
    assert "(--all shows them)" in done.output and "sound" not in done.output
    assert (
        "sound"
        in CliRunner().invoke(app, ["doctor", "store", "--all", "-c", str(place.file)]).output
    )
    wrong = CliRunner().invoke(app, ["doctor", "nonsense", "-c", str(place.file)])
    assert wrong.exit_code == 2 and "use answering, backups" in wrong.output


def _check(command: Any, words: list[str]) -> None:
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    options = {option for parameter in command.params for option in parameter.opts}
    for word in words:
        assert not word.startswith("-") or word in options, (command.name, word)
