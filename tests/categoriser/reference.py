"""A naive account of what the tables must find: labels compared one by one, nothing clever.

Slow and obvious on purpose. It shares no code with the tables; only `from_labels` makes the names.
"""

from __future__ import annotations

from hypothesis import strategies as st

Labels = tuple[bytes, ...]

# Few labels, so that names and rules meet often; some of them hostile: they spell boundaries,
# escapes, or the end of a name, or have the lengths 45 and 48-57 whose length octets are themselves
# a hyphen and the digits.
FAMILIAR: tuple[bytes, ...] = (
    *(b"com", b"bet", b"bet365", b"co", b"uk", b"www", b"a", b"x_y", b"a-b", b"-", b"0"),
    *(b"casino", b"xcasinox", b"casinocasino", b"porn", b"revengeporn", b"xn--sportfogads-t7a"),
)  # fmt: skip
HOSTILE: tuple[bytes, ...] = (
    b"bet365.com",
    b"\x06bet365\x03com",
    b"\n",
    b"bet\n",
    b".",
    b"!",
    b"com.bet365.!",
    b"\\046",
    b"\\",
    b"\x00",
    b"\xff\xfe",
    b"bet365\x00",
    b"casino.com",
    b"a" * 45,
    b"-" + b"a" * 45,
    *(b"0" * size for size in range(48, 58)),
    *(b"x" + bytes((size,)) + b"a" * size for size in (48, 57)),
    b"z" * 63,
)

any_label = st.binary(min_size=1, max_size=63).map(bytes.lower)
label = st.one_of(st.sampled_from(FAMILIAR), st.sampled_from(HOSTILE), any_label)


def short_enough(labels: Labels) -> bool:
    return sum(len(part) + 1 for part in labels) + 1 <= 255


names = st.lists(label, max_size=6).map(tuple).filter(short_enough)
rule_names = st.lists(label, min_size=1, max_size=3).map(tuple).filter(short_enough)


def presented(labels: Labels) -> str:
    """Presentation form, every octet but letters, digits, hyphen and underscore escaped."""
    return ".".join(escaped(part) for part in labels)


def escaped(part: bytes) -> str:
    plain = b"abcdefghijklmnopqrstuvwxyz0123456789-_"
    return "".join(chr(octet) if octet in plain else f"\\{octet:03d}" for octet in part)


def covers(rule: Labels, name: Labels, exact: bool) -> bool:
    """Whether a domain rule (or an exact one) is about this name."""
    if exact:
        return rule == name
    return len(name) >= len(rule) and name[len(name) - len(rule) :] == rule


def wildcard_covers(rule: Labels, name: Labels, before: bool, after: bool) -> bool:
    """`*.rule`, `rule.*` and `*.rule.*`: one or more labels wherever a star stands."""
    for start in range(len(name) - len(rule) + 1):
        if name[start : start + len(rule)] != rule:
            continue
        labels_after = len(name) - start - len(rule)
        if before and start == 0:
            continue
        if after and labels_after == 0:
            continue
        if not after and labels_after:
            continue
        return True
    return False


def keyword_covers(token: str, exceptions: tuple[str, ...], name: Labels) -> bool:
    """The token inside a label, unless every place of it is covered by an exception."""
    text = presented(name)
    for start in occurrences(token, text):
        if not any(
            place <= start and start + len(token) <= place + len(exception)
            for exception in exceptions
            for place in occurrences(exception, text)
        ):
            return True
    return False


def occurrences(part: str, text: str) -> list[int]:
    return [start for start in range(len(text)) if text[start : start + len(part)] == part]
