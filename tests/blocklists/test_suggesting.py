"""The review queue: what is evidence, how much it weighs, and what never gets in."""

from __future__ import annotations

import ast
import csv
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists import starters, suggesting
from blocklists.sheets import key_of
from blocklists.suggesting import (
    ENDINGS,
    FOLDED_SHARE,
    LIST_WEIGHT,
    Evidence,
    Reviewer,
    Seen,
    asked_counts,
    date_of,
    find_hints,
    suggest,
)
from categoriser.lookalikes import decode
from categoriser.matches import CategoryIndex, Match
from categoriser.names import from_text, normal

DAY = 20_778
ONCE = Seen(1, DAY, DAY)
ROOT = Path(__file__).parents[2]


@cache
def reviewer() -> Reviewer:
    return Reviewer(starters.load_keywords())


@cache
def starter_index() -> CategoryIndex:
    return CategoryIndex((starters.load_table(),))


def find(name: str) -> tuple[Match, ...]:
    return starter_index().categorise(from_text(name))


def evidence(name: str) -> list[tuple[str, str, str]]:
    return [(piece.kind, piece.what, piece.spelt) for piece in reviewer().evidence(normal(name))]


def queue(names: Iterable[str]) -> list[str]:
    seen = {normal(name): ONCE for name in names}
    return [one.name for one in suggest(seen, reviewer(), find)]


# -- What is evidence


@pytest.mark.parametrize(
    ("name", "token", "spelt"),
    [
        ("lucky-casino-7.com", "casino", "plain"),
        ("casino.lucky.co.uk", "casino", "plain"),
        ("casino-bücher.com", "casino", "decoded"),
        ("mein-casíno.de", "casino", "folded"),
        ("c\N{CYRILLIC SMALL LETTER A}sino.com", "casino", "folded"),
        ("p0ker-room.com", "poker", "folded"),
        ("best-s1ots.com", "slot", "folded"),
        ("p0rn-o-rama.com", "porn", "folded"),
        ("t0rrent-corner.com", "torrent", "folded"),
        ("ixb3t-mirror.com", "1xbet", "folded"),
        ("s\N{CYRILLIC SMALL LETTER IE}xy-shop.com", "sex", "folded"),
    ],
)
def test_keywords_are_found_in_every_spelling(name: str, token: str, spelt: str) -> None:
    assert evidence(name) == [("keyword", token, spelt)]


@pytest.mark.parametrize(
    "name",
    [
        "example.com",
        "host.pokerlan",  # nobody's ending
        "casino",
        "casino.lan",
        "bet.br",  # a public suffix itself
        "example.poker",  # the ending is not searched, and nothing was measured for this one
        "5e88ex.com",  # three letters out of digits: any hash has them
        "order-51079.com",  # a number
        "pompier33.fr",  # porn is no pom
        "xn--bcher-kva.com",
        "sussex-learning.com",
        "begambleaware.com",
        "updating-m0dern.com",
        "timeslot-b00kings.com",
    ],
)
def test_what_is_no_evidence(name: str) -> None:
    assert evidence(name) == []


def test_punycode_itself_spells_nothing() -> None:
    """Its letters are a number, in which anything can stand."""
    name = "xn--80aesex.com"
    assert "sex" in name and "sex" not in decode(name)
    assert evidence(name) == []


@pytest.mark.parametrize("name", ["essex1.org", "m1dsussex.org", "revengep0rn.org"])
def test_an_exception_holds_in_look_alikes_as_well(name: str) -> None:
    assert evidence(name) == []


def test_every_ending_is_a_suffix_and_a_category() -> None:
    for ending, says in ENDINGS.items():
        (piece,) = reviewer().evidence(f"plain.{ending}")
        assert (piece.kind, piece.what, piece.category) == ("ending", f".{ending}", says.category)
        assert 0 < piece.weight < 1 and "names listed" in piece.note
    assert evidence("plain.bet.br") == [("ending", ".bet.br", "plain")]


def test_the_precision_of_the_place_counts() -> None:
    def weight(name: str) -> float:
        return reviewer().evidence(name)[0].weight

    assert weight("sex-shop.com") == 0.94
    assert weight("sex-shop.co.uk") == 0.2
    assert weight("our-vpn.org.uk") == 0.1


# -- What it weighs


