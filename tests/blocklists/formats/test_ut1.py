"""Archives of category folders, sound and hostile."""

from __future__ import annotations

import io
import tarfile

import pytest

from blocklists import formats
from blocklists.entries import ADDRESS, NOT_A_NAME, NOT_FOR_DNS, PATTERN, TOO_LONG, Entry, Reject
from blocklists.lines import LINE_CHARACTERS_MAX
from tests.blocklists.formats.answers import answers, items


def archive(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for path, target in (links or {}).items():
            member = tarfile.TarInfo(path)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return out.getvalue()


def test_each_folder_is_a_label_and_pages_and_patterns_are_counted() -> None:
    octets = archive(
        {
            "blacklists/README": b"not.a.list\n",
            "blacklists/gambling/domains": b"# x\nbet365.com\n1.2.3.4\nBAD NAME\n",
            "blacklists/gambling/urls": b"a.com/page\n\nb.com/page\n",
            "blacklists/gambling/usage": b"black\n",
            "blacklists/adult/expressions": b"(sex|porn)\n",
            "blacklists/Adult/domains": b"adult.example",
        },
        {"blacklists/porn": "adult", "blacklists/evil/domains": "/etc/passwd"},
    )
    assert formats.detect(octets[: formats.HEAD_OCTETS]) == "ut1"
    assert items("ut1", octets) == [
        Entry(2, "bet365.com", label="gambling"),
        Reject(3, "gambling/domains: 1.2.3.4", ADDRESS),
        Reject(4, "gambling/domains: BAD NAME", NOT_A_NAME),
        Reject(1, "gambling/urls: a.com/page", NOT_FOR_DNS),
        Reject(3, "gambling/urls: b.com/page", NOT_FOR_DNS),
        Reject(1, "adult/expressions: (sex|porn)", PATTERN),
        Entry(1, "adult.example", label="adult"),
    ]


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("gambling/domains", ["gambling"]),
        ("./gambling/domains", ["gambling"]),
        ("domains", [""]),
        ("./domains", [""]),
        ("a/" * 90 + "gambling/domains", ["gambling"]),
        ("../../gambling/domains", ["gambling"]),
        ("/etc/cron.d/domains", ["cron.d"]),  # a word, never a place
        ("gambling/../domains", []),
        ("x/bad name/domains", []),
        ("gambling/domains.old", []),
    ],
)
def test_a_path_is_looked_at_for_its_last_words_alone(path: str, labels: list[str]) -> None:
    found = items("ut1", archive({path: b"bet365.com"}))
    assert [item.label for item in found if isinstance(item, Entry)] == labels
    assert len(found) == len(labels)


def test_a_long_line_in_any_member_is_rejected_with_its_number() -> None:
    long = b"a" * (LINE_CHARACTERS_MAX + 1)
    octets = archive(
        {"x/domains": b"a.com\n" + long + b"\nb.com\n" + long, "x/urls": long + b"\nc.com/d\n"}
    )
    found = [(item.line, isinstance(item, Reject) and item.reason) for item in items("ut1", octets)]
    assert found == [
        (1, False),
        (2, TOO_LONG),
        (3, False),
        (4, TOO_LONG),
        (1, TOO_LONG),
        (2, NOT_FOR_DNS),
    ]


@pytest.mark.parametrize("size", [0, 100, 600, 1100, 1536])
def test_a_damaged_archive_is_a_fault(size: int) -> None:
    octets = archive({"x/domains": b"bet365.com\n" * 90})
    with pytest.raises(formats.FormatFault, match="whole"):
        items("ut1", octets[:size])


def test_a_text_is_no_archive() -> None:
    with pytest.raises(formats.FormatFault, match="whole tar file"):
        answers("ut1", "bet365.com\n" * 100)
    with pytest.raises(formats.FormatFault, match="no format recognises"):
        formats.detect(b"\0" * 4096)
