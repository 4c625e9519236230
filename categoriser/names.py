"""Owner names: wire form, presentation form, and the two spellings the category tables search.

Inside Lychgate a name travels as *wire form, lower-cased bytes* (``b"\\x06bet365\\x03com\\x00"``).
``bytes.lower()`` folds ASCII case only (RFC 4343) and cannot touch a length octet, which is 63 at
most and so below ``A``.

The tables do not search raw wire form: the length octets 45 and 48-57 are also the hyphen and the
digits, so the end of the one label ``x0aaa...`` looks like a whole label of 48 octets, and a name
could imitate a boundary. A `Spelling` writes every boundary as a dot and every odd octet as
``\\DDD``, so that no label can contain a dot, a newline or ``!``. This module must not look
anything up.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import idna

MAX_LABEL_OCTETS: Final = 63  # RFC 1035 section 2.3.4
MAX_NAME_OCTETS: Final = 255  # RFC 1035 section 2.3.4, length octets and root included
ROOT: Final = b"\x00"

_PLAIN: Final = b"abcdefghijklmnopqrstuvwxyz0123456789-_"
_ESCAPED: Final = tuple(chr(o) if o in _PLAIN else f"\\{o:03d}" for o in range(256))
_PLAIN_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")


class NameFault(ValueError):
    """This is not a domain name; the message is *what was given; what is allowed*."""


class Spelling(NamedTuple):
    """One name, spelled for searching.

    `forward` is for Aho-Corasick: ``"\\n.www.bet365.com.\\n"``, a dot at every label boundary, a
    newline at both ends. `reverse` is for prefix tries: ``"com.bet365.www.!"``, labels reversed and
    each followed by a dot, ``!`` = the end.
    """

    forward: str
    reverse: str


_ROOT_SPELLING: Final = Spelling("\n.\n", "!")


def spell(wire: bytes) -> Spelling:
    """Both spellings of a well-formed, uncompressed wire name. Hot: under 1.5 microseconds for four
    labels.

    The wire scanner has checked the name already, so nothing is checked here twice; `labels_of`
    does check.
    """
    wire = wire.lower()  # 40 ns, so that a caller who forgot cannot open a way past every list
    labels = []
    start = 1
    size = wire[0]
    while size:
        end = start + size
        label = wire[start:end]
        # bytes.isalnum() is ASCII only and the cheapest test that most labels pass.
        if not label.isalnum() and label.translate(None, _PLAIN):
            return _spell_escaped(wire)
        labels.append(label)
        size = wire[end]
        start = end + 1
    if not labels:
        return _ROOT_SPELLING
    forward = b".".join(labels).decode("ascii")
    labels.reverse()
    # tuple.__new__ saves the 150 ns of the NamedTuple's own constructor.
    return tuple.__new__(Spelling, (f"\n.{forward}.\n", b".".join(labels).decode("ascii") + ".!"))


def from_text(text: str) -> bytes:
    """Presentation form (RFC 1035 section 5.1) to wire form; the final dot may be left out, ``"."``
    is the root.

    Letters outside ASCII are encoded by IDNA 2008 after UTS 46 mapping (non-transitional). In
    ASCII, anything but letters, digits, hyphen and underscore must be escaped (``\\.``, ``\\042``):
    an address or a URL pasted by mistake is refused instead of becoming a name nobody asks for.
    Raises `NameFault`.
    """
    name = text.lower() if text.isascii() else _mapped(text)
    plain = name[:-1] if name.endswith(".") else name
    if len(plain) < MAX_NAME_OCTETS - 1 and _PLAIN_NAME.fullmatch(plain):
        return b"".join([bytes((len(p),)) + p for p in plain.encode("ascii").split(b".")]) + ROOT
    if text == ".":
        return ROOT
    return from_labels(_labels_from_escaped(name, text))


def normal(text: str) -> str:
    """The one way to write this name as text: lower case, ASCII, without the final dot.

    Reads what `from_text` reads, and is quicker for the plain names of long lists: 0.5 microseconds
    instead of 2. Raises `NameFault`.
    """
    if text.isascii():
        name = text.lower()
        plain = name[:-1] if name.endswith(".") else name
        if len(plain) < MAX_NAME_OCTETS - 1 and _PLAIN_NAME.fullmatch(plain):
            return plain
    return to_text(from_text(text))


def from_labels(labels: list[bytes]) -> bytes:
    """Wire form, lower-cased, of these labels (without the root). Raises `NameFault` on the limits
    63 and 255.
    """
    for label in labels:
        if not label:
            raise NameFault(f"{_shown(labels)}: an empty label; each label has 1 to 63 octets")
        if len(label) > MAX_LABEL_OCTETS:
            raise NameFault(f"{_shown(labels)}: a label of {len(label)} octets; allowed is 63")
    wire = b"".join([bytes((len(label),)) + label for label in labels]).lower() + ROOT
    if len(wire) > MAX_NAME_OCTETS:
        raise NameFault(f"{_shown(labels)}: a name of {len(wire)} octets; allowed is 255")
    return wire


def labels_of(wire: bytes) -> list[bytes]:
    """The labels of a wire name, the root left out. Raises `NameFault` unless it is exactly one
    whole name.
    """
    labels = []
    start = 0
    while start < len(wire) and (size := wire[start]):
        if size > MAX_LABEL_OCTETS or start + 1 + size >= len(wire):
            raise NameFault(f"{wire[:64]!r}: label cut short or compressed; a whole name is needed")
        labels.append(wire[start + 1 : start + 1 + size])
        start += 1 + size
    if start != len(wire) - 1 or len(wire) > MAX_NAME_OCTETS:
        raise NameFault(f"{wire[:64]!r}: not one whole name; allowed are 255 octets ending in 0")
    return labels


def to_text(wire: bytes) -> str:
    """Presentation form without the final dot; the root is ``"."``. Odd octets are written
    ``\\DDD``.
    """
    return ".".join([_escape(label) for label in labels_of(wire)]) or "."


def to_unicode(wire: bytes) -> str:
    """For people to read: like `to_text`, with ``xn--`` labels decoded where they are valid IDNA
    2008.
    """
    return ".".join([_readable(_escape(label)) for label in labels_of(wire)]) or "."


def _spell_escaped(wire: bytes) -> Spelling:
    labels = [_escape(label) for label in labels_of(wire)]
    return Spelling(f"\n.{'.'.join(labels)}.\n", f"{'.'.join(reversed(labels))}.!")


def _escape(label: bytes) -> str:
    return "".join([_ESCAPED[octet] for octet in label])


def _readable(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label


def _mapped(text: str) -> str:
    """UTS 46 mapping and IDNA 2008 encoding, label by label; ASCII labels stay, so ``_dmarc`` is no
    fault.
    """
    if "\\" in text:
        raise NameFault(f"{text[:80]!r}: letters outside ASCII and escapes; use one or the other")
    if len(text) > MAX_NAME_OCTETS:  # before the mapping, whose cost grows with the input
        raise NameFault(f"{text[:40]!r}...: {len(text)} characters; a name has at most 253")
    try:
        mapped = idna.uts46_remap(text, std3_rules=False, transitional=False)
        if "\\" in mapped:
            raise NameFault(f"{text[:80]!r}: maps to a backslash; write the name in ASCII")
        labels = [
            label if label.isascii() else idna.alabel(label).decode("ascii")
            for label in mapped.split(".")
        ]
    except (idna.IDNAError, UnicodeError) as fault:
        raise NameFault(f"{text[:80]!r}: {fault}; allowed is a name valid in IDNA 2008") from None
    return ".".join(labels).lower()


def _labels_from_escaped(name: str, given: str) -> list[bytes]:
    labels = []
    label = bytearray()
    position = 0
    while position < len(name):
        character = name[position]
        position += 1
        if character == ".":
            labels.append(bytes(label))
            label.clear()
        elif character == "\\":
            escape = name[position : position + 3]
            if len(escape) == 3 and escape.isdecimal() and int(escape) < 256:
                label.append(int(escape))
                position += 3
            elif escape and not escape[0].isdecimal():
                label.append(ord(escape[0]))
                position += 1
            else:
                raise NameFault(f"{given[:80]!r}: a bad escape; allowed are \\000 to \\255 and \\.")
        elif ord(character) < 128 and ord(character) in _PLAIN:
            label.append(ord(character))
        else:
            raise NameFault(
                f"{given[:80]!r}: {character!r} in a name; "
                "allowed are letters, digits, hyphen, underscore, and escapes such as \\042"
            )
    if label or not labels:  # nothing after the last dot: the root
        labels.append(bytes(label))
    return labels


def _shown(labels: list[bytes]) -> str:
    return repr(".".join([_escape(label) for label in labels])[:80])