def test_the_score_is_as_documented() -> None:
    hints = {"p0ker.bet": [Match("gambling", "p0ker.bet", ("ut1:odd",))]}
    judged = Reviewer(starters.load_keywords(), hints).judge("p0ker.bet", Seen(100, DAY, DAY))
    assert judged is not None
    keyword, ending = 0.95 * FOLDED_SHARE, ENDINGS["bet"].weight
    likelihood = 1 - (1 - keyword) * (1 - ending) * (1 - LIST_WEIGHT)
    assert math.isclose(judged.likelihood, likelihood)
    assert math.isclose(judged.score, likelihood * 3)
    assert [piece.kind for piece in judged.evidence] == ["ending", "keyword", "list"]


def test_two_tokens_are_no_two_witnesses() -> None:
    both = reviewer().judge("casino-slots.com", ONCE)
    assert both is not None and len(both.evidence) == 2
    assert both.likelihood == max(piece.weight for piece in both.evidence)


def test_the_category_is_the_likeliest_and_the_rest_is_told() -> None:
    judged = reviewer().judge("vpn-casino.com", ONCE)
    assert judged is not None
    assert judged.category == "gambling"
    assert {piece.category for piece in judged.evidence} == {"gambling", "circumvention-vpn"}


def test_an_allow_list_speaks_for_nothing() -> None:
    """UT1's list of job sites held 30,300 phishing hosts."""
    allowed = [Match("essential", "x.com", ("ut1:jobsearch",))]
    hints = {"x.com": allowed, "casino-x.com": allowed}
    judging = Reviewer(starters.load_keywords(), hints)
    assert judging.judge("x.com", ONCE) is None
    judged = judging.judge("casino-x.com", ONCE)
    assert judged is not None and judged.likelihood == 0.98
    assert judged.evidence[-1] == Evidence("list", "essential", "ut1:jobsearch", 0.0, "lists x.com")


# -- The queue


def test_the_queue_is_ordered_by_score() -> None:
    seen = {
        "casino-rare.com": ONCE,
        "casino-often.com": Seen(1000, DAY - 5, DAY),
        "bingo-rare.com": ONCE,
        "bingo-often.com": Seen(1000, DAY - 5, DAY),
        "harmless.com": Seen(10**9, DAY, DAY),
        "casino-also.com": ONCE,
    }
    found = suggest(seen, reviewer(), find)
    assert [one.name for one in found] == [
        "casino-often.com", "bingo-often.com", "casino-also.com", "casino-rare.com",
        "bingo-rare.com",
    ]  # fmt: skip


def test_what_a_list_knows_is_not_suggested() -> None:
    assert queue(["www.pokerstars.com", "new-casino.com", "some.casino"]) == ["new-casino.com"]
    essential = Match("essential", "new-casino.com", ("starter:essential",))
    assert suggest({"new-casino.com": ONCE}, reviewer(), lambda name: [essential]) == []


def test_what_was_dismissed_is_not_suggested() -> None:
    seen = {"casino-a.com": ONCE, "casino-b.com": ONCE}
    left = suggest(seen, reviewer(), find, is_dismissed=lambda name: name == "casino-a.com")
    assert [one.name for one in left] == ["casino-b.com"]


def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggesting, "SUGGESTIONS_MAX", 2)
    seen = {f"casino-{n}.com": Seen(10**n, DAY, DAY) for n in range(5)}
    assert [one.name for one in suggest(seen, reviewer(), find)] == ["casino-4.com", "casino-3.com"]


def test_json_has_all_the_evidence() -> None:
    (one,) = suggest({"xn--csino-4ve.com": Seen(7, DAY - 2, DAY)}, reviewer(), find)
    told = one.to_json()
    assert json.loads(json.dumps(told)) == told
    assert told["asked"] == 7 and told["first_day"] == date_of(DAY - 2).isoformat()
    assert told["unicode"] == "c\N{CYRILLIC SMALL LETTER A}sino.com"
    (piece,) = told["evidence"]
    assert piece["what"] == "casino" and piece["spelt"] == "folded" and "judged" in piece["note"]


# -- What people need


def essential_names() -> list[str]:
    return [
        pattern.text.lstrip("=*.")
        for pattern, match in starters.load_patterns()
        if match.category == "essential"
    ]


def test_no_essential_name_has_evidence_against_it() -> None:
    """Not even before the lists are asked: every keyword's exceptions, every fold, every ending."""
    names = essential_names()
    assert len(names) > 500
    assert [(name, evidence(name)) for name in names if evidence(name)] == []


def test_no_needed_name_is_suggested(shared: Path) -> None:
    with (shared / "essential_uk.tsv").open(encoding="utf-8") as file:
        names = [row[1] for row in csv.reader(file, delimiter="\t") if row]
    assert len(names) > 150
    assert queue(names) == []


