"""Names as an eye reads them: punycode decoded, and letters that only look like others folded.

``xn--csino-4ve.example`` reads *casino* (its *a* is Cyrillic), ``p0ker`` reads ``poker``. A fold
is a guess, and what it finds is evidence for a person, never a match: nothing here may be asked on
the path of a query, and no answer may block.

One symbol can stand for several letters (``1`` for ``l`` or ``i``), so a text folds to a set of
spellings, whose size has a bound. The table of letters is a choice out of Unicode's confusables
(UTS 39), of letters that a domain name may hold; letters with accents need no row, because
normalisation (NFKD) takes the accents off.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Final

SPELLINGS_MAX: Final = 64
"""Spellings of one text; of more the first are given."""
CHARACTERS_MAX: Final = 512
"""Of one text, normalised; what is behind is cut off. One character can become eighteen."""

_PREFIX: Final = "xn--"

_DIGITS: Final = {"0": "o", "1": "li", "3": "e", "4": "a", "5": "s", "7": "t"}
_PAIRS: Final = {"vv": "w", "rn": "m"}
_NUMBER_DIGITS_MIN: Final = 4
"""So many digits in a row are a year, a telephone or an account, and stay as they are: 51079 is not
*slot*."""
_PIECES: Final = re.compile(rf"[0-9]{{{_NUMBER_DIGITS_MIN},}}|vv|rn|.", re.S)

# Each row: an ASCII letter, and letters that are taken for it. A letter in two rows stands for
# either (the Greek nu looks like v and is read as n).
_ROWS: Final = (
    ("a", "аɑαᴀ"),
    ("ae", "æӕ"),
    ("b", "вьъбβßʙɓ"),
    ("c", "сϲᴄɔ"),
    ("d", "ԁđðɗᴅ"),
    ("e", "еєεəɛᴇҽ"),
    ("f", "ƒ"),
    ("g", "ɡԍցɢ"),
    ("h", "һнħհʜ"),
    ("i", "іıɩιɪɨ"),
    ("j", "јϳյᴊ"),
    ("k", "кκƙᴋ"),
    ("l", "ӏłլɫʟǀι"),
    ("m", "мᴍ"),
    ("n", "пηνոɴŋη"),
    ("o", "оοσօøɵᴏө"),
    ("oe", "œ"),
    ("p", "рρþᴘ"),
    ("q", "ԛզ"),
    ("r", "гɾɽʀ"),
    ("s", "ѕςʂꜱƨ"),
    ("ss", "ß"),
    ("t", "тτŧᴛ"),
    ("u", "υսцʉᴜμи"),
    ("v", "ѵνʋᴠ"),
    ("w", "ԝωшщᴡɯ"),
    ("x", "хχҳ"),
    ("y", "уүγυƴʏ"),
    ("z", "зʐƶᴢζ"),
)


def _table() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {key: tuple(letters) for key, letters in _DIGITS.items()}
    for letter, likes in _ROWS:
        for like in likes:
            known = table.get(like, ())
            table[like] = known if letter in known else (*known, letter)
    return table


_LETTERS: Final = _table()


def decode(name: str) -> str:
    """The name (normal form) with its ``xn--`` labels decoded; one that does not decode stays.

    Deliberately laxer than IDNA 2008: what a browser would refuse to show as letters may be
    registered, and is no less a disguise.
    """
    if _PREFIX not in name:
        return name
    return ".".join([_decoded(label) for label in name.split(".")])


def fold(text: str) -> tuple[str, ...]:
    """The spellings in plain letters that this text may be read as; without the text itself.

    At most `SPELLINGS_MAX`: where each symbol on its own gives more, equal symbols are read
    alike, and then the first are given. Characters that look like no letter stay, so that their
    neighbours do not become words.
    """
    if text.isascii() and not _has_something_to_fold(text):
        return ()
    choices = _choices(text)
    if math.prod(map(len, choices)) <= SPELLINGS_MAX:
        found: Iterator[str] = map("".join, product(*choices))
    else:
        found = _read_alike(choices)
    return tuple(dict.fromkeys(one for one in islice(found, SPELLINGS_MAX) if one != text))


def _decoded(label: str) -> str:
    if not label.startswith(_PREFIX):
        return label
    try:
        found = label[len(_PREFIX) :].encode("ascii").decode("punycode")
    except (UnicodeError, OverflowError):
        return label
    return found if found and "." not in found else label  # a dot would make two labels of one


def _has_something_to_fold(text: str) -> bool:
    return not _LETTERS.keys().isdisjoint(text) or any(pair in text for pair in _PAIRS)


def _choices(text: str) -> list[tuple[str, ...]]:
    """For each place of the text the letters it may stand for."""
    choices: list[tuple[str, ...]] = []
    for piece in _PIECES.findall(_plain(text)):
        if len(piece) > 1:
            choices.append((piece,) if piece[0].isdecimal() else (_PAIRS[piece], piece))
        else:
            choices.append(_LETTERS.get(piece, (piece,)))
    return choices


def _plain(text: str) -> str:
    """Lower case, without accents and what else shows nothing, and not longer than allowed.

    A letter of the table is left to it: normalisation would make a sigma of what looks like c.
    """
    kept: list[str] = []
    for letter in text.lower()[:CHARACTERS_MAX]:
        marked = letter if letter in _LETTERS else unicodedata.normalize("NFKD", letter)
        kept += [one for one in marked if not _is_invisible(one)]
    return "".join(kept)[:CHARACTERS_MAX]


def _is_invisible(character: str) -> bool:
    """Accents and the like (M), and joiners that show nothing (Cf)."""
    category = unicodedata.category(character)
    return category[0] == "M" or category == "Cf"


def _read_alike(choices: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Spellings in which places with the same choices are read as the same letter."""
    kinds = list(dict.fromkeys(choices))
    for letters in product(*kinds):
        reading = dict(zip(kinds, letters, strict=True))
        yield "".join([reading[kind] for kind in choices])
