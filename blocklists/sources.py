"""Sources: where lists come from, what their words mean here, and how far each one is trusted.

`sources.toml` beside this module is the catalogue: publishers, and under them their lists. A list
inherits what its publisher says (licence, attribution, what it is good and bad for). What one
installation adds, changes and enables is a matter of `blocklists.choices`. Here tables are read,
checked as a whole and frozen; nothing is fetched and nothing is decided.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from blocklists import formats
from categoriser import names
from categoriser import taxonomy as taxonomies
from categoriser.taxonomy import Taxonomy

Trust = Literal["block", "suggest"]
"""May its entries block, or only be shown to a person who decides?"""

ID_PATTERN: Final = re.compile(r"[a-z0-9-]{1,40}:[a-z0-9._-]{1,60}")
REFRESH_HOURS_MIN: Final = 0.25
REFRESH_HOURS_MAX: Final = 24.0 * 366
NAMES_MAX: Final = 2_000  # in `expect` and in `drop`: more is another list, not a correction
LABELS_MAX: Final = 500  # in `categories`
TEXT_MAX: Final = 2_000  # characters of any text


class SourceFault(ValueError):
    """Everything wrong at once, one line each: *where: what was given; what is allowed*."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who makes lists, and on what terms. Texts are for people; `cadence` is what was seen."""

    id: str
    title: str
    homepage: str
    licence: str
    attribution: str = ""
    redistribution: str = ""
    cadence: str = ""
    good: str = ""
    bad: str = ""
    left_out: str = ""
    """Lists of this publisher that are not in the catalogue, and why."""


@dataclass(frozen=True, slots=True)
class Source:
    """One list that can be loaded.

    `url` or `file` says where it is; with neither it is a template, which an installation
    completes (`template`). `categories` gives, for the list's own word, our category; the word ""
    stands for every line whose word is not given, and is all that a list of one category has.
    `format` "" means detected by content. The limits are shares, 0.3 is 30 %: how much a version
    may shrink or grow against the last good one, how many of its lines may be broken, how much of
    it other lists may have under an unrelated category.
    """

    id: str
    title: str
    publisher: str
    categories: Mapping[str, str]
    homepage: str = ""
    url: str = ""
    file: str = ""
    format: str = ""
    licence: str = ""
    attribution: str = ""
    redistribution: str = ""
    refresh_hours: float = 24.0
    trust: Trust = "block"
    good: str = ""
    bad: str = ""
    typical_entries: int | None = None
    shrink_max: float = 0.30
    growth_max: float = 1.0
    reject_max: float = 0.05
    overlap_max: float = 0.20
    expect: tuple[str, ...] = ()
    """Essentials and canaries that this list names by definition: no reason to hold it."""
    drop: tuple[str, ...] = ()
    """Entries known to be wrong: left out at reading, and counted."""
    credential: str = ""
    """Path of a file with lines `Header: value`, or one line `user:password`."""
    allow_http: bool = False
    url_checked: bool = False
    """Was this address seen in the publisher's own material, or is it from general knowledge?"""
    enabled: bool = False

    @property
    def template(self) -> bool:
        """It says what the list means, not yet where it is."""
        return not self.url and not self.file

    def locked(self, taxonomy: Taxonomy) -> tuple[str, ...]:
        """Those of its categories that nobody can switch off, sorted."""
        return tuple(sorted({word for word in self.categories.values() if taxonomy[word].locked}))

    def to_json(self) -> dict[str, Any]:
        """For programs, with every key."""
        return {**dataclasses.asdict(self), "categories": dict(self.categories)}


