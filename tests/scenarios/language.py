"""The scenario language: from the text of a `.scn` file to a frozen `Scenario`.

Indentation carries the structure: a line at the margin begins an item, what is indented under it
belongs to it. README.md beside this file is the manual. Nothing is played here and nothing judged
beyond syntax; `lint.py` says whether a scenario tests what it seems to test.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
CASES: Final = HERE / "cases"
LAST_STEP: Final = 1_000_000
FLAGS: Final = ("AA", "TC", "RD", "RA", "AD", "CD", "DO")
"""Header flags, and DO of the OPT record."""
BEHAVIOURS: Final = ("SILENCE", "WRONG_ID", "WRONG_NAME", "WRONG_CASE", "GARBAGE", "REFUSES_TCP")
"""What a fake upstream may do besides answering properly."""
REPLY_WORDS: Final = ("RCODE", "FLAGS", "DELAY", "EDE", "ANSWER", "AUTHORITY", "ADDITIONAL")
CHECK_WORDS: Final = (
    *("ANSWER", "AUTHORITY", "ADDITIONAL", "EDE", "SIZE", "AFTER", "ACTION", "CATEGORY"),
    *("STATUS", "SUBNET"),
)
STEP_WORDS: Final = (
    *("QUERY", "PACKET", "CHECK_ANSWER", "CHECK_OUT_QUERY", "TIME_PASSES", "SWAP_SNAPSHOT"),
)


class ScenarioFault(ValueError):
    """A file that is no scenario; the message is *file:line: what was given; what is allowed*."""


@dataclass(frozen=True)
class Line:
    """One line and all that is indented under it."""

    where: str
    text: str
    below: tuple[tuple[str, str], ...] = ()
    """(where, text) of the indented lines, the common indentation taken off."""

    @property
    def word(self) -> str:
        return self.text.split(None, 1)[0]

    @property
    def rest(self) -> str:
        return self.text.partition(" ")[2].strip()

    @property
    def raw(self) -> str:
        """What is below as it was written: TOML, for instance."""
        return "\n".join(text for _, text in self.below)

    def fault(self, allowed: str) -> ScenarioFault:
        return ScenarioFault(f"{self.where}: {self.text!r}; {allowed}")


@dataclass(frozen=True)
class Config:
    """What Lychgate is given. In a swap, a field left out keeps what was there before."""

    policy: str | None = None
    """The name of a file in `policies/`."""
    policy_more: str = ""
    """TOML that is put behind it."""
    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(category, entries)."""
    settings: tuple[tuple[str, str], ...] = ()
    forwards: tuple[tuple[str, str], ...] = ()
    """(zone, upstream)."""


@dataclass(frozen=True)
class FakeReply:
    """What one fake upstream answers to one question during some steps."""

    where: str
    upstream: str
    name: str
    """`*` for every name."""
    rtype: str
    """`*` for every type."""
    first: int = 0
    last: int = LAST_STEP
    transport: str = ""
    """`udp` or `tcp` only; both when empty."""
    rcode: str = "NOERROR"
    flags: frozenset[str] = frozenset()
    delay_seconds: float = 0.0
    behaviour: str = ""
    records: tuple[tuple[str, str], ...] = ()
    """(section, record in presentation form)."""
    errors: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Query:
    """A question, or raw octets, from a client."""

    name: str = ""
    rtype: str = ""
    rclass: str = "IN"
    opcode: str = "QUERY"
    flags: frozenset[str] = frozenset()
    edns: int | None = None
    subnet: str = ""
    """EDNS client subnet, as in `10.1.2.3/32`."""
    option: str = ""
    """One more EDNS option: `code=text`, or `code=0xHEX`."""
    client: str = "127.20.3.5"
    transport: str = "udp"
    octets: bytes | None = None
    repeat: int = 1


