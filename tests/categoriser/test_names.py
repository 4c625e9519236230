"""Names: wire form, presentation form, IDNA, limits, spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categoriser.names import (
    NameFault,
    Spelling,
    from_labels,
    from_text,
    labels_of,
    spell,
    to_text,
    to_unicode,
)
from tests.categoriser import reference


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("bet365.com", b"\x06bet365\x03com\x00"),
        ("Bet365.COM.", b"\x06bet365\x03com\x00"),
        (".", b"\x00"),
        ("_dmarc.example.org", b"\x06_dmarc\x07example\x03org\x00"),
        (r"a\.b.com", b"\x03a.b\x03com\x00"),
        (r"a\046b.com", b"\x03a.b\x03com\x00"),
        (r"\000\255.com", b"\x02\x00\xff\x03com\x00"),
        (r"\065.com", b"\x01a\x03com\x00"),
        ("a\\\\.", b"\x02a\\\x00"),
        ("sportfogadás.com", b"\x13xn--sportfogads-t7a\x03com\x00"),
        ("SPORTFOGADÁS。com", b"\x13xn--sportfogads-t7a\x03com\x00"),
        ("_tcp.sportfogadás.com", b"\x04_tcp\x13xn--sportfogads-t7a\x03com\x00"),
        ("straße.de", b"\x0dxn--strae-oqa\x02de\x00"),  # IDNA 2008: not strasse
    ],
)
def test_reads_presentation_form(text: str, wire: bytes) -> None:
    assert from_text(text) == wire


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "a..b",
        ".a",
        "a..",
        "a b.com",
        "http://bet365.com",
        "bet365.com:443",
        "*.bet",
        "\\",
        "a\\25",
        "a\\256",
        "a\x00.com",
        "a\n.com",
        "x" * 64 + ".com",
        ".".join(["x" * 63] * 4),
        "é" * 60 + ".com",
        "-é.com",
        "é\\.com",
        "é" * 1000,
        "\ufffd.com",
        "\ud800.com",
        "xn--é.com",
    ],
)
def test_refuses_what_is_no_name(text: str) -> None:
    with pytest.raises(NameFault) as caught:
        from_text(text)
    assert ";" in str(caught.value), "a fault says what was given; what is allowed"


def test_limits_of_rfc_1035_section_2_3_4() -> None:
    """Labels: 63 octets or less. Names: 255 octets or less."""
    longest = ".".join(["x" * 63] * 3 + ["y" * 61])
    assert len(from_text(longest)) == 255
    with pytest.raises(NameFault, match="256"):
        from_text(longest + "y")
    assert len(from_labels([b"\x00" * 63])) == 65
    with pytest.raises(NameFault, match="63"):
        from_labels([b"\x00" * 64])


@pytest.mark.parametrize(
    "wire",
    [b"", b"\x03com", b"\x03co\x00", b"\x40" + b"a" * 64 + b"\x00", b"\x00\x00", b"\xc0\x0c"],
)
def test_labels_of_refuses_what_is_not_one_whole_name(wire: bytes) -> None:
    with pytest.raises(NameFault):
        labels_of(wire)


@given(reference.names)
def test_text_and_wire_are_two_forms_of_one_name(labels: reference.Labels) -> None:
    wire = from_labels(list(labels))
    assert tuple(labels_of(wire)) == labels
    assert to_text(wire) == (reference.presented(labels) or ".")
    assert from_text(to_text(wire)) == wire


@given(st.text(max_size=300))
def test_text_makes_a_name_or_a_fault_and_nothing_else(text: str) -> None:
    try:
        wire = from_text(text)
    except NameFault:
        return
    assert wire == wire.lower()
    assert from_text(to_text(wire)) == wire


@given(st.binary(max_size=300))
def test_octets_are_a_name_or_a_fault_and_nothing_else(octets: bytes) -> None:
    try:
        labels = labels_of(octets)
    except NameFault:
        return
    assert from_labels(labels) == octets.lower()


def test_unicode_is_for_reading() -> None:
    assert to_unicode(from_text("sportfogadás.com")) == "sportfogadás.com"
    assert to_unicode(b"\x00") == "."
    assert (
        to_unicode(from_labels([b"xn--", b"xn--999999999", b"a b"])) == r"xn--.xn--999999999.a\032b"
    )


@pytest.mark.parametrize(
    ("wire", "spelling"),
    [
        (b"\x00", ("\n.\n", "!")),
        (b"\x03bet\x00", ("\n.bet.\n", "bet.!")),
        (b"\x03www\x06bet365\x03com\x00", ("\n.www.bet365.com.\n", "com.bet365.www.!")),
        (b"\x03WwW\x03A-B\x00", ("\n.www.a-b.\n", "a-b.www.!")),
        (b"\x03a.b\x01\n\x00", ("\n.a\\046b.\\010.\n", "\\010.a\\046b.!")),
    ],
)
def test_spellings(wire: bytes, spelling: tuple[str, str]) -> None:
    assert spell(wire) == Spelling(*spelling)


@given(reference.names)
def test_no_label_can_imitate_a_boundary(labels: reference.Labels) -> None:
    spelling = spell(from_labels(list(labels)))
    written = [reference.escaped(part) for part in labels]
    assert spelling.forward.count("\n") == 2
    assert spelling.forward[1:-1].strip(".").split(".") == (written or [""])
    assert spelling.reverse.split(".") == [*reversed(written), "!"]
