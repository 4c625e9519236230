"""Lease files: read, watched, and told to the policy; and what is not worth a new snapshot."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path

import pytest

from lychgate import leases as module
from lychgate.composition import SnapshotBuilder, compose
from lychgate.config import load
from lychgate.explaining import explain
from lychgate.leases import LeaseFiles
from lychgate.screens import show_explanation
from policy import document
from policy.policy import Policy
from tests.policy.college import TAXONOMY

POLICY = """
[organisation]
name = "Test"
default_profile = "learners"
[profiles.learners]
[profiles.staff]
[venues.port]
networks = ["10.20.0.0/16"]
[devices.tutor]
hostnames = ["tutor-laptop"]
client_ids = ["aa:bb:cc:dd:ee:99"]
profile = "staff"
"""
PLAIN = document.read(POLICY, TAXONOMY)
HERE, THERE = "10.20.3.40", "10.20.3.41"


def line(address: str, name: str, ends: int = 0, mac: str = "aa:bb:cc:dd:ee:01") -> str:
    return f"{ends} {mac} {address} {name} *\n"


class Office:
    """A folder with one lease file, and a clock to set."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "dnsmasq.leases"
        self.at = 1_000_000.0
        self.files = LeaseFiles([(self.path, "dnsmasq")], lambda: self.at)
        self._writes = 0

    def write(self, *lines: str) -> None:
        """Replace the file; its time always differs."""
        self.path.write_text("".join(lines))
        self._writes += 1
        os.utime(self.path, (self._writes, self._writes))

    def applied(self) -> Policy:
        return self.files.applied(PLAIN)

    def look(self) -> object:
        """Two looks, a moment apart, with the reading between them done."""
        for _ in range(2):
            self.at += 1.5
            stamp = self.files.stamp()
            if self.files._reader is not None:
                self.files._reader.join()
        return stamp


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def device(policy: Policy, address: str) -> str | None:
    return policy.identify(ip_address(address).packed).device


def test_no_files_leave_the_policy_alone() -> None:
    files = LeaseFiles([])
    assert files.applied(PLAIN) is PLAIN
    assert files.stamp() == files.stamp() and files.warnings == ()


def test_a_device_moves_with_its_lease(office: Office) -> None:
    office.write(line(HERE, "TUTOR-LAPTOP"))
    policy = office.applied()
    assert device(policy, HERE) == "tutor" and device(policy, THERE) is None
    assert policy.hostname(ip_address(HERE).packed) == "TUTOR-LAPTOP"
    before = office.look()
    office.write(line(THERE, "TUTOR-LAPTOP"))
    assert office.look() != before
    policy = office.applied()
    assert device(policy, THERE) == "tutor" and device(policy, HERE) is None


def test_an_unchanged_policy_is_the_very_same(office: Office) -> None:
    office.write(line(HERE, "a", 2_000_000))
    first = office.applied()
    office.write(line(HERE, "a", 2_000_500))
    assert office.applied() is first
    office.write(line(HERE, "b", 2_000_500))
    assert office.applied() is not first


def test_a_renewal_is_no_news(office: Office) -> None:
    office.write(line(HERE, "tutor-laptop", 2_000_000))
    office.applied()
    before = office.look()
    for end in range(2_000_001, 2_000_200, 50):
        office.write(line(HERE, "tutor-laptop", end))
        assert office.look() == before


def test_names_alone_are_news_once_a_minute(office: Office) -> None:
    office.write(line(HERE, "a"))
    office.applied()
    before = office.look()
    office.write(line(HERE, "a"), line(THERE, "b"))
    assert office.look() == before
    office.at += module.NAMES_SECONDS
    changed = office.look()
    assert changed != before
    assert office.applied().hostname(ip_address(THERE).packed) == "b"
    assert office.look() == changed


def test_a_lease_ends_without_a_change_of_the_file(office: Office) -> None:
    office.write(line(HERE, "tutor-laptop", 1_000_100), line(THERE, "*", 0, "aa:bb:cc:dd:ee:99"))
    policy = office.applied()
    assert device(policy, HERE) == device(policy, THERE) == "tutor"
    before = office.look()
    office.at = 1_000_100.0
    assert office.look() != before
    policy = office.applied()
    assert (device(policy, HERE), device(policy, THERE)) == (None, "tutor")


def test_a_file_that_goes_leaves_what_was_known(office: Office) -> None:
    office.write(line(HERE, "tutor-laptop"))
    office.applied()
    before = office.look()
    office.path.unlink()
    assert office.look() != before  # nobody moved, but somebody should know
    assert device(office.applied(), HERE) == "tutor"
    (warning,) = office.files.warnings
    assert warning == f"{office.path}: No such file or directory; the leases read before stay"


