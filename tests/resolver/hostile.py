"""What a stranger may send: five ways to make octets that are nearly a DNS message.

Random, mutated, truncated, spliced out of two good messages, and a soup of labels, lengths and
compression pointers behind a header whose counts promise anything. All tests that hold "no octets
may raise" draw from here.
"""

from __future__ import annotations

import string
import struct
from collections.abc import Sequence

from hypothesis import strategies as st

LABELS = st.binary(min_size=1, max_size=63)
NAMES = (
    st.lists(LABELS, max_size=6)
    .map(lambda labels: b"".join(bytes([len(label)]) + label for label in labels) + b"\0")
    .filter(lambda wire: len(wire) <= 255)
)
"""Names in wire form, any octet in their labels."""
HOST_NAMES = st.lists(
    st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=20),
    min_size=1,
    max_size=5,
).map(".".join)
"""Names as people write them, in any case."""

_COUNTS = st.sampled_from([0, 1, 2, 3, 5, 255, 512, 513, 65535])
_HEADERS = st.builds(
    struct.pack,
    st.just(">HHHHHH"),
    st.integers(0, 65535),
    st.sampled_from([0x0100, 0x0000, 0x8180, 0x8580, 0x2800, 0x0120]) | st.integers(0, 65535),
    st.just(1) | _COUNTS,
    _COUNTS,
    _COUNTS,
    _COUNTS,
)
_TYPES = [1, 2, 5, 6, 12, 16, 28, 39, 41, 64, 65, 250, 251, 252, 255, 256, 65535]
_SOUP = st.one_of(
    LABELS.map(lambda label: bytes([len(label)]) + label),
    st.just(b"\0"),
    st.just(b"\xc0\x0c"),
    st.integers(0xC000, 0xFFFF).map(lambda pointer: pointer.to_bytes(2)),
    st.integers(64, 255).map(lambda octet: bytes([octet])),
    st.builds(
        struct.pack,
        st.just(">HHIH"),
        st.sampled_from(_TYPES),
        st.sampled_from([1, 3, 512, 1232]),
        st.sampled_from([0, 60, 0x8000, 0x00010000, 0xFFFFFFFF]),
        st.sampled_from([0, 1, 2, 4, 8, 16, 22, 40, 65535]),
    ),
    st.binary(max_size=40),
)


def packets(good: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Octets made of these good messages, and of nothing."""
    return st.one_of(
        st.binary(max_size=600),
        st.sampled_from(good).flatmap(_mutated),
        st.builds(lambda octets, at: octets[:at], st.sampled_from(good), st.integers(0, 600)),
        st.builds(
            lambda one, at, other, behind: one[:at] + other[behind:],
            st.sampled_from(good),
            st.integers(0, 200),
            st.sampled_from(good),
            st.integers(0, 200),
        ),
        st.builds(
            lambda header, soup: header + b"".join(soup), _HEADERS, st.lists(_SOUP, max_size=20)
        ),
    )


@st.composite
def _mutated(draw: st.DrawFn, octets: bytes) -> bytes:
    changed = bytearray(octets)
    for _ in range(draw(st.integers(1, 4))):
        changed[draw(st.integers(0, len(changed) - 1))] = draw(
            st.sampled_from([0, 1, 0x3F, 0x40, 0xC0, 0xFF]) | st.integers(0, 255)
        )
    return bytes(changed)