@dataclass(frozen=True)
class Check:
    """What the answer must be; every field that is not None is compared."""

    of: int | None
    silence: bool = False
    rcode: str = ""
    flags: frozenset[str] = frozenset()
    sections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """ANSWER is always compared; the others when the scenario names them."""
    errors: tuple[tuple[int, str], ...] = ()
    """(EDE code, part of its text); always compared where the query had EDNS."""
    size_max: int | None = None
    subnet: str | None = None
    """EDNS client subnet and scope as dnspython writes them; "" for none."""
    after: tuple[float, float] | None = None
    """Seconds between query and answer: at least, at most."""
    action: str | None = None
    category: str | None = None
    status: str | None = None


@dataclass(frozen=True)
class OutQuery:
    """A question that must have left for an upstream."""

    name: str
    rtype: str
    upstream: str = ""
    transport: str = ""
    flags: frozenset[str] | None = None


@dataclass(frozen=True)
class OutCheck:
    """All that left since the last such check, in order; or some of it."""

    queries: tuple[OutQuery, ...]
    some: bool = False


@dataclass(frozen=True)
class Step:
    """One numbered step; `does` is what its kind says."""

    where: str
    number: int
    kind: str
    does: Query | Check | OutCheck | float | Config


@dataclass(frozen=True)
class Scenario:
    """One file."""

    path: Path
    title: str
    guards: tuple[str, ...]
    config: Config
    clock: str | None
    """Local time in London at which it begins; None when any time will do."""
    upstreams: tuple[str, ...]
    replies: tuple[FakeReply, ...]
    steps: tuple[Step, ...]
    ended: bool
    after_end: bool

    @property
    def id(self) -> str:
        return str(self.path.relative_to(CASES).with_suffix(""))


def load() -> list[Scenario]:
    """Every scenario of the corpus, in the order of its files."""
    return [read(path.read_text("utf-8"), path) for path in sorted(CASES.rglob("*.scn"))]


def read(text: str, path: Path) -> Scenario:
    """Read one file, or raise `ScenarioFault`."""
    title, clock, ended, after_end = "", None, False, False
    guards: list[str] = []
    upstreams: list[str] = []
    replies: list[FakeReply] = []
    steps: list[Step] = []
    config: list[Line] = []
    for line in _lines([(f"{path.name}:{n}", t) for n, t in enumerate(text.splitlines(), 1)]):
        after_end = after_end or ended
        match line.word:
            case "TITLE":
                title = line.rest
            case "GUARDS":
                guards.append(" ".join([line.rest, *(t.strip() for _, t in line.below)]))
            case "CLOCK":
                clock = line.rest
            case "UPSTREAM":
                name, found = _upstream(line)
                if name not in upstreams:
                    upstreams.append(name)
                replies += found
            case "STEP":
                steps.append(_step(line))
            case "END":
                ended = True
            case "POLICY" | "LIST" | "SET" | "FORWARD":
                config.append(line)
            case _:
                raise line.fault(
                    "use TITLE, GUARDS, CLOCK, POLICY, LIST, SET, FORWARD, UPSTREAM, STEP or END"
                )
    return Scenario(
        path, title, tuple(guards), _config(config), clock, tuple(upstreams) or ("main",),
        tuple(replies), tuple(steps), ended, after_end,
    )  # fmt: skip


def _lines(numbered: list[tuple[str, str]]) -> list[Line]:
    """Group lines by indentation; comments and empty lines at the margin are left out."""
    found: list[tuple[str, str, list[tuple[str, str]]]] = []
    for where, text in numbered:
        if text[:1] in (" ", "\t"):
            if not found:
                raise ScenarioFault(f"{where}: nothing to belong to; begin at the margin")
            found[-1][2].append((where, text))
        elif text.strip() and not text.startswith("#"):
            found.append((where, text.rstrip(), []))
        elif found and not text.strip():
            found[-1][2].append((where, ""))
    return [Line(where, text, _dedent(below)) for where, text, below in found]


