"""`lychgate certificates create-root`: who owns the key afterwards, and where it does not go."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lychgate.archiving.packing import pack
from lychgate.cli import app
from lychgate.commands import certificates
from lychgate.config import Configuration
from portal.certificates import KEY_FILE, ROOT_FILE
from tests.lychgate.archiving.place import installation


@pytest.fixture
def place(tmp_path: Path) -> Configuration:
    return installation(tmp_path / "here")


def create_root(place: Configuration) -> str:
    words = ["certificates", "create-root", "--organisation", "Northshire", "-c", str(place.file)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return done.output


def test_where_accounts_share_the_state_the_key_is_the_portals_alone(
    place: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed by root: the portal could not read it otherwise, and the resolver has no use for it."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    monkeypatch.setattr(certificates, "PORTAL_ACCOUNT", "nobody")
    state = place.state_directory
    os.chown(state, 61184, 61185)
    state.chmod(0o2770)
    said = create_root(place)
    key = (state / KEY_FILE).stat()
    assert (key.st_uid, key.st_gid) == (pwd.getpwnam("nobody").pw_uid, 61185)
    assert stat.S_IMODE(key.st_mode) == 0o600 and "readable by nobody alone" in said


@pytest.mark.parametrize("shared", [True, False])
def test_without_the_packages_account_it_is_the_folders_or_whoever_made_it(
    place: Configuration, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    monkeypatch.setattr(certificates, "PORTAL_ACCOUNT", "no-such-account")
    state = place.state_directory
    os.chown(state, 61184, 61185)
    state.chmod(0o2770 if shared else 0o700)
    create_root(place)
    assert (state / KEY_FILE).stat().st_uid == (61184 if shared else 0)


def test_another_accounts_key_is_said_to_be_so(place: Configuration) -> None:
    """By a process of another account: root reads everything."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    state = place.state_directory
    create_root(place)
    for path in (state, *state.parents):
        if path.stat().st_uid == 0 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    script = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from portal.certificates import CertificateFault, load_root\n"
        "os.setgroups([]); os.setgid(61184); os.setuid(61184)\n"
        "try:\n    load_root(Path(sys.argv[1]), time.time())\n"
        "except CertificateFault as fault:\n    print(fault)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(state)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert f"{state / KEY_FILE}: another account's; give it to the portal's" in done.stdout


def test_no_archive_has_it(place: Configuration, tmp_path: Path) -> None:
    create_root(place)
    made, _ = pack(place, tmp_path / "a.tar.gz", at=time.time())
    names = {member.name for member in made.members}
    assert not [name for name in names if KEY_FILE in name or ROOT_FILE in name]
    assert "state/keys/pseudonyms.key" in names  # other keys are in it