class Catalogue(Mapping[str, Source]):
    """Source id -> `Source`, in the order of the file, and who publishes them. Immutable."""

    def __init__(
        self, sources: Mapping[str, Source], publishers: Mapping[str, Publisher] | None = None
    ) -> None:
        self._sources = dict(sources)
        self.publishers: Mapping[str, Publisher] = dict(publishers or {})

    def __getitem__(self, key: str) -> Source:
        return self._sources[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def load(taxonomy: Taxonomy | None = None) -> Catalogue:
    """The catalogue that ships with Lychgate. Raises `SourceFault`."""
    text = resources.files("blocklists").joinpath("sources.toml").read_text(encoding="utf-8")
    return parse(text, taxonomy or taxonomies.load())


def parse(text: str, taxonomy: Taxonomy, where: str = "sources.toml") -> Catalogue:
    """Read and check a catalogue. Raises `SourceFault` with every fault in it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise SourceFault([f"{where}: {fault}; a TOML document is needed"]) from None
    faults = [
        f"{where}: {key!r}; allowed are [publisher.ID] and [source.ID]"
        for key in document
        if key not in ("publisher", "source")
    ]
    for key in ("publisher", "source"):
        if not isinstance(document.setdefault(key, {}), dict):
            faults.append(f"{where}: {key} = {shown(document[key])}; allowed is [{key}.ID]")
            document[key] = {}
    publishers: dict[str, Publisher] = {}
    for word, keys in document["publisher"].items():
        found = table_faults(f"{where}: publisher {word}", keys, PUBLISHER_KEYS)
        faults += found
        if not found:
            publishers[word] = Publisher(id=word, **keys)
    sources: dict[str, Source] = {}
    for word, keys in document["source"].items():
        at = f"{where}: source {word}"
        publisher = publishers.get(word.partition(":")[0])
        if publisher is None:
            faults.append(f"{at}: its publisher has no sound [publisher.{word.partition(':')[0]}]")
            continue
        source, found = make(word, {**inherited(publisher), **keys}, taxonomy, at)
        faults += found
        if source is not None:
            sources[word] = source
    if faults:
        raise SourceFault(faults)
    return Catalogue(sources, publishers)


def inherited(publisher: Publisher) -> dict[str, Any]:
    """The keys that a list has from its publisher unless it says otherwise."""
    shared = ("homepage", "licence", "attribution", "redistribution", "good", "bad")
    return {"publisher": publisher.title, **{key: getattr(publisher, key) for key in shared}}


def make(
    word: str, keys: Mapping[str, Any], taxonomy: Taxonomy, at: str
) -> tuple[Source | None, list[str]]:
    """A source from a table of TOML, or every fault of the table. `category` means `categories`
    with one entry. `enabled` is no key: it is chosen elsewhere.
    """
    faults = []
    if not ID_PATTERN.fullmatch(word):
        faults.append(f"{at}: the id {word!r}; allowed is PUBLISHER:LIST in small letters")
    faults += table_faults(at, keys, SOURCE_KEYS)
    if not faults:
        faults = [f"{at}: {fault}" for fault in _contradictions(keys, taxonomy)]
    if faults:
        return None, faults
    values: dict[str, Any] = {"publisher": ""}
    for key, value in keys.items():
        if key == "category":
            values["categories"] = {"": value}
        elif key == "categories":  # formats give labels in small letters
            values[key] = {label.lower(): category for label, category in value.items()}
        else:
            values[key] = tuple(value) if isinstance(value, list) else value
    return Source(id=word, **values), []


@dataclass(frozen=True, slots=True)
class _Key:
    """What one key of a table may hold, for the check and for the message."""

    kinds: tuple[type, ...]
    allowed: str
    check: Callable[[Any], bool] = field(default=lambda value: True)
    required: bool = False


def _is_text(value: str) -> bool:
    return len(value) <= TEXT_MAX and value.isprintable()


def _is_name(value: object) -> bool:
    try:
        return isinstance(value, str) and names.normal(value) == value
    except names.NameFault:
        return False


def _are_names(values: list[object]) -> bool:
    return len(values) <= NAMES_MAX and all(_is_name(value) for value in values)


def _are_labels(labels: dict[str, object]) -> bool:
    return 0 < len(labels) <= LABELS_MAX and all(isinstance(word, str) for word in labels.values())


_TEXT: Final = _Key((str,), f"a text of at most {TEXT_MAX} characters", _is_text)
_NEEDED: Final = dataclasses.replace(
    _TEXT, check=lambda text: bool(text) and _is_text(text), required=True
)
_PATH: Final = dataclasses.replace(_TEXT, allowed="a path, from the folder of this file")
_SHARE: Final = _Key((int, float), "a share from 0 to 1", lambda share: 0 <= share <= 1)
_NAMES: Final = _Key(
    (list,), f"at most {NAMES_MAX} domain names in small letters, without a final dot", _are_names
)
_SWITCH: Final = _Key((bool,), "true or false")

PUBLISHER_KEYS: Final[Mapping[str, _Key]] = {
    **dict.fromkeys(("title", "homepage", "licence"), _NEEDED),
    **dict.fromkeys(("attribution", "redistribution", "cadence", "good", "bad", "left_out"), _TEXT),
}
SOURCE_KEYS: Final[Mapping[str, _Key]] = {
    "title": _NEEDED,
    "publisher": _TEXT,
    "homepage": _TEXT,
    "url": dataclasses.replace(_TEXT, allowed="https://HOST/PATH"),
    "file": _PATH,
    "format": dataclasses.replace(_TEXT, allowed="the word of a format"),
    "category": dataclasses.replace(_TEXT, allowed="the id of a category"),
    "categories": _Key(
        (dict,), f"a table of at most {LABELS_MAX} words, each with a category", _are_labels
    ),
    "licence": _TEXT,
    "attribution": _TEXT,
    "redistribution": _TEXT,
    "refresh_hours": _Key(
        (int, float),
        f"hours from {REFRESH_HOURS_MIN:g} to {REFRESH_HOURS_MAX:g}",
        lambda hours: REFRESH_HOURS_MIN <= hours <= REFRESH_HOURS_MAX,
    ),
    "trust": _Key((str,), " or ".join(get_args(Trust)), lambda trust: trust in get_args(Trust)),
    "good": _TEXT,
    "bad": _TEXT,
    "typical_entries": _Key((int,), "a whole number above 0", lambda count: count > 0),
    "shrink_max": _SHARE,
    "growth_max": _Key(
        (int, float), "a share of 0 or more; 1.0 is twice as many", lambda share: 0 <= share <= 1000
    ),
    "reject_max": _SHARE,
    "overlap_max": _SHARE,
    "expect": _NAMES,
    "drop": _NAMES,
    "credential": _PATH,
    "allow_http": _SWITCH,
    "url_checked": _SWITCH,
}


def table_faults(at: str, table: object, known: Mapping[str, _Key]) -> list[str]:
    """Unknown keys, missing keys and values out of bounds in one table."""
    if not isinstance(table, Mapping):
        return [f"{at}: {table!r}; a table is needed"]
    faults = []
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"allowed are {', '.join(known)}"
            faults.append(f"{at}: {key} is not a known key; {hint}")
    for key, rule in known.items():
        if key not in table:
            if rule.required:
                faults.append(f"{at}: {key} is missing; {rule.allowed} is needed")
        elif type(table[key]) not in rule.kinds or not rule.check(table[key]):
            faults.append(f"{at}: {key} = {shown(table[key])}; allowed is {rule.allowed}")
    return faults


def unknown(word: str, known: Collection[str]) -> str:
    """What to say of an id that is none of these."""
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    near += [one for one in sorted(known) if one.partition(":")[2] == word and one not in near]
    hint = f"did you mean {', '.join(near)}?" if near else "`lychgate lists sources` has all"
    return f"{word} is not known; {hint}"


def shown(value: object) -> str:
    """A value for a message, never longer than a line."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _contradictions(keys: Mapping[str, Any], taxonomy: Taxonomy) -> Iterator[str]:
    """Values that are each sound, and not together, or not in this taxonomy."""
    if ("category" in keys) == ("categories" in keys):
        yield "category and categories; exactly one of them is needed"
    found = dict(keys.get("categories", {}))
    if "category" in keys:
        found[""] = keys["category"]
    for word, category in found.items():
        if category not in taxonomy:
            near = taxonomy.nearest(category)
            allowed = f"allowed are {', '.join(taxonomy)}"
            hint = f"did you mean {', '.join(near)}?" if near else allowed
            yield f"category {category!r}{f' for {word!r}' if word else ''}; {hint}"
        elif taxonomy[category].essential and keys.get("trust", "block") != "suggest":
            yield (
                f"category {category!r} with trust = block; allowed is trust = suggest only:"
                " one such list held 30,300 phishing hosts in 2026"
            )
        elif taxonomy[category].locked and keys.get("trust", "block") != "block":
            yield f"trust = suggest; a list of the locked category {category!r} has trust = block"
    if keys.get("url") and keys.get("file"):
        yield "url and file; allowed is one of them"
    if keys.get("url"):
        yield from url_faults(keys["url"], http_allowed=keys.get("allow_http", False))
    if keys.get("format") and keys["format"] not in formats.names():
        yield f"format = {shown(keys['format'])}; allowed are {', '.join(formats.names())}"


def url_faults(url: str, *, http_allowed: bool) -> Iterator[str]:
    """What is wrong with an address to fetch a list from."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # raises for a port that is none
    except ValueError as fault:
        yield f"url = {shown(url)}: {fault}; allowed is https://HOST/PATH"
        return
    if parts.username is not None or parts.password is not None:
        yield "url has a user name or password in it; allowed is credential = FILE"
    elif parts.scheme == "http" and not http_allowed:
        yield f"url = {shown(url)}; allowed is https, or http with allow_http = true"
    elif parts.scheme not in ("https", "http") or not host or re.search(r"\s", url):
        yield f"url = {shown(url)}; allowed is https://HOST/PATH"
    elif parts.fragment:
        yield f"url = {shown(url)}; allowed is an address without #"
