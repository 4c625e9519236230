"""The root and the leaves: who may read them, what they may sign, how long they live."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from portal.certificates import (
    CONTEXTS_MAX,
    KEY_FILE,
    ROOT_FILE,
    CertificateFault,
    Minting,
    create_root,
    load_root,
)
from tests.portal.visitors import SATURDAY


def test_the_root_is_made_once_and_nobody_else_reads_its_key(tmp_path: Path) -> None:
    path = create_root(tmp_path, "Northshire Skills", SATURDAY)
    assert path == tmp_path / ROOT_FILE
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    with pytest.raises(CertificateFault, match="it is there already"):
        create_root(tmp_path, "Northshire Skills", SATURDAY)
    certificate = load_root(tmp_path, SATURDAY).certificate
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical and basic.value.ca and basic.value.path_length == 0


def test_a_root_constrained_to_some_domains(tmp_path: Path) -> None:
    create_root(tmp_path, "Northshire Skills", SATURDAY, ["bet365.com"])
    extensions = load_root(tmp_path, SATURDAY).certificate.extensions
    constraints = extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.permitted_subtrees == [x509.DNSName("bet365.com")]


def test_roots_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(CertificateFault, match="create-root"):
        load_root(tmp_path, SATURDAY)
    create_root(tmp_path, "Northshire Skills", SATURDAY)
    with pytest.raises(CertificateFault, match="it has ended"):
        load_root(tmp_path, SATURDAY + 4 * 366 * 86_400)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(CertificateFault, match="0600"):
        load_root(tmp_path, SATURDAY)
    (tmp_path / KEY_FILE).chmod(0o600)
    other = tmp_path / "other"
    other.mkdir()
    create_root(other, "Another", SATURDAY)
    (tmp_path / ROOT_FILE).write_bytes((other / ROOT_FILE).read_bytes())
    with pytest.raises(CertificateFault, match="does not belong"):
        load_root(tmp_path, SATURDAY)
    (tmp_path / ROOT_FILE).write_bytes(b"no certificate")
    with pytest.raises(CertificateFault, match="cannot be read"):
        load_root(tmp_path, SATURDAY)


def test_leaves_are_remembered_for_a_while_and_so_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal import certificates

    create_root(tmp_path, "Northshire Skills", SATURDAY)
    minting = Minting(load_root(tmp_path, SATURDAY))
    first = minting.context("bets.example", SATURDAY)
    assert minting.context("bets.example", SATURDAY + 3600) is first
    assert minting.context("bets.example", SATURDAY + 20 * 3600) is not first
    assert first.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert CONTEXTS_MAX <= 1_000
    monkeypatch.setattr(certificates, "CONTEXTS_MAX", 2)
    for number in range(4):
        minting.context(f"{number}.example", SATURDAY)
    assert len(minting) == 2