def _dedent(lines: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    while lines and not lines[-1][1].strip():
        lines.pop()
    margin = min((len(t) - len(t.lstrip()) for _, t in lines if t.strip()), default=0)
    return tuple((where, text[margin:].rstrip()) for where, text in lines)


def _config(lines: list[Line]) -> Config:
    policy, more = None, ""
    lists, settings, forwards = [], [], []
    for line in lines:
        if line.word == "POLICY":
            policy, more = line.rest, line.raw
        elif line.word == "LIST":
            category, entries = line.rest.split(None, 1)
            lists.append((category, tuple(entries.split())))
        elif line.word == "SET":
            word, separator, value = line.rest.partition("=")
            if not separator:
                raise line.fault("use SET setting = value")
            settings.append((word.strip(), value.strip()))
        else:
            zone, to, upstream = line.rest.split()
            if to != "to":
                raise line.fault("use FORWARD zone to upstream")
            forwards.append((zone, upstream))
    return Config(policy, more, tuple(lists), tuple(settings), tuple(forwards))


def _upstream(line: Line) -> tuple[str, list[FakeReply]]:
    """`UPSTREAM name [STEPS a-b]`, below it `ASK name type [over udp|tcp]` and what is answered."""
    found = re.fullmatch(r"(\S+)(?: STEPS (\d+)-(\d+))?", line.rest)
    if not found:
        raise line.fault("use UPSTREAM name, or UPSTREAM name STEPS 10-20")
    name = found[1]
    first, last = int(found[2] or 0), int(found[3] or LAST_STEP)
    return name, [_fake_reply(ask, name, first, last) for ask in _lines(list(line.below))]


def _fake_reply(line: Line, upstream: str, first: int, last: int) -> FakeReply:
    words = line.text.split()
    if words[0] != "ASK" or len(words) not in (3, 5):
        raise line.fault("use ASK name type, or ASK name type over udp|tcp")
    rcode, delay, behaviour = "NOERROR", 0.0, ""
    flags: frozenset[str] = frozenset()
    records, errors = [], []
    for entry in _lines(list(line.below)):
        if entry.word in BEHAVIOURS:
            behaviour = entry.word
        elif entry.word == "RCODE":
            rcode = entry.rest
        elif entry.word == "FLAGS":
            flags = frozenset(entry.rest.split())
        elif entry.word == "DELAY":
            delay = float(entry.rest)
        elif entry.word == "EDE":
            errors.append(_error(entry))
        elif entry.word in ("ANSWER", "AUTHORITY", "ADDITIONAL"):
            records.append((entry.word, entry.rest))
        else:
            raise entry.fault(f"use one of {', '.join((*REPLY_WORDS, *BEHAVIOURS))}")
    return FakeReply(
        line.where, upstream, words[1], words[2], first, last,
        words[4] if len(words) == 5 else "", rcode, flags, delay, behaviour,
        tuple(records), tuple(errors),
    )  # fmt: skip


def _error(line: Line) -> tuple[int, str]:
    words = shlex.split(line.rest)
    return int(words[0]), words[1] if len(words) > 1 else ""


def _step(line: Line) -> Step:
    """`STEP number KIND ...`."""
    words = line.text.split(None, 3)
    if len(words) < 3 or not words[1].isdigit() or words[2] not in STEP_WORDS:
        raise line.fault(f"use STEP number, and one of {', '.join(STEP_WORDS)}")
    rest = words[3] if len(words) > 3 else ""
    does: Query | Check | OutCheck | float | Config
    match words[2]:
        case "QUERY":
            does = _query(line, rest)
        case "PACKET":
            does = _packet(line, rest)
        case "CHECK_ANSWER":
            does = _check(line, rest)
        case "CHECK_OUT_QUERY":
            does = _out_check(line, rest)
        case "TIME_PASSES":
            does = float(rest)
        case _:
            does = _config(_lines(list(line.below)))
    return Step(line.where, int(words[1]), words[2], does)


def _query(line: Line, rest: str) -> Query:
    name, rtype, *words = rest.split()
    plain, options = _options(
        line, words, ("from", "over", "class", "opcode", "times", "subnet", "option")
    )
    flags, edns = set(), None
    for word in plain:
        if word == "EDNS" or word.startswith("EDNS="):
            edns = int(word[5:] or 1232)
        elif word in FLAGS:
            flags.add(word)
        else:
            raise line.fault(f"use EDNS, EDNS=octets, or flags: {', '.join(FLAGS)}")
    if edns is None and ("DO" in flags or "subnet" in options or "option" in options):
        edns = 1232
    return Query(
        name, rtype, options.get("class", "IN"), options.get("opcode", "QUERY"),
        frozenset(flags), edns, options.get("subnet", ""), options.get("option", ""),
        options.get("from", Query.client),
        options.get("over", "udp"), None, int(options.get("times", 1)),
    )  # fmt: skip


def _packet(line: Line, rest: str) -> Query:
    """Octets in hexadecimal; `name:www.example.com` stands for a name in wire form."""
    _, options = _options(line, rest.split(), ("from", "over"))
    octets = b""
    for _, text in line.below:
        for word in text.partition("#")[0].split():
            if word.startswith("name:"):
                labels = [label.encode() for label in word[5:].split(".") if label]
                octets += b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
            else:
                octets += bytes.fromhex(word)
    return Query(
        client=options.get("from", Query.client),
        transport=options.get("over", "udp"),
        octets=octets,
    )


def _options(
    line: Line, words: list[str], allowed: tuple[str, ...]
) -> tuple[list[str], dict[str, str]]:
    plain, options = [], {}
    rest = iter(words)
    for word in rest:
        if word in allowed:
            options[word] = next(rest, "")
        else:
            plain.append(word)
    if not all(options.values()):
        raise line.fault(f"a word must follow each of {', '.join(allowed)}")
    return plain, options


def _check(line: Line, rest: str) -> Check:
    words, options = _options(line, rest.split(), ("of",))
    of = int(options["of"]) if "of" in options else None
    if words == ["SILENCE"]:
        return Check(of, silence=True)
    if not words or any(word not in FLAGS for word in words[1:]):
        raise line.fault(f"use SILENCE, or an rcode and flags out of {', '.join(FLAGS)}")
    sections: dict[str, list[str]] = {"ANSWER": []}
    found: dict[str, object] = {}
    errors = []
    for entry in _lines(list(line.below)):
        match entry.word:
            case "ANSWER" | "AUTHORITY" | "ADDITIONAL":
                records = sections.setdefault(entry.word, [])
                if entry.rest != "NONE":
                    records.append(entry.rest)
            case "EDE":
                errors.append(_error(entry))
            case "SUBNET":
                found["subnet"] = entry.rest.removeprefix("NONE")
            case "SIZE":
                found["size_max"] = int(entry.rest.removeprefix("<="))
            case "AFTER":
                low, _, high = entry.rest.partition("-")
                found["after"] = (float(low), float(high))
            case "ACTION" | "CATEGORY" | "STATUS":
                found[entry.word.lower()] = entry.rest
            case _:
                raise entry.fault(f"use one of {', '.join(CHECK_WORDS)}")
    return Check(
        of,
        rcode=words[0],
        flags=frozenset(words[1:]),
        sections={section: tuple(records) for section, records in sections.items()},
        errors=tuple(errors),
        **found,  # type: ignore[arg-type]
    )


def _out_check(line: Line, rest: str) -> OutCheck:
    some = rest.startswith("SOME")
    texts = [rest.removeprefix("SOME").strip(), *(text for _, text in line.below)]
    queries = []
    for text in filter(None, texts):
        if text == "NONE":
            continue
        name, rtype, *words = text.split()
        plain, options = _options(line, words, ("to", "over"))
        flags = frozenset(plain) if plain else None
        queries.append(OutQuery(name, rtype, options.get("to", ""), options.get("over", ""), flags))
    return OutCheck(tuple(queries), some)