def test_a_file_that_never_was(office: Office) -> None:
    assert device(office.applied(), HERE) is None
    assert office.files.warnings[0].endswith("No such file or directory; it names nobody")


def test_malformed_lines_are_counted(office: Office) -> None:
    office.write("x\n", line(HERE, "tutor-laptop"), "y\n", "z" * 9000 + "\n")
    assert device(office.applied(), HERE) == "tutor"
    (warning,) = office.files.warnings
    assert "lines that are no leases of dnsmasq: " in warning
    assert warning.endswith(", the first is line 1; they are left out")
    office.write(line(HERE, "tutor-laptop"))
    office.applied()
    assert office.files.warnings == ()


def test_no_octets_stop_it(office: Office) -> None:
    office.path.write_bytes(b"\xff\x00\n" * 10 + line(HERE, "tutor-laptop").encode())
    assert device(office.applied(), HERE) == "tutor"


def test_a_file_is_read_up_to_a_bound(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_OCTETS_MAX", 100)
    office.write(line(HERE, "tutor-laptop"), "#" * 100 + "\n", line(THERE, "tutor-laptop"))
    policy = office.applied()
    assert (device(policy, HERE), device(policy, THERE)) == ("tutor", None)


def test_a_journal_that_kea_moved_aside_is_read(tmp_path: Path) -> None:
    """Kea's lease file clean-up leaves most leases in files beside the one that is named."""
    head = "address,hwaddr,client_id,valid_lifetime,expire,hostname,state\n"
    path = tmp_path / "kea-leases4.csv"
    files = {
        ".2": f"{head}{HERE},,,60,2000000,old,0\n{THERE},,,60,2000000,tutor-laptop,0\n",
        ".1": f"{head}{HERE},,,60,2000000,newer,0\n",
        "": f"{head}10.20.3.42,,,60,2000000,newest,0\n",
    }
    for ending, text in files.items():
        path.with_name(path.name + ending).write_text(text)
    lease_files = LeaseFiles([(path, "kea")], lambda: 1_000_000.0)
    policy = lease_files.applied(PLAIN)
    named = [policy.hostname(ip_address(a).packed) for a in (HERE, THERE, "10.20.3.42")]
    assert named == ["newer", "tutor-laptop", "newest"]
    assert lease_files.warnings == ()


def configure(folder: Path) -> Path:
    (folder / "policy.toml").write_text(POLICY)
    (folder / "leases").write_text(line(HERE, "Tutor-Laptop"))
    file = folder / "lychgate.toml"
    file.write_text(
        """
        upstream.servers = ["9.9.9.9"]
        filter.policy = "policy.toml"
        server.state_directory = "."
        [clients]
        leases = [{ file = "leases", format = "dnsmasq" }]
        trusted_forwarders = ["10.9.0.1/32"]
        client_id_option = 65073
        """
    )
    return file


def test_settings_reach_the_snapshot_and_the_service(tmp_path: Path) -> None:
    setup = compose(load(configure(tmp_path)))
    assert setup.trust.includes(ip_address("10.9.0.1").packed)
    assert not setup.trust.includes(ip_address("10.9.0.2").packed)
    assert setup.trust.client_id_option == 65073
    built = setup.build_snapshot()
    assert built.warnings == () and device(built.snapshot.policy, HERE) == "tutor"
    assert setup.build_snapshot().snapshot is built.snapshot


def test_a_lease_file_that_is_missing_is_a_warning(tmp_path: Path) -> None:
    file = configure(tmp_path)
    (tmp_path / "leases").unlink()
    (warning,) = SnapshotBuilder(load(file)).build().warnings
    assert warning.startswith(str(tmp_path / "leases"))


def test_explain_names_the_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configuration = load(configure(tmp_path))
    found = explain(configuration, "www.example.com", 1, HERE, None, 1_772_532_000.0)
    assert found.hostname == "Tutor-Laptop"
    assert found.as_json()["client"]["hostname"] == "Tutor-Laptop"
    show_explanation(found)
    shown = capsys.readouterr().out
    assert f"Tutor-Laptop ({HERE}): venue port, device tutor, profile staff" in shown
    other = explain(configuration, "www.example.com", 1, THERE, None, 1_772_532_000.0)
    assert other.as_json()["client"]["hostname"] is None
    show_explanation(other)
    assert f"{THERE}: venue port, profile learners" in capsys.readouterr().out
