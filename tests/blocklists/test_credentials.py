"""Credential files: what they may hold, who may read them, and that nothing of them is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from blocklists.credentials import CREDENTIAL_OCTETS_MAX, CredentialFault, read_credential


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "credential"
    made.touch(0o600)
    return made


def test_header_lines(path: Path) -> None:
    path.write_text("Authorization: Bearer a:b c\n\r\n  X-Key:   1 \r\n")
    assert read_credential(path) == {"Authorization": "Bearer a:b c", "X-Key": "1"}


def test_user_and_password(path: Path) -> None:
    path.write_text("Aladdin:open sesame\n")  # RFC 7617 section 2
    assert read_credential(path) == {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}
    path.write_text("test:123\N{POUND SIGN}\n", encoding="utf-8")  # section 2.1
    assert read_credential(path) == {"Authorization": "Basic dGVzdDoxMjPCow=="}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("\n \n", "empty"),
        ("s3cret", "line 1: neither"),
        ("X-Key: 1\ns3cret\n", "line 2: neither"),
        ("user:s3cret\nuser:s3cret\n", "line 1: neither"),
        ("X-Key: s3cret\N{SNOWMAN}\nX-Key: 1", "line 1: neither"),
        ("Host: s3cret", "line 1: Host is Lychgate's to set"),
        ("X-Key: 1\ntransfer-encoding: s3cret", "line 2: transfer-encoding is"),
        ("X-Key: s3cret" * CREDENTIAL_OCTETS_MAX, "longer than a credential"),
    ],
)
def test_what_else_is_in_it_is_refused_and_not_repeated(
    path: Path, content: str, message: str
) -> None:
    path.write_text(content)
    with pytest.raises(CredentialFault) as caught:
        read_credential(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o777])
def test_a_file_open_to_all_is_refused(path: Path, mode: int) -> None:
    path.write_text("user:password\n")
    path.chmod(mode)
    with pytest.raises(CredentialFault, match=f"mode {mode:04o}.*chmod o-rwx"):
        read_credential(path)


def test_a_group_may_read_it(path: Path) -> None:
    path.write_text("user:password\n")
    path.chmod(0o640)
    assert read_credential(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CredentialFault, match="No such file"):
        read_credential(tmp_path / "missing")


@given(octets=some.binary(max_size=200))
def test_no_content_can_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, octets: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-credential"
    path.touch(0o600)
    path.write_bytes(octets)
    try:
        headers = read_credential(path)
    except CredentialFault:
        return
    for name, value in headers.items():
        assert f"{name}{value}".isascii()
        assert f"{name}{value}".isprintable()