def test_what_lists_say_of_gambling_is_found(shared: Path) -> None:
    """0.799 of listed gambling was measured for 30 tokens; here are those that ship."""
    lines = (shared / "lists/gambling__ut1.domains.txt").read_text("utf-8").split()[::40]
    found = sum(1 for name in lines if reviewer().evidence(normal(name)))
    assert found / len(lines) > 0.5


@given(st.from_regex(r"(xn--)?[a-z0-9-]{1,20}(\.[a-z0-9_-]{1,12}){0,3}", fullmatch=True))
def test_any_name_can_be_judged(name: str) -> None:
    judged = reviewer().judge(name, ONCE)
    if judged is not None:
        assert 0 < judged.likelihood <= 1
        assert judged.evidence


def test_nothing_here_can_block() -> None:
    """Never an automatic block: neither room for it nor a door to it."""
    for module in (
        "blocklists/suggesting.py",
        "blocklists/dismissals.py",
        "lychgate/suggestions.py",
    ):
        tree = ast.parse((ROOT / module).read_text("utf-8"))
        reached = {
            f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert not [path for path in reached if path.startswith("policy.")]
        given = {path.rpartition(".")[2] for path in reached}
        assert not given & {"choices", "compile_sheets", "compile_index", "publish", "encode",
                            "enable", "add", "write_sheet", "SheetBuilder", "exporting",
                            "refreshing", "keeping"}, module  # fmt: skip
    text = (ROOT / "blocklists/suggesting.py").read_text("utf-8")
    assert not re.search(r"\.write|\.replace\(|open\([^)]*w|mkdir|unlink", text)


# -- Lists that may only suggest


@dataclass(frozen=True)
class Listed:
    """What `blocklists.compiling.Part` offers."""

    source_id: str
    category: str
    entries: Path
    allows: Path | None


def sheet(path: Path, *keys: str) -> Path:
    path.write_text("".join(f"{key}\t1\t{DAY}\n" for key in sorted(keys)), "utf-8")
    return path


def test_entries_of_suggesting_lists_are_found_in_one_pass(tmp_path: Path) -> None:
    names = ["a.com", "www.b.co.uk", "c.com", "d.com", "below.d.com", "e.com"]
    first = Listed(
        "ut1:odd", "scams",
        sheet(tmp_path / "1.entries", key_of("a.com"), key_of("b.co.uk"), key_of("c.com", "exact"),
              key_of("d.com", "below"), key_of("com"), key_of("e.com")),
        sheet(tmp_path / "1.allows", key_of("e.com")),
    )  # fmt: skip
    second = Listed("x:other", "adult", sheet(tmp_path / "2.entries", key_of("a.com")), None)
    assert find_hints(names, [first, second]) == {
        "a.com": (Match("scams", "a.com", ("ut1:odd",)), Match("adult", "a.com", ("x:other",))),
        "www.b.co.uk": (Match("scams", "b.co.uk", ("ut1:odd",)),),
        "c.com": (Match("scams", "=c.com", ("ut1:odd",)),),
        "below.d.com": (Match("scams", "*.d.com", ("ut1:odd",)),),
    }


# -- What was counted


def test_counts_of_all_processes_are_added(tmp_path: Path) -> None:
    for number, names in enumerate(
        [{"a.com": [3, DAY - 9, DAY - 1], "B.com": [1, DAY, DAY]}, {"a.com": [2, DAY - 4, DAY]}]
    ):
        (tmp_path / f"{number}.json").write_text(json.dumps({"version": 1, "names": names}))
    assert asked_counts(tmp_path) == {"a.com": Seen(5, DAY - 9, DAY), "b.com": Seen(1, DAY, DAY)}
    assert asked_counts(tmp_path / "none") == {}


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"version": 2, "names": {"x.com": [1, 2, 3]}}', '{"version": 1}',
        '{"version": 1, "names": []}', '{"version": 1, "names": {"x.com": 5}}',
        '{"version": 1, "names": {"x.com": [1, 2]}}',
        '{"version": 1, "names": {"x.com": [1, 2, -3]}}',
        '{"version": 1, "names": {"x.com": [1, 3, 2]}}',
        '{"version": 1, "names": {"x.com": [1, 2, 1e400]}}',
        '{"version": 1, "names": {"x.com": [1, 2, 99999999]}}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_damaged_count_is_left_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.json").write_text(text)
    (tmp_path / "2.json").write_text(
        '{"version": 1, "names": {"good.com": [1, 2, 3], "b d": [1, 2, 3]}}'
    )
    (tmp_path / "3.tmp").write_text('{"version": 1, "names": {"half.com": [1, 2, 3]}}')
    assert asked_counts(tmp_path) == {"good.com": Seen(1, 2, 3)}
